//! The check beside the load: what a run shares, and what one connection keeps.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::config::{CheckConfig, Role};
use super::history::{Event, violation};
use super::ledger::{Judged, Ledger, Rules, Shown};
use super::report::{CheckCounts, CheckReport};
use super::stamp::{Reading, Stamp, Stamps};
use crate::clock;
use crate::config::RunConfig;
use crate::decode::Kind;
use crate::encode::Encoder;
use crate::random::mix;
use crate::window::{Window, count_failure};

/// Requests kept of one sampled key.
const EVENTS_MAX: usize = 20_000;
/// memcached counts in seconds, and looks at its clock as seldom.
const TTL_SLACK_MS: u32 = 2500;
/// Keys looked at for one that has no write under way.
const PROBES: u64 = 64;

/// What all connections of a client share.
#[derive(Debug)]
pub(crate) struct Checker {
    pub(crate) ledger: Ledger,
    pub(crate) stamps: Stamps,
    /// One key in so many has its history kept; 0: none.
    sampled_each: u64,
    histories: Mutex<HashMap<u64, Vec<Event>>>,
    /// Where the ledger's milliseconds begin, monotonic ns.
    epoch: u64,
    /// What each command is, and one that reads.
    pub(crate) roles: Vec<Role>,
    pub(crate) reader: u8,
}

impl Checker {
    pub(crate) fn new(ledger: Ledger, sampled_each: u64, epoch: u64) -> Self {
        Self {
            ledger,
            stamps: Stamps::default(),
            sampled_each,
            histories: Mutex::default(),
            epoch,
            roles: Vec::new(),
            reader: 0,
        }
    }

    /// For a run whose threads numbered `threads` are here.
    pub(crate) fn of_run(
        config: &RunConfig,
        check: &CheckConfig,
        encoder: &Encoder,
        threads: &Range<u32>,
    ) -> Self {
        let rules = Rules {
            older_ms_max: check.older_ms_max,
            ttl: config.ttl.clone(),
            ttl_slack_ms: TTL_SLACK_MS,
        };
        let mine = u64::from(threads.start)..u64::from(threads.end);
        let writers = (u64::from(config.workers), mine);
        let ledger = Ledger::new(config.keys.count, rules, check.run, writers);
        let each = config.keys.count.checked_div(u64::from(check.histories));
        let commands = &encoder.commands().all;
        let roles: Vec<Role> = commands.iter().filter_map(Role::of).collect();
        let reader = roles.iter().position(|role| *role == Role::Read);
        Self {
            // At most 255 commands.
            reader: reader.unwrap_or_default() as u8,
            roles,
            ..Self::new(ledger, each.map_or(0, |each| each.max(1)), clock::now())
        }
    }

    /// Every key was written once since `begun`.
    pub(crate) fn preloaded_since(&mut self, begun: u64) {
        let now = clock::now();
        let took = (now.saturating_sub(begun) / 1_000_000) as u32;
        self.ledger.preloaded(self.ms(now), took);
    }

    /// The ledger's time. It goes round after 49 days.
    pub(crate) fn ms(&self, now: u64) -> u32 {
        (now.saturating_sub(self.epoch) / 1_000_000) as u32
    }

    /// What a key has that was written once.
    pub(crate) fn stamp(&self, key: u64, version: u32) -> Stamp {
        Stamp {
            key,
            version,
            // Writers are threads.
            writer: self.ledger.writer(key) as u32,
            run: self.ledger.run(),
        }
    }

    fn record(&self, key: u64, event: Event) {
        if self.sampled_each == 0 || !mix(key ^ 0x6869_7374).is_multiple_of(self.sampled_each) {
            return;
        }
        let mut histories = self
            .histories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let events = histories.entry(key).or_default();
        if events.len() < EVENTS_MAX {
            events.push(event);
        }
    }

    /// A history that has a write to each read: the preload is added, and where it was cut, reads
    /// of writes that were still under way are left out.
    fn whole(&self, events: &[Event]) -> Vec<Event> {
        let preload = self.ledger.is_preloaded().then_some(Event {
            write: true,
            version: 1,
            begun: 0,
            ended: Some(0),
        });
        let mut events: Vec<Event> = preload.into_iter().chain(events.iter().copied()).collect();
        if events.len() >= EVENTS_MAX {
            let written = events.iter().filter(|event| event.write);
            let last = written.map(|event| event.version).max().unwrap_or(0);
            events.retain(|event| event.version <= last);
        }
        events
    }

    /// The report, with the histories judged.
    pub(crate) fn report(&self, load: &CheckCounts, audit: &CheckCounts) -> CheckReport {
        let histories = self
            .histories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = histories.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| **key);
        keys.retain(|(key, _)| self.ledger.is_plain(**key));
        let judge = |(key, events): &(&u64, &Vec<Event>)| {
            violation(&self.whole(events)).map(|text| format!("key {key}: {text}"))
        };
        CheckReport {
            histories: keys.len() as u64,
            history_violations: keys.iter().filter_map(judge).collect(),
            ..CheckReport::of(load, audit)
        }
    }
}

/// A request under way, as the check sees it.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Read(super::ledger::Floor),
    Write(u32),
    Delete(u32),
}

/// A request under way that changes its connection.
#[derive(Debug)]
pub(crate) struct Sent((u64, Pending, u64));

/// What one connection keeps: its requests in order, and the value that is coming in.
#[derive(Debug)]
pub(crate) struct Side {
    checker: Arc<Checker>,
    writer: u64,
    reading: Reading,
    pending: VecDeque<(u64, Pending, u64)>,
}

impl Side {
    /// Of a connection of the thread numbered `writer`.
    pub(crate) fn new(checker: Arc<Checker>, writer: u64) -> Self {
        Self {
            checker,
            writer,
            reading: Reading::default(),
            pending: VecDeque::new(),
        }
    }

    pub(crate) fn checker(&self) -> &Checker {
        &self.checker
    }

    /// A request of this command for `key` is sent at `now`. What is sent instead: the command, and
    /// the key with what its value is to carry, if it is written.
    pub(crate) fn send(&mut self, command: u8, key: u64, now: u64) -> (u8, u64, Option<Stamp>) {
        let delete = match self.checker.roles[usize::from(command)] {
            Role::Read => {
                self.read(key, now);
                return (command, key, None);
            }
            role => role == Role::Delete,
        };
        if let Some(stamp) = self.write(key, delete, now) {
            return (command, stamp.key, Some(stamp));
        }
        self.read(key, now);
        (self.checker.reader, key, None)
    }

    /// A read of `key` is sent.
    fn read(&mut self, key: u64, now: u64) {
        let floor = self.checker.ledger.begin_read(key, self.checker.ms(now));
        self.pending.push_back((key, Pending::Read(floor), now));
    }

    /// A write of a key near `key` is sent, or a delete: what it carries. None if all keys nearby
    /// have a write under way.
    fn write(&mut self, key: u64, delete: bool, now: u64) -> Option<Stamp> {
        let ledger = &self.checker.ledger;
        let mut own = ledger.own(key, self.writer);
        for _ in 0..PROBES {
            if let Some(version) = ledger.begin_write(own, delete) {
                let pending = if delete {
                    Pending::Delete(version)
                } else {
                    Pending::Write(version)
                };
                self.pending.push_back((own, pending, now));
                return Some(self.checker.stamp(own, version));
            }
            own = ledger.next_own(own);
        }
        None
    }

    /// The request sent last, taken out: it goes by another connection.
    pub(crate) fn take_newest(&mut self) -> Option<Sent> {
        self.pending.pop_back().map(Sent)
    }

    /// The request answered last by a redirect, taken out.
    pub(crate) fn take_oldest(&mut self) -> Option<Sent> {
        self.reading = Reading::default();
        self.pending.pop_front().map(Sent)
    }

    /// One that was taken out is sent by this connection.
    pub(crate) fn put_back(&mut self, sent: Sent) {
        self.pending.push_back(sent.0);
    }

    /// A piece of the value that is coming in.
    pub(crate) fn body(&mut self, piece: &[u8]) {
        self.reading.feed(&self.checker.stamps, piece);
    }

    /// The oldest request was answered. False if that is no answer to it, or an error.
    pub(crate) fn answered(
        &mut self,
        kind: Kind,
        endpoint: usize,
        now: u64,
        window: &mut Window,
    ) -> bool {
        let reading = std::mem::take(&mut self.reading);
        let Some((key, pending, begun)) = self.pending.pop_front() else {
            return false;
        };
        let role = match pending {
            Pending::Read(_) => Role::Read,
            Pending::Write(_) => Role::Write,
            Pending::Delete(_) => Role::Delete,
        };
        let answers = role.is_answered_by(kind);
        let (ledger, ms) = (&self.checker.ledger, self.checker.ms(now));
        let event = |write, version, ended| Event {
            write,
            version,
            begun,
            ended,
        };
        match pending {
            Pending::Read(_) if !answers => {}
            Pending::Write(version) | Pending::Delete(version) if !answers => {
                ledger.doubtful_write(key, version, role == Role::Delete);
                window.check.doubtful += 1;
                self.checker.record(key, event(true, version, None));
            }
            Pending::Write(version) | Pending::Delete(version) => {
                ledger.acked_write(key, version, role == Role::Delete, ms);
                window.check.acked += 1;
                self.checker.record(key, event(true, version, Some(now)));
            }
            Pending::Read(floor) => {
                let shown = if kind == Kind::Nil {
                    window.counts.misses += 1;
                    Shown::Nothing
                } else {
                    window.counts.hits += 1;
                    reading.finish().map_or(Shown::Unknown, Shown::Stamp)
                };
                let judged = ledger.end_read(key, floor, shown, ms);
                window.check.read(judged);
                if let Judged::Fault(fault) = judged {
                    window.endpoints[endpoint].failed += 1;
                    count_failure(&mut window.failures, ("check: ", fault.name()), 1, || {
                        format!("key {key}: {shown:?} where {floor:?}")
                    });
                }
                if let Some(version) = self.version_of(shown) {
                    self.checker.record(key, event(false, version, Some(now)));
                }
            }
        }
        answers
    }

    /// The version that a history knows a reply by.
    fn version_of(&self, shown: Shown) -> Option<u32> {
        match shown {
            Shown::Nothing => Some(0),
            Shown::Stamp(stamp) if stamp.run == self.checker.ledger.run() => Some(stamp.version),
            Shown::Stamp(_) => Some(0),
            Shown::Unknown => None,
        }
    }

    /// What is under way gets no reply any more.
    pub(crate) fn abandon(&mut self, window: &mut Window) {
        self.reading = Reading::default();
        for (key, pending, begun) in self.pending.drain(..) {
            let (version, delete) = match pending {
                Pending::Read(_) => continue,
                Pending::Write(version) => (version, false),
                Pending::Delete(version) => (version, true),
            };
            self.checker.ledger.doubtful_write(key, version, delete);
            window.check.doubtful += 1;
            let event = Event {
                write: true,
                version,
                begun,
                ended: None,
            };
            self.checker.record(key, event);
        }
    }
}
