//! Times in turns: in each round every lane runs for a moment, so that whatever disturbs the
//! machine disturbs all of them alike. Odd rounds go backwards.

use std::hint::black_box;
use std::time::Instant;

use super::data::Time;
use super::statistics::{median, time};

/// A sample lasts about that long, but at least one operation.
const SAMPLE_NS: f64 = 150_000.0;
/// No more operations a sample than that, however short they are.
const OPERATIONS_MAX: f64 = 4_000_000.0;

/// What is timed: a closure that does so many operations.
pub(crate) struct Lane<'a> {
    run: Box<dyn FnMut(u64) + 'a>,
    operations: u64,
    /// Nanoseconds an operation, by round.
    pub(crate) samples: Vec<f64>,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(run: impl FnMut(u64) + 'a) -> Self {
        Self {
            run: Box::new(run),
            operations: 1,
            samples: Vec::new(),
        }
    }

    /// `operation` over all of `inputs`, again and again.
    pub(crate) fn cycling<T>(inputs: &'a [T], mut operation: impl FnMut(&T) -> u64 + 'a) -> Self {
        let mut at = 0;
        Self::new(move |operations| {
            for _ in 0..operations {
                black_box(operation(black_box(&inputs[at])));
                at += 1;
                if at == inputs.len() {
                    at = 0;
                }
            }
        })
    }

    fn sample(&mut self) -> f64 {
        let start = Instant::now();
        black_box(&mut self.run)(self.operations);
        start.elapsed().as_nanos() as f64 / self.operations as f64
    }

    /// Finds how many operations make a sample; that warms it, too.
    fn settle(&mut self) {
        loop {
            let ns = self.sample() * self.operations as f64;
            if ns >= SAMPLE_NS / 4.0 || self.operations as f64 >= OPERATIONS_MAX {
                let wanted = self.operations as f64 * SAMPLE_NS / ns.max(1.0);
                self.operations = wanted.clamp(1.0, OPERATIONS_MAX) as u64;
                return;
            }
            self.operations *= 4;
        }
    }

    /// The middle of its samples.
    pub(crate) fn time(&self) -> Time {
        time(&self.samples)
    }

    /// Its time over another's, sample by sample: the median.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        let ratios = self.samples.iter().zip(&other.samples);
        median(
            &mut ratios
                .map(|(ours, theirs)| ours / theirs)
                .collect::<Vec<_>>(),
        )
    }
}

/// So many rounds of all lanes.
pub(crate) fn race(lanes: &mut [Lane<'_>], rounds: usize) {
    lanes.iter_mut().for_each(Lane::settle);
    for round in 0..rounds {
        let mut turn = |lane: &mut Lane<'_>| {
            let sample = lane.sample();
            lane.samples.push(sample);
        };
        if round % 2 == 0 {
            lanes.iter_mut().for_each(&mut turn);
        } else {
            lanes.iter_mut().rev().for_each(&mut turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_work_takes_longer_and_every_lane_has_its_samples() {
        let inputs = [3_u64, 5, 7];
        let rounds =
            |times: u64| move |input: &u64| (0..times).fold(*input, |sum, n| black_box(sum ^ n));
        let mut lanes = [
            Lane::cycling(&inputs, rounds(10)),
            Lane::cycling(&inputs, rounds(300)),
        ];
        race(&mut lanes, 5);
        assert!(lanes.iter().all(|lane| lane.samples.len() == 5));
        assert!(lanes[1].ratio_to(&lanes[0]) > 3.0);
        let time = lanes[0].time();
        assert!(time.p25_ns <= time.ns && time.ns <= time.p75_ns);
    }
}
