//! Many replies into one: a quorum read's whole life in the replica coalescer.

use std::hint::black_box;

use ringlab_core::buffers::BufferPool;
use ringlab_core::coalesce::{Asked, Fed, ReplicaCoalescer, Reply, Settings, Versions, Vote};
use ringlab_core::command::Access;
use ringlab_core::consistency::Consistency;
use ringlab_core::dispatch::{DispatchConfig, Fanout, PeerState, Plan, PlanInput, plan};
use ringlab_core::ids::PeerId;
use ringlab_core::version::Version;

use super::Suite;
use crate::case::{Case, Subject, Wrong};
use crate::fixtures::{key, ring};

/// The suite's row.
pub const SUITE: Suite = Suite {
    name: "coalesce",
    question: "What does it cost to make one answer of 3 or 5 replicas' replies?",
    cases,
};

/// What the replicas say: the first of them something else than the others, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Agree,
    Split,
    Error,
}

fn cases() -> Vec<Case> {
    let stories = [
        ("agree", Story::Agree),
        ("split", Story::Split),
        ("error", Story::Error),
    ];
    let replicas = [3, 5];
    stories
        .into_iter()
        .flat_map(|(name, story)| replicas.map(|count| case(name, story, count)))
        .collect()
}

fn case(name: &str, story: Story, replicas: u32) -> Case {
    let id = format!("coalesce/record/{name}+{replicas}-replicas");
    Case::new(id, move || Reads::new(story, replicas)).allocates_nothing()
}

/// A quorum read whose replicas all answer, over and over.
struct Reads {
    fanout: Fanout,
    story: Story,
    pool: BufferPool,
    newest: Vec<u8>,
    oldest: Vec<u8>,
    decided: u64,
    right: u64,
}

impl Reads {
    fn new(story: Story, replicas: u32) -> Self {
        let topology = ring(1, replicas, 1);
        let states = vec![PeerState::Normal; topology.peers().len()];
        let config = DispatchConfig::new(Consistency::DcQuorum, Consistency::DcQuorum, true);
        let key = key(16);
        let input = PlanInput::keyed(&key, Access::Read);
        let Plan::Replicas(fanout) = plan(&input, &topology, &states, &config) else {
            unreachable!("a quorum read of several racks is a fan-out");
        };
        let bulk = |byte: u8| [b"$64\r\n", &[byte; 64][..], b"\r\n"].concat();
        Self {
            fanout,
            story,
            pool: BufferPool::default(),
            newest: bulk(b'n'),
            oldest: bulk(b'o'),
            decided: 0,
            right: 0,
        }
    }

    fn read(&mut self) {
        let asked = Asked {
            write: false,
            versions: Versions::Key,
        };
        let mut coalescer =
            ReplicaCoalescer::new(black_box(&self.fanout), asked, Settings::default());
        coalescer.start();
        for index in 0..self.fanout.targets.len() {
            let peer = self.fanout.targets[index].peer;
            let vote = vote(self.story, peer, (&self.newest, &self.oldest));
            if let Fed::Ready(answer) = coalescer.feed(peer, black_box(vote), &mut self.pool) {
                black_box(answer);
                self.decided += 1;
            }
        }
        self.right += u64::from(coalescer.reply() == Some(&self.newest[..]));
        coalescer.release(&mut self.pool);
    }
}

fn vote<'a>(story: Story, peer: PeerId, (newest, oldest): (&'a [u8], &'a [u8])) -> Vote<'a> {
    let reply = |bytes, version| Reply {
        bytes,
        version: Version(version),
    };
    match story {
        Story::Split if peer == PeerId(0) => Vote::Value(reply(oldest, 1 << 30)),
        Story::Error if peer == PeerId(0) => Vote::Error(reply(b"-ERR no memory\r\n", 0)),
        _ => Vote::Value(reply(newest, 1 << 31)),
    }
}

impl Subject for Reads {
    fn run(&mut self, operations: u64) {
        (self.decided, self.right) = (0, 0);
        for _ in 0..operations {
            self.read();
        }
    }

    fn check(&mut self) -> Result<(), Wrong> {
        if self.decided > 0 && self.decided == self.right {
            return Ok(());
        }
        Err(Wrong(format!(
            "{} reads decided, {} rightly",
            self.decided, self.right
        )))
    }
}
