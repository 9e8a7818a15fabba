//! What can be wrong with a distribution, and what to do about it.

use super::{DISTRIBUTIONS, DistributionKind};
use crate::hash::{HASHES, HashKind};
use crate::names;

/// The configuration names a distribution that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown distribution '{name}'{}; the distributions are: {}",
    names::suggestion(name, distribution_names()),
    distribution_names().collect::<Vec<_>>().join(", ")
)]
pub struct UnknownDistribution {
    /// What was written.
    pub name: String,
}

fn distribution_names() -> impl Iterator<Item = &'static str> {
    DISTRIBUTIONS.iter().map(|row| row.name)
}

/// Why claimants can't be placed, or must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Nobody to own anything.
    #[error("a distribution needs at least one peer; list the rack's peers")]
    NoClaimants,
    /// A weight of 0 claims nothing.
    #[error("peer '{claimant}' has weight 0; give it at least 1, or remove it")]
    WeightZero {
        /// Its name.
        claimant: String,
    },
    /// Different weights, and a distribution that gives every claimant the same.
    #[error(
        "peer '{}' has weight {} and peer '{}' has {}, but the distribution {} knows no weights; \
         make them equal, or choose one that does: {}{}",
        first.0, first.1, second.0, second.1, distribution.name(), weighted().join(", "),
        if distribution.name() == "vnode" { "; with vnode more tokens make a larger share" } else { "" }
    )]
    WeightsIgnored {
        /// The distribution asked for.
        distribution: DistributionKind,
        /// A peer and its weight.
        first: (String, u32),
        /// Another one.
        second: (String, u32),
    },
    /// A ring of tokens, and a peer without any.
    #[error(
        "peer '{claimant}' has no tokens, and the distribution vnode places peers by tokens; \
         give it `tokens:`, or choose modula or random_slicing"
    )]
    NoTokens {
        /// Its name.
        claimant: String,
    },
    /// No next candidate to go on to.
    #[error(
        "bounded_load can't work with {distribution}: a full peer's keys have no next one to go \
         to; choose vnode or another distribution, or leave bounded_load out"
    )]
    NotBounded {
        /// The name of the distribution asked for.
        distribution: &'static str,
    },
    /// More claimants than an index has bits for.
    #[error("{what} is {count}, at most {count_max} are supported; use fewer or smaller ones")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many there may be.
        count_max: u64,
    },
    /// The hash can't reach the whole table.
    #[error(
        "hash {} gives {} bits, but the distribution {} divides a larger space; {}",
        hash.name(), hash.bits(), distribution.name(), working(*distribution, *hash)
    )]
    HashTooNarrow {
        /// The distribution asked for.
        distribution: DistributionKind,
        /// The hash asked for.
        hash: HashKind,
    },
    /// A claimant with next to nothing, because the hash does not reach most of the table.
    #[error(
        "peer '{claimant}' would own {}.{:02} % of a fair share under distribution {} with hash {}; {}",
        fair_ppm / 10_000, fair_ppm / 100 % 100,
        distribution.name(), hash.name(), working(*distribution, *hash)
    )]
    LittleOwned {
        /// Its name.
        claimant: String,
        /// How much of a fair share, in millionths.
        fair_ppm: u32,
        /// The distribution asked for.
        distribution: DistributionKind,
        /// The hash asked for.
        hash: HashKind,
    },
    /// A claimant that would never own a key.
    #[error(
        "peer '{claimant}' would own no key under distribution {} with hash {}; {}",
        distribution.name(), hash.name(), working(*distribution, *hash)
    )]
    NothingOwned {
        /// Its name.
        claimant: String,
        /// The distribution asked for.
        distribution: DistributionKind,
        /// The hash asked for.
        hash: HashKind,
    },
}

fn weighted() -> Vec<&'static str> {
    let rows = DISTRIBUTIONS.iter().filter(|row| row.weighted);
    rows.map(|row| row.name).collect()
}

/// Which combinations near the refused one do spread keys.
fn working(distribution: DistributionKind, hash: HashKind) -> String {
    let row = distribution.row();
    if row.name == "single" {
        return "single serves racks of one peer: use vnode, modula or random_slicing".to_owned();
    }
    if hash.bits() >= row.bits_min {
        return match row.name {
            "vnode" => format!(
                "give it a token from 0 to {} that differs from the other peers' tokens",
                super::ring_values(hash) - 1
            ),
            "ketama" => "bring its weight nearer to the others', or leave the peer out".to_owned(),
            _ => "use fewer peers, smaller weights or a wider hash".to_owned(),
        };
    }
    let hashes: Vec<_> = HASHES
        .iter()
        .filter(|hash| hash.bits >= row.bits_min)
        .map(|hash| hash.name)
        .collect();
    let distributions: Vec<_> = DISTRIBUTIONS
        .iter()
        .filter(|row| hash.bits() >= row.bits_min && row.name != "single")
        .map(|row| row.name)
        .collect();
    let tokens = if row.name == "vnode" {
        format!(
            "; or with vnode and every token from 0 to {}",
            super::ring_values(hash) - 1
        )
    } else {
        String::new()
    };
    format!(
        "{} works with: {}; {} works with: {}{tokens}",
        row.name,
        hashes.join(", "),
        hash.name(),
        distributions.join(", ")
    )
}
