//! The store behind the same door: bytes of a command in, bytes of its reply out.

use std::time::{SystemTime, UNIX_EPOCH};

use ringlab_core::command::Command;
use ringlab_core::ids::PeerId;
use ringlab_core::resp::{Parsed, Protocol, RequestParser};
use ringlab_core::store::{Exec, Origin, Store, StoreConfig};
use ringlab_core::version::{HybridClock, Version};

use crate::theirs::encode;

pub(crate) struct Ours {
    store: Store,
    clock: Option<HybridClock>,
    protocol: Protocol,
}

impl Ours {
    /// As a node on its own has it: no versions, no tombstones.
    pub(crate) fn plain() -> Self {
        Self {
            store: Store::new(StoreConfig {
                seed: 1,
                keep_tombstones: false,
                gc_grace_ms: 0,
            }),
            clock: None,
            protocol: Protocol::Resp2,
        }
    }

    /// As a replica has it: each write stamped, each delete remembered.
    pub(crate) fn versioned() -> Self {
        Self {
            store: Store::new(StoreConfig {
                seed: 2,
                keep_tombstones: true,
                gc_grace_ms: 60_000,
            }),
            clock: Some(HybridClock::new(PeerId(0))),
            ..Self::plain()
        }
    }

    pub(crate) fn in_resp3(self) -> Self {
        Self {
            protocol: Protocol::Resp3,
            ..self
        }
    }

    pub(crate) fn run(&mut self, command: &[Vec<u8>]) -> Vec<u8> {
        let frame = encode(command);
        let mut parser = RequestParser::default();
        let len = frame.len();
        assert_eq!(parser.parse(&frame), Parsed::Request { len });
        let request = parser.request(&frame);
        let wall_ms = wall_ms();
        let mut out = Vec::new();
        match Command::resolve(&request) {
            Ok(command) => {
                let stamp = |clock: &mut HybridClock| clock.tick(wall_ms);
                let exec = Exec {
                    wall_ms,
                    version: self.clock.as_mut().map_or(Version::NEVER, stamp),
                    protocol: self.protocol,
                    origin: Origin::Client,
                };
                self.store.execute(command, request, exec, &mut out);
            }
            Err(refusal) => refusal.write(&request, &mut out),
        }
        out
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "deadlines are compared with those of a real server"
)]
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("the clock is past 1970").as_millis() as u64
}
