//! From a hash to the peer that owns it: every distribution at racks of three sizes.

use std::hint::black_box;

use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::HashKind;

use super::Suite;
use crate::case::{Case, Subject, Wrong};
use crate::fixtures::{expected, keys};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "distribution",
    question: "What does it cost to find a token's owner among 3, 10 and 100 peers?",
    cases,
};

/// Points of a peer, where the distribution has points.
const TOKENS_EACH: u64 = 16;

/// Hashes that are looked up in turn.
const HASHES: usize = 1024;

fn cases() -> Vec<Case> {
    DistributionKind::all()
        .flat_map(|kind| [3, 10, 100].map(|peers| case(kind, peers)))
        .collect()
}

fn case(kind: DistributionKind, peers: u64) -> Case {
    let id = format!("distribution/owner/{peers}-peers+murmur+{}", kind.name());
    Case::new(id.clone(), move || {
        let hash = HashKind::by_name("murmur").expect("in the table");
        let distribution = kind.build(&claimants(kind, peers), hash);
        Lookups {
            id: id.clone(),
            distribution: distribution.expect("peers with points of their own"),
            hashes: keys(HASHES).iter().map(|key| hash.hash(key)).collect(),
            at: 0,
        }
    })
    .operations(HASHES as u64)
    .allocates_nothing()
}

/// Peers whose points are spread by a multiplication, each peer's own.
fn claimants(kind: DistributionKind, peers: u64) -> Vec<Claimant> {
    let peers = if kind.name() == "single" { 1 } else { peers };
    let token =
        |number: u64| Token::of_hash((number + 1).wrapping_mul(0x9e37_79b9) >> 1 & 0xffff_ffff);
    (0..peers)
        .map(|peer| Claimant {
            name: format!("10.0.0.{peer}:8101"),
            tokens: (0..TOKENS_EACH)
                .map(|point| token(peer * TOKENS_EACH + point))
                .collect(),
            weight: 1,
        })
        .collect()
}

struct Lookups {
    id: String,
    distribution: Box<dyn Distribution>,
    hashes: Vec<u64>,
    at: usize,
}

impl Subject for Lookups {
    fn run(&mut self, operations: u64) {
        for _ in 0..operations {
            black_box(self.distribution.owner(self.hashes[self.at]));
            self.at = (self.at + 1) % HASHES;
        }
    }

    /// All owners, folded into one number; of random ones only that they are of the list.
    fn check(&mut self) -> Result<(), Wrong> {
        if self.id.ends_with("+random") {
            let owners = self
                .hashes
                .iter()
                .map(|hash| self.distribution.owner(*hash));
            let most = owners.max().unwrap_or(usize::MAX);
            let within = most < self.distribution.claimants();
            return Wrong::unless_equal(&within, &true);
        }
        let fold = |sum: u64, hash: &u64| {
            sum.wrapping_mul(0x100_0000_01b3) ^ self.distribution.owner(*hash) as u64
        };
        let folded = self.hashes.iter().fold(0, fold);
        Wrong::unless_equal(&Some(folded), &expected(&self.id))
    }
}
