//! Numbers as C's `strtod` reads them.

/// A score: a number, infinities among them; `None` for what is none or too large for one.
pub(super) fn score(text: &[u8]) -> Option<f64> {
    let value = bound(text)?;
    let named = text.iter().any(|byte| matches!(byte, b'n' | b'N'));
    let digits = text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let nothing = digits.clone().all(|byte| !matches!(byte, b'1'..=b'9'));
    let out_of_range =
        (value.is_infinite() && !named) || (value == 0.0 && !nothing && !is_hex(text));
    (!out_of_range).then_some(value)
}

/// The bound of a range: a number that may be too large, which is infinite then.
pub(super) fn bound(text: &[u8]) -> Option<f64> {
    if is_hex(text) {
        return hexadecimal(text);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

fn unsigned(text: &[u8]) -> (f64, &[u8]) {
    match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        _ => (1.0, text),
    }
}

fn is_hex(text: &[u8]) -> bool {
    matches!(unsigned(text).1, [b'0', b'x' | b'X', ..])
}

/// `0x1.8p3` and its like; digits beyond 53 bits are not rounded as one number is.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let (sign, text) = unsigned(text);
    let text = std::str::from_utf8(text.get(2..)?).ok()?;
    let (mantissa, exponent) = match text.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    Some(sign * value * 2.0_f64.powi(shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_c_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("-0", 0.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("0e5", 0.0),
            ("0x10", 16.0),
            ("-0x1.8p1", -3.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(score(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "", " 1", "1 ", "nan", "1e400", "1e-400", "abc", "0x", "1x", "--1",
        ] {
            assert_eq!(score(text.as_bytes()), None, "{text}");
        }
        assert_eq!(bound(b"1e400"), Some(f64::INFINITY));
    }
}
