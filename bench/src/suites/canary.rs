//! Rows with known answers, by which the gate tests itself in each run. They use nothing of core,
//! so that no change of the engine can move them.

use std::hint::black_box;

use super::Suite;
use crate::case::{Case, Repeat};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: super::CANARY,
    question: "Does the gate see what it must see, and nothing else?",
    cases,
};

/// Steps of work in one operation; 1% of them is what the slow row adds.
const STEPS: u64 = 1000;

fn cases() -> Vec<Case> {
    vec![
        Case::new("canary/work/plain", || {
            Repeat::same(work(STEPS), || work(black_box(STEPS)))
        }),
        Case::new("canary/work/slower-by-1-percent", || {
            let steps = STEPS + STEPS / 100;
            Repeat::same(work(steps), move || work(black_box(steps)))
        }),
        Case::new("canary/work/one-more-allocation", || {
            Repeat::same(work(STEPS), || {
                let steps = Box::new(black_box(STEPS));
                work(*black_box(steps))
            })
        }),
    ]
}

/// A chain of dependent steps whose cost is proportional to their number.
fn work(steps: u64) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..steps {
        state = black_box((state ^ step).wrapping_mul(0x0000_0100_0000_01b3));
    }
    state
}
