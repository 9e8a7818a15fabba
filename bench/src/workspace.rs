//! The repository the lab works on, and git.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The workspace around the current directory.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// Where its root manifest is.
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// Finds it.
    ///
    /// # Errors
    /// When the current directory is in no git repository with a manifest at its top.
    pub(crate) fn find() -> Result<Self> {
        let root = PathBuf::from(git(Path::new("."), &["rev-parse", "--show-toplevel"])?);
        if !root.join("Cargo.toml").is_file() {
            bail!(
                "{} has no Cargo.toml: not the lab's workspace",
                root.display()
            );
        }
        Ok(Self { root })
    }

    /// The lab's own folder: caches and results that are not committed.
    pub(crate) fn lab(&self) -> PathBuf {
        self.root.join(".lab")
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> PathBuf {
        let set = std::env::var_os("CARGO_TARGET_DIR");
        set.map_or_else(|| self.root.join("target"), Into::into)
    }

    /// Runs git at the root.
    pub(crate) fn git(&self, args: &[&str]) -> Result<String> {
        git(&self.root, args)
    }

    /// The commit's short name, with `+` when sources differ from it.
    pub(crate) fn revision(&self) -> Result<String> {
        let head = self.git(&["rev-parse", "--short=10", "HEAD"])?;
        let status = [
            "status",
            "--porcelain",
            "--",
            ".",
            ":!profiles",
            ":!reports",
        ];
        let clean = self.git(&status)?.is_empty();
        Ok(if clean { head } else { format!("{head}+") })
    }
}

/// Runs git in `dir`; the output without the line end.
///
/// # Errors
/// With git's own words.
pub(crate) fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(args)
        .output()
        .context("git can't be started")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("git {}: {}", args.join(" "), words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// The output of a program that tells about itself, or `None` when it can't be run.
pub(crate) fn told_by(program: &str, args: &[&str], dir: &Path) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
