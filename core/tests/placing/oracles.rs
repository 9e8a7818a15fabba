//! Crates that others wrote, each given the very numbers that ours is given, so that nothing but
//! the algorithm is compared: their hashes differ from ours, and are replaced.

use std::hash::{BuildHasher, Hasher};

use hashring::HashRing;
use jumphash::CustomJumpHasher;
use mpchash::{DEFAULT_PROBE_COUNT, Partitioner, Xxh3Partitioner};
use ringlab_core::distribution::{ProbeRing, jump, ketama_points};

use super::{built, claimants, values};

/// Hashes a number to itself.
#[derive(Clone, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl BuildHasher for Itself {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

/// The crate jumphash, whose own hash is SipHash with random keys: its loop alone.
#[test]
fn jump_agrees_with_jumphash() {
    let theirs = CustomJumpHasher::new(Itself::default());
    for buckets in [1, 2, 3, 10, 100, 1000, 100_000, u32::MAX] {
        for key in values(5_000).chain([0, 1, u64::MAX]) {
            assert_eq!(
                jump(key, buckets),
                theirs.slot(&key, buckets),
                "{key} {buckets}"
            );
        }
    }
}

/// The crate hashring: a sorted list, halved. The points are those of ketama; each owns what
/// follows the one before, itself included.
#[test]
fn ketama_agrees_with_hashring_over_the_same_points() {
    for weights in [&[1; 3][..], &[1; 25], &[5, 1, 9, 30]] {
        let claimants = claimants("server", weights);
        let points = ketama_points(&claimants);
        let mut theirs = HashRing::with_hasher(Itself::default());
        theirs.batch_add(points.iter().map(|(value, _)| u64::from(*value)).collect());
        let ours = built("ketama", &claimants, "murmur");
        let near = points.iter().flat_map(|(value, _)| {
            [value.wrapping_sub(1), *value, value.wrapping_add(1)].map(u64::from)
        });
        for hash in near.chain(values(20_000).map(|value| value >> 32)) {
            let point = *theirs.get(&hash).unwrap();
            let at = points.partition_point(|(value, _)| u64::from(*value) < point);
            assert_eq!(ours.owner(hash), usize::from(points[at].1), "{hash}");
        }
    }
}

/// The crate mpchash: a skip list, and probes that its own partitioner makes of a key by XXH3.
#[test]
fn multi_probe_agrees_with_mpchash() {
    for count in [1, 2, 10, 300] {
        let theirs = mpchash::HashRing::new();
        let placed: Vec<_> = values(count).zip(0_u32..).collect();
        for (position, owner) in &placed {
            theirs.insert(*position, *owner);
        }
        let ours = ProbeRing::new(placed);
        for key in values(5_000).map(|value| value ^ 1) {
            let probes = Xxh3Partitioner::new();
            let owner = ours.owner(probes.positions(&key, DEFAULT_PROBE_COUNT));
            assert_eq!(
                Some(&owner),
                theirs.node(&key).as_deref(),
                "{key} of {count}"
            );
        }
    }
}
