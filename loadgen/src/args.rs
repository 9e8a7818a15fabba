//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ringlab_loadgen::RunConfig;

use crate::load_args::{LoadArgs, TapeArgs};

use crate::args_check::CheckArgs;
use crate::args_faults::FaultArgs;
use crate::args_files::FileArgs;
use crate::args_link::LinkArgs;
use crate::verbs::{AbArgs, CalibrateArgs, CompareArgs, NullArgs, SearchArgs, SweepArgs};
use crate::worker_args::{FleetArgs, WorkerArgs};

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
    /// A binary tape of a trace, for `run --trace`: CSV time,key,key_size,value_size,client,op,ttl
    /// (Twitter's), or what Redis's MONITOR prints.
    Tape(TapeArgs),
    /// Two reports side by side.
    Compare(CompareArgs),
    /// Loads servers on behalf of a run on another host: --workers there.
    Worker(WorkerArgs),
    /// A server that does nothing, and may stall or be slower than it need be.
    Null(NullArgs),
}

const EXAMPLES: &str = "Examples:
  ringload run -e 127.0.0.1:6379 --preload --rate 20000 --key-law scrambled-zipf:1.21
  ringload run --workload ycsb-b --preload --rate 20000
  ringload run --rate 5000 --arrivals bursty:100:400 --size etc --ttl uniform:60:600
  ringload run --command 'MGET __key__ ...1-20 @9' --command 'SET __key__ __value__ @1'
  ringload run --trace cluster.csv --trace-speed 2";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// host:port of a server, or unix:/path; may be given several times, connections are dealt out in turn
    #[arg(long = "endpoint", short = 'e', default_value = "127.0.0.1:6379")]
    endpoints: Vec<String>,
    #[command(flatten)]
    link: LinkArgs,
    /// Requests a second over all connections (open loop); none: closed loop
    #[arg(long, short = 'r')]
    rate: Option<f64>,
    /// Requests under way on one connection at most; in closed loop a batch of as many
    #[arg(long, short = 'P', default_value_t = 1)]
    depth: u32,
    /// Connections in all
    #[arg(long, short = 'c', default_value_t = 50)]
    connections: u32,
    #[command(flatten)]
    fleet: FleetArgs,
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
    #[command(flatten)]
    check: CheckArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    #[command(flatten)]
    pub(crate) files: FileArgs,
    /// No live line
    #[arg(long, short = 'q')]
    pub(crate) quiet: bool,
    /// Exit with 3 unless the verdict is VALID
    #[arg(long)]
    pub(crate) gate: bool,
    #[command(flatten)]
    load: LoadArgs,
}

impl RunArgs {
    pub(crate) fn config(&self) -> anyhow::Result<RunConfig> {
        self.files.check()?;
        let (workers, fleet) = self.fleet.config();
        let mut config = RunConfig {
            endpoints: self.endpoints.clone(),
            link: self.link.config(),
            rate: self.rate,
            depth: self.depth,
            connections: self.connections,
            workers,
            fleet,
            seconds: self.seconds,
            requests: self.requests,
            settle_seconds: self.settle,
            settle_seconds_max: self.settle_max.max(self.settle),
            drain_ms: self.drain_ms,
            timeout_ms: self.timeout_ms,
            seed: self.seed,
            server_pids: self.server_pids.clone(),
            server_info: !self.faults.no_server_info,
            timeline: self.faults.timeline()?,
            mark_file: self.mark_file.clone(),
            failures_allowed: self.failures_allowed,
            check: self.check.config(),
            ..RunConfig::default()
        };
        self.load.apply(&mut config);
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use ringlab_loadgen::{
        Arrivals, KeyConfig, KeyLaw, KeyShift, Mix, PreloadCheck, SizeLaw, TraceConfig, TracePace,
        WORKLOADS, Workload,
    };

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
                keys: KeyConfig {
                    law: KeyLaw::Zipf { exponent: 1.21 },
                    prefix: "it's ".into(),
                    name_size: Some(SizeLaw::Uniform(20, 30)),
                    partitioned: true,
                    shift: Some(KeyShift {
                        step: 10,
                        seconds: 0.5,
                    }),
                    ..KeyConfig::default()
                },
                mix: Mix { get: 1, set: 3 },
                size: SizeLaw::Uniform(1, 9),
                requests: Some(7),
                timeout_ms: Some(50),
                preload: true,
                preload_check: PreloadCheck::All,
                failures_allowed: 0.25,
                ..RunConfig::default()
            },
        ];
        for config in configs {
            repeats(&config);
        }
    }

    #[test]
    fn every_law_is_repeated() {
        let arrivals = ["bursty:20:80", "step:1@5,2@1", "ramp:0.5:2:30"];
        let laws = [
            "scrambled-zipf:2.1",
            "ycsb-zipf",
            "hotspot:0.1:0.9",
            "latest:0.5",
            "sequential",
        ];
        let sizes = [
            "lognormal:300:1.5",
            "list:64@9,1024@1",
            "pareto:15:214.476:0.35",
            "etc",
        ];
        for index in 0..5 {
            let mut config = RunConfig {
                rate: Some(10.0),
                arrivals: arrivals[index % 3].parse().unwrap(),
                commands: vec![
                    "HSET h:__key__ f's __value__ @3".parse().unwrap(),
                    "GET __key__; SET __key__ __value__ EX __ttl__"
                        .parse()
                        .unwrap(),
                ],
                size: sizes[index % 4].parse().unwrap(),
                ttl: Some(SizeLaw::Uniform(5, 60)),
                ..RunConfig::default()
            };
            config.keys.law = laws[index].parse().unwrap();
            repeats(&config);
        }
    }

    #[test]
    fn a_trace_is_repeated() {
        for pace in [TracePace::Free, TracePace::Recorded(2.5)] {
            let file = "a trace.tape".into();
            repeats(&RunConfig {
                trace: Some(TraceConfig { file, pace }),
                ..RunConfig::default()
            });
        }
    }

    #[test]
    fn workloads_are_repeated_and_what_stands_beside_them_wins() {
        for workload in WORKLOADS {
            let mut config = RunConfig::default();
            workload.apply(&mut config);
            config.keys.law = KeyLaw::Uniform;
            config.keys.count = 77;
            repeats(&config);
        }
        let line = ["ringload", "run", "--workload", "ycsb-a", "--ratio", "1:2"];
        let Verb::Run(args) = Cli::parse_from(line).verb else {
            panic!("another verb")
        };
        let config = args.config().unwrap();
        assert_eq!(config.mix, Mix { get: 1, set: 2 });
        assert!(config.commands.is_empty() && config.size == SizeLaw::Fixed(1000));
        assert_eq!(Workload::named("ycsb-a").map(|w| w.name), Some("ycsb-a"));
    }

    /// The words of a line as a POSIX shell reads them.
    fn shell_words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted, mut escaped) =
            (Vec::new(), String::new(), false, false);
        for c in line.chars() {
            match c {
                c if escaped => {
                    word.push(c);
                    escaped = false;
                }
                '\\' if !quoted => escaped = true,
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        words.push(word);
        words
    }

    fn repeats(config: &RunConfig) {
        let line = config.command_line();
        let Verb::Run(args) = Cli::parse_from(shell_words(&line)).verb else {
            panic!("another verb")
        };
        let config = RunConfig {
            seconds: config.seconds_max(),
            ..config.clone()
        };
        assert_eq!(args.config().unwrap(), config, "{line}");
    }
}
