//! Zipf's law over ranks, sampled exactly and without a table.
//!
//! W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
//! distributions", ACM TOMACS 6(3), 1996. A rank k in 1..=n has probability ∝ k^-s, any s ≥ 0.

use crate::random::Random;

/// A sampler of ranks `0..n`, the most frequent first.
#[derive(Clone, Debug)]
pub struct Zipf {
    exponent: f64,
    ranks: f64,
    area_low: f64,
    area_high: f64,
    shortcut: f64,
}

impl Zipf {
    /// The law over `ranks` ranks (at least one) with this exponent (at least 0).
    pub fn new(ranks: u64, exponent: f64) -> Self {
        assert!(ranks > 0, "a law over nothing");
        assert!(
            exponent >= 0.0 && exponent.is_finite(),
            "not an exponent: {exponent}"
        );
        let mut law = Self {
            exponent,
            ranks: ranks as f64,
            area_low: 0.0,
            area_high: 0.0,
            shortcut: 0.0,
        };
        law.area_low = law.area(1.5) - 1.0;
        law.area_high = law.area(law.ranks + 0.5);
        law.shortcut = 2.0 - law.area_inverse(law.area(2.5) - law.density(2.0));
        law
    }

    /// One rank.
    pub fn sample(&self, random: &mut Random) -> u64 {
        loop {
            let u = self.area_high + random.unit() * (self.area_low - self.area_high);
            let x = self.area_inverse(u);
            let rank = x.round().clamp(1.0, self.ranks);
            if rank - x <= self.shortcut || u >= self.area(rank + 0.5) - self.density(rank) {
                return rank as u64 - 1;
            }
        }
    }

    /// x^-s.
    fn density(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// The integral of the density from 1 to x, also where the exponent is 1.
    fn area(&self, x: f64) -> f64 {
        let log = x.ln();
        let t = (1.0 - self.exponent) * log;
        let ratio = if t.abs() > 1e-8 {
            t.exp_m1() / t
        } else {
            1.0 + t / 2.0
        };
        ratio * log
    }

    fn area_inverse(&self, area: f64) -> f64 {
        // Rounding may carry the argument just below the pole at -1.
        let t = (area * (1.0 - self.exponent)).max(-1.0);
        let ratio = if t.abs() > 1e-8 {
            t.ln_1p() / t
        } else {
            1.0 - t / 2.0
        };
        (ratio * area).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::chi_square_z;

    const SAMPLES: u32 = 1_000_000;
    const EXPONENTS: [f64; 7] = [0.0, 0.5, 0.99, 1.0, 1.21, 2.1, 5.0];

    /// How far a million samples of one law are from another.
    fn distance(ranks: usize, sampled: f64, expected: f64) -> f64 {
        let law = Zipf::new(ranks as u64, sampled);
        let mut random = Random::new(11, 0);
        let mut counts = vec![0; ranks];
        for _ in 0..SAMPLES {
            counts[law.sample(&mut random) as usize] += 1;
        }
        let weight = |index: usize| (index as f64 + 1.0).powf(-expected);
        let total: f64 = (0..ranks).map(weight).sum();
        chi_square_z(&counts, |index| weight(index) / total)
    }

    #[test]
    fn a_million_samples_follow_the_law() {
        for exponent in EXPONENTS {
            for ranks in [2, 1000, 1_000_000] {
                let z = distance(ranks, exponent, exponent);
                assert!(z < 3.5, "exponent {exponent}, {ranks} ranks: {z}");
            }
        }
    }

    #[test]
    fn a_neighbouring_exponent_is_told_apart() {
        for (sampled, expected) in [(0.99, 1.0), (1.0, 0.99), (0.5, 0.51), (2.1, 2.12)] {
            let z = distance(1000, sampled, expected);
            assert!(z > 4.0, "{sampled} as {expected}: {z}");
        }
    }

    #[test]
    fn one_rank_and_many_are_in_range() {
        let mut random = Random::new(1, 0);
        for exponent in EXPONENTS {
            for ranks in [1, 2, 1_000_000_000_000] {
                let law = Zipf::new(ranks, exponent);
                assert!((0..10_000).all(|_| law.sample(&mut random) < ranks));
            }
        }
    }
}
