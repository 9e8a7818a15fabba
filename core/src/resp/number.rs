//! Decimal integers as RESP and Redis spell them: one spelling per number.

use std::fmt::{self, Write};

/// Longest spelling of an `i64`.
const I64_LEN_MAX: usize = 20;

/// Reads a whole text as an integer: no sign but one `-`, no leading zero, no blank, no `-0`.
#[must_use]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if text.len() <= I64_LEN_MAX => {}
        _ => return None,
    }
    let mut magnitude = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Reads a RESP3 double: a decimal number, `inf`, `-inf` or `nan`.
#[must_use]
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    match text {
        b"inf" | b"+inf" => return Some(f64::INFINITY),
        b"-inf" => return Some(f64::NEG_INFINITY),
        b"nan" | b"-nan" => return Some(f64::NAN),
        _ => {}
    }
    let numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.iter().all(numeric) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The spelling of an integer, on the stack.
#[derive(Clone, Copy)]
pub struct Decimal {
    digits: [u8; I64_LEN_MAX],
    start: u8,
}

impl Decimal {
    /// Spells a signed number.
    #[must_use]
    pub fn signed(value: i64) -> Self {
        let mut decimal = Self::unsigned(value.unsigned_abs());
        if value < 0 {
            decimal.start -= 1;
            decimal.digits[usize::from(decimal.start)] = b'-';
        }
        decimal
    }

    /// Spells an unsigned number.
    #[must_use]
    pub fn unsigned(mut value: u64) -> Self {
        let mut digits = [b'0'; I64_LEN_MAX];
        let mut start = I64_LEN_MAX;
        loop {
            start -= 1;
            digits[start] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                return Self {
                    digits,
                    start: start as u8,
                };
            }
        }
    }

    /// The digits, a `-` before them when negative.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[usize::from(self.start)..]
    }
}

/// Longest spelling of an `f64`: sign, 17 digits, point, zeros before them or an exponent.
const F64_LEN_MAX: usize = 32;
/// Integers of up to so many digits are spelled without an exponent.
const PLAIN_DIGITS_MAX: i32 = 17;
/// Leading zeros after the point, above which an exponent is used.
const PLAIN_ZEROS_MAX: i32 = 3;

/// The spelling of a double, on the stack: C's `%.17g` in the fewest digits that are exact.
pub struct Float {
    text: [u8; F64_LEN_MAX],
    len: usize,
}

impl Float {
    /// Spells a number; not-a-number is `nan`.
    #[must_use]
    pub fn spell(value: f64) -> Self {
        let mut float = Self {
            text: [0; F64_LEN_MAX],
            len: 0,
        };
        if value.is_nan() {
            float.push(b"nan");
            return float;
        }
        if value.is_sign_negative() {
            float.push(b"-");
        }
        if value.is_infinite() {
            float.push(b"inf");
        } else {
            let mut scientific = Self {
                text: [0; F64_LEN_MAX],
                len: 0,
            };
            write!(scientific, "{:e}", value.abs()).expect("a double's digits and exponent fit");
            float.lay_out(scientific.as_bytes());
        }
        float
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// Writes what stands as `d.ddde-x` the way `%g` does.
    fn lay_out(&mut self, scientific: &[u8]) {
        let mut halves = scientific.split(|&byte| byte == b'e');
        let mantissa = halves.next().unwrap_or_default();
        let exponent = halves.next().and_then(parse_i64).unwrap_or_default() as i32;
        let (first, rest) = mantissa.split_at(1);
        let rest = rest.get(1..).unwrap_or_default();
        if !(-PLAIN_ZEROS_MAX - 1..PLAIN_DIGITS_MAX).contains(&exponent) {
            self.push(first);
            self.push_fraction(rest);
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            let exponent = Decimal::unsigned(u64::from(exponent.unsigned_abs()));
            if exponent.as_bytes().len() < 2 {
                self.push(b"0");
            }
            self.push(exponent.as_bytes());
        } else if exponent < 0 {
            self.push(b"0.");
            self.push_zeros((-exponent - 1) as usize);
            self.push(first);
            self.push(rest);
        } else {
            let integral = (exponent as usize).min(rest.len());
            self.push(first);
            self.push(&rest[..integral]);
            self.push_zeros(exponent as usize - integral);
            self.push_fraction(&rest[integral..]);
        }
    }

    fn push_fraction(&mut self, digits: &[u8]) {
        if !digits.is_empty() {
            self.push(b".");
            self.push(digits);
        }
    }

    fn push_zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.push(b"0");
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.text[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl Write for Float {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.len + text.len() > F64_LEN_MAX {
            return Err(fmt::Error);
        }
        self.push(text.as_bytes());
        Ok(())
    }
}
