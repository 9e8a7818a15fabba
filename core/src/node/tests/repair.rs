//! C4: reads repair what they find divided.

use super::*;
use crate::node::Counters;
use crate::store::{KeyState, StateValue};
use crate::version::Version;

/// Puts a state into one node's store behind everybody's back; `None`: a tombstone.
fn plant(ring: &mut Ring, node: usize, key: &str, value: Option<&str>, version: Version) {
    let wall_ms = ring.now_at(node).wall_ms;
    let state = KeyState {
        version,
        expires_at_ms: if value.is_some() { 0 } else { wall_ms },
        value: value.map_or(StateValue::Tombstone, |value| {
            StateValue::String(value.as_bytes())
        }),
    };
    ring.nodes[node]
        .store
        .apply_state(key.as_bytes(), state, wall_ms);
}

/// A stamp of that many milliseconds from now.
fn version(ring: &Ring, ms: u64) -> Version {
    let mut clock = crate::version::HybridClock::new(ring.id(0));
    clock.tick(ring.now.wall_ms + ms)
}

fn counters(ring: &Ring, node: usize) -> Counters {
    ring.nodes[node].snapshot(ring.now).counters
}

fn repairs(ring: &Ring) -> (u64, u64, u64, u64) {
    let all = (0..ring.nodes.len()).map(|node| counters(ring, node));
    all.fold((0, 0, 0, 0), |sum, it| {
        (
            sum.0 + it.read_repair_scheduled_total,
            sum.1 + it.read_repair_applied_total,
            sum.2 + it.read_repair_superseded_total,
            sum.3 + it.read_repair_dropped_total,
        )
    })
}

#[test]
fn c4_a_stale_replica_is_repaired_from_the_newest_wherever_that_is() {
    for newest in 0..3 {
        for asked in 0..3 {
            let mut ring = Ring::three(&Ring::quorum());
            assert_eq!(ring.ask(0, "SET k old"), "+OK|");
            let newer = version(&ring, 5);
            for node in (0..3).filter(|node| *node != (newest + 1) % 3) {
                plant(&mut ring, node, "k", Some("new"), newer);
            }
            assert_eq!(ring.ask(asked, "GET k"), "$3|new|");
            ring.assert_same("k");
            assert_eq!(repairs(&ring), (1, 1, 0, 0), "{newest} {asked}");
            ring.assert_nothing_left();
        }
    }
}

#[test]
fn c4_one_straggler_newer_than_the_winner_wins_in_the_end() {
    for newest in 0..3 {
        for asked in (0..3).filter(|asked| *asked != newest) {
            let mut ring = Ring::three(&Ring::quorum());
            assert_eq!(ring.ask(0, "SET k old"), "+OK|");
            let newer = version(&ring, 5);
            plant(&mut ring, newest, "k", Some("newer"), newer);
            ring.frozen[newest] = true;
            assert_eq!(ring.ask(asked, "GET k"), "$3|old|");
            ring.frozen[newest] = false;
            ring.pass_ms(100);
            ring.assert_same("k");
            assert_eq!(ring.held(asked, "k"), "newer");
            assert_eq!(repairs(&ring), (2, 2, 0, 0));
            ring.assert_nothing_left();
        }
    }
}

#[test]
fn c4_deletes_and_times_to_live_are_repaired_too() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "MSET dead v t v"), "+OK|");
    let newer = version(&ring, 5);
    for node in [0, 1] {
        plant(&mut ring, node, "dead", None, newer);
    }
    assert_eq!(ring.ask(2, "GET dead"), "$-1|");
    assert_eq!(ring.held(2, "dead"), "(deleted)");
    ring.assert_same("dead");

    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "PEXPIRE t 60000"), ":1|");
    ring.break_links(0, 2);
    ring.settle();
    ring.kill_hints();
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_ne!(ring.whole(2, "t"), ring.whole(0, "t"));
    assert_eq!(ring.ask(1, "GET t"), "$1|v|");
    ring.assert_same("t");
    ring.pass_ms(60_000);
    assert_eq!(ring.ask(2, "GET t"), "$-1|");
    ring.assert_nothing_left();
}

#[test]
fn c4_a_collection_is_repaired_as_a_whole() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "HSET k f v"), ":1|");
    assert_eq!(ring.ask(0, "SADD s a"), ":1|");
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "HSET k g w"), ":1|");
    assert_eq!(ring.ask(1, "SREM s a"), ":1|");
    ring.break_links(0, 2);
    ring.break_links(1, 2);
    ring.settle();
    ring.kill_hints();
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_ne!(ring.whole(2, "k"), ring.whole(0, "k"));
    assert_eq!(ring.ask(2, "HGET k g"), "$1|w|");
    assert_eq!(ring.ask(2, "SCARD s"), ":0|");
    for key in ["k", "s"] {
        ring.assert_same(key);
    }
    ring.assert_nothing_left();
}

#[test]
fn c4_a_replica_that_never_had_the_key_is_given_it_by_any_command_that_reads() {
    for command in [
        "GET k",
        "STRLEN k",
        "TTL k",
        "TYPE k",
        "EXISTS k",
        "GETRANGE k 0 1",
    ] {
        let mut ring = Ring::three(&Ring::quorum());
        let newer = version(&ring, 5);
        plant(&mut ring, 0, "k", Some("v"), newer);
        plant(&mut ring, 1, "k", Some("v"), newer);
        ring.ask(2, command);
        ring.pass_ms(50);
        assert_eq!(ring.held(2, "k"), "v", "{command}");
        ring.assert_same("k");
    }
}

#[test]
fn c4_with_repairs_off_nothing_is_repaired() {
    let mut config = Ring::quorum();
    config.read_repairs = false;
    let mut ring = Ring::three(&config);
    let newer = version(&ring, 5);
    plant(&mut ring, 0, "k", Some("v"), newer);
    plant(&mut ring, 1, "k", Some("v"), newer);
    assert_eq!(ring.ask(2, "GET k"), "$1|v|");
    assert_eq!(ring.held(2, "k"), "(unknown)");
    assert_eq!(repairs(&ring), (0, 0, 0, 0));
}

#[test]
fn c6_a_divided_safe_read_fails_once_and_is_repaired_by_that() {
    let mut ring = Ring::three(&Ring::level(Consistency::DcSafeQuorum));
    assert_eq!(ring.ask(0, "SET k old"), "+OK|");
    let newer = version(&ring, 5);
    plant(&mut ring, 1, "k", Some("new"), newer);
    assert!(
        ring.ask(2, "GET k")
            .starts_with("-Dynomite: Failed to achieve Quorum")
    );
    ring.assert_same("k");
    assert_eq!(ring.ask(2, "GET k"), "$3|new|");
    ring.assert_nothing_left();
}

#[test]
fn c4_several_keys_of_which_one_is_stale_are_asked_key_by_key_and_repaired() {
    for stale in 0..3 {
        let mut ring = Ring::three(&Ring::quorum());
        assert_eq!(ring.ask(0, "MSET a 1 b 1 c 1"), "+OK|");
        let newer = version(&ring, 5);
        for node in (0..3).filter(|node| *node != stale) {
            plant(&mut ring, node, "b", Some("2"), newer);
        }
        assert_eq!(
            ring.ask(0, "MGET a b nil c b"),
            "*5|$1|1|$1|2|$-1|$1|1|$1|2|"
        );
        ring.pass_ms(100);
        ring.assert_same("b");
        assert_eq!(ring.ask(1, "EXISTS a b c b nil"), ":4|");
        assert_eq!(ring.ask(2, "TOUCH a b c"), ":3|");
        ring.assert_nothing_left();
    }
}

#[test]
fn c4_a_straggler_of_several_keys_that_differs_is_repaired() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "MSET a 1 b 1"), "+OK|");
    let newer = version(&ring, 5);
    plant(&mut ring, 0, "b", Some("2"), newer);
    plant(&mut ring, 1, "b", Some("2"), newer);
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "MGET a b"), "*2|$1|1|$1|2|");
    ring.frozen[2] = false;
    ring.pass_ms(100);
    assert_eq!(ring.held(2, "b"), "2");
    ring.assert_nothing_left();
}

#[test]
fn c4_a_repair_never_overwrites_what_is_newer() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET k old"), "+OK|");
    let newer = version(&ring, 5);
    for node in [0, 1] {
        plant(&mut ring, node, "k", Some("new"), newer);
    }
    // The reply shows the stale state, then a newer write comes, then the repair.
    ring.frozen[0] = true;
    ring.send(1, "GET k\r\n");
    assert_eq!(ring.take(1), "$3|new|");
    let newest = version(&ring, 10);
    plant(&mut ring, 2, "k", Some("newest"), newest);
    ring.frozen[0] = false;
    ring.pass_ms(50);
    assert_eq!(ring.held(2, "k"), "newest");
    assert_eq!(repairs(&ring), (1, 0, 1, 0));
}

#[test]
fn a_fetch_whose_source_dies_is_forgotten_and_counted() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET k old"), "+OK|");
    let newer = version(&ring, 5);
    plant(&mut ring, 2, "k", Some("new"), newer);
    // Everything from 2 back to 0 is one reply long.
    ring.frozen[1] = true;
    ring.send(0, "GET k\r\n");
    ring.frozen[2] = true;
    ring.frozen[1] = false;
    ring.settle();
    ring.take(0);
    ring.assert_nothing_left();
    let (scheduled, applied, superseded, dropped) = repairs(&ring);
    assert_eq!(scheduled, applied + superseded + dropped);
}

#[test]
fn the_clock_is_not_carried_away_by_reads_of_several_keys() {
    let mut ring = Ring::three(&Ring::quorum());
    for number in 0..50 {
        ring.ask(0, &format!("MSET a{number} 1 b{number} 2"));
        ring.ask(0, &format!("MGET a{number} b{number}"));
        ring.ask(1, &format!("EXISTS a{number} b{number} c{number}"));
    }
    assert_eq!(ring.ask(0, "SETEX k 10 v"), "+OK|");
    assert_eq!(ring.ask(1, "TTL k"), ":10|");
    ring.pass_ms(10_100);
    assert_eq!(ring.ask(2, "GET k"), "$-1|");
}
