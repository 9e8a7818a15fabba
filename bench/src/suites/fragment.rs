//! A multi-key command: its keys grouped by peer, its parts' replies put together.

use std::hint::black_box;

use ringlab_core::buffers::BufferPool;
use ringlab_core::coalesce::{FragmentCoalescer, PartId};
use ringlab_core::command::{Access, Fragment};
use ringlab_core::consistency::Consistency;
use ringlab_core::dispatch::{DispatchConfig, Split};
use ringlab_core::topology::Topology;

use super::Suite;
use crate::case::{Case, Subject, Wrong};
use crate::fixtures::{keys, ring};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "fragment",
    question: "What does an MGET over several peers cost beside its parts?",
    cases,
};

fn cases() -> Vec<Case> {
    let case = |count: usize| {
        Case::new(format!("fragment/mget/{count}-keys+3-peers"), move || {
            Mgets::new(count)
        })
    };
    vec![case(4), case(16), case(100)]
}

/// One MGET over three peers, over and over. Each key's value is its position, so that a piece in
/// the wrong place is seen.
struct Mgets {
    topology: Topology,
    config: DispatchConfig,
    keys: Vec<Vec<u8>>,
    /// What each part's peer answers.
    replies: Vec<Vec<u8>>,
    expected: Vec<u8>,
    pool: BufferPool,
    out: Vec<u8>,
}

impl Mgets {
    fn new(count: usize) -> Self {
        let mut mgets = Self {
            topology: ring(1, 1, 3),
            config: DispatchConfig::new(Consistency::DcOne, Consistency::DcOne, false),
            keys: keys(count),
            replies: Vec::new(),
            expected: array(&(0..count as u32).collect::<Vec<u32>>()),
            pool: BufferPool::default(),
            out: Vec::new(),
        };
        let coalescer = FragmentCoalescer::new(Fragment::Mget, mgets.split());
        let parts = coalescer.open_parts();
        mgets.replies = parts.map(|part| array(coalescer.positions(part))).collect();
        mgets
    }

    fn split(&self) -> Split {
        let keys = self.keys.iter().map(Vec::as_slice);
        let split = Split::of(black_box(keys), Access::Read, &self.topology, &self.config);
        split.expect("the keys belong to several peers")
    }

    fn mget(&mut self) {
        let mut coalescer = FragmentCoalescer::new(Fragment::Mget, self.split());
        for (part, reply) in (0..).map(PartId).zip(&self.replies) {
            black_box(coalescer.part(part, black_box(reply), &mut self.pool));
        }
        self.out.clear();
        coalescer.write(&mut self.out);
        coalescer.release(&mut self.pool);
    }
}

fn array(positions: &[u32]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", positions.len()).into_bytes();
    for position in positions {
        bytes.extend(format!("$64\r\n{position:064}\r\n").into_bytes());
    }
    bytes
}

impl Subject for Mgets {
    fn run(&mut self, operations: u64) {
        for _ in 0..operations {
            self.mget();
        }
    }

    fn check(&mut self) -> Result<(), Wrong> {
        Wrong::unless_equal(&self.out, &self.expected)
    }
}
