//! Jenkins' one-at-a-time, as both programs compute it: over signed bytes.

use super::sign_extended;

/// Bob Jenkins, "Hash functions" (Dr. Dobb's, 1997), with each byte sign-extended, which is what
/// `char` does on x86-64: keys with bytes from 0x80 on differ from the published function.
pub(super) fn one_at_a_time(key: &[u8]) -> u64 {
    let mut h = 0_u32;
    for &byte in key {
        h = h.wrapping_add(sign_extended(byte));
        h = h.wrapping_add(h << 10);
        h ^= h >> 6;
    }
    h = h.wrapping_add(h << 3);
    h ^= h >> 11;
    u64::from(h.wrapping_add(h << 15))
}
