//! A whole request through the node: bytes of a client in, bytes of its reply out. No sockets: the
//! nodes of a ring are joined by buffers.

use std::hint::black_box;
use std::io::IoSlice;

use ringlab_core::consistency::Consistency;
use ringlab_core::ids::ConnId;
use ringlab_core::node::{Action, Node, NodeConfig, Role};
use ringlab_core::time::Now;

use super::Suite;
use crate::case::{Case, Subject, Wrong};
use crate::fixtures::{NOW, key, request, ring_seen_from};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "node",
    question: "What does a whole request cost, without the kernel?",
    cases,
};

/// Time that the links and the catching up of a new ring are given.
const START_MS: u64 = 2_000;

fn cases() -> Vec<Case> {
    let get = || request(&[b"GET", &key(16)]);
    let set = || request(&[b"SET", &key(16), &[b'v'; 64]]);
    let value = || [b"$64\r\n", &[b'v'; 64][..], b"\r\n"].concat();
    let done = || b"+OK\r\n".to_vec();
    let case = |id: &str, racks: u32, depth: u64, exchange: (Vec<u8>, Vec<u8>)| {
        let case = Case::new(id, move || Requests::new(racks, depth, &exchange));
        case.operations(96).allocates_nothing()
    };
    vec![
        case("node/get/64B", 1, 1, (get(), value())),
        case("node/get/64B+depth-16", 1, 16, (get(), value())),
        case("node/set/64B", 1, 1, (set(), done())),
        case("node/set/64B+depth-16", 1, 16, (set(), done())),
        case("node/get-quorum/64B+3-racks", 3, 1, (get(), value())),
        case(
            "node/get-quorum/64B+3-racks+depth-16",
            3,
            16,
            (get(), value()),
        ),
        case("node/set-quorum/64B+3-racks", 3, 1, (set(), done())),
        case(
            "node/set-quorum/64B+3-racks+depth-16",
            3,
            16,
            (set(), done()),
        ),
    ]
}

/// One client's requests, `depth` of them at a time.
struct Requests {
    ring: Ring,
    depth: u64,
    request: Vec<u8>,
    /// What one request must be answered with.
    reply: Vec<u8>,
    answered_bytes: u64,
    asked: u64,
}

impl Requests {
    fn new(racks: u32, depth: u64, (request, reply): &(Vec<u8>, Vec<u8>)) -> Self {
        let mut ring = Ring::new(racks);
        ring.ask(&crate::fixtures::request(&[b"SET", &key(16), &[b'v'; 64]]));
        assert_eq!(ring.received, b"+OK\r\n", "the ring takes a write");
        Self {
            ring,
            depth,
            request: request.repeat(depth as usize),
            reply: reply.clone(),
            answered_bytes: 0,
            asked: 0,
        }
    }
}

impl Subject for Requests {
    /// Asks in whole batches, at least so many requests.
    fn run(&mut self, operations: u64) {
        (self.asked, self.answered_bytes) = (0, 0);
        while self.asked < operations {
            self.ring.ask(black_box(&self.request));
            self.asked += self.depth;
            self.answered_bytes += self.ring.received.len() as u64;
        }
    }

    fn check(&mut self) -> Result<(), Wrong> {
        let batch = self.reply.repeat(self.depth as usize);
        Wrong::unless_equal(&self.ring.received, &batch)?;
        Wrong::unless_equal(
            &self.answered_bytes,
            &(self.asked * self.reply.len() as u64),
        )
    }
}

/// Nodes of one datacenter, a rack each, with the links between them, and a client of the first.
struct Ring {
    nodes: Vec<Node>,
    client: ConnId,
    /// By node: its connections, and the node and connection at their other end.
    links: Vec<Vec<(ConnId, (usize, ConnId))>>,
    now: Now,
    /// What the client got for its last batch.
    received: Vec<u8>,
    /// Bytes on their way.
    moving: Vec<u8>,
}

impl Ring {
    fn new(racks: u32) -> Self {
        let config = NodeConfig {
            read_consistency: Consistency::DcQuorum,
            write_consistency: Consistency::DcQuorum,
            ..NodeConfig::default()
        };
        let topology = |rack| ring_seen_from(&format!("10.0.{rack}.0:8101"), (1, racks, 1));
        let node = |rack| Node::new(config.clone(), topology(rack), NOW);
        let mut nodes: Vec<Node> = (0..racks).map(node).collect();
        let client = nodes[0].handle_open(Role::Client, NOW);
        let mut ring = Self {
            links: vec![Vec::new(); nodes.len()],
            nodes,
            client: client.expect("the first client is let in"),
            now: NOW,
            received: Vec::new(),
            moving: Vec::new(),
        };
        for _ in 0..START_MS / 10 {
            ring.tick();
        }
        ring
    }

    fn tick(&mut self) {
        self.now = self.now.plus_ms(10);
        for node in &mut self.nodes {
            node.handle_tick(self.now);
        }
        self.settle();
    }

    /// Sends the client's bytes; what comes back is in `received`.
    fn ask(&mut self, bytes: &[u8]) {
        self.received.clear();
        self.nodes[0].handle_bytes(self.client, bytes, self.now);
        self.settle();
    }

    /// Moves bytes until there are none to move.
    fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for index in 0..self.nodes.len() {
                while let Some(action) = self.nodes[index].poll_action() {
                    self.act(index, action);
                    moved = true;
                }
                while let Some(conn) = self.nodes[index].poll_dirty() {
                    self.deliver(index, conn);
                    moved = true;
                }
                while self.nodes[index].poll_notice().is_some() {}
            }
        }
    }

    fn deliver(&mut self, index: usize, conn: ConnId) {
        let Some(egress) = self.nodes[index].egress(conn) else {
            return;
        };
        let to_client = index == 0 && conn == self.client;
        let into = if to_client {
            &mut self.received
        } else {
            &mut self.moving
        };
        while !egress.is_empty() {
            let before = into.len();
            let mut slices = [IoSlice::new(&[]); 4];
            let filled = egress.slices(&mut slices);
            slices[..filled]
                .iter()
                .for_each(|slice| into.extend_from_slice(slice));
            egress.consume(into.len() - before);
        }
        let link = self.links[index].iter().find(|(near, _)| *near == conn);
        if let Some((_, (node, far))) = link {
            self.nodes[*node].handle_bytes(*far, &self.moving, self.now);
        }
        self.moving.clear();
    }

    fn act(&mut self, index: usize, action: Action) {
        let Action::Connect(peer) = action else {
            return;
        };
        // Racks sort as their numbers do: a peer's id is its node's place.
        let other = peer.index();
        let open =
            |node: &mut Node, role| node.handle_open(role, self.now).expect("peers are let in");
        let far = open(&mut self.nodes[other], Role::PeerIn);
        let near = open(&mut self.nodes[index], Role::PeerOut(peer));
        self.links[index].push((near, (other, far)));
        self.links[other].push((far, (index, near)));
    }
}
