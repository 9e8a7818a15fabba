//! `calibrate`: how far this client reaches on this machine, against a server that does nothing.

use serde::{Deserialize, Serialize};

use super::{Heading, Slices, slice};
use crate::config::RunConfig;
use crate::null::{NullConfig, NullServer};
use crate::run::RunError;
use crate::table::{duration, rate};
use crate::verdict::WORKER_BUSY_MAX;

/// The client's own limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CalibrateReport {
    /// What all modes begin with.
    #[serde(flatten)]
    pub heading: Heading,
    /// One row for each way of loading.
    pub rows: Vec<Ceiling>,
}

/// One way of loading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ceiling {
    /// Requests under way on a connection.
    pub depth: u32,
    /// Offered a second; none: closed loop.
    pub rate: Option<f64>,
    /// Answered a second by the null server.
    pub achieved_per_s: f64,
    /// The client's processor time of a request.
    pub client_cpu_ns_per_request: Option<f64>,
    /// What one worker can do before its verdict is CLIENT-BOUND: 80% of its time.
    pub worker_ceiling_per_s: Option<f64>,
    /// Median response: what no server could be seen to be faster than.
    pub p50_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99th percentile of the lag.
    pub lag_p99_ns: Option<u64>,
}

/// Open loop is shown at this share of the ceiling at depth 1.
const OPEN_SHARE: f64 = 0.25;

/// Measures the client with the load of `config`, whose endpoints, rate and depth are not used.
pub fn calibrate(
    config: &RunConfig,
    slice_s: f64,
    observer: &mut dyn Slices,
) -> Result<CalibrateReport, RunError> {
    let server = NullServer::start(&NullConfig {
        size: config.size.clone(),
        ..NullConfig::default()
    })?;
    let base = RunConfig {
        endpoints: vec![server.endpoint()],
        rate: None,
        seconds: Some(slice_s),
        requests: None,
        settle_seconds: 0.5,
        settle_seconds_max: 0.5,
        preload: false,
        server_pids: Vec::new(),
        ..config.clone()
    };
    let mut rows: Vec<Ceiling> = Vec::new();
    for depth in [1, 16, 64] {
        let load = RunConfig {
            depth,
            ..base.clone()
        };
        rows.push(ceiling(&load, observer)?);
    }
    let open = rows[0].worker_ceiling_per_s.map(|ceiling| RunConfig {
        rate: Some((OPEN_SHARE * ceiling * f64::from(config.workers)).max(1.0)),
        ..base.clone()
    });
    if let Some(open) = open {
        rows.push(ceiling(&open, observer)?);
    }
    Ok(CalibrateReport {
        heading: Heading::of(&format!("calibrate --slice {slice_s}"), config),
        rows,
    })
}

fn ceiling(load: &RunConfig, observer: &mut dyn Slices) -> Result<Ceiling, RunError> {
    let title = format!("depth {}", load.depth);
    let (report, _) = slice(load, &title, observer)?;
    let cost = report.cost.client_cpu_ns_per_request;
    Ok(Ceiling {
        depth: load.depth,
        rate: load.rate,
        achieved_per_s: report.totals.achieved_per_s,
        client_cpu_ns_per_request: cost,
        worker_ceiling_per_s: cost.map(|ns| WORKER_BUSY_MAX * 1e9 / ns),
        p50_ns: report.latency.response.p50_ns,
        p99_ns: report.latency.response.p99_ns,
        lag_p99_ns: report.latency.lag.and_then(|lag| lag.p99_ns),
    })
}

impl CalibrateReport {
    /// For a reader.
    pub fn table(&self) -> String {
        let time = |ns: Option<f64>| ns.map_or_else(|| "-".into(), duration);
        let ns = |ns: Option<u64>| time(ns.map(|ns| ns as f64));
        let mut text = format!(
            "this client against a null server, {} connections, {} workers\n\n\
             {:<12} {:>6} {:>12} {:>12} {:>18} {:>9} {:>9} {:>9}\n",
            self.heading.config.connections,
            self.heading.config.workers,
            "loop",
            "depth",
            "achieved/s",
            "cpu/request",
            "ceiling a worker/s",
            "p50",
            "p99",
            "lag p99"
        );
        for row in &self.rows {
            text += &format!(
                "{:<12} {:>6} {:>12} {:>12} {:>18} {:>9} {:>9} {:>9}\n",
                row.rate
                    .map_or_else(|| "closed".to_owned(), |_| "open".to_owned()),
                row.depth,
                rate(row.achieved_per_s),
                time(row.client_cpu_ns_per_request),
                row.worker_ceiling_per_s.map_or_else(|| "-".into(), rate),
                ns(row.p50_ns),
                ns(row.p99_ns),
                ns(row.lag_p99_ns),
            );
        }
        text + "\nA worker's ceiling is where it is busy for 80% of the time; open loop is shown at a quarter of it.\n"
            + &self.heading.command
            + "\n"
    }
}
