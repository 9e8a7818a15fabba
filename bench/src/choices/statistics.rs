//! What chance does, and how far counts are away from it.

use super::data::{Evenness, Floored, Time};

/// Draws for what chance alone does.
const DRAWS: usize = 101;
/// From so many keys a peer on, counts are drawn from the normal limit of the multinomial law.
const NORMAL_FROM: f64 = 100.0;

/// Steele and Vigna's `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `count`, by a product: the bias is below 2^-32 for the counts in use.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of the standard normal law (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// The value in the middle; 0 of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// Sorts, and gives the value that such a part lies at or below.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = (part * last as f64).round() as usize;
    values.get(at).copied().unwrap_or(0.0)
}

/// The middle of samples in ns.
pub(crate) fn time(samples: &[f64]) -> Time {
    let mut sorted = samples.to_vec();
    Time {
        ns: quantile(&mut sorted, 0.5),
        p25_ns: quantile(&mut sorted, 0.25),
        p75_ns: quantile(&mut sorted, 0.75),
    }
}

/// Loads of peers relative to their fair parts, in figures.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loads {
    pub(crate) cv: f64,
    pub(crate) peak: f64,
    pub(crate) least: f64,
    pub(crate) p99: f64,
}

impl Loads {
    /// Of amounts by peer and the peers' fair shares, which add up to 1.
    pub(crate) fn of(amounts: &[f64], fair: &[f64]) -> Self {
        let sum: f64 = amounts.iter().sum();
        let loads = amounts
            .iter()
            .zip(fair)
            .map(|(amount, fair)| amount / sum / fair);
        let mut loads: Vec<f64> = loads.collect();
        let count = loads.len() as f64;
        let mean = loads.iter().sum::<f64>() / count;
        let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / count;
        loads.sort_by(f64::total_cmp);
        let rank = (0.99 * count).ceil() as usize;
        Self {
            cv: variance.sqrt() / mean,
            peak: loads[loads.len() - 1],
            least: loads[0],
            p99: loads[rank.clamp(1, loads.len()) - 1],
        }
    }

    /// The medians of many draws in which each of `keys` goes to a peer by chance.
    pub(crate) fn by_chance(keys: u64, fair: &[f64]) -> Self {
        let mut random = Random::new(keys ^ fair.len() as u64);
        let normal = fair.iter().all(|share| share * keys as f64 >= NORMAL_FROM);
        let draws: Vec<Self> = (0..DRAWS)
            .map(|_| {
                let amounts = if normal {
                    normal_draw(keys as f64, fair, &mut random)
                } else {
                    draw(keys, fair, &mut random)
                };
                Self::of(&amounts, fair)
            })
            .collect();
        let mut chance = Self::median(&draws);
        let equal = fair.iter().all(|share| (share - fair[0]).abs() < 1e-12);
        if equal {
            chance.cv = ((fair.len() as f64 - 1.0) / keys as f64).sqrt();
        }
        chance
    }

    /// Figure by figure.
    pub(crate) fn median(draws: &[Self]) -> Self {
        let of =
            |figure: fn(&Self) -> f64| median(&mut draws.iter().map(figure).collect::<Vec<_>>());
        Self {
            cv: of(|loads| loads.cv),
            peak: of(|loads| loads.peak),
            least: of(|loads| loads.least),
            p99: of(|loads| loads.p99),
        }
    }
}

/// Counts by the multinomial law's normal limit: independent deviations less their common part.
fn normal_draw(keys: f64, fair: &[f64], random: &mut Random) -> Vec<f64> {
    let deviations: Vec<f64> = fair
        .iter()
        .map(|share| (share * keys).sqrt() * random.normal())
        .collect();
    let sum: f64 = deviations.iter().sum();
    let count = |(share, deviation): (&f64, f64)| share * keys + deviation - share * sum;
    fair.iter().zip(deviations).map(count).collect()
}

fn draw(keys: u64, fair: &[f64], random: &mut Random) -> Vec<f64> {
    let sums = sums(fair);
    let mut counts = vec![0.0; fair.len()];
    for _ in 0..keys {
        let peer = pick(&sums, random);
        counts[peer] += 1.0;
    }
    counts
}

/// The running sums of shares, for [`pick`].
pub(crate) fn sums(fair: &[f64]) -> Vec<f64> {
    fair.iter()
        .scan(0.0, |sum, share| {
            *sum += share;
            Some(*sum)
        })
        .collect()
}

/// A peer by chance, in proportion to its share.
pub(crate) fn pick(sums: &[f64], random: &mut Random) -> usize {
    let point = random.unit();
    let peer = sums.partition_point(|sum| *sum <= point);
    peer.min(sums.len() - 1)
}

/// Keys by peer against fair shares.
pub(crate) fn evenness(counts: &[u64], fair: &[f64], chance: &Loads) -> Evenness {
    let keys: u64 = counts.iter().sum();
    let amounts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let loads = Loads::of(&amounts, fair);
    let chi_square = chi_square(&amounts, fair);
    let degrees = counts.len() - 1;
    let beside = |seen, floor| Floored { seen, floor };
    Evenness {
        keys,
        cv: beside(loads.cv, chance.cv),
        peak: beside(loads.peak, chance.peak),
        least: beside(loads.least, chance.least),
        p99: beside(loads.p99, chance.p99),
        chi_square,
        degrees,
        p_value: chi_square_beyond(chi_square, degrees),
    }
}

fn chi_square(amounts: &[f64], fair: &[f64]) -> f64 {
    let sum: f64 = amounts.iter().sum();
    let term = |(amount, fair): (&f64, &f64)| (amount - sum * fair).powi(2) / (sum * fair);
    amounts.iter().zip(fair).map(term).sum()
}

/// The probability of a χ² of so many degrees of freedom at or above `x`: the upper incomplete
/// gamma function of (degrees/2, x/2), regularized; by its series below the mean, by Lentz's
/// continued fraction above it (Press et al., Numerical Recipes, 6.2).
pub(crate) fn chi_square_beyond(x: f64, degrees: usize) -> f64 {
    if degrees == 0 || x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (degrees as f64 / 2.0, x / 2.0);
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    let beyond = if x < a + 1.0 {
        1.0 - front * lower_series(a, x)
    } else {
        front * upper_fraction(a, x)
    };
    beyond.clamp(0.0, 1.0)
}

/// Terms of the two expansions: far more than 4096 degrees of freedom need.
const TERMS_MAX: u32 = 20_000;

fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for n in 1..TERMS_MAX {
        term *= x / (a + f64::from(n));
        sum += term;
        if term < sum * 1e-15 {
            break;
        }
    }
    sum
}

fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / not_zero(b);
    let mut fraction = d;
    for n in 1..TERMS_MAX {
        let an = -f64::from(n) * (f64::from(n) - a);
        b += 2.0;
        d = 1.0 / not_zero(an * d + b);
        c = not_zero(b + an / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

/// By Stirling's series, after the argument was raised to where it is exact to 1e-14.
fn ln_gamma(x: f64) -> f64 {
    let mut product = 1.0;
    let mut x = x;
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series =
        (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of the χ² law as tables print them (NIST, Engineering Statistics Handbook,
    /// 1.3.6.7.4); 13.816 is the bar of spec section 4 for two degrees.
    #[test]
    fn chi_square_is_that_of_the_tables() {
        for (x, degrees, p) in [
            (3.841, 1, 0.05),
            (13.816, 2, 0.001),
            (18.307, 10, 0.05),
            (16.919, 9, 0.05),
            (3.325, 9, 0.95),
            (124.342, 100, 0.05),
            (77.929, 100, 0.95),
        ] {
            let got = chi_square_beyond(x, degrees);
            assert!((got - p).abs() < 2e-5 + 1e-3 * p, "{x} at {degrees}: {got}");
        }
        assert!(chi_square_beyond(1023.0, 1023) > 0.48);
        assert!(chi_square_beyond(1500.0, 1023) < 1e-18);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
        assert!((ln_gamma(11.0) - 3_628_800_f64.ln()).abs() < 1e-12);
    }

    /// Spec section 4: K = 10^5, N = 100 → CV 3.15 %, peak/mean p50 1.079.
    #[test]
    fn the_floor_of_a_hundred_peers_is_the_known_one() {
        let fair = vec![0.01; 100];
        let chance = Loads::by_chance(100_000, &fair);
        assert!((chance.cv - 0.0315).abs() < 1e-4, "{}", chance.cv);
        assert!((chance.peak - 1.079).abs() < 0.006, "{}", chance.peak);
        assert!(chance.least < 0.95 && chance.p99 <= chance.peak);
        // Key by key it comes to the same as by the normal limit.
        let mut random = Random::new(7);
        let draws: Vec<Loads> = (0..41)
            .map(|_| Loads::of(&draw(100_000, &fair, &mut random), &fair))
            .collect();
        let drawn = Loads::median(&draws);
        assert!((drawn.peak - chance.peak).abs() < 0.01, "{}", drawn.peak);
    }

    #[test]
    fn loads_are_relative_to_weights() {
        let even = Loads::of(&[30.0, 10.0], &[0.75, 0.25]);
        assert!(even.cv < 1e-12 && (even.peak - 1.0).abs() < 1e-12);
        let skewed = Loads::of(&[20.0, 20.0], &[0.75, 0.25]);
        assert!((skewed.peak - 2.0).abs() < 1e-12 && (skewed.least - 2.0 / 3.0).abs() < 1e-12);
        let known = evenness(&[60, 40], &[0.5, 0.5], &Loads::default());
        assert!((known.chi_square - 4.0).abs() < 1e-12);
        assert!((known.p_value - 0.0455).abs() < 1e-4);
    }
}
