//! What a run found, as one value: the same for the table, the JSON and a caller in process.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::check::report::CheckReport;
use crate::config::RunConfig;
use crate::faults::FaultReport;
use crate::preload::PreloadReport;
use crate::procfs::Host;
use crate::steady::Trend;
use crate::verdict::Verdict;
use crate::window::FailureClass;

/// Counts up with each change that a reader of the JSON must know of.
pub const SCHEMA_VERSION: u32 = 2;

/// One run, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the load generator.
    pub tool_version: String,
    /// May these numbers be used?
    pub verdict: Verdict,
    /// `open` or `closed`.
    pub load_loop: String,
    /// What the latencies mean, in words.
    pub statement: String,
    /// What is approximated in the load, and what else a reader must know of it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the preload wrote and read back.
    #[serde(default)]
    pub preload: Option<PreloadReport>,
    /// The command that repeats the run.
    pub command: String,
    /// What was asked for, the seed included.
    pub config: RunConfig,
    /// The client's machine.
    pub host: Host,
    /// When the load started, ms since 1970.
    pub started_unix_ms: u64,
    /// Parts of the run in seconds.
    pub span: Span,
    /// Requests of the measured span and the drain after it.
    pub totals: Totals,
    /// Latencies of all commands.
    pub latency: Latency,
    /// Rows by command.
    pub commands: Vec<CommandReport>,
    /// Rows by endpoint.
    pub endpoints: Vec<EndpointReport>,
    /// Rows by node or process of the server, where some are named.
    pub servers: Vec<ServerReport>,
    /// Failures by class.
    pub failures: Vec<FailureClass>,
    /// What `--check` found.
    #[serde(default)]
    pub check: Option<CheckReport>,
    /// Processor time and system calls.
    pub cost: Cost,
    /// Was it steady?
    pub steady: Steady,
    /// One row a second from the start of the load, settling included.
    pub series: Vec<SeriesRow>,
    /// What happened meanwhile.
    pub events: Vec<EventMark>,
    /// What the timeline's events did.
    pub faults: Vec<FaultReport>,
}

/// Parts of the run in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// Load before measuring.
    pub settle_s: f64,
    /// Measured.
    pub measured_s: f64,
}

/// Requests, counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Arrivals whose time came, or in closed loop requests written, within the measured span.
    pub offered: u64,
    /// Those a second.
    pub offered_per_s: f64,
    /// Answered within the measured span.
    pub completed: u64,
    /// Those a second.
    pub achieved_per_s: f64,
    /// Requests without a right answer, the drain included: the next four together.
    pub failed: u64,
    /// Answered with an error.
    pub error_replies: u64,
    /// Answered wrongly.
    pub wrong: u64,
    /// Lost with their connection.
    pub lost: u64,
    /// Given up after the timeout.
    pub timeouts: u64,
    /// Neither answered nor failed when the run ended, sent or not.
    pub unfinished: u64,
    /// Requests that had to wait because every connection was full.
    pub waited: u64,
    /// GETs answered with a value.
    pub hits: u64,
    /// GETs answered with nil.
    pub misses: u64,
    /// Hits of all GETs answered.
    pub hit_ratio: Option<f64>,
    /// Requests that a cluster sent elsewhere, which then took longer.
    #[serde(default)]
    pub redirects: u64,
    /// Connections that broke.
    pub disconnects: u64,
    /// Attempts to connect again that failed.
    pub connect_failures: u64,
    /// Bytes written a second.
    pub bytes_out_per_s: f64,
    /// Bytes read a second.
    pub bytes_in_per_s: f64,
    /// Times the tape of drawn requests was begun (1: never replayed), at most.
    pub tape_rounds: u64,
}

/// The three times of a request. One that was lost, timed out or unfinished counts with the age
/// it had then: it took at least that long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Intended time to reply parsed; in closed loop the same as `service`.
    pub response: LatencySummary,
    /// Write to reply parsed.
    pub service: LatencySummary,
    /// Intended time to write; none in closed loop.
    pub lag: Option<LatencySummary>,
}

/// A histogram's figures in ns; none where nothing was recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Requests recorded.
    pub count: u64,
    /// The shortest.
    pub min_ns: Option<u64>,
    /// The mean.
    pub mean_ns: Option<f64>,
    /// Half took no longer.
    pub p50_ns: Option<u64>,
    /// Nine in ten took no longer.
    pub p90_ns: Option<u64>,
    /// 99 in a hundred.
    pub p99_ns: Option<u64>,
    /// 999 in a thousand.
    pub p99_9_ns: Option<u64>,
    /// 9,999 in ten thousand.
    pub p99_99_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
    /// The highest percentile with at least ten samples beyond it.
    pub percentile_trusted_max: f64,
    /// (percentile, ns) pairs, each halving what lies beyond.
    pub spectrum: Vec<(f64, u64)>,
}

impl LatencySummary {
    /// The figures of a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let count = histogram.len();
        if count == 0 {
            return Self::default();
        }
        let at = |percentile: f64| Some(histogram.value_at_quantile(percentile / 100.0));
        Self {
            count,
            min_ns: Some(histogram.min()),
            mean_ns: Some(histogram.mean()),
            p50_ns: at(50.0),
            p90_ns: at(90.0),
            p99_ns: at(99.0),
            p99_9_ns: at(99.9),
            p99_99_ns: at(99.99),
            max_ns: Some(histogram.max()),
            percentile_trusted_max: (100.0 * (1.0 - 10.0 / count as f64)).max(0.0),
            spectrum: spectrum(histogram),
        }
    }
}

/// How many values there are in each step, of which eight make a factor of ten.
pub(crate) fn spread(histogram: &Histogram<u64>) -> Vec<(u32, u64)> {
    let mut spread: Vec<(u32, u64)> = Vec::new();
    for value in histogram.iter_recorded() {
        let ns = value.value_iterated_to().max(1) as f64;
        let step = (8.0 * ns.log10()) as u32;
        match spread.last_mut() {
            Some((last, count)) if *last == step => *count += value.count_at_value(),
            _ => spread.push((step, value.count_at_value())),
        }
    }
    spread
}

fn spectrum(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    let mut points = vec![(0.0, histogram.min())];
    let mut beyond = 1.0;
    while beyond * histogram.len() as f64 >= 1.0 {
        for part in [1.0, 0.75] {
            let quantile = 1.0 - beyond / 2.0 * part;
            points.push((100.0 * quantile, histogram.value_at_quantile(quantile)));
        }
        beyond /= 2.0;
    }
    points.push((100.0, histogram.max()));
    points
}

/// One command's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommandReport {
    /// Its name.
    pub name: String,
    /// Requests recorded a second.
    pub per_s: f64,
    /// As in [`Latency`].
    pub response: LatencySummary,
    /// As in [`Latency`].
    pub service: LatencySummary,
}

/// One endpoint's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndpointReport {
    /// `host:port`.
    pub endpoint: String,
    /// Requests answered.
    pub completed: u64,
    /// Requests without a right answer.
    pub failed: u64,
    /// Connections that broke.
    pub disconnects: u64,
    /// Mean of write to reply.
    pub service_mean_ns: Option<f64>,
    /// Longest of write to reply.
    pub service_max_ns: Option<u64>,
    /// Its responses.
    pub response: LatencySummary,
    /// What it says of its processor time, for one of its requests.
    pub server_cpu_ns_per_request: Option<f64>,
}

/// One node or process of the server. A node may work for requests that others were asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerReport {
    /// Its name.
    pub name: String,
    /// Processors it kept busy.
    pub cpus: Option<f64>,
    /// Its processor time for one request of the whole load.
    pub cpu_ns_per_request: Option<f64>,
}

/// Processor time and system calls of the measured span.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// The workers' processor time a request.
    pub client_cpu_ns_per_request: Option<f64>,
    /// The whole client process's.
    pub client_process_cpu_ns_per_request: Option<f64>,
    /// The server processes', where their ids were given.
    pub server_cpu_ns_per_request: Option<f64>,
    /// Processors the server processes kept busy.
    pub server_cpus: Option<f64>,
    /// Processors the busiest of them kept busy.
    pub server_cpus_max: Option<f64>,
    /// Busiest worker's processor time as a share of wall time.
    pub worker_busy_max: f64,
    /// Share of the workers' time that they waited for a processor.
    pub runqueue_share: f64,
    /// System calls of the load a request.
    pub system_calls_per_request: Option<f64>,
    /// Waits for events a request.
    pub polls_per_request: Option<f64>,
    /// Reads a request.
    pub reads_per_request: Option<f64>,
    /// Writes a request.
    pub writes_per_request: Option<f64>,
    /// Timers set a request.
    pub timers_per_request: Option<f64>,
}

/// The tests for steadiness.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Steady {
    /// True if the load settled before it was measured (or was not asked to).
    pub settled: bool,
    /// Trend of the measured windows' completions.
    pub throughput: Trend,
    /// Trend of their median latencies.
    pub median: Trend,
    /// Trend of their backlogs.
    pub backlog: Trend,
    /// Requests due but not sent at the end of the measured span.
    pub backlog_last: u64,
}

/// One second.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SeriesRow {
    /// End of the second since the start of the load.
    pub t_s: f64,
    /// `settle`, `measure` or `drain`.
    pub phase: String,
    /// Arrivals whose time came.
    pub offered: u64,
    /// Requests answered.
    pub completed: u64,
    /// Requests without a right answer.
    pub failed: u64,
    /// Median response.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the response.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile of the response.
    pub p99_9_ns: Option<u64>,
    /// Longest response.
    pub max_ns: Option<u64>,
    /// Responses by their size, as (step, how many): step k is from 10^(k / 8) ns on.
    pub spread: Vec<(u32, u64)>,
    /// Arrivals due and not sent, at the end.
    pub backlog: u64,
    /// Requests unanswered, at the end.
    pub in_flight: u64,
    /// Processors the client's workers kept busy.
    pub client_cpus: f64,
    /// Processors the server processes kept busy.
    pub server_cpus: Option<f64>,
}

/// Something that happened during the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventMark {
    /// Seconds since the start of the load.
    pub t_s: f64,
    /// What it was.
    pub text: String,
}
