//! Every hash, one row each: what its file computes and what its configuration name is.

use super::{
    cityhash, crc, crc32c, fnv, foldhash, gxhash, hsieh, jenkins, md5, murmur, murmur3,
    one_at_a_time, rapidhash, siphash, wyhash, xxhash,
};

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
    /// What the processor must have.
    pub cpu: Cpu,
}

/// What a hash asks of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpu {
    /// Nothing.
    Any,
    /// x86-64 with AES instructions.
    Aes,
}

impl Cpu {
    /// Whether this processor has it.
    #[must_use]
    pub fn present(self) -> bool {
        match self {
            Self::Any => true,
            #[cfg(target_arch = "x86_64")]
            Self::Aes => std::is_x86_feature_detected!("aes"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Aes => false,
        }
    }

    /// In words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Any => "any processor",
            Self::Aes => "an x86-64 processor with AES instructions",
        }
    }
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
    row("xxh3", 64, xxhash::xxh3, "XXH3, seed 0"),
    row("xxh64", 64, xxhash::xxh64, "XXH64, seed 0"),
    row(
        "rapidhash",
        64,
        rapidhash::rapidhash,
        "rapidhash V3, default seed and secrets",
    ),
    row(
        "wyhash",
        64,
        wyhash::wyhash,
        "wyhash final version 4, seed 0, default secret",
    ),
    row(
        "cityhash64",
        64,
        cityhash::cityhash64,
        "CityHash64 1.1, no seed",
    ),
    row(
        "siphash13",
        64,
        siphash::siphash13,
        "SipHash-1-3, its key sixteen zero bytes",
    ),
    row(
        "murmur3_x86_32",
        32,
        murmur3::x86_32,
        "MurmurHash3 x86_32, seed 0xc0a1e5ce",
    ),
    row(
        "crc32c",
        32,
        crc32c::crc32c,
        "CRC-32C (Castagnoli), by the processor where it can",
    ),
    row(
        "foldhash",
        64,
        foldhash::foldhash,
        "foldhash 0.2.0, quality variant, fixed default seed",
    ),
    HashRow {
        cpu: Cpu::Aes,
        ..row(
            "gxhash",
            64,
            gxhash::gxhash,
            "gxhash64 of gxhash 3.5.0, seed 0; needs AES",
        )
    },
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
        cpu: Cpu::Any,
    }
}
