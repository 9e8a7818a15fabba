//! What a key may take and how its text becomes a setting.

use super::document::{Node, Position, Value};
use super::parts::{self, Address, BucketType};
use super::pool::PoolConfig;
use super::special;
use super::table::KEYS;
use crate::consistency::Consistency;

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file; the flag has dashes, the environment capitals and `RINGD_`.
    pub name: &'static str,
    /// The value when it is absent, as it would be written.
    pub default: &'static str,
    /// One line on what it is for.
    pub about: &'static str,
    /// What it takes and where that goes.
    pub(super) kind: Kind,
}

/// What a key takes. A field is named by the function that finds it in a [`PoolConfig`].
#[derive(Debug)]
pub(super) enum Kind {
    /// `host:port`.
    Address(Field<Address>),
    /// `host:port`, or `off` or nothing for none.
    AddressOrOff(Field<Option<Address>>),
    /// Any text.
    Text(Field<String>),
    /// True or false.
    Switch(Field<bool>),
    /// A count of at least `min`. For a `min` above 0, a 0 means the default, as in Dynomite.
    Count { field: Field<u64>, min: u64 },
    /// A size in bytes, with Redis' suffixes.
    Bytes { field: Field<u64>, min: u64 },
    /// A time, held in ms; a bare number counts in `unit_ms`. 0 as for `Count`.
    Time {
        field: Field<u64>,
        unit_ms: u64,
        min_ms: u64,
    },
    /// A consistency level.
    Level(Field<Consistency>),
    /// One word or number, read by a function of its own.
    Word(
        &'static str,
        fn(&mut PoolConfig, &str) -> Result<(), String>,
    ),
    /// Several words.
    Words(&'static str, TakeWords),
    /// The bucket types.
    Buckets(Field<Vec<BucketType>>),
    /// Only these values so far; the reason is added to the refusal of any other.
    Only(&'static [&'static str], &'static str),
    /// Accepted, with one warning that it means nothing here and why.
    Ignored(&'static str),
    /// Refused: ignoring it would be dangerous.
    NotYet(&'static str),
}

type Field<T> = fn(&mut PoolConfig) -> &mut T;
type TakeWords = fn(&mut PoolConfig, &[(Position, String)]) -> Result<(), Refusal>;

/// A value that is not taken, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Where.
    pub(super) at: Position,
    /// Why.
    pub(super) text: String,
}

impl Key {
    /// The row of that name; `tls_*` stands for all names that begin so.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| match key.name.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => key.name == name,
        })
    }

    /// Whether it may stand on the command line: it does something.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        !matches!(self.kind, Kind::Ignored(_) | Kind::NotYet(_))
    }

    /// Whether `key:` with nothing behind it is as good as its absence.
    pub(super) const fn takes_nothing(&self) -> bool {
        matches!(
            self.kind,
            Kind::AddressOrOff(_) | Kind::Words(..) | Kind::Buckets(_)
        )
    }

    /// What it takes, in one word for the help.
    #[must_use]
    pub const fn value_name(&self) -> &'static str {
        match self.kind {
            Kind::Address(_) | Kind::AddressOrOff(_) => "HOST:PORT",
            Kind::Switch(_) => "BOOL",
            Kind::Count { .. } => "N",
            Kind::Bytes { .. } => "BYTES",
            Kind::Time { unit_ms: 1, .. } => "MS",
            Kind::Time { .. } => "SECONDS",
            Kind::Level(_) => "LEVEL",
            Kind::Word(name, _) | Kind::Words(name, _) => name,
            Kind::Buckets(_) => "LIST",
            _ => "VALUE",
        }
    }

    /// Takes the value into `pool`.
    pub(super) fn apply(&self, pool: &mut PoolConfig, node: &Node) -> Result<(), Refusal> {
        let refuse = |text| Refusal { at: node.at, text };
        match &self.kind {
            Kind::Ignored(_) | Kind::NotYet(_) => Ok(()),
            Kind::Words(_, set) => set(pool, &words(node)?),
            Kind::Buckets(_) if matches!(node.value, Value::Empty) => Ok(()),
            Kind::Buckets(field) => {
                *field(pool) = special::bucket_types(node)?;
                Ok(())
            }
            Kind::AddressOrOff(field) if matches!(node.value, Value::Empty) => {
                *field(pool) = None;
                Ok(())
            }
            _ => match &node.value {
                Value::Scalar(text) => self.set(pool, text.trim()).map_err(refuse),
                other => Err(refuse(format!(
                    "{} takes a single value, not {}",
                    self.name,
                    other.shape()
                ))),
            },
        }
    }

    /// Takes the text of a key with a single value.
    fn set(&self, pool: &mut PoolConfig, text: &str) -> Result<(), String> {
        match &self.kind {
            Kind::Address(field) => *field(pool) = Address::parse(text)?,
            Kind::AddressOrOff(field) => {
                *field(pool) = match text {
                    "off" | "no" | "false" => None,
                    _ => Some(Address::parse(text)?),
                }
            }
            Kind::Text(_) if text.is_empty() => {
                return Err(format!("{} must not be empty", self.name));
            }
            Kind::Text(field) => text.clone_into(field(pool)),
            Kind::Switch(field) => *field(pool) = parts::switch(text)?,
            Kind::Level(field) => *field(pool) = parts::level(text)?,
            Kind::Count { field, min } => self.number(field(pool), parts::count(text), *min)?,
            Kind::Bytes { field, min } => self.number(field(pool), parts::bytes(text), *min)?,
            Kind::Time {
                field,
                unit_ms,
                min_ms,
            } => {
                self.number(field(pool), parts::duration_ms(text, *unit_ms), *min_ms)?;
            }
            Kind::Word(_, set) => set(pool, text)?,
            Kind::Only(values, why) if !values.contains(&text) => {
                return Err(format!(
                    "{} can only be {} so far: {why}",
                    self.name,
                    values.join(" or ")
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn number(&self, field: &mut u64, value: Result<u64, String>, min: u64) -> Result<(), String> {
        match value? {
            0 if min > 0 => {}
            value if value < min => return Err(format!("{} must be at least {min}", self.name)),
            value => *field = value,
        }
        Ok(())
    }
}

/// The words of a list, or of one text with white space between them.
fn words(node: &Node) -> Result<Vec<(Position, String)>, Refusal> {
    match &node.value {
        Value::Empty => Ok(Vec::new()),
        Value::Scalar(text) => Ok(text
            .split_whitespace()
            .map(|word| (node.at, word.to_owned()))
            .collect()),
        Value::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Value::Scalar(text) => Ok((item.at, text.trim().to_owned())),
                other => Err(Refusal {
                    at: item.at,
                    text: format!("an item must be a single value, not {}", other.shape()),
                }),
            })
            .collect(),
        Value::Map(_) => Err(Refusal {
            at: node.at,
            text: "must be a list, not a map".to_owned(),
        }),
    }
}
