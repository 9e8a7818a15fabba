//! From the configuration to what the node and its reactor are told.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ringlab_core::config::{self, Address, PoolConfig};
use ringlab_core::io::ReactorConfig;
use ringlab_core::node::{BucketType, HintConfig, NodeConfig};

/// The node's settings.
#[must_use]
pub fn node(pool: &PoolConfig) -> NodeConfig {
    let bucket_types: Vec<_> = pool
        .bucket_types
        .iter()
        .map(|b| bucket_type(pool, b))
        .collect();
    let default = pool.default_bucket_type.as_ref();
    let client_connections_max = match pool.client_connections {
        0 => NodeConfig::default().client_connections_max,
        count => length(count),
    };
    NodeConfig {
        cluster: pool.name.clone(),
        seed: random(),
        incarnation: since_epoch_ns(),
        request_timeout_ms: pool.timeout_ms,
        heartbeat_ms: pool.heartbeat_interval_ms,
        peer_timeout_ms: pool.peer_timeout_ms,
        strict_quorum: pool.strict_quorum,
        sloppy_quorum: pool.sloppy_quorum,
        read_repairs: pool.read_repairs_enabled,
        client_connections_max,
        client_queue_bytes_max: length(pool.client_output_buffer_limit),
        gc_grace_ms: pool.gc_grace_ms,
        hints: HintConfig {
            enabled: pool.enable_hinted_handoff,
            bytes_max: length(pool.hint_store_max_bytes),
            ttl_ms: pool.hint_ttl_ms,
            drain_bytes_per_s: pool.hint_drain_rate,
        },
        read_consistency: pool.read_consistency,
        write_consistency: pool.write_consistency,
        default_bucket_type: default.and_then(|name| {
            bucket_types
                .iter()
                .find(|bucket| bucket.name == *name)
                .cloned()
        }),
        bucket_types,
    }
}

fn bucket_type(pool: &PoolConfig, bucket: &config::BucketType) -> BucketType {
    BucketType {
        name: bucket.name.clone(),
        read_consistency: bucket.read_consistency.unwrap_or(pool.read_consistency),
        write_consistency: bucket.write_consistency.unwrap_or(pool.write_consistency),
        n_val: usize::from(bucket.n_val),
    }
}

/// What to listen on. A node alone has no peers to listen for.
///
/// # Errors
/// A host name that can't be resolved.
pub fn reactor(pool: &PoolConfig) -> Result<ReactorConfig> {
    let peer_listen = match pool.is_single() {
        true => Vec::new(),
        false => vec![resolve("dyn_listen", &pool.dyn_listen)?],
    };
    Ok(ReactorConfig {
        client_listen: vec![resolve("listen", &pool.listen)?],
        peer_listen,
        backlog: i32::try_from(pool.backlog).unwrap_or(i32::MAX),
    })
}

/// The first address of a host to listen on.
///
/// # Errors
/// The name can't be resolved.
pub fn resolve(key: &str, address: &Address) -> Result<SocketAddr> {
    (address.host.as_str(), address.port)
        .to_socket_addrs()
        .with_context(|| format!("{key} {address}"))?
        .next()
        .with_context(|| format!("{key} {address}: the name has no address"))
}

fn length(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Differs by process; not a secret.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn since_epoch_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use ringlab_core::consistency::Consistency;

    use super::*;

    #[test]
    fn bucket_types_inherit_the_pools_levels() {
        let mut pool = PoolConfig {
            read_consistency: Consistency::DcQuorum,
            ..PoolConfig::default()
        };
        pool.bucket_types.push(config::BucketType {
            name: "cache".to_owned(),
            read_consistency: None,
            write_consistency: Some(Consistency::DcSafeQuorum),
            n_val: 2,
        });
        pool.default_bucket_type = Some("cache".to_owned());
        let default = node(&pool).default_bucket_type.expect("it is named");
        assert_eq!(default.read_consistency, Consistency::DcQuorum);
        assert_eq!(default.write_consistency, Consistency::DcSafeQuorum);
    }

    #[test]
    fn a_node_alone_does_not_listen_for_peers() {
        let config = reactor(&PoolConfig::default()).expect("numbers");
        assert_eq!(
            (config.client_listen.len(), config.peer_listen.len()),
            (1, 0)
        );
    }

    #[test]
    fn defaults_agree_with_the_nodes_own() {
        let (ours, its) = (node(&PoolConfig::default()), NodeConfig::default());
        assert_eq!(ours.request_timeout_ms, its.request_timeout_ms);
        assert_eq!(
            (ours.heartbeat_ms, ours.peer_timeout_ms),
            (its.heartbeat_ms, its.peer_timeout_ms)
        );
        assert_eq!(
            (ours.strict_quorum, ours.sloppy_quorum, ours.read_repairs),
            (its.strict_quorum, its.sloppy_quorum, its.read_repairs)
        );
        assert_eq!(
            (ours.client_queue_bytes_max, ours.gc_grace_ms),
            (its.client_queue_bytes_max, its.gc_grace_ms)
        );
        assert_eq!(
            (ours.hints.enabled, ours.hints.bytes_max),
            (its.hints.enabled, its.hints.bytes_max)
        );
        assert_eq!(
            (ours.hints.ttl_ms, ours.hints.drain_bytes_per_s),
            (its.hints.ttl_ms, its.hints.drain_bytes_per_s)
        );
    }
}
