//! The event loop of a run: virtual time, hosts, connections.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::IoSlice;

use super::check::{Check, Violation};
use super::client::{Client, Keys};
use super::history::{History, OpId};
use super::host::{self, Host};
use super::net::{Link, LinkId, Network, Site};
use super::planted::Planted;
use super::rng::Rng;
use super::scenario::{MS, Scenario};
use super::trace::Trace;
use crate::ids::{ConnId, PeerId};
use crate::node::{Action, Node, Role};
use crate::time::Now;
use crate::topology::PeerSpec;

/// Shortest time between two timer events of a host.
const TIMER_PAUSE: u64 = MS / 100;
/// Spare buffers kept.
const SPARE_MAX: usize = 256;

/// Something that happens at a point in time.
#[derive(Debug)]
pub(super) enum Event {
    /// A dial arrives at the host dialled.
    Dialled {
        link: LinkId,
        peer: usize,
    },
    /// The host dialled takes the connection up.
    Accept(LinkId),
    /// The dialler learns that it is connected.
    Connected(LinkId),
    /// The dialler learns that it is not.
    Refused(LinkId),
    Bytes {
        link: LinkId,
        to: usize,
        bytes: Vec<u8>,
    },
    /// The other end sends nothing more, but still reads.
    HalfClosed {
        link: LinkId,
        to: usize,
    },
    /// A client's paused connection was written to.
    Sent {
        host: usize,
        epoch: u32,
        conn: ConnId,
    },
    Closed {
        link: LinkId,
        to: usize,
    },
    Timer {
        host: usize,
        epoch: u32,
    },
    /// A client may do something.
    Turn(usize),
    /// The fault of that index begins.
    Fault(usize),
    Thaw {
        host: usize,
        epoch: u32,
    },
    Restart(usize),
    /// Time to look at everything.
    Observe,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    serial: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.serial) == (other.at, other.serial)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Clients ask and things go wrong.
    Busy,
    /// All is healed since then: the ring settles.
    Quiet { since: u64 },
    /// Every key is read: that many rounds follow.
    Reading { more: u32, since: u64 },
    /// The end; when the last round of reads began.
    Over { last_reads: u64 },
}

/// One run.
pub(super) struct World {
    pub(super) scenario: Scenario,
    pub(super) now: u64,
    pub(super) rng: Rng,
    pub(super) stage: Stage,
    pub(super) hosts: Vec<Host>,
    pub(super) links: Vec<Link>,
    pub(super) network: Network,
    pub(super) clients: Vec<Client>,
    pub(super) keys: Keys,
    pub(super) history: History,
    pub(super) check: Check,
    pub(super) trace: Trace,
    pub(super) event_count: u64,
    pub(super) ended: Vec<OpId>,
    planted: Planted,
    specs: Vec<PeerSpec>,
    queue: BinaryHeap<Reverse<Entry>>,
    serial: u64,
    spare: Vec<Vec<u8>>,
}

impl World {
    pub(super) fn new(seed: u64, planted: Planted, verbose: bool) -> Self {
        let mut rng = Rng::new(seed);
        let mut scenario = Scenario::new(&mut rng);
        planted.adapt(&mut scenario);
        let host_count = scenario.shape.host_count();
        let keys = Keys::new(&scenario, &mut rng);
        Self {
            now: 0,
            stage: Stage::Busy,
            hosts: (0..host_count)
                .map(|index| Host::new(index, host_count))
                .collect(),
            links: Vec::new(),
            network: Network::new(&scenario),
            clients: Vec::new(),
            check: Check::new(&scenario),
            history: History::default(),
            trace: Trace::new(verbose),
            event_count: 0,
            ended: Vec::new(),
            planted,
            specs: host::specs(&scenario),
            queue: BinaryHeap::new(),
            serial: 0,
            spare: Vec::new(),
            keys,
            rng,
            scenario,
        }
    }

    pub(super) fn push(&mut self, at: u64, event: Event) {
        self.serial += 1;
        let serial = self.serial;
        self.queue.push(Reverse(Entry { at, serial, event }));
    }

    /// Lets the next thing happen; `false` when nothing is left.
    pub(super) fn step(&mut self) -> bool {
        let Some(Reverse(entry)) = self.queue.pop() else {
            return false;
        };
        debug_assert!(entry.at >= self.now, "time goes on");
        self.now = entry.at;
        if let Some(thaw) = self.frozen(&entry.event) {
            // It keeps its serial, so that streams keep their order.
            self.queue.push(Reverse(Entry { at: thaw, ..entry }));
            return true;
        }
        self.event_count += 1;
        self.trace.number(entry.at);
        self.happen(entry.event);
        true
    }

    /// Until when an event must wait because its host stands still or its client does not read.
    fn frozen(&self, event: &Event) -> Option<u64> {
        let site = match event {
            Event::Accept(link) => self.links[*link].ends[1].site,
            Event::Connected(link) | Event::Refused(link) => self.links[*link].ends[0].site,
            Event::Bytes { link, to, .. }
            | Event::HalfClosed { link, to }
            | Event::Closed { link, to } => self.links[*link].ends[*to].site,
            Event::Timer { host, epoch } | Event::Sent { host, epoch, .. } => Site::Host {
                host: *host,
                epoch: *epoch,
            },
            _ => return None,
        };
        let until = match site {
            Site::Host { host, epoch } => {
                let host = &self.hosts[host];
                if host.epoch == epoch {
                    host.frozen_until
                } else {
                    0
                }
            }
            Site::Client(client) => self.clients[client].lazy_until,
        };
        (until > self.now).then_some(until)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Bytes { link, to, bytes } => self.arrive(link, to, bytes),
            Event::Timer { host, epoch } => self.tick(host, epoch),
            Event::Turn(client) => self.turn(client),
            Event::Closed { link, to } => self.closed(link, to),
            Event::HalfClosed { link, to } => self.half_closed(link, to),
            Event::Sent { host, epoch, conn } => self.sent(host, epoch, conn),
            Event::Dialled { link, peer } => self.dialled(link, peer),
            Event::Accept(link) => self.accept(link),
            Event::Connected(link) => self.connected(link),
            Event::Refused(link) => self.refused(link),
            Event::Fault(index) => self.begin_fault(index),
            Event::Thaw { host, epoch } => self.thaw(host, epoch),
            Event::Restart(host) => self.restart(host),
            Event::Observe => self.observe(),
        }
    }

    pub(super) fn violation(&mut self, rule: &'static str, what: String) {
        self.trace
            .line(self.now, format_args!("VIOLATION of {rule}: {what}"));
        let at = self.now;
        self.check.violations.push(Violation { rule, what, at });
    }
}

/// Driving the nodes.
impl World {
    /// Starts a host's node with an empty memory.
    pub(super) fn start(&mut self, host: usize) {
        let config = host::node_config(&self.scenario, &self.hosts[host]);
        let topology = host::topology(&self.specs, host);
        let now = self.hosts[host].clock(self.now);
        let node = Node::new(config, topology, now);
        let node = self.planted.plant(node);
        self.hosts[host].node = Some(Box::new(node));
        self.trace.line(self.now, format_args!("host{host} starts"));
        self.drive(host);
    }

    /// Gives the node of a running host something to handle, then does what it asks for.
    fn handle<T>(&mut self, host: usize, work: impl FnOnce(&mut Node, Now) -> T) -> Option<T> {
        let now = self.hosts[host].clock(self.now);
        let node = self.hosts[host].node.as_mut()?;
        let result = work(node, now);
        self.drive(host);
        Some(result)
    }

    pub(super) fn drive(&mut self, host: usize) {
        loop {
            let Some(node) = &mut self.hosts[host].node else {
                return;
            };
            if let Some(action) = node.poll_action() {
                self.act(host, action);
            } else if let Some(conn) = node.poll_dirty() {
                self.send(host, conn, self.scenario.window);
            } else {
                break;
            }
        }
        let Some(node) = &mut self.hosts[host].node else {
            return;
        };
        while let Some(notice) = node.poll_notice() {
            self.trace
                .line(self.now, format_args!("host{host} notes {notice:?}"));
        }
        let wanted = node.next_timer().0.max(self.now + TIMER_PAUSE);
        if wanted < self.hosts[host].timer_at {
            self.hosts[host].timer_at = wanted;
            let epoch = self.hosts[host].epoch;
            self.push(wanted, Event::Timer { host, epoch });
        }
    }

    fn tick(&mut self, host: usize, epoch: u32) {
        let known = &mut self.hosts[host];
        if known.epoch != epoch || known.timer_at > self.now {
            return;
        }
        known.timer_at = u64::MAX;
        let now = known.clock(self.now);
        if let Some(node) = &mut known.node
            && node.next_timer() <= now.mono
        {
            node.handle_tick(now);
        }
        self.drive(host);
    }

    fn act(&mut self, host: usize, action: Action) {
        match action {
            Action::Connect(peer) => self.dial(host, peer),
            Action::AbortConnect(peer) => {
                if let Some(link) = self.hosts[host].dials[peer.index()].take() {
                    self.let_go(link, 0);
                }
            }
            Action::Close(conn) => {
                self.send(host, conn, usize::MAX);
                self.close(host, conn);
            }
            Action::Abort(conn) => {
                let end = self.hosts[host].end_of(conn);
                if let Some((link, side)) = end
                    && let Site::Client(client) = self.links[link].ends[1 - side].site
                {
                    // It did not take its replies as fast as it asked: the node may close it.
                    self.clients[client].was_lazy = true;
                }
                self.close(host, conn);
            }
            Action::ResumeRead(conn) => self.resume(host, conn),
        }
    }

    /// The node's own close of a connection.
    fn close(&mut self, host: usize, conn: ConnId) {
        let Some((link, side)) = self.hosts[host].end_of(conn) else {
            return;
        };
        self.hosts[host].detach(conn);
        self.let_go(link, side);
        let now = self.hosts[host].clock(self.now);
        if let Some(node) = &mut self.hosts[host].node {
            node.handle_close(conn, now);
        }
    }

    /// One end closes; the other learns of it after what was sent before.
    pub(super) fn let_go(&mut self, link: LinkId, side: usize) {
        if !std::mem::take(&mut self.links[link].ends[side].open) {
            return;
        }
        let to = 1 - side;
        let at = self.travel(link, to);
        self.push(at, Event::Closed { link, to });
    }

    pub(super) fn travel(&mut self, link: LinkId, to: usize) -> u64 {
        self.network
            .in_order(&mut self.links[link], to, self.now, &mut self.rng)
    }

    /// Sends what a connection's egress holds, as far as the window allows.
    pub(super) fn send(&mut self, host: usize, conn: ConnId, window: usize) {
        let Some((link, side)) = self.hosts[host].end_of(conn) else {
            return;
        };
        let to = 1 - side;
        let room = window.saturating_sub(self.links[link].ends[to].under_way);
        let mut bytes = self.spare.pop().unwrap_or_default();
        if let Some(node) = &mut self.hosts[host].node
            && let Some(egress) = node.egress(conn)
        {
            while bytes.len() < room && !egress.is_empty() {
                let mut slices = [IoSlice::new(&[]); 4];
                let filled = egress.slices(&mut slices);
                let first = &slices[..filled.min(1)].first();
                let Some(slice) = first else {
                    break;
                };
                let count = slice.len().min(room - bytes.len());
                bytes.extend_from_slice(&slice[..count]);
                egress.consume(count);
            }
            let unsent = egress.len();
            if let Site::Client(_) = self.links[link].ends[to].site {
                self.check.client_queue(unsent);
            }
        }
        if bytes.is_empty() {
            return self.recycle(bytes);
        }
        self.transmit(link, to, bytes);
        let paused = |node: &Node| !node.wants_read(conn);
        if self.hosts[host].node.as_deref().is_some_and(paused) {
            let epoch = self.hosts[host].epoch;
            self.push(self.now, Event::Sent { host, epoch, conn });
        }
    }

    fn sent(&mut self, host: usize, epoch: u32, conn: ConnId) {
        if self.hosts[host].epoch == epoch && self.hosts[host].end_of(conn).is_some() {
            self.handle(host, |node, now| node.handle_sent(conn, now));
        }
    }

    /// Puts bytes on their way.
    pub(super) fn transmit(&mut self, link: LinkId, to: usize, bytes: Vec<u8>) {
        self.links[link].ends[to].under_way += bytes.len();
        let at = self.travel(link, to);
        self.push(at, Event::Bytes { link, to, bytes });
    }

    pub(super) fn recycle(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE_MAX {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }
}

/// Connections between hosts, and bytes on them.
impl World {
    fn dial(&mut self, host: usize, peer: PeerId) {
        let target = peer.index();
        let link = self.links.len();
        let listener = self.hosts[target].site();
        self.links
            .push(Link::new(self.hosts[host].site(), listener));
        self.hosts[host].dials[target] = Some(link);
        let at = self.travel(link, 1);
        self.push(at, Event::Dialled { link, peer: target });
    }

    fn dialled(&mut self, link: LinkId, target: usize) {
        if !self.links[link].ends[0].open || self.links[link].broken {
            return;
        }
        self.links[link].ends[1].site = self.hosts[target].site();
        if self.hosts[target].node.is_none() {
            self.links[link].ends[1].open = false;
            if !self.hosts[target].silent {
                let at = self.travel(link, 0);
                self.push(at, Event::Refused(link));
            }
            return;
        }
        let at = self.travel(link, 0);
        self.push(at, Event::Connected(link));
        self.push(self.now, Event::Accept(link));
    }

    fn accept(&mut self, link: LinkId) {
        let role = match self.links[link].ends[0].site {
            Site::Client(_) => Role::Client,
            Site::Host { .. } => Role::PeerIn,
        };
        if self.links[link].ends[1].open {
            self.open(link, 1, role);
        }
    }

    fn connected(&mut self, link: LinkId) {
        if let Some(peer) = self.dial_of(link) {
            self.open(link, 0, Role::PeerOut(peer));
        }
    }

    fn refused(&mut self, link: LinkId) {
        if let Some(peer) = self.dial_of(link)
            && let Site::Host { host, .. } = self.links[link].ends[0].site
        {
            self.links[link].ends[0].open = false;
            self.handle(host, |node, now| node.handle_connect_failed(peer, now));
        }
    }

    /// The peer of a dial that is still wanted; it is no dial any more.
    fn dial_of(&mut self, link: LinkId) -> Option<PeerId> {
        let end = &self.links[link].ends[0];
        let Site::Host { host, epoch } = end.site else {
            return None;
        };
        if !end.open || self.hosts[host].epoch != epoch {
            return None;
        }
        let mut dials = self.hosts[host].dials.iter();
        let peer = dials.position(|dial| *dial == Some(link))?;
        self.hosts[host].dials[peer] = None;
        Some(PeerId(peer as u16))
    }

    /// Tells a host's node of its end of a connection.
    pub(super) fn open(&mut self, link: LinkId, side: usize, role: Role) {
        let Site::Host { host, epoch } = self.links[link].ends[side].site else {
            return;
        };
        if self.hosts[host].epoch != epoch {
            return;
        }
        let now = self.hosts[host].clock(self.now);
        let Some(node) = &mut self.hosts[host].node else {
            return;
        };
        match node.handle_open(role, now) {
            Some(conn) => {
                self.links[link].ends[side].conn = Some(conn);
                self.hosts[host].attach(conn, link, side);
            }
            None => self.let_go(link, side),
        }
        self.drive(host);
    }

    fn arrive(&mut self, link: LinkId, to: usize, bytes: Vec<u8>) {
        let end = &mut self.links[link].ends[to];
        end.under_way -= bytes.len();
        if !end.open || self.links[link].broken {
            return self.recycle(bytes);
        }
        self.trace.number((link * 2 + to) as u64);
        self.trace.bytes(&bytes);
        match self.links[link].ends[to].site {
            Site::Client(client) => self.client_reads(client, &bytes),
            Site::Host { host, epoch } if self.hosts[host].epoch == epoch => {
                self.show(link, to, &bytes);
                self.host_reads(host, link, to, &bytes);
            }
            Site::Host { .. } => {}
        }
        self.recycle(bytes);
        self.refill(link, 1 - to);
    }

    /// The window has room again: the sender goes on.
    fn refill(&mut self, link: LinkId, side: usize) {
        let end = &self.links[link].ends[side];
        let (Site::Host { host, epoch }, Some(conn), true) = (end.site, end.conn, end.open) else {
            return;
        };
        let host_now = &self.hosts[host];
        if host_now.epoch == epoch && host_now.frozen_until <= self.now {
            self.send(host, conn, self.scenario.window);
        }
    }

    fn host_reads(&mut self, host: usize, link: LinkId, to: usize, bytes: &[u8]) {
        let end = &mut self.links[link].ends[to];
        let (Some(conn), Some(node)) = (end.conn, &self.hosts[host].node) else {
            return;
        };
        if !end.held.is_empty() || !node.wants_read(conn) {
            end.held.extend_from_slice(bytes);
            return;
        }
        self.feed(host, conn, bytes);
    }

    /// Hands bytes to a node, sometimes in pieces.
    fn feed(&mut self, host: usize, conn: ConnId, bytes: &[u8]) {
        let mut rest = bytes;
        let percent = self.scenario.pieces_percent;
        while percent > 0 && rest.len() > 1 && self.rng.chance(percent) {
            let (piece, after) = rest.split_at(1 + self.rng.index(rest.len() - 1));
            self.handle(host, |node, now| node.handle_bytes(conn, piece, now));
            rest = after;
        }
        if self.hosts[host].end_of(conn).is_some() {
            self.handle(host, |node, now| node.handle_bytes(conn, rest, now));
        }
    }

    fn resume(&mut self, host: usize, conn: ConnId) {
        let Some((link, side)) = self.hosts[host].end_of(conn) else {
            return;
        };
        let held = std::mem::take(&mut self.links[link].ends[side].held);
        if held.is_empty() {
            return;
        }
        let now = self.hosts[host].clock(self.now);
        if let Some(node) = &mut self.hosts[host].node {
            node.handle_bytes(conn, &held, now);
        }
    }

    fn closed(&mut self, link: LinkId, to: usize) {
        let end = &mut self.links[link].ends[to];
        if !std::mem::take(&mut end.open) {
            return;
        }
        let conn = end.conn;
        match end.site {
            Site::Client(client) => self.client_loses(client, link),
            Site::Host { host, epoch } if self.hosts[host].epoch == epoch => match conn {
                Some(conn) => {
                    self.hosts[host].detach(conn);
                    self.handle(host, |node, now| node.handle_close(conn, now));
                }
                // Its dial had not been reported yet.
                None => {
                    if let Some(peer) = self.dial_given_up(host, link) {
                        self.handle(host, |node, now| node.handle_connect_failed(peer, now));
                    }
                }
            },
            Site::Host { .. } => {}
        }
    }

    fn dial_given_up(&mut self, host: usize, link: LinkId) -> Option<PeerId> {
        let mut dials = self.hosts[host].dials.iter();
        let peer = dials.position(|dial| *dial == Some(link))?;
        self.hosts[host].dials[peer] = None;
        Some(PeerId(peer as u16))
    }

    fn half_closed(&mut self, link: LinkId, to: usize) {
        let end = &self.links[link].ends[to];
        let (Site::Host { host, epoch }, Some(conn), true) = (end.site, end.conn, end.open) else {
            return;
        };
        if self.hosts[host].epoch != epoch {
            return;
        }
        let paused = |node: &Node| !node.wants_read(conn);
        if self.hosts[host].node.as_deref().is_some_and(paused) || !end.held.is_empty() {
            // What precedes the end of input has not been read yet.
            return self.push(self.now + MS, Event::HalfClosed { link, to });
        }
        self.handle(host, |node, now| node.handle_eof(conn, now));
    }
}
