//! A seeded bijection of the keys: the frequent ones lie anywhere, and the law stays exact.
//!
//! A Feistel network permutes the numbers below the next power of four; a number that lands beyond
//! the keys is permuted again until it doesn't (J. Black and P. Rogaway, "Ciphers with arbitrary
//! finite domains", CT-RSA 2002), which is a permutation of the keys alone.

use crate::random::mix;

const ROUNDS: u64 = 4;

/// A permutation of `0..keys`.
#[derive(Clone, Debug)]
pub struct Scramble {
    keys: u64,
    half_bits: u32,
    seed: u64,
}

impl Scramble {
    /// The permutation of this many keys (at least one) that a seed gives.
    pub fn new(keys: u64, seed: u64) -> Self {
        assert!(keys > 0, "a permutation of nothing");
        let bits = 64 - (keys - 1).leading_zeros();
        Self {
            keys,
            half_bits: bits.div_ceil(2).max(1),
            seed: mix(seed ^ 0x7363_7261),
        }
    }

    /// Where a number goes.
    pub fn place(&self, number: u64) -> u64 {
        let mut place = self.permute(number);
        // At most four rounds in the mean: the network's domain is less than four times as large.
        while place >= self.keys {
            place = self.permute(place);
        }
        place
    }

    fn permute(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for round in 0..ROUNDS {
            let key = self.seed.wrapping_add(round << 56);
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        for keys in [1, 2, 3, 4, 5, 16, 17, 1000, 65_537] {
            for seed in [0, 1, 77] {
                let scramble = Scramble::new(keys, seed);
                let mut places: Vec<u64> = (0..keys).map(|number| scramble.place(number)).collect();
                places.sort_unstable();
                assert!(places.into_iter().eq(0..keys), "{keys} keys, seed {seed}");
            }
        }
    }

    #[test]
    fn seeds_give_other_places_and_neighbours_part() {
        let (one, other) = (Scramble::new(1_000_000, 1), Scramble::new(1_000_000, 2));
        let same = (0..10_000).filter(|&n| one.place(n) == other.place(n));
        assert!(same.count() < 5);
        let near = (0..10_000).filter(|&n| one.place(n).abs_diff(one.place(n + 1)) < 1000);
        assert!(near.count() < 60, "neighbours stay near");
        assert!(Scramble::new(1_000_000_000_000, 3).place(999_999_999_999) < 1_000_000_000_000);
    }
}
