//! Read repair: the newest state of a key is written over older ones.
//!
//! The state is taken from where it is newest: from this node's store, or fetched from the peer
//! that has it. Fire and forget: the receiver compares versions, and what is lost is found again
//! by the next read.

use super::fanout::Again;
use super::handoff::hint_id;
use super::{Node, states};
use crate::coalesce::{PeerList, RepairKey};
use crate::dispatch::PeerState;
use crate::flight::{Flight, Owner};
use crate::handoff::Ticket;
use crate::ids::{ConnId, PeerId};
use crate::resp::{Parsed, RequestParser, request};
use crate::store::Applied;
use crate::time::{Mono, Now};
use crate::wire::{Flags, Header, Kind, WireError};

/// Fetches under way at a time; more are dropped and counted.
const FETCHES_MAX: usize = 1024;
/// Keys of one request that are read one by one to find what differs; the others are dropped.
const KEYS_MAX: usize = 1024;
/// A fetch that is not answered is forgotten, in milliseconds.
const FETCH_TIMEOUT_MS: u64 = 5_000;

/// A state asked for.
#[derive(Debug)]
pub(super) struct Fetch {
    id: u64,
    want: Want,
    deadline: Mono,
}

/// Who is to have a state that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Those that answered a read with something older.
    Repair(PeerList),
    /// The peer for which a hint is kept; several replicas are asked, the last one's state settles it.
    Hint { peer: PeerId, ticket: Ticket },
}

impl Node {
    /// Sets going what a finished read asks for.
    pub(super) fn repair(&mut self, flight: &Flight, repair: RepairKey, now: Now) {
        self.counters.read_repair_scheduled_total += repair.stale.len() as u64;
        let Some(key) = self.keys_of(flight).into_iter().next() else {
            return;
        };
        if repair.source == self.local {
            let body = self.state_body(key, now);
            self.spread(&repair.stale, &body, now);
            self.pool.give(body);
        } else {
            self.fetch(repair.source, Want::Repair(repair.stale), key, now);
        }
    }

    /// Reads the keys of a request for several of them once more, each alone and for nobody: only
    /// so is it known which of them differ, and which state is the newest.
    pub(super) fn repair_each_key(&mut self, flight: &Flight, now: Now) {
        let keys = self.keys_of(flight);
        let again = Again {
            owner: Owner::Nobody,
            command: flight.command,
            protocol: flight.protocol,
            restamps: 0,
            counted: None,
            deadline: self.deadline(now),
        };
        for key in keys.iter().take(KEYS_MAX) {
            let mut bytes = self.pool.take();
            request::encode([again.command.name.as_bytes(), key], &mut bytes);
            self.relaunch(&bytes, again, now);
            self.pool.give(bytes);
        }
        self.counters.read_repair_dropped_total += keys.len().saturating_sub(KEYS_MAX) as u64;
    }

    /// Takes over what the other replicas made of a write that this node, catching up, could not
    /// carry out itself.
    pub(super) fn catch_up_with(&mut self, flight: &Flight, now: Now) {
        for key in self.keys_of(flight) {
            for replica in self.topology.replicas(key) {
                let near = replica.datacenter == self.topology.local_datacenter();
                if near && self.states[replica.peer.index()] == PeerState::Normal {
                    self.counters.read_repair_scheduled_total += 1;
                    let own = Want::Repair([self.local].into_iter().collect());
                    self.fetch(replica.peer, own, key, now);
                }
            }
        }
    }

    /// The keys of a flight's request.
    fn keys_of<'a>(&mut self, flight: &'a Flight) -> Vec<&'a [u8]> {
        let bytes: &'a [u8] = &flight.request;
        let parser: &mut RequestParser = &mut self.parser;
        if !matches!(parser.parse(bytes), Parsed::Request { .. }) {
            return Vec::new();
        }
        let args = parser.args();
        let keys = flight.command.keys(args.len()).map(|at| args[at]);
        keys.map(|key| &bytes[key.start as usize..key.end as usize])
            .collect()
    }

    /// Asks a peer for the state of a key; whether it could be asked.
    pub(super) fn fetch(&mut self, source: PeerId, want: Want, key: &[u8], now: Now) -> bool {
        self.fetch_id += 1;
        let mut header = Header::new(Kind::Fetch);
        header.request_id = self.fetch_id;
        let sent = self.fetches.len() < FETCHES_MAX && self.send_frame(source, header, key);
        if sent {
            self.fetches.push(Fetch {
                id: self.fetch_id,
                want,
                deadline: now.mono.plus_ms(FETCH_TIMEOUT_MS),
            });
        } else if let Want::Repair(stale) = want {
            self.counters.read_repair_dropped_total += stale.len() as u64;
        }
        sent
    }

    /// Gives up on what was asked for too long ago.
    pub(super) fn forget_fetches(&mut self, now: Now) {
        let late = |fetch: &Fetch| fetch.deadline <= now.mono;
        while let Some(index) = self.fetches.iter().position(late) {
            match self.fetches.swap_remove(index).want {
                Want::Repair(stale) => {
                    self.counters.read_repair_dropped_total += stale.len() as u64;
                }
                Want::Hint { peer, ticket } => self.handoff.fail(peer, ticket, now),
            }
        }
    }

    /// A key with its state as this node has it, encoded.
    pub(super) fn state_body(&mut self, key: &[u8], now: Now) -> Vec<u8> {
        let mut body = self.pool.take();
        states::encode(key, self.store.state(key, now.wall_ms), &mut body);
        body
    }

    fn spread(&mut self, stale: &[PeerId], body: &[u8], now: Now) {
        for &peer in stale {
            let done = if peer == self.local {
                let applied = self.apply_state(body, now);
                applied.map(|applied| self.count_repair(applied)).is_ok()
            } else {
                self.send_frame(peer, Header::new(Kind::Repair), body)
            };
            self.counters.read_repair_dropped_total += u64::from(!done);
        }
    }

    /// A peer asks for a key's state.
    pub(super) fn answer_fetch(&mut self, id: ConnId, header: Header, key: &[u8], now: Now) {
        let body = self.state_body(key, now);
        let mut answer = Header::new(Kind::State);
        answer.request_id = header.request_id;
        self.answer_frame(id, answer, &body);
        self.pool.give(body);
    }

    /// The state that was asked for.
    pub(super) fn take_state(
        &mut self,
        header: Header,
        body: &[u8],
        now: Now,
    ) -> Result<(), WireError> {
        states::decode(body, self.store.seed())?;
        let asked = self
            .fetches
            .iter()
            .position(|fetch| fetch.id == header.request_id);
        if let Some(index) = asked {
            match self.fetches.swap_remove(index).want {
                Want::Repair(stale) => self.spread(&stale, body, now),
                Want::Hint { peer, ticket } => self.deliver_state((peer, ticket), body, now),
            }
        }
        Ok(())
    }

    /// Passes on a state for a hint. Only the last one asked for is acknowledged: it arrives last.
    fn deliver_state(&mut self, (peer, ticket): (PeerId, Ticket), body: &[u8], now: Now) {
        let this = Want::Hint { peer, ticket };
        let last = !self.fetches.iter().any(|fetch| fetch.want == this);
        let mut header = Header::new(Kind::Repair);
        header.flags = Flags::HINT;
        if last {
            header.request_id = hint_id(ticket);
        }
        self.handoff.charge(peer, body.len());
        if !self.send_frame(peer, header, body) {
            self.handoff.fail(peer, ticket, now);
        }
    }

    /// A peer repairs a key of this node, or delivers a hint as a state. Acknowledged when it has
    /// an id.
    pub(super) fn take_repair(
        &mut self,
        id: ConnId,
        header: Header,
        body: &[u8],
        now: Now,
    ) -> Result<(), WireError> {
        let applied = self.apply_state(body, now)?;
        if !header.flags.has(Flags::HINT) {
            self.count_repair(applied);
        }
        if header.request_id != 0 {
            let mut answer = Header::new(Kind::Reply);
            answer.request_id = header.request_id;
            answer.flags = Flags::HINT;
            self.answer_frame(id, answer, &[]);
        }
        Ok(())
    }

    /// What became of a key's state; `None` for one that was never written.
    fn apply_state(&mut self, body: &[u8], now: Now) -> Result<Option<Applied>, WireError> {
        let Some((key, state)) = states::decode(body, self.store.seed())? else {
            return Ok(None);
        };
        self.clock.observe(state.version);
        Ok(Some(self.store.apply_state(key, state, now.wall_ms)))
    }

    fn count_repair(&mut self, applied: Option<Applied>) {
        match applied {
            Some(Applied::Applied) => self.counters.read_repair_applied_total += 1,
            Some(Applied::Superseded) => self.counters.read_repair_superseded_total += 1,
            None => {}
        }
    }
}
