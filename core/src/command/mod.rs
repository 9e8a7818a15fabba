//! The commands: one row each, which makes the [`CommandId`] enum, the names, the lookup and the
//! error texts.
//!
//! A row says what the node must know before a handler runs: how many arguments, where the keys
//! are, whether it reads or writes, whether a write can be told apart from its repetition, and how
//! it splits when its keys live on several nodes.

mod lookup;
mod refusal;
mod table;

pub use refusal::Refusal;
pub use table::{COMMANDS, CommandId};

use crate::resp::Request;

/// Whether a command reads or writes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Touches no key.
    None,
    /// Reads.
    Read,
    /// Changes, or may change.
    Write,
}

/// What a write's result depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No write.
    None,
    /// On its arguments alone: the newest version wins in any order of arrival. SET is one unless
    /// its options ask for what was there.
    Blind,
    /// On what the key holds: applied as it arrives.
    ReadModifyWrite,
}

/// How the replies of a command's parts, one per replica set, become one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// An array in the order of the keys.
    Mget,
    /// The sum.
    Sum,
    /// `+OK`; its keys alternate with values.
    Mset,
}

/// Where a command is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On the replicas of its keys.
    Key,
    /// On this node's whole key space.
    Node,
    /// On the connection, or on the server as such.
    Connection,
}

/// One command.
#[derive(Debug)]
pub struct Command {
    /// What it is to the code.
    pub id: CommandId,
    /// Its name, in lower case; a subcommand's is `container|name`.
    pub name: &'static str,
    /// Arguments with the name counted; negative: at least so many.
    pub arity: i16,
    /// Position of the first key; 0: no keys.
    pub first_key: u8,
    /// Position of the last key; negative: from the end, -1 being the last argument.
    pub last_key: i8,
    /// From one key to the next.
    pub step: u8,
    /// Reads or writes.
    pub access: Access,
    /// What a write depends on.
    pub kind: Kind,
    /// How it splits; `None`: all its keys must share a replica set.
    pub fragment: Option<Fragment>,
    /// Where it is carried out.
    pub scope: Scope,
    /// How many subcommands it has; their rows follow its own.
    pub subcommand_count: u8,
}

impl Command {
    /// Finds a command by its name in any case.
    #[inline]
    #[must_use]
    pub fn lookup(name: &[u8]) -> Option<&'static Self> {
        lookup::find(name)
    }

    /// Finds a request's command, or its subcommand, and checks the arity.
    #[inline]
    pub fn resolve(request: &Request<'_>) -> Result<&'static Self, Refusal> {
        let mut command = Self::lookup(request.arg(0)).ok_or(Refusal::Unknown)?;
        if command.subcommand_count > 0 && request.len() > 1 {
            command = command
                .subcommand(request.arg(1))
                .ok_or(Refusal::UnknownSubcommand(command.id))?;
        }
        if command.takes(request.len()) {
            Ok(command)
        } else {
            Err(Refusal::Arity(command.id))
        }
    }

    /// Whether this request's result depends on its arguments alone ([`Kind::Blind`]): SET does
    /// not when its options ask for what was there.
    #[must_use]
    pub fn is_blind(&self, request: &Request<'_>) -> bool {
        let asks = |arg: &[u8]| {
            let options = [&b"NX"[..], b"XX", b"GET", b"KEEPTTL"];
            options
                .iter()
                .any(|option| arg.eq_ignore_ascii_case(option))
        };
        self.kind == Kind::Blind && !(self.id == CommandId::Set && request.iter().skip(3).any(asks))
    }

    /// The rows of its subcommands.
    #[must_use]
    pub fn subcommands(&self) -> &'static [Self] {
        let first = self.id as usize + 1;
        &COMMANDS[first..first + usize::from(self.subcommand_count)]
    }

    /// Finds a subcommand by its own name in any case.
    #[cold]
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Self> {
        let prefix_len = self.name.len() + 1;
        self.subcommands()
            .iter()
            .find(|row| row.name.as_bytes()[prefix_len..].eq_ignore_ascii_case(name))
    }

    /// Whether the command may have so many arguments, its name counted. Keys that come with
    /// values come in pairs.
    #[inline]
    #[must_use]
    pub fn takes(&self, argc: usize) -> bool {
        let bound = usize::from(self.arity.unsigned_abs());
        if self.step > 1 && argc % usize::from(self.step) != usize::from(self.first_key) {
            return false;
        }
        if self.arity < 0 {
            argc >= bound
        } else {
            argc == bound
        }
    }

    /// The positions of the keys in a request of `argc` arguments.
    #[inline]
    pub fn keys(&self, argc: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let first = usize::from(self.first_key);
        let last = if self.last_key < 0 {
            argc.saturating_sub(usize::from(self.last_key.unsigned_abs()))
        } else {
            usize::from(self.last_key.unsigned_abs()).min(argc.saturating_sub(1))
        };
        let end = if first == 0 { 0 } else { last + 1 };
        (first..end).step_by(usize::from(self.step.max(1)))
    }

    /// The first key's position, if a request of `argc` arguments has one.
    #[inline]
    #[must_use]
    pub fn first_key(&self, argc: usize) -> Option<usize> {
        let first = usize::from(self.first_key);
        (first != 0 && first < argc).then_some(first)
    }
}

#[cfg(test)]
mod tests;
