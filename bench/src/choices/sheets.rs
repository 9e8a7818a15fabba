//! The figures as tables: one list of metrics makes the CSV files, the terminal's tables and the
//! words of `--sort`.

use super::data::{Comparison, HashRow, Movement, PairRow, RingLoad, RingRow, Speed, Time};
use super::hash_speed::LENGTHS;
use super::zipf::EXPONENTS;
use crate::report::table::Table;

type Figure<R> = Box<dyn Fn(&R) -> Option<f64>>;

/// One figure of a row.
struct Metric<R> {
    /// Its name in CSV files, in tables and for `--sort`.
    name: String,
    value: Figure<R>,
    digits: usize,
    /// Whether the terminal shows it.
    shown: bool,
    /// Whether more is better.
    falling: bool,
}

fn metric<R>(name: &str, digits: usize, value: impl Fn(&R) -> Option<f64> + 'static) -> Metric<R> {
    Metric {
        name: name.to_owned(),
        value: Box::new(value),
        digits,
        shown: false,
        falling: false,
    }
}

impl<R> Metric<R> {
    fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    fn falling(mut self) -> Self {
        self.falling = true;
        self
    }

    fn cell(&self, row: &R) -> Option<String> {
        let value = (self.value)(row)?;
        let digits = self.digits;
        Some(if value != 0.0 && value.abs() < 1e-4 {
            format!("{value:.1e}")
        } else {
            format!("{value:.digits$}")
        })
    }
}

/// The figures of a hash.
fn of_hashes() -> Vec<Metric<HashRow>> {
    let mut all = vec![
        metric("bits", 0, |row: &HashRow| Some(f64::from(row.bits)))
            .shown()
            .falling(),
    ];
    for length in LENGTHS.into_iter().map(Some).chain([None]) {
        let name = length.map_or("keys".to_owned(), |length| format!("{length}B"));
        let ns = metric(&format!("ns-{name}"), 2, move |row| {
            Some(speed(row, length)?.time.ns)
        });
        all.push(match length {
            Some(4 | 16 | 64 | 256) | None => ns.shown(),
            _ => ns,
        });
    }
    for length in LENGTHS.into_iter().map(Some).chain([None]) {
        let name = length.map_or("keys".to_owned(), |length| format!("{length}B"));
        let count = metric(&format!("instr-{name}"), 1, move |row| {
            speed(row, length)?.instructions
        });
        all.push(if length == Some(16) {
            count.shown()
        } else {
            count
        });
    }
    all.push(metric("over-crate", 3, over_crate).shown());
    all.push(
        metric("p-value", 4, |row: &HashRow| least_p(row))
            .shown()
            .falling(),
    );
    all.push(metric("bias", 5, |row: &HashRow| {
        Some(row.quality.as_ref()?.bias_worst)
    }));
    all.push(metric("bias-floor", 5, |row: &HashRow| {
        Some(row.quality.as_ref()?.bias_floor)
    }));
    let avalanche = |row: &HashRow| Some(row.quality.as_ref()?.avalanche_worst);
    all.push(metric("avalanche-worst", 3, avalanche).shown());
    all.push(metric("avalanche-floor", 3, |row: &HashRow| {
        Some(row.quality.as_ref()?.avalanche_floor)
    }));
    all.push(metric("avalanche-mean", 4, |row: &HashRow| {
        Some(row.quality.as_ref()?.avalanche_mean)
    }));
    all.push(
        metric("collisions", 0, |row: &HashRow| {
            Some(row.quality.as_ref()?.collisions.found_32 as f64)
        })
        .shown(),
    );
    all.push(
        metric("collisions-floor", 1, |row: &HashRow| {
            Some(row.quality.as_ref()?.collisions.expected_32)
        })
        .shown(),
    );
    all
}

fn speed(row: &HashRow, length: Option<usize>) -> Option<&Speed> {
    row.speeds.iter().find(|speed| speed.length == length)
}

/// The worst length against the best crate.
fn over_crate(row: &HashRow) -> Option<f64> {
    let ratios = row.speeds.iter().filter_map(|speed| {
        let ratios = speed.rivals.iter().map(|rival| rival.ratio);
        ratios.max_by(f64::total_cmp)
    });
    ratios.max_by(f64::total_cmp)
}

/// The least p value over all buckets.
fn least_p(row: &HashRow) -> Option<f64> {
    let buckets = &row.quality.as_ref()?.buckets;
    let values = buckets.iter().map(|buckets| buckets.evenness.p_value);
    values.min_by(f64::total_cmp)
}

/// The figures of a placing of a ring.
fn of_rings() -> Vec<Metric<RingRow>> {
    let mut all = cost_metrics();
    all.extend(balance_metrics());
    for change in ["add", "remove", "weight", "replace"] {
        let of = |figure: fn(&Movement) -> f64| {
            move |row: &RingRow| {
                row.movements
                    .iter()
                    .find(|m| m.change == change)
                    .map(figure)
            }
        };
        let over = metric(change, 3, of(|movement| movement.over_ideal));
        let others = metric(
            &format!("{change}-others"),
            4,
            of(|m| m.between_others_share),
        );
        let usual = change == "add" || change == "remove";
        all.push(if usual { over.shown() } else { over });
        all.push(if usual { others.shown() } else { others });
        all.push(metric(
            &format!("{change}-fresh"),
            3,
            of(|movement| movement.fresh_over_ideal),
        ));
        let disagrees = of(|movement| movement.restart_disagrees_share);
        all.push(metric(&format!("{change}-restart"), 4, disagrees));
    }
    let replicas = |figure: fn(&super::data::Replicas) -> f64| {
        move |row: &RingRow| row.replicas.as_ref().map(figure)
    };
    all.push(metric("sets", 0, replicas(|replicas| replicas.sets as f64)).shown());
    all.push(
        metric("fan-out", 1, replicas(|replicas| replicas.fan_out_mean))
            .shown()
            .falling(),
    );
    all.push(metric(
        "takeover",
        4,
        replicas(|replicas| replicas.takeover_worst_share),
    ));
    all.push(
        metric(
            "rack-diversity",
            4,
            replicas(|replicas| replicas.rack_diversity_share),
        )
        .falling(),
    );
    for exponent in EXPONENTS {
        let of = move |row: &RingRow| {
            row.zipf
                .iter()
                .find(|load| load.exponent == exponent)
                .copied()
        };
        let name = format!("zipf-{exponent}");
        let peak = metric(&name, 3, move |row| Some(of(row)?.peak.seen));
        all.push(if exponent < 1.0 { peak.shown() } else { peak });
        let floor = move |row: &RingRow| Some(of(row)?.peak.floor);
        all.push(metric(&format!("{name}-floor"), 3, floor));
    }
    let bounded = |row: &RingRow| Some(row.bounded.as_ref()?.hops_mean);
    all.push(metric("hops", 4, bounded));
    all
}

fn cost_metrics() -> Vec<Metric<RingRow>> {
    let micros = |time: Time| time.ns / 1e3;
    vec![
        metric("warm-ns", 2, |row: &RingRow| {
            Some(row.lookup.as_ref()?.warm.ns)
        })
        .shown(),
        metric("cold-ns", 0, |row: &RingRow| {
            Some(row.lookup.as_ref()?.cold.ns)
        })
        .shown(),
        metric("instr", 1, |row: &RingRow| {
            row.lookup.as_ref()?.instructions
        })
        .shown(),
        metric("over-crate", 3, |row: &RingRow| {
            let ratios = row.lookup.as_ref()?.rivals.iter().map(|rival| rival.ratio);
            ratios.max_by(f64::total_cmp)
        }),
        metric("build-us", 1, move |row: &RingRow| {
            Some(micros(row.table.as_ref()?.build))
        })
        .shown(),
        metric("rebuild-us", 1, move |row: &RingRow| {
            Some(micros(row.table.as_ref()?.rebuild))
        }),
        metric("entries", 0, |row: &RingRow| {
            Some(row.table.as_ref()?.entries as f64)
        }),
        metric("bytes", 0, |row: &RingRow| {
            Some(row.table.as_ref()?.bytes as f64)
        })
        .shown(),
    ]
}

fn balance_metrics() -> Vec<Metric<RingRow>> {
    let of = |figure: fn(&super::data::Evenness) -> f64| {
        move |row: &RingRow| row.balance.as_ref().map(|balance| figure(&balance.keys))
    };
    vec![
        metric("cv", 4, of(|keys| keys.cv.seen)).shown(),
        metric("cv-floor", 4, of(|keys| keys.cv.floor)).shown(),
        metric("share-cv", 4, |row: &RingRow| {
            row.balance.as_ref()?.share_cv
        }),
        metric("peak", 3, of(|keys| keys.peak.seen)).shown(),
        metric("peak-floor", 3, of(|keys| keys.peak.floor)).shown(),
        metric("least", 3, of(|keys| keys.least.seen)).falling(),
        metric("least-floor", 3, of(|keys| keys.least.floor)).falling(),
        metric("p99", 3, of(|keys| keys.p99.seen)),
        metric("p99-floor", 3, of(|keys| keys.p99.floor)),
        metric("chi-square", 1, of(|keys| keys.chi_square)),
        metric("p-value", 4, of(|keys| keys.p_value)).falling(),
        metric("peak-accesses", 3, |row: &RingRow| {
            Some(row.balance.as_ref()?.peak_accesses)
        }),
    ]
}

/// The figures of a pair.
fn of_pairs() -> Vec<Metric<PairRow>> {
    let of = |figure: fn(&super::data::Evenness) -> f64| {
        move |row: &PairRow| row.spread.as_ref().map(figure)
    };
    vec![
        metric("cv", 4, of(|spread| spread.cv.seen)).shown(),
        metric("cv-floor", 4, of(|spread| spread.cv.floor)).shown(),
        metric("peak", 3, of(|spread| spread.peak.seen)).shown(),
        metric("peak-floor", 3, of(|spread| spread.peak.floor)).shown(),
        metric("least", 3, of(|spread| spread.least.seen))
            .shown()
            .falling(),
        metric("chi-square", 1, of(|spread| spread.chi_square)),
        metric("p-value", 4, of(|spread| spread.p_value))
            .shown()
            .falling(),
    ]
}

/// The figures of a loaded ring.
fn of_loads() -> Vec<Metric<RingLoad>> {
    vec![
        metric("cpu-us", 2, |row: &RingLoad| Some(row.cpu.ns / 1e3)).shown(),
        metric("over-first", 3, |row: &RingLoad| Some(row.cpu_ratio[0])).shown(),
        metric("over-first-least", 3, |row: &RingLoad| {
            Some(row.cpu_ratio[1])
        })
        .shown(),
        metric("over-first-most", 3, |row: &RingLoad| {
            Some(row.cpu_ratio[2])
        })
        .shown(),
        metric("met-per-s", 0, |row: &RingLoad| row.met_per_s).shown(),
        metric("missed-per-s", 0, |row: &RingLoad| row.missed_per_s).shown(),
    ]
}

/// All names that `--sort` takes, for an error.
pub(crate) fn metrics() -> Vec<String> {
    let hashes = of_hashes().into_iter().map(|metric| metric.name);
    let rings = of_rings().into_iter().map(|metric| metric.name);
    let mut names = Vec::new();
    for name in hashes.chain(rings) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Rows with the best first; rows without the figure come last, all else stays in order.
fn sorted<'a, R>(
    rows: impl Iterator<Item = &'a R>,
    all: &[Metric<R>],
    by: Option<&str>,
) -> Vec<&'a R> {
    let mut rows: Vec<&R> = rows.collect();
    let Some(metric) = by.and_then(|by| all.iter().find(|metric| metric.name == by)) else {
        return rows;
    };
    let key = |row: &R| {
        let value = (metric.value)(row).unwrap_or(f64::NAN);
        if metric.falling { -value } else { value }
    };
    // `total_cmp` has NaN of either sign at an end: made positive, it is the last.
    let last = |value: f64| if value.is_nan() { f64::INFINITY } else { value };
    rows.sort_by(|a, b| last(key(a)).total_cmp(&last(key(b))));
    rows
}

/// The terminal's tables, each with its heading; sorted by a metric where the table has it.
pub(crate) fn tables(comparison: &Comparison, by: Option<&str>) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    let keys = &comparison.origin.keys;
    if !comparison.hashes.is_empty() {
        let rows = sorted(comparison.hashes.iter(), &of_hashes(), by);
        let heading = format!("hashes, {} keys of {}", keys.distinct, keys.source);
        tables.push((
            heading,
            shown("hash", &rows, &of_hashes(), |row| row.name.clone()),
        ));
    }
    let mut rings: Vec<&str> = Vec::new();
    for row in &comparison.distributions {
        if !rings.contains(&row.ring.as_str()) {
            rings.push(&row.ring);
        }
    }
    for ring in rings {
        let rows = comparison
            .distributions
            .iter()
            .filter(|row| row.ring == ring);
        let rows = sorted(rows, &of_rings(), by);
        let name = |row: &RingRow| match (&row.refused, row.configured) {
            (Some(_), _) => format!("{} (refused)", row.placing),
            (None, true) => format!("{} (yours)", row.placing),
            (None, false) => row.placing.clone(),
        };
        let heading = format!(
            "distributions, {ring}, hash {}",
            comparison.origin.reference_hash
        );
        tables.push((heading, shown("distribution", &rows, &of_rings(), name)));
    }
    if let Some(first) = comparison.pairs.first() {
        let heading = format!("fullest peer of {} over the mean, by pair", first.ring);
        tables.push((heading, matrix(&comparison.pairs)));
    }
    if let Some(loads) = &comparison.loads {
        let heading = format!(
            "rings of {} nodes, at most {} ms for 99%",
            loads.nodes, loads.objective_p99_ms
        );
        let rows: Vec<&RingLoad> = loads.rows.iter().collect();
        let name = |row: &RingLoad| format!("{} × {}: {}", row.hash, row.distribution, row.why);
        tables.push((heading, shown("pair", &rows, &of_loads(), name)));
    }
    tables
}

/// The greatest load of every pair: a row a hash, a column a placing.
fn matrix(pairs: &[PairRow]) -> Table {
    let mut table = Table::new(["hash"]);
    let mut hashes: Vec<&str> = pairs.iter().map(|pair| pair.hash.as_str()).collect();
    hashes.dedup();
    for hash in &hashes {
        table.row([(*hash).to_owned()]);
    }
    let first = pairs.iter().filter(|pair| pair.hash == pairs[0].hash);
    for column in first {
        let cells = pairs.iter().filter(|pair| pair.placing == column.placing);
        let cell = |pair: &PairRow| match &pair.spread {
            Some(spread) => format!("{:.3}", spread.peak.seen),
            None => "refused".to_owned(),
        };
        table.column(column.placing.clone(), cells.map(cell));
    }
    table
}

fn shown<R>(first: &str, rows: &[&R], all: &[Metric<R>], name: impl Fn(&R) -> String) -> Table {
    let mut table = Table::new([first]);
    for row in rows {
        table.row([name(row)]);
    }
    for metric in all.iter().filter(|metric| metric.shown) {
        let cells = rows
            .iter()
            .map(|row| metric.cell(row).unwrap_or_else(|| "–".into()));
        table.column(metric.name.clone(), cells);
    }
    table
}

/// The CSV files: name and text, every metric a column.
pub(crate) fn csv(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let mut files = Vec::new();
    if !comparison.hashes.is_empty() {
        let id = |row: &HashRow| vec![row.name.clone()];
        files.push((
            "hashes.csv",
            lines(&["hash"], &comparison.hashes, &of_hashes(), id),
        ));
    }
    if !comparison.distributions.is_empty() {
        let heads = [
            "placing",
            "distribution",
            "ring",
            "peers",
            "hash",
            "refused",
        ];
        let id = |row: &RingRow| {
            let refused = row.refused.clone().unwrap_or_default();
            vec![
                row.placing.clone(),
                row.distribution.clone(),
                row.ring.clone(),
                row.peers.to_string(),
                row.hash.clone(),
                refused,
            ]
        };
        files.push((
            "distributions.csv",
            lines(&heads, &comparison.distributions, &of_rings(), id),
        ));
    }
    if !comparison.pairs.is_empty() {
        let id = |row: &PairRow| {
            let refused = row.refused.clone().unwrap_or_default();
            vec![
                row.hash.clone(),
                row.placing.clone(),
                row.ring.clone(),
                refused,
            ]
        };
        let heads = ["hash", "placing", "ring", "refused"];
        files.push((
            "pairs.csv",
            lines(&heads, &comparison.pairs, &of_pairs(), id),
        ));
    }
    if let Some(loads) = &comparison.loads {
        let id = |row: &RingLoad| vec![row.hash.clone(), row.distribution.clone(), row.why.clone()];
        let heads = ["hash", "distribution", "why"];
        files.push(("loads.csv", lines(&heads, &loads.rows, &of_loads(), id)));
    }
    files
}

fn lines<R>(
    heads: &[&str],
    rows: &[R],
    all: &[Metric<R>],
    id: impl Fn(&R) -> Vec<String>,
) -> String {
    let names = all.iter().map(|metric| metric.name.as_str());
    let mut text = heads
        .iter()
        .copied()
        .chain(names)
        .collect::<Vec<_>>()
        .join(",")
        + "\n";
    for row in rows {
        let figure =
            |metric: &Metric<R>| (metric.value)(row).map_or(String::new(), |v| v.to_string());
        let id = id(row).into_iter().map(|cell| quoted(&cell));
        let cells: Vec<String> = id.chain(all.iter().map(figure)).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}

/// As RFC 4180 wants it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_those_without_the_figure_last() {
        let all = vec![
            metric("n", 0, |row: &(u32, f64)| Some(row.1).filter(|n| *n >= 0.0)),
            metric("more", 0, |row: &(u32, f64)| {
                Some(row.1).filter(|n| *n >= 0.0)
            })
            .falling(),
        ];
        let rows = [(1, 5.0), (2, -1.0), (3, 2.0), (4, 9.0)];
        let order = |by| {
            let sorted = sorted(rows.iter(), &all, Some(by));
            sorted.iter().map(|row| row.0).collect::<Vec<_>>()
        };
        assert_eq!(order("n"), [3, 1, 4, 2]);
        assert_eq!(order("more"), [4, 1, 3, 2]);
        assert_eq!(order("absent"), [1, 2, 3, 4]);
    }

    #[test]
    fn cells_of_csv_are_quoted_where_they_must_be() {
        assert_eq!(quoted("plain text"), "plain text");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        let names = metrics();
        for name in [
            "ns-16B",
            "instr-keys",
            "warm-ns",
            "add-others",
            "zipf-1.2",
            "p-value",
        ] {
            assert!(names.iter().any(|metric| metric == name), "{name}");
        }
    }
}
