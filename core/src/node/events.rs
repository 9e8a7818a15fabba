//! What goes into the node and comes out of it, but for bytes.

use crate::ids::{ConnId, PeerId};

/// Who is at the other end of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A client of the client listener.
    Client,
    /// A peer that dialled this node; it says who it is in its first frame.
    PeerIn,
    /// A peer this node dialled because of [`Action::Connect`].
    PeerOut(PeerId),
}

/// What the driver must do for the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Dial the peer; answer with `handle_open(Role::PeerOut(..))` or `handle_connect_failed`.
    Connect(PeerId),
    /// Give up a dial under way; nothing is reported back.
    AbortConnect(PeerId),
    /// Send what its egress holds, then close. The node has already forgotten the connection's
    /// input; the driver calls `handle_close` once it is closed.
    Close(ConnId),
    /// Close at once; the driver calls `handle_close`.
    Abort(ConnId),
    /// Reading was paused (`wants_read` was false) and may go on: there may be bytes already.
    ResumeRead(ConnId),
}

/// Something an operator wants in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The link is up and the peer serves.
    PeerNormal(PeerId),
    /// The link is up; the peer is catching up and only takes writes.
    PeerJoining(PeerId),
    /// The peer is ending in order: it gets no new requests.
    PeerLeaving(PeerId),
    /// The peer can't be reached, or is silent.
    PeerDown(PeerId, &'static str),
    /// A peer, or something that claims to be one, was refused, and why.
    PeerRefused(String),
    /// The peer's topology differs from this node's.
    TopologyDiffers(PeerId),
    /// This node has caught up with its replicas and answers reads: entries taken over.
    Joined {
        /// Entries received from the other replicas.
        entries: u64,
    },
    /// A client was closed because it did not read its replies.
    SlowReader {
        /// Bytes that waited.
        queued_bytes: usize,
    },
    /// The shadow placing chose other peers for a key (D7).
    ShadowDisagrees {
        /// What the placing in use chose.
        chosen: Vec<PeerId>,
        /// What the shadow would have chosen.
        shadow: Vec<PeerId>,
    },
}
