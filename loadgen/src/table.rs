//! The result as text: verdict first, then rows of figures, then how to repeat it.

use std::fmt::Write;

use crate::report::{LatencySummary, RunReport};

/// A time with three digits and its unit.
pub(crate) fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => return format!("{ns:.0}ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let digits = if value < 9.995 {
        2
    } else {
        usize::from(value < 99.95)
    };
    format!("{value:.digits$}{unit}")
}

/// A number with thousands set apart.
pub(crate) fn rate(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 && text != "-" {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the table greys out what has too few samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Escape codes.
    Colour,
    /// A question mark.
    Plain,
}

/// The whole result for a reader.
pub fn table(report: &RunReport, style: Style) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    render(report, style, &mut text).ok();
    text
}

fn render(report: &RunReport, style: Style, out: &mut String) -> std::fmt::Result {
    let totals = &report.totals;
    writeln!(out, "{}", report.verdict)?;
    writeln!(out, "{}", report.statement)?;
    for note in &report.notes {
        writeln!(out, "{note}")?;
    }
    if let Some(preload) = &report.preload {
        writeln!(out, "{preload}")?;
    }
    writeln!(
        out,
        "{:.1} s measured after {:.1} s: {} offered/s, {} achieved/s, {} failed, {} unfinished{}",
        report.span.measured_s,
        report.span.settle_s,
        rate(totals.offered_per_s),
        rate(totals.achieved_per_s),
        rate(totals.failed as f64),
        rate(totals.unfinished as f64),
        totals.hit_ratio.map_or(String::new(), |ratio| format!(
            ", {:.2}% hits",
            100.0 * ratio
        )),
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "{:<16} {:>12} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "requests", "per s", "p50", "p90", "p99", "p99.9", "p99.99", "max"
    )?;
    let seconds = report.span.measured_s.max(1e-9);
    let mut row =
        |name: &str, summary: &LatencySummary| latency_row(out, (name, summary), seconds, style);
    for command in &report.commands {
        row(&format!("{} response", command.name), &command.response)?;
        row(&format!("{} service", command.name), &command.service)?;
    }
    if report.commands.len() > 1 {
        row("all response", &report.latency.response)?;
        row("all service", &report.latency.service)?;
    }
    if let Some(lag) = &report.latency.lag {
        row("lag", lag)?;
    }
    writeln!(out)?;
    failures(report, out)?;
    cost(report, out)?;
    writeln!(
        out,
        "{} | {} | {} processors",
        report.host.kernel,
        report
            .host
            .processor
            .as_deref()
            .unwrap_or("unknown processor"),
        report.host.processors
    )?;
    writeln!(
        out,
        "seed {} | ringload {}",
        report.config.seed, report.tool_version
    )?;
    writeln!(out, "{}", report.command)
}

fn latency_row(
    out: &mut String,
    (name, summary): (&str, &LatencySummary),
    seconds: f64,
    style: Style,
) -> std::fmt::Result {
    let per_s = rate(summary.count as f64 / seconds);
    write!(
        out,
        "{name:<16} {:>12} {per_s:>10}",
        rate(summary.count as f64)
    )?;
    let cells = [
        (50.0, summary.p50_ns),
        (90.0, summary.p90_ns),
        (99.0, summary.p99_ns),
        (99.9, summary.p99_9_ns),
        (99.99, summary.p99_99_ns),
    ];
    for (percentile, ns) in cells {
        let cell = ns.map_or_else(|| "-".to_owned(), |ns| duration(ns as f64));
        let thin = ns.is_some() && percentile > summary.percentile_trusted_max;
        match style {
            Style::Colour if thin => write!(out, " \x1b[2m{cell:>9}\x1b[0m")?,
            Style::Plain if thin => write!(out, " {:>9}", format!("{cell}?"))?,
            _ => write!(out, " {cell:>9}")?,
        }
    }
    let max = summary
        .max_ns
        .map_or_else(|| "-".to_owned(), |ns| duration(ns as f64));
    writeln!(out, " {max:>9}")
}

fn failures(report: &RunReport, out: &mut String) -> std::fmt::Result {
    for failure in &report.failures {
        writeln!(
            out,
            "{} x {}: {}",
            failure.count, failure.class, failure.example
        )?;
    }
    if let Some(check) = &report.check {
        writeln!(out, "{check}")?;
    }
    let totals = &report.totals;
    if totals.disconnects + totals.connect_failures > 0 {
        writeln!(
            out,
            "{} connections broke, {} attempts to connect again failed",
            totals.disconnects, totals.connect_failures
        )?;
    }
    if report.endpoints.len() > 1 {
        for row in &report.endpoints {
            let time = |ns: Option<f64>| ns.map_or_else(|| "-".to_owned(), duration);
            writeln!(
                out,
                "{:<22} {:>12} answered, {} failed, service mean {} max {}, response p50 {} p99 {}, server {} a request",
                row.endpoint,
                rate(row.completed as f64),
                row.failed,
                time(row.service_mean_ns),
                time(row.service_max_ns.map(|ns| ns as f64)),
                time(row.response.p50_ns.map(|ns| ns as f64)),
                time(row.response.p99_ns.map(|ns| ns as f64)),
                time(row.server_cpu_ns_per_request),
            )?;
        }
    }
    for row in &report.servers {
        let part = |value: Option<f64>, of: fn(f64) -> String| value.map_or_else(|| "-".into(), of);
        writeln!(
            out,
            "{:<22} {} of a processor, {} a request",
            row.name,
            part(row.cpus, |cpus| format!("{:.0}%", 100.0 * cpus)),
            part(row.cpu_ns_per_request, duration)
        )?;
    }
    faults(report, out)?;
    for event in &report.events {
        writeln!(out, "event at {:.2} s: {}", event.t_s, event.text)?;
    }
    Ok(())
}

fn faults(report: &RunReport, out: &mut String) -> std::fmt::Result {
    for fault in &report.faults {
        let after = |s: Option<f64>, word: &str| {
            s.map_or_else(
                || format!("not {word}"),
                |s| format!("{word} after {s:.2} s"),
            )
        };
        let lost = fault.lost_writes;
        writeln!(
            out,
            "{} at {:.2} s: {}, {}, {} errors{}{}",
            fault.text,
            fault.t_s,
            after(fault.detected_after_s, "detected"),
            after(fault.restored_after_s, "restored"),
            fault.errors,
            lost.map_or_else(String::new, |lost| format!(", {lost} lost writes")),
            fault
                .failure
                .as_ref()
                .map_or_else(String::new, |why| format!(" ({why})")),
        )?;
    }
    Ok(())
}

fn cost(report: &RunReport, out: &mut String) -> std::fmt::Result {
    let cost = &report.cost;
    let us =
        |ns: Option<f64>| ns.map_or_else(|| "-".to_owned(), |ns| format!("{:.2} us", ns / 1e3));
    write!(
        out,
        "cpu per request: client {} (worker busy {:.0}%, waiting for a processor {:.1}%)",
        us(cost.client_cpu_ns_per_request),
        100.0 * cost.worker_busy_max,
        100.0 * cost.runqueue_share,
    )?;
    if let Some(cpus) = cost.server_cpus {
        let per_request = us(cost.server_cpu_ns_per_request);
        write!(
            out,
            ", server {per_request} ({:.0}% of a processor)",
            100.0 * cpus
        )?;
    }
    writeln!(out)?;
    let number = |count: Option<f64>| count.map_or_else(|| "-".to_owned(), |c| format!("{c:.2}"));
    writeln!(
        out,
        "client system calls per request: {} (poll {}, read {}, write {}, timer {})",
        number(cost.system_calls_per_request),
        number(cost.polls_per_request),
        number(cost.reads_per_request),
        number(cost.writes_per_request),
        number(cost.timers_per_request),
    )?;
    if report.totals.tape_rounds > 1 {
        writeln!(
            out,
            "the tape of drawn requests was replayed {} times",
            report.totals.tape_rounds
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_readers() {
        let cases = [
            (0.0, "0ns"),
            (999.0, "999ns"),
            (1_000.0, "1.00us"),
            (12_345.0, "12.3us"),
            (123_456.0, "123us"),
            (9_996_000.0, "10.0ms"),
            (1_500_000_000.0, "1.50s"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1234.4, "1,234"),
            (1e6, "1,000,000"),
        ] {
            assert_eq!(rate(number), text);
        }
    }
}
