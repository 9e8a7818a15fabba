//! A command by its name in any case: the name as two words in upper case, one probe or two of a
//! table made at compile time.

use super::Command;
use super::table::COMMANDS;

/// Longest name that the table can hold.
const NAME_LEN_MAX: usize = 16;
/// Slots of the probe table, several times the rows.
const SLOTS: usize = 512;
/// Marks a slot without a row.
const EMPTY: u8 = u8::MAX;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// A name as it is compared: its bytes in upper case, zeros behind them.
type Folded = [u64; 2];

struct Index {
    /// Row numbers at their hash's slot or the next free one.
    slots: [u8; SLOTS],
    names: [Folded; COMMANDS.len()],
}

static INDEX: Index = Index::build();

impl Index {
    const fn build() -> Self {
        assert!(COMMANDS.len() < EMPTY as usize && COMMANDS.len() * 2 < SLOTS);
        let mut index = Self {
            slots: [EMPTY; SLOTS],
            names: [[0; 2]; COMMANDS.len()],
        };
        let mut row = 0;
        // A subcommand is found through its container: it stands in no slot.
        while row < COMMANDS.len() {
            let name = COMMANDS[row].name.as_bytes();
            assert!(!name.is_empty() && name.len() <= NAME_LEN_MAX);
            index.names[row] = fold(name);
            let mut slot = slot_of(index.names[row]);
            while index.slots[slot] != EMPTY {
                slot = (slot + 1) % SLOTS;
            }
            index.slots[slot] = row as u8;
            row += 1 + COMMANDS[row].subcommand_count as usize;
        }
        index
    }
}

/// The row of a name.
#[inline]
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    if name.is_empty() || name.len() > NAME_LEN_MAX {
        return None;
    }
    let folded = fold(name);
    let mut slot = slot_of(folded);
    loop {
        let row = usize::from(INDEX.slots[slot]);
        let known = INDEX.names.get(row)?;
        // Lengths differ only when the asked name ends in zero bytes.
        if *known == folded && COMMANDS[row].name.len() == name.len() {
            return Some(&COMMANDS[row]);
        }
        slot = (slot + 1) % SLOTS;
    }
}

const fn slot_of(folded: Folded) -> usize {
    let mixed = (folded[0] ^ folded[1].rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOTS.trailing_zeros())) as usize
}

/// Folds one to sixteen bytes. Short names are read as two overlapping pieces.
const fn fold(name: &[u8]) -> Folded {
    let len = name.len();
    if len < 8 {
        return [upper(load(name, 0, len)), 0];
    }
    [upper(load(name, 0, 8)), upper(load(name, 8, len))]
}

/// The bytes from `start` to `end`, at most eight, as a little-endian word.
const fn load(name: &[u8], start: usize, end: usize) -> u64 {
    let mut word = 0;
    let mut at = start;
    while at < end {
        word |= (name[at] as u64) << (8 * (at - start));
        at += 1;
    }
    word
}

/// Clears the case bit of every byte from `a` to `z`.
const fn upper(word: u64) -> u64 {
    let low = word & !HIGHS;
    let from_a = low + ONES * (0x80 - b'a' as u64);
    let above_z = low + ONES * (0x7f - b'z' as u64);
    let lower_case = (from_a ^ above_z) & !word & HIGHS;
    word ^ (lower_case >> 2)
}
