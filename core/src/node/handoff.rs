//! Hints, from the node's side: what is kept of a write, and how it is delivered.
//!
//! A node that is a replica of the key itself keeps only the key, and delivers what it holds of it
//! by then: a state says the same however often and late it comes, which a read-modify-write does
//! not. Another node keeps the request of a blind write; of a read-modify-write it keeps the keys
//! too, and asks the replicas for what they hold by then.

use smallvec::SmallVec;

use super::Node;
use super::repair::Want;
use crate::command::{Access, Command};
use crate::dispatch::PeerState;
use crate::flight::FlightId;
use crate::handoff::{Delivery, Hint, HintKind, Ticket};
use crate::ids::PeerId;
use crate::resp::Request;
use crate::store::Exec;
use crate::time::Now;
use crate::topology::{Replica, ReplicaSet};
use crate::wire::{Flags, Header, Kind};

/// Marks the request ids of hints; flights leave the bit clear.
const HINT_BIT: u64 = 1 << 63;

/// The request id of a hint's delivery.
pub(super) fn hint_id(ticket: Ticket) -> u64 {
    HINT_BIT | ticket.pack()
}

/// Whether a reply's id is that of a hint's delivery.
pub(super) fn is_hint(request_id: u64) -> bool {
    request_id & HINT_BIT != 0
}

impl Node {
    /// Keeps a flight's write for a peer. `false` when it is no write, handoff is off, or there is
    /// no room.
    ///
    /// A peer of another datacenter would have passed the write on to the racks there (D12), so it
    /// is kept for them too, but for those that are targets themselves.
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
        let positions = flight.command.keys(request.len());
        let keys: SmallVec<[&[u8]; 2]> = positions.map(|at| request.arg(at)).collect();
        let replicas = keys.first().map_or_else(ReplicaSet::new, |key| {
            self.rules.replicas(key, &self.topology)
        });
        let own = replicas.iter().any(|replica| replica.peer == self.local);
        let by_state = !flight.blind || (own && keys.len() == 1);
        let (kind, each) = match by_state {
            true => (HintKind::State, &keys[..]),
            false => (HintKind::Operation, &[&flight.request[..]][..]),
        };
        let datacenter = self.topology.peer(peer).datacenter;
        let remote = datacenter != self.topology.local_datacenter();
        let votes = &flight.votes;
        let passed_on =
            |it: &&Replica| remote && it.datacenter == datacenter && !votes.has_target(it.peer);
        let others = replicas.iter().filter(passed_on).map(|other| other.peer);
        let mut kept = true;
        for target in others.chain([peer]) {
            for bytes in each {
                let hint = Hint {
                    kind,
                    version: flight.version,
                    bytes,
                };
                // The store counts what it refuses.
                let fits = self.handoff.enqueue(target, hint, now).is_ok();
                kept &= fits || target != peer;
            }
        }
        drop(keys);
        self.parser = parser;
        kept
    }

    /// Whether a key has a read-modify-write already: it came by a state, from a repair or a hint,
    /// that was faster than the request itself.
    pub(super) fn has_already(&self, command: &Command, request: Request<'_>, exec: Exec) -> bool {
        let counts = command.access == Access::Write && !command.is_blind(&request);
        let mut keys = command.keys(request.len());
        counts && keys.any(|at| self.store.version(request.arg(at)) == exec.version)
    }

    /// Whether a write must reach a joining node as a state: executed there, a read-modify-write
    /// would meet a key of which the node does not have everything yet.
    pub(super) fn waits_for_join(&mut self, id: FlightId, peer: PeerId) -> bool {
        self.states[peer.index()] == PeerState::Joining
            && self
                .flights
                .get(id)
                .is_some_and(|flight| flight.command.access == Access::Write && !flight.blind)
    }

    /// A peer serves again: what was kept for it goes out. Not before it has caught up, or a
    /// read-modify-write among it would be executed on half a memory.
    pub(super) fn drain_resumed(&mut self, peer: PeerId, now: Now) {
        if self.states[peer.index()] == PeerState::Normal {
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
            let sent = match kind {
                HintKind::Operation => {
                    let mut header = Header::new(Kind::Request);
                    header.flags = Flags::HINT;
                    header.request_id = hint_id(ticket);
                    header.version = version;
                    self.send_frame(peer, header, &bytes)
                }
                HintKind::State => self.send_state((peer, ticket), &bytes, now),
            };
            self.pool.give(bytes);
            if !sent {
                self.handoff.fail(peer, ticket, now);
            }
        }
    }

    /// Delivers the state of a key: this node's own where it is a replica, else that of the
    /// replicas that serve.
    fn send_state(&mut self, (peer, ticket): (PeerId, Ticket), key: &[u8], now: Now) -> bool {
        let replicas = self.rules.replicas(key, &self.topology);
        if replicas.iter().any(|replica| replica.peer == self.local) {
            let mut header = Header::new(Kind::Repair);
            header.flags = Flags::HINT;
            header.request_id = hint_id(ticket);
            let body = self.state_body(key, now);
            self.handoff.charge(peer, body.len() - key.len());
            let sent = self.send_frame(peer, header, &body);
            self.pool.give(body);
            return sent;
        }
        let mut asked = false;
        for source in replicas.iter().map(|replica| replica.peer) {
            if source != peer && self.states[source.index()] == PeerState::Normal {
                asked |= self.fetch(source, Want::Hint { peer, ticket }, key, now);
            }
        }
        asked
    }

    /// The peer answered a hint's delivery, be it with an error: sending it again would not help.
    pub(super) fn hint_answered(&mut self, peer: PeerId, header: Header, now: Now) {
        let ticket = Ticket::unpack(header.request_id & !HINT_BIT);
        self.handoff.acknowledge(peer, ticket);
        self.drain_all(now);
    }
}
