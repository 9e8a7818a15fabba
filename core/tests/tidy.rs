//! The rules of this repository that a compiler does not check, run as a test.

use std::fs;
use std::path::{Path, PathBuf};

/// Core's modules in reading order: each uses only those before it.
const READING_ORDER: [&str; 25] = [
    "limits",
    "ids",
    "time",
    "version",
    "consistency",
    "names",
    "buffers",
    "hash",
    "distribution",
    "topology",
    "resp",
    "command",
    "dispatch",
    "config",
    "wire",
    "egress",
    "payload",
    "coalesce",
    "flight",
    "handoff",
    "store",
    "extension",
    "node",
    "io",
    "sim",
];
const LINES_MAX: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        let name = path
            .file_name()
            .expect("an entry has a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of the repository with its text.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    assert!(paths.len() > 100, "the walk found {} files", paths.len());
    let sources = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a source file is UTF-8");
        let name = path
            .strip_prefix(&root)
            .expect("it was found below the root");
        (name.to_string_lossy().into_owned(), text)
    });
    sources.collect()
}

/// The module of core that a file belongs to.
fn module(file: &str) -> Option<&str> {
    let inside = file.strip_prefix("core/src/")?;
    let module = inside.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module)).filter(|module| *module != "lib")
}

/// The modules that a file names as `crate::module`.
fn used(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn modules_of_core_use_only_those_before_them() {
    let place = |module: &str| READING_ORDER.iter().position(|known| *known == module);
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let Some(module) = module(&file) else {
            continue;
        };
        let own = place(module).unwrap_or_else(|| panic!("{module} has no place in the order"));
        if file.contains("/tests") {
            continue;
        }
        for other in used(&text) {
            if place(other).is_some_and(|other| other > own) {
                broken.push(format!("{file} uses {other}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_are_short_finished_and_speak_of_the_project_alone() {
    // Spelled so that this file does not find itself.
    let forbidden = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
        concat!("\"/", "work/"),
        concat!("/", "farm/"),
    ];
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{file} has {lines} lines, more than {LINES_MAX}"));
        }
        for word in forbidden {
            if text.contains(word) {
                broken.push(format!("{file} has {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn nothing_depends_on_the_server_and_core_on_nobody() {
    for (package, forbidden) in [
        ("core", &["ringlab-server", "ringlab-loadgen"][..]),
        ("loadgen", &["ringlab-server"]),
        ("bench", &["ringlab-server"]),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        for name in forbidden {
            assert!(!manifest.contains(name), "{package} depends on {name}");
        }
    }
}
