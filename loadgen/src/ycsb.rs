//! The key law of the Yahoo! Cloud Serving Benchmark, for comparability only.
//!
//! It is not Zipf's law over the keys: ranks come from an approximation (J. Gray et al., "Quickly
//! generating billion-record synthetic databases", SIGMOD 1994) over ten billion items whatever the
//! number of keys, and a hash (FNV-1a, 64 bits) puts them on keys, where ranks collide. `zipf` and
//! `scrambled-zipf` are the exact laws. Constants: `ScrambledZipfianGenerator` of YCSB 0.17.

use crate::random::Random;

const ITEMS: f64 = 10_000_000_000.0;
const EXPONENT: f64 = 0.99;
/// ζ(ITEMS, EXPONENT), as YCSB has it.
const ZETA: f64 = 26.469_028_201_783_02;

/// Draws as YCSB's scrambled zipfian generator does.
#[derive(Clone, Debug)]
pub struct YcsbZipf {
    keys: u64,
    alpha: f64,
    eta: f64,
    second: f64,
}

impl YcsbZipf {
    /// The law over this many keys.
    pub fn new(keys: u64) -> Self {
        let second = 0.5f64.powf(EXPONENT);
        let zeta2 = 1.0 + second;
        Self {
            keys,
            alpha: 1.0 / (1.0 - EXPONENT),
            eta: (1.0 - (2.0 / ITEMS).powf(1.0 - EXPONENT)) / (1.0 - zeta2 / ZETA),
            second,
        }
    }

    /// One key number.
    pub fn sample(&self, random: &mut Random) -> u64 {
        fnv64(self.rank(random.unit())) % self.keys
    }

    fn rank(&self, u: f64) -> u64 {
        let area = u * ZETA;
        if area < 1.0 {
            0
        } else if area < 1.0 + self.second {
            1
        } else {
            // Below ITEMS.
            (ITEMS * (self.eta * u - self.eta + 1.0).powf(self.alpha)) as u64
        }
    }
}

/// FNV-1a of the eight bytes of a number, the lowest first; without its sign, as in YCSB.
fn fnv64(number: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in number.to_le_bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash.cast_signed().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::chi_square_z;

    #[test]
    fn ranks_follow_grays_formula() {
        let law = YcsbZipf::new(1000);
        // The formula solved for u: the chance of a rank below this one.
        let below = |rank: f64| {
            if rank < 2.0 {
                [0.0, 1.0 / ZETA][rank as usize]
            } else {
                let u = ((rank / ITEMS).powf(1.0 / law.alpha) - 1.0 + law.eta) / law.eta;
                u.max((1.0 + law.second) / ZETA)
            }
        };
        let mut random = Random::new(5, 5);
        let mut counts = vec![0; 1001];
        for _ in 0..1_000_000 {
            counts[(law.rank(random.unit()) as usize).min(1000)] += 1;
        }
        let chance = |rank: usize| {
            let upper = if rank == 1000 {
                1.0
            } else {
                below(rank as f64 + 1.0)
            };
            upper - below(rank as f64)
        };
        let z = chi_square_z(&counts, chance);
        assert!(z < 3.5, "{z}");
    }

    #[test]
    fn the_hash_is_fnv() {
        // FNV-1a of eight zero bytes; its top bit is set, and YCSB takes the absolute value.
        assert_eq!(fnv64(0), 0xa8c7_f832_281a_39c5u64.wrapping_neg());
        let mut random = Random::new(1, 1);
        let law = YcsbZipf::new(10);
        assert!((0..1000).all(|_| law.sample(&mut random) < 10));
    }
}
