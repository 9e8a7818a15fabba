//! Hashes: from a key's bytes to a number. One file a family, one row here.
//!
//! The plain names give what Netflix Dynomite gives on x86-64, bit for bit, quirks included, so
//! that a migration moves no key; where twemproxy differs, its meaning is `twemproxy_<name>`.
//! Choices are resolved when the configuration is read: a [`HashKind`] is one pointer.

mod crc;
mod fnv;
mod hsieh;
mod jenkins;
mod md5;
mod murmur;
mod murmur3;
mod one_at_a_time;
mod tag;

use std::fmt;

pub use tag::tag_range;

use crate::names;

/// One hash: its name in the configuration, its width and its function.
#[derive(Debug)]
pub struct HashRow {
    /// The name in the configuration, in reports and in bench ids.
    pub name: &'static str,
    /// Width of the result: values are below `1 << bits` (15, 32 or 64).
    pub bits: u8,
    /// Key to natural value: 32-bit hashes leave the upper half zero.
    pub function: fn(&[u8]) -> u64,
    /// One line for lists and reports.
    pub about: &'static str,
}

/// Every hash, in the order in which lists show them.
pub static HASHES: &[HashRow] = &[
    row(
        "one_at_a_time",
        32,
        one_at_a_time::one_at_a_time,
        "Jenkins' one-at-a-time over signed bytes",
    ),
    row(
        "md5",
        32,
        md5::md5,
        "first four digest bytes, little-endian",
    ),
    row(
        "crc16",
        32,
        crc::crc16,
        "XMODEM table over a 32-bit register that is never masked",
    ),
    row(
        "crc32",
        15,
        crc::crc32,
        "bits 16 to 30 of CRC-32: only 15 bits",
    ),
    row("crc32a", 32, crc::crc32a, "CRC-32 as zlib has it"),
    row("fnv1_64", 32, fnv::fnv1_64, "low 32 bits of 64-bit FNV-1"),
    row(
        "fnv1a_64",
        32,
        fnv::fnv1a_64,
        "FNV-1a on the low halves of the 64-bit constants",
    ),
    row("fnv1_32", 32, fnv::fnv1_32, "32-bit FNV-1"),
    row("fnv1a_32", 32, fnv::fnv1a_32, "32-bit FNV-1a"),
    row("hsieh", 32, hsieh::hsieh, "SuperFastHash with seed 0"),
    row(
        "murmur",
        32,
        murmur::murmur,
        "MurmurHash2, seeded by the length; Dynomite's default",
    ),
    row(
        "jenkins",
        32,
        jenkins::jenkins,
        "lookup3 hashlittle with initval 13",
    ),
    row(
        "murmur3",
        32,
        murmur3::x86_128_word,
        "first word of MurmurHash3 x86_128, seed 0xc0a1e5ce",
    ),
    row(
        "murmur3_x64_64",
        64,
        murmur3::x64_64,
        "first half of MurmurHash3 x64_128, seed 0xc0a1e5ce",
    ),
    row(
        "twemproxy_fnv1_64",
        32,
        fnv::signed_fnv1_64,
        "fnv1_64 over signed bytes",
    ),
    row(
        "twemproxy_fnv1a_64",
        32,
        fnv::signed_fnv1a_64,
        "fnv1a_64 over signed bytes; twemproxy's default",
    ),
    row(
        "twemproxy_fnv1_32",
        32,
        fnv::signed_fnv1_32,
        "fnv1_32 over signed bytes",
    ),
    row(
        "twemproxy_fnv1a_32",
        32,
        fnv::signed_fnv1a_32,
        "fnv1a_32 over signed bytes",
    ),
    row(
        "twemproxy_hsieh",
        32,
        hsieh::signed_hsieh,
        "hsieh with a signed third tail byte",
    ),
];

const fn row(
    name: &'static str,
    bits: u8,
    function: fn(&[u8]) -> u64,
    about: &'static str,
) -> HashRow {
    HashRow {
        name,
        bits,
        function,
        about,
    }
}

/// A chosen hash. Copying it copies one reference.
#[derive(Clone, Copy)]
pub struct HashKind(&'static HashRow);

impl HashKind {
    /// The hash of that name, as the configuration writes it.
    ///
    /// # Errors
    /// When no row has the name.
    pub fn by_name(name: &str) -> Result<Self, UnknownHash> {
        Self::all()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownHash {
                name: name.to_owned(),
            })
    }

    /// Every hash, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        HASHES.iter().map(Self)
    }

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Width of the result in bits: 15, 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0.bits
    }

    /// One line about it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.0.about
    }

    /// The natural value of `key`, below `1 << bits`.
    #[inline]
    #[must_use]
    pub fn hash(self, key: &[u8]) -> u64 {
        (self.0.function)(key)
    }
}

impl PartialEq for HashKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for HashKind {}

impl fmt::Debug for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The configuration names a hash that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown hash '{name}'{}; the hashes are: {}",
    names::suggestion(name, hash_names()),
    joined(hash_names())
)]
pub struct UnknownHash {
    /// What was written.
    pub name: String,
}

fn hash_names() -> impl Iterator<Item = &'static str> {
    HASHES.iter().map(|row| row.name)
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// A byte as x86-64's `char` widens it.
#[inline]
fn sign_extended(byte: u8) -> u32 {
    i32::from(byte.cast_signed()).cast_unsigned()
}

/// Up to eight bytes as a little-endian number, read in overlapping pieces: no copy, no loop.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let Some(whole) = bytes.first_chunk() {
        u64::from_le_bytes(*whole)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)].map(u64::from);
        first | (last << (8 * (len - 4)))
    } else if len > 0 {
        let at = |index: usize| u64::from(bytes[index]) << (8 * index);
        at(0) | at(len / 2) | at(len - 1)
    } else {
        0
    }
}

/// A hash value spread over 64 bits, for distributions that divide the 64-bit space.
///
/// A 64-bit value stays as it is. A narrower one goes through MurmurHash3's 64-bit finalizer
/// (Appleby; two xor-shift-multiply rounds), a bijection: different values stay different, so the
/// widened values are as many as before and lie evenly over the space.
#[inline]
#[must_use]
pub const fn widen(value: u64, bits: u8) -> u64 {
    if bits >= 64 {
        value
    } else {
        murmur3::mix_64(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_bytes() {
        let bytes = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
        for len in 0..=8 {
            let mut padded = [0; 8];
            padded[..len].copy_from_slice(&bytes[..len]);
            assert_eq!(
                word(&bytes[..len]),
                u64::from_le_bytes(padded),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn a_wrong_name_is_told_the_right_ones() {
        let text = HashKind::by_name("murmur2").unwrap_err().to_string();
        assert!(text.starts_with(
            "unknown hash 'murmur2' (did you mean 'murmur'?); the hashes are: one_at_a_time, md5"
        ));
        for kind in HashKind::all() {
            assert_eq!(HashKind::by_name(kind.name()), Ok(kind));
            assert!(text.contains(kind.name()));
        }
    }

    #[test]
    fn widening_keeps_values_apart() {
        assert_eq!(widen(u64::MAX - 1, 64), u64::MAX - 1);
        let mut widened: Vec<_> = (0..1 << 15).map(|value| widen(value, 15)).collect();
        widened.sort_unstable();
        widened.dedup();
        assert_eq!(widened.len(), 1 << 15);
        assert!(widened[0] < u64::MAX / 1000 && widened[32767] > u64::MAX / 1000 * 999);
    }
}
