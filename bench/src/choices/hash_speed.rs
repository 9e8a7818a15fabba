//! Time to hash a key, by length: ours and the crates' in the same rounds.

use ringlab::fixtures;
use ringlab_core::hash::HASHES;
use serde::{Deserialize, Serialize};

use super::data::{Rival, Time};
use super::keyset::KeySet;
use super::race::{Lane, race};
use crate::rivals;

/// Lengths in bytes at which all hashes are timed.
pub(crate) const LENGTHS: [usize; 8] = [4, 8, 16, 32, 64, 128, 256, 1024];
/// Keys of one length that are hashed in turn.
const KEYS: usize = 64;
/// Of the given keys, so many are hashed in turn: they stay in the cache.
const GIVEN_MAX: usize = 1024;
/// Samples of each.
const ROUNDS: usize = 25;

/// One hash at one length.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Timed {
    pub(crate) name: String,
    pub(crate) time: Time,
    pub(crate) rivals: Vec<Rival>,
}

/// The keys that are hashed: of one length, or from the given ones, spread over all of them.
pub(crate) fn inputs(length: Option<usize>, given: &KeySet) -> Vec<Vec<u8>> {
    match length {
        Some(length) => of_length(length),
        None => {
            let every = given.len().div_ceil(GIVEN_MAX);
            given.iter().step_by(every).map(<[u8]>::to_vec).collect()
        }
    }
}

/// Different keys of one length.
pub(crate) fn of_length(length: usize) -> Vec<Vec<u8>> {
    let text = fixtures::key(length + KEYS);
    (0..KEYS).map(|at| text[at..at + length].to_vec()).collect()
}

/// Times every hash.
pub(crate) fn measure(length: Option<usize>, given: &KeySet) -> Vec<Timed> {
    let inputs = inputs(length, given);
    let lane =
        |function: fn(&[u8]) -> u64| Lane::cycling(&inputs, move |key: &Vec<u8>| function(key));
    let mut lanes = Vec::new();
    for row in HASHES {
        lanes.push(lane(row.function));
        lanes.extend(rivals::of_hash(row.name).map(|rival| lane(rival.function)));
    }
    race(&mut lanes, ROUNDS);
    let mut lanes = lanes.iter();
    let mut next = || lanes.next().expect("a lane for each");
    let timed = HASHES.iter().map(|row| {
        let ours = next();
        let rival = |rival: &rivals::HashRival| {
            let lane = next();
            Rival {
                name: rival.name.to_owned(),
                time: lane.time(),
                ratio: ours.ratio_to(lane),
                instructions: None,
            }
        };
        Timed {
            name: row.name.to_owned(),
            time: ours.time(),
            rivals: rivals::of_hash(row.name).map(rival).collect(),
        }
    });
    timed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_has_a_time_and_its_crates() {
        let keys = KeySet::of("uuid@100").expect("a generator");
        assert_eq!(inputs(None, &keys).len(), 100);
        assert!(inputs(Some(8), &keys).iter().all(|key| key.len() == 8));
        let timed = measure(Some(8), &keys);
        assert_eq!(timed.len(), HASHES.len());
        let crc = timed.iter().find(|timed| timed.name == "crc32a");
        let crc = crc.expect("in the table");
        assert!(crc.time.ns > 0.0 && crc.rivals[0].ratio > 0.0);
    }
}
