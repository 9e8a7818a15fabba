//! What holds for every sequence of events.

use proptest::prelude::*;
use smallvec::SmallVec;

use super::super::*;
use crate::buffers::BufferPool;
use crate::consistency::Consistency;
use crate::dispatch::{Action, Configured, Fanout, Target};
use crate::ids::PeerId;
use crate::version::Version;

/// What comes from one target in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Value(u8, u64),
    Error(u8),
    Hinted,
    Fails,
    Lost,
}

#[derive(Clone, Debug)]
struct Case {
    fanout: Fanout,
    asked: Asked,
    settings: Settings,
    /// By target.
    events: Vec<Event>,
    /// The targets in order of arrival.
    order: Vec<usize>,
}

fn event(write: bool) -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..3u8, 1..4u64).prop_map(|(text, version)| Event::Value(text, version)),
        2 => (0..2u8).prop_map(Event::Error),
        2 => Just(if write { Event::Hinted } else { Event::Fails }),
        2 => Just(Event::Fails),
        1 => Just(Event::Lost),
    ]
}

const VERSIONS: [Versions; 3] = [Versions::None, Versions::Key, Versions::Mixed];

fn case() -> impl Strategy<Value = Case> {
    case_of(&Consistency::ALL, &VERSIONS)
}

fn case_of(levels: &[Consistency], versions: &[Versions]) -> impl Strategy<Value = Case> + use<> {
    let versions = prop::sample::select(versions.to_vec());
    let asked = (any::<bool>(), versions).prop_map(|(write, versions)| Asked { write, versions });
    let settings =
        (any::<bool>(), any::<bool>()).prop_map(|(strict_quorum, sloppy_quorum)| Settings {
            strict_quorum,
            sloppy_quorum,
            ..Settings::default()
        });
    let level = prop::sample::select(levels.to_vec());
    let sizes = (1..6usize, 0..4usize, 0..3u16);
    (asked, settings, level, sizes).prop_flat_map(|(asked, settings, level, (near, far, down))| {
        let fanout = fanout(level, near, far, down);
        let count = near + far;
        let events = prop::collection::vec(event(asked.write), count);
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        (events, order).prop_map(move |(events, order)| Case {
            fanout: fanout.clone(),
            asked,
            settings,
            events,
            order,
        })
    })
}

fn fanout(level: Consistency, near: usize, far: usize, down: u16) -> Fanout {
    let targets = (0..near + far).map(|index| Target {
        peer: PeerId((index * 7 % 11) as u16),
        datacenter: u8::from(index >= near),
        action: Action::Send,
        waited: index < near || level == Consistency::DcEachSafeQuorum,
        forward: false,
    });
    Fanout {
        targets: targets.collect(),
        consistency: level,
        configured: Configured {
            local_datacenter: 0,
            by_datacenter: SmallVec::from_slice(&[near as u16 + down, far as u16]),
        },
    }
}

/// The decision, and how many targets had been heard when it came.
fn run(case: &Case) -> (Vec<Fed>, usize, ReplicaCoalescer, BufferPool) {
    let mut pool = BufferPool::default();
    let mut coalescer = ReplicaCoalescer::new(&case.fanout, case.asked, case.settings);
    let mut decisions = Vec::new();
    let mut heard = 0;
    let mut note = |fed: Fed, count: usize| {
        if fed != Fed::Pending {
            decisions.push(fed);
            heard = count;
        }
    };
    note(coalescer.start(), 0);
    for (count, &index) in case.order.iter().enumerate() {
        let peer = case.fanout.targets[index].peer;
        note(
            feed(&mut coalescer, peer, case.events[index], &mut pool),
            count + 1,
        );
    }
    (decisions, heard, coalescer, pool)
}

fn feed(to: &mut ReplicaCoalescer, peer: PeerId, event: Event, pool: &mut BufferPool) -> Fed {
    let reply = |text: u8, version| (vec![b'a' + text], Version(version));
    match event {
        Event::Value(text, version) => {
            let (bytes, version) = reply(text, version);
            let bytes = &bytes;
            to.feed(peer, Vote::Value(Reply { bytes, version }), pool)
        }
        Event::Error(text) => {
            let (bytes, version) = reply(text, 0);
            let bytes = &bytes;
            to.feed(peer, Vote::Error(Reply { bytes, version }), pool)
        }
        Event::Hinted => to.feed(peer, Vote::Hinted, pool),
        Event::Fails => to.fail(peer),
        Event::Lost => to.lose(peer),
    }
}

/// Without the cases where the rules name a "first": C3, and the first majority of C4 where
/// replies have versions, or where hints let two values reach a majority.
fn case_without_a_first() -> impl Strategy<Value = Case> {
    let safe = [Consistency::DcSafeQuorum, Consistency::DcEachSafeQuorum];
    let by_votes = case_of(&[Consistency::DcQuorum], &[Versions::None]);
    let by_votes = by_votes.prop_map(|mut case| {
        case.settings.sloppy_quorum = false;
        case
    });
    prop_oneof![case_of(&safe, &VERSIONS), by_votes]
}

/// What the client sees: the value, and whether it is a mere plurality. Which of the peers that
/// agree is named as the winner may depend on who was heard, as may a failure's kind (C8).
fn outcome(fed: Fed, coalescer: &ReplicaCoalescer) -> Option<(bool, Option<&[u8]>)> {
    match fed {
        Fed::Ready(Answer::Reply { plurality, .. }) => Some((plurality, coalescer.reply())),
        Fed::Ready(Answer::Hint) => Some((false, None)),
        Fed::Failed(_) | Fed::Pending => None,
    }
}

/// Whether replies of one version say different things: then a read waits for a majority of one
/// of them, and which replies were the first majority matters no more.
fn contested(case: &Case) -> bool {
    let differ = |one: &Event, other: &Event| match (one, other) {
        (Event::Value(a, version), Event::Value(b, same)) => version == same && a != b,
        _ => false,
    };
    let events = &case.events;
    events
        .iter()
        .any(|one| events.iter().any(|other| differ(one, other)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn one_decision_always_comes_and_only_once(case in case()) {
        let (decisions, _, coalescer, _) = run(&case);
        prop_assert_eq!(decisions.len(), 1);
        prop_assert!(coalescer.all_in() && coalescer.is_decided());
    }

    #[test]
    fn c11_the_order_of_arrival_does_not_matter(
        case in case_without_a_first(),
        seed in any::<u64>(),
    ) {
        let mut other = case.clone();
        let count = other.order.len();
        other.order.rotate_left(seed as usize % count);
        if seed & (1 << 40) != 0 {
            other.order.reverse();
        }
        let (one, _, first, _) = run(&case);
        let (two, _, second, _) = run(&other);
        prop_assert_eq!(outcome(one[0], &first), outcome(two[0], &second));
        prop_assert_eq!(first.divergent(), second.divergent());
        prop_assert_eq!(first.repair(PeerId(0)), second.repair(PeerId(0)));
    }

    #[test]
    fn c11_where_the_first_majority_decides_its_own_order_does_not_matter(
        case in case_of(&[Consistency::DcQuorum], &[Versions::Key, Versions::Mixed]),
    ) {
        let (one, heard, first, _) = run(&case);
        if heard < 2 || contested(&case) {
            return Ok(());
        }
        // The one that completes the majority stays last: those before it change places.
        let mut other = case.clone();
        other.order[..heard - 1].reverse();
        let (two, _, second, _) = run(&other);
        prop_assert_eq!(outcome(one[0], &first), outcome(two[0], &second));
        prop_assert_eq!(first.version(), second.version());
        prop_assert_eq!(first.repair(PeerId(0)), second.repair(PeerId(0)));
    }

    #[test]
    fn c2_strangers_and_repetitions_change_nothing(case in case()) {
        let (once, _, plain, _) = run(&case);
        let mut pool = BufferPool::default();
        let mut coalescer = ReplicaCoalescer::new(&case.fanout, case.asked, case.settings);
        let mut decisions = vec![coalescer.start()];
        for &index in &case.order {
            let event = case.events[index];
            let peer = case.fanout.targets[index].peer;
            decisions.push(feed(&mut coalescer, PeerId(500), event, &mut pool));
            decisions.push(feed(&mut coalescer, peer, event, &mut pool));
            decisions.push(feed(&mut coalescer, peer, event, &mut pool));
        }
        decisions.retain(|fed| *fed != Fed::Pending);
        prop_assert_eq!(decisions, once);
        prop_assert_eq!(coalescer.reply(), plain.reply());
        prop_assert_eq!(coalescer.divergent(), plain.divergent());
    }

    #[test]
    fn c4_a_winner_has_a_majority_of_the_configured_behind_it(
        mut case in case_of(&Consistency::ALL[1..], &VERSIONS),
    ) {
        case.settings.sloppy_quorum = false;
        let (decisions, heard, coalescer, _) = run(&case);
        let Fed::Ready(Answer::Reply { plurality, .. }) = decisions[0] else {
            return Ok(());
        };
        let waited = |index: &&usize| case.fanout.targets[**index].waited;
        let values = case.order[..heard].iter().filter(waited).filter(|index| {
            matches!(case.events[**index], Event::Value(..))
        });
        prop_assert!(values.count() >= case.fanout.acks_wanted());
        prop_assert!(!plurality || case.asked.versions == Versions::None);
        prop_assert!(coalescer.reply().is_some());
    }
}
