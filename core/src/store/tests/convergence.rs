//! Replicas that saw the same writes, in any order and any number of times, hold the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Desk, START_MS, version};
use crate::store::{KeyState, StateValue};
use crate::version::Version;

/// A write as all replicas get it, stamped by the order in which it was made.
#[derive(Clone, Debug)]
struct Write {
    line: String,
    stamp: Version,
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let key = || 0..4u8;
    let line = prop_oneof![
        4 => (key(), 0..100u8).prop_map(|(key, value)| format!("SET k{key} {value}")),
        1 => (key(), 0..100u8).prop_map(|(key, value)| format!("SETEX k{key} 1000 {value}")),
        1 => (key(), key(), 0..100u8)
            .prop_map(|(one, two, value)| format!("MSET k{one} {value} k{two} x{value}")),
        3 => key().prop_map(|key| format!("DEL k{key}")),
        1 => (key(), key()).prop_map(|(one, two)| format!("UNLINK k{one} k{two}")),
        1 => Just("FLUSHALL".to_owned()),
    ];
    prop::collection::vec(line, 1..30).prop_map(|lines| {
        let stamped = lines.into_iter().zip(1..);
        stamped
            .map(|(line, ms)| Write {
                line,
                stamp: version(ms),
            })
            .collect()
    })
}

/// The writes in some order, some of them more than once, none left out.
fn deliveries(count: usize) -> impl Strategy<Value = Vec<usize>> {
    let extra = prop::collection::vec(0..count, 0..count);
    extra.prop_flat_map(move |extra| {
        let all: Vec<usize> = (0..count).chain(extra).collect();
        Just(all).prop_shuffle()
    })
}

fn replica_of(writes: &[Write], order: &[usize]) -> Desk {
    let mut desk = Desk::new(true);
    for &index in order {
        desk.run_at(writes[index].stamp, &writes[index].line);
    }
    desk
}

type Held = BTreeMap<Vec<u8>, (Version, u64, Option<Vec<u8>>)>;

/// All that is known of the keys; also of those that only a flush told of.
fn held(desk: &Desk) -> Held {
    let keys = (0..4).map(|key| format!("k{key}").into_bytes());
    let states = keys.map(|key| {
        let state = desk.store.state(&key, START_MS);
        let state = state.map_or((Version::NEVER, 0, None), |state| flat(&state));
        (key, state)
    });
    states.collect()
}

fn flat(state: &KeyState<'_>) -> (Version, u64, Option<Vec<u8>>) {
    let value = match &state.value {
        StateValue::String(value) => Some(value.to_vec()),
        StateValue::Collection(collection) => {
            let mut packed = Vec::new();
            collection.pack(&mut packed);
            Some(packed)
        }
        StateValue::Tombstone => None,
    };
    // When a tombstone died is told by its version; a flush's may differ from a delete's.
    let expires_at_ms = if value.is_some() {
        state.expires_at_ms
    } else {
        0
    };
    (state.version, expires_at_ms, value)
}

fn story() -> impl Strategy<Value = (Vec<Write>, Vec<usize>, Vec<usize>)> {
    writes().prop_flat_map(|writes| {
        let count = writes.len();
        (Just(writes), deliveries(count), deliveries(count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_ends_the_same((writes, one, two) in story()) {
        let in_order: Vec<usize> = (0..writes.len()).collect();
        let expected = held(&replica_of(&writes, &in_order));
        prop_assert_eq!(&held(&replica_of(&writes, &one)), &expected);
        prop_assert_eq!(&held(&replica_of(&writes, &two)), &expected);
    }

    /// Two replicas that each saw a part of the writes and then exchange their states.
    #[test]
    fn exchanged_states_make_equals((writes, order, _) in story(), cut in 0..30usize) {
        let no_flush = |index: &&usize| writes[**index].line != "FLUSHALL";
        let order: Vec<usize> = order.iter().filter(no_flush).copied().collect();
        let cut = cut.min(order.len());
        let mut one = replica_of(&writes, &order[..cut]);
        let mut two = replica_of(&writes, &order[cut..]);
        copy_states(&one, &mut two);
        copy_states(&two, &mut one);
        copy_states(&one, &mut two);
        let all: Vec<usize> = (0..writes.len()).filter(|index| no_flush(&index)).collect();
        let expected = held(&replica_of(&writes, &all));
        prop_assert_eq!(&held(&one), &expected);
        prop_assert_eq!(&held(&two), &expected);
    }

    /// What was deleted stays away while its tombstone is kept, whatever comes late.
    #[test]
    fn deletes_do_not_come_back((writes, order, late) in story()) {
        let mut desk = replica_of(&writes, &order);
        desk.run_at(version(1_000), "DEL k0 k1 k2 k3");
        for &index in &late {
            desk.exec.wall_ms += 100;
            desk.store.tick(desk.exec.wall_ms, 1_000);
            desk.run_at(writes[index].stamp, &writes[index].line);
        }
        prop_assert!(desk.store.is_empty());
    }
}

fn copy_states(from: &Desk, to: &mut Desk) {
    let mut cursor = 0;
    loop {
        cursor = from.store.scan_states(cursor, 64, &mut |key, state| {
            to.store.apply_state(key, state, START_MS);
        });
        if cursor == 0 {
            return;
        }
    }
}
