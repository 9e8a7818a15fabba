//! Many replies into one: of the replicas of a key, and of the parts of a multi-key command.
//!
//! State machines without clock or socket; what they keep comes from the caller's buffer pool.

mod fragments;
mod judge;
mod repair;
mod replicas;
mod sabotage;
#[cfg(test)]
mod tests;

pub use fragments::{FragmentCoalescer, PROTOCOL_ERROR, PartId};
pub use repair::{Repair, RepairKey};
pub use replicas::{
    Answer, Asked, Failure, Fed, PeerList, ReplicaCoalescer, Reply, Settings, Versions, Vote,
};
pub use sabotage::Sabotage;
