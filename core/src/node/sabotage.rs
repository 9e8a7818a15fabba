//! Rules broken on purpose, so that the simulator can show that its checkers see it.

use super::connections::Client;
use crate::{coalesce, handoff};

/// Which rules a node breaks; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    /// Of coalescing.
    pub votes: coalesce::Sabotage,
    /// Of handoff.
    pub hints: handoff::Sabotage,
    /// A reply takes the first free place on its connection instead of its request's (S5).
    pub unordered: bool,
    /// Deadlines pass unnoticed (S4).
    pub timeless: bool,
}

impl Sabotage {
    /// The place that the reply to the request at `slot` goes to.
    pub(super) fn place(self, slot: u64, client: &Client) -> u64 {
        if self.unordered {
            client.oldest_waiting()
        } else {
            slot
        }
    }
}
