//! The configuration: text, flags and environment in; a [`PoolConfig`] or every problem out.
//!
//! The file is Dynomite's: one pool's name on top, its keys below it. The keys stand in one table
//! ([`KEYS`]). Nothing is read from disk here: the caller brings the text.

mod check;
pub mod document;
mod keys;
mod parts;
mod pool;
mod special;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use keys::Key;
pub use parts::{Address, BucketType, LogFormat, LogLevel, SecureServers, Seed, Weight};
pub use pool::PoolConfig;
pub use table::KEYS;

use crate::names;
use document::{Entry, Node, Position, Value};
use keys::{Kind, Refusal};

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The table.
    Default,
    /// A file, its name as given.
    File {
        /// The file.
        name: Arc<str>,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
    },
    /// `--listen` or `RINGD_LISTEN`, as the user wrote it.
    Named(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// One thing to say about the configuration; shown as `dyn.yml:3:5: unknown key …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Everything that is wrong, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// A configuration that can be served, and what its author should know.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The settings.
    pub pool: PoolConfig,
    /// The keys that were set, each as it was written: what a reload compares.
    pub written: BTreeMap<&'static str, String>,
    /// What is accepted and means nothing here, or something else than it says.
    pub warnings: Vec<Problem>,
}

/// Takes settings from several places, later ones over earlier ones.
#[derive(Debug, Default)]
pub struct Reader {
    pool: PoolConfig,
    /// Where each key was set last, and to what.
    places: BTreeMap<&'static str, (Place, String)>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader {
    /// Only defaults so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the text of a configuration file; `name` is for the messages.
    pub fn file(&mut self, name: &str, text: &str) {
        let name: Arc<str> = name.into();
        let document = match document::parse(text) {
            Ok(document) => document,
            Err(malformed) => return self.error(place(&name, malformed.at), malformed.text),
        };
        let Value::Map(pools) = document.value else {
            let text = "the first line names the pool, such as 'dyn_o_mite:'; its keys stand below it, indented";
            return self.error(place(&name, document.at), text.to_owned());
        };
        if let Some(first) = pools
            .first()
            .filter(|first| Key::by_name(&first.key).is_some())
        {
            let text = format!(
                "'{}' stands where the pool's name should: write 'dyn_o_mite:' above and indent the keys",
                first.key
            );
            return self.error(place(&name, first.at), text);
        }
        let mut pools = pools.into_iter();
        if let Some(pool) = pools.next() {
            self.pool(&name, pool);
        }
        for extra in pools {
            self.error(
                place(&name, extra.at),
                format!("a second pool '{}'; a node serves one", extra.key),
            );
        }
    }

    fn pool(&mut self, file: &Arc<str>, pool: Entry) {
        self.pool.name = pool.key;
        let entries = match pool.node.value {
            Value::Map(entries) => entries,
            Value::Empty => Vec::new(),
            other => {
                let text = format!(
                    "the pool holds keys and their values, not {}",
                    other.shape()
                );
                return self.error(place(file, pool.node.at), text);
            }
        };
        let mut seen: BTreeMap<String, Position> = BTreeMap::new();
        for entry in entries {
            if let Some(first) = seen.insert(entry.key.clone(), entry.at) {
                let text = format!("'{}' stands already in line {}", entry.key, first.line);
                self.error(place(file, entry.at), text);
                continue;
            }
            self.entry(&entry.key, &entry.node, entry.at, &|at| place(file, at));
        }
    }

    /// Takes one key from a flag or a variable, `source` as the user wrote it. A list or map may be
    /// written `[a, b]`, or as words with spaces between them.
    pub fn set(&mut self, source: &str, key: &str, text: &str) {
        let named = || Place::Named(source.to_owned());
        let node = if text.starts_with(['[', '{']) && key != "hash_tag" {
            match document::parse(text) {
                Ok(node) => node,
                Err(malformed) => return self.error(named(), malformed.text),
            }
        } else {
            Node {
                at: Position::START,
                value: Value::Scalar(text.to_owned()),
            }
        };
        self.entry(key, &node, Position::START, &|_| named());
    }

    fn entry(&mut self, name: &str, node: &Node, at: Position, place: &dyn Fn(Position) -> Place) {
        let Some(key) = Key::by_name(name) else {
            let near = names::nearest(name, KEYS.iter().map(|key| key.name));
            let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            return self.error(place(at), format!("unknown key '{name}'{near}"));
        };
        if let Kind::Ignored(why) = key.kind {
            self.warn(place(at), format!("{name} means nothing here: {why}"));
        } else if let Kind::NotYet(why) = key.kind {
            self.error(place(at), format!("{name} is not supported yet: {why}"));
        } else if matches!(node.value, Value::Empty) && !key.takes_nothing() {
            self.error(place(at), format!("{name} has no value"));
        } else {
            match key.apply(&mut self.pool, node) {
                Ok(()) => {
                    let written = (place(at), node.value.to_string());
                    self.places.insert(key.name, written);
                }
                Err(Refusal { at, text }) => self.error(place(at), text),
            }
        }
    }

    /// The settings, once what they say together has been checked too.
    pub fn finish(mut self) -> Result<Configured, ConfigError> {
        if self.errors.is_empty() {
            check::together(&mut self);
        }
        if !self.errors.is_empty() {
            return Err(ConfigError(self.errors));
        }
        let places = self.places.into_iter();
        Ok(Configured {
            pool: self.pool,
            written: places.map(|(key, (_, text))| (key, text)).collect(),
            warnings: self.warnings,
        })
    }

    /// Where `key` was set.
    fn place_of(&self, key: &str) -> Place {
        let place = self.places.get(key).map(|(place, _)| place.clone());
        place.unwrap_or(Place::Default)
    }

    fn is_set(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    fn error(&mut self, place: Place, text: String) {
        self.errors.push(Problem { place, text });
    }

    fn warn(&mut self, place: Place, text: String) {
        self.warnings.push(Problem { place, text });
    }
}

fn place(file: &Arc<str>, at: Position) -> Place {
    Place::File {
        name: file.clone(),
        line: at.line,
        column: at.column,
    }
}
