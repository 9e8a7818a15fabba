//! The ring under test: nodes, the links between them, clients.
//!
//! A link is two queues of bytes, as the system's socket buffers are: what is sent to a frozen
//! process waits there until it thaws, and what was sent before a close arrives before it, unless
//! the link is broken on purpose.

mod wires;

use std::collections::VecDeque;
use std::io::IoSlice;

use super::*;
use crate::distribution::{DistributionKind, Token};
use crate::hash::HashKind;
use crate::ids::{ConnId, PeerId};
use crate::node::{Action, Role};
use crate::store::StateValue;
use crate::time::{Mono, Now};
use crate::topology::{PeerSpec, Topology};

/// Datacenter and rack of each node.
pub(in crate::node) type Places<'a> = &'a [(&'a str, &'a str)];

/// Some nodes, the links between them, and clients; the first of them one to each node.
pub(in crate::node) struct Ring {
    pub(in crate::node) nodes: Vec<Node>,
    pub(in crate::node) clients: Vec<Client>,
    pub(in crate::node) wires: Vec<Wire>,
    /// Stopped processes: their sockets take connections and bytes, nobody looks at them.
    pub(in crate::node) frozen: Vec<bool>,
    /// Processes that are gone: connections to them are refused.
    pub(in crate::node) dead: Vec<bool>,
    /// What each node's wall clock is ahead of the true one.
    pub(in crate::node) ahead_ms: Vec<u64>,
    /// Most bytes that a link between nodes carries in 10 ms.
    pub(in crate::node) link_bytes_max: usize,
    /// Bytes arrive in pieces of random sizes.
    pub(in crate::node) chopped: Option<Random>,
    pub(in crate::node) now: Now,
    pub(in crate::node) notices: Vec<(usize, Notice)>,
    /// Datacenter and rack of each node.
    pub(in crate::node) places: Vec<(String, String)>,
    pub(in crate::node) config: NodeConfig,
}

/// A client's connection and its driver.
pub(in crate::node) struct Client {
    pub(in crate::node) node: usize,
    pub(in crate::node) conn: ConnId,
    pub(in crate::node) open: bool,
    /// Takes its replies.
    pub(in crate::node) reading: bool,
    pub(in crate::node) received: Vec<u8>,
    unsent: VecDeque<u8>,
    ends: bool,
}

/// A connection between two nodes; the first end dialled.
pub(in crate::node) struct Wire {
    pub(in crate::node) ends: [End; 2],
}

pub(in crate::node) struct End {
    pub(in crate::node) node: usize,
    /// `None`: a frozen process has not accepted it yet.
    pub(in crate::node) conn: Option<ConnId>,
    /// Arrived and not read.
    inbox: VecDeque<u8>,
    /// The other end is closed.
    over: bool,
    /// This end is closed.
    closed: bool,
    /// Bytes that arrived here in total, and after how many the link breaks.
    arrived: usize,
    breaks_after: usize,
    /// Bytes that may still arrive in this step.
    share: usize,
    /// A bit of the byte after so many is turned over.
    pub(in crate::node) flips: Option<usize>,
}

impl End {
    /// Breaks the link once so many bytes more have arrived here.
    pub(in crate::node) fn break_after(&mut self, count: usize) {
        self.breaks_after = self.arrived + count;
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let Some(left) = self.flips else {
            return;
        };
        match bytes.get_mut(left) {
            Some(byte) => {
                *byte ^= 1 << (left % 8);
                self.flips = None;
            }
            None => self.flips = Some(left - bytes.len()),
        }
    }

    /// Bytes that nobody sent.
    pub(in crate::node) fn inject(&mut self, bytes: &[u8]) {
        self.inbox.extend(bytes);
    }
}

impl Client {
    /// Has bytes to send as soon as the node wants them.
    pub(in crate::node) fn push(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
    }
}

/// A small generator: the same seed gives the same story.
#[derive(Clone, Debug)]
pub(in crate::node) struct Random(pub(in crate::node) u64);

impl Random {
    pub(in crate::node) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(in crate::node) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

pub(in crate::node) fn name(index: usize) -> String {
    format!("127.0.0.{}:8101", index + 1)
}

/// The nodes of a rack share its keys evenly.
fn topology(places: &[(String, String)], local: usize) -> Topology {
    let rack_size = |place| places.iter().filter(|other| *other == place).count() as u64;
    let specs = places.iter().enumerate().map(|(index, place)| {
        let before = places[..index].iter().filter(|it| *it == place).count() as u64;
        let token = before * (u64::from(u32::MAX) / rack_size(place)) + index as u64;
        PeerSpec {
            name: name(index),
            datacenter: place.0.clone(),
            rack: place.1.clone(),
            tokens: vec![Token::parse(&token.to_string()).unwrap()],
            weight: 1,
        }
    });
    let hash = HashKind::by_name("murmur").unwrap();
    let distribution = DistributionKind::by_name("vnode").unwrap();
    Topology::build(specs.collect(), &name(local), hash, distribution, None).unwrap()
}

/// Making one, and looking at it.
impl Ring {
    /// Three racks of one node each.
    pub(in crate::node) fn three(config: &NodeConfig) -> Self {
        Self::new(&[("dc1", "r1"), ("dc1", "r2"), ("dc1", "r3")], config)
    }

    /// A ring that has found itself.
    pub(in crate::node) fn new(places: Places<'_>, config: &NodeConfig) -> Self {
        let mut ring = Self::cold(places, config);
        ring.pass_ms(300);
        ring
    }

    /// A ring whose nodes have just been started.
    pub(in crate::node) fn cold(places: Places<'_>, config: &NodeConfig) -> Self {
        let owned = |(dc, rack): &(&str, &str)| ((*dc).to_owned(), (*rack).to_owned());
        let places: Vec<(String, String)> = places.iter().map(owned).collect();
        let now = Now {
            mono: Mono(1_000_000_000),
            wall_ms: 1_800_000_000_000,
        };
        let count = places.len();
        let nodes = (0..count).map(|at| Node::new(config.clone(), topology(&places, at), now));
        let mut ring = Self {
            nodes: nodes.collect(),
            clients: Vec::new(),
            wires: Vec::new(),
            frozen: vec![false; count],
            dead: vec![false; count],
            ahead_ms: vec![0; count],
            link_bytes_max: usize::MAX,
            chopped: None,
            now,
            notices: Vec::new(),
            places,
            config: config.clone(),
        };
        for node in 0..count {
            ring.connect(node);
        }
        ring
    }

    pub(in crate::node) fn quorum() -> NodeConfig {
        Self::level(Consistency::DcQuorum)
    }

    /// Settings with that level for reads and writes.
    pub(in crate::node) fn level(level: Consistency) -> NodeConfig {
        NodeConfig {
            read_consistency: level,
            write_consistency: level,
            ..NodeConfig::default()
        }
    }

    pub(in crate::node) fn now_at(&self, node: usize) -> Now {
        Now {
            wall_ms: self.now.wall_ms + self.ahead_ms[node],
            ..self.now
        }
    }

    pub(in crate::node) fn id(&self, node: usize) -> PeerId {
        self.nodes[0].topology().peer_named(&name(node)).unwrap()
    }

    pub(in crate::node) fn node_of(&self, peer: PeerId) -> usize {
        let peer = &self.nodes[0].topology().peer(peer).name;
        (0..self.nodes.len()).find(|at| name(*at) == *peer).unwrap()
    }

    pub(in crate::node) fn state(&self, of: usize, seen_by: usize) -> PeerState {
        self.nodes[seen_by].peer_state(self.id(of))
    }

    /// The nodes that hold a key.
    pub(in crate::node) fn replicas(&self, key: &str) -> Vec<usize> {
        let replicas = self.nodes[0].topology().replicas(key.as_bytes());
        let mut nodes: Vec<usize> = replicas.iter().map(|it| self.node_of(it.peer)).collect();
        nodes.sort_unstable();
        nodes
    }

    /// A key that these nodes hold, and no other.
    pub(in crate::node) fn key_of(&self, nodes: &[usize]) -> String {
        let mut keys = (0..10_000).map(|number| format!("key{number}"));
        keys.find(|key| self.replicas(key) == nodes).unwrap()
    }

    /// What a node's own store says of a key: its value, `(deleted)` or `(unknown)`.
    pub(in crate::node) fn held(&self, node: usize, key: &str) -> String {
        let state = self.nodes[node]
            .store
            .state(key.as_bytes(), self.now_at(node).wall_ms);
        match state.map(|state| state.value) {
            None => "(unknown)".to_owned(),
            Some(StateValue::Tombstone) => "(deleted)".to_owned(),
            Some(StateValue::String(value)) => String::from_utf8(value.to_vec()).unwrap(),
            Some(StateValue::Collection(collection)) => format!("{collection:?}"),
        }
    }

    /// Value, expiry and version of a key on a node.
    pub(in crate::node) fn whole(&self, node: usize, key: &str) -> String {
        let state = self.nodes[node].store.state(key.as_bytes(), 0);
        format!("{state:?}")
    }

    /// All replicas of the key hold the same value, with the same version and expiry.
    #[track_caller]
    pub(in crate::node) fn assert_same(&self, key: &str) {
        let replicas = self.replicas(key);
        let first = self.whole(replicas[0], key);
        for node in &replicas[1..] {
            assert_eq!(first, self.whole(*node, key), "{key} on {node}");
        }
    }

    /// After some quiet time nothing may be left of any request.
    #[track_caller]
    pub(in crate::node) fn assert_nothing_left(&mut self) {
        self.pass_ms(6_000);
        for (index, node) in self.nodes.iter().enumerate() {
            let snapshot = node.snapshot(self.now);
            let left = (snapshot.flights, snapshot.split_commands, snapshot.fetches);
            assert_eq!(left, (0, 0, 0), "flights, splits, fetches of node {index}");
            for peer in &snapshot.peers {
                let left = (peer.inflight, peer.queued_bytes);
                assert_eq!(left, (0, 0), "node {index} to {}", peer.name);
            }
            for client in node.connections.clients() {
                assert_eq!((client.waiting(), client.paused), (0, false));
            }
        }
    }
}

/// Time and movement.
impl Ring {
    /// Lets time pass in small steps, everything moving in between.
    pub(in crate::node) fn pass_ms(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(10) {
            self.now = self.now.plus_ms(10);
            self.wires
                .retain(|wire| !wire.ends.iter().all(|end| end.closed));
            for wire in &mut self.wires {
                for end in &mut wire.ends {
                    end.share = self.link_bytes_max;
                }
            }
            for index in 0..self.nodes.len() {
                if self.runs(index) && self.nodes[index].next_timer() <= self.now.mono {
                    let now = self.now_at(index);
                    self.nodes[index].handle_tick(now);
                }
            }
            self.settle();
        }
    }

    fn runs(&self, node: usize) -> bool {
        !self.frozen[node] && !self.dead[node]
    }

    /// Moves bytes and carries out actions until nothing is left to do.
    pub(in crate::node) fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for index in 0..self.nodes.len() {
                if self.runs(index) {
                    moved |= self.drive(index);
                }
            }
        }
    }

    fn drive(&mut self, index: usize) -> bool {
        let mut moved = self.read_wires(index);
        for client in 0..self.clients.len() {
            moved |= self.clients[client].node == index && self.feed_client(client);
        }
        while let Some(notice) = self.nodes[index].poll_notice() {
            self.notices.push((index, notice));
        }
        while let Some(action) = self.nodes[index].poll_action() {
            moved = true;
            self.act(index, action);
        }
        // Everything is looked at: a link may have had no room before.
        while self.nodes[index].poll_dirty().is_some() {
            moved = true;
        }
        for client in 0..self.clients.len() {
            if self.clients[client].node == index {
                moved |= self.take_replies(client);
            }
        }
        for wire in 0..self.wires.len() {
            for side in 0..2 {
                if self.wires[wire].ends[side].node == index {
                    moved |= self.write_wire(wire, side);
                }
            }
        }
        moved
    }

    fn act(&mut self, index: usize, action: Action) {
        match action {
            Action::Connect(peer) => self.dial(index, peer),
            Action::Close(conn) | Action::Abort(conn) => {
                if let Some(client) = self.client_at(index, conn) {
                    if matches!(action, Action::Close(_)) {
                        self.take_replies(client);
                    }
                    self.drop_client(client);
                } else if let Some((wire, side)) = self.wire_at(index, conn) {
                    self.close_end(wire, side);
                }
            }
            Action::AbortConnect(_) | Action::ResumeRead(_) => {}
        }
    }

    /// One piece of what arrived, of random size when bytes are chopped.
    fn piece_len(&mut self, len: usize) -> usize {
        match &mut self.chopped {
            Some(random) if len > 1 => 1 + random.below(len.min(40)),
            _ => len,
        }
    }
}

/// Clients.
impl Ring {
    fn new_client(&mut self, node: usize) -> Client {
        let now = self.now_at(node);
        let conn = self.nodes[node].handle_open(Role::Client, now).unwrap();
        Client {
            node,
            conn,
            open: true,
            reading: true,
            received: Vec::new(),
            unsent: VecDeque::new(),
            ends: false,
        }
    }

    /// One more client of a node; its number.
    pub(in crate::node) fn connect(&mut self, node: usize) -> usize {
        let client = self.new_client(node);
        self.clients.push(client);
        self.clients.len() - 1
    }

    fn client_at(&self, node: usize, conn: ConnId) -> Option<usize> {
        let is = |client: &Client| client.open && client.node == node && client.conn == conn;
        self.clients.iter().position(is)
    }

    /// Gives the node what it wants to read of a client's bytes.
    fn feed_client(&mut self, client: usize) -> bool {
        let mut moved = false;
        loop {
            let Client { node, conn, .. } = self.clients[client];
            let now = self.now_at(node);
            if !self.clients[client].open || !self.nodes[node].wants_read(conn) {
                return moved;
            }
            let len = self.piece_len(self.clients[client].unsent.len());
            let known = &mut self.clients[client];
            if len > 0 {
                let bytes: Vec<u8> = known.unsent.drain(..len).collect();
                self.nodes[node].handle_bytes(conn, &bytes, now);
            } else if std::mem::take(&mut known.ends) {
                self.nodes[node].handle_eof(conn, now);
            } else {
                return moved;
            }
            moved = true;
        }
    }

    fn take_replies(&mut self, client: usize) -> bool {
        let known = &mut self.clients[client];
        if !(known.open && known.reading) {
            return false;
        }
        let (node, conn) = (known.node, known.conn);
        let bytes = sent(&mut self.nodes[node], conn, usize::MAX);
        known.received.extend_from_slice(&bytes);
        if !bytes.is_empty() && !self.nodes[node].wants_read(conn) {
            let now = self.now_at(node);
            self.nodes[node].handle_sent(conn, now);
        }
        !bytes.is_empty()
    }

    fn drop_client(&mut self, client: usize) {
        let Client { node, conn, .. } = self.clients[client];
        self.clients[client].open = false;
        let now = self.now_at(node);
        self.nodes[node].handle_close(conn, now);
    }

    /// The client goes away without waiting for anything.
    pub(in crate::node) fn hang_up(&mut self, client: usize) {
        self.drop_client(client);
        self.settle();
    }

    /// The client has nothing more to say, but reads on.
    pub(in crate::node) fn half_close(&mut self, client: usize) {
        self.clients[client].ends = true;
        self.settle();
    }

    /// Sends raw bytes on a client's connection.
    pub(in crate::node) fn send(&mut self, client: usize, bytes: impl AsRef<[u8]>) {
        self.clients[client].push(bytes.as_ref());
        self.settle();
    }

    /// Sends an inline command; what comes back once everything has settled.
    pub(in crate::node) fn ask(&mut self, client: usize, command: &str) -> String {
        self.send(client, format!("{command}\r\n"));
        self.take(client)
    }

    /// What a client received since the last look, with line ends as bars.
    pub(in crate::node) fn take(&mut self, client: usize) -> String {
        let bytes = std::mem::take(&mut self.clients[client].received);
        String::from_utf8(bytes).unwrap().replace("\r\n", "|")
    }
}

/// A request in RESP's array form.
pub(in crate::node) fn array(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len());
    for arg in args {
        bytes.push_str(&format!("${}\r\n{arg}\r\n", arg.len()));
    }
    bytes.into_bytes()
}

/// Takes up to `len_max` bytes from a connection's egress.
fn sent(node: &mut Node, conn: ConnId, len_max: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(egress) = node.egress(conn).filter(|egress| !egress.is_empty()) {
        if out.len() == len_max {
            break;
        }
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = egress.slices(&mut slices);
        let bytes = slices[..filled].iter().flat_map(|slice| slice.iter());
        let before = out.len();
        out.extend(bytes.take(len_max - before));
        egress.consume(out.len() - before);
    }
    out
}
