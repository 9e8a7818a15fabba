//! The network: connections as two byte streams, and what stands in their way.
//!
//! Streams keep their order, as TCP does. What goes wrong is: a connection breaks and loses what
//! was on its way, bytes are held back until a cut is over, are late, or arrive in pieces.

use super::rng::Rng;
use super::scenario::{MS, Scenario};
use crate::ids::ConnId;

/// Time a lost segment takes until it is sent again.
const RETRANSMISSION_MS: u64 = 200;
/// Between a client and the host it is connected to.
pub(super) const CLIENT_LATENCY: u64 = MS / 20;

/// A connection's index; never used again.
pub(super) type LinkId = usize;

/// Who holds one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// A start of a host; a later one has a higher epoch.
    Host {
        host: usize,
        epoch: u32,
    },
    Client(usize),
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct End {
    pub(super) site: Site,
    /// The node's name for it, once the node knows of it.
    pub(super) conn: Option<ConnId>,
    pub(super) open: bool,
    /// When the last thing sent towards this end arrives.
    last_arrival: u64,
    /// Bytes on their way towards this end.
    pub(super) under_way: usize,
    /// Arrived, but the node did not want to read.
    pub(super) held: Vec<u8>,
}

impl End {
    fn new(site: Site) -> Self {
        Self {
            site,
            conn: None,
            open: true,
            last_arrival: 0,
            under_way: 0,
            held: Vec::new(),
        }
    }
}

/// A connection; the first end dialled.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) ends: [End; 2],
    /// It broke: nothing that was under way arrives.
    pub(super) broken: bool,
}

impl Link {
    pub(super) fn new(dialler: Site, listener: Site) -> Self {
        Self {
            ends: [End::new(dialler), End::new(listener)],
            broken: false,
        }
    }

    pub(super) fn joins(&self, a: usize, b: usize) -> bool {
        let host = |end: &End| match end.site {
            Site::Host { host, .. } => Some(host),
            Site::Client(_) => None,
        };
        let hosts = (host(&self.ends[0]), host(&self.ends[1]));
        hosts == (Some(a), Some(b)) || hosts == (Some(b), Some(a))
    }
}

/// What lies between each two hosts.
#[derive(Debug)]
pub(super) struct Network {
    host_count: usize,
    latency_ns: u64,
    loss_percent: u64,
    /// Nothing leaves for there before; by from × to.
    cut_until: Vec<u64>,
    /// Extra time until when; by from × to.
    slow: Vec<(u64, u64)>,
}

impl Network {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let host_count = scenario.shape.host_count();
        Self {
            host_count,
            latency_ns: scenario.latency_ns,
            loss_percent: scenario.loss_percent,
            cut_until: vec![0; host_count * host_count],
            slow: vec![(0, 0); host_count * host_count],
        }
    }

    pub(super) fn cut(&mut self, from: usize, to: usize, until: u64) {
        let cut = &mut self.cut_until[from * self.host_count + to];
        *cut = until.max(*cut);
    }

    /// No more losses.
    pub(super) fn calm(&mut self) {
        self.loss_percent = 0;
    }

    pub(super) fn slow_down(&mut self, from: usize, to: usize, (extra, until): (u64, u64)) {
        self.slow[from * self.host_count + to] = (extra, until);
    }

    /// When something sent now from one end's site arrives at the other's.
    pub(super) fn arrival(&self, from: Site, to: Site, now: u64, rng: &mut Rng) -> u64 {
        let (Site::Host { host: from, .. }, Site::Host { host: to, .. }) = (from, to) else {
            return now + CLIENT_LATENCY + rng.below(CLIENT_LATENCY);
        };
        let at = from * self.host_count + to;
        let leaves = now.max(self.cut_until[at]);
        let (extra, until) = self.slow[at];
        let extra = if leaves < until { extra } else { 0 };
        let lost = self.loss_percent > 0 && rng.chance(self.loss_percent);
        let again = if lost { RETRANSMISSION_MS * MS } else { 0 };
        leaves + self.latency_ns + rng.below(self.latency_ns) + extra + again
    }

    /// [`arrival`](Self::arrival) of something that stays behind what was sent before it.
    pub(super) fn in_order(&self, link: &mut Link, to: usize, now: u64, rng: &mut Rng) -> u64 {
        let (from, site) = (link.ends[1 - to].site, link.ends[to].site);
        let end = &mut link.ends[to];
        end.last_arrival = end.last_arrival.max(self.arrival(from, site, now, rng));
        end.last_arrival
    }
}
