//! The course of a run: clients ask while things go wrong, the ring settles, everything is read.

use super::Exercised;
use super::check::{bounds, deadline, durability, expiry, handoff, order, service, sloppy};
use super::client::{Client, Wire, next_ask};
use super::history::{Ask, End, Op};
use super::net::{Link, LinkId, Site};
use super::scenario::MS;
use super::world::{Event, Stage, World};

/// Between two looks at everything.
const OBSERVE: u64 = 200 * MS;
/// Time for the ring to settle once all is healed.
const QUIET_MAX: u64 = 30_000 * MS;
/// Time for repairs between two rounds of reads.
const REPAIR_PAUSE: u64 = 500 * MS;
/// Rounds of reads after the first.
const ROUNDS_MORE: u32 = 1;
/// Events after which a run is given up as endless.
const EVENTS_MAX: u64 = 3_000_000;
/// Share of batches after which a client says that it asks nothing more, in percent.
const HALF_CLOSE_PERCENT: u64 = 2;

impl World {
    /// Runs from the start to the end.
    pub(super) fn play(&mut self) {
        self.trace.line(0, format_args!("{:?}", self.scenario));
        for host in 0..self.hosts.len() {
            self.hosts[host].skew_ms = self.scenario.skew(&mut self.rng);
            self.start(host);
        }
        for index in 0..self.scenario.client_count {
            let host = self.rng.index(self.hosts.len());
            let left = self.scenario.requests_per_client;
            self.clients.push(Client::new(host, left));
            self.push(self.scenario.calm_ns, Event::Turn(index));
        }
        for index in 0..self.scenario.faults.len() {
            self.push(self.scenario.faults[index].at, Event::Fault(index));
        }
        self.push(OBSERVE, Event::Observe);
        while !matches!(self.stage, Stage::Over { .. }) && self.step() {
            if self.event_count > EVENTS_MAX {
                return self.violation(service::RULE, "the run does not end".to_owned());
            }
        }
        self.conclude();
    }

    /// What the run put to the test.
    pub(super) fn exercised(&self) -> Exercised {
        let ended_badly = |op: &&Op| matches!(op.end, End::Failed | End::Lost);
        let mut sum = Exercised {
            kills: u64::from(self.check.kills),
            failed: self.history.ops.iter().filter(ended_badly).count() as u64,
            ..Exercised::default()
        };
        for snapshot in self.hosts.iter().filter_map(|host| host.snapshot(self.now)) {
            let counters = &snapshot.counters;
            let peers = || snapshot.peers.iter();
            sum += Exercised {
                timeouts: snapshot.response_timeouts.iter().sum(),
                hints_delivered: peers().map(|peer| peer.hints_delivered_total).sum(),
                hints_refused: peers().map(|peer| peer.hints_refused_total).sum(),
                repaired: counters.read_repair_applied_total,
                restamped: counters.write_restamped_total,
                joined_entries: counters.join_entries_total,
                split: counters.fragments_total + counters.fragments_divided_total,
                ..Exercised::default()
            };
        }
        sum
    }

    fn conclude(&mut self) {
        let verdicts = [
            (durability::RULE, durability::check(self)),
            (sloppy::RULE, sloppy::check(self)),
            (expiry::RULE, expiry::check(self)),
            (service::RULE, service::check(self)),
        ];
        for (rule, found) in verdicts {
            for what in found {
                self.violation(rule, what);
            }
        }
    }
}

/// Clients.
impl World {
    pub(super) fn turn(&mut self, index: usize) {
        let client = &self.clients[index];
        if client.is_done() {
            return;
        }
        match client.wire {
            Wire::None => self.connect(index),
            Wire::HalfClosed(_) => {}
            Wire::Open(_) if !client.to_read.is_empty() => {}
            Wire::Open(link) => {
                self.ask_some(index, link);
                let scenario = &self.scenario;
                let mean = scenario.busy_ns * scenario.depth_max as u64
                    / (2 * scenario.requests_per_client as u64);
                let late = self.now > scenario.calm_ns + scenario.busy_ns;
                let think = self.rng.below(if late { 20 * MS } else { 2 * mean });
                self.push(self.now + think, Event::Turn(index));
            }
        }
    }

    fn connect(&mut self, index: usize) {
        let host = self.clients[index].host;
        let pause = self.rng.between(1, 30) * MS;
        self.push(self.now + pause, Event::Turn(index));
        if self.hosts[host].node.is_none() {
            self.clients[index].host = self.rng.index(self.hosts.len());
            return;
        }
        let link = self.links.len();
        let site = self.hosts[host].site();
        self.links.push(Link::new(Site::Client(index), site));
        self.clients[index].connected(link, self.now);
        let at = self.travel(link, 1);
        self.push(at, Event::Accept(link));
    }

    fn ask_some(&mut self, index: usize, link: LinkId) {
        let client = &self.clients[index];
        let room = self.scenario.depth_max.saturating_sub(client.waiting.len());
        let room = room.min(client.left);
        if room == 0 {
            return;
        }
        let count = 1 + self.rng.index(room);
        let datacenter = self.scenario.shape.datacenter_of(client.host);
        let mut bytes = self.buffer();
        for _ in 0..count {
            let ask = next_ask(&self.scenario, &self.keys, datacenter, &mut self.rng);
            self.ask(index, ask, &mut bytes);
        }
        self.clients[index].left -= count;
        self.transmit(link, 1, bytes);
        if self.rng.chance(HALF_CLOSE_PERCENT) {
            self.clients[index].wire = Wire::HalfClosed(link);
            let at = self.travel(link, 1);
            self.push(at, Event::HalfClosed { link, to: 1 });
        }
    }

    fn ask(&mut self, index: usize, ask: (Ask, usize), bytes: &mut Vec<u8>) {
        let client = &mut self.clients[index];
        let id = client.ask(ask, &self.keys, (&mut self.history, self.now), bytes);
        let op = self.history.op(id);
        self.trace.line(
            self.now,
            format_args!("client{index} → host{}: op {id} {:?}", client.host, op.ask),
        );
    }

    pub(super) fn client_reads(&mut self, index: usize, bytes: &[u8]) {
        let mut ended = std::mem::take(&mut self.ended);
        let client = &mut self.clients[index];
        let read = client.read(bytes, (&mut self.history, self.now), &mut ended);
        for id in ended.drain(..) {
            let op = self.history.op(id);
            self.trace.line(
                self.now,
                format_args!("client{index} ← op {id} {:?} {:?}", op.ask, op.end),
            );
            let due = deadline::due(op, &self.hosts[op.host].freezes, &self.scenario);
            if self.now > due && !self.clients[index].was_lazy {
                let late = (self.now - due) as f64 / 1e6;
                self.violation(
                    deadline::RULE,
                    format!("op {id} ended {late:.3} ms too late"),
                );
            }
        }
        self.ended = ended;
        self.read_next(index);
        if let Err(complaint) = read {
            self.violation(order::RULE, format!("client{index}: {complaint}"));
        }
    }

    /// A client's connection is gone. Without a cause it must have had all its replies.
    pub(super) fn client_loses(&mut self, index: usize, link: LinkId) {
        let ends = &self.links[link].ends;
        let crashed = match ends[1].site {
            Site::Host { host, epoch } => self.hosts[host].epoch != epoch,
            Site::Client(_) => false,
        };
        let excused = crashed || self.links[link].broken || self.clients[index].was_lazy;
        let lost = self.clients[index].disconnected(&mut self.history, self.now);
        if lost > 0 && !excused {
            let what = format!("client{index} was closed with {lost} requests unanswered");
            self.violation(order::RULE, what);
        }
        if self.rng.chance(40) {
            self.clients[index].host = self.rng.index(self.hosts.len());
        }
        let pause = self.rng.between(1, 50) * MS;
        self.push(self.now + pause, Event::Turn(index));
    }

    /// Puts what a host receives into the trace, where it can be read.
    pub(super) fn show(&mut self, link: LinkId, to: usize, bytes: &[u8]) {
        if !self.trace.is_verbose() {
            return;
        }
        let ends = &self.links[link].ends;
        let (Site::Host { host: from, .. }, Site::Host { host, .. }) =
            (ends[1 - to].site, ends[to].site)
        else {
            return;
        };
        let mut rest = bytes;
        while let Ok(crate::wire::Parsed::Frame { header, body, len }) = crate::wire::parse(rest) {
            rest = &rest[len..];
            let body = &body[..body.len().min(48)];
            let text = format!(
                "host{from} → host{host}: {:?} #{:x} v{} {:?} {}",
                header.kind,
                header.request_id,
                header.version.0,
                header.flags,
                body.escape_ascii()
            );
            self.trace.line(self.now, format_args!("{text}"));
        }
    }
}

/// The stages.
impl World {
    pub(super) fn observe(&mut self) {
        self.check_bounds();
        match self.stage {
            Stage::Busy => self.watch_busy(),
            Stage::Quiet { since } => self.watch_quiet(since),
            Stage::Reading { more, since } => self.watch_reading(more, since),
            Stage::Over { .. } => return,
        }
        self.push(self.now + OBSERVE, Event::Observe);
    }

    fn check_bounds(&mut self) {
        for index in 0..self.hosts.len() {
            let Some(snapshot) = self.hosts[index].snapshot(self.now) else {
                continue;
            };
            let missing = |peer: &crate::node::PeerSnapshot| {
                peer.hints_refused_total + peer.hints_expired_total > 0
            };
            self.check.hints_missing |= snapshot.peers.iter().any(missing);
            if let Some(what) = bounds::check(&snapshot, &self.check, &self.scenario) {
                self.violation(bounds::RULE, format!("host{index}: {what}"));
            }
        }
    }

    fn watch_busy(&mut self) {
        let healed_at = self.scenario.healed_ns();
        let stuck = self
            .clients
            .iter()
            .filter(|client| !client.is_done())
            .count();
        let each_ms = self.scenario.request_timeout_ms + 200;
        let patience = self.scenario.requests_per_client as u64 * each_ms * MS;
        if stuck > 0 && self.now > healed_at + patience {
            let what = format!("{stuck} clients still wait");
            self.violation(deadline::RULE, what);
        } else if stuck > 0 || self.now < healed_at {
            return;
        }
        self.trace.line(
            self.now,
            format_args!("all is healed, nothing more is asked"),
        );
        self.network.calm();
        self.stage = Stage::Quiet { since: self.now };
    }

    fn watch_quiet(&mut self, since: u64) {
        // Until then stragglers of the last requests may be on their way, and values expire.
        let settling = self.scenario.request_timeout_ms.max(expiry::TTL_MS_MAX) * MS;
        if self.now < since + settling + 2 * OBSERVE {
            return;
        }
        let patient = self.now < since + QUIET_MAX;
        let unsettled = handoff::unsettled(self);
        let left_over = bounds::left_over(self);
        if patient && (unsettled.is_some() || left_over.is_some()) {
            return;
        }
        if let Some(what) = unsettled {
            self.violation(handoff::RULE, format!("after a long quiet {what}"));
        }
        if let Some(what) = left_over {
            self.violation(bounds::RULE, format!("after a long quiet {what}"));
        }
        if handoff::must_agree(self) {
            self.check_agreement("after the hints", false);
        }
        self.read_all(ROUNDS_MORE);
    }

    fn check_agreement(&mut self, when: &str, counters: bool) {
        for what in handoff::differing(self, counters) {
            self.violation(handoff::RULE, format!("{when} replicas differ: {what}"));
        }
    }

    /// Sends one reader to each datacenter.
    fn read_all(&mut self, more: u32) {
        let since = self.now;
        self.stage = Stage::Reading { more, since };
        let shape = self.scenario.shape;
        for datacenter in 0..shape.datacenters {
            let in_datacenter = shape.host_count() / shape.datacenters;
            let host = datacenter * in_datacenter + self.rng.index(in_datacenter);
            let index = self.clients.len();
            self.clients.push(Client::new(host, 0));
            self.connect(index);
            let keys = self.keys.of(datacenter);
            let reads = keys.flat_map(|key| [Ask::Get(key), Ask::Count(key)]);
            self.clients[index].to_read = reads.collect();
            self.read_next(index);
        }
    }

    /// Lets a reader ask for its next key once it has all its replies.
    fn read_next(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Wire::Open(link) = client.wire else {
            return;
        };
        if client.waiting.is_empty()
            && let Some(ask) = client.to_read.pop()
        {
            let mut bytes = self.buffer();
            self.ask(index, (ask, 0), &mut bytes);
            self.transmit(link, 1, bytes);
        }
    }

    fn watch_reading(&mut self, more: u32, since: u64) {
        let waiting = self.clients.iter().any(|client| !client.is_done());
        let keys = 2 * self.keys.count() as u64;
        let allowed = keys * self.scenario.request_timeout_ms * MS + 2 * REPAIR_PAUSE;
        if self.now < since + REPAIR_PAUSE || (waiting && self.now < since + allowed) {
            return;
        }
        if more > 0 {
            return self.read_all(more - 1);
        }
        if self.reads_repair() {
            self.check_agreement("after reading all", true);
        }
        self.stage = Stage::Over { last_reads: since };
    }

    /// Whether the reads must have made replicas equal.
    fn reads_repair(&self) -> bool {
        let ops = self.history.ops.iter().rev();
        let reads = ops.take(2 * self.keys.count());
        super::host::is_quorum(self.scenario.read)
            && self.scenario.shape.datacenters == 1
            && reads.into_iter().all(|op| op.end == End::Done)
    }
}
