//! The x87's extended double in integers: parse, add, print as INCRBYFLOAT does.
//!
//! Redis counts in C's `long double`, which on x86-64 has a mantissa of 64 bits, and prints with
//! `%.17Lf`, trailing zeros cut. Every step here rounds as the hardware and the C library do, to
//! the nearest, ties to even; so the digits are the same on every machine.

/// Longest text that is read (Redis' `MAX_LONG_DOUBLE_CHARS`, less its end).
const TEXT_LEN_MAX: usize = 5 * 1024 - 1;
/// Decimal digits after the point.
const DECIMALS: u32 = 17;
/// Above this power of two there are only infinities.
const EXPONENT_MAX: i64 = 16_384;
/// Below this power of two everything is zero.
const EXPONENT_MIN: i64 = -16_445;
const NINE_DIGITS: u32 = 1_000_000_000;

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LongDouble {
    Finite(Finite),
    Infinite,
}

/// `mantissa * 2^exponent`; the mantissa's top bit is set, unless the number is zero, which has no
/// sign here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finite {
    negative: bool,
    mantissa: u64,
    exponent: i64,
}

impl Finite {
    pub(super) const ZERO: Self = Self {
        negative: false,
        mantissa: 0,
        exponent: 0,
    };

    /// The sum, rounded; `None` when it is infinite.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        if self.mantissa == 0 || other.mantissa == 0 {
            return Some(if self.mantissa == 0 { other } else { self });
        }
        let (large, small) = match (self.exponent, self.mantissa) < (other.exponent, other.mantissa)
        {
            true => (other, self),
            false => (self, other),
        };
        // 63 bits below the larger mantissa hold what the smaller one adds; what falls off below
        // them is told by the last bit.
        let base = u128::from(large.mantissa) << 63;
        let distance = large.exponent - small.exponent;
        let term = shift_right_sticky(u128::from(small.mantissa) << 63, distance);
        let sum = if large.negative == small.negative {
            base + term
        } else {
            base - term
        };
        if sum == 0 {
            return Some(Self::ZERO);
        }
        round_wide(large.negative, sum, large.exponent - 63, false)
    }

    /// As `%.17Lf` prints it, without the zeros at the end and without a sign on zero.
    pub(super) fn print(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        if self.exponent >= 0 {
            let mut whole = Big::from(self.mantissa);
            whole.shift_left(self.exponent as usize);
            return format!("{sign}{}", whole.print());
        }
        let unit = 10u128.pow(DECIMALS);
        let scaled = u128::from(self.mantissa) * unit;
        let shift = self.exponent.unsigned_abs();
        // Below half of the last digit all is zero: the product has 121 bits at most.
        let quotient = if shift > 122 {
            0
        } else {
            round_shift(scaled, shift as u32)
        };
        if quotient == 0 {
            return "0".to_owned();
        }
        let digits = format!("{sign}{}.{:017}", quotient / unit, quotient % unit);
        digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    }
}

/// Reads a whole text as C's `strtold` does; a number too large or too small is none.
pub(super) fn parse(text: &[u8]) -> Option<LongDouble> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(LongDouble::Infinite);
    }
    let finite = match text {
        [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(negative, digits)?,
        digits => parse_decimal(negative, digits)?,
    };
    Some(LongDouble::Finite(finite))
}

fn parse_decimal(negative: bool, text: &[u8]) -> Option<Finite> {
    let parts = Parts::split(text, b'e', 10)?;
    let mut number = Big::default();
    for &digit in parts.whole.iter().chain(parts.fraction) {
        number.multiply_add(10, value_of(digit, 10)?);
    }
    let exponent = parts.exponent.checked_sub(parts.fraction.len() as i64)?;
    if number.is_zero() {
        return Some(Finite::ZERO);
    }
    let magnitude = number.bit_len() as i64 / 4 + exponent;
    if !(-6_000..=6_000).contains(&magnitude) {
        return None;
    }
    if exponent >= 0 {
        number.scale_up(exponent as u64);
        return number.round(negative, 0, false);
    }
    // Enough bits in front that the quotient keeps more than a mantissa's.
    let shift = (exponent.unsigned_abs() * 10 / 3 + 70) as usize;
    number.shift_left(shift);
    let inexact = number.scale_down(exponent.unsigned_abs());
    number.round(negative, -(shift as i64), inexact)
}

fn parse_hexadecimal(negative: bool, text: &[u8]) -> Option<Finite> {
    let parts = Parts::split(text, b'p', 16)?;
    let mut number = Big::default();
    for &digit in parts.whole.iter().chain(parts.fraction) {
        number.multiply_add(16, value_of(digit, 16)?);
    }
    if number.is_zero() {
        return Some(Finite::ZERO);
    }
    let exponent = parts
        .exponent
        .checked_sub(4 * parts.fraction.len() as i64)?;
    number.round(negative, exponent, false)
}

/// `whole.fraction e exponent`
struct Parts<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn split(text: &'a [u8], mark: u8, radix: u32) -> Option<Self> {
        let is_mark = |byte: &u8| byte.eq_ignore_ascii_case(&mark);
        let (digits, exponent) = match text.iter().position(is_mark) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
            Some(at) => (&digits[..at], &digits[at + 1..]),
            None => (digits, &b""[..]),
        };
        let all_digits = |part: &[u8]| part.iter().all(|&byte| value_of(byte, radix).is_some());
        let any = !(whole.is_empty() && fraction.is_empty());
        (any && all_digits(whole) && all_digits(fraction)).then_some(Self {
            whole,
            fraction,
            exponent,
        })
    }
}

/// An exponent; a huge one is as good as any large one.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    for &digit in digits {
        exponent = (exponent * 10 + i64::from(value_of(digit, 10)?)).min(1_000_000);
    }
    Some(sign * exponent)
}

fn value_of(digit: u8, radix: u32) -> Option<u32> {
    char::from(digit).to_digit(radix)
}

/// `sum * 2^exponent` as a mantissa of 64 bits; `inexact`: there was more below the last bit.
fn round(negative: bool, sum: u128, exponent: i64, inexact: bool) -> Option<Finite> {
    let extra = 64 - i64::from(sum.leading_zeros());
    let (mut mantissa, mut exponent) = match extra {
        ..=0 => (sum << -extra, exponent + extra),
        _ => (
            round_shift(sum << 1 | u128::from(inexact), extra as u32 + 1),
            exponent + extra,
        ),
    };
    if mantissa >> 64 != 0 {
        mantissa >>= 1;
        exponent += 1;
    }
    let top = exponent + 64;
    (EXPONENT_MIN < top && top <= EXPONENT_MAX).then_some(Finite {
        negative,
        mantissa: mantissa as u64,
        exponent,
    })
}

/// Shifts right and rounds to the nearest, ties to even.
fn round_shift(value: u128, shift: u32) -> u128 {
    let quotient = value >> shift;
    let rest = value & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    quotient + u128::from(rest > half || (rest == half && quotient & 1 == 1))
}

/// Shifts right; what falls off sets the last bit.
fn shift_right_sticky(value: u128, distance: i64) -> u128 {
    match distance {
        0 => value,
        1..=127 => {
            let lost = value & ((1 << distance) - 1) != 0;
            value >> distance | u128::from(lost)
        }
        _ => u128::from(value != 0),
    }
}

/// A natural number of any size: 32 bits a limb, the lowest first, no zero limb at the end.
#[derive(Default)]
struct Big {
    limbs: Vec<u32>,
}

impl From<u64> for Big {
    fn from(value: u64) -> Self {
        let mut big = Self {
            limbs: vec![value as u32, (value >> 32) as u32],
        };
        big.trim();
        big
    }
}

impl Big {
    fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    fn bit_len(&self) -> usize {
        let top = self
            .limbs
            .last()
            .map_or(0, |limb| limb.leading_zeros() as usize);
        self.limbs.len() * 32 - top
    }

    fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    /// Divides and gives the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0u64;
        for limb in self.limbs.iter_mut().rev() {
            rest = rest << 32 | u64::from(*limb);
            *limb = (rest / u64::from(divisor)) as u32;
            rest %= u64::from(divisor);
        }
        self.trim();
        rest as u32
    }

    fn shift_left(&mut self, bits: usize) {
        self.multiply_add(1 << (bits % 32), 0);
        let zeros = std::iter::repeat_n(0, bits / 32);
        self.limbs.splice(0..0, zeros);
        self.trim();
    }

    /// Times 10^power.
    fn scale_up(&mut self, power: u64) {
        for _ in 0..power / 9 {
            self.multiply_add(NINE_DIGITS, 0);
        }
        self.multiply_add(10u32.pow((power % 9) as u32), 0);
    }

    /// Divided by 10^power, rounded down; whether there was a remainder.
    fn scale_down(&mut self, power: u64) -> bool {
        let mut inexact = false;
        for _ in 0..power / 9 {
            inexact |= self.divide(NINE_DIGITS) != 0;
        }
        inexact | (self.divide(10u32.pow((power % 9) as u32)) != 0)
    }

    /// `self * 2^exponent` as a mantissa of 64 bits.
    fn round(&self, negative: bool, exponent: i64, inexact: bool) -> Option<Finite> {
        // The upper four limbs hold more than a mantissa; below them only zero or not matters.
        let below = self.limbs.len().saturating_sub(4);
        let lost = self.limbs[..below].iter().any(|&limb| limb != 0);
        let upper = self.limbs[below..].iter().rev();
        let sum = upper.fold(0u128, |sum, &limb| sum << 32 | u128::from(limb));
        round_wide(negative, sum, exponent + 32 * below as i64, inexact | lost)
    }

    fn print(mut self) -> String {
        let mut groups = Vec::new();
        while !self.is_zero() {
            groups.push(self.divide(NINE_DIGITS));
        }
        let first = groups.pop().unwrap_or(0);
        let rest = groups.iter().rev().map(|group| format!("{group:09}"));
        std::iter::once(first.to_string()).chain(rest).collect()
    }
}

/// [`round`] for a sum that may fill all 128 bits.
fn round_wide(negative: bool, sum: u128, exponent: i64, inexact: bool) -> Option<Finite> {
    let spare = sum & 3 != 0;
    match sum.leading_zeros() {
        0 | 1 => round(negative, sum >> 2, exponent + 2, inexact | spare),
        _ => round(negative, sum, exponent, inexact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finite(text: &str) -> Option<Finite> {
        match parse(text.as_bytes())? {
            LongDouble::Finite(finite) => Some(finite),
            LongDouble::Infinite => None,
        }
    }

    #[test]
    fn sums_are_printed_as_redis_prints_them() {
        let table = [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "1.000000000000000005", "4.00000000000000001"),
            ("-0", "0", "0"),
            ("1", "-1", "0"),
            ("1e-30", "0", "0"),
            ("-5", "3.5", "-1.5"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("1e25", "0", "10000000000000000000000000"),
            ("0x10", "0x.8p1", "17"),
            (".5", "5.", "5.5"),
            ("3.14159265358979323846", "0", "3.14159265358979324"),
            (
                "123456789.987654321",
                "-0.000000001",
                "123456789.98765432000072906",
            ),
        ];
        for (left, right, sum) in table {
            let result = finite(left).unwrap().plus(finite(right).unwrap());
            assert_eq!(result.unwrap().print(), sum, "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", " 1", "1 ", "1e", "e5", ".", "abc", "nan", "0x", "1e5000", "1e-6000", "--1",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"-Infinity"), Some(LongDouble::Infinite));
    }

    #[test]
    fn the_largest_overflow() {
        let largest = finite("1.18973149535723176502e4932").unwrap();
        assert_eq!(largest.plus(largest), None);
        assert!(
            largest
                .print()
                .starts_with("118973149535723176502126385303")
        );
    }
}
