//! Crates that do what ours does: the lab times them beside ours, in the same rounds.
//!
//! A row here is a column of the report. A rival must do the same work; its values may differ.

pub(crate) use ringlab::hash_rivals::{HASHES, HashRival};
pub(crate) use ringlab::lookup_rivals::{LOOKUPS, Lookup, LookupRival};

/// Those of one hash.
pub(crate) fn of_hash(ours: &str) -> impl Iterator<Item = &'static HashRival> {
    HASHES.iter().filter(move |rival| rival.ours == ours)
}

/// Those of one distribution.
pub(crate) fn of_lookup(ours: &str) -> impl Iterator<Item = &'static LookupRival> {
    LOOKUPS.iter().filter(move |rival| rival.ours == ours)
}
