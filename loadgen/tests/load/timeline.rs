//! The fault timeline on real processes, and what is said of each event.

use std::net::TcpListener;

use crate::support::alone;
use ringlab_loadgen::{Event, Marks, NullConfig, NullServer, Quiet, RunConfig, Timeline, run};

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_pause_a_kill_and_a_restart_are_detected_and_over() {
    let _turn = alone();
    let endpoint = format!("127.0.0.1:{}", free_port());
    let program = env!("CARGO_BIN_EXE_ringload");
    let node = format!("n1={program} null --listen {endpoint}");
    let events = [
        ("500ms", "pause n1 700ms"),
        ("3s", "kill n1"),
        ("4s", "restart n1"),
    ];
    let report = run(
        &RunConfig {
            endpoints: vec![endpoint],
            rate: Some(500.0),
            connections: 4,
            settle_seconds: 0.0,
            seconds: Some(7.0),
            server_info: true,
            timeline: Timeline {
                nodes: vec![node.parse().unwrap()],
                events: events
                    .map(|(at, words)| Event::read(at, words).unwrap())
                    .to_vec(),
                objective: Some("p90=200ms".parse().unwrap()),
            },
            ..RunConfig::default()
        },
        &Marks::default(),
        &mut Quiet,
    )
    .unwrap();
    let [pause, kill, restart] = &report.faults[..] else {
        panic!("{:?}", report.faults)
    };
    let marks: Vec<&str> = report
        .events
        .iter()
        .map(|event| event.text.as_str())
        .collect();
    assert_eq!(
        marks,
        ["pause n1 700ms", "n1 goes on", "kill n1", "restart n1"]
    );
    // Nothing is answered for 0.7 s; the wait of those that came then is over in the window after.
    assert!(pause.detected_after_s.unwrap() <= 0.5, "{pause:?}");
    let over = pause.restored_after_s.unwrap();
    assert!((0.5..=1.8).contains(&over), "{pause:?}");
    assert_eq!((pause.errors, &pause.failure), (0, &None));
    // The connections break at once, and the node does not come back by itself.
    assert!(kill.detected_after_s.unwrap() <= 0.5, "{kill:?}");
    assert_eq!(kill.restored_after_s, None, "{kill:?}");
    assert!(
        (restart.t_s - 4.0).abs() < 0.5 && restart.failure.is_none(),
        "{restart:?}"
    );
    let over = restart.restored_after_s.unwrap();
    assert!(over <= 2.5, "{restart:?}");
    assert!(report.servers[0].name == "n1" && report.servers[0].cpus.is_some());
}

#[test]
fn endpoints_tell_their_processor_time_each() {
    let _turn = alone();
    let start = |slower| {
        NullServer::start(&NullConfig {
            slower,
            ..NullConfig::default()
        })
        .unwrap()
    };
    let (plain, slow) = (start(0.0), start(3.0));
    let report = run(
        &RunConfig {
            endpoints: vec![plain.endpoint(), slow.endpoint()],
            rate: Some(2000.0),
            connections: 4,
            settle_seconds: 0.0,
            seconds: Some(2.0),
            server_info: true,
            ..RunConfig::default()
        },
        &Marks::default(),
        &mut Quiet,
    )
    .unwrap();
    let [plain, slow] = &report.endpoints[..] else {
        panic!("{:?}", report.endpoints)
    };
    let costs = plain
        .server_cpu_ns_per_request
        .zip(slow.server_cpu_ns_per_request);
    let (plain_ns, slow_ns) = costs.unwrap();
    assert!(slow_ns > 2.0 * plain_ns, "{plain_ns} and {slow_ns}");
    assert_eq!(
        plain.response.count + slow.response.count,
        report.latency.response.count
    );
    assert!(report.cost.server_cpu_ns_per_request.is_some());
}
