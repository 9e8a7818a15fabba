//! Topology files as users have them, read as they are: `nutcracker.yml` (twemproxy),
//! `dynomite.yml` and ringd's own.
//!
//! Unlike ringd, which must not serve what it does not understand, the lab only asks where keys
//! would go: keys that place nothing are passed over, and what deserves a word becomes a note.

mod file;
mod nutcracker;
mod pool;
mod ring;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use ringlab_core::config::document::Value;
use ringlab_core::distribution::{Claimant, DistributionKind};
use ringlab_core::hash::HashKind;

use crate::exit::Usage;
use file::File;
pub(crate) use nutcracker::hash_by_name;
pub(crate) use pool::Placed;

/// Which program a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// twemproxy: pools of servers.
    Nutcracker,
    /// Dynomite or ringd: one node of a ring of racks.
    Ring,
}

/// What a file says of where keys go.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// The file's name as given.
    pub(crate) file: String,
    /// Whose file it is.
    pub(crate) source: Source,
    /// At least one.
    pub(crate) pools: Vec<Pool>,
    /// What its author should know; each with its place.
    pub(crate) notes: Vec<Note>,
}

/// A remark with its place, shown as `nutcracker.yml:3:5: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// `file:line:column`.
    pub(crate) place: String,
    /// What.
    pub(crate) text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Servers among which keys are divided by one hash and one distribution.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// The name on top.
    pub(crate) name: String,
    /// Key to hash.
    pub(crate) hash: HashKind,
    /// The characters around the hashed part of a key.
    pub(crate) hash_tag: Option<[u8; 2]>,
    /// Hash to claimant.
    pub(crate) distribution: DistributionKind,
    /// At least one, by name. A pool of twemproxy is one datacenter of one rack, without names.
    pub(crate) datacenters: Vec<Datacenter>,
}

/// Racks that are near each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Datacenter {
    /// Its name; empty in twemproxy's files.
    pub(crate) name: String,
    /// At least one, by name.
    pub(crate) racks: Vec<Rack>,
}

/// Those who divide the whole key space among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rack {
    /// Its name; empty in twemproxy's files.
    pub(crate) name: String,
    /// Servers in twemproxy's order (length of name, then bytes), peers of a ring by name. The
    /// name is what is hashed: twemproxy leaves out port 11211.
    pub(crate) claimants: Vec<Claimant>,
    /// Where each of them is, `host:port`: twemproxy's servers may have a name of their own.
    pub(crate) addresses: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// It can't be read; or what it says places no keys: each place and what to do.
pub(crate) fn read(path: &Path) -> Result<Described> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
    parse(&name, &text).map_err(|error| Usage(error).into())
}

/// Reads a file's text; `name` is for the messages.
///
/// # Errors
/// Every problem on a line of its own.
pub(crate) fn parse(name: &str, text: &str) -> Result<Described, String> {
    let mut file = File::new(name);
    let pools = file.pools(text);
    let is_ring = pools.iter().any(|pool| match &pool.node.value {
        Value::Map(entries) => entries.iter().any(|entry| ring::is_its_key(&entry.key)),
        _ => false,
    });
    let source = if is_ring {
        Source::Ring
    } else {
        Source::Nutcracker
    };
    let pools: Vec<Pool> = if is_ring {
        ring::read(&mut file, pools).into_iter().collect()
    } else {
        pools
            .into_iter()
            .filter_map(|pool| nutcracker::read(&mut file, pool))
            .collect()
    };
    let notes = file.finish()?;
    Ok(Described {
        file: name.to_owned(),
        source,
        pools,
        notes,
    })
}

impl Described {
    /// The pool of that name, or the only one.
    ///
    /// # Errors
    /// There is no such pool, or there are several and none is named.
    pub(crate) fn pool(&self, name: Option<&str>) -> Result<&Pool, Usage> {
        let names = || {
            let names: Vec<&str> = self.pools.iter().map(|pool| pool.name.as_str()).collect();
            names.join(", ")
        };
        match (name, &self.pools[..]) {
            (None, [pool]) => Ok(pool),
            (None, _) => Err(Usage(format!(
                "{} has several pools: choose one with --pool: {}",
                self.file,
                names()
            ))),
            (Some(name), pools) => pools.iter().find(|pool| pool.name == name).ok_or_else(|| {
                Usage(format!(
                    "{} has no pool '{name}'; it has: {}",
                    self.file,
                    names()
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests;
