//! A value is gone when its time is over, on every replica, however late it got there.
//!
//! The time counts from the write's stamp, which is made between its start and its end by the
//! coordinator's clock; the clocks of hosts differ.

use crate::sim::history::{NEVER, writes_by_key};
use crate::sim::scenario::MS;
use crate::sim::world::World;

/// The rule's name.
pub(in crate::sim) const RULE: &str = "expiry";

/// Longest life of a value that expires.
pub(in crate::sim) const TTL_MS_MAX: u64 = 1_500;
/// Values expire only in runs whose clocks are at most this far from the true time.
pub(in crate::sim) const SKEW_MS_MAX: i64 = 40;
/// How far the clocks of two hosts differ in such a run, and a little more.
pub(super) const MARGIN: u64 = (2 * SKEW_MS_MAX as u64 + 5) * MS;

/// The reads that found a value whose time was over.
pub(in crate::sim) fn check(world: &World) -> Vec<String> {
    let history = &world.history;
    let writes = writes_by_key(history, world.keys.count());
    let mut found = Vec::new();
    for seen in &history.seen {
        let Some(value) = seen.value else {
            continue;
        };
        let of_key = &writes[usize::from(seen.key)];
        let write = of_key
            .iter()
            .find(|write| write.op == value && write.ttl != NEVER);
        let Some(write) = write.filter(|write| write.acked != NEVER) else {
            continue;
        };
        let gone = write.acked + write.ttl + MARGIN;
        let read = history.op(seen.op);
        if read.start > gone {
            let late = (read.start - gone) as f64 / 1e6;
            let (op, key) = (seen.op, seen.key);
            found.push(format!(
                "op {op} read key {key} {late:.3} ms after op {value} expired"
            ));
        }
    }
    found
}
