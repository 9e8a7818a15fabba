//! Loads known by name: YCSB's core workloads, and cache clusters whose statistics are published.
//!
//! Each is one row: the laws that the other options would give, where the figures come from, and
//! what of the original it does not have. Options given beside `--workload` win.

use crate::config::RunConfig;
use crate::law::KeyLaw;

/// One load known by name.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
    /// What is approximated.
    pub approximated: &'static str,
    keys: &'static str,
    /// Bytes of names, of values, and seconds to live; empty: as without it.
    sizes: [&'static str; 3],
    commands: &'static [&'static str],
}

const YCSB: &str = "B. Cooper et al., Benchmarking cloud serving systems with YCSB, SoCC 2010; core workloads of YCSB 0.17";
const YCSB_RECORD: &str = "a record is one string of 1000 bytes instead of ten fields of 100, and an update writes all \
     of it; keys are drawn as YCSB draws them, from an approximation of Zipf's law";
const TWITTER: &str = "J. Yang et al., A large scale analysis of hundreds of in-memory cache clusters at Twitter, \
     OSDI 2020; figures of March 2020 published with its traces";
const TWITTER_MEANS: &str = "sizes are the cluster's means, as no spread is published; popularity is Zipf's law of the \
     published exponent; seconds to live are its most common ones, a function of the key";
const FACEBOOK: &str =
    "B. Atikoglu et al., Workload analysis of a large-scale key-value store, SIGMETRICS 2012";

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    ycsb(
        "ycsb-a",
        "update heavy: half reads, half updates",
        &["GET __key__ @50", "SET __key__ __value__ @50"],
    ),
    ycsb(
        "ycsb-b",
        "read mostly: 95% reads, 5% updates",
        &["GET __key__ @95", "SET __key__ __value__ @5"],
    ),
    ycsb("ycsb-c", "read only", &["GET __key__ @100"]),
    Workload {
        keys: "latest:0.99",
        approximated: "a record is one string of 1000 bytes instead of ten fields of 100; the newest \
             keys are drawn by the exact law over as many as there were at the start",
        ..ycsb(
            "ycsb-d",
            "read latest: 95% reads of new records, 5% inserts",
            &["GET __key__ @95", "SET __new__ __value__ @5"],
        )
    },
    Workload {
        approximated: "a scan is approximated by MGET of 1 to 100 keys with consecutive numbers, as \
             strings have no order; a record is one string of 1000 bytes; scans start among the \
             records of the start",
        ..ycsb(
            "ycsb-e",
            "short ranges, approximated: 95% scans, 5% inserts",
            &["MGET __run__ ...1-100 @95", "SET __new__ __value__ @5"],
        )
    },
    Workload {
        approximated: "a read-modify-write is a GET and then a SET of the same key, next to each other \
             on one connection and timed as two requests; a record is one string of 1000 bytes; \
             keys are drawn as YCSB draws them, from an approximation of Zipf's law",
        ..ycsb(
            "ycsb-f",
            "read-modify-write: half reads, half read-modify-writes",
            &["GET __key__ @50", "GET __key__; SET __key__ __value__ @50"],
        )
    },
    Workload {
        name: "facebook-etc",
        about: "Facebook's general pool: 30 reads a write, small values with a long tail",
        source: FACEBOOK,
        approximated: "keys' and values' sizes are the paper's fits, cut below at 16 bytes of name and \
             above at 1 MiB; deletes are left out; it gives no exponent of popularity: Zipf's law \
             of 0.99 is an assumption",
        keys: "scrambled-zipf:0.99",
        sizes: ["gev:30.7984:8.20449:0.078688", "etc", ""],
        commands: &["GET __key__ @30", "SET __key__ __value__ @1"],
    },
    Workload {
        name: "facebook-usr",
        about: "Facebook's pool of user status: 499 reads a write, values of 2 bytes",
        source: FACEBOOK,
        approximated: "names of 16 and 21 bytes are taken as equally many; it gives no exponent of \
             popularity: Zipf's law of 0.99 is an assumption",
        keys: "scrambled-zipf:0.99",
        sizes: ["list:16@1,21@1", "2", ""],
        commands: &["GET __key__ @998", "SET __key__ __value__ @2"],
    },
    twitter(
        "twitter-4",
        "93% reads, large values, strong skew",
        "scrambled-zipf:1.1004",
        [
            "67",
            "2439",
            "list:60@39,300@24,3600@13,600@12,14400@9,86400@3",
        ],
        &["GET __key__ @93", "SET __key__ __value__ EX __ttl__ @7"],
    ),
    twitter(
        "twitter-6",
        "98% reads, very strong skew",
        "scrambled-zipf:1.882",
        ["44", "252", "uniform:480:600"],
        &["GET __key__ @98", "SET __key__ __value__ EX __ttl__ @2"],
    ),
    twitter(
        "twitter-12",
        "80% writes, little skew",
        "scrambled-zipf:0.3048",
        ["44", "1030", "list:300@98,299@2"],
        &["GET __key__ @20", "SET __key__ __value__ EX __ttl__ @80"],
    ),
    twitter(
        "twitter-19",
        "75% reads, small values",
        "scrambled-zipf:0.735",
        ["42", "101", "uniform:23400:27000"],
        &["GET __key__ @75", "SET __key__ __value__ EX __ttl__ @25"],
    ),
    twitter(
        "twitter-29",
        "86% reads",
        "scrambled-zipf:1.2323",
        ["36", "799", "list:3600@67,7200@33"],
        &["GET __key__ @86", "SET __key__ __value__ EX __ttl__ @13"],
    ),
];

const fn ycsb(
    name: &'static str,
    about: &'static str,
    commands: &'static [&'static str],
) -> Workload {
    Workload {
        name,
        about,
        source: YCSB,
        approximated: YCSB_RECORD,
        keys: "ycsb-zipf",
        sizes: ["", "1000", ""],
        commands,
    }
}

const fn twitter(
    name: &'static str,
    about: &'static str,
    keys: &'static str,
    sizes: [&'static str; 3],
    commands: &'static [&'static str],
) -> Workload {
    Workload {
        name,
        about,
        source: TWITTER,
        approximated: TWITTER_MEANS,
        keys,
        sizes,
        commands,
    }
}

impl Workload {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    /// Puts its laws into a configuration.
    pub fn apply(&self, config: &mut RunConfig) {
        const VALID: &str = "the table's rows are tested";
        let law = |text: &str| (!text.is_empty()).then(|| text.parse().expect(VALID));
        let [name_size, size, ttl] = self.sizes;
        config.workload = Some(self.name.to_owned());
        config.keys.law = self.keys.parse().expect(VALID);
        config.keys.name_size = law(name_size);
        config.size = law(size).unwrap_or_else(|| config.size.clone());
        config.ttl = law(ttl);
        config.commands = self
            .commands
            .iter()
            .map(|text| text.parse().expect(VALID))
            .collect();
    }
}

/// What a reader of the result must know of where the load comes from.
pub(crate) fn notes(config: &RunConfig) -> Vec<String> {
    let mut notes = Vec::new();
    let named = config.workload.as_deref().and_then(Workload::named);
    if let Some(workload) = named {
        notes.push(format!(
            "workload {}: {}; after {}; {}",
            workload.name, workload.about, workload.source, workload.approximated
        ));
    } else if config.keys.law == KeyLaw::YcsbZipf {
        notes.push("ycsb-zipf is YCSB's approximation and not Zipf's law over the keys".to_owned());
    }
    if config.arrivals.varies() {
        notes.push(format!(
            "the offered load changes by design ({}): steadiness is not tested",
            config.arrivals
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_makes_a_load_that_can_be_run() {
        for workload in WORKLOADS {
            let mut config = RunConfig::default();
            workload.apply(&mut config);
            assert_eq!(config.check(), Ok(()), "{}", workload.name);
            assert_eq!(
                Workload::named(workload.name).unwrap().about,
                workload.about
            );
            let notes = notes(&config);
            assert!(notes[0].contains(workload.source) && notes[0].contains(workload.approximated));
        }
    }

    #[test]
    fn mixes_are_those_of_the_sources() {
        // (reads, writes) in percent: YCSB's workload files; Atikoglu et al.; Twitter's table.
        let published = [
            ("ycsb-a", 50, 50),
            ("ycsb-b", 95, 5),
            ("ycsb-c", 100, 0),
            ("ycsb-d", 95, 5),
            ("ycsb-e", 95, 5),
            ("twitter-4", 93, 7),
            ("twitter-12", 20, 80),
            ("twitter-19", 75, 25),
        ];
        for (name, reads, writes) in published {
            let mut config = RunConfig::default();
            Workload::named(name).unwrap().apply(&mut config);
            let weight = |verbs: &[&str]| -> u32 {
                let of = config
                    .commands
                    .iter()
                    .filter(|command| verbs.iter().any(|verb| command.text.starts_with(verb)));
                of.map(|command| command.weight).sum()
            };
            assert_eq!(
                (weight(&["GET", "MGET"]), weight(&["SET"])),
                (reads, writes),
                "{name}"
            );
        }
    }
}
