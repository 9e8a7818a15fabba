//! What the node tells of itself.

use super::{NoTargetsCount, Node, PeerSnapshot, Snapshot};
use crate::consistency::Consistency;
use crate::hash::HashKind;
use crate::ids::PeerId;
use crate::time::Now;
use crate::topology::Topology;

impl Node {
    /// Counters, gauges and the ring as this node sees it.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let (datacenter, rack) = self.topology.place(self.local);
        let placement = self.topology.placement();
        let shadow = self.topology.shadow();
        Snapshot {
            node: self.topology.peer(self.local).name.clone(),
            cluster: self.config.cluster.clone(),
            datacenter: datacenter.to_owned(),
            rack: rack.to_owned(),
            state: self.own_state().name(),
            hash: placement.hash.name(),
            distribution: placement.distribution.name(),
            shadow_hash: shadow.map(|shadow| shadow.hash.name()),
            shadow_distribution: shadow.map(|shadow| shadow.distribution.name()),
            replica_count: self.topology.replica_count(),
            uptime_ms: now.mono.since_ms(self.started),
            client_connections: self.connections.client_count(),
            flights: self.flights.len(),
            split_commands: self.splits.len(),
            fetches: self.fetches.len(),
            keys: self.store.len() as u64,
            counters: self.counters.clone(),
            response_timeouts: self.response_timeouts,
            no_targets: self.no_targets_counts(datacenter, rack),
            peers: (0..self.peers.len())
                .map(|index| self.peer_snapshot(PeerId(index as u16), now))
                .collect(),
            ..Snapshot::default()
        }
    }

    fn no_targets_counts(&self, datacenter: &str, rack: &str) -> Vec<NoTargetsCount> {
        let rows = Consistency::ALL.iter().zip(self.no_targets);
        rows.map(|(level, count)| NoTargetsCount {
            datacenter: datacenter.to_owned(),
            rack: rack.to_owned(),
            consistency: *level,
            count,
        })
        .collect()
    }

    fn peer_snapshot(&self, id: PeerId, now: Now) -> PeerSnapshot {
        let peer = self.topology.peer(id);
        let (datacenter, rack) = self.topology.place(id);
        let link = &self.peers[id.index()];
        let hints = self.handoff.gauges(id, now);
        PeerSnapshot {
            name: peer.name.clone(),
            datacenter: datacenter.to_owned(),
            rack: rack.to_owned(),
            tokens: peer.tokens.iter().map(ToString::to_string).collect(),
            state: self.peer_state(id).name(),
            local: id == self.local,
            inflight: link.inflight,
            queued_bytes: self.queued_for(id),
            send_full_total: link.send_full_total,
            send_closed_total: link.send_closed_total,
            hints_stored: hints.stored,
            hint_bytes: hints.bytes,
            hint_oldest_ms: hints.oldest_ms,
            hints_delivered_total: hints.delivered,
            hints_expired_total: hints.expired,
            hints_refused_total: hints.refused,
        }
    }

    fn queued_for(&self, id: PeerId) -> usize {
        let conn = self.peers[id.index()].link();
        match conn.and_then(|conn| self.connections.get(conn)) {
            Some(super::Connection::Link(link)) => link.egress.len(),
            _ => 0,
        }
    }
}

/// Equal on nodes that place every key the same way.
pub(super) fn fingerprint(topology: &Topology) -> u64 {
    let placement = topology.placement();
    let mut text = format!(
        "{} {:?} {:?}",
        placement.hash.name(),
        placement.distribution,
        placement.hash_tag
    );
    for index in 0..topology.peers().len() {
        let id = PeerId(index as u16);
        let peer = topology.peer(id);
        let (datacenter, rack) = topology.place(id);
        text.push_str(&format!(
            "\n{} {datacenter} {rack} {:?} {}",
            peer.name, peer.tokens, peer.weight
        ));
    }
    HashKind::by_name("murmur3_x64_64").map_or(0, |hash| hash.hash(text.as_bytes()))
}
