//! The two trees a gate builds: the head as it stands in the working tree, and the base.
//!
//! Both are put together in git worktrees under `.lab/gate` and built from paths of one length,
//! with target folders of their own that stay for the next run. The head's build settings are laid over the base, so that
//! toolchain, flags and profile are the same; its `bench/` too, where that compiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::instruments::Tree;
use crate::workspace::{Workspace, git};

/// Shared sources of the measurement: where one of them differs, no row is comparable.
const HARNESS: [&str; 5] = [
    "bench/benches/instructions.rs",
    "bench/benches/allocations.rs",
    "bench/src/case.rs",
    "bench/src/counting.rs",
    "bench/src/fixtures.rs",
];

const SUITES: &str = "bench/src/suites";

/// One side's folders: a git worktree in which its sources are put together, the tree that is
/// built, and cargo's target folder. The tree is brought up to the worktree file by file, so that
/// cargo sees as changed only what differs from the run before.
#[derive(Debug)]
struct Folders {
    worktree: PathBuf,
    tree: Tree,
}

impl Folders {
    fn new(workspace: &Workspace, name: &str) -> Self {
        let dir = workspace.lab().join("gate").join(name);
        Self {
            worktree: dir.join("worktree"),
            tree: Tree {
                dir: dir.join("tree"),
                target: dir.join("target"),
            },
        }
    }

    fn bring_up(&self) -> Result<()> {
        mirror(&self.worktree, &self.tree.dir)
    }
}

/// The trees of a run.
#[derive(Debug)]
pub(crate) struct Trees {
    workspace: Workspace,
    head: Folders,
    base: Folders,
    base_revision: String,
}

impl Trees {
    /// Puts the head together.
    pub(crate) fn of_head(workspace: &Workspace, base_revision: &str) -> Result<Self> {
        let trees = Self {
            workspace: workspace.clone(),
            head: Folders::new(workspace, "head"),
            base: Folders::new(workspace, "base"),
            base_revision: base_revision.to_owned(),
        };
        let commit = workspace.git(&["rev-parse", "HEAD"])?;
        check_out(workspace, &trees.head.worktree, &commit)?;
        lay_over_changes(workspace, &trees.head.worktree)?;
        trees.head.bring_up()?;
        Ok(trees)
    }

    /// Puts the base together, with the head's harness; the suites whose source that changes.
    pub(crate) fn put_base_together(&self) -> Result<BTreeSet<String>> {
        self.check_out_base()?;
        let changed = self.changed_suites()?;
        let bench = |side: &Folders| side.worktree.join("bench");
        mirror(&bench(&self.head), &bench(&self.base))?;
        self.base.bring_up()?;
        Ok(changed)
    }

    /// As the working tree is, with what is not committed yet.
    pub(crate) fn head(&self) -> &Tree {
        &self.head.tree
    }

    /// The base.
    pub(crate) fn base(&self) -> &Tree {
        &self.base.tree
    }

    fn check_out_base(&self) -> Result<()> {
        check_out(&self.workspace, &self.base.worktree, &self.base_revision)?;
        lay_over_settings(&self.head.worktree, &self.base.worktree)
    }

    /// Gives the base its own harness back; the suites whose rows can't be compared then.
    ///
    /// # Errors
    /// When the base has no harness.
    pub(crate) fn use_own_harness(&self) -> Result<BTreeSet<String>> {
        self.check_out_base()?;
        self.base.bring_up()?;
        if !self.base.worktree.join(HARNESS[0]).is_file() {
            bail!(
                "no comparable base: {} has no cases of its own, and the head's do not compile \
                 against its core",
                self.base_revision
            );
        }
        self.changed_suites()
    }

    /// Suites whose bench source differs between the two sides.
    fn changed_suites(&self) -> Result<BTreeSet<String>> {
        let (head, base) = (&self.head.worktree, &self.base.worktree);
        let differs = |path: &str| fs::read(head.join(path)).ok() != fs::read(base.join(path)).ok();
        let all = HARNESS.iter().any(|path| differs(path));
        let mut suites = suite_names(head)?;
        suites.extend(suite_names(base)?);
        suites.retain(|suite| all || differs(&format!("{SUITES}/{suite}.rs")));
        Ok(suites)
    }
}

fn suite_names(tree: &Path) -> Result<BTreeSet<String>> {
    let files = files_under(&tree.join(SUITES))?.into_iter();
    let names = files.filter_map(|path| Some(path.to_str()?.strip_suffix(".rs")?.to_owned()));
    Ok(names.filter(|name| name != "mod").collect())
}

/// Makes `dir` a clean worktree at `commit`.
fn check_out(workspace: &Workspace, dir: &Path, commit: &str) -> Result<()> {
    let path = dir.to_string_lossy().into_owned();
    if git(dir, &["checkout", "--quiet", "--detach", "--force", commit]).is_err() {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| path.clone())?;
        }
        workspace.git(&["worktree", "prune"])?;
        workspace.git(&[
            "worktree", "add", "--quiet", "--force", "--detach", &path, commit,
        ])?;
    }
    git(dir, &["clean", "-ffdxq"])?;
    Ok(())
}

/// Copies what differs from the commit in the working tree.
fn lay_over_changes(workspace: &Workspace, tree: &Path) -> Result<()> {
    let changed = workspace.git(&["diff", "--name-only", "-z", "--no-renames", "HEAD"])?;
    let others = workspace.git(&["ls-files", "-z", "--others", "--exclude-standard"])?;
    for path in changed
        .split('\0')
        .chain(others.split('\0'))
        .filter(|path| !path.is_empty())
    {
        let (from, to) = (workspace.root.join(path), tree.join(path));
        if from.is_file() {
            copy(&from, &to)?;
        } else if to.is_file() {
            fs::remove_file(&to)?;
        }
    }
    Ok(())
}

/// Toolchain, flags and profile of the head; the base keeps its dependencies, and gets those that
/// only the head's harness names.
fn lay_over_settings(head: &Path, base: &Path) -> Result<()> {
    for path in [
        ".cargo/config.toml",
        "rust-toolchain.toml",
        "rust-toolchain",
    ] {
        let (from, to) = (head.join(path), base.join(path));
        if from.is_file() {
            copy(&from, &to)?;
        } else if to.is_file() {
            fs::remove_file(&to)?;
        }
    }
    let text = |dir: &Path| fs::read_to_string(dir.join("Cargo.toml"));
    let base_text = text(base)
        .with_context(|| format!("no comparable base: {} has no Cargo.toml", base.display()))?;
    let merged = merge_manifests(&text(head)?, &base_text)?;
    write_if_new(&base.join("Cargo.toml"), merged.as_bytes())
}

fn merge_manifests(head: &str, base: &str) -> Result<String> {
    let head: toml::Table = head.parse().context("the head's Cargo.toml")?;
    let own: toml::Table = base.parse().context("the base's Cargo.toml")?;
    let mut merged = own.clone();
    merged.remove("profile");
    if let Some(profile) = head.get("profile") {
        merged.insert("profile".into(), profile.clone());
    }
    let named = head
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    let known = merged
        .get_mut("workspace")
        .and_then(|workspace| workspace.as_table_mut())
        .context("the base's Cargo.toml is no workspace's")?
        .entry("dependencies")
        .or_insert_with(|| toml::Table::new().into());
    if let (Some(named), Some(known)) = (named.and_then(|d| d.as_table()), known.as_table_mut()) {
        for (name, wanted) in named {
            known.entry(name).or_insert_with(|| wanted.clone());
        }
    }
    // Where nothing is to be merged the file stays as it is, comments and all.
    Ok(if merged == own {
        base.to_owned()
    } else {
        merged.to_string()
    })
}

/// Makes the folder `to` equal to `from`.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    let wanted = files_under(from)?;
    for path in files_under(to)? {
        if !wanted.contains(&path) {
            fs::remove_file(to.join(path))?;
        }
    }
    for path in &wanted {
        copy(&from.join(path), &to.join(path))?;
    }
    Ok(())
}

/// Every file below `dir`, relative to it.
fn files_under(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(dir.join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if entry.file_name() != ".git" {
                files.insert(path);
            }
        }
    }
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| from.display().to_string())?;
    write_if_new(to, &bytes)
}

/// Leaves a file alone that has the bytes already: its time of change is what cargo goes by.
fn write_if_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_gets_profile_and_missing_dependencies() {
        let head = "[workspace.dependencies]\na = '2'\nb = '1'\n[profile.bench]\ndebug = true\n";
        let base = "[workspace]\nmembers = ['core']\n[workspace.dependencies]\na = '1'\n\
                    [profile.bench]\nlto = true\n";
        let merged: toml::Table = merge_manifests(head, base).unwrap().parse().unwrap();
        let dependencies = &merged["workspace"]["dependencies"];
        assert_eq!(dependencies["a"].as_str(), Some("1"));
        assert_eq!(dependencies["b"].as_str(), Some("1"));
        assert_eq!(merged["profile"]["bench"].to_string(), "{ debug = true }");
        assert!(merge_manifests(head, "[package]\n").is_err());
    }

    #[test]
    fn an_equal_manifest_is_not_touched() {
        let text = "# a comment\n[workspace]\n[workspace.dependencies]\na = '1'\n";
        assert_eq!(merge_manifests(text, text).unwrap(), text);
    }
}
