//! Hints, from the node's side: what is kept of a write, and how it is delivered.
//!
//! A node that is a replica of the key itself keeps only the key, and delivers what it holds of it
//! by then: a state says the same however often and late it comes, which a read-modify-write does
//! not. Another node keeps the request.

use super::Node;
use crate::command::{Access, Command, Kind as WriteKind};
use crate::flight::FlightId;
use crate::handoff::{Delivery, Hint, HintKind, Ticket};
use crate::ids::PeerId;
use crate::time::Now;
use crate::topology::{Replica, ReplicaSet};
use crate::wire::{Flags, Header, Kind};

/// Marks the request ids of hints; flights leave the bit clear.
const HINT_BIT: u64 = 1 << 63;

/// Whether a reply's id is that of a hint's delivery.
pub(super) fn is_hint(request_id: u64) -> bool {
    request_id & HINT_BIT != 0
}

impl Node {
    /// Keeps a flight's write for a peer. `false` when it is no write, handoff is off, or there is
    /// no room.
    ///
    /// A peer of another datacenter would have passed the write on to the racks there (D12), so it
    /// is kept for them too.
    pub(super) fn hint(&mut self, id: FlightId, peer: PeerId, now: Now) -> bool {
        let Some(flight) = self.flights.get(id) else {
            return false;
        };
        if !self.config.hints.enabled || flight.command.access != Access::Write {
            return false;
        }
        let mut parser = std::mem::take(&mut self.parser);
        parser.parse(&flight.request);
        let request = parser.request(&flight.request);
        let mut positions = flight.command.keys(request.len());
        let first = positions.next().map(|position| request.arg(position));
        let replicas = first.map_or_else(ReplicaSet::new, |key| self.topology.replicas(key));
        let only_key = first.filter(|_| positions.next().is_none());
        let own = replicas.iter().any(|replica| replica.peer == self.local);
        let (kind, bytes) = match only_key.filter(|_| own) {
            Some(key) => (HintKind::State, key),
            None => (HintKind::Operation, &flight.request[..]),
        };
        let hint = Hint {
            kind,
            version: flight.version,
            bytes,
        };
        let datacenter = self.topology.peer(peer).datacenter;
        let remote = datacenter != self.topology.local_datacenter();
        let passed_on = |it: &&Replica| remote && it.datacenter == datacenter && it.peer != peer;
        for replica in replicas.iter().filter(passed_on) {
            // The store counts what it refuses.
            let _ = self.handoff.enqueue(replica.peer, hint, now);
        }
        let kept = self.handoff.enqueue(peer, hint, now).is_ok();
        self.parser = parser;
        kept
    }

    /// Whether a write must reach a joining peer as a state: executed there, a read-modify-write
    /// would meet a key of which the peer does not have everything yet.
    pub(super) fn waits_for_join(&self, peer: PeerId, command: &Command) -> bool {
        command.access == Access::Write
            && command.kind != WriteKind::Blind
            && self.states[peer.index()] == crate::dispatch::PeerState::Joining
    }

    /// A peer takes writes again: what was kept for it goes out.
    pub(super) fn drain_resumed(&mut self, peer: PeerId, now: Now) {
        if self.states[peer.index()].takes_writes() {
            self.handoff.resume(peer);
            self.drain_all(now);
        } else {
            self.handoff.pause(peer);
        }
    }

    /// A peer is gone: what was on its way to it waits again.
    pub(super) fn drain_interrupted(&mut self, peer: PeerId) {
        self.handoff.pause(peer);
    }

    /// Sends the hints that may be sent now.
    pub(super) fn drain_all(&mut self, now: Now) {
        while let Some(Delivery { peer, ticket, hint }) = self.handoff.poll(now) {
            let (kind, version) = (hint.kind, hint.version);
            let bytes = self.pool.copy(hint.bytes);
            let mut header = Header::new(Kind::Request);
            header.flags = Flags::HINT;
            header.request_id = HINT_BIT | ticket.pack();
            header.version = version;
            let sent = match kind {
                HintKind::Operation => self.send_frame(peer, header, &bytes),
                HintKind::State => {
                    header.kind = Kind::Repair;
                    let body = self.state_body(&bytes, now);
                    let sent = self.send_frame(peer, header, &body);
                    self.pool.give(body);
                    sent
                }
            };
            self.pool.give(bytes);
            if !sent {
                self.handoff.fail(peer, ticket, now);
            }
        }
    }

    /// The peer answered a hint's delivery, be it with an error: sending it again would not help.
    pub(super) fn hint_answered(&mut self, peer: PeerId, header: Header, now: Now) {
        let ticket = Ticket::unpack(header.request_id & !HINT_BIT);
        self.handoff.acknowledge(peer, ticket);
        self.drain_all(now);
    }
}
