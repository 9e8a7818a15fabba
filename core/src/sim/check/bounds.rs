//! Queues are bounded, and empty when nothing is asked.

use super::Check;
use crate::limits::{INFLIGHT_PER_CONNECTION_MAX, INFLIGHT_PER_PEER_MAX, PEER_QUEUE_BYTES_MAX};
use crate::node::Snapshot;
use crate::sim::scenario::Scenario;
use crate::sim::world::World;

/// The rule's name.
pub(in crate::sim) const RULE: &str = "bounds";

/// Most bytes of one reply, or one peer frame, in a run.
const PIECE_MAX: usize = 4 * 61_000;

pub(super) fn client_queue_cap(scenario: &Scenario) -> usize {
    scenario.client_queue_bytes_max + PIECE_MAX * scenario.depth_max
}

/// What of a node's queues is over its cap now.
pub(in crate::sim) fn check(
    snapshot: &Snapshot,
    check: &Check,
    scenario: &Scenario,
) -> Option<String> {
    if check.client_queue_max > check.client_queue_cap {
        return Some(format!(
            "a client's queue held {} bytes",
            check.client_queue_max
        ));
    }
    let hint_bytes: u64 = snapshot.peers.iter().map(|peer| peer.hint_bytes).sum();
    if hint_bytes > scenario.hint_bytes_max as u64 {
        let max = scenario.hint_bytes_max;
        return Some(format!("{hint_bytes} bytes of hints, {max} allowed"));
    }
    let clients = snapshot.client_connections.max(1);
    if snapshot.flights > 8 * clients * INFLIGHT_PER_CONNECTION_MAX {
        return Some(format!("{} flights", snapshot.flights));
    }
    snapshot.peers.iter().find_map(|peer| {
        let full = peer.queued_bytes > PEER_QUEUE_BYTES_MAX + PIECE_MAX
            || peer.inflight > INFLIGHT_PER_PEER_MAX;
        let state = (peer.queued_bytes, peer.inflight);
        full.then(|| format!("{}: queued bytes and requests {state:?}", peer.name))
    })
}

/// What is left at a node of a ring that was asked nothing for longer than any deadline.
pub(in crate::sim) fn left_over(world: &World) -> Option<String> {
    world.hosts.iter().find_map(|host| {
        let snapshot = host.snapshot(world.now)?;
        if snapshot.flights > 0 {
            return Some(format!(
                "host{} has {} flights that nobody waits for",
                host.index, snapshot.flights
            ));
        }
        let busy = snapshot.peers.iter().find(|peer| peer.inflight > 0)?;
        Some(format!(
            "host{} sent {} requests to {} that are never answered",
            host.index, busy.inflight, busy.name
        ))
    })
}
