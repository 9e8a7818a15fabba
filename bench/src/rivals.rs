//! Crates that do what ours does: the lab times them beside ours, in the same rounds.
//!
//! A row here is a column of the report. A rival must do the same work; its values may differ.

use std::fmt;

pub(crate) use ringlab::hash_rivals::{HASHES, HashRival};

/// From a hash to the index of the owner.
pub(crate) type Lookup = Box<dyn Fn(u64) -> usize>;

/// Another implementation of a distribution.
pub(crate) struct LookupRival {
    /// Our distribution, as the configuration names it.
    pub(crate) ours: &'static str,
    /// Crate and type.
    pub(crate) name: &'static str,
    /// Over so many peers.
    pub(crate) build: fn(usize) -> Lookup,
}

impl fmt::Debug for LookupRival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Of distributions.
pub(crate) static LOOKUPS: &[LookupRival] = &[];

/// Those of one hash.
pub(crate) fn of_hash(ours: &str) -> impl Iterator<Item = &'static HashRival> {
    HASHES.iter().filter(move |rival| rival.ours == ours)
}

/// Those of one distribution.
pub(crate) fn of_lookup(ours: &str) -> impl Iterator<Item = &'static LookupRival> {
    LOOKUPS.iter().filter(move |rival| rival.ours == ours)
}
