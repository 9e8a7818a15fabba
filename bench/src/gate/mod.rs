//! The gate: base and head built and counted in one run, every difference judged by one rule.
//!
//! [`trees`] puts the two sides together, [`verdict`] is the rule, [`selftest`] holds the gate
//! itself to known answers, [`blame`] finds the functions that a difference went into, [`report`]
//! tells it all.

pub(crate) mod base;
mod blame;
mod report;
mod selftest;
mod trees;
mod verdict;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::exit::Exit;
use crate::instruments::{Built, Instruments, Tree};
use crate::machine::Fingerprint;
use crate::progress::step;
use crate::workspace::Workspace;

use report::Report;
pub(crate) use report::write_error;
use trees::Trees;
use verdict::{Limits, Side};

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// The commit to compare with.
    pub(crate) base: base::Base,
    /// Only ids that contain this.
    pub(crate) filter: String,
    /// Where the report is copied to.
    pub(crate) out: Option<PathBuf>,
    /// Whether the report is printed as JSON.
    pub(crate) json: bool,
}

/// Answers it: measures, judges, writes the report.
///
/// # Errors
/// Whatever keeps the two sides from being compared; never a pass.
pub(crate) fn run(workspace: &Workspace, question: &Question) -> Result<Exit> {
    let folder = workspace.lab().join("gate");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock().context("waiting for another gate")?;
    let limits = limits(workspace, &question.base.commit)?;
    let trees = Trees::put_together(workspace, &question.base.commit)?;
    let fingerprint = equal_fingerprints(&trees)?;
    let (head, base, incomparable) = build(&trees)?;
    let (mut head, mut base) = count_both(&head, &base, question, &folder)?;

    let proofs = selftest::prove(&limits, &mut base, &mut head);
    let rows = verdict::judge(&limits, &base, &head, &incomparable);
    let report = Report {
        schema_version: report::SCHEMA_VERSION,
        head: workspace.revision()?,
        base: question.base.clone(),
        filter: question.filter.clone(),
        blame: blame::of_failures(&rows, &folder),
        conclusion: report::conclude(&rows, &proofs, &question.filter),
        rows,
        proofs,
        limits,
        fingerprint,
    };
    let runs = workspace.lab().join("gate/runs");
    report.write(&runs, question)?;
    Ok(report.conclusion.exit())
}

/// The base's own limits where it has any: a change can't loosen the ones it is judged by.
fn limits(workspace: &Workspace, base: &str) -> Result<Limits> {
    const PATH: &str = "ci/gate.toml";
    let text = match workspace.git(&["show", &format!("{base}:{PATH}")]) {
        Ok(text) => text,
        Err(_) => std::fs::read_to_string(workspace.root.join(PATH)).context(PATH)?,
    };
    toml::from_str(&text).context(PATH)
}

fn equal_fingerprints(trees: &Trees) -> Result<Fingerprint> {
    let head = Fingerprint::of(&trees.head().dir)?;
    let base = Fingerprint::of(&trees.base().dir)?;
    let differences = head.differences(&base);
    if !differences.is_empty() {
        bail!(
            "foreign fingerprint: base and head differ in {}; their counts can't be compared",
            differences.join(", ")
        );
    }
    Ok(head)
}

/// Builds both sides; which suites can't be compared.
fn build(trees: &Trees) -> Result<(Instruments, Instruments, BTreeSet<String>)> {
    let building = step("building the head");
    let head = match build_side(trees.head())? {
        Built::Ready(instruments) => instruments,
        Built::Failed(words) => bail!("the head does not compile:\n{words}"),
    };
    building.done();
    let building = step("building the base");
    let built = build_side(trees.base())?;
    building.done();
    let Built::Failed(words) = built else {
        return Ok((head, ready(built)?, BTreeSet::new()));
    };
    let incomparable = trees
        .use_own_harness()
        .with_context(|| last_error(&words))?;
    let building = step("building the base with its own cases");
    let base = ready(build_side(trees.base())?)?;
    building.done();
    Ok((head, base, incomparable))
}

fn build_side(tree: &Tree) -> Result<Built> {
    tree.build(&["gate-canary"])
}

fn ready(built: Built) -> Result<Instruments> {
    match built {
        Built::Ready(instruments) => Ok(instruments),
        Built::Failed(words) => bail!("no comparable base: it does not compile:\n{words}"),
    }
}

fn last_error(words: &str) -> String {
    let line = words.lines().find(|line| line.starts_with("error"));
    format!(
        "the head's cases against the base's core: {}",
        line.unwrap_or("do not compile")
    )
}

/// Counts both sides, each twice. Counts don't mind the neighbour: the sides run side by side.
fn count_both(
    head: &Instruments,
    base: &Instruments,
    question: &Question,
    folder: &Path,
) -> Result<(Side, Side)> {
    let counting = step("counting base and head, each twice");
    let (head, base) = std::thread::scope(|scope| {
        let base = scope.spawn(|| count(base, &question.filter, &folder.join("base")));
        let head = count(head, &question.filter, &folder.join("head"));
        (head, base.join())
    });
    counting.done();
    let base = match base {
        Ok(base) => base.context("the base")?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    Ok((head.context("the head")?, base))
}

fn count(instruments: &Instruments, filter: &str, folder: &Path) -> Result<Side> {
    Ok(Side {
        first: instruments.count(filter, &folder.join("count1"))?,
        second: instruments.count(filter, &folder.join("count2"))?,
    })
}
