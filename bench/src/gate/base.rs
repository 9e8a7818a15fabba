//! Which commit the head is compared with.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::workspace::Workspace;

/// The commit to compare with, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Base {
    /// Its full id.
    pub(crate) commit: String,
    /// Why this one.
    pub(crate) reason: String,
}

/// The commit that `revision` names.
///
/// # Errors
/// When it names none, with the reason where it is the clone's depth.
pub(crate) fn named(workspace: &Workspace, revision: &str) -> Result<Base> {
    let asked = format!("{revision}^{{commit}}");
    let Ok(commit) = workspace.git(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &asked,
    ]) else {
        if is_shallow(workspace)? {
            bail!(
                "no base: '{revision}' is not in this shallow clone; fetch the whole history \
                   (git fetch --unshallow, or fetch-depth: 0)"
            );
        }
        bail!("no base: unknown revision '{revision}'");
    };
    Ok(Base {
        commit,
        reason: format!("named: {revision}"),
    })
}

/// The commit whose run an earlier gate's report tells of.
///
/// # Errors
/// When it is no such report.
pub(crate) fn recorded(file: &Path) -> Result<Base> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
    let report: serde_json::Value = serde_json::from_str(&text).with_context(|| name.clone())?;
    let Some(head) = report["head"].as_str() else {
        bail!("{name}: no base: that run counted nothing");
    };
    Ok(Base {
        commit: head.trim_end_matches('+').to_owned(),
        reason: format!("recorded: {name}"),
    })
}

/// The first parent of a merge commit, else where the head left `main`, else, on `main` itself,
/// the commit before.
///
/// # Errors
/// In a shallow clone, or when there is no commit before.
pub(crate) fn found(workspace: &Workspace) -> Result<Base> {
    if is_shallow(workspace)? {
        bail!(
            "no base: in a shallow clone the place where the head left main can't be found; \
               fetch the whole history (git fetch --unshallow, or fetch-depth: 0)"
        );
    }
    let parents = workspace.git(&["rev-list", "--parents", "--max-count=1", "HEAD"])?;
    let parents: Vec<&str> = parents.split(' ').skip(1).collect();
    let base = |commit: &str, reason: &str| Base {
        commit: commit.to_owned(),
        reason: reason.to_owned(),
    };
    match parents[..] {
        [] => bail!("no base: the head is the first commit"),
        [first, _, ..] => return Ok(base(first, "first parent of a merge")),
        [_] => {}
    }
    let head = workspace.git(&["rev-parse", "HEAD"])?;
    for main in ["origin/main", "main"] {
        match workspace.git(&["merge-base", "HEAD", main]) {
            Ok(commit) if commit != head => {
                return Ok(base(&commit, &format!("merge-base with {main}")));
            }
            _ => {}
        }
    }
    Ok(base(parents[0], "the commit before"))
}

fn is_shallow(workspace: &Workspace) -> Result<bool> {
    Ok(workspace.git(&["rev-parse", "--is-shallow-repository"])? == "true")
}
