//! The planner's rules as a text table, and what holds for every topology.

mod properties;
mod table;

use std::collections::BTreeMap;

use super::PeerState;
use crate::distribution::DistributionKind;
use crate::hash::HashKind;
use crate::topology::{PeerSpec, Topology};

/// A ring of `east/r1=a,b east/r2=c west/r1=d` seen from `local`. The first peer of each rack owns
/// every key.
fn ring(text: &str, local: &str) -> Topology {
    let mut specs = Vec::new();
    for rack in text.split_whitespace() {
        let (place, peers) = rack.split_once('=').expect(rack);
        let (datacenter, rack) = place.split_once('/').expect(place);
        for peer in peers.split(',') {
            specs.push(PeerSpec {
                name: peer.to_owned(),
                datacenter: datacenter.to_owned(),
                rack: rack.to_owned(),
                tokens: Vec::new(),
                weight: 1,
            });
        }
    }
    let hash = HashKind::by_name("murmur").expect("a hash");
    let distribution = DistributionKind::by_name("single").expect("a distribution");
    Topology::build(specs, local, hash, distribution, None).expect(text)
}

/// Every peer `Normal` but those named.
fn states(topology: &Topology, named: &BTreeMap<String, PeerState>) -> Vec<PeerState> {
    let state = |name: &String| named.get(name).copied().unwrap_or(PeerState::Normal);
    topology
        .peers()
        .iter()
        .map(|peer| state(&peer.name))
        .collect()
}
