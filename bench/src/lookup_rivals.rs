//! Ours beside the crates: for a distribution the crate that finds an owner in the same way.
//!
//! Each is given the hash itself as the key, so that nothing is timed but the search; mpchash
//! alone makes its probes by its own XXH3. The crate maglev is left out: at a thousand peers it
//! lays out half a gigabyte of permutations to build one table.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use hashring::HashRing;
use jumphash::CustomJumpHasher;
use ringlab_core::hash::widen;

/// From a hash to the index of the owner.
pub type Lookup = Box<dyn Fn(u64) -> usize>;

/// Another implementation of a distribution.
pub struct LookupRival {
    /// Our distribution, as the configuration names it.
    pub ours: &'static str,
    /// The crate.
    pub package: &'static str,
    /// Its version, as `Cargo.lock` has it.
    pub version: &'static str,
    /// Crate and type.
    pub name: &'static str,
    /// Over so many peers.
    pub build: fn(usize) -> Lookup,
}

impl fmt::Debug for LookupRival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of them.
pub static LOOKUPS: &[LookupRival] = &[
    LookupRival {
        ours: "ketama",
        package: "hashring",
        version: "0.3.6",
        name: "hashring::HashRing, 160 points a peer",
        build: hashring,
    },
    LookupRival {
        ours: "jump",
        package: "jumphash",
        version: "0.1.9",
        name: "jumphash::CustomJumpHasher",
        build: jumphash,
    },
    LookupRival {
        ours: "multi_probe",
        package: "mpchash",
        version: "2.0.10",
        name: "mpchash::HashRing, 23 probes",
        build: mpchash,
    },
    LookupRival {
        ours: "anchor",
        package: "anchorhash",
        version: "0.2.2",
        name: "anchorhash::AnchorHash, room for twice as many",
        build: anchorhash,
    },
];

/// Points of a peer on a ring, as ketama's.
const POINTS: u64 = 160;

/// Hashes a number to itself.
#[derive(Clone, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number);
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

/// A point of a ring: its hash is its position.
struct Point {
    position: u64,
    owner: usize,
}

impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.position);
    }
}

/// On a ring of 32 bits, as ketama's is.
fn hashring(peers: usize) -> Lookup {
    let mut ring = HashRing::with_hasher(Itself::default());
    let points = (0..peers as u64 * POINTS).map(|point| Point {
        position: widen(point, 32) >> 32,
        owner: (point / POINTS) as usize,
    });
    ring.batch_add(points.collect());
    Box::new(move |hash| {
        let point = ring.get(&(hash & 0xffff_ffff));
        point.map_or(0, |point| point.owner)
    })
}

fn jumphash(peers: usize) -> Lookup {
    let hasher = CustomJumpHasher::new(Itself::default());
    Box::new(move |hash| hasher.slot(&hash, peers as u32) as usize)
}

fn mpchash(peers: usize) -> Lookup {
    let ring = mpchash::HashRing::new();
    for peer in 0..peers {
        ring.insert(widen(peer as u64, 32), peer);
    }
    Box::new(move |hash| ring.node(&hash).map_or(0, |owner| *owner))
}

fn anchorhash(peers: usize) -> Lookup {
    let anchor = anchorhash::Builder::with_hasher(BuildHasherDefault::<Itself>::default())
        .with_resources(0..peers)
        .build::<u64>(2 * peers as u16);
    Box::new(move |hash| anchor.get_resource(hash).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringlab_core::distribution::jump;

    use super::*;

    #[test]
    fn every_rival_finds_every_peer() {
        for rival in LOOKUPS {
            for peers in [1, 10, 100] {
                let lookup = (rival.build)(peers);
                let found: BTreeSet<_> = (0..20_000).map(|key| lookup(widen(key, 32))).collect();
                assert_eq!(found, (0..peers).collect(), "{}", rival.name);
            }
        }
    }

    #[test]
    fn jumphash_finds_what_ours_finds() {
        let lookup = jumphash(100);
        assert!((0..10_000).all(|key| lookup(key) == jump(key, 100) as usize));
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        for rival in LOOKUPS {
            let LookupRival {
                package, version, ..
            } = rival;
            let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{package} {version}");
        }
    }
}
