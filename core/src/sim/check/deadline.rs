//! Every request is answered or failed by its deadline.
//!
//! The time in which its coordinator stands still does not count: it can't even notice. A request
//! that waits until its client has read earlier replies begins its time after that; where the
//! output limit is small enough for that to happen, it may take as long again.

use crate::sim::history::Op;
use crate::sim::scenario::{MS, Scenario};

/// The rule's name.
pub(in crate::sim) const RULE: &str = "deadline";

/// How late a node may notice that time is over: its longest pause between ticks, and the way to
/// the client and back.
const SLACK: u64 = 130 * MS;

/// Output limits below this make requests wait for their client to read, in bytes.
const TIGHT_LIMIT: usize = 1 << 20;

/// When the operation must have ended at the latest; `freezes` are its coordinator's.
pub(in crate::sim) fn due(op: &Op, freezes: &[(u64, u64)], scenario: &Scenario) -> u64 {
    let tight = scenario.client_queue_bytes_max < TIGHT_LIMIT;
    let turns = if tight { 2 } else { 1 };
    let allowed = turns * (scenario.request_timeout_ms * MS + SLACK);
    let mut due = op.start + allowed;
    for &(from, until) in freezes {
        if op.start < until && from < due {
            due = due.max(until + allowed);
        }
    }
    due
}
