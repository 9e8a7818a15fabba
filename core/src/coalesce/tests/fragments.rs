//! The fragment coalescer: a table of replies, and any split in any order.

use proptest::prelude::*;

use super::super::*;
use crate::buffers::BufferPool;
use crate::command::Fragment;
use crate::dispatch::Split;

/// Feeds `replies` (part number, reply; `fails` stands for a lost part) to a command whose keys
/// go to `parts`, and compares what comes out.
fn check(fragment: Fragment, parts: &[u32], replies: &[(u32, &str)], expected: &str) {
    let mut pool = BufferPool::default();
    let part_count = parts.iter().max().map_or(0, |last| *last as usize + 1);
    let mut coalescer = FragmentCoalescer::new(fragment, Split::by_part(parts, part_count));
    for (index, (part, reply)) in replies.iter().enumerate() {
        let part = PartId(*part);
        let complete = match *reply {
            "fails" => coalescer.fail(part, b"-Dynomite: No Quorum Achieved\r\n", &mut pool),
            reply => coalescer.part(part, reply.as_bytes(), &mut pool),
        };
        assert_eq!(complete, index + 1 == replies.len(), "{replies:?}");
    }
    let mut out = Vec::new();
    coalescer.write(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), expected, "{replies:?}");
    coalescer.release(&mut pool);
}

const REFUSED: &str = "-ERR Protocol error: a part of the command got a reply of another kind\r\n";
const LOST: &str = "-Dynomite: No Quorum Achieved\r\n";

#[test]
fn f1_values_stand_where_their_keys_stood() {
    let (a, bc) = ("*2\r\n$1\r\na\r\n$1\r\nA\r\n", "*2\r\n$-1\r\n$2\r\ncc\r\n");
    let expected = "*4\r\n$1\r\na\r\n$-1\r\n$2\r\ncc\r\n$1\r\nA\r\n";
    check(Fragment::Mget, &[0, 1, 1, 0], &[(0, a), (1, bc)], expected);
    check(Fragment::Mget, &[0, 1, 1, 0], &[(1, bc), (0, a)], expected);
}

#[test]
fn f1_each_protocol_keeps_its_nil() {
    let replies = [(1, "*1\r\n_\r\n"), (0, "*1\r\n$-1\r\n")];
    check(Fragment::Mget, &[0, 1], &replies, "*2\r\n$-1\r\n_\r\n");
}

#[test]
fn f1_values_may_look_like_protocol() {
    let replies = [(0, "*1\r\n$5\r\n$-1\r\n\r\n"), (1, "*1\r\n$0\r\n\r\n")];
    check(
        Fragment::Mget,
        &[0, 1],
        &replies,
        "*2\r\n$5\r\n$-1\r\n\r\n$0\r\n\r\n",
    );
}

#[test]
fn f2_the_sum_saturates() {
    check(
        Fragment::Sum,
        &[0, 1],
        &[(0, ":2\r\n"), (1, ":3\r\n")],
        ":5\r\n",
    );
    let most = format!(":{}\r\n", i64::MAX);
    check(Fragment::Sum, &[0, 1], &[(1, &most), (0, ":3\r\n")], &most);
}

#[test]
fn f3_ok_when_every_part_is() {
    check(
        Fragment::Mset,
        &[0, 1],
        &[(1, "+OK\r\n"), (0, "+OK\r\n")],
        "+OK\r\n",
    );
    check(
        Fragment::Mset,
        &[0, 1],
        &[(1, "+OK\r\n"), (0, "fails")],
        LOST,
    );
}

#[test]
fn f4_the_first_error_by_key_order() {
    let (first, second) = ("-ERR first\r\n", "-ERR second\r\n");
    let parts = [1, 0, 2, 0];
    // Part 1 has the first key.
    check(
        Fragment::Sum,
        &parts,
        &[(0, second), (1, first), (2, ":1\r\n")],
        first,
    );
    check(
        Fragment::Sum,
        &parts,
        &[(2, ":1\r\n"), (1, first), (0, second)],
        first,
    );
    check(
        Fragment::Mget,
        &parts,
        &[(1, "fails"), (2, second), (0, first)],
        LOST,
    );
}

#[test]
fn f5_another_kind_of_reply_is_a_protocol_error() {
    let kinds = [
        "+OK\r\n",
        ":1\r\n",
        "$1\r\na\r\n",
        "*1\r\n$1\r\na\r\n",
        "*0\r\n",
        "_\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "%0\r\n",
        "",
        "+",
        "*1\r\n",
        "*1\r\n$1\r\na",
        "*1\r\n$1\r\nabc\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*1\r\n$1\r\na\r\n",
        "*2\r\n$1\r\na\r\n$1\r\na\r\n",
        "+QUEUED\r\n",
        "*1\r\n$9223372036854775807\r\na\r\n",
        "*1\r\n$-2\r\n",
        ":1x\r\n",
        ":\r\n",
        ":1\r\n:1\r\n",
        "*1\r\n$1\r\na\r\n+",
        "*1\r\n$1\r\na__",
    ];
    for kind in kinds {
        let expect = |good: &[&str], reply: &str| {
            if good.contains(&kind) {
                reply.to_owned()
            } else {
                REFUSED.to_owned()
            }
        };
        let ok = expect(&["+OK\r\n"], "+OK\r\n");
        check(Fragment::Mset, &[0], &[(0, kind)], &ok);
        check(
            Fragment::Sum,
            &[0],
            &[(0, kind)],
            &expect(&[":1\r\n"], ":1\r\n"),
        );
        let array = "*1\r\n$1\r\na\r\n";
        check(Fragment::Mget, &[0], &[(0, kind)], &expect(&[array], array));
    }
}

#[test]
fn a_second_reply_of_a_part_is_ignored() {
    let mut pool = BufferPool::default();
    let mut coalescer = FragmentCoalescer::new(Fragment::Sum, Split::by_part(&[0, 1], 2));
    assert!(!coalescer.part(PartId(0), b":1\r\n", &mut pool));
    assert!(!coalescer.part(PartId(0), b":1\r\n", &mut pool));
    assert!(!coalescer.fail(PartId(0), b"-late\r\n", &mut pool));
    assert!(coalescer.part(PartId(1), b":1\r\n", &mut pool));
    let mut out = Vec::new();
    coalescer.write(&mut out);
    assert_eq!(out, b":2\r\n");
}

/// The keys' parts, which of the parts are divided, and an order of arrival.
fn splits() -> impl Strategy<Value = (Vec<u32>, Vec<bool>, u64)> {
    (1..40usize).prop_flat_map(|count| {
        let parts = prop::collection::vec(0..5u32, count);
        (parts, prop::collection::vec(any::<bool>(), 5), any::<u64>())
    })
}

/// Numbers parts in the order of their first keys, without gaps.
fn renumber(parts: &mut [u32]) -> usize {
    let mut seen = Vec::new();
    for part in parts {
        let number = seen.iter().position(|known| *known == *part);
        *part = number.unwrap_or_else(|| {
            seen.push(*part);
            seen.len() - 1
        }) as u32;
    }
    seen.len()
}

proptest! {
    #[test]
    fn any_split_in_any_order_gives_the_keys_in_theirs((mut parts, divided, seed) in splits()) {
        let part_count = renumber(&mut parts);
        let mut pool = BufferPool::default();
        let split = Split::by_part(&parts, part_count);
        let mut coalescer = FragmentCoalescer::new(Fragment::Mget, split);
        for part in (0..part_count as u32).filter(|part| divided[*part as usize]) {
            coalescer.divide(PartId(part));
        }
        let mut open: Vec<PartId> = coalescer.open_parts().collect();
        let turn = seed as usize % open.len();
        open.rotate_left(turn);
        for (index, part) in open.iter().enumerate() {
            let positions = coalescer.positions(*part);
            prop_assert!(positions.is_sorted());
            let mut reply = format!("*{}\r\n", positions.len());
            for position in positions {
                reply.push_str(&format!("${}\r\n{position}\r\n", position.to_string().len()));
            }
            let complete = coalescer.part(*part, reply.as_bytes(), &mut pool);
            prop_assert_eq!(complete, index + 1 == open.len());
        }
        let mut expected = format!("*{}\r\n", parts.len());
        for position in 0..parts.len() {
            expected.push_str(&format!("${}\r\n{position}\r\n", position.to_string().len()));
        }
        let mut out = Vec::new();
        coalescer.write(&mut out);
        prop_assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
