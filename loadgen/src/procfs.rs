//! What Linux says about processor time, and about the machine. Every answer may be missing.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

/// How long this thread was ready to run but had no processor.
#[derive(Debug, Default)]
pub(crate) struct RunQueue {
    file: Option<File>,
    waited_ns: u64,
}

impl RunQueue {
    pub(crate) fn of_this_thread() -> Self {
        let mut queue = Self {
            file: File::open("/proc/thread-self/schedstat").ok(),
            waited_ns: 0,
        };
        queue.waited();
        queue
    }

    /// Nanoseconds since the last call.
    pub(crate) fn waited(&mut self) -> u64 {
        let mut text = [0; 96];
        let Some(length) = self
            .file
            .as_ref()
            .and_then(|file| file.read_at(&mut text, 0).ok())
        else {
            return 0;
        };
        let total =
            schedstat(&String::from_utf8_lossy(&text[..length]), 1).unwrap_or(self.waited_ns);
        let waited = total.saturating_sub(self.waited_ns);
        self.waited_ns = total;
        waited
    }
}

fn schedstat(text: &str, field: usize) -> Option<u64> {
    text.split_ascii_whitespace().nth(field)?.parse().ok()
}

/// Processor time of a process so far, in ns: to the ns by `schedstat` of all its threads where
/// the kernel counts there, else to the clock tick.
pub(crate) fn process_cpu_ns(pid: u32) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let fine: u64 = threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| schedstat(&text, 0))
        .sum();
    if fine > 0 {
        return Some(fine);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; fields are counted from behind its closing parenthesis.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..]
        .split_ascii_whitespace()
        .collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second())
}

/// The machine the client ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Kernel and its version.
    pub kernel: String,
    /// Processor model.
    pub processor: Option<String>,
    /// Processors this process may use.
    pub processors: usize,
}

impl Host {
    /// This machine.
    pub fn here() -> Self {
        let name = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        Self {
            name: text(name.nodename()),
            kernel: format!("{} {}", text(name.sysname()), text(name.release())),
            processor: model.map(|model| model.trim_start_matches([' ', '\t', ':']).to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
