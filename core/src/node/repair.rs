//! Read repair: the newest state of a key is written over older ones.
//!
//! The state is taken from where it is newest: from this node's store, or fetched from the peer
//! that has it. Fire and forget: the receiver compares versions, and what is lost is found again
//! by the next read.

use super::Node;
use super::states;
use crate::coalesce::{PeerList, RepairKey};
use crate::flight::Flight;
use crate::ids::{ConnId, PeerId};
use crate::resp::RequestParser;
use crate::store::Applied;
use crate::time::Now;
use crate::wire::{Flags, Header, Kind, WireError};

/// Fetches under way at a time; more are dropped and counted.
const FETCHES_MAX: usize = 1024;
/// A fetch that is not answered is forgotten, in milliseconds.
const FETCH_TIMEOUT_MS: u64 = 5_000;

/// A state asked for, and who is to have it.
#[derive(Debug)]
pub(super) struct Fetch {
    id: u64,
    stale: PeerList,
    deadline: crate::time::Mono,
}

impl Node {
    /// Sets going what a finished read asks for.
    pub(super) fn repair(&mut self, flight: &Flight, repair: RepairKey, now: Now) {
        self.counters.read_repair_scheduled_total += repair.stale.len() as u64;
        let mut parser = std::mem::take(&mut self.parser);
        if let Some(key) = key_of(&mut parser, flight) {
            if repair.source == self.local {
                let body = self.state_body(key, now);
                self.spread(&repair.stale, &body, now);
                self.pool.give(body);
            } else {
                self.fetch(repair, key, now);
            }
        }
        self.parser = parser;
    }

    fn fetch(&mut self, repair: RepairKey, key: &[u8], now: Now) {
        self.fetches.retain(|fetch| fetch.deadline > now.mono);
        self.fetch_id += 1;
        let mut header = Header::new(Kind::Fetch);
        header.request_id = self.fetch_id;
        let sent = self.fetches.len() < FETCHES_MAX && self.send_frame(repair.source, header, key);
        if !sent {
            self.counters.read_repair_dropped_total += repair.stale.len() as u64;
            return;
        }
        self.fetches.push(Fetch {
            id: self.fetch_id,
            stale: repair.stale,
            deadline: now.mono.plus_ms(FETCH_TIMEOUT_MS),
        });
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
                self.apply_state(body, now).is_ok()
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
        states::decode(body)?;
        let asked = self
            .fetches
            .iter()
            .position(|fetch| fetch.id == header.request_id);
        if let Some(index) = asked {
            let fetch = self.fetches.swap_remove(index);
            self.spread(&fetch.stale, body, now);
        }
        Ok(())
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
        self.apply_state(body, now)?;
        if header.request_id != 0 {
            let mut answer = Header::new(Kind::Reply);
            answer.request_id = header.request_id;
            answer.flags = Flags::HINT;
            self.answer_frame(id, answer, &[]);
        }
        Ok(())
    }

    fn apply_state(&mut self, body: &[u8], now: Now) -> Result<(), WireError> {
        let Some((key, state)) = states::decode(body)? else {
            return Ok(());
        };
        self.clock.observe(state.version);
        match self.store.apply_state(key, &state, now.wall_ms) {
            Applied::Applied => self.counters.read_repair_applied_total += 1,
            Applied::Superseded => self.counters.read_repair_superseded_total += 1,
        }
        Ok(())
    }
}

/// The one key of a flight's request.
fn key_of<'a>(parser: &mut RequestParser, flight: &'a Flight) -> Option<&'a [u8]> {
    let bytes: &'a [u8] = &flight.request;
    parser.parse(bytes);
    let first_key = flight.command.first_key(parser.args().len())?;
    let range = parser.args().get(first_key)?;
    bytes.get(range.start as usize..range.end as usize)
}
