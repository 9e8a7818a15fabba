//! The demo: a ring under load, one node frozen and let go, one killed and started again.

mod agreement;
pub(crate) mod load;
pub(crate) mod story;
mod witness;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Place, Programs, Watch, view};
use crate::moment;
use crate::progress::step;
use agreement::Agreement;
use load::{Load, Loading};
use story::{Absence, Deed, Event, HintsPoint, Seen, Transition};
use witness::{Testimony, Witness};

/// Seconds of load for which the times of the deeds are written down; other lengths scale them.
const SECONDS: f64 = 30.0;
/// The deeds: when, what, to which node.
const DEEDS: [(f64, Deed, usize); 4] = [
    (8.0, Deed::Freeze, 1),
    (14.0, Deed::Thaw, 1),
    (18.0, Deed::Kill, 2),
    (22.0, Deed::Restart, 2),
];
/// How long hints may take to arrive after the load has ended.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How long a changed setting may take to be read.
const RELOAD: Duration = Duration::from_millis(300);

/// What the demo shows, as `demo.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Demo {
    /// Counts up with each change that a reader must know of.
    pub(crate) schema_version: u32,
    /// The nodes.
    pub(crate) nodes: Vec<Place>,
    /// What was done.
    pub(crate) events: Vec<Event>,
    /// What came of it.
    pub(crate) absences: Vec<Absence>,
    /// How the nodes saw one another.
    pub(crate) transitions: Vec<Transition>,
    /// Writes of the witness that were acknowledged.
    pub(crate) witness_writes: u64,
    /// What must hold.
    pub(crate) checks: Vec<Check>,
}

/// One thing that must hold, and what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// What must hold.
    pub(crate) what: String,
    /// Whether it does.
    pub(crate) holds: bool,
    /// What was seen.
    pub(crate) seen: String,
}

impl Demo {
    /// Whether everything holds that must.
    pub(crate) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

/// Everything the ring part of a run brings forth.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) demo: Demo,
    pub(crate) load: Load,
    pub(crate) hints: Vec<HintsPoint>,
}

/// Where its files go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folders<'a> {
    /// What the load tells.
    pub(crate) run: &'a Path,
    /// Configurations and logs of the nodes.
    pub(crate) nodes: &'a Path,
}

/// Shows it; files go into the `folders`.
///
/// # Errors
/// Something could not be done at all. What does not hold is told in the checks.
pub(crate) fn run(programs: &Programs, folders: &Folders<'_>, seconds: f64) -> Result<Shown> {
    let starting = step("starting three nodes as three racks of one datacenter, DC_QUORUM");
    let mut cluster = Cluster::start(programs, folders.nodes, 3)?;
    starting.done();
    let places = cluster.places();
    for place in &places {
        eprintln!(
            "    {} {}: clients {}, peers {}, http://{}/",
            place.name, place.rack, place.client, place.peer, place.admin
        );
    }
    let loading = step(format!("writing {} keys", load::KEYS));
    load::preload(programs, &places[0])?;
    loading.done();

    eprintln!("  loading for {seconds} s; all clients are connected to n1 and stay so");
    let watch = Watch::start(&places);
    let witness = Witness::start(places[0].client)?;
    let under_load = UnderLoad {
        cluster: &mut cluster,
        loading: Loading::start(programs, &places[0], seconds, folders.run)?,
        began: Instant::now(),
        done: Vec::new(),
    };
    let (done, load) = under_load.run(seconds)?;
    let testimony = witness.finish()?;

    let draining = step("waiting until the hints are delivered");
    let drained = cluster.wait_until("no hints are left", DRAIN_MAX, |view| {
        view.is_normal() && view.hints_stored() == 0
    });
    draining.done();
    let samples = watch.finish();
    let comparing = step("comparing what the nodes hold, key by key");
    let agreement = agree(&cluster, &testimony)?;
    comparing.done();

    let seen = Seen {
        places: &places,
        samples: &samples,
        began_unix_ms: load.started_unix_ms,
    };
    let events = from_begin(&done, load.started_unix_ms);
    let absences = seen.absences(&events);
    let mut checks = vec![
        no_failure(&load, &testimony),
        hints_drained(&places, drained, &absences),
        same_keys(&places, &agreement),
        nothing_lost(&testimony, &agreement),
    ];
    checks.extend(absences.iter().map(|absence| noticed(&places, absence)));
    let demo = Demo {
        schema_version: 1,
        events,
        absences,
        transitions: seen.transitions(),
        witness_writes: testimony.writes,
        checks,
        nodes: places.clone(),
    };
    Ok(Shown {
        demo,
        load,
        hints: seen.hints(),
    })
}

/// One deed, with the clock's time.
#[derive(Debug, Clone, Copy)]
struct Done {
    unix_ms: u64,
    deed: Deed,
    node: usize,
}

/// The ring while it is loaded.
struct UnderLoad<'a> {
    cluster: &'a mut Cluster,
    loading: Loading,
    began: Instant,
    done: Vec<Done>,
}

impl UnderLoad<'_> {
    fn run(mut self, seconds: f64) -> Result<(Vec<Done>, Load)> {
        for (at, deed, node) in DEEDS {
            let due = self.began + Duration::from_secs_f64(at * seconds / SECONDS);
            while Instant::now() < due {
                self.loading.check_running()?;
                let left = due.saturating_duration_since(Instant::now());
                std::thread::sleep(left.min(Duration::from_millis(100)));
            }
            self.act(deed, node)?;
        }
        Ok((self.done, self.loading.finish()?))
    }

    fn act(&mut self, deed: Deed, index: usize) -> Result<()> {
        let node = &mut self.cluster.nodes[index];
        let unix_ms = moment::unix_ms();
        match deed {
            Deed::Freeze => node.freeze()?,
            Deed::Thaw => node.thaw()?,
            Deed::Kill => node.kill()?,
            Deed::Restart => node.start()?,
        }
        let mut marks = std::fs::OpenOptions::new()
            .append(true)
            .open(&self.loading.marks)?;
        writeln!(marks, "{unix_ms} {} {}", deed.words(), node.place.name)?;
        self.done.push(Done {
            unix_ms,
            deed,
            node: index,
        });
        Ok(())
    }
}

fn from_begin(done: &[Done], began_unix_ms: u64) -> Vec<Event> {
    let event = |done: &Done| Event {
        t_s: (done.unix_ms as f64 - began_unix_ms as f64) / 1e3,
        deed: done.deed,
        node: done.node,
    };
    done.iter().map(event).collect()
}

/// Sets every node to read its own copy, and compares these.
fn agree(cluster: &Cluster, testimony: &Testimony) -> Result<Agreement> {
    for node in &cluster.nodes {
        node.reload(|text| {
            text.replace("read_consistency: DC_QUORUM", "read_consistency: DC_ONE")
        })?;
    }
    std::thread::sleep(RELOAD);
    agreement::compare(&cluster.places(), testimony)
}

fn no_failure(load: &Load, testimony: &Testimony) -> Check {
    let failed = load.totals.failed + load.totals.unfinished + testimony.failures.len() as u64;
    let requests = load.totals.completed + testimony.writes;
    let first = testimony.failures.first();
    let first = first.map_or_else(String::new, |first| format!("; first: {first}"));
    Check {
        what: "no request failed".into(),
        holds: failed == 0 && requests > 0,
        seen: format!("{failed} of {} requests failed{first}", requests + failed),
    }
}

fn hints_drained(places: &[Place], drained: Result<()>, absences: &[Absence]) -> Check {
    let (mut stored, mut dropped, mut silent) = (0, 0, 0);
    for place in places {
        match view(place) {
            Ok(view) => {
                stored += view.hints_stored();
                dropped += view.hints_dropped();
            }
            Err(_) => silent += 1,
        }
    }
    let most: u64 = absences.iter().map(|absence| absence.hints_max).sum();
    let why = drained.as_ref().err().map(|error| format!("; {error:#}"));
    Check {
        what: "all hints were delivered".into(),
        holds: drained.is_ok() && stored + dropped + silent == 0 && most > 0,
        seen: format!(
            "{stored} of {most} left, {dropped} dropped{}",
            why.unwrap_or_default()
        ),
    }
}

fn same_keys(places: &[Place], agreement: &Agreement) -> Check {
    let sizes = places.iter().zip(&agreement.sizes);
    let sizes: Vec<String> = sizes
        .map(|(place, size)| format!("{} {size}", place.name))
        .collect();
    let example = agreement.example.as_ref();
    let example = example.map_or_else(String::new, |example| format!("; {example}"));
    Check {
        what: "the nodes hold the same keys and values".into(),
        holds: agreement.is_whole(),
        seen: format!(
            "{} differ of {}{example}",
            agreement.differing,
            sizes.join(", ")
        ),
    }
}

fn nothing_lost(testimony: &Testimony, agreement: &Agreement) -> Check {
    Check {
        what: "no acknowledged write is missing anywhere".into(),
        holds: agreement.lost == 0 && testimony.writes > 0,
        seen: format!(
            "{} missing; {} rising values under {} keys, each node asked for the last",
            agreement.lost,
            testimony.writes,
            witness::KEYS
        ),
    }
}

/// The specification gives the detector three seconds.
const DETECTION_MAX_S: f64 = 3.0;

fn noticed(places: &[Place], absence: &Absence) -> Check {
    let name = &places[absence.node].name;
    let did = match absence.deed {
        Deed::Freeze => "frozen",
        _ => "killed",
    };
    let seconds =
        |time: Option<f64>| time.map_or("never".to_owned(), |s| format!("after {s:.1} s"));
    let in_time = absence
        .detected_after_s
        .is_some_and(|s| s <= DETECTION_MAX_S);
    Check {
        what: format!("{name}, {did}, is noticed within {DETECTION_MAX_S} s and comes back"),
        holds: in_time && absence.normal_after_s.is_some() && absence.drained_after_s.is_some(),
        seen: format!(
            "seen down {}; back, seen normal {} and without hints {}",
            seconds(absence.detected_after_s),
            seconds(absence.normal_after_s),
            seconds(absence.drained_after_s),
        ),
    }
}
