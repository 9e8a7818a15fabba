//! The planner's settings: which level and which cap a key has (D5, D13).

use crate::command::Access;
use crate::consistency::Consistency;
use crate::topology::{ReplicaSet, Topology};

/// Consistency and replica count of the keys of one bucket (`bucket/key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketType {
    /// The bucket's name: what stands before the first `/` of its keys.
    pub name: String,
    /// Consistency of reads.
    pub read_consistency: Consistency,
    /// Consistency of writes.
    pub write_consistency: Consistency,
    /// Cap on the targets; 0 for none (D13).
    pub n_val: usize,
}

/// What a key's requests are planned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The level.
    pub consistency: Consistency,
    /// Cap on the replica set; 0 for none.
    pub n_val: usize,
}

/// The planner's part of the configuration.
#[derive(Clone, Debug, Default)]
pub struct DispatchConfig {
    read_consistency: Consistency,
    write_consistency: Consistency,
    /// By name.
    bucket_types: Vec<BucketType>,
    default_bucket_type: Option<BucketType>,
    pub(super) hinted_handoff: bool,
}

impl DispatchConfig {
    /// The pool's levels, without bucket types; `hinted_handoff` makes writes to absent peers
    /// hints (D6).
    #[must_use]
    pub const fn new(
        read_consistency: Consistency,
        write_consistency: Consistency,
        hinted_handoff: bool,
    ) -> Self {
        Self {
            read_consistency,
            write_consistency,
            bucket_types: Vec::new(),
            default_bucket_type: None,
            hinted_handoff,
        }
    }

    /// With bucket types, and the one of all keys whose bucket has none.
    #[must_use]
    pub fn with_buckets(mut self, types: Vec<BucketType>, default: Option<BucketType>) -> Self {
        self.bucket_types = types;
        self.bucket_types.sort_by(|a, b| a.name.cmp(&b.name));
        self.default_bucket_type = default;
        self
    }

    /// Level and cap of `key`, first match: its bucket's type, the default type, the pool (D5).
    #[must_use]
    pub fn rule(&self, key: &[u8], access: Access) -> Rule {
        let write = access == Access::Write;
        match self.bucket_type(key) {
            Some(bucket) => Rule {
                consistency: if write {
                    bucket.write_consistency
                } else {
                    bucket.read_consistency
                },
                n_val: bucket.n_val,
            },
            None => Rule {
                consistency: self.pool_level(access),
                n_val: 0,
            },
        }
    }

    /// The peers that hold `key`: its replica set up to the cap of its bucket type (D13).
    #[must_use]
    pub fn replicas(&self, key: &[u8], topology: &Topology) -> ReplicaSet {
        let mut replicas = topology.replicas(key);
        let cap = self.rule(key, Access::Write).n_val;
        if cap > 0 {
            replicas.truncate(cap);
        }
        replicas
    }

    /// The level of keys without a bucket type.
    #[must_use]
    pub fn pool_level(&self, access: Access) -> Consistency {
        if access == Access::Write {
            self.write_consistency
        } else {
            self.read_consistency
        }
    }

    fn bucket_type(&self, key: &[u8]) -> Option<&BucketType> {
        let of_bucket = || {
            if self.bucket_types.is_empty() {
                return None;
            }
            let name = bucket(key)?;
            let by_name = |row: &BucketType| row.name.as_bytes().cmp(name);
            let index = self.bucket_types.binary_search_by(by_name).ok()?;
            Some(&self.bucket_types[index])
        };
        of_bucket().or(self.default_bucket_type.as_ref())
    }
}

/// What stands before the first `/`; a key without one has no bucket.
fn bucket(key: &[u8]) -> Option<&[u8]> {
    let end = key.iter().position(|&byte| byte == b'/')?;
    Some(&key[..end])
}
