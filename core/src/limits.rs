//! The caps: what a peer or a client may make this node hold. One place, so that they can be read.

/// Largest single argument of a request, in bytes (Redis' `proto-max-bulk-len`).
pub const BULK_LEN_MAX: usize = 512 * 1024 * 1024;
/// Largest whole request, in bytes.
pub const REQUEST_LEN_MAX: usize = 1024 * 1024 * 1024;
/// Most arguments in one request.
pub const ARGS_MAX: usize = 1024 * 1024;
/// Longest inline command, in bytes.
pub const INLINE_LEN_MAX: usize = 64 * 1024;
/// Deepest nesting of a reply that is read.
pub const REPLY_DEPTH_MAX: usize = 32;
/// Bytes taken from one socket per turn of the event loop before others get theirs.
pub const READ_PER_TURN_MAX: usize = 1024 * 1024;
/// Requests of one connection that may wait for replicas at a time; reading pauses above it.
pub const INFLIGHT_PER_CONNECTION_MAX: usize = 4096;
/// Requests sent to one peer and not yet answered; above it the peer counts as full.
pub const INFLIGHT_PER_PEER_MAX: usize = 64 * 1024;
/// Bytes queued for one peer; above it the peer counts as full.
pub const PEER_QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes queued for one peer above which clients' next requests wait, as long as it takes them in.
pub const PEER_QUEUE_PAUSE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes queued for one client above which its next requests wait until it has read some; a client
/// that then reads nothing for long is closed (`client_output_buffer_limit`). Generous, because
/// clients that write a whole pipeline before they read anything would wait for ever.
pub const CLIENT_QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of replies queued for one peer; above it its next requests wait until it has read some.
pub const PEER_REPLIES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Links that others opened to the peer listener and on which no hello has come.
pub const STRANGERS_MAX: usize = 1024;
/// For how long a client at that limit may read nothing, in milliseconds.
pub const CLIENT_STALL_MS_MAX: u64 = 60_000;
/// Peers of one topology: the version stamp has ten bits for its node.
pub const PEERS_MAX: usize = 1024;
/// Replicas that are kept on the stack; more spill to the heap.
pub const REPLICAS_INLINE: usize = 9;
/// From this length on a payload is queued as a shared segment instead of being copied, in bytes.
pub const SHARED_FROM_LEN: usize = 8 * 1024;
