//! A point on the ring, in the order and with the text form that Dynomite gives it.

use std::fmt;

use serde::Serialize;

/// A position: a sign rank (0 for zero, 1 for positive, 2 for negative) above 32 bits of magnitude.
///
/// Dynomite compares the sign as an unsigned number, so negative tokens come after all positive
/// ones; and it knows two zeros: the text `0` and the hash 0 have rank 0, a text such as `00` or
/// `4294967296` has rank 1. The order of the packed number is Dynomite's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Token(u64);

const RANK_SHIFT: u32 = 32;
const ZERO: u64 = 0;
const POSITIVE: u64 = 1;
const NEGATIVE: u64 = 2;
/// Digits that Dynomite reads as one group.
const GROUP_LEN: usize = 10;
/// What Dynomite multiplies the groups before by (it is not 10^10 mod 2^32).
const GROUP_RADIX: u32 = 0x1717_9149;

impl Token {
    /// The token of a key whose hash is `hash`: its low 32 bits.
    #[inline]
    #[must_use]
    pub const fn of_hash(hash: u64) -> Self {
        let magnitude = hash & 0xffff_ffff;
        if magnitude == 0 {
            Self(ZERO)
        } else {
            Self((POSITIVE << RANK_SHIFT) | magnitude)
        }
    }

    /// Reads a token as Dynomite does: an optional `-`, then groups of ten digits, the first one
    /// maybe shorter; everything wraps at 32 bits, and a group with anything but digits is zero.
    ///
    /// # Errors
    /// When there is nothing to read after the sign.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        if digits.is_empty() {
            return Err(TokenError::Empty);
        }
        let rank = match (negative, digits) {
            (true, _) => NEGATIVE,
            (false, b"0") => ZERO,
            (false, _) => POSITIVE,
        };
        // Groups end with the last digit: only the first one may be short.
        let magnitude = digits
            .rchunks(GROUP_LEN)
            .rev()
            .fold(0_u32, |before, group| {
                before
                    .wrapping_mul(GROUP_RADIX)
                    .wrapping_add(group_value(group))
            });
        Ok(Self((rank << RANK_SHIFT) | u64::from(magnitude)))
    }

    /// Reads a token that a person wrote: like [`Token::parse`], but only digits, with one sign.
    ///
    /// # Errors
    /// When there is nothing to read or something that is not a digit.
    pub fn parse_digits(text: &str) -> Result<Self, TokenError> {
        let token = Self::parse(text)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(token)
        } else {
            Err(TokenError::NotANumber {
                text: text.to_owned(),
            })
        }
    }

    /// Whether it comes after every token a key can have: such a point owns only what wraps.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 >> RANK_SHIFT == NEGATIVE
    }

    /// Whether it is the zero that a hash of 0 has.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == ZERO
    }

    /// The 32 bits below the sign.
    #[must_use]
    pub const fn magnitude(self) -> u32 {
        self.0 as u32
    }
}

fn group_value(group: &[u8]) -> u32 {
    if !group.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    group.iter().fold(0, |value: u32, digit| {
        value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))
    })
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        write!(f, "{sign}{}", self.magnitude())
    }
}

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing, or only a sign.
    #[error("a token is empty; write a number from 0 to 4294967295")]
    Empty,
    /// Something that is not a digit.
    #[error("token '{text}' is not a number; write one from 0 to 4294967295")]
    NotANumber {
        /// What was written.
        text: String,
    },
}
