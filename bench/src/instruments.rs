//! The exact instruments: builds them in a tree of sources, runs them, reads what they tell.
//!
//! Whatever could move a count without the sources having changed is pinned here: flags from the
//! environment are dropped, glibc's choice of memcpy is fixed, each run has a fresh folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::counts::{Count, Counts};

/// glibc picks its string functions by the machine's features and cache sizes; with these every
/// x86-64 machine runs the same ones.
pub(crate) const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-ERMS,-FSRM:\
     glibc.cpu.x86_non_temporal_threshold=3145728:glibc.malloc.arena_max=1";

/// Sources and the folder they are built into.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// The workspace's root.
    pub(crate) dir: PathBuf,
    /// Its target folder.
    pub(crate) target: PathBuf,
}

/// The built instruments of a tree.
#[derive(Debug)]
pub(crate) struct Instruments {
    dir: PathBuf,
    instructions: PathBuf,
    allocations: PathBuf,
}

/// What a build came to.
#[derive(Debug)]
pub(crate) enum Built {
    /// Ready to count.
    Ready(Instruments),
    /// The sources do not compile; the compiler's words.
    Failed(String),
}

impl Tree {
    /// Builds the instruments with these features of the lab.
    ///
    /// # Errors
    /// When cargo can't be run at all.
    pub(crate) fn build(&self, features: &[&str]) -> Result<Built> {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--profile", "bench", "--package", "ringlab"]);
        cargo.args(["--bench", "instructions", "--bench", "allocations"]);
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
        cargo.arg("--message-format=json-render-diagnostics");
        cargo
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", &self.target);
        unset_flags(&mut cargo);
        let output = cargo.output().context("cargo can't be started")?;
        if !output.status.success() {
            return Ok(Built::Failed(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        let mut programs = executables(&output.stdout)?;
        let mut program = |name: &str| {
            programs
                .remove(name)
                .with_context(|| format!("cargo built no bench '{name}'"))
        };
        Ok(Built::Ready(Instruments {
            dir: self.dir.clone(),
            instructions: program("instructions")?,
            allocations: program("allocations")?,
        }))
    }
}

/// Flags from outside would make two builds differ that should not.
fn unset_flags(cargo: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        let flags = shown.ends_with("RUSTFLAGS") || shown.starts_with("CARGO_PROFILE_");
        if flags || ["CARGO_BUILD_TARGET", "CARGO_INCREMENTAL"].contains(&&*shown) {
            cargo.env_remove(&name);
        }
    }
}

/// Target name to program, from cargo's messages.
fn executables(messages: &[u8]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for line in messages
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"{"))
    {
        let message: Value = serde_json::from_slice(line).context("cargo's messages")?;
        if let (Some(name), Some(path)) = (
            message["target"]["name"].as_str(),
            message["executable"].as_str(),
        ) {
            found.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(found)
}

impl Instruments {
    /// Counts the cases whose id contains `filter`, keeping callgrind's files in the new folder
    /// `home`.
    ///
    /// # Errors
    /// A wrong result, a tool that fails, a case that only one instrument knows.
    pub(crate) fn count(&self, filter: &str, home: &Path) -> Result<Counts> {
        let mut counts = self.instructions(filter, home)?;
        let allocations = self.allocations(filter)?;
        if !counts.keys().eq(allocations.keys()) {
            bail!("the instruments do not list the same cases");
        }
        for (id, heap) in allocations {
            if let Some(count) = counts.get_mut(&id) {
                count.allocations = heap.allocations;
                count.bytes = heap.bytes;
                count.allocations_max = heap.allocations_max;
            }
        }
        Ok(counts)
    }

    fn instructions(&self, filter: &str, home: &Path) -> Result<Counts> {
        if home.exists() {
            // Two runs in one folder would silently be compared or added up.
            std::fs::remove_dir_all(home).with_context(|| home.display().to_string())?;
        }
        std::fs::create_dir_all(home).with_context(|| home.display().to_string())?;
        let mut command = self.command(&self.instructions);
        command.arg("--output-format=json");
        command
            .env("IAI_CALLGRIND_HOME", home)
            .env("RINGLAB_FILTER", filter);
        let output = succeeded("counting instructions", &mut command)?;
        let lines = String::from_utf8(output.stdout).context("iai-callgrind's output")?;
        lines
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(summary)
            .collect()
    }

    fn allocations(&self, filter: &str) -> Result<Counts> {
        let mut command = self.command(&self.allocations);
        if !filter.is_empty() {
            command.arg(filter);
        }
        let output = succeeded("counting allocations", &mut command)?;
        let lines = String::from_utf8(output.stdout).context("the allocation counter's output")?;
        lines.lines().skip(1).map(allocation_row).collect()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("GLIBC_TUNABLES", TUNABLES);
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }
}

fn succeeded(what: &str, command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| what.to_owned())?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{what}: {}", words.trim());
    }
    Ok(output)
}

/// One line of iai-callgrind's output: a case and its instructions.
fn summary(line: &str) -> Result<(String, Count)> {
    let summary: Value = serde_json::from_str(line).context("iai-callgrind's summary")?;
    let operations = summary["details"]
        .as_str()
        .and_then(|text| text.parse().ok());
    let total = &summary["profiles"][0]["summaries"]["total"]["summary"];
    let instructions = total["Callgrind"]["Ir"]["metrics"]["Left"]["Int"].as_u64();
    let id = summary["id"].as_str();
    let (Some(id), Some(operations), Some(instructions)) = (id, operations, instructions) else {
        bail!("iai-callgrind's summary has another form: {line}");
    };
    if instructions == 0 || operations == 0 {
        bail!("{id}: no instruction was counted");
    }
    let count = Count {
        operations,
        instructions,
        allocations: 0,
        bytes: 0,
        allocations_max: None,
    };
    Ok((id.to_owned(), count))
}

/// One row of the allocation counter: `id,operations,allocations,bytes,allocations_max`.
fn allocation_row(line: &str) -> Result<(String, Count)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [id, operations, allocations, bytes, max] = fields[..] else {
        bail!("not a row of the allocation counter: {line}");
    };
    let number = |text: &str| {
        text.parse::<u64>()
            .with_context(|| format!("{text} in: {line}"))
    };
    let count = Count {
        operations: number(operations)?,
        instructions: 0,
        allocations: number(allocations)?,
        bytes: number(bytes)?,
        allocations_max: (!max.is_empty()).then(|| max.parse()).transpose()?,
    };
    Ok((id.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read() {
        let line = r#"{"id":"a/b/c","details":"100","profiles":[{"summaries":{"total":{"summary":
            {"Callgrind":{"Ir":{"metrics":{"Left":{"Int":701415}}}}}}}}]}"#;
        let (id, count) = summary(line).unwrap();
        assert_eq!(
            (id.as_str(), count.operations, count.instructions),
            ("a/b/c", 100, 701_415)
        );
        assert!((count.instructions_each() - 7014.15).abs() < 1e-9);
        assert!(summary(&line.replace("701415", "0")).is_err());
        assert!(summary("{}").is_err());
    }

    #[test]
    fn an_allocation_row_is_read() {
        let (id, count) = allocation_row("a/b/c,100,50,800,0").unwrap();
        assert_eq!(id, "a/b/c");
        assert!((count.allocations_each() - 0.5).abs() < 1e-9);
        assert!((count.bytes_each() - 8.0).abs() < 1e-9);
        assert_eq!(count.allocations_max, Some(0.0));
        assert_eq!(
            allocation_row("a/b/c,100,50,800,")
                .unwrap()
                .1
                .allocations_max,
            None
        );
        assert!(allocation_row("a/b/c,100").is_err());
    }
}
