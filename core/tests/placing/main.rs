//! Distributions against what others say of them: reference programs, published figures, crates.
#![cfg(test)]

mod modern;
mod moves;
mod numbers;
mod oracles;
mod twemproxy;
#[path = "../vectors/mod.rs"]
mod vectors;

use ringlab_core::distribution::{Claimant, Distribution, DistributionKind};
use ringlab_core::hash::{HashKind, widen};

/// Claimants of these weights, named `prefix1`, `prefix2`, …
fn claimants(prefix: &str, weights: &[u32]) -> Vec<Claimant> {
    let numbered = weights.iter().zip(1..);
    numbered
        .map(|(weight, number)| Claimant {
            name: format!("{prefix}{number}"),
            tokens: vec![],
            weight: *weight,
        })
        .collect()
}

fn built(distribution: &str, claimants: &[Claimant], hash: &str) -> Box<dyn Distribution> {
    DistributionKind::by_name(distribution)
        .unwrap()
        .build(claimants, HashKind::by_name(hash).unwrap())
        .unwrap()
}

/// A hash of 64 bits, whose values go to a distribution as they are.
const WIDE: &str = "murmur3_x64_64";

/// So many 64-bit values that look random, the same every time.
fn values(count: u64) -> impl Iterator<Item = u64> + Clone {
    (1..=count).map(|number| widen(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), 32))
}
