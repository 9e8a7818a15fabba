//! What the choices of a ring cost and bring: every hash and every distribution.
//!
//! Times and instructions are those of the lab's cases, so that a row here and a row of the gate
//! are about the same code; balance and movement are computed on the core's own functions.

mod counts;
mod spread;
mod times;

use anyhow::Result;
use ringlab::suites;
use serde::{Deserialize, Serialize};

pub(crate) use spread::{Figures, PLACINGS_ABOUT, Spread};

use crate::progress::step;
use crate::workspace::Workspace;

/// Keys hashed for balance and movement.
pub(crate) const KEYS: usize = 100_000;
/// Peers of a rack, before one is added.
pub(crate) const PEERS: usize = 10;

/// All that was found, as `choices.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Choices {
    /// Counts up with each change that a reader must know of.
    pub(crate) schema_version: u32,
    /// Keys of the spreads.
    pub(crate) keys: usize,
    /// Peers of the spreads.
    pub(crate) peers: usize,
    /// Standard deviation over mean that an ideal hash would show with so many keys and peers.
    pub(crate) floor_cv: f64,
    /// Fullest peer over mean that an ideal hash would show: the median of many draws.
    pub(crate) floor_peak: f64,
    /// Rounds of the times.
    pub(crate) rounds: usize,
    /// Why there are no instructions, where there are none.
    pub(crate) uncounted: Option<String>,
    /// Cost of the cases of the suites `hash` and `distribution`.
    pub(crate) costs: Vec<Cost>,
    /// Balance and movement by hash and distribution.
    pub(crate) spreads: Vec<Spread>,
}

/// What one operation of a case costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// The case's id.
    pub(crate) id: String,
    /// Nanoseconds: the median of the rounds.
    pub(crate) ns: f64,
    /// A quarter of the rounds was faster.
    pub(crate) ns_p25: f64,
    /// A quarter of the rounds was slower.
    pub(crate) ns_p75: f64,
    /// Instructions, exact; none where they could not be counted.
    pub(crate) instructions: Option<f64>,
}

impl Cost {
    /// The second part of the id of a case of suite `hash`: the hash; and the key's length in bytes.
    pub(crate) fn hash(&self) -> Option<(&str, usize)> {
        let (name, length) = self.id.strip_prefix("hash/")?.split_once('/')?;
        Some((name, length.strip_suffix('B')?.parse().ok()?))
    }

    /// Of a case of suite `distribution`: the distribution and how many peers it has.
    pub(crate) fn distribution(&self) -> Option<(&str, usize)> {
        let input = self.id.strip_prefix("distribution/owner/")?;
        let (peers, rest) = input.split_once("-peers+")?;
        let (_, name) = rest.split_once('+')?;
        Some((name, peers.parse().ok()?))
    }
}

impl Choices {
    /// The cost of hashing a key of that length.
    pub(crate) fn of_hash(&self, hash: &str, length: usize) -> Option<&Cost> {
        self.costs
            .iter()
            .find(|cost| cost.hash() == Some((hash, length)))
    }

    /// The cost of finding the owner among so many peers.
    pub(crate) fn of_distribution(&self, distribution: &str, peers: usize) -> Option<&Cost> {
        self.costs
            .iter()
            .find(|cost| cost.distribution() == Some((distribution, peers)))
    }

    /// Names of the hashes that have costs, in order.
    pub(crate) fn hashes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in self.costs.iter().filter_map(Cost::hash) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The spread of one hash by one distribution.
    pub(crate) fn spread(&self, hash: &str, distribution: &str) -> Option<&Spread> {
        self.spreads
            .iter()
            .find(|spread| spread.hash == hash && spread.distribution == distribution)
    }

    /// The instructions of a cost in words.
    pub(crate) fn counted(&self, cost: Option<&Cost>) -> String {
        match cost.and_then(|cost| cost.instructions) {
            Some(count) => format!("{count:.1}"),
            None => "not measured".to_owned(),
        }
    }
}

/// Measures and computes it all.
///
/// # Errors
/// A wrong result. A missing tool is told in the result.
pub(crate) fn compare(workspace: &Workspace, count: bool) -> Result<Choices> {
    let timing = step("hashes and distributions: time per key, in turns");
    let cases: Vec<_> = suites::all()
        .into_iter()
        .filter(|case| matches!(case.suite(), "hash" | "distribution"))
        .collect();
    let mut costs = times::measure(&cases)?;
    timing.done();
    let mut uncounted = Some("asked not to".to_owned());
    if count {
        let counting = step("hashes and distributions: instructions per key");
        uncounted = counts::add(workspace, &mut costs)
            .err()
            .map(|error| format!("{error:#}"));
        counting.done();
    }
    let spreading = step("hashes and distributions: balance and movement");
    let spreads = spread::all(PEERS, KEYS);
    spreading.done();
    Ok(Choices {
        schema_version: 1,
        keys: KEYS,
        peers: PEERS,
        floor_cv: spread::floor_cv(PEERS, KEYS),
        floor_peak: spread::floor_peak(PEERS, KEYS),
        rounds: times::ROUNDS,
        uncounted,
        costs,
        spreads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(id: &str) -> Cost {
        Cost {
            id: id.into(),
            ns: 1.0,
            ns_p25: 1.0,
            ns_p75: 1.0,
            instructions: None,
        }
    }

    #[test]
    fn ids_are_understood() {
        assert_eq!(cost("hash/murmur/16B").hash(), Some(("murmur", 16)));
        let lookup = cost("distribution/owner/100-peers+murmur+vnode");
        assert_eq!(lookup.distribution(), Some(("vnode", 100)));
        assert_eq!((lookup.hash(), cost("node/get/1").hash()), (None, None));
    }

    #[test]
    fn every_case_of_the_two_suites_is_understood() {
        for case in suites::all() {
            let cost = cost(&case.id);
            match case.suite() {
                "hash" => assert!(cost.hash().is_some(), "{}", case.id),
                "distribution" => assert!(cost.distribution().is_some(), "{}", case.id),
                _ => {}
            }
        }
    }
}
