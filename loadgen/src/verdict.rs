//! The first line of every result: may its numbers be used, and if not, why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::report::CheckReport;
use crate::report::{Cost, Latency, Steady, Totals};

/// What a run's numbers are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Worth {
    /// They say what the server did.
    #[serde(rename = "VALID")]
    Valid,
    /// The load changed while it was measured.
    #[serde(rename = "NOT STEADY")]
    NotSteady,
    /// They say what the client did.
    #[serde(rename = "CLIENT-BOUND")]
    ClientBound,
    /// Requests went without a right answer.
    #[serde(rename = "DATA ERRORS")]
    DataErrors,
}

impl fmt::Display for Worth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "VALID",
            Self::NotSteady => "NOT STEADY",
            Self::ClientBound => "CLIENT-BOUND",
            Self::DataErrors => "DATA ERRORS",
        })
    }
}

/// The verdict with its reasons, the weightiest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of what was found.
    pub worth: Worth,
    /// Everything that was found; of a valid run what was looked at.
    pub reasons: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.worth, self.reasons.join("; "))
    }
}

/// What the verdict is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) totals: &'a Totals,
    pub(crate) latency: &'a Latency,
    pub(crate) cost: &'a Cost,
    pub(crate) steady: &'a Steady,
    /// The offered load changes by design.
    pub(crate) varies: bool,
    /// Requests under way at most.
    pub(crate) slots: u64,
    pub(crate) failures_allowed: f64,
    pub(crate) check: Option<&'a CheckReport>,
    /// Something was done to the server meanwhile, so nobody expects a steady load.
    pub(crate) disturbed: bool,
}

const LAG_SHARE_MAX: f64 = 0.10;
pub(crate) const WORKER_BUSY_MAX: f64 = 0.80;
pub(crate) const RUNQUEUE_SHARE_MAX: f64 = 0.05;
const ACHIEVED_SHARE_MIN: f64 = 0.99;
const SERVER_CPUS_MIN: f64 = 0.80;
const THROUGHPUT_DRIFT_MAX: f64 = 0.05;
const MEDIAN_DRIFT_MAX: f64 = 0.10;

pub(crate) fn judge(evidence: &Evidence<'_>) -> Verdict {
    let found = [
        (Worth::DataErrors, data_errors(evidence)),
        (Worth::ClientBound, client_bound(evidence)),
        (Worth::NotSteady, not_steady(evidence)),
    ];
    let worst = found.iter().find(|(_, reasons)| !reasons.is_empty());
    let worth = worst.map_or(Worth::Valid, |(worth, _)| *worth);
    let mut reasons: Vec<String> = found.into_iter().flat_map(|(_, reasons)| reasons).collect();
    if reasons.is_empty() {
        let requests = evidence.totals.completed;
        reasons.push(format!(
            "{}, on time, {requests} requests all answered rightly",
            if evidence.disturbed {
                "disturbed as planned"
            } else {
                "steady"
            }
        ));
    }
    Verdict { worth, reasons }
}

fn data_errors(evidence: &Evidence<'_>) -> Vec<String> {
    let totals = evidence.totals;
    let mut reasons = Vec::new();
    if totals.completed == 0 {
        reasons.push("no request was answered".into());
    }
    if totals.wrong > 0 {
        let hint = "was the server loaded with another --size? --preload writes all keys anew";
        reasons.push(format!("{} wrong answers ({hint})", totals.wrong));
    }
    let answered = totals.completed.max(1) as f64;
    if totals.failed as f64 / answered > evidence.failures_allowed {
        reasons.push(format!(
            "{} requests failed: {} error replies, {} lost, {} timeouts",
            totals.failed, totals.error_replies, totals.lost, totals.timeouts
        ));
    }
    reasons.extend(evidence.check.into_iter().flat_map(CheckReport::reasons));
    reasons
}

fn client_bound(evidence: &Evidence<'_>) -> Vec<String> {
    let Evidence {
        totals,
        latency,
        cost,
        ..
    } = *evidence;
    let mut reasons = Vec::new();
    let lag = latency.lag.as_ref().and_then(|lag| lag.p99_ns);
    if let (Some(lag), Some(response)) = (lag, latency.response.p99_ns) {
        let share = lag as f64 / response as f64;
        if share > LAG_SHARE_MAX {
            let mut reason = format!("lag p99 is {:.0}% of response p99", 100.0 * share);
            if totals.waited > 0 {
                reason += &format!(
                    " ({} requests found all {} slots taken: more --connections or --depth)",
                    totals.waited, evidence.slots
                );
            }
            reasons.push(reason);
        }
    }
    if cost.worker_busy_max > WORKER_BUSY_MAX {
        let busy = 100.0 * cost.worker_busy_max;
        reasons.push(format!("a worker used {busy:.0}% of its wall time"));
    }
    if cost.runqueue_share > RUNQUEUE_SHARE_MAX {
        let share = 100.0 * cost.runqueue_share;
        reasons.push(format!(
            "workers waited {share:.0}% of their time for a processor"
        ));
    }
    let achieved = totals.achieved_per_s / totals.offered_per_s;
    let idle = cost
        .server_cpus_max
        .is_some_and(|cpus| cpus < SERVER_CPUS_MIN);
    if achieved < ACHIEVED_SHARE_MIN && idle {
        reasons.push(format!(
            "{:.1}% of the offered rate while the server used {:.0}% of a processor",
            100.0 * achieved,
            100.0 * cost.server_cpus_max.unwrap_or_default()
        ));
    }
    reasons
}

fn not_steady(evidence: &Evidence<'_>) -> Vec<String> {
    let Evidence { totals, steady, .. } = *evidence;
    let mut reasons = Vec::new();
    if !steady.settled {
        reasons.push("it did not settle before it was measured".into());
    }
    if evidence.disturbed {
        return reasons;
    }
    if !evidence.varies && steady.throughput.matters(THROUGHPUT_DRIFT_MAX) {
        let drift = 100.0 * steady.throughput.drift;
        reasons.push(format!("throughput drifted by {drift:+.0}%"));
    }
    if !evidence.varies && steady.median.matters(MEDIAN_DRIFT_MAX) {
        let drift = 100.0 * steady.median.drift;
        reasons.push(format!("the median drifted by {drift:+.0}%"));
    }
    if backlog_grows(steady, totals.offered_per_s) {
        let last = steady.backlog_last;
        reasons.push(format!(
            "the backlog grew to {last} requests: more was offered than served"
        ));
    }
    reasons
}

/// A backlog counts from a hundredth of a second's load on.
pub(crate) fn backlog_grows(steady: &Steady, offered_per_s: f64) -> bool {
    steady.backlog_last as f64 > offered_per_s / 100.0
        && steady.backlog.drift > 0.0
        && steady.backlog.matters(0.1)
}

/// True if windows of throughput and median show no trend that matters.
pub(crate) fn is_settled(steady: &Steady, offered_per_s: f64) -> bool {
    !steady.throughput.matters(THROUGHPUT_DRIFT_MAX)
        && !steady.median.matters(MEDIAN_DRIFT_MAX)
        && !backlog_grows(steady, offered_per_s)
}
