//! A ring of three racks, through its clients' eyes.

use super::harness::array;
use super::*;

#[test]
fn a_fresh_ring_finds_itself_and_answers() {
    let mut ring = Ring::three(&Ring::quorum());
    for of in 0..3 {
        for seen_by in 0..3 {
            assert_eq!(
                ring.state(of, seen_by),
                PeerState::Normal,
                "{of} by {seen_by}"
            );
        }
    }
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    for node in 0..3 {
        assert_eq!(ring.ask(node, "GET k"), "$1|v|");
        assert_eq!(ring.nodes[node].store().len(), 1);
    }
    assert_eq!(ring.ask(1, "DEL k"), ":1|");
    assert_eq!(ring.ask(2, "GET k"), "$-1|");
}

#[test]
fn s5_a_pipeline_is_answered_in_order() {
    let mut ring = Ring::three(&Ring::quorum());
    let answer = ring.ask(
        0,
        "SET a 1\r\nPING\r\nINCR a\r\nGET a\r\nECHO x\r\nMGET a b a",
    );
    assert_eq!(answer, "+OK|+PONG|:2|$1|2|$1|x|*3|$1|2|$-1|$1|2|");
}

#[test]
fn d6_with_two_of_three_down_a_quorum_write_fails() {
    let mut config = Ring::quorum();
    config.hints.enabled = false;
    let mut ring = Ring::three(&config);
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.state(1, 0), PeerState::Down);
    assert_eq!(ring.ask(0, "SET k v"), "-Dynomite: No Quorum Achieved|");
    assert_eq!(ring.ask(0, "GET k"), "-Dynomite: No Quorum Achieved|");
}

#[test]
fn s4_a_frozen_replica_costs_a_quorum_nothing() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(ring.ask(1, "GET k"), "$1|v|");
}

#[test]
fn s4_a_transfer_longer_than_the_peer_timeout_is_no_silence() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.link_bytes_max = 10_000;
    let value = "v".repeat(3_000_000);
    let request = array(&["SET", "k", &value]);
    ring.send(0, request);
    ring.pass_ms(2_900);
    assert_eq!(
        (ring.take(0).as_str(), ring.state(1, 0)),
        ("", PeerState::Normal)
    );
    ring.pass_ms(300);
    assert_eq!(ring.take(0), "+OK|");
}

#[test]
fn s4_a_backlog_that_does_not_move_is_silence() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.link_bytes_max = 0;
    assert_eq!(ring.ask(0, "SET k v"), "");
    ring.pass_ms(2_500);
    assert_eq!(ring.state(1, 0), PeerState::Down);
}

#[test]
fn s4_a_frozen_peer_is_noticed_under_load_too() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[1] = true;
    for _ in 0..50 {
        let client = ring.clients[0].conn;
        ring.nodes[0].handle_bytes(client, b"SET k v\r\n", ring.now);
        // The heartbeat's turn finds this request in the queue; the system's buffers take it.
        ring.pass_ms(50);
    }
    assert_eq!(ring.state(1, 0), PeerState::Down);
}

#[test]
fn s4_a_node_that_was_stopped_does_not_blame_the_others() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.notices.clear();
    ring.frozen = vec![true; 3];
    ring.pass_ms(10_000);
    ring.frozen = vec![false; 3];
    ring.pass_ms(1_000);
    assert_eq!(ring.notices, []);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
}

#[test]
fn s4_a_request_that_nobody_answers_fails_at_its_deadline() {
    let mut config = Ring::quorum();
    config.peer_timeout_ms = 60_000;
    let mut ring = Ring::three(&config);
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    assert_eq!(ring.ask(0, "GET k"), "");
    ring.pass_ms(4_900);
    assert_eq!(ring.take(0), "");
    ring.pass_ms(300);
    assert!(ring.take(0).starts_with("-Dynomite: Peer timeout"));
}

#[test]
fn a_restarted_node_catches_up_before_it_answers_reads() {
    let config = Ring::quorum();
    let mut ring = Ring::three(&config);
    for index in 0..50 {
        assert_eq!(ring.ask(0, &format!("SET k{index} v{index}")), "+OK|");
    }
    ring.restart(2);
    assert_eq!(ring.nodes[2].store().len(), 0);
    ring.pass_ms(1_000);
    assert_eq!(ring.nodes[2].store().len(), 50);
    assert_eq!(ring.state(2, 0), PeerState::Normal);
    assert_eq!(ring.ask(2, "GET k7"), "$2|v7|");
}
