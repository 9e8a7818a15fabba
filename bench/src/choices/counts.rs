//! Instructions of all hashes and lookups, in one run under callgrind.
//!
//! The program starts itself under valgrind with the list of cases; every case makes its table and
//! warms up uncounted, then calls [`counted`]. Callgrind collects only in there and writes what it
//! has when it leaves it: one part of its output for each case, in the order of the list.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use ringlab_core::hash::{HASHES, HashKind};
use serde::{Deserialize, Serialize};

use super::hash_speed::{self, LENGTHS};
use super::rings::{Placing, placings};
use super::setting::Setting;
use crate::instruments::TUNABLES;
use crate::keys::{from_hex, to_hex};
use crate::rivals;

/// Operations of one case: whole turns over the inputs of one length.
const OPERATIONS: u64 = 256;
/// The function in which callgrind collects, as it names it.
const COUNTED: &str = concat!(module_path!(), "::counted");

/// Whom a case is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Case {
    /// A hash, or a crate's, at a length or on the given keys.
    Hash {
        hash: String,
        rival: Option<String>,
        length: Option<usize>,
    },
    /// A placing, or a crate's lookup, of a ring.
    Lookup {
        ring: String,
        placing: String,
        rival: Option<String>,
    },
}

/// What a run of callgrind told, or why there was none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Instructions an operation.
    pub(crate) each: Vec<(Case, f64)>,
    /// Tables that were left out because making them would take minutes there: ring and placing.
    pub(crate) slow: Vec<(String, String)>,
    /// Why nothing was counted.
    pub(crate) missing: Option<String>,
}

impl Counts {
    /// Instructions of a case.
    pub(crate) fn of(&self, case: &Case) -> Option<f64> {
        let found = self.each.iter().find(|(other, _)| other == case);
        found.map(|(_, count)| *count)
    }
}

/// What the program under valgrind is told.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    /// In hex, from the given keys.
    keys: Vec<String>,
    /// The reference hash.
    hash: String,
    cases: Vec<Case>,
    rings: BTreeMap<String, Vec<(String, u32, Vec<String>)>>,
}

/// Counts all cases but those of `slow` tables. A missing tool is told in the result.
///
/// # Errors
/// The list can't be written.
pub(crate) fn measure(setting: &Setting, slow: &[(String, String)]) -> Result<Counts> {
    let dir = std::env::temp_dir().join(format!("ringlab-counts-{}", std::process::id()));
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let cases = cases(setting, slow);
    let counted = count(&order(setting, cases.clone()), &dir);
    fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let counts = Counts {
        slow: slow.to_vec(),
        ..Counts::default()
    };
    Ok(match counted {
        Ok(totals) => {
            let each = totals.into_iter().map(|sum| sum as f64 / OPERATIONS as f64);
            Counts {
                each: cases.into_iter().zip(each).collect(),
                ..counts
            }
        }
        Err(error) => Counts {
            missing: Some(format!("{error:#}")),
            ..counts
        },
    })
}

fn cases(setting: &Setting, slow: &[(String, String)]) -> Vec<Case> {
    let mut cases = Vec::new();
    let with_rivals = |names: Vec<&'static str>| {
        let names = names.into_iter().map(|name| Some(name.to_owned()));
        std::iter::once(None).chain(names).collect::<Vec<_>>()
    };
    for row in HASHES.iter().filter(|_| setting.asked.noun.has_hashes()) {
        for length in LENGTHS.into_iter().map(Some).chain([None]) {
            let rivals = rivals::of_hash(row.name).map(|rival| rival.name).collect();
            cases.extend(with_rivals(rivals).into_iter().map(|rival| Case::Hash {
                hash: row.name.to_owned(),
                rival,
                length,
            }));
        }
    }
    for ring in setting
        .rings
        .iter()
        .filter(|_| setting.asked.noun.has_distributions())
    {
        for placing in placings() {
            let key = (ring.label.clone(), placing.name.clone());
            let serves = placing.build(&placing.claimants(ring), setting.reference);
            if slow.contains(&key) || serves.is_err() {
                continue;
            }
            let rivals = rivals::of_lookup(placing.kind.name());
            let rivals = rivals.filter(|_| placing.rivals_fit(ring));
            let rivals = rivals.map(|rival| rival.name).collect();
            cases.extend(with_rivals(rivals).into_iter().map(|rival| Case::Lookup {
                ring: ring.label.clone(),
                placing: placing.name.clone(),
                rival,
            }));
        }
    }
    cases
}

fn order(setting: &Setting, cases: Vec<Case>) -> Order {
    let keys = hash_speed::inputs(None, &setting.keys);
    let peer = |peer: &super::rings::Peer| {
        let tokens = peer.tokens.iter().map(ToString::to_string).collect();
        (peer.name.clone(), peer.weight, tokens)
    };
    let ring =
        |ring: &super::rings::Ring| (ring.label.clone(), ring.peers.iter().map(peer).collect());
    Order {
        keys: keys.iter().map(|key| to_hex(key)).collect(),
        hash: setting.reference.name().to_owned(),
        cases,
        rings: setting.rings.iter().map(ring).collect(),
    }
}

/// Instructions of each case, all operations together.
fn count(order: &Order, dir: &Path) -> Result<Vec<u64>> {
    let list = dir.join("cases.json");
    fs::write(&list, serde_json::to_string(order)?)?;
    let parts = dir.join("parts");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--combine-dumps=yes", "--quiet"])
        .arg(format!("--callgrind-out-file={}", parts.display()))
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(std::env::current_exe()?)
        .args(["compare", "--counted"])
        .arg(&list)
        .env_clear()
        // Which memcpy glibc picks depends on the machine.
        .env("GLIBC_TUNABLES", TUNABLES)
        .stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        valgrind.env("PATH", path);
    }
    let output = crate::cluster::ending_with_us(&mut valgrind).output();
    let output = output.context(
        "valgrind can't be started: it counts the instructions (Debian: apt install valgrind)",
    )?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("under valgrind: {}", words.trim());
    }
    let text = fs::read_to_string(&parts).context("callgrind's output")?;
    let totals = totals(&text);
    if totals.len() < order.cases.len() || totals[..order.cases.len()].contains(&0) {
        let (parts, cases) = (totals.len(), order.cases.len());
        bail!("callgrind wrote {parts} parts for {cases} cases");
    }
    Ok(totals[..order.cases.len()].to_vec())
}

/// The sums of callgrind's parts, in order. The last part is what came after the last case.
fn totals(text: &str) -> Vec<u64> {
    let sums = text
        .lines()
        .filter_map(|line| line.strip_prefix("totals: "));
    sums.filter_map(|sum| sum.split(' ').next()?.parse().ok())
        .collect()
}

/// What runs under valgrind: every case of the list at `path`.
///
/// # Errors
/// The list can't be read, or names what is not there.
pub(crate) fn work(path: &PathBuf) -> Result<()> {
    let order: Order = serde_json::from_str(&fs::read_to_string(path)?)?;
    let keys = order.keys.iter().map(|key| from_hex(key.as_bytes()));
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
    for case in &order.cases {
        match case {
            Case::Hash {
                hash,
                rival,
                length,
            } => {
                let function = function(hash, rival.as_deref()).context("a hash of the list")?;
                let inputs = match length {
                    Some(length) => hash_speed::of_length(*length),
                    None => keys.clone(),
                };
                run(&inputs, |key: &Vec<u8>| function(key));
            }
            Case::Lookup {
                ring,
                placing,
                rival,
            } => {
                let hash = HashKind::by_name(&order.hash)?;
                let inputs: Vec<u64> = keys.iter().map(|key| hash.hash(key)).collect();
                let lookup = order.lookup(ring, placing, rival.as_deref())?;
                run(&inputs, |hash: &u64| lookup(*hash) as u64);
            }
        }
    }
    Ok(())
}

fn function(hash: &str, rival: Option<&str>) -> Option<fn(&[u8]) -> u64> {
    match rival {
        None => HASHES
            .iter()
            .find(|row| row.name == hash)
            .map(|row| row.function),
        Some(name) => rivals::of_hash(hash)
            .find(|rival| rival.name == name)
            .map(|rival| rival.function),
    }
}

impl Order {
    fn lookup(&self, ring: &str, placing: &str, rival: Option<&str>) -> Result<rivals::Lookup> {
        let peers = self.rings.get(ring).context("a ring of the list")?;
        let placing = Placing::by_name(placing).context("a placing of the list")?;
        if let Some(name) = rival {
            let mut rivals = rivals::of_lookup(placing.kind.name());
            let rival = rivals.find(|rival| rival.name == name);
            return Ok((rival.context("a crate of the list")?.build)(peers.len()));
        }
        let ring = super::rings::Ring::written(ring, peers);
        let hash = HashKind::by_name(&self.hash)?;
        let built = placing.build(&placing.claimants(&ring), hash);
        let built = built.map_err(anyhow::Error::msg)?;
        Ok(Box::new(move |hash| built.owner(hash)))
    }
}

/// Once uncounted, once counted.
fn run<T>(inputs: &[T], operation: impl Fn(&T) -> u64) {
    let mut turn = || {
        for input in inputs.iter().cycle().take(OPERATIONS as usize) {
            black_box(operation(black_box(input)));
        }
    };
    turn();
    counted(&mut turn);
}

/// Callgrind collects from the entry of this function to its return.
#[inline(never)]
fn counted(turn: &mut dyn FnMut()) {
    turn();
    // So that it returns from here, and does not end with a jump into the turn.
    black_box(());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_callgrind_are_read_in_order() {
        let text = "version: 1\npart: 1\nsummary: 10\ntotals: 10\npart: 2\nfn=(1) x\n3 5\n\
                    totals: 25 1\n";
        assert_eq!(totals(text), [10, 25]);
        assert!(totals("").is_empty());
    }

    #[test]
    fn a_case_is_found_by_all_of_its_name() {
        let case = |length| Case::Hash {
            hash: "murmur".into(),
            rival: None,
            length,
        };
        let counts = Counts {
            each: vec![(case(Some(8)), 20.0), (case(None), 30.0)],
            ..Counts::default()
        };
        assert_eq!(counts.of(&case(None)), Some(30.0));
        assert_eq!(counts.of(&case(Some(4))), None);
        assert!(function("murmur", None).is_some() && function("murmur", Some("x")).is_none());
    }
}
