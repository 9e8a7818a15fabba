//! Hints: a write kept for a peer that is away, and its delivery.

use std::hint::black_box;

use ringlab_core::handoff::{Hint, HintKind, HintStore, Limits};
use ringlab_core::ids::PeerId;
use ringlab_core::time::Now;
use ringlab_core::version::Version;

use super::Suite;
use crate::case::{Case, Subject, Wrong};
use crate::fixtures::{NOW, key, request};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "handoff",
    question: "What does it cost to keep a write for an absent peer, and to deliver it?",
    cases,
};

const PEER: PeerId = PeerId(1);

/// Hints that are kept before they leave again.
const BATCH: u64 = 200;

fn cases() -> Vec<Case> {
    let case = |id: &str, leave: Leave| {
        let case = Case::new(id, move || Hints::new(leave)).operations(2 * BATCH);
        case.allocates_nothing()
    };
    vec![
        case("handoff/enqueue/set-64B", Leave::ByAge),
        case("handoff/drain/set-64B", Leave::ByDelivery),
    ]
}

/// How hints leave the store. Dropping those that are too old costs next to nothing, so that the
/// first row is about enqueuing; the second has a poll and an acknowledgement for each hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    ByAge,
    ByDelivery,
}

/// Batches of hints that come and leave.
struct Hints {
    store: HintStore,
    leave: Leave,
    write: Vec<u8>,
    now: Now,
    /// What was enqueued, delivered or dropped in all.
    came: u64,
    delivered: u64,
}

impl Hints {
    fn new(leave: Leave) -> Self {
        let limits = Limits {
            drain_bytes_per_s: u64::MAX / 1_000_000_000,
            ttl_ms: 1_000,
            ..Limits::default()
        };
        let mut store = HintStore::new(limits, 3);
        if leave == Leave::ByDelivery {
            store.resume(PEER);
        }
        Self {
            store,
            leave,
            write: request(&[b"SET", &key(16), &[b'v'; 64]]),
            now: NOW,
            came: 0,
            delivered: 0,
        }
    }

    fn enqueue(&mut self) {
        self.came += 1;
        let hint = Hint {
            kind: HintKind::Operation,
            version: Version(self.came),
            bytes: black_box(&self.write),
        };
        black_box(self.store.enqueue(PEER, hint, self.now)).expect("a batch fits");
    }

    fn empty(&mut self) {
        match self.leave {
            Leave::ByAge => {
                self.now = self.now.plus_ms(1_000);
                self.store.sweep(self.now);
            }
            Leave::ByDelivery => {
                self.now = self.now.plus_ms(1);
                while let Some(delivery) = self.store.poll(self.now) {
                    let ticket = delivery.ticket;
                    self.delivered += u64::from(black_box(delivery.hint.bytes) == self.write);
                    self.store.acknowledge(PEER, ticket);
                }
            }
        }
    }
}

impl Subject for Hints {
    fn run(&mut self, operations: u64) {
        for number in 1..=operations {
            self.enqueue();
            if number % BATCH == 0 || number == operations {
                self.empty();
            }
        }
    }

    fn check(&mut self) -> Result<(), Wrong> {
        let gauges = self.store.gauges(PEER, self.now);
        let left = match self.leave {
            Leave::ByAge => gauges.expired,
            Leave::ByDelivery => gauges.delivered.min(self.delivered),
        };
        Wrong::unless_equal(&(left, gauges.stored, gauges.refused), &(self.came, 0, 0))
    }
}
