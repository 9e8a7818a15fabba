//! Three racks and more: what a quorum promises while nodes come and go.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use redis::{Commands, cmd};
use rustix::process::Signal;

use super::ringd::{Ring, eventually};

const QUORUM: [&str; 2] = [
    "--read-consistency=DC_QUORUM",
    "--write-consistency=DC_QUORUM",
];

fn quorum_ring(extra: &[&str]) -> Ring {
    Ring::start(3, 1, &[&QUORUM, extra].concat())
}

#[test]
fn written_on_one_read_on_the_others() {
    let ring = quorum_ring(&[]);
    let mut clients: Vec<_> = ring.nodes.iter().map(super::ringd::Ringd::client).collect();
    for round in 0..100 {
        let key = format!("key{}", round % 10);
        assert_eq!(clients[round % 3].set(&key, round), Ok(()));
        for client in &mut clients {
            assert_eq!(client.get(&key), Ok(round), "{key}");
        }
    }
    assert_eq!(clients[0].del("key0"), Ok(1));
    assert_eq!(clients[1].exists("key0"), Ok(false));
    assert_eq!(clients[2].incr("counter", 5), Ok(5));
    assert_eq!(clients[0].incr("counter", 5), Ok(10));
}

#[test]
fn keys_of_all_nodes_in_one_command() {
    let ring = Ring::start(3, 3, &QUORUM);
    let keys: Vec<String> = (0..60).map(|index| format!("key:{index}")).collect();
    let pairs: Vec<(&String, usize)> = keys.iter().zip(0..).collect();
    let mut client = ring.nodes[4].client();
    assert_eq!(client.mset(&pairs), Ok(()));
    let mut other = ring.nodes[0].client();
    assert_eq!(other.mget(&keys), Ok((0..60).collect::<Vec<usize>>()));
    assert_eq!(other.exists(&keys), Ok(60));
    assert_eq!(cmd("TOUCH").arg(&keys).query(&mut other), Ok(60));
    assert_eq!(client.del(&keys[..20]), Ok(20));
    assert_eq!(cmd("UNLINK").arg(&keys).query(&mut client), Ok(40));
    assert_eq!(other.exists(&keys), Ok(0));
    let held: f64 = ring.nodes.iter().map(|node| node.metric("keys")).sum();
    assert_eq!(held, 0.0);
}

#[test]
fn a_crashed_node_is_not_missed_and_catches_up() {
    let mut ring = quorum_ring(&[]);
    let mut client = ring.nodes[0].client();
    assert_eq!(client.set("before", "1"), Ok(()));
    ring.kill(2);
    for index in 0..500 {
        assert_eq!(client.set(format!("while:{index}"), index), Ok(()));
    }
    assert_eq!(client.get("before"), Ok(1));
    ring.restart(2);
    ring.await_all_up();
    eventually("the hints are delivered", || {
        ring.nodes
            .iter()
            .all(|node| node.metric("hints_stored") == 0.0)
    });
    eventually("it holds every key", || {
        ring.nodes[2].metric("keys") == 501.0
    });
}

#[test]
fn a_frozen_node_costs_a_quorum_little() {
    let ring = quorum_ring(&[]);
    let mut client = ring.nodes[0].client();
    assert_eq!(client.set("warm", "1"), Ok(()));
    ring.nodes[1].signal(Signal::STOP);
    let mut slowest = Duration::ZERO;
    for index in 0..100 {
        let start = Instant::now();
        assert_eq!(client.set(format!("key:{index}"), index), Ok(()));
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    let start = Instant::now();
    eventually("the frozen node counts as down", || {
        ring.nodes[0].metric("peer_up") == 1.0
    });
    assert!(
        start.elapsed() < Duration::from_millis(3_500),
        "{:?}",
        start.elapsed()
    );
    ring.nodes[1].signal(Signal::CONT);
    ring.await_all_up();
    eventually("it holds every key", || {
        ring.nodes[1].metric("keys") == 101.0
    });
}

#[test]
fn without_a_majority_and_without_hints_a_write_fails() {
    let mut ring = quorum_ring(&["--enable-hinted-handoff=false"]);
    ring.kill(1);
    ring.kill(2);
    let mut client = ring.nodes[0].client();
    let error = client.set::<_, _, ()>("a", 1).expect_err("no majority");
    assert!(error.to_string().contains("No Quorum"), "{error}");
    eventually("both are down", || ring.nodes[0].metric("peer_up") == 0.0);
    let start = Instant::now();
    client.set::<_, _, ()>("a", 1).expect_err("no majority");
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "it is known at once: {:?}",
        start.elapsed()
    );
}

#[test]
fn a_sloppy_quorum_counts_hints() {
    let mut ring = quorum_ring(&["--sloppy-quorum=true"]);
    ring.kill(1);
    ring.kill(2);
    eventually("both are down", || ring.nodes[0].metric("peer_up") == 0.0);
    assert_eq!(ring.nodes[0].client().set("a", 1), Ok(()));
    assert_eq!(ring.nodes[0].metric("hints_stored"), 2.0);
}

#[test]
fn pipelined_through_the_ring_in_order() {
    const COUNT: usize = 100_000;
    let ring = quorum_ring(&[]);
    let socket = ring.nodes[0].socket();
    let mut writer = socket.try_clone().expect("a descriptor");
    let sender = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for index in 0..COUNT / 2 {
            let (key, value) = (format!("k{}", index % 1000), index.to_string());
            write!(
                requests,
                "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n{value}\r\n",
                key.len(),
                value.len()
            )
            .expect("a Vec");
            write!(requests, "*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()).expect("a Vec");
        }
        writer.write_all(&requests).expect("it reads");
    });
    let mut expected = Vec::new();
    for index in 0..COUNT / 2 {
        let value = index.to_string();
        write!(expected, "+OK\r\n${}\r\n{value}\r\n", value.len()).expect("a Vec");
    }
    let mut replies = vec![0; expected.len()];
    (&socket).read_exact(&mut replies).expect("it answers");
    sender.join().expect("sent");
    let differs = replies.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(differs, None);
}

#[test]
fn large_values_through_the_ring() {
    let ring = quorum_ring(&["--timeout=20s", "--peer-timeout=10s"]);
    let mut client = ring.nodes[1].client();
    for length in [0, 1, 16_384, 1 << 20, 64 << 20] {
        let value: Vec<u8> = (0..length).map(|i: usize| (i % 251) as u8).collect();
        assert_eq!(client.set("key", &value), Ok(()), "{length}");
        let back: Vec<u8> = ring.nodes[2].client().get("key").expect("it is there");
        assert!(back == value, "{length} bytes came back as {}", back.len());
    }
}

#[test]
fn a_request_cut_at_every_byte_through_the_ring() {
    let ring = quorum_ring(&[]);
    let request = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nvv\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    let expected = b"+OK\r\n$2\r\nvv\r\n";
    let mut socket = ring.nodes[0].socket();
    for cut in 1..request.len() {
        socket.write_all(&request[..cut]).expect("it reads");
        std::thread::sleep(Duration::from_millis(1));
        socket.write_all(&request[cut..]).expect("it reads");
        let mut reply = vec![0; expected.len()];
        socket.read_exact(&mut reply).expect("it answers");
        assert_eq!(reply, expected, "cut at {cut}");
    }
}

#[test]
fn no_reply_waits_for_a_delayed_acknowledgement() {
    let ring = quorum_ring(&[]);
    let mut client = ring.nodes[0].client();
    let mut times: Vec<Duration> = (0..300)
        .map(|index| {
            let start = Instant::now();
            assert_eq!(client.set("key", index), Ok(()));
            start.elapsed()
        })
        .collect();
    times.sort();
    // Nagle's stall would be 40 ms; the bound leaves room for a busy machine.
    assert!(times[150] < Duration::from_millis(10), "{:?}", times[150]);
}
