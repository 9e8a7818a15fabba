//! D2 as an embedder meets it: commands of its own, through the public surface alone.

use ringlab_core::distribution::{DistributionKind, Token};
use ringlab_core::extension::{Extension, Indexing};
use ringlab_core::hash::HashKind;
use ringlab_core::ids::ConnId;
use ringlab_core::node::{Node, NodeConfig, Role};
use ringlab_core::resp::{Protocol, Request, reply};
use ringlab_core::time::{Mono, Now};
use ringlab_core::topology::{PeerSpec, Topology};

const NOW: Now = Now {
    mono: Mono(1_000_000_000),
    wall_ms: 1_700_000_000_000,
};

/// Claims `FT.*` and `STRLEN`, knows `FT.SEARCH` alone, and minds what is set in `bad`.
struct Search;

impl Extension for Search {
    fn handles(&self, name: &[u8]) -> bool {
        let prefix = name.get(..3).unwrap_or_default();
        prefix.eq_ignore_ascii_case(b"FT.") || name.eq_ignore_ascii_case(b"STRLEN")
    }

    fn try_dispatch(
        &mut self,
        request: Request<'_>,
        protocol: Protocol,
        out: &mut Vec<u8>,
    ) -> bool {
        reply::map_header(out, 1, protocol);
        reply::bulk(out, request.arg(1));
        reply::integer(out, request.len() as i64);
        !request.arg(0).eq_ignore_ascii_case(b"FT.DROPINDEX")
    }

    fn on_hset(&mut self, request: Request<'_>) -> Indexing {
        match request.arg(1) {
            b"bad" => Indexing::Error("field 'v' is no\r\nvector".to_owned()),
            b"mine" => Indexing::Absorbed,
            _ => Indexing::NotIndexed,
        }
    }
}

/// A node of a ring whose other peer, the owner of every key, is not there.
fn node() -> Node {
    let spec = |name: &str, token| PeerSpec {
        name: name.to_owned(),
        datacenter: "dc".to_owned(),
        rack: "rack".to_owned(),
        tokens: vec![Token::of_hash(token)],
        weight: 1,
    };
    let specs = vec![spec("a:1", 0), spec("b:1", u64::from(u32::MAX))];
    let hash = HashKind::by_name("murmur").expect("a hash");
    let distribution = DistributionKind::by_name("vnode").expect("a distribution");
    let ring = Topology::build(specs, "a:1", hash, distribution, None).expect("a ring");
    Node::new(NodeConfig::default(), ring, NOW)
}

fn ask(node: &mut Node, client: ConnId, request: &str) -> String {
    node.handle_bytes(client, request.as_bytes(), NOW);
    let egress = node.egress(client).expect("the connection lives");
    let reply = String::from_utf8(egress.tail().clone()).expect("text");
    egress.consume(egress.len());
    reply
}

fn with_extension() -> (Node, ConnId) {
    let mut node = node().with_extension(Box::new(Search));
    let client = node.handle_open(Role::Client, NOW).expect("there is room");
    (node, client)
}

#[test]
fn d2_a_claimed_command_is_answered_in_the_clients_protocol() {
    let (mut node, client) = with_extension();
    let search = "FT.SEARCH index query\r\n";
    assert_eq!(
        ask(&mut node, client, search),
        "*2\r\n$5\r\nindex\r\n:3\r\n"
    );
    ask(&mut node, client, "HELLO 3\r\n");
    assert_eq!(
        ask(&mut node, client, search),
        "%1\r\n$5\r\nindex\r\n:3\r\n"
    );
}

#[test]
fn d2_a_claimed_command_never_reaches_the_planner() {
    let (mut node, client) = with_extension();
    assert_eq!(
        ask(&mut node, client, "strlen key\r\n"),
        "*2\r\n$3\r\nkey\r\n:2\r\n"
    );
    let snapshot = node.snapshot(NOW);
    assert_eq!((snapshot.counters.flights_total, snapshot.flights), (0, 0));
    let planned = ask(&mut node, client, "GET key\r\n");
    assert!(planned.starts_with("-Dynomite:"), "{planned}");
}

#[test]
fn d2_a_claimed_command_that_is_declined_is_named_as_it_was_written() {
    let (mut node, client) = with_extension();
    assert_eq!(
        ask(&mut node, client, "ft.DropIndex index\r\n"),
        "-ERR not supported in this build: ft.DropIndex\r\n"
    );
    // The bytes of the reply that was begun are gone, those before it are not.
    assert_eq!(
        ask(&mut node, client, "PING\r\nFT.DROPINDEX i\r\nPING\r\n"),
        "+PONG\r\n-ERR not supported in this build: FT.DROPINDEX\r\n+PONG\r\n"
    );
}

#[test]
fn d2_an_hset_is_shown_first_and_may_be_refused() {
    let (mut node, client) = with_extension();
    assert_eq!(
        ask(&mut node, client, "hset bad v 1\r\n"),
        "-ERR field 'v' is no  vector\r\n"
    );
    // Absorbed or not indexed, the write goes on as usual: to its owner, which is not there.
    for request in ["HSET mine v 1\r\n", "HSET other v 1\r\n"] {
        let reply = ask(&mut node, client, request);
        assert!(reply.starts_with("-Dynomite:"), "{reply}");
    }
}

#[test]
fn d2_without_an_extension_its_commands_are_unknown() {
    let mut node = node();
    let client = node.handle_open(Role::Client, NOW).expect("there is room");
    assert_eq!(
        ask(&mut node, client, "FT.SEARCH index query\r\n"),
        "-ERR unknown command 'FT.SEARCH', with args beginning with: 'index' 'query' \r\n"
    );
}
