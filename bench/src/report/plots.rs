//! The plots of a report.

use anyhow::Result;

use super::canvas::{self, Axis, Frame, Line, Mark, Rows};
use super::run::Run;
use super::tables::duration;
use crate::choices::{Choices, Cost, Figures};
use crate::demo::load::Second;

/// A plot with its name and what it shows.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// The file's name without its ending, and the anchor.
    pub(crate) name: &'static str,
    /// What it shows, for those who see it and those who don't.
    pub(crate) caption: String,
    pub(crate) svg: String,
}

/// The plots of the ring under load.
///
/// # Errors
/// The library can't draw one.
pub(crate) fn of_load(run: &Run) -> Result<Vec<Plot>> {
    Ok(vec![
        throughput(run)?,
        latency(run)?,
        hints(run)?,
        spectrum(run)?,
    ])
}

/// How many of the plots of choices are about hashes; they come first.
pub(crate) const OF_HASHES: usize = 2;

/// The plots of hashes and distributions.
///
/// # Errors
/// The library can't draw one.
pub(crate) fn of_choices(choices: &Choices) -> Result<Vec<Plot>> {
    Ok(vec![
        speed(choices)?,
        instructions(choices)?,
        evenness(choices)?,
        balance(choices)?,
        movement(choices)?,
    ])
}

fn seconds(run: &Run) -> impl Iterator<Item = &Second> {
    let whole = run.load.series.iter();
    whole.filter(|second| second.phase == "measure")
}

fn time_axis(run: &Run) -> Axis {
    let end = seconds(run).map(|second| second.t_s).fold(1.0, f64::max);
    Axis {
        range: 0.0..end,
        name: "seconds",
        log: false,
        label: |value| format!("{value:.0}"),
    }
}

fn marks(run: &Run) -> Vec<Mark> {
    let events = run.demo.events.iter();
    events
        .map(|event| Mark {
            x: event.t_s,
            name: format!("{} {}", event.deed.words(), run.demo.nodes[event.node].name),
        })
        .collect()
}

/// A little more than the greatest.
fn above(values: impl Iterator<Item = f64>) -> f64 {
    1.08 * values.fold(1e-9, f64::max)
}

const NO_GAP: f64 = f64::INFINITY;

fn throughput(run: &Run) -> Result<Plot> {
    let line = |name: &str, value: fn(&Second) -> u64| Line {
        name: name.into(),
        points: seconds(run).map(|s| (s.t_s, value(s) as f64)).collect(),
    };
    let lines = [
        line("answered a second", |s| s.completed),
        line("failed", |s| s.failed),
    ];
    let frame = Frame {
        x: time_axis(run),
        y: Axis {
            range: 0.0..above(seconds(run).map(|s| s.completed as f64)),
            name: "",
            log: false,
            label: thousands,
        },
        left: 48,
    };
    Ok(Plot {
        name: "throughput",
        caption: "Requests answered and failed in each second.".into(),
        svg: canvas::lines(&frame, &lines, &marks(run), NO_GAP)?,
    })
}

fn latency(run: &Run) -> Result<Plot> {
    let line = |name: &str, value: fn(&Second) -> Option<u64>| Line {
        name: name.into(),
        points: seconds(run)
            .filter_map(|s| Some((s.t_s, value(s)? as f64)))
            .collect(),
    };
    let lines = [
        line("p50", |s| s.p50_ns),
        line("p99", |s| s.p99_ns),
        line("longest", |s| s.max_ns),
    ];
    Ok(Plot {
        name: "latency",
        caption: "Response time in each second, from the intended time of a request.".into(),
        svg: canvas::lines(
            &latency_frame(time_axis(run), &lines),
            &lines,
            &marks(run),
            NO_GAP,
        )?,
    })
}

fn latency_frame(x: Axis, lines: &[Line]) -> Frame {
    let values = || {
        lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|point| point.1)
    };
    let least = values().fold(f64::INFINITY, f64::min);
    Frame {
        x,
        y: Axis {
            range: 0.8 * least.clamp(1.0, 1e9)..1.5 * above(values()),
            name: "",
            log: true,
            label: |ns| duration(ns.round() as u64),
        },
        left: 58,
    }
}

fn hints(run: &Run) -> Result<Plot> {
    let nodes = run.demo.nodes.iter().enumerate();
    let lines: Vec<Line> = nodes
        .map(|(node, place)| Line {
            name: format!("kept by {}", place.name),
            points: kept_by(run, node),
        })
        .collect();
    let values = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.1);
    let times = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.0);
    let mut x = time_axis(run);
    x.range.end = times.fold(x.range.end, f64::max);
    let frame = Frame {
        x,
        y: Axis {
            range: 0.0..above(values).max(10.0),
            name: "",
            log: false,
            label: thousands,
        },
        left: 48,
    };
    Ok(Plot {
        name: "hints",
        caption: "Hints each node keeps for the others. A line is broken while its node does not \
                  answer."
            .into(),
        svg: canvas::lines(&frame, &lines, &marks(run), 1.0)?,
    })
}

/// The hints a node keeps for all others, over time.
fn kept_by(run: &Run, node: usize) -> Vec<(f64, f64)> {
    let mut kept = vec![0; run.demo.nodes.len()];
    let mut points: Vec<(f64, f64)> = Vec::new();
    for point in run.hints.iter().filter(|point| point.holder == node) {
        kept[point.peer] = point.stored;
        let sum = kept.iter().sum::<u64>() as f64;
        match points.last_mut() {
            Some(last) if last.0 >= point.t_s => last.1 = sum,
            _ if point.t_s >= 0.0 => points.push((point.t_s, sum)),
            _ => {}
        }
    }
    points
}

fn spectrum(run: &Run) -> Result<Plot> {
    let latency = &run.load.latency;
    let trusted = latency.response.percentile_trusted_max;
    let line = |name: &str, spectrum: &[(f64, u64)]| Line {
        name: name.into(),
        points: spectrum
            .iter()
            .filter(|(percentile, _)| *percentile <= trusted)
            .map(|(percentile, ns)| (100.0 / (100.0 - percentile), *ns as f64))
            .collect(),
    };
    let lines = [
        line("response", &latency.response.spectrum),
        line("service", &latency.service.spectrum),
    ];
    let ends = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.0);
    let x = Axis {
        range: 1.0..ends.fold(10.0, f64::max),
        name: "percentile",
        log: true,
        label: |beyond| match beyond.round() as u64 {
            0..=9 => "0".into(),
            one_in => {
                let text = format!("{:.4}", 100.0 - 100.0 / one_in as f64);
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        },
    };
    Ok(Plot {
        name: "spectrum",
        caption: "Latency by percentile, as far as ten requests lie beyond. Response counts from \
                  the intended time, service from the write."
            .into(),
        svg: canvas::lines(&latency_frame(x, &lines), &lines, &[], NO_GAP)?,
    })
}

fn thousands(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.0}k", value / 1e3)
    } else if value >= 1000.0 {
        format!("{:.1}k", value / 1e3)
    } else {
        format!("{value:.0}")
    }
}

const LENGTHS: [usize; 4] = [4, 16, 64, 256];

fn speed(choices: &Choices) -> Result<Plot> {
    Ok(Plot {
        name: "speed",
        caption: format!(
            "Time to hash a key of 4 to 256 bytes: median of {} rounds in which all take turns.",
            choices.rounds
        ),
        svg: by_length(choices, "ns a key", |cost| Some(cost.ns))?,
    })
}

fn instructions(choices: &Choices) -> Result<Plot> {
    let caption = match choices.uncounted {
        None => "Instructions to hash a key of 4 to 256 bytes, counted by callgrind.",
        Some(_) => "Instructions to hash a key: not measured in this run.",
    };
    Ok(Plot {
        name: "instructions",
        caption: caption.into(),
        svg: by_length(choices, "instructions a key", |cost| cost.instructions)?,
    })
}

/// A dot for each key length in the row of each hash.
fn by_length(
    choices: &Choices,
    name: &'static str,
    value: fn(&Cost) -> Option<f64>,
) -> Result<String> {
    let row = |hash: &str| {
        let cost = |length| choices.of_hash(hash, length).and_then(value);
        (hash.to_owned(), LENGTHS.map(cost).to_vec())
    };
    let rows: Vec<_> = choices.hashes().into_iter().map(row).collect();
    let all = || rows.iter().flat_map(|(_, cells)| cells).flatten().copied();
    let least = all().fold(1e9, f64::min).min(10.0);
    let axis = Axis {
        range: 0.8 * least..above(all()).max(100.0),
        name,
        log: true,
        label: |value| format!("{value:.0}"),
    };
    canvas::rows(&Rows {
        axis,
        values: LENGTHS.map(|length| format!("{length} B")).into(),
        rows,
        limit: None,
        bars: false,
    })
}

fn placings() -> impl Iterator<Item = &'static str> {
    crate::choices::PLACINGS_ABOUT.iter().map(|(name, _)| *name)
}

fn evenness(choices: &Choices) -> Result<Plot> {
    let row = |hash: &str| {
        let spreads = placings().map(|placing| choices.spread(hash, placing)?.figures);
        let cv = spreads.map(|figures| figures.map(|figures| 100.0 * figures.cv));
        (hash.to_owned(), cv.collect())
    };
    let floor = 100.0 * choices.floor_cv;
    let rows: Vec<(String, Vec<Option<f64>>)> = choices.hashes().into_iter().map(row).collect();
    let all = rows.iter().flat_map(|(_, cv)| cv).flatten().copied();
    let axis = Axis {
        range: 0.1..above(all).max(20.0),
        name: "CV of keys per peer, %",
        log: true,
        label: |percent| format!("{percent}"),
    };
    Ok(Plot {
        name: "evenness",
        caption: format!(
            "How unevenly {} keys user:000000 … lie on {} peers: standard deviation over mean, by \
             hash and distribution. The line is what chance does with an ideal hash. No dot: refused.",
            choices.keys, choices.peers
        ),
        svg: canvas::rows(&Rows {
            axis,
            values: placings().map(ToOwned::to_owned).collect(),
            rows,
            limit: Some((floor, "ideal hash".into())),
            bars: false,
        })?,
    })
}

/// A bar of each row: its name, and which of the figures it shows.
type Bar = (&'static str, fn(&Figures) -> f64);

/// Values of murmur by placing, as bars.
fn bars(choices: &Choices, axis: Axis, values: &[Bar]) -> Rows {
    let row = |placing: &'static str| {
        let figures = choices
            .spread(HASH, placing)
            .and_then(|spread| spread.figures);
        let cells = values.iter().map(|(_, value)| figures.as_ref().map(value));
        (placing.to_owned(), cells.collect())
    };
    let rows: Vec<(String, Vec<Option<f64>>)> = placings().map(row).collect();
    let all = rows.iter().flat_map(|(_, cells)| cells).flatten().copied();
    let mut axis = axis;
    axis.range.end = above(all).max(axis.range.end);
    Rows {
        axis,
        values: values.iter().map(|(name, _)| (*name).to_owned()).collect(),
        rows,
        limit: None,
        bars: true,
    }
}

/// Dynomite's default.
const HASH: &str = "murmur";

fn balance(choices: &Choices) -> Result<Plot> {
    let axis = Axis {
        range: 0.0..1.0,
        name: "keys of the fullest peer / mean",
        log: false,
        label: |value| format!("{value:.3}"),
    };
    let mut rows = bars(choices, axis, &[("fullest peer / mean", |f| f.peak)]);
    let floor = choices.floor_peak;
    rows.limit = Some((floor, format!("chance: {floor:.3}")));
    Ok(Plot {
        name: "balance",
        caption: format!(
            "The fullest of {} peers with {HASH}; the line is what chance does with an ideal hash.",
            choices.peers
        ),
        svg: canvas::rows(&rows)?,
    })
}

fn movement(choices: &Choices) -> Result<Plot> {
    let axis = Axis {
        range: 0.0..1.0,
        name: "share of the keys, %",
        log: false,
        label: |value| format!("{value:.1}"),
    };
    let ideal = 100.0 / (choices.peers as f64 + 1.0);
    let mut rows = bars(
        choices,
        axis,
        &[
            ("moved", |f| f.moved_over_ideal),
            ("of these between old peers", |f| f.moved_between_others),
        ],
    );
    for (_, cells) in &mut rows.rows {
        if let [moved, between] = &mut cells[..] {
            *moved = moved.map(|over_ideal| over_ideal * ideal);
            *between = between.map(|share| 100.0 * share);
        }
    }
    rows.axis.range.end = 100.0;
    rows.limit = Some((ideal, format!("must move: {ideal:.1}%")));
    Ok(Plot {
        name: "movement",
        caption: format!(
            "Keys that move when a peer is added to {} with {HASH}. The line is the new peer's \
             share; whatever moves between old peers moves in vain.",
            choices.peers
        ),
        svg: canvas::rows(&rows)?,
    })
}
