//! Against redis-server, where it is installed: everything it answers is found right.

use std::time::Duration;

use ringlab_loadgen::{KeyConfig, KeyLaw, Marks, Mix, Quiet, RunConfig, SizeLaw, run};

use crate::servers::redis;
use crate::support::shared;

#[test]
fn closed_and_open_loop_of_every_size_find_nothing_wrong() {
    let _turn = shared();
    let Some(redis) = redis(&[]) else { return };
    let base = RunConfig {
        endpoints: vec![
            format!("127.0.0.1:{}", redis.port),
            format!("localhost:{}", redis.port),
        ],
        connections: 10,
        workers: 2,
        mix: Mix { get: 3, set: 1 },
        preload: true,
        requests: Some(6000),
        server_pids: vec![redis.child.id()],
        keys: KeyConfig {
            count: 300,
            law: KeyLaw::Zipf { exponent: 0.99 },
            ..KeyConfig::default()
        },
        ..RunConfig::default()
    };
    let sizes = ["0", "5", "64", "uniform:1:3000", "uniform:60000:200000"];
    for (size, depth) in sizes.into_iter().flat_map(|size| [(size, 1), (size, 16)]) {
        for rate in [None, Some(20_000.0)] {
            let size: SizeLaw = size.parse().unwrap();
            let config = RunConfig {
                size: size.clone(),
                depth,
                rate,
                ..base.clone()
            };
            let report = run(&config, &Marks::default(), &mut Quiet).unwrap();
            let totals = report.totals;
            assert_eq!(
                totals.completed, 6000,
                "{size} {depth} {rate:?}: {totals:?}"
            );
            assert_eq!(
                totals.failed, 0,
                "{size} {depth} {rate:?}: {:?}",
                report.failures
            );
            assert_eq!(totals.hit_ratio, Some(1.0));
            assert!(
                report
                    .cost
                    .server_cpu_ns_per_request
                    .is_some_and(|ns| ns > 0.0)
            );
            let by_endpoint: u64 = report.endpoints.iter().map(|row| row.completed).sum();
            assert_eq!(by_endpoint, 6000);
        }
    }
}

#[test]
fn a_settled_run_has_a_series_and_marks() {
    let _turn = shared();
    let Some(redis) = redis(&[]) else { return };
    let config = RunConfig {
        endpoints: vec![format!("127.0.0.1:{}", redis.port)],
        rate: Some(2000.0),
        seconds: Some(2.0),
        settle_seconds: 1.0,
        settle_seconds_max: 2.0,
        ..RunConfig::default()
    };
    let marks = Marks::default();
    let marker = marks.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1500));
        marker.mark("half time");
    });
    let report = run(&config, &marks, &mut Quiet).unwrap();
    thread.join().unwrap();
    assert!((1.0..=2.0).contains(&report.span.settle_s));
    assert_eq!(report.span.measured_s, 2.0);
    assert!(report.series.len() >= 3);
    assert!(report.series.iter().any(|row| row.phase == "settle"));
    assert_eq!(
        report
            .series
            .iter()
            .filter(|row| row.phase == "measure")
            .count(),
        2
    );
    let mark = &report.events[0];
    assert!(
        mark.text == "half time" && (1.0..2.5).contains(&mark.t_s),
        "{mark:?}"
    );
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("NaN") && !text.contains(":inf"));
}
