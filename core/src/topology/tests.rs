use super::*;
use crate::distribution::BuildError;

fn spec(line: &str) -> PeerSpec {
    let [name, datacenter, rack, tokens] = line.split(':').collect::<Vec<_>>().try_into().unwrap();
    let tokens = tokens.split(' ').filter(|text| !text.is_empty());
    PeerSpec {
        name: name.to_owned(),
        datacenter: datacenter.to_owned(),
        rack: rack.to_owned(),
        tokens: tokens.map(|text| Token::parse(text).unwrap()).collect(),
        weight: 1,
    }
}

fn ring_of(
    specs: Vec<PeerSpec>,
    local: &str,
    distribution: &str,
) -> Result<Topology, TopologyError> {
    let hash = HashKind::by_name("murmur").unwrap();
    let distribution = DistributionKind::by_name(distribution).unwrap();
    Topology::build(specs, local, hash, distribution, Some(*b"{}"))
}

fn ring(lines: &[&str], local: &str) -> Result<Topology, TopologyError> {
    ring_of(
        lines.iter().map(|line| spec(line)).collect(),
        local,
        "vnode",
    )
}

/// Two datacenters of three and two racks; `name:datacenter:rack:tokens`.
const WIDE: &[&str] = &[
    "w1:west:r1:4294967295",
    "e3:east:r2:2147483647",
    "e4:east:r2:4294967295",
    "e1:east:r1:1000",
    "e2:east:r1:4294967295",
    "e5:east:r3:7",
    "w2:west:r2:4294967295",
];

fn names<'a>(topology: &'a Topology, set: &ReplicaSet) -> Vec<&'a str> {
    set.iter()
        .map(|replica| topology.peer(replica.peer).name.as_str())
        .collect()
}

#[test]
fn ids_follow_places_and_not_the_list() {
    let one = ring(WIDE, "w2").unwrap();
    let reversed: Vec<_> = WIDE.iter().rev().copied().collect();
    let other = ring(&reversed, "e1").unwrap();
    let order: Vec<_> = one.peers().iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(order, ["e1", "e2", "e3", "e4", "e5", "w1", "w2"]);
    assert_eq!(one.peers(), other.peers());
    assert_eq!(one.peer_named("w1"), Some(PeerId(5)));
    assert_eq!(one.peer_named("w9"), None);
    assert_eq!((one.local(), other.local()), (PeerId(6), PeerId(0)));
    assert_eq!(one.place(PeerId(3)), ("east", "r2"));
}

#[test]
fn replicas_are_one_of_each_rack_and_the_local_datacenter_is_first() {
    let east = ring(WIDE, "e4").unwrap();
    let west = ring(WIDE, "w1").unwrap();
    let seen_east = east.replicas(b"user:1");
    let seen_west = west.replicas(b"user:1");
    assert_eq!(names(&east, &seen_east)[2..], ["e5", "w1", "w2"]);
    assert_eq!(names(&west, &seen_west)[..2], ["w1", "w2"]);
    assert_eq!(
        seen_east[..3],
        seen_west[2..],
        "the same replicas, in another order"
    );
    let places: Vec<_> = seen_west
        .iter()
        .map(|replica| (replica.datacenter, replica.rack))
        .collect();
    assert_eq!(places, [(1, 0), (1, 1), (0, 0), (0, 1), (0, 2)]);
    assert_eq!(
        (
            east.replica_count(),
            east.replica_count_in(0),
            east.replica_count_in(1)
        ),
        (5, 3, 2)
    );
    assert!(!seen_east.spilled());
}

#[test]
fn a_replica_is_its_racks_owner() {
    let topology = ring(WIDE, "e4").unwrap();
    for number in 0..200 {
        let key = format!("key-{number}");
        let hash = topology.hash(key.as_bytes());
        for replica in topology.replicas(key.as_bytes()) {
            let datacenter = &topology.datacenters()[usize::from(replica.datacenter)];
            let rack = &datacenter.racks[usize::from(replica.rack)];
            assert_eq!(replica.peer, rack.peers[rack.distribution.owner(hash)]);
        }
    }
}

#[test]
fn the_hash_tag_places_the_key() {
    let topology = ring(WIDE, "e4").unwrap();
    assert_eq!(topology.hash(b"user:{42}:name"), topology.hash(b"42"));
    assert_ne!(
        topology.hash(b"{}a"),
        topology.hash(b"{}b"),
        "an empty tag is none"
    );
}

#[test]
fn the_empty_key_is_hashed_but_by_modula() {
    let hash = HashKind::by_name("jenkins").unwrap();
    let build = |name| {
        let distribution = DistributionKind::by_name(name).unwrap();
        Topology::build(vec![spec("a:d:r:1")], "a", hash, distribution, None).unwrap()
    };
    assert_eq!(build("vnode").hash(b""), 3_735_928_572);
    assert_eq!(build("random_slicing").hash(b""), 3_735_928_572);
    assert_eq!(build("modula").hash(b""), 0, "as in twemproxy");
    assert_ne!(
        build("modula").hash(b"{}"),
        0,
        "no tag is configured: the whole key counts"
    );
}

#[test]
fn remote_writes_go_to_the_rack_of_the_same_name_or_the_first() {
    for (local, east, west) in [("e1", 0, 0), ("e3", 1, 1), ("e5", 2, 0), ("w2", 1, 1)] {
        let topology = ring(WIDE, local).unwrap();
        let racks: Vec<_> = topology
            .datacenters()
            .iter()
            .map(|place| place.preselected_rack)
            .collect();
        assert_eq!(racks, [east, west], "seen from {local}");
    }
}

#[test]
fn a_shadow_is_evaluated_beside() {
    let modula = DistributionKind::by_name("modula").unwrap();
    let vnode = DistributionKind::by_name("vnode").unwrap();
    let plain = ring(WIDE, "e4").unwrap();
    assert_eq!(plain.shadow_replicas(b"key"), None);
    let [own, md5] = ["murmur", "md5"].map(|name| HashKind::by_name(name).unwrap());
    let same = plain.clone().with_shadow(own, vnode).unwrap();
    let hashed = plain.clone().with_shadow(md5, vnode).unwrap();
    let other = plain.with_shadow(own, modula).unwrap();
    let mut differing = 0;
    for number in 0..100 {
        let key = format!("key-{number}");
        let replicas = other.replicas(key.as_bytes());
        assert_eq!(
            same.shadow_replicas(key.as_bytes()),
            Some(same.replicas(key.as_bytes()))
        );
        let shadow = other.shadow_replicas(key.as_bytes()).unwrap();
        assert_eq!(shadow.len(), replicas.len());
        differing += usize::from(shadow != replicas);
    }
    assert!(differing > 10, "{differing}");
    // Another hash under the same distribution: as if the ring had it.
    assert_eq!(hashed.shadow().map(|shadow| shadow.hash), Some(md5));
    for number in 0..100 {
        let key = format!("key-{number}");
        let position = md5.hash(key.as_bytes());
        let shadow = hashed.shadow_replicas(key.as_bytes()).unwrap();
        let racks = hashed.datacenters().iter().flat_map(|place| &place.racks);
        for rack in racks {
            let owner = rack.peers[rack.distribution.owner(position)];
            assert!(shadow.iter().any(|replica| replica.peer == owner), "{key}");
        }
    }
}

#[test]
fn what_makes_no_ring_is_refused_with_advice() {
    for (lines, local, expected) in [
        (
            &[][..],
            "a",
            "the ring has no peers; list them, this node included",
        ),
        (&["a:d:r:1", "a:d:q:2"], "a", "peer 'a' is listed twice"),
        (
            &["a:d:r:1"],
            "b",
            "no peer is named 'b', which is this node; the peers are: a",
        ),
        (
            &["a:d:r:5", "b:d:r:4 5"],
            "a",
            "token 5 is given to 'a' and to 'b' in rack 'r' of datacenter 'd'",
        ),
        (&["a:d:r:5 5"], "a", "token 5 is given to 'a' and to 'a'"),
        (
            &["a:d:r:4294967296", "b:d:r:00"],
            "a",
            "token 0 is given to 'a' and to 'b'",
        ),
        (
            &["a:d:r:"],
            "a",
            "rack 'r' of datacenter 'd': peer 'a' has no tokens",
        ),
        (
            &["a::r:1"],
            "a",
            "peer 'a' has an empty datacenter; name it",
        ),
        (&["a:d::1"], "a", "peer 'a' has an empty rack; name it"),
        (&[":d:r:1"], "", "peer '' has an empty name; name it"),
    ] {
        let text = ring(lines, local).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn ids_and_indices_have_ends() {
    let peers = |count: usize, place: fn(usize) -> String| -> Vec<PeerSpec> {
        (0..count)
            .map(|index| spec(&format!("p{index}:{}:{}", place(index), index + 1)))
            .collect()
    };
    let one_rack = |_| "d:r".to_owned();
    assert!(ring_of(peers(1024, one_rack), "p7", "vnode").is_ok());
    for (specs, expected) in [
        (
            peers(1025, one_rack),
            "peers: 1025, at most 1024 are supported",
        ),
        (
            peers(257, |index| format!("d:r{index}")),
            "racks of datacenter 'd': 257, at most 256",
        ),
        (
            peers(257, |index| format!("d{index}:r")),
            "datacenters: 257, at most 256",
        ),
    ] {
        let text = ring_of(specs, "p7", "vnode").unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    let many_racks = ring_of(peers(256, |index| format!("d:r{index}")), "p7", "vnode").unwrap();
    assert_eq!(many_racks.replicas(b"key").len(), 256);
    let many_places = ring_of(peers(256, |index| format!("d{index}:r")), "p7", "vnode").unwrap();
    assert_eq!(many_places.replicas(b"key")[0].peer, many_places.local());
}

#[test]
fn a_peer_without_keys_is_refused_on_request() {
    assert_eq!(ring(WIDE, "e1").unwrap().check_spread(), Ok(()));
    let crc32 = HashKind::by_name("crc32").unwrap();
    let vnode = DistributionKind::by_name("vnode").unwrap();
    // Of rack r1's peers one would have next to nothing: that is refused too.
    let in_r1 = |line: &&&str| line.contains("east:r1");
    let little = WIDE.iter().filter(in_r1).map(|line| spec(line)).collect();
    let little = Topology::build(little, "e1", crc32, vnode, None).unwrap();
    let refused = little.check_spread().unwrap_err().to_string();
    assert!(refused.contains("% of a fair share"), "{refused}");
    let specs = WIDE
        .iter()
        .filter(|line| !in_r1(line))
        .map(|line| spec(line))
        .collect();
    let narrow = Topology::build(specs, "e4", crc32, vnode, None).unwrap();
    let Err(TopologyError::Rack {
        rack,
        datacenter,
        source,
    }) = narrow.check_spread()
    else {
        panic!("e4's arc is above every crc32");
    };
    assert_eq!((datacenter.as_str(), rack.as_str()), ("east", "r2"));
    assert!(matches!(*source, BuildError::NothingOwned { claimant, .. } if claimant == "e4"));
    let weightless = PeerSpec {
        weight: 0,
        ..spec("a:d:r:1")
    };
    let text = ring_of(vec![weightless], "a", "vnode")
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "rack 'r' of datacenter 'd': peer 'a' has weight 0; give it at least 1, or remove it"
    );
}
