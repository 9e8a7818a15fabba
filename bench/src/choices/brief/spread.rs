//! How evenly keys lie, and how many move when a peer is added.

use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::HashKind;
use serde::{Deserialize, Serialize};

/// Draws for what chance alone does.
const DRAWS: u64 = 51;

/// A way to place peers.
struct Placing {
    /// As tables and plots say it.
    name: &'static str,
    distribution: &'static str,
    tokens: Tokens,
}

/// The points of a peer.
#[derive(Clone, Copy)]
enum Tokens {
    /// None: the distribution has no points.
    None,
    /// One each, at equal distances; an added peer takes half of the last one's range.
    Even,
    /// So many each, by chance.
    Random(usize),
}

const PLACINGS: [Placing; 4] = [
    Placing {
        name: "vnode",
        distribution: "vnode",
        tokens: Tokens::Even,
    },
    Placing {
        name: "vnode/160",
        distribution: "vnode",
        tokens: Tokens::Random(160),
    },
    Placing {
        name: "modula",
        distribution: "modula",
        tokens: Tokens::None,
    },
    Placing {
        name: "random_slicing",
        distribution: "random_slicing",
        tokens: Tokens::None,
    },
];

/// The placings by name, with what they are.
pub(crate) const PLACINGS_ABOUT: [(&str, &str); 4] = [
    (
        "vnode",
        "one token a peer, evenly spaced; a new peer halves the last one's range",
    ),
    ("vnode/160", "160 random tokens a peer"),
    ("modula", "remainder by the number of peers"),
    ("random_slicing", "a table of slices with exact shares"),
];

/// Balance and movement of one hash by one placing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The hash.
    pub(crate) hash: String,
    /// The placing.
    pub(crate) distribution: String,
    /// Why ringd would not serve with this pair; the figures are missing then.
    pub(crate) refused: Option<String>,
    /// What the keys did; none when refused.
    pub(crate) figures: Option<Figures>,
}

/// What the keys did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Standard deviation of the peers' keys over their mean.
    pub(crate) cv: f64,
    /// Keys of the fullest peer over the mean.
    pub(crate) peak: f64,
    /// Standard deviation of the exact shares of the hash's values: without the chance of sampling.
    pub(crate) share_cv: f64,
    /// Keys that moved when a peer was added, over the share that must move.
    pub(crate) moved_over_ideal: f64,
    /// Share of the keys that moved between peers that were there before: nobody needed that.
    pub(crate) moved_between_others: f64,
    /// Rows of the table.
    pub(crate) entries: usize,
    /// Bytes of the table.
    pub(crate) bytes: usize,
}

/// Every hash by every placing.
pub(crate) fn all(peers: usize, keys: usize) -> Vec<Spread> {
    let keys: Vec<String> = (0..keys)
        .map(|number| format!("user:{number:06}"))
        .collect();
    let mut spreads = Vec::new();
    for hash in HashKind::all() {
        let hashes: Vec<u64> = keys.iter().map(|key| hash.hash(key.as_bytes())).collect();
        for placing in &PLACINGS {
            let figures = placing.figures(hash, &hashes, peers);
            spreads.push(Spread {
                hash: hash.name().to_owned(),
                distribution: placing.name.to_owned(),
                refused: figures.as_ref().err().cloned(),
                figures: figures.ok(),
            });
        }
    }
    spreads
}

/// What an ideal hash's counts deviate by: √((N−1)/K).
pub(crate) fn floor_cv(peers: usize, keys: usize) -> f64 {
    ((peers as f64 - 1.0) / keys as f64).sqrt()
}

/// The fullest peer over the mean when chance alone deals the keys: the median of many draws.
pub(crate) fn floor_peak(peers: usize, keys: usize) -> f64 {
    let mut state = 1;
    let mut peaks: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut counts = vec![0_u64; peers];
            for _ in 0..keys {
                counts[(splitmix(&mut state) % peers as u64) as usize] += 1;
            }
            evenness(&counts).1
        })
        .collect();
    peaks.sort_by(f64::total_cmp);
    peaks[peaks.len() / 2]
}

impl Placing {
    fn figures(&self, hash: HashKind, hashes: &[u64], peers: usize) -> Result<Figures, String> {
        let kind = DistributionKind::by_name(self.distribution).map_err(|e| e.to_string())?;
        let claimants: Vec<Claimant> = (0..=peers).map(|peer| self.claimant(peer, peers)).collect();
        let (before, after) = (&claimants[..peers], &claimants[..]);
        let built = kind.build(before, hash).map_err(|e| e.to_string())?;
        kind.check_spread(built.as_ref(), before, hash)
            .map_err(|e| e.to_string())?;
        let grown = built.rebuild(after).map_err(|e| e.to_string())?;
        let mut counts = vec![0; peers];
        let (mut moved, mut needless) = (0, 0);
        for &hash in hashes {
            let (old, new) = (built.owner(hash), grown.owner(hash));
            counts[old] += 1;
            moved += u64::from(old != new);
            needless += u64::from(old != new && new != peers);
        }
        let total = hashes.len() as f64;
        let (cv, peak) = evenness(&counts);
        Ok(Figures {
            cv,
            peak,
            share_cv: deviation(built.as_ref()),
            moved_over_ideal: moved as f64 / total * (peers as f64 + 1.0),
            moved_between_others: needless as f64 / total,
            entries: built.entries(),
            bytes: built.bytes(),
        })
    }

    fn claimant(&self, peer: usize, peers: usize) -> Claimant {
        let even = |peer: usize| {
            // The added peer's point lies in the middle of the last gap.
            let part = if peer < peers {
                peer as f64
            } else {
                peers as f64 - 0.5
            };
            Token::of_hash((part / peers as f64 * f64::from(u32::MAX)) as u64)
        };
        let tokens = match self.tokens {
            Tokens::None => Vec::new(),
            Tokens::Even => vec![even(peer)],
            Tokens::Random(count) => {
                let mut state = peer as u64;
                (0..count)
                    .map(|_| Token::of_hash(splitmix(&mut state) & 0xffff_ffff))
                    .collect()
            }
        };
        Claimant {
            name: format!("10.0.0.{peer}:8101"),
            tokens,
            weight: 1,
        }
    }
}

/// Standard deviation over mean, and greatest over mean.
fn evenness(counts: &[u64]) -> (f64, f64) {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let square = |count: &u64| (*count as f64 - mean).powi(2);
    let variance = counts.iter().map(square).sum::<f64>() / counts.len() as f64;
    let most = counts.iter().max().copied().unwrap_or_default();
    (variance.sqrt() / mean, most as f64 / mean)
}

fn deviation(built: &dyn Distribution) -> f64 {
    let shares = built.shares();
    let mean = 1.0 / shares.len() as f64;
    let square = |share: &f64| (share - mean).powi(2);
    (shares.iter().map(square).sum::<f64>() / shares.len() as f64).sqrt() / mean
}

/// The next of Steele and Vigna's `SplitMix64`.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenness_of_known_counts() {
        assert_eq!(evenness(&[10, 10]), (0.0, 1.0));
        assert_eq!(evenness(&[0, 20]), (1.0, 2.0));
        assert!((floor_cv(100, 100_000) - 0.0315).abs() < 1e-4);
        let peak = floor_peak(10, 100_000);
        assert!((1.01..1.03).contains(&peak), "{peak}");
    }

    #[test]
    fn known_properties_of_the_placings() {
        let spreads = all(10, 20_000);
        let of = |distribution: &str| {
            let found = spreads
                .iter()
                .find(|s| s.hash == "murmur" && s.distribution == distribution);
            found.and_then(|s| s.figures).expect("murmur goes with all")
        };
        // Ten of eleven keys move by remainders; each consistent way moves only to the new peer.
        assert!((of("modula").moved_over_ideal - 10.0).abs() < 0.3);
        for consistent in ["vnode", "vnode/160", "random_slicing"] {
            assert!(of(consistent).moved_between_others < 1e-9, "{consistent}");
        }
        assert!((of("random_slicing").moved_over_ideal - 1.0).abs() < 0.1);
        assert!(of("random_slicing").share_cv < 1e-6);
        assert!((0.03..0.16).contains(&of("vnode/160").share_cv));
        for spread in &spreads {
            assert_eq!(spread.refused.is_some(), spread.figures.is_none());
        }
        let narrow = spreads
            .iter()
            .find(|s| s.hash == "crc32" && s.distribution == "vnode");
        assert!(narrow.expect("a row").refused.is_some());
    }

    #[test]
    fn every_placing_is_explained() {
        let names = PLACINGS.map(|placing| placing.name);
        assert_eq!(names, PLACINGS_ABOUT.map(|(name, _)| name));
    }
}
