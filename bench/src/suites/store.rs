//! The embedded store: one command on a store of 10,000 keys.

use ringlab_core::command::Command;
use ringlab_core::resp::{ArgRange, Parsed, Protocol, Request, RequestParser};
use ringlab_core::store::{Exec, Origin, Store, StoreConfig};
use ringlab_core::version::Version;

use super::Suite;
use crate::case::{Case, Subject, Wrong};

/// What a command costs once its request is parsed.
pub const SUITE: Suite = Suite {
    name: "store",
    question: "How many instructions is a command on the embedded store, reply included?",
    cases,
};

const KEY_COUNT: u64 = 10_000;
const VALUE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// 2024-01-01, in Unix milliseconds.
const WALL_MS: u64 = 1_704_067_200_000;

fn cases() -> Vec<Case> {
    let hit = format!("${}\r\n{VALUE}\r\n", VALUE.len());
    let row = |id: &'static str, command: &'static str, reply: String| {
        Case::new(id, move || Repeated::new(command, &reply)).allocates_nothing()
    };
    vec![
        row("store/get/64B", "GET key:{}", hit),
        row("store/get/absent", "GET none:{}", "$-1\r\n".to_owned()),
        row("store/set/64B", "SET key:{} {value}", "+OK\r\n".to_owned()),
        row("store/exists/hit", "EXISTS key:{}", ":1\r\n".to_owned()),
        row("store/strlen/hit", "STRLEN key:{}", ":64\r\n".to_owned()),
    ]
}

/// A parsed request, as the node has it.
struct Parts {
    frame: Vec<u8>,
    args: Vec<ArgRange>,
}

impl Parts {
    fn new(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let mut frame = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            frame.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        let mut parser = RequestParser::default();
        let parsed = parser.parse(&frame);
        assert!(matches!(parsed, Parsed::Request { .. }), "{line}");
        let args = parser.request(&frame).ranges().to_vec();
        Self { frame, args }
    }

    fn request(&self) -> Request<'_> {
        Request::new(&self.frame, &self.args)
    }
}

/// One command again and again, on ever other keys.
struct Repeated {
    store: Store,
    command: &'static Command,
    requests: Vec<Parts>,
    clock: u64,
    out: Vec<u8>,
    expected: String,
}

impl Repeated {
    fn new(template: &str, reply: &str) -> Self {
        let line = |key: u64| {
            template
                .replace("{}", &key.to_string())
                .replace("{value}", VALUE)
        };
        let mut repeated = Self {
            store: Store::new(StoreConfig {
                seed: 42,
                keep_tombstones: true,
                gc_grace_ms: 60_000,
            }),
            command: named("SET"),
            requests: (0..KEY_COUNT)
                .map(|key| Parts::new(&format!("SET key:{key} {VALUE}")))
                .collect(),
            clock: 1,
            out: Vec::new(),
            expected: reply.to_owned(),
        };
        repeated.run(KEY_COUNT);
        let name = template.split(' ').next().unwrap_or(template);
        repeated.command = named(name);
        repeated.requests = (0..100).map(|at| Parts::new(&line(at * 97))).collect();
        repeated
    }
}

fn named(name: &str) -> &'static Command {
    Command::lookup(name.as_bytes()).expect("the suite names commands that exist")
}

impl Subject for Repeated {
    fn run(&mut self, operations: u64) {
        for (parts, _) in self.requests.iter().cycle().zip(0..operations) {
            self.out.clear();
            self.clock += 1;
            let exec = Exec {
                wall_ms: WALL_MS,
                version: Version(self.clock),
                protocol: Protocol::Resp2,
                origin: Origin::Client,
            };
            self.store
                .execute(self.command, parts.request(), exec, &mut self.out);
        }
    }

    fn check(&mut self) -> Result<(), Wrong> {
        let reply = String::from_utf8_lossy(&self.out).into_owned();
        Wrong::unless_equal(&reply, &self.expected)
    }
}
