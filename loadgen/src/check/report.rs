//! What `--check` found, counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ledger::{Fault, Judged};

/// Counters of one window, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckCounts {
    /// Reads judged.
    pub(crate) reads: u64,
    /// Of them late within the bound.
    pub(crate) late: u64,
    /// Of them of what was there before the run.
    pub(crate) foreign: u64,
    /// Writes acknowledged.
    pub(crate) acked: u64,
    /// Writes whose fate is unknown.
    pub(crate) doubtful: u64,
    /// By [`Fault`].
    pub(crate) faults: [u64; Fault::ALL.len()],
}

impl CheckCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.late += other.late;
        self.foreign += other.foreign;
        self.acked += other.acked;
        self.doubtful += other.doubtful;
        for (sum, more) in self.faults.iter_mut().zip(other.faults) {
            *sum += more;
        }
    }

    /// Counts a read.
    pub(crate) fn read(&mut self, judged: Judged) {
        self.reads += 1;
        match judged {
            Judged::Right => {}
            Judged::Late => self.late += 1,
            Judged::Foreign => self.foreign += 1,
            Judged::Fault(fault) => self.faults[fault.index()] += 1,
        }
    }
}

/// The result of `--check`, over the whole run with its settling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Reads judged.
    pub reads: u64,
    /// Reads that were behind, but not longer than the bound.
    pub late_within_bound: u64,
    /// Reads of what was there before the run, of keys that it had not written yet.
    pub foreign: u64,
    /// Writes acknowledged.
    pub writes_acknowledged: u64,
    /// Writes without a reply, or refused: they may have happened.
    pub writes_doubtful: u64,
    /// Reads by what was wrong with them; all kinds, also those that were not found.
    pub faults: Vec<FaultCount>,
    /// Keys read once more when the load was over.
    pub keys_audited: u64,
    /// Those of them that could not be read.
    pub keys_unread: u64,
    /// Sampled keys whose history was judged as an atomic register's.
    pub histories: u64,
    /// The first of those that was none, in words.
    pub history_violations: Vec<String>,
}

/// A kind of fault and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// The kind.
    pub fault: String,
    /// Reads under load.
    pub reads: u64,
    /// Keys that had it when the load was over.
    pub keys_at_end: u64,
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "check: {} reads judged, {} writes acknowledged, {} doubtful, {} keys audited",
            self.reads, self.writes_acknowledged, self.writes_doubtful, self.keys_audited
        )?;
        if self.late_within_bound > 0 {
            write!(
                f,
                ", {} reads behind within the bound",
                self.late_within_bound
            )?;
        }
        if self.foreign > 0 {
            write!(f, ", {} reads of what an earlier run left", self.foreign)?;
        }
        if self.histories > 0 {
            write!(f, ", {} histories", self.histories)?;
        }
        match self.reasons() {
            reasons if reasons.is_empty() => f.write_str(": nothing wrong"),
            reasons => write!(f, "; {}", reasons.join("; ")),
        }
    }
}

impl CheckReport {
    /// Adds what another client found.
    pub(crate) fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.late_within_bound += other.late_within_bound;
        self.foreign += other.foreign;
        self.writes_acknowledged += other.writes_acknowledged;
        self.writes_doubtful += other.writes_doubtful;
        for (sum, more) in self.faults.iter_mut().zip(&other.faults) {
            sum.reads += more.reads;
            sum.keys_at_end += more.keys_at_end;
        }
        self.keys_audited += other.keys_audited;
        self.keys_unread += other.keys_unread;
        self.histories += other.histories;
        self.history_violations
            .extend_from_slice(&other.history_violations);
    }

    /// Of what was counted under load and after it.
    pub(crate) fn of(load: &CheckCounts, audit: &CheckCounts) -> Self {
        let row = |fault: Fault| FaultCount {
            fault: fault.name().to_owned(),
            reads: load.faults[fault.index()],
            keys_at_end: audit.faults[fault.index()],
        };
        Self {
            reads: load.reads,
            late_within_bound: load.late,
            foreign: load.foreign,
            writes_acknowledged: load.acked,
            writes_doubtful: load.doubtful,
            faults: Fault::ALL.map(row).to_vec(),
            keys_audited: audit.reads,
            ..Self::default()
        }
    }

    /// What is wrong, in words; nothing where nothing is.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = Vec::new();
        for row in &self.faults {
            if row.reads > 0 {
                reasons.push(format!("check: {} x {}", row.reads, row.fault));
            }
            if row.keys_at_end > 0 {
                let keys = row.keys_at_end;
                reasons.push(format!("check: {keys} keys at the end: {}", row.fault));
            }
        }
        if self.keys_unread > 0 {
            let keys = self.keys_unread;
            reasons.push(format!("check: {keys} keys could not be read at the end"));
        }
        let first = self.history_violations.first();
        reasons.extend(first.map(|text| {
            let count = self.history_violations.len();
            format!("check: {count} sampled histories are no register's: {text}")
        }));
        reasons
    }
}
