//! How much of the hash's values go from which claimant to which.

use std::collections::BTreeMap;

use ringlab_core::distribution::{Distribution, ketama_points};
use ringlab_core::hash::HashKind;
use serde::Serialize;

use crate::topology::{Pool, Rack};

/// Values asked where no exact reckoning is known.
const SAMPLES: u32 = 1 << 20;
/// Most steps of an exact reckoning.
const STEPS_MAX: u64 = 1 << 25;
/// Rings and remainders see so many bits of a hash.
const RING_BITS: u32 = 32;

/// How shares were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// Over all values of the hash, range by range.
    Exact,
    /// Over 2^20 values by chance: a share p is right within 0.002·√(p(1−p)), 95 times of 100.
    Sampled,
    /// The hashes differ: what two hashes that know nothing of each other give.
    Independent,
    /// Over given keys.
    Keys,
}

/// From claimant to claimant, by their indices in the two lists.
#[derive(Debug)]
pub(crate) struct Flows {
    pub(crate) method: Method,
    counts: BTreeMap<(usize, usize), f64>,
    /// Of the counts.
    pub(crate) total: f64,
}

/// One side: what places, and what was built from it.
type Side<'a> = (&'a Pool, &'a Rack, &'a dyn Distribution);

/// Where a distribution over 32 bits changes its mind.
enum Shape {
    /// After each of these values.
    Ranges(Vec<u64>),
    /// With the remainder by this.
    Remainders(u64),
}

impl Flows {
    pub(crate) fn empty(method: Method) -> Self {
        Self {
            method,
            counts: BTreeMap::new(),
            total: 0.0,
        }
    }

    /// What goes where when `old` is replaced by `new`.
    pub(crate) fn between(old: Side<'_>, new: Side<'_>) -> Self {
        if old.0.hash != new.0.hash {
            return Self::independent(old.2, new.2);
        }
        let exact = shape(old).zip(shape(new));
        let exact = exact.and_then(|shapes| Self::exact((old.2, new.2), old.0.hash, shapes));
        exact.unwrap_or_else(|| Self::sampled((old.2, new.2), old.0.hash, SAMPLES))
    }

    pub(crate) fn add(&mut self, from: usize, to: usize, count: f64) {
        *self.counts.entry((from, to)).or_default() += count;
        self.total += count;
    }

    /// Every pair of claimants with its share of the whole.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let counts = self.counts.iter();
        counts.map(|((from, to), count)| (*from, *to, count / self.total))
    }

    /// The share of each claimant before and after.
    pub(crate) fn margins(&self, olds: usize, news: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut before, mut after) = (vec![0.0; olds], vec![0.0; news]);
        for (from, to, share) in self.shares() {
            before[from] += share;
            after[to] += share;
        }
        (before, after)
    }

    fn independent(old: &dyn Distribution, new: &dyn Distribution) -> Self {
        let mut flows = Self::empty(Method::Independent);
        let news = new.shares();
        for (from, before) in old.shares().into_iter().enumerate() {
            for (to, after) in news.iter().enumerate() {
                flows.add(from, to, before * after);
            }
        }
        flows
    }

    /// Values by chance, the same ones each time.
    pub(crate) fn sampled(
        (old, new): (&dyn Distribution, &dyn Distribution),
        hash: HashKind,
        samples: u32,
    ) -> Self {
        let mut flows = Self::empty(Method::Sampled);
        for number in 0..u64::from(samples) {
            let value = splitmix(number) >> (64 - u32::from(hash.bits()));
            flows.add(old.owner(value), new.owner(value), 1.0);
        }
        flows
    }

    /// Between two ends of ranges the owner of each remainder is the same.
    fn exact(
        (old, new): (&dyn Distribution, &dyn Distribution),
        hash: HashKind,
        shapes: (Shape, Shape),
    ) -> Option<Self> {
        let last = (1_u64 << u32::from(hash.bits()).min(RING_BITS)) - 1;
        let mut ends = vec![last];
        let mut period = 1;
        for shape in [&shapes.0, &shapes.1] {
            match shape {
                Shape::Ranges(more) => ends.extend(more.iter().filter(|end| **end < last)),
                Shape::Remainders(divisor) => period = least_common_multiple(period, *divisor),
            }
        }
        ends.sort_unstable();
        ends.dedup();
        if period.saturating_mul(ends.len() as u64) > STEPS_MAX {
            return None;
        }
        let owner = |built: &dyn Distribution, shape: &Shape, end: u64, rest: u64| match shape {
            Shape::Ranges(_) => built.owner(end),
            Shape::Remainders(_) => built.owner(rest),
        };
        let mut flows = Self::empty(Method::Exact);
        let mut start = 0;
        for end in ends {
            for rest in 0..period {
                let count = below(end + 1, rest, period) - below(start, rest, period);
                if count > 0 {
                    let from = owner(old, &shapes.0, end, rest);
                    let to = owner(new, &shapes.1, end, rest);
                    flows.add(from, to, count as f64);
                }
            }
            start = end + 1;
        }
        Some(flows)
    }
}

/// How a distribution divides 32-bit values, where that is known.
fn shape((pool, rack, _): Side<'_>) -> Option<Shape> {
    let claimants = &rack.claimants;
    match pool.distribution.name() {
        "vnode" => {
            let tokens = claimants.iter().flat_map(|claimant| &claimant.tokens);
            let ends = tokens.map(|token| u64::from(token.magnitude()));
            Some(Shape::Ranges(ends.collect()))
        }
        "modula" => {
            let weights = claimants.iter().map(|claimant| u64::from(claimant.weight));
            Some(Shape::Remainders(weights.sum()))
        }
        "ketama" => {
            let points = ketama_points(claimants).into_iter();
            Some(Shape::Ranges(
                points.map(|(end, _)| u64::from(end)).collect(),
            ))
        }
        "single" => Some(Shape::Remainders(1)),
        _ => None,
    }
}

/// How many of the values 0, 1, … below `end` leave that rest.
fn below(end: u64, rest: u64, period: u64) -> u64 {
    end / period + u64::from(end % period > rest)
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut greater, mut rest) = (a, b);
    while rest != 0 {
        (greater, rest) = (rest, greater % rest);
    }
    (a / greater).saturating_mul(b)
}

/// Steele, Lea and Flood's `SplitMix64`, by number.
fn splitmix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
