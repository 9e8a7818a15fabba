//! Time to find an owner, warm and cold: every placing of a ring in the same rounds.

use std::hint::black_box;

use ringlab_core::distribution::Distribution;
use ringlab_core::hash::HashKind;
use serde::{Deserialize, Serialize};

use super::cold::{self, Evictor};
use super::data::{Rival, Time};
use super::race::{Lane, race};
use super::rings::{Placing, Ring, placings};
use super::statistics::time;
use crate::rivals::{self, Lookup, LookupRival};

/// Hashes that are looked up in turn.
pub(crate) const HASHES: usize = 4096;
/// Samples of a warm and of a cold lookup.
const ROUNDS: usize = 15;
const ROUNDS_COLD: usize = 151;

/// One placing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Timed {
    pub(crate) placing: String,
    pub(crate) warm: Time,
    pub(crate) cold: Time,
    pub(crate) rivals: Vec<Rival>,
}

struct Ready {
    placing: Placing,
    built: Box<dyn Distribution>,
    rivals: Vec<(&'static LookupRival, Lookup)>,
}

/// Times every placing that `hash` goes with.
pub(crate) fn measure(ring: &Ring, hash: HashKind, hashes: &[u64], evicted: usize) -> Vec<Timed> {
    let inputs: Vec<u64> = hashes.iter().copied().cycle().take(HASHES).collect();
    let ready: Vec<Ready> = placings()
        .into_iter()
        .filter_map(|placing| ready(placing, ring, hash))
        .collect();
    let mut lanes = Vec::new();
    for ready in &ready {
        lanes.push(Lane::cycling(&inputs, |hash| {
            ready.built.owner(*hash) as u64
        }));
        for (_, lookup) in &ready.rivals {
            lanes.push(Lane::cycling(&inputs, |hash| lookup(*hash) as u64));
        }
    }
    race(&mut lanes, ROUNDS);
    let cold = cold_times(&ready, &inputs, evicted);
    let mut lanes = lanes.iter();
    let mut next = || lanes.next().expect("a lane for each");
    let timed = ready.iter().zip(cold).map(|(ready, cold)| {
        let ours = next();
        let rival = |(rival, _): &(&LookupRival, Lookup)| {
            let lane = next();
            Rival {
                name: rival.name.to_owned(),
                time: lane.time(),
                ratio: ours.ratio_to(lane),
                instructions: None,
            }
        };
        Timed {
            placing: ready.placing.name.clone(),
            warm: ours.time(),
            cold,
            rivals: ready.rivals.iter().map(rival).collect(),
        }
    });
    timed.collect()
}

fn ready(placing: Placing, ring: &Ring, hash: HashKind) -> Option<Ready> {
    let built = placing.build(&placing.claimants(ring), hash).ok()?;
    let rival = |rival: &'static LookupRival| (rival, (rival.build)(ring.peers.len()));
    let wanted = placing.rivals_fit(ring);
    let rivals = rivals::of_lookup(placing.kind.name()).filter(|_| wanted);
    Some(Ready {
        rivals: rivals.map(rival).collect(),
        built,
        placing,
    })
}

fn cold_times(ready: &[Ready], inputs: &[u64], evicted: usize) -> Vec<Time> {
    let mut lookups: Vec<Box<dyn FnMut() -> usize + '_>> = Vec::new();
    for ready in ready {
        let mut at = 0;
        lookups.push(Box::new(move || {
            at = (at + 7) % inputs.len();
            ready.built.owner(black_box(inputs[at]))
        }));
    }
    let samples = cold::race(&Evictor::new(evicted), &mut lookups, ROUNDS_COLD);
    samples.iter().map(|samples| time(samples)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placing_that_serves_has_its_times() {
        let hash = HashKind::by_name("murmur").expect("in the table");
        let hashes: Vec<u64> = (0..100_u64).map(|n| hash.hash(&n.to_le_bytes())).collect();
        let timed = measure(&Ring::made_up(5), hash, &hashes, 1 << 20);
        let names: Vec<&str> = timed.iter().map(|timed| timed.placing.as_str()).collect();
        assert!(names.contains(&"vnode") && names.contains(&"vnode/160"));
        assert!(!names.contains(&"single"), "it serves one peer");
        for timed in &timed {
            assert!(timed.warm.ns > 0.0, "{}", timed.placing);
            assert!(timed.cold.p25_ns <= timed.cold.p75_ns, "{}", timed.placing);
        }
    }
}
