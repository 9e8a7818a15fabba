//! Error replies of the ring, in the words Dynomite's clients know.

use crate::resp::reply;

/// Too few replicas answered, or none could be sent to (S3, C8).
pub(super) const NO_QUORUM: &[u8] = b"-Dynomite: No Quorum Achieved\r\n";
/// Replicas answered, but not the same, at a level that wants them to agree.
pub(super) const DIVIDED: &[u8] = b"-Dynomite: Failed to achieve Quorum, replicas disagree\r\n";
/// The deadline passed.
pub(super) const TIMEOUT: &[u8] = b"-Dynomite: Peer timeout, no quorum within the deadline\r\n";
/// A peer refused, and no words of its own came with it.
pub(super) const REFUSED: &[u8] = b"-Dynomite: Peer refused the request\r\n";
/// Only hints were taken: what a blind write answers.
pub(super) const OK: &[u8] = b"+OK\r\n";

/// No peer can take the request (D8, D9).
pub(super) const NO_TARGETS: &[u8] = b"-Dynomite: No target peer is available for this key\r\n";

/// A command over several keys that can't be split, and whose keys have different replicas.
pub(super) fn keys_apart(out: &mut Vec<u8>) {
    reply::error(
        out,
        "CROSSSLOT Keys in request don't share their replicas: give them a common hash tag",
    );
}

/// The extension claims the command and declined it.
pub(super) fn declined(name: &[u8]) -> Vec<u8> {
    [b"ERR not supported in this build: ", name].concat()
}
