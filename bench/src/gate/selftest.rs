//! The gate tests itself in each run: with rows whose verdict is known it must come to that one.

use ringlab::suites::CANARY;
use serde::Serialize;

use super::verdict::{Limits, Side, Verdict, judge};

/// One row with a known verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Proof {
    /// What is held against what.
    pub(crate) name: &'static str,
    /// What the verdict must be.
    pub(crate) expected: Verdict,
    /// What it was, with its reason; `None` when the row is missing.
    pub(crate) got: Option<(Verdict, String)>,
}

impl Proof {
    /// Whether the gate came to the known verdict.
    pub(crate) fn holds(&self) -> bool {
        self.got
            .as_ref()
            .is_some_and(|(verdict, _)| *verdict == self.expected)
    }
}

/// Judges the canaries, and takes them out of both sides. A base that has none is stood in for by
/// the head's own second measurement.
pub(crate) fn prove(limits: &Limits, base: &mut Side, head: &mut Side) -> Vec<Proof> {
    let head_canaries = take_canaries(head);
    let mut base_canaries = take_canaries(base);
    if base_canaries.first.is_empty() {
        base_canaries = Side {
            first: head_canaries.second.clone(),
            second: head_canaries.second.clone(),
        };
    }
    let proof = |name, row, expected| Proof {
        name,
        expected,
        got: held_against(
            limits,
            &only(&base_canaries, PLAIN),
            &only(&head_canaries, row),
        ),
    };
    vec![
        proof("the same work on both sides", PLAIN, Verdict::Pass),
        proof(
            "1% more work",
            "canary/work/slower-by-1-percent",
            Verdict::Fail,
        ),
        proof(
            "one allocation more",
            "canary/work/one-more-allocation",
            Verdict::Fail,
        ),
    ]
}

const PLAIN: &str = "canary/work/plain";

fn held_against(limits: &Limits, base: &Side, head: &Side) -> Option<(Verdict, String)> {
    let row = judge(limits, base, head, &[].into()).into_iter().next()?;
    (row.base.is_some() && row.head.is_some()).then_some((row.verdict, row.why))
}

/// The one row of a side, under the plain row's name.
fn only(side: &Side, id: &str) -> Side {
    let pick = |counts: &crate::counts::Counts| {
        counts
            .get(id)
            .map(|count| (PLAIN.to_owned(), count.clone()))
            .into_iter()
            .collect()
    };
    Side {
        first: pick(&side.first),
        second: pick(&side.second),
    }
}

fn take_canaries(side: &mut Side) -> Side {
    let take = |counts: &mut crate::counts::Counts| {
        let (canaries, rest) = std::mem::take(counts)
            .into_iter()
            .partition(|(id, _)| id.split('/').next() == Some(CANARY));
        *counts = rest;
        canaries
    };
    Side {
        first: take(&mut side.first),
        second: take(&mut side.second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{Count, Counts};

    const LIMITS: Limits = Limits {
        instructions_fail_percent: 0.5,
        instructions_fail_count: 3.0,
        instructions_warn_percent: 0.1,
        repeat_percent: 0.05,
    };

    fn side(rows: &[(&str, u64, u64)]) -> Side {
        let count = |instructions, allocations| Count {
            operations: 100,
            instructions,
            allocations,
            bytes: 0,
            allocations_max: None,
        };
        let counts: Counts = rows
            .iter()
            .map(|(id, n, heap)| ((*id).to_owned(), count(*n, *heap)))
            .collect();
        Side {
            first: counts.clone(),
            second: counts,
        }
    }

    const SOUND: [(&str, u64, u64); 4] = [
        ("canary/work/plain", 700_000, 0),
        ("canary/work/slower-by-1-percent", 707_000, 0),
        ("canary/work/one-more-allocation", 700_100, 100),
        ("hash/a/b", 100, 0),
    ];

    #[test]
    fn a_sound_gate_proves_itself() {
        let mut head = side(&SOUND);
        let mut base = side(&SOUND);
        let proofs = prove(&LIMITS, &mut base, &mut head);
        assert!(proofs.iter().all(Proof::holds), "{proofs:?}");
        assert_eq!(head.first.keys().collect::<Vec<_>>(), ["hash/a/b"]);
        let mut bare = side(&SOUND[3..]);
        let proofs = prove(&LIMITS, &mut bare, &mut side(&SOUND));
        assert!(proofs.iter().all(Proof::holds), "{proofs:?}");
    }

    #[test]
    fn a_blind_or_nervous_gate_does_not() {
        let blind = Limits {
            instructions_fail_percent: 5.0,
            ..LIMITS
        };
        let held = |proofs: &[Proof]| proofs.iter().map(Proof::holds).collect::<Vec<_>>();
        let proofs = prove(&blind, &mut side(&SOUND), &mut side(&SOUND));
        assert_eq!(held(&proofs), [true, false, true]);
        let mut moved = SOUND;
        moved[0].1 = 690_000;
        let proofs = prove(&LIMITS, &mut side(&moved), &mut side(&SOUND));
        assert_eq!(held(&proofs), [false, true, true]);
        let proofs = prove(&LIMITS, &mut side(&[]), &mut side(&[]));
        assert_eq!(held(&proofs), [false, false, false]);
    }
}
