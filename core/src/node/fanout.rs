//! Fan-out: a flight is launched, fed, decided, answered and settled.

use super::errors;
use super::{Node, RequestSent};
use crate::coalesce::{Answer, Asked, Failure, Fed, Repair, Reply, Versions, Vote};
use crate::command::{Access, Command, CommandId};
use crate::consistency::Consistency;
use crate::dispatch::{Action as Sending, Fanout, Plan, PlanInput, RoutingTag, Target};
use crate::flight::{Flight, FlightId, Owner, Votes};
use crate::ids::PeerId;
use crate::payload::Payload;
use crate::resp::number::parse_i64;
use crate::resp::{Parsed, Protocol, Request, reply, request};
use crate::store::{Exec, Origin};
use crate::time::{Mono, Now};
use crate::version::Version;
use crate::wire::{Flags, Header, Kind as FrameKind};

/// How often a write is stamped anew before it is given up as overtaken.
const RESTAMPS_MAX: u8 = 3;

/// How long a write past its deadline is waited for while its link lasts, in milliseconds: a peer
/// that answers others but not this one never will.
const LATE_WRITE_MS: u64 = 30_000;

/// A request to be sent to replicas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub(super) owner: Owner,
    pub(super) command: &'static Command,
    pub(super) request: Request<'a>,
    pub(super) protocol: Protocol,
    /// The stamp, when it is another node's (D12's forwarder); else a write gets a fresh one.
    pub(super) version: Option<Version>,
    pub(super) restamps: u8,
    pub(super) counted: Option<i64>,
    /// When it must be over, if it is part of a request that began earlier.
    pub(super) deadline: Option<Mono>,
}

impl<'a> Order<'a> {
    pub(super) fn new(
        owner: Owner,
        command: &'static Command,
        request: Request<'a>,
        protocol: Protocol,
    ) -> Self {
        Self {
            owner,
            command,
            request,
            protocol,
            version: None,
            restamps: 0,
            deadline: None,
            counted: None,
        }
    }
}

/// A request that is planned anew for its owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Again {
    pub(super) owner: Owner,
    pub(super) command: &'static Command,
    pub(super) protocol: Protocol,
    pub(super) restamps: u8,
    /// What it counted when it was sent before.
    pub(super) counted: Option<i64>,
    /// Of the request that it is part of, or repeats.
    pub(super) deadline: Mono,
}

/// What became of an order at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Launched {
    /// Its owner hears later.
    Waiting,
    /// Decided already: take the [`answer`], then settle it.
    Decided(FlightId),
}

/// What a decided flight's owner is told.
pub(super) fn answer(flight: &Flight) -> &[u8] {
    flight
        .votes
        .reply()
        .or(flight.verdict)
        .unwrap_or(errors::NO_QUORUM)
}

impl Node {
    /// Sends a request to its targets, executing and hinting where the plan says so.
    pub(super) fn launch(&mut self, order: Order<'_>, fanout: &Fanout, now: Now) -> Launched {
        self.counters.flights_total += 1;
        let command = order.command;
        let version = match order.version {
            Some(version) => version,
            None => self.stamp(command, now),
        };
        let flight = Flight {
            owner: order.owner,
            command,
            blind: command.is_blind(&order.request),
            own_part_left_out: false,
            request: self.payload(order.request),
            protocol: order.protocol,
            consistency: fanout.consistency,
            version,
            deadline: order.deadline.unwrap_or_else(|| self.deadline(now)),
            answered: false,
            restamps: order.restamps,
            counted: order.counted,
            superseded_by: Version::NEVER,
            verdict: None,
            votes: Votes::new(fanout, asked(command, order.request.len()), self.settings),
        };
        let id = self.flights.insert(flight);
        let mut fed = self
            .flights
            .get(id)
            .map_or(Fed::Pending, |flight| flight.votes.start());
        for target in &fanout.targets {
            let next = self.serve_target(id, target, order.request, now);
            if fed == Fed::Pending {
                fed = next;
            }
        }
        if self.conclude(id, fed) {
            Launched::Decided(id)
        } else {
            Launched::Waiting
        }
    }

    /// The request as targets get it: in RESP's array form, whatever the client used.
    fn payload(&mut self, request: Request<'_>) -> Payload {
        if request.frame().first() == Some(&b'*') {
            return Payload::copy(request.frame(), &mut self.pool);
        }
        let mut encoded = self.pool.take();
        request::encode(request.iter(), &mut encoded);
        Payload::Small(encoded)
    }

    fn serve_target(
        &mut self,
        id: FlightId,
        target: &Target,
        request: Request<'_>,
        now: Now,
    ) -> Fed {
        let peer = target.peer;
        let waits_for_join = self.waits_for_join(id, peer);
        if peer == self.local {
            return match waits_for_join {
                true => self.leave_out_own_part(id),
                false => self.execute_own_part(id, request, now),
            };
        }
        if target.action == Sending::Hint || waits_for_join {
            return self.hint_or_lose(id, peer, now);
        }
        match self.send_request(id, peer, target.forward, now) {
            RequestSent::Queued => Fed::Pending,
            RequestSent::Full | RequestSent::Closed => self.hint_or_lose(id, peer, now),
        }
    }

    /// When a request that begins now must be over.
    pub(super) fn deadline(&self, now: Now) -> Mono {
        now.mono.plus_ms(self.config.request_timeout_ms)
    }

    /// Queues a flight's request on the link to `peer`, counting a full or closed one (S2).
    fn send_request(&mut self, id: FlightId, peer: PeerId, forward: bool, now: Now) -> RequestSent {
        let Some(flight) = self.flights.get(id) else {
            return RequestSent::Closed;
        };
        let mut header = Header::new(FrameKind::Request);
        header.flags = Flags::default()
            .with(Flags::RESP3, flight.protocol == Protocol::Resp3)
            .with(Flags::FORWARD, forward);
        header.request_id = id.wire();
        header.version = flight.version;
        let remaining_ms = flight.deadline.since_ms(now.mono);
        header.deadline_ms = u32::try_from(remaining_ms).unwrap_or(u32::MAX);
        let links = (&mut self.peers[..], &mut self.connections);
        super::peers::queue(links, peer, header, &flight.request)
    }

    /// This node is one of the replicas: it votes like any other (D10).
    fn execute_own_part(&mut self, id: FlightId, request: Request<'_>, now: Now) -> Fed {
        let Some(flight) = self.flights.get(id) else {
            return Fed::Pending;
        };
        let exec = Exec {
            wall_ms: now.wall_ms,
            version: flight.version,
            protocol: flight.protocol,
            origin: Origin::Client,
        };
        let mut bytes = self.pool.take();
        let outcome = self
            .store
            .execute(flight.command, request, exec, &mut bytes);
        self.own_reply_len = bytes.len();
        if outcome.superseded {
            flight.superseded_by = flight.superseded_by.max(outcome.version);
        }
        let reply = Reply {
            bytes: &bytes,
            version: outcome.version,
        };
        let vote = match bytes.first() {
            Some(b'-') => Vote::Error(reply),
            _ => Vote::Value(reply),
        };
        let fed = flight.votes.feed(self.local, vote, &mut self.pool);
        self.pool.give(bytes);
        fed
    }

    /// This node is one of the replicas and still catching up: what the write depends on may not be
    /// here yet. What the others made of it is fetched when they are done.
    fn leave_out_own_part(&mut self, id: FlightId) -> Fed {
        let Some(flight) = self.flights.get(id) else {
            return Fed::Pending;
        };
        flight.own_part_left_out = true;
        flight.votes.lose(self.local)
    }

    /// A target that can't be sent to: its write is kept for it, or it is lost.
    fn hint_or_lose(&mut self, id: FlightId, peer: PeerId, now: Now) -> Fed {
        let hinted = self.hint(id, peer, now);
        let Some(flight) = self.flights.get(id) else {
            return Fed::Pending;
        };
        if hinted {
            flight.votes.feed(peer, Vote::Hinted, &mut self.pool)
        } else {
            flight.votes.lose(peer)
        }
    }

    /// A target that was sent to and will not answer: the link broke, or the deadline passed.
    pub(super) fn give_up_on(&mut self, id: FlightId, peer: PeerId, now: Now) {
        let hinted = self.hint(id, peer, now);
        let Some(flight) = self.flights.get(id) else {
            return;
        };
        let fed = if hinted {
            flight.votes.feed(peer, Vote::Hinted, &mut self.pool)
        } else {
            flight.votes.fail(peer)
        };
        self.advance(id, fed, now);
    }

    /// A peer's reply to a request of this node.
    pub(super) fn take_reply(&mut self, peer: PeerId, header: Header, bytes: &[u8], now: Now) {
        let id = FlightId::from_wire(header.request_id);
        let Some(flight) = self.flights.get(id) else {
            self.counters.late_replies_total += 1;
            return;
        };
        let refused = header.flags.has(Flags::REFUSED);
        if !refused && flight.votes.passes_on(peer) {
            return self.pass_on(id, bytes, now);
        }
        let reply = Reply {
            bytes,
            version: header.version,
        };
        let fed = if refused {
            flight.votes.fail(peer)
        } else if header.flags.has(Flags::ERROR) {
            flight.votes.feed(peer, Vote::Error(reply), &mut self.pool)
        } else {
            if header.flags.has(Flags::SUPERSEDED) {
                flight.superseded_by = flight.superseded_by.max(header.version);
            }
            flight.votes.feed(peer, Vote::Value(reply), &mut self.pool)
        };
        self.advance(id, fed, now);
    }

    /// S1: the reply of the only target is the answer.
    fn pass_on(&mut self, id: FlightId, bytes: &[u8], now: Now) {
        let Some(flight) = self.flights.remove(id) else {
            return;
        };
        flight.request.release(&mut self.pool);
        if !flight.answered {
            self.tell(flight.owner, bytes, now);
        }
    }

    /// Goes on with a flight after a feed that did not happen at its launch. A write that a newer
    /// version overtook is sent once more with a newer stamp; a divided read of several keys is
    /// asked again key by key.
    fn advance(&mut self, id: FlightId, fed: Fed, now: Now) {
        if self.conclude(id, fed) {
            let moved = match fed {
                Fed::Ready(_) => self.restamp(id, now),
                Fed::Failed(Failure::Divided) => self.ask_each_key(id, now),
                _ => false,
            };
            if !moved {
                self.deliver(id, now);
            }
        }
        self.settle(id, now);
    }

    /// Whether the flight is decided now, and was not before.
    fn conclude(&mut self, id: FlightId, fed: Fed) -> bool {
        let Some(flight) = self.flights.get(id) else {
            return false;
        };
        if flight.answered || fed == Fed::Pending {
            return false;
        }
        flight.answered = true;
        flight.verdict = match fed {
            Fed::Pending | Fed::Ready(Answer::Reply { .. }) => None,
            Fed::Ready(Answer::Hint) => Some(hinted_answer(flight)),
            Fed::Failed(Failure::NoQuorum) => Some(errors::NO_QUORUM),
            Fed::Failed(Failure::Divided) => Some(errors::DIVIDED),
            Fed::Failed(Failure::Refused) => Some(errors::REFUSED),
        };
        let counted = flight.owner != Owner::Nobody;
        match fed {
            Fed::Ready(Answer::Reply { plurality, .. }) => {
                self.counters.coalesce_plurality_total += u64::from(plurality);
            }
            Fed::Failed(Failure::NoQuorum) if counted => self.counters.no_quorum_total += 1,
            _ => {}
        }
        true
    }

    /// Sends an overtaken write again with a stamp newer than what overtook it. Its owner moves to
    /// the new flight; the old one only keeps its stragglers.
    fn restamp(&mut self, id: FlightId, now: Now) -> bool {
        let Some(flight) = self.flights.get(id) else {
            return false;
        };
        let overtaken = flight.superseded_by > flight.version
            && flight.blind
            && flight.restamps < RESTAMPS_MAX
            && flight.owner != Owner::Nobody;
        if !overtaken {
            return false;
        }
        // What it deleted or counted the first time is gone at the second.
        let counted = flight.counted.or_else(|| count(answer(flight)));
        let again = Again {
            counted,
            owner: std::mem::replace(&mut flight.owner, Owner::Nobody),
            command: flight.command,
            protocol: flight.protocol,
            restamps: flight.restamps + 1,
            deadline: flight.deadline,
        };
        self.clock.observe(flight.superseded_by);
        self.counters.write_restamped_total += 1;
        let bytes = self.pool.copy(&flight.request);
        self.relaunch(&bytes, again, now);
        self.pool.give(bytes);
        true
    }

    /// Answers the owner of a decided flight.
    pub(super) fn deliver(&mut self, id: FlightId, now: Now) {
        let Some(flight) = self.flights.get(id) else {
            return;
        };
        let owner = flight.owner;
        if let (Some(before), Some(_)) = (flight.counted, count(answer(flight))) {
            let mut bytes = self.pool.take();
            reply::integer(&mut bytes, before);
            self.tell(owner, &bytes, now);
            self.pool.give(bytes);
            return;
        }
        if let Owner::Client { conn, slot } = owner {
            if let Some(client) = self.connections.client(conn) {
                let slot = self.sabotage.place(slot, client);
                client.fill(slot, answer(flight), &mut self.pool);
                self.client_advanced(conn);
            }
            return;
        }
        let bytes = self.pool.copy(answer(flight));
        self.tell(owner, &bytes, now);
        self.pool.give(bytes);
    }

    /// Ends a flight of which nothing more will be learned, repairing what it found.
    pub(super) fn settle(&mut self, id: FlightId, now: Now) {
        let Some(flight) = self.flights.get(id) else {
            return;
        };
        if !(flight.answered && flight.votes.all_in()) {
            return;
        }
        let Some(flight) = self.flights.remove(id) else {
            return;
        };
        if self.config.read_repairs {
            match flight.votes.repair(self.local) {
                Repair::Nothing => {}
                Repair::Key(repair) => self.repair(&flight, repair, now),
                // Where it was divided, its keys are being asked already; those reads repair.
                Repair::EachKey if flight.owner == Owner::Nobody => {}
                Repair::EachKey => self.repair_each_key(&flight, now),
            }
        }
        if flight.own_part_left_out {
            self.catch_up_with(&flight, now);
        }
        flight.request.release(&mut self.pool);
        flight.votes.release(&mut self.pool);
    }

    /// Answers the owners of flights whose time is over, and gives up the reads. A write is still
    /// on its way as long as the link lasts: hinted now, it could be carried out twice.
    pub(super) fn fail_due(&mut self, now: Now) {
        if self.sabotage.timeless {
            return;
        }
        while let Some(id) = self.flights.next_due(now.mono) {
            let Some(flight) = self.flights.get(id) else {
                continue;
            };
            let access = flight.command.access;
            let last_chance = flight.deadline.plus_ms(LATE_WRITE_MS);
            if !flight.answered {
                let level = flight.consistency;
                self.response_timeouts[level as usize] += 1;
                flight.answered = true;
                flight.verdict = Some(errors::TIMEOUT);
                self.deliver(id, now);
            }
            if access == Access::Write && now.mono < last_chance {
                self.flights.wait_until(id, now.mono.plus_ms(LATE_WRITE_MS));
            } else {
                self.abandon_stragglers(id, now);
            }
        }
    }

    fn abandon_stragglers(&mut self, id: FlightId, now: Now) {
        let Some(flight) = self.flights.get(id) else {
            return;
        };
        let outstanding = flight.votes.outstanding();
        for peer in outstanding {
            self.give_up_on(id, peer, now);
        }
    }

    /// Gives up on one peer in all flights: its link is gone.
    pub(super) fn abandon_peer(&mut self, peer: PeerId, now: Now) {
        for id in self.flights.ids() {
            let waits = self
                .flights
                .get(id)
                .is_some_and(|flight| flight.votes.outstanding().contains(&peer));
            if waits {
                self.give_up_on(id, peer, now);
            }
        }
    }

    pub(super) fn count_no_targets(&mut self, consistency: Consistency) {
        self.no_targets[consistency as usize] += 1;
    }

    /// Launches a request that is kept in a buffer, planned anew, for an owner that hears of it
    /// through the tables. Not for a client that is being worked on.
    pub(super) fn relaunch(&mut self, bytes: &[u8], again: Again, now: Now) {
        let mut parser = std::mem::take(&mut self.parser);
        if matches!(parser.parse(bytes), Parsed::Request { .. }) {
            let request = parser.request(bytes);
            self.run_for(again, request, now);
        }
        self.parser = parser;
    }

    /// Plans and runs a request for an owner in the tables, and answers it when it is decided.
    pub(super) fn run_for(&mut self, again: Again, request: Request<'_>, now: Now) {
        let key = again
            .command
            .first_key(request.len())
            .map_or(&b""[..], |at| request.arg(at));
        match self.plan(again.command, key) {
            Plan::Replicas(fanout) => {
                let order = Order {
                    restamps: again.restamps,
                    counted: again.counted,
                    deadline: Some(again.deadline),
                    ..Order::new(again.owner, again.command, request, again.protocol)
                };
                if let Launched::Decided(id) = self.launch(order, &fanout, now) {
                    self.deliver(id, now);
                    self.settle(id, now);
                }
            }
            Plan::Local => {
                let exec = Exec {
                    wall_ms: now.wall_ms,
                    version: self.stamp(again.command, now),
                    protocol: again.protocol,
                    origin: Origin::Client,
                };
                let mut out = self.pool.take();
                self.store.execute(again.command, request, exec, &mut out);
                self.tell(again.owner, &out, now);
                self.pool.give(out);
            }
            Plan::NoTargets { consistency, .. } => {
                self.count_no_targets(consistency);
                self.tell(again.owner, errors::NO_TARGETS, now);
            }
            Plan::Drop => {}
        }
    }

    /// Gives a reply to whoever waits for it.
    pub(super) fn tell(&mut self, owner: Owner, bytes: &[u8], now: Now) {
        match owner {
            Owner::Client { conn, slot } => {
                if let Some(client) = self.connections.client(conn) {
                    let slot = self.sabotage.place(slot, client);
                    client.fill(slot, bytes, &mut self.pool);
                    self.client_advanced(conn);
                }
            }
            Owner::Part(part) => self.part_answered(part, bytes, now),
            Owner::Nobody => {}
        }
    }

    /// D12: passes a write of another datacenter on to the other racks of this one.
    pub(super) fn forward_to_racks(
        &mut self,
        command: &'static Command,
        request: Request<'_>,
        exec: Exec,
        now: Now,
    ) {
        let input = PlanInput {
            key: command.first_key(request.len()).map(|at| request.arg(at)),
            access: command.access,
            tag: RoutingTag::ForwardToRacks,
            quit: false,
        };
        let plan = crate::dispatch::plan(&input, &self.topology, &self.states, &self.rules);
        let Plan::Replicas(mut fanout) = plan else {
            return;
        };
        fanout.targets.retain(|target| target.peer != self.local);
        let order = Order {
            version: Some(exec.version),
            ..Order::new(Owner::Nobody, command, request, exec.protocol)
        };
        if let Launched::Decided(id) = self.launch(order, &fanout, now) {
            self.settle(id, now);
        }
    }
}

/// What hints alone answer, where it is known (C9).
fn hinted_answer(flight: &Flight) -> &'static [u8] {
    match flight.command.id {
        CommandId::Set | CommandId::Mset | CommandId::Setex | CommandId::Psetex if flight.blind => {
            errors::OK
        }
        _ => errors::NO_QUORUM,
    }
}

/// The number that an integer reply says.
fn count(reply: &[u8]) -> Option<i64> {
    parse_i64(reply.strip_prefix(b":")?.strip_suffix(b"\r\n")?)
}

fn asked(command: &Command, argc: usize) -> Asked {
    let several = command.keys(argc).nth(1).is_some();
    Asked {
        write: command.access == Access::Write,
        versions: if several {
            Versions::Mixed
        } else {
            Versions::Key
        },
    }
}
