//! From the record of a run to its report.

use crate::faults::judge::{self, Done};
use crate::procfs::Host;
use crate::record::{Record, WINDOWS_A_SECOND, all_of, steadiness, sum};
use crate::report::{
    CommandReport, Cost, EndpointReport, Latency, LatencySummary, RunReport, SCHEMA_VERSION,
    ServerReport, Span, Totals,
};
use crate::verdict::{self, Evidence};
use crate::window::EndpointCounts;
use crate::workload::notes;

const OPEN: &str =
    "open loop: response counts from the intended time of a request, whatever it waited for";
const CLOSED: &str = "closed loop: latency excludes waiting the server caused";

impl Record<'_> {
    /// The report; `done` are the timeline's events.
    pub(crate) fn report(self, done: &[Done]) -> RunReport {
        let span = self.measured_span();
        let totals = self.totals(&span);
        let latency = self.latency();
        let cost = self.cost(&span);
        let steady = steadiness(&self.points, self.settled);
        let config = self.config;
        let open = config.is_open();
        let verdict = verdict::judge(&Evidence {
            totals: &totals,
            latency: &latency,
            cost: &cost,
            steady: &steady,
            varies: config.varies(),
            slots: u64::from(config.connections) * u64::from(config.depth),
            failures_allowed: config.failures_allowed,
            check: self.check_report.as_ref(),
            disturbed: !config.timeline.events.is_empty(),
        });
        RunReport {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict,
            load_loop: if open { "open" } else { "closed" }.to_owned(),
            statement: if open { OPEN } else { CLOSED }.to_owned(),
            notes: notes(config),
            preload: None,
            command: config.command_line(),
            config: config.clone(),
            host: Host::here(),
            started_unix_ms: self.start_unix_ms,
            span,
            totals,
            latency,
            commands: self.commands(&span),
            endpoints: self.endpoints(),
            servers: self.servers(),
            faults: judge::judge(
                done,
                &self.looks,
                config.timeline.objective.as_ref(),
                config.check.is_some(),
            ),
            failures: self.measured.failures.clone(),
            check: self.check_report,
            cost,
            steady,
            series: self.series,
            events: self.events,
        }
    }

    fn measured_span(&self) -> Span {
        let windows = self.points.len() as f64 / WINDOWS_A_SECOND as f64;
        let to_last_reply = self.measured.last_reply.saturating_sub(self.start) as f64 / 1e9;
        let by_count = self.config.seconds_max().is_none();
        Span {
            settle_s: self.measure_from.unwrap_or_default() as f64 / WINDOWS_A_SECOND as f64,
            measured_s: if by_count {
                windows.min(to_last_reply)
            } else {
                windows
            },
        }
    }

    fn totals(&self, span: &Span) -> Totals {
        let (all, inside) = (&self.measured.counts, &self.span);
        let per_s = |count: u64| {
            if span.measured_s > 0.0 {
                count as f64 / span.measured_s
            } else {
                0.0
            }
        };
        let gets = all.hits + all.misses;
        Totals {
            offered: inside.offered,
            offered_per_s: per_s(inside.offered),
            completed: inside.completed,
            achieved_per_s: per_s(inside.completed),
            failed: all.failed(),
            error_replies: all.error_replies,
            wrong: all.wrong,
            lost: all.lost,
            timeouts: all.timeouts,
            unfinished: all.unfinished,
            waited: all.waited,
            hits: all.hits,
            misses: all.misses,
            hit_ratio: (gets > 0).then(|| all.hits as f64 / gets as f64),
            redirects: all.redirects,
            disconnects: all.disconnects,
            connect_failures: all.connect_failures,
            bytes_out_per_s: per_s(inside.bytes_out),
            bytes_in_per_s: per_s(inside.bytes_in),
            tape_rounds: self.measured.tape_rounds.max(1),
        }
    }

    fn latency(&self) -> Latency {
        let latencies = &self.measured.latencies;
        let service = LatencySummary::of(&sum(&latencies.service));
        if self.config.is_open() {
            let response = LatencySummary::of(&sum(&latencies.response));
            Latency {
                response,
                service,
                lag: Some(LatencySummary::of(&latencies.lag)),
            }
        } else {
            Latency {
                response: service.clone(),
                service,
                lag: None,
            }
        }
    }

    fn commands(&self, span: &Span) -> Vec<CommandReport> {
        let latencies = &self.measured.latencies;
        let rows = self.commands.iter().enumerate().map(|(index, name)| {
            let service = LatencySummary::of(&latencies.service[index]);
            let response = if self.config.is_open() {
                LatencySummary::of(&latencies.response[index])
            } else {
                service.clone()
            };
            let per_s = response.count as f64 / span.measured_s.max(1e-9);
            CommandReport {
                name: name.clone(),
                per_s,
                response,
                service,
            }
        });
        rows.filter(|row| row.response.count > 0).collect()
    }

    fn endpoints(&self) -> Vec<EndpointReport> {
        let [first, last] = &self.samples;
        let told = self.servers.are_endpoints();
        let used_ns = last.used_since(first);
        let rows = self.config.endpoints.iter().zip(&self.measured.endpoints);
        let row = |(index, (endpoint, counts)): (usize, (&String, &EndpointCounts))| {
            let response = match self.measured.endpoint_responses.get(index) {
                Some(own) => LatencySummary::of(own),
                None => self.latency().response,
            };
            let used_ns = used_ns.get(index).copied().flatten().filter(|_| told);
            let answered = counts.completed > 0;
            EndpointReport {
                endpoint: endpoint.clone(),
                completed: counts.completed,
                failed: counts.failed,
                disconnects: counts.disconnects,
                service_mean_ns: answered
                    .then(|| counts.service_ns_sum as f64 / counts.completed as f64),
                service_max_ns: answered.then_some(counts.service_ns_max),
                response,
                server_cpu_ns_per_request: used_ns
                    .filter(|_| answered)
                    .map(|ns| ns as f64 / counts.completed as f64),
            }
        };
        rows.enumerate().map(row).collect()
    }

    /// Endpoints that tell their own processor time have it in their own rows.
    fn servers(&self) -> Vec<ServerReport> {
        if self.servers.are_endpoints() {
            return Vec::new();
        }
        let [first, last] = &self.samples;
        let completed = self.span.completed;
        let row = |(name, used_ns): (String, Option<u64>)| ServerReport {
            name,
            cpus: used_ns.map(|ns| ns as f64 / last.since(first)),
            cpu_ns_per_request: used_ns
                .filter(|_| completed > 0)
                .map(|ns| ns as f64 / completed as f64),
        };
        let names = self.servers.names().into_iter();
        names.zip(last.used_since(first)).map(row).collect()
    }

    fn cost(&self, span: &Span) -> Cost {
        let counts = &self.span;
        let per_request =
            |count: u64| (counts.completed > 0).then(|| count as f64 / counts.completed as f64);
        let [first, last] = &self.samples;
        let servers_ns = last.used_since(first);
        let busiest_ns = servers_ns.iter().copied().max().flatten();
        let wall_ns = (span.measured_s * 1e9).max(1.0);
        let workers = f64::from(self.config.workers);
        Cost {
            client_cpu_ns_per_request: per_request(counts.cpu_ns),
            client_process_cpu_ns_per_request: (self.config.fleet.hosts.is_empty())
                .then(|| per_request(last.client_ns - first.client_ns))
                .flatten(),
            server_cpu_ns_per_request: all_of(&servers_ns).and_then(per_request),
            server_cpus: last.server_cpus_since(first),
            server_cpus_max: busiest_ns.map(|ns| ns as f64 / last.since(first)),
            worker_busy_max: self.busiest_ns as f64 / wall_ns,
            runqueue_share: counts.runqueue_ns as f64 / wall_ns / workers,
            system_calls_per_request: per_request(counts.system_calls()),
            polls_per_request: per_request(counts.polls),
            reads_per_request: per_request(counts.reads),
            writes_per_request: per_request(counts.writes),
            timers_per_request: per_request(counts.timers),
        }
    }
}
