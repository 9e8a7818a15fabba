//! How a run looks while it goes on.

use std::io::{IsTerminal, Write};

use hdrhistogram::Histogram;
use rustix::termios::tcgetwinsize;

use crate::modes::Slices;
use crate::table::{duration, rate};

/// What can be said of a run under way, four times a second.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// `settle`, `measure` or `drain`.
    pub phase: &'static str,
    /// Windows of a quarter of a second since the start.
    pub windows: u64,
    /// Seconds left of the phase, where that is known.
    pub left_s: Option<f64>,
    /// Arrivals a second, in the last second.
    pub offered_per_s: f64,
    /// Answers a second.
    pub achieved_per_s: f64,
    /// Requests without a right answer since the start.
    pub failed: u64,
    /// Median response of the last second.
    pub p50_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    pub p99_9_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
    /// Arrivals due and not sent.
    pub backlog: u64,
    /// Processors the workers keep busy.
    pub client_cpus: f64,
    /// Processors the server keeps busy.
    pub server_cpus: Option<f64>,
    /// Events seen since the last call.
    pub events: Vec<String>,
}

/// A window of all workers together, a quarter of a second or, the last, less.
#[derive(Clone, Copy, Debug)]
pub struct Interval<'a> {
    /// `settle`, `measure` or `drain`.
    pub phase: &'static str,
    /// Its start since the start of the load.
    pub start_s: f64,
    /// Its length.
    pub seconds: f64,
    /// The start of the load, ms since 1970.
    pub load_start_unix_ms: u64,
    /// Requests that ended without a right answer.
    pub failed: u64,
    /// Responses of all commands, in closed loop the same as services.
    pub response: &'a Histogram<u64>,
    /// Responses of each command that has any.
    pub commands: &'a [(&'a str, &'a Histogram<u64>)],
}

/// Sees a run's progress.
pub trait Observer {
    /// Keys are being written.
    fn preloading(&mut self, _keys: u64) {}

    /// A window is over.
    fn progress(&mut self, _progress: &Progress) {}

    /// The same window's latencies.
    fn interval(&mut self, _interval: &Interval<'_>) {}
}

/// Two observers of one run.
pub struct Both<'a>(pub &'a mut dyn Observer, pub &'a mut dyn Observer);

impl Observer for Both<'_> {
    fn preloading(&mut self, keys: u64) {
        self.0.preloading(keys);
        self.1.preloading(keys);
    }

    fn progress(&mut self, progress: &Progress) {
        self.0.progress(progress);
        self.1.progress(progress);
    }

    fn interval(&mut self, interval: &Interval<'_>) {
        self.0.interval(interval);
        self.1.interval(interval);
    }
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Observer for Quiet {}

impl Slices for Quiet {}

/// A line on standard error: redrawn at 4 Hz on a terminal, a plain one a second otherwise.
#[derive(Debug)]
pub struct LiveLine {
    terminal: bool,
    /// The slice under way.
    title: String,
}

impl Default for LiveLine {
    fn default() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            title: String::new(),
        }
    }
}

impl LiveLine {
    /// Leaves the line as it stands.
    pub fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}

impl Observer for LiveLine {
    fn preloading(&mut self, keys: u64) {
        eprintln!("preload: {keys} keys");
    }

    fn progress(&mut self, progress: &Progress) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        for event in &progress.events {
            eprintln!("{clear}event: {event}");
        }
        let line = format!("{}{}", self.title, line(progress));
        if self.terminal {
            // A line that wraps could not be redrawn.
            let width = tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
            let end = line
                .char_indices()
                .nth(width.saturating_sub(1))
                .map_or(line.len(), |c| c.0);
            eprint!("{clear}{}", &line[..end]);
            // A terminal that is gone is no reason to stop.
            std::io::stderr().flush().ok();
        } else if progress.windows.is_multiple_of(4) {
            eprintln!("{line}");
        }
    }
}

impl Slices for LiveLine {
    fn slice(&mut self, title: &str) {
        self.title = format!("{title}: ");
    }

    fn came_to(&mut self, text: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        eprintln!("{clear}{text}");
    }
}

fn line(progress: &Progress) -> String {
    let seconds = progress.windows as f64 / 4.0;
    let left = progress
        .left_s
        .map_or(String::new(), |left| format!(" -{left:.0}s"));
    let time = |ns: Option<u64>| ns.map_or_else(|| "-".into(), |ns| duration(ns as f64));
    let server = progress
        .server_cpus
        .map_or(String::new(), |cpus| format!("+{:.0}%", 100.0 * cpus));
    format!(
        "{seconds:.2}s {}{left} {} of {}/s, {} failed, p50 {} p99 {} p99.9 {} max {}, \
         backlog {}, cpu {:.0}%{server}",
        progress.phase,
        rate(progress.achieved_per_s),
        rate(progress.offered_per_s),
        progress.failed,
        time(progress.p50_ns),
        time(progress.p99_ns),
        time(progress.p99_9_ns),
        time(progress.max_ns),
        progress.backlog,
        100.0 * progress.client_cpus,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_unknown() {
        let progress = Progress {
            phase: "settle",
            windows: 2,
            ..Progress::default()
        };
        let line = line(&progress);
        assert!(
            line.starts_with("0.50s settle 0 of 0/s, 0 failed, p50 - p99 - "),
            "{line}"
        );
    }
}
