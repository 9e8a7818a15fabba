//! Every hash at four key lengths, the modern ones at two. Their functions are held to reference programs by
//! core's own tests; here each case is held to a value of those functions.

use std::hint::black_box;

use ringlab_core::hash::HashKind;

use super::Suite;
use crate::case::{Case, Repeat};
use crate::fixtures::{expected, key};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "hash",
    question: "What does it cost to turn a key of 4 to 256 bytes into a token?",
    cases,
};

/// Lengths of the measured keys in bytes.
pub const KEY_LENGTHS: [usize; 4] = [4, 16, 64, 256];
/// Those at which the gate judges every hash; the ones that rings run on it judges at all four.
const GATED: [usize; 2] = [16, 64];

fn cases() -> Vec<Case> {
    HashKind::all()
        .flat_map(|kind| {
            let gated = move |length: &usize| !modern(kind) || GATED.contains(length);
            let lengths = KEY_LENGTHS.into_iter().filter(gated);
            lengths.map(move |length| case(kind, length))
        })
        .collect()
}

/// Whether neither Dynomite nor twemproxy has it: it stands behind theirs in the table.
fn modern(kind: HashKind) -> bool {
    let theirs = HashKind::all().take_while(|kind| kind.name() != "xxh3");
    theirs.into_iter().all(|known| known != kind)
}

fn case(kind: HashKind, length: usize) -> Case {
    let id = format!("hash/{}/{length}B", kind.name());
    Case::new(id.clone(), move || {
        let key = key(length);
        Repeat::same(expected(&id), move || Some(kind.hash(black_box(&key))))
    })
    .operations(500)
    .allocates_nothing()
}
