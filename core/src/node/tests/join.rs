//! Catching up after a start: when a node answers reads, and with what.

use super::*;

fn states(ring: &Ring) -> Vec<PeerState> {
    (0..ring.nodes.len())
        .map(|node| ring.state(node, node))
        .collect()
}

fn all_normal(ring: &Ring) -> bool {
    states(ring).iter().all(|state| *state == PeerState::Normal)
}

fn fill(ring: &mut Ring, count: usize) {
    for number in 0..count {
        assert_eq!(ring.ask(0, &format!("SET k{number} v{number}")), "+OK|");
    }
}

#[test]
fn a_cold_start_of_all_is_over_at_once() {
    let six = [
        ("dc1", "r1"),
        ("dc1", "r1"),
        ("dc1", "r2"),
        ("dc1", "r2"),
        ("dc2", "r1"),
        ("dc2", "r2"),
    ];
    for places in [
        &six[..1],
        &six[..2],
        &six[..4],
        &six[..],
        &[("a", "1"), ("a", "2"), ("a", "3")],
    ] {
        let mut ring = Ring::cold(places, &Ring::quorum());
        ring.pass_ms(500);
        assert!(all_normal(&ring), "{places:?}: {:?}", states(&ring));
        assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    }
}

#[test]
fn a_cold_start_without_one_of_three_waits_and_then_serves() {
    let mut ring = Ring::cold(&[("a", "1"), ("a", "2"), ("a", "3")], &Ring::quorum());
    ring.kill(2);
    ring.pass_ms(1_000);
    assert_eq!(states(&ring)[0], PeerState::Joining);
    ring.pass_ms(2_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(ring.ask(1, "GET k"), "$1|v|");
    ring.restart(2);
    ring.pass_ms(1_000);
    assert!(all_normal(&ring));
    ring.assert_same("k");
}

#[test]
fn a_late_start_of_each_one_after_the_other() {
    let mut ring = Ring::cold(&[("a", "1"), ("a", "2"), ("a", "3")], &Ring::quorum());
    ring.kill(1);
    ring.kill(2);
    ring.pass_ms(5_000);
    // Alone it has no quorum anyway; what it writes is not acknowledged.
    assert!(ring.ask(0, "SET k v").starts_with('-'));
    ring.restart(1);
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.restart(2);
    ring.pass_ms(3_000);
    assert!(all_normal(&ring));
    ring.assert_same("k");
}

#[test]
fn a_restarted_node_pulls_everything_and_deletes_stay_deleted() {
    let mut ring = Ring::three(&Ring::quorum());
    fill(&mut ring, 300);
    for number in 0..100 {
        ring.ask(0, &format!("DEL k{number}"));
        ring.ask(0, &format!("PEXPIRE k{} 5000", 100 + number));
    }
    ring.restart(2);
    ring.pass_ms(1_000);
    assert!(all_normal(&ring));
    for number in 0..300 {
        ring.assert_same(&format!("k{number}"));
    }
    let entries = ring.nodes[2].snapshot(ring.now).counters.join_entries_total;
    assert!(entries >= 300, "{entries}");
    ring.pass_ms(5_000);
    assert_eq!(ring.ask(2, "EXISTS k150 k50 k250"), ":1|");
}

#[test]
fn a_restart_while_another_is_frozen_gives_no_votes_on_what_was_forgotten() {
    let mut ring = Ring::three(&Ring::quorum());
    // Written by nodes 1 and 2 only.
    ring.frozen[0] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(1, "SET k v"), "+OK|");
    ring.kill_hints();
    ring.frozen[0] = false;
    ring.pass_ms(1_000);
    assert_eq!(ring.held(0, "k"), "(unknown)");
    // Node 1 freezes, node 2 forgets: only the frozen one still knows.
    ring.frozen[1] = true;
    ring.restart(2);
    for _ in 0..100 {
        ring.pass_ms(100);
        assert_eq!(ring.state(2, 2), PeerState::Joining);
    }
    for node in [0, 2] {
        assert_eq!(ring.ask(node, "GET k"), "-Dynomite: No Quorum Achieved|");
    }
    ring.frozen[1] = false;
    ring.pass_ms(3_000);
    assert!(all_normal(&ring));
    for node in 0..3 {
        assert_eq!(ring.ask(node, "GET k"), "$1|v|");
    }
    ring.assert_nothing_left();
}

#[test]
fn two_of_three_restarted_serve_what_the_third_kept() {
    for first in 0..3 {
        let mut ring = Ring::three(&Ring::quorum());
        fill(&mut ring, 50);
        ring.restart(first);
        ring.restart((first + 1) % 3);
        ring.pass_ms(3_000);
        assert!(all_normal(&ring));
        for number in 0..50 {
            ring.assert_same(&format!("k{number}"));
            let answer = ring.ask(first, &format!("GET k{number}"));
            assert!(answer.ends_with(&format!("|v{number}|")), "{answer}");
        }
        ring.assert_nothing_left();
    }
}

#[test]
fn two_restarted_while_the_third_is_frozen_wait_before_they_go_on_without() {
    let mut ring = Ring::three(&Ring::quorum());
    fill(&mut ring, 5);
    ring.frozen[2] = true;
    ring.restart(0);
    ring.restart(1);
    ring.pass_ms(1_000);
    assert_eq!(states(&ring)[..2], [PeerState::Joining; 2]);
    ring.pass_ms(3_000);
    // No majority kept its memory: nothing more can be waited for.
    assert_eq!(states(&ring)[..2], [PeerState::Normal; 2]);
    ring.frozen[2] = false;
    ring.pass_ms(3_000);
    // The third is back with what it kept, and any quorum with it finds that again.
    assert_eq!(ring.ask(2, "GET k3"), "$2|v3|");
    ring.pass_ms(100);
    assert_eq!(ring.ask(0, "GET k3"), "$2|v3|");
}

#[test]
fn a_write_held_by_one_that_is_catching_up_survives_the_restart_of_another() {
    let mut ring = Ring::three(&Ring::quorum());
    fill(&mut ring, 200);
    ring.link_bytes_max = 100;
    ring.restart(1);
    while ring.state(1, 0) != PeerState::Joining || ring.state(1, 2) != PeerState::Joining {
        ring.pass_ms(10);
    }
    // Node 1 is catching up. A write is taken by 0 and 1; what goes to 2 is lost with 0.
    ring.frozen[2] = true;
    ring.send(0, "SET k v\r\n");
    while ring.held(1, "k") != "v" {
        ring.pass_ms(10);
    }
    ring.pass_ms(50);
    assert_eq!(ring.take(0), "+OK|");
    assert_eq!(ring.state(1, 1), PeerState::Joining);
    ring.break_links(0, 2);
    ring.restart(0);
    ring.frozen[2] = false;
    ring.link_bytes_max = 10_000;
    ring.pass_ms(3_000);
    ring.link_bytes_max = usize::MAX;
    ring.pass_ms(10);
    assert!(all_normal(&ring));
    for node in 0..3 {
        assert_eq!(ring.ask(node, "GET k"), "$1|v|", "asked at {node}");
    }
    for number in 0..200 {
        assert_eq!(ring.ask(0, &format!("EXISTS k{number}")), ":1|");
    }
}

#[test]
fn dc_one_reads_on_a_joining_node_are_answered_by_others_if_any() {
    let mut ring = Ring::three(&Ring::level(Consistency::DcOne));
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.frozen[1] = true;
    ring.restart(2);
    ring.pass_ms(500);
    assert_eq!(ring.state(2, 2), PeerState::Joining);
    assert_eq!(ring.ask(2, "GET k"), "$1|v|");
    assert_eq!(ring.ask(2, "MGET k none"), "*2|$1|v|$-1|");
    // Nobody else: better its own word than none.
    ring.frozen[0] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(2, "GET none"), "$-1|");
    assert_eq!(ring.ask(2, "SET w x"), "+OK|");
    assert_eq!(ring.ask(2, "GET w"), "$1|x|");
    ring.frozen = vec![false; 3];
    ring.pass_ms(3_000);
    assert!(all_normal(&ring));
    ring.assert_same("w");
    ring.assert_nothing_left();
}

#[test]
fn peers_refuse_no_read_that_a_joining_node_passes_on() {
    let mut ring = Ring::three(&Ring::quorum());
    fill(&mut ring, 5);
    ring.restart(2);
    ring.pass_ms(30);
    for number in 0..5 {
        let answer = ring.ask(2, &format!("GET k{number}"));
        assert!(
            answer == format!("$2|v{number}|") || answer.starts_with('-'),
            "{answer}"
        );
    }
    ring.pass_ms(1_000);
    assert_eq!(ring.ask(2, "GET k1"), "$2|v1|");
}

#[test]
fn a_rolling_restart_under_load_loses_nothing() {
    let mut ring = Ring::three(&Ring::quorum());
    let mut written = 0;
    for round in 0..6 {
        let victim = round % 3;
        for _ in 0..20 {
            assert_eq!(
                ring.ask((victim + 1) % 3, &format!("SET k{written} v")),
                "+OK|"
            );
            written += 1;
        }
        ring.restart(victim);
        for _ in 0..20 {
            assert_eq!(
                ring.ask((victim + 1) % 3, &format!("SET k{written} v")),
                "+OK|"
            );
            written += 1;
            ring.pass_ms(10);
        }
        ring.pass_ms(1_500);
        assert!(all_normal(&ring), "round {round}");
        for number in 0..written {
            assert_eq!(
                ring.ask(victim, &format!("GET k{number}")),
                "$1|v|",
                "k{number}"
            );
        }
    }
    ring.assert_nothing_left();
}

#[test]
fn a_node_that_leaves_while_it_joins_does_not_answer_reads() {
    let mut ring = Ring::three(&Ring::quorum());
    fill(&mut ring, 3);
    ring.frozen[1] = true;
    ring.pass_ms(3_000);
    ring.restart(2);
    ring.pass_ms(200);
    // On its way when the drain begins.
    let now = ring.now;
    ring.nodes[2].drain(now);
    ring.settle();
    ring.frozen[1] = false;
    ring.pass_ms(1_000);
    assert_ne!(ring.state(2, 0), PeerState::Normal);
}
