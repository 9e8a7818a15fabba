//! Planning: from a request's key to the peers it goes to, on rings of three shapes.

use std::hint::black_box;

use ringlab_core::command::Access;
use ringlab_core::consistency::Consistency;
use ringlab_core::dispatch::{DispatchConfig, PeerState, Plan, PlanInput, plan};
use ringlab_core::limits::REPLICAS_INLINE;
use ringlab_core::topology::Topology;

use super::Suite;
use crate::case::{Case, Repeat, Wrong};
use crate::fixtures::{key, ring};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "dispatch",
    question: "What does it cost to decide where a request goes?",
    cases,
};

/// How many peers a plan sends to, and how many of them are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    to: usize,
    waited: usize,
}

fn cases() -> Vec<Case> {
    let alone: fn() -> Topology = || ring(1, 1, 1);
    let racks: fn() -> Topology = || ring(1, 3, 1);
    let datacenters: fn() -> Topology = || ring(3, 3, 1);
    let sent = |to, waited| Some(Sent { to, waited });
    vec![
        case("1-node+read", alone, Access::Read, None),
        case("1-node+write", alone, Access::Write, None),
        case("3-racks+read", racks, Access::Read, sent(3, 3)),
        case("3-racks+write", racks, Access::Write, sent(3, 3)),
        case("3-dcs-3-racks+read", datacenters, Access::Read, sent(3, 3)),
        case(
            "3-dcs-3-racks+write",
            datacenters,
            Access::Write,
            sent(5, 3),
        ),
    ]
}

/// Plans at `DC_QUORUM` with every peer up; `None` is expected where this node does it alone.
fn case(input: &str, ring: fn() -> Topology, access: Access, expected: Option<Sent>) -> Case {
    let replicas = ring().replica_count();
    let case = Case::new(format!("dispatch/plan/{input}"), move || {
        let topology = ring();
        let states = vec![PeerState::Normal; topology.peers().len()];
        let config = DispatchConfig::new(Consistency::DcQuorum, Consistency::DcQuorum, true);
        let key = key(16);
        Repeat::new(
            move || {
                let input = PlanInput::keyed(black_box(&key), access);
                plan(&input, &topology, &states, &config)
            },
            move |last| Wrong::unless_equal(&sent(last)?, &expected),
        )
    });
    if replicas <= REPLICAS_INLINE {
        case.allocates_nothing()
    } else {
        case
    }
}

fn sent(plan: &Plan) -> Result<Option<Sent>, Wrong> {
    match plan {
        Plan::Local => Ok(None),
        Plan::Replicas(fanout) => Ok(Some(Sent {
            to: fanout.targets.len(),
            waited: fanout.targets.iter().filter(|target| target.waited).count(),
        })),
        other => Err(Wrong(format!("{other:?}"))),
    }
}
