//! Versions, tombstones, hints, flushes: what one store does with each.

use super::{Desk, GRACE_MS, START_MS, version};
use crate::store::{Applied, KeyState, Origin, StateValue};
use crate::version::Version;

fn value_of(desk: &Desk, key: &str) -> Option<String> {
    match desk.store.state(key.as_bytes(), desk.exec.wall_ms)?.value {
        StateValue::String(value) => Some(String::from_utf8_lossy(value).into_owned()),
        StateValue::Collection(collection) => Some(format!("{collection:?}")),
        StateValue::Tombstone => None,
    }
}

#[test]
fn a_blind_write_applies_only_when_newer() {
    let mut desk = Desk::new(true);
    desk.run_at(version(10), "SET k new");
    let (reply, outcome) = desk.run_at(version(5), "SET k old");
    assert_eq!(reply, "+OK\r\n");
    assert!(outcome.superseded);
    assert_eq!(outcome.version, version(10));
    assert_eq!(value_of(&desk, "k").as_deref(), Some("new"));
    let (reply, outcome) = desk.run_at(version(5), "DEL k");
    assert_eq!((reply.as_str(), outcome.superseded), (":1\r\n", true));
    let (_, outcome) = desk.run_at(version(10), "SET k again");
    assert!(outcome.superseded, "the same stamp twice is the same write");
}

#[test]
fn a_tombstone_keeps_older_writes_out() {
    let mut desk = Desk::new(true);
    let (reply, outcome) = desk.run_at(version(10), "DEL k");
    assert_eq!((reply.as_str(), outcome.version), (":0\r\n", version(10)));
    assert!(desk.run_at(version(9), "SETEX k 10 v").1.superseded);
    assert_eq!(desk.run("GET k"), ("$-1\r\n".to_owned(), outcome));
    assert_eq!(desk.store.tombstone_count(), 1);
    desk.run_at(version(11), "SET k v");
    assert_eq!((desk.store.len(), desk.store.tombstone_count()), (1, 0));
}

#[test]
fn without_tombstones_a_delete_leaves_nothing() {
    let mut desk = Desk::new(false);
    desk.run_at(version(1), "SET k v");
    let (_, outcome) = desk.run_at(version(2), "DEL k");
    assert!(!outcome.superseded);
    assert!(desk.store.state(b"k", START_MS).is_none());
    assert_eq!(desk.run("GET k").1.version, Version::NEVER);
}

#[test]
fn a_write_that_depends_applies_as_it_comes() {
    let mut desk = Desk::new(true);
    desk.run_at(version(10), "SET k 5");
    let (reply, outcome) = desk.run_at(version(3), "INCR k");
    assert_eq!((reply.as_str(), outcome.version), (":6\r\n", version(10)));
    desk.exec.origin = Origin::Hint;
    let (reply, outcome) = desk.run_at(version(4), "INCR k");
    assert_eq!((reply.as_str(), outcome.superseded), ("+OK\r\n", true));
    assert_eq!(desk.run_at(version(11), "INCR k").0, ":7\r\n");
    assert!(
        desk.run_at(version(11), "INCR k").1.superseded,
        "a hint delivered twice"
    );
    assert!(desk.run_at(version(2), "RENAME none k").1.superseded);
}

#[test]
fn relative_times_count_from_the_stamp() {
    let mut desk = Desk::new(true);
    desk.exec.wall_ms = START_MS + 40_000;
    desk.run_at(version(0), "SET k v EX 100");
    assert_eq!(desk.run("TTL k").0, ":60\r\n");
    desk.run_at(version(1_000), "EXPIRE k 50");
    assert_eq!(desk.run("PTTL k").0, ":11000\r\n");
}

#[test]
fn of_a_key_given_twice_the_last_value_stays() {
    for stamp in [Version::NEVER, version(1)] {
        let mut desk = Desk::new(true);
        desk.run_at(stamp, "MSET a 1 b 2 a 3");
        assert_eq!(value_of(&desk, "a").as_deref(), Some("3"));
    }
}

#[test]
fn an_expired_value_leaves_its_version_behind() {
    let mut desk = Desk::new(true);
    desk.run_at(version(5), "SET k v PX 100");
    desk.exec.wall_ms += 200;
    assert_eq!(desk.run("GET k").1.version, version(5));
    assert_eq!(desk.store.tombstone_count(), 1);
    assert!(desk.run_at(version(4), "SET k old").1.superseded);
}

#[test]
fn tombstones_are_swept_after_the_grace() {
    let mut desk = Desk::new(true);
    for number in 0..2_000 {
        desk.run_at(version(1), &format!("SET key:{number} v PX 1000"));
        desk.run_at(version(2), &format!("DEL gone:{number}"));
    }
    let mut tick = |ms: u64| {
        let mut counts = (0, 0);
        for _ in 0..20 {
            let ticked = desk.store.tick(START_MS + ms, 500);
            counts.0 += ticked.expired_count;
            counts.1 += ticked.swept_count;
        }
        counts
    };
    assert_eq!(tick(1_000), (0, 0));
    assert_eq!(tick(1_500), (2_000, 0));
    assert_eq!(tick(GRACE_MS + 2), (0, 0));
    assert_eq!(tick(GRACE_MS + 500), (0, 2_000), "those that were deleted");
    assert_eq!(tick(GRACE_MS + 1_500), (0, 2_000), "those that expired");
    assert_eq!((desk.store.len(), desk.store.tombstone_count()), (0, 0));
    assert!(desk.store.bytes() < 4096);
}

#[test]
fn a_flush_keeps_older_writes_out_and_newer_ones() {
    let mut desk = Desk::new(true);
    desk.run_at(version(1), "SET old v");
    desk.run_at(version(9), "SET new v");
    desk.run_at(version(5), "FLUSHALL");
    assert_eq!(value_of(&desk, "new").as_deref(), Some("v"));
    assert!(desk.run_at(version(4), "SET late v").1.superseded);
    assert_eq!(desk.run("GET old").1.version, version(5));
    assert!(desk.run_at(version(3), "FLUSHALL").1.superseded);
    desk.store.tick(START_MS + GRACE_MS + 10, 100);
    assert!(desk.store.state(b"old", START_MS).is_none());
}

#[test]
fn states_travel_with_their_deadline() {
    let (mut from, mut to) = (Desk::new(true), Desk::new(true));
    from.run_at(version(1), "SET k v PX 5000");
    from.run_at(version(2), "DEL gone");
    to.run_at(version(0), "SET gone v");
    from.store.scan_states(0, usize::MAX, &mut |key, state| {
        assert_eq!(to.store.apply_state(key, state, START_MS), Applied::Applied);
    });
    assert_eq!(
        to.run("PEXPIRETIME k").0,
        format!(":{}\r\n", START_MS + 5_001)
    );
    assert_eq!(value_of(&to, "gone"), None);
    let old = KeyState {
        version: version(0),
        expires_at_ms: 0,
        value: StateValue::String(b"old"),
    };
    assert_eq!(
        to.store.apply_state(b"k", old.clone(), START_MS),
        Applied::Superseded
    );
    let same = KeyState {
        version: version(1),
        ..old
    };
    assert_eq!(to.store.apply_state(b"k", same, START_MS), Applied::Applied);
    assert_eq!(
        value_of(&to, "k").as_deref(),
        Some("old"),
        "of equal versions the last stays"
    );
}

#[test]
fn a_tombstone_that_travels_lives_no_longer() {
    let (mut from, mut to) = (Desk::new(true), Desk::new(true));
    from.run_at(version(1), "DEL k");
    let later_ms = START_MS + GRACE_MS - 1_000;
    let state = from.store.state(b"k", later_ms).unwrap();
    to.store.apply_state(b"k", state, later_ms);
    to.store.tick(START_MS + GRACE_MS + 2, 100);
    assert_eq!(to.store.tombstone_count(), 0);
}
