//! Texts in, settings or messages out.

use super::*;
use crate::consistency::Consistency;

fn read(text: &str) -> Result<Configured, String> {
    let mut reader = Reader::new();
    reader.file("f", text);
    reader.finish().map_err(|error| error.to_string())
}

fn pool(keys: &str) -> Result<Configured, String> {
    let body: String = keys.lines().map(|line| format!("  {line}\n")).collect();
    read(&format!("p:\n{body}"))
}

fn accepted(keys: &str) -> PoolConfig {
    pool(keys)
        .unwrap_or_else(|error| panic!("{keys}\n{error}"))
        .pool
}

#[test]
fn defaults() {
    let pool = PoolConfig::default();
    assert_eq!(pool.listen.to_string(), "127.0.0.1:8102");
    assert_eq!(pool.local_name(), "127.0.0.1:8101");
    assert_eq!(
        pool.stats_listen
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("127.0.0.1:22222")
    );
    assert_eq!(
        (pool.datacenter.as_str(), pool.rack.as_str()),
        ("localdc", "localrack")
    );
    assert_eq!(
        (pool.hash.name(), pool.distribution.name()),
        ("murmur", "vnode")
    );
    assert_eq!((pool.timeout_ms, pool.hint_ttl_ms), (5_000, 10_800_000));
    assert!(pool.is_single() && pool.topology().is_ok());
}

/// The keys and the whole message; the keys stand two columns to the right, from line 2.
const ERRORS: &[(&str, &str)] = &[
    (
        "hsah: murmur",
        "f:2:3: unknown key 'hsah'; did you mean 'hash'?",
    ),
    ("hash: murmur\ncolour: red", "f:3:3: unknown key 'colour'"),
    (
        "dyn_seed:\n- a:1:r:d:0",
        "f:2:3: unknown key 'dyn_seed'; did you mean 'dyn_seeds'?",
    ),
    (
        "listen: 8102",
        "f:2:11: '8102' is not HOST:PORT, such as 127.0.0.1:8102",
    ),
    ("listen: a:70000", "f:2:11: '70000' is no port (0 to 65535)"),
    (
        "listen: /tmp/sock 0777",
        "f:2:11: '/tmp/sock 0777': sockets of the file system are not supported",
    ),
    ("listen:", "f:2:3: listen has no value"),
    (
        "listen: [a:1]",
        "f:2:11: listen takes a single value, not a list",
    ),
    ("rack: ''", "f:2:9: rack must not be empty"),
    (
        "timeout: 5x",
        "f:2:12: '5x' is no time, such as 500ms, 10s or 3h",
    ),
    ("timeout: -5", "f:2:12: '-5' is not a whole number"),
    ("backlog: many", "f:2:12: 'many' is not a whole number"),
    (
        "client_output_buffer_limit: 10",
        "f:2:31: client_output_buffer_limit must be at least 1024",
    ),
    (
        "strict_quorum: maybe",
        "f:2:18: 'maybe' is neither true nor false",
    ),
    (
        "hash_tag: '{'",
        "f:2:13: '{' must be two characters, such as '{}'",
    ),
    (
        "log_format: jason",
        "f:2:15: unknown log_format 'jason' (did you mean 'json'?); it is one of text, json",
    ),
    (
        "read_consistency: DC_QUORUMM",
        "f:2:21: unknown consistency level 'DC_QUORUMM' (did you mean 'DC_QUORUM'?); it is one of DC_ONE, DC_QUORUM, DC_SAFE_QUORUM, DC_EACH_SAFE_QUORUM",
    ),
    (
        "tokens: abc",
        "f:2:11: token 'abc' is not a number; write one from 0 to 4294967295",
    ),
    (
        "tokens:\n- 1\n- x",
        "f:4:5: token 'x' is not a number; write one from 0 to 4294967295",
    ),
    (
        "dyn_seeds:\n- a:1:r:d:0\n- b:1:r",
        "f:4:5: 'b:1:r' is not HOST:PORT:RACK:DATACENTER:TOKENS, such as 10.0.0.2:8101:rack2:dc1:0",
    ),
    (
        "dyn_seeds:\n- a:1:r:d:0,b:2:r:d:0",
        "f:3:5: 'a:1:r:d:0,b:2' is not HOST:PORT, such as 127.0.0.1:8102",
    ),
    (
        "tokens: 1\ndyn_seeds:\n- a:1:r:d:0\n- a:1:s:d:0",
        "f:5:5: a:1 stands in the list twice",
    ),
    (
        "bounded_load: 1",
        "f:2:17: a load bound of 1 leaves no room: it is a ratio of the fair share, above 1, as in 1.25",
    ),
    (
        "bounded_load: much",
        "f:2:17: 'much' is no ratio above 1, as in 1.25",
    ),
    (
        "weights: 3",
        "f:2:12: '3' is not HOST:PORT:WEIGHT, such as 10.0.0.2:8101:3",
    ),
    ("weights: a:1:0", "f:2:12: 'a:1:0': a weight is at least 1"),
    (
        "weights: [a:1:2, a:1:3]",
        "f:2:20: a:1 stands in the list twice",
    ),
    (
        "weights: a:1:2",
        "f:2:3: weights names a:1, which is no node of the ring; the nodes are: 127.0.0.1:8101",
    ),
    (
        "dyn_seeds:\n- a:1:r:d:0",
        "f:2:3: there are dyn_seeds but no tokens: which part of the ring is this node's?",
    ),
    (
        "tokens: 1\ndyn_seeds: ['127.0.0.1:8101:localrack:localdc:2']",
        "f:3:3: 127.0.0.1:8101:localrack:localdc is this node, with another datacenter, rack or tokens than its own keys say",
    ),
    (
        "servers:\n- 127.0.0.1:6379:1",
        "f:2:3: servers is not supported yet: this version does not proxy to another store; leave the key out to use the embedded one",
    ),
    (
        "requirepass: x",
        "f:2:3: requirepass is not supported yet: this version has no passwords; leave it out and keep the node on loopback",
    ),
    (
        "tls_cert_file: x",
        "f:2:3: tls_cert_file is not supported yet: this version has no TLS",
    ),
    (
        "data_store: 1",
        "f:2:15: data_store can only be 0 or redis so far: the memcached protocol comes later",
    ),
    (
        "workers: 4",
        "f:2:12: workers can only be 1 so far: this version serves with one thread",
    ),
    (
        "secure_server_option: datacenter\ntokens: 1\ndyn_seeds: ['a:1:r:other:1']",
        "f:2:3: secure_server_option asks for an encrypted link to a:1:r:other, which this version does not have; none accepts plain links",
    ),
    ("rack: a\nrack: b", "f:3:3: 'rack' stands already in line 2"),
    (
        "bucket_types: yes",
        "f:2:17: bucket_types takes a list of maps, not a single value",
    ),
    (
        "bucket_types:\n- cache",
        "f:3:5: a bucket type is a map with at least 'name'",
    ),
    (
        "bucket_types:\n- n_val: 1",
        "f:3:5: the bucket type has no 'name'",
    ),
    (
        "bucket_types:\n- name: a/b",
        "f:3:11: a bucket's name ends before the first '/'",
    ),
    (
        "bucket_types:\n- name: a\n- name: a",
        "f:4:5: bucket type 'a' stands in the list twice",
    ),
    (
        "bucket_types:\n- name: a\n  nval: 1",
        "f:4:5: unknown key of a bucket type 'nval' (did you mean 'n_val'?); it is one of name, read_consistency, write_consistency, n_val",
    ),
    (
        "bucket_types:\n- {name: a, n_val: 256}",
        "f:3:22: '256' is no count from 0 to 255",
    ),
    (
        "bucket_types: [{name: cache}]\ndefault_bucket_type: cahce",
        "f:3:3: unknown bucket type 'cahce' (did you mean 'cache'?); it is one of cache",
    ),
    (
        "gc_grace: 1h",
        "f:2:3: gc_grace is shorter than hint_ttl_seconds: a late hint could bring a deleted key back",
    ),
    (
        "hint_store_max_bytes: 1mb\nhint_max_bytes: 2mb",
        "f:3:3: hint_max_bytes is another name of hint_store_max_bytes; write one of them",
    ),
    (
        "peer_timeout: 600",
        "f:2:3: peer_timeout (600 ms) must be at least twice heartbeat_interval (500 ms)",
    ),
    (
        "a: b: c",
        "f:2:7: mapping values are not allowed in this context",
    ),
];

#[test]
fn errors_say_where_and_what() {
    for &(keys, message) in ERRORS {
        assert_eq!(pool(keys).err().as_deref(), Some(message), "{keys}");
    }
}

#[test]
fn the_pool_stands_on_top() {
    for (text, message) in [
        (
            "",
            "f:1:1: the first line names the pool, such as 'dyn_o_mite:'; its keys stand below it, indented",
        ),
        (
            "- a",
            "f:1:1: the first line names the pool, such as 'dyn_o_mite:'; its keys stand below it, indented",
        ),
        (
            "listen: a:1",
            "f:1:1: 'listen' stands where the pool's name should: write 'dyn_o_mite:' above and indent the keys",
        ),
        (
            "a: 1",
            "f:1:4: the pool holds keys and their values, not a single value",
        ),
        (
            "a:\n  rack: r\nb:\n  rack: r",
            "f:3:1: a second pool 'b'; a node serves one",
        ),
    ] {
        assert_eq!(read(text).err().as_deref(), Some(message), "{text:?}");
    }
    assert_eq!(read("name:").expect("an empty pool").pool.name, "name");
}

#[test]
fn every_error_is_listed() {
    let errors = pool("hsah: x\nrack: r\nlisten: x").expect_err("two errors");
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[test]
fn words_of_dynomite() {
    let config = accepted(
        "tokens: '5, 7'\nread_consistency : dc_safe_quorum\nhash: MURMUR\ntimeout: 0\nhash_tag: '{}'",
    );
    assert_eq!(config.tokens.len(), 2);
    assert_eq!(config.read_consistency, Consistency::DcSafeQuorum);
    assert_eq!((config.timeout_ms, config.hash_tag), (5_000, Some(*b"{}")));
    assert_eq!(
        accepted("tokens: 437425602").tokens,
        accepted("tokens: '437425602'").tokens
    );
    assert_eq!(
        accepted("tokens: [1, 2]").tokens,
        accepted("tokens: 1,2").tokens
    );
    assert_eq!(accepted("stats_listen: off").stats_listen, None);
}

#[test]
fn what_means_nothing_here_is_accepted_with_one_warning() {
    let configured =
        pool("mbuf_size: 16384\nmax_msgs: 300000\npem_key_file: conf/x.pem").expect("accepted");
    let texts: Vec<String> = configured
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert_eq!(
        texts[0],
        "f:2:3: mbuf_size means nothing here: buffers grow and shrink by themselves"
    );
}

#[test]
fn what_can_change_nothing_is_said() {
    let configured = pool("strict_quorum: true\nhint_max_bytes: 1mb").expect("accepted");
    assert_eq!(configured.warnings.len(), 1);
    let warning = configured.warnings[0].to_string();
    assert!(
        warning.starts_with("f:2:3: strict_quorum changes nothing here"),
        "{warning}"
    );
    assert_eq!(configured.pool.hint_store_max_bytes, 1 << 20);
}

#[test]
fn without_a_password_it_stays_on_loopback() {
    let configured = pool("listen: 0.0.0.0:8102").expect("accepted");
    assert_eq!(configured.pool.listen.to_string(), "127.0.0.1:8102");
    assert!(
        configured.warnings[0].text.contains("narrowed"),
        "{:?}",
        configured.warnings
    );
    let stats = |keys: &str| accepted(keys).stats_listen.map(|it| it.to_string());
    assert_eq!(
        stats("stats_listen: 0.0.0.0:22222").as_deref(),
        Some("127.0.0.1:22222")
    );
    assert_eq!(
        stats("stats_listen: 0.0.0.0:22222\nprotected_mode: no").as_deref(),
        Some("0.0.0.0:22222")
    );
    let open = accepted("listen: 0.0.0.0:8102\nprotected_mode: no");
    assert_eq!(open.listen.to_string(), "0.0.0.0:8102");
    let ring = "tokens: 1\ndyn_listen: 10.0.0.1:8101\ndyn_seeds: ['10.0.0.2:8101:r:d:1']";
    let narrowed = accepted(ring);
    assert_eq!(narrowed.dyn_listen.to_string(), "127.0.0.1:8101");
    assert_eq!(narrowed.local_name(), "10.0.0.1:8101");
    let everywhere = accepted(&ring.replace("10.0.0.1", "0.0.0.0"));
    assert_eq!(everywhere.local_name(), "127.0.0.1:8101");
    let open = format!(
        "{}\nprotected_mode: no",
        ring.replace("10.0.0.1", "0.0.0.0")
    );
    let nameless = pool(&open).expect("accepted").warnings;
    assert!(nameless[0].text.contains("set advertise"), "{nameless:?}");
}

#[test]
fn a_longer_hint_life_keeps_deletions_as_long() {
    assert_eq!(
        accepted("hint_ttl_seconds: 172800").gc_grace_ms,
        172_800_000
    );
}

#[test]
fn later_places_beat_earlier_ones() {
    let mut reader = Reader::new();
    reader.file("f", "p:\n  rack: file\n  datacenter: file\n");
    reader.set("RINGD_RACK", "rack", "env");
    reader.set("--rack", "rack", "flag");
    reader.set("--dyn-seeds", "dyn_seeds", "a:1:r:d:1 b:1:r:d:2");
    reader.set(
        "--bucket-types",
        "bucket_types",
        "[{name: cache, n_val: 1}]",
    );
    reader.set("--tokens", "tokens", "1,2");
    let configured = reader.finish().expect("accepted");
    assert_eq!(
        configured.written["bucket_types"],
        "[{name: cache, n_val: 1}]"
    );
    let pool = configured.pool;
    assert_eq!(
        (pool.rack.as_str(), pool.datacenter.as_str()),
        ("flag", "file")
    );
    assert_eq!(
        (
            pool.seeds.len(),
            pool.bucket_types[0].n_val,
            pool.tokens.len()
        ),
        (2, 1, 2)
    );

    let mut reader = Reader::new();
    reader.set("--listen", "listen", "x");
    let error = reader.finish().expect_err("no port").to_string();
    assert_eq!(
        error,
        "--listen: 'x' is not HOST:PORT, such as 127.0.0.1:8102"
    );
}

/// The shapes of configuration files found in the field, but for `servers`.
#[test]
fn files_written_for_dynomite_start() {
    let racks = "dyn_o_mite:
  datacenter: dc
  rack: rack1
  dyn_listen: 127.0.0.1:8101
  dyn_seeds:
  - 127.0.0.2:8101:rack2:dc:1383429731
  - 127.0.0.3:8101:rack3:dc:1383429731
  listen: 127.0.0.1:8102
  tokens: '1383429731'
  secure_server_option: datacenter
  pem_key_file: conf/dynomite.pem
  data_store: 0
  read_consistency : DC_SAFE_QUORUM
  write_consistency : DC_SAFE_QUORUM
  stats_listen: 0.0.0.0:22221
";
    let two_datacenters = "dyn_o_mite:
    datacenter: dc1
    rack: rack1
    listen: 0.0.0.0:8102
    dyn_listen: 0.0.0.0:8101
    dyn_seeds:
        - 127.0.0.1:8113:rack1:dc2:101134286
    dyn_seed_provider: simple_provider
    tokens: '101134286'
    data_store: 0
    stats_listen: 0.0.0.0:33331
    preconnect: true
";
    let provider = "dyn_o_mite:\n datacenter: dc\n rack: rack1\n dyn_listen: 0.0.0.0:8101\n dyn_seed_provider: florida_provider\n listen: 0.0.0.0:8102\n tokens: '0'\n stats_listen: 0.0.0.0:22222\n";
    let alone = "dyn_o_mite:\n  dyn_listen: 0.0.0.0:8101\n  data_store: 0\n  listen: 0.0.0.0:8102\n  tokens: 437425602\n  mbuf_size: 16384\n";
    for (text, peers, replicas) in [
        (racks, 3, 3),
        (two_datacenters, 2, 2),
        (provider, 1, 1),
        (alone, 1, 1),
    ] {
        let configured = read(text).expect(text);
        let topology = configured.pool.topology().expect(text);
        assert_eq!(
            (topology.peers().len(), topology.replica_count()),
            (peers, replicas),
            "{text}"
        );
    }
}

#[test]
fn a_ring_that_starves_a_peer_is_refused() {
    let error = accepted(
        "hash: crc32\ntokens: 4000000000\ndyn_seeds: ['a:1:localrack:localdc:2000000000']",
    )
    .topology()
    .expect_err("15 bits on a ring of 32")
    .to_string();
    assert!(error.contains("crc32"), "{error}");
}

#[test]
fn random_is_warned_of() {
    let ring = "tokens: 1\ndistribution: random\ndyn_seeds: ['a:1:localrack:localdc:2']";
    let warnings = pool(ring).expect("accepted").warnings;
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].to_string();
    assert!(
        text.starts_with("f:3:3: distribution random sends each request to another node"),
        "{text}"
    );
}

proptest::proptest! {
    /// Whatever stands in the file, there is an answer.
    #[test]
    fn no_text_makes_it_panic(text in "([a-z_]{1,6}|: |\n|  |- |\\[|\\]|\\{|\\}|,|'|\"|#|&|\\*|!|\\||>|%|\t|[0-9]{1,3}|listen|tokens|dyn_seeds|bucket_types|name|n_val|é|\u{0}){0,60}") {
        let _ = read(&text);
        let _ = pool(&text);
        for key in KEYS {
            let mut reader = Reader::new();
            reader.set("--x", key.name, &text);
            let _ = reader.finish();
        }
    }
}

#[test]
fn weights_are_for_distributions_that_know_them() {
    let ring = "tokens: 1\ndyn_seeds: ['a:1:localrack:localdc:2000000000']\nweights: [127.0.0.1:8101:2, a:1:3]";
    let weighted = accepted(&format!("{ring}\ndistribution: modula"));
    let peers = weighted.topology().expect("modula knows weights");
    let weights: Vec<_> = peers.peers().iter().map(|peer| peer.weight).collect();
    assert_eq!(weights, [2, 3]);
    let refused = accepted(ring).topology().expect_err("vnode does not");
    let expected = "rack 'localrack' of datacenter 'localdc': peer '127.0.0.1:8101' has weight 2 \
                    and peer 'a:1' has 3, but the distribution vnode knows no weights; make them \
                    equal, or choose one that does: ";
    assert!(
        refused.to_string().starts_with(expected) && refused.to_string().contains("modula"),
        "{refused}"
    );
    assert!(accepted(&ring.replace(":2, ", ":3, ")).topology().is_ok());
    let shadowed = format!("{ring}\ndistribution: modula\ndistribution_shadow: vnode");
    let warnings = pool(&shadowed).expect("accepted").warnings;
    assert_eq!(
        warnings[0].to_string(),
        "f:6:3: distribution_shadow vnode knows no weights: it is compared as if all were equal"
    );
}

/// A ring whose first peer has three quarters: it keeps as much as its bound allows, and the next
/// one gets the rest.
#[test]
fn loads_are_bounded_by_configuration() {
    let ring = "tokens: 3221225471\ndyn_seeds: ['a:1:localrack:localdc:4294967295']";
    let shares = |text: &str| {
        let topology = accepted(text).topology().expect("a ring");
        topology.datacenters()[0].racks[0].distribution.shares()
    };
    assert_eq!(shares(ring), [0.75, 0.25]);
    assert_eq!(
        shares(&format!("{ring}\nbounded_load: 1.25")),
        [0.625, 0.375]
    );
    let sliced = format!("{ring}\nbounded_load: 1.25\ndistribution: random_slicing");
    assert_eq!(shares(&sliced), [0.5, 0.5], "nothing to bound");
    let single = accepted(&format!("{ring}\nbounded_load: 1.25\ndistribution: single"));
    let refused = single
        .topology()
        .expect_err("no next candidate")
        .to_string();
    assert!(
        refused.contains("bounded_load can't work with single"),
        "{refused}"
    );
}

#[test]
fn a_shadow_is_what_differs_from_what_is_in_use() {
    let ring = "hash: murmur\ntokens: 5";
    let shadow = |lines: &str| accepted(&format!("{ring}\n{lines}")).shadow();
    let names = |lines: &str| {
        let (hash, distribution) = shadow(lines).expect("a shadow");
        (hash.name(), distribution.name())
    };
    assert_eq!(shadow(""), None);
    assert_eq!(names("hash_shadow: XXH3"), ("xxh3", "vnode"));
    assert_eq!(
        names("hash_shadow: crc32c\ndistribution_shadow: modula"),
        ("crc32c", "modula")
    );
    let same = pool(&format!("{ring}\nhash_shadow: murmur")).expect("accepted");
    assert_eq!(same.pool.shadow(), None);
    let told = same.warnings.iter().map(ToString::to_string);
    let expected = "hash_shadow names what is in use: nothing is compared";
    assert_eq!(told.filter(|text| text.ends_with(expected)).count(), 1);
}
