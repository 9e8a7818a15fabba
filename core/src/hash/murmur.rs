//! MurmurHash2.

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
        for (shift, &byte) in [0, 8, 16].iter().zip(tail) {
            h ^= u32::from(byte) << shift;
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    u64::from(h ^ (h >> 15))
}
