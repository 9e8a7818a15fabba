//! What an embedder may add: commands that are answered before planning (D2).
//!
//! An extension is given to the node when it is made, before the reactor drives it:
//! `reactor.run(Node::new(config, topology, now).with_extension(Box::new(search)), on_notice)`.
//! Without one, its commands are unknown ones and no request pays for the question.

use crate::resp::{Protocol, Request};

/// Commands of an embedder, such as a search module's `FT.*`.
pub trait Extension: Send {
    /// Whether commands of this name are the extension's, also where the node has one of that
    /// name itself. `name` is as the client wrote it.
    fn handles(&self, name: &[u8]) -> bool;

    /// Answers a claimed command by appending its reply to `out`. `false` declines it: the client
    /// gets `ERR not supported in this build`.
    fn try_dispatch(&mut self, request: Request<'_>, protocol: Protocol, out: &mut Vec<u8>)
    -> bool;

    /// Is shown a client's `HSET` before it is carried out.
    fn on_hset(&mut self, request: Request<'_>) -> Indexing {
        let _ = request;
        Indexing::NotIndexed
    }
}

/// What an extension made of an `HSET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// It took it in; the write goes on as usual.
    Absorbed,
    /// It is not concerned; the write goes on as usual.
    NotIndexed,
    /// The write is refused with `-ERR` and this text.
    Error(String),
}
