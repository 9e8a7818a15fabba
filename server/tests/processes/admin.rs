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
