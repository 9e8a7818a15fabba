//! Hints are delivered after a heal, and replicas agree then.

use crate::sim::world::World;
use crate::store::StateValue;

/// The rule's name.
pub(in crate::sim) const RULE: &str = "handoff";

/// What the ring is still waiting for after a heal: peers that do not see each other, hints.
pub(in crate::sim) fn unsettled(world: &World) -> Option<String> {
    for host in &world.hosts {
        let Some(snapshot) = host.snapshot(world.now) else {
            return Some(format!("host{} is down", host.index));
        };
        for peer in &snapshot.peers {
            if peer.state != "normal" {
                return Some(format!(
                    "host{} sees {} as {}",
                    host.index, peer.name, peer.state
                ));
            }
            if peer.hints_stored > 0 {
                return Some(format!(
                    "host{} keeps {} hints for {}",
                    host.index, peer.hints_stored, peer.name
                ));
            }
        }
    }
    None
}

/// Whether hints alone must have made all replicas equal.
pub(in crate::sim) fn must_agree(world: &World) -> bool {
    world.scenario.hints && world.check.kills == 0 && !world.check.hints_missing
}

/// The keys whose replicas differ. Counters only agree once they were read at a quorum: what a
/// replica missed of an increment is a state that it gets, in whatever order.
pub(in crate::sim) fn differing(world: &World, counters: bool) -> Vec<String> {
    let mut found = Vec::new();
    let Some(topology) = world.hosts[0].node.as_ref().map(|node| node.topology()) else {
        return found;
    };
    let keys = (0..world.scenario.shape.datacenters).flat_map(|dc| world.keys.of(dc));
    let names = |key| {
        [
            Some(world.keys.name(key)),
            counters.then(|| world.keys.counter(key)),
        ]
    };
    for name in keys.flat_map(names).flatten() {
        let mut states = topology
            .replicas(name.as_bytes())
            .into_iter()
            .map(|replica| {
                let host = replica.peer.index();
                (host, held(world, host, name.as_bytes()))
            });
        let Some((first, held)) = states.next() else {
            continue;
        };
        if let Some((other, differs)) = states.find(|(_, state)| *state != held) {
            let text = |value: Option<&[u8]>| {
                let value = value.map(|value| &value[..value.len().min(24)]);
                value.map_or("nothing".to_owned(), |value| {
                    value.escape_ascii().to_string()
                })
            };
            found.push(format!(
                "key {name}: host{first} holds {}, host{other} {}",
                text(held),
                text(differs)
            ));
        }
    }
    found
}

fn held<'a>(world: &'a World, host: usize, key: &[u8]) -> Option<&'a [u8]> {
    let host = &world.hosts[host];
    let wall_ms = host.clock(world.now).wall_ms;
    let state = host.node.as_ref()?.store().state(key, wall_ms)?;
    match state.value {
        StateValue::String(value) => Some(value),
        // Clients of the simulator write strings.
        StateValue::Tombstone | StateValue::Collection(_) => None,
    }
}
