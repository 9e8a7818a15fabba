//! A server under comparison: started on loopback, pinned to one core, ended when dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace::told_by;

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: String,
    /// What it says of itself.
    pub(super) version: String,
}

impl Server {
    /// ringd: one worker, the embedded store, alone.
    pub(super) fn ringd(program: &Path) -> Result<Self> {
        let mut command = on_core(0, program);
        command.args(["--listen", "127.0.0.1:0", "--stats-listen", "127.0.0.1:0"]);
        let mut child = start(&mut command, program)?;
        let mut ready = String::new();
        let stdout = child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut ready)?;
        let words = ready.split_whitespace();
        let address = words.filter_map(|word| word.strip_prefix("listen=")).next();
        let Some(address) = address.map(str::to_owned) else {
            let _ = child.kill();
            bail!(
                "{} did not say where it listens: '{}'",
                program.display(),
                ready.trim()
            );
        };
        Ok(Self {
            child,
            address,
            version: version(program),
        })
    }

    /// redis-server without persistence.
    pub(super) fn redis(program: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port()
            .to_string();
        let mut command = on_core(0, program);
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(["--daemonize", "no", "--loglevel", "warning"]);
        let server = Self {
            child: start(&mut command, program)?,
            address: format!("127.0.0.1:{port}"),
            version: version(program),
        };
        for _ in 0..200 {
            if TcpStream::connect(&server.address).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(25));
        }
        bail!("{} does not accept connections", program.display())
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of all its threads so far, user and system, in ns.
    pub(super) fn cpu_ns(&self) -> Result<u64> {
        let tasks = format!("/proc/{}/task", self.pid());
        let mut sum = 0;
        for task in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
            let stat = fs::read_to_string(task?.path().join("schedstat"))?;
            let running = stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
            sum += running.with_context(|| format!("schedstat says '{stat}'"))?;
        }
        Ok(sum)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(command: &mut Command, program: &Path) -> Result<Child> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    child.with_context(|| format!("{} can't be started", program.display()))
}

fn version(program: &Path) -> String {
    let told = told_by(&program.to_string_lossy(), &["--version"], Path::new("."));
    let told = told.unwrap_or_else(|| "unknown".to_owned());
    // Redis goes on with its build.
    told.split(" sha=").next().unwrap_or(&told).to_owned()
}

/// The program on one core, where there are several: the servers share one, the load has another.
pub(super) fn on_core(core: usize, program: &Path) -> Command {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}
