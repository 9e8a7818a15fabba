//! S6 and F1 to F5 through whole nodes: commands over keys of all nodes.

use super::harness::array;
use super::*;

/// Three racks of two nodes each.
const SIX: [(&str, &str); 6] = [
    ("dc1", "r1"),
    ("dc1", "r1"),
    ("dc1", "r2"),
    ("dc1", "r2"),
    ("dc1", "r3"),
    ("dc1", "r3"),
];

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("key{number}")).collect()
}

fn request(command: &str, args: &[String]) -> Vec<u8> {
    let args: Vec<&str> = std::iter::once(command)
        .chain(args.iter().map(String::as_str))
        .collect();
    array(&args)
}

fn run(ring: &mut Ring, client: usize, request: Vec<u8>) -> String {
    ring.send(client, request);
    ring.take(client)
}

#[test]
fn f1_to_f3_keys_of_all_nodes_from_every_node_at_every_level() {
    for level in Consistency::ALL {
        let mut ring = Ring::new(&SIX, &Ring::level(level));
        let keys = names(60);
        let owners: std::collections::BTreeSet<Vec<usize>> =
            keys.iter().map(|key| ring.replicas(key)).collect();
        assert!(owners.len() > 1, "the keys are spread");
        for client in 0..6 {
            let pairs: Vec<String> = keys
                .iter()
                .flat_map(|key| [key.clone(), format!("{key}-{client}")])
                .collect();
            assert_eq!(run(&mut ring, client, request("MSET", &pairs)), "+OK|");
            let mut asked = keys.clone();
            asked.extend([keys[3].clone(), "nobody".into(), keys[0].clone()]);
            let mut wanted = format!("*{}|", asked.len());
            for key in &asked {
                let value = format!("{key}-{client}");
                wanted += &match key.as_str() {
                    "nobody" => "$-1|".to_owned(),
                    _ => format!("${}|{value}|", value.len()),
                };
            }
            assert_eq!(
                run(&mut ring, (client + 1) % 6, request("MGET", &asked)),
                wanted
            );
            for (command, count) in [("EXISTS", 62), ("TOUCH", 62)] {
                let answer = run(&mut ring, client, request(command, &asked));
                assert_eq!(answer, format!(":{count}|"), "{command} at {level:?}");
            }
            let command = if client % 2 == 0 { "DEL" } else { "UNLINK" };
            let answer = run(&mut ring, (client + 2) % 6, request(command, &asked));
            assert_eq!(answer, ":60|");
            assert_eq!(run(&mut ring, client, request("EXISTS", &asked)), ":0|");
        }
        ring.assert_nothing_left();
    }
}

#[test]
fn f3_of_a_key_given_twice_the_last_value_stays() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    let keys = names(10);
    let mut pairs = Vec::new();
    for value in ["first", "last"] {
        pairs.extend(keys.iter().flat_map(|key| [key.clone(), value.to_owned()]));
    }
    assert_eq!(run(&mut ring, 0, request("MSET", &pairs)), "+OK|");
    for key in &keys {
        assert_eq!(ring.ask(1, &format!("GET {key}")), "$4|last|");
        ring.assert_same(key);
    }
}

#[test]
fn f4_one_part_that_fails_fails_the_command_after_all_have_answered() {
    let mut config = Ring::quorum();
    config.hints.enabled = false;
    let mut ring = Ring::new(&SIX, &config);
    let keys = names(40);
    let pairs: Vec<String> = keys
        .iter()
        .flat_map(|key| [key.clone(), "v".into()])
        .collect();
    assert_eq!(run(&mut ring, 0, request("MSET", &pairs)), "+OK|");
    // Two of the three replicas of half of the keys.
    ring.frozen[3] = true;
    ring.frozen[5] = true;
    ring.send(0, request("MGET", &keys));
    assert_eq!(ring.take(0), "");
    ring.pass_ms(3_000);
    assert_eq!(ring.take(0), "-Dynomite: No Quorum Achieved|");
    for command in ["MGET", "EXISTS", "DEL"] {
        let answer = run(&mut ring, 0, request(command, &keys));
        assert_eq!(answer, "-Dynomite: No Quorum Achieved|", "{command}");
    }
    assert_eq!(
        run(&mut ring, 0, request("MSET", &pairs)),
        "-Dynomite: No Quorum Achieved|"
    );
    let whole: Vec<String> = keys
        .iter()
        .filter(|key| ring.replicas(key) == [0, 2, 4])
        .cloned()
        .collect();
    assert!(whole.len() > 1);
    let answer = run(&mut ring, 0, request("EXISTS", &whole));
    assert_eq!(answer, format!(":{}|", whole.len()));
    ring.assert_nothing_left();
}

#[test]
fn f1_a_stale_replica_of_some_keys_is_seen_through_and_repaired() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    let keys = names(40);
    let pairs = |value: &str| -> Vec<String> {
        keys.iter()
            .flat_map(|key| [key.clone(), value.to_owned()])
            .collect()
    };
    assert_eq!(run(&mut ring, 0, request("MSET", &pairs("a"))), "+OK|");
    // Node 2 misses the second write, and its hints are thrown away.
    ring.frozen[2] = true;
    assert_eq!(run(&mut ring, 0, request("MSET", &pairs("b"))), "+OK|");
    ring.kill_hints();
    ring.break_links(0, 2);
    ring.settle();
    ring.kill_hints();
    ring.frozen[2] = false;
    ring.pass_ms(2_000);
    let missing = keys.iter().filter(|key| ring.replicas(key).contains(&2));
    assert!(missing.clone().all(|key| ring.held(2, key) == "a"));
    let wanted = format!("*40|{}", "$1|b|".repeat(40));
    for client in 0..6 {
        assert_eq!(run(&mut ring, client, request("MGET", &keys)), wanted);
    }
    ring.pass_ms(100);
    for key in &keys {
        ring.assert_same(key);
    }
    let counters = ring.nodes[0].snapshot(ring.now).counters;
    assert!(counters.fragments_total >= 3);
    ring.assert_nothing_left();
}

#[test]
fn f4_a_client_that_leaves_before_its_parts_answer_leaves_nothing_behind() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    ring.frozen = vec![false, true, true, true, true, true];
    ring.send(0, request("MGET", &names(40)));
    ring.send(0, request("SET", &["k".into(), "v".into()]));
    ring.hang_up(0);
    ring.clients[0].open = false;
    let other = ring.connect(0);
    ring.frozen = vec![false; 6];
    ring.settle();
    assert_eq!(ring.ask(other, "PING"), "+PONG|");
    ring.assert_nothing_left();
}

#[test]
fn commands_that_cannot_be_split_are_refused_when_their_keys_live_apart() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    let (here, there) = (ring.key_of(&[0, 2, 4]), ring.key_of(&[1, 3, 5]));
    assert!(
        ring.ask(0, &format!("RENAME {here} {there}"))
            .starts_with("-CROSSSLOT")
    );
    assert!(
        ring.ask(0, &format!("MSETNX {here} 1 {there} 2"))
            .starts_with("-CROSSSLOT")
    );
    assert_eq!(ring.ask(0, &format!("MSETNX {here} 1")), ":1|");
    assert_eq!(ring.ask(1, &format!("GET {here}")), "$1|1|");
}

#[test]
fn resp3_clients_get_their_nulls_from_every_part() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    ring.ask(0, "HELLO 3");
    let answer = run(&mut ring, 0, request("MGET", &names(20)));
    assert_eq!(answer, format!("*20|{}", "_|".repeat(20)));
    assert_eq!(ring.ask(1, "MGET a b"), "*2|$-1|$-1|");
}

#[test]
fn a_mset_of_odd_length_is_refused_without_harm() {
    let mut ring = Ring::new(&SIX, &Ring::quorum());
    let answer = ring.ask(0, "MSET key0 v key1 v key2");
    assert!(
        answer.starts_with("-ERR wrong number of arguments"),
        "{answer}"
    );
    assert_eq!(ring.ask(0, "PING"), "+PONG|");
    ring.assert_nothing_left();
}
