//! Links between nodes: hello, garbage, cuts, heartbeats, floods.

use super::harness::{Random, array, name};
use super::*;
use crate::ids::ConnId;
use crate::node::{Action, Role};
use crate::time::Mono;
use crate::wire::{HEADER_LEN, Header, Hello, Kind, PROTOCOL_VERSION};

fn hello(cluster: &str, node: &str) -> Vec<u8> {
    let hello = Hello {
        cluster: cluster.to_owned(),
        node: node.to_owned(),
        incarnation: 1,
        topology: 0,
    };
    let mut bytes = Vec::new();
    hello.encode(0, &mut bytes);
    bytes
}

/// A stranger's link to node 0.
fn stranger(ring: &mut Ring) -> ConnId {
    let now = ring.now;
    ring.nodes[0].handle_open(Role::PeerIn, now).unwrap()
}

/// Whether node 0 asks for the link's close; everything else it asks is put back in order.
fn aborted(ring: &mut Ring, conn: ConnId) -> bool {
    let mut aborted = false;
    while let Some(action) = ring.nodes[0].poll_action() {
        aborted |= action == Action::Abort(conn);
    }
    aborted
}

fn refusals(ring: &Ring) -> Vec<String> {
    let text = |notice: &(usize, Notice)| match notice {
        (_, Notice::PeerRefused(text)) => Some(text.clone()),
        _ => None,
    };
    ring.notices.iter().filter_map(text).collect()
}

#[test]
fn hellos_of_others_are_refused_with_the_reason() {
    let mut bad_version = hello("dyn_o_mite", &name(1));
    bad_version[HEADER_LEN + 4] = PROTOCOL_VERSION as u8 + 1;
    let cases = [
        (hello("another", &name(1)), "is of cluster 'another'"),
        (
            hello("dyn_o_mite", "10.9.9.9:1"),
            "is not in this node's topology",
        ),
        (
            hello("dyn_o_mite", &name(0)),
            "answered where another peer was expected",
        ),
        (bad_version, "version 2"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            "unknown peer frame kind",
        ),
        (array(&["SET", "k", "v"]), "peer frame"),
        (vec![0xff; 64], "out of range"),
        (vec![0; 64], "out of range"),
    ];
    for (bytes, reason) in cases {
        let mut ring = Ring::three(&Ring::quorum());
        let conn = stranger(&mut ring);
        let now = ring.now;
        ring.nodes[0].handle_bytes(conn, &bytes, now);
        assert!(aborted(&mut ring, conn), "{reason}");
        ring.settle();
        let told = refusals(&ring);
        assert!(
            told.len() == 1 && told[0].contains(reason),
            "{reason}: {told:?}"
        );
        assert_eq!(ring.nodes[0].snapshot(now).counters.peer_refused_total, 1);
    }
}

#[test]
fn a_refused_link_is_deaf_and_says_nothing_twice() {
    let mut ring = Ring::three(&Ring::quorum());
    let conn = stranger(&mut ring);
    let now = ring.now;
    ring.nodes[0].handle_bytes(conn, &[0xff; 100], now);
    // The driver has more of it in its hands before it gets to the close.
    ring.nodes[0].handle_bytes(conn, &[0xff; 100], now);
    ring.nodes[0].handle_bytes(conn, &hello("dyn_o_mite", &name(1)), now);
    ring.settle();
    assert_eq!(refusals(&ring).len(), 1);
    assert!(
        ring.nodes[0]
            .egress(conn)
            .is_none_or(|egress| egress.is_empty())
    );
}

#[test]
fn nothing_but_a_hello_is_taken_first() {
    for kind in [
        Kind::Ping,
        Kind::Request,
        Kind::Reply,
        Kind::Repair,
        Kind::Pull,
        Kind::Page,
    ] {
        let mut ring = Ring::three(&Ring::quorum());
        let conn = stranger(&mut ring);
        let mut bytes = Vec::new();
        Header::new(kind).encode(0, &mut bytes);
        let now = ring.now;
        ring.nodes[0].handle_bytes(conn, &bytes, now);
        assert!(aborted(&mut ring, conn), "{kind:?}");
        assert!(
            ring.nodes[0]
                .egress(conn)
                .is_none_or(|egress| egress.is_empty())
        );
    }
}

#[test]
fn a_stranger_can_make_the_node_hold_little_and_not_for_long() {
    let mut ring = Ring::three(&Ring::quorum());
    // A hello that is announced to be long.
    let conn = stranger(&mut ring);
    let now = ring.now;
    let mut bytes = Vec::new();
    Header::new(Kind::Hello).encode(1_000_000, &mut bytes);
    ring.nodes[0].handle_bytes(conn, &bytes, now);
    assert!(aborted(&mut ring, conn));
    ring.nodes[0].handle_close(conn, now);
    // One that comes a byte at a time, for ever.
    let conn = stranger(&mut ring);
    let whole = hello("dyn_o_mite", &"x".repeat(3_000));
    let mut closed = false;
    for byte in whole {
        ring.pass_ms(500);
        let now = ring.now;
        closed = ring.nodes[0].connections.get(conn).is_none();
        if closed {
            break;
        }
        ring.nodes[0].handle_bytes(conn, &[byte], now);
        let now = ring.now.plus_ms(200);
        ring.nodes[0].handle_tick(now);
        if aborted(&mut ring, conn) {
            closed = true;
            break;
        }
    }
    assert!(closed && ring.now.mono.since_ms(Mono(1_000_000_000)) < 30_000);
}

#[test]
fn links_of_strangers_are_limited() {
    let mut ring = Ring::three(&Ring::quorum());
    let now = ring.now;
    let opened =
        (0..100_000).take_while(|_| ring.nodes[0].handle_open(Role::PeerIn, now).is_some());
    assert!(opened.count() <= 4_096);
}

#[test]
fn garbage_on_a_running_link_costs_that_link_only() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    for (seed, garbage) in [(1, 1), (2, 10), (3, 1_000)] {
        let mut random = Random(seed);
        let bytes: Vec<u8> = (0..garbage)
            .map(|_| 0x80 | random.below(128) as u8)
            .collect();
        let wire = ring
            .wires
            .iter()
            .position(|wire| [0, 1].map(|side| wire.ends[side].node) == [0, 1]);
        let end = &mut ring.wires[wire.unwrap()].ends[1];
        end.inject(&bytes);
        ring.send(0, "GET k\r\n");
        ring.pass_ms(6_000);
        assert_eq!(ring.take(0), "$1|v|");
        assert_eq!(ring.state(1, 0), PeerState::Normal);
        assert_eq!(ring.ask(0, "SET k v"), "+OK|");
        ring.assert_same("k");
    }
    ring.assert_nothing_left();
}

#[test]
fn every_kind_of_broken_body_closes_the_link_and_harms_nothing() {
    for kind in 1..=12u8 {
        for len in [0usize, 1, 7, 8, 9, 30] {
            let mut ring = Ring::three(&Ring::quorum());
            let conn = stranger(&mut ring);
            let now = ring.now;
            ring.nodes[0].handle_bytes(conn, &hello("dyn_o_mite", &name(1)), now);
            let mut bytes = Vec::new();
            Header::new(Kind::Ping).encode(len, &mut bytes);
            bytes[4] = kind;
            bytes.extend(std::iter::repeat_n(0xfe, len));
            ring.nodes[0].handle_bytes(conn, &bytes, now);
            ring.settle();
            assert_eq!(ring.ask(0, "SET k v"), "+OK|", "{kind} {len}");
        }
    }
}

#[test]
fn requests_that_only_peers_of_another_kind_send_are_refused_or_answered() {
    for args in [
        &["PING"][..],
        &["FLUSHALL"],
        &["NOSUCH"],
        &["GET"],
        &["CLIENT", "LIST"],
        &["SHUTDOWN"],
    ] {
        let mut ring = Ring::three(&Ring::quorum());
        assert_eq!(ring.ask(0, "SET k v"), "+OK|");
        let conn = stranger(&mut ring);
        let now = ring.now;
        ring.nodes[0].handle_bytes(conn, &hello("dyn_o_mite", &name(1)), now);
        let body = array(args);
        let mut bytes = Vec::new();
        Header::new(Kind::Request).encode(body.len(), &mut bytes);
        bytes.extend(body);
        ring.nodes[0].handle_bytes(conn, &bytes, now);
        ring.settle();
        assert_eq!(ring.ask(1, "GET k"), "$1|v|", "{args:?}");
    }
}

#[test]
fn a_link_cut_at_every_byte_loses_nothing() {
    for side in 0..2 {
        for cut in (1..420).step_by(if side == 0 { 3 } else { 5 }) {
            let mut ring = Ring::three(&Ring::quorum());
            for wire in &mut ring.wires {
                if wire.ends[0].node == 0 && wire.ends[1].node == 2 {
                    wire.ends[side].break_after(cut);
                }
            }
            for number in 0..3 {
                assert_eq!(
                    ring.ask(0, &format!("SET k{number} v")),
                    "+OK|",
                    "{side} {cut}"
                );
                assert_eq!(ring.ask(0, "INCR n"), format!(":{}|", number + 1));
            }
            assert_eq!(ring.ask(0, "DEL k1"), ":1|");
            assert_eq!(
                ring.ask(0, "MGET k0 k1 n"),
                "*3|$1|v|$-1|$1|3|",
                "{side} {cut}"
            );
            ring.pass_ms(600);
            for key in ["k0", "k1", "k2", "n"] {
                ring.assert_same(key);
            }
            ring.assert_nothing_left();
        }
    }
}

#[test]
fn s4_a_frozen_peer_is_found_within_three_seconds_by_default() {
    for phase in [0, 130, 260, 490] {
        let mut ring = Ring::three(&NodeConfig::default());
        ring.pass_ms(phase);
        ring.frozen[2] = true;
        ring.pass_ms(2_990);
        assert_eq!(ring.state(2, 0), PeerState::Down);
        assert_eq!(ring.state(2, 1), PeerState::Down);
        ring.frozen[2] = false;
        ring.pass_ms(1_000);
        for seen_by in 0..3 {
            for of in 0..3 {
                assert_eq!(ring.state(of, seen_by), PeerState::Normal);
            }
        }
    }
}

#[test]
fn a_peer_that_is_refused_is_not_dialled_without_pause() {
    let mut ring = Ring::three(&Ring::quorum());
    // Node 2 is of another cluster now.
    ring.config.cluster = "another".to_owned();
    ring.restart(2);
    ring.pass_ms(1_000);
    ring.notices.clear();
    ring.pass_ms(10_000);
    let told = ring.notices.iter().filter(|(node, _)| *node == 0).count();
    assert!(told <= 40, "{told} notices in ten seconds");
}

#[test]
fn a_dead_peer_is_dialled_now_and_then_and_found_at_once_when_back() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.kill(2);
    ring.pass_ms(20_000);
    assert_eq!(ring.state(2, 0), PeerState::Down);
    ring.restart(2);
    ring.pass_ms(200);
    assert_ne!(ring.state(2, 0), PeerState::Down);
    ring.pass_ms(2_000);
    assert_eq!(ring.state(2, 0), PeerState::Normal);
}

#[test]
fn a_node_restarted_before_its_old_links_are_noticed_broken() {
    let mut ring = Ring::three(&Ring::quorum());
    for number in 0..10 {
        assert_eq!(ring.ask(0, &format!("SET k{number} v")), "+OK|");
    }
    ring.restart(2);
    assert_eq!(ring.ask(0, "INCR n"), ":1|");
    ring.pass_ms(2_000);
    for number in 0..10 {
        ring.assert_same(&format!("k{number}"));
    }
    ring.assert_same("n");
    ring.assert_nothing_left();
}

#[test]
fn everything_in_pieces_of_random_sizes() {
    for seed in 0..4 {
        let mut ring = Ring::three(&Ring::quorum());
        ring.chopped = Some(Random(seed));
        let value = "v".repeat(20_000);
        ring.send(0, array(&["SET", "large", &value]));
        assert_eq!(ring.take(0), "+OK|");
        ring.restart(2);
        ring.pass_ms(2_500);
        assert_eq!(ring.state(2, 0), PeerState::Normal);
        ring.send(2, array(&["GET", "large"]));
        assert_eq!(ring.take(2), format!("$20000|{value}|"));
        ring.assert_same("large");
        ring.assert_nothing_left();
    }
}

#[test]
fn a_peer_that_does_not_read_its_replies_is_not_served_without_bound() {
    let config = NodeConfig {
        client_queue_bytes_max: usize::MAX,
        ..Ring::level(Consistency::DcOne)
    };
    let places = [("dc1", "r1"), ("dc1", "r1"), ("dc2", "r1")];
    let mut ring = Ring::new(&places, &config);
    let key = ring.key_of(&[0, 2]);
    let value = "v".repeat(4_000_000);
    ring.send(0, array(&["SET", &key, &value]));
    ring.take(0);
    // The requests arrive, the replies hardly move.
    ring.link_bytes_max = 20_000;
    ring.pass_ms(10);
    ring.send(1, array(&["GET", &key]).repeat(40));
    ring.pass_ms(200);
    let links = ring.nodes[0].connections.links();
    let most = links.map(|link| link.egress.len()).max().unwrap();
    let bound = crate::limits::PEER_REPLIES_BYTES_MAX + 5_000_000;
    assert!((5_000_000..bound).contains(&most), "{most}");
    assert_eq!(ring.state(1, 0), PeerState::Normal);
    ring.link_bytes_max = usize::MAX;
    ring.pass_ms(100);
    let wanted = "$4000000|".len() + 4_000_001;
    assert_eq!(ring.take(1).len(), 40 * wanted);
    ring.assert_nothing_left();
}

/// Bits of running links flip: links may break, nothing else.
#[test]
fn flipped_bits_between_nodes_break_nothing_but_links() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut ring = Ring::three(&Ring::quorum());
        ring.chopped = Some(Random(seed));
        for round in 0..30 {
            ring.send(
                0,
                format!("SET k{round} v\r\nMGET k0 k{round}\r\nINCR n\r\n"),
            );
            ring.send(1, "GET n\r\nDEL k3 k4\r\n");
            let wire = random.below(ring.wires.len());
            ring.wires[wire].ends[random.below(2)].flips = Some(random.below(400));
            ring.pass_ms(20);
        }
        ring.pass_ms(8_000);
        for seen_by in 0..3 {
            for of in 0..3 {
                assert_eq!(ring.state(of, seen_by), PeerState::Normal, "seed {seed}");
            }
        }
        ring.take(0);
        assert_eq!(ring.ask(0, "SET k v"), "+OK|");
        // A write whose reply went astray is given up in the end.
        ring.pass_ms(36_000);
        for node in &ring.nodes {
            let snapshot = node.snapshot(ring.now);
            assert_eq!((snapshot.flights, snapshot.split_commands), (0, 0));
        }
    }
}
