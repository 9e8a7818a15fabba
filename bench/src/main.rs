//! `ringlab`, or `cargo lab`: the lab's command line. One verb, one file in [`verbs`].

mod change;
mod choices;
mod cluster;
mod counts;
mod demo;
mod exit;
mod gate;
mod instruments;
mod keys;
mod machine;
mod moment;
mod progress;
mod report;
mod rivals;
mod tokens;
mod topology;
mod verbs;
mod versus;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The lab: measures, compares and judges what ringd is made of.
#[derive(Debug, Parser)]
#[command(name = "ringlab", version, max_term_width = 100, after_help = exit::CODES)]
struct Args {
    #[command(subcommand)]
    verb: verbs::Verb,
}

fn main() -> ExitCode {
    match Args::parse().verb.run() {
        Ok(exit) => exit.into(),
        Err(error) => exit::Exit::of_error(&error).into(),
    }
}
