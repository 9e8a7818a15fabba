//! Yann Collet's xxHash in its two 64-bit generations, by the crate xxhash-rust; both with seed 0.

/// XXH3, 64 bits.
pub(super) fn xxh3(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// XXH64.
pub(super) fn xxh64(key: &[u8]) -> u64 {
    xxhash_rust::xxh64::xxh64(key, 0)
}
