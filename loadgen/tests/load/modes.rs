//! Modes on null servers.

use crate::support::alone;
use ringlab_loadgen::modes::ab::{AbConfig, ab};
use ringlab_loadgen::modes::seek::{SeekConfig, seek};
use ringlab_loadgen::modes::sweep::{SweepConfig, sweep};
use ringlab_loadgen::{NullConfig, NullServer, Quiet, RunConfig};

fn null(slower: f64) -> NullServer {
    NullServer::start(&NullConfig {
        slower,
        ..NullConfig::default()
    })
    .unwrap()
}

fn load(server: &NullServer) -> RunConfig {
    RunConfig {
        endpoints: vec![server.endpoint()],
        connections: 4,
        settle_seconds: 0.0,
        server_info: true,
        ..RunConfig::default()
    }
}

#[test]
fn ab_sees_a_server_that_burns_half_as_much_again() {
    let _turn = alone();
    let (a, b) = (null(0.0), null(0.5));
    let config = RunConfig {
        rate: Some(4000.0),
        ..load(&a)
    };
    let wanted = AbConfig {
        endpoints: [a.endpoint(), b.endpoint()],
        pids: None,
        blocks: 8,
        slice_s: 0.25,
    };
    let report = ab(&config, &wanted, &mut Quiet).unwrap();
    let cpu = &report.compared[0];
    let ratio = cpu.ratio.unwrap();
    assert!(cpu.different && ratio.ratio > 1.2, "{}", report.table());
    assert_eq!(report.failed, [0, 0]);
    assert_eq!(report.blocks.len(), 8);
    assert!(report.heading.command.starts_with("ringload ab 127.0.0.1:"));
}

#[test]
fn a_search_says_when_everything_holds_and_a_sweep_has_every_rate_twice() {
    let _turn = alone();
    let server = null(0.0);
    let wanted = SeekConfig {
        objective: "p50=1s".parse().unwrap(),
        start: Some(500.0),
        rate_max: 1000.0,
        resolution: 0.02,
        slice_s: 0.5,
    };
    let found = seek(&load(&server), &wanted, &mut Quiet).unwrap();
    assert_eq!(found.answer.rate, Some(1000.0), "{}", found.table());
    assert!(found.answer.confirmed);

    let wanted = SweepConfig {
        rates: vec![400.0, 200.0, 800.0],
        slice_s: 0.25,
    };
    let report = sweep(&load(&server), &wanted, &mut Quiet).unwrap();
    let rates: Vec<f64> = report.points.iter().map(|point| point.rate).collect();
    assert_eq!(rates, [200.0, 400.0, 800.0]);
    assert_eq!(report.order.len(), 6);
    assert!(
        report
            .points
            .iter()
            .all(|point| point.p99_each_ns.len() == 2)
    );
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains("\"mode\":\"sweep\"") && !text.contains("NaN"));
}
