//! Random slicing: the space is a table of slices, and a change moves only what must move.
//!
//! Source: Miranda et al., "Random Slicing: Efficient and Scalable Data Placement for Large-Scale
//! Storage Systems" (ACM TOS 10(3), 2014). A claimant owns exactly its weight's share. A new one
//! gets its share cut from the others', each giving in proportion; a leaving one's slices go to
//! those who are then short.
//!
//! A table depends on its history. So that every node of a ring computes the same one from the
//! same list, a fresh table is what results when the claimants, sorted by length of name and then
//! by name, join one at a time: a claimant that sorts last takes exactly its share, even from
//! nodes that start anew.

use super::buckets::join_order;
use super::joining::Joining;
use super::ranges::{POSITION_BITS, Ranges};
use super::slices::{Slice, settled};
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

/// Units the space is divided into: a share is exact to one of them, 3.6e-15 of the whole.
const UNITS: u64 = 1 << POSITION_BITS;

#[derive(Debug)]
struct RandomSlicing {
    ranges: Ranges,
    /// By index of claimant, with its weight.
    names: Vec<(String, u32)>,
    /// Whether it is what a build of its claimants gives.
    fresh: bool,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let order = join_order(claimants);
    let weights: Vec<_> = order.iter().map(|index| claimants[*index].weight).collect();
    Ok(table(&joined(&weights), true, &order, (claimants, hash)))
}

/// The slices when claimants of these weights have joined one at a time.
fn joined(weights: &[u32]) -> Vec<Slice> {
    let mut joining = Joining::new(weights.len(), UNITS);
    let counts = || 2..=weights.len();
    if counts().all(|count| joining.join(&targets(&weights[..count]))) {
        return joining.slices().collect();
    }
    // Weights so far apart that rounding gives one of those that were there a unit more.
    let all = Slice {
        len: UNITS,
        owner: Some(0),
    };
    counts().fold(vec![all], |slices, count| {
        settled(&slices, &targets(&weights[..count]))
    })
}

/// Each weight's part of all units. They add up: the first ones get what division leaves over.
fn targets(weights: &[u32]) -> Vec<u64> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let part = |weight: &u32| match UNITS.checked_mul(u64::from(*weight)) {
        Some(units) => units / total,
        None => (u128::from(UNITS) * u128::from(*weight) / u128::from(total)) as u64,
    };
    let mut parts: Vec<u64> = weights.iter().map(part).collect();
    let mut over = UNITS - parts.iter().sum::<u64>();
    for (part, weight) in parts.iter_mut().zip(weights) {
        let extra = u64::from(over > 0 && *weight > 0);
        over -= extra;
        *part += extra;
    }
    parts
}

/// The lookup table of `slices`, whose owners are places in `order`.
fn table(
    slices: &[Slice],
    fresh: bool,
    order: &[usize],
    (claimants, hash): (&[Claimant], HashKind),
) -> Box<dyn Distribution> {
    let ends = slices.iter().scan(0, |after, slice| {
        *after += slice.len;
        slice
            .owner
            .map(|place| (*after - 1, order[usize::from(place)] as u16))
    });
    let ranges = Ranges::new(ends, POSITION_BITS);
    let names = claimants
        .iter()
        .map(|claimant| (claimant.name.clone(), claimant.weight))
        .collect();
    Box::new(RandomSlicing {
        ranges,
        names,
        fresh,
        hash,
    })
}

impl RandomSlicing {
    /// Whether `claimants` are those it was built from with some more or some fewer that join last:
    /// then a build moves no more than a rebuild.
    fn differs_at_the_end(&self, claimants: &[Claimant]) -> bool {
        let sorted = |mut names: Vec<(String, u32)>| {
            names.sort_by(|a, b| (a.0.len(), a).cmp(&(b.0.len(), b)));
            names
        };
        let old = sorted(self.names.clone());
        let new = claimants
            .iter()
            .map(|claimant| (claimant.name.clone(), claimant.weight));
        let new = sorted(new.collect());
        old.starts_with(&new) || new.starts_with(&old)
    }
}

impl Distribution for RandomSlicing {
    fn owner(&self, hash: u64) -> usize {
        self.ranges
            .owner(widen(hash, self.hash.bits()) >> (64 - POSITION_BITS))
    }

    fn claimants(&self) -> usize {
        self.names.len()
    }

    fn entries(&self) -> usize {
        self.ranges.len()
    }

    fn bytes(&self) -> usize {
        let names = self
            .names
            .iter()
            .map(|(name, _)| size_of::<(String, u32)>() + name.capacity());
        size_of::<Self>() + self.ranges.bytes() + names.sum::<usize>()
    }

    /// Of the units; the values of a hash of 32 bits are spread over them evenly, not exactly.
    fn shares(&self) -> Vec<f64> {
        self.ranges.shares(UNITS, self.names.len())
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        let order = join_order(claimants);
        if self.fresh && self.differs_at_the_end(claimants) {
            return build(claimants, self.hash);
        }
        let place = |(name, _): &(String, u32)| {
            order
                .iter()
                .position(|index| claimants[*index].name == *name)
                .map(|place| place as u16)
        };
        let places: Vec<_> = self.names.iter().map(place).collect();
        let mut before = 0;
        let slices: Vec<_> = self
            .ranges
            .iter()
            .map(|(end, owner)| {
                let len = end + 1 - before;
                before = end + 1;
                Slice {
                    len,
                    owner: places[usize::from(owner)],
                }
            })
            .collect();
        let weights: Vec<_> = order.iter().map(|index| claimants[*index].weight).collect();
        let slices = settled(&slices, &targets(&weights));
        Ok(table(&slices, false, &order, (claimants, self.hash)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claimants(weights: &[u32]) -> Vec<Claimant> {
        let claimant = |(index, weight): (usize, &u32)| Claimant {
            name: format!("node-{index}"),
            tokens: vec![],
            weight: *weight,
        };
        weights.iter().enumerate().map(claimant).collect()
    }

    fn fresh(weights: &[u32]) -> Box<dyn Distribution> {
        build(
            &claimants(weights),
            HashKind::by_name("murmur3_x64_64").unwrap(),
        )
        .unwrap()
    }

    /// Units that have another owner, by (old, new) name of owner, over both tables' slices.
    fn moved(from: &[Slice], to: &[Slice]) -> Vec<(Option<u16>, Option<u16>, u64)> {
        let (mut from, mut to) = (from.to_vec(), to.to_vec());
        let mut moves = Vec::new();
        while let (Some(old), Some(new)) = (from.last_mut(), to.last_mut()) {
            let len = old.len.min(new.len);
            if old.owner != new.owner {
                moves.push((old.owner, new.owner, len));
            }
            old.len -= len;
            new.len -= len;
            from.truncate(from.len() - usize::from(from[from.len() - 1].len == 0));
            to.truncate(to.len() - usize::from(to[to.len() - 1].len == 0));
        }
        assert!(
            from.is_empty() && to.is_empty(),
            "both tables cover the same units"
        );
        moves
    }

    fn owned(slices: &[Slice], owner: u16) -> u64 {
        slices
            .iter()
            .filter(|slice| slice.owner == Some(owner))
            .map(|slice| slice.len)
            .sum()
    }

    /// Section 4 of the reference: intervals of a greedy cut with merging, one node at a time.
    #[test]
    fn the_table_stays_short() {
        for (count, entries_max) in [(1, 1), (5, 7), (10, 30), (20, 136), (50, 949), (100, 3914)] {
            let entries = fresh(&vec![1; count]).entries();
            assert!(
                entries <= entries_max,
                "{count} claimants: {entries} slices"
            );
        }
    }

    /// Section 4 of the reference: each add moves exactly 1/(N+1). By two ways: a build of one
    /// more, and a change of the table there was.
    #[test]
    fn a_newcomer_takes_exactly_its_share_and_nothing_else_moves() {
        let mut before = joined(&[1]);
        for count in 2..=60_u16 {
            let weights = vec![1; usize::from(count)];
            let after = joined(&weights);
            for after in [&after, &settled(&before, &targets(&weights))] {
                let moves = moved(&before, after);
                assert!(
                    moves.iter().all(|(_, new, _)| *new == Some(count - 1)),
                    "{count}"
                );
                let units: u64 = moves.iter().map(|(_, _, len)| len).sum();
                assert_eq!(units, UNITS / u64::from(count), "{count}");
            }
            before = after;
        }
    }

    /// A unit more for one that was there: a join can't give it.
    #[test]
    fn weights_far_apart_are_exact_too() {
        let weights = [u32::MAX, 1, 1, 3, u32::MAX, 1, 2];
        for count in 1..=weights.len() {
            let slices = joined(&weights[..count]);
            for (owner, target) in (0..).zip(targets(&weights[..count])) {
                assert_eq!(owned(&slices, owner), target, "{owner} of {count}");
            }
        }
    }

    #[test]
    fn the_most_peers_are_built_in_no_time() {
        let built = fresh(&[1; crate::limits::PEERS_MAX]);
        assert!(built.entries() < 300_000, "{}", built.entries());
        for share in built.shares() {
            assert!((share * 1024.0 - 1.0).abs() < 1e-11, "{share}");
        }
    }

    #[test]
    fn lookups_agree_with_a_walk_through_the_slices() {
        let weights: Vec<_> = (1..=30).collect();
        let (slices, built) = (joined(&weights), fresh(&weights));
        let order = join_order(&claimants(&weights));
        let mut start = 0;
        for slice in slices {
            let owner = order[usize::from(slice.owner.unwrap())];
            for unit in [start, start + slice.len / 2, start + slice.len - 1] {
                let low_bits = unit & 0xffff;
                assert_eq!(built.owner((unit << 16) | low_bits), owner);
            }
            start += slice.len;
        }
    }

    #[test]
    fn the_order_of_the_list_is_irrelevant() {
        let mut list = claimants(&[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]);
        let hash = HashKind::by_name("murmur").unwrap();
        let one = build(&list, hash).unwrap();
        let names: Vec<_> = list.iter().map(|claimant| claimant.name.clone()).collect();
        list.reverse();
        let other = build(&list, hash).unwrap();
        for value in (0..100_000).map(|value: u64| value * 42_949) {
            assert_eq!(names[one.owner(value)], list[other.owner(value)].name);
        }
    }

    #[test]
    fn a_rebuild_with_a_last_name_is_a_fresh_build() {
        let hash = HashKind::by_name("murmur").unwrap();
        let list = claimants(&[1; 12]);
        let rebuilt = build(&list[..11], hash).unwrap().rebuild(&list).unwrap();
        let built = build(&list, hash).unwrap();
        assert!((0..100_000).all(|n| rebuilt.owner(n * 42_949) == built.owner(n * 42_949)));
    }

    #[test]
    fn a_rebuild_follows_names_not_places() {
        let hash = HashKind::by_name("murmur3_x64_64").unwrap();
        let list = claimants(&[1; 6]);
        let before = build(&list, hash).unwrap();
        let rest: Vec<_> = list
            .iter()
            .filter(|claimant| claimant.name != "node-2")
            .cloned()
            .collect();
        let after = before.rebuild(&rest).unwrap();
        for value in (0..20_000).map(|n: u64| widen(n + 1, 32)) {
            let (old, new) = (
                &list[before.owner(value)].name,
                &rest[after.owner(value)].name,
            );
            assert!(
                old == new || old == "node-2",
                "{value} moved from {old} to {new}"
            );
        }
    }

    proptest! {
        /// Any weights to any other weights, 0 being absent: shares are exact, and no more moves
        /// than the claimants that are short lack.
        #[test]
        fn a_change_moves_the_least(
            from in prop::collection::vec(0_u32..50, 1..12),
            to in prop::collection::vec(0_u32..50, 12),
        ) {
            prop_assume!(from.iter().any(|weight| *weight > 0) && to.iter().any(|weight| *weight > 0));
            let mut before = joined(&from.iter().copied().filter(|weight| *weight > 0).collect::<Vec<_>>());
            for slice in &mut before {
                // A claimant that is gone owns nothing any more.
                slice.owner = slice.owner.filter(|owner| to[usize::from(*owner)] > 0);
            }
            let aims = targets(&to);
            let after = settled(&before, &aims);
            let mut lacking = 0;
            for owner in 0..12 {
                prop_assert_eq!(owned(&after, owner), aims[usize::from(owner)]);
                lacking += aims[usize::from(owner)].saturating_sub(owned(&before, owner));
            }
            let moves: u64 = moved(&before, &after).iter().map(|(_, _, len)| len).sum();
            prop_assert_eq!(moves, lacking);
            prop_assert!(after.windows(2).all(|pair| pair[0].owner != pair[1].owner));
        }

        #[test]
        fn shares_are_exact(weights in prop::collection::vec(1_u32..1000, 1..40)) {
            let total: u32 = weights.iter().sum();
            for (share, weight) in fresh(&weights).shares().into_iter().zip(&weights) {
                let exact = f64::from(*weight) / f64::from(total);
                prop_assert!((share - exact).abs() <= 1e-14, "{share} for {weight} of {total}");
            }
        }
    }
}
