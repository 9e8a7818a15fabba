//! Modes made of several runs: each is a list of slices, what they came to, and a judgement.

pub mod ab;
pub mod calibrate;
pub mod seek;
pub mod sweep;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::live::{Both, Interval, Observer};
use crate::marks::Marks;
use crate::procfs::Host;
use crate::report::{RunReport, SCHEMA_VERSION};
use crate::run::{RunError, run};
use crate::window::histogram;

/// Sees slices of a mode, each a run of its own.
pub trait Slices: Observer {
    /// A slice begins.
    fn slice(&mut self, _title: &str) {}

    /// It came to this.
    fn came_to(&mut self, _text: &str) {}
}

/// Keeps the measured responses of a run.
#[derive(Debug)]
struct Kept {
    all: Histogram<u64>,
    windows: Vec<Histogram<u64>>,
    failed: Vec<u64>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            all: histogram(),
            windows: Vec::new(),
            failed: Vec::new(),
        }
    }
}

impl Observer for Kept {
    fn interval(&mut self, interval: &Interval<'_>) {
        if interval.phase == "settle" || interval.response.is_empty() && interval.failed == 0 {
            return;
        }
        self.all
            .add(interval.response)
            .expect("all histograms have the same bounds");
        self.windows.push(interval.response.clone());
        self.failed.push(interval.failed);
    }
}

/// One slice, with its responses beside its report. Only the first slice of a mode preloads.
fn slice(
    config: &RunConfig,
    title: &str,
    observer: &mut dyn Slices,
) -> Result<(RunReport, Kept), RunError> {
    observer.slice(title);
    let mut kept = Kept::default();
    let mut shown = Shown(observer);
    let report = run(config, &Marks::default(), &mut Both(&mut shown, &mut kept))?;
    Ok((report, kept))
}

/// An observer of slices as one of a run.
struct Shown<'a>(&'a mut dyn Slices);

impl Observer for Shown<'_> {
    fn preloading(&mut self, keys: u64) {
        self.0.preloading(keys);
    }

    fn progress(&mut self, progress: &crate::live::Progress) {
        self.0.progress(progress);
    }

    fn interval(&mut self, interval: &Interval<'_>) {
        self.0.interval(interval);
    }
}

/// What the reports of all modes begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Heading {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the load generator.
    pub tool_version: String,
    /// The mode.
    pub mode: String,
    /// The command that repeats it.
    pub command: String,
    /// The client's machine.
    pub host: Host,
    /// The load; what the mode sets itself is as it was given.
    pub config: RunConfig,
}

impl Heading {
    /// `words` are the mode and its own flags.
    fn of(words: &str, config: &RunConfig) -> Self {
        let mode = words.split(' ').next().unwrap_or_default();
        Self {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: mode.to_owned(),
            command: config.command_line().replacen("run", words, 1),
            host: Host::here(),
            config: config.clone(),
        }
    }
}
