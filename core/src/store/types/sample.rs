//! Random elements, as HRANDFIELD, SRANDMEMBER and SPOP choose them.

use crate::store::keys::scan::splitmix;
use crate::store::{Call, Store};
use crate::version::Version;

/// Choices that are compared one by one; beyond, positions are dealt like cards.
const COMPARED_MAX: usize = 64;

/// Elements that a command may ask for with repetitions: what it answers must be held in memory.
pub(super) const REPEATED_MAX: i64 = 1 << 24;

/// A stream of random numbers.
pub(super) struct Random(u64);

impl Random {
    /// For a read: another one each time.
    pub(super) fn of(store: &mut Store) -> Self {
        Self(splitmix(&mut store.random))
    }

    /// For a write: the same on every replica, which its stamp makes.
    pub(super) fn of_write(store: &mut Store, call: &Call<'_>) -> Self {
        match call.exec.version {
            Version::NEVER => Self::of(store),
            version => Self(version.0),
        }
    }

    /// A number below `count`, which is not 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((u128::from(splitmix(&mut self.0)) * count as u128) >> 64) as usize
    }

    /// The positions that a count asks for: different ones, or, when it is negative, any.
    pub(super) fn positions(&mut self, count: i64, len: usize) -> Vec<usize> {
        let asked = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        match count {
            _ if len == 0 => Vec::new(),
            0.. => self.distinct(asked, len),
            _ => (0..asked).map(|_| self.below(len)).collect(),
        }
    }

    /// So many different positions below `len`, all of them when there are no more.
    pub(super) fn distinct(&mut self, count: usize, len: usize) -> Vec<usize> {
        if count >= len {
            return (0..len).collect();
        }
        if count <= COMPARED_MAX && count <= len / 2 {
            let mut chosen: Vec<usize> = Vec::with_capacity(count);
            while chosen.len() < count {
                let position = self.below(len);
                if !chosen.contains(&position) {
                    chosen.push(position);
                }
            }
            return chosen;
        }
        let mut deck: Vec<usize> = (0..len).collect();
        for dealt in 0..count {
            let from = dealt + self.below(len - dealt);
            deck.swap(dealt, from);
        }
        deck.truncate(count);
        deck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_positions_are_distinct_and_any_may_come() {
        let mut random = Random(1);
        for (count, len) in [(0, 5), (3, 10), (9, 10), (10, 10), (12, 10), (100, 150)] {
            let mut met = vec![false; len];
            for _ in 0..300 {
                let mut chosen = random.distinct(count, len);
                assert_eq!(chosen.len(), count.min(len));
                chosen.sort_unstable();
                chosen.dedup();
                assert_eq!(chosen.len(), count.min(len));
                chosen.iter().for_each(|&position| met[position] = true);
            }
            assert_eq!(met.iter().all(|met| *met), count > 0);
        }
    }
}
