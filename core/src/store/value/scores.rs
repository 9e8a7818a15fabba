//! A sorted set: members with scores, found by member and by rank.

use std::cmp::Ordering;
use std::sync::Arc;

use foldhash::quality::FixedState;
use indexmap::IndexMap;

use super::packed::Element;
use super::{SMALL_COUNT_MAX, SMALL_LEN_MAX};

/// Members in a block of the order, at most; a full one is halved.
const BLOCK_LEN_MAX: usize = 128;
/// Neighbouring blocks that are together no longer than this become one.
const MERGED_LEN_MAX: usize = BLOCK_LEN_MAX / 2;

type Table = IndexMap<Arc<[u8]>, f64, FixedState>;

/// Members by score, those of one score by their bytes. No score is not-a-number.
#[derive(Clone, Debug)]
pub(in crate::store) struct Scores {
    table: Table,
    order: Order,
    /// Bytes of the members.
    payload: usize,
    /// It was not small once; it stays so.
    large: bool,
}

/// A member where the order has it.
#[derive(Clone, Debug)]
struct Place {
    score: f64,
    member: Arc<[u8]>,
}

impl Place {
    fn compare(&self, score: f64, member: &[u8]) -> Ordering {
        let by_score = self.score.partial_cmp(&score).unwrap_or(Ordering::Equal);
        by_score.then_with(|| (*self.member).cmp(member))
    }
}

impl Scores {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            table: Table::with_hasher(FixedState::with_seed(seed)),
            order: Order::default(),
            payload: 0,
            large: false,
        }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.table.len()
    }

    pub(in crate::store) fn score(&self, member: &[u8]) -> Option<f64> {
        self.table.get(member).copied()
    }

    /// The member at a position of the table, which has nothing to do with its rank.
    pub(in crate::store) fn at(&self, position: usize) -> Option<(&[u8], f64)> {
        let (member, score) = self.table.get_index(position)?;
        Some((member, *score))
    }

    /// All members in the table's order.
    pub(super) fn table(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.table.iter().map(|(member, score)| (&**member, *score))
    }

    /// Gives a member a score, which is a number; the one it had before.
    pub(in crate::store) fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let new = !self.table.contains_key(member);
        self.large |= new && (self.len() >= SMALL_COUNT_MAX || member.len() > SMALL_LEN_MAX);
        // Adding 0 makes a negative zero positive, as Redis' small sets do; its large ones don't.
        let score = if self.large { score } else { score + 0.0 };
        if let Some((_, shared, old)) = self.table.get_full_mut(member) {
            let before = *old;
            if before != score {
                *old = score;
                let member = Arc::clone(shared);
                self.order.remove(before, &member);
                self.order.insert(Place { score, member });
            }
            return Some(before);
        }
        let shared: Arc<[u8]> = member.into();
        self.table.insert(Arc::clone(&shared), score);
        self.order.insert(Place {
            score,
            member: shared,
        });
        self.payload += member.len();
        None
    }

    /// Takes a member out; whether it was there.
    pub(in crate::store) fn remove(&mut self, member: &[u8]) -> bool {
        let removed = if self.large {
            self.table.swap_remove(member)
        } else {
            self.table.shift_remove(member)
        };
        let Some(score) = removed else {
            return false;
        };
        self.order.remove(score, member);
        self.payload -= member.len();
        if self.table.len() < self.table.capacity() / 4 {
            self.table.shrink_to(self.table.len() * 2);
        }
        true
    }

    /// How many members come before this one, which is there.
    pub(in crate::store) fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(
            self.order
                .rank_where(|place| place.compare(score, member).is_lt()),
        )
    }

    /// How many members are `below`, which holds for those up to some rank.
    pub(in crate::store) fn count_where(&self, below: impl Fn(&[u8], f64) -> bool) -> usize {
        self.order
            .rank_where(|place| below(&place.member, place.score))
    }

    /// Members from a rank on, upwards.
    pub(in crate::store) fn up_from(&self, rank: usize) -> impl Iterator<Item = (&[u8], f64)> {
        self.order
            .from(rank)
            .map(|place| (&*place.member, place.score))
    }

    /// The members below a rank, downwards.
    pub(in crate::store) fn down_from(&self, rank: usize) -> impl Iterator<Item = (&[u8], f64)> {
        self.order
            .below(rank)
            .map(|place| (&*place.member, place.score))
    }

    pub(super) fn encoding(&self) -> &'static str {
        if self.large { "skiplist" } else { "listpack" }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A bucket has the shared member, the score and the hash; the index has a word for each,
        // and room to grow. The member's allocation has two counts before its bytes.
        const PER_SLOT: usize = size_of::<(Arc<[u8]>, f64)>() + 2 * size_of::<u64>();
        const PER_MEMBER: usize = 2 * size_of::<usize>();
        self.payload
            + self.table.len() * PER_MEMBER
            + self.table.capacity() * PER_SLOT
            + self.order.heap_bytes()
    }
}

impl PartialEq for Scores {
    fn eq(&self, other: &Self) -> bool {
        self.table.iter().eq(other.table.iter())
    }
}

impl Eq for Scores {}

/// Members with their scores as bytes; what is no number is left out.
impl<'a> Extend<[Element<'a>; 2]> for Scores {
    fn extend<T: IntoIterator<Item = [Element<'a>; 2]>>(&mut self, pairs: T) {
        for [member, score] in pairs {
            let score = score.try_into().map(f64::from_le_bytes);
            if let Some(score) = score.ok().filter(|score| !score.is_nan()) {
                self.set(member, score);
            }
        }
    }
}

/// All members in order, in blocks: what is before a block is known by adding up lengths.
#[derive(Clone, Debug, Default)]
struct Order {
    /// None is empty.
    blocks: Vec<Vec<Place>>,
}

impl Order {
    /// The block in which a place is or would go, and where in it.
    fn find(&self, score: f64, member: &[u8]) -> (usize, Result<usize, usize>) {
        let before = |block: &Vec<Place>| {
            block
                .last()
                .is_some_and(|last| last.compare(score, member).is_lt())
        };
        let index = self.blocks.partition_point(before);
        let within = match self.blocks.get(index) {
            Some(block) => block.binary_search_by(|place| place.compare(score, member)),
            None => Err(0),
        };
        (index, within)
    }

    fn insert(&mut self, place: Place) {
        let (index, within) = self.find(place.score, &place.member);
        let (Ok(at) | Err(at)) = within;
        // What comes after everything goes to the end of the last block.
        let (index, at) = match self.blocks.len().checked_sub(1) {
            None => {
                self.blocks.push(vec![place]);
                return;
            }
            Some(last) if index > last => (last, self.blocks[last].len()),
            Some(_) => (index, at),
        };
        let block = &mut self.blocks[index];
        block.insert(at, place);
        if block.len() > BLOCK_LEN_MAX {
            let upper = block.split_off(BLOCK_LEN_MAX / 2);
            self.blocks.insert(index + 1, upper);
        }
    }

    fn remove(&mut self, score: f64, member: &[u8]) {
        let (index, within) = self.find(score, member);
        let Ok(at) = within else {
            return;
        };
        self.blocks[index].remove(at);
        self.merge(index);
    }

    /// Puts a block that became short together with a neighbour.
    fn merge(&mut self, index: usize) {
        if self.blocks[index].is_empty() {
            self.blocks.remove(index);
            return;
        }
        for lower in [Some(index), index.checked_sub(1)].into_iter().flatten() {
            let next = self.blocks.get(lower + 1).map_or(BLOCK_LEN_MAX, Vec::len);
            if self.blocks[lower].len() + next <= MERGED_LEN_MAX {
                let mut next = self.blocks.remove(lower + 1);
                self.blocks[lower].append(&mut next);
            }
        }
    }

    /// How many places satisfy `below`, which those up to some rank do.
    fn rank_where(&self, below: impl Fn(&Place) -> bool) -> usize {
        let whole = self
            .blocks
            .partition_point(|block| block.last().is_some_and(&below));
        let before: usize = self.blocks[..whole].iter().map(Vec::len).sum();
        let within = self
            .blocks
            .get(whole)
            .map_or(0, |block| block.partition_point(below));
        before + within
    }

    /// The block of a rank, and where in it; behind the last one for a rank that nobody has.
    fn locate(&self, rank: usize) -> (usize, usize) {
        let mut left = rank;
        for (index, block) in self.blocks.iter().enumerate() {
            if left < block.len() {
                return (index, left);
            }
            left -= block.len();
        }
        (self.blocks.len(), 0)
    }

    fn from(&self, rank: usize) -> impl Iterator<Item = &Place> {
        let (index, at) = self.locate(rank);
        let blocks = self.blocks.get(index..).unwrap_or_default();
        blocks.iter().flatten().skip(at)
    }

    fn below(&self, rank: usize) -> impl Iterator<Item = &Place> {
        let (index, at) = self.locate(rank);
        let (whole, rest) = self.blocks.split_at(index);
        let part = rest.first().map_or(&[][..], |block| &block[..at]);
        let whole = whole.iter().rev().flat_map(|block| block.iter().rev());
        part.iter().rev().chain(whole)
    }

    fn heap_bytes(&self) -> usize {
        let places: usize = self.blocks.iter().map(Vec::capacity).sum();
        places * size_of::<Place>() + self.blocks.capacity() * size_of::<Vec<Place>>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a sorted list that is searched from its start would say.
    fn model(members: &[(u8, i8)]) -> Vec<(f64, Vec<u8>)> {
        let mut model: Vec<(f64, Vec<u8>)> = Vec::new();
        for (member, score) in members {
            model.retain(|(_, other)| other != &[*member]);
            if *score != i8::MIN {
                model.push((f64::from(*score), vec![*member]));
            }
        }
        model.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        model
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_a_sorted_list(
            changes in prop::collection::vec((any::<u8>(), any::<i8>()), 0..600),
            rank in 0usize..300,
        ) {
            let mut scores = Scores::with_seed(1);
            for (member, score) in &changes {
                // The least score stands for a removal.
                match score {
                    &i8::MIN => { scores.remove(&[*member]); }
                    _ => { scores.set(&[*member], f64::from(*score)); }
                }
            }
            let model = model(&changes);
            prop_assert_eq!(scores.len(), model.len());
            let entry = |(member, score): (&[u8], f64)| (score, member.to_vec());
            let up: Vec<_> = scores.up_from(rank).map(entry).collect();
            prop_assert_eq!(&up[..], model.get(rank..).unwrap_or_default());
            let mut down: Vec<_> = scores.down_from(rank).map(entry).collect();
            down.reverse();
            prop_assert_eq!(&down[..], &model[..rank.min(model.len())]);
            for (index, (score, member)) in model.iter().enumerate() {
                prop_assert_eq!(scores.rank(member), Some(index));
                let below = scores.count_where(|_, other| other < *score);
                prop_assert_eq!(below, model.iter().filter(|(other, _)| other < score).count());
            }
        }
    }

    #[test]
    fn blocks_stay_of_use_after_removals() {
        let mut scores = Scores::with_seed(1);
        for number in 0..10_000_u32 {
            scores.set(&number.to_be_bytes(), f64::from(number));
        }
        for number in (0..10_000_u32).filter(|number| number % 50 != 0) {
            scores.remove(&number.to_be_bytes());
        }
        assert_eq!(scores.len(), 200);
        assert!(
            scores.order.blocks.len() < 20,
            "{}",
            scores.order.blocks.len()
        );
    }
}
