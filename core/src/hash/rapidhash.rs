//! Nicolas De Carli's rapidhash, version 3, by the crate of that name: default seed and secrets,
//! as the C++ original has them.

use rapidhash::v3::rapidhash_v3;

/// rapidhash V3.
pub(super) fn rapidhash(key: &[u8]) -> u64 {
    rapidhash_v3(key)
}
