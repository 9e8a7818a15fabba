//! Rules broken on purpose, so that the simulator can show that its checkers see it.

use crate::consistency::majority;

/// The honest rules by default; the feature `sim` has constructors for broken ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    votes_short: u8,
    votes_extra: u8,
    pub(super) forgets_stragglers: bool,
    pub(super) older_wins: bool,
}

impl Sabotage {
    /// Votes taken for a majority of `replica_count`.
    pub(super) const fn majority(self, replica_count: usize) -> usize {
        majority(replica_count) + self.votes_extra as usize - self.votes_short as usize
    }
}

#[cfg(feature = "sim")]
impl Sabotage {
    const HONEST: Self = Self {
        votes_short: 0,
        votes_extra: 0,
        forgets_stragglers: false,
        older_wins: false,
    };
    /// One vote less than a majority decides.
    pub const MAJORITY_MINUS_ONE: Self = Self {
        votes_short: 1,
        ..Self::HONEST
    };
    /// More votes are wanted than a majority.
    pub const MAJORITY_PLUS_TWO: Self = Self {
        votes_extra: 2,
        ..Self::HONEST
    };
    /// Replies after the decision are thrown away: what they show is never repaired.
    pub const FORGETS_STRAGGLERS: Self = Self {
        forgets_stragglers: true,
        ..Self::HONEST
    };
    /// The oldest version wins.
    pub const OLDER_WINS: Self = Self {
        older_wins: true,
        ..Self::HONEST
    };
}
