//! `ringlab demo`: shows what the ring does, and what its choices cost, in one report.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::choices;
use crate::cluster::Programs;
use crate::demo::{self, Folders};
use crate::exit::{Exit, Usage};
use crate::moment;
use crate::report::{self, About, Run};
use crate::workspace::Workspace;

/// Loads a ring of three nodes, hurts it, compares hashes and distributions, writes a report
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab demo --seconds 60")]
pub(crate) struct Args {
    /// Where the run's new folder is made [default: reports/runs]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Seconds of load; at least 15
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Does not count instructions, which takes a minute or two
    #[arg(long)]
    no_instructions: bool,
    /// Takes ringd and ringload from this folder instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

impl Args {
    /// The command that repeats the run.
    fn command(&self) -> String {
        let mut command = format!("cargo lab demo --seconds {}", self.seconds);
        if self.no_instructions {
            command += " --no-instructions";
        }
        command
    }

    pub(crate) fn run(self) -> Result<Exit> {
        if !(15.0..=3600.0).contains(&self.seconds) {
            return Err(Usage("--seconds must be 15 to 3600".into()).into());
        }
        let workspace = Workspace::find()?;
        let programs = match &self.programs {
            Some(dir) => Programs::of(dir)?,
            None => Programs::build(&workspace)?,
        };
        let about = About {
            schema_version: 1,
            when: moment::stamp(),
            machine: report::kind(),
            revision: workspace.revision()?,
            command: self.command(),
        };
        let runs = self.out.clone();
        let runs = runs.unwrap_or_else(|| workspace.root.join("reports/runs"));
        let dir = report::new_dir(&runs, &about)?;
        // Before the load, which would make the machine look busy.
        std::fs::write(dir.join("machine.txt"), report::machine_text(&workspace))?;
        let nodes = dir.join("nodes");
        std::fs::create_dir(&nodes)?;
        let folders = Folders {
            run: &dir,
            nodes: &nodes,
        };
        let shown = demo::run(&programs, &folders, self.seconds)?;
        let choices = choices::compare(&workspace, !self.no_instructions)?;
        let run = Run::write(&dir, about, shown, choices)?;
        let page = report::render(&run)?;
        println!("\n{}\n\nreport: {}", report::screen(&run), page.display());
        if run.demo.holds() {
            Ok(Exit::Pass)
        } else {
            bail!("something that must hold does not: see above");
        }
    }
}
