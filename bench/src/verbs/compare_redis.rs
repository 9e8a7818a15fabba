//! `ringlab compare-redis`: ringd against redis-server, processor time of a request.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::exit::Exit;
use crate::progress::step;
use crate::versus::{self, Effort, Programs};
use crate::workspace::Workspace;

/// Measures what a request costs ringd and redis-server, in one interleaved run
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab compare-redis --bars --out target/redis")]
pub(crate) struct Args {
    /// Exits with 3 where ringd costs more than 1.0 times Redis at depth 1, or 0.8 at depth 16
    #[arg(long)]
    bars: bool,
    /// Rounds; each has one slice of either server for every row
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests of a slice at depth 1; at depth 16 four times as many
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1000..))]
    requests: u64,
    /// redis-server
    #[arg(long, default_value = "redis-server")]
    redis: PathBuf,
    /// ringd [default: built from this working tree]
    #[arg(long, requires = "ringload")]
    ringd: Option<PathBuf>,
    /// ringload [default: built from this working tree]
    #[arg(long, requires = "ringd")]
    ringload: Option<PathBuf>,
    /// Writes compare-redis.md and compare-redis.json into this folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Prints JSON instead of the table
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let (ringd, ringload) = match (&self.ringd, &self.ringload) {
            (Some(ringd), Some(ringload)) => (ringd.clone(), ringload.clone()),
            _ => built()?,
        };
        let programs = Programs {
            ringd,
            ringload,
            redis: self.redis.clone(),
        };
        let effort = Effort {
            rounds: self.rounds,
            requests: self.requests,
            connections: 50,
        };
        let comparison = versus::compare(&programs, &effort)?;
        let (markdown, json) = (comparison.markdown(), comparison.json());
        let json = serde_json::to_string_pretty(&json)?;
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
            std::fs::write(out.join("compare-redis.md"), &markdown)?;
            std::fs::write(out.join("compare-redis.json"), &json)?;
        }
        println!("{}", if self.json { json } else { markdown });
        let broken = comparison.broken_bars();
        if self.bars && !broken.is_empty() {
            eprintln!("over the bar: {}", broken.join(", "));
            return Ok(Exit::Regression);
        }
        Ok(Exit::Pass)
    }
}

/// ringd and ringload as they are shipped, of this working tree.
fn built() -> Result<(PathBuf, PathBuf)> {
    let workspace = Workspace::find()?;
    let building = step("building ringd and ringload");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet"]);
    cargo.args([
        "--package",
        "ringlab-server",
        "--package",
        "ringlab-loadgen",
    ]);
    if !cargo
        .current_dir(&workspace.root)
        .status()
        .context("cargo")?
        .success()
    {
        bail!("ringd or ringload does not compile");
    }
    building.done();
    let release = workspace.target().join("release");
    Ok((release.join("ringd"), release.join("ringload")))
}
