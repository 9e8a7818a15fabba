//! Finding the frame of a request or of a reply in the bytes received.

use std::hint::black_box;

use ringlab_core::resp::{FrameEnd, Parsed, RequestParser, frame};

use super::Suite;
use crate::case::{Case, Repeat};
use crate::fixtures::{key, keys, request};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "resp",
    question: "What does it cost to find the arguments of a request, or the end of a reply?",
    cases,
};

fn cases() -> Vec<Case> {
    let value = [b'v'; 64];
    let keys = keys(16);
    let mut mget: Vec<&[u8]> = vec![b"MGET"];
    mget.extend(keys.iter().map(Vec::as_slice));
    vec![
        request_case("get", request(&[b"GET", &key(16)])),
        request_case("set-64B", request(&[b"SET", &key(16), &value])),
        request_case("mget-16", request(&mget)),
        request_case("inline-get", b"GET user:000042:prof\r\n".to_vec()),
        reply_case("reply-bulk-64B", [b"$64\r\n", &value[..], b"\r\n"].concat()),
        reply_case(
            "reply-array-16",
            b"*16\r\n"
                .iter()
                .copied()
                .chain(b"$3\r\nabc\r\n".repeat(16))
                .collect(),
        ),
    ]
}

fn request_case(input: &str, bytes: Vec<u8>) -> Case {
    let case = Case::new(format!("resp/frame/{input}"), move || {
        let bytes = bytes.clone();
        let mut parser = RequestParser::new();
        Repeat::same(Parsed::Request { len: bytes.len() }, move || {
            let parsed = parser.parse(black_box(&bytes));
            black_box(parser.args().len());
            parsed
        })
    });
    case.allocates_nothing()
}

fn reply_case(input: &str, bytes: Vec<u8>) -> Case {
    let case = Case::new(format!("resp/frame/{input}"), move || {
        let bytes = bytes.clone();
        let whole = FrameEnd::Complete { len: bytes.len() };
        Repeat::same(whole, move || frame(black_box(&bytes)))
    });
    case.allocates_nothing()
}
