//! Aumasson and Bernstein's SipHash with one round a word and three at the end.

use super::word;

/// SipHash-1-3 over the key's bytes; its own key is sixteen zero bytes, so it defends nothing here
/// against chosen keys.
pub(super) fn siphash13(key: &[u8]) -> u64 {
    let mut v = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let mut rest = key;
    while let Some((bytes, after)) = rest.split_first_chunk() {
        v = absorbed(v, u64::from_le_bytes(*bytes));
        rest = after;
    }
    v = absorbed(v, word(rest) | ((key.len() as u64) << 56));
    v[2] ^= 0xff;
    v = round(round(round(v)));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline]
fn absorbed(mut v: [u64; 4], word: u64) -> [u64; 4] {
    v[3] ^= word;
    v = round(v);
    v[0] ^= word;
    v
}

/// `SipRound` of the paper (2012).
#[inline]
fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    [a, b, c.rotate_left(32), d]
}
