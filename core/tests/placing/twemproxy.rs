//! `ketama` and `modula` against twemproxy's own tables and lookups.

use ringlab_core::distribution::{Claimant, DistributionKind, ketama_points};
use ringlab_core::hash::{HashKind, tag_range};
use serde_json::Value;

use super::built;
use super::vectors::{Checked, key, read, rows};

/// A pool of `twemproxy_pools.json`.
struct Pool {
    name: String,
    distribution: String,
    hash: HashKind,
    hash_tag: Option<[u8; 2]>,
    /// In the order of the configuration, with the names that it gives them.
    claimants: Vec<Claimant>,
    /// By claimant: twemproxy's index of the server, its points, and its part of 2^32 values.
    servers: Vec<Server>,
}

struct Server {
    index: u64,
    points: u64,
    owned: Option<u64>,
}

fn pools() -> Vec<Pool> {
    let pools: Vec<Value> = serde_json::from_str(&read("twemproxy_pools.json")).unwrap();
    pools.iter().map(pool).collect()
}

fn pool(pool: &Value) -> Pool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let configured = pool["servers_config_order"].as_array().unwrap();
    let claimants: Vec<_> = configured
        .iter()
        .map(|server| claimant(server.as_str().unwrap()))
        .collect();
    let indexed = pool["servers_index_order"].as_array().unwrap();
    let servers = claimants
        .iter()
        .map(|claimant| {
            let short = claimant.name.trim_end_matches(":11211");
            let named = |server: &&Value| server["name"] == short;
            let server = indexed.iter().find(named).unwrap();
            assert_eq!(server["weight"], claimant.weight);
            Server {
                index: server["index"].as_u64().unwrap(),
                points: server["points"].as_u64().unwrap(),
                owned: server["owned_of_2pow32"].as_u64(),
            }
        })
        .collect();
    let hash = text(&pool["hash"]);
    let own = HashKind::by_name(&format!("twemproxy_{hash}"));
    Pool {
        name: text(&pool["pool"]),
        distribution: text(&pool["distribution"]),
        hash: own.or_else(|_| HashKind::by_name(&hash)).unwrap(),
        hash_tag: pool["hash_tag"]
            .as_str()
            .map(|tag| tag.as_bytes().try_into().unwrap()),
        claimants,
        servers,
    }
}

/// From `host:port:weight` or `host:port:weight name`.
fn claimant(server: &str) -> Claimant {
    let (address, name) = server.split_once(' ').unwrap_or((server, ""));
    let (address, weight) = address.rsplit_once(':').unwrap();
    Claimant {
        name: if name.is_empty() { address } else { name }.to_owned(),
        tokens: vec![],
        weight: weight.parse().unwrap(),
    }
}

#[test]
fn points_are_those_of_twemproxy() {
    let points_file = read("ketama_points.csv");
    let mut checked = Checked::default();
    for pool in pools().iter().filter(|pool| pool.distribution == "ketama") {
        let points = ketama_points(&pool.claimants);
        for row in rows(&points_file).filter(|row| row[0] == pool.name) {
            let (value, owner) = points[row[1].parse::<usize>().unwrap()];
            let index = pool.servers[usize::from(owner)].index;
            let expected = (row[2].parse().unwrap(), row[3].parse().unwrap());
            checked.equal(&row, (value, index), expected);
        }
        for (server, owner) in pool.servers.iter().zip(0_u16..) {
            let count = points.iter().filter(|(_, of)| *of == owner).count();
            assert_eq!(count as u64, server.points, "{}", pool.name);
        }
    }
    checked.finish(5786);
}

/// The parts of all 2^32 values that the reference counted.
#[test]
fn shares_are_those_of_twemproxy() {
    let mut count = 0;
    for pool in pools().iter().filter(|pool| pool.distribution == "ketama") {
        let shares = built("ketama", &pool.claimants, "murmur").shares();
        for (share, server) in shares.iter().zip(&pool.servers) {
            let owned = share * 2_f64.powi(32);
            assert_eq!(owned, server.owned.unwrap() as f64, "{}", pool.name);
            count += 1;
        }
    }
    assert_eq!(count, 61);
}

#[test]
fn keys_are_owned_as_twemproxy_says() {
    for (distribution, file, count_min) in [
        ("ketama", "ketama_lookups.csv", 2106),
        ("modula", "modula_lookups.csv", 1872),
    ] {
        let lookups = read(file);
        let kind = DistributionKind::by_name(distribution).unwrap();
        assert!(kind.row().empty_key_is_zero);
        let mut checked = Checked::default();
        for mut pool in pools()
            .into_iter()
            .filter(|pool| pool.distribution == distribution)
        {
            // As configured, and the other way round: the order of the list must not matter.
            for _ in 0..2 {
                pool.claimants.reverse();
                pool.servers.reverse();
                let built = kind.build(&pool.claimants, pool.hash).unwrap();
                for row in rows(&lookups).filter(|row| row[0] == pool.name) {
                    let bytes = key(row[1]);
                    let tag = tag_range(&bytes, pool.hash_tag);
                    let value = if tag.is_empty() {
                        0
                    } else {
                        pool.hash.hash(tag)
                    };
                    let index = pool.servers[built.owner(value)].index;
                    checked.equal(&row, index, row[2].parse().unwrap());
                }
            }
        }
        checked.finish(2 * count_min);
    }
}

/// twemproxy's pool of three under 15 bits of CRC-32 sends all 390 keys to server 0 (its issue
/// 175): it can be built to be looked at, and is refused.
#[test]
fn a_ring_that_sends_all_keys_to_one_server_is_refused() {
    let pool = pools()
        .into_iter()
        .find(|pool| pool.name == "eq3_crc32")
        .unwrap();
    let ketama = DistributionKind::by_name("ketama").unwrap();
    let built = ketama.build(&pool.claimants, pool.hash).unwrap();
    assert_eq!(built.shares(), [1.0, 0.0, 0.0]);
    let refused = ketama
        .check_spread(&*built, &pool.claimants, pool.hash)
        .unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("ketama works with: one_at_a_time, md5"),
        "{text}"
    );
    assert!(text.contains("crc32 works with: modula"), "{text}");
}

/// libketama's own test, as dgryski/go-ketama has it: server1 to server10, equal, hash md5.
#[test]
fn libketamas_counts_come_out() {
    let claimants = super::claimants("server", &[1; 10]);
    let ketama = built("ketama", &claimants, "md5");
    let md5 = HashKind::by_name("md5").unwrap();
    let mut counts = [0; 10];
    for number in 0..100_000 {
        counts[ketama.owner(md5.hash(format!("foo{number}").as_bytes()))] += 1;
    }
    let expected = [
        8699, 10885, 9980, 10237, 9099, 10997, 10365, 10380, 9896, 9462,
    ];
    assert_eq!(counts, expected);
}
