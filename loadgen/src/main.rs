//! ringload: the command line of the load generator.
#![forbid(unsafe_code)]

mod args;
mod args_check;
mod args_link;
mod load_args;
mod verbs;
mod worker_args;

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use ringlab_loadgen::{LiveLine, Marks, Quiet, RunReport, Style, Worth, run, table};

use args::{Cli, RunArgs, Verb};

/// A run that is not valid, in gate use.
const EXIT_NOT_VALID: u8 = 3;

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().verb {
        Verb::Run(args) => run_once(&args),
        Verb::Search(args) => args.run(),
        Verb::Sweep(args) => args.run(),
        Verb::Ab(args) => args.run(),
        Verb::Calibrate(args) => args.run(),
        Verb::Tape(args) => args.run(),
        Verb::Compare(args) => args.run(),
        Verb::Worker(args) => args.run(),
        Verb::Null(args) => args.run(),
    }
}

fn run_once(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = args.config();
    let marks = Marks::default();
    let report = if args.quiet {
        run(&config, &marks, &mut Quiet)?
    } else {
        let mut line = LiveLine::default();
        let report = run(&config, &marks, &mut line)?;
        line.end();
        report
    };
    show(&report, args.json.as_deref())?;
    let refused = args.gate && report.verdict.worth != Worth::Valid;
    Ok(if refused {
        ExitCode::from(EXIT_NOT_VALID)
    } else {
        ExitCode::SUCCESS
    })
}

fn show(report: &RunReport, json: Option<&Path>) -> anyhow::Result<()> {
    let text = |report: &RunReport| serde_json::to_string_pretty(report);
    match json {
        Some(path) if path == Path::new("-") => {
            println!("{}", text(report)?);
            return Ok(());
        }
        Some(path) => fs::write(path, text(report)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => {}
    }
    let style = if std::io::stdout().is_terminal() {
        Style::Colour
    } else {
        Style::Plain
    };
    print!("{}", table(report, style));
    Ok(())
}
