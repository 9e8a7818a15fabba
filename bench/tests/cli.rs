//! The command line as its users meet it: output, messages, exit codes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn ringlab(args: &[&str], input: &str, dir: &Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringlab"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringlab was built");
    // A program that refuses its arguments does not read.
    let _ = child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// Standard output, standard error, exit code.
fn told(args: &[&str], input: &str) -> (String, String, i32) {
    told_in(Path::new(env!("CARGO_MANIFEST_DIR")), args, input)
}

fn told_in(dir: &Path, args: &[&str], input: &str) -> (String, String, i32) {
    let output = ringlab(args, input, dir);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code().expect("no signal ends it"),
    )
}

/// An empty folder of this test.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the target folder can be written");
    path
}

#[test]
fn hash_gives_a_value_a_line() {
    let (out, _, code) = told(&["hash", "crc32a"], "313233343536373839\n\n");
    assert_eq!((out.as_str(), code), ("3421780262\n0\n", 0));
    let (out, _, code) = told(&["hash", "crc32a", "--text"], "123456789");
    assert_eq!((out.as_str(), code), ("3421780262\n", 0));
    assert_eq!(
        told(&["hash", "crc32a"], ""),
        (String::new(), String::new(), 0)
    );
}

/// Golden: fnv1a_64 of one byte ≥ 0x80 is where the two programs disagree.
#[test]
fn hash_takes_twemproxys_meaning_and_a_hash_tag() {
    let ours = told(&["hash", "fnv1a_64"], "ff\n").0;
    let (theirs, _, _) = told(&["hash", "fnv1a_64", "--twemproxy"], "ff\n");
    assert_ne!(ours, theirs);
    assert_eq!(theirs, told(&["hash", "twemproxy_fnv1a_64"], "ff\n").0);
    let tagged = told(&["hash", "md5", "--text", "--hash-tag", "{}"], "a{b}c\nb\n").0;
    let values: Vec<&str> = tagged.lines().collect();
    assert_eq!((values.len(), values[0]), (2, values[1]));
    assert_eq!(told(&["hash", "md5", "--hash-tag", "{"], "").2, 2);
}

#[test]
fn hash_refuses_what_it_does_not_understand() {
    let (out, error, code) = told(&["hash", "md5"], "00\nkey\n");
    assert_eq!((out.lines().count(), code), (1, 2));
    assert!(
        error.starts_with("error: line 2: 'k' at column 1 is not a hex digit"),
        "{error}"
    );
    let (_, error, code) = told(&["hash", "md4"], "");
    assert_eq!(code, 2);
    assert!(
        error.contains("unknown hash 'md4'") && error.contains("murmur"),
        "{error}"
    );
}

const RING: &str = "dyn_o_mite:\n  datacenter: dc1\n  rack: r1\n  listen: 127.0.0.1:8102\n  \
    dyn_listen: 127.0.0.1:8101\n  hash: HASH\n  tokens: '0'\n  dyn_seeds:\n  \
    - 127.0.0.2:8101:r1:dc1:2863311530\n  - 127.0.0.3:8101:r2:dc1:0\n";

#[test]
fn owner_tells_a_peer_of_each_rack() {
    let dir = folder("owner");
    std::fs::write(dir.join("ring.yml"), RING.replace("HASH", "murmur")).unwrap();
    // murmur of "3a70" lies in the second half of what the two tokens of r1 divide.
    let (out, error, code) = told_in(&dir, &["owner", "-c", "ring.yml"], "6b6579\n");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines.len(), error.as_str(), code), (3, "", 0));
    assert_eq!(lines[0], "key_hex,dc,rack,peer");
    assert_eq!(lines[1], "6b6579,dc1,r1,127.0.0.2:8101");
    assert_eq!(lines[2], "6b6579,dc1,r2,127.0.0.3:8101");
    let (out, _, _) = told_in(&dir, &["owner", "-c", "ring.yml", "--json"], "6b6579\n");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["owners"][1]["rack"], "r2");
}

#[test]
fn owner_computes_what_ringd_would_refuse() {
    let dir = folder("refused");
    // 15 bits never reach the second token, and few values the first.
    let ring = RING.replace("HASH", "crc32").replace("'0'", "'4000000000'");
    std::fs::write(dir.join("ring.yml"), ring).unwrap();
    let (out, error, code) = told_in(&dir, &["owner", "-c", "ring.yml"], "6b6579\n");
    assert_eq!((out.lines().count(), code), (3, 0));
    assert!(
        error.starts_with("warning: ring.yml: ringd would refuse this ring"),
        "{error}"
    );
    let (_, error, code) = told_in(&dir, &["owner", "-c", "absent.yml"], "");
    assert_eq!(code, 1);
    assert!(error.contains("absent.yml"), "{error}");
    std::fs::write(dir.join("wrong.yml"), "dyn_o_mite:\n  hsah: md5\n").unwrap();
    let (_, error, code) = told_in(&dir, &["owner", "-c", "wrong.yml"], "");
    assert_eq!(code, 2);
    assert!(error.contains("wrong.yml:2:3"), "{error}");
}

/// Three servers of modula and a fourth: 3/4 of the values move, a third of that must.
#[test]
fn plan_change_tells_what_moves_and_refuses_too_much() {
    let dir = folder("plan-change");
    let servers = |count| {
        let server = |number| format!("   - 10.0.0.{number}:11211:1\n");
        let servers: String = (1..=count).map(server).collect();
        format!("cache:\n  hash: murmur\n  distribution: modula\n  servers:\n{servers}")
    };
    std::fs::write(dir.join("now.yml"), servers(3)).unwrap();
    std::fs::write(dir.join("next.yml"), servers(4)).unwrap();
    let keys: String = (0..1000).map(|number| format!("key-{number}\n")).collect();
    std::fs::write(dir.join("keys.txt"), keys).unwrap();
    let files = ["plan-change", "now.yml", "next.yml", "--keys", "keys.txt"];
    let (out, error, code) = told_in(&dir, &files, "");
    assert_eq!((error.as_str(), code), ("", 0));
    assert!(out.contains("75.0% of the keys move; 25.0% must"), "{out}");
    assert!(out.contains("10.0.0.4 (new)"), "{out}");
    let (out, _, code) = told_in(
        &dir,
        &[&files[..], &["--json", "--max-moved", "50"]].concat(),
        "",
    );
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&value["racks"][0]["keys"]["total"], code),
        (&1000.into(), 3)
    );
    std::fs::write(dir.join("next.yml"), servers(4).replace(":1\n", ":0\n")).unwrap();
    let (_, error, code) = told_in(&dir, &files, "");
    assert_eq!(code, 2);
    assert!(
        error.contains("next.yml:5:6: '10.0.0.1:11211:0': a weight of 0"),
        "{error}"
    );
}

#[test]
fn tokens_are_told_for_a_ring_and_for_one_node_more() {
    let dir = folder("tokens");
    let (out, error, code) = told_in(&dir, &["tokens", "--peers", "2", "--racks", "2"], "");
    assert_eq!((error.as_str(), code), ("", 0));
    assert_eq!(out.matches("\ntokens: '2147483647'\n").count(), 2, "{out}");
    std::fs::write(dir.join("ring.yml"), RING.replace("HASH", "murmur")).unwrap();
    let add = [
        "tokens",
        "-c",
        "ring.yml",
        "--add",
        "127.0.0.4:8101",
        "--rack",
        "dc1/r1",
    ];
    let (out, _, code) = told_in(&dir, &[&add[..], &["--json"]].concat(), "");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let rack = &value["racks"][0];
    assert_eq!(
        (code, rack["peers"][2]["name"].as_str()),
        (0, Some("127.0.0.4:8101"))
    );
    // Of a third and two thirds the greater is halved.
    assert!(
        (rack["moved_share"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-6,
        "{out}"
    );
    let (_, error, code) = told_in(&dir, &add[..5], "");
    assert_eq!(
        (code, error.as_str()),
        (2, "error: --rack is one of: dc1/r1, dc1/r2\n")
    );
}

#[test]
fn a_gate_without_a_base_is_an_error() {
    let dir = folder("gate");
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let done = Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(&dir)
            .output();
        assert!(done.unwrap().status.success(), "git {args:?}");
    };
    std::fs::write(dir.join("Cargo.toml"), "[workspace]\n").unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    for (args, why) in [
        (
            &["gate", "--base", "absent"][..],
            "no base: unknown revision 'absent'",
        ),
        (&["gate"], "no base: the head is the first commit"),
        (
            &["gate", "--base", "HEAD", "--filter", "no-such"],
            "no case's id contains 'no-such'",
        ),
        (&["gate", "--base-run", "Cargo.toml"], "Cargo.toml"),
    ] {
        let out = dir.join("out");
        let args = [args, &["--out", "out"]].concat();
        let (_, error, code) = told_in(&dir, &args, "");
        assert_eq!(code, 1, "{args:?}");
        assert!(error.contains(why), "{error}");
        let report = std::fs::read_to_string(out.join("report.md")).unwrap();
        assert!(
            report.starts_with("ERROR: ") && report.contains(why),
            "{report}"
        );
        std::fs::remove_dir_all(out).unwrap();
    }
    assert_eq!(told_in(&dir, &["gate", "--bsae", "HEAD"], "").2, 2);
}

#[test]
fn every_verb_has_help_with_an_example() {
    let (help, _, _) = told(&["--help"], "");
    let verbs = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1);
    let verbs = verbs.take_while(|line| line.starts_with("  "));
    let verbs = verbs.filter(|line| !line.starts_with("   "));
    let mut count = 0;
    for verb in verbs.filter_map(|line| line.split_whitespace().next()) {
        if verb == "help" {
            continue;
        }
        let (help, _, code) = told(&[verb, "--help"], "");
        assert_eq!(code, 0, "{verb}");
        assert!(help.contains("Example: "), "{verb}: {help}");
        count += 1;
    }
    assert!(count >= 9, "{count} verbs");
}

/// A small comparison into `out`; the steps that were done already, as it tells.
fn compared(dir: &Path, out: &str) -> String {
    let args = [
        "compare",
        "distributions",
        "--keys",
        "key-%d@3000",
        "--peers",
        "5",
        "--no-instructions",
        "--out",
        out,
    ];
    let (_, told, code) = told_in(dir, &args, "");
    assert_eq!(code, 0, "{told}");
    told
}

/// What is the same in every run: no time.
fn exact(dir: &Path, out: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(dir.join(out).join("comparison.json"))
        .expect("a comparison was written");
    let comparison: serde_json::Value =
        serde_json::from_str(&text).expect("a comparison was written");
    assert_eq!(comparison["schema_version"], 2);
    let mut rows = comparison["distributions"]
        .as_array()
        .expect("a comparison was written")
        .clone();
    for row in &mut rows {
        // `random` is what its name says.
        let random = row["distribution"] == "random";
        for part in ["lookup", "table"] {
            row[part].take();
        }
        if random {
            for part in ["balance", "movements", "replicas", "zipf", "bounded"] {
                row[part].take();
            }
        }
    }
    rows
}

#[test]
fn an_interrupted_comparison_goes_on_and_comes_to_the_same() {
    let dir = folder("compare");
    assert!(compared(&dir, "whole").contains("steps into whole"));
    let rows = exact(&dir, "whole");
    assert!(rows.len() > 3 && rows[0]["placing"] == "vnode");
    // The kill of a run: the journal ends in the middle of a line, and nothing after it is there.
    std::fs::create_dir(dir.join("cut")).unwrap();
    let whole = dir.join("whole");
    for file in ["fingerprint.json", "origin.json"] {
        std::fs::copy(whole.join(file), dir.join("cut").join(file)).unwrap();
    }
    let units = std::fs::read_to_string(whole.join("units.jsonl")).unwrap();
    let ends: Vec<usize> = units.match_indices('\n').map(|(end, _)| end).collect();
    std::fs::write(dir.join("cut/units.jsonl"), &units[..ends[2] + 40]).unwrap();
    assert!(compared(&dir, "cut").contains("going on in cut: 3 of "));
    assert_eq!(exact(&dir, "cut"), rows);
    for file in ["machine.txt", "command", "distributions.csv"] {
        assert!(whole.join(file).exists(), "{file}");
    }
    let other = [
        "compare",
        "distributions",
        "--keys",
        "uuid@3000",
        "--peers",
        "5",
    ];
    let other = [&other[..], &["--no-instructions", "--out", "whole"]].concat();
    let (_, error, code) = told_in(&dir, &other, "");
    assert_eq!(code, 2);
    assert!(
        error.contains("can't be gone on with") && error.contains("keys: "),
        "{error}"
    );
}

#[test]
fn compare_refuses_what_it_does_not_understand() {
    for (args, why) in [
        (&["--sort", "beauty"][..], "they are: bits, ns-4B"),
        (&["--keys", "nothing.txt"], "uuid"),
        (&["--peers", "0"], "a rack has 1 to 1024 peers"),
        (&["--hash", "md4"], "unknown hash 'md4'"),
        (&["--p99-ms", "0"], "--p99-ms"),
        (&["nouns"], "distributions"),
    ] {
        let (_, error, code) = told(&[&["compare"], args].concat(), "");
        assert_eq!(code, 2, "{args:?}: {error}");
        assert!(error.contains(why), "{args:?}: {error}");
    }
}

#[test]
fn a_skewed_server_of_a_given_topology_is_named() {
    let dir = folder("given");
    let yaml = "alpha:\n  hash: murmur\n  distribution: modula\n  servers:\n   - 10.0.0.1:6379:1 one\n   \
                - 10.0.0.2:6379:1 two\n   - 10.0.0.3:6379:1 six\n";
    std::fs::write(dir.join("nutcracker.yml"), yaml).unwrap();
    let args = [
        "compare",
        "distributions",
        "--topology",
        "nutcracker.yml",
        "--keys",
        "zipf:1.4@20000",
        "--peers",
        "3",
        "--no-instructions",
        "--out",
        "out",
        "--json",
    ];
    let (out, error, code) = told_in(&dir, &args, "");
    assert_eq!(code, 0, "{error}");
    let comparison: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(comparison["origin"]["topology"]["distribution"], "modula");
    let rows = comparison["distributions"].as_array().unwrap();
    let yours: Vec<_> = rows
        .iter()
        .filter(|row| row["configured"] == true)
        .collect();
    assert_eq!(yours.len(), 1);
    let servers = yours[0]["servers"].as_array().unwrap();
    let names: Vec<&str> = servers
        .iter()
        .filter_map(|server| server["name"].as_str())
        .collect();
    assert_eq!(names, ["one", "six", "two"]);
    let accesses: u64 = servers
        .iter()
        .filter_map(|server| server["accesses"].as_u64())
        .sum();
    assert_eq!(accesses, 20_000);
    // One key has a third of all accesses (1 over the sum of r^-1.4): so has its server, and more.
    assert!(yours[0]["balance"]["peak_accesses"].as_f64().unwrap() > 1.1);
    let page = std::fs::read_to_string(dir.join("out/README.md")).unwrap();
    assert!(page.contains("**One key draws "), "{page}");
    assert!(page.contains("places by `murmur` and `modula`"), "{page}");
    assert!(dir.join("out/report.html").is_file());
}
