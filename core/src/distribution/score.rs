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

/// Where the highest of the `draws` stands.
#[inline]
pub(super) fn highest(draws: impl Iterator<Item = u64>) -> usize {
    let mut best = (0, 0);
    for (index, draw) in draws.enumerate() {
        if draw > best.0 {
            best = (draw, index);
        }
    }
    best.1
}

/// Where the winner of a race of (draw, weight) stands: the highest −w / ln(u), u being the draw
/// between 0 and 1.
///
/// As −ln(u) is at least 1 − u, a score is at most w / (1 − u): most candidates are out by that
/// alone, and a logarithm is taken about ln(n) times.
#[inline]
pub(super) fn raced(candidates: impl Iterator<Item = (u64, f64)>) -> usize {
    /// Above the rounding of a logarithm and below any difference that matters.
    const SLACK: f64 = 1.0 + 1e-9;
    let mut best = (0.0, 0);
    for (index, (draw, weight)) in candidates.enumerate() {
        if best.0 * unit(!draw) > weight * SLACK {
            continue;
        }
        let score = -weight / ln(unit(draw));
        if score > best.0 {
            best = (score, index);
        }
    }
    best.1
}

/// A draw between 0 and 1: 52 bits, in the middle of their step, so that it is neither.
#[inline]
fn unit(draw: u64) -> f64 {
    ((draw >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
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
    fn a_race_of_equal_weights_goes_to_the_highest_draw() {
        for key in 0..2000 {
            let draws = (0..50).map(|seed| score(key, seed * 977));
            let race = draws.clone().map(|draw| (draw, 3.0));
            assert_eq!(raced(race), highest(draws), "{key}");
        }
        assert_eq!(raced([(0, 1.0), (u64::MAX, 1.0)].into_iter()), 1);
        assert_eq!(raced([(u64::MAX, 1.0), (0, 1e9)].into_iter()), 0);
    }

    #[test]
    fn a_race_is_won_by_the_highest_score() {
        for key in 0..2000 {
            let candidates = (0..20).map(|seed| (score(key, seed * 977), 1.0 + (seed % 5) as f64));
            let scores = candidates
                .clone()
                .map(|(draw, weight)| -weight / unit(draw).ln());
            let best = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            assert_eq!(
                Some(raced(candidates)),
                best.map(|(index, _)| index),
                "{key}"
            );
        }
    }
}
