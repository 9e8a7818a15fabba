//! What the operating system knows about this process.

use std::fs;

use serde::Serialize;

/// Taken at one moment; a figure that can't be had is 0.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Process {
    /// CPU time, user and system.
    pub cpu_s: f64,
    /// Memory in RAM.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_fds: u64,
}

/// Linux counts CPU time of processes in hundredths of a second (`USER_HZ`, part of its ABI).
const TICKS_PER_S: f64 = 100.0;
const KIB: u64 = 1024;

impl Process {
    /// Reads `/proc`.
    #[must_use]
    pub fn now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            cpu_s: cpu_s(&stat).unwrap_or(0.0),
            resident_bytes: resident_bytes(&status).unwrap_or(0),
            open_fds: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
        }
    }
}

/// Fields 14 and 15; the second field is a name in parentheses that may hold spaces.
fn cpu_s(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 5";
        assert_eq!(cpu_s(stat), Some(2.0));
        assert_eq!(cpu_s(""), None);
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t  12 kB\n"),
            Some(12 * 1024)
        );
        assert!(Process::now().open_fds > 0);
    }
}
