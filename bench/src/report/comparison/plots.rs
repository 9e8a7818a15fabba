//! The plots of the pages.

use anyhow::Result;

use super::figures::{hashings, moved, on_the_front, placings, rings};
use crate::choices::data::{Comparison, HashRow, RingRow};
use crate::report::canvas::{self, Axis, Frame, Line, Rows};
use crate::report::plots::Plot;
use crate::report::scatter::{self, Point, Scatter};

/// Lengths of the dots.
const LENGTHS: [usize; 4] = [8, 16, 64, 256];
/// Hashes that have a line each: the fastest ones, and the two defaults.
const LINES: usize = 4;
const DEFAULTS: [&str; 2] = ["murmur", "twemproxy_fnv1a_64"];
/// What moves in vain, as the eye tells it apart.
const NONE_IN_VAIN: f64 = 0.0005;
const SOME_IN_VAIN: f64 = 0.05;

fn log_axis(
    name: &'static str,
    values: impl Iterator<Item = f64>,
    label: fn(f64) -> String,
) -> Axis {
    let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
    for value in values {
        least = least.min(value);
        most = most.max(value);
    }
    if !least.is_finite() || most <= 0.0 {
        (least, most) = (1.0, 10.0);
    }
    Axis {
        range: 0.75 * least..(1.35 * most).max(3.0 * least),
        name,
        log: true,
        label,
    }
}

fn short(value: f64) -> String {
    if value >= 1000.0 {
        format!("{}k", value / 1000.0)
    } else {
        format!("{value}")
    }
}

/// The plots of hashes.
///
/// # Errors
/// The library can't draw one.
pub(super) fn of_hashes(comparison: &Comparison) -> Result<Vec<Plot>> {
    let mut plots = vec![speed_lines(comparison)?, speed_dots(comparison)?];
    plots.push(hash_front(comparison)?);
    Ok(plots)
}

fn time_at(row: &HashRow, length: Option<usize>) -> Option<f64> {
    let speed = row.speeds.iter().find(|speed| speed.length == length)?;
    Some(speed.time.ns)
}

fn speed_lines(comparison: &Comparison) -> Result<Plot> {
    let mut rows: Vec<&HashRow> = comparison
        .hashes
        .iter()
        .filter(|row| row.bits >= 32)
        .collect();
    let at_16 = |row: &&HashRow| time_at(row, Some(16)).unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| at_16(a).total_cmp(&at_16(b)));
    let (defaults, others): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| DEFAULTS.contains(&row.name.as_str()));
    let chosen: Vec<&HashRow> = others.into_iter().take(LINES).chain(defaults).collect();
    let line = |row: &&HashRow| Line {
        name: row.name.replace("twemproxy_", "tw_"),
        points: row
            .speeds
            .iter()
            .filter_map(|speed| Some((speed.length? as f64, speed.time.ns)))
            .collect(),
    };
    let lines: Vec<Line> = chosen.iter().map(line).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = points().map(|point| point.0);
    let frame = Frame {
        x: Axis {
            range: x.clone().fold(f64::INFINITY, f64::min).min(4.0)..x.fold(16.0, f64::max),
            name: "bytes of the key",
            log: true,
            label: |value| format!("{value:.0}"),
        },
        y: log_axis("ns a key", points().map(|point| point.1), short),
        left: 48,
    };
    Ok(Plot {
        name: "speed-by-length",
        caption:
            "Time to hash a key by its length: the fastest four at 16 bytes, and the defaults \
                  of Dynomite (`murmur`) and twemproxy (`tw_fnv1a_64`). Lower is better."
                .into(),
        svg: canvas::lines(&frame, &lines, &[], f64::INFINITY)?,
    })
}

fn speed_dots(comparison: &Comparison) -> Result<Plot> {
    let mut rows: Vec<(String, Vec<Option<f64>>)> = comparison
        .hashes
        .iter()
        .map(|row| {
            (
                row.name.clone(),
                LENGTHS.map(|length| time_at(row, Some(length))).to_vec(),
            )
        })
        .collect();
    rows.sort_by(|a, b| a.1[1].unwrap_or(1e9).total_cmp(&b.1[1].unwrap_or(1e9)));
    let values: Vec<f64> = rows
        .iter()
        .flat_map(|(_, cells)| cells)
        .flatten()
        .copied()
        .collect();
    Ok(Plot {
        name: "speed",
        caption: "All hashes at four lengths, fastest at 16 bytes first. Dots that lie close \
                  together: length hardly matters."
            .into(),
        svg: canvas::rows(&Rows {
            axis: log_axis("ns a key", values.into_iter(), short),
            values: LENGTHS.map(|length| format!("{length} B")).into(),
            rows,
            limit: None,
            bars: false,
        })?,
    })
}

fn hash_front(comparison: &Comparison) -> Result<Plot> {
    let all = hashings(comparison);
    let kinds = [64, 32, 15];
    let points = all.iter().map(|one| Point {
        name: one.row.name.replace("twemproxy_", "tw_"),
        x: one.ns,
        y: one.over_chance.max(0.3),
        kind: kinds
            .iter()
            .position(|bits| *bits == one.row.bits)
            .unwrap_or(1),
        marked: !all.iter().any(|other| {
            let no_worse = other.ns <= one.ns && other.over_chance <= one.over_chance.max(1.2);
            no_worse && other.ns < one.ns
        }),
    });
    let points: Vec<Point> = points.collect();
    Ok(Plot {
        name: "hash-front",
        caption:
            "Speed on the given keys against how evenly the worst number of buckets is filled \
                  (1: as chance does; more is worse). Ringed: nothing is both faster and as even."
                .into(),
        svg: scatter::scatter(&Scatter {
            x: log_axis("ns a key", points.iter().map(|point| point.x), short),
            y: log_axis("spread / chance", points.iter().map(|point| point.y), |v| {
                format!("{v}")
            }),
            kinds: (0..3)
                .map(|kind| (format!("{} bits", kinds[kind]), kind))
                .collect(),
            points,
        })?,
    })
}

/// The plots of distributions, `ring` standing for all where only one is shown.
///
/// # Errors
/// The library can't draw one.
pub(super) fn of_distributions(comparison: &Comparison, ring: &str) -> Result<Vec<Plot>> {
    let lookup = |row: &RingRow| Some(row.lookup.as_ref()?.warm.ns);
    let peak = |row: &RingRow| Some((row.balance.as_ref()?.keys.peak.seen - 1.0).max(1e-4) * 100.0);
    Ok(vec![
        front(comparison, ring)?,
        by_ring(
            comparison,
            ("balance", "fullest peer above its part, %"),
            "How much more than its part the fullest peer has, by number of peers; the dots of \
             `random_slicing` or `jump` are what chance does. More to the left is better.",
            &peak,
        )?,
        movement(comparison, ring)?,
        in_vain(comparison, ring)?,
        by_ring(
            comparison,
            ("lookup", "ns a lookup"),
            "Time to find the owner once the key is hashed, by number of peers, tables in the \
             cache. Dots on one another: it does not grow.",
            &lookup,
        )?,
    ])
}

/// The placings of a ring that the plots show, by name; what is always refused or places nothing
/// is left out.
fn shown(comparison: &Comparison) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in comparison
        .distributions
        .iter()
        .filter(|row| !row.given && row.balance.is_some())
    {
        let name = row.placing.as_str();
        if !names.contains(&name) && row.distribution != "random" && row.distribution != "single" {
            names.push(name);
        }
    }
    names
}

fn front(comparison: &Comparison, ring: &str) -> Result<Plot> {
    let all = placings(comparison, ring);
    let drawn = all
        .iter()
        .filter(|one| shown(comparison).contains(&one.row.placing.as_str()));
    let point = |one: &super::figures::Placing<'_>| Point {
        name: one.row.placing.clone(),
        x: one.ns,
        y: ((one.peak - 1.0) * 100.0).max(0.01),
        kind: match one.in_vain {
            share if share <= NONE_IN_VAIN => 2,
            share if share <= SOME_IN_VAIN => 1,
            _ => 3,
        },
        marked: on_the_front(&all, one),
    };
    let points: Vec<Point> = drawn.map(point).collect();
    Ok(Plot {
        name: "front",
        caption: format!(
            "Speed against balance against movement, {ring}. To the left: faster; below: more even; \
             colour: what moves between unchanged peers when one comes or goes (none, under 5%, \
             more). Ringed (the Pareto front): nothing is at least as good in all three."
        ),
        svg: scatter::scatter(&Scatter {
            x: log_axis(
                "ns a lookup, warm",
                points.iter().map(|point| point.x),
                short,
            ),
            y: log_axis(
                "fullest peer above its part, %",
                points.iter().map(|p| p.y),
                |v| format!("{v}"),
            ),
            kinds: vec![
                ("none in vain".into(), 2),
                ("little in vain".into(), 1),
                ("much in vain".into(), 3),
            ],
            points,
        })?,
    })
}

fn by_ring(
    comparison: &Comparison,
    (name, axis): (&'static str, &'static str),
    caption: &str,
    value: &dyn Fn(&RingRow) -> Option<f64>,
) -> Result<Plot> {
    let rings = rings(comparison);
    let cell = |placing: &str, ring: &str| {
        let mut rows = comparison.distributions.iter();
        let row = rows.find(|row| row.placing == placing && row.ring == ring);
        row.and_then(value)
    };
    let mut rows: Vec<(String, Vec<Option<f64>>)> = shown(comparison)
        .into_iter()
        .map(|placing| {
            let cells = rings.iter().map(|(_, ring)| cell(placing, ring));
            (placing.to_owned(), cells.collect())
        })
        .collect();
    let last = |cells: &[Option<f64>]| cells.iter().rev().flatten().next().copied().unwrap_or(1e9);
    rows.sort_by(|a, b| last(&a.1).total_cmp(&last(&b.1)));
    let values: Vec<f64> = rows
        .iter()
        .flat_map(|(_, cells)| cells)
        .flatten()
        .copied()
        .collect();
    Ok(Plot {
        name,
        caption: caption.to_owned(),
        svg: canvas::rows(&Rows {
            axis: log_axis(axis, values.into_iter(), short),
            values: rings.iter().map(|(_, ring)| (*ring).to_owned()).collect(),
            rows,
            limit: None,
            bars: false,
        })?,
    })
}

const CHANGES: [(&str, &str); 4] = [
    ("add", "one more"),
    ("remove", "one less"),
    ("weight", "double weight"),
    ("replace", "replace one"),
];

fn movement(comparison: &Comparison, ring: &str) -> Result<Plot> {
    let over = |row: &RingRow, change: &str| {
        let moved = moved(row, change)?;
        (moved.fresh_over_ideal > 0.0).then(|| moved.fresh_over_ideal.clamp(0.1, 1000.0))
    };
    let rows = changes_of(comparison, ring, &|row| {
        CHANGES
            .iter()
            .map(|(change, _)| over(row, change))
            .collect()
    });
    let values = rows
        .iter()
        .flat_map(|(_, cells)| cells)
        .flatten()
        .copied()
        .chain([0.5, 2.0]);
    let axis = log_axis("keys that move / keys that must", values, |v| {
        format!("{v}")
    });
    Ok(Plot {
        name: "movement",
        caption: format!(
            "What a change of {ring} moves, over the least that must move for parts by weight; \
             each node starts from the new list, as ringd does with its file. Left of the line: the \
             newcomer or the heavier one gets less than its part. No dot: no effect."
        ),
        svg: canvas::rows(&Rows {
            axis,
            values: CHANGES.map(|(_, name)| name.to_owned()).into(),
            rows,
            limit: Some((1.0, "must".into())),
            bars: false,
        })?,
    })
}

fn in_vain(comparison: &Comparison, ring: &str) -> Result<Plot> {
    let share =
        |row: &RingRow, change| moved(row, change).map(|m| 100.0 * m.fresh_between_others_share);
    let rows = changes_of(comparison, ring, &|row| {
        vec![share(row, "add"), share(row, "remove")]
    });
    let most = rows
        .iter()
        .flat_map(|(_, cells)| cells)
        .flatten()
        .copied()
        .fold(1.0, f64::max);
    Ok(Plot {
        name: "in-vain",
        caption: format!(
            "Keys that move from one unchanged peer to another when {ring} become one more or one \
             less: nobody needed that."
        ),
        svg: canvas::rows(&Rows {
            axis: Axis {
                range: 0.0..most,
                name: "share of all keys, %",
                log: false,
                label: |value| {
                    if value == 0.0 {
                        "0".into()
                    } else {
                        format!("{value:.1}")
                    }
                },
            },
            values: vec!["one more".into(), "one less".into()],
            rows,
            limit: None,
            bars: true,
        })?,
    })
}

type Cells<'a> = &'a dyn Fn(&RingRow) -> Vec<Option<f64>>;

fn changes_of(
    comparison: &Comparison,
    ring: &str,
    cells: Cells<'_>,
) -> Vec<(String, Vec<Option<f64>>)> {
    let names = shown(comparison);
    let rows = comparison.distributions.iter();
    rows.filter(|row| {
        row.ring == ring && names.contains(&row.placing.as_str()) && !row.movements.is_empty()
    })
    .map(|row| (row.placing.clone(), cells(row)))
    .collect()
}
