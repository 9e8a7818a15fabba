//! `ringlab owner -c FILE.yml`: keys in, the peers that own them out.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use ringlab_core::config::Reader;
use ringlab_core::topology::{Replica, Topology};

use crate::exit::{Exit, Usage};
use crate::keys::{self, Spelling, to_hex};

/// Tells the owning peer of each key on standard input, in every rack of every datacenter
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: printf '6b6579\\n' | ringlab owner -c dyn.yml")]
pub(crate) struct Args {
    /// A node's configuration; those of all nodes of a ring tell the same
    #[arg(short, long, value_name = "FILE.yml")]
    config: PathBuf,
    /// Keys are text, not hex
    #[arg(long)]
    text: bool,
    /// One JSON object a key, instead of CSV
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let ring = self.ring()?;
        let mut out = BufWriter::new(io::stdout().lock());
        if !self.json {
            writeln!(out, "key_hex,dc,rack,peer")?;
        }
        let spelling = if self.text {
            Spelling::Text
        } else {
            Spelling::Hex
        };
        keys::for_each(io::stdin().lock(), spelling, |key| {
            let written = if self.json {
                writeln!(out, "{}", json(&ring, key))
            } else {
                csv(&mut out, &ring, key)
            };
            written.context("writing")
        })?;
        out.flush()?;
        Ok(Exit::Pass)
    }

    /// The ring, also where it must not serve: that is told, not refused.
    fn ring(&self) -> Result<Topology> {
        let name = self.config.display().to_string();
        let text = std::fs::read_to_string(&self.config).with_context(|| name.clone())?;
        let mut reader = Reader::new();
        reader.file(&name, &text);
        let configured = reader.finish().map_err(|error| Usage(error.to_string()))?;
        let ring = configured
            .pool
            .ring()
            .map_err(|error| Usage(format!("{name}: {error}")))?;
        if let Err(refused) = ring.check_spread() {
            eprintln!("warning: {name}: ringd would refuse this ring: {refused}");
        }
        Ok(ring)
    }
}

/// The key's replicas in the order of datacenters and racks, the same for every node's file.
fn owners(ring: &Topology, key: &[u8]) -> Vec<Replica> {
    let mut replicas = ring.replicas(key).to_vec();
    replicas.sort_by_key(|replica| (replica.datacenter, replica.rack));
    replicas
}

fn csv(out: &mut impl Write, ring: &Topology, key: &[u8]) -> io::Result<()> {
    let key_hex = to_hex(key);
    for replica in owners(ring, key) {
        let (datacenter, rack) = ring.place(replica.peer);
        writeln!(
            out,
            "{key_hex},{datacenter},{rack},{}",
            ring.peer(replica.peer).name
        )?;
    }
    Ok(())
}

fn json(ring: &Topology, key: &[u8]) -> serde_json::Value {
    let owner = |replica: Replica| {
        let (dc, rack) = ring.place(replica.peer);
        serde_json::json!({ "dc": dc, "rack": rack, "peer": ring.peer(replica.peer).name })
    };
    let owners: Vec<_> = owners(ring, key).into_iter().map(owner).collect();
    serde_json::json!({ "key_hex": to_hex(key), "owners": owners })
}
