use proptest::collection::vec;
use proptest::prelude::*;

use super::bytes;
use crate::limits::INLINE_LEN_MAX;
use crate::resp::{Parsed, ProtocolError, RequestParser, request};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Request(Vec<Vec<u8>>),
    Empty,
    Invalid(ProtocolError),
}

/// A connection's receiving side: a buffer that pieces are put into.
#[derive(Default)]
struct Connection {
    parser: RequestParser,
    buf: Vec<u8>,
    need: usize,
    events: Vec<Event>,
}

impl Connection {
    fn receive(&mut self, piece: &[u8]) {
        self.buf.extend_from_slice(piece);
        loop {
            let parsed = self.parser.parse(&self.buf);
            let len = match parsed {
                Parsed::Incomplete { need } => {
                    assert!(need > self.buf.len(), "{need} bytes are there");
                    self.need = need;
                    return;
                }
                Parsed::Invalid(error) => {
                    if self.events.last() != Some(&Event::Invalid(error)) {
                        self.events.push(Event::Invalid(error));
                    }
                    return;
                }
                Parsed::Request { len } => {
                    self.events.push(Event::Request(self.request()));
                    len
                }
                Parsed::Empty { len } => {
                    self.events.push(Event::Empty);
                    len
                }
            };
            assert!(
                self.buf.len() >= self.need,
                "progress before {} bytes",
                self.need
            );
            assert!(len > 0);
            self.buf.drain(..len);
            self.need = 0;
        }
    }

    /// The arguments, after a look at the frame that would be forwarded.
    fn request(&self) -> Vec<Vec<u8>> {
        let request = self.parser.request(&self.buf);
        let args: Vec<Vec<u8>> = request.iter().map(<[u8]>::to_vec).collect();
        let mut again = RequestParser::new();
        let len = request.frame().len();
        assert_eq!(again.parse(request.frame()), Parsed::Request { len });
        assert_eq!(again.args(), request.ranges());
        assert_eq!(request.get(args.len()), None);
        args
    }
}

fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let mut connection = Connection::default();
    for piece in pieces {
        connection.receive(piece);
    }
    connection.events
}

/// The same bytes whole, cut at every byte, and byte by byte.
fn events_of_any_split(input: &[u8]) -> Vec<Event> {
    let whole = events(&[input]);
    for cut in 1..input.len() {
        let (head, tail) = input.split_at(cut);
        assert_eq!(events(&[head, tail]), whole, "cut at {cut}");
    }
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(events(&single), whole, "byte by byte");
    whole
}

fn story(events: &[Event]) -> String {
    let texts: Vec<String> = events
        .iter()
        .map(|event| match event {
            Event::Request(args) => {
                let args: Vec<String> = args
                    .iter()
                    .map(|arg| arg.escape_ascii().to_string())
                    .collect();
                format!("[{}]", args.join("|"))
            }
            Event::Empty => "empty".to_owned(),
            Event::Invalid(error) => error.to_string(),
        })
        .collect();
    texts.join(" ")
}

/// Bytes, and what Redis 7.0.15 makes of them too (but for the smaller cap on counts).
const STORIES: &[(&str, &str)] = &[
    // Arrays.
    (r"*1\r\n$4\r\nPING\r\n", "[PING]"),
    (r"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "[GET|k]"),
    (r"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "[GET|]"),
    (r"*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n", r"[GET|\r\n]"),
    (
        r"*1\r\n$16\r\n0123456789abcdef\r\n*1\r\n$1\r\na\r\n",
        "[0123456789abcdef] [a]",
    ),
    (
        r"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
        "[PING] [PING] [PING]",
    ),
    // The byte after \r is taken for \n, and the two after a payload for a line end.
    (r"*1\rX$4\rYPINGZZPING\r\n", "[PING] [PING]"),
    // Counts.
    (r"*0\r\nPING\r\n", "empty [PING]"),
    (r"*-1\r\nPING\r\n", "empty [PING]"),
    (r"*-5\r\n*-9223372036854775808\r\n", "empty empty"),
    (r"*1048576\r\n", ""),
    (r"*1048577\r\n", "Protocol error: invalid multibulk length"),
    (
        r"*99999999999999999999\r\n",
        "Protocol error: invalid multibulk length",
    ),
    (
        r"*-9223372036854775809\r\n",
        "Protocol error: invalid multibulk length",
    ),
    (r"*-0\r\n", "Protocol error: invalid multibulk length"),
    (r"*01\r\n", "Protocol error: invalid multibulk length"),
    (r"*+1\r\n", "Protocol error: invalid multibulk length"),
    (r"* 1\r\n", "Protocol error: invalid multibulk length"),
    (r"*1 \r\n", "Protocol error: invalid multibulk length"),
    (r"*\r\n", "Protocol error: invalid multibulk length"),
    (r"*abc\r\n", "Protocol error: invalid multibulk length"),
    (
        r"*1a3\r\n$4\r\nPING\r\n",
        "Protocol error: invalid multibulk length",
    ),
    // Lengths.
    (r"*1\r\n$536870912\r\n", ""),
    (
        r"*1\r\n$536870913\r\n",
        "Protocol error: invalid bulk length",
    ),
    (
        r"*1\r\n$99999999999999999999\r\n",
        "Protocol error: invalid bulk length",
    ),
    (r"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
    (
        r"*1\r\n$04\r\nPING\r\n",
        "Protocol error: invalid bulk length",
    ),
    (r"*1\r\n$\r\n", "Protocol error: invalid bulk length"),
    (r"*1\r\n$x\r\n", "Protocol error: invalid bulk length"),
    (r"*1\r\n:4\r\n", "Protocol error: expected '$', got ':'"),
    (
        r"*2\r\n$1\r\na\r\n\r\n",
        "Protocol error: expected '$', got '?'",
    ),
    (
        r"PING\r\n*1\r\n\xff\r\n",
        "[PING] Protocol error: expected '$', got '?'",
    ),
    // Inline commands.
    (r"PING\r\n", "[PING]"),
    (r"PING\n", "[PING]"),
    (r"\r\n\n   \r\nPING\r\n", "empty empty empty [PING]"),
    (r" \t SET  k\tv \r\n", "[SET|k|v]"),
    (r#"PING "a b" \r\n"#, "[PING|a b]"),
    (
        r#"ECHO "a\\x41\\n\\r\\t\\a\\b\\"\\q"\r\n"#,
        r#"[ECHO|aA\n\r\t\x07\x08\"q]"#,
    ),
    (r#"ECHO "\\xZZ\\x4"\r\n"#, "[ECHO|xZZx4]"),
    (r"ECHO 'it\\'s \\n'\r\n", r"[ECHO|it\'s \\n]"),
    (r"ECHO a\\x41\r\n", r"[ECHO|a\\x41]"),
    (r#"ECHO ab"c d"\r\n"#, "[ECHO|abc d]"),
    (r#"ECHO "" ''\r\n"#, "[ECHO||]"),
    (r"ECHO a\x0bb \x0b\x0cc\r\n", r"[ECHO|a\x0bb|c]"),
    (r#"ECHO "a"\x0b\r\n"#, "[ECHO|a]"),
    (r"ECHO a\rb\r\n", "[ECHO|a|b]"),
    (
        r#"ECHO "abc\r\n"#,
        "Protocol error: unbalanced quotes in request",
    ),
    (
        r#"ECHO "abc"d\r\n"#,
        "Protocol error: unbalanced quotes in request",
    ),
    (
        r"ECHO 'a'b\r\n",
        "Protocol error: unbalanced quotes in request",
    ),
    (
        r#"ECHO "a\\"\r\n"#,
        "Protocol error: unbalanced quotes in request",
    ),
    (
        r"ECHO 'a\\'\r\n",
        "Protocol error: unbalanced quotes in request",
    ),
    (r"$4\r\nPING\r\n", "[$4] [PING]"),
];

#[test]
fn bytes_are_the_requests_that_redis_sees() {
    for (input, wanted) in STORIES {
        let events = events_of_any_split(&bytes(input));
        assert_eq!(story(&events), *wanted, "{input}");
    }
}

#[test]
fn lines_without_an_end_are_refused_at_the_cap() {
    let cases = [
        ("", "x", ProtocolError::InlineTooBig),
        ("*", "1", ProtocolError::CountLineTooBig),
        ("*1\r\n$", "1", ProtocolError::BulkLineTooBig),
    ];
    for (head, filler, error) in cases {
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let len = line_start + INLINE_LEN_MAX - head.len();
        let mut input = head.to_owned() + &filler.repeat(len);
        assert_eq!(events(&[input.as_bytes()]), [], "{error:?} at the cap");
        input += filler;
        let refused = [Event::Invalid(error)];
        assert_eq!(events(&[input.as_bytes()]), refused);
        // A piece that also holds the end of the line does not change what the line is.
        input += "\r\n";
        assert_eq!(events(&[input.as_bytes()]), refused);
        let small: Vec<&[u8]> = input.as_bytes().chunks(1000).collect();
        assert_eq!(events(&small), refused);
    }
}

#[test]
fn an_inline_command_of_the_longest_length_is_taken() {
    let word = "w".repeat(INLINE_LEN_MAX - 5);
    let events = events(&[format!("ECHO {word}\n").as_bytes()]);
    assert_eq!(
        events,
        [Event::Request(vec![b"ECHO".to_vec(), word.into_bytes()])]
    );
}

#[test]
fn a_parser_has_its_own_cap_on_arguments() {
    let mut parser = RequestParser::with_bulk_len_max(3);
    assert_eq!(
        parser.parse(b"*1\r\n$3\r\nGET\r\n"),
        Parsed::Request { len: 13 }
    );
    let refused = Parsed::Invalid(ProtocolError::InvalidBulkLen);
    assert_eq!(parser.parse(b"*1\r\n$4\r\nPING\r\n"), refused);
}

#[test]
fn a_reset_starts_anew() {
    let mut parser = RequestParser::new();
    assert_eq!(
        parser.parse(b"*2\r\n$3\r\nGET\r\n$5\r\nab"),
        Parsed::Incomplete { need: 24 }
    );
    parser.reset();
    assert_eq!(parser.parse(b"PING\r\n"), Parsed::Request { len: 6 });
}

#[test]
fn errors_are_written_as_redis_does() {
    let cases: &[(ProtocolError, &[u8])] = &[
        (
            ProtocolError::InvalidCount,
            b"-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            ProtocolError::ExpectedBulk(b'x'),
            b"-ERR Protocol error: expected '$', got 'x'\r\n",
        ),
        (
            ProtocolError::ExpectedBulk(b'\n'),
            b"-ERR Protocol error: expected '$', got ' '\r\n",
        ),
        (
            ProtocolError::ExpectedBulk(0xff),
            b"-ERR Protocol error: expected '$', got '\xff'\r\n",
        ),
    ];
    for (error, wanted) in cases {
        let mut out = Vec::new();
        error.write(&mut out);
        assert_eq!(out, *wanted);
    }
}

#[test]
fn a_deep_pipeline_comes_in_any_pieces() {
    let mut input = Vec::new();
    let mut wanted = Vec::new();
    for number in 0..2000usize {
        let key = format!("key:{number}").into_bytes();
        let value = vec![b'v'; number % 300];
        let args = match number % 4 {
            0 => vec![b"GET".to_vec(), key],
            1 => vec![b"SET".to_vec(), key, value],
            2 => vec![b"PING".to_vec()],
            _ => vec![b"MGET".to_vec(), key.clone(), key.clone(), key],
        };
        if number % 5 == 2 && args.iter().all(|arg| !arg.is_empty()) {
            input.extend_from_slice(&args.join(&b' '));
            input.extend_from_slice(b"\r\n");
        } else {
            request::encode(args.iter().map(Vec::as_slice), &mut input);
        }
        wanted.push(Event::Request(args));
    }
    for piece_len in [1, 7, 64, 1000, 16 * 1024, input.len()] {
        let pieces: Vec<&[u8]> = input.chunks(piece_len).collect();
        assert!(events(&pieces) == wanted, "pieces of {piece_len}");
    }
}

/// Cuts at the given fractions of the input.
fn cut<'a>(input: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places {
        pieces.push(&input[from..place]);
        from = place;
    }
    pieces.push(&input[from..]);
    pieces
}

/// Bytes that come close to being RESP.
fn nearly_resp() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        prop::sample::select(vec![
            &b"*1\r\n"[..],
            b"*2\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"$1\r\n",
            b"$4\r\n",
            b"$-1\r\n",
            b"$0\r\n",
            b"$536870912\r\n",
            b"PING",
            b"\r\n",
            b"\n",
            b"\r",
            b"\"",
            b"'",
            b"\\",
            b" ",
            b"a",
            b"*",
            b"$",
            b"9",
        ])
        .prop_map(<[u8]>::to_vec),
        vec(any::<u8>(), 0..4),
    ];
    vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn what_is_encoded_is_parsed(
        requests in vec(vec(vec(any::<u8>(), 0..40), 1..6), 0..8),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut input = Vec::new();
        for args in &requests {
            request::encode(args.iter().map(Vec::as_slice), &mut input);
        }
        let wanted: Vec<Event> = requests.into_iter().map(Event::Request).collect();
        prop_assert_eq!(events(&cut(&input, &cuts)), wanted);
    }

    #[test]
    fn any_bytes_are_the_same_however_they_come(
        input in prop_oneof![nearly_resp(), vec(any::<u8>(), 0..80)],
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        prop_assert_eq!(events(&cut(&input, &cuts)), events(&[&input]));
    }
}
