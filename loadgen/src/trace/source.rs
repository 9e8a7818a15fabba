//! The tape a run replays: the one it was given, or one made of the text it was given.

use std::path::{Path, PathBuf};

use crate::config::RunConfig;
use crate::schedule::Schedule;
use crate::trace::convert::is_tape;
use crate::trace::feed::{Feed, Share};
use crate::trace::file::{TapeEnd, TapeReader};
use crate::trace::{TraceError, TracePace, convert};
use crate::value::Values;
use crate::worker::replay::{Pace, Replay};

/// A tape on disk; one that was made for this run is gone with it.
#[derive(Debug)]
pub(crate) struct Source {
    tape: PathBuf,
    made: bool,
    pace: TracePace,
    /// Names of its commands.
    pub(crate) names: Vec<String>,
    /// What a reader of the result must know of it.
    pub(crate) note: String,
}

impl Source {
    /// The tape of a configuration, if it has one.
    pub(crate) fn of(config: &RunConfig) -> Result<Option<Self>, TraceError> {
        let Some(trace) = &config.trace else {
            return Ok(None);
        };
        let made = !is_tape(&trace.file)?;
        let mut source = Self {
            tape: trace.file.clone(),
            made: false,
            pace: trace.pace,
            names: Vec::new(),
            note: String::new(),
        };
        if made {
            let name = format!("ringload-{}-{}.tape", std::process::id(), config.seed);
            source.tape = std::env::temp_dir().join(name);
            source.made = true;
            convert(&trace.file, &source.tape)?;
        }
        let (_, end) = TapeReader::open(&source.tape)?;
        source.note = note(&trace.file, &end);
        source.names = end.names;
        Ok(Some(source))
    }

    /// One worker's part in it; `connections` are numbers among all of the run.
    pub(crate) fn replay(
        &self,
        config: &RunConfig,
        worker: u32,
        connections: std::ops::Range<u32>,
    ) -> Result<Replay, TraceError> {
        let share = Share {
            first: connections.start,
            end: connections.end,
            connections: config.connections,
        };
        let feed = Feed::open(&self.tape, share, Values::new(config.size.clone()))?;
        let pace = match (config.rate, self.pace) {
            (Some(rate), _) => {
                let phase = f64::from(worker) / f64::from(config.workers);
                Pace::Scheduled(Schedule::draw(config, rate, worker), phase)
            }
            (None, TracePace::Recorded(speed)) => Pace::Recorded(speed),
            (None, TracePace::Free) => Pace::Free,
        };
        Ok(Replay::new(feed, pace, connections.len()))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.made {
            // What can't be removed is in the system's folder for such files.
            std::fs::remove_file(&self.tape).ok();
        }
    }
}

fn note(file: &Path, end: &TapeEnd) -> String {
    let checked = if end.mutates {
        "values read are counted and not compared, as the trace changes them in place"
    } else {
        "values read are compared with what was written, but for their length"
    };
    format!(
        "trace {}: {} requests of {} clients over {:.3} s; each client keeps its order and its \
         connection; {checked}",
        file.display(),
        end.count,
        end.clients,
        end.span_ns as f64 / 1e9,
    )
}
