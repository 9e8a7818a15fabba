//! A command by its name in any case: the name folded into two words of upper case, one probe or two of a
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

/// A name as it is compared, beside its length: see [`fold`].
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

/// Folds one to sixteen bytes, read as two pieces that overlap where the name is shorter than
/// they are: of names of one length, no two fold to the same.
#[inline]
const fn fold(name: &[u8]) -> Folded {
    let len = name.len();
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [
            upper(u64::from_le_bytes(*first)),
            upper(u64::from_le_bytes(*last)),
        ];
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return [upper(first as u64 | (last as u64) << 32), 0];
    }
    let (first, middle, last) = (name[0], name[len / 2], name[len - 1]);
    [
        upper(first as u64 | (middle as u64) << 8 | (last as u64) << 16),
        0,
    ]
}

/// Clears the case bit of every byte from `a` to `z`.
const fn upper(word: u64) -> u64 {
    let low = word & !HIGHS;
    let from_a = low + ONES * (0x80 - b'a' as u64);
    let above_z = low + ONES * (0x7f - b'z' as u64);
    let lower_case = (from_a ^ above_z) & !word & HIGHS;
    word ^ (lower_case >> 2)
}
