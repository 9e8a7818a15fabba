//! `ringlab compare`: what each hash and each distribution costs and brings, side by side.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ringlab_core::limits::PEERS_MAX;

use crate::choices::{self, Asked, Given, Noun, Setting, keyset};
use crate::exit::{Exit, Usage};
use crate::moment;
use crate::report::{self, About, comparison as comparison_pages};
use crate::workspace::Workspace;

/// Where a comparison goes when nothing is said, below the workspace's root.
const OUT: &str = "reports/comparisons";

/// Compares hashes and distributions: time, instructions, balance and movement
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// What is compared
    #[arg(value_enum, default_value = "all")]
    noun: Noun,
    /// A file of keys, or a generator: see below
    #[arg(long, value_name = "FILE|GENERATOR", default_value = "user:%07d")]
    keys: String,
    /// A nutcracker.yml, dynomite.yml or file of ringd, whose rings are compared beside others
    #[arg(long, value_name = "FILE.yml")]
    topology: Option<PathBuf>,
    /// The pool of the topology file, where it has several
    #[arg(long, value_name = "NAME", requires = "topology")]
    pool: Option<String>,
    /// Peers of the rings that are made up
    #[arg(long, value_delimiter = ',', default_values_t = [8, 32, 128, 1024])]
    peers: Vec<usize>,
    /// The hash under which distributions are compared [default: murmur]
    #[arg(long)]
    hash: Option<String>,
    /// Puts the best by this figure first; an unknown one lists them
    #[arg(long, value_name = "METRIC")]
    sort: Option<String>,
    /// Folder of the results; one with a part of them is gone on with [default: a new one in
    /// reports/comparisons]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Does not count instructions
    #[arg(long)]
    no_instructions: bool,
    /// Starts no servers
    #[arg(long)]
    no_load: bool,
    /// The objective of the loaded rings: 99% of the responses within so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5.0)]
    p99_ms: f64,
    /// Takes ringd and ringload from this folder instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Also copies the pages to reports/hashes and reports/distributions and lists them there
    #[arg(long)]
    publish: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Runs the cases of a list, to be counted by valgrind: how the program starts itself
    #[arg(long, hide = true, value_name = "LIST")]
    counted: Option<PathBuf>,
}

fn after_help() -> String {
    format!(
        "{}\n\nExample: cargo lab compare distributions --keys keys.txt --peers 10,20 --sort peak",
        keyset::LANGUAGE
    )
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        if let Some(list) = &self.counted {
            choices::count_work(list)?;
            return Ok(Exit::Pass);
        }
        self.check()?;
        let setting = Setting::of(self.asked()?)?;
        let dir = match &self.out {
            Some(dir) => dir.clone(),
            None => new_dir(&self.command())?,
        };
        let comparison = choices::run(&setting, &dir, &self.command())?;
        let page = comparison_pages::render(&dir)?;
        if self.publish {
            publish(&dir)?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&comparison)?);
            return Ok(Exit::Pass);
        }
        for (heading, table) in choices::tables(&comparison, self.sort.as_deref()) {
            println!("{heading}\n{}\n", table.plain());
        }
        println!("{}", page.display());
        Ok(Exit::Pass)
    }

    fn check(&self) -> Result<(), Usage> {
        if let Some(metric) = &self.sort {
            let metrics = choices::metrics();
            if !metrics.contains(metric) {
                let text = format!(
                    "--sort '{metric}' is no metric; they are: {}",
                    metrics.join(", ")
                );
                return Err(Usage(text));
            }
        }
        if let Some(peers) = self
            .peers
            .iter()
            .find(|peers| !(1..=PEERS_MAX).contains(*peers))
        {
            return Err(Usage(format!(
                "--peers {peers}: a rack has 1 to {PEERS_MAX} peers"
            )));
        }
        if !(0.01..=10_000.0).contains(&self.p99_ms) {
            return Err(Usage("--p99-ms must be 0.01 to 10000".into()));
        }
        Ok(())
    }

    fn asked(&self) -> Result<Asked> {
        let mut peers = self.peers.clone();
        peers.sort_unstable();
        peers.dedup();
        let given = self.topology.as_ref();
        let given = given.map(|path| Given::read(path, self.pool.as_deref()));
        Ok(Asked {
            noun: self.noun,
            keys: self.keys.clone(),
            peers,
            given: given.transpose()?,
            count: !self.no_instructions,
            load: !self.no_load,
            objective_p99_ms: self.p99_ms,
            hash: self.hash.clone(),
            programs: self.programs.clone(),
        })
    }

    /// The command that repeats the comparison.
    fn command(&self) -> String {
        let peers: Vec<String> = self.peers.iter().map(ToString::to_string).collect();
        let mut command = format!(
            "cargo lab compare {} --keys '{}' --peers {}",
            self.noun.name(),
            self.keys,
            peers.join(",")
        );
        if let Some(hash) = &self.hash {
            command += &format!(" --hash {hash}");
        }
        if let Some(path) = &self.topology {
            command += &format!(" --topology '{}'", path.display());
        }
        if let Some(pool) = &self.pool {
            command += &format!(" --pool '{pool}'");
        }
        if self.no_instructions {
            command += " --no-instructions";
        }
        if self.no_load {
            command += " --no-load";
        }
        command
    }
}

/// Puts the pages where they can be committed, and into the index.
fn publish(dir: &Path) -> Result<()> {
    let workspace = Workspace::find()?;
    let reports = workspace.root.join("reports");
    for made in comparison_pages::publish(&reports, dir)? {
        eprintln!("published: {}", made.display());
    }
    let index = report::write_index(&reports)?;
    eprintln!("listed in {}", index.display());
    report::splice(&workspace)
}

/// A new folder of this workspace.
fn new_dir(command: &str) -> Result<PathBuf> {
    let about = About {
        schema_version: 1,
        when: moment::stamp(),
        machine: report::kind(),
        revision: String::new(),
        command: command.to_owned(),
    };
    report::new_dir(&Workspace::find()?.root.join(OUT), &about)
}
