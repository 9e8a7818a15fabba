//! The comparison as a table: the median ratio first, its spread beside it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::spread::Spread;
use super::{Effort, Measured};

/// Version of the JSON's form.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// A whole comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(super) schema_version: u32,
    pub(super) ringd: String,
    pub(super) redis: String,
    pub(super) effort: Effort,
    pub(super) measured: Vec<Measured>,
}

impl Comparison {
    /// Rows that cost more than their bar.
    pub(crate) fn broken_bars(&self) -> Vec<String> {
        let broken = self
            .measured
            .iter()
            .filter(|row| row.ratio().median > row.scenario.bar);
        broken
            .map(|row| format!("{} at depth {}", row.scenario.command, row.scenario.depth))
            .collect()
    }

    /// For people.
    pub(crate) fn markdown(&self) -> String {
        let Effort {
            rounds,
            requests,
            connections,
        } = &self.effort;
        let mut text = format!(
            "Processor time of a request: {} and {}, {connections} connections, 64 B values, \
             {rounds} interleaved slices of {requests} requests each ({} at depth 16).\n\n\
             | command | depth | ringd µs | redis µs | ratio | lowest–highest | bar | \
             ringd calls | redis calls |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            self.ringd,
            self.redis,
            4 * requests,
        );
        for row in &self.measured {
            let ratio = row.ratio();
            let calls =
                |each: Option<f64>| each.map_or_else(|| "–".into(), |each| format!("{each:.3}"));
            let _ = writeln!(
                text,
                "| {} | {} | {:.3} | {:.3} | {:.3}{} | {:.3}–{:.3} | {:.1} | {} | {} |",
                row.scenario.command,
                row.scenario.depth,
                Spread::of(&row.ringd_ns).median / 1000.0,
                Spread::of(&row.redis_ns).median / 1000.0,
                ratio.median,
                if ratio.median > row.scenario.bar {
                    " ✗"
                } else {
                    ""
                },
                ratio.low,
                ratio.high,
                row.scenario.bar,
                calls(row.ringd_calls),
                calls(row.redis_calls),
            );
        }
        text.push_str("\nThe ratio is the median over pairs of neighbouring slices.\n");
        text
    }

    /// For programs, with every slice.
    pub(crate) fn json(&self) -> Value {
        let ratios: Vec<Spread> = self.measured.iter().map(Measured::ratio).collect();
        json!({ "schema_version": self.schema_version, "comparison": self, "ratios": ratios })
    }
}

impl Measured {
    /// ringd's cost relative to Redis's, over pairs of neighbouring slices.
    fn ratio(&self) -> Spread {
        let pairs = self.ringd_ns.iter().zip(&self.redis_ns);
        Spread::of(
            &pairs
                .map(|(ringd, redis)| ringd / redis)
                .collect::<Vec<f64>>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versus::{SCENARIOS, Scenario};

    fn measured(scenario: Scenario, ringd: &[f64], redis: &[f64]) -> Measured {
        Measured {
            ringd_ns: ringd.to_vec(),
            redis_ns: redis.to_vec(),
            ringd_calls: Some(0.5),
            ..Measured::of(scenario)
        }
    }

    fn comparison(measured: Vec<Measured>) -> Comparison {
        Comparison {
            schema_version: SCHEMA_VERSION,
            ringd: "ringd 1".into(),
            redis: "redis 7".into(),
            effort: Effort {
                rounds: 2,
                requests: 10,
                connections: 50,
            },
            measured,
        }
    }

    #[test]
    fn the_median_decides() {
        let [get, _, get16, _] = SCENARIOS;
        let fine = measured(get, &[9.0, 10.0, 30.0], &[10.0, 10.0, 10.0]);
        let broken = measured(get16, &[9.0, 9.0], &[10.0, 10.0]);
        let comparison = comparison(vec![fine, broken]);
        assert_eq!(comparison.broken_bars(), ["GET at depth 16"]);
        let text = comparison.markdown();
        assert!(
            text.contains("| GET | 1 | 0.010 | 0.010 | 1.000 | 0.900–3.000 | 1.0 | 0.500 | – |"),
            "{text}"
        );
        assert!(text.contains("0.900 ✗"), "{text}");
    }
}
