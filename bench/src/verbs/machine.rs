//! `ringlab machine`: the fingerprint, and whether the machine is fit for timing.

use anyhow::Result;

use crate::exit::Exit;
use crate::machine::{Described, Fingerprint, Fitness};
use crate::workspace::Workspace;

/// Tells the fingerprint that counts depend on, and whether times measured now would mean anything
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringlab machine --json")]
pub(crate) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let fingerprint = Fingerprint::of(&Workspace::find()?.root)?;
        let fitness = Fitness::now();
        if self.json {
            let value = serde_json::json!({ "fingerprint": fingerprint, "fitness": fitness });
            println!("{}", serde_json::to_string_pretty(&value)?);
        } else {
            print!("{}", Described(&fingerprint, &fitness));
        }
        Ok(Exit::Pass)
    }
}
