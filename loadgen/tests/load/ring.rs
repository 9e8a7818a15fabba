//! `--check` on a ring of three `ringd` at quorum, one of which is killed and started again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringlab_loadgen::{CheckConfig, Marks, Quiet, RunConfig, run};

use crate::servers::{Folder, Process, free_port, missing, text};
use crate::support::shared;

/// The workspace's own server, where it was built.
fn ringd() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let beside = own.parent().and_then(Path::parent).unwrap().join("ringd");
    let named = std::env::var_os("RINGLAB_RINGD").map(PathBuf::from);
    let found = named.unwrap_or(beside);
    if !found.exists() {
        missing("ringd: `cargo build -p ringlab-server`");
        return None;
    }
    Some(found)
}

struct Node {
    config: PathBuf,
    client: u16,
    admin: u16,
    process: Option<Process>,
}

impl Node {
    fn start(&mut self, program: &Path) {
        let args = ["-c", text(&self.config)];
        self.process = Process::start(text(program), &args, self.client);
    }

    /// What it says of itself and of its peers.
    fn states(&self) -> Option<Vec<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let ask = b"GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        let (_, body) = page.split_once("\r\n\r\n")?;
        let stats: serde_json::Value = serde_json::from_str(body).ok()?;
        let peers = stats["peers"].as_array()?.iter();
        let states = peers.chain([&stats]).map(|peer| peer["state"].to_string());
        Some(states.collect())
    }
}

/// A ring of one node a rack, so that each has every key.
fn ring(folder: &Folder) -> Vec<Node> {
    let ports: Vec<[u16; 3]> = (0..3).map(|_| [(); 3].map(|()| free_port())).collect();
    let node = |(index, [client, peer, admin]): (usize, &[u16; 3])| {
        let seeds = ports
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let seeds: String = seeds
            .map(|(other, [_, peer, _])| format!("    - 127.0.0.1:{peer}:rack{other}:dc1:0\n"))
            .collect();
        let yaml = format!(
            "test:\n  listen: 127.0.0.1:{client}\n  dyn_listen: 127.0.0.1:{peer}\n  \
             stats_listen: 127.0.0.1:{admin}\n  datacenter: dc1\n  rack: rack{index}\n  \
             tokens: '0'\n  hash: murmur\n  distribution: vnode\n  read_consistency: DC_QUORUM\n  \
             write_consistency: DC_QUORUM\n  dyn_seeds:\n{seeds}"
        );
        Node {
            config: folder.write(&format!("n{index}.yml"), &yaml),
            client: *client,
            admin: *admin,
            process: None,
        }
    };
    ports.iter().enumerate().map(node).collect()
}

fn wait_until_normal(nodes: &[Node]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let normal = |node: &Node| {
        let states = node.states().unwrap_or_default();
        states.len() > 3 && states.iter().all(|state| state == "\"normal\"")
    };
    while !nodes.iter().all(normal) {
        let states: Vec<_> = nodes.iter().map(Node::states).collect();
        assert!(Instant::now() < deadline, "{states:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_ring_loses_nothing_while_a_node_is_killed_and_comes_back() {
    let _turn = shared();
    let Some(program) = ringd() else { return };
    let folder = Folder::new();
    let mut nodes = ring(&folder);
    for node in &mut nodes {
        node.start(&program);
    }
    wait_until_normal(&nodes);
    let commands = [
        "GET __key__ @6",
        "SET __key__ __value__ @3",
        "DEL __key__ @1",
    ];
    let mut config = RunConfig {
        endpoints: nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.client))
            .collect(),
        commands: commands.map(|text| text.parse().unwrap()).to_vec(),
        rate: Some(1500.0),
        seconds: Some(7.0),
        settle_seconds: 0.0,
        connections: 12,
        depth: 4,
        timeout_ms: Some(2000),
        preload: true,
        failures_allowed: 1.0,
        check: Some(CheckConfig {
            histories: 50,
            ..CheckConfig::default()
        }),
        ..RunConfig::default()
    };
    config.keys.count = 500;
    let report = std::thread::scope(|scope| {
        let nodes = &mut nodes;
        scope.spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            // The process is killed by SIGKILL as it is dropped.
            nodes[2].process = None;
            std::thread::sleep(Duration::from_secs(2));
            nodes[2].start(&program);
        });
        run(&config, &Marks::default(), &mut Quiet).unwrap()
    });
    let check = report.check.unwrap();
    let wrong: Vec<_> = check
        .faults
        .iter()
        .filter(|row| row.reads + row.keys_at_end > 0)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}: {:?}", report.failures);
    assert_eq!(check.keys_unread, 0, "{:?}", report.failures);
    assert!(
        check.reads > 5000 && check.writes_acknowledged > 2500,
        "{check:?}"
    );
    assert!(report.totals.disconnects >= 4, "{:?}", report.totals);
}
