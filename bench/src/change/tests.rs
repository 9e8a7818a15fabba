use super::*;
use crate::topology;

fn pool(text: &str) -> Pool {
    let file = topology::parse("t.yml", text).expect("a file");
    file.pools[0].clone()
}

/// `modula` over `servers`, written `port:weight`.
fn modula(hash: &str, servers: &str) -> Pool {
    let lines = servers
        .split(' ')
        .map(|server| format!("   - 10.0.0.1:{server}\n"));
    pool(&format!(
        "a:\n  hash: {hash}\n  distribution: modula\n  servers:\n{}",
        lines.collect::<String>()
    ))
}

/// vnode over peers 1, 2, … of one rack with these tokens.
fn ring(tokens: &[&str]) -> Pool {
    let mut text = format!(
        "a:\n  rack: r\n  datacenter: d\n  dyn_listen: p1:1\n  tokens: '{}'\n",
        tokens[0]
    );
    if tokens.len() > 1 {
        text += "  dyn_seeds:\n";
    }
    for (number, tokens) in (2..).zip(&tokens[1..]) {
        text += &format!("  - p{number}:1:r:d:{tokens}\n");
    }
    pool(&text)
}

fn planned(old: &Pool, new: &Pool, keys: Option<&[Box<[u8]>]>) -> Change {
    let asked = Asked {
        old,
        new,
        keys,
        key_count: None,
        mean_bytes: Some(100),
    };
    plan(&asked).expect("a plan")
}

fn keys(count: usize) -> Vec<Box<[u8]>> {
    let key = |number: usize| format!("user:{number:06}").into_bytes().into_boxed_slice();
    (0..count).map(key).collect()
}

/// Spec section 4: modula N→N+1 moves N/(N+1).
#[test]
fn modula_moves_nearly_all_and_the_text_says_why() {
    let (old, new) = (
        modula("murmur", "1:1 2:1 3:1"),
        modula("murmur", "1:1 2:1 3:1 4:1"),
    );
    let keys = keys(20_000);
    let change = planned(&old, &new, Some(&keys));
    let rack = &change.racks[0];
    assert_eq!(rack.method, Method::Exact);
    assert!(
        (rack.moved_share - 0.75).abs() < 1e-6,
        "{}",
        rack.moved_share
    );
    assert!((rack.ideal_share - 0.25).abs() < 1e-12);
    assert!((rack.between_unaffected_share - 0.5).abs() < 1e-6);
    let moved = rack.keys.expect("followed").moved as f64 / 20_000.0;
    assert!((moved - 0.75).abs() < 0.02, "{moved}");
    assert_eq!(rack.bytes, Some(rack.keys.expect("followed").moved * 100));
    let advice = change.advice.join("\n");
    assert!(
        advice.contains("75.0% of the keys move, 3.0 times what must: modula"),
        "{advice}"
    );
    assert!(advice.contains("Were the keys placed by "), "{advice}");
}

/// p3 takes (2^30, 2^31] from p2, exactly a quarter of all values.
#[test]
fn a_token_moves_exactly_its_range() {
    let old = ring(&["4294967295", "2147483647"]);
    let new = ring(&["4294967295", "2147483647", "1073741823"]);
    let change = planned(&old, &new, None);
    let rack = &change.racks[0];
    assert_eq!((rack.method, rack.flows.len()), (Method::Exact, 1));
    assert_eq!(
        (rack.flows[0].from.as_str(), rack.flows[0].to.as_str()),
        ("p2:1", "p3:1")
    );
    assert!((rack.moved_share - 0.25).abs() < 1e-12);
    assert!(rack.between_unaffected_share == 0.0);
    let shares: Vec<f64> = rack
        .peers
        .iter()
        .filter_map(|peer| Some(peer.after?.share))
        .collect();
    assert_eq!(shares, [0.5, 0.25, 0.25]);
    let advice = change.advice.join("\n");
    assert!(
        advice.contains("After the change p1:1 holds 1.50 times its part"),
        "{advice}"
    );
}

/// The ends of tokens and the remainders together: every value is counted once.
#[test]
fn a_migration_is_exact_where_both_sides_are_known() {
    let old = modula("murmur", "1:1 2:1");
    let new = ring(&["4294967295", "2147483647"]);
    let change = planned(&old, &new, None);
    let rack = &change.racks[0];
    assert_eq!(rack.method, Method::Exact);
    let total: f64 = rack
        .peers
        .iter()
        .filter_map(|peer| Some(peer.after?.share))
        .sum();
    assert!((total - 1.0).abs() < 1e-12);
    // All four servers are on hosts of other names: everything moves.
    assert!((rack.moved_share - 1.0).abs() < 1e-12);
    assert!(change.advice[0].contains("The distribution changes from modula to vnode"));
}

#[test]
fn another_hash_moves_all_but_what_falls_on_the_same_server_by_chance() {
    let (old, new) = (modula("murmur", "1:1 2:1"), modula("md5", "1:1 2:1"));
    let keys = keys(20_000);
    let change = planned(&old, &new, Some(&keys));
    let rack = &change.racks[0];
    assert_eq!(rack.method, Method::Independent);
    assert!((rack.moved_share - 0.5).abs() < 1e-9);
    let moved = rack.keys.expect("followed").moved as f64 / 20_000.0;
    assert!((moved - 0.5).abs() < 0.02, "{moved}");
    assert_eq!(rack.over_ideal, None);
    assert!(change.advice[0].starts_with("The hash changes from murmur to md5"));
}

#[test]
fn a_server_that_keeps_its_name_at_another_address_is_told() {
    let text = "a:\n  distribution: modula\n  servers:\n   - 10.0.0.1:1:1 x\n   - 10.0.0.2:1:1 y\n";
    let (old, new) = (pool(text), pool(&text.replace("0.2:1", "0.9:1")));
    let change = planned(&old, &new, None);
    assert_eq!(
        change.racks[0].peers[1].moves_to.as_deref(),
        Some("10.0.0.9:1")
    );
    let advice = change.advice.join("\n");
    assert!(advice.contains("No key moves."), "{advice}");
    assert!(
        advice.contains("y keeps its name and so its keys, but is at 10.0.0.9:1 now: its 50.0%"),
        "{advice}"
    );
}

/// The same hosts under other ports, as when ringd takes the place of twemproxy's servers.
#[test]
fn without_common_names_hosts_tell_who_is_who() {
    let olds = [
        "10.0.0.1:6379",
        "10.0.0.2:6379",
        "10.0.0.3:6379",
        "10.0.0.3:6380",
    ];
    let news = ["10.0.0.2:8101", "10.0.0.9:8101", "10.0.0.3:8101"];
    let (olds, news) = (olds.map(String::from), news.map(String::from));
    assert_eq!(by_host(&olds, &news), [Some(1), None, None]);
}

#[test]
fn a_crc32_ring_is_counted_over_its_15_bits() {
    let of = |tokens: &str| {
        let mut pool = ring(&["1073741824", tokens]);
        pool.hash = ringlab_core::hash::HashKind::by_name("crc32").expect("in the table");
        pool
    };
    let change = planned(&of("2147483648"), &of("16383"), None);
    let rack = &change.racks[0];
    assert!(
        (rack.moved_share - 0.5).abs() < 1e-12,
        "{}",
        rack.moved_share
    );
    let back = planned(&of("16383"), &of("2147483648"), None);
    let advice = back.advice.join("\n");
    assert!(
        advice.contains("p2:1 gets no key at all: hash crc32 under vnode"),
        "{advice}"
    );
}
