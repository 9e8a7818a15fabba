//! One thread's loop over its connections: events in, replies judged, due requests out.
//!
//! ```text
//! poll → read → judge → record ─┬─ closed loop: the connection is empty → its next batch → write
//!                               └─ open loop: its slots are free
//!        arrivals whose time came and for which there is a slot → encode → write
//!        a quarter of a second is over → the window goes to the conductor
//! ```
//! Nothing here spins, and nothing in a turn hashes, formats or allocates once buffers have grown.

mod ending;
pub(crate) mod replay;
mod routing;
mod wake;

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::clock;
use crate::connection::{Broken, Connection, Flight, Link};
use crate::encode::Encoder;
use crate::late::Late;
use crate::procfs::RunQueue;
use crate::schedule::{Arrival, Schedule};
use crate::template::{Expect, Source};
use crate::timer::Timer;
use crate::window::{WINDOW_NS, Window, count_failure};
use crate::worker::replay::Replay;
use crate::worker::wake::WakeLatency;
use routing::Routing;
pub(crate) use routing::{Redirected, Route};

const TIMER: Token = Token(usize::MAX - 1);
const READ_BUFFER: usize = 256 << 10;
const RECONNECT_NS: u64 = 100_000_000;
const CONNECT_NS_MAX: u64 = 1_000_000_000;
/// How often timeouts and connections to make anew are looked at.
const TICK_NS: u64 = 10_000_000;

/// What a worker is told at the start.
#[derive(Debug)]
pub(crate) struct Orders {
    /// What says which keys the tapes mean, where that is known only when they are sent.
    pub(crate) late: Option<Late>,
    /// A trace instead of tapes.
    pub(crate) replay: Option<Replay>,
    /// Commands there are.
    pub(crate) commands: usize,
    /// Open loop: when to send, and the phase within a gap.
    pub(crate) schedule: Option<(Schedule, f64)>,
    /// Requests to send, no more.
    pub(crate) quota: Option<u64>,
    pub(crate) depth: usize,
    pub(crate) drain_ns: u64,
    pub(crate) timeout_ns: Option<u64>,
    pub(crate) endpoints: usize,
}

/// A window of the worker with this number, or why there will be no more.
pub(crate) type FromWorker = io::Result<(usize, Box<Window>)>;

/// How a worker and the conductor talk.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) worker: usize,
    pub(crate) windows: Sender<FromWorker>,
    /// Emptied windows come back here.
    pub(crate) spares: Receiver<Box<Window>>,
    /// The window that is not begun any more.
    pub(crate) stop_at: Arc<AtomicU64>,
}

/// A place for one more request on a connection's present socket.
#[derive(Clone, Copy, Debug)]
struct Slot {
    connection: u32,
    generation: u32,
}

#[derive(Debug)]
struct OpenLoop {
    schedule: Schedule,
    /// The next arrival to send.
    next: Arrival,
    /// The next arrival to count as offered; runs ahead of `next` by the backlog.
    due: Arrival,
    due_left: u64,
    /// Arrivals counted as offered less those sent; negative between two counts.
    backlog: i64,
    /// Free slots, the longest free first.
    slots: VecDeque<Slot>,
    /// When an arrival last found no slot.
    starved_at: u64,
    timer: Timer,
    wake: WakeLatency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Load,
    Drain { until: u64 },
    Over,
}

pub(crate) struct Worker {
    poll: Poll,
    connections: Vec<Connection>,
    encoder: Encoder,
    orders: Orders,
    open: Option<OpenLoop>,
    /// Responses count from intended times.
    is_open: bool,
    channel: Channel,
    window: Box<Window>,
    phase: Phase,
    quota_left: u64,
    /// Requests written and not yet answered, lost or timed out.
    in_flight: u64,
    last_reply: u64,
    start: u64,
    next_tick: u64,
    next_window: u64,
    cpu_ns: u64,
    run_queue: RunQueue,
    buffer: Vec<u8>,
    /// Connections with something encoded and not written.
    dirty: Vec<u32>,
    /// Where the connections lead to nodes of a cluster.
    routing: Option<Routing>,
}

impl Worker {
    pub(crate) fn new(
        orders: Orders,
        connections: Vec<Connection>,
        encoder: Encoder,
        channel: Channel,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let window = Box::new(Window::new(orders.endpoints, orders.commands));
        let replayed = orders.replay.as_ref().is_some_and(Replay::is_open);
        let is_open = orders.schedule.is_some() || replayed;
        let map = connections.first().and_then(|first| first.route.as_ref());
        let routing = map.map(|route| {
            let nodes = connections.iter().map(|connection| connection.endpoint);
            Routing::new(Arc::clone(&route.map), orders.endpoints, nodes)
        });
        let mut worker = Self {
            poll,
            routing,
            connections,
            encoder,
            open: None,
            is_open,
            channel,
            window,
            phase: Phase::Load,
            quota_left: orders.quota.unwrap_or(u64::MAX),
            orders,
            in_flight: 0,
            last_reply: 0,
            start: 0,
            next_tick: 0,
            next_window: 0,
            cpu_ns: 0,
            run_queue: RunQueue::default(),
            buffer: vec![0; READ_BUFFER],
            dirty: Vec::new(),
        };
        for connection in &mut worker.connections {
            connection.register(worker.poll.registry())?;
        }
        Ok(worker)
    }

    /// Runs from `start` (monotonic ns) until the conductor or the quota ends it.
    pub(crate) fn run(mut self, start: u64) -> io::Result<()> {
        std::thread::sleep(Duration::from_nanos(start.saturating_sub(clock::now())));
        // Sleeps end within a microsecond of their time instead of fifty.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000))?;
        self.begin(start)?;
        let mut events = Events::with_capacity(1024);
        while self.phase != Phase::Over {
            let now = clock::now();
            let wait = self.next_tick.saturating_sub(now);
            match self
                .poll
                .poll(&mut events, Some(Duration::from_nanos(wait)))
            {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            self.window.counts.polls += 1;
            for event in &events {
                self.event(event)?;
            }
            let now = clock::now();
            self.send_due(now)?;
            if now >= self.next_tick {
                self.tick(now)?;
            }
            self.arm(now)?;
        }
        Ok(())
    }

    fn begin(&mut self, start: u64) -> io::Result<()> {
        self.run_queue = RunQueue::of_this_thread();
        self.cpu_ns = clock::thread_cpu();
        self.start = start;
        self.last_reply = start;
        self.next_tick = start + TICK_NS;
        self.next_window = start + WINDOW_NS;
        if let Some(late) = &mut self.orders.late {
            late.begin(start);
        }
        if let Some(replay) = &mut self.orders.replay {
            replay.begin(self.poll.registry(), start)?;
            self.send_traced(clock::now())?;
        }
        if let Some((schedule, phase)) = self.orders.schedule.take() {
            let timer = Timer::register(self.poll.registry(), TIMER)?;
            let next = schedule.first(start, phase);
            let slots = VecDeque::with_capacity(self.connections.len() * self.orders.depth);
            self.open = Some(OpenLoop {
                schedule,
                next,
                due: next,
                due_left: self.quota_left,
                backlog: 0,
                slots,
                starved_at: 0,
                timer,
                wake: WakeLatency::default(),
            });
        }
        for _ in 0..self.orders.depth {
            for index in 0..self.connections.len() {
                self.free_slots(index, 1);
            }
        }
        if self.routing.is_some() {
            let all = self.connections.len() * self.orders.depth;
            self.follow(all as u64, clock::now());
            self.flush_dirty()?;
        } else if self.open.is_none() {
            for index in 0..self.connections.len() {
                self.refill(index, clock::now())?;
            }
        }
        self.arm(start)
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        if event.token() == TIMER {
            if let Some(open) = &mut self.open {
                open.wake
                    .woken(clock::now().saturating_sub(open.timer.armed()));
            }
            return Ok(());
        }
        let index = event.token().0;
        match self.connections[index].link {
            Link::Up(_) => {
                if event.is_writable() {
                    self.flush(index)?;
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(index, event.is_read_closed())?;
                }
                Ok(())
            }
            Link::Connecting { .. } => self.connecting(index),
            Link::Down { .. } => Ok(()),
        }
    }

    fn read(&mut self, index: usize, closing: bool) -> io::Result<()> {
        loop {
            let connection = &mut self.connections[index];
            let values = self.encoder.values();
            let arrived = connection.read(&mut self.buffer, values, &mut self.window);
            let now = clock::now();
            self.window.note_failure(now);
            if self.routing.is_some() {
                self.record_routed(index, arrived.done, now);
                self.flush_dirty()?;
            } else {
                self.record(index, arrived.done, now);
            }
            if let Some(broken) = arrived.broken {
                return self.give_up(index, &broken, now);
            }
            if arrived.ready {
                self.connected(index, now)?;
            }
            if arrived.done > 0 {
                self.refill(index, now)?;
                self.send_due(now)?;
            }
            // The end of the stream is no new edge once it was announced: read up to it.
            if arrived.blocked || !arrived.more && !closing {
                return Ok(());
            }
        }
    }

    /// Records the first `done` requests of a connection as answered now.
    fn record(&mut self, index: usize, done: usize, now: u64) {
        if done == 0 {
            return;
        }
        let window = &mut *self.window;
        let connection = &mut self.connections[index];
        let endpoint = &mut window.endpoints[connection.endpoint];
        let mut flights = connection.flights.drain(..done).peekable();
        while let Some(flight) = flights.next() {
            if flight.insert {
                settle(&self.orders.late, flight.key);
            }
            // A batch that was written together and answered together is one value, so many times.
            let mut count = 1;
            while let Some(same) = flights.next_if(|next| next.is_timed_as(&flight)) {
                count += 1;
                if same.insert {
                    settle(&self.orders.late, same.key);
                }
            }
            let (service, command) = (now - flight.written, usize::from(flight.command));
            window.latencies.service[command].saturating_record_n(service, count);
            let mut response = service;
            if self.is_open {
                response = now - flight.intended;
                window.latencies.response[command].saturating_record_n(response, count);
            }
            if let Some(own) = window.endpoint_responses.get_mut(connection.endpoint) {
                own.saturating_record_n(response, count);
            }
            endpoint.service_ns_sum += service * count;
            endpoint.service_ns_max = endpoint.service_ns_max.max(service);
        }
        drop(flights);
        endpoint.completed += done as u64;
        window.counts.completed += done as u64;
        self.in_flight -= done as u64;
        self.last_reply = now;
        self.free_slots(index, done);
    }

    fn free_slots(&mut self, index: usize, count: usize) {
        if let Some(open) = &mut self.open {
            let generation = self.connections[index].generation;
            for _ in 0..count {
                open.slots.push_back(Slot {
                    connection: index as u32,
                    generation,
                });
            }
        }
    }

    /// Closed loop: a connection without requests gets its next batch.
    fn refill(&mut self, index: usize, now: u64) -> io::Result<()> {
        if self.orders.replay.is_some() {
            return self.send_held(index, now);
        }
        let connection = &self.connections[index];
        let idle = connection.flights.is_empty() && connection.is_up();
        if self.routing.is_some() || self.open.is_some() || self.phase != Phase::Load || !idle {
            return Ok(());
        }
        let batch = self.quota_left.min(self.orders.depth as u64);
        for _ in 0..batch {
            self.encode(index, now, now);
        }
        self.window.counts.offered += batch;
        if batch > 0 { self.flush(index) } else { Ok(()) }
    }

    /// Open loop: sends the arrivals whose time has come, as far as there are slots.
    fn send_due(&mut self, now: u64) -> io::Result<()> {
        if self.phase != Phase::Load {
            return Ok(());
        }
        if self.orders.replay.is_some() {
            return self.send_traced(now);
        }
        if self.routing.is_some() {
            return self.dispatch_due(now);
        }
        while let Some(open) = &mut self.open {
            let at = open.next.at;
            if at > now + open.wake.lead_ns || self.quota_left == 0 {
                break;
            }
            let Some(slot) = open.slots.pop_front() else {
                open.starved_at = now;
                break;
            };
            let index = slot.connection as usize;
            let connection = &self.connections[index];
            if connection.generation != slot.generation || !connection.is_up() {
                continue;
            }
            open.next = open.schedule.after(open.next);
            open.backlog -= 1;
            self.window.counts.waited += u64::from(at <= open.starved_at);
            if connection.out.is_empty() {
                self.dirty.push(slot.connection);
            }
            self.window
                .latencies
                .lag
                .saturating_record(now.saturating_sub(at));
            self.encode(index, at.min(now), now);
        }
        self.flush_dirty()
    }

    fn flush_dirty(&mut self) -> io::Result<()> {
        while let Some(index) = self.dirty.pop() {
            self.flush(index as usize)?;
        }
        Ok(())
    }

    /// Puts the tape's next request on a connection.
    #[inline]
    fn encode(&mut self, index: usize, intended: u64, written: u64) {
        let connection = &mut self.connections[index];
        let entries = match &mut self.orders.late {
            None => connection.tape.next(),
            Some(late) => late.next(&mut connection.tape, &self.encoder, intended),
        };
        let mut first = entries[0];
        if let Some(check) = &mut connection.check {
            let (command, key, stamp) = check.send(first.command, first.key, written);
            first = self.encoder.entry(key, command, 1);
            let stamped = stamp.map(|stamp| (&check.checker().stamps, stamp));
            self.encoder.stamped(first, stamped, &mut connection.out);
        } else {
            self.encoder.request(entries, &mut connection.out);
        }
        let (source, expect) = self.encoder.kind(first.command);
        if expect == Expect::Values {
            let more = entries[1..].iter().map(|entry| (entry.key, entry.size));
            connection.more.extend(more);
        }
        connection.flights.push_back(Flight {
            key: first.key,
            intended,
            written,
            size: first.size,
            command: first.command,
            expect,
            keys: first.entries,
            insert: source == Source::New,
        });
        self.window.counts.sent += 1;
        self.in_flight += 1;
        self.quota_left -= 1;
    }

    fn flush(&mut self, index: usize) -> io::Result<()> {
        match self.connections[index].flush(&mut self.window) {
            Ok(()) => Ok(()),
            Err(broken) => self.give_up(index, &broken, clock::now()),
        }
    }

    /// Loses what is under way on a connection and has it made anew.
    fn give_up(&mut self, index: usize, broken: &Broken, now: u64) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let window = &mut *self.window;
        let asked = |flight: &&Flight| flight.expect != Expect::Skipped;
        let lost = connection.flights.iter().filter(asked).count() as u64;
        self.in_flight -= lost;
        for flight in connection.flights.iter().filter(asked) {
            window.latencies.service[usize::from(flight.command)]
                .saturating_record(now - flight.written);
            if self.is_open {
                let response = now - flight.intended;
                window.latencies.response[usize::from(flight.command)].saturating_record(response);
            }
            if flight.insert {
                // Perhaps it is there: a read of it may miss.
                settle(&self.orders.late, flight.key);
            }
        }
        let counts = &mut window.counts;
        match broken {
            Broken::Timeout => counts.timeouts += lost,
            broken if broken.is_wrong() => counts.wrong += lost.max(1),
            _ => counts.lost += lost,
        }
        counts.disconnects += 1;
        let endpoint = &mut window.endpoints[connection.endpoint];
        endpoint.failed += lost;
        endpoint.disconnects += 1;
        if lost > 0 || broken.is_wrong() {
            let kind = if matches!(broken, Broken::Timeout) {
                ""
            } else {
                "connection lost: "
            };
            let word = broken.to_string();
            count_failure(&mut window.failures, (kind, &word), lost.max(1), || {
                format!("connection {index}, {lost} requests under way")
            });
        }
        if let Some(check) = &mut connection.check {
            check.abandon(window);
        }
        window.note_failure(now);
        self.last_reply = now;
        connection.close(now + RECONNECT_NS);
        self.follow_routed(lost, now);
        Ok(())
    }

    fn connecting(&mut self, index: usize) -> io::Result<()> {
        let now = clock::now();
        match self.connections[index].finish_connect(now, &mut self.window) {
            Ok(true) => self.connected(index, now),
            Ok(false) => Ok(()),
            Err(_) => {
                self.connections[index].close(now + RECONNECT_NS);
                self.window.counts.connect_failures += 1;
                Ok(())
            }
        }
    }

    /// A connection made anew takes requests.
    fn connected(&mut self, index: usize, now: u64) -> io::Result<()> {
        self.free_slots(index, self.orders.depth);
        self.refill(index, now)
    }

    /// Wakes the poll at the next arrival, if there is a slot for it.
    fn arm(&mut self, now: u64) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return self.arm_traced(now);
        };
        let wanted = self.phase == Phase::Load
            && self.quota_left > 0
            && (self.routing.as_ref()).map_or(!open.slots.is_empty(), |routing| !routing.is_full());
        let at = (open.next.at - open.wake.lead_ns).max(now + 1);
        if wanted && open.timer.arm(at)? {
            open.wake.measures = at > now + WakeLatency::SLEEP_NS_MIN;
            self.window.counts.timers += 1;
        }
        Ok(())
    }

    /// Every hundredth of a second: timeouts, connections, the window, the end.
    fn tick(&mut self, now: u64) -> io::Result<()> {
        self.next_tick = now + TICK_NS;
        for index in 0..self.connections.len() {
            self.look_after(index, now)?;
        }
        self.reroute()?;
        if now >= self.next_window {
            self.hand_over(now, false);
        }
        match self.phase {
            Phase::Load => self.look_for_end(now),
            Phase::Drain { until } if self.in_flight == 0 || now >= until => self.finish(now),
            Phase::Drain { .. } | Phase::Over => {}
        }
        self.next_tick = self.next_tick.min(self.next_window);
        Ok(())
    }

    fn look_after(&mut self, index: usize, now: u64) -> io::Result<()> {
        let connection = &mut self.connections[index];
        if let Some(since) = connection.awaited_since() {
            if now.saturating_sub(since) > CONNECT_NS_MAX {
                connection.close(now + RECONNECT_NS);
                self.window.counts.connect_failures += 1;
            }
            return Ok(());
        }
        match &connection.link {
            Link::Up(_) => {
                let Some((limit, oldest)) = self.orders.timeout_ns.zip(connection.flights.front())
                else {
                    return Ok(());
                };
                if now.saturating_sub(oldest.written) >= limit {
                    self.give_up(index, &Broken::Timeout, now)?;
                }
                Ok(())
            }
            Link::Down { retry_at } if now >= *retry_at && self.phase == Phase::Load => {
                if connection.reconnect(self.poll.registry(), now).is_err() {
                    connection.close(now + RECONNECT_NS);
                    self.window.counts.connect_failures += 1;
                }
                Ok(())
            }
            Link::Connecting { .. } | Link::Down { .. } => Ok(()),
        }
    }

    /// Counts the arrivals whose time has come as offered, and those of them not sent as backlog.
    fn count_due(&mut self, now: u64) {
        let Some(open) = &mut self.open else { return };
        if self.phase == Phase::Load {
            while open.due.at <= now && open.due_left > 0 {
                open.due = open.schedule.after(open.due);
                open.due_left -= 1;
                self.window.counts.offered += 1;
                open.backlog += 1;
            }
        }
    }

    fn hand_over(&mut self, now: u64, last: bool) {
        self.count_due(now);
        let cpu_ns = clock::thread_cpu();
        let mut next =
            self.channel.spares.try_recv().unwrap_or_else(|_| {
                Box::new(Window::new(self.orders.endpoints, self.orders.commands))
            });
        next.index = (now - self.start) / WINDOW_NS;
        self.next_window = self.start + (next.index + 1) * WINDOW_NS;
        let mut window = std::mem::replace(&mut self.window, next);
        window.last = last;
        window.ended = now;
        window.busiest_ns = cpu_ns - self.cpu_ns;
        window.in_flight = self.in_flight;
        let rounds = self
            .connections
            .iter()
            .map(|connection| connection.tape.rounds);
        window.tape_rounds = rounds.max().unwrap_or(1);
        window.last_reply = self.last_reply;
        let waiting = self
            .routing
            .as_ref()
            .map_or(0, |routing| routing.waiting_count);
        window.backlog = self.open.as_ref().map_or(0, |open| {
            open.backlog.max(0).unsigned_abs() + waiting as u64
        });
        if let Some(replay) = &self.orders.replay {
            window.backlog = replay.backlog();
        }
        window.counts.cpu_ns = cpu_ns - self.cpu_ns;
        window.counts.runqueue_ns = self.run_queue.waited();
        self.cpu_ns = cpu_ns;
        // The conductor outlives its workers but for its own failure, which ends the run anyway.
        if self
            .channel
            .windows
            .send(Ok((self.channel.worker, window)))
            .is_err()
        {
            self.phase = Phase::Over;
        }
    }
}

/// An insert is answered or lost: the keys behind it need not wait for it.
fn settle(late: &Option<Late>, key: u64) {
    if let Some(late) = late {
        late.inserts.settle(key);
    }
}
