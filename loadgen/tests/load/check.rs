//! `--check` against a store that does one kind of wrong at a time, or none.

use std::collections::HashMap;
use std::time::Duration;

use crate::servers::{Folder, redis};
use crate::support::{Answer, Ask, Server, shared};
use ringlab_loadgen::{
    CheckConfig, CheckReport, LinkConfig, Marks, Protocol, Quiet, RunConfig, RunReport, Worth, run,
};

/// What the store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// A bit of a value is another.
    Corrupts,
    /// Another key's value.
    Confuses,
    /// Some writes are acknowledged and not done.
    Forgets,
    /// Some keys are dropped.
    Drops,
    /// Some reads show the value before the last.
    GoesBack,
    /// Some deletes are acknowledged and not done.
    Resurrects,
    /// Replies and connections are lost, and some writes are done late: nothing a client may
    /// complain about.
    Disconnects,
}

#[derive(Default)]
struct Store {
    values: HashMap<Vec<u8>, Vec<u8>>,
    before: HashMap<Vec<u8>, Vec<u8>>,
    late: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Store {
    fn answer(&mut self, wrong: Wrong, ask: Ask, words: &[&[u8]]) -> Answer {
        let seldom = ask.number % 97 == 96;
        let at = |kind| seldom && wrong == kind;
        // The preload and its verification are left in peace.
        if at(Wrong::Disconnects) && ask.number > 400 {
            return self.disconnect(ask, words);
        }
        let key = words[1].to_vec();
        match words[0] {
            b"GET" => {
                let value = if at(Wrong::GoesBack) {
                    self.before.get(&key).or_else(|| self.values.get(&key))
                } else if at(Wrong::Confuses) {
                    self.values.values().next()
                } else {
                    self.values.get(&key)
                };
                let Some(mut value) = value.cloned() else {
                    return Answer::of(b"$-1\r\n");
                };
                if at(Wrong::Corrupts) {
                    let middle = value.len() / 2;
                    value[middle] ^= 4;
                }
                if at(Wrong::Drops) {
                    self.values.remove(&key);
                }
                let head = format!("${}\r\n", value.len());
                Answer::of(&[head.as_bytes(), &value, b"\r\n"].concat())
            }
            b"SET" => {
                if !at(Wrong::Forgets) {
                    self.apply(key, Some(words[2].to_vec()));
                }
                Answer::of(b"+OK\r\n")
            }
            _ => {
                if !at(Wrong::Resurrects) {
                    self.apply(key, None);
                }
                Answer::of(b":1\r\n")
            }
        }
    }

    fn apply(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let old = match value {
            Some(value) => self.values.insert(key.clone(), value),
            None => self.values.remove(&key),
        };
        if let Some(old) = old {
            self.before.insert(key, old);
        }
    }

    /// The connection ends instead of a reply; the write is done now, later or never.
    fn disconnect(&mut self, ask: Ask, words: &[&[u8]]) -> Answer {
        if let Some((key, value)) = self.late.pop() {
            self.apply(key, value);
        }
        let write = (words[1].to_vec(), words.get(2).map(|value| value.to_vec()));
        if words[0] != b"GET" {
            match ask.number % 3 {
                0 => self.apply(write.0, write.1),
                1 => self.late.push(write),
                _ => {}
            }
        }
        Answer {
            close: true,
            ..Answer::default()
        }
    }
}

fn store(wrong: Wrong) -> Server {
    let mut store = Store::default();
    Server::start_raw("127.0.0.1:0".parse().unwrap(), move |ask, words| {
        store.answer(wrong, ask, words)
    })
}

fn config(endpoint: String) -> RunConfig {
    let commands = [
        "GET __key__ @6",
        "SET __key__ __value__ @3",
        "DEL __key__ @1",
    ];
    let mut config = RunConfig {
        endpoints: vec![endpoint],
        requests: Some(20_000),
        connections: 8,
        workers: 2,
        depth: 4,
        commands: commands.map(|text| text.parse().unwrap()).to_vec(),
        size: "uniform:8:300".parse().unwrap(),
        check: Some(CheckConfig {
            histories: 20,
            ..CheckConfig::default()
        }),
        ..RunConfig::default()
    };
    config.keys.count = 100;
    config
}

fn load(config: &RunConfig) -> (RunReport, CheckReport) {
    let report = run(config, &Marks::default(), &mut Quiet).unwrap();
    let check = report.check.clone().unwrap();
    (report, check)
}

/// Reads under load with a fault, by its name.
fn faults(check: &CheckReport) -> Vec<(&str, u64)> {
    let rows = check
        .faults
        .iter()
        .filter(|row| row.reads + row.keys_at_end > 0);
    rows.map(|row| (row.fault.as_str(), row.reads + row.keys_at_end))
        .collect()
}

#[test]
fn each_kind_of_wrong_is_found_and_named() {
    let _turn = shared();
    let cases = [
        (Wrong::Corrupts, "corrupt value"),
        (Wrong::Confuses, "value of another key"),
        (Wrong::Forgets, "older than an acknowledged write"),
        (Wrong::Drops, "lost acknowledged write"),
        (Wrong::GoesBack, "went back in time"),
        (Wrong::Resurrects, "resurrected delete"),
    ];
    for (wrong, name) in cases {
        let server = store(wrong);
        let (report, check) = load(&config(server.endpoint()));
        let found = faults(&check);
        assert!(
            found.iter().any(|(fault, _)| *fault == name),
            "{wrong:?}: {found:?}"
        );
        assert_eq!(report.verdict.worth, Worth::DataErrors, "{wrong:?}");
        assert!(
            report.verdict.to_string().contains("check: "),
            "{}",
            report.verdict
        );
        if matches!(wrong, Wrong::Corrupts | Wrong::Confuses) {
            // Nothing else is made of it.
            assert_eq!(found.len(), 1, "{wrong:?}: {found:?}");
        }
    }
}

#[test]
fn what_was_forgotten_is_lost_when_the_load_is_over() {
    let _turn = shared();
    let server = store(Wrong::Forgets);
    let mut config = config(server.endpoint());
    // Each key is written about once, so that the last write of some is a forgotten one.
    config.keys.count = 4000;
    let (_, check) = load(&config);
    let lost = check
        .faults
        .iter()
        .find(|row| row.fault == "lost acknowledged write");
    assert!(lost.unwrap().keys_at_end > 0, "{check:?}");
}

#[test]
fn histories_find_what_goes_back() {
    let _turn = shared();
    let server = store(Wrong::GoesBack);
    let mut config = config(server.endpoint());
    config.commands.pop();
    let (_, check) = load(&config);
    assert!(
        check.histories > 5 && !check.history_violations.is_empty(),
        "{check:?}"
    );
}

#[test]
fn a_right_store_is_not_accused_whatever_connections_do() {
    let _turn = shared();
    for wrong in [Wrong::Nothing, Wrong::Disconnects] {
        for (preload, deletes) in [(true, true), (false, false)] {
            let server = store(wrong);
            let mut config = config(server.endpoint());
            config.preload = preload;
            config.failures_allowed = 1.0;
            if !deletes {
                config.commands.pop();
            }
            let (report, check) = load(&config);
            assert_eq!(faults(&check), [], "{wrong:?}: {:?}", report.failures);
            assert_eq!(check.history_violations, [""; 0], "{wrong:?}");
            assert!(
                check.reads > 8000 && check.writes_acknowledged > 4000,
                "{check:?}"
            );
            assert_eq!(check.keys_unread, 0);
            assert!(check.keys_audited > 90);
            let doubtful = check.writes_doubtful > 0;
            assert_eq!(doubtful, wrong == Wrong::Disconnects, "{check:?}");
        }
    }
}

#[test]
fn values_of_an_earlier_run_are_not_held_against_the_next() {
    let _turn = shared();
    let server = store(Wrong::Nothing);
    for seed in [1, 2] {
        let mut config = config(server.endpoint());
        config.seed = seed;
        let (report, check) = load(&config);
        assert_eq!(faults(&check), [], "{:?}", report.failures);
        assert_eq!(check.foreign > 0, seed == 2, "{check:?}");
    }
}

#[test]
fn redis_and_memcached_are_not_accused_and_a_restarted_redis_has_lost() {
    let _turn = shared();
    if let Some(server) = crate::servers::memcached() {
        let mut config = config(server.endpoint());
        config.commands = Vec::new();
        config.mix = "1:1".parse().unwrap();
        config.link = LinkConfig {
            protocol: Protocol::Memcached,
            ..LinkConfig::default()
        };
        let (report, check) = load(&config);
        let verdict = &report.verdict;
        assert_ne!(verdict.worth, Worth::DataErrors, "{verdict}");
        assert!(check.writes_acknowledged > 5000);
    }
    let folder = Folder::new();
    let Some(server) = redis(&[]) else { return };
    let port = server.port.to_string();
    let mut config = config(server.endpoint());
    config.ttl = Some("1".parse().unwrap());
    config.commands = [
        "GET __key__ @3",
        "SET __key__ __value__ EX __ttl__",
        "DEL __key__ @1",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec();
    config.requests = None;
    config.seconds = Some(3.0);
    config.settle_seconds = 0.0;
    config.rate = Some(3000.0);
    let (report, check) = load(&config);
    assert_eq!(faults(&check), [], "{:?}", report.failures);

    // Kept in memory only, what was written is gone with the process.
    let mut config = self::config(server.endpoint());
    config.preload = true;
    config.requests = None;
    config.seconds = Some(2.5);
    config.settle_seconds = 0.0;
    config.rate = Some(3000.0);
    config.failures_allowed = 1.0;
    let (check, again) = std::thread::scope(|scope| {
        let restart = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1200));
            drop(server);
            let options = ["--port", &port, "--save", "", "--appendonly", "no"];
            crate::servers::Process::start("redis-server", &options, port.parse().unwrap())
        });
        (load(&config).1, restart.join().unwrap())
    });
    drop((again, folder));
    let lost = faults(&check);
    assert!(
        lost.iter()
            .any(|(name, _)| *name == "lost acknowledged write"),
        "{lost:?}"
    );
}
