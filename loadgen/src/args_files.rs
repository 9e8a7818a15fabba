//! Options of the files that a run leaves.

use std::path::PathBuf;

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
