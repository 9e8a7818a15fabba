//! Dynomite's token ring: the owner is the first point that is not below the key's token, and
//! past the last point the first one.
//!
//! A key's token has 32 bits, so the points become a sorted table of 32-bit ends that covers all
//! of them without wrapping: points that no key's token falls on are folded away. The top bits of
//! a token index the place in the table where its range of points starts.

use super::{BuildError, Claimant, Distribution, Token, checked, ring_values};
use crate::hash::HashKind;

/// Slots of the index for each point: at two, most slots hold no more than one.
const SLOTS_PER_POINT: usize = 2;
/// Most points of a ring.
const POINTS_MAX: usize = 1 << 22;
/// Longest run of points that is walked rather than halved.
const WALK_MAX: usize = 16;

#[derive(Debug)]
struct Vnode {
    /// `end << 32 | owner`, ends strictly rising up to 2^32 - 1: the owner has the tokens after
    /// the end before, up to its own end.
    points: Box<[u64]>,
    /// By a token's top bits: the first point whose end is in that slot or after it. The last slot
    /// takes every token beyond what the hash can give.
    starts: Box<[u32]>,
    /// How far a token is shifted to give its slot.
    shift: u32,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    if let Some(claimant) = claimants.iter().find(|claimant| claimant.tokens.is_empty()) {
        return Err(BuildError::NoTokens {
            claimant: claimant.name.clone(),
        });
    }
    let mut continuum: Vec<(Token, u16)> = claimants
        .iter()
        .zip(0_u16..)
        .flat_map(|(claimant, index)| claimant.tokens.iter().map(move |token| (*token, index)))
        .collect();
    if continuum.len() > POINTS_MAX {
        return Err(BuildError::TooMany {
            what: "the number of tokens of a rack",
            count: continuum.len() as u64,
            count_max: POINTS_MAX as u64,
        });
    }
    continuum.sort_unstable();
    let points = covering(&continuum);
    let (starts, shift) = index(&points, hash);
    Ok(Box::new(Vnode {
        points,
        starts,
        shift,
        claimants: claimants.len(),
        hash,
    }))
}

/// The sorted continuum as ends that cover all tokens of keys.
fn covering(continuum: &[(Token, u16)]) -> Box<[u64]> {
    // Of equal ends the first one owns: of equal tokens the earlier claimant, and of the two
    // zeros the one that a hash of 0 meets first.
    let mut points: Vec<u64> = Vec::with_capacity(continuum.len() + 1);
    for (token, owner) in continuum.iter().filter(|(token, _)| !token.is_negative()) {
        let end = u64::from(token.magnitude());
        if points.last().is_none_or(|last| last >> 32 != end) {
            points.push((end << 32) | u64::from(*owner));
        }
    }
    // What is past the last end meets the first negative point, or wraps to the first of all.
    let past = continuum
        .iter()
        .find(|(token, _)| token.is_negative())
        .or(continuum.first());
    let all = u64::from(u32::MAX);
    if let Some((_, owner)) = past
        && points.last().is_none_or(|last| last >> 32 != all)
    {
        points.push((all << 32) | u64::from(*owner));
    }
    points.into_boxed_slice()
}

/// The index over the values that the hash gives, and the shift that leads to its slots.
fn index(points: &[u64], hash: HashKind) -> (Box<[u32]>, u32) {
    let bits = u32::from(hash.bits().min(32));
    let slot_bits = (points.len() * SLOTS_PER_POINT)
        .next_power_of_two()
        .ilog2()
        .min(bits);
    let shift = bits - slot_bits;
    let starts = (0..1_u64 << slot_bits)
        .map(|slot| points.partition_point(|point| point >> 32 < slot << shift))
        .chain([points.len()])
        .map(|first| first as u32)
        .collect();
    (starts, shift)
}

impl Distribution for Vnode {
    fn owner(&self, hash: u64) -> usize {
        let token = hash & 0xffff_ffff;
        let slot = ((token >> self.shift) as usize).min(self.starts.len() - 2);
        let [first, after] = [self.starts[slot] as usize, self.starts[slot + 1] as usize];
        // Any point of a token's end or more compares greater, whoever owns it.
        let least = token << 32;
        let run = &self.points[first..after];
        let below = if run.len() <= WALK_MAX {
            run.iter().take_while(|point| **point < least).count()
        } else {
            run.partition_point(|point| *point < least)
        };
        (self.points[first + below] & 0xffff) as usize
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.points) + size_of_val(&*self.starts)
    }

    fn shares(&self) -> Vec<f64> {
        let values = ring_values(self.hash);
        let mut counts = vec![0_u64; self.claimants];
        let mut covered = 0;
        for point in &self.points {
            let end = ((point >> 32) + 1).min(values);
            counts[(point & 0xffff) as usize] += end - covered;
            covered = end;
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
