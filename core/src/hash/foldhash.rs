//! Orson Peters' foldhash, the quality variant, by the crate of that name.
//!
//! Its results differ between versions and machines of other word sizes, so the workspace asks for
//! exactly one version, and the vectors of that version are the test: another is another hash.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// The key's bytes alone (no length, no 0xff) with `FixedState`'s default seed.
pub(super) fn foldhash(key: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(key);
    hasher.finish()
}
