//! Runs whose threads are in other processes, or behave as if.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::servers::redis;
use crate::support::{Server, right, shared, values};
use ringlab_loadgen::{
    CheckConfig, FleetConfig, HostError, Marks, Mix, Quiet, RunConfig, RunReport, Secret, run,
    serve,
};

/// A worker in this process that serves one run, and where it listens.
fn worker(token: &str) -> (String, JoinHandle<Result<(), HostError>>) {
    let (sender, told) = channel();
    let token = token.to_owned();
    let thread = std::thread::spawn(move || {
        serve("127.0.0.1:0", &token, Some(1), &mut |text| {
            sender.send(text.to_owned()).ok();
        })
    });
    let first = told.recv().unwrap();
    let address = first.strip_prefix("listening on ").unwrap().to_owned();
    (address, thread)
}

fn config(endpoint: String) -> RunConfig {
    let mut config = RunConfig {
        endpoints: vec![endpoint],
        mix: Mix { get: 3, set: 1 },
        connections: 4,
        depth: 3,
        workers: 4,
        requests: Some(6001),
        preload: true,
        seed: 9,
        ..RunConfig::default()
    };
    config.keys.count = 500;
    config
}

fn with_fleet(config: &RunConfig, token: &str) -> (RunReport, Vec<String>) {
    let workers = [worker(token), worker(token)];
    let hosts = workers.iter().map(|(host, _)| host.clone());
    let config = RunConfig {
        fleet: FleetConfig {
            hosts: hosts.collect(),
            token: Some(Secret(token.to_owned())),
        },
        ..config.clone()
    };
    let report = run(&config, &Marks::default(), &mut Quiet).unwrap();
    for (_, thread) in workers {
        thread.join().unwrap().unwrap();
    }
    (report, config.fleet.hosts)
}

#[test]
fn two_hosts_send_what_one_would() {
    let _turn = shared();
    let values = values(64);
    let server = Server::start(move |ask| right(&values, ask));
    for rate in [None, Some(15_000.0)] {
        let config = RunConfig {
            rate,
            ..config(server.endpoint())
        };
        let here = run(&config, &Marks::default(), &mut Quiet).unwrap();
        let (there, hosts) = with_fleet(&config, "open sesame");
        assert_eq!(there.totals.completed, 6001, "{:?}", there.failures);
        assert_eq!(there.totals.failed + there.totals.unfinished, 0);
        assert_eq!(there.totals.hit_ratio, Some(1.0));
        assert_eq!(there.latency.service.count, 6001);
        // A thread that has one connection sends that one's tape, wherever it is.
        let counts = |report: &RunReport| -> Vec<u64> {
            let rows = report.commands.iter();
            rows.map(|row| row.service.count).collect()
        };
        assert_eq!(counts(&here), counts(&there));
        assert!(
            there.command.contains(&hosts.join(",")),
            "{}",
            there.command
        );
        assert!(!there.command.contains("sesame"));
        let text = serde_json::to_string(&there).unwrap();
        assert!(!text.contains("sesame"));
    }
}

#[test]
fn the_check_goes_across_hosts() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    for preload in [true, false] {
        let config = RunConfig {
            check: Some(CheckConfig {
                histories: 20,
                ..CheckConfig::default()
            }),
            preload,
            requests: Some(20_000),
            ..config(server.endpoint())
        };
        let (report, _) = with_fleet(&config, "");
        let check = report.check.unwrap();
        let wrong = |row: &&ringlab_loadgen::FaultCount| row.reads + row.keys_at_end > 0;
        assert_eq!(
            check.faults.iter().find(wrong),
            None,
            "{:?}",
            report.failures
        );
        assert!(check.reads > 12_000 && check.histories > 5, "{check:?}");
        assert!(check.keys_audited > 450, "{check:?}");
    }
}

#[test]
fn strangers_are_turned_away_and_open_doors_refused() {
    let _turn = shared();
    let (host, thread) = worker("right");
    let mut config = config("127.0.0.1:1".into());
    config.preload = false;
    let attempt = |token: &str| {
        let config = RunConfig {
            fleet: FleetConfig {
                hosts: vec![host.clone()],
                token: Some(Secret(token.to_owned())),
            },
            ..config.clone()
        };
        let refused = run(&config, &Marks::default(), &mut Quiet);
        refused.unwrap_err().to_string()
    };
    for token in ["wrong", ""] {
        let error = attempt(token);
        assert!(
            error.contains(&host) && error.contains("refuses the token"),
            "{error}"
        );
    }
    // The worker is still there, takes this one in, and says what it can't do.
    let error = attempt("right");
    assert!(error.contains("cannot connect to 127.0.0.1:1"), "{error}");
    thread.join().unwrap().unwrap();
    let open = serve("0.0.0.0:0", "", None, &mut |_| ()).unwrap_err();
    assert!(open.to_string().contains("--token"), "{open}");
}

#[test]
fn one_that_speaks_something_else_is_named() {
    let _turn = shared();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"-ERR unknown command\r\n").ok();
    });
    let config = RunConfig {
        fleet: FleetConfig {
            hosts: vec![host.clone()],
            token: None,
        },
        preload: false,
        ..config("127.0.0.1:1".into())
    };
    let error = run(&config, &Marks::default(), &mut Quiet)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&host), "{error}");
    thread.join().unwrap();
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_worker_that_dies_ends_the_run_by_name() {
    let _turn = shared();
    let values = values(64);
    let server = Server::start(move |ask| right(&values, ask));
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringload"))
        .args(["worker", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let mut program = Program(child);
    let host = line
        .trim()
        .strip_prefix("listening on ")
        .unwrap()
        .to_owned();
    let (other, thread) = worker("");
    let config = RunConfig {
        fleet: FleetConfig {
            hosts: vec![other, host.clone()],
            token: None,
        },
        requests: None,
        rate: Some(500.0),
        seconds: Some(60.0),
        settle_seconds: 0.0,
        ..config(server.endpoint())
    };
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1500));
            program.0.kill().unwrap();
        });
        run(&config, &Marks::default(), &mut Quiet)
            .unwrap_err()
            .to_string()
    });
    assert!(error.starts_with(&format!("worker {host}: ")), "{error}");
    // The other one does not go on for nobody.
    thread.join().unwrap().unwrap();
}
