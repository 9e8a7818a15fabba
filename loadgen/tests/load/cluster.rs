//! Redis Cluster: three masters on loopback, a slot that moves under load.

use std::process::Command;
use std::time::{Duration, Instant};

use ringlab_loadgen::{CheckConfig, LinkConfig, Marks, Mix, Quiet, RunConfig, RunReport, run};

use crate::servers::{Folder, Process, free_port, text};
use crate::support::shared;

/// A port whose bus port, 10,000 above, is one too.
fn low_port() -> u16 {
    loop {
        let port = free_port();
        let low = 20_000 + port % 20_000;
        if std::net::TcpListener::bind(("127.0.0.1", low)).is_ok() {
            return low;
        }
    }
}

fn start(folder: &Folder) -> Option<Vec<Process>> {
    let node = |number: u32| {
        let port = low_port();
        let name = port.to_string();
        let file = folder.file(&format!("nodes-{number}.conf"));
        let dir = folder.file("");
        let cluster = [
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            text(&file),
        ];
        let rest = ["--port", &name, "--save", "", "--dir", text(&dir)];
        Process::start("redis-server", &[&cluster[..], &rest].concat(), port)
    };
    let nodes: Vec<Process> = (0..3).map(node).collect::<Option<_>>()?;
    let mut create = Command::new("redis-cli");
    create.args(["--cluster-yes", "--cluster", "create"]);
    create.args(nodes.iter().map(Process::endpoint));
    let made = create.output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stdout)
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    let ready = |node: &Process| ask(node, &["cluster", "info"]).contains("cluster_state:ok");
    while !nodes.iter().all(ready) {
        assert!(Instant::now() < deadline, "the cluster does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(nodes)
}

fn ask(node: &Process, words: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &node.port.to_string()])
        .args(words)
        .output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

fn config(node: &Process) -> RunConfig {
    let mut config = RunConfig {
        endpoints: vec![node.endpoint()],
        link: LinkConfig {
            cluster: true,
            ..LinkConfig::default()
        },
        mix: Mix { get: 2, set: 1 },
        preload: true,
        connections: 8,
        workers: 2,
        depth: 4,
        ..RunConfig::default()
    };
    config.keys.count = 2000;
    config
}

fn load(config: &RunConfig) -> RunReport {
    run(config, &Marks::default(), &mut Quiet).unwrap()
}

#[test]
fn keys_go_to_their_nodes_and_follow_a_slot_that_moves() {
    let _turn = shared();
    let folder = Folder::new();
    let Some(nodes) = start(&folder) else { return };
    for rate in [None, Some(10_000.0)] {
        let report = load(&RunConfig {
            rate,
            requests: Some(8000),
            ..config(&nodes[1])
        });
        let totals = report.totals;
        assert_eq!(totals.completed, 8000, "{totals:?}");
        assert_eq!(
            totals.failed + totals.unfinished,
            0,
            "{:?}",
            report.failures
        );
        assert_eq!((totals.hit_ratio, totals.redirects), (Some(1.0), 0));
        assert_eq!(report.endpoints.len(), 3);
        let each = report.endpoints.iter().all(|row| row.completed > 2000);
        assert!(each, "{:?}", report.endpoints);
    }

    // While it is loaded and checked, slots of the first node go to the second, key by key.
    let checked = RunConfig {
        rate: Some(4000.0),
        seconds: Some(4.0),
        settle_seconds: 0.0,
        check: Some(CheckConfig {
            histories: 50,
            ..CheckConfig::default()
        }),
        ..config(&nodes[0])
    };
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1500));
            let id = |node| ask(node, &["cluster", "myid"]).trim().to_owned();
            let (from, to) = (id(&nodes[0]), id(&nodes[1]));
            let moved = Command::new("redis-cli")
                .args(["--cluster", "reshard", &nodes[0].endpoint()])
                .args(["--cluster-from", &from, "--cluster-to", &to])
                .args(["--cluster-slots", "300", "--cluster-yes"])
                .output()
                .unwrap();
            assert!(moved.status.success(), "{moved:?}");
        });
        load(&checked)
    });
    let check = report.check.clone().unwrap();
    assert!(report.totals.redirects > 0, "{:?}", report.totals);
    assert_eq!(report.totals.error_replies, 0, "{:?}", report.failures);
    let wrong = check
        .faults
        .iter()
        .find(|row| row.reads + row.keys_at_end > 0);
    assert_eq!(wrong, None, "{:?}", report.failures);
    assert_eq!((check.keys_unread, check.keys_audited), (0, 2000));
    assert_eq!(check.history_violations, [""; 0]);
}

#[test]
fn a_server_that_is_no_cluster_is_refused() {
    let _turn = shared();
    let Some(server) = crate::servers::redis(&[]) else {
        return;
    };
    let refused = run(&config(&server), &Marks::default(), &mut Quiet);
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("cluster support disabled"), "{error}");
}
