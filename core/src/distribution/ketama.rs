//! twemproxy's `ketama`: a ring of MD5 points, bit for bit.
//!
//! Four points come from each MD5 of `name-i`, its words read little-endian. How many a server
//! gets is computed in single precision as there: 160 for equal weights, but 156 at 25, 47, 50, …
//! servers, whose points then all move a little.

use md5::{Digest, Md5};

use super::ranges::Ranges;
use super::server_order::{in_server_order, server_name};
use super::{BuildError, Claimant, Distribution, checked, ring_values};
use crate::hash::HashKind;

/// Points of a server of average weight, before rounding.
const POINTS_EACH: f32 = 160.0;
/// Points of one digest.
const POINTS_PER_DIGEST: u32 = 4;
/// What twemproxy adds before it rounds down, in double precision.
const NUDGE: f64 = 0.000_000_000_1;

#[derive(Debug)]
struct Ketama {
    ranges: Ranges,
    points: usize,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let points = ketama_points(claimants);
    // Weights below a 40th of the average give no point; one above it there is always.
    let (_, first) = points[0];
    let ends = points
        .iter()
        .map(|(value, owner)| (u64::from(*value), *owner))
        .chain([(u64::from(u32::MAX), first)]);
    Ok(Box::new(Ketama {
        ranges: Ranges::new(ends, u32::from(hash.bits().min(32))),
        points: points.len(),
        claimants: claimants.len(),
        hash,
    }))
}

/// twemproxy's continuum for `claimants`: points by rising value, each with its claimant's index.
/// Of equal points that of the server that twemproxy counts first stands first.
#[must_use]
pub fn ketama_points(claimants: &[Claimant]) -> Vec<(u32, u16)> {
    let weights = claimants.iter().map(|claimant| u64::from(claimant.weight));
    let total: u64 = weights.sum();
    let mut points = Vec::new();
    for (claimant, index) in in_server_order(claimants) {
        let digests = digest_count(claimant.weight, total, claimants.len());
        for number in 0..digests {
            let text = format!("{}-{number}", server_name(claimant));
            let digest: [u8; 16] = Md5::digest(text.as_bytes()).into();
            let (words, _) = digest.as_chunks::<{ POINTS_PER_DIGEST as usize }>();
            points.extend(words.iter().map(|word| (u32::from_le_bytes(*word), index)));
        }
    }
    points.sort_by_key(|(value, _)| *value);
    points
}

/// How many digests a server's points come from.
fn digest_count(weight: u32, total: u64, servers: usize) -> u32 {
    let part = weight as f32 / total as f32;
    let exact = part * POINTS_EACH / POINTS_PER_DIGEST as f32 * servers as f32;
    (f64::from(exact) + NUDGE) as f32 as u32
}

impl Distribution for Ketama {
    fn owner(&self, hash: u64) -> usize {
        self.ranges.owner(hash & 0xffff_ffff)
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        self.points
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.ranges.bytes()
    }

    fn shares(&self) -> Vec<f64> {
        self.ranges.shares(ring_values(self.hash), self.claimants)
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }

    fn candidate(&self, hash: u64, passes: u32) -> usize {
        self.ranges.after(hash & 0xffff_ffff, passes)
    }

    fn capped(&self, caps: &dyn Fn(u64) -> Vec<u64>) -> Option<Box<dyn Distribution>> {
        let values = ring_values(self.hash);
        Some(Box::new(Self {
            ranges: self.ranges.capped(values, caps(values)),
            ..*self
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// twemproxy's `ketama_update`, by the spec's list: where single precision loses a digest.
    #[test]
    fn equal_weights_lose_four_points_at_known_sizes() {
        let short: Vec<_> = (1..=100)
            .filter(|servers| digest_count(1, *servers as u64, *servers) != 40)
            .collect();
        assert_eq!(short[..8], [25, 47, 50, 55, 61, 71, 94, 100]);
        assert!(
            short
                .iter()
                .all(|servers| digest_count(1, *servers as u64, *servers) == 39)
        );
    }

    #[test]
    fn a_server_may_weigh_too_little_for_a_point() {
        assert_eq!(
            [1, 100].map(|weight| digest_count(weight, 102, 3)),
            [1, 117]
        );
        assert_eq!(digest_count(1, 10_001, 2), 0);
    }
}
