//! Searches against simulated queues with one server, first come first served, whose answer is
//! known: Lindley's recursion gives the responses, queueing theory the rate.

use super::{Answer, Batch, Outcome, Plan, Search, Step};
use crate::objective::Objective;
use crate::random::Random;

const REQUESTS: u64 = 200_000;

/// One queue under Poisson arrivals; `service_s` draws service times.
fn offer(
    rate: f64,
    objective: &Objective,
    random: &mut Random,
    service_s: fn(&mut Random) -> f64,
) -> Outcome {
    let limit_s = objective.limit_ns as f64 / 1e9;
    let (mut wait_s, mut span_s, mut busy_s) = (0.0_f64, 0.0, 0.0);
    let mut batches = vec![Batch::default(); 20];
    for number in 0..REQUESTS {
        let service = service_s(random);
        let batch = &mut batches[(number * 20 / REQUESTS) as usize];
        batch.count += 1;
        batch.beyond += u64::from(wait_s + service > limit_s);
        let gap = random.exponential() / rate;
        wait_s = (wait_s + service - gap).max(0.0);
        span_s += gap;
        busy_s += service;
    }
    Outcome {
        batches,
        kept_up: busy_s < span_s,
    }
}

fn search(objective: &str, seed: u64, service_s: fn(&mut Random) -> f64) -> Answer {
    let objective = objective.parse().unwrap();
    let mut random = Random::new(seed, 0);
    let mut search = Search::new(Plan::new(objective, 500.0));
    loop {
        match search.step() {
            Step::Offer(rate, _) => search.tell(&offer(rate, &objective, &mut random, service_s)),
            Step::Over(answer) => return answer,
        }
    }
}

/// Service at 10,000 a second, exponential and constant.
fn exponential_s(random: &mut Random) -> f64 {
    random.exponential() / 1e4
}

fn constant_s(_: &mut Random) -> f64 {
    1e-4
}

/// Two in ten requests take 300 µs, the others 50 µs: 100 µs in the mean.
fn two_sizes_s(random: &mut Random) -> f64 {
    if random.below(10) < 2 { 3e-4 } else { 5e-5 }
}

/// M/M/1: the response is exponential with rate μ − λ, so λ = μ − ln(1 / share) / limit.
fn mm1(share: f64, limit_s: f64) -> f64 {
    1e4 + share.ln() / limit_s
}

/// M/D/1, Erlang 1909: P(wait ≤ t) = (1 − ρ) Σ_{k ≤ t/D} (−λ(t − kD))^k e^{λ(t − kD)} / k!.
fn md1_beyond(rate: f64, limit_s: f64) -> f64 {
    let (service, wait) = (1e-4, limit_s - 1e-4);
    let mut sum = 0.0;
    let mut factorial = 1.0;
    let mut k = 0.0;
    while wait >= k * service {
        let x = rate * (wait - k * service);
        if k > 0.0 {
            factorial *= k;
        }
        sum += (-x).powf(k) * x.exp() / factorial;
        k += 1.0;
    }
    1.0 - (1.0 - rate * service) * sum
}

/// M/G/1 with [`two_sizes_s`]: the wait's law by the renewal equation of Pollaczek and Khinchine,
/// P(wait ≤ t) = (1 − ρ) + ρ ∫ P(wait ≤ t − x) r(x) dx with r(x) = P(service > x) / mean, on a grid.
fn two_sizes_beyond(rate: f64, limit_s: f64) -> f64 {
    const STEP_S: f64 = 1e-6;
    let rho = rate * 1e-4;
    let residual = |x: f64| if x < 5e-5 { 1.0 } else if x < 3e-4 { 0.2 } else { 0.0 } / 1e-4;
    let points = (limit_s / STEP_S).round() as usize + 1;
    let mut within = Vec::with_capacity(points);
    for i in 0..points {
        // The rectangle's middle; its own value, unknown yet, is taken from the point before.
        let integral: f64 = (0..i.min(300))
            .map(|j| within[i - 1 - j] * residual((j as f64 + 0.5) * STEP_S) * STEP_S)
            .sum();
        within.push(1.0 - rho + rho * integral);
    }
    let at = |t: f64| match (t / STEP_S).round() {
        index if index < 0.0 => 0.0,
        index => within[index as usize],
    };
    1.0 - 0.8 * at(limit_s - 5e-5) - 0.2 * at(limit_s - 3e-4)
}

/// The rate at which a share that grows with the rate is as given.
fn solve(share: f64, beyond: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (1.0, 9_999.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if beyond(middle) > share {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

fn near(answer: &Answer, known: f64) {
    let rate = answer.rate.unwrap();
    assert!(answer.confirmed, "{answer:?}");
    assert!(
        (rate / known - 1.0).abs() < 0.03,
        "{answer:?}, known: {known}"
    );
    assert!(
        answer.fails_at.unwrap() > known,
        "{answer:?}, known: {known}"
    );
}

#[test]
fn theory_agrees_with_itself() {
    // M/D/1 at ρ = 0.5 waits ρ D / 2 (1 − ρ) = 50 µs in the mean, by Pollaczek and Khinchine. The
    // series has signs that alternate: it is good for a dozen terms.
    let mean: f64 = (0..1200)
        .map(|i| md1_beyond(5e3, 1e-4 + (f64::from(i) + 0.5) * 1e-6) * 1e-6)
        .sum();
    assert!((mean / 5e-5 - 1.0).abs() < 0.01, "{mean}");
    // Two sizes at ρ = 0.5: λ E(S²) / 2 (1 − ρ) = 5000 · 2e-8 / 1 = 100 µs, and 100 µs of service.
    let beyond = |i: u32| two_sizes_beyond(5e3, f64::from(i) * 1e-5 + 5e-6);
    let mean: f64 = (0..300).map(|i| beyond(i) * 1e-5).sum();
    assert!((mean / 2e-4 - 1.0).abs() < 0.02, "{mean}");
}

#[test]
fn an_m_m_1_queue_gives_its_known_rate() {
    for seed in 1..=3 {
        near(&search("p99=1ms", seed, exponential_s), mm1(0.01, 1e-3));
    }
    near(&search("p90=500us", 4, exponential_s), mm1(0.1, 5e-4));
}

#[test]
fn an_m_d_1_queue_gives_its_known_rate() {
    let known = solve(0.01, |rate| md1_beyond(rate, 5e-4));
    for seed in 1..=3 {
        near(&search("p99=500us", seed, constant_s), known);
    }
}

#[test]
fn an_m_g_1_queue_of_two_sizes_gives_its_known_rate() {
    let known = solve(0.01, |rate| two_sizes_beyond(rate, 1.5e-3));
    for seed in 1..=3 {
        near(&search("p99=1500us", seed, two_sizes_s), known);
    }
}

#[test]
fn searches_of_one_queue_agree_within_a_twentieth() {
    let rates: Vec<f64> = (10..15)
        .map(|seed| search("p99=1ms", seed, exponential_s).rate.unwrap())
        .collect();
    let (low, high) = rates
        .iter()
        .fold((f64::MAX, 0.0_f64), |(low, high), &rate| {
            (low.min(rate), high.max(rate))
        });
    assert!(high / low < 1.05, "{rates:?}");
}
