//! `ringlab compare-clients`: what a request costs ringload and other load generators.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::exit::Exit;
use crate::progress::step;
use crate::versus::clients::Contest;
use crate::workspace::Workspace;

/// Measures what a request costs ringload, redis-benchmark and memtier_benchmark, interleaved
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab compare-clients --bars --out target/clients")]
pub(crate) struct Args {
    /// Exits with 3 where ringload costs more than 0.75 times redis-benchmark, or 0.6 times memtier
    #[arg(long)]
    bars: bool,
    /// Rounds; each has one slice of every client for every row
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests of a slice at depth 1; at depth 16 sixteen times as many
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1000..))]
    requests: u64,
    /// redis-server
    #[arg(long, default_value = "redis-server")]
    redis: PathBuf,
    /// redis-benchmark
    #[arg(long, default_value = "redis-benchmark")]
    redis_benchmark: PathBuf,
    /// memtier_benchmark; has no column where it does not run
    #[arg(long, default_value = "memtier_benchmark")]
    memtier: PathBuf,
    /// ringload [default: built from this working tree]
    #[arg(long)]
    ringload: Option<PathBuf>,
    /// Writes compare-clients.md and compare-clients.json into this folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Prints JSON instead of the table
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let ringload = match &self.ringload {
            Some(ringload) => ringload.clone(),
            None => built()?,
        };
        let outcome = Contest {
            ringload,
            redis: self.redis,
            redis_benchmark: self.redis_benchmark,
            memtier: self.memtier,
            rounds: self.rounds,
            requests: self.requests,
        }
        .run()?;
        let markdown = outcome.markdown();
        let json = serde_json::to_string_pretty(&outcome.json())?;
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
            std::fs::write(out.join("compare-clients.md"), &markdown)?;
            std::fs::write(out.join("compare-clients.json"), &json)?;
        }
        println!("{}", if self.json { json } else { markdown });
        let broken = outcome.broken_bars();
        if self.bars && !broken.is_empty() {
            eprintln!("over the bar: {}", broken.join(", "));
            return Ok(Exit::Regression);
        }
        Ok(Exit::Pass)
    }
}

/// ringload as it is shipped, of this working tree.
fn built() -> Result<PathBuf> {
    let workspace = Workspace::find()?;
    let building = step("building ringload");
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--release",
        "--quiet",
        "--package",
        "ringlab-loadgen",
    ]);
    let status = cargo
        .current_dir(&workspace.root)
        .status()
        .context("cargo")?;
    ensure!(status.success(), "ringload does not compile");
    building.done();
    Ok(workspace.target().join("release").join("ringload"))
}
