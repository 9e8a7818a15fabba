//! Nodes joined by buffers: real bytes, no sockets, time by hand.

mod ring;

use std::io::IoSlice;

use super::{Action, Node, NodeConfig, Notice, Role};
use crate::consistency::Consistency;
use crate::dispatch::PeerState;
use crate::distribution::{DistributionKind, Token};
use crate::hash::HashKind;
use crate::ids::ConnId;
use crate::time::{Mono, Now};
use crate::topology::{PeerSpec, Topology};

/// Some nodes, the links between them, and one client connection to each.
pub(super) struct Ring {
    pub(super) nodes: Vec<Node>,
    pub(super) clients: Vec<ConnId>,
    /// By node and connection: the node and connection at the other end.
    wires: Vec<((usize, ConnId), (usize, ConnId))>,
    pub(super) frozen: Vec<bool>,
    /// Most bytes that a link between nodes carries in 10 ms.
    pub(super) link_bytes_max: usize,
    /// Links with more to send than that.
    crowded: Vec<(usize, ConnId)>,
    pub(super) now: Now,
    pub(super) received: Vec<Vec<u8>>,
    pub(super) notices: Vec<(usize, Notice)>,
}

fn name(index: usize) -> String {
    format!("127.0.0.{}:8101", index + 1)
}

pub(super) fn topology(racks: &[(&str, &str)], local: usize) -> Topology {
    let specs = racks
        .iter()
        .enumerate()
        .map(|(index, (dc, rack))| PeerSpec {
            name: name(index),
            datacenter: (*dc).to_owned(),
            rack: (*rack).to_owned(),
            tokens: vec![Token::parse(&(index as u64 * 1_000_000_000).to_string()).unwrap()],
            weight: 1,
        });
    let hash = HashKind::by_name("murmur").unwrap();
    let distribution = DistributionKind::by_name("vnode").unwrap();
    Topology::build(specs.collect(), &name(local), hash, distribution, None).unwrap()
}

impl Ring {
    /// Three racks of one node each.
    pub(super) fn three(config: &NodeConfig) -> Self {
        Self::new(&[("dc1", "r1"), ("dc1", "r2"), ("dc1", "r3")], config)
    }

    pub(super) fn new(racks: &[(&str, &str)], config: &NodeConfig) -> Self {
        let now = Now {
            mono: Mono(1_000_000_000),
            wall_ms: 1_800_000_000_000,
        };
        let nodes =
            (0..racks.len()).map(|index| Node::new(config.clone(), topology(racks, index), now));
        let mut ring = Self {
            nodes: nodes.collect(),
            clients: Vec::new(),
            wires: Vec::new(),
            frozen: vec![false; racks.len()],
            link_bytes_max: usize::MAX,
            crowded: Vec::new(),
            now,
            received: vec![Vec::new(); racks.len()],
            notices: Vec::new(),
        };
        for index in 0..racks.len() {
            let client = ring.nodes[index].handle_open(Role::Client, now).unwrap();
            ring.clients.push(client);
        }
        ring.pass_ms(300);
        ring
    }

    pub(super) fn quorum() -> NodeConfig {
        NodeConfig {
            read_consistency: Consistency::DcQuorum,
            write_consistency: Consistency::DcQuorum,
            ..NodeConfig::default()
        }
    }

    /// Lets time pass in small steps, everything moving in between.
    pub(super) fn pass_ms(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(10) {
            self.now = self.now.plus_ms(10);
            for index in 0..self.nodes.len() {
                if !self.frozen[index] && self.nodes[index].next_timer() <= self.now.mono {
                    self.nodes[index].handle_tick(self.now);
                }
            }
            for (index, conn) in std::mem::take(&mut self.crowded) {
                self.carry(index, conn);
            }
            self.settle();
        }
    }

    /// Moves bytes and carries out actions until nothing is left to do.
    pub(super) fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for index in 0..self.nodes.len() {
                if !self.frozen[index] {
                    moved |= self.drive(index);
                }
            }
        }
    }

    fn drive(&mut self, index: usize) -> bool {
        let mut moved = false;
        while let Some(notice) = self.nodes[index].poll_notice() {
            self.notices.push((index, notice));
        }
        while let Some(action) = self.nodes[index].poll_action() {
            moved = true;
            self.act(index, action);
        }
        while let Some(conn) = self.nodes[index].poll_dirty() {
            moved = true;
            if conn == self.clients[index] {
                let bytes = sent(&mut self.nodes[index], conn, usize::MAX);
                self.received[index].extend_from_slice(&bytes);
            } else if !self.crowded.contains(&(index, conn)) {
                self.carry(index, conn);
            }
        }
        moved
    }

    /// Carries bytes over a link between nodes, the rest in the next step.
    fn carry(&mut self, index: usize, conn: ConnId) {
        let Some((node, other)) = self.other_end(index, conn) else {
            return;
        };
        let bytes = sent(&mut self.nodes[index], conn, self.link_bytes_max);
        let egress = self.nodes[index].egress(conn);
        if egress.is_some_and(|egress| !egress.is_empty()) {
            self.crowded.push((index, conn));
        }
        if self.frozen[node] {
            self.backlog(node, other, bytes);
        } else {
            self.nodes[node].handle_bytes(other, &bytes, self.now);
        }
    }

    fn backlog(&mut self, _node: usize, _other: ConnId, _bytes: Vec<u8>) {
        // What a frozen process has not read is lost with its connection: tests close it first.
    }

    fn other_end(&self, node: usize, conn: ConnId) -> Option<(usize, ConnId)> {
        self.wires.iter().find_map(|(a, b)| {
            if *a == (node, conn) {
                Some(*b)
            } else if *b == (node, conn) {
                Some(*a)
            } else {
                None
            }
        })
    }

    fn act(&mut self, index: usize, action: Action) {
        let now = self.now;
        match action {
            Action::Connect(peer) => {
                let other = self.nodes[index].topology().peer(peer).name.clone();
                let other = (0..self.nodes.len()).find(|at| name(*at) == other).unwrap();
                if self.frozen[other] {
                    return self.nodes[index].handle_connect_failed(peer, now);
                }
                let far = self.nodes[other].handle_open(Role::PeerIn, now).unwrap();
                let near = self.nodes[index]
                    .handle_open(Role::PeerOut(peer), now)
                    .unwrap();
                self.wires.push(((index, near), (other, far)));
            }
            Action::Close(conn) | Action::Abort(conn) => self.cut(index, conn),
            Action::AbortConnect(_) | Action::ResumeRead(_) => {}
        }
    }

    fn cut(&mut self, index: usize, conn: ConnId) {
        let other = self.other_end(index, conn);
        self.wires
            .retain(|(a, b)| *a != (index, conn) && *b != (index, conn));
        self.nodes[index].handle_close(conn, self.now);
        if let Some((node, far)) = other {
            self.nodes[node].handle_close(far, self.now);
        }
    }

    /// Sends an inline command to a node; what comes back once everything has settled.
    pub(super) fn ask(&mut self, index: usize, command: &str) -> String {
        let conn = self.clients[index];
        let line = format!("{command}\r\n");
        self.nodes[index].handle_bytes(conn, line.as_bytes(), self.now);
        self.settle();
        self.take(index)
    }

    pub(super) fn take(&mut self, index: usize) -> String {
        let bytes = std::mem::take(&mut self.received[index]);
        String::from_utf8(bytes).unwrap().replace("\r\n", "|")
    }

    pub(super) fn state(&self, of: usize, seen_by: usize) -> PeerState {
        let topology = self.nodes[seen_by].topology();
        let peer = topology.peer_named(&name(of)).unwrap();
        self.nodes[seen_by].peer_state(peer)
    }

    /// Starts a node again with an empty memory.
    pub(super) fn restart(&mut self, index: usize, racks: &[(&str, &str)], config: &NodeConfig) {
        let ends: Vec<ConnId> = self
            .wires
            .iter()
            .flat_map(|(a, b)| [*a, *b])
            .filter(|(node, _)| *node == index)
            .map(|(_, conn)| conn)
            .collect();
        for conn in ends {
            self.cut(index, conn);
        }
        let config = NodeConfig {
            incarnation: config.incarnation + 1,
            ..config.clone()
        };
        self.nodes[index] = Node::new(config, topology(racks, index), self.now);
        self.clients[index] = self.nodes[index]
            .handle_open(Role::Client, self.now)
            .unwrap();
        self.received[index].clear();
    }
}

fn sent(node: &mut Node, conn: ConnId, len_max: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(egress) = node.egress(conn).filter(|egress| !egress.is_empty()) {
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = egress.slices(&mut slices);
        let bytes = slices[..filled].iter().flat_map(|slice| slice.iter());
        let before = out.len();
        out.extend(bytes.take(len_max - before));
        egress.consume(out.len() - before);
        if out.len() == len_max {
            break;
        }
    }
    out
}
