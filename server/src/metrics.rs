//! `/metrics`: the node's snapshot in Prometheus' text format. One row a metric.

use std::fmt::Write;

use ringlab_core::consistency::Consistency;
use ringlab_core::node::{PeerSnapshot, Snapshot};

use crate::process::Process;

/// A metric that is more than one of the node's plain counters.
struct Metric {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Samples,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// Where a metric's values come from.
enum Samples {
    /// One value, without labels.
    One(fn(&Snapshot) -> u64),
    /// One by peer, labelled with peer and datacenter.
    ByPeer(fn(&PeerSnapshot) -> u64),
    /// Whatever the function writes.
    Own(fn(&Snapshot, &mut Lines<'_>)),
}

const fn counter(name: &'static str, help: &'static str, samples: Samples) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Counter,
        samples,
    }
}

const fn gauge(name: &'static str, help: &'static str, samples: Samples) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Gauge,
        samples,
    }
}

/// All of them, but for the plain counters, which have a table of their own in the core.
static METRICS: &[Metric] = &[
    gauge(
        "ringd_info",
        "This node; the value is always 1.",
        Samples::Own(info),
    ),
    gauge(
        "uptime_ms",
        "Milliseconds since the start.",
        Samples::One(|s| s.uptime_ms),
    ),
    gauge(
        "client_connections",
        "Client connections now.",
        Samples::One(|s| s.client_connections as u64),
    ),
    gauge(
        "flights",
        "Requests that wait for replicas now.",
        Samples::One(|s| s.flights as u64),
    ),
    gauge("keys", "Keys in the store.", Samples::One(|s| s.keys)),
    counter(
        "dispatch_no_targets_total",
        "Requests for which no peer was found.",
        Samples::Own(no_targets),
    ),
    counter(
        "response_timeout_total",
        "Requests that passed their deadline.",
        Samples::Own(timeouts),
    ),
    gauge(
        "peer_up",
        "1 while the peer is normal or joining.",
        Samples::ByPeer(|p| u64::from(matches!(p.state, "normal" | "joining"))),
    ),
    gauge(
        "peer_state",
        "1 for the state the peer is in.",
        Samples::Own(states),
    ),
    gauge(
        "peer_inflight",
        "Requests sent to the peer and not yet answered.",
        Samples::ByPeer(|p| p.inflight as u64),
    ),
    gauge(
        "peer_queued_bytes",
        "Bytes that wait to be sent to the peer.",
        Samples::ByPeer(|p| p.queued_bytes as u64),
    ),
    counter(
        "peer_send_full_total",
        "Requests not sent: the peer's queue was full.",
        Samples::ByPeer(|p| p.send_full_total),
    ),
    counter(
        "peer_send_closed_total",
        "Requests not sent: the link to the peer was closed.",
        Samples::ByPeer(|p| p.send_closed_total),
    ),
    gauge(
        "hints_stored",
        "Hints kept for the peer.",
        Samples::ByPeer(|p| p.hints_stored),
    ),
    gauge(
        "hint_bytes",
        "Bytes of those hints.",
        Samples::ByPeer(|p| p.hint_bytes),
    ),
    gauge(
        "hint_oldest_ms",
        "Age of the oldest of them, in milliseconds; 0 without any.",
        Samples::ByPeer(|p| p.hint_oldest_ms),
    ),
    counter(
        "hints_delivered_total",
        "Hints the peer acknowledged.",
        Samples::ByPeer(|p| p.hints_delivered_total),
    ),
    counter(
        "hints_expired_total",
        "Hints dropped because of their age.",
        Samples::ByPeer(|p| p.hints_expired_total),
    ),
    counter(
        "hints_refused_total",
        "Hints refused over the bound.",
        Samples::ByPeer(|p| p.hints_refused_total),
    ),
];

/// The whole page.
#[must_use]
pub fn render(snapshot: &Snapshot, process: &Process) -> String {
    let mut page = String::with_capacity(8 * 1024);
    for metric in METRICS {
        let mut lines = Lines::begin(&mut page, metric.name, metric.help, metric.kind);
        match metric.samples {
            Samples::One(value) => lines.put(&[], value(snapshot)),
            Samples::ByPeer(value) => {
                for peer in snapshot.peers.iter().filter(|peer| !peer.local) {
                    lines.put(
                        &[("peer", &peer.name), ("dc", &peer.datacenter)],
                        value(peer),
                    );
                }
            }
            Samples::Own(write) => write(snapshot, &mut lines),
        }
    }
    for (name, help, value) in snapshot.counters.rows() {
        Lines::begin(&mut page, name, help, Kind::Counter).put(&[], value);
    }
    for (name, help, value) in snapshot.io.rows() {
        let name = format!("io_{name}");
        Lines::begin(&mut page, &name, help, Kind::Counter).put(&[], value);
    }
    own_process(&mut page, process);
    page
}

/// The rows every Prometheus client library gives, under their usual names.
fn own_process(page: &mut String, process: &Process) {
    let rows = [
        (
            "process_cpu_seconds_total",
            "CPU time, user and system.",
            Kind::Counter,
            process.cpu_s,
        ),
        (
            "process_resident_memory_bytes",
            "Memory in RAM.",
            Kind::Gauge,
            process.resident_bytes as f64,
        ),
        (
            "process_open_fds",
            "Open file descriptors.",
            Kind::Gauge,
            process.open_fds as f64,
        ),
    ];
    for (name, help, kind, value) in rows {
        Lines::begin(page, name, help, kind).put_float(value);
    }
}

fn info(snapshot: &Snapshot, lines: &mut Lines<'_>) {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("node", &snapshot.node),
        ("cluster", &snapshot.cluster),
        ("dc", &snapshot.datacenter),
        ("rack", &snapshot.rack),
        ("hash", snapshot.hash),
        ("distribution", snapshot.distribution),
        ("hash_shadow", snapshot.shadow_hash.unwrap_or("")),
        (
            "distribution_shadow",
            snapshot.shadow_distribution.unwrap_or(""),
        ),
    ];
    lines.put(&labels, 1);
}

fn no_targets(snapshot: &Snapshot, lines: &mut Lines<'_>) {
    for row in &snapshot.no_targets {
        let labels = [
            ("dc", row.datacenter.as_str()),
            ("rack", &row.rack),
            ("consistency", row.consistency.name()),
        ];
        lines.put(&labels, row.count);
    }
}

fn timeouts(snapshot: &Snapshot, lines: &mut Lines<'_>) {
    for (level, &count) in Consistency::ALL.iter().zip(&snapshot.response_timeouts) {
        lines.put(&[("consistency", level.name())], count);
    }
}

fn states(snapshot: &Snapshot, lines: &mut Lines<'_>) {
    for peer in &snapshot.peers {
        let labels = [
            ("peer", peer.name.as_str()),
            ("dc", &peer.datacenter),
            ("rack", &peer.rack),
            ("state", peer.state),
        ];
        lines.put(&labels, 1);
    }
}

/// The lines of one metric.
struct Lines<'a> {
    page: &'a mut String,
    name: &'a str,
}

impl<'a> Lines<'a> {
    fn begin(page: &'a mut String, name: &'a str, help: &str, kind: Kind) -> Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        page.push_str("# HELP ");
        page.push_str(name);
        page.push(' ');
        page.push_str(help);
        page.push_str("\n# TYPE ");
        page.push_str(name);
        page.push(' ');
        page.push_str(kind);
        page.push('\n');
        Lines { page, name }
    }

    fn put(&mut self, labels: &[(&str, &str)], value: u64) {
        self.page.push_str(self.name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.page.push(if index == 0 { '{' } else { ',' });
            self.page.push_str(label);
            self.page.push_str("=\"");
            for letter in text.chars() {
                match letter {
                    '\\' => self.page.push_str("\\\\"),
                    '"' => self.page.push_str("\\\""),
                    '\n' => self.page.push_str("\\n"),
                    other => self.page.push(other),
                }
            }
            self.page.push('"');
        }
        if !labels.is_empty() {
            self.page.push('}');
        }
        writeln!(self.page, " {value}").expect("a string takes every write");
    }

    fn put_float(&mut self, value: f64) {
        writeln!(self.page, "{} {value}", self.name).expect("a string takes every write");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringlab_core::node::NoTargetsCount;

    use super::*;

    fn snapshot() -> Snapshot {
        let peer = |name: &str, local| PeerSnapshot {
            name: name.to_owned(),
            datacenter: "dc1".to_owned(),
            rack: "r\"1".to_owned(),
            state: "normal",
            local,
            send_full_total: 7,
            ..PeerSnapshot::default()
        };
        Snapshot {
            node: "a:1".to_owned(),
            keys: 42,
            response_timeouts: [0, 3, 0, 0],
            no_targets: vec![NoTargetsCount {
                datacenter: "dc1".to_owned(),
                rack: "r1".to_owned(),
                consistency: Consistency::DcQuorum,
                count: 5,
            }],
            peers: vec![peer("a:1", true), peer("b:1", false)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn samples_carry_the_names_of_the_specification() {
        let page = render(&snapshot(), &Process::default());
        for line in [
            "keys 42",
            "response_timeout_total{consistency=\"DC_QUORUM\"} 3",
            "dispatch_no_targets_total{dc=\"dc1\",rack=\"r1\",consistency=\"DC_QUORUM\"} 5",
            "peer_send_full_total{peer=\"b:1\",dc=\"dc1\"} 7",
            "peer_send_closed_total{peer=\"b:1\",dc=\"dc1\"} 0",
            "peer_state{peer=\"a:1\",dc=\"dc1\",rack=\"r\\\"1\",state=\"normal\"} 1",
            "backend_send_full_total 0",
            "backend_send_closed_total 0",
            "distribution_shadow_disagreement_total 0",
            "hash_shadow_disagreement_total 0",
            "shadow_evaluations_total 0",
            "coalesce_plurality_total 0",
            "io_writes_total 0",
        ] {
            assert!(
                page.lines().any(|have| have == line),
                "{line} is missing in\n{page}"
            );
        }
    }

    #[test]
    fn each_metric_is_described_once() {
        let page = render(&snapshot(), &Process::default());
        let mut seen = BTreeSet::new();
        for line in page.lines().filter(|line| line.starts_with("# TYPE ")) {
            assert!(seen.insert(line.to_owned()), "{line}");
            let counts = line.ends_with(" counter");
            let name = line.split(' ').nth(2).expect("a name");
            assert_eq!(name.ends_with("_total"), counts, "{line}");
        }
    }
}
