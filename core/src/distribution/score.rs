//! The draw of one candidate for one key, and the race of candidates with weights.

/// Odd multipliers of 64 bits: those of MurmurHash3's finalizer.
const MULTIPLIERS: [u64; 2] = [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53];

/// The candidate's draw for the key: a number that looks random in its upper bits.
#[inline]
pub(super) const fn score(key: u64, seed: u64) -> u64 {
    let mut mixed = (key ^ seed).wrapping_mul(MULTIPLIERS[0]);
    mixed ^= mixed >> 32;
    mixed.wrapping_mul(MULTIPLIERS[1])
}

/// −`weight` / ln(u), u being `draw` between 0 and 1: the higher, the better.
#[inline]
pub(super) fn race(draw: u64, weight: f64) -> f64 {
    // 53 bits, in the middle of their step: never 0, and 1 only where −ln(u) would be 2^−54.
    let bits = (draw >> 12) as f64 + 0.5;
    -weight / ln(bits * (1.0 / (1_u64 << 52) as f64))
}

/// The natural logarithm of a normal number, by additions, multiplications and divisions alone:
/// so it is the same to the last bit on every machine, which the system's is not.
///
/// The argument is 2^e · m, m between √½ and √2; ln(m) = 2·artanh(s) for s = (m − 1) / (m + 1).
#[inline]
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const HALF: u64 = 0x3fe << 52;
    let bits = x.to_bits();
    let half = f64::from_bits((bits & MANTISSA) | HALF);
    let exponent = (bits >> 52) as i64 - 0x3fe;
    let (m, exponent) = if half < std::f64::consts::FRAC_1_SQRT_2 {
        (half * 2.0, exponent - 1)
    } else {
        (half, exponent)
    };
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0]
        .iter()
        .fold(0.0, |sum, odd| sum * square + 1.0 / odd);
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right() {
        for x in [
            1e-16,
            1e-9,
            0.1,
            0.49,
            0.5,
            0.70,
            0.71,
            0.9,
            0.999_999,
            1.0 - 1e-15,
        ] {
            assert!((ln(x) / x.ln() - 1.0).abs() < 1e-12, "{x}: {}", ln(x));
        }
    }

    #[test]
    fn a_race_of_equal_weights_keeps_the_order_of_the_draws() {
        let mut draws: Vec<_> = (0..2000)
            .map(|key| score(key, 7))
            .chain([0, u64::MAX])
            .collect();
        draws.sort_unstable();
        let scores: Vec<_> = draws.iter().map(|draw| race(*draw, 3.0)).collect();
        assert!(scores.iter().all(|score| *score > 0.0 && score.is_finite()));
        assert!(scores.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
