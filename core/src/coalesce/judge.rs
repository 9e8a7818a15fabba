//! When a request is decided, and how: one function per consistency level.
//!
//! Everything is counted anew from the slots at each feed: there are few of them, and a verdict
//! that is a function of what has been answered can't depend on the order in which it came (C11).

use std::cmp::Reverse;

use super::replicas::{Answer, Ballot, Failure, Fed, ReplicaCoalescer, Slot, SlotState, Versions};
use crate::consistency::Consistency;
use crate::ids::PeerId;
use crate::version::Version;

/// The one decision of a coalescer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Value {
        ballot: Ballot,
        peer: PeerId,
        plurality: bool,
    },
    Hint,
    Failed {
        failure: Failure,
        class: Option<u16>,
    },
}

impl Verdict {
    const DIVIDED: Self = Self::Failed {
        failure: Failure::Divided,
        class: None,
    };

    pub(super) const fn class(self) -> Option<u16> {
        match self {
            Self::Value { ballot, .. } => Some(ballot.class),
            Self::Hint => None,
            Self::Failed { class, .. } => class,
        }
    }

    pub(super) const fn fed(self) -> Fed {
        match self {
            Self::Value {
                peer, plurality, ..
            } => Fed::Ready(Answer::Reply { peer, plurality }),
            Self::Hint => Fed::Ready(Answer::Hint),
            Self::Failed { failure, .. } => Fed::Failed(failure),
        }
    }
}

/// Where the voters of one datacenter stand.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    outstanding: usize,
    /// Replies that are no errors.
    values: usize,
    errors: usize,
    failed: usize,
    /// Hints, where they count.
    hints: usize,
    /// One of the values, and whether all are the same in bytes and version.
    value: Option<Candidate>,
    values_differ: bool,
}

impl Tally {
    fn count(&mut self, slot: &Slot) {
        self.values += 1;
        let mut peer = slot.peer;
        if let Some(other) = self.value {
            self.values_differ |= other.ballot != slot.ballot;
            peer = peer.min(other.peer);
        }
        self.value = Some(Candidate {
            peer,
            ballot: slot.ballot,
            votes: self.values,
        });
    }
}

/// A reply that may answer the client.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    peer: PeerId,
    ballot: Ballot,
    votes: usize,
}

impl Candidate {
    const fn verdict(self) -> Verdict {
        Verdict::Value {
            ballot: self.ballot,
            peer: self.peer,
            plurality: false,
        }
    }
}

impl ReplicaCoalescer {
    /// The verdict on what is in so far; `None` when it is too early.
    pub(super) fn judge(&self) -> Option<Verdict> {
        let local = self.configured.local_datacenter;
        match self.consistency {
            Consistency::DcOne => self.judge_one(local),
            Consistency::DcQuorum => self.judge_quorum(local),
            Consistency::DcSafeQuorum => self.judge_safe(local),
            Consistency::DcEachSafeQuorum => self.judge_each(local),
        }
    }

    /// The first reply answers, an error too (C3); hints only when no reply can come any more.
    fn judge_one(&self, local: u8) -> Option<Verdict> {
        let tally = self.tally(local);
        if let Some(value) = self.best(local, tally) {
            return Some(value.verdict());
        }
        if tally.errors > 0 {
            return Some(self.refusal(local));
        }
        self.judge_unanswered(local, tally, 1)
    }

    /// C4, C5 and C8.
    fn judge_quorum(&self, local: u8) -> Option<Verdict> {
        let tally = self.tally(local);
        let needed = self.needed(local);
        if tally.values + tally.outstanding + tally.hints < needed {
            return Some(self.refusal(local));
        }
        let Some(best) = self.best(local, tally) else {
            return self.judge_unanswered(local, tally, needed);
        };
        let answered = tally.values + tally.hints >= needed;
        match (self.asked.versions, self.asked.write) {
            (Versions::None, _) => self.judge_votes(best, tally, needed),
            (Versions::Mixed, false) if answered && best.votes < needed => Some(Verdict::DIVIDED),
            (Versions::Key, false) if self.contested(local, best, tally) => None,
            _ => answered.then(|| best.verdict()),
        }
    }

    /// Whether a read's replies of the newest version say different things, none of them has a
    /// majority and others are still to come, who decide: a read-modify-write was carried out on
    /// copies that differed.
    fn contested(&self, datacenter: u8, best: Candidate, tally: Tally) -> bool {
        let needed = self.needed(datacenter);
        let rival = |slot: &Slot| {
            slot.ballot().is_some_and(|ballot| {
                ballot.version == best.ballot.version && ballot.class != best.ballot.class
            })
        };
        let open = tally.outstanding > 0 && best.votes < needed;
        open && tally.values_differ && self.voters(datacenter).any(rival)
    }

    /// Without versions: a majority of one value, or, when all are in, what C5 says.
    fn judge_votes(&self, best: Candidate, tally: Tally, needed: usize) -> Option<Verdict> {
        let votes = best.votes + tally.hints;
        if votes >= needed {
            return Some(best.verdict());
        }
        if self.asked.write || self.settings.strict_quorum {
            return (votes + tally.outstanding < needed).then_some(Verdict::DIVIDED);
        }
        (tally.outstanding == 0).then_some(Verdict::Value {
            ballot: best.ballot,
            peer: best.peer,
            plurality: true,
        })
    }

    /// All that were sent to agree, and are a majority of those configured (C6). One that failed
    /// can't agree: an error at once (C8).
    fn judge_safe(&self, datacenter: u8) -> Option<Verdict> {
        let tally = self.tally(datacenter);
        let needed = self.needed(datacenter);
        let short = tally.values + tally.errors + tally.outstanding + tally.hints < needed;
        if tally.failed > 0 || short {
            return Some(self.refusal(datacenter));
        }
        if tally.outstanding > 0 {
            return None;
        }
        let Some(best) = self.best(datacenter, tally) else {
            return self.judge_unanswered(datacenter, tally, needed);
        };
        let unanimous =
            self.acknowledges() || self.votes_by_bytes(datacenter, best) == tally.values;
        Some(if tally.errors > 0 || !unanimous {
            Verdict::DIVIDED
        } else {
            best.verdict()
        })
    }

    /// Every datacenter by C6; the first that fails fails all, the local one answers (C7).
    fn judge_each(&self, local: u8) -> Option<Verdict> {
        let datacenters = (0..=u8::MAX).zip(&self.configured.by_datacenter);
        let mut complete = true;
        for (datacenter, _) in datacenters.filter(|&(_, &count)| count > 0) {
            match self.judge_safe(datacenter) {
                Some(failed @ Verdict::Failed { .. }) => return Some(failed),
                Some(_) => {}
                None => complete = false,
            }
        }
        if complete {
            self.judge_safe(local)
        } else {
            None
        }
    }

    /// No value is in: wait, or let the hints answer, or fail.
    fn judge_unanswered(&self, datacenter: u8, tally: Tally, needed: usize) -> Option<Verdict> {
        if tally.outstanding > 0 {
            return None;
        }
        Some(if tally.errors == 0 && tally.hints >= needed {
            Verdict::Hint
        } else {
            self.refusal(datacenter)
        })
    }

    /// The replicas' own error where there is one, else "no quorum".
    fn refusal(&self, datacenter: u8) -> Verdict {
        match self.winner_of(|slot| slot.waited && slot.datacenter == datacenter, true) {
            Some(error) => Verdict::Failed {
                failure: Failure::Refused,
                class: Some(error.ballot.class),
            },
            None => Verdict::Failed {
                failure: Failure::NoQuorum,
                class: None,
            },
        }
    }

    fn needed(&self, datacenter: u8) -> usize {
        let configured = self.configured.count(datacenter);
        self.settings.sabotage.majority(configured)
    }

    /// Whether any two replies that are no errors agree: acknowledgements of a versioned write.
    fn acknowledges(&self) -> bool {
        self.asked.write && self.asked.versions != Versions::None
    }

    fn tally(&self, datacenter: u8) -> Tally {
        let hints_count = self.settings.sloppy_quorum || self.consistency == Consistency::DcOne;
        let mut tally = Tally::default();
        for slot in self.voters(datacenter) {
            match slot.state {
                SlotState::Outstanding => tally.outstanding += 1,
                SlotState::Hinted => tally.hints += usize::from(hints_count),
                SlotState::Failed => tally.failed += 1,
                SlotState::Lost | SlotState::Absorbed => {}
                SlotState::Error => tally.errors += 1,
                SlotState::Value => tally.count(slot),
            }
        }
        tally
    }

    fn voters(&self, datacenter: u8) -> impl Iterator<Item = &Slot> {
        let votes = move |slot: &&Slot| slot.waited && slot.datacenter == datacenter;
        self.slots.iter().filter(votes)
    }

    fn votes_by_bytes(&self, datacenter: u8, candidate: Candidate) -> usize {
        let class = candidate.ballot.class;
        let same = |slot: &&Slot| slot.ballot().is_some_and(|ballot| ballot.class == class);
        self.voters(datacenter).filter(same).count()
    }

    fn best(&self, datacenter: u8, tally: Tally) -> Option<Candidate> {
        if tally.values_differ {
            self.winner_of(|slot| slot.waited && slot.datacenter == datacenter, false)
        } else {
            tally.value
        }
    }

    /// The values, or the errors, of these slots in order of preference: the newest version where
    /// versions are of one key, then the most votes, then the lowest peer.
    fn winner_of(&self, among: impl Fn(&Slot) -> bool, errors: bool) -> Option<Candidate> {
        let kind = if errors {
            SlotState::Error
        } else {
            SlotState::Value
        };
        let candidates = || {
            let of_kind = |slot: &&Slot| slot.state == kind && among(slot);
            self.slots.iter().filter(of_kind)
        };
        let by_version = self.asked.versions == Versions::Key && !errors;
        let alike =
            |a: Ballot, b: Ballot| a.class == b.class && (!by_version || a.version == b.version);
        candidates()
            .map(|slot| Candidate {
                peer: slot.peer,
                ballot: slot.ballot,
                votes: candidates()
                    .filter(|other| alike(slot.ballot, other.ballot))
                    .count(),
            })
            .max_by_key(|candidate| {
                let age = by_version.then(|| self.rank(candidate.ballot.version));
                (age, candidate.votes, Reverse(candidate.peer))
            })
    }

    fn rank(&self, version: Version) -> u64 {
        if self.settings.sabotage.older_wins {
            !version.0
        } else {
            version.0
        }
    }

    /// The newest value of all answers, voters or not; among equals the lowest peer, but
    /// `preferred` when it is one of them.
    pub(super) fn newest(&self, preferred: PeerId) -> Option<(PeerId, Ballot)> {
        let newest = self.winner_of(|_| true, false)?;
        let holds = |slot: &Slot| slot.peer == preferred && slot.ballot() == Some(newest.ballot);
        let nearer = self.slots.iter().any(holds);
        let peer = if nearer { preferred } else { newest.peer };
        Some((peer, newest.ballot))
    }
}
