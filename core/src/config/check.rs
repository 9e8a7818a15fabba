//! What the keys say together.

use super::parts::{Address, SecureServers, Seed};
use super::{PoolConfig, Reader};

/// Checks the whole and settles what depends on several keys.
pub(super) fn together(reader: &mut Reader) {
    seed_provider(reader);
    protect(reader);
    ring(reader);
    weights(reader);
    shadow(reader);
    bucket_types(reader);
    encryption(reader);
    times(reader);
    without_effect(reader);
    two_names(reader);
}

fn seed_provider(reader: &mut Reader) {
    let provider = reader.pool.dyn_seed_provider.clone();
    if provider != "simple_provider" {
        let text = format!(
            "dyn_seed_provider {provider} means nothing here: the members are those of dyn_seeds"
        );
        reader.warn(reader.place_of("dyn_seed_provider"), text);
    }
}

/// The members: this node may stand in its own seed list, and the ring must be whole.
fn ring(reader: &mut Reader) {
    let own = reader.pool.local_name();
    let is_own = |seed: &Seed| seed.address.to_string() == own;
    if let Some(seed) = reader.pool.seeds.iter().find(|seed| is_own(seed)).cloned() {
        let (pool, place) = (&reader.pool, reader.place_of("dyn_seeds"));
        let same = (&seed.datacenter, &seed.rack, &seed.tokens)
            == (&pool.datacenter, &pool.rack, &pool.tokens);
        if !same {
            let text = format!(
                "{seed} is this node, with another datacenter, rack or tokens than its own keys say"
            );
            return reader.error(place, text);
        }
        reader.pool.seeds.retain(|seed| !is_own(seed));
    }
    if reader.pool.is_single() {
        return;
    }
    if reader.pool.distribution.name() == "random" {
        let text = "distribution random sends each request to another node of the rack: a key is not found where it was written; it suits only caches that hold the same everywhere or nothing that matters";
        reader.warn(reader.place_of("distribution"), text.to_owned());
    }
    if reader.pool.tokens.is_empty() && reader.pool.distribution.name() == "vnode" {
        let text = "there are dyn_seeds but no tokens: which part of the ring is this node's?";
        reader.error(reader.place_of("dyn_seeds"), text.to_owned());
    }
    let nameless = reader.pool.dyn_listen.is_wildcard() || reader.pool.dyn_listen.port == 0;
    if nameless && reader.pool.advertise.is_none() {
        let text = format!(
            "{own} is no name other nodes know this one by; set advertise to what their dyn_seeds say"
        );
        reader.warn(reader.place_of("dyn_listen"), text);
    }
}

/// Each weight is some node's. Whether the distribution knows weights is the ring's to say; that
/// the shadow does not is worth a word.
fn weights(reader: &mut Reader) {
    let pool = &reader.pool;
    let own = pool.local_name();
    let seeds = pool.seeds.iter().map(|seed| seed.address.to_string());
    let known: Vec<String> = std::iter::once(own).chain(seeds).collect();
    let named = pool.weights.iter().map(|listed| listed.address.to_string());
    if let Some(stranger) = named.into_iter().find(|name| !known.contains(name)) {
        let text = format!(
            "weights names {stranger}, which is no node of the ring; the nodes are: {}",
            known.join(", ")
        );
        return reader.error(reader.place_of("weights"), text);
    }
    let unaware = pool.distribution_shadow.filter(|kind| !kind.row().weighted);
    if let Some(shadow) = unaware.filter(|_| !pool.weights.is_empty()) {
        let text = format!(
            "distribution_shadow {} knows no weights: it is compared as if all were equal",
            shadow.name()
        );
        reader.warn(reader.place_of("distribution_shadow"), text);
    }
}

/// A shadow that is what is in use compares nothing.
fn shadow(reader: &mut Reader) {
    let pool = &reader.pool;
    let set = [
        ("hash_shadow", pool.hash_shadow.is_some()),
        ("distribution_shadow", pool.distribution_shadow.is_some()),
    ];
    if pool.shadow().is_some() {
        return;
    }
    if let Some((key, _)) = set.into_iter().find(|(_, set)| *set) {
        let text = format!("{key} names what is in use: nothing is compared");
        reader.warn(reader.place_of(key), text);
    }
}

fn bucket_types(reader: &mut Reader) {
    let Some(name) = reader.pool.default_bucket_type.clone() else {
        return;
    };
    let known: Vec<String> = reader
        .pool
        .bucket_types
        .iter()
        .map(|bucket| bucket.name.clone())
        .collect();
    if !known.contains(&name) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let text = super::parts::unknown("bucket type", &name, &known);
        reader.error(reader.place_of("default_bucket_type"), text);
    }
}

/// Links that the file wants encrypted are refused, not left open.
fn encryption(reader: &mut Reader) {
    let pool = &reader.pool;
    let asked = |seed: &Seed| match pool.secure_servers {
        SecureServers::None => false,
        SecureServers::Datacenter => seed.datacenter != pool.datacenter,
        SecureServers::Rack => (&seed.datacenter, &seed.rack) != (&pool.datacenter, &pool.rack),
        SecureServers::All => true,
    };
    if let Some(seed) = pool.seeds.iter().find(|seed| asked(seed)) {
        let text = format!(
            "secure_server_option asks for an encrypted link to {seed}, which this version does not have; none accepts plain links"
        );
        reader.error(reader.place_of("secure_server_option"), text);
    }
}

/// A deletion must be remembered for as long as a hint older than it may arrive.
fn times(reader: &mut Reader) {
    let PoolConfig {
        gc_grace_ms,
        hint_ttl_ms,
        ..
    } = reader.pool;
    if gc_grace_ms < hint_ttl_ms {
        if reader.is_set("gc_grace") {
            let text = "gc_grace is shorter than hint_ttl_seconds: a late hint could bring a deleted key back";
            return reader.error(reader.place_of("gc_grace"), text.to_owned());
        }
        reader.pool.gc_grace_ms = hint_ttl_ms;
    }
    let PoolConfig {
        heartbeat_interval_ms,
        peer_timeout_ms,
        ..
    } = reader.pool;
    if peer_timeout_ms < 2 * heartbeat_interval_ms {
        let text = format!(
            "peer_timeout ({peer_timeout_ms} ms) must be at least twice heartbeat_interval ({heartbeat_interval_ms} ms)"
        );
        reader.error(reader.place_of("peer_timeout"), text);
    }
}

/// What is taken and can change nothing yet is said, not passed over.
fn without_effect(reader: &mut Reader) {
    if reader.pool.strict_quorum {
        let text = "strict_quorum changes nothing here: the embedded store's replies have versions, and the newest of a majority answers";
        reader.warn(reader.place_of("strict_quorum"), text.to_owned());
    }
}

/// A setting with two names has one value.
fn two_names(reader: &mut Reader) {
    if reader.is_set("hint_store_max_bytes") && reader.is_set("hint_max_bytes") {
        let text = "hint_max_bytes is another name of hint_store_max_bytes; write one of them";
        reader.error(reader.place_of("hint_max_bytes"), text.to_owned());
    }
}

/// Without a password only this machine is let in.
fn protect(reader: &mut Reader) {
    if !reader.pool.protected_mode {
        return;
    }
    if !reader.pool.listen.is_loopback() {
        let narrow = reader.pool.listen.on_loopback();
        narrowed(reader, "listen", &narrow.to_string());
        reader.pool.listen = narrow;
    }
    if !reader.pool.dyn_listen.is_loopback() {
        let narrow = reader.pool.dyn_listen.on_loopback();
        if !reader.pool.is_single() {
            narrowed(reader, "dyn_listen", &narrow.to_string());
        }
        // Peers of this machine call a node on all its addresses by the one they can reach.
        if reader.pool.advertise.is_none() && !reader.pool.dyn_listen.is_wildcard() {
            reader.pool.advertise = Some(reader.pool.dyn_listen.clone());
        }
        reader.pool.dyn_listen = narrow;
    }
    let open = |address: &Address| !address.is_loopback();
    if let Some(stats_listen) = reader.pool.stats_listen.clone().filter(open) {
        let narrow = stats_listen.on_loopback();
        narrowed(reader, "stats_listen", &narrow.to_string());
        reader.pool.stats_listen = Some(narrow);
    }
}

fn narrowed(reader: &mut Reader, key: &str, narrow: &str) {
    let text = format!(
        "there is no password, so {key} is narrowed to {narrow}; protected_mode: false listens as written"
    );
    reader.warn(reader.place_of(key), text);
}
