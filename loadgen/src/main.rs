//! ringload: the command line of the load generator.
#![forbid(unsafe_code)]

mod args;
mod args_check;
mod args_faults;
mod args_files;
mod args_link;
mod load_args;
mod verbs;
mod worker_args;

use std::fs::{self, File};
use std::io::{BufWriter, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use ringlab_loadgen::{
    Both, HistogramLog, LiveLine, Marks, Observer, Quiet, RunReport, Style, Worth, run, run_page,
    table,
};

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
    let config = args.config()?;
    let mut line = LiveLine::default();
    let mut quiet = Quiet;
    let seen: &mut dyn Observer = if args.quiet { &mut quiet } else { &mut line };
    let report = match &args.files.hlog {
        None => run(&config, &Marks::default(), seen)?,
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            let mut log = HistogramLog::new(BufWriter::new(file));
            let report = run(&config, &Marks::default(), &mut Both(seen, &mut log))?;
            log.finish().with_context(|| path.display().to_string())?;
            report
        }
    };
    if !args.quiet {
        line.end();
    }
    if let Some(path) = &args.files.html {
        fs::write(path, run_page(&report)).with_context(|| path.display().to_string())?;
    }
    show(&report, args.files.json.as_deref())?;
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
