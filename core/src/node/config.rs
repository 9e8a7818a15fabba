//! The node's settings, as the configuration reader gives them.

use crate::consistency::Consistency;
use crate::dispatch::{BucketType, DispatchConfig};
use crate::handoff::Limits;
use crate::limits::CLIENT_QUEUE_BYTES_MAX;

/// What one node is told at its start. Times in milliseconds, sizes in bytes.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Name of the cluster: peers of another one are refused.
    pub cluster: String,
    /// Seeds the store's hash; random in production, fixed in tests.
    pub seed: u64,
    /// Tells this start of the process from earlier ones.
    pub incarnation: u64,
    /// How long a request may take before its client gets an error.
    pub request_timeout_ms: u64,
    /// Interval of heartbeats on peer links.
    pub heartbeat_ms: u64,
    /// Silence after which a peer is down.
    pub peer_timeout_ms: u64,
    /// A plurality is not enough for a read (C5).
    pub strict_quorum: bool,
    /// Hints count toward a quorum (C9).
    pub sloppy_quorum: bool,
    /// Divergence found by reads is repaired.
    pub read_repairs: bool,
    /// Client connections at a time.
    pub client_connections_max: usize,
    /// Unsent bytes of one client above which its next reply closes it.
    pub client_queue_bytes_max: usize,
    /// How long a delete is remembered.
    pub gc_grace_ms: u64,
    /// Hinted handoff.
    pub hints: HintConfig,
    /// Consistency of reads where no bucket type says otherwise.
    pub read_consistency: Consistency,
    /// Consistency of writes where no bucket type says otherwise.
    pub write_consistency: Consistency,
    /// Bucket types by bucket name.
    pub bucket_types: Vec<BucketType>,
    /// The bucket type of keys whose bucket has none of its own.
    pub default_bucket_type: Option<BucketType>,
}

/// Hinted handoff.
#[derive(Clone, Debug)]
pub struct HintConfig {
    /// Whether writes for absent peers are kept at all.
    pub enabled: bool,
    /// Bound of all hints together.
    pub bytes_max: usize,
    /// Age at which a hint is dropped.
    pub ttl_ms: u64,
    /// Bytes per second and peer of a drain.
    pub drain_bytes_per_s: u64,
}

impl Default for HintConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            bytes_max: 64 * 1024 * 1024,
            ttl_ms: 3 * 60 * 60 * 1000,
            drain_bytes_per_s: 32 * 1024 * 1024,
        }
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            cluster: "dyn_o_mite".to_owned(),
            seed: 0,
            incarnation: 1,
            request_timeout_ms: 5_000,
            heartbeat_ms: 500,
            peer_timeout_ms: 2_000,
            strict_quorum: false,
            sloppy_quorum: false,
            read_repairs: true,
            client_connections_max: 16_384,
            client_queue_bytes_max: CLIENT_QUEUE_BYTES_MAX,
            gc_grace_ms: 24 * 60 * 60 * 1000,
            hints: HintConfig::default(),
            read_consistency: Consistency::DcOne,
            write_consistency: Consistency::DcOne,
            bucket_types: Vec::new(),
            default_bucket_type: None,
        }
    }
}

impl HintConfig {
    /// The hint store's bounds.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            bytes_max: self.bytes_max,
            peer_bytes_max: self.bytes_max,
            ttl_ms: self.ttl_ms,
            drain_bytes_per_s: self.drain_bytes_per_s,
            ..Limits::default()
        }
    }
}

impl NodeConfig {
    /// The planner's part.
    pub(super) fn rules(&self) -> DispatchConfig {
        DispatchConfig::new(
            self.read_consistency,
            self.write_consistency,
            self.hints.enabled,
        )
        .with_buckets(self.bucket_types.clone(), self.default_bucket_type.clone())
    }
}
