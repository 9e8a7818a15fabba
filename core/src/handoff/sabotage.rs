//! A rule broken on purpose, so that the simulator can show that its checkers see it.

/// Honest by default; the feature `sim` has a constructor for the broken rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    pub(super) forgets_unconfirmed: bool,
}

#[cfg(feature = "sim")]
impl Sabotage {
    /// Hints leave the store when they are sent, acknowledged or not.
    pub const FORGETS_UNCONFIRMED: Self = Self {
        forgets_unconfirmed: true,
    };
}
