//! The planner: from a key to the peers that must see its request (D1, D3 to D15).
//!
//! Choices the rules leave open:
//! - `Leaving` and `Unknown` peers are treated as `Down`. A `Joining` peer is written to, as a
//!   replica like any other, and not read from. This node itself is `Joining` or serves.
//! - `n_val` keeps the first replicas in the order of a replica set, local datacenter first; the
//!   capped set takes the place of the configured one in everything that follows, thresholds too.
//! - A remote datacenter's copy goes to the preselected rack's peer; when that is not `Normal`, to
//!   the first by rack that is; when none takes writes, each of them is hinted. A datacenter the
//!   cap cuts through is sent to directly: its peers could not know where the cap is.
//! - Without any local target that is waited for, nothing is sent anywhere: `NoTargets`.

use super::{Action, Configured, DispatchConfig, Fanout, PeerState, Plan, RoutingTag};
use super::{Rule, Target, Targets};
use crate::command::Access;
use crate::consistency::Consistency;
use crate::ids::PeerId;
use crate::topology::{Replica, ReplicaSet, Topology};

/// A request, as far as the planner looks at it.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// Its key; of a part of a multi-key command any one, as they share their replica set.
    pub key: Option<&'a [u8]>,
    /// Reads or writes.
    pub access: Access,
    /// How it came here.
    pub tag: RoutingTag,
    /// It is QUIT (D1).
    pub quit: bool,
}

impl<'a> PlanInput<'a> {
    /// A client's request for `key`.
    #[must_use]
    pub const fn keyed(key: &'a [u8], access: Access) -> Self {
        Self {
            key: Some(key),
            access,
            tag: RoutingTag::Default,
            quit: false,
        }
    }
}

/// Where the request goes. `states` is indexed by peer id; peers beyond its end are `Unknown`.
///
/// No allocation for up to [`REPLICAS_INLINE`](crate::limits::REPLICAS_INLINE) replicas.
#[must_use]
pub fn plan(
    input: &PlanInput<'_>,
    topology: &Topology,
    states: &[PeerState],
    config: &DispatchConfig,
) -> Plan {
    if input.quit {
        return Plan::Drop;
    }
    if topology.peers().is_empty() {
        return Plan::NoTargets {
            datacenter: 0,
            rack: 0,
            consistency: config.pool_level(input.access),
        };
    }
    let Some(key) = input.key else {
        return Plan::Local;
    };
    let planner = Planner {
        topology,
        states,
        hinted_handoff: config.hinted_handoff,
    };
    match input.tag {
        RoutingTag::LocalNodeOnly | RoutingTag::Relayed => Plan::Local,
        RoutingTag::ForwardToRacks => planner.forward(key),
        RoutingTag::Default | RoutingTag::AllNodesAllRacksAllDcs => {
            let rule = config.rule(key, input.access);
            let everywhere = input.tag == RoutingTag::AllNodesAllRacksAllDcs;
            planner.by_rule(key, rule, input.access, everywhere)
        }
    }
}

/// A key whose peers differ between the two placings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The replica set in use.
    pub chosen: ReplicaSet,
    /// What it would be.
    pub shadow: ReplicaSet,
}

impl Disagreement {
    /// How many of the key's copies would be elsewhere.
    #[must_use]
    pub fn moved(&self) -> usize {
        let pairs = self.chosen.iter().zip(&self.shadow);
        pairs.filter(|(chosen, shadow)| chosen != shadow).count()
    }
}

/// Asks the shadow placing too (D7). `None` when it agrees or there is none.
#[must_use]
pub fn shadow_disagreement(topology: &Topology, key: &[u8]) -> Option<Disagreement> {
    let shadow = topology.shadow_replicas(key)?;
    let chosen = topology.replicas(key);
    // Both go rack by rack, and no peer is in two racks: equal sets are equal lists.
    (shadow != chosen).then_some(Disagreement { chosen, shadow })
}

struct Planner<'a> {
    topology: &'a Topology,
    states: &'a [PeerState],
    hinted_handoff: bool,
}

impl Planner<'_> {
    fn by_rule(&self, key: &[u8], rule: Rule, access: Access, everywhere: bool) -> Plan {
        let mut replicas = self.topology.replicas(key);
        if rule.n_val > 0 {
            replicas.truncate(rule.n_val);
        }
        let local_datacenter = self.topology.local_datacenter();
        let in_local = |replica: &Replica| replica.datacenter == local_datacenter;
        let local_count = replicas
            .iter()
            .take_while(|replica| in_local(replica))
            .count();
        let (near, far) = replicas.split_at(local_count);

        let each = rule.consistency == Consistency::DcEachSafeQuorum;
        let everywhere = everywhere || each;
        let mut targets = Targets::new();
        if access == Access::Write {
            targets.extend(
                near.iter()
                    .filter_map(|replica| self.write_to(replica, true)),
            );
            if everywhere {
                targets.extend(
                    far.iter()
                        .filter_map(|replica| self.write_to(replica, each)),
                );
            } else {
                self.write_far(far, &mut targets);
            }
        } else if rule.consistency == Consistency::DcOne && !everywhere {
            targets.extend(self.nearest(near));
        } else {
            self.read_all(near, &mut targets);
            if everywhere {
                let far = far
                    .iter()
                    .filter(|replica| self.state(replica.peer).takes_reads());
                targets.extend(far.map(|replica| send_to(replica, each)));
            }
        }
        self.finish(targets, rule.consistency, &replicas)
    }

    /// A write passed on within this datacenter: this node's own copy answers, the others are
    /// asynchronous (D12, D15).
    fn forward(&self, key: &[u8]) -> Plan {
        let mut replicas = self.topology.replicas(key);
        let local_datacenter = self.topology.local_datacenter();
        replicas.retain(|replica| replica.datacenter == local_datacenter);
        let holds = replicas.iter().any(|replica| self.is_local(replica));
        let waited = |replica: &Replica| !holds || self.is_local(replica);
        let targets = replicas
            .iter()
            .filter_map(|replica| self.write_to(replica, waited(replica)));
        self.finish(targets.collect(), Consistency::DcOne, &replicas)
    }

    fn finish(&self, targets: Targets, consistency: Consistency, configured: &[Replica]) -> Plan {
        let local_datacenter = self.topology.local_datacenter();
        let answers = |target: &Target| target.waited && target.datacenter == local_datacenter;
        if !targets.iter().any(answers) {
            return Plan::NoTargets {
                datacenter: local_datacenter,
                rack: self.topology.local_rack(),
                consistency,
            };
        }
        let fanout = Fanout {
            targets,
            consistency,
            configured: self.configured(configured),
        };
        match fanout.single() {
            Some(only) if only.peer == self.topology.local() => Plan::Local,
            _ => Plan::Replicas(fanout),
        }
    }

    fn configured(&self, replicas: &[Replica]) -> Configured {
        let mut configured = Configured {
            local_datacenter: self.topology.local_datacenter(),
            ..Configured::default()
        };
        let datacenter_count = self.topology.datacenters().len();
        configured.by_datacenter.resize(datacenter_count, 0);
        for replica in replicas {
            configured.by_datacenter[usize::from(replica.datacenter)] += 1;
        }
        configured
    }

    /// The replica a `DC_ONE` read goes to (D9).
    fn nearest(&self, near: &[Replica]) -> Option<Target> {
        let local_rack = self.topology.local_rack();
        let readable = || {
            near.iter()
                .filter(|replica| self.state(replica.peer).takes_reads())
        };
        let nearest = readable()
            .find(|replica| replica.rack == local_rack)
            .or_else(|| readable().next())
            .or_else(|| near.iter().find(|replica| self.is_local(replica)))?;
        Some(send_to(nearest, true))
    }

    /// The local replicas that take reads; this node, though it is joining, when there is none.
    fn read_all(&self, near: &[Replica], targets: &mut Targets) {
        let readable = near
            .iter()
            .filter(|replica| self.state(replica.peer).takes_reads());
        targets.extend(readable.map(|replica| send_to(replica, true)));
        if targets.is_empty() {
            let own = near.iter().find(|replica| self.is_local(replica));
            targets.extend(own.map(|replica| send_to(replica, true)));
        }
    }

    /// One copy for each remote datacenter (D12).
    fn write_far(&self, far: &[Replica], targets: &mut Targets) {
        for replicas in far.chunk_by(|a, b| a.datacenter == b.datacenter) {
            let datacenter = replicas[0].datacenter;
            let whole = replicas.len() == self.topology.replica_count_in(datacenter);
            match self.forwarder(replicas).filter(|_| whole) {
                Some(forwarder) => targets.push(Target {
                    forward: replicas.len() > 1,
                    ..send_to(forwarder, false)
                }),
                None => {
                    let direct = replicas.iter();
                    targets.extend(direct.filter_map(|replica| self.write_to(replica, false)));
                }
            }
        }
    }

    /// Who takes a remote datacenter's copy; `None` when no replica there takes writes.
    fn forwarder<'a>(&self, replicas: &'a [Replica]) -> Option<&'a Replica> {
        let datacenter = usize::from(replicas[0].datacenter);
        let preselected = self.topology.datacenters()[datacenter].preselected_rack;
        let up = replicas
            .iter()
            .filter(|replica| self.state(replica.peer).takes_writes());
        up.min_by_key(|replica| {
            let normal = self.state(replica.peer) == PeerState::Normal;
            (!normal, replica.rack != preselected, replica.rack)
        })
    }

    /// A write's target: sent to, hinted, or, with handoff off and the peer down, none (D6).
    fn write_to(&self, replica: &Replica, waited: bool) -> Option<Target> {
        let up = self.state(replica.peer).takes_writes();
        (up || self.hinted_handoff).then(|| Target {
            action: if up { Action::Send } else { Action::Hint },
            ..send_to(replica, waited)
        })
    }

    fn state(&self, peer: PeerId) -> PeerState {
        let known = self.states.get(peer.index()).copied().unwrap_or_default();
        if peer == self.topology.local() && known != PeerState::Joining {
            PeerState::Normal
        } else {
            known
        }
    }

    fn is_local(&self, replica: &Replica) -> bool {
        replica.peer == self.topology.local()
    }
}

const fn send_to(replica: &Replica, waited: bool) -> Target {
    Target {
        peer: replica.peer,
        datacenter: replica.datacenter,
        action: Action::Send,
        waited,
        forward: false,
    }
}
