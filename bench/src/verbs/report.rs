//! `ringlab report`: makes a run's pages anew, the index of runs, the headline of the README.

use std::path::PathBuf;

use anyhow::Result;

use crate::exit::{Exit, Usage};
use crate::report::{self, Run, comparison};
use crate::workspace::Workspace;

/// Makes reports of runs from their data
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab report reports/runs/2026-01-31-some-cpu-2c --index")]
pub(crate) struct Args {
    /// Folders of runs or comparisons whose pages are made anew from their data
    runs: Vec<PathBuf>,
    /// Copies comparisons to reports/hashes and reports/distributions, to be committed
    #[arg(long, requires = "runs")]
    publish: bool,
    /// Makes reports/README.md
    #[arg(long)]
    index: bool,
    /// Puts the headline of the newest committed run into README.md
    #[arg(long)]
    readme: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        if self.runs.is_empty() && !self.index && !self.readme {
            return Err(Usage("nothing to do: name a run, or --index, or --readme".into()).into());
        }
        let workspace = Workspace::find()?;
        for dir in &self.runs {
            let page = if dir.join(comparison::DATA).is_file() {
                comparison::render(dir)?
            } else {
                report::render(&Run::read(dir)?)?
            };
            println!("{}", page.display());
            if self.publish {
                for made in comparison::publish(&workspace.root.join("reports"), dir)? {
                    println!("{}", made.display());
                }
            }
        }
        if self.index {
            let index = report::write_index(&workspace.root.join("reports"))?;
            println!("{}", index.display());
        }
        if self.readme {
            report::splice(&workspace)?;
        }
        Ok(Exit::Pass)
    }
}
