//! Laws, mixes and workloads against redis-server, where it is installed.

use ringlab_loadgen::{
    Marks, PreloadCheck, Quiet, RunConfig, RunReport, SizeLaw, WORKLOADS, Worth, run,
};

use crate::servers::redis;
use crate::support::shared;

fn config(endpoint: String) -> RunConfig {
    let mut config = RunConfig {
        endpoints: vec![endpoint],
        connections: 6,
        depth: 4,
        workers: 2,
        preload: true,
        requests: Some(3000),
        ..RunConfig::default()
    };
    config.keys.count = 500;
    config
}

fn load(config: &RunConfig) -> RunReport {
    run(config, &Marks::default(), &mut Quiet).unwrap()
}

#[test]
fn every_workload_finds_every_value_right() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    for workload in WORKLOADS {
        let mut config = config(server.endpoint());
        workload.apply(&mut config);
        config.preload_check = PreloadCheck::All;
        let report = load(&config);
        let totals = report.totals;
        let name = workload.name;
        assert_eq!(totals.completed, 3000, "{name}: {totals:?}");
        assert_eq!(totals.failed, 0, "{name}: {:?}", report.failures);
        assert!(
            totals.hit_ratio.is_none_or(|ratio| ratio == 1.0),
            "{name}: {:?}",
            totals.hit_ratio
        );
        let preload = report.preload.unwrap();
        assert_eq!((preload.written, preload.reread), (500, 500), "{name}");
        assert!(report.notes[0].contains(name), "{:?}", report.notes);
    }
}

#[test]
fn any_command_is_sent_and_several_values_are_compared() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    let mut config = config(server.endpoint());
    config.commands = [
        "HSET h:__key__ f __value__ @2",
        "MGET __key__ ...1-7 @2",
        "MSET __key__ __value__ ...3",
        "EXPIRE __key__ __ttl__",
        "SET __new__ __value__ EX __ttl__",
        "PING",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec();
    config.size = SizeLaw::Uniform(0, 300);
    config.ttl = Some(SizeLaw::Uniform(100, 2000));
    config.keys.law = "latest:0.99".parse().unwrap();
    config.keys.name_size = Some(SizeLaw::Uniform(10, 40));
    let report = load(&config);
    assert_eq!(report.totals.failed, 0, "{:?}", report.failures);
    assert_eq!(report.totals.completed, 3000);
    assert!(report.totals.hits > 1000 && report.totals.misses == 0);
    let names: Vec<_> = report
        .commands
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["HSET", "MGET", "MSET", "EXPIRE", "SET", "PING"]);

    // The same keys with values of other lengths: MGET sees it.
    config.preload = false;
    config.size = SizeLaw::Fixed(17);
    config.commands = vec!["MGET __key__ ...3".parse().unwrap()];
    let report = load(&config);
    assert_eq!(report.verdict.worth, Worth::DataErrors);
    assert_eq!(
        report.failures[0].class,
        "wrong: other values than those of the keys"
    );
}

#[test]
fn a_ramp_is_not_called_unsteady_and_says_what_it_is() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    let report = load(&RunConfig {
        rate: Some(1000.0),
        arrivals: "ramp:0.1:3:2".parse().unwrap(),
        requests: None,
        seconds: Some(3.0),
        ..config(server.endpoint())
    });
    // 2 s from 100 to 3000 a second, then 1 s of 3000: 6,100.
    let offered = report.totals.offered;
    assert!((5700..6500).contains(&offered), "{offered}");
    assert_eq!(report.span.settle_s, 0.0);
    assert_ne!(report.verdict.worth, Worth::NotSteady, "{}", report.verdict);
    assert!(
        report.notes[0].contains("ramp:0.1:3:2"),
        "{:?}",
        report.notes
    );
}
