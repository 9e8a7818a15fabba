//! The planner's rules as a text table, and what holds for every topology.

mod properties;
mod table;

use std::collections::BTreeMap;

use super::{BucketType, DispatchConfig, PeerState, Plan, PlanInput, plan};
use crate::command::Access;
use crate::consistency::Consistency;
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

#[test]
fn d3_an_empty_peer_table_gives_no_targets() {
    let placement = ring("east/r1=a", "a").placement();
    let config = DispatchConfig::new(Consistency::DcOne, Consistency::DcQuorum, true);
    let keyed = PlanInput::keyed(b"k", Access::Write);
    for key in [Some(&b"k"[..]), None] {
        let input = PlanInput { key, ..keyed };
        let none = Plan::NoTargets {
            datacenter: 0,
            rack: 0,
            consistency: Consistency::DcQuorum,
        };
        assert_eq!(
            plan(&input, &Topology::without_peers(placement), &[], &config),
            none
        );
    }
}

#[test]
fn d13_the_peers_that_hold_a_key_end_at_the_cap() {
    let topology = ring("east/r1=a east/r2=b west/r1=c", "b");
    let two = BucketType {
        name: "two".to_owned(),
        read_consistency: Consistency::DcOne,
        write_consistency: Consistency::DcOne,
        n_val: 2,
    };
    let config = DispatchConfig::default().with_buckets(vec![two], None);
    for (key, held_by) in [("two/k", 2), ("k", 3), ("other/k", 3)] {
        let replicas = config.replicas(key.as_bytes(), &topology);
        assert_eq!(
            replicas[..],
            topology.replicas(key.as_bytes())[..held_by],
            "{key}"
        );
    }
}
