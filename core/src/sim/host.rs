//! A machine with at most one running node.

use super::net::{LinkId, Site};
use super::scenario::{MS, Scenario};
use crate::consistency::Consistency;
use crate::dispatch::PeerState;
use crate::distribution::{DistributionKind, Token};
use crate::hash::HashKind;
use crate::ids::{ConnId, PeerId};
use crate::node::{HintConfig, Node, NodeConfig, Snapshot};
use crate::time::{Mono, Now};
use crate::topology::{PeerSpec, Topology};

/// Unix time at the start of every run.
const WALL_START_MS: u64 = 1_767_225_600_000;

/// A host and the connections of its node.
pub(super) struct Host {
    pub(super) index: usize,
    /// `None` while it is down.
    pub(super) node: Option<Box<Node>>,
    /// How often its node was started.
    pub(super) epoch: u32,
    /// It is down, and its machine does not even refuse connections.
    pub(super) silent: bool,
    /// It stands still until then.
    pub(super) frozen_until: u64,
    /// The times in which it stood still.
    pub(super) freezes: Vec<(u64, u64)>,
    pub(super) skew_ms: i64,
    /// When its next timer event is queued for.
    pub(super) timer_at: u64,
    ends: Vec<Option<(ConnId, LinkId, usize)>>,
    /// Dials under way, by peer.
    pub(super) dials: Vec<Option<LinkId>>,
}

impl Host {
    pub(super) fn new(index: usize, host_count: usize) -> Self {
        Self {
            index,
            node: None,
            epoch: 0,
            silent: false,
            frozen_until: 0,
            freezes: Vec::new(),
            skew_ms: 0,
            timer_at: u64::MAX,
            ends: Vec::new(),
            dials: vec![None; host_count],
        }
    }

    pub(super) fn site(&self) -> Site {
        Site::Host {
            host: self.index,
            epoch: self.epoch,
        }
    }

    pub(super) fn clock(&self, now: u64) -> Now {
        let wall_ms = (WALL_START_MS + now / MS).saturating_add_signed(self.skew_ms);
        Now {
            mono: Mono(now),
            wall_ms,
        }
    }

    /// Its node as an operator sees it; `None` while it is down.
    pub(super) fn snapshot(&self, now: u64) -> Option<Snapshot> {
        let node = self.node.as_ref()?;
        Some(node.snapshot(self.clock(now)))
    }

    /// Whether its node answers reads as far as it knows.
    pub(super) fn serves(&self) -> bool {
        let peer = PeerId(self.index as u16);
        let state = self.node.as_ref().map(|node| node.peer_state(peer));
        state == Some(PeerState::Normal)
    }

    pub(super) fn attach(&mut self, conn: ConnId, link: LinkId, side: usize) {
        let index = conn.index as usize;
        if self.ends.len() <= index {
            self.ends.resize(index + 1, None);
        }
        self.ends[index] = Some((conn, link, side));
    }

    pub(super) fn detach(&mut self, conn: ConnId) {
        self.ends[conn.index as usize] = None;
    }

    /// The link and side of a connection.
    pub(super) fn end_of(&self, conn: ConnId) -> Option<(LinkId, usize)> {
        let (known, link, side) = (*self.ends.get(conn.index as usize)?)?;
        (known == conn).then_some((link, side))
    }

    pub(super) fn conns(&self) -> Vec<ConnId> {
        self.ends.iter().flatten().map(|(conn, ..)| *conn).collect()
    }

    /// The process ends: its memory and its sockets are gone.
    pub(super) fn stop(&mut self) {
        self.node = None;
        self.epoch += 1;
        self.frozen_until = 0;
        self.timer_at = u64::MAX;
        self.ends.clear();
        self.dials.fill(None);
    }
}

/// The peers of a scenario's ring: a host's index is its peer id.
pub(super) fn specs(scenario: &Scenario) -> Vec<PeerSpec> {
    let shape = scenario.shape;
    let spec = |host: usize| {
        let place = (host % shape.hosts_per_rack) as u64;
        let token = place * (u64::from(u32::MAX) / shape.hosts_per_rack as u64) + 1;
        PeerSpec {
            name: format!("host{host}:1"),
            datacenter: format!("dc{}", shape.datacenter_of(host)),
            rack: format!("rack{}", shape.rack_of(host)),
            tokens: vec![Token::of_hash(token)],
            weight: 1,
        }
    };
    (0..shape.host_count()).map(spec).collect()
}

/// The ring as one host sees it.
pub(super) fn topology(specs: &[PeerSpec], host: usize) -> Topology {
    let hash = HashKind::by_name("murmur").expect("a hash of the table");
    let vnode = DistributionKind::by_name("vnode").expect("a distribution of the table");
    let local = &specs[host].name;
    let topology = Topology::build(specs.to_vec(), local, hash, vnode, None);
    let topology = topology.expect("a ring that can be built");
    assert_eq!(
        topology.local().index(),
        host,
        "hosts are in the order of peers"
    );
    topology
}

pub(super) fn node_config(scenario: &Scenario, host: &Host) -> NodeConfig {
    NodeConfig {
        seed: host.index as u64,
        incarnation: u64::from(host.epoch) + 1,
        request_timeout_ms: scenario.request_timeout_ms,
        heartbeat_ms: scenario.heartbeat_ms,
        peer_timeout_ms: scenario.peer_timeout_ms,
        strict_quorum: scenario.strict,
        sloppy_quorum: scenario.sloppy,
        client_queue_bytes_max: scenario.client_queue_bytes_max,
        hints: HintConfig {
            enabled: scenario.hints,
            bytes_max: scenario.hint_bytes_max,
            ..HintConfig::default()
        },
        read_consistency: scenario.read,
        write_consistency: scenario.write,
        ..NodeConfig::default()
    }
}

/// Whether a level asks for a majority at least.
pub(super) fn is_quorum(level: Consistency) -> bool {
    level != Consistency::DcOne
}
