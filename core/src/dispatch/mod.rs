//! From a parsed request to the peers that must see it. Pure: no socket, no clock, no lock.
//!
//! The planner speaks in peer indices; strings were resolved when the topology was built. What it
//! returns is carried through the fan-out into the coalescer: neither resolves anything again.

mod config;
mod plan;
mod split;
#[cfg(test)]
mod tests;

pub use config::{BucketType, DispatchConfig, Rule};
pub use plan::{Disagreement, PlanInput, plan, shadow_disagreement};
pub use split::Split;

use smallvec::SmallVec;

use crate::consistency::{Consistency, majority};
use crate::ids::PeerId;
use crate::limits::REPLICAS_INLINE;

/// How a peer stands, as this node sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerState {
    /// Catching up: written to, not read from.
    Joining,
    /// Serving.
    Normal,
    /// Not reachable, or silent.
    Down,
    /// Going away: gets no new requests, its writes are hinted.
    Leaving,
    /// Not heard of yet.
    #[default]
    Unknown,
}

impl PeerState {
    /// Whether a write is sent to it; otherwise it is hinted.
    #[must_use]
    pub const fn takes_writes(self) -> bool {
        matches!(self, Self::Normal | Self::Joining)
    }

    /// Whether a read is sent to it.
    #[must_use]
    pub const fn takes_reads(self) -> bool {
        matches!(self, Self::Normal)
    }

    /// The name in metrics and on the ring page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Normal => "normal",
            Self::Down => "down",
            Self::Leaving => "leaving",
            Self::Unknown => "unknown",
        }
    }
}

/// What a request asks of the planner beyond its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoutingTag {
    /// Plan by consistency.
    #[default]
    Default,
    /// This node only (D4).
    LocalNodeOnly,
    /// The replicas of every datacenter, whatever the level (D11).
    AllNodesAllRacksAllDcs,
    /// A peer sent it: never planned again (D15).
    Relayed,
    /// A peer of another datacenter sent it to be passed on to the racks of this one (D12).
    ForwardToRacks,
}

/// What is done for one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The request is sent, or executed when the target is this node.
    Send,
    /// The write is kept for it.
    Hint,
}

/// One peer of a fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who.
    pub peer: PeerId,
    /// Its datacenter's index in the topology.
    pub datacenter: u8,
    /// Sent or hinted.
    pub action: Action,
    /// Whether its answer counts toward the threshold. Others are asynchronous.
    pub waited: bool,
    /// Whether it passes the write on to the other racks of its datacenter (D12).
    pub forward: bool,
}

/// The peers of one request; on the stack up to [`REPLICAS_INLINE`].
pub type Targets = SmallVec<[Target; REPLICAS_INLINE]>;

/// How many replicas of a key each datacenter has by configuration (D6), whether up or not, after
/// the cap of the bucket type (D13). Thresholds count these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// This node's datacenter.
    pub local_datacenter: u8,
    /// Replicas by datacenter index.
    pub by_datacenter: SmallVec<[u16; REPLICAS_INLINE]>,
}

impl Configured {
    /// Replicas of that datacenter.
    #[must_use]
    pub fn count(&self, datacenter: u8) -> usize {
        let count = self.by_datacenter.get(usize::from(datacenter));
        usize::from(count.copied().unwrap_or(0))
    }

    /// Replicas of the local datacenter.
    #[must_use]
    pub fn local(&self) -> usize {
        self.count(self.local_datacenter)
    }
}

/// A request for several peers, or for one that is not this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fanout {
    /// Local datacenter first. Never empty.
    pub targets: Targets,
    /// The level, resolved (D5).
    pub consistency: Consistency,
    /// What thresholds count.
    pub configured: Configured,
}

impl Fanout {
    /// Acknowledgements without which the client gets no answer: at least so many replicas, at
    /// `DC_EACH_SAFE_QUORUM` of all datacenters together.
    #[must_use]
    pub fn acks_wanted(&self) -> usize {
        match self.consistency {
            Consistency::DcOne => 1,
            Consistency::DcQuorum | Consistency::DcSafeQuorum => majority(self.configured.local()),
            Consistency::DcEachSafeQuorum => {
                let counts = self.configured.by_datacenter.iter();
                let present = counts.filter(|&&count| count > 0);
                present.map(|&count| majority(usize::from(count))).sum()
            }
        }
    }

    /// The target, when it is the only one and its answer alone decides: forwarded without a
    /// coalescer (S1).
    #[must_use]
    pub fn single(&self) -> Option<Target> {
        match self.targets[..] {
            [only] if only.waited && only.action == Action::Send && self.acks_wanted() == 1 => {
                Some(only)
            }
            _ => None,
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Executed by this node alone.
    Local,
    /// Sent, and the answers coalesced.
    Replicas(Fanout),
    /// No peer can take it (D3, D8, D9); counted under these labels.
    NoTargets {
        /// This node's datacenter, an index.
        datacenter: u8,
        /// This node's rack, an index within the datacenter.
        rack: u8,
        /// The level asked for.
        consistency: Consistency,
    },
    /// Swallowed: answered by the connection itself (D1).
    Drop,
}
