//! What was measured so far, in the folder of a comparison: one line a unit of work, written as
//! soon as it is done. A run that was interrupted goes on after the last whole line.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exit::Usage;

/// The file of the lines.
const UNITS: &str = "units.jsonl";
/// The file of what all lines depend on.
const FINGERPRINT: &str = "fingerprint.json";

/// What all units of a folder depend on, by name: figures under different ones are never mixed.
pub(crate) type Fingerprint = BTreeMap<String, String>;

/// The folder's lines.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    done: BTreeMap<String, Unit>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit {
    id: String,
    took_s: f64,
    result: Value,
}

impl Journal {
    /// Opens the folder, which may be new.
    ///
    /// # Errors
    /// The folder is of another comparison, or can't be written.
    pub(crate) fn open(dir: &Path, fingerprint: &Fingerprint) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let path = dir.join(FINGERPRINT);
        match fs::read(&path) {
            Ok(bytes) => {
                let before = serde_json::from_slice(&bytes);
                must_equal(
                    dir,
                    fingerprint,
                    &before.with_context(|| path.display().to_string())?,
                )?;
            }
            Err(_) => {
                let mut entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
                if entries.next().is_some() {
                    let dir = dir.display();
                    let text = format!("{dir} holds something else; choose a new or empty --out");
                    return Err(Usage(text).into());
                }
                fs::write(&path, serde_json::to_string_pretty(fingerprint)? + "\n")?;
            }
        }
        let path = dir.join(UNITS);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let (done, whole) = units(&text);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        // A line that was cut off in the middle of its writing is measured again.
        file.set_len(whole as u64)?;
        Ok(Self { file, done })
    }

    /// Whether that unit is done.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.done.contains_key(id)
    }

    /// What that unit came to; none while it is not done.
    ///
    /// # Errors
    /// The line has another form.
    pub(crate) fn read<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>> {
        let unit = self.done.get(id);
        unit.map(|unit| T::deserialize(&unit.result))
            .transpose()
            .with_context(|| format!("{UNITS}: {id}"))
    }

    /// Writes down what a unit came to.
    ///
    /// # Errors
    /// The file can't be written.
    pub(crate) fn write(&mut self, id: &str, took_s: f64, result: Value) -> Result<()> {
        let unit = Unit {
            id: id.to_owned(),
            took_s,
            result,
        };
        let line = serde_json::to_string(&unit)? + "\n";
        self.file.write_all(line.as_bytes()).context(UNITS)?;
        self.done.insert(unit.id.clone(), unit);
        Ok(())
    }

    /// Seconds that the units took.
    pub(crate) fn took_s(&self) -> f64 {
        self.done.values().map(|unit| unit.took_s).sum()
    }
}

/// The whole lines, and how many bytes they are.
fn units(text: &str) -> (BTreeMap<String, Unit>, usize) {
    let mut done = BTreeMap::new();
    let mut whole = 0;
    for line in text.split_inclusive('\n') {
        let Some(unit) = line.strip_suffix('\n').map(serde_json::from_str::<Unit>) else {
            break;
        };
        let Ok(unit) = unit else {
            break;
        };
        whole += line.len();
        done.insert(unit.id.clone(), unit);
    }
    (done, whole)
}

fn must_equal(dir: &Path, now: &Fingerprint, before: &Fingerprint) -> Result<()> {
    let names = now.keys().chain(before.keys());
    let mut differing: Vec<String> = names
        .filter(|name| now.get(*name) != before.get(*name))
        .map(|name| {
            let of = |all: &Fingerprint| all.get(name).cloned().unwrap_or_else(|| "none".into());
            format!("  {name}: there {}, now {}", of(before), of(now))
        })
        .collect();
    differing.sort();
    differing.dedup();
    if differing.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} holds a comparison that can't be gone on with:\n{}\nChoose another --out, or repeat \
         the command in its file 'command'",
        dir.display(),
        differing.join("\n")
    );
    Err(Usage(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(keys: &str) -> Fingerprint {
        Fingerprint::from([("keys".to_owned(), keys.to_owned())])
    }

    #[test]
    fn a_cut_line_is_done_again_and_the_rest_is_kept() {
        let dir = std::env::temp_dir().join(format!("ringlab-journal-{}", std::process::id()));
        fs::remove_dir_all(&dir).ok();
        let mut journal = Journal::open(&dir, &fingerprint("a")).expect("a new folder");
        journal.write("one", 1.5, Value::from(1)).expect("written");
        journal.write("two", 1.0, Value::from(2)).expect("written");
        drop(journal);
        let path = dir.join(UNITS);
        let text = fs::read_to_string(&path).expect("written above");
        for cut in 1..text.len() {
            fs::write(&path, &text[..cut]).expect("writable");
            let mut journal = Journal::open(&dir, &fingerprint("a")).expect("the same");
            let first = text.find('\n').expect("two lines");
            assert_eq!(journal.has("one"), cut > first, "{cut}");
            assert!(!journal.has("two"), "{cut}");
            journal.write("two", 1.0, Value::from(3)).expect("written");
            drop(journal);
            let journal = Journal::open(&dir, &fingerprint("a")).expect("the same");
            assert_eq!(
                journal.read::<u32>("two").expect("a number"),
                Some(3),
                "{cut}"
            );
        }
        let error = Journal::open(&dir, &fingerprint("b")).expect_err("of other keys");
        assert!(error.is::<Usage>());
        assert!(
            error.to_string().contains("keys: there a, now b"),
            "{error}"
        );
        fs::remove_dir_all(&dir).expect("made above");
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let dir = std::env::temp_dir().join(format!("ringlab-foreign-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a temporary folder");
        fs::write(dir.join("thesis.txt"), "mine").expect("writable");
        let error = Journal::open(&dir, &fingerprint("a")).expect_err("not ours");
        assert!(
            error.to_string().contains("holds something else"),
            "{error}"
        );
        assert_eq!(fs::read_dir(&dir).expect("a folder").count(), 1);
        fs::remove_dir_all(&dir).expect("made above");
    }
}
