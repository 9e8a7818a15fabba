//! YAML text → a tree that knows where each piece stands.
//!
//! Only what a configuration file needs: scalars, lists and maps. Anchors and several documents are
//! refused rather than half understood.

use std::fmt;

use saphyr_parser::{Event, Marker, Parser};

/// Deepest nesting of a configuration file.
const DEPTH_MAX: usize = 8;

/// A place in the text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A piece of the document and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub value: Value,
}

/// The kinds of pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing stands there (`key:` alone, `~`, `null`).
    Empty,
    /// One word, number or quoted text, as written.
    Scalar(String),
    /// `- item` lines or `[a, b]`.
    List(Vec<Node>),
    /// `key: value` lines or `{a: b}`.
    Map(Vec<Entry>),
}

/// One `key: value` of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where the key begins.
    pub at: Position,
    /// The key.
    pub key: String,
    /// The value.
    pub node: Node,
}

/// Why a text is no document of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where reading stopped.
    pub at: Position,
    /// What is wrong there.
    pub text: String,
}

impl Value {
    /// What the value is, for error texts.
    #[must_use]
    pub const fn shape(&self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl fmt::Display for Value {
    /// On one line, whatever the style in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Scalar(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", item.value)?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, entry) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {}", entry.key, entry.node.value)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Reads one document. An empty text is an empty value.
pub fn parse(text: &str) -> Result<Node, Malformed> {
    let mut builder = Builder::default();
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| Malformed {
            at: position(error.marker()),
            text: error.info().to_owned(),
        })?;
        builder.event(event, position(&span.start))?;
    }
    Ok(builder.root.unwrap_or(Node {
        at: Position::START,
        value: Value::Empty,
    }))
}

fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

/// A list or map that is still open.
enum Open {
    List(Position, Vec<Node>),
    /// The entries so far and the key that waits for its value.
    Map(Position, Vec<Entry>, Option<(Position, String)>),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Malformed> {
        let malformed = |text: &str| {
            Err(Malformed {
                at,
                text: text.to_owned(),
            })
        };
        match event {
            Event::SequenceStart(..) => self.open(Open::List(at, Vec::new()), at),
            Event::MappingStart(..) => self.open(Open::Map(at, Vec::new(), None), at),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Scalar(text, style, ..) => {
                let plain = matches!(style, saphyr_parser::ScalarStyle::Plain);
                let value = match text.as_ref() {
                    "" | "~" | "null" if plain => Value::Empty,
                    _ => Value::Scalar(text.into_owned()),
                };
                self.put(Node { at, value })
            }
            Event::Alias(_) => malformed("anchors and aliases are not supported here"),
            Event::DocumentStart(_) if self.root.is_some() => {
                malformed("a second document; the file holds one pool")
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, at: Position) -> Result<(), Malformed> {
        if self.open.len() == DEPTH_MAX {
            return Err(Malformed {
                at,
                text: format!("nested deeper than {DEPTH_MAX} levels"),
            });
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Malformed> {
        let node = match self.open.pop() {
            Some(Open::List(at, items)) => Node {
                at,
                value: Value::List(items),
            },
            Some(Open::Map(at, entries, _)) => Node {
                at,
                value: Value::Map(entries),
            },
            None => return Ok(()),
        };
        self.put(node)
    }

    fn put(&mut self, node: Node) -> Result<(), Malformed> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, waiting)) => match waiting.take() {
                Some((at, key)) => entries.push(Entry { at, key, node }),
                None => *waiting = Some(Self::key(node)?),
            },
        }
        Ok(())
    }

    fn key(node: Node) -> Result<(Position, String), Malformed> {
        match node.value {
            Value::Scalar(text) => Ok((node.at, text)),
            other => Err(Malformed {
                at: node.at,
                text: format!("a key must be a word, not {}", other.shape()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as one line: `line:column` before each piece.
    fn show(node: &Node) -> String {
        let at = format!("{}:{}", node.at.line, node.at.column);
        match &node.value {
            Value::Empty => format!("{at}()"),
            Value::Scalar(text) => format!("{at}({text})"),
            Value::List(items) => format!(
                "{at}[{}]",
                items.iter().map(show).collect::<Vec<_>>().join(" ")
            ),
            Value::Map(entries) => format!(
                "{at}{{{}}}",
                entries
                    .iter()
                    .map(|e| format!("{}:{} {}={}", e.at.line, e.at.column, e.key, show(&e.node)))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        }
    }

    #[test]
    fn pieces_know_their_place() {
        for (text, expected) in [
            ("", "1:1()"),
            ("a", "1:1(a)"),
            ("a:", "1:1{1:1 a=1:2()}"),
            ("a: '0'", "1:1{1:1 a=1:4(0)}"),
            ("a: ''", "1:1{1:1 a=1:4()}"),
            (
                "p:\n  b: 1\n  c : [x, y]\n",
                "1:1{1:1 p=2:3{2:3 b=2:6(1) 3:3 c=3:7[3:8(x) 3:11(y)]}}",
            ),
            (
                "p:\n  s:\n  - a:1\n  - b\n",
                "1:1{1:1 p=2:3{2:3 s=3:5[3:5(a:1) 4:5(b)]}}",
            ),
        ] {
            assert_eq!(
                parse(text).map(|node| show(&node)),
                Ok(expected.to_owned()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn refusals_name_the_place() {
        for (text, line, column, words) in [
            ("a: *x\nb: 1", 1, 4, "unknown anchor"),
            ("a: &x 1\nb: *x", 2, 4, "anchors"),
            ("a: 1\n---\nb: 2", 2, 1, "second document"),
            ("? [a]\n: 1", 1, 3, "a key must be a word"),
            ("[[[[[[[[[1]]]]]]]]]", 1, 9, "deeper than 8"),
            ("a: [1, 2", 2, 1, "flow sequence"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.text.contains(words), "{text:?}: {error:?}");
            assert_eq!(
                (error.at.line, error.at.column),
                (line, column),
                "{text:?}: {error:?}"
            );
        }
    }
}
