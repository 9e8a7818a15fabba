//! Fowler, Noll and Vo's hashes, in four variants and two readings of a byte.
//!
//! Constants: <http://www.isthe.com/chongo/tech/comp/fnv/>. Dynomite reads bytes as unsigned,
//! twemproxy (on x86-64) as signed: the results differ for keys with bytes from 0x80 on.

use super::sign_extended;

const INIT_64: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME_64: u64 = 0x0000_0100_0000_01b3;
const INIT_32: u32 = 0x811c_9dc5;
const PRIME_32: u32 = 0x0100_0193;

/// Low 32 bits of FNV-1 in 64 bits: neither a product nor a xor carries anything down, so the low
/// halves of the constants suffice.
pub(super) fn fnv1_64(key: &[u8]) -> u64 {
    multiply_xor(key, INIT_64 as u32, PRIME_64 as u32, u32::from)
}

/// FNV-1a on a 32-bit state made of the low halves of the 64-bit constants.
pub(super) fn fnv1a_64(key: &[u8]) -> u64 {
    xor_multiply(key, INIT_64 as u32, PRIME_64 as u32, u32::from)
}

/// FNV-1 in 32 bits.
pub(super) fn fnv1_32(key: &[u8]) -> u64 {
    multiply_xor(key, INIT_32, PRIME_32, u32::from)
}

/// FNV-1a in 32 bits.
pub(super) fn fnv1a_32(key: &[u8]) -> u64 {
    xor_multiply(key, INIT_32, PRIME_32, u32::from)
}

/// twemproxy's `fnv1_64`.
pub(super) fn signed_fnv1_64(key: &[u8]) -> u64 {
    multiply_xor(key, INIT_64 as u32, PRIME_64 as u32, sign_extended)
}

/// twemproxy's `fnv1a_64`.
pub(super) fn signed_fnv1a_64(key: &[u8]) -> u64 {
    xor_multiply(key, INIT_64 as u32, PRIME_64 as u32, sign_extended)
}

/// twemproxy's `fnv1_32`.
pub(super) fn signed_fnv1_32(key: &[u8]) -> u64 {
    multiply_xor(key, INIT_32, PRIME_32, sign_extended)
}

/// twemproxy's `fnv1a_32`.
pub(super) fn signed_fnv1a_32(key: &[u8]) -> u64 {
    xor_multiply(key, INIT_32, PRIME_32, sign_extended)
}

#[inline]
fn multiply_xor(key: &[u8], init: u32, prime: u32, read: impl Fn(u8) -> u32) -> u64 {
    let h = key
        .iter()
        .fold(init, |h, &byte| h.wrapping_mul(prime) ^ read(byte));
    u64::from(h)
}

#[inline]
fn xor_multiply(key: &[u8], init: u32, prime: u32, read: impl Fn(u8) -> u32) -> u64 {
    let h = key
        .iter()
        .fold(init, |h, &byte| (h ^ read(byte)).wrapping_mul(prime));
    u64::from(h)
}
