//! MurmurHash3: the 32-bit form, and the two 128-bit forms cut to their first word.
//!
//! Source: Austin Appleby, MurmurHash3.cpp (public domain). Dynomite reserves the name `murmur3`
//! for x86_128 but never calls it; here the name means what was intended. `murmur3_x64_64` is the
//! first half of x64_128, also where a ring takes 32 bits: then their low ones.

use super::word;

/// The seed that Dynomite configures.
const SEED: u32 = 0xc0a1_e5ce;

/// First 32-bit word of x86_128 with Dynomite's seed.
pub(super) fn x86_128_word(key: &[u8]) -> u64 {
    u64::from(x86_128(key, SEED)[0])
}

/// First 64-bit word of x64_128 with Dynomite's seed.
pub(super) fn x64_64(key: &[u8]) -> u64 {
    x64_128(key, u64::from(SEED))[0]
}

/// x86_32 with Dynomite's seed.
pub(super) fn x86_32(key: &[u8]) -> u64 {
    const C: [u32; 2] = [0xcc9e_2d51, 0x1b87_3593];
    let scrambled = |k: u32| k.wrapping_mul(C[0]).rotate_left(15).wrapping_mul(C[1]);
    let (blocks, tail) = key.as_chunks::<4>();
    let mut h = SEED;
    for block in blocks {
        h = (h ^ scrambled(u32::from_le_bytes(*block))).rotate_left(13);
        h = h.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    // Without tail bytes the last word is zero and stays so.
    h ^= scrambled(word(tail) as u32) ^ key.len() as u32;
    u64::from(mix_32(h))
}

const C32: [u32; 4] = [0x239b_961b, 0xab0e_9789, 0x38b3_4ae5, 0xa1e3_8b93];

/// Per lane: the multiplier before and after the rotation is `C32[lane]`, then `C32[lane + 1]`.
fn scrambled_32(k: u32, lane: usize) -> u32 {
    const ROTATIONS: [u32; 4] = [15, 16, 17, 18];
    k.wrapping_mul(C32[lane])
        .rotate_left(ROTATIONS[lane])
        .wrapping_mul(C32[(lane + 1) % 4])
}

fn x86_128(key: &[u8], seed: u32) -> [u32; 4] {
    const ROTATIONS: [u32; 4] = [19, 17, 15, 13];
    const ADDED: [u32; 4] = [0x561c_cd1b, 0x0bca_a747, 0x96cd_1c35, 0x32ac_3b17];
    let mut h = [seed; 4];
    let (blocks, tail) = key.as_chunks::<16>();
    for block in blocks {
        let k = words_32(block);
        for lane in 0..4 {
            h[lane] ^= scrambled_32(k[lane], lane);
            h[lane] = h[lane]
                .rotate_left(ROTATIONS[lane])
                .wrapping_add(h[(lane + 1) % 4]);
            h[lane] = h[lane].wrapping_mul(5).wrapping_add(ADDED[lane]);
        }
    }
    let [low, high] = tail_words(tail);
    let k = [low, low >> 32, high, high >> 32].map(|word| word as u32);
    for lane in 0..4 {
        // A lane without tail bytes is zero and stays so.
        h[lane] ^= scrambled_32(k[lane], lane) ^ key.len() as u32;
    }
    h = summed_32(h);
    summed_32(h.map(mix_32))
}

fn words_32(block: &[u8; 16]) -> [u32; 4] {
    let (words, _) = block.as_chunks::<4>();
    [words[0], words[1], words[2], words[3]].map(u32::from_le_bytes)
}

/// All lanes into the first, then the first into the others.
fn summed_32([a, b, c, d]: [u32; 4]) -> [u32; 4] {
    let a = a.wrapping_add(b).wrapping_add(c).wrapping_add(d);
    [a, b.wrapping_add(a), c.wrapping_add(a), d.wrapping_add(a)]
}

/// fmix32.
fn mix_32(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// A tail of fewer than 16 bytes, as if zeros followed it.
fn tail_words(tail: &[u8]) -> [u64; 2] {
    match tail.split_at_checked(8) {
        Some((low, high)) => [word(low), word(high)],
        None => [word(tail), 0],
    }
}

const C64: [u64; 2] = [0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f];

fn scrambled_64(k: [u64; 2]) -> [u64; 2] {
    [
        k[0].wrapping_mul(C64[0])
            .rotate_left(31)
            .wrapping_mul(C64[1]),
        k[1].wrapping_mul(C64[1])
            .rotate_left(33)
            .wrapping_mul(C64[0]),
    ]
}

fn x64_128(key: &[u8], seed: u64) -> [u64; 2] {
    let mut h = [seed; 2];
    let (blocks, tail) = key.as_chunks::<16>();
    for block in blocks {
        let k = scrambled_64(words_64(block));
        h[0] = (h[0] ^ k[0]).rotate_left(27).wrapping_add(h[1]);
        h[0] = h[0].wrapping_mul(5).wrapping_add(0x52dc_e729);
        h[1] = (h[1] ^ k[1]).rotate_left(31).wrapping_add(h[0]);
        h[1] = h[1].wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    if !tail.is_empty() {
        let k = scrambled_64(tail_words(tail));
        h = [h[0] ^ k[0], h[1] ^ k[1]];
    }
    h = summed_64(h.map(|word| word ^ key.len() as u64));
    summed_64(h.map(mix_64))
}

fn words_64(block: &[u8; 16]) -> [u64; 2] {
    let (words, _) = block.as_chunks::<8>();
    [words[0], words[1]].map(u64::from_le_bytes)
}

fn summed_64([a, b]: [u64; 2]) -> [u64; 2] {
    let a = a.wrapping_add(b);
    [a, b.wrapping_add(a)]
}

/// fmix64, a bijection of 64-bit words.
pub(super) const fn mix_64(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}
