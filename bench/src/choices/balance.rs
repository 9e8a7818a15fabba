//! How evenly the given keys lie over the peers, and over each server of a given ring.

use ringlab_core::distribution::{Claimant, Distribution};

use super::data::{Balance, ServerLoad};
use super::rings::fair_shares;
use super::statistics::{Loads, evenness};

/// Keys and accesses by peer.
pub(crate) struct Counted {
    pub(crate) keys: Vec<u64>,
    accesses: Vec<u64>,
    /// Whether a key has the same owner each time it is asked for.
    stays: bool,
}

impl Counted {
    /// Looks every key up.
    pub(crate) fn of(built: &dyn Distribution, hashes: &[u64], accesses: &[u32]) -> Self {
        let mut counted = Self {
            keys: vec![0; built.claimants()],
            accesses: vec![0; built.claimants()],
            stays: (hashes.iter().take(64)).all(|hash| built.owner(*hash) == built.owner(*hash)),
        };
        for (hash, times) in hashes.iter().zip(accesses) {
            let owner = built.owner(*hash);
            counted.keys[owner] += 1;
            counted.accesses[owner] += u64::from(*times);
        }
        counted
    }

    /// The figures.
    pub(crate) fn balance(&self, built: &dyn Distribution, claimants: &[Claimant]) -> Balance {
        let fair = fair_shares(claimants);
        let chance = Loads::by_chance(self.keys.iter().sum(), &fair);
        let amounts: Vec<f64> = self.accesses.iter().map(|count| *count as f64).collect();
        let shares = built.shares();
        Balance {
            keys: evenness(&self.keys, &fair, &chance),
            share_cv: self.stays.then(|| Loads::of(&shares, &fair).cv),
            peak_accesses: Loads::of(&amounts, &fair).peak,
        }
    }

    /// Each server, in the claimants' order.
    pub(crate) fn servers(&self, claimants: &[Claimant]) -> Vec<ServerLoad> {
        let sum: u64 = self.keys.iter().sum();
        let server = |(index, fair_share): (usize, f64)| {
            let expected = sum as f64 * fair_share;
            let keys = self.keys[index];
            ServerLoad {
                name: claimants[index].name.clone(),
                weight: claimants[index].weight,
                fair_share,
                keys,
                accesses: self.accesses[index],
                load: keys as f64 / expected,
                sigmas: sigmas(keys as f64, expected, fair_share),
            }
        };
        fair_shares(claimants)
            .into_iter()
            .enumerate()
            .map(server)
            .collect()
    }
}

/// Of the binomial law; 0 where one peer has all.
fn sigmas(keys: f64, expected: f64, fair_share: f64) -> f64 {
    let deviation = (expected * (1.0 - fair_share)).sqrt();
    if deviation > 0.0 {
        (keys - expected) / deviation
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use ringlab_core::hash::HashKind;

    use super::*;
    use crate::choices::rings::{Placing, Ring};

    fn counted(placing: &str, values: &[u64], accesses: &[u32]) -> (Balance, Vec<ServerLoad>) {
        let placing = Placing::by_name(placing).expect("in the table");
        let hash = HashKind::by_name("murmur").expect("in the table");
        let claimants = placing.claimants(&Ring::made_up(4));
        let built = placing
            .build(&claimants, hash)
            .expect("murmur goes with it");
        let counted = Counted::of(built.as_ref(), values, accesses);
        (
            counted.balance(built.as_ref(), &claimants),
            counted.servers(&claimants),
        )
    }

    #[test]
    fn a_planted_skew_is_seen_and_its_server_named() {
        // Every fifth key has the value of a range's middle: its peer has 0.8/4 + 0.2 of all.
        let values: Vec<u64> = (0..20_000_u64)
            .map(|n| match n % 5 {
                0 => 0x6000_0000,
                _ => (n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 32,
            })
            .collect();
        let (balance, servers) = counted("vnode", &values, &vec![1; values.len()]);
        assert!(balance.keys.p_value < 1e-6);
        assert!((balance.keys.peak.seen - 1.6).abs() < 0.05, "{balance:?}");
        assert!(balance.keys.peak.floor < 1.03);
        let skewed: Vec<_> = servers
            .iter()
            .filter(|server| server.sigmas > 4.0)
            .collect();
        assert_eq!(skewed.len(), 1);
        assert_eq!(skewed[0].name, servers[1].name);
    }

    #[test]
    fn accesses_weigh_beside_keys() {
        let values: Vec<u64> = (0..4000_u64).collect();
        let mut accesses = vec![1; 4000];
        accesses[1] = 4001;
        let (balance, servers) = counted("modula", &values, &accesses);
        assert!((balance.keys.peak.seen - 1.0).abs() < 1e-9);
        assert!((balance.peak_accesses - 2.5).abs() < 1e-9);
        assert_eq!((servers[1].keys, servers[1].accesses), (1000, 5000));
        assert!(balance.share_cv.expect("exact") < 1e-9);
    }
}
