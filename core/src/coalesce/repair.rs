//! What the answers of one read tell of replicas that lag behind, and what to do about it.
//!
//! Decided once per request, when all targets have answered or failed, so that a straggler's
//! newer value is spread and its older one overwritten. The receiver compares versions: a repair
//! never overwrites something newer.

use super::judge::Verdict;
use super::replicas::{Ballot, PeerList, ReplicaCoalescer, Slot, Versions};
use crate::ids::PeerId;
use crate::version::Version;

/// One key to be brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairKey {
    /// Holds the newest state: this node whenever it is one of those that do.
    pub source: PeerId,
    /// Of that state. The state at the source may be newer by now, which is as good.
    pub version: Version,
    /// Those that answered otherwise.
    pub stale: PeerList,
}

/// What a finished request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// All who answered hold the same, or the level does not repair.
    Nothing,
    /// The request's one key.
    Key(RepairKey),
    /// Some of the request's several keys: each must be read alone to know which.
    EachKey,
}

impl ReplicaCoalescer {
    /// The targets whose answer differs from the winner's in bytes or version, sorted (C10).
    /// Empty before the decision, at `DC_ONE` (C3) and where no reply won.
    #[must_use]
    pub fn divergent(&self) -> PeerList {
        match self.verdict {
            Some(Verdict::Value { ballot, .. }) if self.consistency.repairs() => {
                self.others(ballot)
            }
            _ => PeerList::new(),
        }
    }

    /// What to repair, with everything that has been answered so far; to be asked when
    /// [`all_in`](Self::all_in). Reads at a quorum level with versions only, failed ones too:
    /// else a divided safe read would stay divided. `local` is this node.
    #[must_use]
    pub fn repair(&self, local: PeerId) -> Repair {
        if self.asked.write || !self.consistency.repairs() || self.is_uniform() {
            return Repair::Nothing;
        }
        let Some((source, ballot)) = self.newest(local) else {
            return Repair::Nothing;
        };
        let stale = self.others(ballot);
        match self.asked.versions {
            _ if stale.is_empty() => Repair::Nothing,
            Versions::None => Repair::Nothing,
            Versions::Mixed => Repair::EachKey,
            Versions::Key => Repair::Key(RepairKey {
                source,
                version: ballot.version,
                stale,
            }),
        }
    }

    /// Whether all replies are the same in bytes and version: the usual case.
    fn is_uniform(&self) -> bool {
        let mut ballots = self.slots.iter().filter_map(Slot::ballot);
        let first = ballots.next();
        ballots.all(|ballot| Some(ballot) == first)
    }

    /// Those that answered, but not this.
    fn others(&self, ballot: Ballot) -> PeerList {
        let versioned = self.asked.versions != Versions::None;
        let differs = |other: Ballot| {
            other.class != ballot.class || (versioned && other.version != ballot.version)
        };
        let differing = self
            .slots
            .iter()
            .filter(|slot| slot.ballot().is_some_and(differs));
        let mut peers: PeerList = differing.map(|slot| slot.peer).collect();
        peers.sort_unstable();
        peers
    }
}
