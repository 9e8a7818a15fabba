//! Runs `replicas.txt`; each test runs the stories of one rule.

use super::super::*;
use crate::buffers::BufferPool;
use crate::consistency::Consistency;
use crate::dispatch::{Action, Configured, Fanout, Target};
use crate::ids::PeerId;
use crate::limits::REPLICAS_INLINE;
use crate::version::Version;

const STORIES: &str = include_str!("replicas.txt");
const LOCAL: PeerId = PeerId(0);

macro_rules! rules {
    ($($rule:ident)*) => {
        $(#[test] fn $rule() { tell(stringify!($rule)); })*

        #[test]
        fn every_story_belongs_to_a_rule() {
            for (name, _) in stories() {
                let known = [$(stringify!($rule)),*];
                assert!(known.iter().any(|rule| name.starts_with(&format!("{rule}_"))), "{name}");
            }
        }
    };
}

rules! { c1 c2 c3 c4 c5 c6 c7 c8 c9 c10 repair }

fn stories() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    STORIES.split("\n== ").skip(1).map(|story| {
        let mut lines = story.lines();
        let name = lines.next().unwrap_or_default().trim();
        let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
        (name, lines.filter(|line| !line.is_empty()).collect())
    })
}

fn tell(rule: &str) {
    let prefix = format!("{rule}_");
    let mut told = 0;
    for (name, lines) in stories().filter(|(name, _)| name.starts_with(&prefix)) {
        let mut scene = Scene::set(lines[0]);
        for line in &lines[1..] {
            scene.play(line, name);
        }
        told += 1;
    }
    assert!(told > 0, "no story for {rule}");
}

struct Scene {
    coalescer: ReplicaCoalescer,
    pool: BufferPool,
}

impl Scene {
    /// `DC_QUORUM read, versions key, peers 0 1 | 2 3~, of 3 | 2, strict`
    fn set(line: &str) -> Self {
        let mut asked = Asked::default();
        let mut settings = Settings::default();
        let mut fanout = Fanout {
            targets: smallvec::SmallVec::new(),
            consistency: Consistency::DcOne,
            configured: Configured::default(),
        };
        for part in line.split(',') {
            let words: Vec<&str> = part.split_whitespace().collect();
            match words[..] {
                ["strict"] => settings.strict_quorum = true,
                ["sloppy"] => settings.sloppy_quorum = true,
                ["versions", "none"] => asked.versions = Versions::None,
                ["versions", "mixed"] => asked.versions = Versions::Mixed,
                ["peers", ..] => set_peers(&mut fanout, &words[1..]),
                ["of", ..] => fanout.configured.by_datacenter = counts(&words[1..]),
                [level, operation] => {
                    fanout.consistency = Consistency::by_name(level).expect(line);
                    asked.write = operation == "write";
                }
                _ => panic!("setup: {line}"),
            }
        }
        Self {
            coalescer: ReplicaCoalescer::new(&fanout, asked, settings),
            pool: BufferPool::default(),
        }
    }

    fn play(&mut self, line: &str, story: &str) {
        if let Some((what, expected)) = line.split_once(" is ") {
            assert_eq!(self.look(what), expected, "{story}: {line}");
            return;
        }
        let (event, expected) = line.split_once("->").expect(line);
        let fed = self.happen(event.trim());
        assert_eq!(describe(fed), expected.trim(), "{story}: {line}");
    }

    fn happen(&mut self, event: &str) -> Fed {
        let Some((peer, what)) = event.split_once(' ') else {
            assert_eq!(event, "start");
            return self.coalescer.start();
        };
        let peer = PeerId(peer.parse().expect(event));
        let (text, version) = what.split_once('@').unwrap_or((what, "0"));
        let reply = Reply {
            bytes: text.as_bytes(),
            version: Version(version.parse().expect(event)),
        };
        match text {
            "fails" => self.coalescer.fail(peer),
            "lost" => self.coalescer.lose(peer),
            "hinted" => self.coalescer.feed(peer, Vote::Hinted, &mut self.pool),
            _ if text.starts_with('!') => {
                let bytes = &text.as_bytes()[1..];
                let error = Vote::Error(Reply { bytes, ..reply });
                self.coalescer.feed(peer, error, &mut self.pool)
            }
            _ => self
                .coalescer
                .feed(peer, Vote::Value(reply), &mut self.pool),
        }
    }

    fn look(&self, what: &str) -> String {
        match what {
            "reply" => match self.coalescer.reply() {
                Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                None => "none".to_owned(),
            },
            "divergent" => peers(&self.coalescer.divergent()),
            "all in" => self.coalescer.all_in().to_string(),
            "repair" => match self.coalescer.repair(LOCAL) {
                Repair::Nothing => "nothing".to_owned(),
                Repair::EachKey => "each key".to_owned(),
                Repair::Key(key) => format!(
                    "{}@{} over {}",
                    key.source.0,
                    key.version.0,
                    peers(&key.stale)
                ),
            },
            _ => panic!("look at {what}"),
        }
    }
}

fn set_peers(fanout: &mut Fanout, words: &[&str]) {
    let mut datacenter = 0;
    for word in words {
        if *word == "|" {
            datacenter += 1;
            continue;
        }
        let number = word.trim_end_matches('~');
        fanout.targets.push(Target {
            peer: PeerId(number.parse().expect(word)),
            datacenter,
            action: Action::Send,
            waited: number.len() == word.len(),
            forward: false,
        });
    }
    let count = |dc| fanout.targets.iter().filter(|t| t.datacenter == dc).count();
    fanout.configured.by_datacenter = (0..=datacenter).map(|dc| count(dc) as u16).collect();
}

fn counts(words: &[&str]) -> smallvec::SmallVec<[u16; REPLICAS_INLINE]> {
    let numbers = words.iter().filter(|word| **word != "|");
    numbers.map(|word| word.parse().expect(word)).collect()
}

fn peers(list: &[PeerId]) -> String {
    let names: Vec<String> = list.iter().map(|peer| peer.0.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" ")
    }
}

fn describe(fed: Fed) -> String {
    match fed {
        Fed::Pending => "pending".to_owned(),
        Fed::Ready(Answer::Hint) => "ready hint".to_owned(),
        Fed::Ready(Answer::Reply { peer, plurality }) => {
            let note = if plurality { " plurality" } else { "" };
            format!("ready {}{note}", peer.0)
        }
        Fed::Failed(Failure::NoQuorum) => "no quorum".to_owned(),
        Fed::Failed(Failure::Divided) => "divided".to_owned(),
        Fed::Failed(Failure::Refused) => "refused".to_owned(),
    }
}
