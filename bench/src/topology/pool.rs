//! Asking a pool where keys go.

use ringlab_core::distribution::{BuildError, Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::{HashKind, tag_range};

use super::{Datacenter, Pool, Rack};

/// A rack with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The datacenter's name.
    pub(crate) datacenter: &'a str,
    /// The rack.
    pub(crate) rack: &'a Rack,
}

impl Placed<'_> {
    /// `dc1/r1`; empty for a pool of twemproxy.
    pub(crate) fn name(&self) -> String {
        if self.datacenter.is_empty() {
            String::new()
        } else {
            format!("{}/{}", self.datacenter, self.rack.name)
        }
    }
}

impl Pool {
    /// Peers without a file: `peer-0` …, all alike, with a token each at equal distances.
    pub(crate) fn ad_hoc(distribution: DistributionKind, hash: HashKind, peers: usize) -> Self {
        let claimant = |index| Claimant {
            name: format!("peer-{index}"),
            tokens: vec![even_token(index, peers)],
            weight: 1,
        };
        Self {
            name: format!("{peers} peers"),
            hash,
            hash_tag: None,
            distribution,
            datacenters: vec![Datacenter {
                name: String::new(),
                racks: vec![Rack {
                    name: String::new(),
                    claimants: (0..peers).map(claimant).collect(),
                    addresses: (0..peers).map(|index| format!("peer-{index}")).collect(),
                }],
            }],
        }
    }

    /// What places `key`: the hash of its tag; the empty key's is 0 where the distribution says so.
    pub(crate) fn hash_of(&self, key: &[u8]) -> u64 {
        let tag = tag_range(key, self.hash_tag);
        if tag.is_empty() && self.distribution.row().empty_key_is_zero {
            0
        } else {
            self.hash.hash(tag)
        }
    }

    /// Every rack, by datacenter and name.
    pub(crate) fn racks(&self) -> impl Iterator<Item = Placed<'_>> {
        self.datacenters.iter().flat_map(|datacenter| {
            datacenter.racks.iter().map(|rack| Placed {
                datacenter: &datacenter.name,
                rack,
            })
        })
    }

    /// The built distribution of a rack, also where ringd would refuse to serve with it.
    ///
    /// # Errors
    /// It can't be built.
    pub(crate) fn build(&self, rack: &Rack) -> Result<Box<dyn Distribution>, BuildError> {
        self.distribution.build(&rack.claimants, self.hash)
    }
}

/// The last value of the range `index` when 2^32 values are cut into `count` equal ones: what a
/// vnode ring's points must be for equal ranges.
pub(crate) fn even_token(index: usize, count: usize) -> Token {
    let end = (index as u64 + 1) * (1 << 32) / count as u64;
    Token::of_hash(end - 1)
}
