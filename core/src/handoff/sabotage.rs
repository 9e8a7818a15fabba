//! Rules broken on purpose, so that the simulator can show that its checkers see it.

/// Honest by default; the feature `sim` has constructors for broken rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    pub(super) forgets_unconfirmed: bool,
    pub(super) keeps_nothing: bool,
    pub(super) unbounded: bool,
}

#[cfg(feature = "sim")]
impl Sabotage {
    const HONEST: Self = Self {
        forgets_unconfirmed: false,
        keeps_nothing: false,
        unbounded: false,
    };
    /// Hints leave the store when they are sent, acknowledged or not.
    pub const FORGETS_UNCONFIRMED: Self = Self {
        forgets_unconfirmed: true,
        ..Self::HONEST
    };
    /// Hints are said to be kept and are not.
    pub const KEEPS_NOTHING: Self = Self {
        keeps_nothing: true,
        ..Self::HONEST
    };
    /// Hints are kept beyond the bounds.
    pub const UNBOUNDED: Self = Self {
        unbounded: true,
        ..Self::HONEST
    };
}
