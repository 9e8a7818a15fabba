//! The seeded simulator: a ring of nodes on virtual time, with clients, faults and checkers.
//!
//! ```text
//!  seed → scenario ─→ clients ⇄ links ⇄ hosts (Node) ⇄ links ⇄ hosts
//!                        │        ↑ faults ↑                │
//!                        └ history ──→ checkers ←── states ─┘
//! ```
//!
//! One seed is one run: a ring of a certain shape and settings, a few hundred requests, several
//! faults, then a heal, a quiet time and a last look at every key. The same seed gives the same
//! run, event by event. [`check`] has one file for each thing that must hold; [`Planted`] breaks
//! the nodes on purpose, to show that the checkers see it.

mod check;
mod client;
mod faults;
mod history;
mod host;
mod net;
mod planted;
mod rng;
mod scenario;
mod story;
mod trace;
mod world;

pub use check::Violation;
pub use planted::Planted;

use world::World;

/// How often mechanisms of the nodes came to work: a run that spares them tests nothing. Nodes that
/// were killed took their counts with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exercised {
    /// Hosts that lost their memory.
    pub kills: u64,
    /// Operations that ended with an error, and that were lost with their connection.
    pub failed: u64,
    /// Requests that passed their deadline.
    pub timeouts: u64,
    /// Hints that were delivered.
    pub hints_delivered: u64,
    /// Hints that found no room.
    pub hints_refused: u64,
    /// Keys that were repaired by reads.
    pub repaired: u64,
    /// Writes that were stamped anew because a newer one was there.
    pub restamped: u64,
    /// Entries that a restarted node took over.
    pub joined_entries: u64,
    /// Multi-key commands that were split, or asked again key by key.
    pub split: u64,
}

impl std::ops::AddAssign for Exercised {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.failed += other.failed;
        self.timeouts += other.timeouts;
        self.hints_delivered += other.hints_delivered;
        self.hints_refused += other.hints_refused;
        self.repaired += other.repaired;
        self.restamped += other.restamped;
        self.joined_entries += other.joined_entries;
        self.split += other.split;
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Hash of all events: equal for two runs of one seed.
    pub trace_hash: u64,
    /// Events handled.
    pub events: u64,
    /// Operations asked, and how many of them ended well.
    pub operations: (usize, usize),
    /// How often what was put to the test.
    pub exercised: Exercised,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// Everything that happened, when it was asked for.
    pub lines: Vec<String>,
}

/// Runs one seed; `verbose` keeps a readable trace.
#[must_use]
pub fn run(seed: u64, planted: Planted, verbose: bool) -> Outcome {
    let mut world = World::new(seed, planted, verbose);
    world.play();
    let done = |op: &&history::Op| op.end == history::End::Done;
    let operations = &world.history.ops;
    let operations = (operations.len(), operations.iter().filter(done).count());
    let exercised = world.exercised();
    let (trace_hash, lines) = world.trace.finish();
    Outcome {
        trace_hash,
        events: world.event_count,
        operations,
        exercised,
        virtual_ns: world.now,
        violations: world.check.violations,
        lines,
    }
}

#[cfg(test)]
mod tests;
