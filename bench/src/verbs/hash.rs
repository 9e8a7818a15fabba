//! `ringlab hash NAME`: keys in, their hashes out.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};
use ringlab_core::hash::{HashKind, tag_range};

use crate::exit::{Exit, Usage};
use crate::keys::{self, Spelling};
use crate::topology;

/// Hashes the keys on standard input, one value a line
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: printf '6b6579\\n\\n' | ringlab hash murmur")]
pub(crate) struct Args {
    /// The hash, as the configuration names it
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Keys are text, not hex
    #[arg(long)]
    text: bool,
    /// The name means what twemproxy means by it (fnv* and hsieh differ on bytes above 127)
    #[arg(long)]
    twemproxy: bool,
    /// Two characters, such as {}: of a key with both, the part between them alone is hashed
    #[arg(long, value_name = "CHARS")]
    hash_tag: Option<String>,
    /// Lists the hashes, their widths in bits and what they are
    #[arg(long)]
    list: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Exit> {
        let mut out = BufWriter::new(io::stdout().lock());
        if self.list {
            for kind in HashKind::all() {
                writeln!(
                    out,
                    "{:<19} {:>2}  {}",
                    kind.name(),
                    kind.bits(),
                    kind.about()
                )?;
            }
        }
        if let Some(name) = self.name {
            let kind = if self.twemproxy {
                topology::hash_by_name(&name).map_err(Usage)?
            } else {
                HashKind::by_name(&name).map_err(|error| Usage(error.to_string()))?
            };
            let hash_tag = match self.hash_tag.as_deref().map(str::as_bytes) {
                None => None,
                Some(&[open, close]) => Some([open, close]),
                Some(_) => return Err(Usage("--hash-tag takes two characters".into()).into()),
            };
            let spelling = if self.text {
                Spelling::Text
            } else {
                Spelling::Hex
            };
            keys::for_each(io::stdin().lock(), spelling, |key| {
                writeln!(out, "{}", kind.hash(tag_range(key, hash_tag))).context("writing")
            })?;
        }
        out.flush()?;
        Ok(Exit::Pass)
    }
}
