//! MD5, cut to its first word.

use md5::{Digest, Md5};

/// The first four bytes of the MD5 digest (RFC 1321), little-endian.
pub(super) fn md5(key: &[u8]) -> u64 {
    let digest = Md5::digest(key);
    u64::from(u32::from_le_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]))
}
