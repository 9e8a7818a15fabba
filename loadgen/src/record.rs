//! The run so far: windows in, phases decided, the report out.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use crate::attribution::Sources;
use crate::check::ledger::Fault;
use crate::check::report::{CheckCounts, CheckReport};
use crate::clock;
use crate::config::RunConfig;
use crate::faults::judge::Look;
use crate::live::{Interval, Observer, Progress};
use crate::marks::{MarkFile, Marks};
use crate::report::{EventMark, LatencySummary, SeriesRow, Steady, spread};
use crate::steady::Trend;
use crate::verdict::is_settled;
use crate::window::{Counts, WINDOW_NS, Window, histogram};

pub(crate) const WINDOWS_A_SECOND: u64 = 1_000_000_000 / WINDOW_NS;
/// Windows looked at to say that the load has settled.
const SETTLE_WINDOWS: usize = 16;

/// What is left of a window once it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    completed: u64,
    offered: u64,
    median_ns: Option<u64>,
    backlog: u64,
}

/// Processor times at one moment.
#[derive(Clone, Debug)]
pub(crate) struct CpuSample {
    at: u64,
    pub(crate) client_ns: u64,
    /// Of each source.
    pub(crate) servers_ns: Vec<Option<u64>>,
}

impl CpuSample {
    fn now(servers: &mut Sources) -> Self {
        Self {
            at: clock::now(),
            client_ns: clock::process_cpu(),
            servers_ns: servers.used_ns(),
        }
    }

    /// What each source used since an earlier sample, in ns.
    pub(crate) fn used_since(&self, earlier: &Self) -> Vec<Option<u64>> {
        let pairs = self.servers_ns.iter().zip(&earlier.servers_ns);
        pairs
            .map(|(now, then)| Some((*now)?.saturating_sub((*then)?)))
            .collect()
    }

    /// Nanoseconds since an earlier sample.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        self.at.saturating_sub(earlier.at).max(1) as f64
    }

    /// Processors the servers kept busy since an earlier sample.
    pub(crate) fn server_cpus_since(&self, earlier: &Self) -> Option<f64> {
        let used = all_of(&self.used_since(earlier))?;
        Some(used as f64 / self.since(earlier))
    }
}

/// The sum, if there are some and all are known.
pub(crate) fn all_of(used_ns: &[Option<u64>]) -> Option<u64> {
    let sum = used_ns.iter().copied().sum::<Option<u64>>();
    sum.filter(|_| !used_ns.is_empty())
}

/// What the last second is put together from: a window's counters and responses.
type Recent = (Counts, Histogram<u64>);

/// Everything kept of a run.
pub(crate) struct Record<'a> {
    pub(crate) config: &'a RunConfig,
    /// Names of the commands, in the order of their histograms.
    pub(crate) commands: Vec<String>,
    pub(crate) start: u64,
    pub(crate) start_unix_ms: u64,
    /// First window that is measured, once that is known.
    pub(crate) measure_from: Option<u64>,
    pub(crate) settled: bool,
    /// All measured windows and the drain after them.
    pub(crate) measured: Window,
    /// What the check found from the start on, and its report.
    pub(crate) check: CheckCounts,
    pub(crate) check_report: Option<CheckReport>,
    /// Counters of the measured windows without the drain.
    pub(crate) span: Counts,
    /// Processor time of the busiest worker of each measured window.
    pub(crate) busiest_ns: u64,
    /// Requests written since the start.
    pub(crate) sent: u64,
    pub(crate) points: Vec<Point>,
    /// Samples at the start and the end of the measured span.
    pub(crate) samples: [CpuSample; 2],
    /// Response of each of the last windows, for the live line and the series.
    recent: VecDeque<Recent>,
    /// Processor times at the ends of the last windows, one more than `recent` has.
    recent_samples: VecDeque<CpuSample>,
    windows: u64,
    failed: u64,
    backlog: u64,
    in_flight: u64,
    pub(crate) series: Vec<SeriesRow>,
    pub(crate) events: Vec<EventMark>,
    events_told: usize,
    mark_file: MarkFile,
    pub(crate) servers: Sources,
    /// Windows as the events are judged by, from where they can happen.
    pub(crate) looks: Vec<Look>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(
        config: &'a RunConfig,
        commands: Vec<String>,
        mut servers: Sources,
        start: u64,
    ) -> Self {
        let sample = CpuSample::now(&mut servers);
        let at_once = config.settle_seconds == 0.0 || config.requests.is_some() || config.varies();
        let start_unix_ms = clock::unix_ms() + start.saturating_sub(clock::now()) / 1_000_000;
        let measured = Window::new(config.endpoints.len(), commands.len());
        Self {
            config,
            commands,
            start,
            start_unix_ms,
            measure_from: at_once.then_some(0),
            settled: at_once,
            measured,
            check: CheckCounts::default(),
            check_report: None,
            span: Counts::default(),
            busiest_ns: 0,
            sent: 0,
            points: Vec::new(),
            samples: [sample.clone(), sample.clone()],
            recent: VecDeque::new(),
            recent_samples: VecDeque::from([sample]),
            windows: 0,
            failed: 0,
            backlog: 0,
            in_flight: 0,
            series: Vec::new(),
            events: Vec::new(),
            events_told: 0,
            mark_file: MarkFile::default(),
            servers,
            looks: Vec::new(),
        }
    }

    /// The first window after the measured span.
    pub(crate) fn stop_at(&self) -> Option<u64> {
        let seconds = self.config.seconds_max()?;
        Some(self.measure_from? + (seconds * WINDOWS_A_SECOND as f64).ceil() as u64)
    }

    /// Collects events.
    pub(crate) fn marks(&mut self, marks: &Marks) {
        if let Some(path) = &self.config.mark_file {
            self.mark_file.follow(path, marks);
        }
        for (unix_ms, text) in marks.take() {
            let t_s = (unix_ms as f64 - self.start_unix_ms as f64) / 1e3;
            self.events.push(EventMark { t_s, text });
        }
    }

    fn phase(&self, index: u64) -> &'static str {
        match (self.measure_from, self.stop_at()) {
            (_, Some(stop)) if index >= stop => "drain",
            (Some(from), _) if index >= from => "measure",
            _ => "settle",
        }
    }

    /// Counts window number `index`, whole.
    pub(crate) fn window(&mut self, index: u64, window: &Window) {
        let phase = self.phase(index);
        let sample = CpuSample::now(&mut self.servers);
        let response = self.response_of(window);
        self.windows = index + 1;
        self.sent += window.counts.sent;
        self.check.add(&window.check);
        self.failed += window.counts.failed();
        self.backlog = window.backlog;
        self.in_flight = window.in_flight;
        let median_ns = (!response.is_empty()).then(|| response.value_at_quantile(0.5));
        let point = Point {
            completed: window.counts.completed,
            offered: window.counts.offered,
            median_ns,
            backlog: window.backlog,
        };
        match phase {
            "measure" => {
                self.measured.add(window);
                self.span.add(&window.counts);
                self.busiest_ns += window.busiest_ns;
                self.points.push(point);
                self.samples[1] = sample.clone();
            }
            "drain" => self.measured.add(window),
            _ => {
                self.points.push(point);
                self.samples = [sample.clone(), sample.clone()];
            }
        }
        if phase != "settle" && !self.config.timeline.events.is_empty() {
            self.look(index, window, &response);
        }
        self.recent.push_back((window.counts, response));
        self.recent_samples.push_back(sample);
        if self.recent.len() as u64 > WINDOWS_A_SECOND {
            self.recent.pop_front();
            self.recent_samples.pop_front();
        }
        if self.windows / WINDOWS_A_SECOND > self.series.len() as u64 {
            self.row(index, phase);
            if self.measure_from.is_none() {
                self.look_if_settled(index);
            }
        }
    }

    fn look(&mut self, index: u64, window: &Window, response: &Histogram<u64>) {
        let start = index * WINDOW_NS;
        let beyond = self.config.timeline.objective.map_or(0, |objective| {
            response.len()
                - response
                    .count_between(0, objective.limit_ns)
                    .min(response.len())
        });
        let asked = window.backlog + window.in_flight > 0;
        let first_failure = window.first_failure;
        self.looks.push(Look {
            start_s: start as f64 / 1e9,
            end_s: (start + WINDOW_NS) as f64 / 1e9,
            count: response.len(),
            beyond,
            failed: window.counts.failed(),
            first_failure_s: (first_failure > 0)
                .then(|| first_failure.saturating_sub(self.start) as f64 / 1e9),
            silent: asked && window.counts.completed == 0,
            lost_writes: window.check.faults[Fault::Lost.index()],
        });
    }

    /// In closed loop the response is the service.
    fn response_parts<'w>(&self, window: &'w Window) -> &'w [Histogram<u64>] {
        let latencies = &window.latencies;
        if self.config.is_open() {
            &latencies.response
        } else {
            &latencies.service
        }
    }

    fn response_of(&self, window: &Window) -> Histogram<u64> {
        sum(self.response_parts(window))
    }

    /// Shows window number `index`, counted just before, to an observer.
    pub(crate) fn show(&self, index: u64, window: &Window, observer: &mut dyn Observer) {
        let Some((_, response)) = self.recent.back() else {
            return;
        };
        let parts = self.commands.iter().zip(self.response_parts(window));
        let commands: Vec<_> = parts
            .filter(|(_, histogram)| !histogram.is_empty())
            .map(|(name, histogram)| (name.as_str(), histogram))
            .collect();
        let start = self.start + index * WINDOW_NS;
        observer.interval(&Interval {
            phase: self.phase(index),
            start_s: (index * WINDOW_NS) as f64 / 1e9,
            seconds: window.ended.saturating_sub(start) as f64 / 1e9,
            load_start_unix_ms: self.start_unix_ms,
            failed: window.counts.failed(),
            response,
            commands: &commands,
        });
    }

    fn row(&mut self, index: u64, phase: &str) {
        let (counts, response) = self.last_second();
        let summary = LatencySummary::of(&response);
        self.series.push(SeriesRow {
            t_s: (index + 1) as f64 / WINDOWS_A_SECOND as f64,
            phase: phase.to_owned(),
            offered: counts.offered,
            completed: counts.completed,
            failed: counts.failed(),
            p50_ns: summary.p50_ns,
            p99_ns: summary.p99_ns,
            p99_9_ns: summary.p99_9_ns,
            max_ns: summary.max_ns,
            spread: spread(&response),
            backlog: self.backlog,
            in_flight: self.in_flight,
            client_cpus: counts.cpu_ns as f64 / 1e9,
            server_cpus: self.recent_server_cpus(),
        });
    }

    fn last_second(&self) -> (Counts, Histogram<u64>) {
        let mut counts = Counts::default();
        let mut response = histogram();
        for (more, latencies) in &self.recent {
            counts.add(more);
            response
                .add(latencies)
                .expect("all histograms have the same bounds");
        }
        (counts, response)
    }

    fn recent_server_cpus(&self) -> Option<f64> {
        let (first, last) = (self.recent_samples.front()?, self.recent_samples.back()?);
        last.server_cpus_since(first)
    }

    fn look_if_settled(&mut self, index: u64) {
        let seconds = (index + 1) as f64 / WINDOWS_A_SECOND as f64;
        if seconds < self.config.settle_seconds {
            return;
        }
        let recent = &self.points[self.points.len().saturating_sub(SETTLE_WINDOWS)..];
        let steady = steadiness(recent, true);
        let offered: u64 = recent.iter().map(|point| point.offered).sum();
        let rate = offered as f64 * WINDOWS_A_SECOND as f64 / recent.len().max(1) as f64;
        self.settled = is_settled(&steady, rate);
        if self.settled || seconds >= self.config.settle_seconds_max {
            self.measure_from = Some(index + 1);
            self.points.clear();
        }
    }

    /// How it goes.
    pub(crate) fn progress(&mut self) -> Progress {
        let (counts, response) = self.last_second();
        let summary = LatencySummary::of(&response);
        let seconds = self.recent.len() as f64 / WINDOWS_A_SECOND as f64;
        let events = self.events[self.events_told..]
            .iter()
            .map(|event| event.text.clone());
        let events: Vec<String> = events.collect();
        self.events_told = self.events.len();
        let left = |stop: u64| stop.saturating_sub(self.windows) as f64 / WINDOWS_A_SECOND as f64;
        Progress {
            phase: self.phase(self.windows - 1),
            windows: self.windows,
            left_s: self.stop_at().map(left),
            offered_per_s: counts.offered as f64 / seconds,
            achieved_per_s: counts.completed as f64 / seconds,
            failed: self.failed,
            p50_ns: summary.p50_ns,
            p99_ns: summary.p99_ns,
            p99_9_ns: summary.p99_9_ns,
            max_ns: summary.max_ns,
            backlog: self.backlog,
            client_cpus: counts.cpu_ns as f64 / 1e9 / seconds,
            server_cpus: self.recent_server_cpus(),
            events,
        }
    }
}

pub(crate) fn sum(parts: &[Histogram<u64>]) -> Histogram<u64> {
    let mut sum = histogram();
    for part in parts {
        sum.add(part).expect("all histograms have the same bounds");
    }
    sum
}

pub(crate) fn steadiness(points: &[Point], settled: bool) -> Steady {
    let series = |of: fn(&Point) -> Option<f64>| {
        Trend::of(&points.iter().filter_map(of).collect::<Vec<f64>>())
    };
    Steady {
        settled,
        throughput: series(|point| Some(point.completed as f64)),
        median: series(|point| point.median_ns.map(|ns| ns as f64)),
        backlog: series(|point| Some(point.backlog as f64)),
        backlog_last: points.last().map_or(0, |point| point.backlog),
    }
}
