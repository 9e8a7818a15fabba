//! `compare`: two reports of `run` side by side, and whether they may be compared at all.

use std::fmt::Write;

use serde_json::Value;

use crate::report::RunReport;
use crate::table::{duration, rate};
use crate::verdict::Worth;

/// Settings that make no other load.
const NOT_THE_LOAD: [&str; 8] = [
    "endpoints",
    "server_pids",
    "mark_file",
    "preload",
    "preload_check",
    "workload",
    "failures_allowed",
    "seconds",
];

/// Two reports as text: what makes them hard to compare first.
pub fn compare(a: &RunReport, b: &RunReport) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    render(a, b, &mut text).ok();
    text
}

fn render(a: &RunReport, b: &RunReport, out: &mut String) -> std::fmt::Result {
    let caveats = caveats(a, b);
    if caveats.is_empty() {
        writeln!(out, "COMPARABLE: the same load, both valid")?;
    } else {
        writeln!(out, "NOT COMPARABLE: {}", caveats.join("; "))?;
    }
    writeln!(out, "A {}\nB {}\n", a.verdict, b.verdict)?;
    writeln!(out, "{:<24} {:>12} {:>12} {:>8}", "", "A", "B", "B / A")?;
    for (name, figure, show) in FIGURES {
        let (a, b) = (figure(a), figure(b));
        let cell = |value: Option<f64>| value.map_or_else(|| "-".into(), show);
        let ratio = a.zip(b).filter(|(a, _)| *a != 0.0).map(|(a, b)| b / a);
        let ratio = ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"));
        writeln!(out, "{name:<24} {:>12} {:>12} {ratio:>8}", cell(a), cell(b))?;
    }
    writeln!(
        out,
        "\nTwo runs apart in time say little about a small difference: `ringload ab` interleaves.\nA {}\nB {}",
        a.command, b.command
    )
}

/// Name, figure and how it is written.
type Figure = (
    &'static str,
    fn(&RunReport) -> Option<f64>,
    fn(f64) -> String,
);

fn ns(value: Option<u64>) -> Option<f64> {
    value.map(|ns| ns as f64)
}

const FIGURES: [Figure; 12] = [
    ("offered a second", |r| Some(r.totals.offered_per_s), rate),
    ("achieved a second", |r| Some(r.totals.achieved_per_s), rate),
    ("failed", |r| Some(r.totals.failed as f64), rate),
    ("response p50", |r| ns(r.latency.response.p50_ns), duration),
    ("response p90", |r| ns(r.latency.response.p90_ns), duration),
    ("response p99", |r| ns(r.latency.response.p99_ns), duration),
    (
        "response p99.9",
        |r| ns(r.latency.response.p99_9_ns),
        duration,
    ),
    ("response max", |r| ns(r.latency.response.max_ns), duration),
    ("service p50", |r| ns(r.latency.service.p50_ns), duration),
    ("service p99", |r| ns(r.latency.service.p99_ns), duration),
    (
        "server cpu per request",
        |r| r.cost.server_cpu_ns_per_request,
        duration,
    ),
    (
        "client cpu per request",
        |r| r.cost.client_cpu_ns_per_request,
        duration,
    ),
];

fn caveats(a: &RunReport, b: &RunReport) -> Vec<String> {
    let mut caveats = Vec::new();
    for (name, report) in [("A", a), ("B", b)] {
        if report.verdict.worth != Worth::Valid {
            caveats.push(format!("{name} is {}", report.verdict.worth));
        }
    }
    if a.host != b.host {
        caveats.push("other machines".to_owned());
    }
    if a.tool_version != b.tool_version {
        caveats.push("other versions of ringload".to_owned());
    }
    let settings = |report: &RunReport| serde_json::to_value(&report.config).unwrap_or_default();
    if let (Value::Object(a), Value::Object(b)) = (settings(a), settings(b)) {
        let differing = a
            .iter()
            .filter(|(name, value)| {
                !NOT_THE_LOAD.contains(&name.as_str()) && b.get(*name) != Some(value)
            })
            .map(|(name, _)| name.clone());
        let differing: Vec<String> = differing.collect();
        if !differing.is_empty() {
            caveats.push(format!("another {}", differing.join(", ")));
        }
    }
    caveats
}
