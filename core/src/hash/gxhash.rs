//! Olivier Giniaux' gxhash, 64 bits with seed 0, on the processor's AES rounds.
//!
//! Written after the description in the crate gxhash 3.5.0, which can only be built for processors
//! with AES; here that is asked at run time. Its results differ between versions: what is meant is
//! what 3.5.0 gives, and the vectors made with it are the test.

/// gxhash64 of version 3.5.0.
///
/// # Panics
/// On a processor without AES: the row says that it needs it, and a configuration with this hash
/// is refused there.
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "the one call into code for AES, made after asking the processor for it"
)]
pub(super) fn gxhash(key: &[u8]) -> u64 {
    assert!(
        std::is_x86_feature_detected!("aes"),
        "gxhash without AES was configured"
    );
    // SAFETY: `aes::gxhash` needs AES and SSE2; the first was asked for, x86-64 has the second.
    unsafe { aes::gxhash(key) }
}

/// Never called: the row says that it needs AES on x86-64.
///
/// # Panics
/// Always.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn gxhash(_: &[u8]) -> u64 {
    unreachable!("gxhash without AES was configured")
}

#[cfg(target_arch = "x86_64")]
mod aes {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_and_si128,
        _mm_cmpgt_epi8, _mm_cvtsi128_si64, _mm_set_epi8, _mm_set_epi64x, _mm_set1_epi8,
        _mm_set1_epi32, _mm_setzero_si128,
    };

    use crate::hash::word;

    /// Round keys of the version.
    const KEYS: [u128; 3] = [
        0xfc3b_c28e_89c2_22e5_b09d_3e21_f278_4542,
        0x3913_2bd9_b361_dc58_cb6b_2e9b_03fc_e279,
        0xc78b_122b_5544_b1b7_689d_2b7d_d001_2e32,
    ];
    const BLOCK: usize = 16;

    #[target_feature(enable = "aes")]
    pub(super) fn gxhash(key: &[u8]) -> u64 {
        let seeded = _mm_aesenc_si128(compressed(key), _mm_setzero_si128());
        let mixed = _mm_aesenc_si128(seeded, vector(KEYS[0]));
        let mixed = _mm_aesenc_si128(mixed, vector(KEYS[1]));
        _mm_cvtsi128_si64(_mm_aesenclast_si128(mixed, vector(KEYS[2]))).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "aes")]
    fn compressed(key: &[u8]) -> __m128i {
        if key.len() <= BLOCK {
            return short(key);
        }
        // What is over whole blocks comes first, padded; without any, the first block.
        let over = key.len() % BLOCK;
        let mut start = match key.first_chunk() {
            Some(block) if over == 0 => load(block),
            Some(block) => cut(load(block), over),
            None => _mm_setzero_si128(),
        };
        let begin = if over == 0 { BLOCK } else { over };
        let (blocks, _) = key[begin..].as_chunks::<BLOCK>();
        let (head, many) = blocks.split_at(blocks.len().min(3));
        let mut folded = load(&head[0]);
        for block in &head[1..] {
            folded = _mm_aesenc_si128(folded, load(block));
        }
        if !many.is_empty() {
            start = long(start, many, key.len());
        }
        let folded = _mm_aesenc_si128(folded, vector(KEYS[0]));
        _mm_aesenclast_si128(start, _mm_aesenc_si128(folded, vector(KEYS[1])))
    }

    /// The blocks after the first three: singly up to a multiple of eight, then in two lanes.
    #[inline]
    #[target_feature(enable = "aes")]
    fn long(start: __m128i, blocks: &[[u8; BLOCK]], len: usize) -> __m128i {
        let (single, many) = blocks.split_at(blocks.len() % 8);
        let mut start = start;
        for block in single {
            start = _mm_aesenc_si128(start, load(block));
        }
        let keys = [vector(KEYS[0]), vector(KEYS[1])];
        let mut lanes = [start; 2];
        let mut turns = [_mm_setzero_si128(); 2];
        let (groups, _) = many.as_chunks::<8>();
        for group in groups {
            for lane in 0..2 {
                let mut folded = load(&group[lane]);
                for pair in 1..4 {
                    folded = _mm_aesenc_si128(folded, load(&group[2 * pair + lane]));
                }
                turns[lane] = _mm_add_epi8(turns[lane], keys[lane]);
                let folded = _mm_aesenc_si128(folded, turns[lane]);
                lanes[lane] = _mm_aesenclast_si128(folded, lanes[lane]);
            }
        }
        // As in the original, the length is cut to 32 bits.
        let len = _mm_set1_epi32(len as i32);
        _mm_aesenc_si128(_mm_add_epi8(lanes[0], len), _mm_add_epi8(lanes[1], len))
    }

    /// Up to sixteen bytes, padded with zeros; the length is added to each byte.
    #[inline]
    #[target_feature(enable = "aes")]
    fn short(key: &[u8]) -> __m128i {
        if key.is_empty() {
            return _mm_setzero_si128();
        }
        let (low, high) = match key.split_at_checked(8) {
            Some((low, high)) => (word(low), word(high)),
            None => (word(key), 0),
        };
        let bytes = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
        _mm_add_epi8(bytes, _mm_set1_epi8(key.len() as i8))
    }

    /// The first `len` bytes, below sixteen, as [`short`] has them.
    #[inline]
    #[target_feature(enable = "aes")]
    fn cut(block: __m128i, len: usize) -> __m128i {
        let places = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        let len = _mm_set1_epi8(len as i8);
        _mm_add_epi8(_mm_and_si128(block, _mm_cmpgt_epi8(len, places)), len)
    }

    #[inline]
    #[target_feature(enable = "aes")]
    fn load(block: &[u8; BLOCK]) -> __m128i {
        vector(u128::from_le_bytes(*block))
    }

    #[inline]
    #[target_feature(enable = "aes")]
    fn vector(value: u128) -> __m128i {
        _mm_set_epi64x((value >> 64) as i64, value as i64)
    }
}
