//! The engine of ringd: from bytes of a client to bytes of its reply.
//!
//! ```text
//!  client ─fill→ frame → request → plan ─┬─ local → store ─┐
//!                                        └─ fan-out → peer egress
//!  peer ──fill→ frame → flight → coalesce ─────────────────┴→ reply → egress ─flush→ client
//!                                   └ divergent → repair     hint ← peer down; drain → peer egress
//! ```
//!
//! The modules stand in reading order; each uses only those above it. Nothing here reads a clock,
//! blocks or touches a socket, except `io`, which drives one [`node`](crate) per worker.
#![deny(unsafe_code)]

pub mod buffers;
pub mod coalesce;
pub mod command;
pub mod config;
pub mod consistency;
pub mod dispatch;
pub mod distribution;
pub mod egress;
pub mod handoff;
pub mod hash;
pub mod ids;
pub mod limits;
pub mod names;
pub mod node;
pub mod resp;
pub mod store;
pub mod time;
pub mod topology;
pub mod version;
pub mod wire;
