//! The straight line: strings the pure modules together behind one sans-IO seam.
//!
//! `handle_*` takes what happened (bytes, open, close, the passing of time), `poll_*` gives what is
//! to be done (connections with bytes to send, dials, closes, notices). The node reads no clock,
//! never blocks and does no I/O; a bad peer is an outcome, not an error. The reactor drives one
//! node per worker, the simulator many on virtual time, the benches some with buffers.
//!
//! ```text
//!  client.rs       bytes → requests → local execution, or launch
//!  parts.rs        several keys with several replica sets: split, put together
//!  fanout.rs       a flight: launched, fed, decided, delivered, settled
//!  peers.rs        links: dial, hello, heartbeat, requests and replies of peers
//!  handoff.rs      hints: kept, drained        repair.rs  read repair
//!  join.rs         catching up after a start   commands.rs  PING, HELLO, INFO, …
//! ```

mod client;
mod commands;
mod config;
mod connections;
mod errors;
mod events;
mod fanout;
mod handoff;
mod join;
mod parts;
mod peers;
mod repair;
mod report;
mod sabotage;
mod snapshot;
mod states;

use std::collections::VecDeque;

pub use crate::dispatch::BucketType;
pub use config::{HintConfig, NodeConfig};
pub use events::{Action, Notice, Role};
pub use sabotage::Sabotage;
pub use snapshot::{Counters, IoCounters, NoTargetsCount, PeerSnapshot, Snapshot};

use crate::buffers::BufferPool;
use crate::coalesce::Settings;
use crate::command::Command;
use crate::dispatch::{
    DispatchConfig, PeerState, Plan, PlanInput, RoutingTag, shadow_disagreement,
};
use crate::egress::Egress;
use crate::extension::Extension;
use crate::flight::Flights;
use crate::handoff::HintStore;
use crate::ids::{ConnId, PeerId};
use crate::limits::STRANGERS_MAX;
use crate::resp::RequestParser;
use crate::store::{Store, StoreConfig};
use crate::time::{Mono, Now};
use crate::topology::{ReplicaSet, Topology};
use crate::version::HybridClock;
use connections::{Client, Connection, Connections};
use join::Join;
use parts::Splits;
use peers::{Peer, RequestSent};
use repair::Fetch;

/// Longest pause between ticks, in milliseconds: expiry, deadlines and heartbeats are this exact.
const TICK_MS_MAX: u64 = 100;
/// Slots of the store that one tick may visit for expiry: about a millisecond when all are due.
const EXPIRY_KEYS_PER_TICK: usize = 20_000;

/// One node of a ring, or a node on its own.
pub struct Node {
    config: NodeConfig,
    topology: Topology,
    topology_fingerprint: u64,
    local: PeerId,
    /// No other peer: nothing is planned.
    alone: bool,
    rules: DispatchConfig,
    settings: Settings,
    sabotage: Sabotage,
    states: Vec<PeerState>,
    peers: Vec<Peer>,
    join: Option<Join>,
    clock: HybridClock,
    store: Store,
    extension: Option<Box<dyn Extension>>,
    connections: Connections,
    /// Links that others opened and on which no hello has come.
    strangers: usize,
    flights: Flights,
    splits: Splits,
    handoff: HintStore,
    /// Length of the reply this node gave itself last, as one of the replicas.
    own_reply_len: usize,
    fetches: Vec<Fetch>,
    fetch_id: u64,
    parser: RequestParser,
    pool: BufferPool,
    actions: VecDeque<Action>,
    notices: VecDeque<Notice>,
    resumed: Vec<ConnId>,
    timer_due: bool,
    draining: bool,
    started: Mono,
    ticked: Mono,
    counters: Counters,
    response_timeouts: [u64; 4],
    no_targets: [u64; 4],
}

impl Node {
    /// A node of that ring. With other racks in its datacenter it starts by catching up.
    #[must_use]
    pub fn new(config: NodeConfig, topology: Topology, now: Now) -> Self {
        let peer_count = topology.peers().len();
        let local = topology.local();
        let local_racks = topology.replica_count_in(topology.local_datacenter());
        let joins = local_racks > 1;
        let mut states = vec![PeerState::Unknown; peer_count];
        states[local.index()] = if joins {
            PeerState::Joining
        } else {
            PeerState::Normal
        };
        let store = Store::new(StoreConfig {
            seed: config.seed,
            keep_tombstones: topology.replica_count() > 1,
            gc_grace_ms: config.gc_grace_ms,
        });
        Self {
            topology_fingerprint: report::fingerprint(&topology),
            local,
            alone: peer_count == 1,
            rules: config.rules(),
            settings: Settings {
                strict_quorum: config.strict_quorum,
                sloppy_quorum: config.sloppy_quorum,
                sabotage: Default::default(),
            },
            sabotage: Sabotage::default(),
            states,
            peers: (0..peer_count).map(|_| Peer::new()).collect(),
            join: joins.then(|| Join::new(peer_count, now)),
            clock: HybridClock::new(local),
            store,
            extension: None,
            connections: Connections::default(),
            strangers: 0,
            flights: Flights::default(),
            splits: Splits::default(),
            handoff: HintStore::new(config.hints.limits(), peer_count),
            own_reply_len: 0,
            fetches: Vec::new(),
            fetch_id: 0,
            parser: RequestParser::default(),
            pool: BufferPool::default(),
            actions: VecDeque::new(),
            notices: VecDeque::new(),
            resumed: Vec::new(),
            timer_due: peer_count > 1,
            draining: false,
            started: now.mono,
            ticked: now.mono,
            counters: Counters::default(),
            response_timeouts: [0; 4],
            no_targets: [0; 4],
            config,
            topology,
        }
    }

    /// Adds an embedder's commands (D2).
    #[must_use]
    pub fn with_extension(mut self, extension: Box<dyn Extension>) -> Self {
        self.extension = Some(extension);
        self
    }

    /// Breaks a rule on purpose: the simulator shows that its checkers see it.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn sabotaged(mut self, sabotage: Sabotage) -> Self {
        self.settings.sabotage = sabotage.votes;
        let limits = crate::handoff::Limits {
            sabotage: sabotage.hints,
            ..self.config.hints.limits()
        };
        self.handoff = HintStore::new(limits, self.peers.len());
        self.sabotage = sabotage;
        self
    }

    /// A connection was accepted, or a dial succeeded. `None`: refused, close it.
    pub fn handle_open(&mut self, role: Role, now: Now) -> Option<ConnId> {
        match role {
            Role::PeerIn if self.strangers >= STRANGERS_MAX => {
                self.counters.peer_refused_total += 1;
                None
            }
            Role::PeerIn => {
                self.strangers += 1;
                Some(self.link_opened(None, now))
            }
            Role::PeerOut(peer) => Some(self.link_opened(Some(peer), now)),
            Role::Client => {
                let full = self.connections.client_count() >= self.config.client_connections_max;
                if full || self.draining {
                    self.counters.client_refused_total += 1;
                    return None;
                }
                self.counters.client_connections_total += 1;
                let open = |id| Connection::Client(Box::new(Client::new(id, now.mono)));
                Some(self.connections.open(open))
            }
        }
    }

    /// Bytes arrived, in any pieces.
    pub fn handle_bytes(&mut self, conn: ConnId, bytes: &[u8], now: Now) {
        match self.connections.get(conn) {
            Some(Connection::Client(_)) => self.client_bytes(conn, bytes, now),
            Some(Connection::Link(_)) => self.link_bytes(conn, bytes, now),
            _ => {}
        }
        self.resume(now);
    }

    /// The other end of a client's connection sends nothing more but may still read: what it asked
    /// is answered, then [`Action::Close`] comes.
    pub fn handle_eof(&mut self, conn: ConnId, _now: Now) {
        self.end_input(conn);
    }

    /// Bytes of a connection's egress were sent while [`wants_read`](Self::wants_read) was false:
    /// if it had too many replies unread, its waiting requests may go on.
    pub fn handle_sent(&mut self, conn: ConnId, now: Now) {
        match self.connections.get(conn) {
            Some(Connection::Client(_)) => self.unpause(conn),
            Some(Connection::Link(_)) => self.link_sent(conn, now),
            _ => {}
        }
        self.resume(now);
    }

    /// The connection is gone, whoever closed it.
    pub fn handle_close(&mut self, conn: ConnId, now: Now) {
        if let Connection::Link(link) = self.connections.close(conn) {
            self.link_closed(&link, now);
        }
        self.resume(now);
    }

    /// A dial asked for by [`Action::Connect`] failed.
    pub fn handle_connect_failed(&mut self, peer: PeerId, now: Now) {
        self.dial_failed(peer, now);
        self.resume(now);
    }

    /// Time passed; to be called at [`next_timer`](Self::next_timer) at the latest.
    pub fn handle_tick(&mut self, now: Now) {
        let late_ms = now.mono.since_ms(self.ticked).saturating_sub(TICK_MS_MAX);
        self.connections.forgive_silence(late_ms, now.mono);
        self.timer_due = false;
        self.ticked = now.mono;
        self.store.tick(now.wall_ms, EXPIRY_KEYS_PER_TICK);
        self.fail_due(now);
        self.close_slow_readers(now);
        if !self.alone {
            self.links_tick(now);
            self.forget_fetches(now);
            self.join_watch(now);
            self.handoff.sweep(now);
            self.drain_all(now);
        }
        self.resume(now);
    }

    /// Works on input that waited until fewer requests were in flight.
    fn resume(&mut self, now: Now) {
        while let Some(conn) = self.resumed.pop() {
            self.client_bytes(conn, &[], now);
            if self.wants_read(conn) {
                self.actions.push_back(Action::ResumeRead(conn));
            }
        }
    }

    /// What the driver must do next, until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next connection with bytes to send, each once; `None` when there is no other.
    pub fn poll_dirty(&mut self) -> Option<ConnId> {
        self.connections.next_dirty()
    }

    /// The bytes that wait to be sent on a connection.
    pub fn egress(&mut self, conn: ConnId) -> Option<&mut Egress> {
        self.connections.egress(conn)
    }

    /// Whether the connection's input should be read now.
    #[must_use]
    pub fn wants_read(&self, conn: ConnId) -> bool {
        match self.connections.get(conn) {
            Some(Connection::Client(client)) => !(client.paused || client.ending || client.closing),
            Some(Connection::Link(link)) => !link.paused,
            _ => false,
        }
    }

    /// When [`handle_tick`](Self::handle_tick) wants to be called.
    #[must_use]
    pub fn next_timer(&self) -> Mono {
        if self.timer_due {
            return self.ticked;
        }
        self.ticked
            .plus_ms(TICK_MS_MAX.min(self.config.heartbeat_ms / 2).max(1))
    }

    /// Something for the log, until `None`.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Begins a graceful stop: no new clients, no new requests; what was received is answered.
    pub fn drain(&mut self, now: Now) {
        self.draining = true;
        self.ping_all(now);
        let clients: Vec<ConnId> = self.connections.client_ids().collect();
        for conn in clients {
            self.end_input(conn);
        }
    }

    /// Takes nothing more from a client; what was received is answered before it is closed.
    fn end_input(&mut self, conn: ConnId) {
        if let Some(client) = self.connections.client(conn) {
            client.ending = true;
            client.closing |= !client.paused;
        }
        self.client_advanced(conn);
    }

    /// Whether every client was answered and is gone.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.draining && self.connections.client_count() == 0
    }

    /// The ring's tables.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// How this node sees a peer.
    #[must_use]
    pub fn peer_state(&self, peer: PeerId) -> PeerState {
        if peer == self.local {
            self.own_state()
        } else {
            self.states[peer.index()]
        }
    }

    /// What this node tells others of itself. To its planner it stays what it was when it leaves.
    fn own_state(&self) -> PeerState {
        if self.draining {
            PeerState::Leaving
        } else {
            self.states[self.local.index()]
        }
    }

    /// The keys of this node.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Levels that hold from now on.
    pub fn set_consistency(
        &mut self,
        read: crate::consistency::Consistency,
        write: crate::consistency::Consistency,
    ) {
        self.config.read_consistency = read;
        self.config.write_consistency = write;
        self.rules = self.config.rules();
    }

    /// The plan for one key.
    fn plan(&mut self, command: &Command, key: &[u8]) -> Plan {
        let input = PlanInput {
            key: Some(key),
            access: command.access,
            tag: RoutingTag::Default,
            quit: false,
        };
        self.watch_shadow(key);
        crate::dispatch::plan(&input, &self.topology, &self.states, &self.rules)
    }

    /// D7: what the shadow placing would have chosen is compared, never used.
    fn watch_shadow(&mut self, key: &[u8]) {
        let Some(shadow) = self.topology.shadow() else {
            return;
        };
        self.counters.shadow_evaluations_total += 1;
        let Some(differ) = shadow_disagreement(&self.topology, key) else {
            return;
        };
        let used = self.topology.placement();
        let by_hash = u64::from(shadow.hash != used.hash);
        let by_distribution = u64::from(shadow.distribution != used.distribution);
        self.counters.hash_shadow_disagreement_total += by_hash;
        self.counters.distribution_shadow_disagreement_total += by_distribution;
        self.counters.shadow_moved_copies_total += differ.moved() as u64;
        if self.notices.is_empty() {
            let peers = |set: &ReplicaSet| set.iter().map(|replica| replica.peer).collect();
            self.notices.push_back(Notice::ShadowDisagrees {
                chosen: peers(&differ.chosen),
                shadow: peers(&differ.shadow),
            });
        }
    }
}

#[cfg(test)]
mod tests;
