//! A trace in a worker: requests are released when they are due, and leave on their client's
//! connection in the order they have there.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use mio::Registry;

use super::{Phase, TIMER, Worker};
use crate::connection::Flight;
use crate::schedule::{Arrival, Schedule};
use crate::timer::Timer;
use crate::trace::feed::{Chunk, Feed};

/// Requests released and not sent, at most, where nothing says when they are due.
const AHEAD_MAX: u64 = 1 << 14;

/// When requests are due.
#[derive(Debug)]
pub(crate) enum Pace {
    /// At their recorded times, so many times as fast.
    Recorded(f64),
    /// By a schedule of this phase.
    Scheduled(Schedule, f64),
    /// When the one before is answered.
    Free,
}

/// A trace under way.
#[derive(Debug)]
pub(crate) struct Replay {
    feed: Feed,
    pace: Pace,
    arrival: Option<Arrival>,
    start: u64,
    /// When a request was last released.
    released_at: u64,
    /// Released and not sent, by connection.
    held: Vec<VecDeque<Held>>,
    held_count: u64,
    timer: Option<Timer>,
    /// Connections that a release gave something to send.
    woken: Vec<u32>,
}

#[derive(Debug)]
struct Held {
    chunk: Arc<Chunk>,
    at: u32,
    intended: u64,
}

impl Replay {
    pub(crate) fn new(feed: Feed, pace: Pace, connections: usize) -> Self {
        Self {
            feed,
            pace,
            arrival: None,
            start: 0,
            released_at: 0,
            held: (0..connections).map(|_| VecDeque::new()).collect(),
            held_count: 0,
            timer: None,
            woken: Vec::new(),
        }
    }

    /// True if requests are due whether or not the ones before are answered.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.pace, Pace::Free)
    }

    /// Requests due and not sent.
    pub(super) fn backlog(&self) -> u64 {
        if self.is_open() { self.held_count } else { 0 }
    }

    /// True if nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held_count == 0
    }

    pub(super) fn released_at(&self) -> u64 {
        self.released_at
    }

    /// True if everything was sent.
    pub(super) fn is_over(&self) -> bool {
        self.feed.is_over() && self.held_count == 0
    }

    pub(super) fn begin(&mut self, registry: &Registry, start: u64) -> io::Result<()> {
        self.start = start;
        if let Pace::Scheduled(schedule, phase) = &self.pace {
            self.arrival = Some(schedule.first(start, *phase));
        }
        if self.is_open() {
            self.timer = Some(Timer::register(registry, TIMER)?);
        }
        Ok(())
    }

    /// When the next request is due, if there is one.
    fn due(&mut self) -> io::Result<Option<u64>> {
        let Some(next) = self.feed.peek()? else {
            return Ok(None);
        };
        Ok(match (&self.pace, self.arrival) {
            (Pace::Recorded(speed), _) => Some(self.start + (next.time_ns as f64 / speed) as u64),
            (Pace::Scheduled(..), arrival) => arrival.map(|arrival| arrival.at),
            (Pace::Free, _) => (self.held_count < AHEAD_MAX).then_some(0),
        })
    }

    /// Releases what is due by `now`; returns how many that were.
    fn release(&mut self, now: u64, most: u64) -> io::Result<u64> {
        let mut released = 0;
        while released < most
            && let Some(due) = self.due()?
            && due <= now
        {
            let (chunk, at) = self.feed.take();
            let connection = chunk.requests[at].connection;
            let held = &mut self.held[connection as usize];
            if held.is_empty() {
                self.woken.push(connection);
            }
            held.push_back(Held {
                chunk,
                // At most CHUNK_REQUESTS.
                at: at as u32,
                intended: due,
            });
            if let (Pace::Scheduled(schedule, _), Some(arrival)) = (&self.pace, self.arrival) {
                self.arrival = Some(schedule.after(arrival));
            }
            self.held_count += 1;
            released += 1;
            self.released_at = now;
        }
        Ok(released)
    }

    /// Wakes the poll when the next request is due; true if that took a system call.
    fn arm(&mut self, now: u64) -> io::Result<bool> {
        let due = self.due()?;
        match (&mut self.timer, due) {
            (Some(timer), Some(due)) => timer.arm(due.max(now + 1)),
            _ => Ok(false),
        }
    }
}

impl Worker {
    /// Sends what is due of the trace, as far as its connections have room.
    pub(super) fn send_traced(&mut self, now: u64) -> io::Result<()> {
        let Some(replay) = &mut self.orders.replay else {
            return Ok(());
        };
        if self.phase != Phase::Load {
            return Ok(());
        }
        let released = replay.release(now, self.quota_left)?;
        self.quota_left -= released;
        if replay.is_open() {
            self.window.counts.offered += released;
        }
        while let Some(index) = self.orders.replay.as_mut().and_then(|r| r.woken.pop()) {
            self.send_held(index as usize, now)?;
        }
        Ok(())
    }

    /// Sends what a connection holds, as far as it has room.
    pub(super) fn send_held(&mut self, index: usize, now: u64) -> io::Result<()> {
        let Some(replay) = &mut self.orders.replay else {
            return Ok(());
        };
        let connection = &mut self.connections[index];
        let open = replay.is_open();
        let mut sent = 0;
        while connection.is_up()
            && connection.flights.len() < self.orders.depth
            && let Some(held) = replay.held[index].pop_front()
        {
            let request = held.chunk.requests[held.at as usize];
            let intended = if open { held.intended.min(now) } else { now };
            connection.out.extend_from_slice(held.chunk.bytes(&request));
            connection.flights.push_back(Flight {
                key: request.key,
                intended,
                written: now,
                size: 0,
                command: request.command,
                expect: request.expect,
                keys: 1,
                insert: false,
            });
            if open {
                let lag = now.saturating_sub(held.intended);
                self.window.latencies.lag.saturating_record(lag);
            } else {
                self.window.counts.offered += 1;
            }
            sent += 1;
        }
        replay.held_count -= sent;
        self.window.counts.sent += sent;
        self.in_flight += sent;
        if sent > 0 { self.flush(index) } else { Ok(()) }
    }

    /// Wakes the poll for the trace.
    pub(super) fn arm_traced(&mut self, now: u64) -> io::Result<()> {
        if let Some(replay) = &mut self.orders.replay
            && self.phase == Phase::Load
            && self.quota_left > 0
            && replay.arm(now)?
        {
            self.window.counts.timers += 1;
        }
        Ok(())
    }

    /// What was due and not sent counts with the age it has.
    pub(super) fn finish_traced(&mut self, now: u64) {
        let Some(replay) = &mut self.orders.replay else {
            return;
        };
        if replay.is_open() {
            for held in replay.held.iter_mut().flat_map(|held| held.drain(..)) {
                let command = held.chunk.requests[held.at as usize].command;
                let age = now.saturating_sub(held.intended);
                let latencies = &mut self.window.latencies;
                latencies.response[usize::from(command)].saturating_record(age);
                latencies.lag.saturating_record(age);
                self.window.counts.unfinished += 1;
            }
        }
    }
}
