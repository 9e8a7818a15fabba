//! The verbs of the command line, one file each.

mod cases;
mod gate;
mod hash;
mod machine;
mod measure;
mod owner;

use anyhow::Result;
use clap::Subcommand;

use crate::exit::Exit;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Cases(cases::Args),
    Gate(gate::Args),
    Hash(hash::Args),
    Machine(machine::Args),
    Measure(measure::Args),
    Owner(owner::Args),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self) -> Result<Exit> {
        match self {
            Self::Cases(args) => args.run(),
            Self::Gate(args) => args.run(),
            Self::Hash(args) => args.run(),
            Self::Machine(args) => args.run(),
            Self::Measure(args) => args.run(),
            Self::Owner(args) => args.run(),
        }
    }
}
