//! Requests in flight: sent to several replicas, not yet answered by all of them.
//!
//! A flight outlives the reply to its client: it is kept until every target has answered or
//! failed, so that a slow stale replica is still repaired and a lost write still hinted.

use std::collections::VecDeque;

use crate::buffers::BufferPool;
use crate::coalesce::{
    Answer, Asked, Failure, Fed, PeerList, Repair, ReplicaCoalescer, Settings, Vote,
};
use crate::command::Command;
use crate::consistency::Consistency;
use crate::dispatch::Fanout;
use crate::ids::{ConnId, PeerId};
use crate::payload::Payload;
use crate::resp::Protocol;
use crate::time::Mono;
use crate::version::Version;

/// A flight's key in the table: slot and generation; also the request id between peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightId(u64);

impl FlightId {
    /// The id as it stands in a frame. The two highest bits are zero.
    #[must_use]
    pub const fn wire(self) -> u64 {
        self.0
    }

    /// The id that stands in a frame.
    #[must_use]
    pub const fn from_wire(id: u64) -> Self {
        Self(id)
    }

    const fn new(index: usize, generation: u32) -> Self {
        Self(((generation as u64) << 32) | index as u64)
    }

    const fn index(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Who waits for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A place in a client's order of replies.
    Client {
        /// The connection.
        conn: ConnId,
        /// The place.
        slot: u64,
    },
    /// A part of a multi-key command.
    Part(PartId),
    /// Nobody: it was answered before, or is sent on behalf of another node.
    Nobody,
}

/// A part of a multi-key command: the command's key in its table, and the part's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartId {
    /// Index of the split command.
    pub split: u32,
    /// Generation of that index.
    pub generation: u32,
    /// The part's number.
    pub part: u32,
}

/// One request on its way.
#[derive(Debug)]
pub struct Flight {
    /// Who waits for the reply.
    pub owner: Owner,
    /// The command's row.
    pub command: &'static Command,
    /// It is a write that depends on its arguments alone.
    pub blind: bool,
    /// This node is a replica and did not carry it out, because it is catching up.
    pub own_part_left_out: bool,
    /// The request in RESP, as every target gets it.
    pub request: Payload,
    /// Encoding of the reply.
    pub protocol: Protocol,
    /// Level, resolved by the planner.
    pub consistency: Consistency,
    /// Stamp of a write; `NEVER` for a read.
    pub version: Version,
    /// When it is failed.
    pub deadline: Mono,
    /// The decision is made and delivered.
    pub answered: bool,
    /// How often the write was stamped anew.
    pub restamps: u8,
    /// What the write counted under its first stamp: that is what its owner is told.
    pub counted: Option<i64>,
    /// The newest version a replica kept instead of this write.
    pub superseded_by: Version,
    /// What the owner is told when no reply of a replica is.
    pub verdict: Option<&'static [u8]>,
    /// Who is to answer, and what was answered.
    pub votes: Votes,
}

/// How a flight's answer is found.
#[expect(
    clippy::large_enum_variant,
    reason = "it lies in the flights' slab; a box would cost each request an allocation"
)]
#[derive(Debug)]
pub enum Votes {
    /// One target alone decides: its reply is passed on as it is (S1).
    Single {
        /// Who.
        peer: PeerId,
        /// It has neither answered, nor failed, nor been hinted.
        outstanding: bool,
    },
    /// Several targets, or a threshold that one can't meet.
    Several(ReplicaCoalescer),
}

impl Votes {
    /// What a fan-out needs: nothing for one target, else a coalescer.
    #[must_use]
    pub fn new(fanout: &Fanout, asked: Asked, settings: Settings) -> Self {
        match fanout.single() {
            Some(target) => Self::Single {
                peer: target.peer,
                outstanding: true,
            },
            None => Self::Several(ReplicaCoalescer::new(fanout, asked, settings)),
        }
    }

    /// Whether that peer's reply is the answer as it is.
    #[must_use]
    pub fn passes_on(&self, peer: PeerId) -> bool {
        matches!(self, Self::Single { peer: only, .. } if *only == peer)
    }

    /// Whether that peer is one of the targets.
    #[must_use]
    pub fn has_target(&self, peer: PeerId) -> bool {
        match self {
            Self::Single { peer: only, .. } => *only == peer,
            Self::Several(coalescer) => coalescer.has_target(peer),
        }
    }

    /// The verdict on the targets alone, before anything is fed (C8).
    pub fn start(&mut self) -> Fed {
        match self {
            Self::Single { .. } => Fed::Pending,
            Self::Several(coalescer) => coalescer.start(),
        }
    }

    /// A target's answer. A single target's reply never comes here: it is passed on.
    pub fn feed(&mut self, peer: PeerId, vote: Vote<'_>, pool: &mut BufferPool) -> Fed {
        match self {
            Self::Single { outstanding, .. } => {
                debug_assert_eq!(vote, Vote::Hinted);
                *outstanding = false;
                Fed::Ready(Answer::Hint)
            }
            Self::Several(coalescer) => coalescer.feed(peer, vote, pool),
        }
    }

    /// The target was sent to and will not answer.
    pub fn fail(&mut self, peer: PeerId) -> Fed {
        match self {
            Self::Single { outstanding, .. } => {
                *outstanding = false;
                Fed::Failed(Failure::NoQuorum)
            }
            Self::Several(coalescer) => coalescer.fail(peer),
        }
    }

    /// The target was not sent to and not hinted.
    pub fn lose(&mut self, peer: PeerId) -> Fed {
        match self {
            Self::Single { .. } => self.fail(peer),
            Self::Several(coalescer) => coalescer.lose(peer),
        }
    }

    /// The bytes to answer with, where a reply of a replica is the answer.
    #[must_use]
    pub fn reply(&self) -> Option<&[u8]> {
        match self {
            Self::Single { .. } => None,
            Self::Several(coalescer) => coalescer.reply(),
        }
    }

    /// Whether nothing more will be learned.
    #[must_use]
    pub fn all_in(&self) -> bool {
        match self {
            Self::Single { outstanding, .. } => !outstanding,
            Self::Several(coalescer) => coalescer.all_in(),
        }
    }

    /// The targets that have not answered, failed or been hinted.
    #[must_use]
    pub fn outstanding(&self) -> PeerList {
        match self {
            Self::Single { peer, outstanding } => {
                outstanding.then_some(*peer).into_iter().collect()
            }
            Self::Several(coalescer) => coalescer.outstanding().collect(),
        }
    }

    /// What to repair once all are in.
    #[must_use]
    pub fn repair(&self, local: PeerId) -> Repair {
        match self {
            Self::Single { .. } => Repair::Nothing,
            Self::Several(coalescer) => coalescer.repair(local),
        }
    }

    /// Gives the buffers back.
    pub fn release(self, pool: &mut BufferPool) {
        if let Self::Several(coalescer) = self {
            coalescer.release(pool);
        }
    }
}

/// Highest generation: the ids' two top bits stay free for other kinds of request.
const GENERATION_MASK: u32 = 0x3fff_ffff;

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    flight: Option<Flight>,
}

/// All flights of a node, and their deadlines in order.
#[derive(Debug, Default)]
pub struct Flights {
    slots: Vec<Slot>,
    free: Vec<u32>,
    deadlines: VecDeque<(Mono, FlightId)>,
    /// Those that were given a second deadline, which is as long for all of them.
    late: VecDeque<(Mono, FlightId)>,
}

impl Flights {
    /// Flights under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a flight. Its deadline is the latest so far, but for a request that is sent again.
    pub fn insert(&mut self, flight: Flight) -> FlightId {
        let index = self.free.pop().map_or_else(
            || {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            },
            |index| index as usize,
        );
        let slot = &mut self.slots[index];
        let id = FlightId::new(index, slot.generation);
        let later = |(deadline, _): &(Mono, FlightId)| *deadline > flight.deadline;
        if self.deadlines.back().is_some_and(later) {
            let at = self.deadlines.partition_point(|entry| !later(entry));
            self.deadlines.insert(at, (flight.deadline, id));
        } else {
            self.deadlines.push_back((flight.deadline, id));
        }
        slot.flight = Some(flight);
        id
    }

    /// The flight of that id, unless it is over.
    pub fn get(&mut self, id: FlightId) -> Option<&mut Flight> {
        self.slots
            .get_mut(id.index())
            .filter(|slot| slot.generation == id.generation())?
            .flight
            .as_mut()
    }

    /// Ends a flight.
    pub fn remove(&mut self, id: FlightId) -> Option<Flight> {
        let slot = self
            .slots
            .get_mut(id.index())
            .filter(|slot| slot.generation == id.generation())?;
        let flight = slot.flight.take()?;
        slot.generation = (slot.generation + 1) & GENERATION_MASK;
        self.free.push(id.index() as u32);
        // Flights that ended early leave their deadline behind: the front ones go here.
        while let Some(&(_, front)) = self.deadlines.front() {
            if self.get(front).is_some() {
                break;
            }
            self.deadlines.pop_front();
        }
        Some(flight)
    }

    /// The next flight whose deadline has passed; each is given once for each deadline.
    pub fn next_due(&mut self, now: Mono) -> Option<FlightId> {
        for late in [false, true] {
            while let Some(&(deadline, id)) = self.queue(late).front() {
                let under_way = self.get(id).is_some();
                if under_way && deadline > now {
                    break;
                }
                self.queue(late).pop_front();
                if under_way {
                    return Some(id);
                }
            }
        }
        None
    }

    fn queue(&mut self, late: bool) -> &mut VecDeque<(Mono, FlightId)> {
        if late {
            &mut self.late
        } else {
            &mut self.deadlines
        }
    }

    /// Gives a flight whose deadline has passed another one. Not to go back from one call to the
    /// next.
    pub fn wait_until(&mut self, id: FlightId, deadline: Mono) {
        self.late.push_back((deadline, id));
    }

    /// Ids of all flights.
    #[must_use]
    pub fn ids(&self) -> Vec<FlightId> {
        let ids = self.slots.iter().enumerate();
        ids.filter(|(_, slot)| slot.flight.is_some())
            .map(|(index, slot)| FlightId::new(index, slot.generation))
            .collect()
    }
}
