//! Distributions: from a key's hash to the claimant that owns it. One file each, one row here.
//!
//! A claimant is a peer of one rack; a distribution is built for each rack. Building is slow and
//! may fail, asking for an owner is fast and can't.

mod anchor;
mod bounded;
mod buckets;
mod dx;
mod error;
mod joining;
mod jump;
mod ketama;
mod maglev;
mod memento;
mod modula;
mod multi_probe;
mod random;
mod random_slicing;
mod ranges;
mod rendezvous;
mod rendezvous_skeleton;
mod score;
mod seeds;
mod server_order;
mod single;
mod slices;
mod token;
mod vnode;

use std::fmt;

pub use anchor::Anchor;
pub use bounded::{BoundTooTight, BoundedLoads, LoadBound, bounded_loads};
pub use dx::Dx;
pub use error::{BuildError, UnknownDistribution};
pub use jump::jump;
pub use ketama::ketama_points;
pub use maglev::{MaglevBackend, maglev_table};
pub use memento::Memento;
pub use multi_probe::ProbeRing;
pub use token::{Token, TokenError};

use crate::hash::HashKind;
use crate::limits::PEERS_MAX;

/// One that may own keys: a peer, as its rack's distribution sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// `host:port` or the name given to the peer; unique in its rack.
    pub name: String,
    /// Its points on the ring (`vnode` only).
    pub tokens: Vec<Token>,
    /// Its share relative to the others', where the distribution knows weights; at least 1.
    pub weight: u32,
}

/// A built distribution. Claimants are named by their index in the list it was built from.
pub trait Distribution: Send + Sync + fmt::Debug {
    /// Who owns the keys of that natural hash value.
    fn owner(&self, hash: u64) -> usize;

    /// How many claimants it was built from.
    fn claimants(&self) -> usize;

    /// Rows of its table: points, slices or remainders.
    fn entries(&self) -> usize;

    /// Bytes of its table.
    fn bytes(&self) -> usize;

    /// Each claimant's exact share of the values that the hash can give; they add up to 1.
    fn shares(&self) -> Vec<f64>;

    /// The same distribution over other claimants, keeping what it can in place.
    ///
    /// # Errors
    /// As for [`DistributionKind::build`].
    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError>;

    /// Who is asked for that hash value after so many others had no room; 0 is the owner. On a
    /// token ring the claimants of the next points, clockwise; elsewhere the owner of another
    /// value, made from this one. A claimant may come up again.
    fn candidate(&self, hash: u64, passes: u32) -> usize {
        match passes {
            0 => self.owner(hash),
            _ => self.owner(bounded::retried(hash, passes)),
        }
    }

    /// The same table with no claimant above its cap, where it is one of ranges of the hash's
    /// values. `_caps` gives each claimant's cap of so many values; together they hold all.
    fn capped(&self, _caps: &dyn Fn(u64) -> Vec<u64>) -> Option<Box<dyn Distribution>> {
        None
    }
}

type Build = fn(&[Claimant], HashKind) -> Result<Box<dyn Distribution>, BuildError>;

/// One distribution: its name in the configuration and what it needs.
#[derive(Debug)]
pub struct DistributionRow {
    /// The name in the configuration, in reports and in bench ids.
    pub name: &'static str,
    /// Least width of a hash that spreads keys over any number of claimants, in bits.
    pub bits_min: u8,
    /// A narrower hash is refused outright, instead of after a look at who owns what.
    pub refuses_narrow: bool,
    /// The empty key has hash 0 whatever the hash, as in twemproxy.
    pub empty_key_is_zero: bool,
    /// Claimants get keys in proportion to their weights; else weights that differ are refused.
    pub weighted: bool,
    /// One line for lists and reports.
    pub about: &'static str,
    build: Build,
}

/// Every distribution, in the order in which lists show them.
pub static DISTRIBUTIONS: &[DistributionRow] = &[
    DistributionRow {
        name: "vnode",
        bits_min: 32,
        refuses_narrow: false,
        empty_key_is_zero: false,
        weighted: false,
        about: "the token ring: the first token not below the key's",
        build: vnode::build,
    },
    DistributionRow {
        name: "ketama",
        bits_min: 32,
        refuses_narrow: false,
        empty_key_is_zero: true,
        weighted: true,
        about: "twemproxy's ring of MD5 points, 156 or 160 a server",
        build: ketama::build,
    },
    DistributionRow {
        name: "modula",
        bits_min: 15,
        refuses_narrow: false,
        empty_key_is_zero: true,
        weighted: true,
        about: "twemproxy's remainder by the sum of weights",
        build: modula::build,
    },
    DistributionRow {
        name: "random",
        bits_min: 15,
        refuses_narrow: false,
        empty_key_is_zero: true,
        weighted: false,
        about: "another peer for each request, as twemproxy; for caches without state",
        build: random::build,
    },
    DistributionRow {
        name: "single",
        bits_min: 15,
        refuses_narrow: false,
        empty_key_is_zero: false,
        weighted: false,
        about: "everything to the one peer of a rack",
        build: single::build,
    },
    DistributionRow {
        name: "random_slicing",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "a table of slices with exact shares and least movement",
        build: random_slicing::build,
    },
    DistributionRow {
        name: "jump",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: false,
        about: "jump consistent hash: no table, only the last peer may come or go",
        build: jump::build,
    },
    DistributionRow {
        name: "rendezvous",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "every peer draws, the highest wins; least movement",
        build: rendezvous::build,
    },
    DistributionRow {
        name: "rendezvous_skeleton",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "rendezvous down a tree: O(log n) draws, some more movement",
        build: rendezvous_skeleton::build,
    },
    DistributionRow {
        name: "maglev",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "a table of 65537 slots taken in turns; even and fast",
        build: maglev::build,
    },
    DistributionRow {
        name: "multi_probe",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "one point a peer and 21 probes a key",
        build: multi_probe::build,
    },
    DistributionRow {
        name: "anchor",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "AnchorHash: buckets that remember what replaced them",
        build: buckets::build::<Anchor>,
    },
    DistributionRow {
        name: "dx",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "DxHash: a sequence of tries until a working slot",
        build: buckets::build::<Dx>,
    },
    DistributionRow {
        name: "memento",
        bits_min: 32,
        refuses_narrow: true,
        empty_key_is_zero: false,
        weighted: true,
        about: "MementoHash: jump, and a memory of removed buckets",
        build: buckets::build::<Memento>,
    },
];

/// Least part of a fair share that a claimant must have under a hash that is narrower than the
/// distribution asks for.
const NARROW_SHARE_MIN: f64 = 0.25;

/// A chosen distribution. Copying it copies one reference.
#[derive(Clone, Copy)]
pub struct DistributionKind {
    row: &'static DistributionRow,
    bound: Option<LoadBound>,
}

impl DistributionKind {
    /// The distribution of that name, as the configuration writes it.
    ///
    /// # Errors
    /// When no row has the name.
    pub fn by_name(name: &str) -> Result<Self, UnknownDistribution> {
        Self::all()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownDistribution {
                name: name.to_owned(),
            })
    }

    /// Every distribution, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        DISTRIBUTIONS.iter().map(|row| Self { row, bound: None })
    }

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row.name
    }

    /// The same with bounded loads: nobody gets more than that.
    #[must_use]
    pub const fn bounded(self, bound: LoadBound) -> Self {
        Self {
            row: self.row,
            bound: Some(bound),
        }
    }

    /// The bound of loads, if there is one.
    #[must_use]
    pub const fn bound(self) -> Option<LoadBound> {
        self.bound
    }

    /// Its row: what it needs and what it is.
    #[must_use]
    pub const fn row(self) -> &'static DistributionRow {
        self.row
    }

    /// Places `claimants`. The result may leave some without keys: see
    /// [`DistributionKind::check_spread`].
    ///
    /// # Errors
    /// When there is nothing to build from, or the hash can't reach the whole table.
    pub fn build(
        self,
        claimants: &[Claimant],
        hash: HashKind,
    ) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        if self.row.refuses_narrow && hash.bits() < self.row.bits_min {
            return Err(BuildError::HashTooNarrow {
                distribution: self,
                hash,
            });
        }
        match self.bound {
            Some(bound) => bounded::build(self.row, claimants, hash, bound),
            None => (self.row.build)(claimants, hash),
        }
    }

    /// Refuses claimants of different weights when the distribution gives all of them the same.
    ///
    /// # Errors
    /// Names two of them and the distributions that know weights.
    pub fn check_weights(self, claimants: &[Claimant]) -> Result<(), BuildError> {
        let differs = |pair: &&[Claimant]| pair[0].weight != pair[1].weight;
        match claimants.windows(2).find(differs) {
            Some([first, second]) if !self.row.weighted => Err(BuildError::WeightsIgnored {
                distribution: self,
                first: (first.name.clone(), first.weight),
                second: (second.name.clone(), second.weight),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a `built` distribution in which a claimant owns none of the values that `hash` can
    /// give: such a ring starts, serves, and holds every key in the wrong place. Where the hash is
    /// narrower than the distribution asks for, less than a quarter of a fair share is refused too.
    ///
    /// # Errors
    /// Names the claimant and the combinations that work.
    pub fn check_spread(
        self,
        built: &dyn Distribution,
        claimants: &[Claimant],
        hash: HashKind,
    ) -> Result<(), BuildError> {
        let shares = built.shares();
        // Under a hash too narrow for it a ring is uneven unless its tokens were chosen for that
        // hash; otherwise unevenness is what the tokens ask for.
        let least = if hash.bits() < self.row.bits_min {
            NARROW_SHARE_MIN / claimants.len() as f64
        } else {
            f64::MIN_POSITIVE
        };
        let lacking = shares
            .iter()
            .zip(claimants)
            .find(|(share, _)| **share < least);
        match lacking {
            None => Ok(()),
            Some((0.0, claimant)) => Err(BuildError::NothingOwned {
                claimant: claimant.name.clone(),
                distribution: self,
                hash,
            }),
            Some((share, claimant)) => Err(BuildError::LittleOwned {
                claimant: claimant.name.clone(),
                fair_ppm: (share * claimants.len() as f64 * 1e6) as u32,
                distribution: self,
                hash,
            }),
        }
    }
}

impl PartialEq for DistributionKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.bound == other.bound
    }
}

impl Eq for DistributionKind {}

impl fmt::Debug for DistributionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.bound
            .map_or(Ok(()), |bound| write!(f, ", at most {bound} fair shares"))
    }
}

/// What every distribution asks of its claimants.
fn checked(claimants: &[Claimant]) -> Result<(), BuildError> {
    if claimants.is_empty() {
        return Err(BuildError::NoClaimants);
    }
    if claimants.len() > PEERS_MAX {
        return Err(BuildError::TooMany {
            what: "the number of peers of a rack",
            count: claimants.len() as u64,
            count_max: PEERS_MAX as u64,
        });
    }
    match claimants.iter().find(|claimant| claimant.weight == 0) {
        Some(claimant) => Err(BuildError::WeightZero {
            claimant: claimant.name.clone(),
        }),
        None => Ok(()),
    }
}

/// How many values a hash can give, as far as 32 bits tell them apart.
fn ring_values(hash: HashKind) -> u64 {
    1 << hash.bits().min(32)
}
