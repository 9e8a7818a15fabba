//! A healed ring serves: every key can be read at its level.

use crate::sim::history::{Ask, End};
use crate::sim::world::{Stage, World};

/// The rule's name.
pub(in crate::sim) const RULE: &str = "service";

/// The last reads that failed.
pub(in crate::sim) fn check(world: &World) -> Vec<String> {
    let Stage::Over { last_reads } = world.stage else {
        return vec!["the run did not come to its end".to_owned()];
    };
    let ops = world.history.ops.iter().enumerate();
    let failed = ops.filter(|(_, op)| {
        op.start >= last_reads
            && op.end != End::Done
            && matches!(op.ask, Ask::Get(_) | Ask::Count(_))
    });
    failed
        .map(|(id, op)| {
            format!(
                "op {id} {:?} at host{} ended as {:?}",
                op.ask, op.host, op.end
            )
        })
        .collect()
}
