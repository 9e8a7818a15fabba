//! `ringlab owner -c FILE.yml`: keys in, the servers that own them out.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use ringlab_core::distribution::{Distribution, DistributionKind};
use ringlab_core::hash::HashKind;

use crate::exit::{Exit, Usage};
use crate::keys::{self, Spelling, to_hex};
use crate::topology::{self, Described, Placed, Pool, Source};

const EXAMPLES: &str = "Example: printf '6b6579\\n' | ringlab owner -c dynomite.yml
  ringlab owner -c nutcracker.yml --pool beta --index --text < keys.txt
  printf '0\\n18446744073709551615\\n' | \
ringlab owner --distribution jump --hash murmur3_x64_64 --peers 10 --hash-values --index";

/// Tells the owner of each key on standard input, in every rack of every datacenter
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// nutcracker.yml, dynomite.yml or ringd's file; those of all nodes of a ring tell the same
    #[arg(
        short,
        long,
        value_name = "FILE.yml",
        required_unless_present = "peers"
    )]
    config: Option<PathBuf>,
    /// The pool, where the file has several
    #[arg(long, value_name = "NAME", requires = "config")]
    pool: Option<String>,
    /// Without a file: so many peers, all alike (vnode: a token each, evenly spaced)
    #[arg(long, value_name = "N", conflicts_with = "config")]
    peers: Option<usize>,
    /// The distribution, instead of the file's
    #[arg(long, value_name = "NAME", required_unless_present = "config")]
    distribution: Option<String>,
    /// The hash by ringd's name for it, instead of the file's
    #[arg(long, value_name = "NAME", required_unless_present = "config")]
    hash: Option<String>,
    /// Lines are values of the hash in decimal, not keys
    #[arg(long, conflicts_with = "text")]
    hash_values: bool,
    /// Adds the server's index: twemproxy's for its pools (by length of name, then bytes), in its
    /// rack by name for a ring, from 0
    #[arg(long)]
    index: bool,
    /// Keys are text, not hex
    #[arg(long)]
    text: bool,
    /// One JSON object a key, instead of CSV
    #[arg(long)]
    json: bool,
}

/// A pool with its tables.
struct Placing<'a> {
    pool: &'a Pool,
    racks: Vec<(Placed<'a>, Box<dyn Distribution>)>,
}

/// One owner of a key.
struct Owner<'a> {
    datacenter: &'a str,
    rack: &'a str,
    peer: &'a str,
    index: usize,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let pool = self.described()?;
        let placing = Placing::of(&pool)?;
        let mut out = BufWriter::new(io::stdout().lock());
        if !self.json {
            let what = if self.hash_values { "hash" } else { "key_hex" };
            let index = if self.index { ",index" } else { "" };
            writeln!(out, "{what},dc,rack,peer{index}")?;
        }
        let spelling = if self.text || self.hash_values {
            Spelling::Text
        } else {
            Spelling::Hex
        };
        let mut line = 0_u64;
        keys::for_each(io::stdin().lock(), spelling, |key| {
            line += 1;
            let (asked, hash) = if self.hash_values {
                let value = hash_value(key).map_err(|why| Usage(format!("line {line}: {why}")))?;
                (value.to_string(), value)
            } else {
                (to_hex(key), placing.pool.hash_of(key))
            };
            self.tell(&mut out, &placing, &asked, hash)
                .context("writing")
        })?;
        out.flush()?;
        Ok(Exit::Pass)
    }

    /// The pool, also one that must not serve: that is told, not refused.
    fn described(&self) -> Result<Pool> {
        let hash = self.hash.as_deref().map(HashKind::by_name).transpose();
        let hash = hash.map_err(|error| Usage(error.to_string()))?;
        let kind = self.distribution.as_deref().map(DistributionKind::by_name);
        let kind = kind.transpose().map_err(|error| Usage(error.to_string()))?;
        if let (Some(peers), Some(kind), Some(hash)) = (self.peers, kind, hash) {
            return Ok(Pool::ad_hoc(kind, hash, peers));
        }
        let path = self.config.as_deref().context("no file")?;
        let file = topology::read(path)?;
        for note in &file.notes {
            eprintln!("note: {note}");
        }
        let mut pool = file.pool(self.pool.as_deref())?.clone();
        pool.hash = hash.unwrap_or(pool.hash);
        pool.distribution = kind.unwrap_or(pool.distribution);
        warn_of_empty(&file, &pool)?;
        Ok(pool)
    }

    fn tell(
        &self,
        out: &mut impl Write,
        placing: &Placing<'_>,
        asked: &str,
        hash: u64,
    ) -> io::Result<()> {
        if self.json {
            let owner = |owner: Owner<'_>| {
                serde_json::json!({ "dc": owner.datacenter, "rack": owner.rack,
                                    "peer": owner.peer, "index": owner.index })
            };
            let owners: Vec<_> = placing.owners(hash).map(owner).collect();
            let what = if self.hash_values { "hash" } else { "key_hex" };
            return writeln!(
                out,
                "{}",
                serde_json::json!({ what: asked, "owners": owners })
            );
        }
        for owner in placing.owners(hash) {
            let Owner {
                datacenter,
                rack,
                peer,
                index,
            } = owner;
            write!(out, "{asked},{datacenter},{rack},{peer}")?;
            if self.index {
                write!(out, ",{index}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

impl<'a> Placing<'a> {
    fn of(pool: &'a Pool) -> Result<Self> {
        let built = |placed: Placed<'a>| {
            let built = pool.build(placed.rack);
            built.map(|built| (placed, built))
        };
        let racks = pool.racks().map(built).collect::<Result<_, _>>();
        let racks = racks.map_err(|error| Usage(error.to_string()))?;
        Ok(Self { pool, racks })
    }

    /// One of every rack, by datacenter and rack.
    fn owners(&self, hash: u64) -> impl Iterator<Item = Owner<'_>> {
        self.racks.iter().map(move |(placed, built)| {
            let index = built.owner(hash);
            Owner {
                datacenter: placed.datacenter,
                rack: &placed.rack.name,
                peer: &placed.rack.claimants[index].name,
                index,
            }
        })
    }
}

fn warn_of_empty(file: &Described, pool: &Pool) -> Result<()> {
    for (placed, built) in Placing::of(pool)?.racks {
        let claimants = &placed.rack.claimants;
        let checked = pool
            .distribution
            .check_spread(built.as_ref(), claimants, pool.hash);
        if let Err(refused) = checked {
            let what = match file.source {
                Source::Ring => "ringd would refuse this ring",
                Source::Nutcracker => "not every server gets keys",
            };
            let rack = placed.name();
            let rack = if rack.is_empty() {
                rack
            } else {
                format!(" ({rack})")
            };
            eprintln!("warning: {}: {what}{rack}: {refused}", file.file);
        }
    }
    Ok(())
}

fn hash_value(line: &[u8]) -> Result<u64, String> {
    let text = String::from_utf8_lossy(line);
    text.trim()
        .parse()
        .map_err(|_| format!("'{text}' is no value of a hash (0 to {})", u64::MAX))
}
