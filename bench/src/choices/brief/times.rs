//! Times of cases, in turns: in each round every case runs once for a moment, so that whatever
//! disturbs the machine disturbs all of them alike; the median over the rounds is told.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, bail};
use ringlab::case::{Case, Subject};

use super::Cost;

/// Samples of each case.
pub(crate) const ROUNDS: usize = 41;
/// A sample lasts about that long.
const SAMPLE_NS: f64 = 200_000.0;

/// A case, warm, and how many operations make a sample.
struct Timed<'a> {
    case: &'a Case,
    subject: Box<dyn Subject>,
    operations: u64,
    samples: Vec<f64>,
}

impl Timed<'_> {
    /// One sample: nanoseconds an operation.
    fn sample(&mut self) -> Result<f64> {
        self.subject.ready(self.operations);
        let start = Instant::now();
        black_box(self.subject.as_mut()).run(self.operations);
        let ns = start.elapsed().as_nanos() as f64;
        if let Err(wrong) = self.subject.check() {
            bail!("{}: wrong result: {wrong}", self.case.id);
        }
        Ok(ns / self.operations as f64)
    }
}

/// Times the cases.
///
/// # Errors
/// A wrong result.
pub(crate) fn measure(cases: &[Case]) -> Result<Vec<Cost>> {
    let mut all = Vec::new();
    for case in cases {
        let mut timed = Timed {
            case,
            subject: case.warm(),
            operations: case.operations,
            samples: Vec::with_capacity(ROUNDS),
        };
        let each = timed.sample()?.max(0.1);
        // Whole turns over the case's inputs.
        let turns = (SAMPLE_NS / each / case.operations as f64).ceil().max(1.0);
        timed.operations = case.operations * turns as u64;
        all.push(timed);
    }
    for _ in 0..ROUNDS {
        for timed in &mut all {
            let sample = timed.sample()?;
            timed.samples.push(sample);
        }
    }
    Ok(all.into_iter().map(cost).collect())
}

fn cost(mut timed: Timed<'_>) -> Cost {
    timed.samples.sort_by(f64::total_cmp);
    let at = |part: f64| timed.samples[(part * (ROUNDS - 1) as f64).round() as usize];
    Cost {
        id: timed.case.id.clone(),
        ns: at(0.5),
        ns_p25: at(0.25),
        ns_p75: at(0.75),
        instructions: None,
    }
}

#[cfg(test)]
mod tests {
    use ringlab::case::Repeat;

    use super::*;

    #[test]
    fn quartiles_are_in_order_and_a_wrong_result_is_refused() {
        let right = Case::new("a/b/c", || Repeat::same(7, || 7)).operations(10);
        let costs = measure(&[right]).expect("a right result");
        assert!(costs[0].ns > 0.0);
        assert!(costs[0].ns_p25 <= costs[0].ns && costs[0].ns <= costs[0].ns_p75);
        let wrong = Case::new("a/b/d", || Repeat::same(7, || 8));
        assert!(measure(&[wrong]).is_err());
    }
}
