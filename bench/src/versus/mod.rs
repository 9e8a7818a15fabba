//! ringd against redis-server in one interleaved run: what a request costs the server. And, in
//! [`clients`], ringload against other clients: what it costs the client.
//!
//! [`server`] starts both and reads their processor time, [`load`] drives a slice of requests,
//! [`syscalls`] counts the kernel's part, [`table`] tells it.

pub(crate) mod clients;
mod load;
mod server;
mod spread;
mod syscalls;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::progress::step;
use load::Load;
use server::Server;
pub(crate) use table::Comparison;

/// The programs.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) ringd: PathBuf,
    pub(crate) ringload: PathBuf,
    pub(crate) redis: PathBuf,
}

/// How much is measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Effort {
    /// Rounds of one slice each of both servers; the order turns from round to round.
    pub(crate) rounds: u32,
    /// Requests of one slice at depth 1; at depth 16 four times as many.
    pub(crate) requests: u64,
    /// Connections of the load.
    pub(crate) connections: u32,
}

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Scenario {
    pub(crate) command: &'static str,
    pub(crate) depth: u32,
    /// The most that ringd may cost relative to Redis.
    pub(crate) bar: f64,
}

/// GET and SET of 64 B at depth 1 and 16.
pub(crate) const SCENARIOS: [Scenario; 4] = [
    Scenario {
        command: "GET",
        depth: 1,
        bar: 1.0,
    },
    Scenario {
        command: "SET",
        depth: 1,
        bar: 1.0,
    },
    Scenario {
        command: "GET",
        depth: 16,
        bar: 0.8,
    },
    Scenario {
        command: "SET",
        depth: 16,
        bar: 0.8,
    },
];

/// What one scenario came to: processor time of a request in each slice, in ns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) scenario: Scenario,
    pub(crate) ringd_ns: Vec<f64>,
    pub(crate) redis_ns: Vec<f64>,
    /// System calls of a request: ringd's and Redis's.
    pub(crate) ringd_calls: Option<f64>,
    pub(crate) redis_calls: Option<f64>,
}

/// Runs both servers and every scenario, slice by slice: A B, B A, A B, …
///
/// # Errors
/// A server that does not start, a load with failures.
pub(crate) fn compare(programs: &Programs, effort: &Effort) -> Result<Comparison> {
    let ringd = Server::ringd(&programs.ringd)?;
    let redis = Server::redis(&programs.redis)?;
    let load = Load {
        program: programs.ringload.clone(),
        connections: effort.connections,
    };
    let filling = step("filling both servers");
    load.fill(&ringd)?;
    load.fill(&redis)?;
    filling.done();
    let mut measured: Vec<Measured> = SCENARIOS.into_iter().map(Measured::of).collect();
    for round in 0..effort.rounds {
        let slicing = step(format!("round {} of {}", round + 1, effort.rounds));
        for row in &mut measured {
            row.slice(&load, effort, [&ringd, &redis], round % 2 == 1)?;
        }
        slicing.done();
    }
    let counting = step("counting system calls");
    for row in &mut measured {
        row.ringd_calls = syscalls::each(&load, &ringd, row.scenario)?;
        row.redis_calls = syscalls::each(&load, &redis, row.scenario)?;
    }
    counting.done();
    Ok(Comparison {
        schema_version: table::SCHEMA_VERSION,
        ringd: ringd.version.clone(),
        redis: redis.version.clone(),
        effort: effort.clone(),
        measured,
    })
}

impl Measured {
    fn of(scenario: Scenario) -> Self {
        Self {
            scenario,
            ringd_ns: Vec::new(),
            redis_ns: Vec::new(),
            ringd_calls: None,
            redis_calls: None,
        }
    }

    /// One slice of each server, one right after the other.
    fn slice(
        &mut self,
        load: &Load,
        effort: &Effort,
        [ringd, redis]: [&Server; 2],
        turned: bool,
    ) -> Result<()> {
        let requests = effort.requests * if self.scenario.depth > 1 { 4 } else { 1 };
        let mut order = [(ringd, &mut self.ringd_ns), (redis, &mut self.redis_ns)];
        if turned {
            order.reverse();
        }
        for (server, costs) in order {
            let before = server.cpu_ns()?;
            let completed = load.run(server, self.scenario, requests)?;
            costs.push((server.cpu_ns()? - before) as f64 / completed as f64);
        }
        Ok(())
    }
}
