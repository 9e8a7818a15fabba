//! MurmurHash2.

use super::word;

const M: u32 = 0x5bd1_e995;

/// Austin Appleby's MurmurHash2 (32 bits) with libmemcached's seed, 0xdeadbeef times the length.
pub(super) fn murmur(key: &[u8]) -> u64 {
    let len = key.len() as u32;
    let mut h = len.wrapping_mul(0xdead_beef) ^ len;
    let (blocks, tail) = key.as_chunks::<4>();
    for block in blocks {
        let mut k = u32::from_le_bytes(*block).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        h = (h ^ word(tail) as u32).wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    u64::from(h ^ (h >> 15))
}
