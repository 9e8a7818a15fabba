//! One `ringd` process: started, frozen, let go, killed, started again, and never left behind.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::http;

/// Where a node is and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// What the report calls it.
    pub(crate) name: String,
    /// Its rack.
    pub(crate) rack: String,
    /// Where clients connect.
    pub(crate) client: SocketAddr,
    /// Where peers connect; its name in the ring.
    pub(crate) peer: SocketAddr,
    /// Its admin pages.
    pub(crate) admin: SocketAddr,
}

/// A node's process. It ends with this value, or with this process, however that ends.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node that is not running yet; its configuration is written to `dir`.
    pub(crate) fn new(
        place: Place,
        program: PathBuf,
        dir: &std::path::Path,
        yaml: &str,
    ) -> Result<Self> {
        let config = dir.join(format!("{}.yml", place.name));
        fs::write(&config, yaml).with_context(|| config.display().to_string())?;
        Ok(Self {
            log: dir.join(format!("{}.log", place.name)),
            place,
            program,
            config,
            child: None,
        })
    }

    /// Starts the process; its output is appended to its log.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| self.log.display().to_string())?;
        let mut command = Command::new(&self.program);
        command
            .arg("-c")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.child = Some(
            ending_with_us(&mut command)
                .spawn()
                .with_context(|| format!("cannot start {}", self.program.display()))?,
        );
        Ok(())
    }

    /// Whether the node answers its health page.
    pub(crate) fn is_healthy(&self) -> bool {
        http::get(self.place.admin, "/healthz", Duration::from_millis(500)).is_ok()
    }

    /// Fails when the process has ended by itself, with the end of its log.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        if let Some(status) = child.try_wait()? {
            bail!("{} ended ({status}): {}", self.place.name, tail(&self.log));
        }
        Ok(())
    }

    /// Stops it without its knowledge: connections stay, nothing is answered.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Makes it read its configuration again, after `change` of its text.
    pub(crate) fn reload(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let text = fs::read_to_string(&self.config)?;
        fs::write(&self.config, change(text))?;
        self.signal(Signal::HUP)
    }

    /// Kills it: what it held in memory is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            // SIGKILL also ends a process that is frozen.
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let pid = pid.with_context(|| format!("{} does not run", self.place.name))?;
        kill_process(pid, signal).with_context(|| format!("signal to {}", self.place.name))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{} may still run: {error:#}", self.place.name);
        }
    }
}

/// The command's process is killed by the kernel when the thread that started it ends: at Ctrl-C,
/// after a panic, even after SIGKILL. A frozen process is never left behind.
pub(crate) fn ending_with_us(command: &mut Command) -> &mut Command {
    let set =
        || rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into);
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(set) }
}

/// The last lines of a log, for an error.
fn tail(path: &std::path::Path) -> String {
    const BYTES: u64 = 1000;
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_default()
}
