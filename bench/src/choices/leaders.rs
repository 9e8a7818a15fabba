//! Which pairs are worth a real ring: those in use, and what the tables say is best.

use super::data::{HashRow, PairRow, RingRow};

/// Of peers that are added, more than that over the ideal is too much movement.
const MOVED_MAX: f64 = 1.3;
/// A fullest peer that is more than that above what chance makes of it is too full.
const PEAK_MAX: f64 = 1.03;
/// Pairs in use: hash, distribution, whose.
const IN_USE: [(&str, &str, &str); 2] = [
    ("murmur", "vnode", "Dynomite's default"),
    ("fnv1a_64", "ketama", "twemproxy's default"),
];

/// Hashes on which no ring should rest unasked: foldhash's values may change with its crate's
/// version, gxhash needs a processor with AES.
const UNSTEADY: [&str; 2] = ["foldhash", "gxhash"];

/// A pair and why it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) hash: String,
    pub(crate) distribution: String,
    pub(crate) why: String,
}

/// What the tables say, of one ring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) hashes: &'a [HashRow],
    pub(crate) rings: &'a [RingRow],
    pub(crate) pairs: &'a [PairRow],
}

/// The leading pairs, the one everything is compared with first.
pub(crate) fn leaders(tables: Tables<'_>, configured: Option<(&str, &str)>) -> Vec<Leader> {
    let mut all: Vec<Leader> = Vec::new();
    let mut add = |hash: &str, distribution: &str, why: String| {
        let serves = tables.pairs.iter().any(|pair| {
            pair.hash == hash && pair.placing == distribution && pair.refused.is_none()
        });
        let known = all
            .iter()
            .any(|leader| leader.hash == hash && leader.distribution == distribution);
        if serves && !known {
            all.push(Leader {
                hash: hash.to_owned(),
                distribution: distribution.to_owned(),
                why,
            });
        }
    };
    if let Some((hash, distribution)) = configured {
        add(
            hash,
            distribution,
            "what the topology file names".to_owned(),
        );
    }
    for (hash, distribution, whose) in IN_USE {
        add(hash, distribution, whose.to_owned());
    }
    if let Some(best) = tables.best() {
        let (hash, distribution) = (best.pair.hash.as_str(), best.pair.placing.as_str());
        let why = format!(
            "the fastest together ({:.1} ns) that moves only what it must and is as even as chance",
            best.ns
        );
        add(hash, distribution, why);
    }
    all
}

struct Best<'a> {
    pair: &'a PairRow,
    ns: f64,
}

impl<'a> Tables<'a> {
    /// The least time of hash and lookup among pairs that are even and move little.
    fn best(self) -> Option<Best<'a>> {
        let all = self.pairs.iter().filter_map(|pair| {
            let spread = pair.spread.as_ref()?;
            let even = spread.peak.seen / spread.peak.floor <= PEAK_MAX;
            if UNSTEADY.contains(&pair.hash.as_str()) {
                return None;
            }
            // Random tokens are a placing that no configuration names.
            let named = pair.placing == pair.distribution;
            let ns = self.lookup_ns(pair)? + self.hash_ns(&pair.hash)?;
            (even && named).then_some(Best { pair, ns })
        });
        all.min_by(|a, b| a.ns.total_cmp(&b.ns))
    }

    fn hash_ns(self, hash: &str) -> Option<f64> {
        let row = self.hashes.iter().find(|row| row.name == hash)?;
        let given = row.speeds.iter().find(|speed| speed.length.is_none())?;
        Some(given.time.ns)
    }

    /// None where a change moves too much, or what it need not.
    fn lookup_ns(self, pair: &PairRow) -> Option<f64> {
        let mut rows = self.rings.iter();
        let row = rows.find(|row| row.placing == pair.placing && row.ring == pair.ring)?;
        let calm = |change: &str| {
            let movement = row
                .movements
                .iter()
                .find(|movement| movement.change == change);
            movement.is_some_and(|movement| {
                movement.over_ideal <= MOVED_MAX
                    && movement.between_others_share < 1e-9
                    && movement.restart_disagrees_share < 1e-9
            })
        };
        let even = row
            .movements
            .iter()
            .find(|movement| movement.change == "add");
        // A newcomer that gets far less than its part leaves the others too full.
        let fair = even.is_some_and(|movement| movement.over_ideal > 0.7);
        (calm("add") && fair).then(|| row.lookup.as_ref().map(|lookup| lookup.warm.ns))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::data::{Evenness, Floored, Lookup, Movement, Speed, Time};

    fn time(ns: f64) -> Time {
        Time {
            ns,
            p25_ns: ns,
            p75_ns: ns,
        }
    }

    fn hash(name: &str, ns: f64) -> HashRow {
        HashRow {
            name: name.to_owned(),
            about: String::new(),
            bits: 32,
            speeds: vec![Speed {
                length: None,
                time: time(ns),
                instructions: None,
                rivals: vec![],
            }],
            quality: None,
        }
    }

    fn ring(placing: &str, ns: f64, between_others_share: f64) -> RingRow {
        RingRow {
            placing: placing.to_owned(),
            distribution: placing.to_owned(),
            about: String::new(),
            ring: "32 peers".to_owned(),
            given: false,
            configured: false,
            peers: 32,
            hash: "murmur".to_owned(),
            refused: None,
            lookup: Some(Lookup {
                warm: time(ns),
                cold: time(ns),
                instructions: None,
                uncounted: None,
                rivals: vec![],
            }),
            table: None,
            balance: None,
            movements: vec![Movement {
                change: "add".to_owned(),
                moved_share: 0.03,
                ideal_share: 0.03,
                over_ideal: 1.0,
                between_others_share,
                fresh_over_ideal: 1.0,
                fresh_between_others_share: between_others_share,
                restart_disagrees_share: 0.0,
            }],
            replicas: None,
            zipf: vec![],
            bounded: None,
            servers: vec![],
        }
    }

    fn pair(hash: &str, placing: &str, peak: f64) -> PairRow {
        let figure = |seen| Floored { seen, floor: 1.01 };
        PairRow {
            hash: hash.to_owned(),
            placing: placing.to_owned(),
            distribution: placing.to_owned(),
            ring: "32 peers".to_owned(),
            peers: 32,
            refused: None,
            spread: Some(Evenness {
                keys: 1,
                cv: figure(0.0),
                peak: figure(peak),
                least: figure(1.0),
                p99: figure(1.0),
                chi_square: 0.0,
                degrees: 31,
                p_value: 0.5,
            }),
        }
    }

    #[test]
    fn the_best_is_even_moves_little_and_is_fast() {
        let hashes = [
            hash("murmur", 5.0),
            hash("quick", 1.0),
            hash("foldhash", 0.1),
        ];
        let rings = [
            ring("vnode", 3.0, 0.0),
            ring("modula", 1.0, 0.9),
            ring("jump", 9.0, 0.0),
        ];
        let pairs = [
            pair("murmur", "vnode", 1.01),
            pair("quick", "vnode", 1.5),
            pair("quick", "modula", 1.01),
            pair("quick", "jump", 1.02),
            pair("murmur", "jump", 1.02),
            pair("foldhash", "vnode", 1.01),
        ];
        let tables = Tables {
            hashes: &hashes,
            rings: &rings,
            pairs: &pairs,
        };
        // Dynomite's pair is the fastest that holds: it is not listed twice.
        let of = |tables| {
            let all = leaders(tables, Some(("quick", "modula")));
            let names = all
                .iter()
                .map(|leader| (leader.hash.clone(), leader.distribution.clone()));
            names.collect::<Vec<_>>()
        };
        let name = |hash: &str, distribution: &str| (hash.to_owned(), distribution.to_owned());
        assert_eq!(
            of(tables),
            [name("quick", "modula"), name("murmur", "vnode")]
        );
        // Where its ring is less even than chance, a slower one leads.
        let skewed = [
            pair("murmur", "vnode", 1.2),
            pair("quick", "jump", 1.02),
            pair("quick", "modula", 1.0),
        ];
        let tables = Tables {
            pairs: &skewed,
            ..tables
        };
        let expected = [
            name("quick", "modula"),
            name("murmur", "vnode"),
            name("quick", "jump"),
        ];
        assert_eq!(of(tables), expected);
    }
}
