//! Where a reply ends: any RESP2 or RESP3 value, nested, without recursion.

use thiserror::Error;

use super::number;
use crate::limits::{BULK_LEN_MAX, INLINE_LEN_MAX, REPLY_DEPTH_MAX};

/// Most values in one aggregate, as Redis' own clients cap it.
const COUNT_MAX: u64 = i32::MAX as u64;
/// The longest line with a length on it: type, sign, digits, line end, and room for nothing else.
const LENGTH_LINE_MAX: usize = 24;
const CRLF_LEN: usize = 2;

/// What is known about the end of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    /// One whole value of this many bytes.
    Complete {
        /// Its length, attributes before it included.
        len: usize,
    },
    /// The value goes on.
    Incomplete {
        /// Bytes from the value's start without which nothing more can be said.
        need: usize,
    },
    /// Not a value.
    Invalid(FrameError),
}

/// Why bytes are not a reply.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// A first byte that no type has.
    #[error("reply of unknown type {0:#04x}")]
    UnknownType(u8),
    /// A streamed string or aggregate of RESP3.
    #[error("streamed reply of type '{}': not supported", char::from(*.0))]
    Streamed(u8),
    /// A line that is too long, or has half a line end in it.
    #[error("reply line without a proper end")]
    Line,
    /// A length or count that is none, or above the cap.
    #[error("reply with an invalid length")]
    Length,
    /// A number, boolean, null or verbatim string that is none.
    #[error("malformed reply of type '{}'", char::from(*.0))]
    Malformed(u8),
    /// Aggregates nested too deep.
    #[error("reply nested deeper than {REPLY_DEPTH_MAX}")]
    Depth,
    /// A push inside another value.
    #[error("push inside a reply")]
    NestedPush,
}

/// Tells where the value at the start of `buf` ends.
#[inline]
#[must_use]
pub fn frame(buf: &[u8]) -> FrameEnd {
    if let Some(len) = whole_bulk(buf) {
        return FrameEnd::Complete { len };
    }
    // Most replies are one token: no need of a stack.
    match token(buf, 0) {
        Ok(Token::Leaf { end }) => FrameEnd::Complete { len: end },
        _ => Framer::default().advance(buf),
    }
}

/// Finds the ends of replies in bytes that arrive in pieces, without looking at a value twice.
#[derive(Clone, Debug)]
pub struct Framer {
    /// The first byte not yet taken, from the start of the reply.
    at: usize,
    /// How many bytes from `at` on are known to hold no line end.
    scanned: usize,
    /// Aggregates open around `at`.
    depth: usize,
    /// Values still missing at each depth; the first is the reply itself.
    missing: [u64; REPLY_DEPTH_MAX + 1],
}

impl Default for Framer {
    fn default() -> Self {
        let mut missing = [0; REPLY_DEPTH_MAX + 1];
        missing[0] = 1;
        Self {
            at: 0,
            scanned: 0,
            depth: 0,
            missing,
        }
    }
}

impl Framer {
    /// A framer at the start of a reply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks on. `buf` starts at the reply's first byte, in every call until it is complete; after
    /// that the caller has taken it off, and the next reply starts.
    pub fn advance(&mut self, buf: &[u8]) -> FrameEnd {
        if self.is_complete() {
            *self = Self::default();
        }
        loop {
            self.skip_bulks(buf);
            match token(&buf[self.at..], self.scanned) {
                Ok(token) => {
                    if let Err(error) = self.take(token) {
                        return FrameEnd::Invalid(error);
                    }
                }
                Err(Stop::Short { need, scanned }) => {
                    self.scanned = scanned;
                    let need = self.at + need;
                    return FrameEnd::Incomplete { need };
                }
                Err(Stop::Wrong(error)) => return FrameEnd::Invalid(error),
            }
            if self.is_complete() {
                return FrameEnd::Complete { len: self.at };
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.depth == 0 && self.missing[0] == 0
    }

    /// Moves past bulk strings, the usual elements of an array, but for the last of them.
    fn skip_bulks(&mut self, buf: &[u8]) {
        while self.missing[self.depth] > 1
            && let Some(len) = whole_bulk(&buf[self.at..])
        {
            self.at += len;
            self.missing[self.depth] -= 1;
        }
    }

    /// Moves past a token, opens what it opens and closes what it completes.
    fn take(&mut self, token: Token) -> Result<(), FrameError> {
        self.scanned = 0;
        let (end, opened) = match token {
            Token::Leaf { end } => {
                self.missing[self.depth] -= 1;
                (end, None)
            }
            Token::Push { .. } if self.depth > 0 => return Err(FrameError::NestedPush),
            Token::Open { end, count } | Token::Push { end, count } => {
                self.missing[self.depth] -= 1;
                (end, Some(count))
            }
            Token::Attribute { end, count } => (end, Some(count)),
        };
        self.at += end;
        if let Some(count) = opened {
            self.depth += 1;
            *self.missing.get_mut(self.depth).ok_or(FrameError::Depth)? = count;
        }
        while self.depth > 0 && self.missing[self.depth] == 0 {
            self.depth -= 1;
        }
        Ok(())
    }
}

/// What stands at a place of a reply; `end` counts from that place.
enum Token {
    /// A value that ends there.
    Leaf { end: usize },
    /// The header of an aggregate of so many values.
    Open { end: usize, count: u64 },
    /// The same of a push, which stands in no other value.
    Push { end: usize, count: u64 },
    /// The header of an attribute: its values stand before the value they describe.
    Attribute { end: usize, count: u64 },
}

/// Why there is no token.
enum Stop {
    /// It goes on after the buffer's end: how much is needed at least, and how much of its line is
    /// known to hold no line end.
    Short { need: usize, scanned: usize },
    /// There can't be one.
    Wrong(FrameError),
}

/// Reads the token at the start of `rest`, of which `scanned` bytes hold no line end.
fn token(rest: &[u8], scanned: usize) -> Result<Token, Stop> {
    let Some(&kind) = rest.first() else {
        return Err(Stop::Short {
            need: 1,
            scanned: 0,
        });
    };
    match kind {
        b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => {
            let text = line(rest, scanned)?;
            if well_formed(kind, text) {
                let end = 1 + text.len() + CRLF_LEN;
                Ok(Token::Leaf { end })
            } else {
                Err(Stop::Wrong(FrameError::Malformed(kind)))
            }
        }
        b'$' | b'!' | b'=' => blob(kind, rest),
        b'*' | b'%' | b'~' | b'>' | b'|' => aggregate(kind, rest),
        b';' | b'.' => Err(Stop::Wrong(FrameError::Streamed(kind))),
        other => Err(Stop::Wrong(FrameError::UnknownType(other))),
    }
}

/// The text of a one-line value.
fn line(rest: &[u8], scanned: usize) -> Result<&[u8], Stop> {
    let from = scanned.max(1);
    let found = rest[from..]
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'));
    let line_len = found.map_or(rest.len(), |offset| from + offset);
    if line_len > INLINE_LEN_MAX {
        return Err(Stop::Wrong(FrameError::Line));
    }
    match &rest[line_len..] {
        [b'\r', b'\n', ..] => Ok(&rest[1..line_len]),
        [] | [b'\r'] => Err(Stop::Short {
            need: line_len + CRLF_LEN,
            scanned: line_len,
        }),
        _ => Err(Stop::Wrong(FrameError::Line)),
    }
}

/// The length of the bulk string at the start of `rest`, if it is a short one and all there.
#[inline]
fn whole_bulk(rest: &[u8]) -> Option<usize> {
    let (len, line_len) = number::short_len(rest);
    let payload_end = line_len + len;
    let is_whole = line_len > 0
        && rest[0] == b'$'
        && rest[line_len - 1] == b'\n'
        && rest.get(payload_end..payload_end + CRLF_LEN) == Some(b"\r\n");
    is_whole.then_some(payload_end + CRLF_LEN)
}

fn blob(kind: u8, rest: &[u8]) -> Result<Token, Stop> {
    let (len, start) = match length(kind, rest)? {
        (Some(len), start) => (len, start),
        (None, end) if kind == b'$' => return Ok(Token::Leaf { end }),
        (None, _) => return Err(Stop::Wrong(FrameError::Length)),
    };
    if len > BULK_LEN_MAX as u64 {
        return Err(Stop::Wrong(FrameError::Length));
    }
    let payload_end = start + len as usize;
    let end = payload_end + CRLF_LEN;
    match rest.get(payload_end..) {
        Some([b'\r', b'\n', ..]) => {}
        Some([b'\r'] | []) | None => {
            return Err(Stop::Short {
                need: end,
                scanned: 0,
            });
        }
        Some(_) => return Err(Stop::Wrong(FrameError::Length)),
    }
    if kind == b'=' && rest[start..payload_end].get(3) != Some(&b':') {
        return Err(Stop::Wrong(FrameError::Malformed(kind)));
    }
    Ok(Token::Leaf { end })
}

fn aggregate(kind: u8, rest: &[u8]) -> Result<Token, Stop> {
    let (count, end) = match length(kind, rest)? {
        (Some(count), end) if count <= COUNT_MAX => (count, end),
        (None, end) if kind == b'*' => return Ok(Token::Leaf { end }),
        _ => return Err(Stop::Wrong(FrameError::Length)),
    };
    Ok(match kind {
        _ if count == 0 && kind != b'|' && kind != b'>' => Token::Leaf { end },
        b'|' => Token::Attribute {
            end,
            count: count * 2,
        },
        b'%' => Token::Open {
            end,
            count: count * 2,
        },
        b'>' => Token::Push { end, count },
        _ => Token::Open { end, count },
    })
}

/// The length line at the start of `rest`: the length, `None` for -1, and where the line ends.
fn length(kind: u8, rest: &[u8]) -> Result<(Option<u64>, usize), Stop> {
    let (len, end) = number::short_len(rest);
    if end > 0 && rest[end - 1] == b'\n' {
        Ok((Some(len as u64), end))
    } else {
        unusual_length(kind, rest)
    }
}

#[cold]
fn unusual_length(kind: u8, rest: &[u8]) -> Result<(Option<u64>, usize), Stop> {
    let head = &rest[..rest.len().min(LENGTH_LINE_MAX)];
    if head.get(1) == Some(&b'?') {
        return Err(Stop::Wrong(FrameError::Streamed(kind)));
    }
    let Some(line_len) = head.iter().position(|&byte| byte == b'\r') else {
        return Err(match head.len() {
            LENGTH_LINE_MAX => Stop::Wrong(FrameError::Length),
            len => Stop::Short {
                need: len + 1,
                scanned: 0,
            },
        });
    };
    let end = line_len + CRLF_LEN;
    match rest.get(line_len + 1) {
        None => {
            return Err(Stop::Short {
                need: end,
                scanned: 0,
            });
        }
        Some(b'\n') => {}
        Some(_) => return Err(Stop::Wrong(FrameError::Length)),
    }
    match number::parse_i64(&head[1..line_len]) {
        Some(-1) => Ok((None, end)),
        Some(len @ 0..) => Ok((Some(len.unsigned_abs()), end)),
        _ => Err(Stop::Wrong(FrameError::Length)),
    }
}

/// Whether a one-line value's text is one of its type's.
fn well_formed(kind: u8, text: &[u8]) -> bool {
    match kind {
        b':' => number::parse_i64(text.strip_prefix(b"+").unwrap_or(text)).is_some(),
        b'(' => is_digits(
            text.strip_prefix(b"-")
                .or(text.strip_prefix(b"+"))
                .unwrap_or(text),
        ),
        b',' => number::parse_f64(text).is_some(),
        b'#' => matches!(text, b"t" | b"f"),
        b'_' => text.is_empty(),
        _ => true,
    }
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
