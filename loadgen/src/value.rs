//! The content of values: each carries its key, so that a wrong reply shows.
//!
//! A value is a stamp of eight bytes made from the key, then a stretch of one fixed pool that starts
//! where the stamp says. It depends on nothing but key and size: any run can check another's values.

use crate::random::{Random, mix};
use crate::size::SizeLaw;

const POOL: usize = 1 << 16;
const STAMP: usize = 8;

/// Writes and checks values.
#[derive(Clone, Debug)]
pub struct Values {
    pool: Vec<u8>,
    law: SizeLaw,
}

impl Values {
    /// Values of these sizes.
    pub fn new(law: SizeLaw) -> Self {
        let mut random = Random::new(0x7261_6e64, 0);
        let pool = (0..POOL / 8)
            .flat_map(|_| random.word().to_le_bytes())
            .collect();
        Self { pool, law }
    }

    /// Bytes of a key's value.
    pub fn size(&self, key: u64) -> usize {
        self.law.size(key)
    }

    /// Appends a key's value.
    pub fn write(&self, key: u64, out: &mut Vec<u8>) {
        self.write_sized(key, self.size(key), out);
    }

    /// The same where the size is known.
    pub(crate) fn write_sized(&self, key: u64, size: usize, out: &mut Vec<u8>) {
        let (stamp, mut at) = stamp_and_start(key);
        let mut left = size;
        let head = left.min(STAMP);
        out.extend_from_slice(&stamp[..head]);
        left -= head;
        while left > 0 {
            let take = left.min(POOL - at);
            out.extend_from_slice(&self.pool[at..at + take]);
            left -= take;
            at = 0;
        }
    }

    /// True if `piece` is what the value of `key` has from byte `offset` on.
    pub fn matches(&self, key: u64, offset: usize, piece: &[u8]) -> bool {
        let (stamp, start) = stamp_and_start(key);
        let mut piece = piece;
        let mut body = offset.saturating_sub(STAMP);
        if offset < STAMP {
            let head = piece.len().min(STAMP - offset);
            if piece[..head] != stamp[offset..offset + head] {
                return false;
            }
            piece = &piece[head..];
            body = 0;
        }
        let mut at = (start + body) % POOL;
        while !piece.is_empty() {
            let take = piece.len().min(POOL - at);
            if piece[..take] != self.pool[at..at + take] {
                return false;
            }
            piece = &piece[take..];
            at = 0;
        }
        true
    }
}

fn stamp_and_start(key: u64) -> ([u8; STAMP], usize) {
    let word = mix(key ^ 0x7661_6c75_6521);
    (word.to_le_bytes(), (word >> 52) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_matches_itself_cut_anywhere_and_no_other() {
        for size in [0, 1, 7, 8, 9, 64, 70_000, 140_001] {
            let values = Values::new(SizeLaw::Fixed(size));
            let mut value = Vec::new();
            values.write(5, &mut value);
            assert_eq!(value.len() as u64, size);
            let step = (value.len() / 50).max(1);
            for cut in (0..=value.len()).step_by(step) {
                let (head, tail) = value.split_at(cut);
                assert!(
                    values.matches(5, 0, head) && values.matches(5, cut, tail),
                    "{size} {cut}"
                );
            }
            if size >= 8 {
                assert!(!values.matches(6, 0, &value));
            }
            for flip in (0..value.len()).step_by(step) {
                value[flip] ^= 1;
                assert!(!values.matches(5, 0, &value), "{size} {flip}");
                value[flip] ^= 1;
            }
        }
    }
}
