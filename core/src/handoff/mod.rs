//! Hinted handoff: writes kept for peers that could not take them, and their delivery.
//!
//! ```text
//!  enqueue → queue (bytes, order, age) → drain (window, credit, back-off) → Delivery
//!                ↑ failed: back to waiting ─────┤
//!                                acknowledged: leaves the store
//! ```
//!
//! In memory; bounded; no clock and no link of its own: the node says when a peer takes hints
//! again and what became of each delivery.

mod credit;
mod drain;
mod queue;
mod sabotage;
mod store;
#[cfg(test)]
mod tests;

pub use sabotage::Sabotage;
pub use store::{Delivery, Gauges, Hint, HintKind, HintStore, Limits, Refused, Ticket};
