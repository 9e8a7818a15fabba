//! A pool of `nutcracker.yml`, as twemproxy's `nc_conf.c` takes it.

use ringlab_core::config::document::Entry;
use ringlab_core::distribution::{Claimant, DistributionKind};
use ringlab_core::hash::HashKind;

use super::file::{File, Word};
use super::{Datacenter, Pool, Rack};

/// Keys of a pool that place no keys.
const OTHER_KEYS: [&str; 17] = [
    "listen",
    "timeout",
    "backlog",
    "client_connections",
    "redis",
    "redis_auth",
    "redis_db",
    "tcpkeepalive",
    "reuseport",
    "preconnect",
    "server_connections",
    "server_retry_timeout",
    "server_failure_limit",
    "command",
    "commands",
    "slowlog_log_slower_than",
    "tcp_keepalive",
];
const PLACING: [&str; 4] = ["hash", "hash_tag", "distribution", "servers"];
/// Where twemproxy's meaning differs from Dynomite's, the hash has its own name.
const TWEMPROXY: &str = "twemproxy_";
const HASH_DEFAULT: &str = "fnv1a_64";
const DISTRIBUTION_DEFAULT: &str = "ketama";
/// memcached's port: left out of a server's name, as libmemcached does.
const SILENT_PORT: u16 = 11211;
const FORM: &str =
    "a server is 'HOST:PORT:WEIGHT' or 'HOST:PORT:WEIGHT NAME', such as 10.0.0.1:6379:1";

/// Reads a pool; none when something is missing, which is a problem of the file then.
pub(super) fn read(file: &mut File, pool: Entry) -> Option<Pool> {
    let (name, at) = (pool.key.clone(), pool.at);
    let mut hash = hash_by_name(HASH_DEFAULT).ok();
    let mut distribution = None;
    let (mut hash_tag, mut servers, mut named) = (None, None, false);
    for entry in file.keys(pool) {
        match entry.key.as_str() {
            "hash" => hash = read_hash(file, &entry),
            "hash_tag" => hash_tag = file.hash_tag(&entry),
            "distribution" => {
                named = true;
                distribution = file.distribution(&entry);
            }
            "auto_eject_hosts" => note_ejecting(file, &entry),
            "servers" => servers = Some((entry.at, file.words(&entry))),
            key if OTHER_KEYS.contains(&key) => {}
            _ => file.unknown(&entry, &PLACING),
        }
    }
    if !named {
        let kind = DistributionKind::by_name(DISTRIBUTION_DEFAULT);
        distribution = file.taken(at, kind);
    }
    let Some((_, servers)) = servers.filter(|(_, servers)| !servers.is_empty()) else {
        let text = format!("the pool '{name}' has no servers; list them below 'servers:'. {FORM}");
        file.problem(at, text);
        return None;
    };
    let servers = sorted(file, &name, &servers)?;
    let (claimants, addresses) = servers.into_iter().unzip();
    Some(Pool {
        name,
        hash: hash?,
        hash_tag,
        distribution: distribution?,
        datacenters: vec![Datacenter {
            name: String::new(),
            racks: vec![Rack {
                name: String::new(),
                claimants,
                addresses,
            }],
        }],
    })
}

/// A hash by the name that twemproxy gives it, else by ours.
pub(crate) fn hash_by_name(name: &str) -> Result<HashKind, String> {
    let name = name.to_ascii_lowercase();
    HashKind::by_name(&format!("{TWEMPROXY}{name}"))
        .or_else(|_| HashKind::by_name(&name))
        .map_err(|error| error.to_string())
}

fn read_hash(file: &mut File, entry: &Entry) -> Option<HashKind> {
    let word = file.word(entry)?;
    let hash = file.taken(word.at, hash_by_name(&word.text))?;
    if hash.bits() < 32 {
        let text = format!(
            "{} has only {} bits: a ring of 32 bits (ketama) sends every key to one server; \
             crc32a is the whole CRC-32",
            hash.name(),
            hash.bits()
        );
        file.note(word.at, text);
    }
    Some(hash)
}

fn note_ejecting(file: &mut File, entry: &Entry) {
    if file.word(entry).is_some_and(|word| word.text == "true") {
        let text = "auto_eject_hosts: keys of a server that fails go to others until it is back; \
                    here all servers count as alive";
        file.note(entry.at, text);
    }
}

/// What is hashed of a server, and where it is.
type Server = (Claimant, String);

/// The servers in twemproxy's order.
fn sorted(file: &mut File, pool: &str, servers: &[Word]) -> Option<Vec<Server>> {
    let mut claimants: Vec<Server> = Vec::new();
    let mut sound = true;
    for word in servers {
        match server(&word.text) {
            Ok((server, _)) if claimants.iter().any(|(other, _)| other.name == server.name) => {
                let text = format!(
                    "a second server named '{}' in pool '{pool}'; twemproxy refuses that: give it \
                     another name behind its weight",
                    server.name
                );
                file.problem(word.at, text);
                sound = false;
            }
            Ok(server) => claimants.push(server),
            Err(text) => {
                file.problem(word.at, text);
                sound = false;
            }
        }
    }
    claimants.sort_by(|(a, _), (b, _)| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
    sound.then_some(claimants)
}

/// `host:port:weight [name]`, read from the right.
fn server(text: &str) -> Result<Server, String> {
    let form = || format!("'{text}' is no server: {FORM}");
    let (address, given) = match text.rsplit_once(' ') {
        Some((address, name)) => (address.trim_end(), Some(name)),
        None => (text, None),
    };
    let (place, weight) = address.rsplit_once(':').ok_or_else(form)?;
    let name = if place.starts_with('/') {
        // twemproxy takes the colon behind the path into the name.
        format!("{place}:")
    } else {
        let (host, port) = place.rsplit_once(':').ok_or_else(form)?;
        let number: u16 = port.parse().map_err(|_| form())?;
        if host.is_empty() || number == 0 {
            return Err(form());
        }
        let silent = number == SILENT_PORT;
        if silent { host } else { place }.to_owned()
    };
    let weight = match weight.parse() {
        Ok(0) => {
            return Err(format!(
                "'{text}': a weight of 0 gives no keys; leave the server out, or write 1"
            ));
        }
        Ok(weight) => weight,
        Err(_) => return Err(form()),
    };
    let claimant = Claimant {
        name: given.map_or(name, ToOwned::to_owned),
        tokens: Vec::new(),
        weight,
    };
    Ok((claimant, place.to_owned()))
}
