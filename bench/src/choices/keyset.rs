//! The keys of a comparison: lines of a file, or those of a generator.

mod generator;

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) use generator::LANGUAGE;

use super::data::KeysAbout;
use crate::exit::Usage;
use crate::keys::{self, Spelling};

/// Keys that differ, in the order in which they first came, and how often each came.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// The generator or the file, as it was asked for.
    pub(crate) source: String,
    bytes: Vec<u8>,
    /// Where each key ends in `bytes`.
    ends: Vec<usize>,
    /// By key.
    pub(crate) accesses: Vec<u32>,
}

impl KeySet {
    /// A file of that name, else the keys of that generator.
    ///
    /// # Errors
    /// Neither, with the list of generators; a file without a line.
    pub(crate) fn of(source: &str) -> Result<Self> {
        let path = Path::new(source);
        let mut collector = Collector::default();
        if path.is_file() {
            let file = File::open(path).with_context(|| source.to_owned())?;
            keys::for_each(BufReader::new(file), Spelling::Text, |key| {
                collector.add(key);
                Ok(())
            })
            .with_context(|| source.to_owned())?;
        } else {
            generator::each(source, |key| collector.add(key)).map_err(|why| {
                let text = format!("--keys '{source}' is no file, and {why}\n\n{LANGUAGE}");
                Usage(text)
            })?;
        }
        if collector.keys.ends.is_empty() {
            return Err(Usage(format!("--keys {source}: no key in it")).into());
        }
        source.clone_into(&mut collector.keys.source);
        Ok(collector.keys)
    }

    /// How many keys differ.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The keys in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends
            .iter()
            .map(move |end| &self.bytes[std::mem::replace(&mut start, *end)..*end])
    }

    /// All accesses.
    pub(crate) fn accesses_sum(&self) -> u64 {
        self.accesses.iter().map(|count| u64::from(*count)).sum()
    }

    /// What reports say of them.
    pub(crate) fn about(&self) -> KeysAbout {
        let lengths = || self.iter().map(<[u8]>::len);
        let accesses = self.accesses_sum();
        let hottest = self.accesses.iter().max().copied().unwrap_or(0);
        KeysAbout {
            source: self.source.clone(),
            accesses,
            distinct: self.len(),
            bytes_min: lengths().min().unwrap_or(0),
            bytes_mean: lengths().sum::<usize>() as f64 / self.len() as f64,
            bytes_max: lengths().max().unwrap_or(0),
            hottest_share: f64::from(hottest) / accesses as f64,
            examples: self.iter().take(3).map(shown).collect(),
        }
    }

    /// A number that changes with any key or count (FNV-1a over all of it).
    pub(crate) fn digest(&self) -> u64 {
        let counts = self.accesses.iter().flat_map(|count| count.to_le_bytes());
        let ends = self.ends.iter().flat_map(|end| end.to_le_bytes());
        fold(self.bytes.iter().copied().chain(ends).chain(counts))
    }
}

/// 64-bit FNV-1a, for telling files apart.
pub(crate) fn fold(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn shown(key: &[u8]) -> String {
    const BYTES_MAX: usize = 60;
    let text = key[..key.len().min(BYTES_MAX)].escape_ascii().to_string();
    if key.len() > BYTES_MAX {
        text + "…"
    } else {
        text
    }
}

#[derive(Default)]
struct Collector {
    keys: KeySet,
    seen: HashMap<Box<[u8]>, u32>,
}

impl Collector {
    fn add(&mut self, key: &[u8]) {
        if let Some(index) = self.seen.get(key) {
            let count = &mut self.keys.accesses[*index as usize];
            *count = count.saturating_add(1);
            return;
        }
        self.seen.insert(key.into(), self.keys.ends.len() as u32);
        self.keys.bytes.extend_from_slice(key);
        self.keys.ends.push(self.keys.bytes.len());
        self.keys.accesses.push(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_lines_and_counts_those_that_come_again() {
        let path = std::env::temp_dir().join(format!("ringlab-keys-{}", std::process::id()));
        std::fs::write(&path, b"b\na\n\xff\x00\nb\r\nb\n").expect("a temporary file");
        let keys = KeySet::of(path.to_str().expect("a plain path")).expect("keys");
        std::fs::remove_file(&path).expect("written above");
        let list: Vec<&[u8]> = keys.iter().collect();
        assert_eq!(list, [&b"b"[..], b"a", b"\xff\x00"]);
        assert_eq!(keys.accesses, [3, 1, 1]);
        let about = keys.about();
        assert_eq!((about.accesses, about.distinct), (5, 3));
        assert!((about.hottest_share - 0.6).abs() < 1e-9);
        assert_eq!(about.examples[2], "\\xff\\x00");
    }

    #[test]
    fn what_is_neither_file_nor_generator_is_told_the_generators() {
        for (source, why) in [
            ("absent.txt", "no generator is called 'absent.txt'"),
            ("uuid@0", "'0' is not a number of keys from 1 to 100000000"),
            ("sequential:x", "'x' is not a number of keys"),
            ("random:9-3", "'9-3' is not MIN-MAX"),
            ("user:%05q", "a template has one %d or %x"),
            ("zipf:-1", "'-1' is not an exponent"),
        ] {
            let error = KeySet::of(source).expect_err(source);
            assert!(error.is::<Usage>(), "{source}");
            let text = error.to_string();
            assert!(text.contains(why), "{source}: {text}");
            assert!(text.contains("sequential"), "{source}: {text}");
        }
    }

    #[test]
    fn the_digest_sees_a_moved_boundary() {
        let of = |lines: &[&[u8]]| {
            let mut collector = Collector::default();
            lines.iter().for_each(|line| collector.add(line));
            collector.keys.digest()
        };
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"a", b"b"]), of(&[b"a", b"b", b"b"]));
        assert_eq!(of(&[b"a", b"b"]), of(&[b"a", b"b"]));
    }
}
