//! `ringload` as a child, and what is read of its report.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cluster::{Place, Programs, ending_with_us};

/// Keys of the load.
pub(crate) const KEYS: u64 = 20_000;
/// Offered requests a second: well below what two cores serve, so that the faults are what is seen.
const RATE: u64 = 4_000;
const MARKS: &str = "marks.txt";
const JSON: &str = "load.json";
const CONNECTIONS: u64 = 16;

/// What the demo reads of `load.json`; the file has more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) verdict: Verdict,
    pub(crate) statement: String,
    pub(crate) command: String,
    pub(crate) started_unix_ms: u64,
    pub(crate) totals: Totals,
    pub(crate) latency: Latency,
    pub(crate) series: Vec<Second>,
}

/// What the load generator says its figures are worth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) worth: String,
    pub(crate) reasons: Vec<String>,
}

/// Requests, counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) offered_per_s: f64,
    pub(crate) achieved_per_s: f64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) unfinished: u64,
    pub(crate) misses: u64,
}

/// Response: from the intended time. Service: from the write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) response: Spread,
    pub(crate) service: Spread,
}

/// A histogram's figures.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) p50_ns: Option<u64>,
    pub(crate) p99_ns: Option<u64>,
    pub(crate) p99_9_ns: Option<u64>,
    pub(crate) max_ns: Option<u64>,
    /// Highest percentile with ten samples beyond it.
    pub(crate) percentile_trusted_max: f64,
    /// (percentile, ns).
    pub(crate) spectrum: Vec<(f64, u64)>,
}

/// One second of the load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Second {
    pub(crate) t_s: f64,
    pub(crate) phase: String,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) p50_ns: Option<u64>,
    pub(crate) p99_ns: Option<u64>,
    pub(crate) max_ns: Option<u64>,
}

impl Load {
    /// Reads a run's `load.json`.
    ///
    /// # Errors
    /// It is not there or has another form.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }
}

/// The load while it runs; killed with this value.
#[derive(Debug)]
pub(crate) struct Loading {
    child: Child,
    /// Lines appended here become marks of the load.
    pub(crate) marks: PathBuf,
    json: PathBuf,
}

/// Writes every key once, and loads the ring a moment so that nothing is measured cold.
///
/// # Errors
/// The load generator fails.
pub(crate) fn preload(programs: &Programs, place: &Place) -> Result<()> {
    let mut command = command(programs, place, 1.0);
    let output = command
        .args(["--preload", "--quiet"])
        .output()
        .context("ringload can't be started")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("preload: {}", words.trim());
    }
    Ok(())
}

fn command(programs: &Programs, place: &Place, seconds: f64) -> Command {
    let mut command = Command::new(&programs.ringload);
    command
        .arg("run")
        .args(["--endpoint", &place.client.to_string()])
        .args(["--rate", &RATE.to_string()])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--depth", "4", "--ratio", "3:1"])
        .args(["--keys", &KEYS.to_string()])
        .args(["--key-law", "zipf", "--settle", "0"])
        .args(["--seconds", &seconds.to_string(), "--timeout-ms", "3000"])
        .stdin(Stdio::null());
    ending_with_us(&mut command);
    command
}

impl Loading {
    /// Starts loading one node; its live line goes to our standard error, its table into the run.
    ///
    /// # Errors
    /// It can't be started.
    pub(crate) fn start(
        programs: &Programs,
        place: &Place,
        seconds: f64,
        dir: &Path,
    ) -> Result<Self> {
        let marks = dir.join(MARKS);
        File::create(&marks)?;
        let child = command(programs, place, seconds)
            // The report names its files: without the folder they are the same everywhere.
            .current_dir(dir)
            .args(["--mark-file", MARKS, "--json", JSON])
            .stdout(File::create(dir.join("load.txt"))?)
            .spawn()
            .context("ringload can't be started")?;
        Ok(Self {
            child,
            marks,
            json: dir.join(JSON),
        })
    }

    /// Fails when it has ended.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the load ended early ({status})"),
            None => Ok(()),
        }
    }

    /// Waits for its end and reads its report.
    ///
    /// # Errors
    /// It failed, or told nothing that can be read.
    pub(crate) fn finish(mut self) -> Result<Load> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the load failed ({status})");
        }
        Load::read(&self.json)
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        // After its end there is nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
