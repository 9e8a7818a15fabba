//! Jenkins' one-at-a-time, as both programs compute it: over signed bytes.

use super::sign_extended;

/// Bob Jenkins, "Hash functions" (Dr. Dobb's, 1997), with each byte sign-extended, which is what
/// `char` does on x86-64: keys with bytes from 0x80 on differ from the published function.
pub(super) fn one_at_a_time(key: &[u8]) -> u64 {
    let mut h = 0_u32;
    for &byte in key {
        // (h + byte) · 1025, so written that the byte's part waits for nothing.
        let byte = sign_extended(byte).wrapping_mul(1 + (1 << 10));
        h = (h << 10).wrapping_add(h.wrapping_add(byte));
        h ^= h >> 6;
    }
    h = h.wrapping_add(h << 3);
    h ^= h >> 11;
    u64::from(h.wrapping_add(h << 15))
}
