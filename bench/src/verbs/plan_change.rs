//! `ringlab plan-change OLD.yml NEW.yml`: which keys a planned change would move.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::change::{self, Asked};
use crate::exit::{Exit, Usage};
use crate::keys;
use crate::topology::{self, Pool};

const EXAMPLES: &str = "Example: ringlab plan-change now.yml next.yml --pool beta --keys keys.txt
  ringlab plan-change nutcracker.yml dynomite.yml --key-count 20000000 --mean-size 700
Exits with 3 when more moves than --max-moved allows.";

/// Tells which keys a planned change of a topology moves, from whom to whom, and whether they must
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// nutcracker.yml, dynomite.yml or ringd's file, as it is
    old: PathBuf,
    /// As it shall be; the other program's, another hash or distribution too
    new: PathBuf,
    /// The pool, where a file has several
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// The new file's pool, where it has another name
    #[arg(long, value_name = "NAME")]
    new_pool: Option<String>,
    /// Follows these keys too, one a line
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The keys are hex, not text
    #[arg(long, requires = "keys")]
    hex: bool,
    /// How many keys there are in all, for the bytes to copy; else those of --keys
    #[arg(long, value_name = "N")]
    key_count: Option<u64>,
    /// Bytes of a key with its value on average, for the bytes to copy
    #[arg(long, value_name = "BYTES")]
    mean_size: Option<u64>,
    /// Fails when more than this part of a rack's keys moves
    #[arg(long, value_name = "PERCENT")]
    max_moved: Option<f64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let old = pool(&self.old, self.pool.as_deref())?;
        let new = pool(&self.new, self.new_pool.as_deref().or(self.pool.as_deref()))?;
        let keys = self
            .keys
            .as_deref()
            .map(|path| keys::of_file(path, self.hex));
        let keys = keys.transpose()?;
        let asked = Asked {
            old: &old,
            new: &new,
            keys: keys.as_deref(),
            key_count: self.key_count,
            mean_bytes: self.mean_size,
        };
        let change = change::plan(&asked).map_err(Usage)?;
        let text = if self.json {
            serde_json::to_string_pretty(&change)? + "\n"
        } else {
            change.plain()
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .context("writing")?;
        let limit = self
            .max_moved
            .map_or(f64::INFINITY, |percent| percent / 100.0);
        if change.moved_most() > limit {
            return Ok(Exit::Regression);
        }
        Ok(Exit::Pass)
    }
}

/// A file's pool, its notes told; the only one whatever its name.
fn pool(path: &Path, name: Option<&str>) -> Result<Pool> {
    let file = topology::read(path)?;
    for note in &file.notes {
        eprintln!("note: {note}");
    }
    let name = name.filter(|_| file.pools.len() > 1);
    Ok(file.pool(name)?.clone())
}
