//! The store through its front door: stories of commands and replies, versions, convergence.

mod collections;
mod commands;
mod convergence;
mod versions;

use crate::command::Command;
use crate::resp::{Parsed, Protocol, RequestParser};
use crate::store::{Exec, Origin, Outcome, Store, StoreConfig};
use crate::version::Version;

/// 2024-01-01, in Unix milliseconds.
const START_MS: u64 = 1_704_067_200_000;
const GRACE_MS: u64 = 60_000;

/// A store, and what the next command is carried out with.
struct Desk {
    store: Store,
    exec: Exec,
}

impl Desk {
    fn new(keep_tombstones: bool) -> Self {
        let config = StoreConfig {
            seed: 42,
            keep_tombstones,
            gc_grace_ms: GRACE_MS,
        };
        let exec = Exec {
            wall_ms: START_MS,
            version: Version::NEVER,
            protocol: Protocol::Resp2,
            origin: Origin::Client,
        };
        Self {
            store: Store::new(config),
            exec,
        }
    }

    /// Carries out a command given as a line, with quotes as in redis-cli.
    fn run(&mut self, line: &str) -> (String, Outcome) {
        let frame = format!("{line}\r\n").into_bytes();
        let mut parser = RequestParser::default();
        let parsed = parser.parse(&frame);
        assert!(
            matches!(parsed, Parsed::Request { .. }),
            "{line}: {parsed:?}"
        );
        let request = parser.request(&frame);
        let mut out = Vec::new();
        let outcome = match Command::resolve(&request) {
            Ok(command) => self.store.execute(command, request, self.exec, &mut out),
            Err(refusal) => {
                refusal.write(&request, &mut out);
                Outcome::default()
            }
        };
        (String::from_utf8_lossy(&out).into_owned(), outcome)
    }

    /// [`run`](Self::run) with a version made at so many ms after the start.
    fn run_at(&mut self, version: Version, line: &str) -> (String, Outcome) {
        self.exec.version = version;
        self.run(line)
    }

    /// Tells a story: `> command`, then its reply line by line; `~ 500` lets time pass,
    /// `(empty)` is an empty line.
    fn tell(&mut self, story: &str) {
        let mut lines = story
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .peekable();
        while let Some(line) = lines.next() {
            if let Some(ms) = line.strip_prefix("~ ") {
                self.exec.wall_ms += ms.parse::<u64>().unwrap();
                continue;
            }
            let command = line.strip_prefix("> ").expect("a story's step");
            let (reply, _) = self.run(command);
            let mut expected = String::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with(['>', '~'])) {
                expected.push_str(if line == "(empty)" { "" } else { line });
                expected.push_str("\r\n");
            }
            assert_eq!(reply, expected, "{command}");
        }
    }
}

/// A stamp of this many ms after the start.
fn version(ms: u64) -> Version {
    let mut clock = crate::version::HybridClock::new(crate::ids::PeerId(1));
    clock.tick(START_MS + ms)
}
