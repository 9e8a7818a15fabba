//! Every command with every number of arguments: one reply, and the node lives on.

use super::harness::{Random, array};
use super::*;
use crate::command::COMMANDS;
use crate::resp::{FrameEnd, frame};

const WORDS: [&str; 16] = [
    "key1",
    "key2",
    "key3",
    "1",
    "-1",
    "0",
    "",
    "NX",
    "GET",
    "EX",
    "*",
    "v",
    "SETNAME",
    "ID",
    "99999999999999999999",
    "3",
];

/// Number of replies in what a client received.
fn replies(bytes: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        match frame(&bytes[at..]) {
            FrameEnd::Complete { len } => at += len,
            other => panic!("{other:?} in {}", bytes.escape_ascii()),
        }
        count += 1;
    }
    count
}

fn try_all(places: harness::Places<'_>, seed: u64) {
    let mut random = Random(seed);
    let mut ring = Ring::new(places, &Ring::quorum());
    for row in COMMANDS {
        for argc in 0..8 {
            let mut args: Vec<&str> = row.name.split('|').collect();
            args.extend((0..argc).map(|_| WORDS[random.below(WORDS.len())]));
            let client = ring.connect(0);
            if random.one_in(3) {
                ring.ask(client, "HELLO 3");
            }
            ring.send(client, array(&args));
            ring.pass_ms(10);
            let received = std::mem::take(&mut ring.clients[client].received);
            assert_eq!(replies(&received), 1, "{args:?}");
            if ring.clients[client].open {
                assert_eq!(ring.ask(client, "PING"), "+PONG|", "{args:?}");
                ring.hang_up(client);
            } else {
                let closes = ["quit", "client|kill"].contains(&row.name);
                assert!(closes, "{args:?} closed the connection");
            }
        }
    }
    ring.assert_nothing_left();
}

#[test]
fn every_command_is_answered_once_alone() {
    try_all(&[("dc1", "r1")], 1);
}

#[test]
fn every_command_is_answered_once_in_a_ring() {
    let six = [
        ("dc1", "r1"),
        ("dc1", "r1"),
        ("dc1", "r2"),
        ("dc1", "r2"),
        ("dc2", "r1"),
        ("dc2", "r2"),
    ];
    try_all(&six, 2);
    try_all(&six[..4], 3);
}

#[test]
fn hello_takes_its_options_and_no_others() {
    let mut ring = Ring::three(&Ring::quorum());
    assert!(ring.ask(0, "HELLO 3 SETNAME a").starts_with("%7|"));
    assert_eq!(ring.ask(0, "CLIENT GETNAME"), "$1|a|");
    for wrong in [
        "HELLO 3 SETNAME",
        "HELLO 3 SETNAME b NONE",
        "HELLO 3 NONE x",
    ] {
        let answer = ring.ask(0, wrong);
        assert!(answer.starts_with("-ERR Syntax error"), "{wrong}");
    }
    assert!(ring.ask(0, "HELLO 4").starts_with("-NOPROTO"));
    assert_eq!(ring.ask(0, "CLIENT GETNAME"), "$1|a|");
}
