//! The programs a ring and its load need, built from this tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Where they are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The server.
    pub(crate) ringd: PathBuf,
    /// The load generator.
    pub(crate) ringload: PathBuf,
}

impl Programs {
    /// Those of a folder.
    ///
    /// # Errors
    /// One of them is not there.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let found = |name: &str| {
            let path = dir.join(name);
            let path = path.canonicalize();
            path.with_context(|| format!("{} has no {name}", dir.display()))
        };
        Ok(Self {
            ringd: found("ringd")?,
            ringload: found("ringload")?,
        })
    }

    /// Builds them in the release profile; what is built already costs nothing.
    ///
    /// # Errors
    /// They do not compile; cargo has told why.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let output = Command::new("cargo")
            .args(["build", "--release", "--workspace", "--bins"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(&workspace.root)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo can't be started")?;
        if !output.status.success() {
            bail!("the server and the load generator do not compile");
        }
        let found = |name: &str| {
            let messages = output.stdout.split(|byte| *byte == b'\n');
            messages
                .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
                .filter(|message| message["target"]["name"] == name)
                .find_map(|message| message["executable"].as_str().map(PathBuf::from))
                .with_context(|| format!("cargo built no '{name}'"))
        };
        Ok(Self {
            ringd: found("ringd")?,
            ringload: found("ringload")?,
        })
    }
}
