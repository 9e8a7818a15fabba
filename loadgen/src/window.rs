//! What a worker measured in a quarter of a second, handed whole to the conductor and recycled.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::check::report::CheckCounts;

/// Nanoseconds of a window.
pub(crate) const WINDOW_NS: u64 = 250_000_000;

/// Longest latency told apart, in ns; longer ones count as this.
pub(crate) const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// An empty histogram of 1 ns to 60 s with three significant digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3)
        .expect("bounds and digits are constants in range")
}

/// Plain counters; all add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Arrivals whose time came (open loop) or requests written (closed loop).
    pub(crate) offered: u64,
    /// Requests written.
    pub(crate) sent: u64,
    /// Requests answered, rightly or not.
    pub(crate) completed: u64,
    /// GETs answered with the key's value.
    pub(crate) hits: u64,
    /// GETs answered with nil.
    pub(crate) misses: u64,
    /// Requests answered with an error.
    pub(crate) error_replies: u64,
    /// Answers that are wrong: another key's value, another length, another type, no protocol.
    pub(crate) wrong: u64,
    /// Requests lost with a broken connection.
    pub(crate) lost: u64,
    /// Requests unanswered for longer than the timeout.
    pub(crate) timeouts: u64,
    /// Requests unanswered, or never sent, when the run ended.
    pub(crate) unfinished: u64,
    /// Requests that waited because every connection was full.
    pub(crate) waited: u64,
    /// Requests that a cluster sent elsewhere.
    pub(crate) redirects: u64,
    /// Connections that broke.
    pub(crate) disconnects: u64,
    /// Attempts to connect again that failed.
    pub(crate) connect_failures: u64,
    /// Bytes written.
    pub(crate) bytes_out: u64,
    /// Bytes read.
    pub(crate) bytes_in: u64,
    /// Waits for events.
    pub(crate) polls: u64,
    /// Reads from sockets.
    pub(crate) reads: u64,
    /// Writes to sockets.
    pub(crate) writes: u64,
    /// Timers set.
    pub(crate) timers: u64,
    /// Processor time of the worker's thread, in ns.
    pub(crate) cpu_ns: u64,
    /// Time the worker's thread was ready but had no processor, in ns.
    pub(crate) runqueue_ns: u64,
}

impl Counts {
    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.offered, other.offered),
            (&mut self.sent, other.sent),
            (&mut self.completed, other.completed),
            (&mut self.hits, other.hits),
            (&mut self.misses, other.misses),
            (&mut self.error_replies, other.error_replies),
            (&mut self.wrong, other.wrong),
            (&mut self.lost, other.lost),
            (&mut self.timeouts, other.timeouts),
            (&mut self.unfinished, other.unfinished),
            (&mut self.waited, other.waited),
            (&mut self.redirects, other.redirects),
            (&mut self.disconnects, other.disconnects),
            (&mut self.connect_failures, other.connect_failures),
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.polls, other.polls),
            (&mut self.reads, other.reads),
            (&mut self.writes, other.writes),
            (&mut self.timers, other.timers),
            (&mut self.cpu_ns, other.cpu_ns),
            (&mut self.runqueue_ns, other.runqueue_ns),
        ];
        for (sum, more) in pairs {
            *sum += more;
        }
    }

    /// Requests without a right answer.
    pub(crate) fn failed(&self) -> u64 {
        self.error_replies + self.wrong + self.lost + self.timeouts
    }

    /// System calls of the load itself.
    pub(crate) fn system_calls(&self) -> u64 {
        self.polls + self.reads + self.writes + self.timers
    }
}

/// What came of one endpoint's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndpointCounts {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) disconnects: u64,
    pub(crate) service_ns_sum: u64,
    pub(crate) service_ns_max: u64,
}

impl EndpointCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.disconnects += other.disconnects;
        self.service_ns_sum += other.service_ns_sum;
        self.service_ns_max = self.service_ns_max.max(other.service_ns_max);
    }
}

/// One class of failures: an error reply's first word, or how a connection broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureClass {
    /// What they have in common.
    pub class: String,
    /// How many there were.
    pub count: u64,
    /// The first one's text.
    pub example: String,
}

/// Classes kept apart; the rest are counted together.
const CLASSES_MAX: usize = 32;

/// Adds `count` failures to the class named by both parts together. Only the first of a class
/// allocates: a flood of errors must not slow the client down.
pub(crate) fn count_failure(
    classes: &mut Vec<FailureClass>,
    (kind, word): (&str, &str),
    count: u64,
    example: impl FnOnce() -> String,
) {
    let same = |known: &FailureClass| known.class.strip_prefix(kind) == Some(word);
    if let Some(known) = classes.iter_mut().find(|known| same(known)) {
        known.count += count;
    } else if classes.len() < CLASSES_MAX {
        let example = example().chars().take(200).collect();
        classes.push(FailureClass {
            class: format!("{kind}{word}"),
            count,
            example,
        });
    } else if let Some(last) = classes.last_mut() {
        last.class = "others".into();
        last.count += count;
    }
}

/// Latencies by command, in the order of the run's commands.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    /// Intended time to reply parsed; in closed loop nothing, as it is the same as `service`.
    pub(crate) response: Vec<Histogram<u64>>,
    /// Write to reply parsed.
    pub(crate) service: Vec<Histogram<u64>>,
    /// Intended time to write; open loop only.
    pub(crate) lag: Histogram<u64>,
}

impl Latencies {
    pub(crate) fn new(commands: usize) -> Self {
        Self {
            response: vec![histogram(); commands],
            service: vec![histogram(); commands],
            lag: histogram(),
        }
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Histogram<u64>> {
        let commands = self.response.iter_mut().chain(&mut self.service);
        commands.chain(std::iter::once(&mut self.lag))
    }

    fn all(&self) -> impl Iterator<Item = &Histogram<u64>> {
        let commands = self.response.iter().chain(&self.service);
        commands.chain(std::iter::once(&self.lag))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, more) in self.all_mut().zip(other.all()) {
            if !more.is_empty() {
                sum.add(more).expect("all histograms have the same bounds");
            }
        }
    }

    pub(crate) fn reset(&mut self) {
        for histogram in self.all_mut() {
            if !histogram.is_empty() {
                histogram.reset();
            }
        }
    }
}

/// One worker's quarter of a second.
#[derive(Debug)]
pub(crate) struct Window {
    /// Number of the window since the start.
    pub(crate) index: u64,
    /// The worker's last: it is done.
    pub(crate) last: bool,
    /// When it ended, monotonic ns.
    pub(crate) ended: u64,
    /// When a request was last answered or lost, monotonic ns.
    pub(crate) last_reply: u64,
    pub(crate) counts: Counts,
    /// Processor time of the busiest worker, in ns.
    pub(crate) busiest_ns: u64,
    pub(crate) latencies: Latencies,
    pub(crate) endpoints: Vec<EndpointCounts>,
    /// Responses by endpoint, in closed loop services; where there are several.
    pub(crate) endpoint_responses: Vec<Histogram<u64>>,
    pub(crate) failures: Vec<FailureClass>,
    /// What `--check` found.
    pub(crate) check: CheckCounts,
    /// When a request first failed, monotonic ns; 0 if none did.
    pub(crate) first_failure: u64,
    /// Arrivals whose time had come but that weren't written, at the end.
    pub(crate) backlog: u64,
    /// Requests unanswered, at the end.
    pub(crate) in_flight: u64,
    /// Times a connection's tape was begun, of the connection with the most.
    pub(crate) tape_rounds: u64,
}

impl Window {
    pub(crate) fn new(endpoints: usize, commands: usize) -> Self {
        Self {
            index: 0,
            last: false,
            ended: 0,
            last_reply: 0,
            counts: Counts::default(),
            busiest_ns: 0,
            latencies: Latencies::new(commands),
            endpoints: vec![EndpointCounts::default(); endpoints],
            endpoint_responses: vec![histogram(); if endpoints > 1 { endpoints } else { 0 }],
            failures: Vec::new(),
            check: CheckCounts::default(),
            first_failure: 0,
            backlog: 0,
            in_flight: 0,
            tape_rounds: 0,
        }
    }

    /// Empties it for the next use.
    pub(crate) fn reset(&mut self) {
        self.last = false;
        self.counts = Counts::default();
        self.busiest_ns = 0;
        self.latencies.reset();
        self.endpoints.fill(EndpointCounts::default());
        self.endpoint_responses
            .iter_mut()
            .for_each(Histogram::reset);
        self.failures.clear();
        self.check = CheckCounts::default();
        self.first_failure = 0;
        self.backlog = 0;
        self.in_flight = 0;
    }

    /// Remembers the moment of the first failure, once there is one.
    pub(crate) fn note_failure(&mut self, now: u64) {
        if self.first_failure == 0 && self.counts.failed() > 0 {
            self.first_failure = now;
        }
    }

    /// Adds another worker's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.ended = self.ended.max(other.ended);
        self.last_reply = self.last_reply.max(other.last_reply);
        self.counts.add(&other.counts);
        self.busiest_ns = self.busiest_ns.max(other.busiest_ns);
        self.latencies.add(&other.latencies);
        for (sum, more) in self.endpoints.iter_mut().zip(&other.endpoints) {
            sum.add(more);
        }
        let responses = self.endpoint_responses.iter_mut();
        for (sum, more) in responses.zip(&other.endpoint_responses) {
            sum.add(more).expect("all histograms have the same bounds");
        }
        let moments = [self.first_failure, other.first_failure];
        self.first_failure = moments.into_iter().filter(|&at| at > 0).min().unwrap_or(0);
        for failure in &other.failures {
            let example = || failure.example.clone();
            count_failure(
                &mut self.failures,
                (&failure.class, ""),
                failure.count,
                example,
            );
        }
        self.check.add(&other.check);
        self.backlog += other.backlog;
        self.in_flight += other.in_flight;
        self.tape_rounds = self.tape_rounds.max(other.tape_rounds);
    }
}
