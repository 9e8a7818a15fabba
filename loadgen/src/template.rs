//! Commands as users write them: `SET __key__ __value__`, and what they become before the clock
//! starts: bytes for the wire with places for keys and values.
//!
//! | word | stands for |
//! |---|---|
//! | `__key__` | the name of a key drawn from the law, also within a word: `{__key__}:f` |
//! | `__run__` | the same for the first one; each further one is the next key |
//! | `__new__` | the name of a key that nobody had yet: an insert; one in a command |
//! | `__value__` | the value of the key before it |
//! | `__ttl__` | seconds to live, from `--ttl` |
//! | `...N`, `...LOW-HIGH` | at the end: the words from the first key on, so many times |
//! | `;` | another command for the same key, sent next on the same connection |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::law::{KeyConfig, LawError};
use crate::link::Protocol;
use crate::size::SizeLaw;

/// One of the commands a load is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Words, or several commands with `;` between them.
    pub text: String,
    /// How often, against the others.
    pub weight: u32,
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} @{}", self.text, self.weight)
    }
}

impl FromStr for Template {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let (words, weight) = match text.rsplit_once('@') {
            Some((words, weight)) if words.ends_with(' ') => match weight.trim().parse() {
                Ok(weight) => (words, weight),
                Err(_) => (text, 1),
            },
            _ => (text, 1),
        };
        if words.trim().is_empty() {
            return Err(refused(text));
        }
        Ok(Self {
            text: words.trim().to_owned(),
            weight,
        })
    }
}

/// Digits of a key's number.
pub(crate) const DIGITS: usize = 12;
/// Keys of one request at most.
const KEYS_MAX: usize = 255;
const WORDS_MAX: usize = 1024;

/// What a reply must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The key's value, or nil.
    Value,
    /// An array of as many, for each key its value or nil.
    Values,
    /// Our value of the key, of any size, or nil.
    Own,
    /// Any value, or nil.
    Found,
    /// `+OK`
    Stored,
    /// Anything but an error.
    Any,
    /// Whatever comes: nobody counts it.
    Skipped,
}

/// Where the keys of a command come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It has none.
    None,
    /// Each is drawn.
    Drawn,
    /// The first is drawn, the others follow it.
    Run,
    /// They are new.
    New,
    /// Those of the command before.
    Same,
}

/// A piece of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// As it stands.
    Bytes(Vec<u8>),
    /// `*…` of an array of this many words and so many more each time around.
    Count(usize, usize),
    /// `$…` of a word of this many bytes and those its name is filled up with.
    Length(usize),
    /// The twelve digits of the next key and the end of its word.
    LastDigits,
    /// The twelve digits of the next key.
    Digits,
    /// What the name is filled up with.
    Fill,
    /// The value's length, the end of that line, the value and its end.
    Value,
    /// The seconds to live with their length and their end.
    Ttl,
}

/// A command ready to be put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Its first word, in capitals.
    pub(crate) name: String,
    /// Sent once.
    pub(crate) head: Vec<Part>,
    /// Sent again and again.
    pub(crate) group: Vec<Part>,
    /// Times the group is sent.
    pub(crate) rounds: (u8, u8),
    pub(crate) source: Source,
    /// Keys in the head, and in the group.
    pub(crate) keys: (u8, u8),
    pub(crate) expect: Expect,
}

impl Command {
    /// Entries of a request of so many rounds on a tape.
    pub(crate) fn entries(&self, rounds: u8) -> u8 {
        (self.keys.0 + self.keys.1 * rounds).max(1)
    }
}

/// The commands of a run, and which follow one another.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    pub(crate) all: Vec<Command>,
    /// For each template its weight and the commands it is.
    pub(crate) choices: Vec<(u32, std::ops::Range<usize>)>,
}

/// What the words are filled in with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) keys: &'a KeyConfig,
    pub(crate) ttl: Option<&'a SizeLaw>,
}

impl Commands {
    /// Reads the templates.
    pub(crate) fn read(templates: &[Template], naming: Naming<'_>) -> Result<Self, LawError> {
        let mut all: Vec<Command> = Vec::new();
        let mut choices = Vec::new();
        for template in templates {
            let first = all.len();
            for (index, text) in template.text.split(';').enumerate() {
                let mut command = read(text, naming).ok_or_else(|| refused(text))?;
                let single = command.keys == (1, 0);
                if index > 0 && command.source == Source::Drawn {
                    command.source = Source::Same;
                    if !single || all[all.len() - 1].keys != (1, 0) {
                        return Err(refused(&template.text));
                    }
                }
                if command.source == Source::New && !single {
                    return Err(refused(text));
                }
                all.push(command);
            }
            choices.push((template.weight, first..all.len()));
        }
        let weight: u64 = choices.iter().map(|(weight, _)| u64::from(*weight)).sum();
        if weight == 0 || all.len() > usize::from(u8::MAX) {
            return Err(LawError::new(
                &templates
                    .iter()
                    .map(|t| t.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" | "),
                "a list of at most 255 commands with a weight above 0",
            ));
        }
        tell_apart(&mut all);
        Ok(Self { all, choices })
    }
}

fn refused(text: &str) -> LawError {
    LawError::new(
        text.trim(),
        "a command: NAME and words with __key__, __run__ or __new__ (one kind), __value__ behind \
         a key, __ttl__ (with --ttl), ...N or ...LOW-HIGH at the end for at most 255 keys; after \
         a `;` one key, that of the command before",
    )
}

/// Gives commands of the same name a number.
fn tell_apart(commands: &mut [Command]) {
    for at in (0..commands.len()).rev() {
        let name = commands[at].name.clone();
        let same = |command: &&Command| command.name == name;
        let before = commands[..at].iter().filter(same).count();
        if before > 0 {
            commands[at].name = format!("{name}#{}", before + 1);
        }
    }
}

fn placeholder(word: &str) -> Option<Source> {
    let kinds = [
        ("__key__", Source::Drawn),
        ("__run__", Source::Run),
        ("__new__", Source::New),
    ];
    kinds
        .into_iter()
        .find(|(name, _)| word.contains(name))
        .map(|(_, source)| source)
}

fn read(text: &str, naming: Naming<'_>) -> Option<Command> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let name = words.first()?.to_ascii_uppercase();
    let rounds = words
        .last()
        .and_then(|word| word.strip_prefix("..."))
        .map(repeated);
    let rounds = match rounds {
        Some(rounds) => {
            words.pop();
            Some(rounds?)
        }
        None => None,
    };
    let is_key = |word: &&str| placeholder(word).is_some();
    let split = rounds.map_or(Some(words.len()), |_| words.iter().position(is_key))?;
    let (head, group) = words.split_at(split);
    let mut sources = words.iter().filter_map(|word| placeholder(word));
    let source = sources.next().unwrap_or(Source::None);
    let keys = |words: &[&str]| words.iter().filter(|word| is_key(word)).count();
    let (low, high) = rounds.unwrap_or((0, 0));
    let most = keys(head) + keys(group) * usize::from(high);
    let words_most = head.len() + group.len() * usize::from(high);
    if sources.any(|other| other != source) || most > KEYS_MAX || words_most > WORDS_MAX {
        return None;
    }
    let mut writer = PartWriter {
        naming,
        parts: Vec::new(),
        has_key: false,
    };
    if naming.protocol == Protocol::Memcached {
        let expect = writer.memcached(&name, &words[1..])?;
        return Some(Command {
            name,
            head: writer.parts,
            group: Vec::new(),
            rounds: (0, 0),
            source,
            keys: (1, 0),
            expect,
        });
    }
    if low == high {
        let count = head.len() + group.len() * usize::from(low);
        writer.bytes(format!("*{count}\r\n").as_bytes());
    } else {
        writer.parts.push(Part::Count(head.len(), group.len()));
    }
    writer.words(head)?;
    let head_parts = std::mem::take(&mut writer.parts);
    writer.words(group)?;
    // At most KEYS_MAX.
    let keys = (keys(head) as u8, keys(group) as u8);
    Some(Command {
        expect: expectation(&name, &words),
        name,
        head: head_parts,
        group: writer.parts,
        rounds: (low, high),
        source,
        keys,
    })
}

fn repeated(text: &str) -> Option<(u8, u8)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (0 < low && low <= high).then_some((low, high))
}

/// What the reply to a command of these words is checked for.
fn expectation(name: &str, words: &[&str]) -> Expect {
    let key = |word: &str| ["__key__", "__run__", "__new__"].contains(&word);
    let pairs = |words: &[&str]| {
        words.len().is_multiple_of(2)
            && words
                .chunks(2)
                .all(|pair| key(pair[0]) && pair[1] == "__value__")
    };
    match (name, &words[1..]) {
        ("GET", [word]) if key(word) => Expect::Value,
        ("MGET", words) if words.iter().all(|word| key(word)) => Expect::Values,
        ("SET", [word, "__value__"]) if key(word) => Expect::Stored,
        ("SET", [word, "__value__", option, _])
            if key(word) && ["EX", "PX"].contains(&option.to_ascii_uppercase().as_str()) =>
        {
            Expect::Stored
        }
        ("MSET", words) if pairs(words) => Expect::Stored,
        _ => Expect::Any,
    }
}

struct PartWriter<'a> {
    naming: Naming<'a>,
    parts: Vec<Part>,
    /// True once a value has a key before it.
    has_key: bool,
}

impl PartWriter<'_> {
    fn words(&mut self, words: &[&str]) -> Option<()> {
        words.iter().try_for_each(|word| self.word(word))
    }

    fn word(&mut self, word: &str) -> Option<()> {
        match word {
            "__value__" if self.has_key => {
                self.bytes(b"$");
                self.parts.push(Part::Value);
            }
            "__ttl__" => match self.naming.ttl?.fixed() {
                Some(seconds) => self.text(&seconds.to_string()),
                None if self.has_key => self.parts.push(Part::Ttl),
                None => return None,
            },
            word => match placeholder(word) {
                Some(source) => self.name(word, source)?,
                // Anything else between underscores is a misspelt place.
                None if word.starts_with("__") && word.ends_with("__") => return None,
                None => self.text(word),
            },
        }
        Some(())
    }

    /// GET, SET and DEL of a whole key, in memcached's words.
    fn memcached(&mut self, name: &str, words: &[&str]) -> Option<Expect> {
        let key = words.first().filter(|word| placeholder(word).is_some())?;
        if key.len() != "__key__".len() {
            return None;
        }
        let (verb, tail, expect) = match (name, &words[1..]) {
            ("GET", []) => ("get ", None, Expect::Value),
            ("DEL", []) => ("delete ", None, Expect::Any),
            ("SET", ["__value__"]) => ("set ", Some(0), Expect::Stored),
            ("SET", ["__value__", "EX", "__ttl__"]) => {
                ("set ", Some(self.naming.ttl?.fixed()?), Expect::Stored)
            }
            _ => return None,
        };
        self.bytes(format!("{verb}{}", self.naming.keys.prefix).as_bytes());
        if tail.is_none() && self.naming.keys.name_size.is_none() {
            self.parts.push(Part::LastDigits);
            return Some(expect);
        }
        self.parts.push(Part::Digits);
        if self.naming.keys.name_size.is_some() {
            self.parts.push(Part::Fill);
        }
        if let Some(seconds) = tail {
            self.bytes(format!(" 0 {seconds} ").as_bytes());
            self.parts.push(Part::Value);
        } else {
            self.bytes(b"\r\n");
        }
        Some(expect)
    }

    fn text(&mut self, word: &str) {
        self.bytes(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }

    /// A word with the name of a key in it.
    fn name(&mut self, word: &str, source: Source) -> Option<()> {
        let place = match source {
            Source::Run => "__run__",
            Source::New => "__new__",
            _ => "__key__",
        };
        let (before, after) = word.split_once(place)?;
        if placeholder(after).is_some() {
            return None;
        }
        let keys = self.naming.keys;
        let bare = before.len() + keys.prefix.len() + DIGITS + after.len();
        if keys.name_size.is_some() {
            self.parts.push(Part::Length(bare));
        } else {
            self.bytes(format!("${bare}\r\n").as_bytes());
        }
        self.bytes(before.as_bytes());
        self.bytes(keys.prefix.as_bytes());
        if keys.name_size.is_none() && after.is_empty() {
            self.parts.push(Part::LastDigits);
        } else {
            self.parts.push(Part::Digits);
            if keys.name_size.is_some() {
                self.parts.push(Part::Fill);
            }
            self.bytes(after.as_bytes());
            self.bytes(b"\r\n");
        }
        self.has_key = true;
        Some(())
    }

    /// Adds bytes, to those before if these are bytes too.
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(Part::Bytes(last)) = self.parts.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.parts.push(Part::Bytes(bytes.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::encode::Encoder;

    /// What goes over the wire, spaces for line ends, for entries of keys 7, 8, 9 and so on.
    fn wire(config: &RunConfig, entries: u8) -> String {
        let encoder = Encoder::new(config).unwrap();
        let entries: Vec<_> = (0..u64::from(entries))
            .map(|index| encoder.entry(7 + index, 0, entries))
            .collect();
        let mut out = Vec::new();
        encoder.request(&entries, &mut out);
        String::from_utf8(out).unwrap().replace("\r\n", " ")
    }

    fn config(command: &str) -> RunConfig {
        let mut config = RunConfig {
            commands: vec![command.parse().unwrap()],
            size: SizeLaw::Fixed(0),
            ..RunConfig::default()
        };
        config.keys.prefix = "k".into();
        config
    }

    #[test]
    fn words_become_requests() {
        let cases = [
            ("get __key__", 1, "*2 $3 get $13 k000000000007 "),
            (
                "SET __key__ __value__",
                1,
                "*3 $3 SET $13 k000000000007 $0  ",
            ),
            (
                "HSET h:{__key__}:x f __value__",
                1,
                "*4 $4 HSET $19 h:{k000000000007}:x $1 f $0  ",
            ),
            (
                "MGET __key__ ...3",
                3,
                "*4 $4 MGET $13 k000000000007 $13 k000000000008 $13 k000000000009 ",
            ),
            (
                "MGET __run__ ...1-3",
                2,
                "*3 $4 MGET $13 k000000000007 $13 k000000000008 ",
            ),
            (
                "MSET __key__ __value__ ...2",
                2,
                "*5 $4 MSET $13 k000000000007 $0  $13 k000000000008 $0  ",
            ),
            (
                "SET __key__ __value__ EX __ttl__",
                1,
                "*5 $3 SET $13 k000000000007 $0  $2 EX $2 60 ",
            ),
            ("PING", 1, "*1 $4 PING "),
        ];
        for (command, entries, expected) in cases {
            let config = RunConfig {
                ttl: Some(SizeLaw::Fixed(60)),
                ..config(command)
            };
            assert_eq!(wire(&config, entries), expected, "{command}");
        }
        let mut named = config("EXPIRE __key__ __ttl__");
        named.keys.name_size = Some(SizeLaw::Fixed(16));
        named.ttl = Some(SizeLaw::Uniform(5, 5));
        assert_eq!(wire(&named, 1), "*3 $6 EXPIRE $16 k000000000007___ $1 5 ");
    }

    #[test]
    fn words_become_requests_of_memcached() {
        let cases = [
            ("GET __key__", "get k000000000007 "),
            ("SET __key__ __value__", "set k000000000007 0 0 0  "),
            (
                "SET __new__ __value__ EX __ttl__",
                "set k000000000007 0 60 0  ",
            ),
            ("DEL __key__", "delete k000000000007 "),
        ];
        for (command, expected) in cases {
            let mut config = RunConfig {
                ttl: Some(SizeLaw::Fixed(60)),
                ..config(command)
            };
            config.link.protocol = Protocol::Memcached;
            assert_eq!(wire(&config, 1), expected, "{command}");
            config.commands = vec!["MGET __key__ ...2".parse().unwrap()];
            assert!(config.check().is_err());
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = [
            "SET __value__ __key__",
            "GET __kex__",
            "EXPIRE __key__ __ttl__",
            "MGET __key__ __run__",
            "GET __key____key__",
            "MGET __key__ ...0",
            "MGET __key__ ...256",
            "MGET __key__ ...5-4",
            "PING ...4",
            "MGET __key__ ...2; GET __key__",
            "MSET __new__ __value__ ...2",
            "GET __key__;",
        ];
        for text in refused {
            let error = config(text).check().unwrap_err().to_string();
            assert!(error.contains("is not a command"), "{text}: {error}");
        }
        assert!(" @3".parse::<Template>().is_err());
        assert!(config("PING @0").check().is_err());
    }

    #[test]
    fn replies_are_checked_where_the_command_says_what_they_are() {
        let config = RunConfig {
            commands: [
                "GET __key__",
                "get a__key__ @2",
                "MGET __key__ ...9",
                "GET __key__; SET __key__ __value__",
            ]
            .map(|text| text.parse().unwrap())
            .to_vec(),
            ..RunConfig::default()
        };
        let commands = Commands::read(&config.commands, config.naming()).unwrap();
        let kinds: Vec<_> = commands
            .all
            .iter()
            .map(|c| (c.name.as_str(), c.expect, c.source))
            .collect();
        let expected = [
            ("GET", Expect::Value, Source::Drawn),
            ("GET#2", Expect::Any, Source::Drawn),
            ("MGET", Expect::Values, Source::Drawn),
            ("GET#3", Expect::Value, Source::Drawn),
            ("SET", Expect::Stored, Source::Same),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(
            commands.choices,
            [(1, 0..1), (2, 1..2), (1, 2..3), (1, 3..5)]
        );
    }
}
