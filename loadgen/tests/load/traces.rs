//! Traces replayed: in order, at their times, and compared.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ringlab_loadgen::{Marks, Quiet, RunConfig, RunReport, TraceConfig, TracePace, convert, run};

use crate::servers::{Folder, redis};
use crate::support::{Answer, Server, shared};

fn load(config: &RunConfig) -> RunReport {
    run(config, &Marks::default(), &mut Quiet).unwrap()
}

/// 3,000 requests of 20 clients over three seconds: each client counts its own keys up.
fn trace() -> String {
    let mut text = String::new();
    for number in 0..3000u32 {
        let (client, turn) = (number * 7 % 20, number / 20);
        let time = f64::from(number) / 1000.0;
        let op = if turn % 3 == 0 { "set" } else { "get" };
        let key = client * 10_000 + turn - turn % 3;
        writeln!(
            text,
            "{time:.6},k:{key:012},14,{},{client},{op},0",
            key % 97
        )
        .unwrap();
    }
    text
}

fn config(endpoint: String, file: std::path::PathBuf, pace: TracePace) -> RunConfig {
    RunConfig {
        endpoints: vec![endpoint],
        connections: 6,
        workers: 2,
        trace: Some(TraceConfig { file, pace }),
        ..RunConfig::default()
    }
}

#[test]
fn a_trace_keeps_each_clients_order_and_finds_what_it_wrote() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    let folder = Folder::new();
    let text = folder.write("trace.csv", &trace());
    let tape = folder.file("trace.tape");
    convert(&text, &tape).unwrap();
    for (file, depth) in [(text, 1), (tape, 8)] {
        let report = load(&RunConfig {
            depth,
            ..config(server.endpoint(), file, TracePace::Free)
        });
        let totals = report.totals;
        assert_eq!(totals.completed, 3000, "{totals:?} {:?}", report.failures);
        assert_eq!(totals.failed, 0, "{:?}", report.failures);
        // A read before its write would miss: the keys are new only at first.
        assert_eq!(totals.hit_ratio, Some(1.0));
        assert_eq!(report.load_loop, "closed");
        let names: Vec<_> = report
            .commands
            .iter()
            .map(|row| row.name.as_str())
            .collect();
        assert_eq!(names, ["SET", "GET"]);
        assert!(
            report
                .notes
                .last()
                .unwrap()
                .contains("3000 requests of 20 clients")
        );
    }
}

#[test]
fn recorded_times_are_kept_at_their_scale_and_another_rate_wins() {
    let _turn = shared();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let server = Server::start(move |ask| {
        kept.lock().unwrap().push((Instant::now(), ask.key));
        Answer::of(if ask.get { b"$-1\r\n" } else { b"+OK\r\n" })
    });
    let folder = Folder::new();
    let file = folder.write("trace.csv", &trace());
    let at = config(server.endpoint(), file, TracePace::Recorded(2.0));
    let report = load(&at);
    assert_eq!(report.load_loop, "open");
    assert_eq!(report.totals.completed, 3000);
    assert_eq!(report.latency.response.count, 3000);
    let times = std::mem::take(&mut *seen.lock().unwrap());
    let span = (times[2999].0 - times[0].0).as_secs_f64();
    assert!(
        (1.45..1.8).contains(&span),
        "3 s twice as fast took {span} s"
    );
    // Keys of one client (their number by ten thousand) never go back.
    for client in 0..20 {
        let keys: Vec<u64> = times
            .iter()
            .map(|(_, key)| *key)
            .filter(|key| key / 10_000 == client)
            .collect();
        assert!(
            keys.is_sorted() && keys.len() == 150,
            "client {client}: {keys:?}"
        );
    }
    // Half a second of the trace's order at another rate.
    let report = load(&RunConfig {
        rate: Some(4000.0),
        seconds: Some(0.5),
        ..at
    });
    let offered = report.totals.offered;
    assert!((1700..2300).contains(&offered), "{offered}");
    assert_eq!(report.load_loop, "open");
}

#[test]
fn what_monitor_printed_is_sent_as_it_was() {
    let _turn = shared();
    let Some(server) = redis(&[]) else { return };
    let folder = Folder::new();
    let mut text = "OK\n".to_owned();
    for number in 0..200 {
        let time = 1_339_518_083.0 + f64::from(number) / 1000.0;
        writeln!(
            text,
            "{time:.6} [0 127.0.0.1:{}] \"hset\" \"h\" \"f{number}\" \"\\x00\\n\"",
            number % 5
        )
        .unwrap();
        writeln!(text, "{time:.6} [0 127.0.0.1:{}] \"get\" \"k\"", number % 5).unwrap();
    }
    let file = folder.write("monitor.txt", &text);
    let report = load(&config(server.endpoint(), file, TracePace::Free));
    assert_eq!(report.totals.completed, 400);
    assert_eq!(report.totals.failed, 0, "{:?}", report.failures);
    assert_eq!(report.totals.misses, 200);
}

#[test]
fn a_trace_that_cannot_be_read_is_refused_by_line() {
    let folder = Folder::new();
    let file = folder.write("trace.csv", "1,k,1,1,c,get,0\n1,k,1,1,c,get\n");
    let config = config("127.0.0.1:1".into(), file, TracePace::Free);
    let error = run(&config, &Marks::default(), &mut Quiet)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("trace.csv, line 2: seven columns"),
        "{error}"
    );
}
