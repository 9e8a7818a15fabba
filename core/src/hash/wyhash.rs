//! Wang Yi's wyhash, final version 4.

use super::word;

/// The default secret.
const SECRET: [u64; 4] = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
    0x4d5a_2da5_1de1_aa47,
];

/// wyhash 4.2 (<https://github.com/wangyi-fudan/wyhash>) with seed 0 and the default secret.
pub(super) fn wyhash(key: &[u8]) -> u64 {
    const SEED: u64 = mixed(SECRET[0], SECRET[1]);
    let (seed, a, b) = match key.len() {
        0..=16 => {
            let [a, b] = short(key);
            (SEED, a, b)
        }
        _ => {
            let (seed, [a, b]) = long(key, SEED);
            (seed, a, b)
        }
    };
    let [low, high] = product(a ^ SECRET[1], b ^ seed);
    mixed(low ^ SECRET[0] ^ key.len() as u64, high ^ SECRET[1])
}

/// Up to sixteen bytes as two words; from four on they overlap.
#[inline]
fn short(key: &[u8]) -> [u64; 2] {
    if key.len() < 4 {
        let Some((&first, &last)) = key.first().zip(key.last()) else {
            return [0, 0];
        };
        let bytes = [last, key[key.len() / 2], first].map(u64::from);
        return [bytes[0] | (bytes[1] << 8) | (bytes[2] << 16), 0];
    }
    let half = |at: usize| word(&key[at..at + 4]);
    let step = key.len() / 8 * 4;
    let end = key.len() - 4;
    [
        (half(0) << 32) | half(step),
        (half(end) << 32) | half(end - step),
    ]
}

/// The seed after all whole blocks, and the last sixteen bytes.
#[inline]
fn long(key: &[u8], seed: u64) -> (u64, [u64; 2]) {
    let mut seeds = [seed; 3];
    let mut rest = key;
    while let Some((block, after)) = rest.split_first_chunk::<48>() {
        let (pairs, _) = block.as_chunks::<16>();
        for lane in 0..3 {
            let [low, high] = words(&pairs[lane]);
            seeds[lane] = mixed(low ^ SECRET[lane + 1], high ^ seeds[lane]);
        }
        rest = after;
    }
    let mut seed = if rest.len() == key.len() {
        seed
    } else {
        seeds[0] ^ seeds[1] ^ seeds[2]
    };
    while rest.len() > 16 {
        let Some((block, after)) = rest.split_first_chunk() else {
            break;
        };
        let [low, high] = words(block);
        seed = mixed(low ^ SECRET[1], high ^ seed);
        rest = after;
    }
    let last = key.last_chunk().map_or([0, 0], words);
    (seed, last)
}

#[inline]
fn words(block: &[u8; 16]) -> [u64; 2] {
    let (words, _) = block.as_chunks::<8>();
    [words[0], words[1]].map(u64::from_le_bytes)
}

/// Low and high half of the 128-bit product.
#[inline]
const fn product(a: u64, b: u64) -> [u64; 2] {
    let product = a as u128 * b as u128;
    [product as u64, (product >> 64) as u64]
}

#[inline]
const fn mixed(a: u64, b: u64) -> u64 {
    let [low, high] = product(a, b);
    low ^ high
}
