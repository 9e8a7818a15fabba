//! The fragment coalescer: the parts of one multi-key command, put together in key order.
//!
//! What it keeps is what the parts said: their replies' bytes as they came, so that a nil stays
//! the nil of the client's protocol, and where each key's piece lies in them.

use std::ops::Range;

use crate::buffers::BufferPool;
use crate::command::Fragment;
use crate::dispatch::Split;
use crate::resp::number::parse_i64;
use crate::resp::reply;

/// Answers a command one of whose parts was answered with another kind of reply (F5).
pub const PROTOCOL_ERROR: &[u8] =
    b"-ERR Protocol error: a part of the command got a reply of another kind\r\n";

/// A part of one command, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId(pub u32);

/// Keys `start..end` of the split's positions.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
    open: bool,
}

/// One key's element of an array: `len` bytes at `start` in a kept reply.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    start: u64,
    len: u32,
    reply: u32,
}

/// Puts the replies of a command's parts together (F1 to F5).
///
/// Feed every part with [`part`](Self::part) or [`fail`](Self::fail), in any order; both say
/// whether that was the last. A part whose replicas differed can be
/// [divided](Self::divide) into parts of one key each. Then [`write`](Self::write) and
/// [`release`](Self::release).
#[derive(Debug)]
pub struct FragmentCoalescer {
    fragment: Fragment,
    positions: Vec<u32>,
    parts: Vec<Part>,
    open_count: usize,
    /// MGET: by key position.
    pieces: Vec<Piece>,
    /// MGET: whole replies.
    replies: Vec<Vec<u8>>,
    sum: i64,
    /// The first error by key order, and its part's first key.
    error: Option<(u32, Vec<u8>)>,
}

impl FragmentCoalescer {
    /// All parts of `split` are open.
    #[must_use]
    pub fn new(fragment: Fragment, split: Split) -> Self {
        let mut start = 0;
        let parts: Vec<Part> = split
            .ends
            .iter()
            .map(|&end| Part {
                start: std::mem::replace(&mut start, end),
                end,
                open: true,
            })
            .collect();
        let piece_count = match fragment {
            Fragment::Mget => split.positions.len(),
            Fragment::Sum | Fragment::Mset => 0,
        };
        Self {
            fragment,
            positions: split.positions,
            open_count: parts.len(),
            parts,
            pieces: vec![Piece::default(); piece_count],
            replies: Vec::new(),
            sum: 0,
            error: None,
        }
    }

    /// The parts that have not been answered.
    pub fn open_parts(&self) -> impl Iterator<Item = PartId> + '_ {
        let numbered = (0..).map(PartId).zip(&self.parts);
        numbered.filter(|(_, part)| part.open).map(|(id, _)| id)
    }

    /// The key positions of a part, ascending: what its request holds, in this order.
    #[must_use]
    pub fn positions(&self, part: PartId) -> &[u32] {
        let Part { start, end, .. } = self.parts[part.0 as usize];
        &self.positions[start as usize..end as usize]
    }

    /// Takes a part's reply. `true`: every part is in. A part's second reply is ignored.
    pub fn part(&mut self, part: PartId, reply: &[u8], pool: &mut BufferPool) -> bool {
        if !self.close(part) {
            return false;
        }
        let understood = match (reply.first(), self.fragment) {
            (Some(b'-' | b'!'), _) => {
                self.note_error(part, reply, pool);
                true
            }
            (_, Fragment::Mget) => self.keep_elements(part, reply, pool),
            (_, Fragment::Sum) => self.add(reply),
            (_, Fragment::Mset) => reply == b"+OK\r\n",
        };
        if !understood {
            self.note_error(part, PROTOCOL_ERROR, pool);
        }
        self.open_count == 0
    }

    /// The part got no reply; `error` is the encoded error the client would get for it. `true`:
    /// every part is in.
    pub fn fail(&mut self, part: PartId, error: &[u8], pool: &mut BufferPool) -> bool {
        if !self.close(part) {
            return false;
        }
        self.note_error(part, error, pool);
        self.open_count == 0
    }

    /// Replaces an open part by new ones of one key each; their numbers.
    pub fn divide(&mut self, part: PartId) -> Range<u32> {
        let first = self.parts.len() as u32;
        if self.close(part) {
            let Part { start, end, .. } = self.parts[part.0 as usize];
            let singles = (start..end).map(|start| Part {
                start,
                end: start + 1,
                open: true,
            });
            self.parts.extend(singles);
            self.open_count += (end - start) as usize;
        }
        first..self.parts.len() as u32
    }

    /// Whether every part is in.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.open_count == 0
    }

    /// Appends the command's reply; every part must be in.
    pub fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.is_complete());
        if let Some((_, error)) = &self.error {
            out.extend_from_slice(error);
            return;
        }
        match self.fragment {
            Fragment::Mset => out.extend_from_slice(b"+OK\r\n"),
            Fragment::Sum => reply::integer(out, self.sum),
            Fragment::Mget => {
                reply::array_header(out, self.pieces.len());
                for piece in &self.pieces {
                    let start = piece.start as usize;
                    let bytes = &self.replies[piece.reply as usize];
                    out.extend_from_slice(&bytes[start..start + piece.len as usize]);
                }
            }
        }
    }

    /// Gives the buffers back; the command is over.
    pub fn release(self, pool: &mut BufferPool) {
        for reply in self.replies {
            pool.give(reply);
        }
        if let Some((_, error)) = self.error {
            pool.give(error);
        }
    }

    fn close(&mut self, part: PartId) -> bool {
        let part = &mut self.parts[part.0 as usize];
        let was_open = std::mem::replace(&mut part.open, false);
        self.open_count -= usize::from(was_open);
        was_open
    }

    fn note_error(&mut self, part: PartId, error: &[u8], pool: &mut BufferPool) {
        let position = self.positions(part)[0];
        if self
            .error
            .as_ref()
            .is_some_and(|&(first, _)| first <= position)
        {
            return;
        }
        if let Some((_, later)) = self.error.replace((position, pool.copy(error))) {
            pool.give(later);
        }
    }

    fn add(&mut self, reply: &[u8]) -> bool {
        let Some(count) = line(reply, 0, b':').filter(|&(_, end)| end == reply.len()) else {
            return false;
        };
        self.sum = self.sum.saturating_add(count.0);
        true
    }

    /// Keeps an array of one bulk string or nil for each of the part's keys.
    fn keep_elements(&mut self, part: PartId, reply: &[u8], pool: &mut BufferPool) -> bool {
        let Part { start, end, .. } = self.parts[part.0 as usize];
        let Some((count, mut at)) = line(reply, 0, b'*') else {
            return false;
        };
        if count != i64::from(end - start) {
            return false;
        }
        let kept = self.replies.len() as u32;
        for &position in &self.positions[start as usize..end as usize] {
            let Some(after) = element_end(reply, at) else {
                return false;
            };
            self.pieces[position as usize] = Piece {
                start: at as u64,
                len: (after - at) as u32,
                reply: kept,
            };
            at = after;
        }
        if at != reply.len() {
            return false;
        }
        self.replies.push(pool.copy(reply));
        true
    }
}

/// The end of the bulk string or nil at `at`.
fn element_end(reply: &[u8], at: usize) -> Option<usize> {
    if reply[at..].starts_with(b"_\r\n") {
        return Some(at + 3);
    }
    let (len, body) = line(reply, at, b'$')?;
    if len == -1 {
        return Some(body);
    }
    let end = body.checked_add(usize::try_from(len).ok()?)?;
    let terminator = reply.get(end..end.checked_add(2)?)?;
    (terminator == b"\r\n").then_some(end + 2)
}

/// The number of the line `<mark><number>\r\n` at `at`, and where the line ends.
fn line(reply: &[u8], at: usize, mark: u8) -> Option<(i64, usize)> {
    let rest = reply.get(at..)?.strip_prefix(&[mark])?;
    // The longest number has 20 characters.
    let len = rest.iter().take(21).position(|&byte| byte == b'\r')?;
    let number = parse_i64(&rest[..len])?;
    (rest.get(len + 1) == Some(&b'\n')).then_some((number, at + 1 + len + 2))
}
