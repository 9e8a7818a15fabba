//! Is what a server gives back what was written? `--check`.
//!
//! ```text
//! a write:  ledger.begin_write → stamp → value on the wire → reply → ledger.end_write
//! a read:   ledger.begin_read ─────────→ value off the wire → stamp → ledger.end_read → fault?
//! the end:  audit reads every key once more; histories of sampled keys are judged as registers
//! ```
//! Every key has one writer, which has one write of it under way at most: versions count up, and
//! what was acknowledged before a read began is the least that the read may show. A write without
//! a reply may have happened, now or later: it is never held against the server.
//!
//! `stamp` is what a value carries, `ledger` the rules, `history` the register check; none of them
//! knows of sockets or clocks.

pub(crate) mod audit;
pub(crate) mod checker;
pub(crate) mod config;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod readback;
pub(crate) mod report;
pub(crate) mod stamp;
