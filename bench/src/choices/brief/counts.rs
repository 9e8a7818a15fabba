//! Instructions of the cases, by the exact instruments, where these are installed.

use anyhow::{Result, bail};

use super::Cost;
use crate::instruments::{Built, Tree};
use crate::machine::Fingerprint;
use crate::workspace::Workspace;

/// What is counted: parts of ids.
const FILTERS: [&str; 2] = ["hash/", "distribution/"];

/// Adds the counts to the costs.
///
/// # Errors
/// A tool is missing or fails; then nothing is added.
pub(crate) fn add(workspace: &Workspace, costs: &mut [Cost]) -> Result<()> {
    Fingerprint::of(&workspace.root)?;
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let tree = Tree {
        target: target.map_or_else(|| workspace.root.join("target"), Into::into),
        dir: workspace.root.clone(),
    };
    let instruments = match tree.build(&[])? {
        Built::Ready(instruments) => instruments,
        Built::Failed(words) => bail!("the instruments do not compile:\n{words}"),
    };
    let home = workspace
        .lab()
        .join(format!("compare-{}", std::process::id()));
    let counted = FILTERS.map(|filter| instruments.count(filter, &home));
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    for counts in counted {
        for (id, count) in counts? {
            if let Some(cost) = costs.iter_mut().find(|cost| cost.id == id) {
                cost.instructions = Some(count.instructions_each());
            }
        }
    }
    Ok(())
}
