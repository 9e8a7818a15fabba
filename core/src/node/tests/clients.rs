//! What a client sees of a ring: order, pipelines, inline commands, deadlines, closes.

use super::harness::{Random, array};
use super::*;
use crate::limits::INFLIGHT_PER_CONNECTION_MAX;

#[test]
fn s5_five_thousand_pipelined_requests_are_answered_in_order() {
    for chopped in [None, Some(Random(7))] {
        let mut ring = Ring::three(&Ring::quorum());
        // The replies are held back, so that the cap on requests in flight is met.
        ring.frozen[1] = true;
        ring.frozen[2] = true;
        let mut bytes = Vec::new();
        let mut wanted = String::new();
        for number in 0..5_000 {
            match number % 5 {
                0 => bytes.extend(array(&["SET", &format!("k{number}"), "v"])),
                1 => bytes.extend(array(&["ECHO", &format!("{number}")])),
                2 => bytes.extend(array(&["INCR", "n"])),
                3 => bytes.extend(array(&["GET", &format!("k{}", number - 3)])),
                _ => bytes.extend(array(&["MGET", "none", &format!("k{}", number - 4)])),
            }
            wanted += &match number % 5 {
                0 => "+OK|".to_owned(),
                1 => format!("${}|{number}|", number.to_string().len()),
                2 => format!(":{}|", number / 5 + 1),
                3 => "$1|v|".to_owned(),
                _ => "*2|$-1|$1|v|".to_owned(),
            };
        }
        ring.chopped = chopped;
        ring.send(0, bytes);
        assert_eq!(ring.take(0), "+OK|".repeat(0));
        assert!(!ring.nodes[0].wants_read(ring.clients[0].conn));
        assert!(ring.nodes[0].snapshot(ring.now).flights <= INFLIGHT_PER_CONNECTION_MAX);
        ring.frozen = vec![false; 3];
        ring.pass_ms(50);
        assert_eq!(ring.take(0), wanted);
        assert!(ring.nodes[0].wants_read(ring.clients[0].conn));
        ring.assert_nothing_left();
    }
}

#[test]
fn s5_a_paused_client_that_ends_its_input_gets_all_its_replies() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    for _ in 0..6_000 {
        ring.clients[0].push(&array(&["INCR", "n"]));
    }
    ring.half_close(0);
    ring.frozen = vec![false; 3];
    ring.pass_ms(50);
    let answers = ring.take(0);
    assert!(answers.ends_with(":5999|:6000|"), "{}", answers.len());
    assert!(!ring.clients[0].open);
    ring.assert_nothing_left();
}

#[test]
fn s6_a_request_cut_at_every_byte() {
    let mut ring = Ring::three(&Ring::quorum());
    let bytes = array(&["SET", "key", "some value\r\n$5"]);
    for cut in 0..=bytes.len() {
        ring.send(0, &bytes[..cut]);
        ring.send(0, &bytes[cut..]);
        assert_eq!(ring.take(0), "+OK|", "{cut}");
    }
    ring.chopped = Some(Random(3));
    for _ in 0..50 {
        assert_eq!(ring.ask(1, "GET key"), "$14|some value|$5|");
        assert_eq!(ring.ask(2, "MSET a 1 b 2\r\nMGET a b"), "+OK|*2|$1|1|$1|2|");
    }
    ring.assert_nothing_left();
}

#[test]
fn inline_commands_reach_all_replicas() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "set k \"a b\\x00\\r\""), "+OK|");
    assert_eq!(ring.ask(1, "get k"), "$5|a b\0\r|");
    assert_eq!(ring.ask(2, "  mget  k   'none' "), "*2|$5|a b\0\r|$-1|");
    assert_eq!(ring.ask(2, "\r\n\r\nPING"), "+PONG|");
    ring.assert_same("k");
}

#[test]
fn d1_quit_behind_slow_replies_is_answered_last_and_closes() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    ring.send(0, "SET k v\r\nPING\r\nGET k\r\nQUIT\r\nSET never x\r\n");
    assert_eq!(ring.take(0), "");
    assert!(ring.clients[0].open);
    ring.frozen = vec![false; 3];
    ring.settle();
    assert_eq!(ring.take(0), "+OK|+PONG|$1|v|+OK|");
    assert!(!ring.clients[0].open);
    assert_eq!(ring.ask(1, "GET never"), "$-1|");
    ring.assert_nothing_left();
}

#[test]
fn a_protocol_error_waits_for_the_replies_before_it() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    let mut bytes = array(&["SET", "k", "v"]);
    bytes.extend_from_slice(b"*1\r\n!broken\r\nSET never x\r\n");
    ring.send(0, bytes);
    assert_eq!(ring.take(0), "");
    assert!(ring.clients[0].open);
    ring.frozen = vec![false; 3];
    ring.settle();
    assert_eq!(
        ring.take(0),
        "+OK|-ERR Protocol error: expected '$', got '!'|"
    );
    assert!(!ring.clients[0].open);
    assert_eq!(ring.ask(1, "GET never"), "$-1|");
}

#[test]
fn s4_deadlines_count_from_the_request_though_it_was_stamped_anew_or_asked_again() {
    let mut config = Ring::quorum();
    config.peer_timeout_ms = 60_000;
    config.request_timeout_ms = 1_000;
    let mut ring = Ring::three(&config);
    // Node 1 has the newest stamp; its answer to node 0 comes late, and then nobody else's.
    ring.ahead_ms[1] = 60_000;
    assert_eq!(ring.ask(1, "SET k fast"), "+OK|");
    ring.ahead_ms[1] = 0;
    ring.restart_clock(0);
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    ring.send(0, "SET k slow\r\n");
    ring.pass_ms(900);
    assert_eq!(ring.take(0), "");
    // Its answer fits, the write that is sent again does not.
    ring.frozen[1] = false;
    ring.link_bytes_max = 40;
    ring.pass_ms(10);
    ring.link_bytes_max = 0;
    let counters = ring.nodes[0].snapshot(ring.now).counters;
    assert_eq!(counters.write_restamped_total, 1);
    ring.pass_ms(200);
    let answer = ring.take(0);
    assert!(answer.starts_with("-Dynomite: Peer timeout"), "{answer}");
    ring.link_bytes_max = usize::MAX;
    ring.frozen = vec![false; 3];
    ring.assert_nothing_left();
}

#[test]
fn an_overtaken_write_is_stamped_anew_and_wins() {
    for write in ["SET k slow", "MSET k slow other slow", "SETEX k 100 slow"] {
        let mut ring = Ring::three(&Ring::quorum());
        ring.ahead_ms[1] = 60_000;
        assert_eq!(ring.ask(1, "SET k fast"), "+OK|");
        ring.restart_clock(0);
        assert_eq!(ring.ask(0, write), "+OK|");
        for node in 0..3 {
            assert_eq!(ring.ask(node, "GET k"), "$4|slow|", "{write}");
        }
        ring.pass_ms(50);
        ring.assert_same("k");
        let counters = ring.nodes[0].snapshot(ring.now).counters;
        assert_eq!(counters.write_restamped_total, 1, "{write}");
        ring.assert_nothing_left();
    }
    let mut ring = Ring::three(&Ring::quorum());
    ring.ahead_ms[1] = 60_000;
    assert_eq!(ring.ask(1, "SET k fast"), "+OK|");
    ring.restart_clock(0);
    // Of its keys only one is newer than it: the others are gone when it is sent again.
    assert_eq!(ring.ask(2, "MSET a 1 b 2"), "+OK|");
    ring.restart_clock(0);
    assert_eq!(ring.ask(0, "DEL a k b no"), ":3|");
    assert_eq!(ring.ask(2, "MGET k a b"), "*3|$-1|$-1|$-1|");
}

#[test]
fn a_client_that_leaves_with_requests_in_flight_leaves_nothing_behind() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    let client = ring.connect(0);
    ring.send(client, "SET a 1\r\nINCR n\r\nMGET a b\r\nGET a\r\n");
    ring.hang_up(client);
    // The slot's next tenant must not get its replies.
    let next = ring.connect(0);
    assert_eq!(
        ring.clients[next].conn.index,
        ring.clients[client].conn.index
    );
    ring.frozen = vec![false; 3];
    ring.settle();
    assert_eq!(ring.take(next), "");
    assert_eq!(ring.ask(next, "GET a"), "$1|1|");
    ring.assert_nothing_left();
}

#[test]
fn requests_of_a_reader_that_takes_nothing_wait_until_it_does() {
    let config = NodeConfig {
        client_queue_bytes_max: 1_000_000,
        ..Ring::quorum()
    };
    let mut ring = Ring::new(&[("dc1", "r1")], &config);
    let value = "v".repeat(100_000);
    ring.send(0, array(&["SET", "k", &value]));
    assert_eq!(ring.take(0), "+OK|");
    let client = ring.connect(0);
    ring.clients[client].reading = false;
    ring.send(client, array(&["GET", "k"]).repeat(200));
    ring.pass_ms(10_000);
    let conn = ring.clients[client].conn;
    let waiting = ring.nodes[0].egress(conn).unwrap().len();
    assert!(waiting < 1_200_000, "{waiting}");
    assert_eq!(ring.ask(0, "PING"), "+PONG|");
    ring.clients[client].reading = true;
    ring.settle();
    assert_eq!(ring.take(client), format!("$100000|{value}|").repeat(200));
    ring.assert_nothing_left();
}

#[test]
fn replies_that_come_late_are_few_when_they_are_long() {
    let config = NodeConfig {
        client_queue_bytes_max: 1_000_000,
        ..Ring::quorum()
    };
    let mut ring = Ring::three(&config);
    let value = "v".repeat(100_000);
    ring.send(0, array(&["SET", "k", &value]));
    let client = ring.connect(0);
    ring.clients[client].reading = false;
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    // What was short before is no promise.
    ring.send(client, "PING\r\n".repeat(20));
    ring.send(client, array(&["GET", "k"]).repeat(200));
    assert!(ring.nodes[0].snapshot(ring.now).flights < 20);
    ring.frozen = vec![false; 3];
    ring.settle();
    let conn = ring.clients[client].conn;
    let waiting = ring.nodes[0].egress(conn).unwrap().len();
    assert!((500_000..2_000_000).contains(&waiting), "{waiting}");
    ring.clients[client].reading = true;
    ring.settle();
    let values = format!("$100000|{value}|").repeat(200);
    assert_eq!(ring.take(client), "+PONG|".repeat(20) + &values);
    ring.assert_nothing_left();
}

#[test]
fn a_reader_at_its_limit_that_takes_nothing_for_a_minute_is_closed() {
    let config = NodeConfig {
        client_queue_bytes_max: 1_000_000,
        ..Ring::quorum()
    };
    for places in [&[("dc1", "r1")][..], &[("dc1", "r1"), ("dc1", "r2")][..]] {
        let mut ring = Ring::new(places, &config);
        let value = "v".repeat(100_000);
        ring.send(0, array(&["SET", "k", &value]));
        let client = ring.connect(0);
        ring.clients[client].reading = false;
        ring.send(client, array(&["GET", "k"]).repeat(200));
        ring.pass_ms(59_000);
        assert!(ring.clients[client].open);
        ring.pass_ms(2_000);
        assert!(!ring.clients[client].open);
        let counters = ring.nodes[0].snapshot(ring.now).counters;
        assert_eq!(counters.client_closed_slow_total, 1);
        ring.assert_nothing_left();
    }
}

#[test]
fn any_number_of_values_longer_than_the_limit_reach_a_client_that_reads() {
    let config = NodeConfig {
        client_queue_bytes_max: 50_000,
        ..Ring::quorum()
    };
    let mut ring = Ring::three(&config);
    let value = "v".repeat(100_000);
    ring.send(0, array(&["SET", "k", &value]));
    assert_eq!(ring.take(0), "+OK|");
    ring.send(
        0,
        [array(&["GET", "k"]), array(&["PING"])].concat().repeat(50),
    );
    let answers = format!("$100000|{value}|+PONG|").repeat(50);
    assert!(ring.take(0) == answers);
    ring.assert_nothing_left();
}

#[test]
fn config_get_takes_patterns_in_any_case() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(
        ring.ask(0, "CONFIG GET MAXcl* no?e"),
        "*2|$10|maxclients|$5|16384|"
    );
}

#[test]
fn s2_requests_wait_for_a_peer_that_takes_in_a_long_queue_and_none_is_refused() {
    let mut ring = Ring::three(&Ring::quorum());
    ring.link_bytes_max = 1_000_000;
    let value = "v".repeat(1_000_000);
    let clients: Vec<usize> = (0..10).map(|_| ring.connect(0)).collect();
    for &client in &clients {
        ring.send(client, array(&["SET", "k", &value]).repeat(10));
    }
    for _ in 0..100 {
        let queued = ring.nodes[0].snapshot(ring.now).peers[1].queued_bytes;
        assert!(queued < 40 << 20, "{queued}");
        ring.pass_ms(20);
    }
    for &client in &clients {
        assert_eq!(ring.take(client), "+OK|".repeat(10));
    }
    ring.assert_nothing_left();
}

#[test]
fn the_limit_of_clients_holds_and_frees() {
    let config = NodeConfig {
        client_connections_max: 2,
        ..Ring::quorum()
    };
    let mut ring = Ring::three(&config);
    let second = ring.connect(0);
    let now = ring.now;
    let refused = ring.nodes[0].handle_open(crate::node::Role::Client, now);
    assert_eq!(refused, None);
    assert_eq!(ring.nodes[0].snapshot(now).counters.client_refused_total, 1);
    ring.hang_up(second);
    let third = ring.connect(0);
    assert_eq!(ring.ask(third, "PING"), "+PONG|");
}

#[test]
fn client_kill_ends_another_with_requests_in_flight() {
    let mut ring = Ring::three(&Ring::quorum());
    let victim = ring.connect(0);
    let id = ring.ask(victim, "CLIENT ID").replace([':', '|'], "");
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    ring.send(victim, "SET k v\r\nGET k\r\n");
    assert_eq!(ring.ask(0, &format!("CLIENT KILL ID {id}")), ":1|");
    assert!(!ring.clients[victim].open);
    assert_eq!(ring.ask(0, &format!("CLIENT KILL ID {id}")), ":0|");
    ring.frozen = vec![false; 3];
    ring.assert_nothing_left();
}

#[test]
fn drain_answers_what_was_received_and_closes() {
    let mut ring = Ring::three(&Ring::quorum());
    let idle = ring.connect(0);
    ring.frozen[1] = true;
    ring.frozen[2] = true;
    ring.send(
        0,
        array(&["INCR", "n"]).repeat(INFLIGHT_PER_CONNECTION_MAX + 500),
    );
    let now = ring.now;
    ring.nodes[0].drain(now);
    ring.settle();
    assert!(!ring.clients[idle].open);
    assert!(!ring.nodes[0].is_drained());
    assert_eq!(
        ring.nodes[0].handle_open(crate::node::Role::Client, now),
        None
    );
    ring.frozen = vec![false; 3];
    ring.settle();
    let answers = ring.take(0);
    assert_eq!(
        answers.matches('|').count(),
        INFLIGHT_PER_CONNECTION_MAX + 500
    );
    assert!(ring.nodes[0].is_drained());
    assert!(!ring.clients[0].open);
    ring.assert_nothing_left();
}

#[test]
fn a_leaving_node_still_serves_its_peers_and_gets_no_new_writes() {
    let mut ring = Ring::three(&Ring::quorum());
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.kill(2);
    ring.pass_ms(100);
    // A read that is on its way when the drain begins.
    ring.frozen[1] = true;
    ring.send(0, "GET k\r\n");
    let now = ring.now;
    ring.nodes[1].drain(now);
    ring.frozen[1] = false;
    ring.settle();
    assert_eq!(ring.take(0), "$1|v|");
    assert_eq!(ring.state(1, 0), PeerState::Leaving);
    ring.assert_nothing_left();
}

#[test]
fn hello_takes_no_option_that_it_does_not_know() {
    let mut ring = Ring::three(&Ring::quorum());
    for (command, answer) in [
        (
            "HELLO 3 SETNAME a FOO b",
            "-ERR Syntax error in HELLO option 'FOO'|",
        ),
        (
            "HELLO 3 SETNAME",
            "-ERR Syntax error in HELLO option 'SETNAME'|",
        ),
        ("HELLO 4", "-NOPROTO unsupported protocol version|"),
    ] {
        assert_eq!(ring.ask(0, command), answer);
    }
    assert_eq!(ring.ask(0, "CLIENT GETNAME"), "$-1|");
}
