use super::*;

fn read(text: &str) -> Described {
    parse("t.yml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// `name*weight` of the first rack, in order.
fn servers(pool: &Pool) -> Vec<String> {
    let claimants = &pool.datacenters[0].racks[0].claimants;
    let shown = |claimant: &Claimant| format!("{}*{}", claimant.name, claimant.weight);
    claimants.iter().map(shown).collect()
}

const NUTCRACKER: &str = "alpha:
  listen: 127.0.0.1:22121
  hash: fnv1a_64
  distribution: modula
  auto_eject_hosts: true
  redis: true
  servers:
   - cache-b.example.com:11211:10
   - cache-a.example.com:11211:10
   - c.example.com:11212:20
   - 10.1.2.3:11211:5
   - zeta.internal:22122:7 z

beta:
  listen: /tmp/beta 0777
  hash: crc32
  hash_tag: \"{}\"
  distribution: modula
  color: blue
  servers:
   - /tmp/redis.sock:1
   - [::1]:6379:2
";

/// The order and names of golden pool `names5`, which the reference program printed.
#[test]
fn nutcracker_is_read_as_twemproxy_reads_it() {
    let text = NUTCRACKER.replace("[::1]:6379:2", "'[::1]:6379:2'");
    let file = read(&text);
    assert_eq!(file.source, Source::Nutcracker);
    let [alpha, beta] = &file.pools[..] else {
        panic!("two pools: {file:?}");
    };
    assert_eq!(
        servers(alpha),
        [
            "z*7",
            "10.1.2.3*5",
            "c.example.com:11212*20",
            "cache-a.example.com*10",
            "cache-b.example.com*10"
        ]
    );
    assert_eq!(alpha.hash.name(), "twemproxy_fnv1a_64");
    assert_eq!(alpha.distribution.name(), "modula");
    assert_eq!((alpha.hash_tag, beta.hash_tag), (None, Some(*b"{}")));
    assert_eq!(servers(beta), ["[::1]:6379*2", "/tmp/redis.sock:*1"]);
    let notes: Vec<String> = file.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].starts_with("t.yml:5:3: auto_eject_hosts"));
    assert!(notes[1].starts_with("t.yml:16:9: crc32 has only 15 bits"));
    assert!(notes[2].starts_with("t.yml:19:3: unknown key 'color'"));
    assert_eq!(file.pool(Some("beta")).unwrap().name, "beta");
    let error = file.pool(None).unwrap_err().to_string();
    assert!(
        error.ends_with("choose one with --pool: alpha, beta"),
        "{error}"
    );
}

#[test]
fn hashes_have_twemproxys_meaning_and_ours_where_it_has_none() {
    for (written, meant) in [
        ("fnv1_32", "twemproxy_fnv1_32"),
        ("hsieh", "twemproxy_hsieh"),
        ("murmur", "murmur"),
        ("CRC32A", "crc32a"),
        ("murmur3_x64_64", "murmur3_x64_64"),
        ("twemproxy_fnv1_64", "twemproxy_fnv1_64"),
    ] {
        assert_eq!(hash_by_name(written).unwrap().name(), meant);
    }
}

const RING: &str = "dyn_o_mite:
  datacenter: dc1
  rack: r1
  dyn_listen: 10.0.0.1:8101
  listen: 0.0.0.0:8102
  dyn_seed_provider: simple_provider
  gos_interval: 10000
  preconnect: true
  hash: murmur
  distribution: vnode
  servers:
  - 127.0.0.1:6379:1
  tokens: 1,1001
  dyn_seeds:
  - 10.0.0.3:8101:r1:dc1:5,5005
  - 10.0.1.1:8101:r1:dc0:7
  - 10.0.0.2:8101:r0:dc1:9
";

#[test]
fn a_ring_is_read_from_one_nodes_file() {
    let file = read(RING);
    assert_eq!(
        (file.source, file.notes.len()),
        (Source::Ring, 0),
        "{file:?}"
    );
    let pool = file.pool(None).unwrap();
    let shown: Vec<String> = pool
        .racks()
        .map(|placed| {
            let names = placed.rack.claimants.iter();
            let names = names.map(|c| format!("{}#{}", c.name, c.tokens.len()));
            format!("{}: {}", placed.name(), names.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "dc0/r1: 10.0.1.1:8101#1",
            "dc1/r0: 10.0.0.2:8101#1",
            "dc1/r1: 10.0.0.1:8101#2 10.0.0.3:8101#2"
        ]
    );
}

/// What core's own topology says of the same file.
#[test]
fn a_ring_places_keys_as_ringd_does() {
    let mut reader = ringlab_core::config::Reader::new();
    let text = RING.replace("  servers:\n  - 127.0.0.1:6379:1\n", "");
    reader.file(
        "t.yml",
        &text.replace("tokens:", "protected_mode: false\n  tokens:"),
    );
    let ring = reader.finish().unwrap().pool.ring().unwrap();
    let file = read(&text);
    let pool = file.pool(None).unwrap();
    let built: Vec<_> = pool
        .racks()
        .map(|placed| pool.build(placed.rack).unwrap())
        .collect();
    for number in 0..500 {
        let key = format!("key-{number}");
        let mut expected: Vec<&str> = ring
            .replicas(key.as_bytes())
            .iter()
            .map(|replica| ring.peer(replica.peer).name.as_str())
            .collect();
        expected.sort_unstable();
        let hash = pool.hash_of(key.as_bytes());
        let mut owners: Vec<&str> = pool
            .racks()
            .zip(&built)
            .map(|(placed, built)| placed.rack.claimants[built.owner(hash)].name.as_str())
            .collect();
        owners.sort_unstable();
        assert_eq!(owners, expected, "{key}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_do() {
    for (text, told) in [
        ("", "t.yml:1:1: a pool's name stands on top"),
        (
            "listen: 1.2.3.4:1\nservers: x\n",
            "t.yml:1:1: the pool 'listen' has no keys: if 'listen' is a key",
        ),
        (
            "a:\n  listen: x:1\n",
            "t.yml:1:1: the pool 'a' has no servers; list them below 'servers:'",
        ),
        (
            "a:\n  distribution: modula\n  servers:\n   - 10.0.0.1:6379\n",
            "t.yml:4:6: '10.0.0.1:6379' is no server",
        ),
        (
            "a:\n  distribution: modula\n  servers:\n   - h:70000:1\n",
            "t.yml:4:6: 'h:70000:1' is no server",
        ),
        (
            "a:\n  distribution: modula\n  servers:\n   - h:1:0\n",
            "t.yml:4:6: 'h:1:0': a weight of 0",
        ),
        (
            "a:\n  distribution: modula\n  servers:\n   - h:11211:1\n   - x:1:1 h\n",
            "t.yml:5:6: a second server named 'h'",
        ),
        (
            "a:\n  hash: md4\n  servers:\n   - h:1:1\n",
            "t.yml:2:9: unknown hash 'md4'",
        ),
        (
            "a:\n  distribution: ketamma\n  servers:\n   - h:1:1\n",
            "t.yml:2:17: unknown distribution",
        ),
        (
            "a:\n  tokens: 5\n  weights: x:1:2\n",
            "t.yml:3:12: weights names x:1, which is no node of the ring",
        ),
        (
            "a:\n  hsah: md5\n  servers:\n   - h:1:1\n",
            "t.yml:2:3: unknown key 'hsah': did you mean 'hash'?",
        ),
        (
            "a:\n  hash: md5\n  hash: md5\n",
            "t.yml:3:3: 'hash' stands already in line 2",
        ),
        (
            "a:\n  hash_tag: '{'\n  servers:\n   - h:1:1\n",
            "t.yml:2:13: hash_tag is two characters",
        ),
        (
            "a:\n  rack: r\n  dyn_seeds:\n  - 127.0.0.5:8101:DC1:5\n",
            "t.yml:4:5: seed '127.0.0.5:8101:DC1:5': ",
        ),
        ("a:\n  tokens: 1,x\n", "t.yml:2:11: "),
        (
            "a:\n  rack: r\n  dyn_seeds:\n  - h:1:r:d:5\n",
            "t.yml:1:1: this node has no tokens",
        ),
        ("a: &x\n  b: *x\n", "t.yml:2:6: not YAML"),
    ] {
        let error = parse("t.yml", text).unwrap_err();
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

#[test]
fn a_provider_and_a_node_among_its_seeds_are_noted() {
    let text = RING.replace("simple_provider", "florida_provider").replace(
        "  - 10.0.0.2",
        "  - 10.0.0.1:8101:r1:dc1:1,1001\n  - 10.0.0.2",
    );
    let file = read(&text);
    assert_eq!(file.notes.len(), 2, "{:?}", file.notes);
    assert!(
        file.notes[0]
            .text
            .starts_with("10.0.0.1:8101 is this node itself")
            || file.notes[1]
                .text
                .starts_with("10.0.0.1:8101 is this node itself")
    );
    assert_eq!(
        file.pools[0]
            .racks()
            .map(|placed| placed.rack.claimants.len())
            .sum::<usize>(),
        4
    );
}
