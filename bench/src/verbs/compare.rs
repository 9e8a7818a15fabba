//! `ringlab compare`: what each hash and each distribution costs and brings, side by side.

use anyhow::Result;

use crate::choices;
use crate::exit::Exit;
use crate::report::tables;
use crate::workspace::Workspace;

/// Compares hashes and distributions: time, instructions, balance and movement
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab compare --no-instructions")]
pub(crate) struct Args {
    /// Does not count instructions, which takes a minute
    #[arg(long)]
    no_instructions: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let choices = choices::compare(&Workspace::find()?, !self.no_instructions)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&choices)?);
        } else {
            for table in [
                tables::hashes(&choices),
                tables::distributions(&choices),
                tables::spreads(&choices),
            ] {
                println!("{}\n", table.plain());
            }
        }
        Ok(Exit::Pass)
    }
}
