//! Wang Yi's wyhash, final version 4.

/// The default secret.
const SECRET: [u64; 4] = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
    0x4d5a_2da5_1de1_aa47,
];

const SEED: u64 = mixed(SECRET[0], SECRET[1]);

/// wyhash 4.2 (<https://github.com/wangyi-fudan/wyhash>) with seed 0 and the default secret.
pub(super) fn wyhash(key: &[u8]) -> u64 {
    if key.len() <= 16 {
        finished(SEED, short(key), key.len())
    } else {
        long(key)
    }
}

#[inline]
fn finished(seed: u64, [a, b]: [u64; 2], len: usize) -> u64 {
    let [low, high] = product(a ^ SECRET[1], b ^ seed);
    mixed(low ^ SECRET[0] ^ len as u64, high ^ SECRET[1])
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
    let half = |bytes: &[u8]| {
        let half = bytes.first_chunk().map(|half| u32::from_le_bytes(*half));
        u64::from(half.unwrap_or_default())
    };
    let step = key.len() / 8 * 4;
    let end = key.len() - 4;
    [
        (half(key) << 32) | half(&key[step..]),
        (half(&key[end..]) << 32) | half(&key[end - step..]),
    ]
}

/// All whole blocks change the seed; the last sixteen bytes, again, are the words. Apart, so that
/// short keys don't pay for its registers.
#[inline(never)]
fn long(key: &[u8]) -> u64 {
    let mut seeds = [SEED; 3];
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
        SEED
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
    finished(seed, last, key.len())
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
