//! Options of the files that a run leaves.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

#[derive(Clone, Debug, Args)]
pub(crate) struct FileArgs {
    /// Write the report as JSON to this file; - is standard output, instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write an HdrHistogram interval log (v1.3) to this file (of `run`)
    #[arg(long, value_name = "FILE")]
    pub(crate) hlog: Option<PathBuf>,
    /// Write one page to look at without network to this file (of `run` and `sweep`)
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

impl FileArgs {
    /// Finds out before the load, not after it, that a file can't be written; what is in it stays.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let files = [&self.json, &self.hlog, &self.html];
        for path in files.into_iter().flatten() {
            if path == Path::new("-") {
                continue;
            }
            File::options()
                .append(true)
                .create(true)
                .open(path)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
