//! S2 and H1 to H7 through whole nodes: what a peer missed reaches it.

use super::harness::array;
use super::*;
use crate::node::{BucketType, PeerSnapshot};

fn peer(ring: &Ring, of: usize, seen_by: usize) -> PeerSnapshot {
    let mut snapshot = ring.nodes[seen_by].snapshot(ring.now_at(seen_by));
    snapshot.peers.swap_remove(ring.id(of).index())
}

/// Hints kept for a node, over all others.
fn stored(ring: &Ring, of: usize) -> u64 {
    let others = (0..ring.nodes.len()).filter(|other| *other != of);
    others.map(|other| peer(ring, of, other).hints_stored).sum()
}

#[test]
fn h1_a_write_for_a_peer_that_is_down_is_delivered_when_it_is_back() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "MSET old 1 gone 1 n 5"), "+OK|");
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.state(2, 0), PeerState::Down);
    assert_eq!(ring.ask(0, "SET old 2"), "+OK|");
    assert_eq!(ring.ask(0, "DEL gone"), ":1|");
    assert_eq!(ring.ask(0, "INCR n"), ":6|");
    assert_eq!(ring.ask(1, "SETEX soon 100 v"), "+OK|");
    let kept = peer(&ring, 2, 0);
    assert_eq!((kept.hints_stored, kept.hints_delivered_total), (3, 0));
    assert!(kept.hint_bytes > 0);
    ring.pass_ms(1_000);
    assert!(peer(&ring, 2, 0).hint_oldest_ms >= 1_000);
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    for key in ["old", "gone", "n", "soon"] {
        ring.assert_same(key);
    }
    assert_eq!(ring.held(2, "n"), "6");
    let kept = peer(&ring, 2, 0);
    assert_eq!((kept.hints_stored, kept.hints_delivered_total), (0, 3));
    assert_eq!((kept.hint_bytes, kept.hint_oldest_ms), (0, 0));
    ring.assert_nothing_left();
}

#[test]
fn h1_collections_are_hinted_and_delivered_whole() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "HSET h f 1 g 2"), ":2|");
    assert_eq!(ring.ask(1, "SADD s a b c d e"), ":5|");
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "HINCRBY h f 41"), ":42|");
    assert_eq!(ring.ask(1, "HDEL h g"), ":1|");
    ring.ask(1, "SPOP s 2");
    assert_eq!(ring.ask(0, "SMOVE s {s}2 nobody"), ":0|");
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    for key in ["h", "s"] {
        ring.assert_same(key);
    }
    assert_eq!(ring.ask(2, "HGETALL h"), "*2|$1|f|$2|42|");
    assert_eq!(ring.ask(2, "SCARD s"), ":3|");
    ring.assert_nothing_left();
}

#[test]
fn h1_writes_on_their_way_when_the_link_breaks_are_hinted() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[2] = true;
    for number in 0..20 {
        assert_eq!(ring.ask(0, &format!("SET k{number} v")), "+OK|");
    }
    assert_eq!(ring.ask(0, "INCR n"), ":1|");
    assert_eq!(stored(&ring, 2), 0);
    ring.break_links(0, 2);
    ring.settle();
    assert_eq!(stored(&ring, 2), 21);
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_eq!(stored(&ring, 2), 0);
    for number in 0..20 {
        ring.assert_same(&format!("k{number}"));
    }
    ring.assert_same("n");
    ring.assert_nothing_left();
}

#[test]
fn h4_what_arrived_and_is_hinted_too_counts_once() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET s a"), "+OK|");
    // The requests lie in the frozen process's socket; the link is given up, and they are hinted.
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "INCR n"), ":1|");
    assert_eq!(ring.ask(0, "APPEND s b"), ":2|");
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(1, "APPEND s c"), ":3|");
    ring.frozen[2] = false;
    ring.pass_ms(2_000);
    assert_eq!(
        (ring.held(2, "n"), ring.held(2, "s")),
        ("1".into(), "abc".into())
    );
    ring.assert_same("n");
    ring.assert_same("s");
    ring.assert_nothing_left();
}

#[test]
fn h4_an_old_backlog_is_not_replayed_over_what_was_delivered_since() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[2] = true;
    for _ in 0..100 {
        ring.ask(0, "INCR n");
    }
    ring.pass_ms(3_000);
    // It reads in small pieces: hellos of the new links are answered between them.
    ring.frozen[2] = false;
    ring.chopped = Some(harness::Random(1));
    ring.pass_ms(2_000);
    assert_eq!(ring.ask(1, "INCR n"), ":101|");
    ring.assert_same("n");
    ring.assert_nothing_left();
}

#[test]
fn h4_a_read_modify_write_hinted_by_a_node_without_the_key_converges() {
    let mut ring = Ring::new(
        &[
            ("dc1", "r1"),
            ("dc1", "r1"),
            ("dc1", "r2"),
            ("dc1", "r2"),
            ("dc1", "r3"),
            ("dc1", "r3"),
        ],
        &Ring::quorum(),
    );
    let key = ring.key_of(&[1, 3, 5]);
    assert_eq!(ring.ask(0, &format!("SET {key} 10")), "+OK|");
    ring.frozen[3] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, &format!("INCR {key}")), ":11|");
    assert_eq!(stored(&ring, 3), 1);
    // Back, but unknown to those with the hint for a moment: another counts on.
    ring.frozen[3] = false;
    ring.frozen[0] = true;
    ring.pass_ms(1_000);
    assert_eq!(ring.ask(1, &format!("INCR {key}")), ":12|");
    ring.frozen[0] = false;
    ring.pass_ms(3_000);
    assert_eq!(stored(&ring, 3), 0);
    assert_eq!(ring.held(3, &key), "12");
    ring.assert_same(&key);
    ring.assert_nothing_left();
}

#[test]
fn h1_a_full_queue_is_counted_and_hinted() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.link_bytes_max = 0;
    ring.ask(0, "SET k0 v");
    // Only a peer that takes nothing in is not waited for.
    ring.pass_ms(300);
    let value = "v".repeat(1_000_000);
    let clients: Vec<usize> = (0..70).map(|_| ring.connect(0)).collect();
    for (number, &client) in clients.iter().enumerate() {
        ring.send(client, array(&["SET", &format!("k{number}"), &value]));
    }
    let full = peer(&ring, 1, 0);
    assert!(full.queued_bytes <= crate::limits::PEER_QUEUE_BYTES_MAX + 1_100_000);
    assert!(full.send_full_total > 0 && full.hints_stored > 0);
    ring.link_bytes_max = usize::MAX;
    ring.pass_ms(3_000);
    // Those that no quorum of copies took are refused, none is left open.
    let answers: String = clients.iter().map(|&client| ring.take(client)).collect();
    let failed = answers.matches("-Dynomite: No Quorum Achieved|").count();
    assert_eq!(answers.matches("+OK|").count() + failed, 70);
    assert_eq!(failed as u64, full.send_full_total);
    for number in 0..70 {
        ring.assert_same(&format!("k{number}"));
    }
    ring.assert_nothing_left();
}

#[test]
fn h2_over_the_bound_hints_are_refused_and_the_write_is_judged_without() {
    let mut config = Ring::quorum();
    config.hints.bytes_max = 1_000;
    let mut ring = Ring::three(&config);
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    for number in 0..50 {
        assert_eq!(ring.ask(0, &format!("SET key{number} v")), "+OK|");
    }
    let kept = peer(&ring, 2, 0);
    assert!(kept.hint_bytes <= 1_000 && kept.hints_refused_total > 0);
    assert_eq!(kept.hints_stored + kept.hints_refused_total, 50);
    // The oldest ones are still there.
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_eq!(ring.held(2, "key0"), "v");
    assert_eq!(peer(&ring, 2, 0).hints_delivered_total, kept.hints_stored);
}

#[test]
fn h3_hints_that_are_too_old_are_dropped_and_counted() {
    let mut config = Ring::quorum();
    config.hints.ttl_ms = 5_000;
    let mut ring = Ring::three(&config);
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.pass_ms(6_000);
    let kept = peer(&ring, 2, 0);
    assert_eq!((kept.hints_stored, kept.hints_expired_total), (0, 1));
}

#[test]
fn h1_with_handoff_off_nothing_is_kept() {
    let mut config = Ring::quorum();
    config.hints.enabled = false;
    let mut ring = Ring::three(&config);
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "SET before v"), "+OK|");
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(stored(&ring, 2), 0);
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_eq!(ring.held(2, "k"), "(unknown)");
    // A read at quorum from there still sees it.
    assert_eq!(ring.ask(2, "GET k"), "$1|v|");
    ring.assert_nothing_left();
}

#[test]
fn c9_hints_count_toward_a_quorum_only_when_it_is_sloppy() {
    for sloppy in [false, true] {
        let mut config = Ring::quorum();
        config.sloppy_quorum = sloppy;
        let mut ring = Ring::three(&config);
        ring.frozen[1] = true;
        ring.frozen[2] = true;
        ring.pass_ms(3_000);
        let answer = ring.ask(0, "SET k v");
        let wanted = if sloppy {
            "+OK|"
        } else {
            "-Dynomite: No Quorum Achieved|"
        };
        assert_eq!(answer, wanted);
        assert_eq!(stored(&ring, 1), 1);
        ring.frozen = vec![false; 3];
        ring.pass_ms(1_000);
        ring.assert_same("k");
        assert_eq!(ring.ask(1, "GET k"), "$1|v|");
    }
}

#[test]
fn c9_hints_alone_answer_only_what_is_known() {
    let mut ring = Ring::new(
        &[("dc1", "r1"), ("dc1", "r1"), ("dc1", "r2"), ("dc1", "r2")],
        &Ring::level(Consistency::DcOne),
    );
    let key = ring.key_of(&[1, 3]);
    ring.kill(1);
    ring.kill(3);
    ring.pass_ms(300);
    assert_eq!(ring.ask(0, &format!("SET {key} v")), "+OK|");
    assert_eq!(ring.ask(0, &format!("MSET {key} v")), "+OK|");
    assert_eq!(ring.ask(0, &format!("SETEX {key} 10 v")), "+OK|");
    for command in [
        "INCR KEY",
        "DEL KEY",
        "SET KEY v NX",
        "SET KEY v GET",
        "SET KEY v XX",
    ] {
        let answer = ring.ask(0, &command.replace("KEY", &key));
        assert_eq!(answer, "-Dynomite: No Quorum Achieved|", "{command}");
    }
}

#[test]
fn h6_a_drain_that_breaks_off_goes_on_later_and_loses_nothing() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    for number in 0..600 {
        assert_eq!(
            ring.ask(0, &format!("SET k{number} {}", "v".repeat(50))),
            "+OK|"
        );
    }
    ring.link_bytes_max = 2_000;
    ring.frozen[2] = false;
    ring.pass_ms(300);
    let halfway = stored(&ring, 2);
    assert!(halfway > 0 && halfway < 600, "{halfway}");
    ring.break_links(0, 2);
    ring.pass_ms(200);
    ring.link_bytes_max = usize::MAX;
    ring.pass_ms(3_000);
    assert_eq!(stored(&ring, 2), 0);
    for number in 0..600 {
        ring.assert_same(&format!("k{number}"));
    }
    ring.assert_nothing_left();
}

#[test]
fn h1_a_read_modify_write_does_not_meet_a_joining_peers_half_memory() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET n 10"), "+OK|");
    assert_eq!(ring.ask(0, "SET held 1"), "+OK|");
    // Its catching up is held back by a third that is frozen.
    ring.frozen[1] = true;
    ring.pass_ms(3_000);
    ring.restart(2);
    ring.pass_ms(500);
    assert_eq!(ring.state(2, 0), PeerState::Joining);
    ring.ask(0, "INCR n");
    ring.ask(0, "SET held 2 NX");
    assert_eq!(ring.ask(0, "SET fresh v"), "+OK|");
    ring.frozen[1] = false;
    ring.pass_ms(4_000);
    assert_eq!(ring.state(2, 0), PeerState::Normal);
    for key in ["n", "held", "fresh"] {
        ring.assert_same(key);
    }
    assert_eq!(ring.held(2, "held"), "1");
    assert_eq!(ring.held(2, "n"), ring.held(0, "n"));
    ring.assert_nothing_left();
}

#[test]
fn a_joining_node_does_not_count_from_its_own_half_memory() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET n 10"), "+OK|");
    assert_eq!(ring.ask(0, "SET held 1"), "+OK|");
    for number in 0..100 {
        assert_eq!(ring.ask(0, &format!("SET filler{number} v")), "+OK|");
    }
    ring.link_bytes_max = 100;
    ring.restart(2);
    while ring.state(0, 2) != PeerState::Normal || ring.state(1, 2) != PeerState::Normal {
        ring.pass_ms(10);
    }
    // The links are up, the pages are still on their way.
    let joining = (PeerState::Joining, "(unknown)".to_owned());
    assert_eq!((ring.state(2, 2), ring.held(2, "n")), joining);
    ring.send(2, "INCR n\r\nSET held 2 NX\r\n");
    assert_eq!((ring.state(2, 2), ring.held(2, "n")), joining);
    ring.pass_ms(2_000);
    assert_eq!(ring.take(2), ":11|$-1|");
    ring.link_bytes_max = usize::MAX;
    ring.pass_ms(1_000);
    assert_eq!(
        (ring.held(2, "n"), ring.held(2, "held")),
        ("11".into(), "1".into())
    );
    ring.assert_same("n");
    ring.assert_same("held");
    ring.assert_nothing_left();
}

#[test]
fn h1_a_node_beyond_the_cap_of_a_bucket_keeps_what_it_does_not_hold() {
    let two = BucketType {
        name: "two".to_owned(),
        read_consistency: Consistency::DcOne,
        write_consistency: Consistency::DcOne,
        n_val: 2,
    };
    let mut ring = Ring::three(&NodeConfig {
        bucket_types: vec![two],
        ..Ring::quorum()
    });
    ring.frozen[0] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(2, "SET two/k v"), "+OK|");
    assert_eq!(ring.ask(2, "INCR two/n"), ":1|");
    assert_eq!(peer(&ring, 0, 2).hints_stored, 2);
    ring.frozen[0] = false;
    ring.pass_ms(1_000);
    assert_eq!(
        (&ring.held(0, "two/k")[..], &ring.held(0, "two/n")[..]),
        ("v", "1")
    );
    ring.assert_nothing_left();
}

#[test]
fn h7_a_hint_that_comes_as_a_state_is_no_read_repair() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.frozen[2] = false;
    ring.pass_ms(1_000);
    assert_eq!(ring.held(2, "k"), "v");
    assert_eq!(peer(&ring, 2, 0).hints_delivered_total, 1);
    let counters = ring.nodes[2].snapshot(ring.now_at(2)).counters;
    assert_eq!(counters.read_repair_applied_total, 0);
}
