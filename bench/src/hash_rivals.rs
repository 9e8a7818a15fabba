//! Ours beside the crates: for each hash the crates that compute the same, or the same work.
//!
//! A speed of ours is worth what the best crate's speed in the same process says about it; and
//! what somebody else wrote is a second opinion on the result. The tests hold both to each other.

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;

use md5::{Digest, Md5};
use ringlab_core::hash::HashKind;

use crate::case::{Case, Repeat};
use crate::fixtures::key;

/// A crate's function beside ours.
#[derive(Debug)]
pub struct HashRival {
    /// Our hash, as the configuration names it.
    pub ours: &'static str,
    /// The crate.
    pub package: &'static str,
    /// Its version, as `Cargo.lock` has it.
    pub version: &'static str,
    /// Crate and function.
    pub name: &'static str,
    /// From key to result.
    pub function: fn(&[u8]) -> u64,
    /// Where its result is ours.
    pub agrees: Agrees,
}

/// Where a rival's results are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agrees {
    /// For every key.
    Everywhere,
    /// For keys of ASCII: it reads bytes as unsigned.
    Ascii,
    /// In the low bits, so many.
    LowBits(u8),
    /// Nowhere: the same work with other constants, for its speed alone.
    Nowhere,
}

impl Agrees {
    /// The bits in which the results for `key` must be equal.
    #[must_use]
    pub fn bits(self, key: &[u8]) -> u64 {
        match self {
            Self::Everywhere => u64::MAX,
            Self::Ascii if key.is_ascii() => u64::MAX,
            Self::LowBits(count) => (1 << count) - 1,
            Self::Ascii | Self::Nowhere => 0,
        }
    }
}

const SEED: u32 = 0xc0a1_e5ce;

static CRC_16: crc::Crc<u16, crc::Table<16>> =
    crc::Crc::<u16, crc::Table<16>>::new(&crc::CRC_16_XMODEM);
static CRC_32: crc::Crc<u32, crc::Table<16>> =
    crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISO_HDLC);

/// Every pair, in the order of the table of hashes. gxhash's crate is not here: it can't be built
/// into a program for processors without AES.
pub static HASHES: &[HashRival] = &[
    HashRival {
        agrees: Agrees::Ascii,
        ..rival(
            "one_at_a_time",
            ("joaat", "0.1.0"),
            "joaat::hash_bytes",
            |key| joaat::hash_bytes(key).into(),
        )
    },
    rival("md5", ("md-5", "0.11.0"), "md_5::Md5::digest", |key| {
        first_word(&Md5::digest(key))
    }),
    rival("md5", ("md5", "0.8.1"), "md5::compute", |key| {
        first_word(&md5_compute::compute(key)[..])
    }),
    HashRival {
        agrees: Agrees::LowBits(16),
        ..rival(
            "crc16",
            ("crc", "3.4.0"),
            "crc::Crc<u16, Table<16>>",
            |key| CRC_16.checksum(key).into(),
        )
    },
    rival("crc32", ("crc32fast", "1.5.4"), "crc32fast::hash", |key| {
        ((crc32fast::hash(key) >> 16) & 0x7fff).into()
    }),
    rival("crc32a", ("crc32fast", "1.5.4"), "crc32fast::hash", |key| {
        crc32fast::hash(key).into()
    }),
    rival(
        "crc32a",
        ("crc", "3.4.0"),
        "crc::Crc<u32, Table<16>>",
        |key| CRC_32.checksum(key).into(),
    ),
    HashRival {
        agrees: Agrees::Nowhere,
        ..rival("fnv1a_64", ("fnv", "1.0.7"), "fnv::FnvHasher", |key| {
            let mut hasher = fnv::FnvHasher::default();
            hasher.write(key);
            hasher.finish()
        })
    },
    rival(
        "fnv1a_32",
        ("const-fnv1a-hash", "1.1.0"),
        "const_fnv1a_hash::fnv1a_hash_32",
        |key| const_fnv1a_hash::fnv1a_hash_32(key, None).into(),
    ),
    HashRival {
        agrees: Agrees::Nowhere,
        ..rival(
            "hsieh",
            ("hsieh-hash", "0.1.1"),
            "hsieh_hash::digest",
            |key| hsieh_hash::digest(key).into(),
        )
    },
    rival("murmur", ("murmur2", "0.1.0"), "murmur2::murmur2", |key| {
        murmur2::murmur2(key, (key.len() as u32).wrapping_mul(0xdead_beef)).into()
    }),
    HashRival {
        agrees: Agrees::Nowhere,
        ..rival(
            "jenkins",
            ("hashers", "1.0.1"),
            "hashers::jenkins::lookup3",
            hashers::jenkins::lookup3,
        )
    },
    rival(
        "murmur3",
        ("murmur3", "0.5.2"),
        "murmur3::murmur3_x86_128",
        |mut key| {
            murmur3::murmur3_x86_128(&mut key, SEED).map_or(0, |words| u64::from(words as u32))
        },
    ),
    rival(
        "murmur3_x64_64",
        ("fastmurmur3", "0.2.0"),
        "fastmurmur3::murmur3_x64_128",
        |key| fastmurmur3::murmur3_x64_128(key, SEED.into()) as u64,
    ),
    rival(
        "murmur3_x64_64",
        ("murmurhash3", "0.0.5"),
        "murmurhash3::murmurhash3_x64_128",
        |key| murmurhash3::murmurhash3_x64_128(key, SEED.into()).0,
    ),
    rival(
        "xxh3",
        ("xxhash-rust", "0.8.19"),
        "xxhash_rust::xxh3::xxh3_64",
        xxhash_rust::xxh3::xxh3_64,
    ),
    rival(
        "xxh3",
        ("twox-hash", "2.1.5"),
        "twox_hash::XxHash3_64::oneshot",
        twox_hash::XxHash3_64::oneshot,
    ),
    rival(
        "xxh64",
        ("xxhash-rust", "0.8.19"),
        "xxhash_rust::xxh64::xxh64",
        |key| xxhash_rust::xxh64::xxh64(key, 0),
    ),
    rival(
        "xxh64",
        ("twox-hash", "2.1.5"),
        "twox_hash::XxHash64::oneshot",
        |key| twox_hash::XxHash64::oneshot(0, key),
    ),
    rival(
        "rapidhash",
        ("rapidhash", "4.5.1"),
        "rapidhash::v3::rapidhash_v3",
        rapidhash::v3::rapidhash_v3,
    ),
    HashRival {
        agrees: Agrees::Nowhere,
        ..rival(
            "wyhash",
            ("wyhash-final4", "0.2.2"),
            "wyhash_final4::WyHash64",
            |key| {
                wyhash_final4::generics::WyHasher::<wyhash_final4::wyhash64::WyHash64>::from_seed(0)
                    .hash(key)
            },
        )
    },
    rival(
        "cityhash64",
        ("cityhasher", "0.1.0"),
        "cityhasher::hash",
        |key| cityhasher::hash(key),
    ),
    rival(
        "siphash13",
        ("siphasher", "1.0.4"),
        "siphasher::SipHasher13::hash",
        |key| siphasher::sip::SipHasher13::new().hash(key),
    ),
    rival(
        "murmur3_x86_32",
        ("murmurhash32", "0.4.0"),
        "murmurhash32::murmurhash3_with_seed",
        |key| murmurhash32::murmurhash3_with_seed::<SEED>(key).into(),
    ),
    rival("crc32c", ("crc32c", "0.6.9"), "crc32c::crc32c", |key| {
        crc32c::crc32c(key).into()
    }),
    rival(
        "crc32c",
        ("crc-fast", "1.10.0"),
        "crc_fast::crc32_iscsi",
        |key| crc_fast::crc32_iscsi(key).into(),
    ),
    rival(
        "foldhash",
        ("foldhash", "0.2.0"),
        "foldhash::quality::FixedState",
        |key| {
            let mut hasher = foldhash::quality::FixedState::default().build_hasher();
            hasher.write(key);
            hasher.finish()
        },
    ),
];

const fn rival(
    ours: &'static str,
    (package, version): (&'static str, &'static str),
    name: &'static str,
    function: fn(&[u8]) -> u64,
) -> HashRival {
    HashRival {
        ours,
        package,
        version,
        name,
        function,
        agrees: Agrees::Everywhere,
    }
}

fn first_word(digest: &[u8]) -> u64 {
    digest
        .first_chunk()
        .map_or(0, |word| u32::from_le_bytes(*word).into())
}

impl HashRival {
    /// Hashing a key of that many bytes by the crate, as the suite `hash` measures ours:
    /// `rivals/<hash>+<crate>/<bytes>B`.
    #[must_use]
    pub fn case(&'static self, length: usize) -> Case {
        let id = format!("rivals/{}+{}/{length}B", self.ours, self.package);
        Case::new(id, move || {
            let key = key(length);
            let expected = (self.function)(&key);
            Repeat::same(expected, move || (self.function)(black_box(&key)))
        })
        .operations(500)
    }
}

/// Every crate's function at every length of the suite `hash`, where this processor has ours.
pub fn cases() -> Vec<Case> {
    let known = |rival: &&HashRival| HashKind::by_name(rival.ours).is_ok();
    HASHES
        .iter()
        .filter(known)
        .flat_map(|rival| crate::suites::hash::KEY_LENGTHS.map(|length| rival.case(length)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second opinion on every hash that another crate computes: random bytes, and random ASCII,
    /// of every length up to 1100, each at one of eight alignments.
    #[test]
    fn ours_and_the_crates_agree() {
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 56) as u8
        };
        let binary: Vec<u8> = (0..1108).map(|_| random()).collect();
        let ascii: Vec<u8> = (0..1108).map(|_| random() & 0x7f).collect();
        for rival in HASHES {
            let ours = HashKind::by_name(rival.ours).expect("a row of the table");
            for bytes in [&binary, &ascii] {
                for len in 0..=1100 {
                    for at in 0..8 {
                        let key = &bytes[at..at + len];
                        let bits = rival.agrees.bits(key);
                        let (got, theirs) = (ours.hash(key), (rival.function)(key));
                        assert_eq!(
                            got & bits,
                            theirs & bits,
                            "{} and {}: {len} bytes at {at}",
                            rival.ours,
                            rival.package
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        for HashRival {
            package, version, ..
        } in HASHES
        {
            let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{package} {version}");
        }
    }
}
