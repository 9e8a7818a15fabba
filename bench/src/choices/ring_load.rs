//! Real rings of ringd under load, one ring a pair, slice by slice in turns: what a request costs
//! all nodes, and the highest rate that meets the objective.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::data::{RingLoad, RingLoads, Try};
use super::leaders::Leader;
use super::statistics::{quantile, time};
use crate::cluster::{Node, Place, Programs, ending_with_us, view};

/// Nodes of a ring, in one rack: two of three requests go on to another node.
const NODES: usize = 3;
/// Slices of each ring, and requests of one.
const SLICES: usize = 8;
const REQUESTS: u64 = 20_000;
/// Rates that are tried to find the highest that holds, and seconds of each.
const TRIES: usize = 6;
const TRY_SECONDS: f64 = 2.0;
const CONNECTIONS: u32 = 8;
const KEYS: &str = "50000";
const START_MAX: Duration = Duration::from_secs(20);

/// Nodes of one pair.
struct Ring {
    leader: Leader,
    nodes: Vec<Node>,
}

/// Loads a ring of each pair.
///
/// # Errors
/// A ring that does not start, a load with failures.
pub(crate) fn measure(
    programs: &Programs,
    leaders: &[Leader],
    objective_p99_ms: f64,
) -> Result<RingLoads> {
    let dir = std::env::temp_dir().join(format!("ringlab-rings-{}", std::process::id()));
    let rings: Result<Vec<Ring>> = leaders
        .iter()
        .enumerate()
        .map(|(number, leader)| Ring::start(programs, leader, &dir.join(number.to_string())))
        .collect();
    let rows = rings.and_then(|rings| rows(programs, rings, objective_p99_ms));
    fs::remove_dir_all(&dir).ok();
    Ok(RingLoads {
        nodes: NODES,
        objective_p99_ms,
        connections: CONNECTIONS,
        about: format!(
            "{NODES} nodes of one rack on this machine, the load to the first: nine reads to one \
             write of 64 bytes, {KEYS} keys wanted alike, {CONNECTIONS} connections; what a \
             request costs is measured in a closed loop of depth 4"
        ),
        rows: rows?,
    })
}

fn rows(programs: &Programs, rings: Vec<Ring>, objective_p99_ms: f64) -> Result<Vec<RingLoad>> {
    let load = Load {
        program: programs.ringload.clone(),
    };
    for ring in &rings {
        load.run(ring.address(), &["--preload", "--requests", "5000"])?;
    }
    let mut samples = vec![Vec::new(); rings.len()];
    for slice in 0..SLICES {
        let mut order: Vec<usize> = (0..rings.len()).collect();
        if slice % 2 == 1 {
            order.reverse();
        }
        for at in order {
            samples[at].push(rings[at].slice(&load)?);
        }
    }
    let rows = rings.iter().zip(&samples);
    let mut rows: Vec<RingLoad> = rows
        .map(|(ring, costs)| row(&ring.leader, costs, &samples[0]))
        .collect();
    let mut rates = Vec::new();
    for ring in &rings {
        rates.push(ring.first_rate(&load)?);
    }
    for _ in 0..TRIES {
        for ((ring, row), rate) in rings.iter().zip(&mut rows).zip(&mut rates) {
            let tried = ring.offer(&load, *rate, objective_p99_ms)?;
            row.learn(tried);
            *rate = next(row.met_per_s, row.missed_per_s);
        }
    }
    Ok(rows)
}

impl RingLoad {
    /// Adds a try, and narrows the bracket.
    fn learn(&mut self, tried: Try) {
        let rate = tried.rate_per_s;
        if tried.met {
            self.met_per_s = Some(self.met_per_s.unwrap_or(0.0).max(rate));
        } else {
            self.missed_per_s = Some(self.missed_per_s.unwrap_or(f64::INFINITY).min(rate));
        }
        self.tries.push(tried);
    }
}

fn row(leader: &Leader, costs: &[f64], first: &[f64]) -> RingLoad {
    let ratios = costs.iter().zip(first).map(|(own, first)| own / first);
    let mut ratios: Vec<f64> = ratios.collect();
    RingLoad {
        hash: leader.hash.clone(),
        distribution: leader.distribution.clone(),
        why: leader.why.clone(),
        cpu: time(costs),
        cpu_ratio: [0.5, 0.0, 1.0].map(|part| quantile(&mut ratios, part)),
        slices: costs.len(),
        met_per_s: None,
        missed_per_s: None,
        tries: Vec::new(),
    }
}

impl Ring {
    fn start(programs: &Programs, leader: &Leader, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let places = places()?;
        let node = |(index, place): (usize, &Place)| {
            let yaml = configuration(leader, index, &places);
            Node::new(place.clone(), programs.ringd.clone(), dir, &yaml)
        };
        let nodes: Result<Vec<Node>> = places.iter().enumerate().map(node).collect();
        let mut ring = Self {
            leader: leader.clone(),
            nodes: nodes?,
        };
        for node in &mut ring.nodes {
            node.start()?;
        }
        ring.wait()?;
        Ok(ring)
    }

    /// Until each node sees all others as normal.
    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            for node in &mut self.nodes {
                node.check_alive()?;
            }
            let fine = |node: &Node| {
                node.is_healthy() && view(&node.place).is_ok_and(|view| view.is_normal())
            };
            if self.nodes.iter().all(fine) {
                return Ok(());
            }
            if began.elapsed() > START_MAX {
                let Leader {
                    hash, distribution, ..
                } = &self.leader;
                bail!("a ring of {hash} × {distribution} did not find itself");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn address(&self) -> SocketAddr {
        self.nodes[0].place.client
    }

    /// Processor time of all nodes so far, in ns.
    fn cpu_ns(&self) -> Result<u64> {
        let mut sum = 0;
        for node in &self.nodes {
            let pid = node.pid().context("it runs")?;
            let tasks = PathBuf::from(format!("/proc/{pid}/task"));
            for task in fs::read_dir(&tasks).with_context(|| tasks.display().to_string())? {
                let stat = fs::read_to_string(task?.path().join("schedstat"))?;
                let running = stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
                sum += running.with_context(|| format!("schedstat says '{stat}'"))?;
            }
        }
        Ok(sum)
    }

    /// Processor time of a request over one slice, in ns.
    fn slice(&self, load: &Load) -> Result<f64> {
        let before = self.cpu_ns()?;
        let requests = REQUESTS.to_string();
        let told = load.run(self.address(), &["--depth", "4", "--requests", &requests])?;
        if told.failed > 0 || told.completed == 0 {
            let Leader {
                hash, distribution, ..
            } = &self.leader;
            bail!("{hash} × {distribution}: {} requests failed", told.failed);
        }
        Ok((self.cpu_ns()? - before) as f64 / told.completed as f64)
    }

    /// Somewhat below what a closed loop of depth 1 comes to.
    fn first_rate(&self, load: &Load) -> Result<f64> {
        let closed = load.run(self.address(), &["--depth", "1", "--seconds", "1"])?;
        Ok(0.7 * closed.per_s)
    }

    /// Offers a rate for a moment.
    fn offer(&self, load: &Load, rate: f64, objective_p99_ms: f64) -> Result<Try> {
        let rate_per_s = rate.round().max(1.0);
        let (offered, seconds) = (rate_per_s.to_string(), TRY_SECONDS.to_string());
        let open = ["--rate", &offered, "--depth", "16", "--seconds", &seconds];
        let told = load.run(self.address(), &open)?;
        let held = told.p99_ms.is_some_and(|p99| p99 <= objective_p99_ms);
        Ok(Try {
            rate_per_s,
            completed_per_s: told.per_s,
            p99_ms: told.p99_ms,
            failed: told.failed,
            met: held && told.failed == 0 && told.per_s >= 0.97 * rate_per_s,
        })
    }
}

/// The rate to try next.
fn next(met: Option<f64>, missed: Option<f64>) -> f64 {
    match (met, missed) {
        (Some(met), None) => 1.6 * met,
        (None, Some(missed)) => missed / 2.0,
        (Some(met), Some(missed)) => (met + missed) / 2.0,
        (None, None) => 1000.0,
    }
}

fn places() -> Result<Vec<Place>> {
    let mut held = Vec::new();
    let mut port = || -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        // Held until all are found, so that no two are the same.
        held.push(listener);
        Ok(address)
    };
    (1..=NODES)
        .map(|number| {
            Ok(Place {
                name: format!("n{number}"),
                rack: "rack1".to_owned(),
                client: port()?,
                peer: port()?,
                admin: port()?,
            })
        })
        .collect()
}

/// A node's configuration: one rack, tokens at equal distances where the distribution takes them.
fn configuration(leader: &Leader, index: usize, places: &[Place]) -> String {
    let token = |index: usize| (index as u64 * (1 << 32) / NODES as u64).to_string();
    let (
        place,
        Leader {
            hash, distribution, ..
        },
    ) = (&places[index], leader);
    let mut yaml = format!(
        "lab:\n  listen: {}\n  dyn_listen: {}\n  stats_listen: {}\n  datacenter: dc1\n  \
         rack: rack1\n  tokens: '{}'\n  hash: {hash}\n  distribution: {distribution}\n  dyn_seeds:\n",
        place.client,
        place.peer,
        place.admin,
        token(index),
    );
    for (other, place) in places
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
    {
        yaml += &format!("    - {}:rack1:dc1:{}\n", place.peer, token(other));
    }
    yaml
}

/// The load generator.
struct Load {
    program: PathBuf,
}

/// What a slice of load told.
struct Told {
    completed: u64,
    failed: u64,
    per_s: f64,
    p99_ms: Option<f64>,
}

impl Load {
    fn run(&self, address: SocketAddr, args: &[&str]) -> Result<Told> {
        let mut command = Command::new(&self.program);
        command
            .args([
                "run", "--quiet", "--json", "-", "--keys", KEYS, "--size", "64",
            ])
            .args(["--ratio", "9:1", "--settle", "0"])
            .args(["--connections", &CONNECTIONS.to_string()])
            .args(["--endpoint", &address.to_string()])
            .args(args)
            .stdin(Stdio::null());
        let output = ending_with_us(&mut command).output();
        let output = output.context("ringload can't be started")?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            let words = String::from_utf8_lossy(&output.stderr);
            format!("ringload: {}", words.trim())
        })?;
        let totals = &report["totals"];
        let p99 = report["latency"]["response"]["p99_ns"].as_f64();
        let told = (
            totals["completed"].as_u64(),
            totals["failed"].as_u64(),
            totals["achieved_per_s"].as_f64(),
        );
        let (Some(completed), Some(failed), Some(per_s)) = told else {
            bail!("ringload's report has another form");
        };
        Ok(Told {
            completed,
            failed,
            per_s,
            p99_ms: p99.map(|ns| ns / 1e6),
        })
    }
}

#[cfg(test)]
mod tests {
    use ringlab_core::config::Reader;

    use super::*;

    #[test]
    fn every_node_reads_its_file() {
        let places = places().expect("free ports");
        for (hash, distribution) in [("murmur", "vnode"), ("crc32a", "random_slicing")] {
            let leader = Leader {
                hash: hash.to_owned(),
                distribution: distribution.to_owned(),
                why: String::new(),
            };
            for index in 0..NODES {
                let mut reader = Reader::new();
                reader.file("lab.yml", &configuration(&leader, index, &places));
                let configured = reader.finish().expect("a good file");
                assert!(configured.warnings.is_empty(), "{:?}", configured.warnings);
                let ring = configured.pool.topology().expect("a ring");
                assert_eq!((ring.peers().len(), ring.replica_count()), (NODES, 1));
            }
        }
    }

    #[test]
    fn the_search_closes_in() {
        assert!((next(Some(100.0), None) - 160.0).abs() < 1e-9);
        assert!((next(None, Some(100.0)) - 50.0).abs() < 1e-9);
        assert!((next(Some(100.0), Some(160.0)) - 130.0).abs() < 1e-9);
    }
}
