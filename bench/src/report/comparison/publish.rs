//! Comparisons that are kept in the repository: `reports/hashes` and `reports/distributions`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{DATA, advise, read, render};
use crate::choices::data::Comparison;
use crate::report::run::{About, new_dir};

/// The two parts, each a folder of `reports`.
const PARTS: [&str; 2] = ["hashes", "distributions"];

/// Publishes a comparison's folder; gives the folders that came of it.
///
/// # Errors
/// It has nothing to publish, or a file can't be written.
pub(crate) fn publish(reports: &Path, from: &Path) -> Result<Vec<PathBuf>> {
    let whole = read(from)?;
    let mut made = Vec::new();
    for part in PARTS {
        let mut comparison = whole.clone();
        if part == "hashes" {
            comparison.distributions.clear();
            comparison.pairs.clear();
            comparison.loads = None;
        } else {
            comparison.hashes.clear();
        }
        if comparison.hashes.is_empty() && comparison.distributions.is_empty() {
            continue;
        }
        made.push(write(&reports.join(part), from, &comparison)?);
    }
    if made.is_empty() {
        bail!("{} has neither hashes nor distributions", from.display());
    }
    Ok(made)
}

fn write(folder: &Path, from: &Path, comparison: &Comparison) -> Result<PathBuf> {
    let origin = &comparison.origin;
    let about = About {
        schema_version: comparison.schema_version,
        when: origin.when.clone(),
        machine: origin.machine.clone(),
        revision: origin.revision.clone(),
        command: origin.command.clone(),
    };
    let dir = new_dir(folder, &about)?;
    // Without white space: nobody reads it by eye, and it is a tenth of the size.
    fs::write(dir.join(DATA), serde_json::to_string(comparison)? + "\n")?;
    let sheets: &[&str] = if comparison.hashes.is_empty() {
        &["distributions.csv", "pairs.csv", "loads.csv"]
    } else {
        &["hashes.csv"]
    };
    for name in sheets.iter().copied().chain(["machine.txt"]) {
        if from.join(name).is_file() {
            fs::copy(from.join(name), dir.join(name)).with_context(|| name.to_owned())?;
        }
    }
    render(&dir)?;
    Ok(dir)
}

/// Published comparisons as lines of an index in `reports`, the newest of each part first.
///
/// # Errors
/// A folder can't be read. A comparison that can't is told and left out.
pub(crate) fn listed(reports: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for part in PARTS {
        let found = found(reports, part)?;
        lines.extend(
            found
                .iter()
                .map(|(comparison, path)| line(comparison, path)),
        );
    }
    Ok(lines)
}

/// The newest of each part, as lines of the root's README.
///
/// # Errors
/// As of [`listed`].
pub(crate) fn newest(reports: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for part in PARTS {
        let found = found(reports, part)?;
        let newest = found.first();
        lines.extend(newest.map(|(comparison, path)| line(comparison, &format!("reports/{path}"))));
    }
    Ok(lines)
}

/// The comparisons of a part and their paths below `reports`, the newest first.
fn found(reports: &Path, part: &str) -> Result<Vec<(Comparison, String)>> {
    let folder = reports.join(part);
    let mut found: Vec<(Comparison, String)> = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let dir = entry?.path();
        if !dir.join(DATA).is_file() {
            continue;
        }
        match read(&dir) {
            Ok(comparison) => {
                let name = dir.file_name().unwrap_or_default().to_string_lossy();
                found.push((comparison, format!("{part}/{name}")));
            }
            Err(error) => eprintln!("left out: {}: {error:#}", dir.display()),
        }
    }
    found.sort_by(|a, b| b.0.origin.when.cmp(&a.0.origin.when));
    Ok(found)
}

fn line(comparison: &Comparison, path: &str) -> String {
    let verdicts = [advise::hash(comparison), advise::distribution(comparison)];
    let verdicts: Vec<String> = verdicts
        .into_iter()
        .flatten()
        .map(|advice| advice.verdict)
        .collect();
    format!("[{path}]({path}/README.md): {}", verdicts.join(" "))
}
