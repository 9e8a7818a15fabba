//! What a request costs the client: ringload beside redis-benchmark and memtier_benchmark, in one
//! interleaved run against the same redis-server.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::server::{Server, on_core};
use super::spread::Spread;
use super::table::SCHEMA_VERSION;
use crate::progress::step;
use crate::workspace::told_by;

/// A client program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Client {
    Ringload,
    RedisBenchmark,
    Memtier,
}

/// The programs, and how much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Contest {
    pub(crate) ringload: PathBuf,
    pub(crate) redis: PathBuf,
    pub(crate) redis_benchmark: PathBuf,
    /// Left out where it does not run.
    pub(crate) memtier: PathBuf,
    pub(crate) rounds: u32,
    /// Requests of a slice at depth 1; at depth 16 sixteen times as many.
    pub(crate) requests: u64,
}

/// The most that ringload may cost relative to another client.
const BARS: [(Client, f64); 2] = [(Client::RedisBenchmark, 0.75), (Client::Memtier, 0.6)];

const CONNECTIONS: u32 = 50;
const KEYS: u64 = 100_000;
const VALUE_BYTES: &str = "64";

/// One row: a command at a depth, with the processor time of a request in each slice, in ns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    command: &'static str,
    depth: u32,
    costs: Vec<(Client, Vec<f64>)>,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    redis: String,
    clients: Vec<(Client, String)>,
    rounds: u32,
    requests: u64,
    rows: Vec<Row>,
}

impl Contest {
    /// Runs every client in turn, for every row, round after round.
    ///
    /// # Errors
    /// A server or a client that does not start, a load with failures.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let server = Server::redis(&self.redis)?;
        let clients = self.clients()?;
        let filling = step("filling the server, for each client");
        for &(client, _) in &clients {
            self.fill(client, &server)?;
        }
        filling.done();
        let mut rows: Vec<Row> = Vec::new();
        for (command, depth) in [("GET", 1), ("SET", 1), ("GET", 16), ("SET", 16)] {
            let costs = clients.iter().map(|(client, _)| (*client, Vec::new()));
            rows.push(Row {
                command,
                depth,
                costs: costs.collect(),
            });
        }
        for round in 0..self.rounds {
            let slicing = step(format!("round {} of {}", round + 1, self.rounds));
            for row in &mut rows {
                let requests = self.requests * u64::from(row.depth);
                let mut order: Vec<usize> = (0..row.costs.len()).collect();
                if round % 2 == 1 {
                    order.reverse();
                }
                for place in order {
                    let client = row.costs[place].0;
                    let before = children_ns()?;
                    self.slice(client, &server, (row.command, row.depth), requests)?;
                    let used = children_ns()? - before;
                    row.costs[place].1.push(used as f64 / requests as f64);
                }
            }
            slicing.done();
        }
        Ok(Outcome {
            redis: server.version.clone(),
            clients,
            rounds: self.rounds,
            requests: self.requests,
            rows,
        })
    }

    /// Those that are installed, with their versions.
    fn clients(&self) -> Result<Vec<(Client, String)>> {
        let told = |program: &PathBuf| {
            let told = told_by(&program.to_string_lossy(), &["--version"], ".".as_ref())?;
            told.lines().next().map(str::to_owned)
        };
        let ringload = told(&self.ringload).context("ringload does not run")?;
        let redis = told(&self.redis_benchmark)
            .with_context(|| format!("{} does not run", self.redis_benchmark.display()))?;
        let mut clients = vec![
            (Client::Ringload, ringload),
            (Client::RedisBenchmark, redis),
        ];
        match told(&self.memtier) {
            Some(version) => clients.push((Client::Memtier, version)),
            None => eprintln!("no memtier_benchmark here: it has no column"),
        }
        Ok(clients)
    }

    fn program(&self, client: Client) -> &PathBuf {
        match client {
            Client::Ringload => &self.ringload,
            Client::RedisBenchmark => &self.redis_benchmark,
            Client::Memtier => &self.memtier,
        }
    }

    /// Each client has keys of its own, all of the same length: GETs hit, and what one writes is
    /// not what another expects.
    fn fill(&self, client: Client, server: &Server) -> Result<()> {
        match client {
            Client::Ringload => {
                let args = ["--preload", "--requests", "1000"];
                completed(self.ringload(server).args(args)).map(drop)
            }
            // Drawn at random: four times as many leave one key in fifty out.
            _ => self.slice(client, server, ("SET", 16), 4 * KEYS),
        }
    }

    fn ringload(&self, server: &Server) -> Command {
        let mut command = on_core(1, &self.ringload);
        command
            .args(["run", "--quiet", "--json", "-", "--key-prefix", "lab:"])
            .args(["--endpoint", &server.address, "--size", VALUE_BYTES])
            .args(["--keys", &KEYS.to_string()])
            .args(["--connections", &CONNECTIONS.to_string()]);
        command
    }

    fn slice(
        &self,
        client: Client,
        server: &Server,
        (name, depth): (&str, u32),
        requests: u64,
    ) -> Result<()> {
        let Some((host, port)) = server.address.split_once(':') else {
            bail!("{} is no host:port", server.address);
        };
        let get = name == "GET";
        let mut command = on_core(1, self.program(client));
        match client {
            Client::Ringload => {
                let mut command = self.ringload(server);
                command
                    .args(["--ratio", if get { "1:0" } else { "0:1" }])
                    .args(["--depth", &depth.to_string()])
                    .args(["--requests", &requests.to_string()]);
                let completed = completed(&mut command)?;
                ensure!(completed == requests, "ringload: {completed} of {requests}");
                return Ok(());
            }
            Client::RedisBenchmark => command
                .args(["-h", host, "-p", port, "-d", VALUE_BYTES, "-q"])
                .args(["-t", if get { "get" } else { "set" }])
                .args(["-c", &CONNECTIONS.to_string(), "-P", &depth.to_string()])
                .args(["-n", &requests.to_string(), "-r", &KEYS.to_string()]),
            Client::Memtier => command
                .args(["-s", host, "-p", port, "-d", VALUE_BYTES, "-t", "1"])
                .args(["--hide-histogram", "--key-prefix", "mem:00000"])
                .args([
                    "--ratio",
                    if get { "0:1" } else { "1:0" },
                    "--pipeline",
                    &depth.to_string(),
                ])
                .args(["-c", &CONNECTIONS.to_string(), "-n"])
                .arg((requests / u64::from(CONNECTIONS)).to_string())
                .args(["--key-maximum", &KEYS.to_string()]),
        };
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.with_context(|| self.program(client).display().to_string())?;
        ensure!(status.success(), "{client:?} ended with {status}");
        Ok(())
    }
}

/// Requests that ringload says were answered, all of them rightly.
fn completed(command: &mut Command) -> Result<u64> {
    let output = command.output().context("ringload can't be started")?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        let told = String::from_utf8_lossy(&output.stderr);
        format!("ringload: {}", told.trim())
    })?;
    let total = |name: &str| report["totals"][name].as_u64();
    ensure!(total("failed") == Some(0), "ringload had failures");
    total("completed").context("ringload's report has another form")
}

/// Processor time of all children that ended and were waited for, user and system, from start to
/// end. The kernel tells it in ticks of its clock, a hundred a second.
fn children_ns() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    children_ticks(&stat)
        .map(|ticks| ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second())
        .with_context(|| format!("/proc/self/stat says '{stat}'"))
}

/// `cutime` and `cstime`, fields 16 and 17; the name, field 2, may hold anything.
fn children_ticks(stat: &str) -> Option<u64> {
    let fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let times: Option<Vec<u64>> = fields
        .skip(13)
        .take(2)
        .map(|word| word.parse().ok())
        .collect();
    times
        .filter(|times| times.len() == 2)
        .map(|times| times.iter().sum())
}

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::Ringload => "ringload",
            Self::RedisBenchmark => "redis-benchmark",
            Self::Memtier => "memtier_benchmark",
        }
    }
}

impl Row {
    fn costs(&self, client: Client) -> &[f64] {
        let found = self.costs.iter().find(|(known, _)| *known == client);
        found.map_or(&[], |(_, costs)| costs)
    }

    /// ringload's cost relative to another's, over the slices of the same round.
    fn ratio(&self, other: Client) -> Spread {
        let pairs = self.costs(Client::Ringload).iter().zip(self.costs(other));
        Spread::of(
            &pairs
                .map(|(ours, theirs)| ours / theirs)
                .collect::<Vec<f64>>(),
        )
    }
}

impl Outcome {
    /// Rows where ringload costs more than its bar.
    pub(crate) fn broken_bars(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for row in &self.rows {
            for (other, bar) in BARS {
                let ratio = row.ratio(other).median;
                if ratio > bar {
                    let Row { command, depth, .. } = row;
                    let name = other.name();
                    broken.push(format!("{command} at depth {depth}: {ratio:.2} × {name}"));
                }
            }
        }
        broken
    }

    /// For people.
    pub(crate) fn markdown(&self) -> String {
        let versions: Vec<&str> = self.clients.iter().map(|(_, told)| told.as_str()).collect();
        let mut text = format!(
            "The client's processor time of a request, its start and end included: {}, against {}; \
             {CONNECTIONS} connections, {VALUE_BYTES} B values, {} interleaved slices of {} requests \
             each ({} at depth 16).\n\n\
             | command | depth | client | µs a request | ringload's ratio | lowest–highest | bar |\n\
             |---|--:|---|--:|--:|--:|--:|\n",
            versions.join(", "),
            self.redis,
            self.rounds,
            self.requests,
            16 * self.requests,
        );
        for row in &self.rows {
            for (client, costs) in &row.costs {
                let median_us = Spread::of(costs).median / 1000.0;
                let bar = BARS.iter().find(|(other, _)| other == client);
                let judged = bar.map_or_else(
                    || " | | ".to_owned(),
                    |(_, bar)| {
                        let ratio = row.ratio(*client);
                        let mark = if ratio.median > *bar { " ✗" } else { "" };
                        format!(
                            "{:.3}{mark} | {:.3}–{:.3} | {bar:.2}",
                            ratio.median, ratio.low, ratio.high
                        )
                    },
                );
                let (command, depth, name) = (row.command, row.depth, client.name());
                // Writing to a string can't fail.
                let _ = writeln!(
                    text,
                    "| {command} | {depth} | {name} | {median_us:.3} | {judged} |"
                );
            }
        }
        text.push_str("\nThe ratio is the median over rounds.\n");
        text
    }

    /// For programs, with every slice.
    pub(crate) fn json(&self) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "redis": self.redis,
            "clients": self.clients,
            "rounds": self.rounds,
            "requests": self.requests,
            "bars": BARS,
            "cpu_ns_per_request": self.rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn childrens_time_is_read_behind_any_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 200 0 0 7 8 130 25 20 0 1 0 99 0 0";
        assert_eq!(children_ticks(stat), Some(155));
        assert_eq!(children_ticks("42 (a) S 1"), None);
        assert!(children_ns().is_ok());
    }

    #[test]
    fn the_median_ratio_is_held_to_its_bar() {
        let row = |depth, ours: &[f64]| Row {
            command: "GET",
            depth,
            costs: vec![
                (Client::Ringload, ours.to_vec()),
                (Client::RedisBenchmark, vec![1000.0; 3]),
            ],
        };
        let outcome = Outcome {
            redis: "redis 7".into(),
            clients: vec![(Client::Ringload, "ringload 1".into())],
            rounds: 3,
            requests: 1000,
            rows: vec![row(1, &[600.0, 700.0, 900.0]), row(16, &[760.0; 3])],
        };
        assert_eq!(
            outcome.broken_bars(),
            ["GET at depth 16: 0.76 × redis-benchmark"]
        );
        let text = outcome.markdown();
        let line = "| GET | 1 | redis-benchmark | 1.000 | 0.700 | 0.600–0.900 | 0.75 |";
        assert!(text.contains(line) && text.contains("0.760 ✗"), "{text}");
    }
}
