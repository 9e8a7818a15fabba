//! What a run is asked to do: plain values, checked once, able to print the command that repeats it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::check::config::{self, CheckConfig, Role};
use crate::faults::{Timeline, TimelineError};
use crate::law::{KeyConfig, KeyLaw, LawError, Mix};
use crate::link::{LinkConfig, Protocol};
use crate::preload::PreloadCheck;
use crate::remote::FleetConfig;
use crate::schedule::Arrivals;
use crate::size::SizeLaw;
use crate::template::{Commands, Naming, Source, Template};
use crate::trace::{TraceConfig, TracePace};

/// One load. `rate` decides the loop: with one it is open, without one closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunConfig {
    /// `host:port` or `unix:/path` of each server; connections are dealt out in turn.
    pub endpoints: Vec<String>,
    /// Protocol, user, TLS.
    pub link: LinkConfig,
    /// Offered requests a second over all connections; none: closed loop.
    pub rate: Option<f64>,
    /// Law of the gaps in open loop.
    pub arrivals: Arrivals,
    /// Which keys there are and how one is chosen.
    pub keys: KeyConfig,
    /// Name of the workload that the rest came from, for its notes.
    pub workload: Option<String>,
    /// GETs to SETs, where no commands are given.
    pub mix: Mix,
    /// The commands; none: GET and SET after `mix`.
    pub commands: Vec<Template>,
    /// A trace to replay instead of drawing keys and commands.
    pub trace: Option<TraceConfig>,
    /// Bytes of a value.
    pub size: SizeLaw,
    /// Seconds to live of what is written by `mix` and the preload, and of `__ttl__`.
    pub ttl: Option<SizeLaw>,
    /// Requests under way on one connection at most.
    pub depth: u32,
    /// Connections in all.
    pub connections: u32,
    /// Threads that share the connections.
    pub workers: u32,
    /// Hosts that the threads are on.
    pub fleet: FleetConfig,
    /// Measured seconds.
    pub seconds: Option<f64>,
    /// Requests in all; such a run measures from the first to the last and doesn't settle.
    pub requests: Option<u64>,
    /// Seconds before measuring starts, at least; 0 measures at once.
    pub settle_seconds: f64,
    /// Seconds after which measuring starts even if the load didn't settle.
    pub settle_seconds_max: f64,
    /// Milliseconds that replies are awaited for after the last request.
    pub drain_ms: u64,
    /// Milliseconds after which a request has failed and its connection is made anew.
    pub timeout_ms: Option<u64>,
    /// Write every key before the load starts.
    pub preload: bool,
    /// Keys read back and compared after the preload.
    pub preload_check: PreloadCheck,
    /// Master seed of every random stream.
    pub seed: u64,
    /// Processes of the server, for its CPU per request.
    pub server_pids: Vec<u32>,
    /// Where no process is named: ask the endpoints for their processor time (`INFO cpu`).
    pub server_info: bool,
    /// What is done to the servers meanwhile.
    pub timeline: Timeline,
    /// A file whose appended lines become event marks.
    pub mark_file: Option<PathBuf>,
    /// Share of requests that may fail before the verdict is DATA ERRORS.
    pub failures_allowed: f64,
    /// Check that what is read is what was written.
    pub check: Option<CheckConfig>,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            endpoints: vec!["127.0.0.1:6379".into()],
            link: LinkConfig::default(),
            rate: None,
            arrivals: Arrivals::Poisson,
            keys: KeyConfig::default(),
            workload: None,
            mix: Mix { get: 9, set: 1 },
            commands: Vec::new(),
            trace: None,
            size: SizeLaw::Fixed(64),
            ttl: None,
            depth: 1,
            connections: 50,
            workers: 1,
            fleet: FleetConfig::default(),
            seconds: None,
            requests: None,
            settle_seconds: 2.0,
            settle_seconds_max: 15.0,
            drain_ms: 1000,
            timeout_ms: None,
            preload: false,
            preload_check: PreloadCheck::default(),
            seed: 1,
            server_pids: Vec::new(),
            server_info: false,
            timeline: Timeline::default(),
            mark_file: None,
            failures_allowed: 0.0,
            check: None,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConfigError {
    /// No endpoint was given.
    #[error("no endpoint")]
    NoEndpoint,
    /// Settings that contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// The fault timeline can't be followed.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// A command or a law makes no sense.
    #[error(transparent)]
    Law(#[from] LawError),
    /// A number is outside of what makes sense.
    #[error("{name} is {value}: it must be {wanted}")]
    Range {
        /// The setting.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        wanted: &'static str,
    },
}

impl RunConfig {
    /// Refuses what can't be run.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.endpoints.is_empty() {
            return Err(ConfigError::NoEndpoint);
        }
        if let Some(refusal) = self.link.refusal() {
            return Err(ConfigError::Contradiction(refusal));
        }
        self.timeline.check()?;
        self.check_load()?;
        self.check_span()?;
        self.check_keys()?;
        let size = "0 to 512 MiB, the smaller first";
        let mix = self.mix.total() > 0 || !self.commands.is_empty();
        range("ratio", self.mix, mix, "GETs:SETs, not both 0")?;
        range("size", &self.size, self.size.is_valid(), size)?;
        if let Some(ttl) = &self.ttl {
            range("ttl", ttl, ttl.is_valid(), "a law of seconds")?;
        }
        let commands = Commands::read(&self.templates(), self.naming())?;
        let inserts = commands.all.iter().any(|c| c.source == Source::New);
        let newest = inserts || matches!(self.keys.law, KeyLaw::Latest { .. });
        if newest && !self.fleet.hosts.is_empty() {
            return Err(ConfigError::Contradiction(
                "new keys and the latest are counted in one process, not over --workers on hosts",
            ));
        }
        let several = commands.all.iter().any(|command| command.keys != (1, 0));
        if self.link.cluster && (several || self.trace.is_some()) {
            return Err(ConfigError::Contradiction(
                "--cluster takes commands of one key, which is their first word, and no trace",
            ));
        }
        if self.check.is_some() {
            let roles: Vec<Option<Role>> = commands.all.iter().map(Role::of).collect();
            let followed = roles.iter().all(Option::is_some);
            if !followed || !roles.contains(&Some(Role::Read)) || self.mix.get == 0 {
                return Err(ConfigError::Contradiction(
                    "--check follows GET, SET and DEL of one key, and some must be GET",
                ));
            }
            let keys = self.keys.count;
            let few = (u64::from(self.workers)..=config::KEYS_MAX).contains(&keys);
            range(
                "keys",
                keys,
                few,
                "with --check at most 2^26, and one a worker",
            )?;
        }
        if let Some(trace) = &self.trace {
            let wanted = "a factor above 0, or max";
            range("trace-speed", trace.pace, trace.pace.is_valid(), wanted)?;
            if self.link.protocol == Protocol::Memcached {
                return Err(ConfigError::Contradiction(
                    "a trace is replayed in Redis's protocol",
                ));
            }
            if self.check.is_some() {
                return Err(ConfigError::Contradiction(
                    "--check follows what it draws itself, not a trace",
                ));
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), ConfigError> {
        let keys = &self.keys;
        let prefix = keys.prefix.len();
        let least = if keys.partitioned {
            u64::from(self.connections)
        } else {
            1
        };
        let count = (least..=KEYS_MAX).contains(&keys.count);
        let wanted = "1 to 1e12, and one a connection if partitioned";
        range("keys", keys.count, count, wanted)?;
        let law = "an exponent of 0 to 20, or shares between 0 and 1";
        range("key-law", keys.law, keys.law.is_valid(), law)?;
        range("key-prefix", prefix, prefix <= 128, "at most 128 bytes")?;
        let latest = matches!(keys.law, KeyLaw::Latest { .. });
        let alone = !latest || !keys.partitioned && keys.shift.is_none();
        let wanted = "without --partitioned and --key-shift";
        range("key-law", keys.law, alone, wanted)?;
        let arrivals = &self.arrivals;
        range(
            "arrivals",
            arrivals,
            arrivals.is_valid(),
            "a law of arrivals",
        )?;
        keys.name_size.as_ref().map_or(Ok(()), |law| {
            range("key-size", law, law.is_valid(), "a law of bytes")
        })
    }

    /// The commands of the load, those of `mix` spelt out.
    pub(crate) fn templates(&self) -> Vec<Template> {
        if !self.commands.is_empty() {
            return self.commands.clone();
        }
        let template = |text: &str, weight| Template {
            text: text.to_owned(),
            weight,
        };
        vec![
            template("GET __key__", self.mix.get),
            template(self.write(), self.mix.set),
        ]
    }

    /// How the preload writes and reads a key.
    pub(crate) fn preload_commands(&self) -> [Template; 2] {
        [self.write(), "GET __key__"].map(|text| Template {
            text: text.to_owned(),
            weight: 1,
        })
    }

    fn write(&self) -> &'static str {
        if self.ttl.is_some() {
            "SET __key__ __value__ EX __ttl__"
        } else {
            "SET __key__ __value__"
        }
    }

    /// What fills in the commands' words.
    pub(crate) fn naming(&self) -> Naming<'_> {
        Naming {
            protocol: self.link.protocol,
            keys: &self.keys,
            ttl: self.ttl.as_ref(),
        }
    }

    fn check_load(&self) -> Result<(), ConfigError> {
        let Self {
            connections,
            workers,
            depth,
            ..
        } = *self;
        let rate = self.rate.unwrap_or(1.0);
        let each = connections as usize >= self.endpoints.len();
        range(
            "rate",
            rate,
            rate > 0.0 && rate <= 1e9,
            "above 0, at most 1e9",
        )?;
        range("depth", depth, (1..=65_536).contains(&depth), "1 to 65536")?;
        range("workers", workers, (1..=256).contains(&workers), "1 to 256")?;
        let hosts = self.fleet.hosts.len();
        range(
            "workers",
            workers,
            workers as usize >= hosts,
            "at least one thread a host",
        )?;
        range(
            "connections",
            connections,
            connections <= 65_536,
            "at most 65536",
        )?;
        range(
            "connections",
            connections,
            connections >= workers,
            "at least one a worker",
        )?;
        range("connections", connections, each, "at least one an endpoint")
    }

    fn check_span(&self) -> Result<(), ConfigError> {
        let Self {
            settle_seconds: settle,
            settle_seconds_max: settle_max,
            ..
        } = *self;
        let seconds = self.seconds.unwrap_or(1.0);
        let requests = self.requests.unwrap_or(u64::MAX);
        let each = requests >= u64::from(self.workers);
        range(
            "seconds",
            seconds,
            seconds > 0.0 && seconds <= 1e6,
            "above 0, at most 1e6",
        )?;
        range("requests", requests, each, "at least one a worker")?;
        range("settle", settle, (0.0..=1e6).contains(&settle), "0 to 1e6")?;
        range(
            "settle-max",
            settle_max,
            settle_max >= settle,
            "at least --settle",
        )
    }

    /// Seconds measured at most: those given, or ten where nothing else says when to stop.
    pub fn seconds_max(&self) -> Option<f64> {
        let ends = self.requests.is_some() || self.trace.is_some();
        self.seconds.or(if ends { None } else { Some(10.0) })
    }

    /// True if requests are due whether or not those before were answered.
    pub(crate) fn is_open(&self) -> bool {
        let recorded = |trace: &TraceConfig| trace.pace != TracePace::Free;
        self.rate.is_some() || self.trace.as_ref().is_some_and(recorded)
    }

    /// True if the load changes by design, so that nothing need be steady.
    pub(crate) fn varies(&self) -> bool {
        self.arrivals.varies() || self.trace.is_some()
    }

    /// The command that repeats this run.
    pub fn command_line(&self) -> String {
        let mut words = vec!["ringload run".to_owned()];
        let mut add = |name: &str, value: String| words.push(format!("--{name} {}", quote(&value)));
        for endpoint in &self.endpoints {
            add("endpoint", endpoint.clone());
        }
        if let Some(rate) = self.rate {
            add("rate", rate.to_string());
            add("arrivals", self.arrivals.to_string());
        }
        self.load_words(&mut add);
        add("depth", self.depth.to_string());
        add("connections", self.connections.to_string());
        match self.fleet.hosts.len() as u32 {
            0 => add("workers", self.workers.to_string()),
            hosts => {
                add("workers", self.fleet.hosts.join(","));
                add("threads", (self.workers / hosts).to_string());
            }
        }
        if let Some(seconds) = self.seconds_max() {
            add("seconds", seconds.to_string());
        }
        if let Some(requests) = self.requests {
            add("requests", requests.to_string());
        }
        add("settle", self.settle_seconds.to_string());
        add("settle-max", self.settle_seconds_max.to_string());
        add("drain-ms", self.drain_ms.to_string());
        if let Some(timeout) = self.timeout_ms {
            add("timeout-ms", timeout.to_string());
        }
        if self.failures_allowed > 0.0 {
            add("failures-allowed", self.failures_allowed.to_string());
        }
        add("seed", self.seed.to_string());
        if let Some(check) = &self.check {
            add("check-older-ms", check.older_ms_max.to_string());
            add("check-histories", check.histories.to_string());
        }
        if self.check.is_some() {
            words.push("--check".into());
        }
        if self.preload {
            words.push(format!("--preload --preload-check {}", self.preload_check));
        }
        if self.keys.partitioned {
            words.push("--partitioned".into());
        }
        for (name, values) in self.timeline.words() {
            let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
            words.push(format!("--{name} {}", values.join(" ")));
        }
        if !self.server_info {
            words.push("--no-server-info".into());
        }
        for (name, value) in self.link.words() {
            words.push(match value {
                Some(value) => format!("--{name} {}", quote(&value)),
                None => format!("--{name}"),
            });
        }
        words.join(" ")
    }

    /// What is asked for, in words.
    fn load_words(&self, add: &mut impl FnMut(&str, String)) {
        let keys = &self.keys;
        if let Some(trace) = &self.trace {
            add("trace", trace.file.display().to_string());
            add("trace-speed", trace.pace.to_string());
        }
        if let Some(name) = &self.workload {
            add("workload", name.clone());
        }
        add("keys", keys.count.to_string());
        add("key-law", keys.law.to_string());
        add("key-prefix", keys.prefix.clone());
        if let Some(law) = &keys.name_size {
            add("key-size", law.to_string());
        }
        if let Some(shift) = keys.shift {
            add("key-shift", shift.to_string());
        }
        if self.commands.is_empty() {
            add("ratio", self.mix.to_string());
        }
        for command in &self.commands {
            add("command", command.to_string());
        }
        add("size", self.size.to_string());
        if let Some(ttl) = &self.ttl {
            add("ttl", ttl.to_string());
        }
    }
}

const KEYS_MAX: u64 = 1_000_000_000_000;

fn range(
    name: &'static str,
    value: impl std::fmt::Display,
    holds: bool,
    wanted: &'static str,
) -> Result<(), ConfigError> {
    if holds {
        Ok(())
    } else {
        Err(ConfigError::Range {
            name,
            value: value.to_string(),
            wanted,
        })
    }
}

/// A word for a POSIX shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:,/@%+=[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_accepted_and_repeats_itself() {
        let config = RunConfig::default();
        assert_eq!(config.check(), Ok(()));
        let line = config.command_line();
        assert!(
            line.starts_with("ringload run --endpoint 127.0.0.1:6379 --keys 100000"),
            "{line}"
        );
        assert!(line.contains("--seconds 10 "), "{line}");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let refused = |change: fn(&mut RunConfig)| {
            let mut config = RunConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(refused(|c| c.keys.count = 0).starts_with("keys is 0"));
        assert!(refused(|c| c.rate = Some(f64::NAN)).starts_with("rate is NaN"));
        assert!(refused(|c| c.mix = Mix { get: 0, set: 0 }).starts_with("ratio is 0:0"));
        assert!(refused(|c| c.size = SizeLaw::Uniform(9, 3)).starts_with("size is uniform:9:3"));
        assert!(refused(|c| c.workers = 100).starts_with("connections is 50"));
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quote("key:"), "key:");
        assert_eq!(quote("it's {x}"), r"'it'\''s {x}'");
    }
}
