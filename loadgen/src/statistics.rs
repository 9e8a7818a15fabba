//! Tests of fit, for the tests of the laws.

/// Pearson's statistic as standard deviations above what chance gives (Wilson and Hilferty's
/// normal approximation). Cells that are expected less than twenty times are put together.
pub(crate) fn chi_square_z(observed: &[u64], probability: impl Fn(usize) -> f64) -> f64 {
    let samples: u64 = observed.iter().sum();
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut seen, mut expected) = (0.0, 0.0);
    for (index, &count) in observed.iter().enumerate() {
        seen += count as f64;
        expected += probability(index) * samples as f64;
        if expected >= 20.0 {
            statistic += (seen - expected) * (seen - expected) / expected;
            cells += 1.0;
            (seen, expected) = (0.0, 0.0);
        }
    }
    if expected > 0.0 {
        statistic += (seen - expected) * (seen - expected) / expected;
        cells += 1.0;
    }
    let freedom: f64 = cells - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// Anderson and Darling's statistic of values that should be uniform in (0, 1). Beyond 2.49 by
/// chance once in twenty times, beyond 3.86 once in a hundred.
pub(crate) fn anderson_darling(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let terms = values
        .iter()
        .zip(values.iter().rev())
        .enumerate()
        .map(|(index, (low, high))| (2.0 * index as f64 + 1.0) * (low.ln() + (-high).ln_1p()));
    -n - terms.sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn chance_passes_and_a_bias_does_not() {
        let mut random = Random::new(3, 0);
        let mut counts = vec![0; 100];
        for _ in 0..100_000 {
            counts[random.below(100) as usize] += 1;
        }
        assert!(chi_square_z(&counts, |_| 0.01).abs() < 3.0);
        counts[0] += 400;
        assert!(chi_square_z(&counts, |_| 0.01) > 3.0);

        let mut values: Vec<f64> = (0..10_000).map(|_| random.unit()).collect();
        assert!(anderson_darling(&mut values) < 3.86);
        for value in &mut values {
            *value = value.powf(1.1);
        }
        assert!(anderson_darling(&mut values) > 3.86);
    }
}
