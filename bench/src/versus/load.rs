//! One slice of load by `ringload`: a number of requests, closed loop, every answer checked.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Scenario;
use super::server::{Server, on_core};

/// Keys that are asked for.
const KEYS: &str = "100000";

/// Bytes of a value.
const VALUE_BYTES: &str = "64";

/// The load generator and what all slices have in common.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) program: PathBuf,
    pub(super) connections: u32,
}

impl Load {
    /// Writes every key.
    pub(super) fn fill(&self, server: &Server) -> Result<()> {
        self.ringload(server, &["--preload", "--requests", "1000"])
            .map(drop)
    }

    /// Sends so many requests; how many were answered, which must be all.
    pub(super) fn run(&self, server: &Server, scenario: Scenario, requests: u64) -> Result<u64> {
        let ratio = if scenario.command == "GET" {
            "1:0"
        } else {
            "0:1"
        };
        let (depth, requests) = (scenario.depth.to_string(), requests.to_string());
        self.ringload(
            server,
            &["--ratio", ratio, "--depth", &depth, "--requests", &requests],
        )
    }

    fn ringload(&self, server: &Server, args: &[&str]) -> Result<u64> {
        let mut command = on_core(1, &self.program);
        command.args([
            "run",
            "--quiet",
            "--json",
            "-",
            "--keys",
            KEYS,
            "--size",
            VALUE_BYTES,
        ]);
        command.args(["--endpoint", &server.address]);
        command
            .args(["--connections", &self.connections.to_string()])
            .args(args);
        let output = command.output().context("ringload can't be started")?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "ringload: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )
        })?;
        let total = |name: &str| report["totals"][name].as_u64();
        let (Some(completed), Some(failed)) = (total("completed"), total("failed")) else {
            bail!("ringload's report has another form");
        };
        if failed > 0 || completed == 0 {
            bail!(
                "{} answered {completed} requests and failed {failed}",
                server.version
            );
        }
        Ok(completed)
    }
}
