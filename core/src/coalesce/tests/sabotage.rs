//! Each broken rule is broken as it says.

use super::super::*;
use crate::buffers::BufferPool;
use crate::consistency::Consistency;
use crate::dispatch::{Action, Configured, Fanout, Target};
use crate::ids::PeerId;
use crate::version::Version;

fn coalescer(sabotage: Sabotage) -> ReplicaCoalescer {
    let targets = (0..3).map(|peer| Target {
        peer: PeerId(peer),
        datacenter: 0,
        action: Action::Send,
        waited: true,
        forward: false,
    });
    let fanout = Fanout {
        targets: targets.collect(),
        consistency: Consistency::DcQuorum,
        configured: Configured {
            local_datacenter: 0,
            by_datacenter: [3].into_iter().collect(),
        },
    };
    let settings = Settings {
        sabotage,
        ..Settings::default()
    };
    ReplicaCoalescer::new(&fanout, Asked::default(), settings)
}

fn feed(coalescer: &mut ReplicaCoalescer, peer: u16, bytes: &[u8], version: u64) -> Fed {
    let version = Version(version);
    let vote = Vote::Value(Reply { bytes, version });
    coalescer.feed(PeerId(peer), vote, &mut BufferPool::default())
}

#[test]
fn a_majority_less_one_decides() {
    let mut broken = coalescer(Sabotage::MAJORITY_MINUS_ONE);
    assert!(matches!(feed(&mut broken, 0, b"a", 1), Fed::Ready(_)));
}

#[test]
fn stragglers_are_forgotten() {
    let repair = |sabotage| {
        let mut coalescer = coalescer(sabotage);
        feed(&mut coalescer, 0, b"a", 5);
        feed(&mut coalescer, 1, b"a", 5);
        feed(&mut coalescer, 2, b"old", 1);
        assert!(coalescer.all_in());
        coalescer.repair(PeerId(0))
    };
    assert_ne!(repair(Sabotage::default()), Repair::Nothing);
    assert_eq!(repair(Sabotage::FORGETS_STRAGGLERS), Repair::Nothing);
}

#[test]
fn the_older_version_wins() {
    let mut broken = coalescer(Sabotage::OLDER_WINS);
    feed(&mut broken, 0, b"old", 1);
    feed(&mut broken, 1, b"new", 2);
    assert_eq!(broken.reply(), Some(&b"old"[..]));
}
