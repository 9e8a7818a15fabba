//! D9 to D13 through whole nodes: datacenters.

use super::*;

/// Two datacenters of three racks each.
const TWO: [(&str, &str); 6] = [
    ("dc1", "r1"),
    ("dc1", "r2"),
    ("dc1", "r3"),
    ("dc2", "r1"),
    ("dc2", "r2"),
    ("dc2", "r3"),
];

fn held(ring: &Ring, key: &str) -> Vec<String> {
    (0..ring.nodes.len())
        .map(|node| ring.held(node, key))
        .collect()
}

fn requests(ring: &Ring, node: usize) -> u64 {
    ring.nodes[node]
        .snapshot(ring.now)
        .counters
        .peer_requests_total
}

#[test]
fn d12_a_write_reaches_all_racks_of_all_datacenters_by_one_copy_each() {
    for level in [
        Consistency::DcOne,
        Consistency::DcQuorum,
        Consistency::DcSafeQuorum,
    ] {
        for coordinator in 0..6 {
            let mut ring = Ring::new(&TWO, &Ring::level(level));
            let far: Vec<usize> = if coordinator < 3 {
                vec![3, 4, 5]
            } else {
                vec![0, 1, 2]
            };
            let before: u64 = far.iter().map(|node| requests(&ring, *node)).sum();
            assert_eq!(ring.ask(coordinator, "SET k v"), "+OK|");
            assert_eq!(held(&ring, "k"), vec!["v"; 6]);
            ring.assert_same("k");
            let after: u64 = far.iter().map(|node| requests(&ring, *node)).sum();
            assert_eq!(after - before, 3, "one from afar, two passed on");
            assert_eq!(ring.ask(coordinator, "INCRBY n 5"), ":5|");
            ring.assert_same("n");
            ring.assert_nothing_left();
        }
    }
}

#[test]
fn d12_the_same_named_rack_is_preselected() {
    let mut ring = Ring::new(&TWO, &Ring::quorum());
    ring.frozen[4] = true;
    assert_eq!(ring.ask(1, "SET k v"), "+OK|");
    assert_eq!(
        held(&ring, "k")[3..],
        ["(unknown)", "(unknown)", "(unknown)"]
    );
    ring.frozen[4] = false;
    ring.pass_ms(20);
    assert_eq!(held(&ring, "k"), vec!["v"; 6]);
}

#[test]
fn d12_another_rack_forwards_when_the_preselected_one_is_down() {
    let mut ring = Ring::new(&TWO, &Ring::quorum());
    ring.frozen[3] = true;
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(held(&ring, "k")[3..], ["(unknown)", "v", "v"]);
    ring.frozen[3] = false;
    ring.pass_ms(1_000);
    assert_eq!(held(&ring, "k"), vec!["v"; 6]);
    ring.assert_nothing_left();
}

#[test]
fn d12_a_forwarder_lost_on_the_way_costs_no_rack_its_copy() {
    for command in ["SET k v", "INCR k", "APPEND k v", "MSET k v k2 v"] {
        let mut ring = Ring::new(&TWO, &Ring::quorum());
        ring.frozen[3] = true;
        let answer = ring.ask(0, command);
        assert!(!answer.is_empty() && !answer.starts_with('-'));
        ring.kill(3);
        ring.pass_ms(1_000);
        // Its racks are there and get the write, though the one who should have passed it on is not.
        assert_eq!(ring.held(4, "k"), ring.held(0, "k"), "{command}");
        assert_eq!(ring.held(5, "k"), ring.held(0, "k"), "{command}");
        ring.restart(3);
        ring.pass_ms(3_000);
        ring.assert_same("k");
        ring.assert_nothing_left();
    }
}

#[test]
fn d12_a_whole_datacenter_away_gets_its_hints() {
    let mut ring = Ring::new(&TWO, &Ring::quorum());
    for node in 3..6 {
        ring.frozen[node] = true;
    }
    assert_eq!(ring.ask(0, "SET early v"), "+OK|");
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(ring.ask(1, "INCR n"), ":1|");
    for node in 3..6 {
        ring.frozen[node] = false;
    }
    ring.pass_ms(1_000);
    for key in ["early", "k", "n"] {
        ring.assert_same(key);
    }
    ring.assert_nothing_left();
}

#[test]
fn d12_a_forwarder_that_is_catching_up_passes_on_as_well() {
    let mut ring = Ring::new(&TWO, &Ring::quorum());
    assert_eq!(ring.ask(0, "SET n 10"), "+OK|");
    ring.frozen[5] = true;
    ring.pass_ms(3_000);
    ring.restart(3);
    ring.restart(4);
    ring.pass_ms(100);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(ring.ask(0, "INCR n"), ":11|");
    ring.frozen[5] = false;
    ring.pass_ms(4_000);
    ring.assert_same("k");
    ring.assert_same("n");
    ring.assert_nothing_left();
}

#[test]
fn d9_a_dc_one_read_stays_in_its_datacenter_and_prefers_its_rack() {
    let mut ring = Ring::new(
        &[
            ("dc1", "r1"),
            ("dc1", "r1"),
            ("dc1", "r2"),
            ("dc1", "r2"),
            ("dc2", "r1"),
        ],
        &Ring::level(Consistency::DcOne),
    );
    let key = ring.key_of(&[1, 3, 4]);
    assert_eq!(ring.ask(0, &format!("SET {key} v")), "+OK|");
    ring.pass_ms(50);
    let before = requests(&ring, 1);
    assert_eq!(ring.ask(0, &format!("GET {key}")), "$1|v|");
    assert_eq!(requests(&ring, 1), before + 1);
    ring.kill(1);
    ring.pass_ms(300);
    assert_eq!(ring.ask(0, &format!("GET {key}")), "$1|v|");
    ring.kill(3);
    ring.pass_ms(300);
    assert!(
        ring.ask(0, &format!("GET {key}"))
            .starts_with("-Dynomite: No target")
    );
    assert_eq!(ring.ask(4, &format!("GET {key}")), "$1|v|");
    let counts = ring.nodes[0].snapshot(ring.now).no_targets;
    assert_eq!(counts.len(), Consistency::ALL.len());
    assert!(counts.iter().any(|row| row.count > 0));
}

#[test]
fn d10_the_first_local_acknowledgement_answers_a_dc_one_write() {
    let mut ring = Ring::new(&TWO, &Ring::level(Consistency::DcOne));
    for node in 1..6 {
        ring.frozen[node] = true;
    }
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.frozen = vec![false; 6];
    ring.pass_ms(50);
    assert_eq!(held(&ring, "k"), vec!["v"; 6]);
    // A remote acknowledgement alone is none.
    let mut config = Ring::level(Consistency::DcOne);
    config.hints.enabled = false;
    let mut ring = Ring::new(&[("dc1", "r1"), ("dc1", "r1"), ("dc2", "r1")], &config);
    let key = ring.key_of(&[1, 2]);
    ring.frozen[1] = true;
    assert_eq!(ring.ask(0, &format!("SET {key} v")), "");
    ring.pass_ms(3_000);
    assert!(ring.take(0).starts_with("-Dynomite: No Quorum"));
    assert_eq!(ring.held(2, &key), "v");
}

#[test]
fn d11_each_safe_quorum_waits_for_every_datacenter() {
    let mut ring = Ring::new(&TWO, &Ring::level(Consistency::DcEachSafeQuorum));
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    assert_eq!(held(&ring, "k"), vec!["v"; 6]);
    assert_eq!(ring.ask(4, "GET k"), "$1|v|");
    ring.frozen[5] = true;
    assert_eq!(ring.ask(0, "SET k w"), "");
    ring.frozen[5] = false;
    ring.settle();
    assert_eq!(ring.take(0), "+OK|");
    assert_eq!(held(&ring, "k"), vec!["w"; 6]);
    // A dead one breaks the unanimity of what was sent to it, then leaves a majority.
    ring.frozen[5] = true;
    assert_eq!(ring.ask(0, "GET k"), "");
    ring.kill(5);
    ring.pass_ms(50);
    assert!(ring.take(0).starts_with("-Dynomite: No Quorum"));
    assert_eq!(ring.ask(0, "GET k"), "$1|w|");
    ring.kill(4);
    ring.pass_ms(50);
    assert!(ring.ask(0, "GET k").starts_with("-Dynomite: No Quorum"));
    ring.assert_nothing_left();
}

#[test]
fn d11_a_datacenter_that_differs_is_an_error_and_then_repaired() {
    let mut ring = Ring::new(&TWO, &Ring::level(Consistency::DcEachSafeQuorum));
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    ring.break_links(0, 4);
    let stale = ring.nodes[4]
        .store
        .state(b"k", 0)
        .map(|state| state.version);
    assert_eq!(ring.ask(5, "SET k w"), "+OK|");
    let state = crate::store::KeyState {
        version: stale.unwrap(),
        expires_at_ms: 0,
        value: crate::store::StateValue::String(b"v"),
    };
    ring.pass_ms(300);
    ring.nodes[4].store = crate::store::Store::new(crate::store::StoreConfig {
        seed: 0,
        keep_tombstones: true,
        gc_grace_ms: 1_000_000,
    });
    let wall_ms = ring.now.wall_ms;
    ring.nodes[4].store.apply_state(b"k", state, wall_ms);
    assert!(
        ring.ask(0, "GET k")
            .starts_with("-Dynomite: Failed to achieve Quorum")
    );
    ring.pass_ms(50);
    ring.assert_same("k");
    assert_eq!(ring.ask(0, "GET k"), "$1|w|");
    ring.assert_nothing_left();
}

#[test]
fn d13_n_val_caps_the_copies_local_datacenter_first() {
    use crate::node::BucketType;
    for (n_val, wanted) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (9, 6)] {
        let mut config = Ring::quorum();
        config.bucket_types = vec![BucketType {
            name: "few".into(),
            read_consistency: Consistency::DcQuorum,
            write_consistency: Consistency::DcQuorum,
            n_val,
        }];
        let mut ring = Ring::new(&TWO, &config);
        for client in [0, 1, 2] {
            let key = format!("few/{client}");
            assert_eq!(ring.ask(client, &format!("SET {key} v")), "+OK|");
            ring.pass_ms(20);
            let copies = held(&ring, &key);
            assert_eq!(
                copies.iter().filter(|it| *it == "v").count(),
                wanted,
                "{copies:?}"
            );
            assert_eq!(copies[0], "v");
            assert_eq!(ring.ask((client + 1) % 3, &format!("GET {key}")), "$1|v|");
        }
        ring.assert_nothing_left();
    }
}

#[test]
fn d12_hints_for_a_datacenter_that_is_away_are_kept_once_for_each_peer() {
    let mut ring = Ring::new(&TWO, &Ring::quorum());
    for node in 3..6 {
        ring.frozen[node] = true;
    }
    ring.pass_ms(3_000);
    assert_eq!(ring.ask(0, "SET k v"), "+OK|");
    for node in 3..6 {
        let peer = ring.id(node).index();
        let seen = ring.nodes[0].snapshot(ring.now_at(0));
        assert_eq!(seen.peers[peer].hints_stored, 1, "node {node}");
    }
}
