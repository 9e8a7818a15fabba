//! The hints of all peers: bounds, fairness between drains, and what an operator sees.

use super::Sabotage;
use super::drain::{Lane, Next};
use super::queue::{ENTRY_BYTES, Entry, Spare};
use crate::ids::PeerId;
use crate::time::{Mono, Now};
use crate::version::Version;

/// Shortest life of a hint, in milliseconds (H3).
const TTL_MS_MIN: u64 = 1_000;

/// How much is kept, how long, and how fast it is delivered.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of all hints together (H2). A hint counts its own bytes and a small fixed share.
    pub bytes_max: usize,
    /// Bytes of one peer's hints.
    pub peer_bytes_max: usize,
    /// Age at which a hint is dropped; at least one second (H3).
    pub ttl_ms: u64,
    /// Delivery to one peer, in bytes per second; 0: unlimited (H6).
    pub drain_bytes_per_s: u64,
    /// Hints on their way to one peer.
    pub window_hints: usize,
    /// Bytes on their way to one peer, overstepped by at most one hint.
    pub window_bytes: usize,
    /// Pause after the first failed delivery; doubles with each further one.
    pub backoff_ms_min: u64,
    /// Longest such pause.
    pub backoff_ms_max: u64,
    /// For the simulator; default: nothing is broken.
    pub sabotage: Sabotage,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 64 * 1024 * 1024,
            peer_bytes_max: 64 * 1024 * 1024,
            ttl_ms: 3 * 60 * 60 * 1000,
            drain_bytes_per_s: 32 * 1024 * 1024,
            window_hints: 256,
            window_bytes: 1024 * 1024,
            backoff_ms_min: 100,
            backoff_ms_max: 10_000,
            sabotage: Sabotage::default(),
        }
    }
}

impl Limits {
    pub(super) fn too_old(&self, entry: &Entry, wall_ms: u64) -> bool {
        let age_ms = wall_ms.saturating_sub(entry.stored_ms);
        age_ms >= self.ttl_ms.max(TTL_MS_MIN)
    }
}

/// What is kept of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintKind {
    /// The request, to be executed with its version.
    Operation,
    /// The key: what it holds when it is delivered is sent.
    State,
}

/// A write for a peer that could not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'a> {
    /// What the bytes are.
    pub kind: HintKind,
    /// The write's version, so that delivering it twice or late changes nothing (H4).
    pub version: Version,
    /// The request, or the key.
    pub bytes: &'a [u8],
}

/// The bound is reached: the hint is not kept (H2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hint store is full")]
pub struct Refused;

/// Names a delivery in its acknowledgement. Tickets of an attempt that was given up are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) number: u64,
    pub(super) attempt: u32,
}

impl Ticket {
    /// Attempts are numbered modulo this.
    pub(super) const ATTEMPTS: u32 = 1 << 22;

    /// In 62 bits, as it travels: 22 of the attempt above 40 of the number.
    #[must_use]
    pub const fn pack(self) -> u64 {
        ((self.attempt as u64) << 40) | (self.number & ((1 << 40) - 1))
    }

    /// The ticket that was packed; exact for the first 2^40 hints of a peer.
    #[must_use]
    pub const fn unpack(packed: u64) -> Self {
        Self {
            number: packed & ((1 << 40) - 1),
            attempt: (packed >> 40) as u32 % Self::ATTEMPTS,
        }
    }
}

/// A hint to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// To whom.
    pub peer: PeerId,
    /// To be given back with what became of it.
    pub ticket: Ticket,
    /// The hint.
    pub hint: Hint<'a>,
}

/// One peer's hints, as an operator sees them (H7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Hints kept.
    pub stored: u64,
    /// What they count in the bounds, in bytes.
    pub bytes: u64,
    /// Age of the oldest, in milliseconds; 0 when there is none.
    pub oldest_ms: u64,
    /// Acknowledged, in total.
    pub delivered: u64,
    /// Dropped because of their age, in total.
    pub expired: u64,
    /// Not kept because of the bounds, in total.
    pub refused: u64,
}

/// Keeps hints and hands them out for delivery (H1 to H4, H6, H7).
///
/// The driver's part: [`resume`](Self::resume) when a peer takes writes, [`pause`](Self::pause)
/// when it is gone; [`poll`](Self::poll) until it gives nothing, again at
/// [`next_timer`](Self::next_timer), after each answer and after each `resume`; for each delivery
/// one [`acknowledge`](Self::acknowledge) or [`fail`](Self::fail); [`sweep`](Self::sweep) now and
/// then. Hints of one peer are sent and leave in the order in which they came.
#[derive(Debug)]
pub struct HintStore {
    limits: Limits,
    /// By peer.
    lanes: Vec<Lane>,
    bytes: usize,
    spare: Spare,
    /// The lanes that are not paused and not empty, served in turn.
    served: Vec<PeerId>,
    turn: usize,
}

impl HintStore {
    /// An empty store; every peer is paused.
    #[must_use]
    pub fn new(limits: Limits, peer_count: usize) -> Self {
        Self {
            lanes: (0..peer_count).map(|_| Lane::new(&limits)).collect(),
            limits,
            bytes: 0,
            spare: Spare::default(),
            served: Vec::new(),
            turn: 0,
        }
    }

    /// Keeps a write for `peer`.
    ///
    /// # Errors
    /// Over the bound of all hints or of this peer's; counted. Nothing older is dropped for it.
    pub fn enqueue(&mut self, peer: PeerId, hint: Hint<'_>, now: Now) -> Result<(), Refused> {
        let cost = hint.bytes.len() + ENTRY_BYTES;
        let lane = &mut self.lanes[peer.index()];
        let over = self.bytes + cost > self.limits.bytes_max
            || lane.queue.bytes() + cost > self.limits.peer_bytes_max;
        let sabotage = self.limits.sabotage;
        if sabotage.keeps_nothing {
            return Ok(());
        }
        if over && !sabotage.unbounded {
            lane.refused += 1;
            return Err(Refused);
        }
        let Hint {
            kind,
            version,
            bytes,
        } = hint;
        lane.queue
            .push((kind, version), bytes, now.wall_ms, &mut self.spare);
        self.bytes += cost;
        self.list(peer);
        Ok(())
    }

    /// The peer takes hints: draining starts at once.
    pub fn resume(&mut self, peer: PeerId) {
        self.lanes[peer.index()].resume();
        self.list(peer);
    }

    /// The peer takes none; what was on its way is waiting again and its tickets are void.
    pub fn pause(&mut self, peer: PeerId) {
        let lane = &mut self.lanes[peer.index()];
        self.bytes -= lane.pause(&self.limits, &mut self.spare);
        self.list(peer);
    }

    /// The next hint to send, peers in turn. Those that are too old are dropped here.
    pub fn poll(&mut self, now: Now) -> Option<Delivery<'_>> {
        let peer = self.ready_peer(now)?;
        let lane = &mut self.lanes[peer.index()];
        let (ticket, entry) = lane.send()?;
        Some(Delivery {
            peer,
            ticket,
            hint: Hint {
                kind: entry.kind,
                version: entry.version,
                bytes: lane.queue.hint(&entry),
            },
        })
    }

    /// A delivery took `len` bytes more than its hint has: the value that belongs to a key. They
    /// count in the rate (H6).
    pub fn charge(&mut self, peer: PeerId, len: usize) {
        self.lanes[peer.index()].charge(len);
    }

    /// The peer has answered the delivery: the hint leaves the store. An error that delivering it
    /// again can't mend is such an answer too, or it would hold up all behind it until it expires.
    pub fn acknowledge(&mut self, peer: PeerId, ticket: Ticket) {
        let lane = &mut self.lanes[peer.index()];
        self.bytes -= lane.acknowledge(ticket, &mut self.spare);
        self.list(peer);
    }

    /// The delivery failed: it and all others on their way to this peer are waiting again and
    /// their tickets void; the next attempt comes after a pause that doubles up to its cap.
    pub fn fail(&mut self, peer: PeerId, ticket: Ticket, now: Now) {
        let lane = &mut self.lanes[peer.index()];
        self.bytes -= lane.fail(ticket, &self.limits, now.mono, &mut self.spare);
        self.list(peer);
    }

    /// Drops hints that are too old (H3).
    pub fn sweep(&mut self, now: Now) {
        for index in 0..self.lanes.len() {
            self.expire(PeerId(index as u16), now);
        }
    }

    /// When [`poll`](Self::poll) may give something without anything else happening.
    #[must_use]
    pub fn next_timer(&mut self, now: Now) -> Option<Mono> {
        let limits = &self.limits;
        let lanes = &mut self.lanes;
        let times =
            self.served
                .iter()
                .filter_map(|peer| match lanes[peer.index()].next(limits, now) {
                    Next::Idle => None,
                    Next::At(time) => Some(time),
                    Next::Now => Some(now.mono),
                });
        times.min()
    }

    /// One peer's gauges and counters.
    #[must_use]
    pub fn gauges(&self, peer: PeerId, now: Now) -> Gauges {
        let lane = &self.lanes[peer.index()];
        let oldest = lane.queue.front();
        Gauges {
            stored: lane.queue.len() as u64,
            bytes: lane.queue.bytes() as u64,
            oldest_ms: oldest.map_or(0, |entry| now.wall_ms.saturating_sub(entry.stored_ms)),
            delivered: lane.delivered,
            expired: lane.expired,
            refused: lane.refused,
        }
    }

    /// What all hints count together, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is kept for anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The next peer in turn that may be sent to.
    fn ready_peer(&mut self, now: Now) -> Option<PeerId> {
        for _ in 0..self.served.len() {
            // Expiry takes lanes off the list.
            self.turn = (self.turn + 1).checked_rem(self.served.len())?;
            let peer = self.served[self.turn];
            self.expire(peer, now);
            if self.lanes[peer.index()].next(&self.limits, now) == Next::Now {
                return Some(peer);
            }
        }
        None
    }

    fn expire(&mut self, peer: PeerId, now: Now) {
        let lane = &mut self.lanes[peer.index()];
        let left = lane.expire(&self.limits, now.wall_ms, &mut self.spare);
        self.bytes -= left;
        if left > 0 {
            self.list(peer);
        }
    }

    /// Keeps `served` in step with a lane.
    fn list(&mut self, peer: PeerId) {
        let lane = &mut self.lanes[peer.index()];
        let wanted = lane.wants_service();
        if wanted && !lane.listed {
            self.served.push(peer);
        } else if !wanted && lane.listed {
            self.served.retain(|listed| *listed != peer);
        }
        lane.listed = wanted;
    }
}
