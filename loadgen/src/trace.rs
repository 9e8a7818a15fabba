//! Recorded traffic: read from text once, kept as a binary tape, replayed from it in pieces.
//!
//! ```text
//!  CSV or MONITOR ── lines ──► convert ──► tape file ──► feed (a thread a worker) ──► worker
//! ```
//! A trace of any length passes through in constant memory: text line by line, the tape in chunks
//! of requests that are ready for the wire. What one client asked stays in order on one connection.

pub(crate) mod convert;
pub(crate) mod csv;
pub(crate) mod feed;
pub(crate) mod file;
pub(crate) mod monitor;
pub(crate) mod source;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::law::LawError;

pub use convert::{TapeSummary, convert};

/// A trace to be replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceConfig {
    /// A tape, or the text that one is made of.
    pub file: PathBuf,
    /// When its requests are due.
    pub pace: TracePace,
}

/// When a trace's requests are due, where no rate is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TracePace {
    /// At the recorded times, this many times as fast: open loop.
    Recorded(f64),
    /// One after the other: closed loop.
    Free,
}

impl TracePace {
    pub(crate) fn is_valid(self) -> bool {
        match self {
            Self::Recorded(speed) => speed > 0.0 && speed <= 1e9,
            Self::Free => true,
        }
    }
}

impl fmt::Display for TracePace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded(speed) => write!(f, "{speed}"),
            Self::Free => f.write_str("max"),
        }
    }
}

impl FromStr for TracePace {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let pace = match text {
            "max" => Some(Self::Free),
            text => text.parse().ok().map(Self::Recorded),
        };
        pace.filter(|pace| pace.is_valid())
            .ok_or_else(|| LawError::new(text, "a factor above 0, or max"))
    }
}

/// Why a trace can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file.
    #[error("{file}: {error}")]
    Io {
        /// Which one.
        file: String,
        /// What the system says.
        error: io::Error,
    },
    /// A line that can't be understood.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// Which file.
        file: String,
        /// From 1.
        line: u64,
        /// Why not.
        reason: String,
    },
    /// Not a tape, or cut short.
    #[error("{file} is no tape of this version, or is cut short")]
    NoTape {
        /// Which file.
        file: String,
    },
    /// Nothing to replay.
    #[error("{file} has no request in it")]
    Empty {
        /// Which file.
        file: String,
    },
}

/// What a request of a trace does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Verb {
    Get,
    Set,
    /// SET … NX
    Add,
    /// SET … XX
    Replace,
    Append,
    Delete,
    Increment,
    Decrement,
    /// Its bytes are the whole request.
    Raw,
}

impl Verb {
    pub(crate) const ALL: [Self; 9] = [
        Self::Get,
        Self::Set,
        Self::Add,
        Self::Replace,
        Self::Append,
        Self::Delete,
        Self::Increment,
        Self::Decrement,
        Self::Raw,
    ];

    /// Its row in the result.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Set => "SET",
            Self::Add => "SET NX",
            Self::Replace => "SET XX",
            Self::Append => "APPEND",
            Self::Delete => "DEL",
            Self::Increment => "INCR",
            Self::Decrement => "DECR",
            Self::Raw => "OTHER",
        }
    }

    /// True if a key's value is not what a SET of it wrote any more.
    pub(crate) fn changes_value(self) -> bool {
        matches!(
            self,
            Self::Append | Self::Increment | Self::Decrement | Self::Raw
        )
    }
}

/// One request of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    pub(crate) time_ns: u64,
    pub(crate) client: u32,
    /// Its row in the tape's list of names.
    pub(crate) command: u8,
    pub(crate) verb: Verb,
    pub(crate) value_size: u32,
    /// Seconds to live; 0: for ever.
    pub(crate) ttl: u32,
    /// The key, or the whole request.
    pub(crate) bytes: Vec<u8>,
}
