//! No distribution at all: for racks of one peer.

use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::HashKind;

/// Everything belongs to the first claimant.
#[derive(Debug)]
struct Single {
    claimants: usize,
}

pub(super) fn build(
    claimants: &[Claimant],
    _: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    Ok(Box::new(Single {
        claimants: claimants.len(),
    }))
}

impl Distribution for Single {
    fn owner(&self, _: u64) -> usize {
        0
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.claimants];
        shares[0] = 1.0;
        shares
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        Ok(Box::new(Self {
            claimants: claimants.len(),
        }))
    }
}
