//! Replies off the wire: a resumable decoder that holds no reply's body.
//!
//! Bytes come in whatever pieces the socket gives. Bodies are handed on as they arrive, so that a
//! reply of any size is checked in constant memory; only a cut header line is kept.

/// What a reply was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `+…`
    Simple,
    /// `-…` or `!…`; the text is [`Decoder::error`].
    Error,
    /// `$…` or `=…`, of this many bytes.
    Bulk(usize),
    /// Any kind of nothing.
    Nil,
    /// `*…` of this many items.
    Items(usize),
    /// Numbers, booleans, maps and sets.
    Other,
}

/// What the next bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything was used and no reply ended.
    More,
    /// The last `len` bytes used are the body of a top-level string, or of one of an array of
    /// strings (see [`Decoder::item`]), from `offset` of it on.
    Body {
        /// How much of the body came before.
        offset: usize,
        /// Bytes of it now.
        len: usize,
    },
    /// A reply ended.
    Done(Kind),
    /// A push message ended: an answer to nothing.
    Push,
}

/// The peer doesn't speak the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A reply starts with this byte.
    #[error("a reply starts with byte 0x{0:02x}")]
    Type(u8),
    /// A length is not a number or beyond reason.
    #[error("a length is no number within limits")]
    Length,
    /// A line doesn't end.
    #[error("a line of more than 64 KiB")]
    Line,
    /// A body doesn't end with CR LF.
    #[error("a body runs over its length")]
    Body,
    /// A line is none of memcached's.
    #[error("a line that is no reply of memcached's")]
    Word,
}

pub(crate) const LINE_MAX: usize = 64 << 10;
pub(crate) const BODY_MAX: u64 = 1 << 30;
const ITEMS_MAX: u64 = 1 << 32;

#[derive(Clone, Copy, Debug)]
enum State {
    Line,
    Body {
        offset: usize,
        left: usize,
    },
    /// This many bytes of the CR LF after a body are to come.
    BodyEnd {
        left: u8,
    },
}

/// The state of one connection's replies.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// The start of a line that was cut.
    line: Vec<u8>,
    error: Vec<u8>,
    /// Values still to come before the reply under way is whole; 0 between replies.
    values_left: u64,
    /// What the reply under way is; its first value says.
    kind: Kind,
    push: bool,
    items: Items,
}

/// The items of an outermost array.
#[derive(Clone, Copy, Debug, Default)]
struct Items {
    /// True up to the first item that has items itself.
    flat: bool,
    /// The string under way: its place and its length.
    at: usize,
    length: usize,
    nils: usize,
    /// Items that are neither strings nor nil.
    others: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Line,
            line: Vec::new(),
            error: Vec::new(),
            values_left: 0,
            kind: Kind::Other,
            push: false,
            items: Items::default(),
        }
    }
}

impl Decoder {
    /// Place and length of the array's string that the last [`Step::Body`] is of.
    pub(crate) fn item(&self) -> (usize, usize) {
        (self.items.at, self.items.length)
    }

    /// Items of the last array that are nil, and that are neither nil nor strings.
    pub(crate) fn nils_and_others(&self) -> (usize, usize) {
        (self.items.nils, self.items.others)
    }

    /// The text of the last error reply, without its type byte.
    pub(crate) fn error(&self) -> &[u8] {
        &self.error
    }

    /// True if no reply is under way.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.state, State::Line) && self.values_left == 0 && self.line.is_empty()
    }

    /// Forgets the reply under way.
    pub(crate) fn reset(&mut self) {
        self.state = State::Line;
        self.line.clear();
        self.values_left = 0;
        self.push = false;
    }

    /// Uses bytes from the front of `input` up to the next step; returns how many.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<(usize, Step), DecodeError> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            if rest.is_empty() {
                return Ok((used, Step::More));
            }
            match self.state {
                State::Line => {
                    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                        self.keep(rest)?;
                        return Ok((input.len(), Step::More));
                    };
                    used += end + 1;
                    if let Some(step) = self.line_end(&rest[..=end])? {
                        return Ok((used, step));
                    }
                }
                State::Body { offset, left } => {
                    let len = left.min(rest.len());
                    used += len;
                    self.state = if len == left {
                        State::BodyEnd { left: 2 }
                    } else {
                        State::Body {
                            offset: offset + len,
                            left: left - len,
                        }
                    };
                    self.copy_error(&rest[..len]);
                    let alone = self.values_left == 1 && matches!(self.kind, Kind::Bulk(_));
                    if alone || self.items.flat {
                        return Ok((used, Step::Body { offset, len }));
                    }
                }
                State::BodyEnd { left } => {
                    if rest[0] != b"\n\r"[usize::from(left) - 1] {
                        return Err(DecodeError::Body);
                    }
                    used += 1;
                    self.state = State::BodyEnd { left: left - 1 };
                    if left == 1 {
                        self.state = State::Line;
                        if let Some(step) = self.value_end() {
                            return Ok((used, step));
                        }
                    }
                }
            }
        }
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        self.line.extend_from_slice(piece);
        let first = self.line[0];
        if !b"+-:,#(_$=!*~>%|".contains(&first) {
            Err(DecodeError::Type(first))
        } else if self.line.len() > LINE_MAX {
            Err(DecodeError::Line)
        } else {
            Ok(())
        }
    }

    /// A line ended, with `piece` as its last part.
    fn line_end(&mut self, piece: &[u8]) -> Result<Option<Step>, DecodeError> {
        if self.line.is_empty() {
            return self.header(piece);
        }
        self.keep(piece)?;
        let line = std::mem::take(&mut self.line);
        let step = self.header(&line);
        self.line = line;
        self.line.clear();
        step
    }

    /// One header line, its end included.
    fn header(&mut self, line: &[u8]) -> Result<Option<Step>, DecodeError> {
        let line = line
            .strip_suffix(b"\r\n")
            .ok_or(DecodeError::Type(line[0]))?;
        let (&first, text) = line.split_first().ok_or(DecodeError::Type(b'\r'))?;
        let outermost = self.values_left == 0;
        if outermost {
            self.values_left = 1;
            self.push = false;
            self.kind = Kind::Other;
            self.items.flat = false;
        }
        let kind = match first {
            b'+' => Kind::Simple,
            b'-' => {
                self.keep_error(outermost, text);
                Kind::Error
            }
            b':' | b',' | b'#' | b'(' => Kind::Other,
            b'_' => Kind::Nil,
            b'$' | b'=' | b'!' if text != b"-1" => {
                let length = decimal(text, BODY_MAX)?;
                self.state = State::Body {
                    offset: 0,
                    left: length,
                };
                if length == 0 {
                    self.state = State::BodyEnd { left: 2 };
                }
                if outermost && first == b'!' {
                    self.error.clear();
                    self.kind = Kind::Error;
                } else if outermost {
                    self.kind = Kind::Bulk(length);
                }
                return Ok(self.item_begins(length));
            }
            b'*' | b'~' | b'>' | b'%' | b'|' if text != b"-1" => {
                let items = decimal(text, ITEMS_MAX)? as u64;
                self.push |= outermost && first == b'>';
                self.array_begins(outermost && first == b'*', outermost, items);
                // An attribute comes before the value it belongs to.
                let values = match first {
                    b'%' => 2 * items,
                    b'|' => 2 * items + 1,
                    _ => items,
                };
                self.values_left = self
                    .values_left
                    .checked_add(values)
                    .ok_or(DecodeError::Length)?;
                return Ok(self.value_end());
            }
            b'$' | b'*' => Kind::Nil,
            other => return Err(DecodeError::Type(other)),
        };
        if outermost {
            self.kind = kind;
        } else if kind == Kind::Nil {
            self.items.nils += 1;
        } else {
            self.items.others += 1;
        }
        Ok(self.value_end())
    }

    fn array_begins(&mut self, whole: bool, outermost: bool, items: u64) {
        if whole {
            self.kind = Kind::Items(items as usize);
            self.items = Items {
                flat: true,
                ..Items::default()
            };
        } else if !outermost {
            self.items.flat = false;
            self.items.others += 1;
        }
    }

    /// A string begins; an empty one of an array has no piece but this.
    fn item_begins(&mut self, length: usize) -> Option<Step> {
        let Kind::Items(items) = self.kind else {
            return None;
        };
        if !self.items.flat {
            return None;
        }
        self.items.at = items.saturating_sub(self.values_left as usize);
        self.items.length = length;
        (length == 0).then_some(Step::Body { offset: 0, len: 0 })
    }

    fn value_end(&mut self) -> Option<Step> {
        self.values_left -= 1;
        if self.values_left > 0 {
            None
        } else if self.push {
            Some(Step::Push)
        } else {
            Some(Step::Done(self.kind))
        }
    }

    fn keep_error(&mut self, outermost: bool, text: &[u8]) {
        if outermost {
            self.error.clear();
            self.error.extend_from_slice(text);
        }
    }

    /// Keeps the body of a `!` error.
    fn copy_error(&mut self, piece: &[u8]) {
        if self.kind == Kind::Error && self.error.len() < LINE_MAX {
            self.error.extend_from_slice(piece);
        }
    }
}

/// The string that `input` begins with, where all of it is there: bytes it takes, and its body.
#[inline]
pub(crate) fn whole_string(input: &[u8]) -> Option<(usize, &[u8])> {
    let text = input.strip_prefix(b"$")?;
    let mut length = 0;
    let mut digits = 0;
    // Longer ones are rare, and nothing is gained for them.
    while let Some(byte @ b'0'..=b'9') = text.get(digits).filter(|_| digits < 6) {
        length = 10 * length + usize::from(byte - b'0');
        digits += 1;
    }
    let body = text[digits..]
        .strip_prefix(b"\r\n")
        .filter(|_| digits > 0)?;
    let (body, rest) = body.split_at_checked(length)?;
    let used = 1 + digits + 2 + length + 2;
    rest.starts_with(b"\r\n").then_some((used, body))
}

pub(crate) fn decimal(text: &[u8], max: u64) -> Result<usize, DecodeError> {
    if text.is_empty() || text.len() > 12 {
        return Err(DecodeError::Length);
    }
    let mut number: u64 = 0;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return Err(DecodeError::Length);
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    if number > max {
        Err(DecodeError::Length)
    } else {
        Ok(number as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the pieces one after the other; returns kinds and bodies of the replies.
    fn feed(pieces: &[&[u8]]) -> Result<Vec<(Step, Vec<u8>)>, DecodeError> {
        let mut decoder = Decoder::default();
        let mut replies = Vec::new();
        let mut body = Vec::new();
        for piece in pieces {
            let mut at = 0;
            loop {
                let (used, step) = decoder.step(&piece[at..])?;
                at += used;
                match step {
                    Step::More => break,
                    Step::Body { offset, len } => {
                        assert_eq!(offset, body.len());
                        body.extend_from_slice(&piece[at - len..at]);
                    }
                    Step::Done(Kind::Error) => {
                        replies.push((step, decoder.error().to_vec()));
                    }
                    step => replies.push((step, std::mem::take(&mut body))),
                }
            }
            assert_eq!(at, piece.len());
        }
        Ok(replies)
    }

    const STREAM: &[u8] = b"+OK\r\n-ERR no\r\n:12\r\n$-1\r\n*-1\r\n_\r\n$3\r\na\nb\r\n$0\r\n\r\n\
        *2\r\n$2\r\nxy\r\n*1\r\n%1\r\n+k\r\n#t\r\n>1\r\n$1\r\nz\r\n|1\r\n+a\r\n+b\r\n+OK\r\n\
        !5\r\nERR x\r\n*0\r\n~1\r\n,1.5\r\n=5\r\ntxt:a\r\n$2\r\n\r\n\r\n+\r\n";

    fn expected() -> Vec<(Step, Vec<u8>)> {
        let reply = |kind, body: &[u8]| (Step::Done(kind), body.to_vec());
        vec![
            reply(Kind::Simple, b""),
            reply(Kind::Error, b"ERR no"),
            reply(Kind::Other, b""),
            reply(Kind::Nil, b""),
            reply(Kind::Nil, b""),
            reply(Kind::Nil, b""),
            reply(Kind::Bulk(3), b"a\nb"),
            reply(Kind::Bulk(0), b""),
            reply(Kind::Items(2), b"xy"),
            (Step::Push, Vec::new()),
            reply(Kind::Other, b""),
            reply(Kind::Error, b"ERR x"),
            reply(Kind::Items(0), b""),
            reply(Kind::Other, b""),
            reply(Kind::Bulk(5), b"txt:a"),
            reply(Kind::Bulk(2), b"\r\n"),
            reply(Kind::Simple, b""),
        ]
    }

    #[test]
    fn replies_split_at_every_byte() {
        assert_eq!(feed(&[STREAM]).unwrap(), expected());
        for cut in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(cut);
            assert_eq!(feed(&[head, tail]).unwrap(), expected(), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(feed(&bytes).unwrap(), expected());
    }

    #[test]
    fn items_of_an_array_are_told_one_by_one_up_to_what_has_items_itself() {
        type Pair = (usize, usize);
        let cases: [(&[u8], &[Pair], Pair); 3] = [
            (
                b"*4\r\n$2\r\nab\r\n$-1\r\n$0\r\n\r\n$1\r\nz\r\n",
                &[(0, 2), (2, 0), (3, 1)],
                (1, 0),
            ),
            (b"*3\r\n:5\r\n_\r\n$1\r\nz\r\n", &[(2, 1)], (1, 1)),
            (
                b"*3\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n$1\r\nc\r\n",
                &[(0, 1)],
                (0, 1),
            ),
        ];
        for (input, expected, rest) in cases {
            for cut in 0..input.len() {
                let mut decoder = Decoder::default();
                let mut items = Vec::new();
                for piece in [&input[..cut], &input[cut..]] {
                    let mut at = 0;
                    while let (used, step) = decoder.step(&piece[at..]).unwrap()
                        && step != Step::More
                    {
                        at += used;
                        if matches!(step, Step::Body { offset: 0, .. }) {
                            items.push(decoder.item());
                        }
                    }
                }
                assert_eq!(items, expected, "cut at {cut}");
                assert_eq!(decoder.nils_and_others(), rest);
            }
        }
    }

    #[test]
    fn a_string_is_told_at_once_where_all_of_it_is_there() {
        let whole = b"$12\r\nhello\r\nworld\r\n+OK\r\n";
        let string = whole.len() - 5;
        for end in 0..=whole.len() {
            let expected = (end >= string).then_some((string, &b"hello\r\nworld"[..]));
            assert_eq!(whole_string(&whole[..end]), expected, "cut at {end}");
        }
        assert_eq!(whole_string(b"$0\r\n\r\n"), Some((6, &b""[..])));
        let others: [&[u8]; 5] = [
            b"$-1\r\n",
            b"$\r\n\r\n",
            b"$2\r\nabc\r\n",
            b"$1x\r\na\r\n",
            b"+OK\r\n",
        ];
        for other in others {
            assert_eq!(whole_string(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let cases: [(&[u8], DecodeError); 8] = [
            (b"HTTP/1.1 400\r\n", DecodeError::Type(b'H')),
            (b"H", DecodeError::Type(b'H')),
            (b"\r\n", DecodeError::Type(b'\r')),
            (b"$x\r\n", DecodeError::Length),
            (b"$-2\r\n", DecodeError::Length),
            (b"$1073741825\r\n", DecodeError::Length),
            (b"$2\r\nabc\r\n", DecodeError::Body),
            (b"*9999999999999\r\n", DecodeError::Length),
        ];
        for (input, error) in cases {
            assert_eq!(feed(&[input]), Err(error), "{input:?}");
        }
        let endless = vec![b'+'; LINE_MAX + 1];
        assert_eq!(feed(&[&endless]), Err(DecodeError::Line));
    }
}
