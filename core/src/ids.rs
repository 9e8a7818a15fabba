//! Small names for things that live in tables.

use serde::Serialize;

/// A peer's index in the topology's table; the same on every node of a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PeerId(pub u16);

impl PeerId {
    /// The index, for tables by peer.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A connection: a slot of the node's table and the generation that tells its tenants apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Slot in the connection table.
    pub index: u32,
    /// How many tenants the slot had before.
    pub generation: u32,
}
