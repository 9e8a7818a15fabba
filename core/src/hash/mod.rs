//! Hashes: from a key's bytes to a number. One file a family, one row in `table.rs`.
//!
//! The plain names give what Netflix Dynomite gives on x86-64, bit for bit, quirks included, so
//! that a migration moves no key; where twemproxy differs, its meaning is `twemproxy_<name>`.
//! The modern ones give what their authors' programs give, with the seed that their row names.
//! Choices are resolved when the configuration is read: a [`HashKind`] is one pointer.
//!
//! A new hash is a file with a `fn(&[u8]) -> u64`, a row, and vectors that something else computed,
//! in `tests/golden/`: without them `tests/hashes` fails. `tests/hashes/new_hash.rs` shows it.

mod cityhash;
mod crc;
mod crc32c;
mod fnv;
mod foldhash;
mod gxhash;
mod hsieh;
mod jenkins;
mod md5;
mod murmur;
mod murmur3;
mod one_at_a_time;
mod rapidhash;
mod siphash;
mod table;
mod tag;
mod wyhash;
mod xxhash;

use std::fmt;

pub use table::{Cpu, HASHES, HashRow};
pub use tag::tag_range;

use crate::names;

/// A chosen hash. Copying it copies one reference.
#[derive(Clone, Copy)]
pub struct HashKind(&'static HashRow);

impl HashKind {
    /// The hash of that name, as the configuration writes it.
    ///
    /// # Errors
    /// When no row has the name, or this processor can't compute it.
    pub fn by_name(name: &str) -> Result<Self, HashError> {
        let row = HASHES.iter().find(|row| row.name == name);
        Self::of(row.ok_or_else(|| HashError::Unknown {
            name: name.to_owned(),
        })?)
    }

    /// The hash of that row; an embedder's own need not be in the table.
    ///
    /// # Errors
    /// When this processor can't compute it.
    pub fn of(row: &'static HashRow) -> Result<Self, HashError> {
        if row.cpu.present() {
            Ok(Self(row))
        } else {
            Err(HashError::Cpu {
                name: row.name,
                needs: row.cpu.about(),
            })
        }
    }

    /// Every hash that this processor can compute, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        HASHES.iter().filter_map(|row| Self::of(row).ok())
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

/// The configuration names a hash that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No row has the name.
    #[error(
        "unknown hash '{name}'{}; the hashes are: {}",
        names::suggestion(name, hash_names()),
        joined(hash_names())
    )]
    Unknown {
        /// What was written.
        name: String,
    },
    /// The processor can't compute it. Nothing else takes its place: keys would move.
    #[error("hash '{name}' needs {needs}, which this is not; every node of a ring must have it")]
    Cpu {
        /// The hash.
        name: &'static str,
        /// What it needs, in words.
        needs: &'static str,
    },
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
