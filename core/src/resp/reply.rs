//! Reply encoders: each appends one value, or an aggregate's header, to an output buffer.
//!
//! What RESP2 has no type for is written as Redis writes it there: a map as a flat array, a double
//! as a string, a boolean as 1 or 0.

use super::Protocol;
use super::number::{Float, NumberLine};

/// More than a bulk string has around its payload.
const BULK_FRAMING_LEN: usize = 32;

/// `+OK`
pub const OK: &[u8] = b"+OK\r\n";

/// A status line. `text` has no line end in it.
pub fn simple(out: &mut Vec<u8>, text: &str) {
    debug_assert!(!text.contains(['\r', '\n']));
    out.push(b'+');
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `+OK`
pub fn ok(out: &mut Vec<u8>) {
    out.extend_from_slice(OK);
}

/// An error line with its code word, as in `ERR syntax error`; a line end in it becomes a blank.
pub fn error(out: &mut Vec<u8>, text: &str) {
    error_bytes(out, text.as_bytes());
}

/// [`error`] for a text that quotes a client's bytes.
pub fn error_bytes(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'-');
    out.extend(text.iter().map(|&byte| match byte {
        b'\r' | b'\n' => b' ',
        other => other,
    }));
    out.extend_from_slice(b"\r\n");
}

/// An integer.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    match value {
        0..=9 => out.extend_from_slice(&[b':', b'0' + value as u8, b'\r', b'\n']),
        _ => out.extend_from_slice(NumberLine::signed(b':', value).as_bytes()),
    }
}

/// A bulk string.
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + BULK_FRAMING_LEN);
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// An integer as a bulk string, as INCRBYFLOAT's kin and CONFIG GET give numbers.
pub fn bulk_integer(out: &mut Vec<u8>, value: i64) {
    bulk(out, NumberLine::signed(b':', value).digits());
}

/// No value where one string would stand.
pub fn nil(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"$-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// No value where an array would stand.
pub fn nil_array(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"*-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// The header of an array; its elements follow.
pub fn array_header(out: &mut Vec<u8>, count: usize) {
    header(out, b'*', count);
}

/// The header of a map of `count` pairs; key, value, key, value follow.
pub fn map_header(out: &mut Vec<u8>, count: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => header(out, b'*', count * 2),
        Protocol::Resp3 => header(out, b'%', count),
    }
}

/// The header of a set.
pub fn set_header(out: &mut Vec<u8>, count: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => header(out, b'*', count),
        Protocol::Resp3 => header(out, b'~', count),
    }
}

/// The header of a push; in RESP2 an array, as pub/sub has it there.
pub fn push_header(out: &mut Vec<u8>, count: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => header(out, b'*', count),
        Protocol::Resp3 => header(out, b'>', count),
    }
}

/// A truth value.
pub fn boolean(out: &mut Vec<u8>, value: bool, protocol: Protocol) {
    out.extend_from_slice(match (protocol, value) {
        (Protocol::Resp2, true) => b":1\r\n",
        (Protocol::Resp2, false) => b":0\r\n",
        (Protocol::Resp3, true) => b"#t\r\n",
        (Protocol::Resp3, false) => b"#f\r\n",
    });
}

/// A floating-point number with seventeen significant digits, which read back as the same.
pub fn double(out: &mut Vec<u8>, value: f64, protocol: Protocol) {
    let spelled = Float::spell(value);
    match protocol {
        Protocol::Resp2 => bulk(out, spelled.as_bytes()),
        Protocol::Resp3 => line(out, b',', spelled.as_bytes()),
    }
}

/// A text with its format, three letters such as `txt`.
pub fn verbatim(out: &mut Vec<u8>, format: [u8; 3], text: &[u8], protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => bulk(out, text),
        Protocol::Resp3 => {
            header(out, b'=', text.len() + 4);
            out.extend_from_slice(&format);
            out.push(b':');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// `$12\r\n` and its like.
#[inline]
fn header(out: &mut Vec<u8>, kind: u8, count: usize) {
    let digit = |value: usize| b'0' + value as u8;
    match count {
        0..=9 => out.extend_from_slice(&[kind, digit(count), b'\r', b'\n']),
        10..=99 => {
            out.extend_from_slice(&[kind, digit(count / 10), digit(count % 10), b'\r', b'\n']);
        }
        _ => out.extend_from_slice(NumberLine::unsigned(kind, count as u64).as_bytes()),
    }
}

fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}
