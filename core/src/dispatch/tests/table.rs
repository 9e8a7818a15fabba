//! Runs `plans.txt`; each test runs the rows of one rule.

use std::collections::BTreeMap;

use super::{ring, states};
use crate::command::Access;
use crate::consistency::Consistency;
use crate::dispatch::*;
use crate::topology::Topology;

const PLANS: &str = include_str!("plans.txt");

macro_rules! rules {
    ($($rule:ident)*) => {
        $(#[test] fn $rule() { check(stringify!($rule)); })*

        #[test]
        fn every_scene_belongs_to_a_rule() {
            for (name, _) in scenes() {
                let known = [$(stringify!($rule)),*];
                assert!(known.iter().any(|rule| name.starts_with(&format!("{rule}_"))), "{name}");
            }
        }
    };
}

rules! { d1 d4 d5 d6 d8 d9 d10 d11 d12 d13 d14 d15 joining }

fn scenes() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    PLANS.split("\n== ").skip(1).map(|scene| {
        let mut lines = scene.lines();
        let name = lines.next().unwrap_or_default().trim();
        let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
        (name, lines.filter(|line| !line.is_empty()).collect())
    })
}

fn check(rule: &str) {
    let prefix = format!("{rule}_");
    let mut checked = 0;
    for (name, lines) in scenes().filter(|(name, _)| name.starts_with(&prefix)) {
        let mut scene = Scene::default();
        for line in lines {
            scene.row(line, name);
            checked += usize::from(line.contains("->"));
        }
    }
    assert!(checked > 0, "no row for {rule}");
}

#[derive(Default)]
struct Scene {
    ring: &'static str,
    local: &'static str,
    states: BTreeMap<String, PeerState>,
    buckets: Vec<BucketType>,
    default: Option<BucketType>,
}

impl Scene {
    fn row(&mut self, line: &'static str, scene: &str) {
        if let Some((request, expected)) = line.split_once("->") {
            assert_eq!(self.plan(request), expected.trim(), "{scene}: {line}");
            return;
        }
        let (word, rest) = line.split_once(' ').expect(line);
        match word {
            "ring" => self.ring = rest.trim(),
            "at" => self.local = rest.trim(),
            "normal" => self.set(rest, PeerState::Normal),
            "down" => self.set(rest, PeerState::Down),
            "joining" => self.set(rest, PeerState::Joining),
            "leaving" => self.set(rest, PeerState::Leaving),
            "unknown" => self.set(rest, PeerState::Unknown),
            "bucket" => self.buckets.push(bucket(rest)),
            "default" => self.default = Some(bucket(rest)),
            _ => panic!("{line}"),
        }
    }

    fn set(&mut self, names: &str, state: PeerState) {
        for name in names.split_whitespace() {
            self.states.insert(name.to_owned(), state);
        }
    }

    /// `write DC_QUORUM key handoff forward`: access, the pool's level, then key and options.
    fn plan(&self, request: &str) -> String {
        let topology = ring(self.ring, self.local);
        let words: Vec<&str> = request.split_whitespace().collect();
        let access = if words[0] == "write" {
            Access::Write
        } else {
            Access::Read
        };
        let level = Consistency::by_name(words[1]).expect(request);
        let mut input = PlanInput::keyed(b"key", access);
        let mut handoff = false;
        for word in &words[2..] {
            match *word {
                "handoff" => handoff = true,
                "quit" => input.quit = true,
                "keyless" => input.key = None,
                "local" => input.tag = RoutingTag::LocalNodeOnly,
                "everywhere" => input.tag = RoutingTag::AllNodesAllRacksAllDcs,
                "relayed" => input.tag = RoutingTag::Relayed,
                "forward" => input.tag = RoutingTag::ForwardToRacks,
                key => input.key = Some(key.as_bytes()),
            }
        }
        let config = DispatchConfig::new(level, level, handoff)
            .with_buckets(self.buckets.clone(), self.default.clone());
        let states = states(&topology, &self.states);
        describe(&plan(&input, &topology, &states, &config), &topology, level)
    }
}

fn bucket(text: &str) -> BucketType {
    let words: Vec<&str> = text.split_whitespace().collect();
    BucketType {
        name: words[0].to_owned(),
        read_consistency: Consistency::by_name(words[1]).expect(text),
        write_consistency: Consistency::by_name(words[2]).expect(text),
        n_val: words[3].parse().expect(text),
    }
}

/// `DC_ONE a b? c~> of 3 1`: the level where it is not the pool's, then the targets (`?` hinted,
/// `~` not waited for, `>` forwards), then the configured counts by datacenter.
fn describe(plan: &Plan, topology: &Topology, pool: Consistency) -> String {
    let fanout = match plan {
        Plan::Local => return "local".to_owned(),
        Plan::Drop => return "drop".to_owned(),
        Plan::NoTargets {
            datacenter,
            rack,
            consistency,
        } => {
            let datacenter = &topology.datacenters()[usize::from(*datacenter)];
            let rack = &datacenter.racks[usize::from(*rack)];
            return format!(
                "none {} {} {}",
                datacenter.name,
                rack.name,
                consistency.name()
            );
        }
        Plan::Replicas(fanout) => fanout,
    };
    let mut words = Vec::new();
    if fanout.consistency != pool {
        words.push(fanout.consistency.name().to_owned());
    }
    for target in &fanout.targets {
        let mut word = topology.peer(target.peer).name.clone();
        word.push_str(if target.action == Action::Hint {
            "?"
        } else {
            ""
        });
        word.push_str(if target.waited { "" } else { "~" });
        word.push_str(if target.forward { ">" } else { "" });
        words.push(word);
    }
    words.push("of".to_owned());
    let counts = fanout.configured.by_datacenter.iter();
    words.extend(counts.map(ToString::to_string));
    words.join(" ")
}
