//! Does the units of work that are not done yet, and puts all of them together.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ringlab_core::hash::HASHES;

use super::data::{
    Comparison, HashRow, Lookup, Origin, PairRow, Quality, RingRow, SCHEMA_VERSION, Speed,
};
use super::journal::Journal;
use super::plan::{self, Placed, Work};
use super::rings::{Placing, Ring, placings};
use super::setting::{Noun, Setting};
use super::{hash_speed, lookup_speed, sheets};
use crate::machine::Fitness;
use crate::moment;
use crate::report;
use crate::workspace::Workspace;

/// Measures what is not measured yet, and writes `comparison.json` and the CSV files into `dir`.
///
/// # Errors
/// The folder is of another comparison; a measurement that fails.
pub(crate) fn run(setting: &Setting, dir: &Path, command: &str) -> Result<Comparison> {
    let mut journal = Journal::open(dir, &setting.fingerprint())?;
    let origin = origin(setting, dir, command)?;
    let units = plan::units(setting);
    let done = units.iter().filter(|unit| journal.has(&unit.id())).count();
    if done > 0 {
        eprintln!(
            "going on in {}: {done} of {} steps are done",
            dir.display(),
            units.len()
        );
    } else {
        eprintln!("{} steps into {}", units.len(), dir.display());
    }
    if done < units.len() {
        eprintln!(
            "interrupt it at will; with --out {} it goes on",
            dir.display()
        );
    }
    work(setting, &units, &mut journal)?;
    let comparison = assembled(setting, origin, &journal)?;
    let text = serde_json::to_string_pretty(&comparison)? + "\n";
    fs::write(dir.join("comparison.json"), text)?;
    for (name, text) in sheets::csv(&comparison) {
        fs::write(dir.join(name), text)?;
    }
    Ok(comparison)
}

/// Where the comparison comes from: written when it begins, read when it goes on.
fn origin(setting: &Setting, dir: &Path, command: &str) -> Result<Origin> {
    let path = dir.join("origin.json");
    if let Ok(text) = fs::read_to_string(&path) {
        return serde_json::from_str(&text).with_context(|| path.display().to_string());
    }
    let workspace = Workspace::find();
    let revision = workspace
        .as_ref()
        .ok()
        .and_then(|space| space.revision().ok());
    let origin = Origin {
        when: moment::stamp(),
        machine: report::kind(),
        revision: revision.unwrap_or_else(|| "unknown".to_owned()),
        command: command.to_owned(),
        noun: setting.asked.noun.name().to_owned(),
        keys: setting.keys.about(),
        reference_hash: setting.reference.name().to_owned(),
        peers: setting.asked.peers.clone(),
        topology: setting
            .asked
            .given
            .as_ref()
            .map(|given| given.about.clone()),
        uncounted: (!setting.asked.count).then(|| "asked not to".to_owned()),
        objections: Fitness::now().objections,
        evicted_bytes: setting.evicted_bytes,
        took_s: 0.0,
    };
    fs::write(dir.join("command"), format!("{command}\n"))?;
    if let Ok(workspace) = &workspace {
        fs::write(dir.join("machine.txt"), report::machine_text(workspace))?;
    }
    fs::write(&path, serde_json::to_string_pretty(&origin)? + "\n")?;
    Ok(origin)
}

fn work(setting: &Setting, units: &[Work], journal: &mut Journal) -> Result<()> {
    let todo = units.iter().filter(|unit| !journal.has(&unit.id()));
    let todo: Vec<&Work> = todo.collect();
    let mut clock = Clock::of(setting, &todo, units.len());
    for unit in todo {
        clock.begin(&unit.id());
        let start = Instant::now();
        let result = unit.measure(setting).with_context(|| unit.id())?;
        journal.write(&unit.id(), start.elapsed().as_secs_f64(), result)?;
        clock.done(unit.estimate_s(setting));
    }
    clock.end();
    Ok(())
}

/// Tells how far the work is, and how long it takes about.
struct Clock {
    began: Instant,
    number: usize,
    count: usize,
    /// By the estimates.
    done_s: f64,
    all_s: f64,
}

impl Clock {
    fn of(setting: &Setting, todo: &[&Work], count: usize) -> Self {
        Self {
            began: Instant::now(),
            number: count - todo.len(),
            count,
            done_s: 0.0,
            all_s: todo.iter().map(|unit| unit.estimate_s(setting)).sum(),
        }
    }

    fn begin(&mut self, what: &str) {
        self.number += 1;
        let percent = 100.0 * self.done_s / self.all_s.max(1e-9);
        let line = format!(
            "[{:>3}/{}] {percent:>3.0}%  {:>5} to go  {what}",
            self.number,
            self.count,
            self.to_go()
        );
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K  {line}");
        } else {
            eprintln!("  {line}");
        }
    }

    /// By the pace so far; at the beginning by the estimates alone.
    fn to_go(&self) -> String {
        let passed = self.began.elapsed().as_secs_f64();
        let pace = match self.done_s {
            done if done > 5.0 => passed / done,
            _ => 1.0,
        };
        let left = Duration::from_secs_f64(pace * (self.all_s - self.done_s).max(0.0)).as_secs();
        format!("{}:{:02}", left / 60, left % 60)
    }

    fn done(&mut self, estimate_s: f64) {
        self.done_s += estimate_s;
    }

    fn end(&self) {
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        let took = self.began.elapsed().as_secs_f64();
        eprintln!("  {} steps in {took:.0} s", self.count);
    }
}

fn assembled(setting: &Setting, mut origin: Origin, journal: &Journal) -> Result<Comparison> {
    let noun = setting.asked.noun;
    origin.took_s = journal.took_s();
    let mut hashes = Vec::new();
    if noun.has_hashes() {
        hashes = hash_rows(journal)?;
    }
    let mut distributions = Vec::new();
    if noun.has_distributions() {
        for placing in placings() {
            for ring in &setting.rings {
                distributions.push(ring_row(setting, journal, &placing, ring)?);
            }
        }
    }
    let mut pairs = Vec::new();
    if noun == Noun::All {
        for row in HASHES {
            let id = Work::Pairs(row.name.to_owned()).id();
            pairs.extend(journal.read::<Vec<PairRow>>(&id)?.unwrap_or_default());
        }
    }
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        origin,
        hashes,
        distributions,
        pairs,
        loads: None,
    })
}

fn hash_rows(journal: &Journal) -> Result<Vec<HashRow>> {
    let mut rows: Vec<HashRow> = Vec::new();
    for row in HASHES {
        let id = Work::HashQuality(row.name.to_owned()).id();
        rows.push(HashRow {
            name: row.name.to_owned(),
            about: row.about.to_owned(),
            bits: row.bits,
            speeds: Vec::new(),
            quality: journal.read::<Quality>(&id)?,
        });
    }
    for length in hash_speed::LENGTHS.into_iter().map(Some).chain([None]) {
        let id = Work::HashSpeed(length).id();
        let timed: Vec<hash_speed::Timed> = journal.read(&id)?.unwrap_or_default();
        for (row, timed) in rows.iter_mut().zip(timed) {
            row.speeds.push(Speed {
                length,
                time: timed.time,
                instructions: None,
                rivals: timed.rivals,
            });
        }
    }
    Ok(rows)
}

fn ring_row(
    setting: &Setting,
    journal: &Journal,
    placing: &Placing,
    ring: &Ring,
) -> Result<RingRow> {
    let id = Work::Placed(ring.label.clone(), placing.name.clone()).id();
    let placed: Placed = journal.read(&id)?.unwrap_or_default();
    let id = Work::Lookups(ring.label.clone()).id();
    let timed: Vec<lookup_speed::Timed> = journal.read(&id)?.unwrap_or_default();
    let timed = timed
        .into_iter()
        .find(|timed| timed.placing == placing.name);
    let name = placing.kind.name();
    Ok(RingRow {
        placing: placing.name.clone(),
        distribution: name.to_owned(),
        about: placing.about(),
        ring: ring.label.clone(),
        given: ring.configured.is_some(),
        // The file's tokens are in the plain placing.
        configured: placing.name == name && ring.configured.as_deref() == Some(name),
        peers: ring.peers.len(),
        hash: setting.reference.name().to_owned(),
        refused: placed.refused,
        lookup: timed.map(|timed| Lookup {
            warm: timed.warm,
            cold: timed.cold,
            instructions: None,
            uncounted: None,
            rivals: timed.rivals,
        }),
        table: placed.table,
        balance: placed.balance,
        movements: placed.movements,
        replicas: placed.replicas,
        zipf: placed.zipf,
        bounded: None,
        servers: placed.servers,
    })
}
