//! The gate: base and head built and counted in one run, every difference judged by one rule.
//!
//! [`base`] finds the commit to compare with, [`trees`] puts the two sides together, [`sides`]
//! builds and counts them, [`recorded`] reads counts of an earlier run instead. [`verdict`] is the
//! rule, [`selftest`] holds the gate itself to known answers, [`blame`] finds the functions that a
//! difference went into, [`report`] tells it all.

pub(crate) mod base;
mod blame;
mod recorded;
mod report;
mod selftest;
mod sides;
mod trees;
mod verdict;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::exit::Exit;
use crate::workspace::Workspace;

use report::Report;
pub(crate) use report::write_error;
use verdict::Limits;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// The commit to compare with.
    pub(crate) base: base::Base,
    /// A gate's report whose head is the base, instead of building it.
    pub(crate) base_run: Option<PathBuf>,
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
    if !ringlab::suites::all()
        .iter()
        .any(|case| case.id.contains(&question.filter))
    {
        bail!(
            "no case's id contains '{}'; see `ringlab cases`",
            question.filter
        );
    }
    let folder = workspace.lab().join("gate");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock().context("waiting for another gate")?;
    let limits = limits(workspace, &question.base.commit)?;
    let mut sides = sides::measure(workspace, question, &folder)?;
    let proofs = selftest::prove(&limits, &mut sides.base, &mut sides.head);
    let rows = verdict::judge(&limits, &sides.base, &sides.head, &sides.incomparable);
    let report = Report {
        schema_version: report::SCHEMA_VERSION,
        head: workspace.revision()?,
        base: question.base.clone(),
        filter: question.filter.clone(),
        changed_suites: sides.changed,
        blame: match question.base_run {
            Some(_) => BTreeMap::new(), // a recorded base has counts, but no profiles
            None => blame::of_failures(&rows, &folder),
        },
        conclusion: report::conclude(&rows, &proofs, &question.filter),
        rows,
        proofs,
        limits,
        fingerprint: sides.fingerprint,
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
