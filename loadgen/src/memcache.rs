//! Replies of memcached's text protocol, as the same steps that [`decode`](crate::decode) gives.
//!
//! ```text
//! get, gets   (VALUE key flags bytes [cas] CRLF body CRLF)* END
//! set …       STORED, NOT_STORED, EXISTS, NOT_FOUND      delete  DELETED, NOT_FOUND
//! touch       TOUCHED, NOT_FOUND                          any     ERROR, CLIENT_ERROR …, SERVER_ERROR …
//! ```

use crate::decode::{BODY_MAX, DecodeError, Kind, LINE_MAX, Step, decimal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Bytes of the last value of the reply under way.
    value: Option<usize>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Line,
            line: Vec::new(),
            error: Vec::new(),
            value: None,
        }
    }
}

impl Decoder {
    /// The text of the last error reply.
    pub(crate) fn error(&self) -> &[u8] {
        &self.error
    }

    /// Forgets the reply under way.
    pub(crate) fn reset(&mut self) {
        self.state = State::Line;
        self.line.clear();
        self.value = None;
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
                    let end = rest.iter().position(|&byte| byte == b'\n');
                    let piece = end.map_or(rest, |end| &rest[..=end]);
                    if self.line.len() + piece.len() > LINE_MAX {
                        return Err(DecodeError::Line);
                    }
                    used += piece.len();
                    if end.is_none() {
                        self.line.extend_from_slice(piece);
                    } else if let Some(kind) = self.line_end(piece)? {
                        self.value = None;
                        return Ok((used, Step::Done(kind)));
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
                    return Ok((used, Step::Body { offset, len }));
                }
                State::BodyEnd { left } => {
                    if rest[0] != b"\n\r"[usize::from(left) - 1] {
                        return Err(DecodeError::Body);
                    }
                    used += 1;
                    self.state = if left == 1 {
                        State::Line
                    } else {
                        State::BodyEnd { left: left - 1 }
                    };
                }
            }
        }
    }

    /// A line ended, with `piece` as its last part; says what the reply was if that ends it.
    fn line_end(&mut self, piece: &[u8]) -> Result<Option<Kind>, DecodeError> {
        if self.line.is_empty() {
            return self.header(piece);
        }
        self.line.extend_from_slice(piece);
        let line = std::mem::take(&mut self.line);
        let kind = self.header(&line);
        self.line = line;
        self.line.clear();
        kind
    }

    fn header(&mut self, line: &[u8]) -> Result<Option<Kind>, DecodeError> {
        let line = line.strip_suffix(b"\r\n").ok_or(DecodeError::Word)?;
        let end = line.iter().position(|&byte| byte == b' ');
        let word = &line[..end.unwrap_or(line.len())];
        let kind = match word {
            b"VALUE" => {
                let size = line.split(|&byte| byte == b' ').nth(3);
                let left = decimal(size.unwrap_or_default(), BODY_MAX)?;
                self.value = Some(left);
                self.state = if left == 0 {
                    State::BodyEnd { left: 2 }
                } else {
                    State::Body { offset: 0, left }
                };
                return Ok(None);
            }
            b"END" => self.value.map_or(Kind::Nil, Kind::Bulk),
            b"STORED" | b"OK" | b"VERSION" => Kind::Simple,
            b"NOT_FOUND" => Kind::Nil,
            b"DELETED" | b"TOUCHED" | b"NOT_STORED" | b"EXISTS" => Kind::Other,
            b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR" => {
                self.error.clear();
                self.error.extend_from_slice(line);
                Kind::Error
            }
            [first, ..] if first.is_ascii_digit() => Kind::Other,
            _ => return Err(DecodeError::Word),
        };
        Ok(Some(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the pieces one after the other; returns kinds and bodies of the replies.
    fn feed(pieces: &[&[u8]]) -> Result<Vec<(Kind, Vec<u8>)>, DecodeError> {
        let mut decoder = Decoder::default();
        let (mut replies, mut body) = (Vec::new(), Vec::new());
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
                        replies.push((Kind::Error, decoder.error().to_vec()));
                    }
                    Step::Done(kind) => replies.push((kind, std::mem::take(&mut body))),
                    Step::Push => panic!("memcached pushes nothing"),
                }
            }
        }
        Ok(replies)
    }

    const STREAM: &[u8] = b"VALUE key:1 0 3\r\na\nb\r\nEND\r\nEND\r\nSTORED\r\nDELETED\r\nNOT_FOUND\r\n\
        VALUE k 5 0 77\r\n\r\nEND\r\nSERVER_ERROR out of memory\r\nERROR\r\nTOUCHED\r\n12\r\nVERSION 1.6\r\n";

    #[test]
    fn replies_split_at_every_byte() {
        let expected = [
            (Kind::Bulk(3), &b"a\nb"[..]),
            (Kind::Nil, b""),
            (Kind::Simple, b""),
            (Kind::Other, b""),
            (Kind::Nil, b""),
            (Kind::Bulk(0), b""),
            (Kind::Error, b"SERVER_ERROR out of memory"),
            (Kind::Error, b"ERROR"),
            (Kind::Other, b""),
            (Kind::Other, b""),
            (Kind::Simple, b""),
        ]
        .map(|(kind, body)| (kind, body.to_vec()));
        for cut in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(cut);
            assert_eq!(feed(&[head, tail]).unwrap(), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(feed(&bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let cases: [(&[u8], DecodeError); 5] = [
            (b"+OK\r\n", DecodeError::Word),
            (b"STORED\n", DecodeError::Word),
            (b"VALUE k 0\r\n", DecodeError::Length),
            (b"VALUE k 0 99999999999\r\n", DecodeError::Length),
            (b"VALUE k 0 2\r\nabc\r\n", DecodeError::Body),
        ];
        for (input, error) in cases {
            assert_eq!(feed(&[input]), Err(error), "{input:?}");
        }
        assert_eq!(feed(&[&vec![b'a'; LINE_MAX + 1]]), Err(DecodeError::Line));
    }
}
