//! CRC-16 and CRC-32, whole and as old clients cut them.
//!
//! A register is linear in its start and in the bytes, so each byte of a step is looked up for
//! itself, with how many follow it (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for
//! High-Performance CRC Generation", 2008), and the bytes before the first whole step may have
//! zeros before them.

use super::word;

/// Bytes that one step takes.
const STEP: usize = 16;
/// Up to so many bytes before the first whole step are taken one by one.
const BYTEWISE_MAX: usize = 4;

/// By how many bytes follow it, what a byte leaves in the register.
type Tables = [[u32; 256]; STEP];

static XMODEM: Tables = xmodem();
static ISO_HDLC: Tables = iso_hdlc();
/// What so many zero bytes make of CRC-32's start, all ones.
static ZEROS: [u32; STEP] = zeros();

/// CRC-16/XMODEM's step (polynomial 0x1021, most significant bit first) on a 32-bit register that
/// is never cut to 16 bits. The low half is the standard CRC (Redis Cluster's slot); a key of one
/// byte gives 16 bits, of two bytes 24. What stands in the upper half is shifted out by the next
/// two bytes, so that steps hand on the lower one alone.
pub(super) fn crc16(key: &[u8]) -> u64 {
    let (head, steps) = key.as_rchunks::<STEP>();
    if head.len() > BYTEWISE_MAX {
        return padded_crc16(head, steps);
    }
    let register = head.iter().fold(0, |register: u32, byte| {
        let [_, index, ..] = register.to_le_bytes();
        (register << 8) ^ XMODEM[0][usize::from(index ^ byte)]
    });
    stepped_crc16(register, steps)
}

/// Apart, so that keys of whole steps don't pay for its registers.
#[inline(never)]
fn padded_crc16(head: &[u8], steps: &[[u8; STEP]]) -> u64 {
    stepped_crc16(padded(&XMODEM, head), steps)
}

#[inline(always)]
fn stepped_crc16(register: u32, steps: &[[u8; STEP]]) -> u64 {
    let register = steps.iter().fold(register, |register, step| {
        let [low, high, ..] = register.to_le_bytes();
        let late = [step[0] ^ high, step[1] ^ low];
        looked_up(&XMODEM, &step[2..], 0) ^ looked_up(&XMODEM, &late, 14)
    });
    u64::from(register)
}

/// Bits 16 to 30 of CRC-32, as memcached's clients cut it.
pub(super) fn crc32(key: &[u8]) -> u64 {
    (crc32a(key) >> 16) & 0x7fff
}

/// CRC-32 (ISO-HDLC), zlib's. Long keys go to the crate crc32fast, which multiplies without carry.
/// Inlined for [`crc32`], which would pay for a second call.
#[inline(always)]
pub(super) fn crc32a(key: &[u8]) -> u64 {
    if key.len() > 2 * STEP {
        return u64::from(crc32fast::hash(key));
    }
    let (head, steps) = key.as_rchunks::<STEP>();
    if head.len() > BYTEWISE_MAX {
        return padded_crc32(head, steps);
    }
    let register = head.iter().fold(u32::MAX, |register, byte| {
        let [index, ..] = register.to_le_bytes();
        (register >> 8) ^ ISO_HDLC[0][usize::from(index ^ byte)]
    });
    stepped_crc32(register, steps)
}

/// Apart, as [`padded_crc16`].
#[inline(never)]
fn padded_crc32(head: &[u8], steps: &[[u8; STEP]]) -> u64 {
    stepped_crc32(ZEROS[head.len()] ^ padded(&ISO_HDLC, head), steps)
}

#[inline(always)]
fn stepped_crc32(register: u32, steps: &[[u8; STEP]]) -> u64 {
    let register = steps.iter().fold(register, |register, step| {
        let before = register.to_le_bytes();
        let late: [u8; 4] = std::array::from_fn(|at| step[at] ^ before[at]);
        looked_up(&ISO_HDLC, &step[4..], 0) ^ looked_up(&ISO_HDLC, &late, 12)
    });
    u64::from(!register)
}

/// What bytes leave in a register of zeros, `after` others following them.
#[inline(always)]
fn looked_up(tables: &Tables, bytes: &[u8], after: usize) -> u32 {
    let last = after + bytes.len() - 1;
    (0..bytes.len()).fold(0, |register, at| {
        register ^ tables[last - at][usize::from(bytes[at])]
    })
}

/// What 5 to 15 bytes leave in a register of zeros.
#[inline]
fn padded(tables: &Tables, head: &[u8]) -> u32 {
    let ahead = |bytes: &[u8]| {
        let missing = 8 - bytes.len() as u32;
        word(bytes)
            .checked_shl(8 * missing)
            .unwrap_or(0)
            .to_le_bytes()
    };
    match head.split_last_chunk::<8>() {
        Some((high, low)) => looked_up(tables, &ahead(high), 8) ^ looked_up(tables, low, 0),
        None => looked_up(tables, &ahead(head), 0),
    }
}

/// The tables of a CRC by what it does with one more byte of a key.
const fn tables(first: [u32; 256], reflected: bool) -> Tables {
    let mut tables = [first; STEP];
    let mut after = 1;
    while after < STEP {
        let mut byte = 0;
        while byte < 256 {
            let register = tables[after - 1][byte];
            tables[after][byte] = if reflected {
                (register >> 8) ^ first[(register & 0xff) as usize]
            } else {
                (register << 8) ^ first[((register >> 8) & 0xff) as usize]
            };
            byte += 1;
        }
        after += 1;
    }
    tables
}

const fn xmodem() -> Tables {
    let mut first = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut register = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let over = register >> 15 == 1;
            register = (register << 1) ^ if over { 0x1021 } else { 0 };
            bit += 1;
        }
        first[byte] = register as u32;
        byte += 1;
    }
    tables(first, false)
}

const fn iso_hdlc() -> Tables {
    let mut first = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut register = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let over = register & 1 == 1;
            register = (register >> 1) ^ if over { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        first[byte] = register;
        byte += 1;
    }
    tables(first, true)
}

const fn zeros() -> [u32; STEP] {
    let tables = iso_hdlc();
    let mut zeros = [u32::MAX; STEP];
    let mut count = 1;
    while count < STEP {
        let before = zeros[count - 1];
        zeros[count] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
        count += 1;
    }
    zeros
}
