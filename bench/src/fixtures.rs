//! What several suites work on: keys, rings, requests, and values that are known to be right.

use ringlab_core::distribution::{DistributionKind, Token};
use ringlab_core::hash::HashKind;
use ringlab_core::resp::request;
use ringlab_core::time::{Mono, Now};
use ringlab_core::topology::{PeerSpec, Topology};

/// `id,value`, one a line.
const EXPECTED: &str = include_str!("expected.csv");

/// The value that a case must come to, where one was written down.
pub fn expected(id: &str) -> Option<u64> {
    let lines = EXPECTED.lines().filter_map(|line| line.split_once(','));
    let value = lines.into_iter().find(|(name, _)| *name == id)?.1;
    value.parse().ok()
}

/// A printable key of that many bytes.
pub fn key(length: usize) -> Vec<u8> {
    b"user:000042:profile/en_GB?"
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

/// Different keys of 12 bytes.
pub fn keys(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| format!("user:{number:07}").into_bytes())
        .collect()
}

/// A request as clients send it.
pub fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    request::encode(args.iter().copied(), &mut bytes);
    bytes
}

/// A fixed moment.
pub const NOW: Now = Now {
    mono: Mono(1_000_000_000),
    wall_ms: 1_700_000_000_000,
};

/// A ring of equal racks with evenly spread tokens, `murmur` and `vnode`, seen from its first peer.
pub fn ring(datacenters: u32, racks: u32, peers: u32) -> Topology {
    ring_seen_from("10.0.0.0:8101", (datacenters, racks, peers))
}

/// The same, seen from the peer of that name.
pub fn ring_seen_from(local: &str, (datacenters, racks, peers): (u32, u32, u32)) -> Topology {
    let places = (0..datacenters).flat_map(|dc| (0..racks).map(move |rack| (dc, rack)));
    let specs = places
        .flat_map(|(dc, rack)| (0..peers).map(move |peer| peer_of(dc, rack, (peer, peers))))
        .collect();
    let (hash, distribution) = (
        HashKind::by_name("murmur"),
        DistributionKind::by_name("vnode"),
    );
    let (hash, distribution) = (
        hash.expect("in the table"),
        distribution.expect("in the table"),
    );
    let ring = Topology::build(specs, local, hash, distribution, None);
    ring.expect("even tokens make a ring")
}

fn peer_of(dc: u32, rack: u32, (peer, peers): (u32, u32)) -> PeerSpec {
    let token = u64::from(peer) * (1 << 32) / u64::from(peers);
    PeerSpec {
        name: format!("10.{dc}.{rack}.{peer}:8101"),
        datacenter: format!("dc{dc}"),
        rack: format!("rack{rack}"),
        tokens: vec![Token::of_hash(token)],
        weight: 1,
    }
}
