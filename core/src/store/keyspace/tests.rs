//! The table against a model: what it holds, what a walk promises, what it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::entry::{Entry, Shape};
use super::{Keyspace, Sweep};

fn put(keyspace: &mut Keyspace, key: &[u8], value: &[u8], deadline_ms: u64) {
    let spot = match keyspace.find(key) {
        Ok(spot) => spot,
        Err(spot) => keyspace.insert(spot, Entry::string(spot.hash(), key, value, Shape::Natural)),
    };
    keyspace.edit(spot, |entry| {
        entry.set_string(value, Shape::Natural);
        entry.deadline_ms = deadline_ms;
    });
}

fn delete(keyspace: &mut Keyspace, key: &[u8]) -> bool {
    let found = keyspace.find(key);
    found.map(|spot| keyspace.remove(spot)).is_ok()
}

fn contents(keyspace: &Keyspace) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut seen = BTreeMap::new();
    let mut last = 0;
    let end = keyspace.walk(0, &mut |entry| {
        assert!(entry.hash() >= last, "out of order");
        last = entry.hash();
        let value = entry.as_string().unwrap().to_vec();
        assert!(
            seen.insert(entry.key().to_vec(), value).is_none(),
            "met twice"
        );
        ControlFlow::Continue(())
    });
    assert_eq!(end, 0);
    seen
}

fn assert_counts(keyspace: &Keyspace) {
    let (mut records, mut live) = (0, 0);
    let mut ids: Vec<u32> = keyspace.directory.clone();
    ids.dedup();
    let segments: Vec<_> = ids
        .iter()
        .map(|&id| &keyspace.segments[id as usize])
        .collect();
    for entry in segments.iter().flat_map(|segment| segment.slots()) {
        records += entry.heap_bytes();
        live += usize::from(entry.holds_value());
    }
    let slots: usize = segments.iter().map(|segment| segment.heap_bytes()).sum();
    let deepest = segments
        .iter()
        .filter(|segment| segment.depth() == keyspace.depth);
    assert_eq!(keyspace.record_bytes, records);
    assert_eq!(keyspace.slot_bytes, slots);
    assert_eq!(keyspace.live_count, live);
    assert_eq!(keyspace.deepest_count, deepest.count());
    assert_eq!(keyspace.directory.len(), 1 << keyspace.depth);
}

fn key(number: u32) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

#[test]
fn it_grows_and_shrinks_back() {
    let mut keyspace = Keyspace::new(7);
    let empty_bytes = keyspace.bytes();
    for number in 0..20_000 {
        put(&mut keyspace, &key(number), b"v", u64::MAX);
    }
    assert_eq!(contents(&keyspace).len(), 20_000);
    assert!(keyspace.depth >= 5);
    assert_counts(&keyspace);
    for number in 0..20_000 {
        assert!(delete(&mut keyspace, &key(number)));
    }
    assert_counts(&keyspace);
    assert_eq!((keyspace.live_count(), keyspace.depth), (0, 0));
    assert!(keyspace.bytes() < empty_bytes + 64 * 1024);
}

#[test]
fn equal_hashes_make_no_large_directory() {
    let mut keyspace = Keyspace::new(7);
    for number in 0..5_000u32 {
        let spot = match keyspace.find(&key(number)) {
            Ok(spot) | Err(spot) => spot,
        };
        // All keys in one place, as if someone knew the seed.
        let forged = super::Spot {
            hash: 42,
            segment: keyspace.segment_of(42),
            ..spot
        };
        let index = keyspace.segments[forged.segment as usize].find(42, &key(number));
        let forged = super::Spot {
            index: index.unwrap_err() as u32,
            ..forged
        };
        keyspace.insert(
            forged,
            Entry::string(42, &key(number), b"v", Shape::Natural),
        );
    }
    assert_eq!(contents(&keyspace).len(), 5_000);
    assert!(keyspace.directory.len() <= 256);
    assert_counts(&keyspace);
}

#[test]
fn a_sweep_finds_what_is_due_and_looks_at_little_else() {
    let mut keyspace = Keyspace::new(7);
    for number in 0..50_000 {
        let deadline_ms = if number % 1_000 == 0 {
            100 + u64::from(number)
        } else {
            u64::MAX
        };
        put(&mut keyspace, &key(number), b"v", deadline_ms);
    }
    let (mut from, mut removed, mut rounds) = (0, 0, 0);
    while removed < 50 {
        let swept = keyspace.sweep(from, 1_000_000, 5_000, &mut |_| {
            removed += 1;
            Sweep::Remove
        });
        from = swept.next;
        rounds += 1;
        assert!(rounds < 50, "a sweep goes round in circles");
    }
    assert_eq!(keyspace.live_count(), 49_950);
    let idle = keyspace.sweep(from, 1_000_000, 5_000, &mut |_| {
        unreachable!("nothing is due")
    });
    assert!(idle.whole);
    assert_counts(&keyspace);
}

#[test]
fn picks_reach_every_key_about_evenly() {
    let mut keyspace = Keyspace::new(7);
    for number in 0..2_000 {
        put(&mut keyspace, &key(number), b"v", u64::MAX);
    }
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        state ^ (state >> 33)
    };
    let mut picked = BTreeMap::<Vec<u8>, u32>::new();
    for _ in 0..100_000 {
        let entry = keyspace.pick(&mut random, &|_| true).unwrap();
        *picked.entry(entry.key().to_vec()).or_default() += 1;
    }
    assert_eq!(picked.len(), 2_000);
    assert!(picked.values().all(|&count| count < 150), "mean 50");
}

#[derive(Clone, Debug)]
enum Step {
    Put(u32, usize),
    Delete(u32),
    PutMany(u32, u32),
    DeleteMany(u32, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..6_000u32, 0..200usize).prop_map(|(number, len)| Step::Put(number, len)),
        4 => (0..6_000u32).prop_map(Step::Delete),
        1 => (0..6_000u32, 1..1_500u32).prop_map(|(first, count)| Step::PutMany(first, count)),
        1 => (0..6_000u32, 1..3_000u32).prop_map(|(first, count)| Step::DeleteMany(first, count)),
    ];
    prop::collection::vec(step, 1..60)
}

fn apply(step: &Step, keyspace: &mut Keyspace, model: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    match *step {
        Step::Put(number, len) => {
            let value = vec![number as u8; len];
            put(keyspace, &key(number), &value, u64::MAX);
            model.insert(key(number), value);
        }
        Step::Delete(number) => {
            let was = model.remove(&key(number)).is_some();
            assert_eq!(delete(keyspace, &key(number)), was);
        }
        Step::PutMany(first, count) => {
            for number in first..first + count {
                apply(&Step::Put(number, 3), keyspace, model);
            }
        }
        Step::DeleteMany(first, count) => {
            for number in first..first + count {
                apply(&Step::Delete(number), keyspace, model);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_holds_what_a_map_holds(steps in steps(), seed in any::<u64>()) {
        let mut keyspace = Keyspace::new(seed);
        let mut model = BTreeMap::new();
        for step in &steps {
            apply(step, &mut keyspace, &mut model);
        }
        prop_assert_eq!(contents(&keyspace), model);
        assert_counts(&keyspace);
    }

    /// SCAN's promise: a key that is there from a walk's start to its end is met.
    #[test]
    fn a_walk_meets_whatever_stays(
        steps in steps(), stride in 1..700usize, seed in any::<u64>(),
    ) {
        let mut keyspace = Keyspace::new(seed);
        let mut model = BTreeMap::new();
        apply(&Step::PutMany(0, 2_000), &mut keyspace, &mut model);
        let mut stayed: BTreeSet<Vec<u8>> = model.keys().cloned().collect();
        let mut met = BTreeSet::new();
        let (mut cursor, mut turns) = (0, 0);
        loop {
            let mut left = stride;
            cursor = keyspace.walk(cursor, &mut |entry| {
                met.insert(entry.key().to_vec());
                left = left.saturating_sub(1);
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if cursor == 0 {
                break;
            }
            if let Some(step) = steps.get(turns) {
                apply(step, &mut keyspace, &mut model);
                stayed.retain(|key| model.contains_key(key));
            }
            turns += 1;
        }
        prop_assert!(stayed.is_subset(&met));
    }
}
