//! Bounded loads: nobody gets more than so many times its fair share; what is too much goes on to
//! the next candidate.
//!
//! Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads" (arXiv
//! 1608.01350, 2016). They place balls one after the other, so that a place depends on all balls
//! before it. A node of a ring can't: it sees some keys only, and every node must find the same
//! owner. Two forms, then:
//!
//! * [`build`], for a ring that serves: the values that the hash can give are the balls, placed
//!   once, in rising order. The result depends on the configuration alone. On a token ring what an
//!   owner can't take goes to the next claimant clockwise that has room; elsewhere each owner
//!   above its bound keeps the part of its keys that it may, and the others are dealt to those
//!   with room, in proportion to it. Where all shares are fair anyway nothing changes.
//! * [`bounded_loads`], for the lab: keys as balls, as in the paper.

use std::fmt;

use super::ranges::{POSITION_BITS, POSITION_MAX, Ranges};
use super::{BuildError, Claimant, Distribution, DistributionRow};
use crate::hash::{HashKind, widen};

/// How much of its fair share a claimant may get: more than 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadBound(f64);

impl LoadBound {
    /// A bound of `ratio` times the fair share.
    ///
    /// # Errors
    /// Unless `ratio` is a number above 1.
    pub fn new(ratio: f64) -> Result<Self, BoundTooTight> {
        if ratio > 1.0 && ratio.is_finite() {
            Ok(Self(ratio))
        } else {
            Err(BoundTooTight { ratio })
        }
    }

    /// Times the fair share.
    #[must_use]
    pub const fn ratio(self) -> f64 {
        self.0
    }

    /// What each may have of `total` units: as many whole ones as fit its bound.
    fn caps(self, weights: &[u32], total: u64) -> Vec<u64> {
        let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let each = self.0 * total as f64 / sum;
        let caps = |round: fn(f64) -> f64| -> Vec<u64> {
            let cap = |weight: &u32| round(each * f64::from(*weight)) as u64;
            weights.iter().map(cap).collect()
        };
        let whole = caps(f64::floor);
        // Of few units, rounding may leave too little room for all.
        if whole.iter().sum::<u64>() >= total {
            whole
        } else {
            caps(f64::ceil)
        }
    }
}

impl fmt::Display for LoadBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A bound that leaves no room for all keys.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "a load bound of {ratio} leaves no room: it is a ratio of the fair share, above 1, as in 1.25"
)]
pub struct BoundTooTight {
    /// What was asked for.
    pub ratio: f64,
}

/// A distribution and its bound.
#[derive(Debug)]
struct Bounded {
    /// As it is without a bound.
    plain: Box<dyn Distribution>,
    placing: Placing,
    shares: Vec<f64>,
    bound: LoadBound,
    row: &'static DistributionRow,
    hash: HashKind,
}

#[derive(Debug)]
enum Placing {
    /// Nobody is above the bound.
    Plain,
    /// A table in which nobody is.
    Table(Box<dyn Distribution>),
    /// Some of the keys of those above it are dealt again.
    Dealt {
        /// By claimant: the part of its keys that stays, of 2^64.
        kept: Box<[u64]>,
        /// Room, side by side.
        room: Ranges,
    },
}

/// `row`'s distribution of `claimants`, with a bound.
pub(super) fn build(
    row: &'static DistributionRow,
    claimants: &[Claimant],
    hash: HashKind,
    bound: LoadBound,
) -> Result<Box<dyn Distribution>, BuildError> {
    if !can_bound(row) {
        return Err(BuildError::NotBounded {
            distribution: row.name,
        });
    }
    let plain = (row.build)(claimants, hash)?;
    Ok(Box::new(bounded(row, plain, claimants, (hash, bound))))
}

/// Whether keys can go on to a next candidate: not where there is one owner, or any.
fn can_bound(row: &DistributionRow) -> bool {
    !matches!(row.name, "single" | "random")
}

fn bounded(
    row: &'static DistributionRow,
    plain: Box<dyn Distribution>,
    claimants: &[Claimant],
    (hash, bound): (HashKind, LoadBound),
) -> Bounded {
    let weights: Vec<u32> = claimants.iter().map(|claimant| claimant.weight).collect();
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let fair = weights.iter().map(|weight| f64::from(*weight) / total);
    let caps: Vec<f64> = fair.map(|share| bound.0 * share).collect();
    let shares = plain.shares();
    let above = |(share, cap): (&f64, &f64)| share > cap;
    let (placing, shares) = if !shares.iter().zip(&caps).any(above) {
        (Placing::Plain, shares)
    } else if let Some(table) = plain.capped(&|count| bound.caps(&weights, count)) {
        let shares = table.shares();
        (Placing::Table(table), shares)
    } else {
        dealt(&shares, &caps)
    };
    Bounded {
        plain,
        placing,
        shares,
        bound,
        row,
        hash,
    }
}

/// Keeps of each share what its cap allows and deals the rest to those with room.
fn dealt(shares: &[f64], caps: &[f64]) -> (Placing, Vec<f64>) {
    let pairs = || shares.iter().zip(caps);
    let kept = pairs()
        .map(|(share, cap)| match cap / share {
            part if part < 1.0 => (part * 2_f64.powi(64)) as u64,
            _ => u64::MAX,
        })
        .collect();
    let rooms: Vec<f64> = pairs().map(|(share, cap)| (cap - share).max(0.0)).collect();
    let over: f64 = pairs().map(|(share, cap)| (share - cap).max(0.0)).sum();
    let room: f64 = rooms.iter().sum();
    let mut before = 0.0;
    let ends: Vec<(u64, u16)> = (0_u16..)
        .zip(&rooms)
        .filter(|(_, own)| **own > 0.0)
        .map(|(owner, own)| {
            before += own;
            let end = (before / room * POSITION_MAX as f64) as u64;
            (end.min(POSITION_MAX), owner)
        })
        .collect();
    let bounded = pairs().zip(&rooms);
    let shares = bounded.map(|((share, cap), own)| share.min(*cap) + over * own / room);
    let shares = shares.collect();
    let room = Ranges::new(ends, POSITION_BITS);
    (Placing::Dealt { kept, room }, shares)
}

impl Distribution for Bounded {
    fn owner(&self, hash: u64) -> usize {
        match &self.placing {
            Placing::Plain => self.plain.owner(hash),
            Placing::Table(table) => table.owner(hash),
            Placing::Dealt { kept, room } => {
                let owner = self.plain.owner(hash);
                let draw = retried(hash, 1);
                if draw <= kept[owner] {
                    owner
                } else {
                    room.owner(retried(hash, 2) >> (64 - POSITION_BITS))
                }
            }
        }
    }

    fn claimants(&self) -> usize {
        self.plain.claimants()
    }

    fn entries(&self) -> usize {
        match &self.placing {
            Placing::Plain => self.plain.entries(),
            Placing::Table(table) => table.entries(),
            Placing::Dealt { kept, .. } => self.plain.entries() + kept.len(),
        }
    }

    fn bytes(&self) -> usize {
        let placing = match &self.placing {
            Placing::Plain => 0,
            Placing::Table(table) => table.bytes(),
            Placing::Dealt { kept, room } => size_of_val(&**kept) + room.bytes(),
        };
        size_of::<Self>() + self.plain.bytes() + size_of_val(&*self.shares) + placing
    }

    fn shares(&self) -> Vec<f64> {
        self.shares.clone()
    }

    fn candidate(&self, hash: u64, passes: u32) -> usize {
        match passes {
            0 => self.owner(hash),
            _ => self.plain.candidate(hash, passes),
        }
    }

    /// Only the plain distribution has a history; the bound is applied anew.
    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        let plain = self.plain.rebuild(claimants)?;
        let how = (self.hash, self.bound);
        Ok(Box::new(bounded(self.row, plain, claimants, how)))
    }
}

/// A value for another try with the same key. Distributions of 32-bit hashes take its low half.
#[inline]
pub(super) const fn retried(hash: u64, passes: u32) -> u64 {
    let step = (passes as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    widen(hash.wrapping_add(step), 0)
}

/// Where the balls went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedLoads {
    /// By ball: its claimant. Movement is what differs between two lists of the same balls.
    pub owners: Vec<u16>,
    /// By claimant: its balls.
    pub loads: Vec<u64>,
    /// Candidates that were full when a ball came by, over all balls: the extra hops.
    pub passes: u64,
}

/// Places one ball for each of `hashes` after the other: with its owner, or with the next
/// candidate that has room. Each claimant has room for `bound` times its weight's part of the
/// balls.
#[must_use]
pub fn bounded_loads(
    distribution: &dyn Distribution,
    weights: &[u32],
    bound: LoadBound,
    hashes: &[u64],
) -> BoundedLoads {
    let mut room = bound.caps(weights, hashes.len() as u64);
    let mut result = BoundedLoads {
        owners: Vec::with_capacity(hashes.len()),
        loads: vec![0; weights.len()],
        passes: 0,
    };
    let walk_max = distribution.entries().max(16 * weights.len()) as u32;
    for hash in hashes {
        let mut walk = (0..walk_max).map(|passes| (passes, distribution.candidate(*hash, passes)));
        // A walk that never meets the few with room is cut short.
        let found = walk.find(|(_, candidate)| room[*candidate] > 0);
        let (passes, owner) = found.unwrap_or_else(|| {
            let first = room.iter().position(|room| *room > 0);
            (walk_max, first.expect("there is room for all balls"))
        });
        room[owner] -= 1;
        result.loads[owner] += 1;
        result.passes += u64::from(passes);
        result.owners.push(owner as u16);
    }
    result
}

#[cfg(test)]
mod tests;
