//! Every distribution serves: a key lies where the table says, and is found through any node.

use redis::{Commands, Connection};
use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::HashKind;

use super::ringd::{Ring, Ringd};

const KEYS: usize = 90;
/// Of the rack's first node, where the distribution knows weights.
const WEIGHT: u32 = 2;

fn key(index: usize) -> String {
    format!("user:{index}")
}

/// The name by which the ring knows a node.
fn name(node: &Ringd) -> String {
    format!("{}:8101", node.address("listen").ip())
}

/// The table that a rack of these nodes must be using.
fn table(kind: DistributionKind, rack: &[Ringd]) -> Box<dyn Distribution> {
    let claimants: Vec<_> = rack
        .iter()
        .zip(0_u32..)
        .map(|(node, index)| Claimant {
            name: name(node),
            tokens: vec![Token::of_hash(u64::from(
                u32::MAX / rack.len() as u32 * index,
            ))],
            weight: if index == 0 && kind.row().weighted {
                WEIGHT
            } else {
                1
            },
        })
        .collect();
    let murmur = HashKind::by_name("murmur").expect("in the table");
    kind.build(&claimants, murmur).expect("it starts with this")
}

/// How many of the keys each node of the rack should hold.
fn expected(table: &dyn Distribution) -> Vec<f64> {
    let murmur = HashKind::by_name("murmur").expect("in the table");
    let mut held = vec![0.0; table.claimants()];
    for index in 0..KEYS {
        held[table.owner(murmur.hash(key(index).as_bytes()))] += 1.0;
    }
    held
}

fn clients(ring: &Ring) -> Vec<Connection> {
    ring.nodes.iter().map(Ringd::client).collect()
}

#[test]
fn each_places_keys_by_its_own_table() {
    for kind in DistributionKind::all().filter(|kind| !["single", "random"].contains(&kind.name()))
    {
        let distribution = format!("--distribution={}", kind.name());
        let weights = format!("--weights={{network}}.1:8101:{WEIGHT}");
        let weights = kind.row().weighted.then_some(weights.as_str());
        let ring = Ring::start(1, 3, &[&[&*distribution], weights.as_slice()].concat());
        let mut clients = clients(&ring);
        for index in 0..KEYS {
            assert_eq!(clients[index % 3].set(key(index), index), Ok(()));
        }
        for index in 0..KEYS {
            let read = clients[(index + 1) % 3].get(key(index));
            assert_eq!(read, Ok(index), "{}", kind.name());
        }
        let held: Vec<_> = ring.nodes.iter().map(|node| node.metric("keys")).collect();
        assert_eq!(
            held,
            expected(&*table(kind, &ring.nodes)),
            "{}",
            kind.name()
        );
    }
}

/// Each request finds a node, and a key is on the node that its write met; reads meet others.
#[test]
fn random_serves_from_any_node() {
    let ring = Ring::start(1, 3, &["--distribution=random"]);
    let mut clients = clients(&ring);
    for index in 0..KEYS {
        assert_eq!(clients[index % 3].set(key(index), index), Ok(()));
    }
    let mut read = |index: usize| clients[index % 3].get::<_, Option<usize>>(key(index));
    let found = (0..KEYS).filter(|index| {
        let read = read(*index).expect("an answer");
        assert!(read.is_none_or(|value| value == *index));
        read.is_some()
    });
    let found = found.count();
    assert!((1..KEYS).contains(&found), "{found}");
    let held: Vec<_> = ring.nodes.iter().map(|node| node.metric("keys")).collect();
    assert_eq!(held.iter().sum::<f64>(), KEYS as f64);
    assert!(held.iter().all(|held| *held > 0.0), "{held:?}");
}

/// Three racks of one node: every key is everywhere, under every distribution alike.
#[test]
fn racks_of_one_serve_with_each() {
    for kind in DistributionKind::all() {
        let distribution = format!("--distribution={}", kind.name());
        let levels = [
            "--read-consistency=DC_QUORUM",
            "--write-consistency=DC_QUORUM",
        ];
        let ring = Ring::start(3, 1, &[&[&*distribution], &levels[..]].concat());
        let mut clients = clients(&ring);
        for index in 0..9 {
            assert_eq!(clients[index % 3].set(key(index), index), Ok(()));
            let read = clients[(index + 1) % 3].get(key(index));
            assert_eq!(read, Ok(index), "{}", kind.name());
        }
    }
}
