//! What goes wrong, done to the world.

use super::net::{LinkId, Site};
use super::scenario::{Fault, MS, Planned};
use super::world::{Event, World};
use crate::consistency::majority;

/// Between a break and its ends' learning of it, at most.
const BREAK_NOTICED: u64 = 5 * MS;

impl World {
    pub(super) fn begin_fault(&mut self, index: usize) {
        let Planned { until, fault, .. } = self.scenario.faults[index];
        let until = until.max(self.now);
        self.trace.line(
            self.now,
            format_args!("FAULT {fault:?} until {:.3} ms", until as f64 / 1e6),
        );
        match fault {
            Fault::Break { a, b } => self.break_links(|world, link| world.links[link].joins(a, b)),
            Fault::Hangup { client } => self.break_links(|world, link| {
                let [dialler, _] = &world.links[link].ends;
                dialler.site == Site::Client(client)
            }),
            Fault::Cut { from, to } => self.network.cut(from, to, until),
            Fault::Partition { a, b } => {
                self.network.cut(a, b, until);
                self.network.cut(b, a, until);
            }
            Fault::Isolate { host } => {
                for other in (0..self.hosts.len()).filter(|other| *other != host) {
                    self.network.cut(host, other, until);
                    self.network.cut(other, host, until);
                }
            }
            Fault::Slow { a, b, extra_ms } => {
                let slow = (extra_ms * MS, until);
                self.network.slow_down(a, b, slow);
                self.network.slow_down(b, a, slow);
            }
            Fault::Freeze { host } => self.freeze(host, until),
            Fault::Kill { host, silent } => self.kill(host, silent, until),
            Fault::Lazy { client } => {
                let lazy_until = &mut self.clients[client].lazy_until;
                *lazy_until = until.max(*lazy_until);
                self.clients[client].was_lazy = true;
            }
            Fault::Clock { host, skew_ms } => self.hosts[host].skew_ms = skew_ms,
        }
    }

    fn break_links(&mut self, hit: impl Fn(&Self, LinkId) -> bool) {
        for link in 0..self.links.len() {
            let whole = !self.links[link].broken && self.links[link].ends[0].open;
            if !whole || !hit(self, link) {
                continue;
            }
            self.links[link].broken = true;
            for to in 0..2 {
                let at = self.now + self.rng.below(BREAK_NOTICED);
                self.push(at, Event::Closed { link, to });
            }
        }
    }

    fn freeze(&mut self, host: usize, until: u64) {
        let known = &mut self.hosts[host];
        if known.node.is_none() || known.frozen_until > self.now {
            return;
        }
        known.frozen_until = until;
        known.freezes.push((self.now, until));
        let epoch = known.epoch;
        self.push(until, Event::Thaw { host, epoch });
    }

    pub(super) fn thaw(&mut self, host: usize, epoch: u32) {
        if self.hosts[host].epoch != epoch {
            return;
        }
        self.trace
            .line(self.now, format_args!("host{host} goes on"));
        for conn in self.hosts[host].conns() {
            self.send(host, conn, self.scenario.window);
        }
        self.drive(host);
    }

    /// Ends a host's process, unless that would take the memory of a majority and the scenario
    /// keeps one.
    fn kill(&mut self, host: usize, silent: bool, until: u64) {
        if self.hosts[host].node.is_none() {
            return;
        }
        let racks = self.scenario.shape.racks;
        let others = self.hosts.iter().filter(|other| other.index != host);
        let forgetful = others.filter(|other| !other.serves()).count();
        let majority_keeps = forgetful == 0 && racks > majority(racks);
        if !majority_keeps && !self.scenario.ruthless {
            self.trace
                .line(self.now, format_args!("host{host} is spared"));
            return;
        }
        self.check.majority_lost |= !majority_keeps;
        self.check.kills += 1;
        self.hosts[host].stop();
        self.hosts[host].silent = silent;
        self.hosts[host].skew_ms = self.scenario.skew(&mut self.rng);
        if !silent {
            self.drop_ends(host);
        }
        self.push(until, Event::Restart(host));
    }

    pub(super) fn restart(&mut self, host: usize) {
        // A machine that died without a word answers old connections with resets from now on.
        self.drop_ends(host);
        self.start(host);
    }

    /// Closes the ends of a host's earlier processes; the others learn of it.
    fn drop_ends(&mut self, host: usize) {
        let epoch = self.hosts[host].epoch;
        for link in 0..self.links.len() {
            for side in 0..2 {
                let end = &self.links[link].ends[side];
                let of_host = matches!(end.site, Site::Host { host: at, epoch: old }
                    if at == host && old < epoch);
                if of_host && end.open {
                    self.let_go(link, side);
                }
            }
        }
    }
}
