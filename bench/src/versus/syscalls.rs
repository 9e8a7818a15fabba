//! System calls of a request, by strace. Its slowness lets more requests gather for each poll, so
//! these slices say nothing about time.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Scenario;
use super::load::Load;
use super::server::Server;

/// Requests of a counted slice.
const REQUESTS: u64 = 20_000;

/// System calls that one request costs the server; `None` where strace is missing or not allowed.
pub(super) fn each(load: &Load, server: &Server, scenario: Scenario) -> Result<Option<f64>> {
    let summary = std::env::temp_dir().join(format!("ringlab-strace-{}", server.pid()));
    let Some(mut strace) = attach(server, &summary) else {
        return Ok(None);
    };
    let completed = load.run(server, scenario, REQUESTS);
    detach(&mut strace)?;
    let text = std::fs::read_to_string(&summary).unwrap_or_default();
    let _ = std::fs::remove_file(&summary);
    let completed = completed?;
    Ok(total_calls(&text).map(|calls| calls as f64 / completed as f64))
}

fn attach(server: &Server, summary: &Path) -> Option<Child> {
    let mut command = Command::new("strace");
    command
        .args(["-c", "-f", "-q", "-p", &server.pid().to_string(), "-o"])
        .arg(summary);
    let null = Stdio::null;
    let mut strace = command
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .spawn()
        .ok()?;
    thread::sleep(Duration::from_millis(300));
    strace.try_wait().ok()?.is_none().then_some(strace)
}

/// Ends it as Ctrl-C would, upon which it writes its summary.
fn detach(strace: &mut Child) -> Result<()> {
    let id = strace.id().to_string();
    Command::new("kill")
        .args(["-INT", &id])
        .status()
        .context("kill")?;
    strace.wait().context("strace")?;
    Ok(())
}

/// The calls in the last line of a summary: `100.00 0.123 1 45678 12 total`.
fn total_calls(summary: &str) -> Option<u64> {
    let line = summary
        .lines()
        .rfind(|line| line.trim_end().ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n \
                    60.00    0.100000           1     20000           read\n\
                    100.00    0.187654           3     45678        12 total\n";
        assert_eq!(total_calls(text), Some(45_678));
        assert_eq!(
            total_calls("100.00    0.187654           3     45678           total\n"),
            Some(45_678)
        );
        assert_eq!(total_calls(""), None);
    }
}
