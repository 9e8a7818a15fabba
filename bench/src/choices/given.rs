//! The rings of a topology file.

use std::path::Path;

use anyhow::{Context, Result};

use super::data::TopologyAbout;
use super::keyset::fold;
use super::rings::{Peer, Ring};
use crate::topology::{self, Placed, Pool};

/// A topology file, read.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) about: TopologyAbout,
    pub(crate) racks: Vec<Ring>,
    /// The characters around the hashed part of a key.
    pub(crate) hash_tag: Option<[u8; 2]>,
    /// Of the file's bytes and the pool's name.
    pub(crate) digest: u64,
}

impl Given {
    /// Reads a file, and the pool of that name or the only one; remarks go to standard error.
    ///
    /// # Errors
    /// It can't be read, or places no keys.
    pub(crate) fn read(path: &Path, pool: Option<&str>) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let described = topology::read(path)?;
        for note in &described.notes {
            eprintln!("{note}");
        }
        let pool = described.pool(pool)?;
        let racks: Vec<Ring> = pool.racks().map(|rack| ring(pool, &rack)).collect();
        let tag = pool.hash_tag;
        Ok(Self {
            about: TopologyAbout {
                file: described.file.clone(),
                hash: pool.hash.name().to_owned(),
                distribution: pool.distribution.name().to_owned(),
                hash_tag: tag.map(|tag| tag.escape_ascii().to_string()),
                racks: racks.iter().map(|ring| ring.label.clone()).collect(),
            },
            racks,
            hash_tag: tag,
            digest: fold(bytes.into_iter().chain(pool.name.bytes())),
        })
    }
}

fn ring(pool: &Pool, placed: &Placed<'_>) -> Ring {
    let peer = |claimant: &ringlab_core::distribution::Claimant| Peer {
        name: claimant.name.clone(),
        weight: claimant.weight,
        tokens: claimant.tokens.clone(),
    };
    let name = placed.name();
    Ring {
        label: if name.is_empty() {
            pool.name.clone()
        } else {
            format!("{}/{name}", pool.name)
        },
        configured: Some(pool.distribution.name().to_owned()),
        peers: placed.rack.claimants.iter().map(peer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_of_twemproxy_is_one_ring() {
        let path = std::env::temp_dir().join(format!("ringlab-given-{}.yml", std::process::id()));
        let text = "alpha:\n  listen: 127.0.0.1:22121\n  hash: murmur\n  distribution: modula\n  \
            hash_tag: \"{}\"\n  servers:\n   - 10.0.0.1:6379:1 one\n   - 10.0.0.2:6379:3 two\n";
        std::fs::write(&path, text).expect("a temporary file");
        let given = Given::read(&path, None).expect("a good file");
        std::fs::remove_file(&path).expect("written above");
        assert_eq!(given.about.racks, ["alpha"]);
        assert_eq!(given.about.hash_tag.as_deref(), Some("{}"));
        let peers: Vec<(&str, u32)> = given.racks[0]
            .peers
            .iter()
            .map(|peer| (peer.name.as_str(), peer.weight))
            .collect();
        assert_eq!(peers, [("one", 1), ("two", 3)]);
        assert_eq!(given.racks[0].configured.as_deref(), Some("modula"));
    }
}
