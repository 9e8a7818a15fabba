//! Jump consistent hash: no table at all, one division for each jump.
//!
//! Source: Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014). Only the
//! last bucket can come and go without moving other keys, so claimants take buckets by length of
//! name, then by name: of numbered names the last one is last.

use super::buckets::join_order;
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

/// The multiplier of the paper's generator.
const MULTIPLIER: u64 = 2_862_933_555_777_941_757;

#[derive(Debug)]
struct Jump {
    /// By bucket: the claimant.
    seats: Box<[u16]>,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    Ok(Box::new(Jump {
        seats: join_order(claimants)
            .into_iter()
            .map(|index| index as u16)
            .collect(),
        hash,
    }))
}

/// The bucket of `key` among `buckets`, which is at least 1.
#[inline]
#[must_use]
pub fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0);
    while next < i64::from(buckets) {
        bucket = next;
        (key, next) = jumped(key, bucket);
    }
    bucket as u32
}

/// The generator's next state, and the bucket to which a key in `bucket` jumps when it is there.
#[inline]
fn jumped(key: u64, bucket: i64) -> (u64, i64) {
    let key = key.wrapping_mul(MULTIPLIER).wrapping_add(1);
    let divisor = ((key >> 33) + 1) as f64;
    let next = (bucket + 1) as f64 * ((1_i64 << 31) as f64 / divisor);
    (key, next as i64)
}

impl Distribution for Jump {
    fn owner(&self, hash: u64) -> usize {
        let bucket = jump(widen(hash, self.hash.bits()), self.seats.len() as u32);
        usize::from(self.seats[bucket as usize])
    }

    fn claimants(&self) -> usize {
        self.seats.len()
    }

    fn entries(&self) -> usize {
        self.seats.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.seats)
    }

    /// Of 64-bit values, to the paper's 1e-8; the values of a narrower hash are as many draws.
    fn shares(&self) -> Vec<f64> {
        vec![1.0 / self.seats.len() as f64; self.seats.len()]
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spec's measured iterations, which are the harmonic numbers H_N: 2.93, 5.18, 7.48, 9.79.
    #[test]
    fn iterations_are_harmonic() {
        let keys = 200_000;
        for (buckets, expected) in [(10, 2.93), (100, 5.18), (1000, 7.48), (10_000, 9.79)] {
            let count = |key| {
                let (mut key, mut next, mut count) = (widen(key, 0), 0, 0);
                while next < buckets {
                    (key, next) = jumped(key, next);
                    count += 1;
                }
                count
            };
            let mean = f64::from((0..keys).map(count).sum::<u32>()) / keys as f64;
            assert!((mean - expected).abs() < 0.03, "{buckets}: {mean}");
        }
    }
}
