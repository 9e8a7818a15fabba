//! Yann Collet's xxHash in its two 64-bit generations, both with seed 0.

/// XXH3, 64 bits, by the crate xxhash-rust.
pub(super) fn xxh3(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

const P: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// XXH64 (<https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>).
pub(super) fn xxh64(key: &[u8]) -> u64 {
    if key.len() < 32 {
        finished(P[4], key.len(), key)
    } else {
        long_xxh64(key)
    }
}

/// Apart, so that short keys don't pay for its registers.
#[inline(never)]
fn long_xxh64(key: &[u8]) -> u64 {
    let (stripes, rest) = key.as_chunks::<32>();
    finished(striped(stripes), key.len(), rest)
}

/// The bytes after the last stripe, and the avalanche.
#[inline]
fn finished(start: u64, len: usize, mut rest: &[u8]) -> u64 {
    let mut h = start.wrapping_add(len as u64);
    while let Some((word, after)) = rest.split_first_chunk() {
        h ^= round(0, u64::from_le_bytes(*word));
        h = h.rotate_left(27).wrapping_mul(P[0]).wrapping_add(P[3]);
        rest = after;
    }
    if let Some((half, after)) = rest.split_first_chunk() {
        h ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P[0]);
        h = h.rotate_left(23).wrapping_mul(P[1]).wrapping_add(P[2]);
        rest = after;
    }
    for &byte in rest {
        h ^= u64::from(byte).wrapping_mul(P[4]);
        h = h.rotate_left(11).wrapping_mul(P[0]);
    }
    h = (h ^ (h >> 33)).wrapping_mul(P[1]);
    h = (h ^ (h >> 29)).wrapping_mul(P[2]);
    h ^ (h >> 32)
}

/// Four lanes side by side, then one after the other.
fn striped(stripes: &[[u8; 32]]) -> u64 {
    let mut lanes = [P[0].wrapping_add(P[1]), P[1], 0, 0_u64.wrapping_sub(P[0])];
    for stripe in stripes {
        let (words, _) = stripe.as_chunks::<8>();
        for lane in 0..4 {
            lanes[lane] = round(lanes[lane], u64::from_le_bytes(words[lane]));
        }
    }
    let [a, b, c, d] = lanes;
    let mut h = a.rotate_left(1).wrapping_add(b.rotate_left(7));
    h = h
        .wrapping_add(c.rotate_left(12))
        .wrapping_add(d.rotate_left(18));
    for lane in lanes {
        h = (h ^ round(0, lane)).wrapping_mul(P[0]).wrapping_add(P[3]);
    }
    h
}

#[inline]
const fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P[1]))
        .rotate_left(31)
        .wrapping_mul(P[0])
}
