//! One load from configuration to report: starts the workers and decides what is measured.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use crate::attribution::Sources;
use crate::check::audit::audit;
use crate::check::checker::Checker;
use crate::check::readback::ReadBack;
use crate::check::report::{CheckCounts, CheckReport};
use crate::clock;
use crate::config::{ConfigError, RunConfig};
use crate::crew::{Cluster, Common, Crew, Merger, connect};
use crate::dial::{DialError, Dialer};
use crate::encode::Encoder;
use crate::faults::act::{Cast, Stage};
use crate::live::Observer;
use crate::marks::Marks;
use crate::preload::{Preload, PreloadError, PreloadReport, preload};
use crate::random::mix;
use crate::record::Record;
use crate::remote::{Fleet, HostFailure};
use crate::report::RunReport;
use crate::tls::TlsError;
use crate::trace::TraceError;
use crate::trace::source::Source;
use crate::window::{WINDOW_NS, Window};

/// From the last thread's start to the first request.
const LEAD_NS: u64 = 20_000_000;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An endpoint does not answer.
    #[error("cannot connect to {endpoint}: {error}")]
    Connect {
        /// `host:port`.
        endpoint: String,
        /// What the system says, or the server.
        error: DialError,
    },
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys could not be written.
    #[error("preload: {0}")]
    Preload(#[from] PreloadError),
    /// A worker on another host failed.
    #[error(transparent)]
    Host(#[from] HostFailure),
    /// The trace can't be replayed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The client itself failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A worker ended without its last window.
    #[error("a worker ended early")]
    Worker,
}

/// Runs one load. `marks` may be told of events meanwhile, `observer` sees its progress.
pub fn run(
    config: &RunConfig,
    marks: &Marks,
    observer: &mut dyn Observer,
) -> Result<RunReport, RunError> {
    config.check()?;
    let mut config = named(config);
    let encoder = Encoder::new(&config)?;
    let cast = Arc::new(Cast::gather(&config.timeline.nodes, &config.endpoints)?);
    let dialer = Arc::new(Dialer::new(&config.link)?);
    let cluster = Cluster::find(&config, &dialer)?.map(|(cluster, nodes)| {
        config.to_mut().endpoints = nodes;
        cluster
    });
    let sources = Sources::of(&config, &cast, &dialer);
    let mut checker = config
        .check
        .as_ref()
        .map(|check| Checker::of_run(&config, check, &encoder, &(0..config.workers)));
    let (mut preloaded, mut preloaded_since) = (None, None);
    if config.preload {
        let begun = clock::now();
        observer.preloading(config.keys.count);
        let nodes = cluster.as_ref().map_or(1, |cluster| cluster.masters);
        for (number, endpoint) in config.endpoints[..nodes].iter().enumerate() {
            let mut client = connect(&dialer, endpoint)?;
            let work = Preload {
                config: &config,
                encoder: &encoder,
                checker: checker.as_ref(),
                node: (cluster.as_ref()).map(|cluster| (&*cluster.map, number as u16)),
            };
            let report = preload(&mut client, &work)?;
            preloaded = Some(preloaded.map_or(report, |sum: PreloadReport| sum.add(report)));
        }
        preloaded_since = Some(begun);
        if let Some(checker) = &mut checker {
            checker.preloaded_since(begun);
        }
    }
    let source = Source::of(&config)?;
    let commands = &encoder.commands().all;
    let names = match &source {
        Some(source) => source.names.clone(),
        None => commands.iter().map(|c| c.name.clone()).collect(),
    };
    let common = Common {
        config: &config,
        encoder: &encoder,
        dialer,
        checker: checker.map(Arc::new),
        source,
        cluster,
    };
    let mut crew = if config.fleet.hosts.is_empty() {
        Crew::prepare(&common, 0..config.workers)?
    } else {
        Crew::elsewhere(Fleet::prepare(&config, preloaded_since)?)
    };
    let start = crew.begin(clock::now() + LEAD_NS)?;
    let record = Record::new(&config, names, sources, start);
    let conductor = Conductor {
        common: &common,
        marks,
        observer,
        record,
        crew,
        cast,
        stage: None,
    };
    let mut report = conductor.conduct()?;
    report.preload = preloaded;
    let note = common.source.as_ref().map(|source| source.note.clone());
    report.notes.extend(note);
    Ok(report)
}

/// Gives a run that is checked a number of its own, unless it has one.
fn named(config: &RunConfig) -> Cow<'_, RunConfig> {
    match &config.check {
        Some(check) if check.run == 0 => {
            let mut config = config.clone();
            let word = mix(clock::unix_ms() ^ mix(config.seed ^ clock::now()));
            if let Some(check) = &mut config.check {
                check.run = (word as u32).max(1);
            }
            Cow::Owned(config)
        }
        _ => Cow::Borrowed(config),
    }
}

/// Puts the workers' windows together in order, and says when it is enough.
struct Conductor<'a> {
    common: &'a Common<'a>,
    marks: &'a Marks,
    observer: &'a mut dyn Observer,
    record: Record<'a>,
    crew: Crew,
    cast: Arc<Cast>,
    /// Where the timeline's events happen, once measuring begins.
    stage: Option<Stage>,
}

impl Conductor<'_> {
    fn conduct(mut self) -> Result<RunReport, RunError> {
        let mut merger = Merger::new(self.crew.sources());
        while !merger.is_over() {
            let (source, window) = self.crew.receive()?;
            let spare = merger.add(source, window);
            self.crew.recycle(source, spare);
            while let Some((index, window)) = merger.complete() {
                self.window(index, &window)?;
            }
        }
        self.record.check_report = match (self.crew.join(), &self.common.checker) {
            (Some(elsewhere), _) => Some(elsewhere),
            (None, Some(checker)) => Some(checked(self.common, checker, &self.record.check)),
            (None, None) => None,
        };
        let done = self.stage.map_or_else(Vec::new, Stage::close);
        self.record.marks(self.marks);
        Ok(self.record.report(&done))
    }

    /// One window of all workers together.
    fn window(&mut self, index: u64, window: &Window) -> Result<(), RunError> {
        self.record.marks(self.marks);
        self.record.window(index, window);
        if let Some(stop_at) = self.record.stop_at() {
            self.crew.stop(stop_at);
        }
        self.record.show(index, window, self.observer);
        if self.stage.is_none() {
            self.open_stage()?;
        }
        self.observer.progress(&self.record.progress());
        Ok(())
    }

    /// The timeline counts from where measuring begins.
    fn open_stage(&mut self) -> Result<(), RunError> {
        let timeline = &self.common.config.timeline;
        let begins = self.record.measure_from;
        if let Some(first) = begins.filter(|_| !timeline.events.is_empty()) {
            let start = self.record.start;
            let times = (start + first * WINDOW_NS, start);
            self.stage = Some(Stage::open(timeline, &self.cast, self.marks, times)?);
        }
        Ok(())
    }
}

/// Reads every key that was written here once more, and judges all that was seen.
pub(crate) fn checked(common: &Common<'_>, checker: &Checker, load: &CheckCounts) -> CheckReport {
    let mut reader = ReadBack::new(common, checker);
    let (counts, unread) = audit(checker, &mut reader);
    CheckReport {
        keys_unread: unread,
        ..checker.report(load, &counts)
    }
}
