//! What `--check` is asked to do.

use serde::{Deserialize, Serialize};

use super::stamp::HEAD;
use crate::decode::Kind;
use crate::template::{Command, Expect, Source};

/// Check what servers give back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckConfig {
    /// Milliseconds by which a read may be behind the last acknowledged write.
    pub older_ms_max: u32,
    /// Keys whose whole history is judged as an atomic register's, about.
    pub histories: u32,
    /// Tells the values of one run from another's; 0: chosen when it starts.
    pub run: u32,
}

/// Bytes of a checked value at least.
pub(crate) const SIZE_MIN: usize = HEAD;
/// Sixteen bytes are kept for each key.
pub(crate) const KEYS_MAX: u64 = 1 << 26;

/// What a command is to the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Read,
    Write,
    Delete,
}

impl Role {
    /// None where the check can't follow.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let name = command.name.split('#').next().unwrap_or_default();
        let drawn = matches!(command.source, Source::Drawn | Source::Same);
        match (name, command.expect) {
            _ if command.keys != (1, 0) || !drawn => None,
            ("GET", Expect::Value) => Some(Self::Read),
            ("SET", Expect::Stored) => Some(Self::Write),
            ("DEL" | "UNLINK", Expect::Any) => Some(Self::Delete),
            _ => None,
        }
    }

    /// True if this is an answer to it at all.
    pub(crate) fn is_answered_by(self, kind: Kind) -> bool {
        match self {
            Self::Read => matches!(kind, Kind::Bulk(_) | Kind::Nil),
            Self::Write => kind == Kind::Simple,
            Self::Delete => matches!(kind, Kind::Other | Kind::Nil),
        }
    }
}
