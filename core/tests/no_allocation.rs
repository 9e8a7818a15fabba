//! The hot path's pure parts allocate nothing in steady state, for up to eight replicas.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringlab_core::buffers::BufferPool;
use ringlab_core::coalesce::{Asked, ReplicaCoalescer, Reply, Settings, Vote};
use ringlab_core::command::Access;
use ringlab_core::consistency::Consistency;
use ringlab_core::dispatch::{DispatchConfig, PeerState, Plan, PlanInput, plan};
use ringlab_core::distribution::{DistributionKind, Token};
use ringlab_core::handoff::{Hint, HintKind, HintStore, Limits};
use ringlab_core::hash::HashKind;
use ringlab_core::ids::PeerId;
use ringlab_core::time::{Mono, Now};
use ringlab_core::topology::{PeerSpec, Topology};
use ringlab_core::version::Version;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of the second half of many rounds.
fn in_steady_state(mut round: impl FnMut(u64)) -> u64 {
    (0..1_000).for_each(&mut round);
    let before = ALLOCATIONS.with(Cell::get);
    (1_000..2_000).for_each(&mut round);
    ALLOCATIONS.with(Cell::get) - before
}

/// Two datacenters of four racks of two peers: eight replicas a key.
fn ring() -> Topology {
    let mut specs = Vec::new();
    for place in 0..16u64 {
        specs.push(PeerSpec {
            name: format!("10.0.0.{place}:8101"),
            datacenter: format!("dc{}", place % 2),
            rack: format!("rack{}", place / 2 % 4),
            tokens: vec![Token::of_hash(1 + place / 8 * 2_147_483_648)],
            weight: 1,
        });
    }
    let hash = HashKind::by_name("murmur").expect("a hash");
    let distribution = DistributionKind::by_name("vnode").expect("a distribution");
    Topology::build(specs, "10.0.0.0:8101", hash, distribution, None).expect("a ring")
}

#[test]
fn a_plan_and_its_coalescer() {
    let topology = ring();
    let states = [PeerState::Normal; 16];
    let mut pool = BufferPool::default();
    for level in Consistency::ALL {
        let config = DispatchConfig::new(level, level, true);
        for access in [Access::Read, Access::Write] {
            let asked = Asked {
                write: access == Access::Write,
                ..Asked::default()
            };
            let count = in_steady_state(|round| {
                let key = round.to_le_bytes();
                let input = PlanInput::keyed(&key, access);
                let Plan::Replicas(fanout) = plan(&input, &topology, &states, &config) else {
                    return;
                };
                let mut coalescer = ReplicaCoalescer::new(&fanout, asked, Settings::default());
                coalescer.start();
                for target in &fanout.targets {
                    // One replica lags behind.
                    let old = u64::from(target.peer.0 == 3);
                    let reply = Reply {
                        bytes: if old == 1 {
                            b"$1\r\na\r\n"
                        } else {
                            b"$2\r\nbb\r\n"
                        },
                        version: Version(round + 2 - old),
                    };
                    coalescer.feed(target.peer, Vote::Value(reply), &mut pool);
                }
                assert!(coalescer.is_decided() && coalescer.all_in());
                std::hint::black_box(coalescer.repair(topology.local()));
                coalescer.release(&mut pool);
            });
            assert_eq!(count, 0, "{} {access:?}", level.name());
        }
    }
}

#[test]
fn hints_kept_and_delivered() {
    let mut store = HintStore::new(Limits::default(), 2);
    let peer = PeerId(1);
    store.resume(peer);
    let count = in_steady_state(|round| {
        let now = Now {
            mono: Mono(round * 1_000_000_000),
            wall_ms: 1_700_000_000_000 + round * 1_000,
        };
        for number in 0..100 {
            let hint = Hint {
                kind: HintKind::Operation,
                version: Version(round * 100 + number),
                bytes: &[7; 900],
            };
            store
                .enqueue(peer, hint, now)
                .expect("it is below the bound");
        }
        let mut tickets = [None; 100];
        for ticket in &mut tickets {
            *ticket = store.poll(now).map(|delivery| delivery.ticket);
        }
        for ticket in tickets.into_iter().flatten() {
            store.acknowledge(peer, ticket);
        }
        assert!(store.is_empty());
    });
    assert_eq!(count, 0);
}
