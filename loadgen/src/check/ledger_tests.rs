//! The ledger against a register that does right by construction, and against ones that don't.

use proptest::prelude::*;

use super::*;

fn ledger(rules: Rules) -> Ledger {
    Ledger::new(4, rules, 9, (1, 0..1))
}

fn shown(version: u32) -> Shown {
    Shown::Stamp(Stamp {
        key: 0,
        version,
        writer: 0,
        run: 9,
    })
}

/// One request as a story tells it: `w3 ack`, `d4 ack`, `w5 ?` (no reply) or `r → 3`, each
/// begun after the one before has ended.
fn story(rules: Rules, text: &str) -> Vec<Judged> {
    paced(rules, 10, text)
}

/// The same with so many milliseconds to a step.
fn paced(rules: Rules, step_ms: u32, text: &str) -> Vec<Judged> {
    let ledger = ledger(rules);
    let mut judged = Vec::new();
    for (ms, step) in text.split(',').enumerate() {
        let now_ms = step_ms * ms as u32;
        let words: Vec<&str> = step.split_whitespace().collect();
        match words[..] {
            ["r", shows] => {
                let floor = ledger.begin_read(0, now_ms);
                let shows = match shows {
                    "nil" => Shown::Nothing,
                    "junk" => Shown::Unknown,
                    version => shown(version.parse().unwrap()),
                };
                judged.push(ledger.end_read(0, floor, shows, now_ms));
            }
            [kind, fate] => {
                let delete = kind == "delete";
                let version = ledger.begin_write(0, delete).unwrap();
                match fate {
                    "ack" => ledger.acked_write(0, version, delete, now_ms),
                    _ => ledger.doubtful_write(0, version, delete),
                }
            }
            _ => panic!("{step}"),
        }
    }
    judged
}

#[test]
fn stories_and_what_they_come_to() {
    use Fault::{Corrupt, Lost, NonMonotonic, Older, Resurrected};
    let wrong = |fault| vec![Judged::Fault(fault)];
    let right = || vec![Judged::Right];
    let cases = [
        ("set ack, r 1", right()),
        ("set ack, r nil", wrong(Lost)),
        ("set ack, r junk", wrong(Corrupt)),
        ("r junk", vec![Judged::Foreign]),
        ("r nil", right()),
        ("set ack, r 2", wrong(Corrupt)),
        ("set ack, set ack, r 1", wrong(Older)),
        (
            "set ack, set ack, r 2, r 1",
            vec![Judged::Right, Judged::Fault(NonMonotonic)],
        ),
        ("set ack, delete ack, r nil", right()),
        ("set ack, delete ack, r 1", wrong(Resurrected)),
        ("set ack, delete ack, set ack, r nil", wrong(Lost)),
        ("set ack, delete ack, set ack, r 3", right()),
        // Without a reply it may have happened or not, now or later.
        ("set ack, set ?, r 1", right()),
        ("set ack, set ?, r 2", right()),
        ("set ack, set ?, set ack, r 2", right()),
        ("set ack, set ?, set ack, r 1", wrong(Older)),
        ("set ack, delete ?, r nil, r 1", vec![Judged::Right; 2]),
        ("set ack, delete ?, set ack, r nil", right()),
        // Once it was seen, what was before is the past.
        (
            "set ack, set ?, r 2, r 1",
            vec![Judged::Right, Judged::Fault(NonMonotonic)],
        ),
        (
            "set ?, r 1, r nil",
            vec![Judged::Right, Judged::Fault(NonMonotonic)],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(story(Rules::default(), text), expected, "{text}");
    }
}

#[test]
fn values_of_others_are_told_apart() {
    let ledger = ledger(Rules::default());
    let stamp = Stamp {
        key: 0,
        version: 1,
        writer: 0,
        run: 8,
    };
    let read = |stamp| {
        let floor = ledger.begin_read(0, 0);
        ledger.end_read(0, floor, Shown::Stamp(stamp), 0)
    };
    assert_eq!(
        read(Stamp { key: 1, ..stamp }),
        Judged::Fault(Fault::WrongKey)
    );
    assert_eq!(read(stamp), Judged::Foreign);
    let version = ledger.begin_write(0, false).unwrap();
    assert_eq!(read(stamp), Judged::Foreign);
    ledger.acked_write(0, version, false, 0);
    assert_eq!(read(stamp), Judged::Fault(Fault::Lost));
    let forged = Stamp {
        run: 9,
        writer: 5,
        ..stamp
    };
    assert_eq!(read(forged), Judged::Fault(Fault::Corrupt));
}

#[test]
fn a_read_is_judged_by_its_own_span() {
    let ledger = ledger(Rules::default());
    let first = ledger.begin_write(0, false).unwrap();
    assert_eq!(ledger.begin_write(0, false), None);
    let before = ledger.begin_read(0, 0);
    ledger.acked_write(0, first, false, 0);
    let between = ledger.begin_read(0, 0);
    let delete = ledger.begin_write(0, true).unwrap();
    // Begun before the write was acknowledged: it may miss it. Begun after: it may not.
    assert_eq!(ledger.end_read(0, before, Shown::Nothing, 0), Judged::Right);
    // A delete under way may have happened or not.
    assert_eq!(
        ledger.end_read(0, between, Shown::Nothing, 0),
        Judged::Right
    );
    assert_eq!(ledger.end_read(0, between, shown(1), 0), Judged::Right);
    ledger.acked_write(0, delete, true, 0);
    assert_eq!(ledger.end_read(0, between, shown(1), 0), Judged::Right);
    let after = ledger.begin_read(0, 0);
    assert_eq!(
        ledger.end_read(0, after, shown(1), 0),
        Judged::Fault(Fault::Resurrected)
    );
}

#[test]
fn reads_may_be_late_by_the_bound_and_no_more() {
    let rules = Rules {
        older_ms_max: 15,
        ..Rules::default()
    };
    // Ten milliseconds a step: the second write is 10 ms old, then 20.
    let judged = story(rules, "set ack, set ack, r 1, r 1, r 2");
    let older = Judged::Fault(Fault::Older);
    assert_eq!(judged, [Judged::Late, older, Judged::Right]);
}

#[test]
fn values_that_expire_are_missed_by_nobody_and_not_seen_after() {
    let rules = Rules {
        ttl: Some(SizeLaw::Fixed(1)),
        ttl_slack_ms: 100,
        ..Rules::default()
    };
    let lost = Judged::Fault(Fault::Lost);
    let judged = paced(rules, 300, "set ack, r nil, r 1, r nil, r 1, r 1");
    let back = Judged::Fault(Fault::Resurrected);
    assert_eq!(judged, [lost, Judged::Right, Judged::Right, back, back]);
}

#[test]
fn every_key_has_one_writer() {
    let ledger = Ledger::new(10, Rules::default(), 1, (4, 1..3));
    for number in 0..10 {
        for writer in 0..4 {
            let own = ledger.own(number, writer);
            assert!(own < 10 && ledger.writer(own) == writer);
        }
    }
    assert!(ledger.begin_write(1, false).is_some());
    assert!(ledger.begin_write(2, false).is_some());
    assert_eq!(ledger.written().collect::<Vec<u64>>(), [1, 2]);
}

/// What a step of a random history does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Write {
        delete: bool,
    },
    /// The write under way takes effect, if it has not.
    Effect,
    Ack,
    Fail,
    /// A write that failed takes effect now.
    Ghost(usize),
    BeginRead(usize),
    /// Read what is there; replies come later.
    Look(usize),
    EndRead(usize),
}

const READERS: usize = 3;

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<bool>().prop_map(|delete| Act::Write { delete }),
        Just(Act::Effect),
        Just(Act::Ack),
        Just(Act::Fail),
        any::<usize>().prop_map(Act::Ghost),
        (0..READERS).prop_map(Act::BeginRead),
        (0..READERS).prop_map(Act::Look),
        (0..READERS).prop_map(Act::EndRead),
    ]
}

/// An atomic register with its clients; every reply is judged.
#[derive(Default)]
struct World {
    value: Option<u32>,
    /// (version, delete, took effect).
    write: Option<(u32, bool, bool)>,
    ghosts: Vec<(u32, bool)>,
    readers: [Option<(Floor, Option<Option<u32>>)>; READERS],
}

impl World {
    fn apply(&mut self, version: u32, delete: bool) {
        self.value = (!delete).then_some(version);
    }

    /// One step; what a read that ended comes to, `after` what `forge` makes of its value.
    fn step(&mut self, ledger: &Ledger, act: Act) -> Option<Judged> {
        match (act, self.write) {
            (Act::Write { delete }, None) => {
                let version = ledger.begin_write(0, delete).unwrap();
                self.write = Some((version, delete, false));
            }
            (Act::Effect, Some((version, delete, false))) => {
                self.apply(version, delete);
                self.write = Some((version, delete, true));
            }
            (Act::Ack, Some((version, delete, true))) => {
                ledger.acked_write(0, version, delete, 0);
                self.write = None;
            }
            (Act::Fail, Some((version, delete, done))) => {
                ledger.doubtful_write(0, version, delete);
                self.write = None;
                if !done {
                    self.ghosts.push((version, delete));
                }
            }
            (Act::Ghost(which), _) if !self.ghosts.is_empty() => {
                let (version, delete) = self.ghosts.remove(which % self.ghosts.len());
                self.apply(version, delete);
            }
            (Act::BeginRead(reader), _) if self.readers[reader].is_none() => {
                self.readers[reader] = Some((ledger.begin_read(0, 0), None));
            }
            (Act::Look(reader), _) => {
                let value = self.value;
                if let Some((_, look @ None)) = &mut self.readers[reader] {
                    *look = Some(value);
                }
            }
            (Act::EndRead(reader), _) => {
                if let Some((floor, Some(value))) = self.readers[reader] {
                    self.readers[reader] = None;
                    let shows = value.map_or(Shown::Nothing, shown);
                    return Some(ledger.end_read(0, floor, shows, 0));
                }
            }
            _ => {}
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever overlaps and fails, an atomic register is never accused.
    #[test]
    fn a_right_server_is_never_accused(acts in prop::collection::vec(act(), 1..120)) {
        let ledger = ledger(Rules::default());
        let mut world = World::default();
        for act in acts {
            let judged = world.step(&ledger, act);
            prop_assert!(matches!(judged, None | Some(Judged::Right)), "{judged:?}");
        }
    }

    /// Where every write was acknowledged, exactly the newest value is right.
    #[test]
    fn a_quiet_key_has_one_right_value(
        deletes in prop::collection::vec(any::<bool>(), 1..9),
        answer in 0u32..10,
    ) {
        let ledger = ledger(Rules::default());
        for &delete in &deletes {
            let version = ledger.begin_write(0, delete).unwrap();
            ledger.acked_write(0, version, delete, 0);
        }
        let newest = deletes.len() as u32;
        let gone = deletes[deletes.len() - 1];
        let floor = ledger.begin_read(0, 0);
        let shows = if answer == 0 { Shown::Nothing } else { shown(answer) };
        let right = if answer == 0 { gone } else { answer == newest && !gone };
        prop_assert_eq!(ledger.end_read(0, floor, shows, 0) == Judged::Right, right);
    }
}
