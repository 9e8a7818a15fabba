//! `sweep`: what the latency is at each of several loads, in an order that no drift favours.

use serde::{Deserialize, Serialize};

use super::{Heading, Kept, Slices, slice};
use crate::config::RunConfig;
use crate::random::Random;
use crate::report::{LatencySummary, RunReport};
use crate::run::RunError;
use crate::table::{duration, rate};
use crate::verdict::Worth;
use crate::window::histogram;

/// Which loads, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepConfig {
    /// Rates; none: eight up to a tenth above what a closed loop achieves.
    pub rates: Vec<f64>,
    /// Measured seconds of a slice; each rate has two.
    pub slice_s: f64,
}

/// A latency–throughput curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SweepReport {
    /// What all modes begin with.
    #[serde(flatten)]
    pub heading: Heading,
    /// Rates in the order they were offered.
    pub order: Vec<f64>,
    /// The curve by rising rate.
    pub points: Vec<SweepPoint>,
    /// Index of the knee: the point with the most throughput for its mean response (Kleinrock's
    /// power), among those that kept up.
    pub knee: Option<usize>,
}

/// One rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Offered a second.
    pub rate: f64,
    /// Answered a second, mean of the slices.
    pub achieved_per_s: f64,
    /// Responses of both slices together.
    pub response: LatencySummary,
    /// 99th percentile of either slice: apart, the server's state drifted.
    pub p99_each_ns: Vec<Option<u64>>,
    /// Requests without a right answer.
    pub failed: u64,
    /// Server processor time of a request.
    pub server_cpu_ns_per_request: Option<f64>,
    /// The worse verdict of the slices.
    pub worth: Worth,
}

impl SweepPoint {
    /// True if what was offered was answered.
    pub fn kept_up(&self) -> bool {
        self.achieved_per_s >= 0.98 * self.rate
    }
}

/// Measures the curve of the server of `config`, whose rate and seconds are the sweep's to set.
pub fn sweep(
    config: &RunConfig,
    sweep: &SweepConfig,
    observer: &mut dyn Slices,
) -> Result<SweepReport, RunError> {
    let mut load = RunConfig {
        seconds: Some(sweep.slice_s),
        requests: None,
        settle_seconds: config.settle_seconds.min(1.0),
        settle_seconds_max: config.settle_seconds.min(1.0),
        ..config.clone()
    };
    let mut rates = sweep.rates.clone();
    if rates.is_empty() {
        rates = usual_rates(&load, observer)?;
        load.preload = false;
    }
    let order = shuffled_then_mirrored(&rates, config.seed);
    let mut slices: Vec<(f64, RunReport, Kept)> = Vec::new();
    for (number, &offered) in order.iter().enumerate() {
        load.rate = Some(offered);
        let title = format!("{} of {}: {}/s", number + 1, order.len(), rate(offered));
        let (report, kept) = slice(&load, &title, observer)?;
        load.preload = false;
        observer.came_to(&format!(
            "{:>12}/s  p99 {}",
            rate(offered),
            report
                .latency
                .response
                .p99_ns
                .map_or_else(|| "-".into(), |ns| duration(ns as f64)),
        ));
        slices.push((offered, report, kept));
    }
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let points: Vec<SweepPoint> = rates.iter().map(|&rate| point(rate, &slices)).collect();
    let listed: Vec<String> = rates.iter().map(ToString::to_string).collect();
    let mode = format!(
        "sweep --rates {} --slice {}",
        listed.join(","),
        sweep.slice_s
    );
    Ok(SweepReport {
        heading: Heading::of(&mode, config),
        order,
        knee: knee(&points),
        points,
    })
}

fn usual_rates(load: &RunConfig, observer: &mut dyn Slices) -> Result<Vec<f64>, RunError> {
    let closed = RunConfig {
        rate: None,
        ..load.clone()
    };
    let (report, _) = slice(&closed, "closed loop, for the range", observer)?;
    let achieved = report.totals.achieved_per_s;
    observer.came_to(&format!("closed loop: {}/s", rate(achieved)));
    let shares = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 1.1];
    Ok(shares
        .map(|share| (achieved * share).max(1.0).round())
        .to_vec())
}

/// Whatever drifts in a straight line meets every rate alike.
fn shuffled_then_mirrored(rates: &[f64], seed: u64) -> Vec<f64> {
    let mut order = rates.to_vec();
    let mut random = Random::new(seed, u64::MAX);
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    let back: Vec<f64> = order.iter().rev().copied().collect();
    order.extend(back);
    order
}

fn point(rate: f64, slices: &[(f64, RunReport, Kept)]) -> SweepPoint {
    let mine: Vec<&(f64, RunReport, Kept)> = slices
        .iter()
        .filter(|(offered, ..)| *offered == rate)
        .collect();
    let mut all = histogram();
    for (_, _, kept) in &mine {
        all.add(&kept.all)
            .expect("all histograms have the same bounds");
    }
    let reports = || mine.iter().map(|(_, report, _)| report);
    let costs: Vec<f64> = reports()
        .filter_map(|report| report.cost.server_cpu_ns_per_request)
        .collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let achieved: Vec<f64> = reports()
        .map(|report| report.totals.achieved_per_s)
        .collect();
    let gravity = |worth: &Worth| match worth {
        Worth::Valid => 0,
        Worth::NotSteady => 1,
        Worth::ClientBound => 2,
        Worth::DataErrors => 3,
    };
    SweepPoint {
        rate,
        achieved_per_s: mean(&achieved),
        response: LatencySummary::of(&all),
        p99_each_ns: reports()
            .map(|report| report.latency.response.p99_ns)
            .collect(),
        failed: reports().map(|report| report.totals.failed).sum(),
        server_cpu_ns_per_request: (!costs.is_empty()).then(|| mean(&costs)),
        worth: reports()
            .map(|report| report.verdict.worth)
            .max_by_key(gravity)
            .unwrap_or(Worth::Valid),
    }
}

fn knee(points: &[SweepPoint]) -> Option<usize> {
    let power = |point: &SweepPoint| {
        let mean = point.response.mean_ns.filter(|_| point.kept_up())?;
        Some(point.achieved_per_s / mean)
    };
    let powers = points.iter().map(power).enumerate();
    powers
        .filter_map(|(index, power)| power.map(|power| (index, power)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

impl SweepReport {
    /// For a reader.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} rates, two slices each, shuffled and mirrored{}\n\n{:>12} {:>12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>12}\n",
            self.points.len(),
            self.knee.map_or(String::new(), |knee| format!(
                "; knee at {}/s",
                rate(self.points[knee].rate)
            )),
            "offered/s",
            "achieved/s",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "max",
            "server cpu"
        );
        for (index, point) in self.points.iter().enumerate() {
            let time = |ns: Option<u64>| ns.map_or_else(|| "-".into(), |ns| duration(ns as f64));
            let response = &point.response;
            let cells = [
                response.p50_ns,
                response.p90_ns,
                response.p99_ns,
                response.p99_9_ns,
                response.max_ns,
            ]
            .map(|ns| format!("{:>9}", time(ns)));
            let cpu = point.server_cpu_ns_per_request;
            text += &format!(
                "{:>12} {:>12} {} {:>12}{}{}\n",
                rate(point.rate),
                rate(point.achieved_per_s),
                cells.join(" "),
                cpu.map_or_else(|| "-".into(), duration),
                if self.knee == Some(index) {
                    "  knee"
                } else {
                    ""
                },
                if point.worth == Worth::Valid {
                    String::new()
                } else {
                    format!("  {}", point.worth)
                },
            );
        }
        text + "\n" + &self.heading.command + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_shuffled_then_mirrored_and_depends_on_the_seed_alone() {
        let rates: Vec<f64> = (1..=8).map(f64::from).collect();
        let order = shuffled_then_mirrored(&rates, 7);
        assert_eq!(order, shuffled_then_mirrored(&rates, 7));
        assert_ne!(order, shuffled_then_mirrored(&rates, 8));
        assert_ne!(order[..8], rates[..]);
        let back: Vec<f64> = order[8..].iter().rev().copied().collect();
        assert_eq!(order[..8], back[..]);
        let mut sorted = order[..8].to_vec();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, rates);
    }

    #[test]
    fn the_knee_of_m_m_1_is_at_half_its_capacity() {
        // Kleinrock, "Power and deterministic rules of thumb", ICC 1979: λ (μ − λ) is largest at μ / 2.
        let points: Vec<SweepPoint> = (1..=12)
            .map(|tenth| {
                let rate = 1000.0 * f64::from(tenth);
                let kept_up = rate < 10_000.0;
                SweepPoint {
                    rate,
                    achieved_per_s: if kept_up { rate } else { 9000.0 },
                    response: LatencySummary {
                        mean_ns: Some(if kept_up {
                            1e9 / (10_000.0 - rate)
                        } else {
                            1.0
                        }),
                        ..LatencySummary::default()
                    },
                    p99_each_ns: Vec::new(),
                    failed: 0,
                    server_cpu_ns_per_request: None,
                    worth: Worth::Valid,
                }
            })
            .collect();
        assert_eq!(knee(&points), Some(4));
        assert_eq!(knee(&[]), None);
    }
}
