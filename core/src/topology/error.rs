//! What can be wrong with a ring, and what to do about it.

use crate::distribution::{BuildError, Token};

/// Why peers make no ring, or one that must not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Nobody.
    #[error("the ring has no peers; list them, this node included")]
    NoPeers,
    /// Ids, version stamps and replica sets have fixed widths.
    #[error("{what}: {count}, at most {count_max} are supported; split the ring")]
    TooMany {
        /// What was counted.
        what: String,
        /// How many there are.
        count: usize,
        /// How many there may be.
        count_max: usize,
    },
    /// The list doesn't say who this node is.
    #[error("no peer is named '{name}', which is this node; the peers are: {known}")]
    NoLocalPeer {
        /// This node's name.
        name: String,
        /// The peers' names.
        known: String,
    },
    /// One name, two peers.
    #[error("peer '{name}' is listed twice; every peer needs a `host:port` of its own")]
    DuplicatePeer {
        /// The name.
        name: String,
    },
    /// A peer without a name, a datacenter or a rack.
    #[error("peer '{name}' has an empty {part}; name it")]
    EmptyName {
        /// The peer's name.
        name: String,
        /// What is empty.
        part: &'static str,
    },
    /// One point, two owners.
    #[error(
        "token {token} is given to '{first}' and to '{second}' in rack '{rack}' of datacenter \
         '{datacenter}'; a rack's tokens must differ, and they have 32 bits: larger numbers wrap"
    )]
    DuplicateToken {
        /// The point.
        token: Token,
        /// The rack's name.
        rack: String,
        /// The datacenter's name.
        datacenter: String,
        /// Who has it.
        first: String,
        /// Who has it too.
        second: String,
    },
    /// A rack whose peers can't be placed, or must not be.
    #[error("rack '{rack}' of datacenter '{datacenter}': {source}")]
    Rack {
        /// The rack's name.
        rack: String,
        /// The datacenter's name.
        datacenter: String,
        /// Why.
        source: Box<BuildError>,
    },
}
