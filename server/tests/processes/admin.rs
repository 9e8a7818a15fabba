//! The admin pages of a running node.

use redis::Commands;
use serde_json::Value;

use super::ringd::{Ring, Ringd};

#[test]
fn pages_of_a_node_alone() {
    let node = Ringd::alone(&[]);
    assert_eq!(node.client().set("a", 1), Ok(()));
    assert_eq!(node.page("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(node.page("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(node.page("/nothing").0, 404);
    assert!(node.page("/").1.contains("/metrics"));
    assert_eq!(node.metric("keys"), 1.0);
    assert!(node.metric("commands_total") >= 1.0);
    assert!(node.metric("process_resident_memory_bytes") > 1e6);
    let (_, stats) = node.page("/stats");
    let stats: Value = serde_json::from_str(&stats).expect("JSON");
    assert_eq!(
        (&stats["keys"], &stats["state"]),
        (&Value::from(1), &Value::from("normal"))
    );
}

#[test]
fn the_ring_shows_who_is_away() {
    let mut ring = Ring::start(3, 1, &[]);
    let states = |node: &Ringd| {
        let ring: Value = serde_json::from_str(&node.page("/ring").1).expect("JSON");
        let racks = ring["datacenters"][0]["racks"]
            .as_array()
            .expect("a list")
            .clone();
        let states = racks
            .iter()
            .map(|rack| rack["peers"][0]["state"].as_str().expect("text").to_owned());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states(&ring.nodes[0]), ["normal", "normal", "normal"]);
    ring.kill(2);
    super::ringd::eventually("the third is down", || states(&ring.nodes[0])[2] == "down");
    assert_eq!(ring.nodes[0].metric("peer_up"), 1.0);
}

/// D7: the shadow is asked for each key, counted, and places nothing.
#[test]
fn a_shadow_counts_what_it_would_place_elsewhere() {
    let ring = Ring::start(1, 2, &["--hash-shadow=md5"]);
    let node = &ring.nodes[0];
    let mut client = node.client();
    for number in 0..200 {
        assert_eq!(client.set(format!("key-{number}"), number), Ok(()));
    }
    for number in 0..200 {
        assert_eq!(client.get(format!("key-{number}")), Ok(number));
    }
    let disagreed = node.metric("hash_shadow_disagreement_total");
    assert_eq!(node.metric("shadow_evaluations_total"), 400.0);
    // Two equal arcs and two good hashes: half of the keys.
    assert!((130.0..270.0).contains(&disagreed), "{disagreed}");
    assert_eq!(node.metric("shadow_moved_copies_total"), disagreed);
    assert_eq!(node.metric("distribution_shadow_disagreement_total"), 0.0);
    let page: Value = serde_json::from_str(&node.page("/ring").1).expect("JSON");
    let expected = serde_json::json!({ "hash": "md5", "distribution": "vnode" });
    assert_eq!(page["shadow"], expected);

    let plain = Ringd::alone(&[]);
    assert_eq!(plain.client().set("a", 1), Ok(()));
    assert_eq!(plain.metric("shadow_evaluations_total"), 0.0);
    let page: Value = serde_json::from_str(&plain.page("/ring").1).expect("JSON");
    assert_eq!(page["shadow"], Value::Null);
}
