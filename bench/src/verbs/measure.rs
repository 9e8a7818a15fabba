//! `ringlab measure`: the exact counts of the cases, and a quick time, as CSV.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, bail};
use ringlab::case::Case;

use crate::counts::Counts;
use crate::exit::Exit;
use crate::instruments::{Built, Tree};
use crate::machine::Fingerprint;
use crate::progress::step;
use crate::workspace::Workspace;

/// Measures the cases of this working tree: instructions, allocations and bytes per operation
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringlab measure hash/murmur --time")]
pub(crate) struct Args {
    /// Only ids that contain this
    #[arg(default_value = "")]
    filter: String,
    /// Adds nanoseconds per operation: a quick look on this machine, not a basis for a verdict
    #[arg(long)]
    time: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let counts = self.count()?;
        if counts.is_empty() {
            bail!(
                "no case's id contains '{}'; see `ringlab cases`",
                self.filter
            );
        }
        let times = if self.time {
            self.times()?
        } else {
            BTreeMap::new()
        };
        if self.json {
            let value = serde_json::json!({ "schema_version": 1, "counts": counts, "ns": times });
            println!("{}", serde_json::to_string_pretty(&value)?);
            return Ok(Exit::Pass);
        }
        println!("id,operations,instructions,allocations,bytes,ns");
        for (id, count) in &counts {
            let ns = times
                .get(id)
                .map(|ns| format!("{ns:.2}"))
                .unwrap_or_default();
            println!(
                "{id},{},{:.2},{:.4},{:.2},{ns}",
                count.operations,
                count.instructions_each(),
                count.allocations_each(),
                count.bytes_each(),
            );
        }
        Ok(Exit::Pass)
    }

    fn count(&self) -> Result<Counts> {
        let workspace = Workspace::find()?;
        Fingerprint::of(&workspace.root)?;
        let tree = Tree {
            target: workspace.target(),
            dir: workspace.root.clone(),
        };
        let building = step("building the instruments");
        let instruments = match tree.build(&[])? {
            Built::Ready(instruments) => instruments,
            Built::Failed(words) => bail!("the instruments do not compile:\n{words}"),
        };
        building.done();
        let counting = step("counting");
        let home = workspace
            .lab()
            .join(format!("measure-{}", std::process::id()));
        let counts = instruments.count(&self.filter, &home);
        std::fs::remove_dir_all(&home)?;
        counting.done();
        counts
    }

    fn times(&self) -> Result<BTreeMap<String, f64>> {
        let timing = step("timing");
        let cases = ringlab::suites::selected(self.filter.clone());
        let times = cases
            .map(|case| Ok((case.id.clone(), ns_each(&case)?)))
            .collect();
        timing.done();
        times
    }
}

/// The least time of an operation over some samples of about 5 ms.
fn ns_each(case: &Case) -> Result<f64> {
    let mut subject = case.warm();
    let mut operations = case.operations;
    let mut best = f64::INFINITY;
    let mut samples = 0;
    while samples < 9 {
        subject.ready(operations);
        let start = Instant::now();
        black_box(subject.as_mut()).run(operations);
        let elapsed = start.elapsed();
        if let Err(wrong) = subject.check() {
            bail!("{}: wrong result: {wrong}", case.id);
        }
        if elapsed.as_millis() < 5 && operations < 1 << 24 {
            operations *= 2;
            continue;
        }
        best = best.min(elapsed.as_nanos() as f64 / operations as f64);
        samples += 1;
    }
    Ok(best)
}
