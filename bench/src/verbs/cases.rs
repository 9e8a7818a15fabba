//! `ringlab cases`: what can be measured.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use ringlab::suites::SUITES;

use crate::exit::Exit;

/// Lists the suites, the question each answers, and their cases
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringlab cases node")]
pub(crate) struct Args {
    /// Only ids that contain this
    #[arg(default_value = "")]
    filter: String,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let mut out = BufWriter::new(io::stdout().lock());
        for suite in SUITES {
            let mut cases = (suite.cases)();
            cases.retain(|case| case.id.contains(&self.filter));
            if cases.is_empty() {
                continue;
            }
            writeln!(out, "{}: {}", suite.name, suite.question)?;
            for case in cases {
                writeln!(out, "  {}", case.id)?;
            }
        }
        out.flush()?;
        Ok(Exit::Pass)
    }
}
