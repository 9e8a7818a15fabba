//! The tables of the pages.

use super::advise;
use super::figures::{Hashing, Placing, hashings, moved, ns, over_chance, placings};
use crate::choices::data::{Comparison, Movement, RingRow};
use crate::report::table::Table;
use crate::report::words::{bytes, percent};

fn instructions(count: Option<f64>) -> String {
    count.map_or("–".into(), |count| format!("{count:.0}"))
}

/// The hashes, fastest on the given keys first.
pub(super) fn hashes(comparison: &Comparison) -> Table {
    let mut table = Table::new([
        "hash",
        "bits",
        "your keys",
        "16 B",
        "256 B",
        "instructions, 16 B",
        "ours / crate",
        "spread / chance",
        "worst bit / chance",
        "collisions (chance)",
    ]);
    let mut all = hashings(comparison);
    all.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    for one in &all {
        let speed = |length| {
            one.row
                .speeds
                .iter()
                .find(|speed| speed.length == Some(length))
        };
        let time = |length| speed(length).map_or("–".into(), |speed| ns(speed.time.ns));
        let collisions = one.row.quality.as_ref().map(|quality| quality.collisions);
        table.row([
            one.row.name.clone(),
            one.row.bits.to_string(),
            ns(one.ns),
            time(16),
            time(256),
            instructions(speed(16).and_then(|speed| speed.instructions)),
            rival(one),
            format!("{:.2}", one.over_chance),
            format!("{:.2}", one.avalanche),
            collisions.map_or("–".into(), |c| format!("{} ({:.0})", c.found, c.expected)),
        ]);
    }
    table
}

/// Our time over the best crate's, at 16 bytes.
fn rival(one: &Hashing<'_>) -> String {
    let speed = one.row.speeds.iter().find(|speed| speed.length == Some(16));
    let rivals = speed.into_iter().flat_map(|speed| &speed.rivals);
    let best = rivals.max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    best.map_or("–".into(), |rival| {
        format!("{:.2} ({})", rival.ratio, rival.name)
    })
}

/// What speaks against each hash that the rule passes over.
pub(super) fn unfit(comparison: &Comparison) -> Vec<String> {
    hashings(comparison)
        .iter()
        .map(|one| (one, advise::faults(one)))
        .filter(|(_, faults)| faults != "meets the rule")
        .map(|(one, faults)| format!("`{}` {faults}", one.row.name))
        .collect()
}

/// The distributions on one ring, fastest first.
pub(super) fn placed(comparison: &Comparison, ring: &str) -> Table {
    let mut table = Table::new([
        "distribution",
        "warm",
        "cold",
        "instructions",
        "ours / crate",
        "fullest (chance)",
        "CV (chance)",
        "table",
        "build",
        "one more",
        "moved / must, add",
        "in vain",
    ]);
    let mut all = placings(comparison, ring);
    all.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    for one in &all {
        table.row(cells(one));
    }
    table
}

fn cells(one: &Placing<'_>) -> [String; 12] {
    let lookup = one.row.lookup.as_ref();
    let cost = one.row.table.as_ref();
    let cv = one.row.balance.as_ref().map(|balance| balance.keys.cv);
    let rivals = lookup.into_iter().flat_map(|lookup| &lookup.rivals);
    let rival = rivals.max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    [
        one.row.placing.clone(),
        ns(one.ns),
        ns(one.cold_ns),
        instructions(lookup.and_then(|lookup| lookup.instructions)),
        rival.map_or("–".into(), |rival| {
            format!("{:.2} ({})", rival.ratio, rival.name)
        }),
        format!("{:.3} ({:.3})", one.peak, one.peak_floor),
        cv.map_or("–".into(), |cv| {
            format!("{} ({})", percent(cv.seen), percent(cv.floor))
        }),
        bytes(one.bytes as u64),
        cost.map_or("–".into(), |cost| ns(cost.build.ns)),
        cost.map_or("–".into(), |cost| ns(cost.rebuild.ns)),
        moved(one.row, "add").map_or("–".into(), |add| format!("{:.2}", add.fresh_over_ideal)),
        percent(one.in_vain),
    ]
}

/// Why the rule passes over placings of one ring.
pub(super) fn passed_over(comparison: &Comparison, ring: &str) -> Vec<String> {
    placings(comparison, ring)
        .iter()
        .map(|one| (one, advise::shortcomings(one)))
        .filter(|(_, words)| words != "meets the rule")
        .map(|(one, words)| format!("`{}`: {words}", one.row.placing))
        .collect()
}

/// What every change moves on one ring.
pub(super) fn movements(comparison: &Comparison, ring: &str) -> Table {
    let mut table = Table::new([
        "distribution",
        "add",
        "remove",
        "double a weight",
        "replace",
        "in vain: add",
        "remove",
        "nodes disagree after",
    ]);
    for one in placings(comparison, ring) {
        let of = |change| moved(one.row, change);
        let over =
            |change| of(change).map_or("–".into(), |m| format!("{:.2}", m.fresh_over_ideal));
        let vain =
            |change| of(change).map_or("–".into(), |m| percent(m.fresh_between_others_share));
        let disagree = |m: &Movement| m.restart_disagrees_share;
        let worst = one.row.movements.iter().map(disagree).fold(0.0, f64::max);
        table.row([
            one.row.placing.clone(),
            over("add"),
            over("remove"),
            over("weight"),
            over("replace"),
            vain("add"),
            vain("remove"),
            percent(worst),
        ]);
    }
    table
}

/// Replicas and unequal demand on one ring.
pub(super) fn failures(comparison: &Comparison, ring: &str) -> Table {
    let mut table = Table::new([
        "distribution",
        "replica sets seen",
        "peers that take over",
        "worst takes",
        "zipf 0.99: fullest (chance)",
        "zipf 1.2",
        "bounded: hops a key",
    ]);
    for one in placings(comparison, ring) {
        let replicas = one.row.replicas.as_ref();
        let zipf = |index: usize| {
            let load = one.row.zipf.get(index);
            load.map_or("–".into(), |load| {
                format!("{:.2} ({:.2})", load.peak.seen, load.peak.floor)
            })
        };
        let bounded = one.row.bounded.as_ref();
        table.row([
            one.row.placing.clone(),
            replicas.map_or("–".into(), |r| format!("{} of {}", r.sets, r.sets_max)),
            replicas.map_or("–".into(), |r| format!("{:.1}", r.fan_out_mean)),
            replicas.map_or("–".into(), |r| percent(r.takeover_worst_share)),
            zipf(0),
            zipf(1),
            bounded.map_or("–".into(), |b| {
                format!("{:.3} (at {})", b.hops_mean, b.ratio)
            }),
        ]);
    }
    table
}

/// Those that are refused on a ring, and why.
pub(super) fn refusals(comparison: &Comparison, ring: &str) -> Vec<String> {
    let rows = comparison.distributions.iter();
    let of_ring = rows.filter(|row| row.ring == ring);
    let why = |row: &RingRow| Some(format!("`{}`: {}", row.placing, row.refused.as_ref()?));
    of_ring.filter_map(why).collect()
}

/// Every hash by every placing: how many times as uneven as chance.
pub(super) fn pairs(comparison: &Comparison) -> Option<Table> {
    let mut placings: Vec<&str> = Vec::new();
    for row in &comparison.pairs {
        if !placings.contains(&row.placing.as_str()) {
            placings.push(&row.placing);
        }
    }
    let mut hashes: Vec<&str> = comparison
        .pairs
        .iter()
        .map(|row| row.hash.as_str())
        .collect();
    hashes.dedup();
    if hashes.is_empty() {
        return None;
    }
    let mut table = Table::new(["hash"]);
    for hash in &hashes {
        table.row([(*hash).to_owned()]);
    }
    for placing in placings {
        let cell = |hash: &&str| {
            let mut rows = comparison.pairs.iter();
            let row = rows.find(|row| row.hash == **hash && row.placing == placing);
            let spread = row.and_then(|row| row.spread.as_ref());
            spread.map_or("refused".into(), |spread| {
                format!("{:.1}", over_chance(spread))
            })
        };
        table.column(placing.to_owned(), hashes.iter().map(cell));
    }
    Some(table)
}

/// Real rings under load.
pub(super) fn loads(comparison: &Comparison) -> Option<Table> {
    let loads = comparison.loads.as_ref()?;
    let mut table = Table::new([
        "hash + distribution",
        "taken because",
        "processor time a request",
        "over the first",
        "held the objective at",
        "missed it at",
    ]);
    for row in &loads.rows {
        let rate =
            |rate: Option<f64>| rate.map_or("–".into(), |rate| format!("{rate:.0} a second"));
        table.row([
            format!("{} + {}", row.hash, row.distribution),
            row.why.clone(),
            ns(row.cpu.ns),
            format!(
                "{:.2} ({:.2}–{:.2})",
                row.cpu_ratio[0], row.cpu_ratio[1], row.cpu_ratio[2]
            ),
            rate(row.met_per_s),
            rate(row.missed_per_s),
        ]);
    }
    Some(table)
}
