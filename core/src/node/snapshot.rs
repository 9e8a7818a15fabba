//! The node's counters and what an operator may see of it, as plain values.

use serde::Serialize;

use crate::consistency::Consistency;

macro_rules! counters {
    ($(#[$about:meta])* $table:ident { $($name:ident: $help:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, Serialize)]
        pub struct $table {
            $(#[doc = $help] pub $name: u64,)*
        }

        impl $table {
            /// Every row as name, help text and value; the name is the metric's.
            #[must_use]
            pub fn rows(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), $help, self.$name),)*]
            }
        }
    };
}

counters! {
    /// Totals since the start; one row each.
    Counters {
        commands_total: "Commands received from clients.",
        client_connections_total: "Client connections accepted.",
        client_refused_total: "Client connections refused over the limit.",
        client_closed_slow_total: "Clients closed because they did not read their replies.",
        client_protocol_errors_total: "Clients closed because they did not speak the protocol.",
        peer_refused_total: "Peer links refused.",
        peer_requests_total: "Requests executed for peers.",
        flights_total: "Requests sent to more than this node.",
        no_quorum_total: "Requests answered with the no-quorum error.",
        coalesce_plurality_total: "Reads answered without a majority (C5).",
        write_restamped_total: "Writes sent again because a replica had a newer version.",
        fragments_total: "Multi-key commands that were split.",
        fragments_divided_total: "Parts asked again key by key because replicas differed.",
        read_repair_scheduled_total: "Repairs scheduled.",
        read_repair_applied_total: "Repairs received and applied.",
        read_repair_superseded_total: "Repairs received and not applied: a newer version was there.",
        read_repair_dropped_total: "Repairs not sent: no link, or too many under way.",
        backend_send_full_total: "Requests not sent: the local store's queue is full.",
        backend_send_closed_total: "Requests not sent: the local store's queue is closed.",
        shadow_evaluations_total: "Keys for which the shadow placing was asked too.",
        distribution_shadow_disagreement_total: "Keys for which the shadow placing, with distribution_shadow, chose other peers.",
        hash_shadow_disagreement_total: "Keys for which the shadow placing, with hash_shadow, chose other peers.",
        shadow_moved_copies_total: "Copies of those keys that would be elsewhere.",
        join_entries_total: "Entries received while catching up.",
        late_replies_total: "Replies of peers to requests that were over.",
    }
}

counters! {
    /// System calls and bytes of the reactor; zero without one.
    IoCounters {
        polls_total: "Turns of the event loop, one wait each.",
        reads_total: "Reads of sockets.",
        writes_total: "Writes to sockets.",
        accepts_total: "Connections accepted.",
        accept_pauses_total: "Times accepting was paused because no socket could be had.",
        dials_total: "Connections to peers tried.",
        read_bytes_total: "Bytes read.",
        written_bytes_total: "Bytes written.",
    }
}

/// Requests for which no peer was found (D8).
#[derive(Clone, Debug, Serialize)]
pub struct NoTargetsCount {
    /// The asking node's datacenter.
    pub datacenter: String,
    /// The asking node's rack.
    pub rack: String,
    /// Level of the request.
    pub consistency: Consistency,
    /// How many.
    pub count: u64,
}

/// One peer as this node sees it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PeerSnapshot {
    /// `host:port` of its peer listener.
    pub name: String,
    /// Its datacenter.
    pub datacenter: String,
    /// Its rack.
    pub rack: String,
    /// Its tokens as text.
    pub tokens: Vec<String>,
    /// `normal`, `joining`, `down`, …
    pub state: &'static str,
    /// Whether it is this node.
    pub local: bool,
    /// Requests sent and not yet answered.
    pub inflight: usize,
    /// Bytes waiting to be sent.
    pub queued_bytes: usize,
    /// Requests not sent because its queue was full.
    pub send_full_total: u64,
    /// Requests not sent because its link was closed.
    pub send_closed_total: u64,
    /// Hints kept for it.
    pub hints_stored: u64,
    /// Bytes of those hints.
    pub hint_bytes: u64,
    /// Age of the oldest, in milliseconds; 0 when there is none.
    pub hint_oldest_ms: u64,
    /// Hints delivered and acknowledged.
    pub hints_delivered_total: u64,
    /// Hints dropped because of their age.
    pub hints_expired_total: u64,
    /// Hints refused over the bound.
    pub hints_refused_total: u64,
}

/// The node at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// `host:port` of this node's peer listener, its name in the topology.
    pub node: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Its datacenter.
    pub datacenter: String,
    /// Its rack.
    pub rack: String,
    /// `normal` or `joining`.
    pub state: &'static str,
    /// Hash by its configuration name.
    pub hash: &'static str,
    /// Distribution by its configuration name.
    pub distribution: &'static str,
    /// What the shadow would place keys by, if there is one: the hash.
    pub shadow_hash: Option<&'static str>,
    /// The distribution.
    pub shadow_distribution: Option<&'static str>,
    /// Copies of a key, by configuration.
    pub replica_count: usize,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Client connections now.
    pub client_connections: usize,
    /// Requests waiting for replicas now.
    pub flights: usize,
    /// Multi-key commands whose parts are under way.
    pub split_commands: usize,
    /// States of keys asked for by read repair and not here yet.
    pub fetches: usize,
    /// Keys in the store.
    pub keys: u64,
    /// Totals.
    pub counters: Counters,
    /// Requests that passed their deadline, by level in the order of `Consistency::ALL`.
    pub response_timeouts: [u64; 4],
    /// Requests without targets.
    pub no_targets: Vec<NoTargetsCount>,
    /// All peers, this node among them.
    pub peers: Vec<PeerSnapshot>,
    /// System calls and bytes; filled in by the reactor.
    pub io: IoCounters,
}
