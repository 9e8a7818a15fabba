//! The verbs of the command line, one file each.

mod cases;
mod compare;
mod compare_clients;
mod compare_redis;
mod demo;
mod gate;
mod hash;
mod machine;
mod measure;
mod owner;
mod plan_change;
mod profile;
mod report;
mod shadow;
mod tokens;

use anyhow::Result;
use clap::Subcommand;

use crate::exit::Exit;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Cases(cases::Args),
    Compare(compare::Args),
    CompareClients(compare_clients::Args),
    CompareRedis(compare_redis::Args),
    Demo(demo::Args),
    Gate(gate::Args),
    Hash(hash::Args),
    Machine(machine::Args),
    Measure(measure::Args),
    Owner(owner::Args),
    PlanChange(plan_change::Args),
    Profile(profile::Args),
    Report(report::Args),
    Shadow(shadow::Args),
    Tokens(tokens::Args),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self) -> Result<Exit> {
        match self {
            Self::Cases(args) => args.run(),
            Self::Compare(args) => args.run(),
            Self::CompareClients(args) => args.run(),
            Self::CompareRedis(args) => args.run(),
            Self::Demo(args) => args.run(),
            Self::Gate(args) => args.run(),
            Self::Hash(args) => args.run(),
            Self::Machine(args) => args.run(),
            Self::Measure(args) => args.run(),
            Self::Owner(args) => args.run(),
            Self::PlanChange(args) => args.run(),
            Self::Profile(args) => args.run(),
            Self::Report(args) => args.run(),
            Self::Shadow(args) => args.run(),
            Self::Tokens(args) => args.run(),
        }
    }
}
