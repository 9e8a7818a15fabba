//! What an embedder may add: commands that are answered before planning (D2).

use crate::resp::{Protocol, Request};

/// Commands of an embedder, such as a search module's `FT.*`.
pub trait Extension: Send {
    /// Whether commands of this name are the extension's. `name` is as the client wrote it.
    fn handles(&self, name: &[u8]) -> bool;

    /// Answers a claimed command by appending its reply to `out`. `false` declines it: the client
    /// gets `ERR not supported in this build`.
    fn try_dispatch(&mut self, request: Request<'_>, protocol: Protocol, out: &mut Vec<u8>)
    -> bool;
}
