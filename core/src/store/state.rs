//! Keys as replicas exchange them: read repair, hints, anti-entropy.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::Store;
use super::access::{Found, Presence};
use super::keyspace::entry::{Entry, NEVER_MS, Shape};
use super::value::Collection;
use crate::version::Version;

/// What a key holds, for another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateValue<'a> {
    /// Deleted or expired.
    Tombstone,
    /// A string.
    String(&'a [u8]),
    /// A value of another type.
    Collection(Cow<'a, Collection>),
}

/// All that a replica must know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState<'a> {
    /// The write that made it so.
    pub version: Version,
    /// Unix milliseconds: when a value expires, 0 never; when a tombstone died.
    pub expires_at_ms: u64,
    /// What it holds.
    pub value: StateValue<'a>,
}

/// What became of a state that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is here now, or was already.
    Applied,
    /// Something newer was here and stays.
    Superseded,
}

/// What a key or a value costs besides its bytes when it is sent.
const STATE_OVERHEAD_BYTES: usize = 32;

impl Store {
    /// A key as other replicas should have it; `None` when nothing is known of it.
    #[must_use]
    pub fn state(&self, key: &[u8], wall_ms: u64) -> Option<KeyState<'_>> {
        let flushed = || KeyState {
            version: self.floor,
            expires_at_ms: self.floor.wall_ms(),
            value: StateValue::Tombstone,
        };
        match self.keyspace.find(key) {
            Ok(spot) => Some(self.state_of(self.keyspace.entry(spot), wall_ms)),
            Err(_) => (self.floor > Version::NEVER).then(flushed),
        }
    }

    fn state_of<'a>(&self, entry: &'a Entry, wall_ms: u64) -> KeyState<'a> {
        let held = match (entry.as_string(), entry.as_collection()) {
            (Some(value), _) => Some(StateValue::String(value)),
            (_, Some(collection)) => Some(StateValue::Collection(Cow::Borrowed(collection))),
            (None, None) => None,
        };
        let (expires_at_ms, value) = match held {
            Some(_) if entry.is_due(wall_ms) => (entry.deadline_ms, StateValue::Tombstone),
            Some(value) if entry.deadline_ms == NEVER_MS => (0, value),
            Some(value) => (entry.deadline_ms, value),
            None => {
                let died_ms = entry.deadline_ms.saturating_sub(self.config.gc_grace_ms);
                (died_ms, StateValue::Tombstone)
            }
        };
        KeyState {
            version: entry.version,
            expires_at_ms,
            value,
        }
    }

    /// Makes a key what another replica says it is, unless something newer is here. Of two equal
    /// versions the one that comes last stays: the sender has compared them.
    pub fn apply_state(&mut self, key: &[u8], state: KeyState<'_>, wall_ms: u64) -> Applied {
        let found = self.seek(key, wall_ms);
        if found.version > state.version {
            return Applied::Superseded;
        }
        let deadline_ms = match state.expires_at_ms {
            0 => NEVER_MS,
            deadline_ms => deadline_ms,
        };
        let stamp = |entry: &mut Entry| {
            entry.version = state.version;
            entry.deadline_ms = deadline_ms;
        };
        self.newest = self.newest.max(state.version);
        match state.value {
            StateValue::Tombstone => self.kill(found, key, state.version, state.expires_at_ms),
            StateValue::String(value) => {
                let new = |hash| Entry::string(hash, key, value, Shape::Natural);
                self.adopt(found, new, |entry| {
                    entry.set_string(value, Shape::Natural);
                    stamp(entry);
                });
            }
            StateValue::Collection(collection) => {
                let collection = collection.into_owned();
                self.adopt(
                    found,
                    |hash| Entry::tombstone(hash, key),
                    |entry| {
                        entry.set_collection(collection);
                        stamp(entry);
                    },
                );
            }
        }
        Applied::Applied
    }

    /// Changes the entry that was found, or a new one where there is none.
    fn adopt(
        &mut self,
        found: Found,
        new: impl FnOnce(u64) -> Entry,
        change: impl FnOnce(&mut Entry),
    ) {
        let spot = match found.presence {
            Presence::Absent => self.keyspace.insert(found.spot, new(found.spot.hash())),
            _ => found.spot,
        };
        self.keyspace.edit(spot, change);
    }

    /// Gives the states of keys and tombstones from a cursor on, about `budget_bytes` of them;
    /// returns where to go on, 0 at the end. What is there throughout is given at least once.
    pub fn scan_states(
        &self,
        cursor: u64,
        budget_bytes: usize,
        give: &mut dyn FnMut(&[u8], KeyState<'_>),
    ) -> u64 {
        let mut left = budget_bytes;
        self.keyspace.walk(cursor, &mut |entry| {
            // Zero: a value is given with its deadline, whether or not that has passed.
            give(entry.key(), self.state_of(entry, 0));
            left = left.saturating_sub(entry.heap_bytes() + STATE_OVERHEAD_BYTES);
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    }
}
