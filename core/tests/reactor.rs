//! A node behind real sockets: what clients can do to a reactor, and what it must stand.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests play the clients, outside of the core"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringlab_core::distribution::{DistributionKind, Token};
use ringlab_core::hash::HashKind;
use ringlab_core::io::{Control, ControlHandle, Reactor, ReactorConfig};
use ringlab_core::node::{Node, NodeConfig, Role, Snapshot};
use ringlab_core::topology::{PeerSpec, Topology};

const LOOPBACK: &str = "127.0.0.1:0";

struct Server {
    address: SocketAddr,
    control: ControlHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Server {
    fn start() -> Self {
        Self::with(NodeConfig::default())
    }

    fn with(config: NodeConfig) -> Self {
        let reactor = reactor();
        let address = reactor.addresses(Role::Client).unwrap()[0];
        let peer = reactor.addresses(Role::PeerIn).unwrap()[0].to_string();
        let topology = topology(std::slice::from_ref(&peer), &peer);
        Self::run(reactor, address, config, topology)
    }

    fn run(reactor: Reactor, address: SocketAddr, config: NodeConfig, ring: Topology) -> Self {
        let control = reactor.control();
        let thread = thread::spawn(move || {
            let node = Node::new(config, ring, reactor.now());
            reactor.run(node, drop)
        });
        Self {
            address,
            control,
            thread: Some(thread),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    fn snapshot(&self) -> Snapshot {
        self.control.snapshot(Duration::from_secs(10)).unwrap()
    }

    fn stop(&mut self, grace_ms: u64) -> Duration {
        let begun = Instant::now();
        self.control.send(Control::Shutdown { grace_ms }).unwrap();
        let thread = self.thread.take().unwrap();
        thread.join().unwrap().unwrap();
        begun.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.thread.is_some() && !thread::panicking() {
            self.stop(0);
        }
    }
}

fn reactor() -> Reactor {
    let listen = vec![LOOPBACK.parse().unwrap()];
    let config = ReactorConfig {
        client_listen: listen.clone(),
        peer_listen: listen,
        backlog: 1024,
    };
    Reactor::bind(&config).unwrap()
}

/// A ring of these peers in one datacenter, each a rack of its own.
fn topology(names: &[String], local: &str) -> Topology {
    let spec = |(rack, name): (usize, &String)| PeerSpec {
        name: name.clone(),
        datacenter: "dc".to_owned(),
        rack: format!("rack{rack}"),
        tokens: vec![Token::parse("1").unwrap()],
        weight: 1,
    };
    let specs = names.iter().enumerate().map(spec).collect();
    let hash = HashKind::by_name("murmur").unwrap();
    let vnode = DistributionKind::by_name("vnode").unwrap();
    Topology::build(specs, local, hash, vnode, None).unwrap()
}

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn bulk(value: &[u8]) -> Vec<u8> {
    let mut out = format!("${}\r\n", value.len()).into_bytes();
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
    out
}

fn expect(stream: &mut TcpStream, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).unwrap();
    let tail = String::from_utf8_lossy(&got[..got.len().min(200)]);
    assert!(got == wanted, "got {tail:?}");
}

fn ask(stream: &mut TcpStream, words: &[&[u8]], wanted: &[u8]) {
    stream.write_all(&command(words)).unwrap();
    expect(stream, wanted);
}

/// Everything until the other end closes; a reset counts as a close.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => got,
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_request_may_be_cut_anywhere() {
    let server = Server::start();
    let mut stream = server.connect();
    let mut bytes = command(&[b"SET", b"key", b"some\r\nvalue"]);
    bytes.extend(command(&[b"GET", b"key"]));
    bytes.extend(b"PING\r\n");
    let wanted = [&b"+OK\r\n"[..], &bulk(b"some\r\nvalue"), b"+PONG\r\n"].concat();
    for cut in 1..bytes.len() {
        stream.write_all(&bytes[..cut]).unwrap();
        thread::sleep(Duration::from_millis(1));
        stream.write_all(&bytes[cut..]).unwrap();
        expect(&mut stream, &wanted);
    }
}

#[test]
fn replies_of_a_deep_pipeline_are_in_order() {
    let server = Server::start();
    let mut stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let count = 100_000;
    let sender = thread::spawn(move || {
        let mut bytes = Vec::new();
        for index in 0..count {
            bytes.extend(command(&[b"ECHO", index.to_string().as_bytes()]));
        }
        writer.write_all(&bytes).unwrap();
    });
    let mut wanted = Vec::new();
    for index in 0..count {
        wanted.extend(bulk(index.to_string().as_bytes()));
    }
    expect(&mut stream, &wanted);
    sender.join().unwrap();
}

#[test]
fn values_of_many_sizes_come_back_whole() {
    let server = Server::start();
    let mut stream = server.connect();
    for len in [
        0,
        1,
        16 * 1024,
        256 * 1024 - 30,
        256 * 1024,
        5_000_000,
        64 << 20,
    ] {
        let value: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        ask(&mut stream, &[b"SET", b"large", &value], b"+OK\r\n");
        ask(&mut stream, &[b"GET", b"large"], &bulk(&value));
    }
}

#[test]
fn a_client_that_only_shut_its_write_side_gets_its_replies() {
    let server = Server::start();
    for round in 0..20 {
        let mut stream = server.connect();
        let value = vec![b'v'; 300_000 * (round % 3)];
        let mut bytes = command(&[b"SET", b"half", &value]);
        bytes.extend(command(&[b"GET", b"half"]));
        stream.write_all(&bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let wanted = [&b"+OK\r\n"[..], &bulk(&value)].concat();
        assert!(rest(&mut stream) == wanted, "round {round}");
    }
    eventually("all closed", || server.snapshot().client_connections == 0);
}

#[test]
fn quit_closes_after_the_replies_before_it() {
    let server = Server::start();
    let mut stream = server.connect();
    stream.write_all(b"PING\r\nQUIT\r\nPING\r\n").unwrap();
    assert_eq!(rest(&mut stream), b"+PONG\r\n+OK\r\n");
}

#[test]
fn a_protocol_error_reaches_the_client_that_goes_on_sending() {
    let server = Server::start();
    let mut stream = server.connect();
    stream.write_all(b"*1\r\n!oops\r\n").unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n") {
        let _ = stream.write_all(&[b'x'; 10_000]);
        let mut chunk = [0; 100];
        let len = stream.read(&mut chunk).unwrap();
        assert!(len > 0, "closed without a reply");
        got.extend_from_slice(&chunk[..len]);
    }
    assert!(got.starts_with(b"-ERR Protocol error"), "{got:?}");
}

#[test]
fn a_slow_reader_hurts_itself_alone() {
    let server = Server::start();
    let mut other = server.connect();
    let value = vec![b'v'; 1 << 20];
    ask(&mut other, &[b"SET", b"big", &value], b"+OK\r\n");
    let mut slow = server.connect();
    for _ in 0..200 {
        slow.write_all(&command(&[b"GET", b"big"])).unwrap();
        let begun = Instant::now();
        ask(&mut other, &[b"PING"], b"+PONG\r\n");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    // Its requests wait instead of filling the memory, and go on once it reads.
    let written = server.snapshot().io.written_bytes_total;
    assert!(
        written < 50 << 20,
        "{written} bytes taken by a client that reads nothing"
    );
    for _ in 0..200 {
        expect(&mut slow, &bulk(&value));
    }
}

#[test]
fn replies_far_larger_than_their_requests_all_arrive() {
    let server = Server::start();
    let mut stream = server.connect();
    let value = vec![b'v'; 1 << 20];
    ask(&mut stream, &[b"SET", b"big", &value], b"+OK\r\n");
    let requests = command(&[b"GET", b"big"]).repeat(300);
    stream.write_all(&requests).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream).len(), 300 * bulk(&value).len());
}

#[test]
fn a_reader_that_pauses_gets_everything() {
    let server = Server::start();
    let mut stream = server.connect();
    let value = vec![b'v'; 3 << 20];
    ask(&mut stream, &[b"SET", b"big", &value], b"+OK\r\n");
    for _ in 0..10 {
        stream.write_all(&command(&[b"GET", b"big"])).unwrap();
    }
    let before = server.snapshot().io.polls_total;
    thread::sleep(Duration::from_millis(500));
    let polls = server.snapshot().io.polls_total - before;
    assert!(polls < 100, "{polls} polls while a reader pauses");
    for _ in 0..10 {
        expect(&mut stream, &bulk(&value));
    }
}

#[test]
fn closing_with_replies_unsent_is_noticed() {
    let server = Server::start();
    let mut setter = server.connect();
    let value = vec![b'v'; 4 << 20];
    ask(&mut setter, &[b"SET", b"big", &value], b"+OK\r\n");
    for _ in 0..50 {
        let mut stream = server.connect();
        for _ in 0..3 {
            stream.write_all(&command(&[b"GET", b"big"])).unwrap();
        }
    }
    eventually("only one is left", || {
        server.snapshot().client_connections == 1
    });
    ask(&mut setter, &[b"PING"], b"+PONG\r\n");
}

#[test]
fn a_thousand_connections() {
    let server = Server::start();
    let mut streams: Vec<TcpStream> = (0..1000).map(|_| server.connect()).collect();
    for round in 0..3 {
        for (index, stream) in streams.iter_mut().enumerate() {
            let word = format!("{round}-{index}");
            stream
                .write_all(&command(&[b"ECHO", word.as_bytes()]))
                .unwrap();
        }
        for (index, stream) in streams.iter_mut().enumerate() {
            let word = format!("{round}-{index}");
            expect(stream, &bulk(word.as_bytes()));
        }
    }
    assert_eq!(server.snapshot().client_connections, 1000);
    streams.truncate(10);
    eventually("990 closed", || server.snapshot().client_connections == 10);
}

#[test]
fn clients_over_the_limit_are_told() {
    let config = NodeConfig {
        client_connections_max: 2,
        ..NodeConfig::default()
    };
    let server = Server::with(config);
    let mut kept = [server.connect(), server.connect()];
    for stream in &mut kept {
        ask(stream, &[b"PING"], b"+PONG\r\n");
    }
    let refusal = b"-ERR max number of clients reached\r\n";
    assert_eq!(rest(&mut server.connect()), refusal);
    drop(kept);
    eventually("room again", || server.snapshot().client_connections == 0);
    ask(&mut server.connect(), &[b"PING"], b"+PONG\r\n");
}

#[test]
fn a_request_costs_two_system_calls_and_a_wait() {
    let server = Server::start();
    let mut stream = server.connect();
    ask(&mut stream, &[b"SET", b"key", b"value"], b"+OK\r\n");
    let before = server.snapshot().io;
    for _ in 0..1000 {
        ask(&mut stream, &[b"GET", b"key"], &bulk(b"value"));
    }
    let after = server.snapshot().io;
    assert_eq!(after.reads_total - before.reads_total, 1000);
    assert_eq!(after.writes_total - before.writes_total, 1000);
    assert!(after.polls_total - before.polls_total < 1200);
}

#[test]
fn shutdown_answers_what_was_asked_and_leaves_idle_clients() {
    let mut server = Server::start();
    let mut idle = server.connect();
    ask(&mut idle, &[b"PING"], b"+PONG\r\n");
    assert!(server.stop(5_000) < Duration::from_secs(2));
    assert_eq!(rest(&mut idle), b"");
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn shutdown_does_not_wait_for_a_reader_beyond_its_grace() {
    let mut server = Server::start();
    let mut stuck = server.connect();
    let value = vec![b'v'; 16 << 20];
    ask(&mut stuck, &[b"SET", b"big", &value], b"+OK\r\n");
    for _ in 0..3 {
        stuck.write_all(&command(&[b"GET", b"big"])).unwrap();
    }
    eventually("asked", || server.snapshot().counters.commands_total >= 2);
    let took = server.stop(300);
    assert!((300..2_000).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn peers_find_each_other_by_name_and_a_dead_one_delays_nobody() {
    let reactors = [reactor(), reactor()];
    let port = |reactor: &Reactor| reactor.addresses(Role::PeerIn).unwrap()[0].port();
    // Nobody listens on the third's port; the others go by name, which has to be looked up.
    let dead = std::net::TcpListener::bind(LOOPBACK).unwrap();
    let dead_port = dead.local_addr().unwrap().port();
    drop(dead);
    let mut names: Vec<String> = reactors
        .iter()
        .map(|reactor| format!("localhost:{}", port(reactor)))
        .collect();
    names.push(format!("127.0.0.1:{dead_port}"));
    let locals = names.clone();
    let servers: Vec<Server> = reactors
        .into_iter()
        .zip(&locals)
        .map(|(reactor, local)| {
            let address = reactor.addresses(Role::Client).unwrap()[0];
            let ring = topology(&names, local);
            Server::run(reactor, address, NodeConfig::default(), ring)
        })
        .collect();
    for server in &servers {
        eventually("the other is there", || {
            let states: Vec<_> = server.snapshot().peers.iter().map(|it| it.state).collect();
            states.iter().filter(|state| **state == "normal").count() == 2
        });
        ask(&mut server.connect(), &[b"PING"], b"+PONG\r\n");
    }
    ask(&mut servers[0].connect(), &[b"SET", b"k", b"v"], b"+OK\r\n");
    eventually("replicated", || {
        let mut stream = servers[1].connect();
        stream.write_all(&command(&[b"GET", b"k"])).unwrap();
        let mut got = [0; 5];
        stream.read_exact(&mut got).unwrap();
        &got == b"$1\r\nv"
    });
}
