//! The four cyclic redundancy checks.

/// Bytes that [`crc16`] takes in one step.
const STEP: usize = 8;

/// CRC-16/XMODEM (polynomial 0x1021, most significant bit first) of each byte followed by as many
/// zero bytes as the table's index.
static XMODEM: [[u16; 256]; STEP] = xmodem_tables();

const fn xmodem_tables() -> [[u16; 256]; STEP] {
    let mut tables = [[0_u16; 256]; STEP];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut zeros = 0;
        while zeros < STEP {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x8000 == 0 {
                    crc << 1
                } else {
                    (crc << 1) ^ 0x1021
                };
                bit += 1;
            }
            tables[zeros][byte] = crc;
            zeros += 1;
        }
        byte += 1;
    }
    tables
}

/// CRC-16/XMODEM's step on a 32-bit register that is never cut to 16 bits. The low half is the
/// standard CRC (Redis Cluster's slot); a key of one byte gives 16 bits, of two bytes 24.
///
/// The high half is what the register's second byte was one and two steps before, so all but the
/// last bytes may be taken as the standard CRC takes them, eight at a time (Kounavis and Berry,
/// "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008).
pub(super) fn crc16(key: &[u8]) -> u64 {
    let (steps, last) = key[..key.len().saturating_sub(2)].as_chunks::<STEP>();
    let mut standard = 0_u16;
    for step in steps {
        let [high, low] = standard.to_be_bytes();
        let bytes = [
            step[0] ^ high,
            step[1] ^ low,
            step[2],
            step[3],
            step[4],
            step[5],
            step[6],
            step[7],
        ];
        let of_byte = |at: usize| XMODEM[STEP - 1 - at][usize::from(bytes[at])];
        standard = (0..STEP).fold(0, |crc, at| crc ^ of_byte(at));
    }
    let mut crc = u32::from(standard);
    for &byte in &key[key.len() - last.len() - key.len().min(2)..] {
        let index = ((crc >> 8) as u8) ^ byte;
        crc = (crc << 8) ^ u32::from(XMODEM[0][usize::from(index)]);
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

/// CRC-32C (Castagnoli), by the crate crc32c: the processor's instruction where it has one.
pub(super) fn crc32c(key: &[u8]) -> u64 {
    u64::from(crc32c::crc32c(key))
}
