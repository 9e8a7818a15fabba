//! Ends and reloads.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use redis::Commands;
use rustix::process::Signal;

use super::ringd::{Ring, Ringd, command};

#[test]
fn an_orderly_end_answers_and_exits_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut node = Ringd::alone(&[]);
        let mut socket = node.socket();
        socket.write_all(b"SET a 1\r\nGET a\r\n").expect("it reads");
        let mut first = [0; 5];
        socket.read_exact(&mut first).expect("it answers");
        node.signal(signal);
        let mut rest = String::new();
        socket
            .read_to_string(&mut rest)
            .expect("it closes in order");
        assert_eq!(rest, "$1\r\n1\r\n");
        assert_eq!(node.wait().code(), Some(0));
    }
}

#[test]
fn ports_are_free_at_once_after_a_crash() {
    let mut node = Ringd::alone(&[]);
    let listen = node.address("listen").to_string();
    let stats = node.address("stats_listen").to_string();
    for _ in 0..3 {
        // Open connections at the time of the crash.
        let (_client, _) = (node.client(), node.page("/healthz"));
        node.crash();
        node = Ringd::start(&["--listen", &listen, "--stats-listen", &stats]);
    }
    assert_eq!(node.client().set("a", 1), Ok(()));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut ring = Ring::start(
        3,
        1,
        &[
            "--write-consistency=DC_QUORUM",
            "--timeout=15s",
            "--peer-timeout=15s",
            "--shutdown-grace=15s",
        ],
    );
    ring.nodes[1].signal(Signal::STOP);
    ring.nodes[2].signal(Signal::STOP);
    let mut waiting = ring.nodes[0].socket();
    waiting.write_all(b"SET a 1\r\n").expect("it reads");
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(200));
    ring.nodes[0].signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    ring.nodes[0].signal(Signal::TERM);
    assert_eq!(ring.nodes[0].wait().code(), Some(128 + 15));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_grace_bounds_an_orderly_end() {
    let mut ring = Ring::start(
        3,
        1,
        &[
            "--write-consistency=DC_QUORUM",
            "--timeout=15s",
            "--peer-timeout=15s",
            "--shutdown-grace=500ms",
        ],
    );
    ring.nodes[1].signal(Signal::STOP);
    ring.nodes[2].signal(Signal::STOP);
    let mut waiting = ring.nodes[0].socket();
    waiting.write_all(b"SET a 1\r\n").expect("it reads");
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    ring.nodes[0].signal(Signal::TERM);
    assert_eq!(ring.nodes[0].wait().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_reload_takes_what_it_can_and_says_the_rest() {
    let file = std::env::temp_dir().join(format!("ringd-{}-reload.yml", std::process::id()));
    std::fs::write(&file, "p:\n  log_level: info\n  rack: a\n").expect("writable");
    let path = file.to_str().expect("UTF-8");
    let args = [
        "--listen=127.0.0.1:0",
        "--stats-listen=127.0.0.1:0",
        "--log-format=json",
        "-c",
        path,
    ];
    let mut node = Ringd::spawn(command(&args).stderr(Stdio::piped()));
    std::fs::write(&file, "p:\n  read_consistency: DC_QUORUM\n  rack: b\n").expect("writable");
    node.signal(Signal::HUP);
    let mut lines = BufReader::new(node.stderr()).lines();
    for (key, message) in [
        ("log_level", "reloaded"),
        ("rack", "changed, but only a restart takes it"),
        ("read_consistency", "reloaded"),
    ] {
        let line = lines.find(|line| {
            let line = line.as_ref().expect("UTF-8");
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["span"]["node"], "127.0.0.1:8101", "{line}");
            value["key"] == key && value["message"] == message
        });
        assert!(line.is_some(), "{key}: {message}");
    }
    std::fs::remove_file(&file).expect("it was there");
}
