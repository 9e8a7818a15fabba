//! Frames between a run and its workers: four bytes of length, then JSON.

use std::io::{self, Read, Write};

use hdrhistogram::Histogram;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::check::report::{CheckCounts, CheckReport};
use crate::config::RunConfig;
use crate::window::{Counts, EndpointCounts, FailureClass, Latencies, Window, histogram};

/// Both ends must have the same.
pub(crate) const PROTOCOL: u32 = 1;
/// Before the proof nobody needs more than this.
pub(crate) const FRAME_MAX_STRANGER: usize = 4 << 10;
const FRAME_MAX: usize = 64 << 20;

/// Why the other end is not understood.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is no message.
    #[error("no message of this protocol: {0}")]
    Form(#[from] serde_json::Error),
    /// A frame is beyond reason.
    #[error("a frame of {0} bytes")]
    Size(usize),
    /// The other end is of another version.
    #[error("the other end speaks version {0} of the protocol, this one {PROTOCOL}")]
    Version(u32),
    /// The token is not the worker's.
    #[error("the worker refuses the token")]
    Token,
    /// A message that does not belong here.
    #[error("an unexpected message: {0}")]
    Unexpected(String),
    /// The other end says why it can't go on.
    #[error("{0}")]
    Failed(String),
}

/// What is said.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The worker's first words.
    Hello { protocol: u32, nonce: String },
    /// That the token is known: [`proof`] of the nonce.
    Proof { protocol: u32, proof: String },
    /// The proof holds.
    Welcome,
    /// Asks for, and tells, monotonic ns.
    Clock { now: u64 },
    /// What to load, and the numbers of the threads to do it with.
    Prepare(Box<Assignment>),
    /// Connected and drawn.
    Ready,
    /// Begin then, by the worker's clock.
    Start { at: u64 },
    /// A quarter of a second.
    Window(Box<WindowRow>),
    /// The first window that is not to begin.
    StopAt { window: u64 },
    /// The last window was sent, and what was written here was read once more.
    Done { check: Option<CheckReport> },
    /// The end, and why.
    Failed { reason: String },
}

/// A worker's part of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) config: RunConfig,
    /// Reports hold no password, so the configuration's form does not.
    pub(crate) password: Option<String>,
    /// How long ago, and for how long, every key was written, in ns; none: they were not.
    pub(crate) preloaded_ns: Option<u64>,
    /// Number of the first thread among those of all workers, and how many.
    pub(crate) threads: (u32, u32),
}

/// Non-empty buckets: (value, count).
type Buckets = Vec<(u64, u64)>;

/// A window on the wire. Times are ns since the start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WindowRow {
    index: u64,
    last: bool,
    ended: u64,
    last_reply: u64,
    counts: Counts,
    busiest_ns: u64,
    tape_rounds: u64,
    response: Vec<Buckets>,
    service: Vec<Buckets>,
    lag: Buckets,
    endpoints: Vec<EndpointCounts>,
    endpoint_responses: Vec<Buckets>,
    first_failure: Option<u64>,
    failures: Vec<FailureClass>,
    check: CheckCounts,
    backlog: u64,
    in_flight: u64,
}

fn buckets(histogram: &Histogram<u64>) -> Buckets {
    let recorded = histogram.iter_recorded();
    recorded
        .map(|step| (step.value_iterated_to(), step.count_at_value()))
        .collect()
}

fn unpack(buckets: &Buckets) -> Histogram<u64> {
    let mut histogram = histogram();
    for &(value, count) in buckets {
        histogram.saturating_record_n(value, count);
    }
    histogram
}

impl WindowRow {
    /// The window of a run that began at `start`.
    pub(crate) fn of(index: u64, window: &Window, start: u64, last: bool) -> Self {
        let rows = |all: &[Histogram<u64>]| all.iter().map(buckets).collect();
        Self {
            index,
            last,
            ended: window.ended.saturating_sub(start),
            last_reply: window.last_reply.saturating_sub(start),
            counts: window.counts,
            busiest_ns: window.busiest_ns,
            tape_rounds: window.tape_rounds,
            response: rows(&window.latencies.response),
            service: rows(&window.latencies.service),
            lag: buckets(&window.latencies.lag),
            endpoints: window.endpoints.clone(),
            endpoint_responses: rows(&window.endpoint_responses),
            first_failure: (window.first_failure > 0)
                .then(|| window.first_failure.saturating_sub(start)),
            failures: window.failures.clone(),
            check: window.check,
            backlog: window.backlog,
            in_flight: window.in_flight,
        }
    }

    /// The window in a run that began at `start` of this clock.
    pub(crate) fn window(self, start: u64) -> Window {
        let all = |rows: &[Buckets]| rows.iter().map(unpack).collect();
        Window {
            index: self.index,
            last: self.last,
            ended: start + self.ended,
            last_reply: start + self.last_reply,
            counts: self.counts,
            busiest_ns: self.busiest_ns,
            tape_rounds: self.tape_rounds,
            latencies: Latencies {
                response: all(&self.response),
                service: all(&self.service),
                lag: unpack(&self.lag),
            },
            endpoints: self.endpoints,
            endpoint_responses: all(&self.endpoint_responses),
            first_failure: self.first_failure.map_or(0, |at| start + at),
            failures: self.failures,
            check: self.check,
            backlog: self.backlog,
            in_flight: self.in_flight,
        }
    }
}

/// Writes one frame.
pub(crate) fn send(stream: &mut impl Write, message: &Message) -> Result<(), WireError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    let prefix = u32::try_from(length).map_err(|_| WireError::Size(length))?;
    frame[..4].copy_from_slice(&prefix.to_le_bytes());
    Ok(stream.write_all(&frame)?)
}

/// Reads one frame of at most `most` bytes. What the other end failed with is an error here, too.
pub(crate) fn receive_within(stream: &mut impl Read, most: usize) -> Result<Message, WireError> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let length = u32::from_le_bytes(prefix) as usize;
    if length > most {
        return Err(WireError::Size(length));
    }
    // Grows with what comes, not with what is announced.
    let mut frame = Vec::new();
    stream.take(length as u64).read_to_end(&mut frame)?;
    if frame.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    match serde_json::from_slice(&frame)? {
        Message::Failed { reason } => Err(WireError::Failed(reason)),
        message => Ok(message),
    }
}

/// Reads one frame.
pub(crate) fn receive(stream: &mut impl Read) -> Result<Message, WireError> {
    receive_within(stream, FRAME_MAX)
}

/// What only somebody who has the token can say of a nonce.
pub(crate) fn proof(token: &str, nonce: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    let tag = hmac::sign(&key, format!("ringload worker {nonce}").as_bytes());
    hex(tag.as_ref())
}

/// Whether it was said rightly, in constant time.
pub(crate) fn is_proof(token: &str, nonce: &str, said: &str) -> bool {
    let wanted = proof(token, nonce);
    let differences = wanted.bytes().zip(said.bytes()).map(|(a, b)| a ^ b);
    said.len() == wanted.len() && differences.fold(0, |all, bits| all | bits) == 0
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_arrives_as_it_was() {
        let mut window = Window::new(2, 3);
        for value in [0, 1, 17, 2_047, 2_048, 1_234_567, 59_999_999_999, u64::MAX] {
            window.latencies.service[1].saturating_record_n(value, value % 7 + 1);
            window.latencies.lag.saturating_record(value);
        }
        window.counts.completed = 12;
        window.endpoints[1].failed = 4;
        (window.ended, window.last_reply) = (1_000_500, 1_000_400);
        window.first_failure = 1_000_300;
        window.endpoint_responses[1].saturating_record(99);
        let row = WindowRow::of(7, &window, 1_000_000, true);
        let mut wire = Vec::new();
        send(&mut wire, &Message::Window(Box::new(row))).unwrap();
        let Message::Window(row) = receive(&mut wire.as_slice()).unwrap() else {
            panic!("another message");
        };
        let there = row.window(5_000_000);
        assert_eq!(there.latencies.service, window.latencies.service);
        assert_eq!(there.latencies.response, window.latencies.response);
        assert_eq!(there.latencies.lag, window.latencies.lag);
        assert_eq!(there.latencies.lag.max(), window.latencies.lag.max());
        assert_eq!(
            (there.counts, there.endpoints),
            (window.counts, window.endpoints)
        );
        assert_eq!((there.index, there.last), (7, true));
        assert_eq!(there.first_failure, 5_000_300);
        assert_eq!(there.endpoint_responses, window.endpoint_responses);
        assert_eq!((there.ended, there.last_reply), (5_000_500, 5_000_400));
    }

    #[test]
    fn frames_are_bounded_and_cuts_are_errors() {
        let mut wire = Vec::new();
        send(&mut wire, &Message::Clock { now: 77 }).unwrap();
        for cut in 0..wire.len() {
            assert!(receive(&mut &wire[..cut]).is_err(), "cut at {cut}");
        }
        let endless = [0xff; 8];
        let error = receive(&mut &endless[..]).unwrap_err();
        assert!(matches!(error, WireError::Size(_)), "{error}");
        let junk = [3, 0, 0, 0, b'{', b'}', b'x'];
        let error = receive(&mut &junk[..]).unwrap_err();
        assert!(matches!(error, WireError::Form(_)), "{error}");
    }

    #[test]
    fn only_the_token_proves() {
        let said = proof("open", "123");
        assert!(is_proof("open", "123", &said));
        assert!(!is_proof("open", "124", &said));
        assert!(!is_proof("shut", "123", &said));
        assert!(!is_proof("open", "123", &said[1..]));
        assert!(!is_proof("open", "123", ""));
    }
}
