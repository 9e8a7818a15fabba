//! What the modern distributions share: numbers drawn from names, and how they are mixed.

use super::Claimant;
use crate::hash::{HashKind, widen};

/// 2^64 over the golden ratio: multiples of it lie evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number that stands for `name` on every node: its 64-bit MurmurHash3.
pub(super) fn seed(name: &str) -> u64 {
    let hash = HashKind::by_name("murmur3_x64_64").expect("a row of the table of hashes");
    hash.hash(name.as_bytes())
}

/// The `index`-th of a row of numbers that `seed` starts: each a bijection of it (SplitMix64's
/// step under MurmurHash3's finalizer).
#[inline]
pub(super) const fn draw(seed: u64, index: u64) -> u64 {
    widen(seed.wrapping_add(STEP.wrapping_mul(index + 1)), 0)
}

/// Each claimant's part of the sum of weights.
pub(super) fn weight_shares(claimants: &[Claimant]) -> Vec<f64> {
    let weights = claimants.iter().map(|claimant| f64::from(claimant.weight));
    let total: f64 = weights.clone().sum();
    weights.map(|weight| weight / total).collect()
}
