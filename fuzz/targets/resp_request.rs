//! A connection's bytes give the same requests whole and in pieces, each request's frame is itself
//! a request with the same arguments, and every request is taken by a command or refused in a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringlab_core::command::Command;
use ringlab_core::resp::{FrameEnd, Parsed, Request, RequestParser, frame};

/// A length that keeps declared sizes from hiding what follows them.
const BULK_LEN_MAX: usize = 1 << 16;

fuzz_target!(|input: &[u8]| {
    // The first byte says into which pieces the others are cut.
    let Some((&piece_len, bytes)) = input.split_first() else {
        return;
    };
    let whole = events(bytes, bytes.len().max(1));
    assert_eq!(events(bytes, usize::from(piece_len).max(1)), whole);
    assert_eq!(events(bytes, 1), whole);
});

#[derive(Debug, PartialEq)]
enum Event {
    Request(Vec<Vec<u8>>),
    Empty,
    Invalid(String),
}

fn events(bytes: &[u8], piece_len: usize) -> Vec<Event> {
    let mut parser = RequestParser::with_bulk_len_max(BULK_LEN_MAX);
    let mut events = Vec::new();
    let mut start = 0;
    for end in (0..bytes.len())
        .step_by(piece_len)
        .map(|at| bytes.len().min(at + piece_len))
    {
        loop {
            let buf = &bytes[start..end];
            match parser.parse(buf) {
                Parsed::Incomplete { need } => {
                    assert!(need > buf.len());
                    break;
                }
                Parsed::Request { len } => {
                    events.push(Event::Request(arguments(parser.request(buf))));
                    start += len;
                }
                Parsed::Empty { len } => {
                    events.push(Event::Empty);
                    start += len;
                }
                Parsed::Invalid(error) => {
                    events.push(Event::Invalid(error.to_string()));
                    return events;
                }
            }
        }
    }
    events
}

fn arguments(request: Request<'_>) -> Vec<Vec<u8>> {
    let mut parser = RequestParser::new();
    let len = request.frame().len();
    assert_eq!(parser.parse(request.frame()), Parsed::Request { len });
    assert_eq!(parser.args(), request.ranges());
    match Command::resolve(&request) {
        Ok(command) => assert!(command.keys(request.len()).all(|key| key < request.len())),
        Err(refusal) => {
            let mut out = Vec::new();
            refusal.write(&request, &mut out);
            assert_eq!(frame(&out), FrameEnd::Complete { len: out.len() });
        }
    }
    request.iter().map(<[u8]>::to_vec).collect()
}
