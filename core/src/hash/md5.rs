//! MD5, cut to its first word.

use super::word;

const BLOCK: usize = 64;
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The first four bytes of the MD5 digest (RFC 1321), little-endian.
pub(super) fn md5(key: &[u8]) -> u64 {
    let (blocks, tail) = key.as_chunks::<BLOCK>();
    let mut state = START;
    for block in blocks {
        state = mixed(state, &words(block));
    }
    let mut last = padded(tail);
    let bits = (key.len() as u64) << 3;
    if tail.len() > BLOCK - 9 {
        state = mixed(state, &last);
        last = [0; 16];
    }
    [last[14], last[15]] = [bits as u32, (bits >> 32) as u32];
    u64::from(mixed(state, &last)[0])
}

fn words(block: &[u8; BLOCK]) -> [u32; 16] {
    let (words, _) = block.as_chunks::<4>();
    std::array::from_fn(|at| u32::from_le_bytes(words[at]))
}

/// The bytes after the last whole block, a bit, and zeros.
#[inline]
fn padded(tail: &[u8]) -> [u32; 16] {
    let mut last = [0; 16];
    let (pairs, rest) = tail.as_chunks::<8>();
    for (at, pair) in pairs.iter().enumerate() {
        let pair = u64::from_le_bytes(*pair);
        [last[2 * at], last[2 * at + 1]] = [pair as u32, (pair >> 32) as u32];
    }
    let pair = word(rest) | (0x80 << (8 * rest.len()));
    let at = 2 * pairs.len();
    [last[at], last[at + 1]] = [pair as u32, (pair >> 32) as u32];
    last
}

/// Step constants: the first 32 bits of |sin(1)|, |sin(2)|, …
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// By how much a round's steps turn, in turns.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];
/// A round's step takes the block's word at factor · step + summand.
const ORDER: [(usize, usize); 4] = [(1, 0), (5, 1), (3, 5), (7, 0)];

#[inline]
fn mixed(start: [u32; 4], block: &[u32; 16]) -> [u32; 4] {
    let state = round::<0>(start, block);
    let state = round::<1>(state, block);
    let state = round::<2>(state, block);
    let state = round::<3>(state, block);
    std::array::from_fn(|at| start[at].wrapping_add(state[at]))
}

/// Sixteen steps, each a constant of its own: unrolled by hand, as the time goes by one chain.
#[inline(always)]
fn round<const R: usize>(state: [u32; 4], block: &[u32; 16]) -> [u32; 4] {
    let state = four_steps::<R, 0>(state, block);
    let state = four_steps::<R, 1>(state, block);
    let state = four_steps::<R, 2>(state, block);
    four_steps::<R, 3>(state, block)
}

#[inline(always)]
fn four_steps<const R: usize, const Q: usize>(
    [a, b, c, d]: [u32; 4],
    block: &[u32; 16],
) -> [u32; 4] {
    let a = step::<R>([a, b, c, d], block, 4 * Q);
    let d = step::<R>([d, a, b, c], block, 4 * Q + 1);
    let c = step::<R>([c, d, a, b], block, 4 * Q + 2);
    let b = step::<R>([b, c, d, a], block, 4 * Q + 3);
    [a, b, c, d]
}

/// `b` is the newest word: what does not need it is added up before.
#[inline(always)]
fn step<const R: usize>([a, b, c, d]: [u32; 4], block: &[u32; 16], at: usize) -> u32 {
    let (factor, summand) = ORDER[R];
    let early = a
        .wrapping_add(block[(factor * at + summand) % 16])
        .wrapping_add(SINES[16 * R + at]);
    let sum = match R {
        0 => early.wrapping_add(d ^ (b & (c ^ d))),
        // The halves have no bit in common: their sum is their union.
        1 => early.wrapping_add(!d & c).wrapping_add(d & b),
        2 => early.wrapping_add((c ^ d) ^ b),
        _ => early.wrapping_add(c ^ (b | !d)),
    };
    b.wrapping_add(sum.rotate_left(TURNS[R][at % 4]))
}
