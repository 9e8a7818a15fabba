//! `ringlab profile CASE`: where a case's time goes, as a flamegraph.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pprof::{ProfilerGuardBuilder, Report};
use ringlab::case::Case;

use crate::exit::{Exit, Usage};
use crate::machine::{Described, Fingerprint, Fitness};
use crate::moment;
use crate::progress::step;
use crate::workspace::Workspace;

/// Samples a second; the timer behind it ticks no faster.
const SAMPLES_PER_S: i32 = 250;

/// Samples below which a picture shows chance.
const SAMPLES_MIN: usize = 100;

/// Runs a case for some seconds and draws where its time went
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: cargo lab profile node/get/64B --seconds 10")]
pub(crate) struct Args {
    /// The case's id, as `ringlab cases` lists it
    case: String,
    /// Seconds to sample
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Where to write [default: profiles/CASE/DATE-REVISION]
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let case = self.case()?;
        let workspace = Workspace::find()?;
        let revision = workspace.revision()?;
        let folder = match &self.out {
            Some(out) => out.clone(),
            None => {
                let run = format!("{}-{}", moment::stamp(), revision.replace('+', "-changed"));
                workspace.root.join("profiles").join(&case.id).join(run)
            }
        };
        let sampling = step(format!("sampling {} for {} s", case.id, self.seconds));
        let (report, operations) = sample(&case, Duration::from_secs(self.seconds))?;
        sampling.done();
        let samples: isize = report.data.values().sum();
        if samples < SAMPLES_MIN as isize {
            bail!("only {samples} samples: not enough for a picture");
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        report.flamegraph(File::create(folder.join("flamegraph.svg"))?)?;
        fs::write(folder.join("stacks.folded"), folded(&report))?;
        let machine = Fingerprint::of(&workspace.root)?;
        fs::write(
            folder.join("machine.txt"),
            Described(&machine, &Fitness::now()).to_string(),
        )?;
        let recipe = format!(
            "# {}\n\nRevision {revision}, release build with line tables, {samples} samples at \
             {SAMPLES_PER_S} Hz over {} s, {operations} operations.\n\nAgain: \
             `cargo lab profile {} --seconds {}`\n",
            case.id, self.seconds, case.id, self.seconds,
        );
        fs::write(folder.join("recipe.md"), recipe)?;
        println!("{}", folder.join("flamegraph.svg").display());
        Ok(Exit::Pass)
    }

    fn case(&self) -> Result<Case> {
        let mut cases = ringlab::suites::all();
        let Some(index) = cases.iter().position(|case| case.id == self.case) else {
            let near = cases.iter().filter(|case| case.id.contains(&self.case));
            let near: Vec<&str> = near.map(|case| case.id.as_str()).collect();
            let hint = if near.is_empty() {
                "see `ringlab cases`".into()
            } else {
                near.join(", ")
            };
            return Err(Usage(format!("no case '{}': {hint}", self.case)).into());
        };
        Ok(cases.swap_remove(index))
    }
}

/// Runs the case so long, sampled; how many operations that were.
fn sample(case: &Case, time: Duration) -> Result<(Report, u64)> {
    let mut subject = case.warm();
    // Unwinding from within these can hang.
    let sampler = ProfilerGuardBuilder::default()
        .frequency(SAMPLES_PER_S)
        .blocklist(&["libc", "libgcc", "pthread", "vdso"])
        .build()?;
    let start = Instant::now();
    let mut operations = 0;
    while start.elapsed() < time {
        subject.ready(case.operations);
        subject.run(case.operations);
        operations += case.operations;
    }
    let report = sampler.report().build()?;
    if let Err(wrong) = subject.check() {
        bail!("{}: wrong result: {wrong}", case.id);
    }
    Ok((report, operations))
}

/// The samples as `outer;inner count` lines, from which any tool draws its picture.
fn folded(report: &Report) -> String {
    let mut lines: Vec<String> = report
        .data
        .iter()
        .map(|(frames, count)| {
            let mut line = frames.thread_name.clone();
            for symbol in frames.frames.iter().rev().flatten() {
                let _ = write!(line, ";{symbol}");
            }
            let _ = write!(line, " {count}");
            line
        })
        .collect();
    lines.sort();
    lines.join("\n") + "\n"
}
