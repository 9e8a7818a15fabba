//! The verbs besides `run`: their flags, and what each does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use ringlab_loadgen::modes::Slices;
use ringlab_loadgen::modes::ab::{AbConfig, ab};
use ringlab_loadgen::modes::calibrate::calibrate;
use ringlab_loadgen::modes::seek::{SeekConfig, seek};
use ringlab_loadgen::modes::sweep::{SweepConfig, sweep};
use ringlab_loadgen::{
    LiveLine, NullConfig, NullServer, Objective, Quiet, RunReport, SizeLaw, compare, span_ns,
    sweep_page,
};
use serde::Serialize;

use crate::EXIT_NOT_VALID;
use crate::args::RunArgs;

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Objectives {
    /// Limit of the median
    #[arg(long, value_name = "TIME")]
    p50: Option<String>,
    /// Limit of the 90th percentile
    #[arg(long, value_name = "TIME")]
    p90: Option<String>,
    /// Limit of the 95th percentile
    #[arg(long, value_name = "TIME")]
    p95: Option<String>,
    /// Limit of the 99th percentile
    #[arg(long, value_name = "TIME")]
    p99: Option<String>,
    /// Limit of the 99.9th percentile
    #[arg(long = "p99.9", value_name = "TIME")]
    p99_9: Option<String>,
    /// Limit of the 99.99th percentile
    #[arg(long = "p99.99", value_name = "TIME")]
    p99_99: Option<String>,
}

impl Objectives {
    /// The one given here, or else by --objective.
    fn objective(&self, other: Option<Objective>) -> anyhow::Result<Objective> {
        let limits = [
            ("p50", &self.p50),
            ("p90", &self.p90),
            ("p95", &self.p95),
            ("p99", &self.p99),
            ("p99.9", &self.p99_9),
            ("p99.99", &self.p99_99),
        ];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                return Ok(format!("{name}={limit}").parse()?);
            }
        }
        other.context("say what must hold, as --p99 1ms or --objective p97.5=2ms")
    }
}

/// Flags of `search`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ringload search --p99 1ms -e 127.0.0.1:6379 --preload")]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    objectives: Objectives,
    /// Rate offered first [default: half of what a closed loop achieves]
    #[arg(long)]
    start: Option<f64>,
    /// No more is offered
    #[arg(long, default_value_t = 1e8)]
    rate_max: f64,
    /// Width of the bracket at which bisection ends, as a share
    #[arg(long, default_value_t = 0.02)]
    resolution: f64,
    /// Measured seconds of a slice
    #[arg(long, default_value_t = 2.0)]
    slice: f64,
    #[command(flatten)]
    load: RunArgs,
}

/// Flags of `sweep`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ringload sweep -e 127.0.0.1:6379 --preload --html sweep.html")]
pub(crate) struct SweepArgs {
    /// Rates, with commas [default: eight, by what a closed loop achieves]
    #[arg(long, value_delimiter = ',')]
    rates: Vec<f64>,
    /// Measured seconds of a slice; each rate has two
    #[arg(long, default_value_t = 3.0)]
    slice: f64,
    #[command(flatten)]
    load: RunArgs,
}

/// Flags of `ab`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ringload ab 127.0.0.1:6379 127.0.0.1:6380 --preload -r 20000")]
pub(crate) struct AbArgs {
    /// host:port of A
    a: String,
    /// host:port of B; may be the same
    b: String,
    /// Blocks of four slices
    #[arg(long, default_value_t = 12)]
    blocks: u32,
    /// Measured seconds of a slice
    #[arg(long, default_value_t = 0.5)]
    slice: f64,
    #[command(flatten)]
    load: RunArgs,
}

/// Flags of `calibrate`.
#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Measured seconds of a slice
    #[arg(long, default_value_t = 2.0)]
    slice: f64,
    #[command(flatten)]
    load: RunArgs,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// A report written with --json
    a: PathBuf,
    /// Another
    b: PathBuf,
}

/// Flags of `null`.
#[derive(Debug, Args)]
pub(crate) struct NullArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:6399")]
    listen: String,
    /// Bytes of the values it answers ringload's keys with
    #[arg(long, short = 'd', default_value = "64")]
    size: SizeLaw,
    /// Stop once for this long
    #[arg(long, value_name = "TIME", requires = "stall_after")]
    stall: Option<String>,
    /// Stop so long after the first request
    #[arg(long, value_name = "TIME", requires = "stall")]
    stall_after: Option<String>,
    /// Burn this share of its processor time on top
    #[arg(long, default_value_t = 0.0)]
    slower: f64,
}

/// Where a mode's progress goes.
fn observer(quiet: bool) -> Box<dyn Slices> {
    if quiet {
        Box::new(Quiet)
    } else {
        Box::new(LiveLine::default())
    }
}

fn exit(gate: bool, valid: bool) -> ExitCode {
    if gate && !valid {
        ExitCode::from(EXIT_NOT_VALID)
    } else {
        ExitCode::SUCCESS
    }
}

/// JSON into the file asked for, or instead of the table on standard output.
fn show(report: &impl Serialize, json: Option<&Path>, table: &str) -> anyhow::Result<()> {
    match json {
        Some(path) if path == Path::new("-") => {
            println!("{}", serde_json::to_string_pretty(report)?);
            return Ok(());
        }
        Some(path) => fs::write(path, serde_json::to_string_pretty(report)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => {}
    }
    print!("{table}");
    Ok(())
}

impl SearchArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let wanted = SeekConfig {
            objective: self.objectives.objective(self.load.faults.objective)?,
            start: self.start,
            rate_max: self.rate_max,
            resolution: self.resolution,
            slice_s: self.slice,
        };
        let mut observer = observer(self.load.quiet);
        let report = seek(&self.load.config()?, &wanted, observer.as_mut())?;
        show(&report, self.load.files.json.as_deref(), &report.table())?;
        Ok(exit(self.load.gate, report.is_valid()))
    }
}

impl SweepArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let wanted = SweepConfig {
            rates: self.rates.clone(),
            slice_s: self.slice,
        };
        let mut observer = observer(self.load.quiet);
        let report = sweep(&self.load.config()?, &wanted, observer.as_mut())?;
        if let Some(path) = &self.load.files.html {
            fs::write(path, sweep_page(&report)).with_context(|| path.display().to_string())?;
        }
        show(&report, self.load.files.json.as_deref(), &report.table())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl AbArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let config = self.load.config()?;
        let pids = match config.server_pids[..] {
            [] => None,
            [a, b] => Some([a, b]),
            _ => bail!("give --server-pid twice, of A and of B, or not at all"),
        };
        let wanted = AbConfig {
            endpoints: [self.a.clone(), self.b.clone()],
            pids,
            blocks: self.blocks,
            slice_s: self.slice,
        };
        let mut observer = observer(self.load.quiet);
        let report = ab(&config, &wanted, observer.as_mut())?;
        show(&report, self.load.files.json.as_deref(), &report.table())?;
        Ok(exit(self.load.gate, !report.is_different()))
    }
}

impl CalibrateArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut observer = observer(self.load.quiet);
        let report = calibrate(&self.load.config()?, self.slice, observer.as_mut())?;
        show(&report, self.load.files.json.as_deref(), &report.table())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl CompareArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let read = |path: &Path| -> anyhow::Result<RunReport> {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} is no report of `ringload run`", path.display()))
        };
        print!("{}", compare(&read(&self.a)?, &read(&self.b)?));
        Ok(ExitCode::SUCCESS)
    }
}

impl NullArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let span = |text: &Option<String>| text.as_deref().map(span_ns).transpose();
        let server = NullServer::start(&NullConfig {
            listen: self.listen.clone(),
            size: self.size.clone(),
            stall_ns: span(&self.stall_after)?.zip(span(&self.stall)?),
            slower: self.slower,
        })?;
        eprintln!("a null server listens on {}", server.endpoint());
        server.wait();
        Ok(ExitCode::SUCCESS)
    }
}
