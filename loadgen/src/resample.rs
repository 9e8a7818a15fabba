//! A ratio and how sure it is: the bootstrap (Efron 1979) over blocks that were measured together.

use serde::{Deserialize, Serialize};

use crate::random::Random;

const RESAMPLES: usize = 4000;

/// A ratio with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Geometric mean of the middle half of the blocks' ratios.
    pub ratio: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Ratio {
    /// The ratio of blocks, each given as the logarithm of its own; none of fewer than four.
    pub fn of(logs: &[f64], seed: u64) -> Option<Self> {
        if logs.len() < 4 || logs.iter().any(|log| !log.is_finite()) {
            return None;
        }
        let centre = middle_mean(&mut logs.to_vec());
        let mut random = Random::new(seed, 0xb007);
        let mut resample = vec![0.0; logs.len()];
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                for value in &mut resample {
                    *value = logs[random.below(logs.len() as u64) as usize];
                }
                middle_mean(&mut resample)
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
        // Few blocks make percentiles too narrow: widened as Student's interval is over the normal
        // one, and for the variance's lost degree of freedom (Hesterberg 2015, section 3.3).
        let n = logs.len() as f64;
        let wider = student_over_normal(n - 1.0) * (n / (n - 1.0)).sqrt();
        let spread = |share: f64| (centre + wider * (at(share) - centre)).exp();
        Some(Self {
            ratio: centre.exp(),
            low: spread(0.025),
            high: spread(0.975),
        })
    }

    /// True if the whole interval is farther from 1 than `indifferent`, as a share.
    pub fn differs(&self, indifferent: f64) -> bool {
        self.low > 1.0 + indifferent || self.high < 1.0 - indifferent
    }
}

/// Mean of the middle half: a burst of noise in a block or two does not move it.
fn middle_mean(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 4;
    let middle = &values[cut..values.len() - cut];
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// Student's 97.5% point over the normal one's, by Cornish and Fisher's expansion.
fn student_over_normal(freedom: f64) -> f64 {
    let z: f64 = 1.96;
    let z2 = z * z;
    1.0 + (z2 + 1.0) / (4.0 * freedom)
        + (5.0 * z2 * z2 + 16.0 * z2 + 3.0) / (96.0 * freedom * freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_points_are_those_of_the_tables() {
        // t(0.975): 2.262 at 9 degrees of freedom, 2.045 at 29.
        for (freedom, t) in [(9.0, 2.262), (29.0, 2.045)] {
            assert!((student_over_normal(freedom) * 1.96 - t).abs() < 0.01);
        }
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let mut random = Random::new(11, 0);
        let mut held = 0;
        for seed in 0..400 {
            let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
            let logs: Vec<f64> = (0..12).map(|_| 0.05 + 0.02 * normal()).collect();
            let ratio = Ratio::of(&logs, seed).unwrap();
            held += u32::from(ratio.low <= 0.05_f64.exp() && 0.05_f64.exp() <= ratio.high);
        }
        assert!((368..=396).contains(&held), "{held} of 400");
    }

    #[test]
    fn bursts_don_t_move_it_and_few_blocks_say_nothing() {
        let mut logs = vec![0.01, -0.01, 0.005, -0.005, 0.0, 0.002, -0.002, 0.001];
        logs.extend([1.5, -0.003]);
        let ratio = Ratio::of(&logs, 1).unwrap();
        assert!((ratio.ratio - 1.0).abs() < 0.005, "{ratio:?}");
        assert!(!ratio.differs(0.0));
        assert_eq!(Ratio::of(&[0.1; 3], 1), None);
        assert!(Ratio::of(&[0.05; 8], 1).unwrap().differs(0.01));
    }
}
