//! `ringlab tokens`: a token list that balances a vnode ring.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ringlab_core::distribution::{Claimant, DistributionKind};
use ringlab_core::hash::HashKind;
use ringlab_core::limits::PEERS_MAX;
use serde_json::json;

use crate::exit::{Exit, Usage};
use crate::keys;
use crate::report::table::Table;
use crate::report::words::percent;
use crate::tokens::{self, Measure, Plan};
use crate::topology::{self, Pool};

const EXAMPLES: &str = "Example: ringlab tokens --peers 5 --racks 3
  ringlab tokens -c dynomite.yml --keys keys.txt
  ringlab tokens -c dynomite.yml --add 10.0.0.9:8101 --rack dc1/rack1 --tokens 4";

/// Finds tokens that balance a vnode ring: all anew, or for one more node with least movement
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// dynomite.yml or ringd's file
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
    /// Without a file: so many peers in a rack
    #[arg(long, value_name = "N", conflicts_with = "config")]
    peers: Option<usize>,
    /// Without a file: so many racks, each with the same tokens
    #[arg(long, value_name = "N", default_value_t = 1)]
    racks: usize,
    /// Tokens of a peer; else as many as peers have, or one
    #[arg(long, value_name = "V")]
    tokens: Option<usize>,
    /// The hash the ring uses, where there is no file
    #[arg(
        long,
        value_name = "NAME",
        default_value = "murmur",
        conflicts_with = "config"
    )]
    hash: String,
    /// A node that joins: the others keep their tokens
    #[arg(long, value_name = "HOST:PORT", requires = "config")]
    add: Option<String>,
    /// The rack it joins, where there are several
    #[arg(long, value_name = "DC/RACK", requires = "add")]
    rack: Option<String>,
    /// Balances these keys, one a line, instead of the values of the hash
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The keys are hex, not text
    #[arg(long, requires = "keys")]
    hex: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let pool = self.described()?;
        let measure = self.measure(&pool)?;
        let plans = self.plans(&pool, &measure)?;
        let text = if self.json {
            let of = match &measure {
                Measure::Values(_) => "hash values",
                Measure::Keys(_) => "keys",
            };
            let value = json!({ "schema_version": 1, "hash": pool.hash.name(), "shares_of": of,
                                "racks": plans });
            serde_json::to_string_pretty(&value)? + "\n"
        } else {
            let racks: Vec<String> = plans.iter().map(plain).collect();
            racks.join("\n")
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .context("writing")?;
        Ok(Exit::Pass)
    }

    fn described(&self) -> Result<Pool> {
        let Some(path) = &self.config else {
            let hash = HashKind::by_name(&self.hash).map_err(|error| Usage(error.to_string()))?;
            let peers = self.peers.unwrap_or(0);
            if peers == 0 || peers > PEERS_MAX || !(1..=256).contains(&self.racks) {
                let text = format!("--peers is 1 to {PEERS_MAX}, --racks 1 to 256");
                return Err(Usage(text).into());
            }
            let vnode = DistributionKind::by_name("vnode")?;
            return Ok(Pool::ad_hoc(vnode, hash, peers));
        };
        let file = topology::read(path)?;
        for note in &file.notes {
            eprintln!("note: {note}");
        }
        let pool = file.pool(self.pool.as_deref())?.clone();
        if pool.distribution.name() != "vnode" {
            let text = format!(
                "{}: {} has no tokens: only vnode places by them",
                file.file,
                pool.distribution.name()
            );
            return Err(Usage(text).into());
        }
        if !pool
            .racks()
            .all(|placed| tokens::are_plain(&placed.rack.claimants))
        {
            let text = format!("{}: negative tokens can't be balanced here", file.file);
            return Err(Usage(text).into());
        }
        Ok(pool)
    }

    fn measure(&self, pool: &Pool) -> Result<Measure> {
        let Some(path) = &self.keys else {
            return Ok(Measure::Values(1 << u32::from(pool.hash.bits()).min(32)));
        };
        let keys = keys::of_file(path, self.hex)?;
        let hashes = keys.iter().map(|key| pool.hash_of(key) as u32);
        Measure::of_keys(hashes.collect()).context("a file has keys")
    }

    fn plans(&self, pool: &Pool, measure: &Measure) -> Result<Vec<Plan>> {
        if self.config.is_none() {
            return Ok(self.without_file(pool, measure));
        }
        let Some(newcomer) = &self.add else {
            let plan = |placed: topology::Placed<'_>| {
                tokens::anew(placed.name(), measure, &placed.rack.claimants, self.tokens)
            };
            return Ok(pool.racks().map(plan).collect());
        };
        let names: Vec<String> = pool.racks().map(|placed| placed.name()).collect();
        let wanted = |placed: &topology::Placed<'_>| match &self.rack {
            Some(rack) => placed.name() == *rack,
            None => names.len() == 1,
        };
        let Some(placed) = pool.racks().find(wanted) else {
            let text = format!("--rack is one of: {}", names.join(", "));
            return Err(Usage(text).into());
        };
        let claimants = &placed.rack.claimants;
        if claimants.iter().any(|claimant| claimant.name == *newcomer) {
            return Err(Usage(format!("{newcomer} is in the ring already")).into());
        }
        let mean = claimants
            .iter()
            .map(|claimant| claimant.tokens.len())
            .sum::<usize>();
        let each = self.tokens.unwrap_or(mean / claimants.len()).max(1);
        let newcomer = (newcomer.as_str(), each);
        Ok(vec![tokens::joined(
            placed.name(),
            measure,
            claimants,
            newcomer,
        )])
    }

    fn without_file(&self, pool: &Pool, measure: &Measure) -> Vec<Plan> {
        let bare = |claimant: &Claimant| Claimant {
            tokens: Vec::new(),
            ..claimant.clone()
        };
        let rack = pool.racks().next();
        let claimants: Vec<Claimant> = rack
            .map(|placed| placed.rack.claimants.iter().map(bare).collect())
            .unwrap_or_default();
        let name = |rack: usize| match self.racks {
            1 => String::new(),
            _ => format!("rack{rack}"),
        };
        (1..=self.racks)
            .map(|rack| tokens::anew(name(rack), measure, &claimants, self.tokens))
            .collect()
    }
}

/// A rack's plan: comments and lines to be pasted.
fn plain(plan: &Plan) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect("a string takes every write");
    if !plan.rack.is_empty() {
        say(format!("# {}", plan.rack));
    }
    let moved = plan.moved_share.map_or_else(String::new, |share| {
        format!("; {} of it gets another owner", percent(share))
    });
    let before = plan
        .cv_before
        .map_or_else(String::new, |cv| format!("was {}, ", percent(cv)));
    say(format!(
        "# spread (standard deviation over mean): {before}is {}{moved}",
        percent(plan.cv_after)
    ));
    let mut table = Table::new(["node", "share before", "share after"]);
    for peer in &plan.peers {
        let before = peer.share_before.map_or("–".into(), percent);
        table.row([peer.name.clone(), before, percent(peer.share_after)]);
    }
    for line in table.plain().lines() {
        say(format!("#   {line}"));
    }
    for peer in &plan.peers {
        let kept = if peer.changed { "" } else { " (as before)" };
        let tokens: Vec<String> = peer.tokens.iter().map(ToString::to_string).collect();
        say(format!(
            "# on {}{kept}; in the others' dyn_seeds behind its rack and datacenter",
            peer.name
        ));
        say(format!("tokens: '{}'", tokens.join(",")));
    }
    text
}
