//! What must hold in every run: one file for each rule, and what they share.

pub(super) mod bounds;
pub(super) mod deadline;
pub(super) mod durability;
pub(super) mod expiry;
pub(super) mod handoff;
pub(super) mod order;
pub(super) mod service;
pub(super) mod sloppy;

use super::scenario::Scenario;

/// A broken rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
    /// When, in nanoseconds since the start.
    pub at: u64,
}

/// What the rules need to know of a run besides its history.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) violations: Vec<Violation>,
    /// How often a host lost its memory.
    pub(super) kills: u32,
    /// So many did at a time that no majority kept it: nothing was promised.
    pub(super) majority_lost: bool,
    /// Hints were refused or dropped, so that replicas may differ until they are read.
    pub(super) hints_missing: bool,
    client_queue_max: usize,
    client_queue_cap: usize,
}

impl Check {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            client_queue_cap: bounds::client_queue_cap(scenario),
            ..Self::default()
        }
    }

    /// Bytes that a client's connection holds after a send.
    pub(super) fn client_queue(&mut self, unsent: usize) {
        self.client_queue_max = self.client_queue_max.max(unsent);
    }
}
