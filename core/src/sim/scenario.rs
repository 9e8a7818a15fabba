//! What one seed stands for: a ring, its settings, its clients and what goes wrong when.

use super::rng::Rng;
use crate::consistency::Consistency;

/// Nanoseconds of a millisecond.
pub(super) const MS: u64 = 1_000_000;

/// What goes wrong. Hosts by index.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// All connections between two hosts break; what was on its way is lost.
    Break { a: usize, b: usize },
    /// Nothing passes from `from` to `to` until it is over; then it does.
    Cut { from: usize, to: usize },
    /// Nothing passes between two hosts until it is over.
    Partition { a: usize, b: usize },
    /// Nothing passes between a host and all others until it is over.
    Isolate { host: usize },
    /// Everything between two hosts takes this much longer.
    Slow { a: usize, b: usize, extra_ms: u64 },
    /// The process stands still; its memory and sockets stay.
    Freeze { host: usize },
    /// The process ends and its memory is lost; `silent`: so does its machine, and nobody is told.
    Kill { host: usize, silent: bool },
    /// A client reads nothing until it is over.
    Lazy { client: usize },
    /// A client's connection breaks.
    Hangup { client: usize },
    /// The wall clock of a host jumps to this difference from the true time.
    Clock { host: usize, skew_ms: i64 },
}

/// A fault with its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) at: u64,
    pub(super) until: u64,
    pub(super) fault: Fault,
}

/// A ring's shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) datacenters: usize,
    pub(super) racks: usize,
    pub(super) hosts_per_rack: usize,
}

impl Shape {
    pub(super) fn host_count(self) -> usize {
        self.datacenters * self.racks * self.hosts_per_rack
    }

    pub(super) fn datacenter_of(self, host: usize) -> usize {
        host / (self.racks * self.hosts_per_rack)
    }

    pub(super) fn rack_of(self, host: usize) -> usize {
        host / self.hosts_per_rack
    }
}

/// Everything that a seed decides before the run starts.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) shape: Shape,
    pub(super) read: Consistency,
    pub(super) write: Consistency,
    pub(super) sloppy: bool,
    pub(super) strict: bool,
    pub(super) hints: bool,
    pub(super) hint_bytes_max: usize,
    pub(super) request_timeout_ms: u64,
    pub(super) heartbeat_ms: u64,
    pub(super) peer_timeout_ms: u64,
    pub(super) client_queue_bytes_max: usize,
    pub(super) client_count: usize,
    pub(super) requests_per_client: usize,
    pub(super) depth_max: usize,
    pub(super) key_count: usize,
    /// Share of large values, in percent.
    pub(super) large_percent: u64,
    /// Share of deliveries that arrive in pieces, in percent.
    pub(super) pieces_percent: u64,
    /// Share of sends that are delayed by a retransmission, in percent.
    pub(super) loss_percent: u64,
    /// Bytes on their way in one direction of a connection.
    pub(super) window: usize,
    pub(super) latency_ns: u64,
    /// When clients start: the ring may find together before.
    pub(super) calm_ns: u64,
    /// Hosts are killed even if no majority keeps its memory then.
    pub(super) ruthless: bool,
    /// When the last request is meant to have been sent.
    pub(super) busy_ns: u64,
    /// The farthest a host's clock is from the true time, either way.
    pub(super) skew_ms_max: i64,
    pub(super) faults: Vec<Planned>,
}

impl Scenario {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let shape = shape(rng);
        let (read, write) = levels(shape, rng);
        let busy_ns = rng.between(3_000, 6_000) * MS;
        let skew_ms_max = rng.weighted(&[(50, 0), (25, 40), (25, 3_000)]);
        let client_count = rng.between(3, 6) as usize;
        let mut scenario = Self {
            shape,
            read,
            write,
            sloppy: rng.chance(20),
            strict: rng.chance(20),
            hints: rng.chance(90),
            hint_bytes_max: rng.weighted(&[(70, 4 << 20), (30, 3_000)]),
            request_timeout_ms: rng.weighted(&[(50, 1_000), (25, 300), (25, 3_000)]),
            heartbeat_ms: 500,
            peer_timeout_ms: rng.between(1_000, 2_000),
            client_queue_bytes_max: rng.weighted(&[(80, 16 << 20), (20, 60_000)]),
            client_count,
            requests_per_client: rng.between(150, 400) as usize / client_count,
            depth_max: rng.weighted(&[(40, 1), (40, 4), (20, 24)]),
            key_count: rng.between(2, 12) as usize,
            large_percent: rng.weighted(&[(70, 0), (20, 3), (10, 10)]),
            pieces_percent: rng.weighted(&[(50, 0), (40, 5), (10, 50)]),
            loss_percent: rng.weighted(&[(70, 0), (30, 2)]),
            window: rng.weighted(&[(70, 1 << 20), (30, 4_000)]),
            latency_ns: rng.between(50, 2_000) * 1_000,
            calm_ns: rng.weighted(&[(85, 3_000 * MS), (15, 0)]),
            ruthless: rng.chance(12),
            busy_ns,
            skew_ms_max,
            faults: Vec::new(),
        };
        let fault_count = rng.between(2, 6);
        scenario.faults = (0..fault_count).map(|_| scenario.fault(rng)).collect();
        scenario
    }

    fn fault(&self, rng: &mut Rng) -> Planned {
        let at = self.calm_ns + rng.below(self.busy_ns);
        let long = rng.chance(30);
        let duration = rng.between(20, if long { 5_000 } else { 1_200 }) * MS;
        let host_count = self.shape.host_count();
        let host = rng.index(host_count);
        let other = (host + 1 + rng.index(host_count.max(2) - 1)) % host_count;
        let (a, b) = (host, other);
        let kill = Fault::Kill {
            host,
            silent: rng.chance(30),
        };
        let slow = Fault::Slow {
            a,
            b,
            extra_ms: rng.between(1, 400),
        };
        let clock = Fault::Clock {
            host,
            skew_ms: self.skew(rng),
        };
        let hangup = Fault::Hangup {
            client: rng.index(self.client_count),
        };
        let lazy = Fault::Lazy {
            client: rng.index(self.client_count),
        };
        let fault = rng.weighted(&[
            (18, Fault::Break { a, b }),
            (8, Fault::Cut { from: a, to: b }),
            (12, Fault::Partition { a, b }),
            (10, Fault::Isolate { host }),
            (8, slow),
            (16, Fault::Freeze { host }),
            (14, kill),
            (6, hangup),
            (4, lazy),
            (8, clock),
        ]);
        Planned {
            at,
            until: at + duration,
            fault,
        }
    }

    /// When the last fault is over.
    pub(super) fn healed_ns(&self) -> u64 {
        let untils = self.faults.iter().map(|planned| planned.until);
        untils.max().unwrap_or(0).max(self.calm_ns + self.busy_ns)
    }

    /// A difference from the true time that a host's clock may have.
    pub(super) fn skew(&self, rng: &mut Rng) -> i64 {
        let max = self.skew_ms_max as u64;
        rng.below(2 * max + 1) as i64 - self.skew_ms_max
    }
}

fn shape(rng: &mut Rng) -> Shape {
    let (datacenters, racks, hosts_per_rack) = rng.weighted(&[
        (62, (1, 3, 1)),
        (12, (1, 3, 2)),
        (8, (1, 5, 1)),
        (8, (2, 3, 1)),
        (6, (1, 2, 1)),
        (4, (1, 1, 1)),
    ]);
    Shape {
        datacenters,
        racks,
        hosts_per_rack,
    }
}

fn levels(shape: Shape, rng: &mut Rng) -> (Consistency, Consistency) {
    use Consistency::{DcEachSafeQuorum, DcOne, DcQuorum, DcSafeQuorum};
    if shape.datacenters > 1 && rng.chance(25) {
        return (DcQuorum, DcEachSafeQuorum);
    }
    rng.weighted(&[
        (70, (DcQuorum, DcQuorum)),
        (8, (DcOne, DcOne)),
        (7, (DcOne, DcQuorum)),
        (8, (DcSafeQuorum, DcQuorum)),
        (7, (DcSafeQuorum, DcSafeQuorum)),
    ])
}
