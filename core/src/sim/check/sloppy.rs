//! What is left of durability where hints may stand in for copies, or one copy is enough.
//!
//! With `sloppy_quorum`, and at `DC_ONE`, an acknowledged write may be invisible for a while. The
//! promise is: when no host lost its memory and no hint was refused, then after all is healed and
//! the hints are drained a key holds the acknowledged write, or one that came later, where "later"
//! is only known up to the largest difference of the hosts' clocks: a coordinator whose clock is
//! behind may stamp a write older than one that was acknowledged elsewhere before it began.

use super::durability::missed;
use crate::sim::host::is_quorum;
use crate::sim::scenario::MS;
use crate::sim::world::{Stage, World};

/// The rule's name.
pub(in crate::sim) const RULE: &str = "sloppy";

/// The lost writes of a finished run, by its last reads.
pub(in crate::sim) fn check(world: &World) -> Vec<String> {
    let scenario = &world.scenario;
    let weaker = scenario.sloppy || !is_quorum(scenario.write) || !is_quorum(scenario.read);
    let whole = world.check.kills == 0 && scenario.hints && !world.check.hints_missing;
    let Stage::Over { last_reads } = world.stage else {
        return Vec::new();
    };
    if !weaker || !whole {
        return Vec::new();
    }
    // Stamps of one millisecond are in no order in time.
    let margin = (2 * scenario.skew_ms_max as u64 + 2) * MS;
    missed(&world.history, world.keys.count(), (last_reads, margin))
}
