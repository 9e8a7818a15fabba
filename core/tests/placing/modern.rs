//! jump, maglev and multi-probe against the golden vectors.

use std::hash::Hasher;

use ringlab_core::distribution::{MaglevBackend, ProbeRing, jump, maglev_table};
use serde_json::Value;
use siphasher::sip::SipHasher24;

use super::vectors::{Checked, read, rows};

#[test]
fn jump_gives_its_vectors() {
    let mut checked = Checked::default();
    for row in rows(&read("jump.csv")) {
        let bucket = jump(row[0].parse().unwrap(), row[1].parse().unwrap());
        checked.equal(&row, bucket, row[2].parse().unwrap());
    }
    checked.finish(566);
}

/// The NSDI'16 paper's Table 1 (`paper_*`), dgryski/go-maglev's test (`go_*`) and larger ones.
#[test]
fn maglev_tables_are_those_of_the_pseudocode() {
    let cases: Value = serde_json::from_str(&read("maglev_cases.json")).unwrap();
    let slots_file = read("maglev_tables.csv");
    let mut checked = Checked::default();
    for (name, case) in cases.as_object().unwrap() {
        let removed = case["removed"].as_array().unwrap();
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let backends: Vec<_> = case["backends"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(index, backend)| MaglevBackend {
                offset: number(&backend["offset"]),
                skip: number(&backend["skip"]),
                weight: u32::from(removed.iter().all(|gone| number(gone) != index)),
            })
            .collect();
        let table = maglev_table(number(&case["M"]), &backends);
        for row in rows(&slots_file).filter(|row| row[0] == name) {
            let backend = table[row[1].parse::<usize>().unwrap()];
            checked.equal(&row, backend, row[2].parse().unwrap());
        }
    }
    checked.finish(2150);
}

/// dgryski/go-mpchash's test: 6000 shards at their SipHash-2-4, 21 probes h1 + i·h2.
#[test]
fn multi_probe_finds_the_published_shards() {
    let sip = |key: u64, text: &str| {
        let mut hasher = SipHasher24::new_with_keys(key, 0);
        hasher.write(text.as_bytes());
        hasher.finish()
    };
    let shards = (1..=6000).map(|shard: u32| (sip(0, &format!("shard-{shard}")), shard));
    let ring = ProbeRing::new(shards);
    let mut checked = Checked::default();
    for row in rows(&read("mpch_k21_siphash24.csv")) {
        let (first, step) = (sip(1, row[0]), sip(2, row[0]));
        let probes = (0..21).map(|probe: u64| first.wrapping_add(probe.wrapping_mul(step)));
        let shard = format!("shard-{}", ring.owner(probes));
        checked.equal(&row, shard, row[1].to_owned());
    }
    checked.finish(3600);
}
