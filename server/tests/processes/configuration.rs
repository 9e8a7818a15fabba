//! Files, flags, variables and `check`.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use redis::Commands;

use super::ringd::{Ringd, command, eventually};

/// A file of this test alone, gone at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ringd-{}-{name}.yml", std::process::id()));
        std::fs::write(&path, text).expect("a writable directory");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(args).output().expect("ringd was built");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn check_names_the_place_and_the_nearest_key() {
    let file = File::new(
        "wrong",
        "dyn_o_mite:\n  listen: 127.0.0.1:8102\n  hsah: murmur\n",
    );
    let (code, _, stderr) = run(&["check", "-c", file.path()]);
    let expected = format!(
        "{}:3:3: unknown key 'hsah'; did you mean 'hash'?\n",
        file.path()
    );
    assert_eq!((code, stderr), (Some(2), expected.clone()));
    let (code, _, stderr) = run(&["-c", file.path()]);
    assert_eq!((code, stderr), (Some(2), expected));
}

#[test]
fn check_says_what_becomes_of_it() {
    let file = File::new(
        "right",
        "dyn_o_mite:\n  rack: a\n  datacenter: dc\n  tokens: '0'\n  mbuf_size: 16384\n  dyn_seeds:\n  - 10.0.0.2:8101:b:dc:0\n",
    );
    let (code, stdout, stderr) = run(&["check", "-c", file.path()]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stdout,
        "ok: 127.0.0.1:8101 in cluster dyn_o_mite: nodes 2, replicas of each key 2, vnode with murmur\n"
    );
    assert!(
        stderr.contains(":5:3: mbuf_size means nothing here"),
        "{stderr}"
    );
}

#[test]
fn a_ring_that_starves_a_peer_does_not_start() {
    let (code, _, stderr) = run(&[
        "--hash=crc32",
        "--tokens=4000000000",
        "--dyn-seeds=127.0.0.2:8101:localrack:localdc:2000000000",
    ]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("crc32"), "{stderr}");
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file = File::new(
        "places",
        "pool:\n  rack: file\n  datacenter: file\n  log_format: text\n",
    );
    let ports = [
        "--listen=127.0.0.1:0",
        "--stats-listen=127.0.0.1:0",
        "-c",
        file.path(),
        "--rack=flag",
    ];
    let node = Ringd::spawn(
        command(&ports)
            .env("RINGD_RACK", "environment")
            .env("RINGD_DATACENTER", "environment")
            .stderr(Stdio::null()),
    );
    let (_, stats) = node.page("/stats");
    for words in [
        "\"rack\": \"flag\"",
        "\"datacenter\": \"environment\"",
        "\"cluster\": \"pool\"",
    ] {
        assert!(stats.contains(words), "{words} is missing in {stats}");
    }
}

#[test]
fn a_password_that_would_be_ignored_is_refused() {
    let output = command(&[])
        .env("RINGD_REQUIREPASS", "secret")
        .output()
        .expect("ringd was built");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with("RINGD_REQUIREPASS: requirepass is not supported yet"),
        "{stderr}"
    );
}

#[test]
fn without_a_password_it_stays_on_loopback() {
    let node = Ringd::alone(&["--listen", "0.0.0.0:0"]);
    assert!(node.address("listen").ip().is_loopback());
    let node = Ringd::alone(&["--listen", "0.0.0.0:0", "--protected-mode", "no"]);
    assert!(node.address("listen").ip().is_unspecified());
}

#[test]
fn an_address_in_use_is_named() {
    let node = Ringd::alone(&[]);
    let taken = node.address("listen").to_string();
    let (code, _, stderr) = run(&["--listen", &taken, "--stats-listen=off"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&taken), "{stderr}");
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

#[test]
fn two_files_written_for_dynomite_make_a_ring() {
    let peer_ports = [port(), port()];
    let files: Vec<File> = (0..2)
        .map(|own: usize| {
            let other = 1 - own;
            let text = format!(
                "dyn_o_mite:
    datacenter: dc{own}
    rack: rack1
    listen: 0.0.0.0:0
    dyn_listen: 0.0.0.0:{}
    dyn_seeds:
        - 127.0.0.1:{}:rack1:dc{other}:101134286
    dyn_seed_provider: simple_provider
    tokens: '101134286'
    data_store: 0
    stats_listen: 127.0.0.1:0
    preconnect: true
",
                peer_ports[own], peer_ports[other]
            );
            File::new(&format!("dc{own}"), &text)
        })
        .collect();
    let nodes: Vec<Ringd> = files
        .iter()
        .map(|file| Ringd::start(&["-c", file.path()]))
        .collect();
    for node in &nodes {
        eventually("the other one is up", || node.metric("peer_up") == 1.0);
    }
    assert_eq!(nodes[0].client().set("key", "there too"), Ok(()));
    eventually("the other datacenter has it", || {
        nodes[1].client().get("key") == Ok(Some("there too".to_owned()))
    });
}
