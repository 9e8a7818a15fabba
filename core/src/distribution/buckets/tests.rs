//! What every scheme of buckets promises, and that each agrees with its definition.

use proptest::prelude::*;

use super::*;
use crate::distribution::{Anchor, DistributionKind, Dx, Memento};

const KEYS: u64 = 3_000;

/// Hashes of 64 bits.
fn hashes(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|number| widen(number, 32))
}

/// One step: a working bucket is removed, or one is added.
#[derive(Clone, Copy, Debug)]
enum Change {
    Remove(prop::sample::Index),
    Add,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let remove = any::<prop::sample::Index>().prop_map(Change::Remove);
    prop::collection::vec(prop_oneof![3 => remove, 2 => Just(Change::Add)], 1..40)
}

fn places<B: Buckets>(buckets: &B) -> Vec<u32> {
    hashes(KEYS).map(|key| buckets.bucket(key)).collect()
}

/// Pearson's statistic of equal shares, in standard deviations from its mean.
fn unevenness(places: impl IntoIterator<Item = u32>, working: &[u32]) -> f64 {
    let span = *working.iter().max().unwrap() as usize + 1;
    let mut counts = vec![0_u32; span];
    let mut total = 0.0;
    for place in places {
        counts[place as usize] += 1;
        total += 1.0;
    }
    let expected = total / working.len() as f64;
    let terms = working
        .iter()
        .map(|bucket| (f64::from(counts[*bucket as usize]) - expected).powi(2) / expected);
    let freedom = working.len() as f64 - 1.0;
    (terms.sum::<f64>() - freedom) / (2.0 * freedom).sqrt()
}

/// Removing a bucket moves its keys alone; adding one brings keys to it alone, and if it was
/// removed before, those that it had.
fn moves_the_least<B: Buckets>(first: u32, changes: &[Change]) {
    let mut buckets = B::fresh(first);
    let mut working: Vec<u32> = (0..first).collect();
    let mut before = places(&buckets);
    // By removed bucket, the last on top: where all keys were before.
    let mut memory: Vec<(u32, Vec<u32>)> = Vec::new();
    for change in changes {
        match change {
            Change::Remove(index) => {
                let bucket = working[index.index(working.len())];
                let removed = buckets.remove(bucket);
                assert_eq!(removed, working.len() > 1, "the last bucket stays");
                if !removed {
                    continue;
                }
                assert!(!buckets.remove(bucket), "it is gone already");
                working.retain(|other| *other != bucket);
                let after = places(&buckets);
                for (old, new) in before.iter().zip(&after) {
                    assert!(working.contains(new), "{new} does not work");
                    assert!(old == new || *old == bucket, "{old} to {new} for {bucket}");
                }
                memory.push((bucket, std::mem::replace(&mut before, after)));
            }
            Change::Add => {
                let Some(bucket) = buckets.add() else {
                    continue;
                };
                assert!(!working.contains(&bucket));
                working.push(bucket);
                let after = places(&buckets);
                let stray = |(old, new): (&u32, &u32)| old != new && *new != bucket;
                assert!(!before.iter().zip(&after).any(stray));
                if let Some((removed, had)) = memory.pop() {
                    assert_eq!((bucket, &after), (removed, &had), "keys return");
                }
                before = after;
            }
        }
    }
}

/// Half of the buckets are removed, every third first: keys lie evenly on the rest, and so do
/// those that a removal moves.
fn is_even<B: Buckets>(count: u32) {
    let mut buckets = B::fresh(count);
    let mut working: Vec<u32> = (0..count).collect();
    let keys = 200 * u64::from(count);
    let all = |buckets: &B| {
        hashes(keys)
            .map(|key| buckets.bucket(key))
            .collect::<Vec<_>>()
    };
    let sigmas = unevenness(all(&buckets), &working);
    assert!(sigmas.abs() < 5.0, "{count} buckets: {sigmas}");
    for step in 0..count / 2 {
        let bucket = working.remove((step as usize * 3) % working.len());
        assert!(buckets.remove(bucket));
    }
    let before = all(&buckets);
    let sigmas = unevenness(before.iter().copied(), &working);
    assert!(sigmas.abs() < 5.0, "{} of {count}: {sigmas}", working.len());
    let bucket = working.remove(working.len() / 2);
    assert!(buckets.remove(bucket));
    let homeless: Vec<u32> = before
        .iter()
        .zip(all(&buckets))
        .filter(|(old, _)| **old == bucket)
        .map(|(_, new)| new)
        .collect();
    assert!(homeless.len() > 100);
    let sigmas = unevenness(homeless, &working);
    assert!(sigmas.abs() < 5.0, "homeless keys of {count}: {sigmas}");
}

#[test]
fn keys_lie_evenly_whatever_was_removed() {
    for count in [6, 30, 500] {
        is_even::<Anchor>(count);
        is_even::<Dx>(count);
        is_even::<Memento>(count);
    }
}

/// The papers' W, written down in full after each removal: a key that finds a removed bucket is
/// hashed to a place in the list of those that worked right after.
struct Snapshots {
    working: Vec<u32>,
    /// By removal, the last on top: the bucket, and the list before and after.
    removed: Vec<(u32, Vec<u32>, Vec<u32>)>,
}

impl Snapshots {
    fn remove(&mut self, bucket: u32) {
        let before = self.working.clone();
        let at = before.iter().position(|other| *other == bucket).unwrap();
        self.working.swap_remove(at);
        self.removed.push((bucket, before, self.working.clone()));
    }

    fn find(&self, mut bucket: u32, next: impl Fn(u32, u32) -> u32) -> u32 {
        while let Some((_, _, after)) = self.removed.iter().find(|row| row.0 == bucket) {
            bucket = after[next(bucket, after.len() as u32) as usize];
        }
        bucket
    }
}

/// The same changes to a scheme and to a model.
fn both<B: Buckets>(buckets: &mut B, model: &mut Snapshots, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Remove(index) => {
                let bucket = model.working[index.index(model.working.len())];
                if buckets.remove(bucket) {
                    model.remove(bucket);
                }
            }
            Change::Add => {
                if let Some((bucket, before, _)) = model.removed.pop() {
                    assert_eq!(buckets.add(), Some(bucket));
                    model.working = before;
                }
            }
        }
    }
}

/// The `anchorhash` crate's: FNV-1a over the bucket's bytes, begun with the key.
fn crates_next(key: u32, bucket: u32) -> u32 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    bucket.to_le_bytes().into_iter().fold(u64::from(key), step) as u32
}

fn crates_part(hash: u32, count: u32) -> u32 {
    ((u64::from(hash) * u64::from(count)) >> 32) as u32
}

/// The key is its own hash.
#[derive(Default)]
struct Plain(u64);

impl std::hash::Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_change_moves_the_least(first in 1_u32..30, changes in changes()) {
        moves_the_least::<Anchor>(first, &changes);
        moves_the_least::<Dx>(first, &changes);
        moves_the_least::<Memento>(first, &changes);
    }

    #[test]
    fn anchor_agrees_with_lists_written_in_full(
        room in 0_u32..20,
        working in 1_u32..30,
        changes in changes(),
    ) {
        let capacity = working + room;
        let mut anchor = Anchor::new(capacity, working);
        let mut model = Snapshots { working: (0..capacity).collect(), removed: Vec::new() };
        for bucket in (working..capacity).rev() {
            model.remove(bucket);
        }
        both(&mut anchor, &mut model, &changes);
        prop_assert_eq!(anchor.working() as usize, model.working.len());
        for key in (0..500).map(|key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let next = |bucket, left| part(again(key, bucket), left);
            prop_assert_eq!(anchor.bucket(key), model.find(part(key, capacity), next));
        }
    }

    #[test]
    fn memento_agrees_with_lists_written_in_full(working in 1_u32..40, changes in changes()) {
        let mut memento = Memento::new(working);
        let mut model = Snapshots { working: (0..working).collect(), removed: Vec::new() };
        for change in changes {
            let at_the_end = |bucket: u32| bucket as usize == model.working.len() - 1;
            match change {
                // Nothing to remember: the end comes and goes.
                Change::Remove(index)
                    if model.removed.is_empty()
                        && model.working.len() > 1
                        && at_the_end(model.working[index.index(model.working.len())]) =>
                {
                    let bucket = model.working.pop().unwrap();
                    prop_assert!(Memento::remove(&mut memento, bucket));
                }
                Change::Add if model.removed.is_empty() => {
                    model.working.push(model.working.len() as u32);
                    prop_assert_eq!(Memento::add(&mut memento), model.working.last().copied());
                }
                _ => both(&mut memento, &mut model, &[change]),
            }
        }
        prop_assert_eq!(memento.working() as usize, model.working.len());
        let never = Memento::new((model.working.len() + model.removed.len()) as u32);
        for key in (0..500).map(|key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let next = |bucket, left| part(again(key, bucket), left);
            prop_assert_eq!(memento.bucket(key), model.find(never.bucket(key), next));
        }
    }

    #[test]
    fn dx_depends_on_what_works_alone(slots in 1_u32..60, keep in any::<u64>(), order in any::<u64>()) {
        let keep = keep | 1;
        let kept = |slot: &u32| keep >> slot & 1 == 1;
        let mut leaving: Vec<u32> = (0..slots).filter(|slot| !kept(slot)).collect();
        let mut one = Dx::new(slots, slots);
        leaving.iter().for_each(|slot| assert!(one.remove(*slot)));
        leaving.sort_by_key(|slot| part(again(order, *slot), u32::MAX));
        let mut other = Dx::new(slots, slots);
        leaving.iter().for_each(|slot| assert!(other.remove(*slot)));
        prop_assert_eq!(places(&one), places(&other));
    }

    /// With the crate's hashes in place of ours the two must agree after any changes.
    #[test]
    fn anchor_agrees_with_the_anchorhash_crate(
        room in 0_u16..20,
        working in 1_u16..30,
        changes in changes(),
    ) {
        let capacity = working + room;
        let mut ours = Anchor::new(u32::from(capacity), u32::from(working));
        let mut theirs = anchorhash::Builder::with_hasher(std::hash::BuildHasherDefault::<Plain>::default())
            .with_resources(0..u32::from(working))
            .build::<u64>(capacity);
        let mut at: Vec<u32> = (0..u32::from(working)).collect();
        for change in changes {
            match change {
                Change::Remove(index) => {
                    let bucket = at[index.index(at.len())];
                    if Anchor::remove(&mut ours, bucket) {
                        theirs.remove_resource(&bucket).unwrap();
                        at.retain(|other| *other != bucket);
                    }
                }
                Change::Add => if let Some(bucket) = Anchor::add(&mut ours) {
                    theirs.add_resource(bucket).unwrap();
                    at.push(bucket);
                },
            }
        }
        for key in (0..500_u32).map(|key| key.wrapping_mul(0x9e37_79b9)) {
            let bucket = ours.bucket_by(
                |count| crates_part(key, count),
                |bucket, left| crates_part(crates_next(key, bucket), left),
            );
            prop_assert_eq!(Some(&bucket), theirs.get_resource(u64::from(key)));
        }
    }
}

fn claimants(weights: &[u32]) -> Vec<Claimant> {
    let claimant = |(index, weight): (usize, &u32)| Claimant {
        name: format!("node-{index}"),
        tokens: vec![],
        weight: *weight,
    };
    weights.iter().enumerate().map(claimant).collect()
}

fn built(name: &str, claimants: &[Claimant]) -> Box<dyn Distribution> {
    let hash = HashKind::by_name("murmur").unwrap();
    let kind = DistributionKind::by_name(name).unwrap();
    kind.build(claimants, hash).unwrap()
}

/// By key, the names of its owners.
fn owners<'a>(built: &dyn Distribution, claimants: &'a [Claimant]) -> Vec<&'a str> {
    (0..20_000)
        .map(|key| claimants[built.owner(key)].name.as_str())
        .collect()
}

const NAMES: [&str; 3] = ["anchor", "dx", "memento"];

#[test]
fn weights_are_shares() {
    for name in NAMES {
        let list = claimants(&[1, 2, 3, 4]);
        let built = built(name, &list);
        assert_eq!(built.shares(), [0.1, 0.2, 0.3, 0.4]);
        for (share, claimant) in built.shares().iter().zip(&list) {
            let owned = owners(&*built, &list)
                .iter()
                .filter(|owner| **owner == claimant.name)
                .count();
            let expected = 20_000.0 * share;
            let sampling = 5.0 * (expected * (1.0 - share)).sqrt();
            assert!(
                (owned as f64 - expected).abs() < sampling,
                "{name}: {owned}, not {expected}"
            );
        }
    }
}

/// All nodes of a ring must agree, whatever the order of their lists.
#[test]
fn a_build_depends_on_the_list_alone() {
    for name in NAMES {
        let list = claimants(&[1, 3, 2, 1, 1, 2, 1, 1, 1, 1, 1]);
        let mut reversed = list.clone();
        reversed.reverse();
        let one = built(name, &list);
        assert_eq!(
            owners(&*one, &list),
            owners(&*built(name, &reversed), &reversed)
        );
        let rebuilt = built(name, &list[..10]).rebuild(&list).unwrap();
        assert_eq!(
            owners(&*one, &list),
            owners(&*rebuilt, &list),
            "{name}: the last joins"
        );
        let rebuilt = one.rebuild(&list[..10]).unwrap();
        let fresh = built(name, &list[..10]);
        assert_eq!(
            owners(&*fresh, &list),
            owners(&*rebuilt, &list),
            "{name}: the last leaves"
        );
    }
}

#[test]
fn a_rebuild_moves_the_keys_of_those_that_change() {
    for name in NAMES {
        let list = claimants(&[2; 8]);
        let before = built(name, &list);
        let rest: Vec<_> = list
            .iter()
            .filter(|claimant| claimant.name != "node-3")
            .cloned()
            .collect();
        let without = before.rebuild(&rest).unwrap();
        for (old, new) in owners(&*before, &list).iter().zip(owners(&*without, &rest)) {
            assert!(*old == new || *old == "node-3", "{name}: {old} to {new}");
        }
        let again = without.rebuild(&list).unwrap();
        assert_eq!(
            owners(&*before, &list),
            owners(&*again, &list),
            "{name}: keys return"
        );
        let mut replaced = list.clone();
        "another".clone_into(&mut replaced[3].name);
        let other = before.rebuild(&replaced).unwrap();
        for (old, new) in owners(&*before, &list)
            .iter()
            .zip(owners(&*other, &replaced))
        {
            assert_eq!(
                if *old == "node-3" { "another" } else { old },
                new,
                "{name}"
            );
        }
        let mut lighter = list.clone();
        lighter[3].weight = 1;
        let light = before.rebuild(&lighter).unwrap();
        for (old, new) in owners(&*before, &list)
            .iter()
            .zip(owners(&*light, &lighter))
        {
            assert!(*old == new || *old == "node-3", "{name}: {old} to {new}");
        }
        assert_eq!(light.shares()[3], 1.0 / 15.0);
    }
}

#[test]
fn nobody_stays_or_no_room_is_left() {
    for name in NAMES {
        let others: Vec<_> = claimants(&[1; 3])
            .into_iter()
            .map(|claimant| Claimant {
                name: format!("x{}", claimant.name),
                ..claimant
            })
            .collect();
        let list = claimants(&[1; 3]);
        let rebuilt = built(name, &list).rebuild(&others).unwrap();
        assert_eq!(
            owners(&*built(name, &others), &others),
            owners(&*rebuilt, &others)
        );
        let many = claimants(&[1; 300]);
        let rebuilt = built(name, &list).rebuild(&many).unwrap();
        assert_eq!(
            owners(&*built(name, &many), &many),
            owners(&*rebuilt, &many),
            "{name}"
        );
        let heavy = claimants(&[1 << 19, 1 << 19, 1]);
        let refused = built(name, &list).rebuild(&heavy).unwrap_err();
        assert!(
            refused.to_string().contains("the sum of weights"),
            "{refused}"
        );
    }
}

/// Half of the values name the same slot when the slots double.
#[test]
fn dx_keeps_half_when_its_slots_double() {
    let (list, more) = (claimants(&[1; 16]), claimants(&[1; 17]));
    let (before, after) = (built("dx", &list), built("dx", &more));
    let moved = (0..20_000)
        .filter(|key| before.owner(*key) != after.owner(*key))
        .count();
    assert!((9_000..11_000).contains(&moved), "{moved} of 20000");
}
