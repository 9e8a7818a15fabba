//! The straight line: strings the pure modules together behind one sans-IO seam.

mod config;
mod events;
mod snapshot;

pub use crate::dispatch::BucketType;
pub use config::{HintConfig, NodeConfig};
pub use events::{Action, Notice, Role};
pub use snapshot::{Counters, IoCounters, NoTargetsCount, PeerSnapshot, Snapshot};
