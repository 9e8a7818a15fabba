//! The highest rate that holds an objective: a pure state machine that says what to offer next.
//!
//! ```text
//! grow ×2 until it fails (or shrink ÷2 until it holds) → bisect → confirm the answer → 1.05 × must fail
//!                                                          ▲__________|__ not confirmed ____|
//! ```
//! [`Search::step`] names a rate, the caller offers it and tells the [`Outcome`]. A rate is offered
//! again until its share of slow requests is on one side of what the objective allows beyond the
//! error of the estimate, which comes from batches: neighbouring requests wait in one queue, so
//! they are not independent.

use serde::{Deserialize, Serialize};

use crate::objective::Objective;

#[cfg(test)]
mod queues;

/// A rate this much above the answer must fail.
const OVERSHOOT: f64 = 1.05;
/// Standard errors between a share and what is allowed, for a rate to be decided.
const ERRORS_MIN: f64 = 2.0;
/// Slow requests that should be expected before a share is believed.
const EXPECTED_MIN: f64 = 10.0;
/// Batches that the error of a share is estimated from; more are put together.
const BATCHES: usize = 20;

/// How a search ends that has come to rates at which nothing can be told.
const TOO_FEW: &str =
    "too few requests to tell whether it holds: offer each rate for longer, or allow more";

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What must hold.
    pub objective: Objective,
    /// The rate offered first, a second.
    pub start: f64,
    /// No more than this is offered.
    pub rate_max: f64,
    /// The bracket's width, as a share, at which bisection ends.
    pub resolution: f64,
    /// Times that an undecided rate is offered.
    pub repeats_max: u32,
    /// Offers in all.
    pub offers_max: u32,
}

impl Plan {
    /// A plan for an objective; the other settings are the usual ones.
    pub fn new(objective: Objective, start: f64) -> Self {
        Self {
            objective,
            start,
            rate_max: 1e8,
            resolution: 0.02,
            repeats_max: 4,
            offers_max: 80,
        }
    }
}

/// Some consecutive requests of one offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many there were.
    pub count: u64,
    /// How many took longer than the objective's limit, or failed.
    pub beyond: u64,
}

/// What came of an offer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// All its requests, in order of time.
    pub batches: Vec<Batch>,
    /// False if fewer were answered than offered: the rate fails whatever the batches say.
    pub kept_up: bool,
}

/// Why a rate is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Looking for a rate that fails, or one that holds.
    Bracket,
    /// Between one that holds and one that fails.
    Bisect,
    /// Does the answer hold once more?
    Confirm,
    /// Does 1.05 times the answer fail?
    Overshoot,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Offer so many requests a second, and tell the outcome.
    Offer(f64, Purpose),
    /// The search is over.
    Over(Answer),
}

/// The result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The highest rate found to hold; none if none did.
    pub rate: Option<f64>,
    /// True if it held when it was offered anew and 1.05 times as much failed.
    pub confirmed: bool,
    /// The lowest rate above it that failed.
    pub fails_at: Option<f64>,
    /// Offers it took.
    pub offers: u32,
    /// Why it is over.
    pub reason: String,
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    plan: Plan,
    rate: f64,
    purpose: Purpose,
    /// The highest rate that holds.
    low: Option<f64>,
    /// The lowest rate that fails.
    high: Option<f64>,
    /// What is known of the present rate.
    batches: Vec<Batch>,
    repeats: u32,
    offers: u32,
    over: Option<Answer>,
}

impl Search {
    /// The rate is not looked for below this.
    const RATE_MIN: f64 = 1.0;

    /// Starts one.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            rate: plan.start.clamp(Self::RATE_MIN, plan.rate_max),
            purpose: Purpose::Bracket,
            low: None,
            high: None,
            batches: Vec::new(),
            repeats: 0,
            offers: 0,
            over: None,
        }
    }

    /// What to do next; the same until an outcome is told.
    pub fn step(&self) -> Step {
        match &self.over {
            Some(answer) => Step::Over(answer.clone()),
            None => Step::Offer(self.rate, self.purpose),
        }
    }

    /// Tells what came of the rate that [`step`](Self::step) named.
    pub fn tell(&mut self, outcome: &Outcome) {
        if self.over.is_some() {
            return;
        }
        self.offers += 1;
        self.repeats += 1;
        self.batches.extend(&outcome.batches);
        let last = self.repeats >= self.plan.repeats_max;
        if last && outcome.kept_up && self.knows_too_little() {
            return self.end(TOO_FEW);
        }
        let holds = if outcome.kept_up {
            decide(&self.batches, &self.plan.objective, last)
        } else {
            Some(false)
        };
        match holds {
            Some(holds) => self.decided(holds),
            None if self.offers >= self.plan.offers_max => self.end("too many offers"),
            None => {}
        }
    }

    /// Whether the present rate gave so few requests that their share of slow ones says nothing,
    /// and chance alone would make it hold.
    fn knows_too_little(&self) -> bool {
        let all = together(&self.batches);
        let expected = all.count as f64 * self.plan.objective.beyond_max();
        all.count > 0 && expected < EXPECTED_MIN && all.beyond as f64 <= expected
    }

    fn decided(&mut self, holds: bool) {
        let rate = self.rate;
        match (self.purpose, holds) {
            (Purpose::Confirm, true) if rate >= self.plan.rate_max => {
                return self.end("the highest rate allowed holds");
            }
            (Purpose::Confirm, true) => {
                return self.offer(rate * OVERSHOOT, Purpose::Overshoot);
            }
            (Purpose::Overshoot, false) => {
                self.high = Some(rate);
                return self.end("found");
            }
            (_, true) => {
                self.low = Some(rate);
                self.high = self.high.filter(|&high| high > rate);
            }
            (_, false) => {
                self.high = Some(rate);
                self.low = self.low.filter(|&low| low < rate);
            }
        }
        self.narrow();
    }

    /// Chooses the next rate from the bracket.
    fn narrow(&mut self) {
        // Once it was bracketed, a lost end is not far.
        let stride = if self.purpose == Purpose::Bracket {
            2.0
        } else {
            OVERSHOOT
        };
        match (self.low, self.high) {
            (Some(low), None) if low >= self.plan.rate_max => self.offer(low, Purpose::Confirm),
            (Some(low), None) => self.offer(low * stride, Purpose::Bracket),
            (None, Some(high)) if high <= Self::RATE_MIN => self.end("no rate holds it"),
            (None, Some(high)) => self.offer(high / stride, Purpose::Bracket),
            (Some(low), Some(high)) if high / low <= 1.0 + self.plan.resolution => {
                self.offer(low, Purpose::Confirm);
            }
            (Some(low), Some(high)) => self.offer((low * high).sqrt(), Purpose::Bisect),
            (None, None) => {}
        }
    }

    fn offer(&mut self, rate: f64, purpose: Purpose) {
        if self.offers >= self.plan.offers_max {
            return self.end("too many offers");
        }
        // An overshoot is no end of the bracket, and may go beyond what is looked for.
        self.rate = match purpose {
            Purpose::Overshoot => rate,
            _ => rate.clamp(Self::RATE_MIN, self.plan.rate_max),
        };
        self.purpose = purpose;
        self.batches.clear();
        self.repeats = 0;
    }

    fn end(&mut self, reason: &str) {
        let confirmed = self.purpose == Purpose::Overshoot && reason == "found"
            || self.purpose == Purpose::Confirm && self.rate >= self.plan.rate_max;
        self.over = Some(Answer {
            rate: self.low,
            confirmed,
            fails_at: self.high,
            offers: self.offers,
            reason: reason.to_owned(),
        });
    }
}

/// True if the batches hold the objective, false if not, none if chance decides; the last time
/// the share alone does.
fn decide(batches: &[Batch], objective: &Objective, last: bool) -> Option<bool> {
    let group = batches.len().div_ceil(BATCHES).max(1);
    let batches: Vec<Batch> = batches.chunks(group).map(together).collect();
    let all = together(&batches);
    let (count, n) = (all.count as f64, batches.len() as f64);
    let allowed = objective.beyond_max();
    if all.count == 0 {
        return Some(false);
    }
    let share = all.beyond as f64 / count;
    if last {
        return Some(share <= allowed);
    }
    if n < 2.0 || count * allowed < EXPECTED_MIN {
        return None;
    }
    let off = |batch: &Batch| (batch.beyond as f64 - share * batch.count as f64).powi(2);
    let error = (batches.iter().map(off).sum::<f64>() * n / (n - 1.0)).sqrt() / count;
    if share + ERRORS_MIN * error < allowed {
        Some(true)
    } else if share - ERRORS_MIN * error > allowed {
        Some(false)
    } else {
        None
    }
}

fn together(batches: &[Batch]) -> Batch {
    Batch {
        count: batches.iter().map(|batch| batch.count).sum(),
        beyond: batches.iter().map(|batch| batch.beyond).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(start: f64) -> Plan {
        Plan::new("p99=1ms".parse().expect("an objective"), start)
    }

    /// A server without chance: holds up to `capacity`.
    fn outcome(rate: f64, capacity: f64) -> Outcome {
        let beyond = if rate <= capacity { 0 } else { 100 };
        Outcome {
            batches: vec![
                Batch {
                    count: 1000,
                    beyond
                };
                4
            ],
            kept_up: true,
        }
    }

    fn search(plan: Plan, mut offer: impl FnMut(f64, Purpose) -> Outcome) -> Answer {
        let mut search = Search::new(plan);
        loop {
            match search.step() {
                Step::Offer(rate, purpose) => search.tell(&offer(rate, purpose)),
                Step::Over(answer) => return answer,
            }
        }
    }

    #[test]
    fn it_finds_a_step_from_wherever_it_starts() {
        for start in [3.0, 900.0, 1000.0, 1_000_000.0] {
            let mut confirmed_at = None;
            let answer = search(plan(start), |rate, purpose| {
                if purpose == Purpose::Confirm {
                    confirmed_at = Some(rate);
                }
                outcome(rate, 1000.0)
            });
            let rate = answer.rate.unwrap();
            assert!((980.0..=1000.0).contains(&rate), "from {start}: {answer:?}");
            assert_eq!(confirmed_at, Some(rate));
            assert!(answer.confirmed && answer.reason == "found", "{answer:?}");
            assert!((answer.fails_at.unwrap() / rate - 1.05).abs() < 1e-9);
        }
    }

    #[test]
    fn an_answer_that_does_not_hold_again_is_no_answer() {
        let mut confirms = 0;
        let answer = search(plan(100.0), |rate, purpose| {
            confirms += u32::from(purpose == Purpose::Confirm);
            // The server loses a tenth once it is asked to confirm.
            outcome(rate, if confirms == 0 { 1000.0 } else { 900.0 })
        });
        assert!(confirms >= 2);
        let rate = answer.rate.unwrap();
        assert!(
            answer.confirmed && (880.0..=900.0).contains(&rate),
            "{answer:?}"
        );
    }

    #[test]
    fn the_ends_of_the_range_are_said() {
        let never = search(plan(1000.0), |rate, _| outcome(rate, 0.5));
        assert_eq!(
            (never.rate, never.reason.as_str()),
            (None, "no rate holds it")
        );
        let capped = Plan {
            rate_max: 5000.0,
            ..plan(1000.0)
        };
        let always = search(capped, |rate, _| outcome(rate, 1e9));
        assert_eq!(always.rate, Some(5000.0));
        assert!(always.confirmed && always.fails_at.is_none(), "{always:?}");
    }

    #[test]
    fn a_rate_of_few_requests_proves_nothing() {
        // A machine that is slow now and then, whatever the rate; an offer lasts a second.
        let answer = search(plan(10_000.0), |rate, _| {
            let batch = Batch {
                count: rate as u64 / 4,
                beyond: rate as u64 / 200,
            };
            Outcome {
                batches: vec![batch; 4],
                kept_up: true,
            }
        });
        assert_eq!((answer.rate, answer.reason.as_str()), (None, TOO_FEW));
    }

    #[test]
    fn it_always_ends() {
        let mut random = crate::random::Random::new(1, 0);
        for _ in 0..50 {
            let answer = search(plan(100.0), |_, _| Outcome {
                batches: (0..4)
                    .map(|_| Batch {
                        count: 1000,
                        beyond: random.below(21),
                    })
                    .collect(),
                kept_up: true,
            });
            assert!(answer.offers <= 80, "{answer:?}");
        }
    }

    #[test]
    fn chance_is_no_decision_until_the_last_repeat() {
        let objective = plan(1.0).objective;
        let near = [8, 13, 9, 12, 10, 7].map(|beyond| Batch {
            count: 1000,
            beyond,
        });
        assert_eq!(decide(&near, &objective, false), None);
        assert_eq!(decide(&near, &objective, true), Some(true));
        let few = [Batch {
            count: 20,
            beyond: 0,
        }; 10];
        assert_eq!(decide(&few, &objective, false), None);
        // The same share in one lump is worth less than spread evenly.
        let even = [Batch {
            count: 1000,
            beyond: 7,
        }; 10];
        let mut lump = [Batch {
            count: 1000,
            beyond: 0,
        }; 10];
        lump[4].beyond = 70;
        assert_eq!(decide(&even, &objective, false), Some(true));
        assert_eq!(decide(&lump, &objective, false), None);
        assert_eq!(decide(&[], &objective, false), Some(false));
    }
}
