//! `search` on a server: offers what [`Search`] names, slice by slice.

use serde::{Deserialize, Serialize};

use super::{Heading, Kept, Slices, slice};
use crate::config::RunConfig;
use crate::objective::Objective;
use crate::report::RunReport;
use crate::run::RunError;
use crate::search::{Answer, Batch, Outcome, Plan, Purpose, Search, Step};
use crate::table::{duration, rate};
use crate::verdict::{RUNQUEUE_SHARE_MAX, WORKER_BUSY_MAX};

/// What is searched for and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeekConfig {
    /// What must hold.
    pub objective: Objective,
    /// The rate offered first; none: half of what a closed loop achieves.
    pub start: Option<f64>,
    /// No more than this is offered.
    pub rate_max: f64,
    /// Width of the bracket at the end, as a share.
    pub resolution: f64,
    /// Measured seconds of a slice.
    pub slice_s: f64,
}

/// The result of a search on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeekReport {
    /// What all modes begin with.
    #[serde(flatten)]
    pub heading: Heading,
    /// What was searched for.
    pub seek: SeekConfig,
    /// What was found.
    pub answer: Answer,
    /// True if in a slice that failed just above the answer the client may have been what was slow.
    pub client_bound: bool,
    /// Every slice, in order.
    pub offers: Vec<Offer>,
}

/// One slice of a search.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// Offered a second.
    pub rate: f64,
    /// Why it was.
    pub purpose: Purpose,
    /// Answered a second.
    pub achieved_per_s: f64,
    /// The response at the objective's percentile.
    pub at_percentile_ns: Option<u64>,
    /// Share of requests beyond the objective's limit.
    pub beyond_share: Option<f64>,
    /// False if fewer were answered than offered.
    pub kept_up: bool,
    /// Share of the time that the busiest worker worked.
    pub worker_busy: f64,
    /// Share of the time that workers waited for a processor.
    pub runqueue_share: f64,
    /// Server processor time of a request.
    pub server_cpu_ns_per_request: Option<f64>,
}

/// Searches on the server of `config`, whose rate and seconds are the search's to set.
pub fn seek(
    config: &RunConfig,
    seek: &SeekConfig,
    observer: &mut dyn Slices,
) -> Result<SeekReport, RunError> {
    let mut load = RunConfig {
        seconds: Some(seek.slice_s),
        requests: None,
        settle_seconds: config.settle_seconds.min(0.5),
        settle_seconds_max: config.settle_seconds.min(0.5),
        ..config.clone()
    };
    let start = match seek.start {
        Some(start) => start,
        None => half_of_closed_loop(&load, observer)?,
    };
    load.preload &= seek.start.is_some();
    let mut search = Search::new(Plan {
        rate_max: seek.rate_max,
        resolution: seek.resolution,
        ..Plan::new(seek.objective, start)
    });
    let mut offers = Vec::new();
    loop {
        let (offered, purpose) = match search.step() {
            Step::Offer(offered, purpose) => (offered, purpose),
            Step::Over(answer) => return Ok(SeekReport::of(config, seek, (answer, offers))),
        };
        load.rate = Some(offered);
        let title = format!("{} {}/s", purpose.name(), rate(offered));
        let (report, kept) = slice(&load, &title, observer)?;
        load.preload = false;
        let outcome = outcome(&report, &kept, &seek.objective);
        let offer = Offer::of((offered, purpose), &report, &outcome, &kept, seek);
        observer.came_to(&offer.line(&seek.objective));
        offers.push(offer);
        search.tell(&outcome);
    }
}

fn half_of_closed_loop(load: &RunConfig, observer: &mut dyn Slices) -> Result<f64, RunError> {
    let closed = RunConfig {
        rate: None,
        seconds: Some(1.0),
        ..load.clone()
    };
    let (report, _) = slice(&closed, "closed loop, to begin with", observer)?;
    let achieved = report.totals.achieved_per_s;
    observer.came_to(&format!("closed loop: {}/s", rate(achieved)));
    Ok(achieved / 2.0)
}

fn outcome(report: &RunReport, kept: &Kept, objective: &Objective) -> Outcome {
    let batch = |(window, &failed): (&hdrhistogram::Histogram<u64>, &u64)| {
        let count = window.len();
        // A failed request may be in the histogram too, with the age it had.
        let beyond = count - window.count_between(0, objective.limit_ns).min(count);
        Batch {
            count,
            beyond: (beyond + failed).min(count),
        }
    };
    let totals = &report.totals;
    // What is under way at the end is not missing.
    let slots = u64::from(report.config.connections) * u64::from(report.config.depth);
    Outcome {
        batches: kept.windows.iter().zip(&kept.failed).map(batch).collect(),
        kept_up: (totals.completed + slots) as f64 >= 0.99 * totals.offered as f64,
    }
}

impl Purpose {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bracket => "bracket",
            Self::Bisect => "bisect",
            Self::Confirm => "confirm",
            Self::Overshoot => "must fail",
        }
    }
}

impl Offer {
    fn of(
        (rate, purpose): (f64, Purpose),
        report: &RunReport,
        outcome: &Outcome,
        kept: &Kept,
        seek: &SeekConfig,
    ) -> Self {
        let (count, beyond) = outcome
            .batches
            .iter()
            .fold((0, 0), |(count, beyond), batch| {
                (count + batch.count, beyond + batch.beyond)
            });
        let quantile = seek.objective.percentile / 100.0;
        Self {
            rate,
            purpose,
            achieved_per_s: report.totals.achieved_per_s,
            at_percentile_ns: (count > 0).then(|| kept.all.value_at_quantile(quantile)),
            beyond_share: (count > 0).then(|| beyond as f64 / count as f64),
            kept_up: outcome.kept_up,
            worker_busy: report.cost.worker_busy_max,
            runqueue_share: report.cost.runqueue_share,
            server_cpu_ns_per_request: report.cost.server_cpu_ns_per_request,
        }
    }

    fn is_client_bound(&self) -> bool {
        self.worker_busy > WORKER_BUSY_MAX || self.runqueue_share > RUNQUEUE_SHARE_MAX
    }

    fn line(&self, objective: &Objective) -> String {
        let at = |ns: Option<u64>| ns.map_or_else(|| "-".into(), |ns| duration(ns as f64));
        format!(
            "{:>12}/s {:<9} p{} {:>8} {:>7} beyond, client {:>3.0}% busy, {:.0}% waiting{}",
            rate(self.rate),
            self.purpose.name(),
            objective.percentile,
            at(self.at_percentile_ns),
            self.beyond_share
                .map_or_else(|| "-".into(), |share| format!("{:.2}%", 100.0 * share)),
            100.0 * self.worker_busy,
            100.0 * self.runqueue_share,
            if self.kept_up { "" } else { ", fell behind" },
        )
    }
}

impl SeekReport {
    fn of(config: &RunConfig, seek: &SeekConfig, (answer, offers): (Answer, Vec<Offer>)) -> Self {
        let (low, high) = answer.rate.zip(answer.fails_at).unwrap_or((f64::MAX, 0.0));
        let client_bound = offers
            .iter()
            .filter(|offer| offer.rate > low && offer.rate <= high)
            .any(Offer::is_client_bound);
        let mode = format!(
            "search --objective {} --slice {}",
            seek.objective, seek.slice_s
        );
        Self {
            heading: Heading::of(&mode, config),
            seek: seek.clone(),
            answer,
            client_bound,
            offers,
        }
    }

    /// The answer in a sentence.
    pub fn headline(&self) -> String {
        let Answer {
            rate: found,
            confirmed,
            fails_at,
            offers,
            reason,
        } = &self.answer;
        let found = found.map_or_else(
            || "no rate".to_owned(),
            |found| format!("{}/s", rate(found)),
        );
        let fails = fails_at.map_or(String::new(), |fails| {
            format!(", fails at {}/s", rate(fails))
        });
        let word = match (self.client_bound, confirmed) {
            (true, _) => "CLIENT-BOUND",
            (false, true) => "CONFIRMED",
            (false, false) => "NOT CONFIRMED",
        };
        format!(
            "{word}: {found} holds {}{fails} ({reason}, {offers} slices)",
            self.seek.objective
        )
    }

    /// True if the answer can be relied on.
    pub fn is_valid(&self) -> bool {
        self.answer.confirmed && !self.client_bound
    }

    /// For a reader.
    pub fn table(&self) -> String {
        let mut offers: Vec<&Offer> = self.offers.iter().collect();
        offers.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let rows: Vec<String> = offers
            .iter()
            .map(|offer| offer.line(&self.seek.objective))
            .collect();
        format!(
            "{}\n\n{}\n\n{}\n",
            self.headline(),
            rows.join("\n"),
            self.heading.command
        )
    }
}
