//! The reactor: one worker that drives one [`Node`](crate::node::Node) with sockets, clocks and a
//! control channel. The only module that may touch any of them.
//!
//! ```text
//!  poll ─→ accept │ dial │ read → node.handle_bytes ─→ tick ─→ actions ─→ one write each ─→ poll
//! ```
//!
//! A turn reads each readable socket up to a cap, then sends what the node has queued, with one
//! vectored write for each connection; write interest is armed only for what the socket did not
//! take. Names are looked up on a thread of their own, everything else happens on the worker's.

mod clock;
mod connection;
mod control;
mod dial;
mod key;
mod listen;
mod reactor;
mod worker;

pub use clock::Clock;
pub use control::{Control, ControlHandle};
pub use reactor::{Reactor, ReactorConfig};
