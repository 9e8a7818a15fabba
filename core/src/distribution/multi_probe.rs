//! Multi-probe consistent hashing: one point a claimant, many probes a key; the probe that is
//! nearest to its next point decides.
//!
//! Source: Appleton and O'Reilly, "Multi-Probe Consistent Hashing" (2015), with its 21 probes. A
//! claimant of twice the weight has twice the points. The probes of a key are drawn one by one;
//! the usual pair h1 + i·h2 costs less and balances worse (a peak of 1.105 against 1.062 at a
//! hundred claimants), and a [`ProbeRing`] takes either.

use super::seeds::{draw, seed};
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

/// Probes of a key: about 1 + 1/21 of the mean is then the most a claimant gets.
const PROBES: u64 = 21;
/// Most points of a ring, which is the sum of weights over their common divisor.
const POINTS_MAX: u64 = 1 << 16;
/// Slots of the index for each point: in all but one of a hundred there is one point at most.
const SLOTS_PER_POINT: usize = 8;

/// Points on the circle of 2^64, found by a prefix index.
#[derive(Debug)]
pub struct ProbeRing {
    /// Rising; then the first ones again, so that what follows a point is always there.
    points: Box<[u64]>,
    owners: Box<[u32]>,
    /// By a position's top bits: the first point in that slot or after it; and how many are in it
    /// beyond one.
    slots: Box<[(u32, u32)]>,
    shift: u32,
}

impl ProbeRing {
    /// The ring of these (position, owner), in any order; at least one.
    ///
    /// # Panics
    /// When there is no point.
    #[must_use]
    pub fn new(placed: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let mut placed: Vec<_> = placed.into_iter().collect();
        assert!(!placed.is_empty(), "a ring has a point at least");
        placed.sort_unstable();
        let slot_bits = (placed.len() * SLOTS_PER_POINT).next_power_of_two().ilog2();
        let shift = 64 - slot_bits;
        let first = |slot: u64| placed.partition_point(|(point, _)| point >> shift < slot) as u32;
        let slots = (0..1_u64 << slot_bits)
            .map(|slot| {
                (
                    first(slot),
                    (first(slot + 1) - first(slot)).saturating_sub(1),
                )
            })
            .collect();
        let twice = [placed[0], placed[1 % placed.len()]];
        placed.extend(twice);
        Self {
            points: placed.iter().map(|(point, _)| *point).collect(),
            owners: placed.iter().map(|(_, owner)| *owner).collect(),
            slots,
            shift,
        }
    }

    /// The owner of the point that lies nearest after one of `probes`; of equal ones the first
    /// probe counts. A point is not after itself.
    #[inline]
    #[must_use]
    pub fn owner(&self, probes: impl Iterator<Item = u64>) -> u32 {
        let mut best = (u64::MAX, 0);
        for probe in probes {
            let (first, more) = self.slots[(probe >> self.shift) as usize];
            let first = first as usize;
            // Points behind the probe are nearly a whole turn away: the least distance is to the
            // next one, be it the slot's or the one after it.
            for index in first..first + 2 {
                best = self.nearer(best, probe, index);
            }
            for index in first + 2..first + 2 + more as usize {
                best = self.nearer(best, probe, index);
            }
        }
        self.owners[best.1]
    }

    #[inline]
    fn nearer(&self, best: (u64, usize), probe: u64, index: usize) -> (u64, usize) {
        let distance = self.points[index].wrapping_sub(probe).wrapping_sub(1);
        if distance < best.0 {
            (distance, index)
        } else {
            best
        }
    }

    /// Points of the ring.
    fn len(&self) -> usize {
        self.points.len() - 2
    }

    /// Each owner's share for `probes` independent probes, exactly.
    ///
    /// A probe lies in the arc before a point with the arc's length as chance, evenly; so the
    /// least distance of all probes is above t with chance (1 − F(t))^k, where F(t) is the part of
    /// the circle within t before a point, and a point wins with density k·(1 − F(t))^(k−1) while t
    /// is below its arc. Between two lengths of arcs F is a straight line.
    fn shares(&self, probes: u64, owners: usize) -> Vec<f64> {
        let count = self.len();
        let mut arcs: Vec<_> = (0..count)
            .map(|index| {
                let before = self.points[(index + count - 1) % count];
                let arc = self.points[index].wrapping_sub(before);
                // One point alone has the whole circle.
                let arc = if count == 1 {
                    1.0
                } else {
                    arc as f64 / 2_f64.powi(64)
                };
                (arc, self.owners[index])
            })
            .collect();
        arcs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut shares = vec![0.0; owners];
        let (mut won, mut from, mut covered) = (0.0, 0.0, 0.0_f64);
        for (index, (arc, owner)) in arcs.into_iter().enumerate() {
            let wide = (count - index) as f64;
            let before = (1.0 - covered).max(0.0).powi(probes as i32);
            covered += (arc - from) * wide;
            let after = (1.0 - covered).max(0.0).powi(probes as i32);
            won += (before - after) / wide;
            from = arc;
            shares[owner as usize] += won;
        }
        shares
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.points) + size_of_val(&*self.owners) + size_of_val(&*self.slots)
    }
}

#[derive(Debug)]
struct MultiProbe {
    ring: ProbeRing,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let weights = claimants.iter().map(|claimant| claimant.weight);
    let unit = weights.fold(0, common_divisor);
    let points = claimants.iter().map(|claimant| claimant.weight / unit);
    let count = points.clone().map(u64::from).sum();
    if count > POINTS_MAX {
        return Err(BuildError::TooMany {
            what: "the sum of multi_probe's weights, over their common divisor,",
            count,
            count_max: POINTS_MAX,
        });
    }
    let placed = claimants
        .iter()
        .zip(points)
        .zip(0..)
        .flat_map(|((claimant, points), index)| {
            let seed = seed(&claimant.name);
            (0..u64::from(points)).map(move |point| (draw(seed, point), index))
        });
    Ok(Box::new(MultiProbe {
        ring: ProbeRing::new(placed),
        claimants: claimants.len(),
        hash,
    }))
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

impl Distribution for MultiProbe {
    fn owner(&self, hash: u64) -> usize {
        let key = widen(hash, self.hash.bits());
        self.ring.owner((0..PROBES).map(|probe| draw(key, probe))) as usize
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        self.ring.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.ring.bytes()
    }

    /// Exact for probes that are independent, as the draws nearly are.
    fn shares(&self) -> Vec<f64> {
        self.ring.shares(PROBES, self.claimants)
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}
