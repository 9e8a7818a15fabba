//! The store against a real redis-server: random commands, replies compared byte for byte.
//!
//! Runs where `redis-server` 7.0 is on the PATH (`ci/test` installs it) and says so where it is
//! not. Compared loosely are only the replies that tell the time left, and the order of KEYS and
//! SCAN, which has no meaning.

mod generator;
mod ours;
mod theirs;

use generator::{Generator, Likeness};
use ours::Ours;
use theirs::Redis;

/// Commands sent before replies are read.
const BATCH_LEN: usize = 200;
const BATCH_COUNT: usize = 100;

type Command = Vec<Vec<u8>>;

#[test]
fn replies_are_those_of_redis() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    for seed in 1..=10 {
        compare(&mut redis, Ours::plain(), seed);
        compare(&mut redis, Ours::versioned(), seed + 100);
    }
}

#[test]
fn replies_are_those_of_redis_in_resp3() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let hello = redis.ask(&[vec![b"HELLO".to_vec(), b"3".to_vec()]]);
    assert!(hello[0].starts_with(b"%"));
    compare(&mut redis, Ours::plain().in_resp3(), 7);
}

#[test]
fn scans_meet_the_same_keys() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let mut ours = Ours::versioned();
    let filling: Vec<Command> = (0..3_000)
        .map(|number| {
            vec![
                b"SET".to_vec(),
                format!("k:{number}").into_bytes(),
                b"v".to_vec(),
            ]
        })
        .collect();
    redis.ask(&filling);
    for command in &filling {
        ours.run(command);
    }
    for options in [
        "",
        "COUNT 100",
        "MATCH k:*7? COUNT 50",
        "TYPE string",
        "TYPE list",
    ] {
        let theirs = whole_scan(&mut |command| redis.ask(&[command]).remove(0), options);
        let own = whole_scan(&mut |command| ours.run(&command), options);
        assert_eq!(own, theirs, "SCAN {options}");
    }
}

fn compare(redis: &mut Redis, mut ours: Ours, seed: u64) {
    let mut generator = Generator::new(seed);
    redis.ask(&[vec![b"FLUSHALL".to_vec()]]);
    for batch in 0..BATCH_COUNT {
        let commands: Vec<Command> = (0..BATCH_LEN).map(|_| generator.command()).collect();
        let theirs = redis.ask(&commands);
        for (index, (command, expected)) in commands.iter().zip(&theirs).enumerate() {
            let reply = ours.run(command);
            let alike = generator::likeness(command).holds(&reply, expected);
            assert!(
                alike,
                "seed {seed}, command {index} of batch {batch}: {}\n ours  {}\n redis {}\n{}",
                shown(command),
                reply.escape_ascii(),
                expected.escape_ascii(),
                history(&commands[..index], command),
            );
        }
    }
}

/// What the batch did to the same keys before.
fn history(before: &[Command], command: &Command) -> String {
    let touches = |earlier: &&Command| earlier[1..].iter().any(|arg| command[1..].contains(arg));
    before
        .iter()
        .filter(touches)
        .map(|earlier| format!("  {}\n", shown(earlier)))
        .collect()
}

fn shown(command: &Command) -> String {
    let args: Vec<String> = command
        .iter()
        .map(|arg| format!("\"{}\"", arg.escape_ascii()))
        .collect();
    args.join(" ")
}

/// The keys of a whole scan, sorted, each once.
fn whole_scan(ask: &mut dyn FnMut(Command) -> Vec<u8>, options: &str) -> Vec<String> {
    let mut cursor = "0".to_owned();
    let mut keys = Vec::new();
    loop {
        let line = format!("SCAN {cursor} {options}");
        let reply = ask(line
            .split_whitespace()
            .map(|word| word.as_bytes().to_vec())
            .collect());
        let reply = String::from_utf8(reply).expect("keys of the test are text");
        let mut lines = reply.split("\r\n");
        cursor = lines.nth(2).expect("a cursor").to_owned();
        keys.extend(lines.skip(2).step_by(2).map(str::to_owned));
        if cursor == "0" {
            keys.retain(|key| !key.is_empty());
            keys.sort();
            keys.dedup();
            return keys;
        }
    }
}

impl Likeness {
    fn holds(self, ours: &[u8], theirs: &[u8]) -> bool {
        match self {
            Self::Exact => ours == theirs,
            Self::AnyOrder => sorted_bulks(ours) == sorted_bulks(theirs),
            Self::SameKind if theirs.starts_with(b"-") => ours == theirs,
            Self::SameKind => {
                ours[0] == theirs[0] && (ours == b"$-1\r\n") == (theirs == b"$-1\r\n")
            }
            Self::Within(slack) => match (integer(ours), integer(theirs)) {
                (Some(ours), Some(theirs)) if ours > 0 && theirs > 0 => {
                    ours.abs_diff(theirs) <= slack
                }
                _ => ours == theirs,
            },
        }
    }
}

fn integer(reply: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(reply).ok()?;
    text.strip_prefix(':')?.trim_end().parse().ok()
}

/// The elements of an array of bulk strings. Keys of the test hold no `$` after a line end.
fn sorted_bulks(reply: &[u8]) -> Vec<Vec<u8>> {
    let text: String = reply.iter().map(|&byte| char::from(byte)).collect();
    let mut parts: Vec<Vec<u8>> = text
        .split("\r\n$")
        .map(|part| part.trim_end().into())
        .collect();
    parts.sort();
    parts
}
