//! The tables of a report.

use super::run::Run;
use super::table::Table;
use crate::choices::{Choices, Spread};
use crate::demo::Demo;
use crate::demo::load::{Load, Spread as Latencies};
use crate::demo::story::Deed;

/// Key lengths whose instructions are shown.
const LENGTHS: [usize; 4] = [4, 16, 64, 256];

/// What must hold, and what was seen.
pub(crate) fn checks(demo: &Demo) -> Table {
    let mut table = Table::new(["what must hold", "", "seen"]).of_words();
    for check in &demo.checks {
        let holds = if check.holds { "✓ yes" } else { "✗ NO" };
        table.row([check.what.clone(), holds.into(), check.seen.clone()]);
    }
    table
}

/// What was done to the nodes, and what came of it.
pub(crate) fn absences(demo: &Demo) -> Table {
    let mut table = Table::new([
        "node",
        "from",
        "until",
        "seen down after",
        "hints kept",
        "normal after",
        "hints gone after",
    ]);
    for absence in &demo.absences {
        let did = match absence.deed {
            Deed::Freeze => "frozen",
            _ => "killed, restarted empty",
        };
        let seconds = |time: Option<f64>| time.map_or("never".into(), |s| format!("{s:.1} s"));
        table.row([
            format!("{} {did}", demo.nodes[absence.node].name),
            seconds(Some(absence.from_s)),
            seconds(absence.until_s),
            seconds(absence.detected_after_s),
            absence.hints_max.to_string(),
            seconds(absence.normal_after_s),
            seconds(absence.drained_after_s),
        ]);
    }
    table
}

/// How the load went.
pub(crate) fn load(load: &Load) -> Table {
    let mut table = Table::new(["", "p50", "p99", "p99.9", "max"]);
    let rows: [(&str, &Latencies); 2] = [
        ("response (from the intended time)", &load.latency.response),
        ("service (from the write)", &load.latency.service),
    ];
    for (name, spread) in rows {
        let time = |ns: Option<u64>| ns.map_or("–".into(), duration);
        table.row([
            name.into(),
            time(spread.p50_ns),
            time(spread.p99_ns),
            time(spread.p99_9_ns),
            time(spread.max_ns),
        ]);
    }
    table
}

/// Every hash by key length.
pub(crate) fn hashes(choices: &Choices) -> Table {
    let mut table = Table::new(["hash"]);
    let names = choices.hashes();
    for name in &names {
        table.row([(*name).to_owned()]);
    }
    for length in LENGTHS {
        let cells = names.iter().map(|name| {
            let cost = choices.of_hash(name, length);
            cost.map_or("–".into(), |cost| format!("{:.1}", cost.ns))
        });
        table.column(format!("ns {length} B"), cells);
    }
    for length in LENGTHS {
        let cells = names
            .iter()
            .map(|name| choices.counted(choices.of_hash(name, length)));
        table.column(format!("instr. {length} B"), cells);
    }
    table
}

/// Every distribution: the cost of finding an owner.
pub(crate) fn distributions(choices: &Choices) -> Table {
    let mut table = Table::new(["distribution", "peers", "ns", "instr."]);
    for cost in &choices.costs {
        if let Some((name, peers)) = cost.distribution() {
            // It has one peer whatever was asked for.
            if name == "single" && peers > 3 {
                continue;
            }
            let peers = if name == "single" { 1 } else { peers };
            table.row([
                name.to_owned(),
                peers.to_string(),
                format!("{:.1}", cost.ns),
                choices.counted(Some(cost)),
            ]);
        }
    }
    table
}

/// Balance and movement.
pub(crate) fn spreads(choices: &Choices) -> Table {
    let mut table = Table::new([
        "hash × distribution",
        "CV %",
        "CV % of exact shares",
        "peak/mean",
        "moved/ideal",
        "moved between old peers %",
        "rows",
        "bytes",
    ]);
    for spread in &choices.spreads {
        let name = format!("{} × {}", spread.hash, spread.distribution);
        let Some(figures) = spread.figures else {
            let none = || "–".to_owned();
            table.row([
                format!("{name}: refused"),
                none(),
                none(),
                none(),
                none(),
                none(),
                none(),
                none(),
            ]);
            continue;
        };
        table.row([
            name,
            format!("{:.2}", 100.0 * figures.cv),
            format!("{:.2}", 100.0 * figures.share_cv),
            format!("{:.3}", figures.peak),
            format!("{:.2}", figures.moved_over_ideal),
            format!("{:.2}", 100.0 * figures.moved_between_others),
            figures.entries.to_string(),
            figures.bytes.to_string(),
        ]);
    }
    table
}

/// Pairs that ringd refuses, with its words.
pub(crate) fn refusals(choices: &Choices) -> Vec<&Spread> {
    let refused = choices.spreads.iter();
    refused.filter(|spread| spread.refused.is_some()).collect()
}

/// The head of a report, a README and an index in few rows.
pub(crate) fn headline(run: &Run) -> Table {
    let load = &run.load;
    let mut table = Table::new(["three nodes, quorum, one frozen, one killed", ""]);
    let time = |ns: Option<u64>| ns.map_or("–".into(), duration);
    table.row([
        "requests, failed".into(),
        format!("{}, **{}**", load.totals.completed, run.failed()),
    ]);
    table.row([
        "offered a second (open loop)".into(),
        format!("{:.0}", load.totals.offered_per_s),
    ]);
    let quiet = match run.objection() {
        None => "",
        Some(_) => " (the machine was not quiet)",
    };
    table.row([
        format!("response p50, p99, worst{quiet}"),
        format!(
            "{}, {}, {}",
            time(load.latency.response.p50_ns),
            time(load.latency.response.p99_ns),
            time(load.latency.response.max_ns)
        ),
    ]);
    for absence in &run.demo.absences {
        let did = match absence.deed {
            Deed::Freeze => "frozen",
            _ => "killed",
        };
        let seconds = |time: Option<f64>| time.map_or("never".into(), |s| format!("{s:.1} s"));
        table.row([
            format!("{did} node seen down after; hints kept, gone after its return"),
            format!(
                "{}; {}, {}",
                seconds(absence.detected_after_s),
                absence.hints_max,
                seconds(absence.drained_after_s)
            ),
        ]);
    }
    for hash in ["murmur", "murmur3_x64_64"] {
        if let Some(cost) = run.choices.of_hash(hash, 16) {
            let count = run.choices.counted(Some(cost));
            table.row([
                format!("{hash}, 16 B key"),
                format!("{:.1} ns, {count} instructions", cost.ns),
            ]);
        }
    }
    table
}

/// Nanoseconds as people say them.
pub(crate) fn duration(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.0} µs", ns / 1e3),
        _ if ns < 1e7 => format!("{:.2} ms", ns / 1e6),
        _ if ns < 1e9 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_fit_units() {
        let said: Vec<String> = [999, 12_345, 1_234_567, 45_600_000, 2_500_000_000]
            .map(duration)
            .into();
        assert_eq!(said, ["999 ns", "12 µs", "1.23 ms", "46 ms", "2.50 s"]);
    }
}
