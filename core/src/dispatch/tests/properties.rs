//! What holds for every ring, state and request.

use proptest::prelude::*;

use crate::command::Access;
use crate::consistency::{Consistency, majority};
use crate::dispatch::*;
use crate::distribution::{DistributionKind, Token};
use crate::hash::HashKind;
use crate::ids::PeerId;
use crate::topology::{PeerSpec, Topology};

const STATES: [PeerState; 5] = [
    PeerState::Joining,
    PeerState::Normal,
    PeerState::Down,
    PeerState::Leaving,
    PeerState::Unknown,
];

#[derive(Clone, Debug)]
struct Case {
    topology: Topology,
    states: Vec<PeerState>,
    level: Consistency,
    access: Access,
    tag: RoutingTag,
    handoff: bool,
    n_val: usize,
    key: Vec<u8>,
}

impl Case {
    fn plan(&self) -> Plan {
        let input = PlanInput {
            tag: self.tag,
            ..PlanInput::keyed(&self.key, self.access)
        };
        let bucket = BucketType {
            name: String::new(),
            read_consistency: self.level,
            write_consistency: self.level,
            n_val: self.n_val,
        };
        let config = DispatchConfig::new(Consistency::DcOne, Consistency::DcOne, self.handoff)
            .with_buckets(Vec::new(), Some(bucket));
        plan(&input, &self.topology, &self.states, &config)
    }

    fn state(&self, peer: PeerId) -> PeerState {
        self.states[peer.index()]
    }
}

/// Racks by datacenter, each with some peers.
fn topology() -> impl Strategy<Value = Topology> {
    let racks = prop::collection::vec(1..4u32, 1..5);
    let datacenters = prop::collection::vec(racks, 1..4);
    (datacenters, any::<prop::sample::Index>()).prop_map(|(datacenters, local)| {
        let mut specs = Vec::new();
        for (datacenter, racks) in datacenters.iter().enumerate() {
            for (rack, peers) in racks.iter().enumerate() {
                for peer in 0..*peers {
                    specs.push(PeerSpec {
                        name: format!("{datacenter}-{rack}-{peer}"),
                        datacenter: format!("dc{datacenter}"),
                        rack: format!("r{}", (rack + datacenter) % 5),
                        tokens: vec![Token::of_hash(u64::from(peer) * 1_400_000_000 + 7)],
                        weight: 1,
                    });
                }
            }
        }
        let local = local.get(&specs).name.clone();
        let hash = HashKind::by_name("murmur").expect("a hash");
        let distribution = DistributionKind::by_name("vnode").expect("a distribution");
        Topology::build(specs, &local, hash, distribution, None).expect("a ring")
    })
}

fn case() -> impl Strategy<Value = Case> {
    let tags = [
        RoutingTag::Default,
        RoutingTag::Default,
        RoutingTag::AllNodesAllRacksAllDcs,
        RoutingTag::ForwardToRacks,
    ];
    let request = (
        prop::sample::select(Consistency::ALL.to_vec()),
        prop::sample::select(vec![Access::Read, Access::Write]),
        prop::sample::select(tags.to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    );
    let states = prop::collection::vec(prop::sample::select(STATES.to_vec()), 64);
    (topology(), states, request, any::<bool>(), 0..12usize).prop_map(
        |(topology, states, (level, access, tag, key), handoff, n_val)| Case {
            topology,
            states,
            level,
            access: if tag == RoutingTag::ForwardToRacks {
                Access::Write
            } else {
                access
            },
            tag,
            handoff,
            n_val: n_val.saturating_sub(4),
            key,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn targets_are_replicas_each_once_local_ones_first(case in case()) {
        let Plan::Replicas(fanout) = case.plan() else { return Ok(()) };
        let replicas = case.topology.replicas(&case.key);
        let local_datacenter = case.topology.local_datacenter();
        prop_assert!(fanout.targets.iter().any(|target| target.waited));
        prop_assert!(fanout.targets.is_sorted_by_key(|t| t.datacenter != local_datacenter));
        for (index, target) in fanout.targets.iter().enumerate() {
            prop_assert!(replicas.iter().any(|r| (r.peer, r.datacenter) == (target.peer, target.datacenter)));
            prop_assert!(!fanout.targets[..index].iter().any(|t| t.peer == target.peer));
        }
    }

    #[test]
    fn only_what_a_peer_can_take_is_sent_to_it(case in case()) {
        let Plan::Replicas(fanout) = case.plan() else { return Ok(()) };
        for target in &fanout.targets {
            let state = case.state(target.peer);
            if target.peer == case.topology.local() {
                prop_assert_eq!(target.action, Action::Send);
            } else if case.access == Access::Read {
                prop_assert_eq!((state, target.action), (PeerState::Normal, Action::Send));
            } else {
                prop_assert_eq!(target.action == Action::Send, state.takes_writes());
                prop_assert!(target.action == Action::Send || case.handoff);
            }
        }
    }

    #[test]
    fn thresholds_count_the_configured_set_and_never_exceed_it(case in case()) {
        let Plan::Replicas(fanout) = case.plan() else { return Ok(()) };
        let configured = &fanout.configured;
        let total: usize = configured.by_datacenter.iter().map(|count| usize::from(*count)).sum();
        let every = case.topology.replica_count();
        let forwarded = case.tag == RoutingTag::ForwardToRacks;
        let expected = match case.n_val {
            _ if forwarded => case.topology.replica_count_in(configured.local_datacenter),
            0 => every,
            cap => cap.min(every),
        };
        prop_assert_eq!(total, expected);
        prop_assert!(fanout.acks_wanted() <= total);
        prop_assert!(fanout.targets.len() <= total);
        for (datacenter, count) in (0..).zip(&configured.by_datacenter) {
            prop_assert!(usize::from(*count) <= case.topology.replica_count_in(datacenter));
        }
        let states_do_not_matter = Case { states: vec![PeerState::Normal; 64], ..case.clone() };
        if let Plan::Replicas(all_up) = states_do_not_matter.plan() {
            prop_assert_eq!(&all_up.configured, configured);
        }
    }

    #[test]
    fn d9_a_read_at_one_has_one_target(mut case in case()) {
        case.level = Consistency::DcOne;
        case.access = Access::Read;
        case.tag = RoutingTag::Default;
        match case.plan() {
            Plan::Replicas(fanout) => {
                prop_assert_eq!(fanout.targets.len(), 1);
                prop_assert!(fanout.single().is_some());
                prop_assert_ne!(fanout.targets[0].peer, case.topology.local());
            }
            Plan::Local => {
                let replicas = case.topology.replicas(&case.key);
                prop_assert!(replicas.iter().any(|r| r.peer == case.topology.local()));
            }
            Plan::NoTargets { .. } => {}
            Plan::Drop => prop_assert!(false),
        }
    }

    #[test]
    fn d12_every_datacenter_gets_one_copy_or_is_written_directly(mut case in case()) {
        case.access = Access::Write;
        case.tag = RoutingTag::Default;
        let Plan::Replicas(fanout) = case.plan() else { return Ok(()) };
        let replicas = case.topology.replicas(&case.key);
        for datacenter in 0..case.topology.datacenters().len() as u8 {
            let there = |target: &&Target| target.datacenter == datacenter;
            let targets: Vec<_> = fanout.targets.iter().filter(there).collect();
            let forwards = targets.iter().filter(|target| target.forward).count();
            prop_assert!(forwards == 0 || targets.len() == 1);
            prop_assert!(forwards == 0 || datacenter != fanout.configured.local_datacenter);
            if forwards == 1 {
                // The forwarder's own plan reaches all the others.
                let replicas = replicas.iter().filter(|r| r.datacenter == datacenter).count();
                prop_assert_eq!(fanout.configured.count(datacenter), replicas);
            }
        }
    }

    #[test]
    fn d14_local_means_that_this_node_alone_decides(case in case()) {
        if case.plan() == Plan::Local && case.access == Access::Write {
            let local = case.topology.local();
            let replicas = case.topology.replicas(&case.key);
            prop_assert!(replicas.iter().any(|replica| replica.peer == local));
            let local_count = case.topology.replica_count_in(case.topology.local_datacenter());
            let capped = if case.n_val > 0 { local_count.min(case.n_val) } else { local_count };
            let alone = case.level == Consistency::DcOne || majority(capped) == 1;
            prop_assert!(alone || case.tag == RoutingTag::ForwardToRacks);
        }
    }

    #[test]
    fn a_split_holds_every_key_once_and_keeps_their_order(
        topology in topology(),
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 1..60),
    ) {
        let config = DispatchConfig::default();
        let slices = keys.iter().map(Vec::as_slice);
        let split = Split::of(slices, Access::Read, &topology, &config);
        let peers = |key: &[u8]| topology.replicas(key).iter().map(|r| r.peer).collect::<Vec<_>>();
        let Some(split) = split else {
            prop_assert!(keys.iter().all(|key| peers(key) == peers(&keys[0])));
            return Ok(());
        };
        let mut seen = vec![0; keys.len()];
        let mut start = 0;
        let mut firsts = Vec::new();
        for end in &split.ends {
            let part = &split.positions[start as usize..*end as usize];
            prop_assert!(!part.is_empty() && part.is_sorted());
            firsts.push(part[0]);
            for position in part {
                seen[*position as usize] += 1;
                prop_assert_eq!(peers(&keys[*position as usize]), peers(&keys[part[0] as usize]));
            }
            start = *end;
        }
        prop_assert!(firsts.is_sorted() && firsts.len() > 1);
        prop_assert!(seen.iter().all(|count| *count == 1));
    }
}

#[test]
fn d7_the_shadow_is_compared_as_a_set_and_changes_nothing() {
    let hash = HashKind::by_name("murmur").expect("a hash");
    let vnode = DistributionKind::by_name("vnode").expect("a distribution");
    let single = DistributionKind::by_name("single").expect("a distribution");
    let spec = |name: &str, token: u64| PeerSpec {
        name: name.to_owned(),
        datacenter: "east".to_owned(),
        rack: "r1".to_owned(),
        tokens: vec![Token::of_hash(token)],
        weight: 1,
    };
    let specs = vec![spec("a", 1_000_000_000), spec("b", 3_000_000_000)];
    let plain = Topology::build(specs, "a", hash, vnode, None).expect("a ring");
    let shadowed = plain.clone().with_shadow(hash, single).expect("a shadow");
    let config = DispatchConfig::default();
    let mut disagreed = 0;
    for number in 0..100u32 {
        let key = number.to_le_bytes();
        assert_eq!(shadow_disagreement(&plain, &key), None);
        let input = PlanInput::keyed(&key, Access::Read);
        let states = [PeerState::Normal; 2];
        assert_eq!(
            plan(&input, &plain, &states, &config),
            plan(&input, &shadowed, &states, &config)
        );
        if let Some(Disagreement { chosen, shadow }) = shadow_disagreement(&shadowed, &key) {
            assert_eq!((chosen[0].peer, shadow[0].peer), (PeerId(1), PeerId(0)));
            disagreed += 1;
        }
    }
    assert!((20..80).contains(&disagreed), "{disagreed}");
}
