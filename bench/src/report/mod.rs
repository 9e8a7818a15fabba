//! Runs and what is made of them: one offline page, its Markdown twin, the index, the headline.

mod canvas;
pub(crate) mod comparison;
pub(crate) mod document;
mod host;
pub(crate) mod html;
mod index;
mod markdown;
mod plots;
mod run;
mod scatter;
mod summary;
pub(crate) mod table;
pub(crate) mod tables;
mod theme;
pub(crate) mod words;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

pub(crate) use host::{kind, text as machine_text};
pub(crate) use index::{splice, write as write_index};
pub(crate) use run::{About, Run, new_dir};
pub(crate) use summary::screen;

/// Makes a run's pages and plots from its data; gives the path of the page.
///
/// # Errors
/// A file can't be written.
pub(crate) fn render(run: &Run) -> Result<PathBuf> {
    let (of_load, of_choices) = (plots::of_load(run)?, plots::of_choices(&run.choices)?);
    let folder = run.dir.join("plots");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for plot in of_load.iter().chain(&of_choices) {
        let path = folder.join(format!("{}.svg", plot.name));
        fs::write(&path, theme::alone(&plot.svg)).with_context(|| path.display().to_string())?;
    }
    fs::write(
        run.dir.join("README.md"),
        markdown::page(run, &of_load, &of_choices),
    )?;
    let page = run.dir.join("report.html");
    fs::write(&page, html::page(run, &of_load, &of_choices))
        .with_context(|| page.display().to_string())?;
    Ok(page)
}
