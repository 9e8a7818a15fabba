//! Links to peers: dialling, hello, heartbeats, and what arrives on them.

use super::connections::{Connection, Connections, Link};
use super::{Action, Node, Notice};
use crate::command::{Access, Command};
use crate::dispatch::PeerState;
use crate::ids::{ConnId, PeerId};
use crate::limits::{INFLIGHT_PER_PEER_MAX, PEER_QUEUE_BYTES_MAX, PEER_REPLIES_BYTES_MAX};
use crate::payload::Payload;
use crate::resp::{Parsed as ParsedRequest, Protocol, RequestParser};
use crate::store::{Exec, Origin};
use crate::time::{Mono, Now};
use crate::wire::{self, Flags, HEADER_LEN, Header, Hello, Kind, Parsed, WireError};

/// A dial that takes longer is given up, in milliseconds.
const DIAL_TIMEOUT_MS: u64 = 1_000;
/// First pause between dials, in milliseconds; doubles up to the last.
const REDIAL_FIRST_MS: u64 = 50;
const REDIAL_LAST_MS: u64 = 1_000;
/// A link that a peer dialled and then left silent is closed after this many peer timeouts.
const INBOUND_TIMEOUTS: u64 = 5;
/// Longest hello: names of at most 64 KiB each would be legal, but nobody has them.
const HELLO_LEN_MAX: usize = 4 * 1024;

/// Where the link that this node dials stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dial {
    /// No link; the next dial is due then.
    Waiting { until: Mono },
    /// Being dialled since then.
    Dialling { since: Mono },
    /// Connected; the hello may still be under way.
    Linked { conn: ConnId },
}

/// One other node, as this one sees it. Its state stands in `Node::states`.
#[derive(Debug)]
pub(super) struct Peer {
    dial: Dial,
    redial_ms: u64,
    ready: bool,
    pinged: Mono,
    pub(super) inflight: usize,
    pub(super) send_full_total: u64,
    pub(super) send_closed_total: u64,
    topology_noted: bool,
    /// Its link [is crowded](Link::is_crowded).
    crowded: bool,
}

impl Peer {
    pub(super) fn new() -> Self {
        Self {
            dial: Dial::Waiting { until: Mono(0) },
            redial_ms: REDIAL_FIRST_MS,
            ready: false,
            pinged: Mono(0),
            inflight: 0,
            send_full_total: 0,
            send_closed_total: 0,
            topology_noted: false,
            crowded: false,
        }
    }

    /// The next dial comes after a pause, the one after that after twice as long.
    fn wait(&mut self, now: Now) {
        self.dial = Dial::Waiting {
            until: now.mono.plus_ms(self.redial_ms),
        };
        self.redial_ms = (self.redial_ms * 2).min(REDIAL_LAST_MS);
    }

    /// The link that requests to it travel on, once it is open.
    pub(super) fn link(&self) -> Option<ConnId> {
        match self.dial {
            Dial::Linked { conn } if self.ready => Some(conn),
            _ => None,
        }
    }
}

/// A node's own state in the tag of hello, ping and pong.
fn state_tag(state: PeerState) -> u8 {
    match state {
        PeerState::Joining => 1,
        PeerState::Leaving => 2,
        PeerState::Normal | PeerState::Down | PeerState::Unknown => 0,
    }
}

fn state_by_tag(tag: u8) -> Option<PeerState> {
    match tag {
        0 => Some(PeerState::Normal),
        1 => Some(PeerState::Joining),
        2 => Some(PeerState::Leaving),
        _ => None,
    }
}

/// What became of a frame for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestSent {
    Queued,
    /// Too much waits for it already.
    Full,
    /// There is no link.
    Closed,
}

/// Queues a request for a peer; the peer owes a reply. Full and closed links are counted (S2).
pub(super) fn queue(
    (peers, connections): (&mut [Peer], &mut Connections),
    id: PeerId,
    header: Header,
    body: &Payload,
) -> RequestSent {
    let peer = &mut peers[id.index()];
    let link = peer.link().and_then(|conn| connections.link(conn));
    let Some(link) = link else {
        peer.send_closed_total += 1;
        return RequestSent::Closed;
    };
    if peer.inflight >= INFLIGHT_PER_PEER_MAX || link.egress.len() >= PEER_QUEUE_BYTES_MAX {
        peer.send_full_total += 1;
        return RequestSent::Full;
    }
    peer.inflight += 1;
    header.encode(body.len(), link.egress.tail());
    body.send(&mut link.egress);
    peer.crowded = link.is_crowded();
    let conn = link.id;
    connections.mark_dirty(conn);
    RequestSent::Queued
}

impl Node {
    pub(super) fn forget_inflight(&mut self, peer: PeerId) {
        let inflight = &mut self.peers[peer.index()].inflight;
        *inflight = inflight.saturating_sub(1);
    }

    /// Queues a frame that needs no answer, or whose answer is kept track of elsewhere.
    pub(super) fn send_frame(&mut self, peer: PeerId, header: Header, body: &[u8]) -> bool {
        let conn = self.peers[peer.index()].link();
        let Some(link) = conn.and_then(|conn| self.connections.link(conn)) else {
            return false;
        };
        if link.egress.len() >= PEER_QUEUE_BYTES_MAX {
            return false;
        }
        header.encode(body.len(), link.egress.tail());
        link.egress.extend(body);
        let conn = link.id;
        self.connections.mark_dirty(conn);
        true
    }

    /// The link this node dialled is connected: say who speaks.
    pub(super) fn peer_dialled(&mut self, peer: PeerId, conn: ConnId, now: Now) {
        let state = &mut self.peers[peer.index()];
        state.dial = Dial::Linked { conn };
        state.pinged = now.mono;
        self.send_hello(conn);
    }

    fn send_hello(&mut self, conn: ConnId) {
        let hello = Hello {
            cluster: self.config.cluster.clone(),
            node: self.topology.peer(self.local).name.clone(),
            incarnation: self.config.incarnation,
            topology: self.topology_fingerprint,
        };
        let tag = state_tag(self.own_state());
        if let Some(link) = self.connections.link(conn) {
            hello.encode(tag, link.egress.tail());
            self.connections.mark_dirty(conn);
        }
    }

    /// The dial failed: try again later.
    pub(super) fn dial_failed(&mut self, peer: PeerId, now: Now) {
        self.peers[peer.index()].wait(now);
        self.join_watch(now);
    }

    /// A link is gone. Where it was the one requests travel on, all that waited for it is given up.
    pub(super) fn link_closed(&mut self, link: &Link, now: Now) {
        if !link.dialled && !link.ready {
            self.strangers -= 1;
        }
        let Some(peer) = link.peer.filter(|_| link.dialled) else {
            return;
        };
        if self.peers[peer.index()].dial == (Dial::Linked { conn: link.id }) {
            self.peer_down(peer, "the link was closed", now);
        }
    }

    fn peer_down(&mut self, peer: PeerId, reason: &'static str, now: Now) {
        let state = &mut self.peers[peer.index()];
        if let Dial::Linked { conn } = state.dial {
            self.actions.push_back(Action::Abort(conn));
        }
        // One with which no hello was ever exchanged is dialled less and less often.
        if state.ready {
            state.redial_ms = REDIAL_FIRST_MS;
        }
        state.wait(now);
        state.ready = false;
        state.crowded = false;
        state.inflight = 0;
        if self.states[peer.index()] != PeerState::Down {
            self.states[peer.index()] = PeerState::Down;
            self.notices.push_back(Notice::PeerDown(peer, reason));
        }
        self.abandon_peer(peer, now);
        self.drain_interrupted(peer);
        self.join_lost(peer, now);
    }

    fn peer_reported(&mut self, peer: PeerId, tag: u8, now: Now) {
        let Some(reported) = state_by_tag(tag).filter(|_| self.peers[peer.index()].ready) else {
            return;
        };
        let before = std::mem::replace(&mut self.states[peer.index()], reported);
        if before == reported {
            return;
        }
        self.notices.push_back(match reported {
            PeerState::Joining => Notice::PeerJoining(peer),
            PeerState::Leaving => Notice::PeerLeaving(peer),
            _ => Notice::PeerNormal(peer),
        });
        self.drain_resumed(peer, now);
        self.join_peer_changed(peer, now);
    }

    /// Heartbeats, silent peers, dials: all that time alone brings about on links.
    pub(super) fn links_tick(&mut self, now: Now) {
        for index in 0..self.peers.len() {
            let peer = PeerId(index as u16);
            if peer == self.local {
                continue;
            }
            match self.peers[index].dial {
                Dial::Waiting { until } if until <= now.mono => {
                    self.peers[index].dial = Dial::Dialling { since: now.mono };
                    self.actions.push_back(Action::Connect(peer));
                }
                Dial::Waiting { .. } => {}
                Dial::Dialling { since } => {
                    if now.mono.since_ms(since) >= DIAL_TIMEOUT_MS {
                        self.actions.push_back(Action::AbortConnect(peer));
                        self.dial_failed(peer, now);
                    }
                }
                Dial::Linked { conn } => self.heartbeat(peer, conn, now),
            }
        }
        self.relieve();
        self.close_silent_inbound(now);
    }

    /// Whether clients' requests wait until a peer has taken in what is queued for it.
    pub(super) fn is_crowded(&self) -> bool {
        self.peers.iter().any(|peer| peer.crowded)
    }

    /// Lets clients go on that waited for a peer to take in its backlog.
    fn relieve(&mut self) {
        if self.is_crowded() {
            return;
        }
        let paused = self.connections.clients().filter(|client| client.paused);
        let paused: Vec<ConnId> = paused.map(|client| client.id).collect();
        for id in paused {
            self.unpause(id);
        }
    }

    /// A reply shows how far a crowded peer has come.
    fn relieved_by(&mut self, peer: PeerId) {
        let state = &mut self.peers[peer.index()];
        if !state.crowded {
            return;
        }
        let link = state.link().and_then(|conn| self.connections.link(conn));
        if link.is_none_or(|link| !link.is_crowded()) {
            state.crowded = false;
            self.relieve();
        }
    }

    fn heartbeat(&mut self, peer: PeerId, conn: ConnId, now: Now) {
        let Some(link) = self.connections.link(conn) else {
            return;
        };
        link.notice_progress(now.mono);
        self.peers[peer.index()].crowded = link.is_crowded();
        if now.mono.since_ms(link.heard) >= self.config.peer_timeout_ms {
            self.peer_down(peer, "it was silent for too long", now);
            return;
        }
        let due = now.mono.since_ms(self.peers[peer.index()].pinged) >= self.config.heartbeat_ms;
        if due && self.peers[peer.index()].ready {
            self.ping(peer, now);
        }
    }

    fn ping(&mut self, peer: PeerId, now: Now) {
        self.peers[peer.index()].pinged = now.mono;
        let mut header = Header::new(Kind::Ping);
        header.tag = state_tag(self.own_state());
        self.send_frame(peer, header, &[]);
    }

    /// Tells every peer this node's state without waiting for the next heartbeat.
    pub(super) fn ping_all(&mut self, now: Now) {
        for index in 0..self.peers.len() {
            if self.peers[index].ready {
                self.ping(PeerId(index as u16), now);
            }
        }
    }

    fn close_silent_inbound(&mut self, now: Now) {
        let limit_ms = self.config.peer_timeout_ms * INBOUND_TIMEOUTS;
        let silent = self
            .connections
            .links()
            .filter(|link| !link.dialled && now.mono.since_ms(link.heard) >= limit_ms);
        self.actions
            .extend(silent.map(|link| Action::Abort(link.id)));
    }

    /// Takes a peer's bytes: every whole frame in them.
    pub(super) fn link_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now) {
        let Some(link) = self.connections.link(id) else {
            return;
        };
        if link.refused {
            return;
        }
        // Before the hello it could be anybody, who must not stay for ever.
        if link.ready {
            link.heard = now.mono;
        }
        let mut input = std::mem::take(&mut link.input);
        let result = if input.is_empty() {
            let result = self.frames(id, bytes, now);
            let used = result.as_ref().map_or(bytes.len(), |used| *used);
            input.push(&bytes[used..]);
            result
        } else {
            input.push(bytes);
            let result = self.frames(id, input.unread(), now);
            if let Ok(used) = result {
                input.consume(used);
            }
            result
        };
        if let Err(error) = result {
            self.counters.peer_refused_total += 1;
            self.notices
                .push_back(Notice::PeerRefused(error.to_string()));
            self.refuse_link(id);
            return;
        }
        if let Some(link) = self.connections.link(id) {
            link.input = input;
        }
    }

    fn refuse_link(&mut self, id: ConnId) {
        if let Some(link) = self.connections.link(id) {
            link.refused = true;
            self.actions.push_back(Action::Abort(id));
        }
    }

    fn frames(&mut self, id: ConnId, buf: &[u8], now: Now) -> Result<usize, WireError> {
        let mut at = 0;
        loop {
            match wire::parse(&buf[at..])? {
                Parsed::Incomplete { need } => {
                    let ready = self.connections.link(id).is_some_and(|link| link.ready);
                    if !ready && need > HELLO_LEN_MAX {
                        return Err(WireError::Body("hello"));
                    }
                    return Ok(at);
                }
                Parsed::Frame { header, body, len } => {
                    self.frame(id, header, body, now)?;
                    at += len;
                }
            }
            if self.replies_pile_up(id) {
                return Ok(at);
            }
        }
    }

    /// Stops taking requests of a peer that does not read its replies. What this node itself
    /// asked is always read, so that the two can't wait for each other.
    fn replies_pile_up(&mut self, id: ConnId) -> bool {
        let Some(link) = self.connections.link(id) else {
            return false;
        };
        link.paused = !link.dialled && link.egress.len() >= PEER_REPLIES_BYTES_MAX;
        link.paused
    }

    /// A link that waited until its replies were read may go on.
    pub(super) fn link_sent(&mut self, id: ConnId, now: Now) {
        let Some(link) = self.connections.link(id) else {
            return;
        };
        if link.ready {
            link.heard = now.mono;
        }
        if link.paused && link.egress.len() <= PEER_REPLIES_BYTES_MAX / 2 {
            link.paused = false;
            self.link_bytes(id, &[], now);
            self.actions.push_back(Action::ResumeRead(id));
        }
    }

    fn frame(
        &mut self,
        id: ConnId,
        header: Header,
        body: &[u8],
        now: Now,
    ) -> Result<(), WireError> {
        let Some(link) = self.connections.link(id) else {
            return Ok(());
        };
        // A reply's version may be a mix of several keys', which is no stamp.
        if header.kind == Kind::Request {
            self.clock.observe(header.version);
        }
        if !link.ready {
            return match header.kind {
                Kind::Hello => self.hello(id, header, body, now),
                _ => Err(WireError::Body("hello")),
            };
        }
        let Some(peer) = link.peer else {
            return Err(WireError::Body("hello"));
        };
        match header.kind {
            Kind::Hello => return Err(WireError::Body("hello")),
            Kind::Ping => {
                self.pong(id);
                self.peer_reported(peer, header.tag, now);
            }
            Kind::Pong => self.peer_reported(peer, header.tag, now),
            Kind::Request => self.peer_request(id, (header, body), now)?,
            Kind::Reply => self.peer_reply(peer, header, body, now),
            Kind::Fetch => self.answer_fetch(id, header, body, now),
            Kind::State => self.take_state(header, body, now)?,
            Kind::Repair => self.take_repair(id, header, body, now)?,
            Kind::Pull => self.answer_pull(id, peer, (header, body))?,
            Kind::Page => self.take_page(peer, (header, body), now)?,
        }
        Ok(())
    }

    fn hello(
        &mut self,
        id: ConnId,
        header: Header,
        body: &[u8],
        now: Now,
    ) -> Result<(), WireError> {
        let hello = Hello::decode(body)?;
        if hello.cluster != self.config.cluster {
            return Err(WireError::Refused(format!(
                "{} is of cluster '{}', this node of '{}'",
                hello.node, hello.cluster, self.config.cluster
            )));
        }
        let Some(peer) = self.topology.peer_named(&hello.node) else {
            return Err(WireError::Refused(format!(
                "{} is not in this node's topology: add it to dyn_seeds",
                hello.node
            )));
        };
        let Some(link) = self.connections.link(id) else {
            return Ok(());
        };
        if link.dialled && link.peer != Some(peer) || peer == self.local {
            return Err(WireError::Refused(format!(
                "{} answered where another peer was expected: check dyn_seeds",
                hello.node
            )));
        }
        link.ready = true;
        link.heard = now.mono;
        link.peer = Some(peer);
        let dialled = link.dialled;
        let noted = &mut self.peers[peer.index()].topology_noted;
        if hello.topology == self.topology_fingerprint {
            *noted = false;
        } else if !std::mem::replace(noted, true) {
            self.notices.push_back(Notice::TopologyDiffers(peer));
        }
        if dialled {
            let state = &mut self.peers[peer.index()];
            state.ready = true;
            state.redial_ms = REDIAL_FIRST_MS;
            self.peer_reported(peer, header.tag, now);
        } else {
            self.strangers -= 1;
            self.close_links_before(id, peer);
            self.send_hello(id);
            self.dial_soon(peer, now);
        }
        Ok(())
    }

    /// A peer dials anew only after it has given up on all that it sent on its link before, and
    /// kept it as hints: what is still to be read there must not be carried out after those.
    fn close_links_before(&mut self, id: ConnId, peer: PeerId) {
        let before = |link: &&Link| !link.dialled && link.peer == Some(peer) && link.id != id;
        let older: Vec<ConnId> = self
            .connections
            .links()
            .filter(before)
            .map(|link| link.id)
            .collect();
        for id in older {
            self.refuse_link(id);
        }
    }

    /// A peer that dials us is there: don't wait for the next attempt.
    fn dial_soon(&mut self, peer: PeerId, now: Now) {
        let state = &mut self.peers[peer.index()];
        if let Dial::Waiting { until } = &mut state.dial {
            *until = now.mono;
            self.timer_due = true;
        }
    }

    fn pong(&mut self, id: ConnId) {
        let mut header = Header::new(Kind::Pong);
        header.tag = state_tag(self.own_state());
        self.answer_frame(id, header, &[]);
    }

    /// Queues a frame on the link a question came from.
    pub(super) fn answer_frame(&mut self, id: ConnId, header: Header, body: &[u8]) {
        if let Some(link) = self.connections.link(id) {
            header.encode(body.len(), link.egress.tail());
            link.egress.extend(body);
            self.connections.mark_dirty(id);
        }
    }

    /// A reply to a request of this node: of a flight, or of a hint being delivered.
    fn peer_reply(&mut self, peer: PeerId, header: Header, body: &[u8], now: Now) {
        if super::handoff::is_hint(header.request_id) {
            self.hint_answered(peer, header, now);
        } else {
            self.forget_inflight(peer);
            self.relieved_by(peer);
            self.take_reply(peer, header, body, now);
        }
    }

    /// Executes a request for a peer and answers on the same link.
    fn peer_request(
        &mut self,
        id: ConnId,
        (header, body): (Header, &[u8]),
        now: Now,
    ) -> Result<(), WireError> {
        self.counters.peer_requests_total += 1;
        let mut parser = std::mem::take(&mut self.parser);
        let result = match parser.parse(body) {
            ParsedRequest::Request { len } if len == body.len() => {
                self.peer_command(id, (header, body), &parser, now)
            }
            _ => {
                parser.reset();
                Err(WireError::Body("request"))
            }
        };
        self.parser = parser;
        result
    }

    fn peer_command(
        &mut self,
        id: ConnId,
        (header, body): (Header, &[u8]),
        parser: &RequestParser,
        now: Now,
    ) -> Result<(), WireError> {
        let request = parser.request(body);
        let command = Command::resolve(&request).map_err(|_| WireError::Body("request"))?;
        let mut answer = Header::new(Kind::Reply);
        answer.request_id = header.request_id;
        if self.join.is_some() && command.access == Access::Read {
            answer.flags = Flags::REFUSED;
            self.answer_frame(id, answer, &[]);
            return Ok(());
        }
        let exec = Exec {
            wall_ms: now.wall_ms,
            version: header.version,
            protocol: if header.flags.has(Flags::RESP3) {
                Protocol::Resp3
            } else {
                Protocol::Resp2
            },
            origin: if header.flags.has(Flags::HINT) {
                Origin::Hint
            } else {
                Origin::Peer
            },
        };
        self.execute_for_peer(id, command, request, (answer, exec));
        if header.flags.has(Flags::FORWARD) {
            self.forward_to_racks(command, request, exec, now);
        }
        Ok(())
    }

    /// Runs the command with its reply written straight into the link's egress: the header is
    /// put in front once the reply's length is known.
    fn execute_for_peer(
        &mut self,
        id: ConnId,
        command: &'static Command,
        request: crate::resp::Request<'_>,
        (mut answer, exec): (Header, Exec),
    ) {
        if exec.origin == Origin::Peer && self.has_already(command, request, exec) {
            // Its result is not known any more: no vote.
            answer.flags = Flags::REFUSED;
            return self.answer_frame(id, answer, &[]);
        }
        let Some(link) = self.connections.link(id) else {
            return;
        };
        let out = link.egress.tail();
        let start = out.len();
        out.resize(start + HEADER_LEN, 0);
        let outcome = self.store.execute(command, request, exec, out);
        let reply = start + HEADER_LEN;
        let error = out.get(reply) == Some(&b'-');
        answer.version = outcome.version;
        answer.flags = answer
            .flags
            .with(Flags::ERROR, error)
            .with(Flags::SUPERSEDED, outcome.superseded);
        let body_len = out.len() - reply;
        out[start..reply].copy_from_slice(&answer.bytes(body_len));
        self.connections.mark_dirty(id);
    }

    /// The state of an inbound or outbound link's connection, for the connection table's owner.
    pub(super) fn link_opened(&mut self, dialled: Option<PeerId>, now: Now) -> ConnId {
        let id = self
            .connections
            .open(|id| Connection::Link(Box::new(Link::new(id, dialled, now.mono))));
        if let Some(peer) = dialled {
            self.peer_dialled(peer, id, now);
        }
        id
    }
}
