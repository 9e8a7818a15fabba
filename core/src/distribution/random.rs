//! twemproxy's `random`: another claimant for each request, whatever the key.
//!
//! What one request writes, the next one looks for elsewhere: this suits caches whose content is
//! the same everywhere or can be made again. The draws are a fixed row of numbers (SplitMix64's
//! step under MurmurHash3's finalizer), so that a node fed the same bytes does the same again.

use std::sync::atomic::{AtomicU64, Ordering};

use super::seeds::draw;
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::HashKind;

#[derive(Debug)]
struct Random {
    claimants: usize,
    /// How many owners were drawn.
    drawn: AtomicU64,
}

pub(super) fn build(
    claimants: &[Claimant],
    _: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    Ok(Box::new(Random {
        claimants: claimants.len(),
        drawn: AtomicU64::new(0),
    }))
}

impl Distribution for Random {
    fn owner(&self, _: u64) -> usize {
        let number = draw(0, self.drawn.fetch_add(1, Ordering::Relaxed));
        ((u128::from(number) * self.claimants as u128) >> 64) as usize
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        self.claimants
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    /// Of the requests, not of the keys.
    fn shares(&self) -> Vec<f64> {
        vec![1.0 / self.claimants as f64; self.claimants]
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        Ok(Box::new(Self {
            claimants: claimants.len(),
            drawn: AtomicU64::new(self.drawn.load(Ordering::Relaxed)),
        }))
    }
}
