//! Every key a configuration knows, once: its name, what it takes, its default, what it is for.
//! The reader, the flags, the environment, `ringd --help` and the error texts are made of this table.

use super::keys::{Key, Kind};
use super::special;

const fn row(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        default,
        about,
        kind,
    }
}

const fn ignored(name: &'static str, why: &'static str) -> Key {
    row(name, "", Kind::Ignored(why), why)
}

const fn not_yet(name: &'static str, why: &'static str) -> Key {
    row(name, "", Kind::NotYet(why), why)
}

const ONE_LINK: &str = "peers share one link each way";
const NO_STORE_LINKS: &str = "the store is embedded, there are no connections to it";
const MEMORY_ONLY: &str = "this version keeps everything in memory";
const NO_TLS: &str = "this version has no TLS";
const NO_PASSWORD: &str =
    "this version has no passwords; leave it out and keep the node on loopback";

/// All of them; Dynomite's first, in its order, then ours.
pub static KEYS: &[Key] = &[
    row(
        "listen",
        "127.0.0.1:8102",
        Kind::Address(|p| &mut p.listen),
        "where clients connect",
    ),
    row(
        "dyn_listen",
        "127.0.0.1:8101",
        Kind::Address(|p| &mut p.dyn_listen),
        "where peers connect; also this node's name in the ring",
    ),
    row(
        "stats_listen",
        "127.0.0.1:22222",
        Kind::AddressOrOff(|p| &mut p.stats_listen),
        "where the admin pages are; off for none",
    ),
    row(
        "datacenter",
        "localdc",
        Kind::Text(|p| &mut p.datacenter),
        "this node's datacenter",
    ),
    row(
        "rack",
        "localrack",
        Kind::Text(|p| &mut p.rack),
        "this node's rack; a rack holds every key once",
    ),
    row(
        "tokens",
        "",
        Kind::Words("TOKENS", special::tokens),
        "this node's tokens, with commas between them",
    ),
    row(
        "dyn_seeds",
        "",
        Kind::Words("SEEDS", special::seeds),
        "the other nodes: a list of HOST:PORT:RACK:DATACENTER:TOKENS",
    ),
    row(
        "dyn_seed_provider",
        "simple_provider",
        Kind::Text(|p| &mut p.dyn_seed_provider),
        "only simple_provider: the seeds are those of dyn_seeds",
    ),
    row(
        "hash",
        "murmur",
        Kind::Word("NAME", special::hash),
        "from key to token",
    ),
    row(
        "hash_tag",
        "",
        Kind::Word("CHARS", special::hash_tag),
        "two characters; the part of a key between them alone is hashed",
    ),
    row(
        "distribution",
        "vnode",
        Kind::Word("NAME", special::distribution),
        "from token to peer",
    ),
    row(
        "bounded_load",
        "",
        Kind::Word("RATIO", special::bounded_load),
        "most of its fair share that a peer may get, above 1, as in 1.25; the rest goes on to the next",
    ),
    row(
        "distribution_shadow",
        "",
        Kind::Word("NAME", special::distribution_shadow),
        "a second distribution, compared and counted, never used",
    ),
    row(
        "hash_shadow",
        "",
        Kind::Word("NAME", special::hash_shadow),
        "a second hash, alone or with distribution_shadow: compared and counted, never used",
    ),
    row(
        "weights",
        "",
        Kind::Words("WEIGHTS", special::weights),
        "shares of nodes that are not 1: a list of HOST:PORT:WEIGHT, this node's among them",
    ),
    row(
        "timeout",
        "5000",
        Kind::Time {
            field: |p| &mut p.timeout_ms,
            unit_ms: 1,
            min_ms: 1,
        },
        "how long a request may take",
    ),
    row(
        "backlog",
        "512",
        Kind::Count {
            field: |p| &mut p.backlog,
            min: 1,
        },
        "connections that may wait to be accepted",
    ),
    row(
        "client_connections",
        "0",
        Kind::Count {
            field: |p| &mut p.client_connections,
            min: 0,
        },
        "most clients at a time; 0 for 16384",
    ),
    row(
        "read_consistency",
        "DC_ONE",
        Kind::Level(|p| &mut p.read_consistency),
        "the level of reads: DC_ONE, DC_QUORUM, DC_SAFE_QUORUM, DC_EACH_SAFE_QUORUM",
    ),
    row(
        "write_consistency",
        "DC_ONE",
        Kind::Level(|p| &mut p.write_consistency),
        "the level of writes",
    ),
    row(
        "read_repairs_enabled",
        "true",
        Kind::Switch(|p| &mut p.read_repairs_enabled),
        "write the newest value to replicas that answered another one",
    ),
    row(
        "enable_hinted_handoff",
        "true",
        Kind::Switch(|p| &mut p.enable_hinted_handoff),
        "keep writes for a peer that is away",
    ),
    row(
        "hint_ttl_seconds",
        "3h",
        Kind::Time {
            field: |p| &mut p.hint_ttl_ms,
            unit_ms: 1000,
            min_ms: 1000,
        },
        "how long they are kept",
    ),
    row(
        "hint_store_max_bytes",
        "64mb",
        Kind::Bytes {
            field: |p| &mut p.hint_store_max_bytes,
            min: 0,
        },
        "how many bytes of them, over all peers",
    ),
    row(
        "hint_max_bytes",
        "",
        Kind::Bytes {
            field: |p| &mut p.hint_store_max_bytes,
            min: 0,
        },
        "another name of hint_store_max_bytes",
    ),
    row(
        "bucket_types",
        "",
        Kind::Buckets(|p| &mut p.bucket_types),
        "list of {name, read_consistency, write_consistency, n_val} for the keys NAME/…",
    ),
    row(
        "default_bucket_type",
        "",
        Kind::Word("NAME", special::default_bucket_type),
        "the bucket type of all other keys",
    ),
    row(
        "data_store",
        "0",
        Kind::Only(&["0", "redis"], "the memcached protocol comes later"),
        "0: the Redis protocol",
    ),
    row(
        "secure_server_option",
        "none",
        Kind::Word("NAME", special::secure_server_option),
        "none; encrypted peer links come later",
    ),
    not_yet(
        "servers",
        "this version does not proxy to another store; leave the key out to use the embedded one",
    ),
    not_yet("redis_requirepass", NO_PASSWORD),
    ignored("dyn_port", "the port stands in dyn_listen"),
    ignored(
        "hint_drain_interval_ms",
        "a peer's hints are delivered at once when it is back",
    ),
    ignored("enable_gossip", "the members are those of dyn_seeds"),
    ignored("gos_interval", "the members are those of dyn_seeds"),
    ignored("preconnect", "peers are always connected ahead of use"),
    ignored("auto_eject_hosts", NO_STORE_LINKS),
    ignored("server_retry_timeout", NO_STORE_LINKS),
    ignored("server_failure_limit", NO_STORE_LINKS),
    ignored("server_connections", NO_STORE_LINKS),
    ignored("datastore_connections", NO_STORE_LINKS),
    ignored(
        "dyn_read_timeout",
        "timeout bounds each request, peer_timeout each link",
    ),
    ignored(
        "dyn_write_timeout",
        "timeout bounds each request, peer_timeout each link",
    ),
    ignored("dyn_connections", ONE_LINK),
    ignored("local_peer_connections", ONE_LINK),
    ignored("remote_peer_connections", ONE_LINK),
    ignored("mbuf_size", "buffers grow and shrink by themselves"),
    ignored(
        "max_msgs",
        "the limits are on bytes and on requests of a connection",
    ),
    ignored(
        "conn_msg_rate",
        "a connection is slowed by backpressure, not by a rate",
    ),
    ignored(
        "stats_interval",
        "figures are taken when they are asked for",
    ),
    ignored("env", "nothing depends on where the node runs"),
    ignored("pem_key_file", NO_TLS),
    ignored("recon_key_file", NO_TLS),
    ignored("recon_iv_file", NO_TLS),
    row(
        "cluster_name",
        "",
        Kind::Text(|p| &mut p.name),
        "peers of another name are refused; the name on top of the file when absent",
    ),
    row(
        "advertise",
        "",
        Kind::AddressOrOff(|p| &mut p.advertise),
        "what other nodes' dyn_seeds call this node, when that is not dyn_listen",
    ),
    row(
        "protected_mode",
        "true",
        Kind::Switch(|p| &mut p.protected_mode),
        "listen on loopback only, whatever listen, dyn_listen and stats_listen say",
    ),
    row(
        "strict_quorum",
        "false",
        Kind::Switch(|p| &mut p.strict_quorum),
        "a quorum read without a majority for one value is an error; only of a store without versions",
    ),
    row(
        "sloppy_quorum",
        "false",
        Kind::Switch(|p| &mut p.sloppy_quorum),
        "hints count toward a quorum; a crash can then lose what a quorum acknowledged",
    ),
    row(
        "client_output_buffer_limit",
        "64mb",
        Kind::Bytes {
            field: |p| &mut p.client_output_buffer_limit,
            min: 1024,
        },
        "unsent bytes after which a client is closed",
    ),
    row(
        "hint_drain_rate",
        "32mb",
        Kind::Bytes {
            field: |p| &mut p.hint_drain_rate,
            min: 1024,
        },
        "most bytes of hints a second to one peer",
    ),
    row(
        "gc_grace",
        "1d",
        Kind::Time {
            field: |p| &mut p.gc_grace_ms,
            unit_ms: 1000,
            min_ms: 1000,
        },
        "how long a deletion is remembered; at least as long as hints are kept",
    ),
    row(
        "heartbeat_interval",
        "500ms",
        Kind::Time {
            field: |p| &mut p.heartbeat_interval_ms,
            unit_ms: 1,
            min_ms: 10,
        },
        "how often an idle peer link is asked for a sign of life",
    ),
    row(
        "peer_timeout",
        "2s",
        Kind::Time {
            field: |p| &mut p.peer_timeout_ms,
            unit_ms: 1,
            min_ms: 50,
        },
        "silence after which a peer counts as down",
    ),
    row(
        "shutdown_grace",
        "10s",
        Kind::Time {
            field: |p| &mut p.shutdown_grace_ms,
            unit_ms: 1000,
            min_ms: 1,
        },
        "how long an orderly end may take",
    ),
    row(
        "log_format",
        "text",
        Kind::Word("NAME", special::log_format),
        "text or json",
    ),
    row(
        "log_level",
        "info",
        Kind::Word("NAME", special::log_level),
        "error, warn, info or debug",
    ),
    row(
        "workers",
        "1",
        Kind::Only(&["1"], "this version serves with one thread"),
        "threads that serve",
    ),
    row(
        "egress",
        "writev",
        Kind::Only(&["auto", "writev"], "io_uring comes later"),
        "how replies leave",
    ),
    not_yet("requirepass", NO_PASSWORD),
    not_yet("replication", "the ring's replicas are its racks"),
    not_yet("durability", MEMORY_ONLY),
    not_yet("data_dir", MEMORY_ONLY),
    not_yet("appendfsync", MEMORY_ONLY),
    not_yet("hint_dir", MEMORY_ONLY),
    not_yet("maxmemory", "this version evicts nothing"),
    not_yet("maxmemory_policy", "this version evicts nothing"),
    not_yet("tls_*", NO_TLS),
    not_yet("peer_tls_*", NO_TLS),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PoolConfig;
    use crate::config::document::{Node, Position, Value};

    #[test]
    fn names_are_unique_and_rows_are_told_apart() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..index].iter().all(|other| other.name != key.name),
                "{}",
                key.name
            );
            assert!(
                !key.about.is_empty() && !key.about.ends_with('.'),
                "{}",
                key.name
            );
        }
        assert_eq!(
            Key::by_name("tls_cert_file").map(|key| key.name),
            Some("tls_*")
        );
        assert!(Key::by_name("tls").is_none());
    }

    #[test]
    fn every_default_is_taken_by_its_own_key() {
        let mut pool = PoolConfig::default();
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            let node = Node {
                at: Position::START,
                value: Value::Scalar(key.default.to_owned()),
            };
            assert_eq!(key.apply(&mut pool, &node), Ok(()), "{}", key.name);
        }
    }
}
