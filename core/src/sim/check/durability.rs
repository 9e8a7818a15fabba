//! No acknowledged quorum write is lost while a majority of its replicas keeps its memory.
//!
//! With reads and writes at a quorum a key is a regular register: a read never finds a write that
//! another one, acknowledged before the read began, had followed. "Followed" is: begun after it
//! was acknowledged. A write that failed or was never answered may show at any later time.

use super::expiry;
use crate::sim::history::{History, NEVER, OpId, Write, writes_by_key};
use crate::sim::host::is_quorum;
use crate::sim::world::World;

/// The rule's name.
pub(in crate::sim) const RULE: &str = "durability";

/// The lost writes of a finished run.
pub(in crate::sim) fn check(world: &World) -> Vec<String> {
    let scenario = &world.scenario;
    let promised = is_quorum(scenario.write) && is_quorum(scenario.read);
    if !promised || scenario.sloppy || world.check.majority_lost {
        return Vec::new();
    }
    missed(&world.history, world.keys.count(), (0, 0))
}

/// Reads that began at `from` or later and missed a write that was acknowledged before they began
/// and followed what they found by more than `margin`.
pub(super) fn missed(
    history: &History,
    key_count: usize,
    (from, margin): (u64, u64),
) -> Vec<String> {
    let writes = writes_by_key(history, key_count);
    let mut found = Vec::new();
    for seen in &history.seen {
        let read = history.op(seen.op);
        if read.start < from {
            continue;
        }
        let of_key = &writes[usize::from(seen.key)];
        let settled = settled_at(of_key, seen.value, read.end_at).saturating_add(margin);
        let lost = |write: &&Write| write.acked < read.start && write.start > settled;
        if let Some(write) = of_key.iter().find(lost) {
            found.push(format!(
                "op {} read key {} as {} although op {} was acknowledged at {:.3} ms",
                seen.op,
                seen.key,
                seen.value
                    .map_or("nothing".to_owned(), |op| format!("written by op {op}")),
                write.op,
                write.acked as f64 / 1e6,
            ));
        }
    }
    found
}

/// When what was found was surely in place: nothing may have been there from the start, by any
/// delete, or since a value expired.
fn settled_at(writes: &[Write], found: Option<OpId>, read_end: u64) -> u64 {
    match found {
        Some(op) => {
            let write = writes.iter().find(|write| write.op == op && write.sets);
            write.map_or(NEVER, |write| write.acked)
        }
        None => {
            let over = |it: &Write| it.start.saturating_add(it.ttl) <= read_end + expiry::MARGIN;
            let deletes = writes
                .iter()
                .filter(|it| it.start <= read_end && (!it.sets || over(it)));
            deletes.map(|delete| delete.acked).max().unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::history::{Ask, End, Op, Seen};

    fn op(ask: Ask, start: u64, end_at: u64, end: End) -> Op {
        Op {
            host: 0,
            ask,
            value_len: 0,
            start,
            end_at,
            end,
        }
    }

    /// Two writes of key 0 at 10–20 and 30–40, then a read that found `found`.
    fn story(second: End, read_start: u64, found: Option<OpId>) -> Vec<String> {
        let mut history = History::default();
        history.begin(op(Ask::Set(0), 10, 20, End::Done));
        history.begin(op(Ask::Set(0), 30, 40, second));
        let read = history.begin(op(Ask::Get(0), read_start, read_start + 5, End::Done));
        history.seen.push(Seen {
            op: read,
            key: 0,
            value: found,
        });
        missed(&history, 1, (0, 0))
    }

    #[test]
    fn an_acknowledged_write_must_be_found_and_others_may() {
        assert!(story(End::Done, 50, Some(1)).is_empty());
        assert_eq!(story(End::Done, 50, Some(0)).len(), 1);
        assert_eq!(story(End::Done, 50, None).len(), 1);
        // The read began before the acknowledgement.
        assert!(story(End::Done, 35, Some(0)).is_empty());
        assert!(story(End::Failed, 50, Some(0)).is_empty());
        assert!(story(End::Lost, 50, Some(1)).is_empty());
        assert_eq!(story(End::Failed, 50, None).len(), 1);
    }
}
