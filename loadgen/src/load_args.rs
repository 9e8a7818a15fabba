//! The options that say what is sent and when.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use ringlab_loadgen::{
    Arrivals, KeyLaw, KeyShift, Mix, PreloadCheck, RunConfig, SizeLaw, Template, TraceConfig,
    TracePace, WORKLOADS, Workload, convert,
};

#[derive(Debug, Args)]
#[command(next_help_heading = "What is sent")]
pub(crate) struct LoadArgs {
    /// A load known by name: sets keys' law, sizes and commands; options given beside it win
    #[arg(long, value_parser = workloads(), hide_possible_values = true, value_name = "NAME",
        long_help = workload_help())]
    workload: Option<String>,
    /// Replay a trace: a tape made by `ringload tape`, or the text it is made of; until its end
    /// unless --seconds or --requests say otherwise
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The trace's recorded times so many times as fast, or max: one request after the other,
    /// closed loop. With --rate the order is the trace's and the times are the rate's
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    trace_speed: TracePace,
    /// When requests are due in open loop: poisson, constant, bursty:ON_MS:OFF_MS,
    /// step:FACTOR@SECONDS,... or ramp:FROM:TO:SECONDS, factors of --rate [default: poisson]
    #[arg(long, value_name = "LAW")]
    arrivals: Option<Arrivals>,
    /// Number of keys [default: 100000]
    #[arg(long, short = 'k')]
    keys: Option<u64>,
    /// How keys are chosen: uniform, zipf[:EXPONENT], scrambled-zipf[:EXPONENT], ycsb-zipf,
    /// hotspot[:KEYS:REQUESTS], latest[:EXPONENT] or sequential [default: uniform]
    #[arg(long, value_name = "LAW")]
    key_law: Option<KeyLaw>,
    /// Exponent of the law that has one [default: 0.99]
    #[arg(long, value_name = "EXPONENT")]
    zipf_exponent: Option<f64>,
    /// Each connection has a range of the keys for itself, and the law holds within it
    #[arg(long)]
    partitioned: bool,
    /// The law moves by so many keys every so many seconds: what was hot cools
    #[arg(long, value_name = "KEYS:SECONDS")]
    key_shift: Option<KeyShift>,
    /// What a key's name starts with; its number follows in twelve digits [default: key:]
    #[arg(long)]
    key_prefix: Option<String>,
    /// Bytes of a key's name, filled up behind the digits; laws as for --size
    #[arg(long, value_name = "LAW")]
    key_size: Option<SizeLaw>,
    /// GETs to SETs [default: 9:1]
    #[arg(long, value_name = "GET:SET")]
    ratio: Option<Mix>,
    /// A command of the load instead of GET and SET, its weight behind an @, as
    /// 'HSET h:__key__ f __value__ @3'; may be given several times
    #[arg(long = "command", value_name = "WORDS")]
    commands: Vec<Template>,
    /// Bytes of a value, a function of its key: N, uniform:LOW:HIGH, lognormal:MEDIAN:SIGMA,
    /// list:BYTES@WEIGHT,..., pareto:LOCATION:SCALE:SHAPE or etc (Facebook's) [default: 64]
    #[arg(long, short = 'd', value_name = "LAW")]
    size: Option<SizeLaw>,
    /// Seconds to live of what is written; laws as for --size [default: for ever]
    #[arg(long, value_name = "LAW")]
    ttl: Option<SizeLaw>,
    /// Write every key first, and read some back
    #[arg(long)]
    preload: bool,
    /// Keys read back and compared after the preload: sample (a thousand, evenly spread) or all
    #[arg(long, value_name = "KEYS")]
    preload_check: Option<PreloadCheck>,
}

fn workloads() -> PossibleValuesParser {
    let value = |workload: &Workload| PossibleValue::new(workload.name).help(workload.about);
    PossibleValuesParser::new(WORKLOADS.iter().map(value))
}

fn workload_help() -> String {
    let row = |workload: &Workload| format!("\n  {:<13} {}", workload.name, workload.about);
    let rows: String = WORKLOADS.iter().map(row).collect();
    format!(
        "A load known by name: sets the keys' law, sizes and commands; options given beside it \
         win. What of the original is approximated is said in the result.{rows}"
    )
}

impl LoadArgs {
    /// Puts what was given into a configuration.
    pub(crate) fn apply(&self, config: &mut RunConfig) {
        fn set<T: Clone>(place: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                *place = given.clone();
            }
        }
        let workload = self.workload.as_deref().and_then(Workload::named);
        if let Some(workload) = workload {
            workload.apply(config);
        }
        config.trace = self.trace.clone().map(|file| TraceConfig {
            file,
            pace: self.trace_speed,
        });
        set(&mut config.arrivals, self.arrivals.as_ref());
        let keys = &mut config.keys;
        set(&mut keys.count, self.keys.as_ref());
        set(&mut keys.law, self.key_law.as_ref());
        if let Some(exponent) = self.zipf_exponent {
            keys.law = keys.law.with_exponent(exponent);
        }
        set(&mut keys.prefix, self.key_prefix.as_ref());
        keys.partitioned |= self.partitioned;
        keys.shift = self.key_shift.or(keys.shift);
        keys.name_size = self.key_size.clone().or(keys.name_size.take());
        if let Some(mix) = self.ratio {
            config.mix = mix;
            config.commands.clear();
        }
        if !self.commands.is_empty() {
            config.commands.clone_from(&self.commands);
        }
        set(&mut config.size, self.size.as_ref());
        config.ttl = self.ttl.clone().or(config.ttl.take());
        config.preload |= self.preload;
        set(&mut config.preload_check, self.preload_check.as_ref());
    }
}

/// Flags of `tape`.
#[derive(Debug, Args)]
pub(crate) struct TapeArgs {
    /// The trace
    trace: PathBuf,
    /// The tape to write
    #[arg(long, short = 'o', value_name = "FILE")]
    out: PathBuf,
}

impl TapeArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let summary = convert(&self.trace, &self.out)?;
        println!("{}: {summary}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}
