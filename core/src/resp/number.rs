//! Decimal integers as RESP and Redis spell them: one spelling per number.

use std::fmt::{self, Write};

/// Longest spelling of an `i64`.
const I64_LEN_MAX: usize = 20;
/// Type byte, sign or one digit more of a `u64`, line end.
const NUMBER_LINE_LEN_MAX: usize = I64_LEN_MAX + 4;
/// Bytes that are looked at together for a length line.
const SHORT_LINE_LEN: usize = 8;

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

/// A length, and how long its line is with the type byte and the line end. A line of length 0
/// says nothing but that a closer look is needed. (A pair and no `Option`: it stays in registers.)
type LenAndLine = (usize, usize);
const UNUSUAL: LenAndLine = (0, 0);

/// Reads the usual length line, `$0\r\n` to `$99999\r\n`. The type byte and the `\n` are not
/// looked at.
#[inline]
pub(super) fn short_len(line: &[u8]) -> LenAndLine {
    let Some(head) = line.first_chunk() else {
        return short_len_at_end(line);
    };
    let &[_, first, second, third, ..]: &[u8; SHORT_LINE_LEN] = head;
    let (first, second_digit) = (first.wrapping_sub(b'0'), second.wrapping_sub(b'0'));
    if second == b'\r' && first <= 9 {
        (usize::from(first), 4)
    } else if third == b'\r' && first <= 9 && first != 0 && second_digit <= 9 {
        (usize::from(first) * 10 + usize::from(second_digit), 5)
    } else {
        longer_len(head)
    }
}

/// The line of a last argument of one byte or none, which ends the buffer.
#[inline(never)]
fn short_len_at_end(line: &[u8]) -> LenAndLine {
    match line {
        [_, digit @ b'0'..=b'9', b'\r', _, ..] => (usize::from(digit - b'0'), 4),
        _ => UNUSUAL,
    }
}

/// Three to five digits.
#[inline(never)]
fn longer_len(line: &[u8; SHORT_LINE_LEN]) -> LenAndLine {
    if line[1] == b'0' {
        return UNUSUAL;
    }
    let mut value = 0;
    for (at, &byte) in line.iter().enumerate().skip(1) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            let is_end = byte == b'\r' && at > 3 && at + 2 <= SHORT_LINE_LEN;
            return if is_end { (value, at + 2) } else { UNUSUAL };
        }
        value = value * 10 + usize::from(digit);
    }
    UNUSUAL
}

/// A type byte, the spelling of an integer, a line end: on the stack.
pub(super) struct NumberLine {
    bytes: [u8; NUMBER_LINE_LEN_MAX],
    start: usize,
}

impl NumberLine {
    /// `:-12\r\n`
    pub(super) fn signed(kind: u8, value: i64) -> Self {
        let mut line = Self::end();
        line.spell(value.unsigned_abs());
        if value < 0 {
            line.prepend(b'-');
        }
        line.prepend(kind);
        line
    }

    /// `$12\r\n`
    pub(super) fn unsigned(kind: u8, value: u64) -> Self {
        let mut line = Self::end();
        line.spell(value);
        line.prepend(kind);
        line
    }

    /// The line.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The digits and their sign.
    pub(super) fn digits(&self) -> &[u8] {
        &self.bytes[self.start + 1..NUMBER_LINE_LEN_MAX - 2]
    }

    fn end() -> Self {
        let mut bytes = [0; NUMBER_LINE_LEN_MAX];
        bytes[NUMBER_LINE_LEN_MAX - 2] = b'\r';
        bytes[NUMBER_LINE_LEN_MAX - 1] = b'\n';
        Self {
            bytes,
            start: NUMBER_LINE_LEN_MAX - 2,
        }
    }

    fn spell(&mut self, mut value: u64) {
        while value >= 100 {
            let pair = PAIRS[(value % 100) as usize];
            value /= 100;
            self.prepend(pair[1]);
            self.prepend(pair[0]);
        }
        let pair = PAIRS[value as usize % 100];
        self.prepend(pair[1]);
        if value >= 10 {
            self.prepend(pair[0]);
        }
    }

    #[inline]
    fn prepend(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }
}

/// `00` to `99`
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut value = 0;
    while value < pairs.len() {
        pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    pairs
};

/// Longest spelling of an `f64`: sign, 17 digits, point, zeros before them or an exponent.
const F64_LEN_MAX: usize = 32;
/// Integers of up to so many digits are spelled without an exponent.
const PLAIN_DIGITS_MAX: i32 = 17;
/// Whole numbers below it are spelled as integers are: the doubles up to it are exact.
const PLAIN_BELOW: f64 = 1e15;
/// Leading zeros after the point, above which an exponent is used.
const PLAIN_ZEROS_MAX: i32 = 3;

/// The spelling of a double, on the stack: C's `%.17g`, as Redis 7.0 has it.
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
        } else if value.abs() < PLAIN_BELOW && value.trunc() == value {
            let digits = NumberLine::unsigned(b',', value.abs() as u64);
            float.push(digits.digits());
        } else {
            let mut scientific = Self {
                text: [0; F64_LEN_MAX],
                len: 0,
            };
            write!(scientific, "{:.16e}", value.abs()).expect("a double's digits and exponent fit");
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
        let zeros = rest
            .iter()
            .rev()
            .take_while(|digit| **digit == b'0')
            .count();
        let rest = &rest[..rest.len() - zeros];
        if !(-PLAIN_ZEROS_MAX - 1..PLAIN_DIGITS_MAX).contains(&exponent) {
            self.push(first);
            self.push_fraction(rest);
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            let exponent = NumberLine::unsigned(b'e', u64::from(exponent.unsigned_abs()));
            if exponent.digits().len() < 2 {
                self.push(b"0");
            }
            self.push(exponent.digits());
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
