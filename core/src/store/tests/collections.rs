//! Hashes and sets: what the differential test against Redis does not tell: versions, replicas,
//! walks while the collection changes, memory that is given back.

use std::collections::BTreeSet;

use super::{Desk, START_MS, version};
use crate::store::Applied;

/// The bulk strings of a reply.
fn bulks(reply: &str) -> Vec<&str> {
    let lines: Vec<&str> = reply.split("\r\n").collect();
    let headed = lines.windows(2).filter(|pair| pair[0].starts_with('$'));
    headed.map(|pair| pair[1]).collect()
}

/// All members that a whole walk gives; `between` runs after each step.
fn walked(desk: &mut Desk, verb: &str, between: &mut dyn FnMut(&mut Desk)) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let (reply, _) = desk.run(&format!("{verb} k {cursor} COUNT 10"));
        let found = bulks(&reply);
        cursor = found[0].to_owned();
        met.extend(found[1..].iter().map(|&member| member.to_owned()));
        if cursor == "0" {
            return met;
        }
        between(desk);
    }
}

#[test]
fn a_walk_meets_what_is_there_throughout() {
    for (verb, add, remove) in [
        ("SSCAN", "SADD k $", "SREM k $"),
        ("HSCAN", "HSET k $ $", "HDEL k $"),
        ("ZSCAN", "ZADD k $ $", "ZREM k $"),
    ] {
        let mut desk = Desk::new(false);
        for number in 0..1000 {
            desk.run(&add.replace('$', &number.to_string()));
        }
        let (mut gone, mut new) = (0, 1000);
        let met = walked(&mut desk, verb, &mut |desk| {
            for _ in 0..3 {
                // Odd numbers stay, even ones go, others come.
                desk.run(&remove.replace('$', &gone.to_string()));
                desk.run(&add.replace('$', &new.to_string()));
                (gone, new) = (gone + 2, new + 1);
            }
        });
        for number in (1..1000).step_by(2) {
            assert!(met.contains(&number.to_string()), "{verb}: {number}");
        }
    }
}

#[test]
fn replicas_pop_the_same_members() {
    let (mut one, mut two) = (Desk::new(true), Desk::new(true));
    for desk in [&mut one, &mut two] {
        desk.run_at(version(1), "SADD k 1 2 3 4 5 6 7 8 9 10 11 12");
    }
    let popped = |desk: &mut Desk, at| desk.run_at(version(at), "SPOP k 3").0;
    let first = popped(&mut one, 2);
    assert_eq!(first, popped(&mut two, 2));
    assert_eq!(popped(&mut one, 3), popped(&mut two, 3));
    assert_eq!(
        one.store.state(b"k", START_MS),
        two.store.state(b"k", START_MS)
    );
}

#[test]
fn the_last_element_takes_its_key_along() {
    for (make, empty) in [
        ("HSET k f v", "HDEL k f"),
        ("SADD k m", "SPOP k"),
        ("RPUSH k e", "LTRIM k 1 0"),
        ("ZADD k 1 m", "ZPOPMIN k"),
    ] {
        let mut desk = Desk::new(true);
        let (_, made) = desk.run_at(version(10), make);
        assert_eq!(made.version, version(10));
        let (_, emptied) = desk.run_at(version(20), empty);
        assert_eq!((emptied.version, desk.store.len()), (version(20), 0));
        assert_eq!(desk.store.tombstone_count(), 1);
    }
}

#[test]
fn what_changes_nothing_has_no_new_version() {
    let mut desk = Desk::new(true);
    desk.run_at(version(1), "SADD k m");
    for line in ["SADD k m", "SREM k other", "SPOP k 0", "HSET k f v"] {
        desk.run_at(version(5), line);
        assert_eq!(desk.store.version(b"k"), version(1), "{line}");
    }
    desk.run_at(version(6), "SREM absent m");
    assert_eq!((desk.store.len(), desk.store.tombstone_count()), (1, 0));
}

#[test]
fn collections_travel_whole_with_deadline_and_version() {
    let (mut from, mut to) = (Desk::new(true), Desk::new(true));
    from.run_at(version(1), "HSET h f v g w");
    from.run_at(version(2), "SADD s 3 1 2");
    from.run_at(version(3), "PEXPIRE s 5000");
    from.run_at(version(4), "RPUSH l a b c");
    from.run_at(version(5), "ZADD z 1.5 m -inf n");
    to.run_at(version(0), "SET h overtaken");
    from.store.scan_states(0, usize::MAX, &mut |key, state| {
        assert_eq!(to.store.apply_state(key, state, START_MS), Applied::Applied);
    });
    for key in ["h", "s", "l", "z"] {
        let state = from.store.state(key.as_bytes(), START_MS);
        assert!(state.is_some());
        assert_eq!(to.store.state(key.as_bytes(), START_MS), state);
    }
    assert_eq!(to.run("SMEMBERS s").0, from.run("SMEMBERS s").0);
    assert_eq!(to.run("PEXPIRETIME s").0, from.run("PEXPIRETIME s").0);
}

#[test]
fn rename_moves_a_collection_with_its_deadline() {
    let mut desk = Desk::new(false);
    desk.tell(
        "
        > HSET h f v
        :1
        > EXPIREAT h 4000000000
        :1
        > SET s v
        +OK
        > RENAME h s
        +OK
        > HGET s f
        $1
        v
        > EXPIRETIME s
        :4000000000
        > EXISTS h
        :0
        ",
    );
}

#[test]
fn bytes_follow_growth_and_removal() {
    let mut desk = Desk::new(false);
    desk.run("SADD k first");
    let before = desk.store.bytes();
    for number in 0..10_000 {
        desk.run(&format!("SADD k member:{number}"));
    }
    let full = desk.store.bytes();
    assert!(full > before + 10_000 * 16, "{before} → {full}");
    for number in 0..10_000 {
        desk.run(&format!("SREM k member:{number}"));
    }
    assert!(
        desk.store.bytes() < before + 1024,
        "{} bytes stay",
        desk.store.bytes() - before
    );
}
