//! Does the units of work that are not done yet, and puts all of them together.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ringlab_core::hash::HASHES;
use serde::{Deserialize, Serialize};

use super::counts::{Case, Counts};
use super::data::{
    Comparison, HashRow, Lookup, Origin, PairRow, Quality, RingLoads, RingRow, Rival,
    SCHEMA_VERSION, Speed,
};
use super::journal::Journal;
use super::leaders::Tables;
use super::plan::{self, Placed, Work};
use super::rings::{Placing, Ring, placings};
use super::setting::{Noun, Setting};
use super::{hash_speed, leaders, lookup_speed, ring_load, sheets};
use crate::cluster::Programs;
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
    let done = units.iter().filter(|unit| is_done(unit, &journal)).count();
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
    // Outside a repository the machine can be described all the same.
    let workspace = Workspace::find().unwrap_or_else(|_| Workspace { root: ".".into() });
    let revision = workspace.revision().ok();
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
        unloaded: None,
        uncounted: (!setting.asked.count).then(|| "asked not to".to_owned()),
        objections: Fitness::now().objections,
        evicted_bytes: setting.evicted_bytes,
        took_s: 0.0,
    };
    fs::write(dir.join("command"), format!("{command}\n"))?;
    fs::write(dir.join("machine.txt"), report::machine_text(&workspace))?;
    fs::write(&path, serde_json::to_string_pretty(&origin)? + "\n")?;
    Ok(origin)
}

/// Whether a unit need not be done again. What a missing tool prevented is tried again.
fn is_done(unit: &Work, journal: &Journal) -> bool {
    match unit {
        Work::Counts => counts(journal).is_some_and(|counts| counts.missing.is_none()),
        Work::Loads => loaded(journal).is_some_and(|loaded| loaded.missing.is_none()),
        _ => journal.has(&unit.id()),
    }
}

fn counts(journal: &Journal) -> Option<Counts> {
    journal.read(&Work::Counts.id()).ok().flatten()
}

fn loaded(journal: &Journal) -> Option<Loaded> {
    journal.read(&Work::Loads.id()).ok().flatten()
}

/// Real rings, or why there were none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Loaded {
    loads: Option<RingLoads>,
    missing: Option<String>,
}

/// Loads a real ring of each leading pair. What is wrong there is told in the result: all else is
/// measured already.
///
/// # Errors
/// What was measured before has another form.
pub(super) fn loads(setting: &Setting, journal: &Journal) -> Result<Loaded> {
    let (hashes, rings, pairs) = parts(setting, journal)?;
    let tables = Tables {
        hashes: &hashes,
        rings: &rings,
        pairs: &pairs,
    };
    let named = setting.asked.given.as_ref().map(|given| &given.about);
    let named = named.map(|about| (about.hash.as_str(), about.distribution.as_str()));
    let leaders = leaders::leaders(tables, named);
    let programs = match &setting.asked.programs {
        Some(dir) => Programs::of(dir),
        None => Workspace::find().and_then(|workspace| Programs::build(&workspace)),
    };
    let objective = setting.asked.objective_p99_ms;
    let measured = programs.and_then(|programs| ring_load::measure(&programs, &leaders, objective));
    Ok(match measured {
        Ok(loads) => Loaded {
            loads: Some(loads),
            missing: None,
        },
        Err(error) => Loaded {
            loads: None,
            missing: Some(format!("{error:#}")),
        },
    })
}

fn work(setting: &Setting, units: &[Work], journal: &mut Journal) -> Result<()> {
    let todo = units.iter().filter(|unit| !is_done(unit, journal));
    let todo: Vec<&Work> = todo.collect();
    let mut clock = Clock::of(setting, &todo, units.len());
    for unit in todo {
        clock.begin(&unit.id());
        let start = Instant::now();
        let result = unit.measure(setting, journal).with_context(|| unit.id())?;
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
    origin.took_s = journal.took_s();
    if let Some(why) = counts(journal).and_then(|counts| counts.missing) {
        origin.uncounted = Some(why);
    }
    let loaded = loaded(journal).unwrap_or_default();
    origin.unloaded = loaded.missing;
    if loaded.loads.is_none() && origin.unloaded.is_none() {
        origin.unloaded = Some("not asked for".to_owned());
    }
    let (hashes, distributions, pairs) = parts(setting, journal)?;
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        origin,
        hashes,
        distributions,
        pairs,
        loads: loaded.loads,
    })
}

type Parts = (Vec<HashRow>, Vec<RingRow>, Vec<PairRow>);

/// What is measured so far, as rows.
fn parts(setting: &Setting, journal: &Journal) -> Result<Parts> {
    let noun = setting.asked.noun;
    let counts = counts(journal).unwrap_or_default();
    let mut hashes = Vec::new();
    if noun.has_hashes() {
        hashes = hash_rows(journal, &counts)?;
    }
    let mut distributions = Vec::new();
    if noun.has_distributions() {
        for placing in placings() {
            for ring in &setting.rings {
                let mut row = ring_row(setting, journal, &placing, ring)?;
                add_counts(&mut row, &counts);
                distributions.push(row);
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
    Ok((hashes, distributions, pairs))
}

fn hash_rows(journal: &Journal, counts: &Counts) -> Result<Vec<HashRow>> {
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
            let count = |rival: Option<&Rival>| {
                counts.of(&Case::Hash {
                    hash: row.name.clone(),
                    rival: rival.map(|rival| rival.name.clone()),
                    length,
                })
            };
            let mut rivals = timed.rivals;
            for rival in &mut rivals {
                rival.instructions = count(Some(rival));
            }
            row.speeds.push(Speed {
                length,
                time: timed.time,
                instructions: count(None),
                rivals,
            });
        }
    }
    Ok(rows)
}

fn add_counts(row: &mut RingRow, counts: &Counts) {
    let Some(lookup) = &mut row.lookup else {
        return;
    };
    let count = |rival: Option<&Rival>| {
        counts.of(&Case::Lookup {
            ring: row.ring.clone(),
            placing: row.placing.clone(),
            rival: rival.map(|rival| rival.name.clone()),
        })
    };
    lookup.instructions = count(None);
    for rival in &mut lookup.rivals {
        rival.instructions = count(Some(rival));
    }
    if counts
        .slow
        .contains(&(row.ring.clone(), row.placing.clone()))
    {
        lookup.uncounted = Some("making the table takes minutes under valgrind".to_owned());
    }
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
        bounded: placed.bounded,
        servers: placed.servers,
    })
}
