//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ringlab_loadgen::{Arrivals, KeyLaw, Mix, RunConfig, SizeLaw};

use crate::args_link::LinkArgs;
use crate::verbs::{AbArgs, CalibrateArgs, CompareArgs, NullArgs, SearchArgs, SweepArgs};

/// An honest load generator for key-value servers.
#[derive(Debug, Parser)]
#[command(name = "ringload", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// One load: open loop with --rate, closed loop without.
    Run(Box<RunArgs>),
    /// The highest rate that holds an objective: bisection, confirmed, and failing at 1.05 times.
    Search(Box<SearchArgs>),
    /// A latency–throughput curve: loads shuffled, then mirrored.
    Sweep(Box<SweepArgs>),
    /// Do two endpoints differ? Slices A B B A of the same requests.
    Ab(Box<AbArgs>),
    /// The client's own ceiling, against a server that does nothing.
    Calibrate(Box<CalibrateArgs>),
    /// Two reports side by side.
    Compare(CompareArgs),
    /// A server that does nothing, and may stall or be slower than it need be.
    Null(NullArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ArrivalsArg {
    Poisson,
    Constant,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyLawArg {
    Uniform,
    Zipf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// host:port of a server, or unix:/path; may be given several times, connections are dealt out in turn
    #[arg(long = "endpoint", short = 'e', default_value = "127.0.0.1:6379")]
    endpoints: Vec<String>,
    #[command(flatten)]
    link: LinkArgs,
    /// Requests a second over all connections (open loop); none: closed loop
    #[arg(long, short = 'r')]
    rate: Option<f64>,
    /// Gaps between arrivals in open loop
    #[arg(long, value_enum, default_value = "poisson")]
    arrivals: ArrivalsArg,
    /// Number of keys
    #[arg(long, short = 'k', default_value_t = 100_000)]
    keys: u64,
    /// How keys are chosen
    #[arg(long, value_enum, default_value = "uniform")]
    key_law: KeyLawArg,
    /// Exponent of the zipf law
    #[arg(long, default_value_t = 0.99)]
    zipf_exponent: f64,
    /// What a key's name starts with; its number follows in twelve digits
    #[arg(long, default_value = "key:")]
    key_prefix: String,
    /// GETs to SETs
    #[arg(long, default_value = "9:1", value_name = "GET:SET")]
    ratio: Mix,
    /// Bytes of a value: N or uniform:LOW:HIGH, a function of the key
    #[arg(long, short = 'd', default_value = "64")]
    size: SizeLaw,
    /// Requests under way on one connection at most; in closed loop a batch of as many
    #[arg(long, short = 'P', default_value_t = 1)]
    depth: u32,
    /// Connections in all
    #[arg(long, short = 'c', default_value_t = 50)]
    connections: u32,
    /// Threads
    #[arg(long, short = 'w', default_value_t = 1)]
    workers: u32,
    /// Measured seconds [default: 10, or until --requests are done]
    #[arg(long, short = 's')]
    seconds: Option<f64>,
    /// Requests in all: no settling, measured from the first to the last
    #[arg(long, short = 'n')]
    requests: Option<u64>,
    /// Seconds to settle at least; 0 measures at once
    #[arg(long, default_value_t = 2.0)]
    settle: f64,
    /// Seconds to settle at most
    #[arg(long, default_value_t = 15.0)]
    settle_max: f64,
    /// Milliseconds to wait for replies after the last request
    #[arg(long, default_value_t = 1000)]
    drain_ms: u64,
    /// Milliseconds after which a request has failed
    #[arg(long)]
    timeout_ms: Option<u64>,
    /// Write every key first
    #[arg(long)]
    preload: bool,
    /// Master seed of all randomness
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Process of the server, for its processor time per request; may be given several times
    #[arg(long = "server-pid")]
    server_pids: Vec<u32>,
    /// Lines appended to this file become event marks (optionally "UNIX_MS text")
    #[arg(long)]
    mark_file: Option<PathBuf>,
    /// Share of requests that may fail before the verdict is DATA ERRORS
    #[arg(long, default_value_t = 0.0)]
    failures_allowed: f64,
    /// Write the report as JSON to this file; - is standard output, instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// No live line
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,
    /// Exit with 3 unless the verdict is VALID
    #[arg(long)]
    pub(crate) gate: bool,
}

impl RunArgs {
    pub(crate) fn config(&self) -> RunConfig {
        RunConfig {
            endpoints: self.endpoints.clone(),
            link: self.link.config(),
            rate: self.rate,
            arrivals: match self.arrivals {
                ArrivalsArg::Poisson => Arrivals::Poisson,
                ArrivalsArg::Constant => Arrivals::Constant,
            },
            keys: self.keys,
            key_law: match self.key_law {
                KeyLawArg::Uniform => KeyLaw::Uniform,
                KeyLawArg::Zipf => KeyLaw::Zipf {
                    exponent: self.zipf_exponent,
                },
            },
            key_prefix: self.key_prefix.clone(),
            mix: self.ratio,
            size: self.size,
            depth: self.depth,
            connections: self.connections,
            workers: self.workers,
            seconds: self.seconds,
            requests: self.requests,
            settle_seconds: self.settle,
            settle_seconds_max: self.settle_max.max(self.settle),
            drain_ms: self.drain_ms,
            timeout_ms: self.timeout_ms,
            preload: self.preload,
            seed: self.seed,
            server_pids: self.server_pids.clone(),
            mark_file: self.mark_file.clone(),
            failures_allowed: self.failures_allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_make_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_printed_command_repeats_the_run() {
        let configs = [
            RunConfig::default(),
            RunConfig {
                endpoints: vec!["a:1".into(), "b:2".into()],
                rate: Some(2500.5),
                arrivals: Arrivals::Constant,
                key_law: KeyLaw::Zipf { exponent: 1.21 },
                key_prefix: "it's ".into(),
                mix: Mix { get: 1, set: 3 },
                size: SizeLaw::Uniform(1, 9),
                requests: Some(7),
                timeout_ms: Some(50),
                preload: true,
                failures_allowed: 0.25,
                ..RunConfig::default()
            },
        ];
        for config in configs {
            // A shell's reading of the one quoted word.
            let line = config.command_line().replace(r"'it'\''s '", "it's\u{a0}");
            let words = line.split(' ').map(|word| word.replace('\u{a0}', " "));
            let Verb::Run(args) = Cli::parse_from(words).verb else {
                panic!("another verb")
            };
            let seconds = config.seconds_max();
            assert_eq!(args.config(), RunConfig { seconds, ..config });
        }
    }
}
