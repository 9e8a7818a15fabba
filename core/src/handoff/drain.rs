//! One peer's delivery: which hints are on their way, and when the next may go.
//!
//! ```text
//!  Paused ─resume→ Open ─failed→ Waiting ─time→ Open
//!    ↑──────────────┴─── pause ─────┘
//! ```

use super::credit::Credit;
use super::queue::{Entry, Queue, Spare};
use super::store::{Limits, Ticket};
use crate::time::{Mono, Now};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer takes nothing.
    Paused,
    /// Sending as window and credit allow.
    Open,
    /// A delivery failed.
    Waiting { until: Mono },
}

/// What may be sent at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing before this peer is resumed or a delivery is answered.
    Idle,
    /// Nothing before that time.
    At(Mono),
    /// The first hint that is not on its way.
    Now,
}

/// One peer's hints: the first `sent_count` are on their way, in this attempt.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) queue: Queue,
    phase: Phase,
    sent_count: usize,
    /// Cost of those sent and not acknowledged.
    sent_bytes: usize,
    /// Ticket number of the queue's front.
    front: u64,
    /// Counts the times everything on its way was given up.
    attempt: u32,
    /// Failures since the last acknowledgement.
    failure_count: u32,
    credit: Credit,
    pub(super) delivered: u64,
    pub(super) expired: u64,
    pub(super) refused: u64,
    /// Whether the store has it on its list of lanes to serve.
    pub(super) listed: bool,
}

impl Lane {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            queue: Queue::default(),
            phase: Phase::Paused,
            sent_count: 0,
            sent_bytes: 0,
            front: 0,
            attempt: 0,
            failure_count: 0,
            credit: Credit::new(limits.drain_bytes_per_s, Mono(0)),
            delivered: 0,
            expired: 0,
            refused: 0,
            listed: false,
        }
    }

    pub(super) fn wants_service(&self) -> bool {
        self.phase != Phase::Paused && self.queue.len() > 0
    }

    pub(super) fn resume(&mut self) {
        if self.phase == Phase::Paused {
            self.phase = Phase::Open;
        }
    }

    /// The peer is gone: what was on its way is waiting again. Returns the bytes that left.
    pub(super) fn pause(&mut self, limits: &Limits, spare: &mut Spare) -> usize {
        self.phase = Phase::Paused;
        self.give_up(limits, spare)
    }

    pub(super) fn next(&mut self, limits: &Limits, now: Now) -> Next {
        match self.phase {
            Phase::Paused => return Next::Idle,
            Phase::Waiting { until } if now.mono < until => return Next::At(until),
            Phase::Waiting { .. } => self.phase = Phase::Open,
            Phase::Open => {}
        }
        let window_full =
            self.sent_count >= limits.window_hints || self.sent_bytes >= limits.window_bytes;
        let sendable = |entry: &Entry| !limits.too_old(entry, now.wall_ms);
        if window_full || !self.queue.entry(self.sent_count).is_some_and(sendable) {
            return Next::Idle;
        }
        self.credit.earn(now.mono);
        if self.credit.allows() {
            Next::Now
        } else {
            Next::At(self.credit.allows_at())
        }
    }

    /// Sends the first hint that is not on its way; `None` when there is none.
    pub(super) fn send(&mut self) -> Option<(Ticket, Entry)> {
        let entry = *self.queue.entry(self.sent_count)?;
        let ticket = Ticket {
            number: self.front + self.sent_count as u64,
            attempt: self.attempt,
        };
        self.sent_count += 1;
        self.sent_bytes += entry.cost();
        self.credit.spend(self.queue.hint(&entry).len());
        Some((ticket, entry))
    }

    /// Bytes that a delivery took beyond its hint's own.
    pub(super) const fn charge(&mut self, len: usize) {
        self.credit.spend(len);
    }

    /// The peer has it. Hints leave from the front only, so that those behind one that fails are
    /// delivered again after it. Returns the bytes that left.
    pub(super) fn acknowledge(&mut self, ticket: Ticket, spare: &mut Spare) -> usize {
        let Some(index) = self.on_its_way(ticket) else {
            return 0;
        };
        self.queue.acknowledge(index);
        self.sent_bytes -= self.queue.entry(index).map_or(0, Entry::cost);
        self.failure_count = 0;
        let mut left = 0;
        while self.queue.front().is_some_and(|front| front.acknowledged) {
            left += self.pop(spare);
            self.sent_count -= 1;
            self.delivered += 1;
        }
        left
    }

    /// The delivery failed: everything on its way is waiting again, until the back-off is over.
    /// Returns the bytes that left.
    pub(super) fn fail(
        &mut self,
        ticket: Ticket,
        limits: &Limits,
        now: Mono,
        spare: &mut Spare,
    ) -> usize {
        if self.on_its_way(ticket).is_none() {
            return 0;
        }
        let doublings = self.failure_count.min(32);
        let delay_ms = limits.backoff_ms_min.saturating_mul(1 << doublings);
        self.failure_count = self.failure_count.saturating_add(1);
        self.phase = Phase::Waiting {
            until: now.plus_ms(delay_ms.min(limits.backoff_ms_max)),
        };
        self.give_up(limits, spare)
    }

    /// Drops what is too old from the front, unless it is on its way. Returns the bytes that left.
    pub(super) fn expire(&mut self, limits: &Limits, wall_ms: u64, spare: &mut Spare) -> usize {
        let mut left = 0;
        while self.sent_count == 0
            && self
                .queue
                .front()
                .is_some_and(|e| limits.too_old(e, wall_ms))
        {
            left += self.pop(spare);
            self.expired += 1;
        }
        left
    }

    /// The index of a hint sent in this attempt and not acknowledged.
    fn on_its_way(&self, ticket: Ticket) -> Option<usize> {
        let index = usize::try_from(ticket.number.checked_sub(self.front)?).ok()?;
        let sent = ticket.attempt == self.attempt && index < self.sent_count;
        let open = |entry: &&Entry| sent && !entry.acknowledged;
        self.queue.entry(index).filter(open).map(|_| index)
    }

    fn give_up(&mut self, limits: &Limits, spare: &mut Spare) -> usize {
        let sent_count = std::mem::take(&mut self.sent_count);
        self.sent_bytes = 0;
        self.attempt = (self.attempt + 1) % Ticket::ATTEMPTS;
        self.queue.unacknowledge(sent_count);
        let forgotten = sent_count * usize::from(limits.sabotage.forgets_unconfirmed);
        (0..forgotten).map(|_| self.pop(spare)).sum()
    }

    fn pop(&mut self, spare: &mut Spare) -> usize {
        let popped = self.queue.pop(spare);
        self.front += u64::from(popped.is_some());
        popped.map_or(0, |entry| entry.cost())
    }
}
