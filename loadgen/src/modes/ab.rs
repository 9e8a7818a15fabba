//! `ab`: two endpoints under the same load in slices A B B A, and whether they differ.

use serde::{Deserialize, Serialize};

use super::{Heading, Slices, slice};
use crate::config::RunConfig;
use crate::report::RunReport;
use crate::resample::Ratio;
use crate::run::RunError;
use crate::table::{duration, rate};

/// What is compared and how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbConfig {
    /// The endpoints A and B.
    pub endpoints: [String; 2],
    /// Their processes, where their processor time is not to be asked of themselves.
    pub pids: Option<[u32; 2]>,
    /// Blocks of four slices.
    pub blocks: u32,
    /// Measured seconds of a slice.
    pub slice_s: f64,
}

/// What one slice came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Server processor time of a request.
    pub server_cpu_ns: Option<f64>,
    /// Median response.
    pub p50_ns: Option<f64>,
    /// 99th percentile.
    pub p99_ns: Option<f64>,
    /// Answered a second.
    pub achieved_per_s: Option<f64>,
}

/// Slices A, B, B, A of one tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// A's slices, the first and the last.
    pub a: [Sample; 2],
    /// B's, in the middle.
    pub b: [Sample; 2],
}

/// One figure of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What it is.
    pub name: String,
    /// B over A; none where it is not known of both.
    pub ratio: Option<Ratio>,
    /// A ratio this near to 1, as a share, is of no interest.
    pub indifferent: f64,
    /// Mean of A's slices.
    pub a: Option<f64>,
    /// Mean of B's.
    pub b: Option<f64>,
    /// True if the ratio's whole interval is farther from 1 than `indifferent`.
    pub different: bool,
}

/// The result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AbReport {
    /// What all modes begin with.
    #[serde(flatten)]
    pub heading: Heading,
    /// What was compared.
    pub ab: AbConfig,
    /// Requests without a right answer, of A and of B.
    pub failed: [u64; 2],
    /// The figures.
    pub compared: Vec<Compared>,
    /// Every block.
    pub blocks: Vec<Block>,
}

/// Compares two servers under the load of `config`, whose endpoints and seconds are not used.
pub fn ab(
    config: &RunConfig,
    ab: &AbConfig,
    observer: &mut dyn Slices,
) -> Result<AbReport, RunError> {
    let sides = [0, 1].map(|side| RunConfig {
        endpoints: vec![ab.endpoints[side].clone()],
        server_pids: ab.pids.map_or_else(Vec::new, |pids| vec![pids[side]]),
        seconds: Some(ab.slice_s),
        requests: None,
        settle_seconds: 0.0,
        ..config.clone()
    });
    let mut failed = [0; 2];
    let mut blocks = Vec::new();
    // A block that is not counted comes first: caches, pools and tables are warm after it.
    for number in 0..=ab.blocks {
        let mut samples = [Sample::default(); 4];
        for (place, side) in [0, 1, 1, 0].into_iter().enumerate() {
            let load = RunConfig {
                preload: config.preload && number == 0 && place < 2,
                seed: config.seed.wrapping_add(number.into()),
                ..sides[side].clone()
            };
            let title = format!("block {number} of {}: {}", ab.blocks, ["A", "B"][side]);
            let (report, _) = slice(&load, &title, observer)?;
            failed[side] += report.totals.failed;
            samples[place] = Sample::of(&report);
        }
        let [first, second, third, last] = samples;
        if number > 0 {
            blocks.push(Block {
                a: [first, last],
                b: [second, third],
            });
        }
    }
    let words = format!(
        "ab {} {} --blocks {} --slice {}",
        ab.endpoints[0], ab.endpoints[1], ab.blocks, ab.slice_s
    );
    Ok(AbReport {
        heading: Heading::of(&words, config),
        ab: ab.clone(),
        failed,
        compared: judge(&blocks, config.seed),
        blocks,
    })
}

impl Sample {
    fn of(report: &RunReport) -> Self {
        let response = &report.latency.response;
        let ns = |ns: Option<u64>| ns.map(|ns| ns as f64);
        Self {
            server_cpu_ns: report.cost.server_cpu_ns_per_request,
            p50_ns: ns(response.p50_ns),
            p99_ns: ns(response.p99_ns),
            achieved_per_s: Some(report.totals.achieved_per_s),
        }
    }
}

/// A figure of a sample.
type Figure = fn(&Sample) -> Option<f64>;

/// Name, figure, and the difference that is of no interest: processor time is told to a hundredth,
/// latency by far not.
const FIGURES: [(&str, Figure, f64); 4] = [
    (
        "server cpu per request",
        |sample| sample.server_cpu_ns,
        0.01,
    ),
    ("response p50", |sample| sample.p50_ns, 0.03),
    ("response p99", |sample| sample.p99_ns, 0.05),
    ("achieved a second", |sample| sample.achieved_per_s, 0.02),
];

/// Judges blocks: what [`ab`] says of slices that were recorded.
pub fn judge(blocks: &[Block], seed: u64) -> Vec<Compared> {
    let compared = |(name, figure, indifferent): (&str, Figure, f64)| {
        let both = |samples: &[Sample; 2]| {
            let [first, second] = samples.each_ref().map(figure);
            Some(f64::midpoint(first?, second?))
        };
        let sides = blocks
            .iter()
            .map(|block| both(&block.a).zip(both(&block.b)));
        let sides: Option<Vec<(f64, f64)>> = sides.collect();
        let sides = sides.unwrap_or_default();
        let logs: Vec<f64> = sides.iter().map(|(a, b)| (b / a).ln()).collect();
        let ratio = Ratio::of(&logs, seed);
        let mean = |of: fn(&(f64, f64)) -> f64| {
            (!sides.is_empty()).then(|| sides.iter().map(of).sum::<f64>() / sides.len() as f64)
        };
        Compared {
            name: name.to_owned(),
            ratio,
            indifferent,
            a: mean(|side| side.0),
            b: mean(|side| side.1),
            different: ratio.is_some_and(|ratio| ratio.differs(indifferent)),
        }
    };
    FIGURES.into_iter().map(compared).collect()
}

impl AbReport {
    /// True if some figure differs.
    pub fn is_different(&self) -> bool {
        self.compared.iter().any(|compared| compared.different)
    }

    /// For a reader.
    pub fn table(&self) -> String {
        let names: Vec<&str> = self
            .compared
            .iter()
            .filter(|compared| compared.different)
            .map(|compared| compared.name.as_str())
            .collect();
        let mut text = if names.is_empty() {
            "NO DIFFERENCE\n".to_owned()
        } else {
            format!("DIFFERENT: {}\n", names.join(", "))
        };
        text += &format!(
            "A {}, B {}: {} blocks of slices A B B A, {} s each, failed {} and {}\n\n{:<24} {:>12} {:>12} {:>8} {:>17}\n",
            self.ab.endpoints[0],
            self.ab.endpoints[1],
            self.blocks.len(),
            self.ab.slice_s,
            self.failed[0],
            self.failed[1],
            "",
            "A",
            "B",
            "B / A",
            "95% interval",
        );
        for row in &self.compared {
            text += &row.line();
        }
        text + "\n" + &self.heading.command + "\n"
    }
}

impl Compared {
    fn line(&self) -> String {
        let figure = |value: Option<f64>| match value {
            None => "-".to_owned(),
            Some(value) if self.name == "achieved a second" => rate(value),
            Some(ns) => duration(ns),
        };
        let (ratio, interval) = self.ratio.map_or_else(
            || ("-".to_owned(), String::new()),
            |ratio| {
                let interval = format!("{:.4} to {:.4}", ratio.low, ratio.high);
                (format!("{:.4}", ratio.ratio), interval)
            },
        );
        format!(
            "{:<24} {:>12} {:>12} {ratio:>8} {interval:>17}  {}\n",
            self.name,
            figure(self.a),
            figure(self.b),
            match (self.ratio, self.different) {
                (None, _) => "not known of both".to_owned(),
                (_, true) => "different".to_owned(),
                (_, false) => format!("not beyond {}%", 100.0 * self.indifferent),
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Slices of two servers whose costs are noisy, drift together and are now and then disturbed,
    /// as slices recorded on a shared machine are: B costs `factor` times what A costs.
    fn blocks(seed: u64, factor: f64) -> Vec<Block> {
        let mut random = Random::new(seed, 0);
        let mut slice = |number: u32, factor: f64| {
            let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
            let drift = 1.0 + 0.002 * f64::from(number);
            let noise = 1.0 + 0.02 * normal();
            let burst = if normal() > 2.0 { 1.3 } else { 1.0 };
            Sample {
                server_cpu_ns: Some(12_000.0 * factor * drift * noise * burst),
                p50_ns: Some(90_000.0 * drift * (1.0 + 0.05 * normal()) * burst),
                p99_ns: Some(400_000.0 * (0.2 * normal()).exp() * burst),
                achieved_per_s: Some(20_000.0 * (1.0 + 0.005 * normal())),
            }
        };
        (0..12)
            .map(|block| {
                let [a, b, c, d] = [(0, 1.0), (1, factor), (2, factor), (3, 1.0)]
                    .map(|(place, factor)| slice(4 * block + place, factor));
                Block {
                    a: [a, d],
                    b: [b, c],
                }
            })
            .collect()
    }

    fn is_different(seed: u64, factor: f64) -> bool {
        let compared = judge(&blocks(seed, factor), seed);
        compared.iter().any(|figure| figure.different)
    }

    #[test]
    fn the_same_server_is_called_different_at_most_once_in_twenty_comparisons() {
        for twenty in 0..5 {
            let alarms = (0..20)
                .filter(|seed| is_different(100 * twenty + seed, 1.0))
                .count();
            assert!(alarms <= 1, "{alarms} of 20");
        }
    }

    #[test]
    fn five_hundredths_more_processor_time_is_seen() {
        let seen = (0..20).filter(|&seed| {
            let compared = judge(&blocks(seed, 1.05), seed);
            let ratio = compared[0].ratio.unwrap();
            compared[0].different && ratio.low < 1.05 && ratio.high > 1.05
        });
        let seen = seen.count();
        assert!(seen >= 17, "{seen} of 20");
    }

    #[test]
    fn what_one_side_does_not_tell_is_not_compared() {
        let mut blocks = blocks(1, 1.0);
        blocks[3].b[0].server_cpu_ns = None;
        let compared = judge(&blocks, 1);
        assert_eq!((compared[0].ratio, compared[0].different), (None, false));
        assert!(compared[1].ratio.is_some());
        assert!(compared[0].line().ends_with("not known of both\n"));
    }
}
