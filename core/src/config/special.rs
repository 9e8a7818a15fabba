//! The keys that no general kind covers.

use super::document::{Entry, Node, Position, Value};
use super::keys::Refusal;
use super::parts::{self, BucketType, LogFormat, LogLevel, SecureServers, Seed, Weight};
use super::pool::PoolConfig;
use crate::distribution::{DistributionKind, LoadBound};
use crate::hash::HashKind;

pub(super) fn hash(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.hash = hash_of(text)?;
    Ok(())
}

pub(super) fn hash_shadow(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.hash_shadow = Some(hash_of(text)?);
    Ok(())
}

fn hash_of(text: &str) -> Result<HashKind, String> {
    HashKind::by_name(&text.to_ascii_lowercase()).map_err(|error| error.to_string())
}

pub(super) fn hash_tag(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.hash_tag = parts::hash_tag(text)?;
    Ok(())
}

pub(super) fn distribution(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.distribution = distribution_of(text)?;
    Ok(())
}

pub(super) fn bounded_load(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    let ratio = text
        .parse()
        .map_err(|_| format!("'{text}' is no ratio above 1, as in 1.25"))?;
    pool.bounded_load = Some(LoadBound::new(ratio).map_err(|error| error.to_string())?);
    Ok(())
}

pub(super) fn distribution_shadow(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.distribution_shadow = Some(distribution_of(text)?);
    Ok(())
}

fn distribution_of(text: &str) -> Result<DistributionKind, String> {
    DistributionKind::by_name(&text.to_ascii_lowercase()).map_err(|error| error.to_string())
}

pub(super) fn default_bucket_type(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.default_bucket_type = Some(text.to_owned());
    Ok(())
}

pub(super) fn secure_server_option(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.secure_servers = choose(
        "secure_server_option",
        text,
        &[
            ("none", SecureServers::None),
            ("datacenter", SecureServers::Datacenter),
            ("rack", SecureServers::Rack),
            ("all", SecureServers::All),
        ],
    )?;
    Ok(())
}

pub(super) fn log_format(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    let choices = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    pool.log_format = choose("log_format", text, &choices)?;
    Ok(())
}

pub(super) fn log_level(pool: &mut PoolConfig, text: &str) -> Result<(), String> {
    pool.log_level = choose(
        "log_level",
        text,
        &[
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
        ],
    )?;
    Ok(())
}

fn choose<T: Copy>(what: &str, text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        parts::unknown(what, text, &names)
    })
}

pub(super) fn tokens(pool: &mut PoolConfig, words: &[(Position, String)]) -> Result<(), Refusal> {
    pool.tokens.clear();
    for (at, word) in words {
        let text = word.trim_end_matches(',');
        pool.tokens
            .extend(parts::tokens_of(text).map_err(|text| Refusal { at: *at, text })?);
    }
    Ok(())
}

pub(super) fn seeds(pool: &mut PoolConfig, words: &[(Position, String)]) -> Result<(), Refusal> {
    pool.seeds.clear();
    for (at, word) in words {
        let refuse = |text| Refusal { at: *at, text };
        let seed = Seed::parse(word).map_err(refuse)?;
        if pool.seeds.iter().any(|other| other.address == seed.address) {
            return Err(refuse(format!("{} stands in the list twice", seed.address)));
        }
        pool.seeds.push(seed);
    }
    Ok(())
}

pub(super) fn weights(pool: &mut PoolConfig, words: &[(Position, String)]) -> Result<(), Refusal> {
    pool.weights.clear();
    for (at, word) in words {
        let refuse = |text| Refusal { at: *at, text };
        let weight = Weight::parse(word.trim_end_matches(',')).map_err(refuse)?;
        if pool
            .weights
            .iter()
            .any(|other| other.address == weight.address)
        {
            return Err(refuse(format!(
                "{} stands in the list twice",
                weight.address
            )));
        }
        pool.weights.push(weight);
    }
    Ok(())
}

const BUCKET_KEYS: [&str; 4] = ["name", "read_consistency", "write_consistency", "n_val"];

pub(super) fn bucket_types(node: &Node) -> Result<Vec<BucketType>, Refusal> {
    let Value::List(items) = &node.value else {
        return Err(Refusal {
            at: node.at,
            text: format!(
                "bucket_types takes a list of maps, not {}",
                node.value.shape()
            ),
        });
    };
    let mut buckets: Vec<BucketType> = Vec::new();
    for item in items {
        let bucket = bucket_type(item)?;
        if buckets.iter().any(|other| other.name == bucket.name) {
            return Err(Refusal {
                at: item.at,
                text: format!("bucket type '{}' stands in the list twice", bucket.name),
            });
        }
        buckets.push(bucket);
    }
    Ok(buckets)
}

fn bucket_type(node: &Node) -> Result<BucketType, Refusal> {
    let refuse = |text: &str| Refusal {
        at: node.at,
        text: text.to_owned(),
    };
    let Value::Map(entries) = &node.value else {
        return Err(refuse("a bucket type is a map with at least 'name'"));
    };
    let mut bucket = BucketType {
        name: String::new(),
        read_consistency: None,
        write_consistency: None,
        n_val: 0,
    };
    for entry in entries {
        bucket_entry(&mut bucket, entry)?;
    }
    if bucket.name.is_empty() {
        return Err(refuse("the bucket type has no 'name'"));
    }
    Ok(bucket)
}

fn bucket_entry(bucket: &mut BucketType, entry: &Entry) -> Result<(), Refusal> {
    let Value::Scalar(text) = &entry.node.value else {
        return Err(Refusal {
            at: entry.node.at,
            text: format!("{} takes a single value", entry.key),
        });
    };
    let refuse = |text| Refusal {
        at: entry.node.at,
        text,
    };
    match entry.key.as_str() {
        "name" if text.contains('/') => {
            return Err(refuse(
                "a bucket's name ends before the first '/'".to_owned(),
            ));
        }
        "name" => text.clone_into(&mut bucket.name),
        "read_consistency" => bucket.read_consistency = Some(parts::level(text).map_err(refuse)?),
        "write_consistency" => bucket.write_consistency = Some(parts::level(text).map_err(refuse)?),
        "n_val" => {
            bucket.n_val = text
                .parse()
                .map_err(|_| refuse(format!("'{text}' is no count from 0 to 255")))?;
        }
        other => {
            return Err(Refusal {
                at: entry.at,
                text: parts::unknown("key of a bucket type", other, &BUCKET_KEYS),
            });
        }
    }
    Ok(())
}
