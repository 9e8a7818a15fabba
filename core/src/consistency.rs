//! Consistency levels: how many replicas must answer before the client does.

use serde::Serialize;

/// The level of one request, resolved once by the planner (D5) and carried from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Consistency {
    /// One replica of the local datacenter.
    #[default]
    DcOne,
    /// A majority of the local datacenter's replicas.
    DcQuorum,
    /// Every local replica that was sent to, in agreement, and a majority of those configured.
    DcSafeQuorum,
    /// Every datacenter complete and unanimous.
    DcEachSafeQuorum,
}

impl Consistency {
    /// All levels in configuration order; the index is the row in tables by level.
    pub const ALL: [Self; 4] = [
        Self::DcOne,
        Self::DcQuorum,
        Self::DcSafeQuorum,
        Self::DcEachSafeQuorum,
    ];

    /// The name in the configuration file and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DcOne => "DC_ONE",
            Self::DcQuorum => "DC_QUORUM",
            Self::DcSafeQuorum => "DC_SAFE_QUORUM",
            Self::DcEachSafeQuorum => "DC_EACH_SAFE_QUORUM",
        }
    }

    /// The level of that name, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }

    /// Whether divergence found at this level is repaired.
    #[must_use]
    pub const fn repairs(self) -> bool {
        !matches!(self, Self::DcOne)
    }
}

/// Votes that make a majority of `replica_count`.
#[must_use]
pub const fn majority(replica_count: usize) -> usize {
    replica_count / 2 + 1
}
