//! RESP2 and RESP3: requests in, replies out, and where a reply ends.
//!
//! Nothing here copies a payload that it reads: a request is its frame's bytes and a list of
//! ranges, a reply's frame is a length. [`request`] reads what clients send, [`reply`] writes what
//! they get, [`frame`](mod@frame) finds the end of a reply and walks its parts.

pub mod frame;
mod inline;
pub mod number;
pub mod reply;
pub mod request;

#[cfg(test)]
mod tests;

pub use frame::{FrameEnd, frame};
pub use request::{ArgRange, Parsed, ProtocolError, Request, RequestParser};

/// The reply dialect of a connection: RESP2 until `HELLO 3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Strings, errors, integers, bulks and arrays.
    #[default]
    Resp2,
    /// Adds null, maps, sets, doubles, booleans, verbatim strings, pushes.
    Resp3,
}
