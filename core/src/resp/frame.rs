//! Where a reply ends: any RESP2 or RESP3 value, nested, without recursion.

use thiserror::Error;

use super::number;
use crate::limits::{BULK_LEN_MAX, INLINE_LEN_MAX, REPLY_DEPTH_MAX};

/// Most values in one aggregate, as Redis' own clients cap it.
const COUNT_MAX: u64 = i32::MAX as u64;
/// The longest line with a length on it: type, sign, digits, line end, and room for nothing else.
const LENGTH_LINE_MAX: usize = 24;

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
#[must_use]
pub fn frame(buf: &[u8]) -> FrameEnd {
    Framer::default().advance(buf)
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

/// What stands at a place of a reply.
enum Token {
    /// A value that ends there.
    Leaf { end: usize },
    /// The header of an aggregate of so many values.
    Open { end: usize, count: u64 },
    /// The header of an attribute: its values stand before the value they describe.
    Attribute { end: usize, count: u64 },
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
            match self.token(buf) {
                Ok(token) => {
                    if let Err(error) = self.take(token) {
                        return FrameEnd::Invalid(error);
                    }
                }
                Err(stop) => return stop,
            }
            if self.is_complete() {
                return FrameEnd::Complete { len: self.at };
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.depth == 0 && self.missing[0] == 0
    }

    /// Moves past a token, opens what it opens and closes what it completes.
    fn take(&mut self, token: Token) -> Result<(), FrameError> {
        self.scanned = 0;
        let (end, opened) = match token {
            Token::Leaf { end } => {
                self.missing[self.depth] -= 1;
                (end, None)
            }
            Token::Open { end, count } => {
                self.missing[self.depth] -= 1;
                (end, Some(count))
            }
            Token::Attribute { end, count } => (end, Some(count)),
        };
        self.at = end;
        if let Some(count) = opened {
            self.depth += 1;
            *self.missing.get_mut(self.depth).ok_or(FrameError::Depth)? = count;
        }
        while self.depth > 0 && self.missing[self.depth] == 0 {
            self.depth -= 1;
        }
        Ok(())
    }

    fn token(&mut self, buf: &[u8]) -> Result<Token, FrameEnd> {
        let rest = &buf[self.at..];
        let Some(&kind) = rest.first() else {
            return Err(FrameEnd::Incomplete { need: self.at + 1 });
        };
        match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => {
                let text = self.line(rest)?;
                let end = self.at + 1 + text.len() + 2;
                if well_formed(kind, text) {
                    Ok(Token::Leaf { end })
                } else {
                    Err(FrameEnd::Invalid(FrameError::Malformed(kind)))
                }
            }
            b'$' | b'!' | b'=' => self.blob(kind, rest),
            b'*' | b'%' | b'~' | b'>' | b'|' => self.aggregate(kind, rest),
            b';' | b'.' => Err(FrameEnd::Invalid(FrameError::Streamed(kind))),
            other => Err(FrameEnd::Invalid(FrameError::UnknownType(other))),
        }
    }

    /// The text of a one-line value.
    fn line<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], FrameEnd> {
        let from = self.scanned.max(1);
        let found = rest[from..]
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'));
        let line_len = found.map_or(rest.len(), |offset| from + offset);
        if line_len > INLINE_LEN_MAX {
            return Err(FrameEnd::Invalid(FrameError::Line));
        }
        match &rest[line_len..] {
            [b'\r', b'\n', ..] => Ok(&rest[1..line_len]),
            [] | [b'\r'] => {
                self.scanned = line_len;
                Err(FrameEnd::Incomplete {
                    need: self.at + line_len + 2,
                })
            }
            _ => Err(FrameEnd::Invalid(FrameError::Line)),
        }
    }

    fn blob(&self, kind: u8, rest: &[u8]) -> Result<Token, FrameEnd> {
        let (len, start) = match self.length(kind, rest)? {
            (Some(len), start) => (len, start),
            (None, end) if kind == b'$' => return Ok(Token::Leaf { end: self.at + end }),
            (None, _) => return Err(FrameEnd::Invalid(FrameError::Length)),
        };
        if len > BULK_LEN_MAX as u64 {
            return Err(FrameEnd::Invalid(FrameError::Length));
        }
        let end = start + len as usize;
        match rest.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            Some([b'\r'] | []) | None => {
                return Err(FrameEnd::Incomplete {
                    need: self.at + end + 2,
                });
            }
            Some(_) => return Err(FrameEnd::Invalid(FrameError::Length)),
        }
        if kind == b'=' && rest[start..end].get(3) != Some(&b':') {
            return Err(FrameEnd::Invalid(FrameError::Malformed(kind)));
        }
        Ok(Token::Leaf {
            end: self.at + end + 2,
        })
    }

    fn aggregate(&self, kind: u8, rest: &[u8]) -> Result<Token, FrameEnd> {
        let (count, end) = match self.length(kind, rest)? {
            (Some(count), end) => (count, self.at + end),
            (None, end) if kind == b'*' => return Ok(Token::Leaf { end: self.at + end }),
            (None, _) => return Err(FrameEnd::Invalid(FrameError::Length)),
        };
        if count > COUNT_MAX {
            return Err(FrameEnd::Invalid(FrameError::Length));
        }
        match kind {
            b'|' => Ok(Token::Attribute {
                end,
                count: count * 2,
            }),
            b'%' => Ok(Token::Open {
                end,
                count: count * 2,
            }),
            b'>' if self.depth > 0 => Err(FrameEnd::Invalid(FrameError::NestedPush)),
            _ => Ok(Token::Open { end, count }),
        }
    }

    /// The length line at the start of `rest`: the length, `None` for -1, and where the line ends.
    fn length(&self, kind: u8, rest: &[u8]) -> Result<(Option<u64>, usize), FrameEnd> {
        let head = &rest[..rest.len().min(LENGTH_LINE_MAX)];
        let Some(line_len) = head.iter().position(|&byte| byte == b'\r') else {
            return Err(if head.get(1) == Some(&b'?') {
                FrameEnd::Invalid(FrameError::Streamed(kind))
            } else if head.len() == LENGTH_LINE_MAX {
                FrameEnd::Invalid(FrameError::Length)
            } else {
                FrameEnd::Incomplete {
                    need: self.at + head.len() + 1,
                }
            });
        };
        if head.get(1) == Some(&b'?') {
            return Err(FrameEnd::Invalid(FrameError::Streamed(kind)));
        }
        let end = line_len + 2;
        match rest.get(line_len + 1) {
            None => {
                return Err(FrameEnd::Incomplete {
                    need: self.at + end,
                });
            }
            Some(b'\n') => {}
            Some(_) => return Err(FrameEnd::Invalid(FrameError::Length)),
        }
        match number::parse_i64(&head[1..line_len]) {
            Some(-1) => Ok((None, end)),
            Some(len) => match u64::try_from(len) {
                Ok(len) => Ok((Some(len), end)),
                Err(_) => Err(FrameEnd::Invalid(FrameError::Length)),
            },
            None => Err(FrameEnd::Invalid(FrameError::Length)),
        }
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
