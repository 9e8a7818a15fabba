//! Requests: the parser that finds where one ends and where its arguments lie, and the encoder.
//!
//! The parser remembers how far it came: bytes once parsed are not looked at again, however the
//! request is cut. It accepts what Redis 7.0 accepts and refuses with its words; a declared length
//! costs nothing until its bytes are there.

use std::fmt;

use thiserror::Error;

use super::inline::{InlineFrame, Unbalanced};
use super::number;
use super::reply;
use crate::limits::{ARGS_MAX, BULK_LEN_MAX, INLINE_LEN_MAX, REQUEST_LEN_MAX};

/// Argument slots (and bytes of inline text) that a parser keeps between requests.
const ARGS_KEPT_MAX: usize = 4096;
/// What follows every length and every payload.
const CRLF_LEN: usize = 2;

/// Where an argument lies, in bytes from the start of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgRange {
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

impl ArgRange {
    /// A range of a frame that is no longer than [`REQUEST_LEN_MAX`].
    pub(super) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Self {
            start: start as u32,
            end: end as u32,
        }
    }
}

/// One request: its frame as a RESP array, and where the arguments lie in it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    frame: &'a [u8],
    args: &'a [ArgRange],
}

impl<'a> Request<'a> {
    /// A request whose ranges were found in this frame before.
    #[must_use]
    pub fn new(frame: &'a [u8], args: &'a [ArgRange]) -> Self {
        Self { frame, args }
    }

    /// The bytes to forward: always an array of bulk strings, also for an inline command.
    #[must_use]
    pub fn frame(&self) -> &'a [u8] {
        self.frame
    }

    /// Where the arguments lie in [`frame`](Self::frame).
    #[must_use]
    pub fn ranges(&self) -> &'a [ArgRange] {
        self.args
    }

    /// The argument at a position; the command's name is at 0.
    ///
    /// # Panics
    /// When there is no such argument, as a slice does.
    #[inline]
    #[must_use]
    pub fn arg(&self, index: usize) -> &'a [u8] {
        let range = self.args[index];
        &self.frame[range.start as usize..range.end as usize]
    }

    /// The argument at a position, if the request has so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        (index < self.args.len()).then(|| self.arg(index))
    }

    /// How many arguments there are, the command's name included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there is nothing at all, not even a name. The parser gives no such request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The arguments in order, the command's name first.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        let frame = self.frame;
        self.args
            .iter()
            .map(move |range| &frame[range.start as usize..range.end as usize])
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|arg| arg.escape_ascii().to_string()))
            .finish()
    }
}

/// What a connection's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// No whole request yet.
    Incomplete {
        /// Bytes from the start of the frame without which parsing can't go on; more may be needed.
        need: usize,
    },
    /// A request of this many bytes; [`RequestParser::request`] gives it.
    Request {
        /// Bytes to take off the buffer.
        len: usize,
    },
    /// Nothing to answer: a blank line, `*0` or `*-1`.
    Empty {
        /// Bytes to take off the buffer.
        len: usize,
    },
    /// Not RESP: the connection gets the error and is closed.
    Invalid(ProtocolError),
}

/// Why a connection's bytes are no request, in Redis' words.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProtocolError {
    /// An inline command whose line is too long.
    #[error("Protocol error: too big inline request")]
    InlineTooBig,
    /// An inline command with a quote that is not closed, or closed in front of more text.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// A count of arguments on a line that is too long.
    #[error("Protocol error: too big mbulk count string")]
    CountLineTooBig,
    /// A count of arguments that is no number, or above the cap.
    #[error("Protocol error: invalid multibulk length")]
    InvalidCount,
    /// An argument's length on a line that is too long.
    #[error("Protocol error: too big bulk count string")]
    BulkLineTooBig,
    /// An argument that does not start as a bulk string.
    #[error("Protocol error: expected '$', got '{}'", char::from(printable(*.0)))]
    ExpectedBulk(u8),
    /// An argument's length that is no number, negative, or above the cap.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLen,
    /// A whole request above the cap.
    #[error("Protocol error: too big request")]
    RequestTooBig,
}

impl ProtocolError {
    /// Writes the error reply after which the connection is closed.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut text = format!("ERR {self}").into_bytes();
        if let Self::ExpectedBulk(byte) = self {
            // As it came, also where the text has a stand-in.
            let quoted_at = text.len() - 2;
            text[quoted_at] = byte;
        }
        reply::error_bytes(out, &text);
    }
}

/// A byte as it may stand in a log line.
fn printable(byte: u8) -> u8 {
    match byte {
        0x20..=0x7e => byte,
        _ => b'?',
    }
}

/// How far the current frame has been parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its first line is not complete.
    Start,
    /// At the line with an argument's length.
    BulkLen,
    /// At an argument of this length.
    Payload(usize),
    /// Given away; the next bytes are a new frame's.
    Done,
    /// No request; nothing after it is looked at.
    Broken(ProtocolError),
}

/// Finds requests in a connection's bytes. One per connection; it lives as long.
#[derive(Debug)]
pub struct RequestParser {
    stage: Stage,
    /// The first byte not yet parsed, from the start of the frame.
    at: usize,
    /// How many bytes from `at` on are known to hold no line end.
    scanned: usize,
    /// Arguments still to come.
    missing: usize,
    args: Vec<ArgRange>,
    inline: InlineFrame,
    bulk_len_max: usize,
}

impl Default for RequestParser {
    fn default() -> Self {
        Self::with_bulk_len_max(BULK_LEN_MAX)
    }
}

impl RequestParser {
    /// A parser at the start of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser with its own cap on one argument (`proto-max-bulk-len`), in bytes.
    #[must_use]
    pub fn with_bulk_len_max(bulk_len_max: usize) -> Self {
        Self {
            stage: Stage::Start,
            at: 0,
            scanned: 0,
            missing: 0,
            args: Vec::new(),
            inline: InlineFrame::default(),
            bulk_len_max,
        }
    }

    /// Forgets the frame under way, and gives back memory that an unusually large one had taken.
    #[inline]
    pub fn reset(&mut self) {
        self.stage = Stage::Start;
        self.at = 0;
        self.scanned = 0;
        self.missing = 0;
        self.args.clear();
        self.inline.clear();
        if self.args.capacity() > ARGS_KEPT_MAX || self.inline.capacity() > ARGS_KEPT_MAX {
            self.give_back();
        }
    }

    #[cold]
    fn give_back(&mut self) {
        self.args.shrink_to(ARGS_KEPT_MAX);
        self.inline.shrink(ARGS_KEPT_MAX);
    }

    /// Parses on. `buf` starts at the frame's first byte, in every call until the frame is done;
    /// after `Request` or `Empty` the caller has taken `len` bytes off, and a new frame starts.
    pub fn parse(&mut self, buf: &[u8]) -> Parsed {
        if self.stage == Stage::Done {
            self.reset();
        }
        if self.stage == Stage::Start && self.parse_usual(buf) {
            self.stage = Stage::Done;
            return Parsed::Request { len: self.at };
        }
        self.parse_on(buf)
    }

    /// The whole of a usual request in one go: an array of short arguments that are all there.
    /// If it isn't one, what could be taken has been.
    #[inline]
    fn parse_usual(&mut self, buf: &[u8]) -> bool {
        if self.scanned > 0 || buf.first() != Some(&b'*') {
            return false;
        }
        let (count, line_len) = number::short_len(buf);
        if line_len == 0 || count == 0 {
            return false;
        }
        self.stage = Stage::BulkLen;
        self.at = line_len;
        self.missing = count;
        self.take_whole_args(buf);
        self.missing == 0
    }

    /// From wherever the frame stands, whatever comes.
    #[inline(never)]
    fn parse_on(&mut self, buf: &[u8]) -> Parsed {
        let parsed = match self.stage {
            Stage::Broken(error) => Parsed::Invalid(error),
            Stage::Start | Stage::Done => self.parse_start(buf),
            Stage::BulkLen | Stage::Payload(_) => self.parse_args(buf),
        };
        match parsed {
            Parsed::Incomplete { .. } => {}
            Parsed::Request { .. } | Parsed::Empty { .. } => self.stage = Stage::Done,
            Parsed::Invalid(error) => self.stage = Stage::Broken(error),
        }
        parsed
    }

    /// Where the arguments of the request just found lie in its frame.
    #[must_use]
    pub fn args(&self) -> &[ArgRange] {
        &self.args
    }

    /// The request just found. `buf` is the buffer that was parsed.
    #[must_use]
    pub fn request<'a>(&'a self, buf: &'a [u8]) -> Request<'a> {
        debug_assert_eq!(self.stage, Stage::Done);
        let frame = match self.inline.frame() {
            [] => &buf[..self.at],
            rewritten => rewritten,
        };
        Request::new(frame, &self.args)
    }

    fn parse_start(&mut self, buf: &[u8]) -> Parsed {
        match buf.first() {
            None => return Parsed::Incomplete { need: 1 },
            Some(b'*') => {}
            Some(_) => return self.parse_inline(buf),
        }
        match self.parse_count(buf) {
            Ok(0) => Parsed::Empty { len: self.at },
            Ok(count) => {
                self.missing = count;
                self.stage = Stage::BulkLen;
                self.parse_args(buf)
            }
            Err(stop) => stop,
        }
    }

    /// `*3\r\n`; a negative count is none at all.
    fn parse_count(&mut self, buf: &[u8]) -> Result<usize, Parsed> {
        match self.any_len(buf, ProtocolError::CountLineTooBig)? {
            Some(count) if count <= ARGS_MAX as i64 => Ok(usize::try_from(count).unwrap_or(0)),
            _ => Err(Parsed::Invalid(ProtocolError::InvalidCount)),
        }
    }

    /// The arguments that are there, up to the last of the frame.
    fn parse_args(&mut self, buf: &[u8]) -> Parsed {
        loop {
            if self.stage == Stage::BulkLen && self.scanned == 0 {
                self.take_whole_args(buf);
            }
            if self.missing == 0 {
                return Parsed::Request { len: self.at };
            }
            if let Err(stop) = self.parse_arg(buf) {
                return stop;
            }
        }
    }

    /// Takes arguments as long as they are all there and their lengths are short ones. What isn't
    /// so (a long length, the end of the buffer, nonsense) is left to [`parse_arg`](Self::parse_arg).
    #[inline]
    fn take_whole_args(&mut self, buf: &[u8]) {
        let usable = &buf[..buf.len().min(REQUEST_LEN_MAX)];
        let mut at = self.at;
        let mut missing = self.missing;
        while missing > 0 {
            let Some((start, end)) = whole_arg(usable, at, self.bulk_len_max) else {
                break;
            };
            self.args.push(ArgRange::new(start, end));
            at = end + CRLF_LEN;
            missing -= 1;
        }
        self.at = at;
        self.missing = missing;
    }

    /// The next argument, however far it had come.
    #[cold]
    fn parse_arg(&mut self, buf: &[u8]) -> Result<(), Parsed> {
        let len = match self.stage {
            Stage::Payload(len) => len,
            _ => self.parse_bulk_len(buf)?,
        };
        let end = self.at + len;
        if buf.len() < end + CRLF_LEN {
            self.stage = Stage::Payload(len);
            let need = end + CRLF_LEN;
            return Err(Parsed::Incomplete { need });
        }
        self.args.push(ArgRange::new(self.at, end));
        self.at = end + CRLF_LEN;
        self.missing -= 1;
        self.stage = Stage::BulkLen;
        Ok(())
    }

    /// `$5\r\n`
    fn parse_bulk_len(&mut self, buf: &[u8]) -> Result<usize, Parsed> {
        match buf.get(self.at) {
            Some(b'$') => {}
            Some(&other) => return Err(Parsed::Invalid(ProtocolError::ExpectedBulk(other))),
            None => return Err(Parsed::Incomplete { need: self.at + 1 }),
        }
        let len = self
            .any_len(buf, ProtocolError::BulkLineTooBig)?
            .and_then(|len| usize::try_from(len).ok())
            .filter(|len| *len <= self.bulk_len_max)
            .ok_or(Parsed::Invalid(ProtocolError::InvalidBulkLen))?;
        if self.at + len + CRLF_LEN > REQUEST_LEN_MAX {
            return Err(Parsed::Invalid(ProtocolError::RequestTooBig));
        }
        Ok(len)
    }

    /// The number on a line of any length, `None` if it is none; moves past the line.
    /// Like Redis' own parser it takes the byte after `\r` for the `\n` without a look.
    #[cold]
    fn any_len(&mut self, buf: &[u8], too_big: ProtocolError) -> Result<Option<i64>, Parsed> {
        let line_len = self.find(buf, b'\r', too_big)?;
        let line_end = self.at + line_len;
        if buf.len() < line_end + CRLF_LEN {
            self.scanned = line_len;
            let need = line_end + CRLF_LEN;
            return Err(Parsed::Incomplete { need });
        }
        let value = number::parse_i64(&buf[self.at + 1..line_end]);
        self.at = line_end + CRLF_LEN;
        self.scanned = 0;
        Ok(value)
    }

    /// How many bytes lie between `at` and the next `end_byte`.
    fn find(&mut self, buf: &[u8], end_byte: u8, too_big: ProtocolError) -> Result<usize, Parsed> {
        let from = self.at + self.scanned;
        let found = buf[from..].iter().position(|&byte| byte == end_byte);
        let line_len = found.map_or(buf.len(), |offset| from + offset) - self.at;
        if line_len > INLINE_LEN_MAX {
            return Err(Parsed::Invalid(too_big));
        }
        if found.is_none() {
            self.scanned = line_len;
            let need = buf.len() + 1;
            return Err(Parsed::Incomplete { need });
        }
        Ok(line_len)
    }

    #[cold]
    fn parse_inline(&mut self, buf: &[u8]) -> Parsed {
        let line_len = match self.find(buf, b'\n', ProtocolError::InlineTooBig) {
            Ok(line_len) => line_len,
            Err(stop) => return stop,
        };
        let line = &buf[..line_len];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Err(Unbalanced) = self.inline.rewrite(line, &mut self.args) {
            return Parsed::Invalid(ProtocolError::UnbalancedQuotes);
        }
        self.at = line_len + 1;
        if self.args.is_empty() {
            Parsed::Empty { len: self.at }
        } else {
            Parsed::Request { len: self.at }
        }
    }
}

/// Where the argument at `at` lies, when all of it is there and its length is a short one.
#[inline]
fn whole_arg(buf: &[u8], at: usize, len_max: usize) -> Option<(usize, usize)> {
    let rest = buf.get(at..)?;
    let (len, line_len) = number::short_len(rest);
    let start = at + line_len;
    let end = start + len;
    let is_whole = line_len > 0 && rest[0] == b'$' && len <= len_max && end + CRLF_LEN <= buf.len();
    is_whole.then_some((start, end))
}

/// Appends a request as an array of bulk strings.
pub fn encode<'a>(
    args: impl IntoIterator<Item = &'a [u8], IntoIter: ExactSizeIterator>,
    out: &mut Vec<u8>,
) {
    let args = args.into_iter();
    reply::array_header(out, args.len());
    for arg in args {
        reply::bulk(out, arg);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_count_reserves_nothing() {
        let mut parser = RequestParser::new();
        let head = b"*1048576\r\n$536870912\r\n";
        let need = head.len() + BULK_LEN_MAX + CRLF_LEN;
        assert_eq!(parser.parse(head), Parsed::Incomplete { need });
        assert_eq!(parser.args.capacity(), 0);
    }

    #[test]
    fn memory_of_a_huge_request_is_given_back() {
        let mut frame = Vec::new();
        let words = vec![&b"x"[..]; ARGS_KEPT_MAX * 4];
        encode(words.iter().copied(), &mut frame);
        let mut parser = RequestParser::new();
        assert_eq!(parser.parse(&frame), Parsed::Request { len: frame.len() });
        assert_eq!(parser.args().len(), words.len());
        assert_eq!(parser.parse(b""), Parsed::Incomplete { need: 1 });
        assert!(parser.args.capacity() <= ARGS_KEPT_MAX);
    }

    #[test]
    fn a_request_keeps_to_its_cap() {
        let mut parser = RequestParser::new();
        let len = 90_000_000;
        let argument = format!("${len}\r\n");
        let mut frame = b"*100\r\n".to_vec();
        // The payloads' bytes are not looked at: pretend that the earlier ones have been parsed.
        frame.extend_from_slice(argument.as_bytes());
        assert!(matches!(parser.parse(&frame), Parsed::Incomplete { .. }));
        parser.at = REQUEST_LEN_MAX - len;
        parser.stage = Stage::BulkLen;
        let mut far = vec![0; parser.at];
        far.extend_from_slice(argument.as_bytes());
        let refused = Parsed::Invalid(ProtocolError::RequestTooBig);
        assert_eq!(parser.parse(&far), refused);
    }
}
