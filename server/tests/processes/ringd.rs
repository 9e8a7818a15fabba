//! Starting `ringd`, talking to it, ending it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for anything that should happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; killed when dropped.
pub(crate) struct Ringd {
    child: Child,
    ready: String,
}

/// A command for the server with these arguments.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringd"));
    command.args(args).stdin(Stdio::null());
    command
}

impl Ringd {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(command(args).stderr(Stdio::null()))
    }

    /// One node on ports of the system's choice.
    pub(crate) fn alone(args: &[&str]) -> Self {
        let ports = ["--listen", "127.0.0.1:0", "--stats-listen", "127.0.0.1:0"];
        Self::start(&[&ports, args].concat())
    }

    /// Starts a prepared command and waits until it is ready.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("ringd was built");
        let mut ready = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut ready)
            .expect("stdout is readable");
        assert!(
            ready.starts_with("ready "),
            "said {ready:?}, ended with {:?}",
            child.try_wait()
        );
        Self { child, ready }
    }

    /// The address bound for a key.
    pub(crate) fn address(&self, key: &str) -> SocketAddr {
        let prefix = format!("{key}=");
        let words = self.ready.split_whitespace();
        let address = words
            .filter_map(|word| word.strip_prefix(prefix.as_str()))
            .next();
        address
            .expect("it listens there")
            .parse()
            .expect("an address")
    }

    /// A client of it.
    pub(crate) fn client(&self) -> redis::Connection {
        let client = redis::Client::open(format!("redis://{}", self.address("listen")));
        let connection = client.expect("a URL").get_connection().expect("it accepts");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout");
        connection
    }

    /// A raw connection to the client port.
    pub(crate) fn socket(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address("listen")).expect("it accepts");
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        stream
    }

    /// Status and body of an admin page.
    pub(crate) fn page(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address("stats_listen")).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut text = String::new();
        stream
            .read_to_string(&mut text)
            .expect("it answers in UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    /// The sum over all labels of a metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (_, page) = self.page("/metrics");
        let lines = page.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it lives");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    pub(crate) fn stderr(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("it is piped")
    }
}

impl Drop for Ringd {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until it holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A ring of `racks` × `per_rack` nodes on loopback addresses that no other test has.
pub(crate) struct Ring {
    pub(crate) nodes: Vec<Ringd>,
    specs: Vec<Spec>,
    extra: Vec<String>,
}

struct Spec {
    host: String,
    rack: String,
    token: u32,
}

impl Ring {
    /// Starts every node with the extra arguments and waits until all see all.
    pub(crate) fn start(racks: usize, per_rack: usize, extra: &[&str]) -> Self {
        let network = network();
        let specs = (0..racks * per_rack).map(|index| Spec {
            host: format!("{network}.{}", index + 1),
            rack: format!("rack{}", index / per_rack),
            token: u32::MAX / per_rack as u32 * (index % per_rack) as u32,
        });
        let mut ring = Self {
            nodes: Vec::new(),
            specs: specs.collect(),
            extra: extra.iter().map(|word| (*word).to_owned()).collect(),
        };
        ring.nodes = (0..ring.specs.len())
            .map(|index| ring.spawn(index))
            .collect();
        ring.await_all_up();
        ring
    }

    /// Starts that node (again).
    pub(crate) fn spawn(&self, index: usize) -> Ringd {
        let own = &self.specs[index];
        let seeds: Vec<String> = self
            .specs
            .iter()
            .filter(|spec| spec.host != own.host)
            .map(|spec| format!("{}:8101:{}:dc1:{}", spec.host, spec.rack, spec.token))
            .collect();
        let mut args = vec![
            format!("--listen={}:8102", own.host),
            format!("--dyn-listen={}:8101", own.host),
            format!("--stats-listen={}:22222", own.host),
            "--datacenter=dc1".to_owned(),
            format!("--rack={}", own.rack),
            format!("--tokens={}", own.token),
            format!("--dyn-seeds={}", seeds.join(" ")),
        ];
        // Where an argument names nodes, their network stands as {network}.
        let (network, _) = own.host.rsplit_once('.').expect("an IPv4 address");
        let extra = self.extra.iter();
        args.extend(extra.map(|word| word.replace("{network}", network)));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Ringd::start(&args)
    }

    /// Waits until every running node sees every other.
    pub(crate) fn await_all_up(&self) {
        let count = self.nodes.len() as f64 - 1.0;
        for node in &self.nodes {
            eventually("all peers are normal", || {
                let (_, page) = node.page("/readyz");
                page == "ready\n" && node.metric("peer_up") >= count
            });
        }
    }

    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].crash();
    }

    /// Starts a node that was killed.
    pub(crate) fn restart(&mut self, index: usize) {
        self.nodes[index] = self.spawn(index);
    }
}

/// Three bytes of a loopback network, another for each call and process.
fn network() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let ring = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    format!(
        "127.{}.{}",
        1 + process % 250,
        (process / 250 + ring * 37) % 250
    )
}
