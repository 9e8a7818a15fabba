//! The three cyclic redundancy checks.

/// CRC-16/XMODEM's table: polynomial 0x1021, most significant bit first.
static XMODEM: [u16; 256] = xmodem_table();

const fn xmodem_table() -> [u16; 256] {
    let mut table = [0_u16; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// CRC-16/XMODEM's step on a 32-bit register that is never cut to 16 bits. The low half is the
/// standard CRC (Redis Cluster's slot); a key of one byte gives 16 bits, of two bytes 24.
pub(super) fn crc16(key: &[u8]) -> u64 {
    let mut crc = 0_u32;
    for &byte in key {
        let index = ((crc >> 8) as u8) ^ byte;
        crc = (crc << 8) ^ u32::from(XMODEM[usize::from(index)]);
    }
    u64::from(crc)
}

/// Bits 16 to 30 of CRC-32, as memcached's clients cut it.
pub(super) fn crc32(key: &[u8]) -> u64 {
    (crc32a(key) >> 16) & 0x7fff
}

/// CRC-32 (ISO-HDLC), zlib's.
pub(super) fn crc32a(key: &[u8]) -> u64 {
    u64::from(crc32fast::hash(key))
}
