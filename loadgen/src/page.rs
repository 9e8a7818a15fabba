//! One page to look at: it needs no network, no script and no library.

mod plot;

use std::fmt::Write;

use crate::modes::sweep::SweepReport;
use crate::report::RunReport;
use crate::table::{Style, duration, rate, table};

use plot::{Axis, Line, Plot};

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width'><style>\
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
pre{overflow-x:auto;background:#f4f4f4;padding:.8rem;font-size:12px}svg{width:100%;height:auto}\
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}\
</style>";

/// The page of a run.
pub fn run_page(report: &RunReport) -> String {
    let mut page = format!("{HEAD}<title>ringload: {}</title>", report.verdict.worth);
    let mut add = |title: &str, svg: String| {
        // Writing to a string can't fail.
        write!(page, "<h2>{title}</h2>{svg}").ok();
    };
    add("Response by second", seconds(report));
    add("Requests by second", rates(report));
    add("How responses spread, by second", heat(report));
    add("Percentiles of the whole span", spectrum(report));
    let verdict = escaped(&report.verdict.to_string());
    let text = escaped(&table(report, Style::Plain));
    page.replacen("<h2>", &format!("<h1>{verdict}</h1><h2>"), 1)
        + &format!("<h2>All figures</h2><pre>{text}</pre>")
}

/// The page of a sweep.
pub fn sweep_page(report: &SweepReport) -> String {
    let line = |name: &str, of: fn(&crate::report::LatencySummary) -> Option<u64>| Line {
        name: name.to_owned(),
        points: report
            .points
            .iter()
            .filter_map(|point| Some((point.achieved_per_s, of(&point.response)? as f64)))
            .collect(),
    };
    let knee = report.knee.map(|knee| report.points[knee].achieved_per_s);
    let svg = Plot {
        x: Axis::linear("answered a second", rate),
        y: Axis::log("response", duration),
        lines: vec![
            line("p50", |summary| summary.p50_ns),
            line("p99", |summary| summary.p99_ns),
            line("p99.9", |summary| summary.p99_9_ns),
        ],
        marks: knee.map(|at| (at, "knee".to_owned())).into_iter().collect(),
        dots: true,
    }
    .svg();
    let text = escaped(&report.table());
    format!(
        "{HEAD}<title>ringload sweep</title><h1>Latency and throughput</h1>{svg}<pre>{text}</pre>"
    )
}

fn marks(report: &RunReport) -> Vec<(f64, String)> {
    let events = report.events.iter();
    events
        .map(|event| (event.t_s, event.text.clone()))
        .collect()
}

type Of = fn(&crate::report::SeriesRow) -> Option<f64>;

fn by_second(report: &RunReport, y: Axis, lines: &[(&str, Of)]) -> String {
    let line = |(name, of): &(&str, Of)| Line {
        name: (*name).to_owned(),
        points: report
            .series
            .iter()
            .filter_map(|row| Some((row.t_s, of(row)?)))
            .collect(),
    };
    Plot {
        x: Axis::linear("seconds", |s| format!("{s:.0}")),
        y,
        lines: lines.iter().map(line).collect(),
        marks: marks(report),
        dots: false,
    }
    .svg()
}

fn seconds(report: &RunReport) -> String {
    let lines: [(&str, Of); 4] = [
        ("p50", |row| row.p50_ns.map(|ns| ns as f64)),
        ("p99", |row| row.p99_ns.map(|ns| ns as f64)),
        ("p99.9", |row| row.p99_9_ns.map(|ns| ns as f64)),
        ("max", |row| row.max_ns.map(|ns| ns as f64)),
    ];
    by_second(report, Axis::log("response", duration), &lines)
}

fn rates(report: &RunReport) -> String {
    let lines: [(&str, Of); 3] = [
        ("offered", |row| Some(row.offered as f64)),
        ("answered", |row| Some(row.completed as f64)),
        ("failed", |row| Some(row.failed as f64)),
    ];
    by_second(report, Axis::linear("a second", rate), &lines)
}

/// By the share of requests beyond: each factor of ten as wide as the next.
fn spectrum(report: &RunReport) -> String {
    let line = |name: &str, summary: &crate::report::LatencySummary| Line {
        name: name.to_owned(),
        points: summary
            .spectrum
            .iter()
            .filter(|(percentile, _)| *percentile < 100.0)
            .map(|&(percentile, ns)| (1.0 / (1.0 - percentile / 100.0), ns as f64))
            .collect(),
    };
    let percentile = |beyond: f64| {
        let digits = (beyond.log10().round() - 2.0).max(0.0) as usize;
        format!("p{:.digits$}", 100.0 - 100.0 / beyond)
    };
    Plot {
        x: Axis::log("percentile", percentile),
        y: Axis::log("time", duration),
        lines: vec![
            line("response", &report.latency.response),
            line("service", &report.latency.service),
        ],
        marks: Vec::new(),
        dots: false,
    }
    .svg()
}

fn heat(report: &RunReport) -> String {
    let cells = report.series.iter().flat_map(|row| {
        let all: u64 = row.spread.iter().map(|(_, count)| count).sum();
        row.spread.iter().map(move |&(step, count)| {
            let at = 10_f64.powf(f64::from(step) / 8.0);
            (row.t_s - 1.0, at, count as f64 / all.max(1) as f64)
        })
    });
    let cells: Vec<(f64, f64, f64)> = cells.collect();
    plot::heat(&cells, duration)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_a_tag() {
        assert_eq!(escaped("<b> & </b>"), "&lt;b&gt; &amp; &lt;/b&gt;");
    }
}
