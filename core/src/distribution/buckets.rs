//! What the schemes of numbered buckets share: claimants sit in buckets, one for each unit of
//! weight, and the scheme says which bucket has a key.
//!
//! A scheme that allows any bucket to be removed remembers its history. Every node of a ring must
//! place a key alike from the same configuration, whenever it was started, so a *build* has none:
//! the claimants, sorted by length of name and then by name, take buckets 0, 1, …. A claimant that
//! sorts last therefore joins and leaves at the price of its share, even between nodes that start
//! anew; one in the middle renumbers those behind it. A *rebuild* keeps the history: buckets of
//! claimants that are gone are removed, newcomers take the last removed ones, and nothing moves
//! between claimants that stay. `ringd` builds; whoever compares schemes rebuilds.

use std::fmt;

use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

/// Most buckets, which is the sum of weights.
const BUCKETS_MAX: u64 = 1 << 20;
/// The seat of a bucket that nobody sits in.
const NOBODY: u16 = u16::MAX;

/// Buckets of which some work. Numbers are below `1 << 32`.
pub(super) trait Buckets: Clone + Send + Sync + fmt::Debug + 'static {
    /// The first `working` buckets work, and there is room to add some.
    fn fresh(working: u32) -> Self;

    /// The working bucket of a key, by its 64-bit hash.
    fn bucket(&self, key: u64) -> u32;

    /// Makes one more bucket work, the last removed one if there is one; none when there is no
    /// room.
    fn add(&mut self) -> Option<u32>;

    /// Removes a bucket, unless it does not work or is the last one that does.
    fn remove(&mut self, bucket: u32) -> bool;

    /// Bytes on the heap.
    fn bytes(&self) -> usize;
}

/// Claimants in the buckets of a scheme.
#[derive(Clone, Debug)]
struct Bucketed<B> {
    buckets: B,
    /// By bucket: the claimant that sits there.
    seats: Vec<u16>,
    /// By claimant.
    names: Vec<String>,
    /// By claimant: its part of the sum of weights.
    shares: Vec<f64>,
    hash: HashKind,
}

pub(super) fn build<B: Buckets>(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let count = checked_count(claimants)?;
    let order = join_order(claimants);
    let seats = order
        .into_iter()
        .flat_map(|index| (0..claimants[index].weight).map(move |_| index as u16))
        .collect();
    Ok(Box::new(Bucketed {
        buckets: B::fresh(count),
        seats,
        names: names(claimants),
        shares: shares(claimants),
        hash,
    }))
}

/// The claimants' indices by length of name, then by name: numbered names keep their order.
pub(super) fn join_order(claimants: &[Claimant]) -> Vec<usize> {
    let mut order: Vec<_> = (0..claimants.len()).collect();
    order.sort_by_key(|index| (claimants[*index].name.len(), &claimants[*index].name));
    order
}

fn checked_count(claimants: &[Claimant]) -> Result<u32, BuildError> {
    let weights = claimants.iter().map(|claimant| u64::from(claimant.weight));
    let count: u64 = weights.sum();
    if count > BUCKETS_MAX {
        return Err(BuildError::TooMany {
            what: "the sum of weights, each a bucket,",
            count,
            count_max: BUCKETS_MAX,
        });
    }
    Ok(count as u32)
}

fn names(claimants: &[Claimant]) -> Vec<String> {
    claimants
        .iter()
        .map(|claimant| claimant.name.clone())
        .collect()
}

fn shares(claimants: &[Claimant]) -> Vec<f64> {
    let weights = || claimants.iter().map(|claimant| f64::from(claimant.weight));
    let total: f64 = weights().sum();
    weights().map(|weight| weight / total).collect()
}

impl<B: Buckets> Bucketed<B> {
    /// Seats the claimants of `order`, each in as many buckets as its weight, moving nobody who
    /// may stay. False when there is no room, or when nobody stays.
    fn seat(&mut self, claimants: &[Claimant], order: &[usize]) -> bool {
        let mut room: Vec<u32> = claimants.iter().map(|claimant| claimant.weight).collect();
        let stays = |name: &String| claimants.iter().position(|claimant| claimant.name == *name);
        let new_index: Vec<_> = self.names.iter().map(stays).collect();
        let mut leaving = Vec::new();
        for (bucket, seat) in (0_u32..).zip(&mut self.seats) {
            if *seat == NOBODY {
                continue;
            }
            match new_index[usize::from(*seat)].filter(|index| room[*index] > 0) {
                Some(index) => {
                    room[index] -= 1;
                    *seat = index as u16;
                }
                None => {
                    *seat = NOBODY;
                    leaving.push(bucket);
                }
            }
        }
        // The last first: buckets at the end go without a trace.
        let gone = leaving
            .iter()
            .rev()
            .all(|bucket| self.buckets.remove(*bucket));
        gone && order.iter().all(|index| {
            (0..room[*index]).all(|_| match self.buckets.add() {
                Some(bucket) => {
                    let len = self.seats.len().max(bucket as usize + 1);
                    self.seats.resize(len, NOBODY);
                    self.seats[bucket as usize] = *index as u16;
                    true
                }
                None => false,
            })
        })
    }
}

impl<B: Buckets> Distribution for Bucketed<B> {
    fn owner(&self, hash: u64) -> usize {
        let bucket = self.buckets.bucket(widen(hash, self.hash.bits()));
        usize::from(self.seats[bucket as usize])
    }

    fn claimants(&self) -> usize {
        self.names.len()
    }

    fn entries(&self) -> usize {
        self.seats.len()
    }

    fn bytes(&self) -> usize {
        let names = self
            .names
            .iter()
            .map(|name| size_of::<String>() + name.capacity());
        size_of::<Self>()
            + self.buckets.bytes()
            + size_of_val(&*self.seats)
            + size_of_val(&*self.shares)
            + names.sum::<usize>()
    }

    /// Each bucket is as likely as any other: exact for random hashes, not counted out.
    fn shares(&self) -> Vec<f64> {
        self.shares.clone()
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        checked_count(claimants)?;
        let mut rebuilt = self.clone();
        if !rebuilt.seat(claimants, &join_order(claimants)) {
            return build::<B>(claimants, self.hash);
        }
        rebuilt.names = names(claimants);
        rebuilt.shares = shares(claimants);
        Ok(Box::new(rebuilt))
    }
}

/// A hash's part of `0..count`, by its upper half.
#[inline]
pub(super) fn part(hash: u64, count: u32) -> u32 {
    (((hash >> 32) * u64::from(count)) >> 32) as u32
}

/// The hash with which a key goes on from a removed bucket: both halves of a product (the
/// multiply-and-fold of wyhash), odd digits of π as constants.
#[inline]
pub(super) fn again(key: u64, bucket: u32) -> u64 {
    let of_bucket = u64::from(bucket).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x243f_6a88_85a3_08d3;
    let product = u128::from(key ^ 0x1319_8a2e_0370_7344) * u128::from(of_bucket);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests;
