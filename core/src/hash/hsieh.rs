//! Paul Hsieh's SuperFastHash, with seed 0 in place of the length.
//!
//! Source: <http://www.azillionmonkeys.com/qed/hash.html>. The third byte of a three-byte tail is
//! unsigned in Dynomite, signed in twemproxy. The empty key gives 0.

use super::sign_extended;

/// Dynomite's meaning.
pub(super) fn hsieh(key: &[u8]) -> u64 {
    super_fast(key, u32::from)
}

/// twemproxy's meaning.
pub(super) fn signed_hsieh(key: &[u8]) -> u64 {
    super_fast(key, sign_extended)
}

#[inline]
fn super_fast(key: &[u8], third: impl Fn(u8) -> u32) -> u64 {
    let (blocks, tail) = key.as_chunks::<4>();
    let mut h = 0_u32;
    for &[a, b, c, d] in blocks {
        h = h.wrapping_add(word(a, b));
        h = (h << 16) ^ (word(c, d) << 11) ^ h;
        h = h.wrapping_add(h >> 11);
    }
    match *tail {
        [a, b, c] => {
            h = h.wrapping_add(word(a, b));
            h ^= h << 16;
            h ^= third(c) << 18;
            h = h.wrapping_add(h >> 11);
        }
        [a, b] => {
            h = h.wrapping_add(word(a, b));
            h ^= h << 11;
            h = h.wrapping_add(h >> 17);
        }
        [a] => {
            h = h.wrapping_add(u32::from(a));
            h ^= h << 10;
            h = h.wrapping_add(h >> 1);
        }
        _ => {}
    }
    u64::from(avalanche(h))
}

fn word(low: u8, high: u8) -> u32 {
    u32::from(u16::from_le_bytes([low, high]))
}

fn avalanche(mut h: u32) -> u32 {
    h ^= h << 3;
    h = h.wrapping_add(h >> 5);
    h ^= h << 4;
    h = h.wrapping_add(h >> 17);
    h ^= h << 25;
    h.wrapping_add(h >> 6)
}
