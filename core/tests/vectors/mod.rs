//! Reads the files of `golden/`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// The text of a file.
pub(crate) fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows after the header, as fields.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

pub(crate) fn key(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Collects wrong rows, so that a failure shows all of them.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) count: usize,
    wrong: String,
}

impl Checked {
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        row: &[&str],
        got: T,
        expected: T,
    ) {
        self.count += 1;
        if got != expected {
            let _ = writeln!(
                self.wrong,
                "{}: got {got:?}, expected {expected:?}",
                row.join(",")
            );
        }
    }

    #[track_caller]
    pub(crate) fn finish(self, count_min: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
        assert!(
            self.count >= count_min,
            "only {} rows were checked",
            self.count
        );
    }
}
