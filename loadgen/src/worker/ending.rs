//! How a worker's load ends: by the conductor's word, by the quota, or by silence.

use std::sync::atomic::Ordering;

use super::{Phase, Worker};
use crate::template::Expect;
use crate::window::WINDOW_NS;

/// A run of a given number of requests ends when nothing was answered for as long as this.
const SILENCE_NS_MAX: u64 = 30_000_000_000;

impl Worker {
    pub(super) fn look_for_end(&mut self, now: u64) {
        let index = (now - self.start) / WINDOW_NS;
        if index >= self.channel.stop_at.load(Ordering::Relaxed) {
            self.count_due(now);
            self.phase = Phase::Drain {
                until: now + self.orders.drain_ns,
            };
            return;
        }
        let traced = self.orders.replay.as_ref();
        let sent = match traced {
            Some(replay) => replay.is_over() || self.quota_left == 0 && replay.is_empty(),
            None => self.quota_left == 0,
        };
        let done = sent && self.in_flight == 0;
        let (counted, since) = match traced {
            Some(replay) => (
                !replay.is_empty() || self.in_flight > 0,
                replay.released_at(),
            ),
            None => (self.orders.quota.is_some(), 0),
        };
        let silent = counted && now > self.last_reply.max(since) + SILENCE_NS_MAX;
        if done || silent {
            self.finish(now);
        }
    }

    /// What is unanswered or unsent counts with the age it has.
    pub(super) fn finish(&mut self, now: u64) {
        self.count_due(now);
        let latencies = &mut self.window.latencies;
        let flights = self
            .connections
            .iter()
            .flat_map(|connection| &connection.flights)
            .filter(|flight| flight.expect != Expect::Skipped);
        for flight in flights {
            latencies.service[usize::from(flight.command)].saturating_record(now - flight.written);
            if self.is_open {
                latencies.response[usize::from(flight.command)]
                    .saturating_record(now - flight.intended);
            }
            self.window.counts.unfinished += 1;
        }
        if let Some(open) = &mut self.open {
            for index in (0..self.connections.len()).cycle() {
                if open.backlog <= 0 {
                    break;
                }
                // It would have been sent by one of them.
                let command = self.connections[index].tape.next()[0].command;
                latencies.response[usize::from(command)].saturating_record(now - open.next.at);
                latencies.lag.saturating_record(now - open.next.at);
                self.window.counts.unfinished += 1;
                open.next = open.schedule.after(open.next);
                open.backlog -= 1;
            }
        }
        self.finish_waiting(now);
        for connection in &mut self.connections {
            if let Some(check) = &mut connection.check {
                check.abandon(&mut self.window);
            }
        }
        self.finish_traced(now);
        self.phase = Phase::Over;
        self.hand_over(now, true);
    }
}
