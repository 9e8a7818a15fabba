//! The committed runs: their pages can be made anew from their data, need nothing from elsewhere,
//! are small, and the indices name them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of a run, raw data included.
const RUN_BYTES_MAX: u64 = 1_500_000;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The committed runs; others lie around on machines where the demo was run.
fn runs() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "reports/runs/*/run.json"])
        .current_dir(root())
        .output()
        .expect("git");
    let listed = String::from_utf8(listed.stdout).expect("names");
    let folder = |line: &str| root().join(line).parent().expect("a folder").to_owned();
    let runs: Vec<PathBuf> = listed.lines().map(folder).collect();
    assert!(!runs.is_empty(), "no run is committed");
    runs
}

fn name(run: &Path) -> String {
    let name = run.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

/// The files of a folder, those of its folders too.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn pages_are_made_anew_from_data_alone() {
    for run in runs() {
        let copy =
            std::env::temp_dir().join(format!("ringlab-{}-{}", name(&run), std::process::id()));
        for file in files(&run) {
            let inside = file.strip_prefix(&run).expect("a file of the run");
            let is_page = file.ends_with("report.html") || file.ends_with("README.md");
            if !is_page && !inside.starts_with("plots") {
                let to = copy.join(inside);
                fs::create_dir_all(to.parent().expect("a folder")).expect("a new folder");
                fs::copy(&file, to).expect("copied");
            }
        }
        let made = Command::new(env!("CARGO_BIN_EXE_ringlab"))
            .arg("report")
            .arg(&copy)
            .current_dir(root())
            .output()
            .expect("ringlab");
        let words = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{}: {words}", name(&run));
        for page in ["report.html", "README.md"] {
            assert!(copy.join(page).is_file(), "{}: no {page}", name(&run));
        }
        let plots = files(&copy.join("plots")).len();
        fs::remove_dir_all(&copy).expect("made above");
        assert!(plots >= 8, "{plots} plots");
    }
}

#[test]
fn a_page_is_whole_follows_light_and_dark_and_asks_for_nothing() {
    for run in runs() {
        let page = fs::read_to_string(run.join("report.html")).expect("a page");
        for outside in ["<script", "<link", "src=", "@import", "url(", "href=\"http"] {
            assert!(!page.contains(outside), "{}: {outside}", name(&run));
        }
        for wanted in [
            "prefers-color-scheme:dark",
            "width=device-width",
            "<svg",
            "var(--ink)",
        ] {
            assert!(page.contains(wanted), "{}: no {wanted}", name(&run));
        }
        let bytes: u64 = files(&run)
            .iter()
            .map(|file| file.metadata().expect("a file").len())
            .sum();
        assert!(bytes < RUN_BYTES_MAX, "{}: {bytes} bytes", name(&run));
    }
}

#[test]
fn indices_name_the_runs_and_the_headline_is_the_newest_ones() {
    let index = fs::read_to_string(root().join("reports/README.md")).expect("the index");
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    for run in runs() {
        assert!(
            index.contains(&name(&run)),
            "the index lacks {}",
            name(&run)
        );
    }
    let names: Vec<String> = runs().iter().map(|run| name(run)).collect();
    assert!(
        names.iter().any(|name| readme.contains(name.as_str())),
        "README.md's headline is of no committed run: cargo lab report --readme"
    );
}
