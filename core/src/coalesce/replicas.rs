//! The replica coalescer: one request, its targets, their answers; one decision.
//!
//! It holds one slot per target and one copy of each *distinct* reply; replies that agree are
//! compared where they lie and not kept. What is decided when is in `judge`; what happens with
//! the differences afterwards in `repair`.

use smallvec::SmallVec;

use super::judge::Verdict;
use super::sabotage::Sabotage;
use crate::buffers::BufferPool;
use crate::consistency::Consistency;
use crate::dispatch::{Configured, Fanout};
use crate::ids::PeerId;
use crate::limits::REPLICAS_INLINE;
use crate::version::Version;

/// Peers in ascending order, without duplicates.
pub type PeerList = SmallVec<[PeerId; REPLICAS_INLINE]>;

/// What the versions that come with replies mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// There are none: replies of an outside store. Votes decide (C4, C5).
    None,
    /// The version of the request's one key: the newest of a majority wins (C4).
    #[default]
    Key,
    /// A mix of the versions of several keys: equal mixes mean equal states, no mix is newer. A
    /// read whose majority differs fails as [`Failure::Divided`] at once and is to be asked again
    /// key by key; a write is decided as with `Key`.
    Mixed,
}

/// What the coalescer is told of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A write: replies are acknowledgements.
    pub write: bool,
    /// What its replies' versions mean.
    pub versions: Versions,
}

/// The pool's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A read without versions and without a majority fails instead of answering the value with
    /// the most votes (C5).
    pub strict_quorum: bool,
    /// Hints count toward a quorum (C9).
    pub sloppy_quorum: bool,
    /// For the simulator; default: nothing is broken.
    pub sabotage: Sabotage,
}

/// One replica's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The encoded reply, compared byte by byte (C1).
    pub bytes: &'a [u8],
    /// What it speaks of; [`Version::NEVER`] where there is none.
    pub version: Version,
}

/// What came from, or was done for, one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote<'a> {
    /// A reply that is not an error: a value or an acknowledgement.
    Value(Reply<'a>),
    /// An error reply.
    Error(Reply<'a>),
    /// The write is kept for it (C9).
    Hinted,
}

/// What answers the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This peer's reply, in [`ReplicaCoalescer::reply`].
    Reply {
        /// The winner.
        peer: PeerId,
        /// Most votes, no majority: to be counted (C5).
        plurality: bool,
    },
    /// Only hints: what the command would have answered where that is known, else the no-quorum
    /// error (C9).
    Hint,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too few replicas can answer (C8).
    NoQuorum,
    /// They answered, but not the same.
    Divided,
    /// They refused: [`ReplicaCoalescer::reply`] has the error to pass on, the one with the most
    /// votes, ties to the lowest peer.
    Refused,
}

/// What one feed led to. `Ready` or `Failed` comes exactly once in the life of a coalescer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// Nothing for the client; also the answer to every straggler.
    Pending,
    /// Answer the client.
    Ready(Answer),
    /// Answer the client with an error.
    Failed(Failure),
}

/// A reply kept by a slot: which of the distinct ones, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ballot {
    pub(super) class: u16,
    pub(super) version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    Outstanding,
    Hinted,
    /// Sent to, and will not answer.
    Failed,
    /// Never sent to (S2).
    Lost,
    /// Answered after a decision that compares nothing (C3).
    Absorbed,
    /// Answered with a value or an acknowledgement.
    Value,
    /// Answered with an error.
    Error,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Of its reply, when it has one.
    pub(super) ballot: Ballot,
    pub(super) peer: PeerId,
    pub(super) datacenter: u8,
    pub(super) waited: bool,
    pub(super) state: SlotState,
}

impl Slot {
    /// What it replied.
    pub(super) fn ballot(&self) -> Option<Ballot> {
        let replied = matches!(self.state, SlotState::Value | SlotState::Error);
        replied.then_some(self.ballot)
    }
}

/// A distinct reply.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) bytes: Vec<u8>,
    pub(super) error: bool,
    /// Nobody says it any more (C2); the place may be taken.
    vacant: bool,
}

/// Turns the replies of one request's replicas into one answer (C1 to C11).
///
/// Only targets that are `waited` vote; the others are remembered for read repair. No heap
/// allocation up to [`REPLICAS_INLINE`] targets and two distinct replies, beyond what the pool's
/// buffers need to hold them.
///
/// The life of one: [`new`](Self::new); [`start`](Self::start) (C8: it may have failed already);
/// [`feed`](Self::feed), [`fail`](Self::fail) or [`lose`](Self::lose) for every target; when
/// [`all_in`](Self::all_in), [`repair`](Self::repair) and [`release`](Self::release).
#[derive(Debug)]
pub struct ReplicaCoalescer {
    pub(super) consistency: Consistency,
    pub(super) asked: Asked,
    pub(super) settings: Settings,
    pub(super) configured: Configured,
    pub(super) slots: SmallVec<[Slot; REPLICAS_INLINE]>,
    pub(super) classes: SmallVec<[Class; 2]>,
    pub(super) verdict: Option<Verdict>,
}

impl ReplicaCoalescer {
    /// A coalescer for that fan-out; every target is outstanding, hinted ones too until their
    /// hint is fed.
    #[must_use]
    pub fn new(fanout: &Fanout, asked: Asked, settings: Settings) -> Self {
        let slots = fanout.targets.iter().map(|target| Slot {
            peer: target.peer,
            datacenter: target.datacenter,
            waited: target.waited,
            state: SlotState::Outstanding,
            ballot: Ballot {
                class: 0,
                version: Version::NEVER,
            },
        });
        Self {
            consistency: fanout.consistency,
            asked,
            settings,
            configured: fanout.configured.clone(),
            slots: slots.collect(),
            classes: SmallVec::new(),
            verdict: None,
        }
    }

    /// The verdict on the targets alone: `Failed` when they are too few for the threshold, so
    /// that nothing need be sent. To be called once, before anything is fed.
    pub fn start(&mut self) -> Fed {
        self.decide()
    }

    /// Takes a target's answer. A second one replaces the first; a stranger's changes nothing
    /// (C2). A hint never replaces a reply.
    pub fn feed(&mut self, peer: PeerId, vote: Vote<'_>, pool: &mut BufferPool) -> Fed {
        let Some(index) = self.slots.iter().position(|slot| slot.peer == peer) else {
            return Fed::Pending;
        };
        match vote {
            Vote::Value(reply) => self.record(index, (reply, false), pool),
            Vote::Error(reply) => self.record(index, (reply, true), pool),
            Vote::Hinted if self.slots[index].ballot().is_none() => {
                self.slots[index].state = SlotState::Hinted;
            }
            Vote::Hinted => {}
        }
        self.decide()
    }

    /// The target was sent to and will not answer: link error, closed, deadline (C8).
    pub fn fail(&mut self, peer: PeerId) -> Fed {
        self.give_up(peer, SlotState::Failed)
    }

    /// The target was not sent to and not hinted (S2). Unlike a failed one it does not break the
    /// unanimity of the safe levels, which ask those that were sent to (C6).
    pub fn lose(&mut self, peer: PeerId) -> Fed {
        self.give_up(peer, SlotState::Lost)
    }

    /// The bytes to answer with: the winner's, or the error after [`Failure::Refused`]. `None`
    /// before the decision, for [`Answer::Hint`] and for the other failures.
    #[must_use]
    pub fn reply(&self) -> Option<&[u8]> {
        let class = self.verdict?.class()?;
        Some(&self.classes[usize::from(class)].bytes)
    }

    /// The version of the winner's reply.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        match self.verdict? {
            Verdict::Value { ballot, .. } => Some(ballot.version),
            Verdict::Hint | Verdict::Failed { .. } => None,
        }
    }

    /// Whether the client has been answered.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        self.verdict.is_some()
    }

    /// Whether no target is outstanding: nothing more will be learned.
    #[must_use]
    pub fn all_in(&self) -> bool {
        let outstanding = |slot: &Slot| slot.state == SlotState::Outstanding;
        !self.slots.iter().any(outstanding)
    }

    /// Whether that peer is one of the targets.
    #[must_use]
    pub fn has_target(&self, peer: PeerId) -> bool {
        self.slots.iter().any(|slot| slot.peer == peer)
    }

    /// The targets that have not answered, failed or been hinted.
    pub fn outstanding(&self) -> impl Iterator<Item = PeerId> + '_ {
        let outstanding = |slot: &&Slot| slot.state == SlotState::Outstanding;
        self.slots.iter().filter(outstanding).map(|slot| slot.peer)
    }

    /// Gives the buffers back; the coalescer is over.
    pub fn release(self, pool: &mut BufferPool) {
        for class in self.classes {
            pool.give(class.bytes);
        }
    }

    fn give_up(&mut self, peer: PeerId, state: SlotState) -> Fed {
        let outstanding =
            |slot: &&mut Slot| slot.peer == peer && slot.state == SlotState::Outstanding;
        if let Some(slot) = self.slots.iter_mut().find(outstanding) {
            slot.state = state;
        }
        self.decide()
    }

    fn decide(&mut self) -> Fed {
        if self.verdict.is_some() {
            return Fed::Pending;
        }
        self.verdict = self.judge();
        self.verdict.map_or(Fed::Pending, Verdict::fed)
    }

    fn record(&mut self, index: usize, (reply, error): (Reply<'_>, bool), pool: &mut BufferPool) {
        let late = self.verdict.is_some();
        let uncompared = late && self.consistency == Consistency::DcOne;
        if uncompared || (late && self.settings.sabotage.forgets_stragglers) {
            self.slots[index].state = SlotState::Absorbed;
            return;
        }
        let class = self.class_of(reply.bytes, error, pool);
        let version = reply.version;
        let before = self.slots[index].ballot();
        let slot = &mut self.slots[index];
        slot.ballot = Ballot { class, version };
        slot.state = if error {
            SlotState::Error
        } else {
            SlotState::Value
        };
        if let Some(before) = before {
            self.vacate(before.class, pool);
        }
    }

    /// The class of equal replies (C1), a new one when there is none.
    fn class_of(&mut self, bytes: &[u8], error: bool, pool: &mut BufferPool) -> u16 {
        let same = |class: &Class| !class.vacant && class.error == error && class.bytes == bytes;
        if let Some(index) = self.classes.iter().position(same) {
            return index as u16;
        }
        let class = Class {
            bytes: pool.copy(bytes),
            error,
            vacant: false,
        };
        if let Some(index) = self.classes.iter().position(|class| class.vacant) {
            self.classes[index] = class;
            return index as u16;
        }
        self.classes.push(class);
        (self.classes.len() - 1) as u16
    }

    /// Gives a class's buffer back when no slot says it any more and it is not the answer.
    fn vacate(&mut self, class: u16, pool: &mut BufferPool) {
        let said = |slot: &Slot| slot.ballot().is_some_and(|ballot| ballot.class == class);
        let answers = self
            .verdict
            .is_some_and(|verdict| verdict.class() == Some(class));
        if answers || self.slots.iter().any(said) {
            return;
        }
        let vacated = &mut self.classes[usize::from(class)];
        vacated.vacant = true;
        pool.give(std::mem::take(&mut vacated.bytes));
    }
}
