//! Every hash at four key lengths. The expected values stand in `hash.csv`.

use std::hint::black_box;

use ringlab_core::hash::HashKind;

use super::Suite;
use crate::case::{Case, Same};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "hash",
    question: "What does it cost to turn a key of 4 to 256 bytes into a token?",
    cases,
};

/// Lengths of the measured keys in bytes.
pub const KEY_LENGTHS: [usize; 4] = [4, 16, 64, 256];

/// `hash,key length,value` of [`key`], one a line; the functions are held to reference programs by
/// core's own tests, this holds the measurement to them.
const EXPECTED: &str = include_str!("hash.csv");

fn cases() -> Vec<Case> {
    HashKind::all()
        .flat_map(|kind| KEY_LENGTHS.map(|length| case(kind, length)))
        .collect()
}

fn case(kind: HashKind, length: usize) -> Case {
    let id = format!("hash/{}/{length}B", kind.name());
    Case::new(id, move || {
        let key = key(length);
        Same::new(expected(kind.name(), length), move || {
            Some(kind.hash(black_box(&key)))
        })
    })
    .operations(500)
    .allocates_nothing()
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

fn expected(name: &str, length: usize) -> Option<u64> {
    let start = format!("{name},{length},");
    let line = EXPECTED.lines().find(|line| line.starts_with(&start))?;
    line[start.len()..].parse().ok()
}
