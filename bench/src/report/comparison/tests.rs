use super::*;
use crate::choices::data::{
    Balance, Evenness, Floored, KeysAbout, Lookup, Movement, Origin, RingRow, ServerLoad, Time,
    TopologyAbout,
};

fn time(ns: f64) -> Time {
    Time {
        ns,
        p25_ns: ns,
        p75_ns: ns,
    }
}

fn evenness(peak: f64) -> Evenness {
    let same = |seen| Floored { seen, floor: 1.01 };
    Evenness {
        keys: 1000,
        cv: same(0.05),
        peak: same(peak),
        least: same(0.9),
        p99: same(peak),
        chi_square: 9.0,
        degrees: 9,
        p_value: 0.4,
    }
}

fn movement(change: &str, over_ideal: f64, in_vain: f64) -> Movement {
    Movement {
        change: change.into(),
        moved_share: over_ideal * 0.1,
        ideal_share: 0.1,
        over_ideal,
        between_others_share: in_vain,
        fresh_over_ideal: over_ideal,
        fresh_between_others_share: in_vain,
        restart_disagrees_share: 0.0,
    }
}

/// A placing: its name, nanoseconds, load of the fullest peer, what moves in vain.
fn row(placing: &str, ns: f64, peak: f64, in_vain: f64) -> RingRow {
    RingRow {
        placing: placing.into(),
        distribution: placing.into(),
        about: "about".into(),
        ring: "10 peers".into(),
        given: false,
        configured: false,
        peers: 10,
        hash: "murmur".into(),
        refused: None,
        lookup: Some(Lookup {
            warm: time(ns),
            cold: time(100.0 * ns),
            instructions: Some(40.0),
            uncounted: None,
            rivals: Vec::new(),
        }),
        table: None,
        balance: Some(Balance {
            keys: evenness(peak),
            share_cv: None,
            peak_accesses: peak,
        }),
        movements: vec![
            movement("add", 1.0, in_vain),
            movement("remove", 1.0, in_vain),
        ],
        replicas: None,
        zipf: Vec::new(),
        bounded: None,
        servers: Vec::new(),
    }
}

fn comparison(distributions: Vec<RingRow>) -> Comparison {
    Comparison {
        schema_version: SCHEMA_VERSION,
        origin: Origin {
            when: "2026-01-31T23-59-58".into(),
            machine: "some-cpu-2c".into(),
            revision: "abc".into(),
            command: "cargo lab compare distributions".into(),
            noun: "distributions".into(),
            keys: KeysAbout {
                source: "keys.txt".into(),
                accesses: 1000,
                distinct: 1000,
                bytes_min: 5,
                bytes_mean: 9.0,
                bytes_max: 12,
                hottest_share: 0.001,
                examples: vec!["user:1".into()],
            },
            reference_hash: "murmur".into(),
            peers: vec![10],
            topology: None,
            uncounted: None,
            unloaded: None,
            objections: Vec::new(),
            evicted_bytes: 1 << 26,
            took_s: 12.0,
        },
        hashes: Vec::new(),
        distributions,
        pairs: Vec::new(),
        loads: None,
    }
}

/// The rule takes the fastest that is even and moves little, and says what it passed over and why.
#[test]
fn a_recommendation_follows_its_rule_and_says_what_would_change_it() {
    let data = comparison(vec![
        row("modula", 1.0, 1.01, 0.8),
        row("ketama", 2.0, 1.30, 0.001),
        row("rendezvous", 9.0, 1.01, 0.0),
        row("jump", 4.0, 1.02, 0.4),
    ]);
    let advice = advise::distribution(&data).expect("advice");
    assert!(
        advice
            .verdict
            .starts_with("**Distribution: `rendezvous`** on 10 peers: 9.0 ns")
    );
    let (trade_off, changes) = (advice.trade_off.join("\n"), advice.changes.join("\n"));
    assert!(
        trade_off
            .contains("Fastest of all is `modula` with 1.0 ns: moves 80.0% of the keys in vain."),
        "{trade_off}"
    );
    assert!(
        changes.contains("If peers never came or went: `modula`"),
        "{changes}"
    );
    assert!(
        changes.contains("If an even load did not matter: `ketama`"),
        "{changes}"
    );
    assert!(
        changes.contains("It stays the same: if newcomers"),
        "{changes}"
    );
    let none = comparison(vec![row("modula", 1.0, 1.01, 0.8)]);
    let advice = advise::distribution(&none).expect("advice");
    assert!(
        advice.verdict.contains("none meets the whole rule"),
        "{}",
        advice.verdict
    );
}

fn server(name: &str, weight: u32, fair_share: f64, keys: u64) -> ServerLoad {
    let mean = fair_share * 1000.0;
    ServerLoad {
        name: name.into(),
        weight,
        fair_share,
        keys,
        accesses: keys,
        load: keys as f64 / mean,
        sigmas: (keys as f64 - mean) / (mean * (1.0 - fair_share)).sqrt(),
    }
}

/// Issue 3, point 6: the report names the skewed server and what to do.
#[test]
fn a_users_skewed_servers_are_named_with_what_to_do() {
    let mut given = row("ketama", 2.0, 1.3, 0.0);
    (given.given, given.configured) = (true, true);
    given.ring = "beta".into();
    let mut better = row("rendezvous", 9.0, 1.01, 0.0);
    (better.given, better.ring) = (true, "beta".into());
    let findings = |servers: Vec<ServerLoad>, hash: &str| {
        let row = RingRow {
            servers,
            hash: hash.into(),
            ..given.clone()
        };
        let mut data = comparison(vec![row.clone(), better.clone()]);
        data.origin.topology = Some(TopologyAbout {
            file: "nutcracker.yml".into(),
            hash: hash.into(),
            distribution: "ketama".into(),
            hash_tag: None,
            racks: vec!["beta".into()],
        });
        (yours::findings(&data, &row).join("\n"), data)
    };
    // One has 40% more than its part.
    let skewed = vec![
        server("s1", 1, 0.25, 350),
        server("s2", 1, 0.25, 220),
        server("s3", 1, 0.25, 215),
        server("s4", 1, 0.25, 215),
    ];
    let (text, data) = findings(skewed, "murmur");
    assert!(
        text.starts_with("**`s1` is skewed**: 35.0% of the keys where its part is 25.0%"),
        "{text}"
    );
    assert!(
        text.contains("With `rendezvous` the fullest would be at 1.010"),
        "{text}"
    );
    let page = page::of(&data, "cpu", &["distributions.csv".into()]).expect("a page");
    for twin in [page.html(), page.markdown()] {
        assert!(twin.contains("is skewed") && twin.contains("distributions.csv"));
        assert!(twin.contains("keys.txt"));
    }
    // A weight that somebody mistyped.
    let heavy = vec![
        server("s1", 10, 10.0 / 12.0, 833),
        server("s2", 1, 1.0 / 12.0, 84),
        server("s3", 1, 1.0 / 12.0, 83),
    ];
    let (text, _) = findings(heavy, "murmur");
    assert!(
        text.contains(
            "**`s1` gets 83.3% of the keys**, where an equal part is 33.3%: its weight is 10"
        ),
        "{text}"
    );
    // 15 bits on a ring of 32.
    let crc = vec![server("s1", 1, 0.5, 1000), server("s2", 1, 0.5, 0)];
    let (text, _) = findings(crc, "crc32");
    assert!(
        text.starts_with(
            "**1 of 2 servers get no key** (`s2`); `s1` has 100.0%: `crc32` has 15 bits"
        ),
        "{text}"
    );
    let (text, _) = findings(
        vec![server("s1", 1, 0.5, 505), server("s2", 1, 0.5, 495)],
        "murmur",
    );
    assert_eq!(text, "");
}

/// Its own program does serve such a ring: who has the keys is said before that ringd refuses.
#[test]
fn a_ring_that_ringd_refuses_still_tells_who_has_the_keys() {
    let refused = RingRow {
        hash: "crc32".into(),
        refused: Some("peer 's2' would own no key".into()),
        balance: None,
        servers: vec![server("s1", 1, 0.5, 1000), server("s2", 1, 0.5, 0)],
        ..row("ketama", 2.0, 1.3, 0.0)
    };
    let said = yours::findings(&comparison(Vec::new()), &refused);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("`s1` has 100.0%"), "{said:?}");
    assert!(said[0].contains("Use `crc32a`"), "{said:?}");
    assert!(said[1].contains("ringd would not serve"), "{said:?}");
}

#[test]
fn a_published_comparison_stands_alone_and_is_listed() {
    let root = std::env::temp_dir().join(format!("ringlab-publish-{}", std::process::id()));
    let from = root.join("from");
    std::fs::create_dir_all(&from).expect("a new folder");
    let data = comparison(vec![
        row("ketama", 2.0, 1.3, 0.0),
        row("rendezvous", 9.0, 1.01, 0.0),
    ]);
    std::fs::write(
        from.join(DATA),
        serde_json::to_string(&data).expect("plain data"),
    )
    .expect("written");
    std::fs::write(from.join("distributions.csv"), "a\n").expect("written");
    let made = publish(&root, &from).expect("published");
    let names: Vec<bool> = [
        "report.html",
        "README.md",
        DATA,
        "distributions.csv",
        "plots/front.svg",
    ]
    .map(|name| made[0].join(name).is_file())
    .into();
    let lines = listed(&root).expect("a list");
    std::fs::remove_dir_all(&root).expect("made above");
    assert_eq!((made.len(), names), (1, vec![true; 5]));
    assert!(
        lines[0].starts_with("[distributions/2026-01-31-some-cpu-2c](distributions/2026-01-31-some-cpu-2c/README.md): **Distribution: `rendezvous`**"),
        "{lines:?}"
    );
}
