//! Is a series steady? Mann and Kendall's test for a trend, with Sen's slope for its size.
//!
//! H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945); P. K. Sen, "Estimates
//! of the regression coefficient based on Kendall's tau", JASA 63 (1968). A trend counts only if
//! it is both beyond chance and large enough to matter: windows of a quarter of a second are not
//! independent, and over hundreds of them a drift of a thousandth is beyond chance too.

use serde::{Deserialize, Serialize};

/// Points compared at most: longer series are averaged in groups first.
const POINTS_MAX: usize = 240;

/// |z| beyond this happens by chance once in a hundred series.
const Z_MAX: f64 = 2.576;

/// A trend and how much it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Points looked at.
    pub points: usize,
    /// Mann–Kendall statistic in standard deviations; 0 if there are too few points.
    pub z: f64,
    /// Sen's slope over the whole series, as a share of the median.
    pub drift: f64,
}

impl Trend {
    /// The trend of a series in order of time.
    pub fn of(series: &[f64]) -> Self {
        let points = grouped(series);
        let n = points.len();
        if n < 4 {
            return Self {
                points: n,
                z: 0.0,
                drift: 0.0,
            };
        }
        let mut score = 0.0;
        let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
        for (i, early) in points.iter().enumerate() {
            for (j, late) in points.iter().enumerate().skip(i + 1) {
                let rise = late - early;
                score += if rise == 0.0 { 0.0 } else { rise.signum() };
                slopes.push(rise / (j - i) as f64);
            }
        }
        let deviation = score_variance(&points).sqrt();
        // The score moves in steps of two: a step of one towards 0 is the continuity correction.
        let z = if deviation > 0.0 {
            (score.abs() - 1.0).max(0.0) * score.signum() / deviation
        } else {
            0.0
        };
        let level = median(&mut points.clone()).abs().max(f64::MIN_POSITIVE);
        let drift = (median(&mut slopes) * (n - 1) as f64 / level).clamp(-1e9, 1e9);
        Self {
            points: n,
            z,
            drift,
        }
    }

    /// True if the trend is beyond chance and its drift beyond `drift_max`.
    pub fn matters(&self, drift_max: f64) -> bool {
        self.z.abs() > Z_MAX && self.drift.abs() > drift_max
    }
}

fn grouped(series: &[f64]) -> Vec<f64> {
    let group = series.len().div_ceil(POINTS_MAX).max(1);
    series
        .chunks(group)
        .map(|part| part.iter().sum::<f64>() / part.len() as f64)
        .collect()
}

fn score_variance(points: &[f64]) -> f64 {
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = points.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|a, b| a == b)
        .map(|tie| spread(tie.len() as f64))
        .sum();
    (spread(points.len() as f64) - ties) / 18.0
}

/// The median; reorders the slice. 0 of nothing.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let upper = *values.select_nth_unstable_by(middle, f64::total_cmp).1;
    if values.len() % 2 == 1 {
        return upper;
    }
    let lower = values[..middle].iter().copied().fold(f64::MIN, f64::max);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn known_scores() {
        // n = 10, S = 45: z = 44 / sqrt(10·9·25/18) = 3.935.
        let rising: Vec<f64> = (1..=10).map(f64::from).collect();
        let trend = Trend::of(&rising);
        assert!((trend.z - 3.935).abs() < 0.001, "{trend:?}");
        assert!((trend.drift - 9.0 / 5.5).abs() < 1e-9);
        assert!(trend.matters(0.05));
        assert_eq!(Trend::of(&[5.0; 20]).z, 0.0);
        assert_eq!(Trend::of(&[1.0, 2.0]).z, 0.0);
    }

    #[test]
    fn noise_is_steady_and_a_slow_climb_is_not() {
        let mut alarms = 0;
        for seed in 0..1000 {
            let mut random = Random::new(seed, 0);
            let noise: Vec<f64> = (0..40).map(|_| 100.0 + 20.0 * random.unit()).collect();
            alarms += u32::from(Trend::of(&noise).matters(0.0));
        }
        assert!(
            alarms <= 20,
            "{alarms} of 1000 at a level of one in a hundred"
        );
        let mut random = Random::new(7, 0);
        let climb: Vec<f64> = (0..40)
            .map(|i| 100.0 + f64::from(i) + 20.0 * random.unit())
            .collect();
        assert!(Trend::of(&climb).matters(0.05));
        let long: Vec<f64> = (0..5000).map(|i| 1.0 + f64::from(i) / 20_000.0).collect();
        assert_eq!(Trend::of(&long).points, 239);
        assert!(Trend::of(&long).matters(0.05));
    }
}
