//! `ringlab shadow HOST:PORT…`: how many keys of a live ring another hash or distribution would
//! place elsewhere, as its nodes count it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::ToSocketAddrs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cluster::http;
use crate::exit::Exit;

/// How long a node may take to tell.
const ANSWER_MAX: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "A shadow is set in each node's file, and places nothing:
  hash_shadow: xxh3
  distribution_shadow: random_slicing

Example: ringlab shadow 10.0.0.1:22222 10.0.0.2:22222 --watch 5";

/// Tells how often the shadow placing of a live ring differs from the one in use
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Admin addresses (stats_listen) of the nodes
    #[arg(value_name = "HOST:ADMINPORT", required = true)]
    nodes: Vec<String>,
    /// One JSON object a reading
    #[arg(long)]
    json: bool,
    /// Reads again every so many seconds, until interrupted
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
}

/// What a node's `/stats` says, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Stats {
    node: String,
    hash: String,
    distribution: String,
    shadow_hash: Option<String>,
    shadow_distribution: Option<String>,
    replica_count: u64,
    keys: u64,
    counters: Counters,
}

#[derive(Debug, Deserialize)]
struct Counters {
    shadow_evaluations_total: u64,
    hash_shadow_disagreement_total: u64,
    distribution_shadow_disagreement_total: u64,
    shadow_moved_copies_total: u64,
}

/// A hash and a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Placing {
    hash: String,
    distribution: String,
}

/// One node, or all of them.
#[derive(Debug, Serialize)]
struct Row {
    node: String,
    live: Placing,
    shadow: Placing,
    /// Keys of requests since the start for which the shadow was asked.
    evaluated: u64,
    /// Of these, those that it gives another set of peers.
    disagreed: u64,
    /// Copies of the keys asked for, and those that would be elsewhere.
    copies: u64,
    copies_moved: u64,
    /// Keys in the store: each is a copy.
    stored: u64,
}

/// All that one reading tells.
#[derive(Debug, Serialize)]
struct Reading {
    schema_version: u32,
    nodes: Vec<Row>,
    total: Row,
    /// Stored copies that would move if stored keys are like those asked for.
    stored_to_move: u64,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        loop {
            let nodes = self.nodes.iter().map(|node| stats(node));
            let reading = Reading::of(nodes.collect::<Result<_>>()?)?;
            let text = if self.json {
                serde_json::to_string(&reading)? + "\n"
            } else {
                reading.table()
            };
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            let Some(pause) = self.watch else {
                return Ok(Exit::Pass);
            };
            std::thread::sleep(Duration::from_secs(pause));
        }
    }
}

fn stats(node: &str) -> Result<Stats> {
    let mut addresses = node.to_socket_addrs().with_context(|| {
        format!("'{node}' is no HOST:ADMINPORT; the port is that of stats_listen")
    })?;
    let address = addresses
        .next()
        .with_context(|| format!("'{node}' has no address"))?;
    let page = http::get(address, "/stats", ANSWER_MAX)
        .with_context(|| format!("http://{node}/stats does not answer; is it stats_listen?"))?;
    serde_json::from_str(&page).with_context(|| format!("http://{node}/stats is not ringd's"))
}

impl Reading {
    /// # Errors
    /// A node has no shadow, or another than the first one has.
    fn of(all: Vec<Stats>) -> Result<Self> {
        let mut nodes = Vec::new();
        let mut without = Vec::new();
        for stats in all {
            match Row::of(&stats) {
                Some(row) => nodes.push(row),
                None => without.push(stats.node),
            }
        }
        if !without.is_empty() {
            bail!(
                "no shadow is configured at {}; add to its file, beside hash and distribution,\n  \
                 hash_shadow: xxh3\nor\n  distribution_shadow: random_slicing\nor both (`ringd \
                 --help` lists the names), and start it again",
                without.join(", ")
            );
        }
        let (first, others) = nodes.split_first().context("no node was named")?;
        let same = |row: &&Row| (&row.live, &row.shadow) == (&first.live, &first.shadow);
        if let Some(other) = others.iter().find(|row| !same(row)) {
            bail!(
                "{} places by {} with shadow {}, but {} by {} with shadow {}: they can't be added up",
                first.node,
                first.live.text(),
                first.shadow.text(),
                other.node,
                other.live.text(),
                other.shadow.text()
            );
        }
        let sum = |of: fn(&Row) -> u64| nodes.iter().map(of).sum::<u64>();
        let total = Row {
            node: "total".to_owned(),
            live: first.live.clone(),
            shadow: first.shadow.clone(),
            evaluated: sum(|row| row.evaluated),
            disagreed: sum(|row| row.disagreed),
            copies: sum(|row| row.copies),
            copies_moved: sum(|row| row.copies_moved),
            stored: sum(|row| row.stored),
        };
        let share = share(total.copies_moved, total.copies);
        Ok(Self {
            schema_version: 1,
            stored_to_move: (share * total.stored as f64).round() as u64,
            total,
            nodes,
        })
    }

    fn table(&self) -> String {
        let total = &self.total;
        let mut text = format!(
            "in use {}, shadow {}\n",
            total.live.text(),
            total.shadow.text()
        );
        let widths = self.nodes.iter().map(|row| row.node.len());
        let width = widths.max().unwrap_or_default().max(total.node.len());
        let heads = ["evaluated", "disagreed", "%", "copies moved", "%"];
        let [evaluated, disagreed, part, moved, of_copies] = heads;
        let _ = writeln!(
            text,
            "{:width$} {evaluated:>12} {disagreed:>12} {part:>6} {moved:>12} {of_copies:>6}",
            "node"
        );
        for row in self.nodes.iter().chain([total]) {
            let _ = writeln!(
                text,
                "{:width$} {:>12} {:>12} {:>6.2} {:>12} {:>6.2}",
                row.node,
                row.evaluated,
                row.disagreed,
                100.0 * share(row.disagreed, row.evaluated),
                row.copies_moved,
                100.0 * share(row.copies_moved, row.copies)
            );
        }
        if total.evaluated == 0 {
            text += "No keyed request has come since the nodes were started.\n";
        } else {
            let _ = writeln!(
                text,
                "Of {} copies in the stores about {} would move, if stored keys are like those asked for.",
                total.stored, self.stored_to_move
            );
        }
        text
    }
}

impl Row {
    /// `None` when the node has no shadow.
    fn of(stats: &Stats) -> Option<Self> {
        let (hash, distribution) = stats
            .shadow_hash
            .clone()
            .zip(stats.shadow_distribution.clone())?;
        let counters = &stats.counters;
        Some(Self {
            node: stats.node.clone(),
            live: Placing {
                hash: stats.hash.clone(),
                distribution: stats.distribution.clone(),
            },
            shadow: Placing { hash, distribution },
            evaluated: counters.shadow_evaluations_total,
            // A disagreement counts under each key of the configuration that makes the shadow.
            disagreed: counters
                .hash_shadow_disagreement_total
                .max(counters.distribution_shadow_disagreement_total),
            copies: counters.shadow_evaluations_total * stats.replica_count,
            copies_moved: counters.shadow_moved_copies_total,
            stored: stats.keys,
        })
    }
}

impl Placing {
    fn text(&self) -> String {
        format!("{} + {}", self.hash, self.distribution)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, shadow: Option<&str>, counts: [u64; 3]) -> Stats {
        let [evaluated, disagreed, moved] = counts;
        let page = serde_json::json!({
            "node": name, "hash": "murmur", "distribution": "vnode",
            "shadow_hash": shadow, "shadow_distribution": shadow.map(|_| "vnode"),
            "replica_count": 3, "keys": 1000,
            "counters": {
                "shadow_evaluations_total": evaluated,
                "hash_shadow_disagreement_total": disagreed,
                "distribution_shadow_disagreement_total": 0,
                "shadow_moved_copies_total": moved,
            },
        });
        serde_json::from_value(page).expect("as ringd writes it")
    }

    #[test]
    fn nodes_are_added_up() {
        let nodes = vec![
            node("a:1", Some("xxh3"), [100, 50, 60]),
            node("bb:1", Some("xxh3"), [300, 50, 60]),
        ];
        let reading = Reading::of(nodes).expect("both have one shadow");
        assert_eq!(reading.stored_to_move, 200);
        let expected = "\
in use murmur + vnode, shadow xxh3 + vnode
node     evaluated    disagreed      % copies moved      %
a:1            100           50  50.00           60  20.00
bb:1           300           50  16.67           60   6.67
total          400          100  25.00          120  10.00
Of 2000 copies in the stores about 200 would move, if stored keys are like those asked for.
";
        assert_eq!(reading.table(), expected);
    }

    #[test]
    fn a_ring_without_traffic_divides_nothing() {
        let quiet = Reading::of(vec![node("a:1", Some("md5"), [0; 3])]).expect("a shadow");
        assert!(quiet.table().ends_with("since the nodes were started.\n"));
    }

    #[test]
    fn what_is_missing_or_mixed_is_told() {
        let error = |nodes| Reading::of(nodes).expect_err("refused").to_string();
        let without = error(vec![
            node("a:1", Some("md5"), [0; 3]),
            node("b:1", None, [0; 3]),
        ]);
        assert!(without.starts_with("no shadow is configured at b:1; add to its file"));
        assert!(without.contains("\n  hash_shadow: xxh3\n"));
        let mixed = error(vec![
            node("a:1", Some("md5"), [0; 3]),
            node("b:1", Some("xxh3"), [0; 3]),
        ]);
        assert!(mixed.ends_with("with shadow xxh3 + vnode: they can't be added up"));
    }
}
