//! `ringlab gate`: judges this working tree against a base.

use std::path::PathBuf;

use anyhow::Result;

use crate::exit::Exit;
use crate::gate::{self, Question, base};
use crate::workspace::Workspace;

/// Compares this working tree with a base, case by case, and refuses what has become worse
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab gate --base origin/main --out target/gate")]
pub(crate) struct Args {
    /// The commit to compare with [default: the first parent of a merge, else where the head left
    /// main, else the commit before]
    #[arg(long)]
    base: Option<String>,
    /// Takes the counts of an earlier gate's head as the base: its report.json. Only where they
    /// were made under the same fingerprint
    #[arg(long, value_name = "FILE", conflicts_with = "base")]
    base_run: Option<PathBuf>,
    /// Only ids that contain this
    #[arg(long, default_value = "")]
    filter: String,
    /// Also writes report.md and report.json into this folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only tells which commit it would compare with
    #[arg(long)]
    print_base: bool,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let out = self.out.clone();
        let judged = self.judge();
        if let (Err(error), Some(out)) = (&judged, out) {
            gate::write_error(&out, error)?;
        }
        judged
    }

    fn judge(self) -> Result<Exit> {
        let workspace = Workspace::find()?;
        let base = match (&self.base, &self.base_run) {
            (Some(revision), _) => base::named(&workspace, revision)?,
            (None, Some(file)) => base::recorded(file)?,
            (None, None) => base::found(&workspace)?,
        };
        if self.print_base {
            println!("{}", base.commit);
            return Ok(Exit::Pass);
        }
        let question = Question {
            base,
            base_run: self.base_run,
            filter: self.filter,
            out: self.out,
            json: self.json,
        };
        gate::run(&workspace, &question)
    }
}
