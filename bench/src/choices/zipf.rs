//! Load when keys are wanted by a Zipf law.

use ringlab_core::distribution::{Claimant, Distribution};

use super::data::{Floored, ZipfLoad};
use super::rings::fair_shares;
use super::statistics::{Loads, Random, pick, sums};

/// Exponents that are looked at.
pub(crate) const EXPONENTS: [f64; 2] = [0.99, 1.2];
/// Draws of peers by chance.
const DRAWS: usize = 7;

/// How much each key is wanted under each exponent; ranks are dealt to the keys by chance.
pub(crate) struct Wanted {
    by_exponent: Vec<(f64, Vec<f64>)>,
}

impl Wanted {
    /// Of so many keys.
    pub(crate) fn of(keys: usize) -> Self {
        let mut ranks: Vec<u32> = (1..=keys as u32).collect();
        let mut random = Random::new(17);
        for at in (1..keys).rev() {
            ranks.swap(at, random.below(at + 1));
        }
        let by = |exponent: f64| {
            let wanted = ranks.iter().map(|rank| f64::from(*rank).powf(-exponent));
            (exponent, wanted.collect())
        };
        Self {
            by_exponent: EXPONENTS.map(by).into(),
        }
    }

    /// The loads of the peers under each exponent.
    pub(crate) fn loads(
        &self,
        built: &dyn Distribution,
        claimants: &[Claimant],
        hashes: &[u64],
    ) -> Vec<ZipfLoad> {
        let fair = fair_shares(claimants);
        let owners: Vec<u16> = hashes
            .iter()
            .map(|hash| built.owner(*hash) as u16)
            .collect();
        let load = |(exponent, wanted): &(f64, Vec<f64>)| {
            let mut amounts = vec![0.0; fair.len()];
            for (owner, wanted) in owners.iter().zip(wanted) {
                amounts[usize::from(*owner)] += wanted;
            }
            let seen = Loads::of(&amounts, &fair);
            let chance = by_chance(wanted, &fair);
            let sum: f64 = wanted.iter().sum();
            ZipfLoad {
                exponent: *exponent,
                peak: Floored {
                    seen: seen.peak,
                    floor: chance.peak,
                },
                cv: Floored {
                    seen: seen.cv,
                    floor: chance.cv,
                },
                hottest_share: 1.0 / sum,
            }
        };
        self.by_exponent.iter().map(load).collect()
    }
}

/// Every key to a peer by chance.
fn by_chance(wanted: &[f64], fair: &[f64]) -> Loads {
    let sums = sums(fair);
    let equal = fair.iter().all(|share| (share - fair[0]).abs() < 1e-12);
    let mut random = Random::new(fair.len() as u64);
    let draws: Vec<Loads> = (0..DRAWS)
        .map(|_| {
            let mut amounts = vec![0.0; fair.len()];
            for wanted in wanted {
                let peer = if equal {
                    random.below(fair.len())
                } else {
                    pick(&sums, &mut random)
                };
                amounts[peer] += wanted;
            }
            Loads::of(&amounts, fair)
        })
        .collect();
    Loads::median(&draws)
}

#[cfg(test)]
mod tests {
    use ringlab_core::hash::HashKind;

    use super::*;
    use crate::choices::rings::{Placing, Ring};

    #[test]
    fn the_hottest_key_bounds_the_peak() {
        let placing = Placing::by_name("random_slicing").expect("in the table");
        let hash = HashKind::by_name("murmur").expect("in the table");
        let claimants = placing.claimants(&Ring::made_up(16));
        let built = placing
            .build(&claimants, hash)
            .expect("murmur goes with it");
        let hashes: Vec<u64> = (0..10_000_u64)
            .map(|n| hash.hash(&n.to_le_bytes()))
            .collect();
        let loads = Wanted::of(hashes.len()).loads(built.as_ref(), &claimants, &hashes);
        let exponents: Vec<f64> = loads.iter().map(|load| load.exponent).collect();
        assert_eq!(exponents, EXPONENTS);
        for load in &loads {
            assert!(load.peak.seen >= 16.0 * load.hottest_share, "{load:?}");
            assert!(
                (0.3..3.0).contains(&(load.peak.seen / load.peak.floor)),
                "{load:?}"
            );
        }
        // 1 over the generalized harmonic number of 10,000 at 1.2, which is 4.80.
        assert!(
            (loads[1].hottest_share - 0.2085).abs() < 0.001,
            "{}",
            loads[1].hottest_share
        );
        assert!(loads[1].peak.seen > loads[0].peak.seen);
    }
}
