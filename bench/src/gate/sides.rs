//! The two sides of a comparison: built and counted here, or, the base, read from an earlier run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::trees::Trees;
use super::verdict::Side;
use super::{Question, recorded};
use crate::instruments::{Built, Instruments, Tree};
use crate::machine::Fingerprint;
use crate::progress::step;
use crate::workspace::Workspace;

/// Both sides, counted under one fingerprint.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) head: Side,
    pub(super) base: Side,
    /// Suites whose rows can't be compared.
    pub(super) incomparable: BTreeSet<String>,
    /// Suites whose source has changed, where both sides were measured as the head has it.
    pub(super) changed: BTreeSet<String>,
    pub(super) fingerprint: Fingerprint,
}

/// Counts both sides, each twice; callgrind's files stay in `folder`.
pub(super) fn measure(workspace: &Workspace, question: &Question, folder: &Path) -> Result<Sides> {
    let trees = Trees::of_head(workspace, &question.base.commit)?;
    let fingerprint = Fingerprint::of(&trees.head().dir)?;
    if let Some(file) = &question.base_run {
        let base = recorded::side(file, &fingerprint, &question.filter)?;
        let head = build_head(trees.head())?;
        let counting = step("counting the head, twice");
        let head = count(&head, &question.filter, &folder.join("head")).context("the head")?;
        counting.done();
        return Ok(Sides {
            head,
            base,
            incomparable: BTreeSet::new(),
            changed: BTreeSet::new(),
            fingerprint,
        });
    }
    let changed = trees.put_base_together()?;
    fingerprint.must_equal(&fingerprint.in_tree(&trees.base().dir)?)?;
    let head = build_head(trees.head())?;
    let (base, incomparable) = build_base(&trees)?;
    let (head, base) = count_both(&head, &base, question, folder)?;
    Ok(Sides {
        head,
        base,
        changed: changed.difference(&incomparable).cloned().collect(),
        incomparable,
        fingerprint,
    })
}

fn build_head(tree: &Tree) -> Result<Instruments> {
    let building = step("building the head");
    let built = build_side(tree)?;
    building.done();
    match built {
        Built::Ready(instruments) => Ok(instruments),
        Built::Failed(words) => bail!("the head does not compile:\n{words}"),
    }
}

/// Builds the base with the head's cases, or else with its own; which suites can't be compared.
fn build_base(trees: &Trees) -> Result<(Instruments, BTreeSet<String>)> {
    let building = step("building the base");
    let built = build_side(trees.base())?;
    building.done();
    let words = match built {
        Built::Ready(instruments) => return Ok((instruments, BTreeSet::new())),
        Built::Failed(words) => words,
    };
    let incomparable = trees
        .use_own_harness()
        .with_context(|| last_error(&words))?;
    let building = step("building the base with its own cases");
    let built = build_side(trees.base())?;
    building.done();
    match built {
        Built::Ready(instruments) => Ok((instruments, incomparable)),
        Built::Failed(words) => bail!("no comparable base: it does not compile:\n{words}"),
    }
}

fn build_side(tree: &Tree) -> Result<Built> {
    tree.build(&["gate-canary"])
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
