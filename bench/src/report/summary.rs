//! What a run says on one screen of 80 × 24.

use super::run::Run;
use super::tables::duration;
use crate::demo::story::Deed;

/// Hashes and distributions named there.
const HASHES: [&str; 5] = ["murmur", "murmur3_x64_64", "crc32a", "fnv1a_64", "md5"];
const DISTRIBUTIONS: [&str; 3] = ["vnode", "modula", "random_slicing"];

/// The screen.
pub(crate) fn screen(run: &Run) -> String {
    let mut lines = Vec::new();
    for check in &run.demo.checks {
        let sign = if check.holds { "ok  " } else { "FAIL" };
        lines.push(format!("{sign} {}", check.what));
        if !check.holds {
            lines.push(format!("     {}", check.seen));
        }
    }
    let latency = &run.load.latency.response;
    let time = |ns: Option<u64>| ns.map_or("-".to_owned(), duration);
    lines.push(String::new());
    lines.push(format!(
        "{} requests, {} failed; response p50 {}, p99 {}, longest {}",
        run.load.totals.completed,
        run.failed(),
        time(latency.p50_ns),
        time(latency.p99_ns),
        time(latency.max_ns)
    ));
    for absence in &run.demo.absences {
        let did = match absence.deed {
            Deed::Freeze => "frozen",
            _ => "killed",
        };
        let seconds = |time: Option<f64>| time.map_or("never".into(), |s| format!("{s:.1} s"));
        lines.push(format!(
            "{} {did}: seen down after {}, {} hints, gone {} after its return",
            run.demo.nodes[absence.node].name,
            seconds(absence.detected_after_s),
            absence.hints_max,
            seconds(absence.drained_after_s)
        ));
    }
    lines.push(String::new());
    choices(&mut lines, run);
    let cut = |line: &String| line.chars().take(80).collect::<String>();
    lines.iter().map(cut).collect::<Vec<_>>().join("\n")
}

fn choices(lines: &mut Vec<String>, run: &Run) {
    let choices = &run.choices;
    lines.push(format!(
        "{:<16}{:>8} {:>13}   {:<15}{:>6} {:>7} {:>8}",
        "hash, 16 B key", "ns", "instructions", "distribution", "ns", "CV %", "moved"
    ));
    for index in 0..HASHES.len().max(DISTRIBUTIONS.len()) {
        let hash = HASHES.get(index).map_or(String::new(), |name| {
            let cost = choices.of_hash(name, 16);
            let ns = cost.map_or(f64::NAN, |cost| cost.ns);
            format!("{name:<16}{ns:>8.1} {:>13}", choices.counted(cost))
        });
        let distribution = DISTRIBUTIONS.get(index).and_then(|name| {
            let cost = choices.of_distribution(name, 3)?;
            let figures = choices.spread("murmur", name)?.figures?;
            Some(format!(
                "{name:<15}{:>6.1} {:>7.2} {:>7.2}x",
                cost.ns,
                100.0 * figures.cv,
                figures.moved_over_ideal
            ))
        });
        let line = format!("{hash:<38}   {}", distribution.unwrap_or_default());
        lines.push(line.trim_end().to_owned());
    }
    if choices.uncounted.is_some() {
        lines.push("instructions: install valgrind and iai-callgrind-runner".into());
    }
}
