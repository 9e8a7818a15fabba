//! The engine of ringd: from bytes of a client to bytes of its reply.
//!
//! ```text
//!  client ─fill→ frame → request → plan ─┬─ local → store ─┐
//!                                        └─ fan-out → peer egress
//!  peer ──fill→ frame → flight → coalesce ─────────────────┴→ reply → egress ─flush→ client
//!                                   └ divergent → repair     hint ← peer down; drain → peer egress
//! ```
//!
//! `ARCHITECTURE.md` beside this crate lists the modules in reading order; each uses only those
//! before it. Nothing here reads a clock, blocks or touches a socket, except `io`, which drives one
//! [`node`] per worker.
#![deny(unsafe_code)]

pub mod buffers;
pub mod coalesce;
pub mod command;
pub mod config;
pub mod consistency;
pub mod dispatch;
pub mod distribution;
pub mod egress;
pub mod extension;
pub mod flight;
pub mod handoff;
pub mod hash;
pub mod ids;
pub mod io;
pub mod limits;
pub mod names;
pub mod node;
pub mod payload;
pub mod resp;
#[cfg(feature = "sim")]
pub mod sim;
pub mod store;
pub mod time;
pub mod topology;
pub mod version;
pub mod wire;
