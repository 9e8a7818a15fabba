//! Rules broken on purpose: each checker must see at least one of them.

use super::check::{bounds, deadline, durability, expiry, handoff, order, service, sloppy};
use super::scenario::{Fault, MS, Planned, Scenario};
use crate::coalesce::Sabotage as Votes;
use crate::consistency::Consistency;
use crate::handoff::Sabotage as Hints;
use crate::node::{Node, Sabotage};

/// A bug that is planted in every node of a run.
#[derive(Clone, Copy, Debug)]
pub struct Planted(&'static Row);

/// One row for each bug.
#[derive(Debug)]
struct Row {
    name: &'static str,
    about: &'static str,
    /// The rule whose checker must see it.
    rule: &'static str,
    sabotage: fn() -> Sabotage,
    /// Makes it likely to matter.
    adapt: fn(&mut Scenario),
}

const HONEST: Row = Row {
    name: "nothing",
    about: "no bug",
    rule: "",
    sabotage: Sabotage::default,
    adapt: |_| {},
};

static ROWS: &[Row] = &[
    Row {
        name: "majority_minus_one",
        about: "one vote less than a majority decides",
        rule: durability::RULE,
        sabotage: || votes(Votes::MAJORITY_MINUS_ONE),
        adapt: quorum,
    },
    Row {
        name: "older_wins",
        about: "of different versions the oldest is the answer",
        rule: durability::RULE,
        sabotage: || votes(Votes::OLDER_WINS),
        adapt: quorum,
    },
    Row {
        name: "keeps_no_hints",
        about: "hints count as acknowledgements but are not kept",
        rule: sloppy::RULE,
        sabotage: || hints(Hints::KEEPS_NOTHING),
        adapt: |scenario| {
            scenario.read = Consistency::DcOne;
            scenario.write = Consistency::DcQuorum;
            scenario.sloppy = true;
            scenario.hints = true;
        },
    },
    Row {
        name: "unordered",
        about: "a reply takes the first free place on its connection",
        rule: order::RULE,
        sabotage: || Sabotage {
            unordered: true,
            ..Sabotage::default()
        },
        adapt: quorum,
    },
    Row {
        name: "timeless",
        about: "deadlines pass unnoticed",
        rule: deadline::RULE,
        sabotage: || Sabotage {
            timeless: true,
            ..Sabotage::default()
        },
        adapt: |scenario| scenario.request_timeout_ms = 300,
    },
    Row {
        name: "unbounded_hints",
        about: "hints are kept beyond their bounds",
        rule: bounds::RULE,
        sabotage: || hints(Hints::UNBOUNDED),
        adapt: |scenario| {
            scenario.hints = true;
            scenario.hint_bytes_max = 3_000;
        },
    },
    Row {
        name: "forgets_unconfirmed",
        about: "a hint is dropped when it is sent, delivered or not",
        rule: handoff::RULE,
        sabotage: || hints(Hints::FORGETS_UNCONFIRMED),
        adapt: breaks_while_draining,
    },
    Row {
        name: "forgets_stragglers",
        about: "what replies after the decision show is never repaired",
        rule: handoff::RULE,
        sabotage: || votes(Votes::FORGETS_STRAGGLERS),
        adapt: |scenario| {
            quorum(scenario);
            scenario.hints = false;
        },
    },
    Row {
        name: "clock_goes_back",
        about: "a host's clock is far behind the others' and nobody knows",
        rule: expiry::RULE,
        sabotage: Sabotage::default,
        adapt: |scenario| {
            scenario.skew_ms_max = 0;
            scenario.faults.push(Planned {
                at: scenario.calm_ns + 500 * MS,
                until: 0,
                fault: Fault::Clock {
                    host: 0,
                    skew_ms: -60_000,
                },
            });
        },
    },
    Row {
        name: "majority_plus_two",
        about: "more votes are wanted than a majority",
        rule: service::RULE,
        sabotage: || votes(Votes::MAJORITY_PLUS_TWO),
        adapt: quorum,
    },
];

fn votes(votes: Votes) -> Sabotage {
    Sabotage {
        votes,
        ..Sabotage::default()
    }
}

fn hints(hints: Hints) -> Sabotage {
    Sabotage {
        hints,
        ..Sabotage::default()
    }
}

fn quorum(scenario: &mut Scenario) {
    scenario.read = Consistency::DcQuorum;
    scenario.write = Consistency::DcQuorum;
    scenario.sloppy = false;
}

/// Two hosts are parted until hints have been kept, then their connections break again and again.
fn breaks_while_draining(scenario: &mut Scenario) {
    const PARTED: u64 = 3_000 * MS;
    scenario.hints = true;
    scenario.hint_bytes_max = 4 << 20;
    let (a, b) = (0, scenario.shape.host_count() - 1);
    let at = scenario.calm_ns + 200 * MS;
    let keeps_memory = |planned: &Planned| !matches!(planned.fault, Fault::Kill { .. });
    scenario.faults.retain(keeps_memory);
    scenario.faults.push(Planned {
        at,
        until: at + PARTED,
        fault: Fault::Partition { a, b },
    });
    scenario.faults.extend((0..30).map(|round| Planned {
        at: at + PARTED + round * 40 * MS,
        until: 0,
        fault: Fault::Break { a, b },
    }));
}

impl Default for Planted {
    fn default() -> Self {
        Self(&HONEST)
    }
}

impl Planted {
    /// All bugs.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(Self)
    }

    /// The bug of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|planted| planted.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What is broken.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.0.about
    }

    /// The rule whose checker must see it.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        self.0.rule
    }

    pub(super) fn adapt(self, scenario: &mut Scenario) {
        (self.0.adapt)(scenario);
    }

    pub(super) fn plant(self, node: Node) -> Node {
        node.sabotaged((self.0.sabotage)())
    }
}
