//! Inline commands: a line of words with Redis' quoting, rewritten as an array.

use super::reply;
use super::request::ArgRange;

/// A quote is not closed, or closed in front of something else than a blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unbalanced;

/// The last inline command; the buffers are kept for the next one.
#[derive(Debug, Default)]
pub(super) struct InlineFrame {
    /// The words, unquoted, one after the other.
    words: Vec<u8>,
    /// The same as an array of bulk strings.
    frame: Vec<u8>,
}

impl InlineFrame {
    /// Splits a line (without its end) into words and writes them as an array of bulk strings;
    /// `args` gets the words' places in it. A line without a word leaves both empty.
    pub(super) fn rewrite(
        &mut self,
        line: &[u8],
        args: &mut Vec<ArgRange>,
    ) -> Result<(), Unbalanced> {
        self.clear();
        args.clear();
        let mut rest = skip_blanks(line);
        while !rest.is_empty() {
            let start = self.words.len();
            rest = skip_blanks(take_word(rest, &mut self.words)?);
            args.push(ArgRange::new(start, self.words.len()));
        }
        if args.is_empty() {
            return Ok(());
        }
        reply::array_header(&mut self.frame, args.len());
        for arg in args {
            let word = &self.words[arg.start as usize..arg.end as usize];
            reply::bulk(&mut self.frame, word);
            let end = self.frame.len() - 2;
            *arg = ArgRange::new(end - word.len(), end);
        }
        Ok(())
    }

    /// The array; empty when the last request was not an inline command.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.frame.clear();
    }

    /// The larger buffer's.
    pub(super) fn capacity(&self) -> usize {
        self.words.capacity().max(self.frame.capacity())
    }

    /// Gives back memory above `bytes_max`.
    pub(super) fn shrink(&mut self, bytes_max: usize) {
        self.words.shrink_to(bytes_max);
        self.frame.shrink_to(bytes_max);
    }
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|&&byte| is_blank(byte)).count();
    &line[blanks..]
}

/// Reads one word and gives what follows it.
fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t' | 0, ..] => {
                return Ok(rest.get(1..).unwrap_or_default());
            }
            [b'"', tail @ ..] => return after_quote(take_double_quoted(tail, word)?),
            [b'\'', tail @ ..] => return after_quote(take_single_quoted(tail, word)?),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        let (byte, tail) = match rest {
            [] => return Err(Unbalanced),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex(*high) << 4 | hex(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        let (byte, tail) = match rest {
            [] => return Err(Unbalanced),
            [b'\'', tail @ ..] => return Ok(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

/// A closing quote ends its word: only a blank or the end of the line may follow.
fn after_quote(rest: &[u8]) -> Result<&[u8], Unbalanced> {
    match rest {
        [first, ..] if !is_blank(*first) => Err(Unbalanced),
        _ => Ok(rest),
    }
}

/// C's `isspace`.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
