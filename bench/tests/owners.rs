//! The golden rows asked through the command line, as an outsider would: topology files in, owners
//! out. `core/tests/golden/README.md` names the files' origin.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../core/tests/golden")
        .join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(file: &str) -> Vec<Value> {
    serde_json::from_str(&golden(file)).expect("JSON")
}

/// Rows after the header, by their first field.
fn by_first(text: &str) -> BTreeMap<&str, Vec<Vec<&str>>> {
    let mut groups: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        groups
            .entry(fields[0])
            .or_default()
            .push(fields[1..].to_vec());
    }
    groups
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the target folder can be written");
    path
}

/// The rows of `ringlab owner`, without the header.
fn owners(args: &[&str], lines: &[&str]) -> Vec<Vec<String>> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringlab"))
        .arg("owner")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringlab was built");
    let mut input = child.stdin.take().expect("it is piped");
    let text = lines.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    writer.join().expect("it ends").expect("it reads all");
    let text = String::from_utf8(output.stdout).expect("text");
    let row = |line: &str| line.split(',').map(ToOwned::to_owned).collect();
    text.lines().skip(1).map(row).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The golden pools as one `nutcracker.yml`.
fn nutcracker(distributions: &[&str]) -> String {
    let mut yml = String::new();
    for (pool, port) in json("twemproxy_pools.json").iter().zip(22121..) {
        let distribution = text(&pool["distribution"]);
        if !distributions.contains(&distribution) {
            continue;
        }
        let (name, hash) = (text(&pool["pool"]), text(&pool["hash"]));
        write!(
            yml,
            "{name}:\n  listen: 127.0.0.1:{port}\n  hash: {hash}\n  distribution: {distribution}\n"
        )
        .expect("a string takes every write");
        if let Some(tag) = pool["hash_tag"].as_str() {
            yml += &format!("  hash_tag: \"{tag}\"\n");
        }
        yml += "  servers:\n";
        for server in pool["servers_config_order"].as_array().expect("a list") {
            yml += &format!("   - {}\n", text(server));
        }
    }
    yml
}

/// Both kinds of pools, in one file.
#[test]
fn nutcracker_pools_own_keys_as_twemproxy_says() {
    let path = file("golden-nutcracker.yml", &nutcracker(&["modula", "ketama"]));
    let config = path.to_str().expect("a plain path");
    for (lookups, count_min) in [("modula_lookups.csv", 1800), ("ketama_lookups.csv", 2000)] {
        let lookups = golden(lookups);
        let mut count = 0;
        for (pool, rows) in by_first(&lookups) {
            let keys: Vec<&str> = rows.iter().map(|row| row[0]).collect();
            let told = owners(&["-c", config, "--pool", pool, "--index"], &keys);
            assert_eq!(told.len(), rows.len(), "{pool}");
            for (told, row) in told.iter().zip(&rows) {
                let (key, index) = (&told[0][..], &told[4][..]);
                assert_eq!((key, index), (row[0], row[1]), "{pool}: {told:?}");
                count += 1;
            }
        }
        assert!(count >= count_min, "{count} rows");
    }
}

/// The published values of jump, as hash values of a hash of 64 bits.
#[test]
fn jump_puts_numbers_where_the_published_values_are() {
    let rows = golden("jump.csv");
    let mut by_buckets: BTreeMap<usize, Vec<(&str, &str)>> = BTreeMap::new();
    for row in rows.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let buckets: usize = fields[1].parse().expect("a number");
        if buckets <= 1024 {
            by_buckets
                .entry(buckets)
                .or_default()
                .push((fields[0], fields[2]));
        }
    }
    let mut count = 0;
    for (buckets, rows) in by_buckets {
        let peers = buckets.to_string();
        let args = [
            "--distribution",
            "jump",
            "--hash",
            "murmur3_x64_64",
            "--hash-values",
        ];
        let args = [&args[..], &["--peers", &peers, "--index"]].concat();
        let keys: Vec<&str> = rows.iter().map(|(key, _)| *key).collect();
        for (told, (key, bucket)) in owners(&args, &keys).iter().zip(&rows) {
            assert_eq!(
                (&told[0][..], &told[4][..]),
                (*key, *bucket),
                "{buckets} buckets"
            );
            count += 1;
        }
    }
    assert!(count >= 300, "{count} rows");
}

/// One node's `dynomite.yml`: the first node is this one, the others are its seeds. A peer's name
/// has its index.
fn dynomite(case: &Value) -> String {
    let mut yml = String::new();
    for node in case["nodes"].as_array().expect("a list") {
        let (index, tokens) = (&node["index"], text(&node["tokens"]));
        let (dc, rack) = (text(&node["dc"]), text(&node["rack"]));
        if yml.is_empty() {
            yml = format!(
                "dyn_o_mite:\n  datacenter: {dc}\n  rack: {rack}\n  dyn_listen: n{index}:8101\n  \
                 hash: {}\n  servers:\n  - 127.0.0.1:6379:1\n  tokens: '{tokens}'\n  dyn_seeds:\n",
                text(&case["hash"])
            );
        } else {
            yml += &format!("  - n{index}:8101:{rack}:{dc}:{tokens}\n");
        }
    }
    yml
}

#[test]
fn dynomite_rings_own_keys_and_tokens_as_dynomite_says() {
    let (keys, lookups) = (golden("vnode_keys.csv"), golden("vnode_lookups.csv"));
    let keys: Vec<&str> = keys.lines().skip(1).collect();
    let (lookups, probes) = (by_first(&lookups), golden("vnode_token_probes.csv"));
    let probes = by_first(&probes);
    let mut count = 0;
    for case in json("vnode_cases.json") {
        let name = text(&case["case"]);
        if name == "murmur3_broken" {
            // The broken constant is not reproduced.
            continue;
        }
        let path = file(&format!("golden-{name}.yml"), &dynomite(&case));
        let config = path.to_str().expect("a plain path");
        let asked = |row: &[&str]| keys[row[2].parse::<usize>().expect("a number")].to_owned();
        let whole: Vec<(String, String)> = rows(lookups.get(name), &asked);
        count += check(&["-c", config], name, &whole);
        let whole = rows(probes.get(name), &|row: &[&str]| row[2].to_owned());
        count += check(&["-c", config, "--hash-values"], name, &whole);
    }
    assert!(count >= 10_000, "{count} rows");
}

/// What is asked, and the row `asked,dc,rack,peer` that must be among the answers.
fn rows(rows: Option<&Vec<Vec<&str>>>, asked: &dyn Fn(&[&str]) -> String) -> Vec<(String, String)> {
    let each = rows.into_iter().flatten().map(|row| {
        let asked = asked(row);
        let told = format!("{asked},{},{},n{}:8101", row[0], row[1], row[3]);
        (asked, told)
    });
    each.collect()
}

fn check(args: &[&str], name: &str, rows: &[(String, String)]) -> usize {
    let lines: Vec<&str> = rows.iter().map(|(asked, _)| asked.as_str()).collect();
    let told: std::collections::BTreeSet<String> = owners(args, &lines)
        .into_iter()
        .map(|row| row.join(","))
        .collect();
    for (_, expected) in rows {
        assert!(told.contains(expected), "{name}: {expected}");
    }
    rows.len()
}
