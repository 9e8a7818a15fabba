//! The pages of a comparison of hashes and distributions, made from `comparison.json` alone.

mod advise;
mod figures;
mod page;
mod plots;
mod publish;
mod tables;
mod yours;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(crate) use publish::{listed, newest, publish};

use super::document;
use crate::choices::data::{Comparison, SCHEMA_VERSION};

/// The data in a comparison's folder.
pub(crate) const DATA: &str = "comparison.json";

/// Reads a comparison's folder.
///
/// # Errors
/// There is none, or it is of another schema.
pub(crate) fn read(dir: &Path) -> Result<Comparison> {
    let comparison: Comparison = super::run::from_json(&dir.join(DATA))?;
    if comparison.schema_version != SCHEMA_VERSION {
        bail!(
            "{}: schema {} where this version reads {SCHEMA_VERSION}: measure it again",
            dir.display(),
            comparison.schema_version
        );
    }
    Ok(comparison)
}

/// Makes the pages of a comparison's folder; gives the page to open.
///
/// # Errors
/// The data can't be read, or a file can't be written.
pub(crate) fn render(dir: &Path) -> Result<PathBuf> {
    let comparison = read(dir)?;
    let machine = std::fs::read_to_string(dir.join("machine.txt")).unwrap_or_default();
    let page = page::of(&comparison, &machine, &files(dir)?)?;
    document::write(&page, dir).with_context(|| dir.display().to_string())?;
    Ok(dir.join("report.html"))
}

/// Raw data that lies beside the page.
fn files(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".csv") || name == DATA || name == "machine.txt" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
