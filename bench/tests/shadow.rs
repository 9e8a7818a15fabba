//! `ringlab shadow` on a live ring: two `ringd` of one rack with both shadow keys set.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use redis::{Commands as _, Connection};
use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::HashKind;
use serde_json::{Value, json};

/// Longest wait for anything that should happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where the arcs of the two nodes end.
const TOKENS: [u32; 2] = [0, 1 << 31];
/// Set by `ci/test`: a program that is not there is an error then.
const ALL_WANTED: &str = "RINGLAB_ALL_SERVERS";

/// The workspace's own server, where it was built.
fn ringd() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_ringlab")).with_file_name("ringd");
    let found = std::env::var_os("RINGLAB_RINGD").map_or(beside, PathBuf::from);
    if found.exists() {
        return Some(found);
    }
    let wanted = std::env::var_os(ALL_WANTED).is_some();
    assert!(!wanted, "no ringd here, and {ALL_WANTED} is set");
    eprintln!("SKIPPED: no ringd here (`cargo build -p ringlab-server`), nothing tested");
    None
}

/// A node's addresses, and its process, which ends with it.
struct Node {
    client: SocketAddr,
    peer: SocketAddr,
    admin: SocketAddr,
    process: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Node {
    fn start(&mut self, program: &Path, file: &Path) {
        let mut process = Command::new(program)
            .arg("-c")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ringd was built");
        let mut ready = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        let read = BufReader::new(stdout).read_line(&mut ready);
        self.process = Some(process);
        read.expect("stdout is readable");
        assert!(ready.starts_with("ready "), "it said {ready:?}");
    }

    /// Whether it sees itself and the other one as normal.
    fn sees_all(&self) -> bool {
        let stats = page(self.admin, "/stats").and_then(|page| serde_json::from_str(&page).ok());
        let stats: Value = stats.unwrap_or_default();
        let peers = stats["peers"].as_array().map_or(&[][..], Vec::as_slice);
        peers.len() == 2 && peers.iter().all(|peer| peer["state"] == "normal")
    }

    fn connection(&self) -> Connection {
        let client = redis::Client::open(format!("redis://{}", self.client));
        let connection = client.expect("a URL").get_connection().expect("it accepts");
        let timeout = connection.set_read_timeout(Some(PATIENCE));
        timeout.expect("a timeout");
        connection
    }
}

fn page(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// Two nodes that see each other, on ports that were free, with the lines `shadow` in the files of both.
fn ring(program: &Path, shadow: &str) -> [Node; 2] {
    // Held until all are found, so that no two are the same.
    let held: Vec<_> = (0..6)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
        .collect();
    let place = |index: usize| held[index].local_addr().expect("it is bound");
    let mut nodes = [0, 3].map(|first| Node {
        client: place(first),
        peer: place(first + 1),
        admin: place(first + 2),
        process: None,
    });
    drop(held);
    let peers = [nodes[0].peer, nodes[1].peer];
    for (index, node) in nodes.iter_mut().enumerate() {
        let other = 1 - index;
        let yaml = format!(
            "dyn_o_mite:\n  listen: {}\n  dyn_listen: {}\n  stats_listen: {}\n  datacenter: dc1\n  \
             rack: r1\n  tokens: '{}'\n  hash: murmur\n  distribution: vnode\n{shadow}  \
             dyn_seeds:\n    - {}:r1:dc1:{}\n",
            node.client, node.peer, node.admin, TOKENS[index], peers[other], TOKENS[other]
        );
        let name = format!("shadow-{}.yml", node.peer.port());
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&file, yaml).expect("the target folder can be written");
        node.start(program, &file);
    }
    let began = Instant::now();
    while !nodes.iter().all(Node::sees_all) {
        assert!(began.elapsed() < PATIENCE, "they do not find each other");
        std::thread::sleep(Duration::from_millis(20));
    }
    nodes
}

fn shadow(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringlab"))
        .arg("shadow")
        .args(arguments)
        .output()
        .expect("ringlab was built")
}

fn table(nodes: &[Node; 2], hash: &str, distribution: &str) -> Box<dyn Distribution> {
    let claimants = [0, 1].map(|index| Claimant {
        name: nodes[index].peer.to_string(),
        tokens: vec![Token::of_hash(TOKENS[index].into())],
        weight: 1,
    });
    let hash = HashKind::by_name(hash).expect("in the table");
    let kind = DistributionKind::by_name(distribution).expect("in the table");
    kind.build(&claimants, hash).expect("it starts with this")
}

/// For each key, whether the shadow's table gives it the other node.
fn disagreements(nodes: &[Node; 2], keys: &[String]) -> Vec<bool> {
    let owners = |hash, distribution| {
        let table = table(nodes, hash, distribution);
        let hash = HashKind::by_name(hash).expect("in the table");
        let owners = keys
            .iter()
            .map(|key| table.owner(hash.hash(key.as_bytes())));
        owners.collect::<Vec<_>>()
    };
    let used = owners("murmur", "vnode");
    let other = owners("xxh3", "random_slicing");
    used.iter()
        .zip(other)
        .map(|(used, other)| *used != other)
        .collect()
}

/// D7: what the nodes count is what the two tables say of the keys that were asked for.
#[test]
fn a_live_ring_tells_what_its_shadow_would_move() {
    let Some(program) = ringd() else { return };
    let keys = "  hash_shadow: xxh3\n  distribution_shadow: random_slicing\n";
    let nodes = ring(&program, keys);
    let [first, second] = [0, 1].map(|index| nodes[index].admin.to_string());

    let quiet = shadow(&[&first, &second]);
    let text = String::from_utf8(quiet.stdout).expect("text");
    let error = String::from_utf8_lossy(&quiet.stderr);
    assert!(quiet.status.success(), "{error}");
    assert!(text.ends_with("since the nodes were started.\n"), "{text}");

    let keys: Vec<String> = (0..300).map(|number| format!("key-{number}")).collect();
    let moves = disagreements(&nodes, &keys);
    let count = |moves: &[bool]| moves.iter().filter(|moves| **moves).count() as u64;
    let mut connections = nodes.each_ref().map(Node::connection);
    for key in &keys {
        assert_eq!(connections[0].set(key, 1), Ok(()));
    }
    for key in &keys[..100] {
        assert_eq!(connections[1].get(key), Ok(1));
    }
    // Writes were asked of the first node, some reads of the second.
    let expected = [[300, count(&moves)], [100, count(&moves[..100])]];
    assert!(expected[0][1] > 100, "the tables differ for about half");

    let output = shadow(&[&first, &second, "--json"]);
    let reading: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let row = |name: &str, [evaluated, disagreed]: [u64; 2], stored: &Value| {
        json!({
            "node": name,
            "live": { "hash": "murmur", "distribution": "vnode" },
            "shadow": { "hash": "xxh3", "distribution": "random_slicing" },
            "evaluated": evaluated, "disagreed": disagreed,
            "copies": evaluated, "copies_moved": disagreed, "stored": stored,
        })
    };
    for (index, expected) in expected.iter().enumerate() {
        let told = &reading["nodes"][index];
        let name = nodes[index].peer.to_string();
        assert_eq!(*told, row(&name, *expected, &told["stored"]));
    }
    let total = [0, 1].map(|column| expected[0][column] + expected[1][column]);
    assert_eq!(reading["total"], row("total", total, &json!(300)));

    let output = shadow(&[&first, &second]);
    let text = String::from_utf8(output.stdout).expect("text");
    let moved = (300.0 * total[1] as f64 / total[0] as f64).round();
    let line = format!("Of 300 copies in the stores about {moved} would move");
    assert!(text.contains(&line), "{text}");
}

/// The remedy is in the message.
#[test]
fn a_ring_without_a_shadow_is_told_how_to_get_one() {
    let Some(program) = ringd() else { return };
    let nodes = ring(&program, "");
    let output = shadow(&[&nodes[0].admin.to_string()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{error}");
    let start = format!("error: no shadow is configured at {}; add", nodes[0].peer);
    assert!(error.starts_with(&start), "{error}");
}
