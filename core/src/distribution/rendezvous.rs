//! Rendezvous hashing (highest random weight): every claimant draws a score, the best one wins.
//!
//! Sources: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous" (1996); weights
//! by Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005): a claimant's score is
//! −w / ln(u) for its draw u between 0 and 1. For equal weights that is the order of the draws
//! themselves, and nothing is computed but those: changing one weight moves keys from it or to it,
//! and no others.

use super::score::{highest, raced, score};
use super::seeds::{seed, weight_shares};
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

#[derive(Debug)]
struct Rendezvous {
    seeds: Box<[u64]>,
    /// Empty when all are equal.
    weights: Box<[f64]>,
    shares: Box<[f64]>,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let equal = claimants
        .iter()
        .all(|claimant| claimant.weight == claimants[0].weight);
    let weighted = if equal { &[] } else { claimants };
    Ok(Box::new(Rendezvous {
        seeds: claimants
            .iter()
            .map(|claimant| seed(&claimant.name))
            .collect(),
        weights: weighted
            .iter()
            .map(|claimant| f64::from(claimant.weight))
            .collect(),
        shares: weight_shares(claimants).into_boxed_slice(),
        hash,
    }))
}

impl Distribution for Rendezvous {
    fn owner(&self, hash: u64) -> usize {
        let key = widen(hash, self.hash.bits());
        let draws = self.seeds.iter().map(|seed| score(key, *seed));
        if self.weights.is_empty() {
            highest(draws)
        } else {
            raced(draws.zip(self.weights.iter().copied()))
        }
    }

    fn claimants(&self) -> usize {
        self.seeds.len()
    }

    fn entries(&self) -> usize {
        self.seeds.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.seeds)
            + size_of_val(&*self.weights)
            + size_of_val(&*self.shares)
    }

    /// What is aimed at; the values of the hash are as many draws from it.
    fn shares(&self) -> Vec<f64> {
        self.shares.to_vec()
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}
