//! Servers of others, started on free ports of this machine and ended with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Set by `ci/test`: a server that is not installed is an error then.
const ALL_WANTED: &str = "RINGLAB_ALL_SERVERS";

/// Says that a test can't be done for want of a program, or fails.
pub(crate) fn missing(program: &str) {
    let wanted = std::env::var_os(ALL_WANTED).is_some();
    assert!(!wanted, "no {program} here, and {ALL_WANTED} is set");
    eprintln!("SKIPPED: no {program} here, nothing tested");
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A folder of its own, gone with this.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringload-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A process that listens on a port.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

impl Process {
    /// None, and a line that says so, where the program is not installed.
    pub(crate) fn start(program: &str, args: &[&str], port: u16) -> Option<Self> {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            missing(program);
            return None;
        };
        let process = Self { child, port };
        process.wait();
        Some(process)
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "port {} stays deaf", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// redis-server on a port of its own, without persistence, with more options.
pub(crate) fn redis(options: &[&str]) -> Option<Process> {
    let port = free_port();
    let number = port.to_string();
    let mut args = vec!["--port", &number, "--save", "", "--appendonly", "no"];
    args.extend_from_slice(options);
    Process::start("redis-server", &args, port)
}

/// memcached, with as much memory as the tests need.
pub(crate) fn memcached() -> Option<Process> {
    let port = free_port();
    let number = port.to_string();
    let args = ["-l", "127.0.0.1", "-U", "0", "-m", "1024", "-u", "nobody"];
    let args = [&args[..], &["-p", &number]].concat();
    Process::start("memcached", &args, port)
}

/// twemproxy before servers of one protocol.
pub(crate) fn twemproxy(folder: &Folder, redis: bool, servers: &[&Process]) -> Option<Process> {
    let port = free_port();
    let rows = servers.iter().map(|server| {
        let port = server.port;
        format!("   - 127.0.0.1:{port}:1 s{port}\n")
    });
    let config = folder.write(
        "nutcracker.yml",
        &format!(
            "pool:\n  listen: 127.0.0.1:{port}\n  hash: fnv1a_64\n  distribution: ketama\n  \
             redis: {redis}\n  timeout: 2000\n  servers:\n{}",
            rows.collect::<String>()
        ),
    );
    let stats = free_port().to_string();
    let args = ["-c", text(&config), "-s", &stats];
    let nutcracker = ["nutcracker", "/usr/sbin/nutcracker"];
    let found = nutcracker.into_iter().find(|name| {
        let tried = Command::new(name).arg("--version").output();
        tried.is_ok_and(|output| output.status.success())
    });
    Process::start(found.unwrap_or("nutcracker"), &args, port)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A certificate of 127.0.0.1 and its key, signed by itself.
pub(crate) fn certificate(folder: &Folder) -> Option<(PathBuf, PathBuf)> {
    let (cert, key) = (folder.file("cert.pem"), folder.file("key.pem"));
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext"])
        .args(["subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext"])
        .args(["basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", text(&key), "-out", text(&cert)])
        .stderr(Stdio::null())
        .status();
    let Ok(status) = status else {
        missing("openssl");
        return None;
    };
    assert!(status.success());
    Some((cert, key))
}
