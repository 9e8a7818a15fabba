//! A worker whose connections lead to nodes of a cluster: each request goes to its slot's node.
//!
//! ```text
//! tape → encode → slot → node ─┬─ room on one of its connections → write
//!                              └─ none → waits with the node's others, in order
//! reply ─┬─ MOVED: the map learns, the request goes there, its time goes on
//!        └─ ASK: ASKING and the request go there, once
//! ```
//! In closed loop there are as many requests under way as connections × depth, wherever their
//! keys lead; one that ends is followed by the next.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::{Phase, Worker};
use crate::check::checker::Sent;
use crate::cluster::{Map, slot_of};
use crate::connection::Flight;
use crate::template::{Expect, Source};

/// A request that is redirected more often has failed.
const HOPS_MAX: u8 = 8;
/// Requests waiting for their nodes at most; beyond that arrivals wait on the schedule.
const WAITING_MAX: usize = 1 << 20;
const ASKING: &[u8] = b"*1\r\n$6\r\nASKING\r\n";

/// A request with what is needed to send it again.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) flight: Flight,
    pub(crate) bytes: Vec<u8>,
    /// What the check waits for.
    pub(crate) sent: Option<Sent>,
    pub(crate) hops: u8,
    /// The node that a redirect named, to be asked once.
    pub(crate) asked: Option<u16>,
}

/// What a connection to a node keeps beside its flights.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) map: Arc<Map>,
    /// Of each flight its bytes and how often it was redirected; none for ASKING.
    pub(crate) sent: VecDeque<(Vec<u8>, u8)>,
    /// Flights answered by a redirect: their place among those that ended, and where to.
    pub(crate) redirected: Vec<Redirected>,
}

/// A flight that goes elsewhere.
#[derive(Debug)]
pub(crate) struct Redirected {
    pub(crate) place: usize,
    /// None: to the slot's node, as the map has it now.
    pub(crate) asked: Option<u16>,
    pub(crate) sent: Option<Sent>,
}

impl Route {
    pub(crate) fn new(map: Arc<Map>) -> Self {
        Self {
            map,
            sent: VecDeque::new(),
            redirected: Vec::new(),
        }
    }

    /// True if a flight redirected so often may go on.
    pub(crate) fn may_go_on(&self, place: usize) -> bool {
        self.sent
            .get(place)
            .is_some_and(|(_, hops)| *hops < HOPS_MAX)
    }
}

/// What a worker knows of its nodes.
#[derive(Debug)]
pub(super) struct Routing {
    map: Arc<Map>,
    connections_of: Vec<Vec<u32>>,
    /// Where the search for room starts, for each node.
    turn: Vec<usize>,
    pub(super) waiting: Vec<VecDeque<Parcel>>,
    pub(super) waiting_count: usize,
    /// The connection whose tape is next.
    drawn: usize,
    spare: Vec<Vec<u8>>,
}

impl Routing {
    pub(super) fn new(map: Arc<Map>, endpoints: usize, of: impl Iterator<Item = usize>) -> Self {
        let mut connections_of = vec![Vec::new(); endpoints];
        for (index, endpoint) in of.enumerate() {
            connections_of[endpoint].push(index as u32);
        }
        Self {
            map,
            connections_of,
            turn: vec![0; endpoints],
            waiting: (0..endpoints).map(|_| VecDeque::new()).collect(),
            waiting_count: 0,
            drawn: 0,
            spare: Vec::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting_count >= WAITING_MAX
    }

    fn node_of(&self, parcel: &Parcel) -> usize {
        let owner = || self.map.owner(slot_of(&parcel.bytes));
        usize::from(parcel.asked.unwrap_or_else(owner)).min(self.waiting.len() - 1)
    }
}

impl Worker {
    /// Draws the next request, due at `intended`, and sends it or has it wait for its node.
    pub(super) fn dispatch(&mut self, intended: u64, now: u64) {
        let Some(routing) = &mut self.routing else {
            return;
        };
        let index = routing.drawn;
        routing.drawn = (index + 1) % self.connections.len();
        let mut bytes = routing.spare.pop().unwrap_or_default();
        bytes.clear();
        let connection = &mut self.connections[index];
        let entries = match &mut self.orders.late {
            None => connection.tape.next(),
            Some(late) => late.next(&mut connection.tape, &self.encoder, intended),
        };
        let mut first = entries[0];
        let mut sent = None;
        if let Some(check) = &mut connection.check {
            let (command, key, stamp) = check.send(first.command, first.key, now);
            sent = check.take_newest();
            first = self.encoder.entry(key, command, 1);
            let stamped = stamp.map(|stamp| (&check.checker().stamps, stamp));
            self.encoder.stamped(first, stamped, &mut bytes);
        } else {
            self.encoder.request(entries, &mut bytes);
        }
        let (source, expect) = self.encoder.kind(first.command);
        let flight = Flight {
            key: first.key,
            intended,
            written: now,
            size: first.size,
            command: first.command,
            expect,
            keys: first.entries,
            insert: source == Source::New,
        };
        self.quota_left -= 1;
        self.place(Parcel {
            flight,
            bytes,
            sent,
            hops: 0,
            asked: None,
        });
    }

    /// Sends a request to its node, behind those that wait for it.
    fn place(&mut self, parcel: Parcel) {
        let Some(routing) = &mut self.routing else {
            return;
        };
        let node = routing.node_of(&parcel);
        routing.waiting[node].push_back(parcel);
        routing.waiting_count += 1;
        self.serve(node);
    }

    /// Sends what waits for a node, as far as its connections have room.
    fn serve(&mut self, node: usize) {
        while let Some(index) = self.room(node) {
            let Some(routing) = &mut self.routing else {
                return;
            };
            let Some(parcel) = routing.waiting[node].pop_front() else {
                return;
            };
            routing.waiting_count -= 1;
            self.put(index, parcel);
        }
    }

    /// A connection to the node that takes one more request.
    fn room(&mut self, node: usize) -> Option<usize> {
        let routing = self.routing.as_mut()?;
        let all = &routing.connections_of[node];
        for step in 0..all.len() {
            let at = (routing.turn[node] + step) % all.len();
            let index = all[at] as usize;
            let connection = &self.connections[index];
            if connection.is_up() && connection.flights.len() < self.orders.depth {
                routing.turn[node] = at + 1;
                return Some(index);
            }
        }
        None
    }

    fn put(&mut self, index: usize, mut parcel: Parcel) {
        let now = crate::clock::now();
        let connection = &mut self.connections[index];
        if connection.out.is_empty() {
            self.dirty.push(index as u32);
        }
        let Some(route) = &mut connection.route else {
            return;
        };
        if parcel.asked.take().is_some() {
            connection.out.extend_from_slice(ASKING);
            let asking = Flight {
                expect: Expect::Skipped,
                written: now,
                ..parcel.flight
            };
            connection.flights.push_back(asking);
            route.sent.push_back((Vec::new(), 0));
        }
        connection.out.extend_from_slice(&parcel.bytes);
        if parcel.hops == 0 && self.open.is_some() {
            let lag = now.saturating_sub(parcel.flight.intended);
            self.window.latencies.lag.saturating_record(lag);
        }
        parcel.flight.written = now;
        connection.flights.push_back(parcel.flight);
        route.sent.push_back((parcel.bytes, parcel.hops));
        if let Some((check, sent)) = connection.check.as_mut().zip(parcel.sent) {
            check.put_back(sent);
        }
        self.window.counts.sent += u64::from(parcel.hops == 0);
        self.in_flight += 1;
    }

    /// Records what ended on a connection and sends on what was redirected.
    pub(super) fn record_routed(&mut self, index: usize, done: usize, now: u64) {
        let connection = &mut self.connections[index];
        let Some(route) = &mut connection.route else {
            return;
        };
        let mut redirected = std::mem::take(&mut route.redirected).into_iter().peekable();
        let mut ended = 0;
        let mut again = Vec::new();
        let endpoint = &mut self.window.endpoints[connection.endpoint];
        for place in 0..done {
            let taken = connection.flights.pop_front().zip(route.sent.pop_front());
            let Some((flight, (bytes, hops))) = taken else {
                break;
            };
            if flight.expect == Expect::Skipped {
                continue;
            }
            self.in_flight -= 1;
            if let Some(going) = redirected.next_if(|going| going.place == place) {
                again.push(Parcel {
                    flight,
                    bytes,
                    sent: going.sent,
                    hops: hops + 1,
                    asked: going.asked,
                });
                continue;
            }
            if let Some(routing) = &mut self.routing {
                routing.spare.push(bytes);
            }
            let (service, command) = (now - flight.written, usize::from(flight.command));
            self.window.latencies.service[command].saturating_record(service);
            let mut response = service;
            if self.open.is_some() {
                response = now - flight.intended;
                self.window.latencies.response[command].saturating_record(response);
            }
            if let Some(own) = self.window.endpoint_responses.get_mut(connection.endpoint) {
                own.saturating_record(response);
            }
            endpoint.service_ns_sum += service;
            endpoint.service_ns_max = endpoint.service_ns_max.max(service);
            if flight.insert {
                super::settle(&self.orders.late, flight.key);
            }
            ended += 1;
        }
        endpoint.completed += ended;
        self.window.counts.completed += ended;
        self.window.counts.redirects += again.len() as u64;
        self.last_reply = now;
        let node = connection.endpoint;
        for parcel in again {
            self.place(parcel);
        }
        self.serve(node);
        self.follow(ended, now);
    }

    /// Closed loop: as many requests as have ended are followed by new ones.
    pub(super) fn follow(&mut self, count: u64, now: u64) {
        if self.open.is_some() || self.phase != Phase::Load {
            return;
        }
        let count = count.min(self.quota_left);
        self.window.counts.offered += count;
        for _ in 0..count {
            self.dispatch(now, now);
        }
    }

    /// Open loop: dispatches the arrivals whose time has come.
    pub(super) fn dispatch_due(&mut self, now: u64) -> io::Result<()> {
        while let Some(open) = &mut self.open {
            let at = open.next.at;
            let full = self.routing.as_ref().is_some_and(Routing::is_full);
            if at > now + open.wake.lead_ns || self.quota_left == 0 || full {
                break;
            }
            open.next = open.schedule.after(open.next);
            open.backlog -= 1;
            self.dispatch(at.min(now), now);
        }
        self.flush_dirty()
    }

    /// What waits goes to the nodes that the map names by now.
    pub(super) fn reroute(&mut self) -> io::Result<()> {
        let Some(routing) = &mut self.routing else {
            return Ok(());
        };
        for node in 0..routing.waiting.len() {
            let Some(routing) = &mut self.routing else {
                break;
            };
            let parcels = std::mem::take(&mut routing.waiting[node]);
            routing.waiting_count -= parcels.len();
            for parcel in parcels {
                self.place(parcel);
            }
        }
        self.flush_dirty()
    }

    /// In a cluster's closed loop, what was lost is followed by new requests.
    pub(super) fn follow_routed(&mut self, lost: u64, now: u64) {
        if self.routing.is_some() {
            self.follow(lost, now);
        }
    }

    /// What still waits for its node counts with the age it has.
    pub(super) fn finish_waiting(&mut self, now: u64) {
        let waiting = self
            .routing
            .iter_mut()
            .flat_map(|routing| &mut routing.waiting);
        for parcel in waiting.flat_map(|parcels| parcels.drain(..)) {
            let (flight, latencies) = (parcel.flight, &mut self.window.latencies);
            if self.open.is_some() {
                let age = now - flight.intended;
                latencies.response[usize::from(flight.command)].saturating_record(age);
                latencies.lag.saturating_record(age);
            }
            self.window.counts.unfinished += 1;
            let check = self.connections.first_mut().and_then(|c| c.check.as_mut());
            if let Some((check, sent)) = check.zip(parcel.sent) {
                check.put_back(sent);
            }
        }
    }
}
