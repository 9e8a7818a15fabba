use proptest::collection::vec;
use proptest::prelude::*;

use super::bytes;
use crate::limits::{INLINE_LEN_MAX, REPLY_DEPTH_MAX};
use crate::resp::Protocol::{self, Resp2, Resp3};
use crate::resp::frame::{FrameError, Framer};
use crate::resp::{FrameEnd, frame, reply};

/// One reply from a buffer that grows by pieces.
fn framed(pieces: &[&[u8]]) -> FrameEnd {
    let mut framer = Framer::new();
    let mut buf = Vec::new();
    let mut need = 0;
    for piece in pieces {
        buf.extend_from_slice(piece);
        match framer.advance(&buf) {
            FrameEnd::Incomplete { need: more } => {
                assert!(more > buf.len());
                need = more;
            }
            end => {
                assert!(buf.len() >= need || matches!(end, FrameEnd::Invalid(_)));
                return end;
            }
        }
    }
    FrameEnd::Incomplete { need }
}

fn same_kind(one: FrameEnd, other: FrameEnd) -> bool {
    match (one, other) {
        (FrameEnd::Incomplete { .. }, FrameEnd::Incomplete { .. }) => true,
        (one, other) => one == other,
    }
}

/// The reply whole, cut at every byte, byte by byte, and with another behind it.
fn end_of_any_split(input: &[u8]) -> FrameEnd {
    let whole = frame(input);
    for cut in 1..input.len() {
        let (head, tail) = input.split_at(cut);
        let end = framed(&[head, tail]);
        assert!(
            same_kind(end, whole),
            "cut at {cut}: {end:?}, not {whole:?}"
        );
    }
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert!(same_kind(framed(&single), whole));
    if let FrameEnd::Complete { len } = whole {
        let followed = [&input[..len], b"+NEXT\r\n"].concat();
        assert_eq!(frame(&followed), whole);
    }
    whole
}

const WHOLE: &[&str] = &[
    r"+OK\r\n",
    r"+\r\n",
    r"-ERR no\r\n",
    r":0\r\n",
    r":-12\r\n",
    r":+12\r\n",
    r"$0\r\n\r\n",
    r"$5\r\nab\r\nc\r\n",
    r"$-1\r\n",
    r"*-1\r\n",
    r"*0\r\n",
    r"*2\r\n$1\r\na\r\n$-1\r\n",
    r"*3\r\n*2\r\n:1\r\n:2\r\n*0\r\n*1\r\n*1\r\n+x\r\n",
    r"_\r\n",
    r"#t\r\n",
    r"#f\r\n",
    r",1.5\r\n",
    r",-inf\r\n",
    r",nan\r\n",
    r",1e-7\r\n",
    r"(3492890328409238509324850943850943825024385\r\n",
    r"(-7\r\n",
    r"!10\r\nERR broken\r\n",
    r"=7\r\ntxt:abc\r\n",
    r"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n",
    r"%0\r\n",
    r"~2\r\n+a\r\n+b\r\n",
    r">3\r\n+message\r\n+channel\r\n$2\r\nhi\r\n",
    r"|1\r\n+ttl\r\n:3600\r\n$1\r\nv\r\n",
    r"|0\r\n+v\r\n",
    r"|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n+v\r\n",
    r"*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:1\r\n:2\r\n",
];

#[test]
fn every_type_ends_where_it_ends() {
    for text in WHOLE {
        let input = bytes(text);
        assert_eq!(
            end_of_any_split(&input),
            FrameEnd::Complete { len: input.len() },
            "{text}"
        );
    }
}

#[test]
fn a_reply_cut_short_is_never_complete_and_its_need_is_no_guess() {
    for text in WHOLE {
        let input = bytes(text);
        for len in 0..input.len() {
            match frame(&input[..len]) {
                FrameEnd::Incomplete { need } => {
                    assert!(
                        need > len && need <= input.len(),
                        "{text} cut at {len}: {need}"
                    );
                }
                end => panic!("{text} cut at {len}: {end:?}"),
            }
        }
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    use FrameError::{Length, Line, Malformed, NestedPush, Streamed, UnknownType};
    let cases: &[(&str, FrameError)] = &[
        (r"OK\r\n", UnknownType(b'O')),
        (r"\r\n", UnknownType(b'\r')),
        (r"*1\r\nx", UnknownType(b'x')),
        (r"+a\nb\r\n", Line),
        (r"+a\rb\r\n", Line),
        (r":\r\n", Malformed(b':')),
        (r":1x\r\n", Malformed(b':')),
        (r":9223372036854775808\r\n", Malformed(b':')),
        (r",1.2.3\r\n", Malformed(b',')),
        (r"#x\r\n", Malformed(b'#')),
        (r"_x\r\n", Malformed(b'_')),
        (r"(12a\r\n", Malformed(b'(')),
        (r"(\r\n", Malformed(b'(')),
        (r"=3\r\ntxt\r\n", Malformed(b'=')),
        (r"$3\r\nabcd\r\n", Length),
        (r"$2\r\nab\rx", Length),
        (r"$2\rxab\r\n", Length),
        (r"$-2\r\n", Length),
        (r"$a\r\n", Length),
        (r"$\r\n", Length),
        (r"$536870913\r\n", Length),
        (r"$1111111111111111111111111", Length),
        (r"*2147483648\r\n", Length),
        (r"*-2\r\n", Length),
        (r"%-1\r\n", Length),
        (r"=-1\r\n", Length),
        (r"$?\r\n;4\r\nabcd\r\n;0\r\n", Streamed(b'$')),
        (r"*?\r\n:1\r\n.\r\n", Streamed(b'*')),
        (r"%?\r\n.\r\n", Streamed(b'%')),
        (r";0\r\n", Streamed(b';')),
        (r".\r\n", Streamed(b'.')),
        (r"*1\r\n>1\r\n+a\r\n", NestedPush),
    ];
    for (text, error) in cases {
        assert_eq!(
            end_of_any_split(&bytes(text)),
            FrameEnd::Invalid(*error),
            "{text}"
        );
    }
}

#[test]
fn nesting_is_capped() {
    for (depth, refused) in [
        (REPLY_DEPTH_MAX, false),
        (REPLY_DEPTH_MAX + 1, true),
        (100_000, true),
    ] {
        for opener in ["*1\r\n", "~2\r\n+a\r\n", "|1\r\n+k\r\n", "%1\r\n+k\r\n"] {
            let nested = opener.repeat(depth);
            let end = frame(nested.as_bytes());
            assert_eq!(
                end == FrameEnd::Invalid(FrameError::Depth),
                refused,
                "{depth} × {opener:?}"
            );
        }
    }
    let deepest = "*1\r\n".repeat(REPLY_DEPTH_MAX) + ":1\r\n";
    assert_eq!(
        frame(deepest.as_bytes()),
        FrameEnd::Complete { len: deepest.len() }
    );
    // Aggregates side by side are no nesting.
    let wide = format!("*1000\r\n{}", "*1\r\n:1\r\n".repeat(1000));
    assert_eq!(
        frame(wide.as_bytes()),
        FrameEnd::Complete { len: wide.len() }
    );
}

#[test]
fn lines_are_capped() {
    let longest = format!("+{}\r\n", "x".repeat(INLINE_LEN_MAX - 1));
    assert_eq!(
        frame(longest.as_bytes()),
        FrameEnd::Complete { len: longest.len() }
    );
    let longer = format!("+{}", "x".repeat(INLINE_LEN_MAX));
    assert_eq!(
        frame(longer.as_bytes()),
        FrameEnd::Invalid(FrameError::Line)
    );
    assert_eq!(
        frame((longer + "\r\n").as_bytes()),
        FrameEnd::Invalid(FrameError::Line)
    );
}

#[test]
fn a_framer_goes_on_to_the_next_reply() {
    let input = bytes(r"*2\r\n:1\r\n:2\r\n+OK\r\n$-1\r\n");
    let mut framer = Framer::new();
    let mut rest = &input[..];
    let mut lens = Vec::new();
    while let FrameEnd::Complete { len } = framer.advance(rest) {
        lens.push(len);
        rest = &rest[len..];
    }
    assert_eq!(lens, [12, 5, 5]);
    assert!(rest.is_empty());
}

/// A reply of any shape, as the encoders write it.
#[derive(Clone, Debug)]
enum Shape {
    Simple,
    Error,
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Double(f64),
    Boolean(bool),
    Verbatim(Vec<u8>),
    Array(Vec<Shape>),
    Set(Vec<Shape>),
    Map(Vec<(Shape, Shape)>),
}

impl Shape {
    fn write(&self, out: &mut Vec<u8>, protocol: Protocol) {
        match self {
            Self::Simple => reply::simple(out, "status"),
            Self::Error => reply::error(out, "ERR any"),
            Self::Integer(value) => reply::integer(out, *value),
            Self::Bulk(text) => reply::bulk(out, text),
            Self::Nil => reply::nil(out, protocol),
            Self::Double(value) => reply::double(out, *value, protocol),
            Self::Boolean(value) => reply::boolean(out, *value, protocol),
            Self::Verbatim(text) => reply::verbatim(out, *b"mkd", text, protocol),
            Self::Array(items) => {
                reply::array_header(out, items.len());
                items.iter().for_each(|item| item.write(out, protocol));
            }
            Self::Set(items) => {
                reply::set_header(out, items.len(), protocol);
                items.iter().for_each(|item| item.write(out, protocol));
            }
            Self::Map(pairs) => {
                reply::map_header(out, pairs.len(), protocol);
                for (key, value) in pairs {
                    key.write(out, protocol);
                    value.write(out, protocol);
                }
            }
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Simple),
        Just(Shape::Error),
        Just(Shape::Nil),
        any::<i64>().prop_map(Shape::Integer),
        any::<f64>().prop_map(Shape::Double),
        any::<bool>().prop_map(Shape::Boolean),
        vec(any::<u8>(), 0..30).prop_map(Shape::Bulk),
        vec(any::<u8>(), 0..30).prop_map(Shape::Verbatim),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Shape::Array),
            vec(inner.clone(), 0..5).prop_map(Shape::Set),
            vec((inner.clone(), inner), 0..3).prop_map(Shape::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_framed(shape in shape(), resp3 in any::<bool>(), cut in any::<prop::sample::Index>()) {
        let mut input = Vec::new();
        shape.write(&mut input, if resp3 { Resp3 } else { Resp2 });
        let whole = FrameEnd::Complete { len: input.len() };
        prop_assert_eq!(frame(&input), whole);
        let (head, tail) = input.split_at(cut.index(input.len()));
        prop_assert_eq!(framed(&[head, tail]), whole);
    }

    #[test]
    fn any_bytes_are_the_same_however_they_come(
        tokens in vec(prop_oneof![
            prop::sample::select(WHOLE.to_vec()).prop_map(bytes),
            prop::sample::select(vec![&b"*2\r\n"[..], b"%1\r\n", b"|1\r\n", b"$3\r\n", b"\r\n", b"+", b":", b"1"])
                .prop_map(<[u8]>::to_vec),
            vec(any::<u8>(), 0..4),
        ], 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let input = tokens.concat();
        let (head, tail) = input.split_at(cut.index(input.len() + 1).min(input.len()));
        prop_assert!(same_kind(framed(&[head, tail]), frame(&input)));
    }
}
