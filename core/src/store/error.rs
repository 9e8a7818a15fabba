//! What the store's commands refuse, and the words that Redis has for it.

use super::Call;
use crate::command::Refusal;
use crate::resp::reply;

/// Bytes of an argument that an error quotes.
const QUOTED_LEN_MAX: usize = 128;

/// Why a command was not carried out. Positions are those of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreError {
    Arity,
    BoundNotBytes,
    BoundNotFloat,
    CountNegative,
    DecrementOverflow,
    ExpireTime,
    FieldNotFloat,
    FieldNotInteger,
    GtLtNx,
    GtWithLt,
    IndexRange,
    InvalidCursor,
    LimitWithRanks,
    MaxLenNegative,
    NanOrInfiniteValue,
    NanOrInfinity,
    NoSuchKey,
    NotFloat,
    NotHere,
    NotInteger,
    NxWithOthers,
    NxWithXx,
    NotPositive,
    OffsetRange,
    OneIncrement,
    OutOfRange,
    Overflow,
    RankZero,
    ScoreNan,
    ScoresWithBytes,
    Syntax,
    TooLong,
    UnsupportedOption(usize),
    NoLfu,
    WrongType,
}

impl StoreError {
    /// Appends the error reply.
    pub(super) fn write(self, call: &Call<'_>, out: &mut Vec<u8>) {
        let name = call.command.name;
        let quoted = |position| call.request.get(position).map_or(&b""[..], quoted);
        match self {
            Self::Arity => Refusal::Arity(call.command.id).write(&call.request, out),
            Self::ExpireTime => {
                reply::error(out, &format!("ERR invalid expire time in '{name}' command"));
            }
            Self::UnsupportedOption(position) => {
                let text = [b"ERR Unsupported option ", quoted(position)].concat();
                reply::error_bytes(out, &text);
            }
            _ => reply::error(out, self.text()),
        }
    }

    /// The texts that quote nothing.
    fn text(self) -> &'static str {
        match self {
            Self::BoundNotBytes => "ERR min or max not valid string range item",
            Self::BoundNotFloat => "ERR min or max is not a float",
            Self::CountNegative => "ERR COUNT can't be negative",
            Self::DecrementOverflow => "ERR decrement would overflow",
            Self::FieldNotFloat => "ERR hash value is not a float",
            Self::FieldNotInteger => "ERR hash value is not an integer",
            Self::GtLtNx => "ERR GT, LT, and/or NX options at the same time are not compatible",
            Self::GtWithLt => "ERR GT and LT options at the same time are not compatible",
            Self::IndexRange => "ERR index out of range",
            Self::InvalidCursor => "ERR invalid cursor",
            Self::LimitWithRanks => {
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX"
            }
            Self::MaxLenNegative => "ERR MAXLEN can't be negative",
            Self::NanOrInfiniteValue => "ERR value is NaN or Infinity",
            Self::NanOrInfinity => "ERR increment would produce NaN or Infinity",
            Self::NoSuchKey => "ERR no such key",
            Self::NotFloat => "ERR value is not a valid float",
            Self::NotInteger => "ERR value is not an integer or out of range",
            Self::NxWithOthers => {
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            }
            Self::NxWithXx => "ERR XX and NX options at the same time are not compatible",
            Self::OneIncrement => "ERR INCR option supports a single increment-element pair",
            Self::OffsetRange => "ERR offset is out of range",
            Self::NotPositive => "ERR value is out of range, must be positive",
            Self::OutOfRange => "ERR value is out of range",
            Self::Overflow => "ERR increment or decrement would overflow",
            Self::RankZero => {
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second \
                 ... or use negative to start from the end of the list"
            }
            Self::ScoreNan => "ERR resulting score is not a number (NaN)",
            Self::ScoresWithBytes => {
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
            }
            Self::Syntax => "ERR syntax error",
            Self::TooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Self::NoLfu => {
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                 Please note that when switching between policies at runtime LRU and LFU data \
                 will take some time to adjust."
            }
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            _ => "ERR this command is not the store's",
        }
    }
}

/// The start of an argument as C prints it: up to a zero byte.
fn quoted(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .take(QUOTED_LEN_MAX)
        .position(|&byte| byte == 0);
    &bytes[..end.unwrap_or(bytes.len().min(QUOTED_LEN_MAX))]
}
