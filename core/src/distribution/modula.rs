//! twemproxy's `modula`: the hash's remainder by the sum of weights.
//!
//! A claimant takes as many consecutive remainders as its weight, and claimants stand in
//! twemproxy's order.

use super::server_order::in_server_order;
use super::{BuildError, Claimant, Distribution, checked, ring_values};
use crate::hash::HashKind;

/// Most entries of the table, which is the sum of weights.
const ENTRIES_MAX: u64 = 1 << 20;

#[derive(Debug)]
struct Modula {
    /// Remainder to claimant.
    entries: Box<[u16]>,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let count = claimants
        .iter()
        .map(|claimant| u64::from(claimant.weight))
        .sum();
    if count > ENTRIES_MAX {
        return Err(BuildError::TooMany {
            what: "the sum of modula's weights",
            count,
            count_max: ENTRIES_MAX,
        });
    }
    let entries = in_server_order(claimants)
        .into_iter()
        .flat_map(|(claimant, index)| (0..claimant.weight).map(move |_| index))
        .collect();
    Ok(Box::new(Modula {
        entries,
        claimants: claimants.len(),
        hash,
    }))
}

impl Distribution for Modula {
    fn owner(&self, hash: u64) -> usize {
        usize::from(self.entries[hash as u32 as usize % self.entries.len()])
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        self.entries.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.entries)
    }

    fn shares(&self) -> Vec<f64> {
        let values = ring_values(self.hash);
        let len = self.entries.len() as u64;
        let mut counts = vec![0_u64; self.claimants];
        for (remainder, &owner) in (0..).zip(&*self.entries) {
            counts[usize::from(owner)] += values / len + u64::from(remainder < values % len);
        }
        counts
            .into_iter()
            .map(|count| count as f64 / values as f64)
            .collect()
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}
