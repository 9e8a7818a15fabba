//! Who is where: datacenters of racks of peers, and which peers hold a key.
//!
//! Every rack holds the whole key space once, split among its peers by the configured
//! distribution; a key's replica set has one peer of every rack. The tables are immutable: a
//! change builds new ones. States of peers are not kept here, they change far too often.

mod build;
mod error;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use smallvec::SmallVec;

pub use error::TopologyError;

use crate::distribution::{Distribution, DistributionKind, Token};
use crate::hash::{HashKind, tag_range};
use crate::ids::PeerId;
use crate::limits::REPLICAS_INLINE;

/// A peer as the configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSpec {
    /// `host:port`, unique in the ring.
    pub name: String,
    /// Its datacenter's name.
    pub datacenter: String,
    /// Its rack's name.
    pub rack: String,
    /// Its points on its rack's ring.
    pub tokens: Vec<Token>,
    /// Its share relative to its rack's other peers, at least 1.
    pub weight: u32,
}

/// A peer and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `host:port`.
    pub name: String,
    /// Index into [`Topology::datacenters`].
    pub datacenter: u8,
    /// Index into its datacenter's racks.
    pub rack: u8,
    /// Its points on its rack's ring.
    pub tokens: Vec<Token>,
    /// Its share relative to its rack's other peers.
    pub weight: u32,
}

/// One copy of the key space, split among `peers`.
#[derive(Clone, Debug)]
pub struct Rack {
    /// Its name, unique in its datacenter.
    pub name: String,
    /// Its peers, by name: the distribution's claimants in their order.
    pub peers: Vec<PeerId>,
    /// From a key's hash to an index into `peers`.
    pub distribution: Arc<dyn Distribution>,
}

/// Racks that are near each other.
#[derive(Clone, Debug)]
pub struct Datacenter {
    /// Its name.
    pub name: String,
    /// Its racks, by name.
    pub racks: Vec<Rack>,
    /// The rack that gets a remote write and forwards it to the others (D12): the one named as
    /// this node's rack, else the first.
    pub preselected_rack: u8,
}

/// A peer that should hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Who.
    pub peer: PeerId,
    /// Index into [`Topology::datacenters`].
    pub datacenter: u8,
    /// Index into the datacenter's racks.
    pub rack: u8,
}

/// A key's replicas: the local datacenter's first, then by datacenter, each by rack.
pub type ReplicaSet = SmallVec<[Replica; REPLICAS_INLINE]>;

/// What places keys, the same on every node of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// From tag range to number.
    pub hash: HashKind,
    /// From number to a rack's peer.
    pub distribution: DistributionKind,
    /// The bytes around the part of a key that is hashed.
    pub hash_tag: Option<[u8; 2]>,
}

impl Placement {
    /// The hash of the key's tag range, as the distribution takes it.
    fn hash_of(&self, key: &[u8]) -> u64 {
        let tag = tag_range(key, self.hash_tag);
        if tag.is_empty() && self.distribution.row().empty_key_is_zero {
            0
        } else {
            self.hash.hash(tag)
        }
    }
}

/// The ring's tables. Peers are sorted by (datacenter, rack, name), so that an id means the same
/// peer on every node.
#[derive(Clone, Debug)]
pub struct Topology {
    placement: Placement,
    peers: Vec<Peer>,
    datacenters: Vec<Datacenter>,
    local: PeerId,
    walk: Vec<Step>,
    shadow: Option<Shadow>,
}

/// One rack on the way to a replica set. A rack's peers have consecutive ids.
#[derive(Clone, Debug)]
struct Step {
    first: u16,
    datacenter: u8,
    rack: u8,
    distribution: Arc<dyn Distribution>,
}

/// A second placing over the same racks (D7).
#[derive(Clone, Debug)]
struct Shadow {
    placement: Placement,
    walk: Vec<Step>,
}

impl Topology {
    /// The peers that should hold `key`: one of every rack. Nothing is allocated for up to
    /// [`REPLICAS_INLINE`] racks.
    #[must_use]
    pub fn replicas(&self, key: &[u8]) -> ReplicaSet {
        replicas_along(&self.walk, self.hash(key))
    }

    /// What [`Topology::replicas`] would be under the shadow placing, if there is one.
    #[must_use]
    pub fn shadow_replicas(&self, key: &[u8]) -> Option<ReplicaSet> {
        let shadow = self.shadow.as_ref()?;
        Some(replicas_along(&shadow.walk, shadow.placement.hash_of(key)))
    }

    /// What the shadow would place keys by, if there is one.
    #[must_use]
    pub fn shadow(&self) -> Option<Placement> {
        self.shadow.as_ref().map(|shadow| shadow.placement)
    }

    /// The hash that places `key`, as the distribution takes it.
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.placement.hash_of(key)
    }

    /// What places keys.
    #[must_use]
    pub const fn placement(&self) -> Placement {
        self.placement
    }

    /// Every peer; the index is its [`PeerId`].
    #[must_use]
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// The peer of that id.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> &Peer {
        &self.peers[id.index()]
    }

    /// The id of the peer of that name.
    #[must_use]
    pub fn peer_named(&self, name: &str) -> Option<PeerId> {
        (0..)
            .map(PeerId)
            .zip(&self.peers)
            .find(|(_, peer)| peer.name == name)
            .map(|(id, _)| id)
    }

    /// This node.
    #[must_use]
    pub const fn local(&self) -> PeerId {
        self.local
    }

    /// Every datacenter, by name.
    #[must_use]
    pub fn datacenters(&self) -> &[Datacenter] {
        &self.datacenters
    }

    /// This node's datacenter, as an index into [`Topology::datacenters`].
    #[must_use]
    pub fn local_datacenter(&self) -> u8 {
        self.peer(self.local).datacenter
    }

    /// This node's rack, as an index into its datacenter's racks.
    #[must_use]
    pub fn local_rack(&self) -> u8 {
        self.peer(self.local).rack
    }

    /// How many replicas a key has, over all datacenters.
    #[must_use]
    pub fn replica_count(&self) -> usize {
        self.walk.len()
    }

    /// How many replicas a key has in a datacenter: its racks.
    #[must_use]
    pub fn replica_count_in(&self, datacenter: u8) -> usize {
        self.datacenters[usize::from(datacenter)].racks.len()
    }

    /// Names of a peer's datacenter and rack.
    #[must_use]
    pub fn place(&self, id: PeerId) -> (&str, &str) {
        let peer = self.peer(id);
        let datacenter = &self.datacenters[usize::from(peer.datacenter)];
        (
            &datacenter.name,
            &datacenter.racks[usize::from(peer.rack)].name,
        )
    }
}

fn replicas_along(walk: &[Step], hash: u64) -> ReplicaSet {
    walk.iter()
        .map(|step| Replica {
            peer: PeerId(step.first + step.distribution.owner(hash) as u16),
            datacenter: step.datacenter,
            rack: step.rack,
        })
        .collect()
}
