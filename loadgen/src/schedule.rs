//! When requests are sent in open loop: gaps of mean one, laid over a rate that may change.
//!
//! Gaps are counted in arrivals, not in time: an arrival process of rate 1 read through the
//! integral of the rate. Where the rate is constant that is the law itself; where it steps, rises
//! or pauses, Poisson gaps give exactly the Poisson process of that rate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::law::LawError;
use crate::random::Random;

/// How the intended send times are laid out. All but `constant` have exponential gaps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Independent arrivals: exponential gaps.
    #[default]
    Poisson,
    /// Equal gaps.
    Constant,
    /// All arrivals come in bursts: `on_ms` at a rate raised so that the mean is the rate asked
    /// for, then none for `off_ms`. All workers are on at the same time.
    Bursty {
        /// Milliseconds of a burst.
        on_ms: f64,
        /// Milliseconds between bursts.
        off_ms: f64,
    },
    /// (multiple of the rate, seconds) one after the other from the start; the last one lasts.
    Step(Vec<(f64, f64)>),
    /// From one multiple of the rate to another in a straight line, then that.
    Ramp {
        /// Multiple at the start.
        from: f64,
        /// Multiple at the end.
        to: f64,
        /// Seconds between them.
        seconds: f64,
    },
}

impl Arrivals {
    /// True if the rate offered changes over the run, so that nothing can be steady.
    pub(crate) fn varies(&self) -> bool {
        matches!(self, Self::Step(_) | Self::Ramp { .. })
    }

    /// True if a schedule can be made of it.
    pub(crate) fn is_valid(&self) -> bool {
        let factor = |factor: f64| (0.0..=1e6).contains(&factor);
        let span = |length: f64| length > 0.0 && length <= 1e6;
        match self {
            Self::Poisson | Self::Constant => true,
            Self::Bursty { on_ms, off_ms } => span(*on_ms) && (0.0..=1e6).contains(off_ms),
            Self::Step(steps) => {
                steps.iter().all(|&(f, seconds)| factor(f) && span(seconds))
                    && steps.last().is_some_and(|&(f, _)| f > 0.0)
            }
            Self::Ramp { from, to, seconds } => {
                factor(*from) && factor(*to) && *to > 0.0 && span(*seconds)
            }
        }
    }

    /// Pieces of constant or straight rate, for arrivals of `gap_ns` in the mean.
    fn pieces(&self, gap_ns: f64) -> (Vec<Piece>, bool) {
        match self {
            Self::Poisson | Self::Constant => (vec![Piece::lasting(1.0, gap_ns)], false),
            Self::Bursty { on_ms, off_ms } => {
                let raised = (on_ms + off_ms) / on_ms;
                let on = Piece::new(raised, raised, (on_ms * 1e6, gap_ns));
                let off = Piece::new(0.0, 0.0, (off_ms * 1e6, gap_ns));
                (vec![on, off], true)
            }
            Self::Step(steps) => {
                let (last, before) = steps.split_last().expect("checked: at least one step");
                let step = |&(factor, seconds): &(f64, f64)| {
                    Piece::new(factor, factor, (seconds * 1e9, gap_ns))
                };
                let mut pieces: Vec<Piece> = before.iter().map(step).collect();
                pieces.push(Piece::lasting(last.0, gap_ns));
                (pieces, false)
            }
            Self::Ramp { from, to, seconds } => {
                let rise = Piece::new(*from, *to, (seconds * 1e9, gap_ns));
                (vec![rise, Piece::lasting(*to, gap_ns)], false)
            }
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poisson => f.write_str("poisson"),
            Self::Constant => f.write_str("constant"),
            Self::Bursty { on_ms, off_ms } => write!(f, "bursty:{on_ms}:{off_ms}"),
            Self::Step(steps) => {
                f.write_str("step:")?;
                for (index, (factor, seconds)) in steps.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{factor}@{seconds}")?;
                }
                Ok(())
            }
            Self::Ramp { from, to, seconds } => write!(f, "ramp:{from}:{to}:{seconds}"),
        }
    }
}

const WANTED: &str = "poisson, constant, bursty:ON_MS:OFF_MS, step:FACTOR@SECONDS,... or \
     ramp:FROM:TO:SECONDS (factors of --rate)";

impl FromStr for Arrivals {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let parts: Vec<&str> = text.split(':').collect();
        let numbers = |texts: &[&str]| -> Option<Vec<f64>> {
            texts.iter().map(|text| text.parse().ok()).collect()
        };
        let step = |text: &str| {
            let (factor, seconds) = text.split_once('@')?;
            Some((factor.parse().ok()?, seconds.parse().ok()?))
        };
        let law = match parts[..] {
            ["poisson"] => Some(Self::Poisson),
            ["constant"] => Some(Self::Constant),
            ["bursty", on, off] => numbers(&[on, off]).map(|n| Self::Bursty {
                on_ms: n[0],
                off_ms: n[1],
            }),
            ["step", steps] => steps
                .split(',')
                .map(step)
                .collect::<Option<_>>()
                .map(Self::Step),
            ["ramp", from, to, seconds] => numbers(&[from, to, seconds]).map(|n| Self::Ramp {
                from: n[0],
                to: n[1],
                seconds: n[2],
            }),
            _ => None,
        };
        law.filter(Self::is_valid)
            .ok_or_else(|| LawError::new(text, WANTED))
    }
}

/// A stretch of time in which the rate is constant or changes in a straight line.
#[derive(Clone, Copy, Debug)]
struct Piece {
    ns: f64,
    /// Arrivals in it.
    count: f64,
    /// Mean gap at its start; infinite where the rate starts at nothing.
    gap_ns: f64,
    /// Arrivals a ns at its start.
    from: f64,
    /// Change of that, a ns.
    slope: f64,
}

impl Piece {
    fn new(from: f64, to: f64, (ns, gap_ns): (f64, f64)) -> Self {
        Self {
            ns,
            count: (from + to) / 2.0 * ns / gap_ns,
            gap_ns: gap_ns / from,
            from: from / gap_ns,
            slope: if ns > 0.0 {
                (to - from) / gap_ns / ns
            } else {
                0.0
            },
        }
    }

    fn lasting(factor: f64, gap_ns: f64) -> Self {
        Self {
            ns: f64::INFINITY,
            count: f64::INFINITY,
            gap_ns: gap_ns / factor,
            from: factor / gap_ns,
            slope: 0.0,
        }
    }

    /// When `count` arrivals have come, in ns from its start.
    fn when(&self, count: f64) -> f64 {
        if self.slope == 0.0 {
            return count * self.gap_ns;
        }
        // count = from·t + slope/2·t², solved for t without cancellation.
        let root = (self.from * self.from + 2.0 * self.slope * count)
            .max(0.0)
            .sqrt();
        2.0 * count / (self.from + root)
    }
}

/// Gaps drawn at most, a worker; a longer run replays them.
const GAPS_MAX: u64 = 1 << 20;

/// Unit-mean gaps and the rate they are laid over.
#[derive(Debug)]
pub(crate) struct Schedule {
    gaps: Vec<f32>,
    pieces: Vec<Piece>,
    /// True if the first piece follows the last.
    cycles: bool,
}

/// A place in a schedule: the arrival that comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The gap after it.
    gap: u32,
    piece: u32,
    /// Arrivals since the piece began, fractions kept so that they don't add up.
    count: f64,
    /// ns from the start of the load to the start of the piece.
    piece_start: f64,
    /// Monotonic ns.
    pub(crate) at: u64,
    start: u64,
}

impl Schedule {
    /// The schedule of one worker of several: together they offer `rate`.
    pub(crate) fn draw(config: &RunConfig, rate: f64, worker: u32) -> Self {
        let gap_ns = 1e9 * f64::from(config.workers) / rate;
        let gaps = if config.arrivals == Arrivals::Constant {
            vec![1.0]
        } else {
            let mut random = Random::new(config.seed, crate::tape::SCHEDULES + u64::from(worker));
            let wanted = config.seconds_max().unwrap_or(60.0) + config.settle_seconds_max;
            let length = ((wanted * 1e9 / gap_ns) as u64).clamp(1024, GAPS_MAX);
            (0..length).map(|_| random.exponential() as f32).collect()
        };
        let (pieces, cycles) = config.arrivals.pieces(gap_ns);
        Self {
            gaps,
            pieces,
            cycles,
        }
    }

    /// The first arrival after `start`; `phase` (0 to 1) sets workers of equal gaps apart.
    pub(crate) fn first(&self, start: u64, phase: f64) -> Arrival {
        let count = if self.gaps.len() == 1 { phase } else { 0.0 };
        self.after(Arrival {
            gap: 0,
            piece: 0,
            count,
            piece_start: 0.0,
            at: start,
            start,
        })
    }

    /// The arrival after this one.
    pub(crate) fn after(&self, arrival: Arrival) -> Arrival {
        let mut next = arrival;
        next.count += f64::from(self.gaps[arrival.gap as usize]);
        next.gap += 1;
        if next.gap as usize == self.gaps.len() {
            next.gap = 0;
        }
        let mut piece = &self.pieces[next.piece as usize];
        while next.count >= piece.count {
            next.count -= piece.count;
            next.piece_start += piece.ns;
            next.piece += 1;
            if self.cycles && next.piece as usize == self.pieces.len() {
                next.piece = 0;
            }
            piece = &self.pieces[next.piece as usize];
        }
        next.at = arrival.start + (next.piece_start + piece.when(next.count)) as u64;
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::anderson_darling;

    const MEAN_NS: f64 = 1e6;

    /// The first arrivals of a schedule of 1,000 a second, in ns from its start.
    fn times(arrivals: &str, count: usize) -> Vec<f64> {
        let config = RunConfig {
            seconds: Some(2000.0),
            arrivals: arrivals.parse().unwrap(),
            ..RunConfig::default()
        };
        let schedule = Schedule::draw(&config, 1e9 / MEAN_NS, 0);
        let mut arrival = schedule.first(77, 0.0);
        let next = |_| {
            let at = (arrival.at - 77) as f64;
            arrival = schedule.after(arrival);
            at
        };
        (0..count).map(next).collect()
    }

    /// Anderson and Darling's statistic of gaps counted in arrivals, that should be exponential.
    fn statistic(times: &[f64], integral: impl Fn(f64) -> f64) -> f64 {
        let gap = |pair: &[f64]| {
            // A time is cut to whole ns; half a ns is its middle.
            let gap = integral(pair[1] + 0.5) - integral(pair[0] + 0.5);
            1.0 - (-gap.max(1e-9)).exp()
        };
        let mut gaps: Vec<f64> = times.windows(2).map(gap).collect();
        anderson_darling(&mut gaps)
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        // L4: Poisson gaps pass Anderson-Darling, here at n = 1e6 (3.86: once in a hundred).
        let constant_rate = |at: f64| at / MEAN_NS;
        let a2 = statistic(&times("poisson", 1_000_000), constant_rate);
        assert!(a2 < 3.86, "{a2}");
        assert!(statistic(&times("constant", 10_000), constant_rate) > 100.0);
    }

    #[test]
    fn changing_rates_give_the_poisson_process_of_that_rate() {
        let s = |at: f64| at / 1e9;
        let ramp = |at: f64| {
            let t = s(at).min(30.0);
            1000.0 * (0.5 * t + 1.5 * t * t / 60.0) + 2000.0 * (s(at) - 30.0).max(0.0)
        };
        let steps = |at: f64| {
            let t = s(at);
            1000.0 * (t.min(5.0) + 4.0 * (t - 5.0).clamp(0.0, 5.0) + 0.5 * (t - 10.0).max(0.0))
        };
        let bursts = |at: f64| {
            let (rounds, into) = ((at / 1e9).floor(), at % 1e9);
            1000.0 * rounds + 5.0 * into.min(2e8) / MEAN_NS
        };
        let a2 = statistic(&times("ramp:0.5:2:30", 50_000), ramp);
        assert!(a2 < 3.86, "ramp: {a2}");
        assert!(statistic(&times("ramp:0.5:2:30", 50_000), |at| at / MEAN_NS) > 100.0);
        let a2 = statistic(&times("step:1@5,4@5,0.5@1", 50_000), steps);
        assert!(a2 < 3.86, "step: {a2}");
        let times = times("bursty:200:800", 50_000);
        let a2 = statistic(&times, bursts);
        assert!(a2 < 3.86, "bursty: {a2}");
        assert!(
            times.iter().all(|at| at % 1e9 <= 2e8),
            "an arrival between bursts"
        );
        // The mean is the rate that was asked for.
        assert!(
            (times[49_999] / 50e9 - 1.0).abs() < 0.03,
            "{}",
            times[49_999]
        );
    }

    #[test]
    fn equal_gaps_are_equal_and_a_workers_phase_sets_it_apart() {
        let config = RunConfig {
            arrivals: Arrivals::Constant,
            workers: 2,
            ..RunConfig::default()
        };
        let schedule = Schedule::draw(&config, 1000.0, 1);
        let mut arrival = schedule.first(5, 0.5);
        for number in 0..100_000u64 {
            assert_eq!(arrival.at, 5 + 3_000_000 + number * 2_000_000);
            arrival = schedule.after(arrival);
        }
    }

    #[test]
    fn a_schedule_keeps_its_rate_around_the_ring() {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant] {
            let config = RunConfig {
                seconds: Some(1.0),
                workers: 2,
                arrivals,
                ..RunConfig::default()
            };
            let schedule = Schedule::draw(&config, 10_000.0, 0);
            let mut arrival = schedule.first(1_000, 0.5);
            let mut count = 0u32;
            while arrival.at < 20_000_000_000 {
                arrival = schedule.after(arrival);
                count += 1;
            }
            let arrivals = &config.arrivals;
            assert!((97_000..103_000).contains(&count), "{arrivals}: {count}");
        }
    }

    #[test]
    fn texts_read_and_print_the_same() {
        for text in [
            "poisson",
            "constant",
            "bursty:20:80.5",
            "step:1@5,0@2,2@1",
            "ramp:0:3.5:10",
        ] {
            assert_eq!(text.parse::<Arrivals>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "bursty",
            "bursty:0:5",
            "step:1",
            "step:1@2,0@5",
            "ramp:1:0:5",
            "ramp:1:2",
        ] {
            assert!(text.parse::<Arrivals>().is_err(), "{text}");
        }
    }
}
