//! Servers that do wrong: each fault is counted as what it is, and the run goes on.

use std::process::Command;
use std::time::Duration;

use crate::support::{Answer, Ask, Server, right, shared, values};
use ringlab_loadgen::{KeyConfig, Marks, Mix, Quiet, RunConfig, RunReport, Worth, run};

fn config(server: &Server) -> RunConfig {
    RunConfig {
        endpoints: vec![server.endpoint()],
        requests: Some(2000),
        connections: 4,
        keys: KeyConfig {
            count: 100,
            ..KeyConfig::default()
        },
        depth: 4,
        mix: Mix { get: 1, set: 1 },
        ..RunConfig::default()
    }
}

fn load(config: &RunConfig) -> RunReport {
    run(config, &Marks::default(), &mut Quiet).unwrap()
}

/// A server that gives `wrong` for every thousandth request and the right answer otherwise.
fn mostly_right(wrong: impl Fn(Ask) -> Option<Answer> + Send + 'static) -> Server {
    let values = values(64);
    Server::start(move |ask| {
        let special = (ask.number % 1000 == 999).then(|| wrong(ask)).flatten();
        special.unwrap_or_else(|| right(&values, ask))
    })
}

#[test]
fn replies_in_single_bytes_are_replies() {
    let _turn = shared();
    let values = values(64);
    let server = Server::start(move |ask| Answer {
        dribble: true,
        ..right(&values, ask)
    });
    let report = load(&RunConfig {
        requests: Some(400),
        ..config(&server)
    });
    assert_eq!(report.totals.completed, 400);
    assert_eq!(report.totals.failed, 0);
    assert_eq!(report.totals.hit_ratio, Some(1.0));
}

#[test]
fn a_connection_closed_within_a_reply_loses_its_requests_and_is_made_anew() {
    let _turn = shared();
    let server = mostly_right(|_| {
        Some(Answer {
            close: true,
            ..Answer::of(b"$64\r\nabc")
        })
    });
    let report = load(&config(&server));
    let totals = report.totals;
    assert!(totals.disconnects >= 1, "{totals:?}");
    assert!(
        (1..=4 * totals.disconnects).contains(&totals.lost),
        "{totals:?}"
    );
    assert_eq!(totals.completed + totals.lost, 2000);
    assert_eq!(totals.wrong, 0, "{:?}", report.failures);
    assert_eq!(report.endpoints[0].disconnects, totals.disconnects);
    assert_eq!(report.verdict.worth, Worth::DataErrors);
}

#[test]
fn another_keys_value_is_a_data_error() {
    let _turn = shared();
    let other = values(64);
    let server = mostly_right(move |ask| {
        Some(right(
            &other,
            Ask {
                key: ask.key + 1,
                ..ask
            },
        ))
    });
    let report = load(&RunConfig {
        mix: Mix { get: 1, set: 0 },
        ..config(&server)
    });
    assert_eq!(report.totals.wrong, 2, "{:?}", report.failures);
    assert_eq!(report.failures[0].class, "wrong: another value");
    assert_eq!(report.verdict.worth, Worth::DataErrors);
    assert!(
        report
            .verdict
            .to_string()
            .starts_with("DATA ERRORS: 2 wrong answers")
    );
}

#[test]
fn another_length_or_type_is_a_data_error() {
    let _turn = shared();
    let cases: [(&[u8], &str); 3] = [
        (b"$3\r\nabc\r\n", "wrong: another value"),
        (b"$0\r\n\r\n", "wrong: value of another length"),
        (b":1\r\n", "wrong: reply of another type"),
    ];
    for (bytes, class) in cases {
        let server = mostly_right(move |_| Some(Answer::of(bytes)));
        let report = load(&RunConfig {
            mix: Mix { get: 1, set: 0 },
            ..config(&server)
        });
        assert_eq!(report.totals.wrong, 2, "{class}");
        assert_eq!(report.failures[0].class, class);
    }
}

#[test]
fn what_is_no_protocol_ends_the_connection() {
    let _turn = shared();
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
    ] {
        let server = mostly_right(move |_| Some(Answer::of(bytes)));
        let report = load(&config(&server));
        assert!(report.totals.wrong > 0, "{:?}", report.failures);
        assert_eq!(report.verdict.worth, Worth::DataErrors);
    }
}

#[test]
fn error_replies_are_counted_by_their_first_word() {
    let _turn = shared();
    let server = mostly_right(|_| Some(Answer::of(b"-BUSY wait a little\r\n")));
    let report = load(&config(&server));
    assert_eq!(report.totals.error_replies, 2);
    assert_eq!(report.totals.completed, 2000);
    assert_eq!(report.failures[0].class, "error reply BUSY");
    assert_eq!(report.failures[0].example, "BUSY wait a little");
    let report = load(&RunConfig {
        failures_allowed: 0.01,
        ..config(&server)
    });
    assert_ne!(report.verdict.worth, Worth::DataErrors);
}

#[test]
fn nil_is_a_miss() {
    let _turn = shared();
    let server = Server::start(|ask| Answer::of(if ask.get { b"$-1\r\n" } else { b"+OK\r\n" }));
    let report = load(&config(&server));
    assert_eq!(report.totals.hit_ratio, Some(0.0));
    assert_eq!(report.totals.failed, 0);
}

#[test]
fn silence_is_a_timeout_where_one_is_set_and_unfinished_otherwise() {
    let _turn = shared();
    // The third request on is never answered.
    let silent = || {
        let values = values(64);
        Server::start(move |ask| {
            if ask.number < 2 {
                right(&values, ask)
            } else {
                Answer::default()
            }
        })
    };
    let base = RunConfig {
        requests: None,
        seconds: Some(1.0),
        settle_seconds: 0.0,
        connections: 2,
        depth: 1,
        drain_ms: 100,
        ..config(&silent())
    };
    let server = silent();
    let endpoints = vec![server.endpoint()];
    let report = load(&RunConfig {
        timeout_ms: Some(100),
        endpoints,
        ..base.clone()
    });
    assert!(report.totals.timeouts >= 4, "{:?}", report.totals);
    assert!(report.latency.service.max_ns.unwrap() >= 100_000_000);
    assert_eq!(report.failures[0].class, "timeout");

    let server = silent();
    let endpoints = vec![server.endpoint()];
    let report = load(&RunConfig {
        endpoints,
        rate: Some(100.0),
        ..base
    });
    let totals = report.totals;
    assert!((80..=140).contains(&totals.unfinished), "{totals:?}");
    assert_eq!(
        report.latency.response.count,
        totals.completed + totals.unfinished
    );
    // The oldest waits for the whole run and the drain.
    assert!(report.latency.response.max_ns.unwrap() > 900_000_000);
    assert_ne!(report.verdict.worth, Worth::Valid);
}

#[test]
fn a_server_that_dies_and_comes_back_is_found_again() {
    let _turn = shared();
    let answer = || {
        let values = values(64);
        move |ask| right(&values, ask)
    };
    let server = Server::start(answer());
    let address = server.address;
    let config = RunConfig {
        requests: None,
        rate: Some(500.0),
        seconds: Some(3.0),
        settle_seconds: 0.0,
        ..config(&server)
    };
    let restart = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        drop(server);
        std::thread::sleep(Duration::from_millis(500));
        let server = Server::start_at(address, answer());
        std::thread::sleep(Duration::from_millis(2500));
        drop(server);
    });
    let report = load(&config);
    restart.join().unwrap();
    let totals = report.totals;
    assert!(
        totals.disconnects >= 4 && totals.connect_failures > 0,
        "{totals:?}"
    );
    assert!(report.series[2].completed > 400, "{:?}", report.series);
    assert_eq!(totals.unfinished, 0, "{totals:?}");
    // What came in between waited for a connection, and says so.
    assert!(report.latency.response.max_ns.unwrap() > 400_000_000);
    assert!(report.latency.service.max_ns.unwrap() < 400_000_000);
}

#[test]
fn an_endpoint_that_is_not_there_is_named() {
    let _turn = shared();
    let config = RunConfig {
        endpoints: vec!["127.0.0.1:1".into()],
        ..RunConfig::default()
    };
    let error = run(&config, &Marks::default(), &mut Quiet)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot connect to 127.0.0.1:1: "),
        "{error}"
    );
}

#[test]
fn the_gate_refuses_with_its_own_exit_code_and_json_has_no_nan() {
    let _turn = shared();
    let server = mostly_right(|_| Some(Answer::of(b"-ERR no\r\n")));
    let endpoint = server.endpoint();
    let output = Command::new(env!("CARGO_BIN_EXE_ringload"))
        .args([
            "run",
            "-n",
            "2000",
            "-q",
            "--gate",
            "--json",
            "-",
            "--endpoint",
            &endpoint,
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let report: RunReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.schema_version, ringlab_loadgen::SCHEMA_VERSION);
    assert_eq!(report.verdict.worth, Worth::DataErrors);
    assert!(report.command.contains(&endpoint));
}
