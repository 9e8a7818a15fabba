//! The requests and the gaps between them, drawn before the clock starts and replayed in a ring.

use crate::config::{Arrivals, RunConfig};
use crate::random::Random;
use crate::window::Op;

/// Requests on a tape at most, a worker; a longer run replays it.
const REQUESTS_MAX: u64 = 1 << 22;
const GAPS_MAX: u64 = 1 << 20;

/// What a worker sends, in order.
#[derive(Debug)]
pub(crate) struct Tape {
    /// Key number × 256 + command.
    entries: Vec<u64>,
    at: usize,
}

impl Tape {
    /// The tape of one worker, `wanted` requests or as many as a tape holds.
    pub(crate) fn draw(config: &RunConfig, worker: u32, wanted: u64) -> Self {
        let mut random = Random::new(config.seed, 2 * u64::from(worker));
        let sampler = config.key_law.sampler(config.keys);
        let length = wanted.clamp(1, REQUESTS_MAX);
        let entries = (0..length).map(|_| {
            let get = random.below(config.mix.total()) < u64::from(config.mix.get);
            let op = if get { Op::Get } else { Op::Set };
            sampler.sample(&mut random) << 8 | op as u64
        });
        Self {
            entries: entries.collect(),
            at: 0,
        }
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> (Op, u64) {
        let entry = self.entries[self.at];
        self.at += 1;
        if self.at == self.entries.len() {
            self.at = 0;
        }
        let op = if entry & 0xff == Op::Get as u64 {
            Op::Get
        } else {
            Op::Set
        };
        (op, entry >> 8)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Unit-mean gaps and what they are multiplied by.
#[derive(Debug)]
pub(crate) struct Schedule {
    gaps: Vec<f32>,
    gap_ns: f64,
}

/// A place in a schedule: the arrival that comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    index: usize,
    /// ns since the start, fractions kept so that they don't add up.
    offset: f64,
    /// The same as monotonic ns.
    pub(crate) at: u64,
    start: u64,
}

impl Schedule {
    /// The schedule of one worker of several: together they offer `rate`.
    pub(crate) fn draw(config: &RunConfig, rate: f64, worker: u32) -> Self {
        let gap_ns = 1e9 * f64::from(config.workers) / rate;
        let gaps = match config.arrivals {
            Arrivals::Constant => vec![1.0],
            Arrivals::Poisson => {
                let mut random = Random::new(config.seed, 2 * u64::from(worker) + 1);
                let wanted = config.seconds_max().unwrap_or(60.0) + config.settle_seconds_max;
                let length = ((wanted * 1e9 / gap_ns) as u64).clamp(1024, GAPS_MAX);
                (0..length).map(|_| random.exponential() as f32).collect()
            }
        };
        Self { gaps, gap_ns }
    }

    /// The first arrival after `start`; `phase` (0 to 1) sets workers of equal gaps apart.
    pub(crate) fn first(&self, start: u64, phase: f64) -> Arrival {
        let offset = if self.gaps.len() == 1 {
            phase * self.gap_ns
        } else {
            0.0
        };
        let arrival = Arrival {
            index: 0,
            offset,
            at: start,
            start,
        };
        self.after(arrival)
    }

    /// The arrival after this one.
    pub(crate) fn after(&self, arrival: Arrival) -> Arrival {
        let offset = arrival.offset + f64::from(self.gaps[arrival.index]) * self.gap_ns;
        let next = arrival.index + 1;
        let index = if next == self.gaps.len() { 0 } else { next };
        Arrival {
            index,
            offset,
            at: arrival.start + offset as u64,
            start: arrival.start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{KeyLaw, Mix};
    use crate::statistics::{anderson_darling, chi_square_z};

    /// Unit-mean gaps between a million arrivals, turned into what should be uniform.
    fn gaps(arrivals: Arrivals) -> Vec<f64> {
        let config = RunConfig {
            seconds: Some(2000.0),
            arrivals,
            ..RunConfig::default()
        };
        let schedule = Schedule::draw(&config, 1000.0, 0);
        let mut arrival = schedule.first(77, 0.0);
        let gap = |_| {
            let before = arrival.at;
            arrival = schedule.after(arrival);
            // A gap is cut to whole ns; half a ns is its middle.
            let gap = (arrival.at - before) as f64 + 0.5;
            1.0 - (-gap / 1e6).exp()
        };
        (0..1_000_000).map(gap).collect()
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let statistic = anderson_darling(&mut gaps(Arrivals::Poisson));
        assert!(statistic < 3.86, "{statistic}");
        assert!(anderson_darling(&mut gaps(Arrivals::Constant)) > 1000.0);
    }

    #[test]
    fn a_tape_follows_the_key_law() {
        for exponent in [0.5, 0.99, 1.0, 1.21, 2.1] {
            let key_law = KeyLaw::Zipf { exponent };
            let config = RunConfig {
                keys: 500,
                key_law,
                seed: 5,
                ..RunConfig::default()
            };
            let mut tape = Tape::draw(&config, 0, 1_000_000);
            let mut counts = vec![0; 500];
            for _ in 0..1_000_000 {
                counts[tape.next().1 as usize] += 1;
            }
            let weight = |index: usize| (index as f64 + 1.0).powf(-exponent);
            let total: f64 = (0..500).map(weight).sum();
            let z = chi_square_z(&counts, |index| weight(index) / total);
            assert!(z < 3.5, "exponent {exponent}: {z}");
        }
    }

    #[test]
    fn a_schedule_keeps_its_rate_around_the_ring() {
        let config = RunConfig {
            seconds: Some(1.0),
            workers: 2,
            ..RunConfig::default()
        };
        for arrivals in [Arrivals::Poisson, Arrivals::Constant] {
            let config = RunConfig {
                arrivals,
                ..config.clone()
            };
            let schedule = Schedule::draw(&config, 10_000.0, 0);
            let mut arrival = schedule.first(1_000, 0.5);
            let mut count = 0u32;
            while arrival.at < 20_000_000_000 {
                arrival = schedule.after(arrival);
                count += 1;
            }
            assert!((97_000..103_000).contains(&count), "{arrivals:?}: {count}");
        }
    }

    #[test]
    fn a_tape_has_the_mix_and_only_known_keys() {
        let config = RunConfig {
            keys: 10,
            mix: Mix { get: 3, set: 1 },
            ..RunConfig::default()
        };
        let mut tape = Tape::draw(&config, 0, 10_000);
        assert_eq!(tape.len(), 10_000);
        let mut gets = 0u32;
        for _ in 0..10_000 {
            let (op, key) = tape.next();
            assert!(key < 10);
            gets += u32::from(op == Op::Get);
        }
        assert!((7_300..7_700).contains(&gets), "{gets}");
    }
}
