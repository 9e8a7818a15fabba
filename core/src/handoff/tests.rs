//! The hint store's rules one by one, then any sequence of events against a model.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::queue::ENTRY_BYTES;
use super::*;
use crate::ids::PeerId;
use crate::time::{Mono, Now};
use crate::version::Version;

const A: PeerId = PeerId(0);
const B: PeerId = PeerId(1);
const START: Now = Now {
    mono: Mono(1_000),
    wall_ms: 1_700_000_000_000,
};

fn store(limits: Limits) -> HintStore {
    HintStore::new(limits, 2)
}

fn keep(store: &mut HintStore, peer: PeerId, text: &str, now: Now) -> Result<(), Refused> {
    let hint = Hint {
        kind: HintKind::Operation,
        version: Version(text.len() as u64),
        bytes: text.as_bytes(),
    };
    store.enqueue(peer, hint, now)
}

/// Everything that may be sent now, as texts with their tickets.
fn poll_all(store: &mut HintStore, now: Now) -> Vec<(PeerId, Ticket, String)> {
    let mut sent = Vec::new();
    while let Some(Delivery { peer, ticket, hint }) = store.poll(now) {
        sent.push((
            peer,
            ticket,
            String::from_utf8_lossy(hint.bytes).into_owned(),
        ));
    }
    sent
}

fn texts(sent: &[(PeerId, Ticket, String)]) -> Vec<&str> {
    sent.iter().map(|(_, _, text)| &text[..]).collect()
}

#[test]
fn h2_over_a_bound_new_hints_are_refused_and_old_ones_kept() {
    let cost = 4 + ENTRY_BYTES;
    let mut store = store(Limits {
        bytes_max: 3 * cost,
        peer_bytes_max: 2 * cost,
        ..Limits::default()
    });
    assert_eq!(keep(&mut store, A, "one1", START), Ok(()));
    assert_eq!(keep(&mut store, A, "two2", START), Ok(()));
    assert_eq!(keep(&mut store, A, "not3", START), Err(Refused));
    assert_eq!(keep(&mut store, B, "four", START), Ok(()));
    assert_eq!(keep(&mut store, B, "not5", START), Err(Refused));
    let gauges = store.gauges(A, START);
    assert_eq!((gauges.stored, gauges.refused), (2, 1));
    assert_eq!((gauges.bytes as usize, store.bytes()), (2 * cost, 3 * cost));
    store.resume(A);
    assert_eq!(texts(&poll_all(&mut store, START)), ["one1", "two2"]);
}

#[test]
fn h3_old_hints_are_dropped_by_the_sweep_and_by_the_drain() {
    let mut store = store(Limits {
        ttl_ms: 5_000,
        ..Limits::default()
    });
    keep(&mut store, A, "old", START).unwrap();
    keep(&mut store, B, "old", START).unwrap();
    keep(&mut store, A, "young", START.plus_ms(3_000)).unwrap();
    store.sweep(START.plus_ms(4_999));
    assert_eq!(store.gauges(A, START.plus_ms(4_999)).oldest_ms, 4_999);
    let later = START.plus_ms(5_000);
    store.sweep(later);
    assert_eq!(
        (
            store.gauges(A, later).stored,
            store.gauges(A, later).expired
        ),
        (1, 1)
    );
    assert_eq!(store.gauges(B, later).stored, 0);
    store.resume(A);
    assert_eq!(poll_all(&mut store, START.plus_ms(8_000)), []);
    assert_eq!(store.gauges(A, later).expired, 2);
    assert!(store.is_empty());
}

#[test]
fn h3_a_hint_lives_at_least_a_second() {
    let mut store = store(Limits {
        ttl_ms: 0,
        ..Limits::default()
    });
    keep(&mut store, A, "x", START).unwrap();
    store.sweep(START.plus_ms(999));
    assert_eq!(store.gauges(A, START).stored, 1);
    store.sweep(START.plus_ms(1_000));
    assert_eq!(store.gauges(A, START).stored, 0);
}

#[test]
fn h3_a_clock_that_steps_back_keeps_nothing_for_ever() {
    let mut store = store(Limits {
        ttl_ms: 5_000,
        ..Limits::default()
    });
    keep(&mut store, A, "first", START.plus_ms(2_000)).unwrap();
    keep(&mut store, A, "stepped back", START).unwrap();
    store.sweep(START.plus_ms(6_999));
    assert_eq!(store.gauges(A, START).stored, 2);
    store.sweep(START.plus_ms(7_000));
    assert!(store.is_empty());
}

#[test]
fn h3_what_is_on_its_way_does_not_expire() {
    let mut store = store(Limits {
        ttl_ms: 5_000,
        ..Limits::default()
    });
    keep(&mut store, A, "sent", START).unwrap();
    store.resume(A);
    let sent = poll_all(&mut store, START);
    let later = START.plus_ms(9_000);
    store.sweep(later);
    assert_eq!(store.gauges(A, later).stored, 1);
    store.acknowledge(A, sent[0].1);
    let gauges = store.gauges(A, later);
    assert_eq!((gauges.delivered, gauges.expired), (1, 0));
}

#[test]
fn h4_kind_and_version_come_back_and_order_is_kept() {
    let mut store = store(Limits::default());
    for (number, kind) in (1..).zip([HintKind::Operation, HintKind::State, HintKind::Operation]) {
        let bytes = &[number as u8][..];
        let version = Version(100 - number);
        store
            .enqueue(
                A,
                Hint {
                    kind,
                    version,
                    bytes,
                },
                START,
            )
            .unwrap();
    }
    store.resume(A);
    let mut seen = Vec::new();
    while let Some(delivery) = store.poll(START) {
        seen.push((
            delivery.hint.kind,
            delivery.hint.version.0,
            delivery.hint.bytes.to_vec(),
        ));
    }
    assert_eq!(seen[0], (HintKind::Operation, 99, vec![1]));
    assert_eq!(seen[1], (HintKind::State, 98, vec![2]));
    assert_eq!(seen[2], (HintKind::Operation, 97, vec![3]));
}

#[test]
fn h6_a_paused_peer_gets_nothing_and_a_resumed_one_at_once() {
    let mut store = store(Limits::default());
    keep(&mut store, A, "x", START).unwrap();
    assert_eq!(poll_all(&mut store, START), []);
    assert_eq!(store.next_timer(START), None);
    store.resume(A);
    assert_eq!(store.next_timer(START), Some(START.mono));
    assert_eq!(texts(&poll_all(&mut store, START)), ["x"]);
    keep(&mut store, A, "y", START).unwrap();
    assert_eq!(texts(&poll_all(&mut store, START)), ["y"]);
}

#[test]
fn h6_the_window_bounds_what_is_on_its_way() {
    let mut store = store(Limits {
        window_hints: 2,
        ..Limits::default()
    });
    for text in ["a", "b", "c"] {
        keep(&mut store, A, text, START).unwrap();
    }
    store.resume(A);
    let sent = poll_all(&mut store, START);
    assert_eq!(texts(&sent), ["a", "b"]);
    assert_eq!(store.next_timer(START), None);
    store.acknowledge(A, sent[0].1);
    assert_eq!(texts(&poll_all(&mut store, START)), ["c"]);
}

#[test]
fn h6_the_window_counts_bytes_too() {
    let mut store = store(Limits {
        window_bytes: 100,
        ..Limits::default()
    });
    for text in ["a".repeat(90), "b".repeat(90), "c".repeat(90)] {
        keep(&mut store, A, &text, START).unwrap();
    }
    store.resume(A);
    assert_eq!(poll_all(&mut store, START).len(), 1);
}

#[test]
fn h6_the_rate_holds() {
    let mut store = store(Limits {
        drain_bytes_per_s: 10_000,
        ..Limits::default()
    });
    for _ in 0..30 {
        keep(&mut store, A, &"x".repeat(100), START).unwrap();
    }
    store.resume(A);
    // 100 ms are saved up: 1,001 bytes and an overdraft.
    assert_eq!(poll_all(&mut store, START).len(), 11);
    let next = store.next_timer(START).expect("credit comes with time");
    assert_eq!(poll_all(&mut store, START.plus_ms(9)).len(), 0);
    assert!(next > START.plus_ms(9).mono && next <= START.plus_ms(10).mono);
    assert_eq!(poll_all(&mut store, START.plus_ms(10)).len(), 1);
    assert_eq!(poll_all(&mut store, START.plus_ms(60)).len(), 5);
}

#[test]
fn h6_the_rate_counts_the_values_that_are_sent_for_keys() {
    let mut store = store(Limits {
        drain_bytes_per_s: 10_000,
        ..Limits::default()
    });
    for text in ["a", "b"] {
        keep(&mut store, A, text, START).unwrap();
    }
    store.resume(A);
    let first = store.poll(START).map(|delivery| delivery.peer);
    assert_eq!(first, Some(A));
    // 1,001 bytes are saved up; 2,000 more are owed after this, 200 ms' worth.
    store.charge(A, 3_000);
    assert_eq!(poll_all(&mut store, START.plus_ms(199)).len(), 0);
    assert_eq!(texts(&poll_all(&mut store, START.plus_ms(201))), ["b"]);
}

#[test]
fn h6_a_failure_gives_back_everything_and_backs_off() {
    let mut store = store(Limits {
        backoff_ms_min: 100,
        backoff_ms_max: 300,
        ..Limits::default()
    });
    for text in ["a", "b", "c"] {
        keep(&mut store, A, text, START).unwrap();
    }
    store.resume(A);
    let sent = poll_all(&mut store, START);
    // Delivered, but behind one that was not: delivered again in its order.
    store.acknowledge(A, sent[1].1);
    store.fail(A, sent[0].1, START);
    // Void by now.
    store.fail(A, sent[2].1, START);
    store.acknowledge(A, sent[2].1);
    assert_eq!(store.gauges(A, START).stored, 3);
    assert_eq!(poll_all(&mut store, START.plus_ms(99)), []);
    let mut now = START.plus_ms(100);
    for pause_ms in [200, 300, 300] {
        let sent = poll_all(&mut store, now);
        assert_eq!(texts(&sent), ["a", "b", "c"]);
        store.fail(A, sent[0].1, now);
        assert_eq!(store.next_timer(now), Some(now.plus_ms(pause_ms).mono));
        now = now.plus_ms(pause_ms);
    }
    let sent = poll_all(&mut store, now);
    store.acknowledge(A, sent[0].1);
    store.fail(A, sent[1].1, now);
    assert_eq!(store.next_timer(now), Some(now.plus_ms(100).mono));
}

#[test]
fn h6_a_lost_peer_gives_back_everything_and_voids_tickets() {
    let mut store = store(Limits::default());
    keep(&mut store, A, "a", START).unwrap();
    keep(&mut store, A, "b", START).unwrap();
    store.resume(A);
    let sent = poll_all(&mut store, START);
    store.pause(A);
    store.acknowledge(A, sent[0].1);
    assert_eq!(store.gauges(A, START).stored, 2);
    store.resume(A);
    assert_eq!(texts(&poll_all(&mut store, START)), ["a", "b"]);
}

#[test]
fn peers_are_served_in_turn() {
    let mut store = store(Limits::default());
    for text in ["1", "2"] {
        keep(&mut store, A, text, START).unwrap();
        keep(&mut store, B, text, START).unwrap();
    }
    store.resume(A);
    store.resume(B);
    let sent = poll_all(&mut store, START);
    assert_eq!(texts(&sent), ["1", "1", "2", "2"]);
    assert_ne!(sent[0].0, sent[1].0);
}

#[test]
fn large_hints_and_small_ones_share_a_queue() {
    let mut store = store(Limits {
        drain_bytes_per_s: 0,
        window_bytes: usize::MAX,
        ..Limits::default()
    });
    let lens = [
        0, 1, 16_384, 16_385, 100_000, 5, 60_000, 16_000, 16_000, 16_000, 16_000, 9,
    ];
    for (index, len) in lens.into_iter().enumerate() {
        let text = char::from(b'a' + index as u8).to_string().repeat(len);
        keep(&mut store, A, &text, START).unwrap();
    }
    store.resume(A);
    for round in 0..2 {
        let sent = poll_all(&mut store, START);
        for (index, (len, text)) in lens.into_iter().zip(texts(&sent)).enumerate() {
            assert_eq!(text.len(), len);
            assert!(text.bytes().all(|byte| byte == b'a' + index as u8));
        }
        if round == 0 {
            store.pause(A);
            store.resume(A);
        } else {
            for (peer, ticket, _) in sent {
                store.acknowledge(peer, ticket);
            }
        }
    }
    assert!(store.is_empty());
}

#[derive(Clone, Debug)]
enum Event {
    Enqueue(PeerId, usize),
    Resume(PeerId),
    Pause(PeerId),
    Poll(usize),
    /// Of the tickets given out so far, void ones too.
    Acknowledge(prop::sample::Index),
    Fail(prop::sample::Index),
    Pass(u64),
    Sweep,
}

fn event() -> impl Strategy<Value = Event> {
    let peer = || (0..2u16).prop_map(PeerId);
    let len = prop_oneof![3 => 8..200usize, 1 => 8..40_000usize];
    prop_oneof![
        8 => (peer(), len).prop_map(|(peer, len)| Event::Enqueue(peer, len)),
        2 => peer().prop_map(Event::Resume),
        1 => peer().prop_map(Event::Pause),
        6 => (1..8usize).prop_map(Event::Poll),
        10 => any::<prop::sample::Index>().prop_map(Event::Acknowledge),
        2 => any::<prop::sample::Index>().prop_map(Event::Fail),
        3 => (0..3_000u64).prop_map(Event::Pass),
        1 => Just(Event::Sweep),
    ]
}

/// What must be in the store: by peer, the numbers of its hints and their lengths.
#[derive(Default)]
struct Model {
    kept: [VecDeque<(u64, usize)>; 2],
    /// Numbers sent in this attempt, and whether acknowledged.
    sent: [VecDeque<(u64, bool)>; 2],
    delivered: [Vec<u64>; 2],
    expired: [u64; 2],
    refused: [u64; 2],
    enqueued: [u64; 2],
}

impl Model {
    fn bytes(&self, peer: PeerId) -> usize {
        let costs = self.kept[peer.index()]
            .iter()
            .map(|(_, len)| len + ENTRY_BYTES);
        costs.sum()
    }

    fn acknowledge(&mut self, peer: PeerId, number: u64) {
        let index = peer.index();
        let sent = &mut self.sent[index];
        let Some(found) = sent.iter_mut().find(|(known, _)| *known == number) else {
            return;
        };
        found.1 = true;
        while let Some((number, true)) = sent.front().copied() {
            sent.pop_front();
            assert_eq!(
                self.kept[index].pop_front().map(|(kept, _)| kept),
                Some(number)
            );
            self.delivered[index].push(number);
        }
    }

    /// Expiry drops from the front only.
    fn expire(&mut self, peer: PeerId, stored: u64, expired: u64) {
        let index = peer.index();
        let dropped = expired - self.expired[index];
        assert!(dropped == 0 || self.sent[index].is_empty());
        for _ in 0..dropped {
            self.kept[index].pop_front();
        }
        self.expired[index] = expired;
        assert_eq!(self.kept[index].len() as u64, stored);
    }
}

struct Run {
    store: HintStore,
    model: Model,
    now: Now,
    tickets: Vec<(PeerId, Ticket, u64)>,
}

impl Run {
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Enqueue(peer, len) => self.enqueue(*peer, *len),
            Event::Resume(peer) => self.store.resume(*peer),
            Event::Pause(peer) => {
                self.store.pause(*peer);
                self.model.sent[peer.index()].clear();
            }
            Event::Poll(count) => (0..*count).for_each(|_| self.poll()),
            Event::Acknowledge(which) if !self.tickets.is_empty() => {
                let (peer, ticket, number) = *which.get(&self.tickets);
                if self.is_live(peer, ticket, number) {
                    self.model.acknowledge(peer, number);
                }
                self.store.acknowledge(peer, ticket);
            }
            Event::Fail(which) if !self.tickets.is_empty() => {
                let (peer, ticket, number) = *which.get(&self.tickets);
                if self.is_live(peer, ticket, number) {
                    self.model.sent[peer.index()].clear();
                }
                self.store.fail(peer, ticket, self.now);
            }
            Event::Pass(ms) => self.now = self.now.plus_ms(*ms),
            Event::Sweep => self.store.sweep(self.now),
            Event::Acknowledge(_) | Event::Fail(_) => {}
        }
        self.compare();
    }

    /// Whether the ticket is the newest for that hint and not acknowledged.
    fn is_live(&self, peer: PeerId, ticket: Ticket, number: u64) -> bool {
        let newest = self
            .tickets
            .iter()
            .rev()
            .find(|(p, _, n)| (*p, *n) == (peer, number));
        let open = self.model.sent[peer.index()].contains(&(number, false));
        open && newest.is_some_and(|(_, known, _)| *known == ticket)
    }

    fn enqueue(&mut self, peer: PeerId, len: usize) {
        let index = peer.index();
        let number = self.model.enqueued[index];
        self.model.enqueued[index] += 1;
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(len, number as u8);
        let hint = Hint {
            kind: HintKind::State,
            version: Version(number),
            bytes: &bytes,
        };
        match self.store.enqueue(peer, hint, self.now) {
            Ok(()) => self.model.kept[index].push_back((number, len)),
            Err(Refused) => self.model.refused[index] += 1,
        }
    }

    fn poll(&mut self) {
        let delivery = self
            .store
            .poll(self.now)
            .map(|Delivery { peer, ticket, hint }| {
                let number = hint.version.0;
                assert_eq!(hint.bytes[..8], number.to_le_bytes());
                assert!(hint.bytes[8..].iter().all(|byte| *byte == number as u8));
                (peer, ticket, number)
            });
        self.compare();
        let Some((peer, ticket, number)) = delivery else {
            return;
        };
        let sent = &mut self.model.sent[peer.index()];
        let (expected, _) = self.model.kept[peer.index()][sent.len()];
        assert_eq!(number, expected, "the first that is not on its way");
        sent.push_back((number, false));
        self.tickets.push((peer, ticket, number));
    }

    fn compare(&mut self) {
        for peer in [A, B] {
            let gauges = self.store.gauges(peer, self.now);
            self.model.expire(peer, gauges.stored, gauges.expired);
            assert_eq!(gauges.bytes as usize, self.model.bytes(peer));
            assert_eq!(gauges.refused, self.model.refused[peer.index()]);
            assert_eq!(
                gauges.delivered,
                self.model.delivered[peer.index()].len() as u64
            );
        }
        assert_eq!(
            self.store.bytes(),
            self.model.bytes(A) + self.model.bytes(B)
        );
    }

    /// With every peer there and answering, everything is delivered.
    fn finish(&mut self) {
        self.store.resume(A);
        self.store.resume(B);
        for _ in 0..100_000 {
            self.happen(&Event::Poll(1));
            let mut answered = 0;
            for (peer, ticket, number) in self.tickets.clone() {
                if self.is_live(peer, ticket, number) {
                    self.model.acknowledge(peer, number);
                    self.store.acknowledge(peer, ticket);
                    answered += 1;
                }
            }
            self.compare();
            if self.store.is_empty() {
                return;
            }
            if answered == 0 {
                let next = self
                    .store
                    .next_timer(self.now)
                    .expect("something is waiting");
                let ms = next.0.saturating_sub(self.now.mono.0).div_ceil(1_000_000);
                self.now = self.now.plus_ms(ms);
            }
            self.tickets.retain(|(peer, _, number)| {
                self.model.sent[peer.index()]
                    .iter()
                    .any(|(sent, _)| sent == number)
            });
        }
        panic!("never empty");
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_out_of_order_whatever_happens(
        events in prop::collection::vec(event(), 1..300),
        ttl_ms in prop_oneof![Just(10_800_000u64), Just(4_000u64)],
        drain_bytes_per_s in prop_oneof![Just(0u64), Just(100_000u64)],
    ) {
        let limits = Limits {
            bytes_max: 200_000,
            peer_bytes_max: 150_000,
            ttl_ms,
            drain_bytes_per_s,
            window_hints: 5,
            window_bytes: 50_000,
            ..Limits::default()
        };
        let mut run = Run {
            store: store(limits),
            model: Model::default(),
            now: START,
            tickets: Vec::new(),
        };
        for event in &events {
            run.happen(event);
        }
        run.finish();
        for peer in [A, B] {
            let gauges = run.store.gauges(peer, run.now);
            let index = peer.index();
            prop_assert!(run.model.delivered[index].is_sorted());
            let total = gauges.delivered + gauges.expired + gauges.refused;
            prop_assert_eq!(total, run.model.enqueued[index]);
        }
    }
}

#[cfg(feature = "sim")]
#[test]
fn the_broken_rule_forgets_what_was_not_confirmed() {
    let mut store = store(Limits {
        sabotage: Sabotage::FORGETS_UNCONFIRMED,
        ..Limits::default()
    });
    for text in ["a", "b", "c"] {
        keep(&mut store, A, text, START).unwrap();
    }
    store.resume(A);
    let sent = poll_all(&mut store, START);
    store.fail(A, sent[0].1, START);
    assert!(store.is_empty());
}
