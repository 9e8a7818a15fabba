//! CRC-32C (Castagnoli).
//!
//! On x86-64 with SSE 4.2 and PCLMULQDQ by the processor's own instructions, elsewhere by the
//! crate crc32c: two ways to the same number.

/// CRC-32C.
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "the one call into code for SSE 4.2, made after asking the processor for it"
    )
)]
pub(super) fn crc32c(key: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("sse4.2") && std::is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the two features that it needs beyond x86-64 were asked for.
        return u64::from(unsafe { x86::crc32c(key) });
    }
    u64::from(crc32c::crc32c(key))
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm_clmulepi64_si128, _mm_crc32_u8, _mm_crc32_u32, _mm_crc32_u64, _mm_cvtsi64_si128,
        _mm_cvtsi128_si64,
    };

    /// The instruction takes eight bytes at a time and three cycles, but a new one may begin in
    /// each: long keys are cut in thirds, whose registers are put together (Gopal et al., "Fast
    /// CRC Computation for iSCSI Polynomial Using CRC32 Instruction", 2011).
    #[target_feature(enable = "sse4.2,pclmulqdq")]
    pub(super) fn crc32c(key: &[u8]) -> u32 {
        let (mut register, mut rest) = (u32::MAX, key);
        while let Some((thirds, after)) = rest.split_first_chunk::<{ 3 * LONG }>() {
            register = in_thirds::<LONG>(register, thirds, FAR_LONG, NEAR_LONG);
            rest = after;
        }
        while let Some((thirds, after)) = rest.split_first_chunk::<{ 3 * SHORT }>() {
            register = in_thirds::<SHORT>(register, thirds, FAR_SHORT, NEAR_SHORT);
            rest = after;
        }
        !last(register, rest)
    }

    /// Bytes of a third.
    const LONG: usize = 80;
    const SHORT: usize = 32;
    /// By what the first third's register is multiplied, and the second's, to stand where the last
    /// one's does.
    const FAR_LONG: i64 = power(2 * LONG);
    const NEAR_LONG: i64 = power(LONG);
    const FAR_SHORT: i64 = power(2 * SHORT);
    const NEAR_SHORT: i64 = power(SHORT);

    #[inline]
    #[target_feature(enable = "sse4.2,pclmulqdq")]
    fn in_thirds<const THIRD: usize>(register: u32, key: &[u8], far: i64, near: i64) -> u32 {
        let (words, _) = key.as_chunks::<8>();
        let mut registers = [u64::from(register), 0, 0];
        for at in 0..THIRD / 8 {
            for third in 0..3 {
                let word = u64::from_le_bytes(words[third * (THIRD / 8) + at]);
                registers[third] = _mm_crc32_u64(registers[third], word);
            }
        }
        let [first, second, last] = registers;
        let moved = product(first, far) ^ product(second, near);
        (_mm_crc32_u64(0, moved) ^ last) as u32
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq")]
    fn product(register: u64, power: i64) -> u64 {
        let register = _mm_cvtsi64_si128(register.cast_signed());
        let product = _mm_clmulepi64_si128::<0>(register, _mm_cvtsi64_si128(power));
        _mm_cvtsi128_si64(product).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "sse4.2")]
    fn last(register: u32, key: &[u8]) -> u32 {
        let (words, tail) = key.as_chunks::<8>();
        let mut register = u64::from(register);
        for word in words {
            register = _mm_crc32_u64(register, u64::from_le_bytes(*word));
        }
        let mut register = register as u32;
        let (halves, tail) = tail.as_chunks::<4>();
        if let Some(half) = halves.first() {
            register = _mm_crc32_u32(register, u32::from_le_bytes(*half));
        }
        for &byte in tail {
            register = _mm_crc32_u8(register, byte);
        }
        register
    }

    /// x to the power of 8 · bytes − 33 modulo the polynomial, reflected. A product of two
    /// reflected factors is off by one bit, and taking its remainder moves it by 32.
    const fn power(bytes: usize) -> i64 {
        // 1, reflected: the top bit; each step multiplies by x.
        let mut value = 1_u32 << 31;
        let mut step = 0;
        while step < 8 * bytes - 33 {
            let over = value & 1 == 1;
            value = (value >> 1) ^ if over { 0x82f6_3b78 } else { 0 };
            step += 1;
        }
        value as i64
    }
}
