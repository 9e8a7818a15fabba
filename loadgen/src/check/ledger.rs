//! What each key may hold: the rules of `--check`, shared by all threads of a client.
//!
//! A key's writes are numbered by their one writer. Four words say what is known of it:
//!
//! | word | is |
//! |---|---|
//! | acked | the last write acknowledged, and whether it was a delete |
//! | seen | the highest version that a finished read has shown |
//! | issued | the last write sent, and whether its fate is open |
//! | gone | the last delete sent |
//!
//! A read is judged by the words at its start (what it must know) and at its end (what it may
//! know). Writes that failed may take effect at any time: their versions are kept aside, and are
//! looked at only before something would be called a fault.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use super::stamp::Stamp;
use crate::size::{Of, SizeLaw};

/// What is wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Bytes that nobody wrote.
    Corrupt,
    /// Another key's value.
    WrongKey,
    /// An acknowledged write is not there: nothing is, or what was before this run.
    Lost,
    /// An older value than the bound allows.
    Older,
    /// An older value than a read before has shown.
    NonMonotonic,
    /// A value whose delete was acknowledged.
    Resurrected,
}

impl Fault {
    /// All of them, in the order of [`Fault::index`].
    pub(crate) const ALL: [Self; 6] = [
        Self::Corrupt,
        Self::WrongKey,
        Self::Lost,
        Self::Older,
        Self::NonMonotonic,
        Self::Resurrected,
    ];

    /// Its place in a table.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt value",
            Self::WrongKey => "value of another key",
            Self::Lost => "lost acknowledged write",
            Self::Older => "older than an acknowledged write",
            Self::NonMonotonic => "went back in time",
            Self::Resurrected => "resurrected delete",
        }
    }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Stamp(Stamp),
    /// No value of ours, or a broken one.
    Unknown,
}

/// What a finished read comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    Right,
    /// Older than what was acknowledged, but within the bound.
    Late,
    /// What it shows was there before the run, and nothing was written since.
    Foreign,
    Fault(Fault),
}

/// The least that a read must show, as of its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    /// Version × 2, plus 1 for a delete.
    acked: u32,
    seen: u32,
    /// Milliseconds of the ledger's clock.
    at_ms: u32,
}

impl Floor {
    fn version(self) -> u32 {
        self.seen.max(self.acked >> 1)
    }

    /// True if the newest that is certain is a delete.
    fn is_gone(self) -> bool {
        self.acked & 1 == 1 && self.acked >> 1 >= self.seen
    }
}

/// How strict a ledger is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// How long a read may be behind.
    pub(crate) older_ms_max: u32,
    /// Seconds that a key's values live, where they expire.
    pub(crate) ttl: Option<SizeLaw>,
    /// By how much they may live longer or less long.
    pub(crate) ttl_slack_ms: u32,
}

#[derive(Debug, Default)]
struct Key {
    acked: AtomicU32,
    seen: AtomicU32,
    issued: AtomicU32,
    gone: AtomicU32,
}

/// Acknowledgements remembered per key where reads may be late, or values expire.
const ACKS: usize = 4;

/// (version, ms) of a key's last acknowledgements.
#[derive(Debug, Default)]
struct Acks([(AtomicU32, AtomicU32); ACKS]);

/// Fates that will never be known, of one key.
#[derive(Debug, Default)]
struct Doubts {
    versions: Vec<u32>,
    deletes: bool,
}

/// The ledger of all keys of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    keys: Vec<Key>,
    acks: Vec<Acks>,
    doubts: Mutex<HashMap<u64, Doubts>>,
    rules: Rules,
    run: u32,
    /// True if every key was written once before the load.
    preloaded: bool,
    /// This client writes keys whose number leaves one of `mine` when divided by `writers`.
    writers: u64,
    mine: std::ops::Range<u64>,
}

impl Ledger {
    /// A ledger of `keys` keys that `writers` writers share; those numbered `mine` are here.
    pub(crate) fn new(
        keys: u64,
        rules: Rules,
        run: u32,
        (writers, mine): (u64, std::ops::Range<u64>),
    ) -> Self {
        // Refused above 2^26 by the configuration.
        let count = keys as usize;
        let timed = rules.older_ms_max > 0 || rules.ttl.is_some();
        Self {
            keys: std::iter::repeat_with(Key::default).take(count).collect(),
            acks: std::iter::repeat_with(Acks::default)
                .take(if timed { count } else { 0 })
                .collect(),
            doubts: Mutex::default(),
            rules,
            run,
            preloaded: false,
            writers,
            mine,
        }
    }

    /// The number that tells this run's values from others.
    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// Every key was written once, and acknowledged, within the last `took_ms`.
    pub(crate) fn preloaded(&mut self, now_ms: u32, took_ms: u32) {
        self.preloaded = true;
        self.rules.ttl_slack_ms += took_ms;
        for number in 0..self.keys.len() as u64 {
            self.key(number).issued.store(1 << 1, SeqCst);
            self.acknowledge(number, 1, false, now_ms);
        }
    }

    /// How long a read may be behind.
    pub(crate) fn older_ms_max(&self) -> u32 {
        self.rules.older_ms_max
    }

    /// Whether it was.
    pub(crate) fn is_preloaded(&self) -> bool {
        self.preloaded
    }

    fn key(&self, number: u64) -> &Key {
        &self.keys[number as usize]
    }

    /// The writer of a key.
    pub(crate) fn writer(&self, number: u64) -> u64 {
        number % self.writers
    }

    /// The key next to `number` that `writer` may write.
    pub(crate) fn own(&self, number: u64, writer: u64) -> u64 {
        let own = number - self.writer(number) + writer;
        if own < self.keys.len() as u64 {
            own
        } else {
            writer
        }
    }

    /// The next key of the same writer.
    pub(crate) fn next_own(&self, number: u64) -> u64 {
        let next = number + self.writers;
        if next < self.keys.len() as u64 {
            next
        } else {
            self.writer(number)
        }
    }

    fn is_ours(&self, number: u64) -> bool {
        self.mine.contains(&self.writer(number))
    }

    /// A write is about to be sent: its version. None while another of the key is under way.
    pub(crate) fn begin_write(&self, number: u64, delete: bool) -> Option<u32> {
        let key = self.key(number);
        let issued = key.issued.load(SeqCst);
        if issued & 1 == 1 {
            return None;
        }
        let version = (issued >> 1) + 1;
        if delete {
            key.gone.store(version, SeqCst);
        }
        key.issued.store(version << 1 | 1, SeqCst);
        Some(version)
    }

    /// A write was acknowledged.
    pub(crate) fn acked_write(&self, number: u64, version: u32, delete: bool, now_ms: u32) {
        self.key(number).issued.store(version << 1, SeqCst);
        self.acknowledge(number, version, delete, now_ms);
    }

    fn acknowledge(&self, number: u64, version: u32, delete: bool, now_ms: u32) {
        if let Some(acks) = self.acks.get(number as usize) {
            let (at, ms) = &acks.0[version as usize % ACKS];
            ms.store(now_ms, SeqCst);
            at.store(version, SeqCst);
        }
        let word = version << 1 | u32::from(delete);
        self.key(number).acked.store(word, SeqCst);
    }

    /// A write came to nothing that is known: it may happen, now or later.
    pub(crate) fn doubtful_write(&self, number: u64, version: u32, delete: bool) {
        {
            let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
            let of_key = doubts.entry(number).or_default();
            of_key.versions.push(version);
            of_key.deletes |= delete;
        }
        self.key(number).issued.store(version << 1, SeqCst);
    }

    /// A read is about to be sent.
    pub(crate) fn begin_read(&self, number: u64, now_ms: u32) -> Floor {
        let key = self.key(number);
        Floor {
            acked: key.acked.load(SeqCst),
            seen: key.seen.load(SeqCst),
            at_ms: now_ms,
        }
    }

    /// A read has ended.
    pub(crate) fn end_read(&self, number: u64, floor: Floor, shown: Shown, now_ms: u32) -> Judged {
        let stamp = match shown {
            Shown::Nothing => return self.judge_nothing(number, floor, now_ms),
            Shown::Stamp(stamp) => stamp,
            Shown::Unknown if self.is_untouched(number) => return Judged::Foreign,
            Shown::Unknown => return Judged::Fault(Fault::Corrupt),
        };
        if stamp.key != number {
            return Judged::Fault(Fault::WrongKey);
        }
        if stamp.run != self.run {
            return match self.judge_version(number, floor, 0) {
                Judged::Right => Judged::Foreign,
                Judged::Fault(Fault::Older) => Judged::Fault(Fault::Lost),
                judged => judged,
            };
        }
        let key = self.key(number);
        let never = self.is_ours(number) && stamp.version > key.issued.load(SeqCst) >> 1;
        if never || stamp.version == 0 || u64::from(stamp.writer) != self.writer(number) {
            return Judged::Fault(Fault::Corrupt);
        }
        let judged = self.judge_version(number, floor, stamp.version);
        if judged == Judged::Right {
            key.seen.fetch_max(stamp.version, SeqCst);
            if self.is_expired(number, floor, stamp.version) {
                return Judged::Fault(Fault::Resurrected);
            }
        }
        judged
    }

    /// True if nothing is known to have been written to the key in this run.
    fn is_untouched(&self, number: u64) -> bool {
        let key = self.key(number);
        if self.is_ours(number) {
            key.issued.load(SeqCst) == 0
        } else {
            key.acked.load(SeqCst) == 0 && key.seen.load(SeqCst) == 0
        }
    }

    /// True if a history of the key can be judged: nothing in it comes without a version.
    pub(crate) fn is_plain(&self, number: u64) -> bool {
        let deleted = self.key(number).gone.load(SeqCst) > 0;
        self.is_ours(number) && !deleted && self.rules.ttl.is_none()
    }

    fn judge_nothing(&self, number: u64, floor: Floor, now_ms: u32) -> Judged {
        let version = floor.version();
        let gone = self.key(number).gone.load(SeqCst);
        let may = version == 0
            || floor.is_gone()
            || gone > version
            || !self.is_ours(number)
            || self.may_be_expired(number, version, now_ms)
            || self.doubt(number, |doubts| doubts.deletes);
        if may {
            Judged::Right
        } else if floor.acked >> 1 < version {
            Judged::Fault(Fault::NonMonotonic)
        } else {
            Judged::Fault(Fault::Lost)
        }
    }

    fn judge_version(&self, number: u64, floor: Floor, version: u32) -> Judged {
        let newest = floor.version();
        // Of the version of a delete there is no value.
        let fine = version > newest || version == newest && !floor.is_gone();
        if fine || self.doubt(number, |doubts| doubts.versions.contains(&version)) {
            return Judged::Right;
        }
        if self.rules.older_ms_max > 0
            && self.age_ms(number, version, floor) <= self.rules.older_ms_max
        {
            return Judged::Late;
        }
        Judged::Fault(if floor.is_gone() {
            Fault::Resurrected
        } else if self.rules.older_ms_max == 0 && floor.seen == newest {
            Fault::NonMonotonic
        } else {
            Fault::Older
        })
    }

    /// How long before the read's start `version` was replaced, at least.
    fn age_ms(&self, number: u64, version: u32, floor: Floor) -> u32 {
        let newer = self.acks[number as usize].0.iter().filter_map(|(at, ms)| {
            let (at, ms) = (at.load(SeqCst), ms.load(SeqCst));
            (at > version && at <= floor.acked >> 1).then_some((at, ms))
        });
        newer
            .min()
            .map_or(0, |(_, ms)| floor.at_ms.saturating_sub(ms))
    }

    fn acked_ms(&self, number: u64, version: u32) -> Option<u32> {
        let (at, ms) = &self.acks.get(number as usize)?.0[version as usize % ACKS];
        let ms = ms.load(SeqCst);
        (at.load(SeqCst) == version).then_some(ms)
    }

    fn ttl_ms(&self, number: u64) -> Option<(u32, u32)> {
        let seconds = self.rules.ttl.as_ref()?.size_of(number, Of::Ttl);
        let ms = u32::try_from(seconds)
            .unwrap_or(u32::MAX)
            .saturating_mul(1000);
        Some((ms, self.rules.ttl_slack_ms))
    }

    /// True if the key's value, `version` or a later one, may have outlived its time by now.
    fn may_be_expired(&self, number: u64, version: u32, now_ms: u32) -> bool {
        let Some((ttl, slack)) = self.ttl_ms(number) else {
            return false;
        };
        // Sent before it was acknowledged, by how much is not kept: the slack is for that, too.
        self.acked_ms(number, version)
            .is_none_or(|ms| now_ms.saturating_sub(ms) + slack >= ttl)
    }

    /// True if `version` had outlived its time when the read began.
    fn is_expired(&self, number: u64, floor: Floor, version: u32) -> bool {
        let Some((ttl, slack)) = self.ttl_ms(number) else {
            return false;
        };
        self.acked_ms(number, version)
            .is_some_and(|ms| floor.at_ms.saturating_sub(ms) > ttl + slack)
    }

    fn doubt(&self, number: u64, about: impl Fn(&Doubts) -> bool) -> bool {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.get(&number).is_some_and(about)
    }

    /// Keys that were written here, in order.
    pub(crate) fn written(&self) -> impl Iterator<Item = u64> {
        let written = |&number: &u64| self.is_ours(number) && !self.is_untouched(number);
        (0..self.keys.len() as u64).filter(written)
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
