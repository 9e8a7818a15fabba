//! One load from several hosts: `ringload worker` on each, `ringload run --workers a,b` beside.
//!
//! ```text
//! run                                     worker (one for each host)
//!   connect        ← protocol, nonce        listens
//!   proof          → token's proof          refuses strangers
//!   clock × 16     ↔ monotonic time         the shortest round trip gives the offset
//!   prepare        → config, which threads  connects to the servers, draws tapes
//!   ready          ←
//!   start          → instant of its clock   all begin at the same one
//!   window         ←                        a quarter of a second, all its threads together
//!   stop           → which window is last
//!   done           ←
//! ```
//! The threads of all hosts are numbered as if they were on one: the same seed gives the same
//! tapes and schedules, and histograms are sent bucket by bucket, so that what is put together
//! here is what one client with as many threads would have measured.

mod fleet;
mod host;
mod wire;

use serde::{Deserialize, Serialize};

pub(crate) use fleet::Fleet;
pub use fleet::HostFailure;
pub use host::{HostError, serve};
pub use wire::WireError;

use crate::link::Secret;

/// The workers of a run elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FleetConfig {
    /// `host:port` of each; none: the threads are here.
    pub hosts: Vec<String>,
    /// What the workers want to hear.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
}
