//! What both kinds of files share: pools of keys, problems and notes with their places.

use ringlab_core::config::document::{self, Entry, Node, Position, Value};
use ringlab_core::distribution::DistributionKind;
use ringlab_core::names;

use super::Note;

/// A file that is being read.
#[derive(Debug)]
pub(super) struct File {
    name: String,
    problems: Vec<Note>,
    notes: Vec<Note>,
}

/// A key's text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) at: Position,
    pub(super) text: String,
}

impl File {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something without which no key can be placed.
    pub(super) fn problem(&mut self, at: Position, text: impl Into<String>) {
        let note = self.note_at(at, text.into());
        self.problems.push(note);
    }

    /// Something to know.
    pub(super) fn note(&mut self, at: Position, text: impl Into<String>) {
        let note = self.note_at(at, text.into());
        self.notes.push(note);
    }

    fn note_at(&self, at: Position, text: String) -> Note {
        Note {
            place: format!("{}:{}:{}", self.name, at.line, at.column),
            text,
        }
    }

    /// The notes, or all problems as one text.
    pub(super) fn finish(self) -> Result<Vec<Note>, String> {
        if self.problems.is_empty() {
            return Ok(self.notes);
        }
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        Err(lines.join("\n"))
    }

    /// The pools of the text: names on top, keys below them.
    pub(super) fn pools(&mut self, text: &str) -> Vec<Entry> {
        let document = match document::parse(text) {
            Ok(document) => document,
            Err(malformed) => {
                self.problem(malformed.at, format!("not YAML: {}", malformed.text));
                return Vec::new();
            }
        };
        let pools = match document.value {
            Value::Map(pools) if !pools.is_empty() => pools,
            other => {
                let text = format!(
                    "a pool's name stands on top, such as 'beta:', its keys below it, indented; here is {}",
                    other.shape()
                );
                self.problem(document.at, text);
                return Vec::new();
            }
        };
        for (index, pool) in pools.iter().enumerate() {
            if !matches!(pool.node.value, Value::Map(_)) {
                let text = format!(
                    "the pool '{0}' has no keys: if '{0}' is a key, write a pool's name such as \
                     'beta:' above and indent what is below it",
                    pool.key
                );
                self.problem(pool.at, text);
            }
            self.refuse_double(&pools[..index], pool);
        }
        pools
    }

    /// The keys of a pool, each once.
    pub(super) fn keys(&mut self, pool: Entry) -> Vec<Entry> {
        let Value::Map(entries) = pool.node.value else {
            return Vec::new();
        };
        for (index, entry) in entries.iter().enumerate() {
            self.refuse_double(&entries[..index], entry);
        }
        entries
    }

    fn refuse_double(&mut self, before: &[Entry], entry: &Entry) {
        if let Some(first) = before.iter().find(|first| first.key == entry.key) {
            let text = format!(
                "'{}' stands already in line {}; keep one of them",
                entry.key, first.at.line
            );
            self.problem(entry.at, text);
        }
    }

    /// The single value of a key; none, with a problem, when it is something else.
    pub(super) fn word(&mut self, entry: &Entry) -> Option<Word> {
        if let Value::Scalar(text) = &entry.node.value {
            return Some(Word {
                at: entry.node.at,
                text: text.trim().to_owned(),
            });
        }
        let shape = entry.node.value.shape();
        let text = format!("{} takes a single value, not {shape}", entry.key);
        self.problem(entry.at, text);
        None
    }

    /// The items of a list of single values, or a single value as a list of one.
    pub(super) fn words(&mut self, entry: &Entry) -> Vec<Word> {
        let single = [entry.node.clone()];
        let items: &[Node] = match &entry.node.value {
            Value::Empty => &[],
            Value::List(items) => items,
            _ => &single,
        };
        let mut words = Vec::new();
        for item in items {
            if let Value::Scalar(text) = &item.value {
                words.push(Word {
                    at: item.at,
                    text: text.trim().to_owned(),
                });
            } else {
                let shape = item.value.shape();
                let text = format!(
                    "{} takes a list of single values; this one is {shape}",
                    entry.key
                );
                self.problem(item.at, text);
            }
        }
        words
    }

    /// A key that nobody knows: passed over, unless it looks like one that places keys.
    pub(super) fn unknown(&mut self, entry: &Entry, placing: &[&str]) {
        let key = &entry.key;
        match names::nearest(key, placing.iter().copied()) {
            Some(near) => self.problem(
                entry.at,
                format!("unknown key '{key}': did you mean '{near}'? If not, leave it out"),
            ),
            None => self.note(entry.at, format!("unknown key '{key}', passed over")),
        }
    }

    /// The two characters of a hash tag.
    pub(super) fn hash_tag(&mut self, entry: &Entry) -> Option<[u8; 2]> {
        let word = self.word(entry)?;
        match *word.text.as_bytes() {
            [open, close] => return Some([open, close]),
            [] => {}
            _ => {
                let text = format!(
                    "hash_tag is two characters, such as \"{{}}\", not '{}'",
                    word.text
                );
                self.problem(word.at, text);
            }
        }
        None
    }

    /// A distribution by its name, in any case.
    pub(super) fn distribution(&mut self, entry: &Entry) -> Option<DistributionKind> {
        let word = self.word(entry)?;
        let kind = DistributionKind::by_name(&word.text.to_ascii_lowercase());
        self.taken(word.at, kind)
    }

    /// The value, or its error as a problem.
    pub(super) fn taken<T, E: ToString>(
        &mut self,
        at: Position,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(at, error.to_string());
                None
            }
        }
    }
}
