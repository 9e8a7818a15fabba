//! How handlers meet keys: reading, seeking for a write, admitting it, putting, killing.

use super::error::StoreError;
use super::keyspace::Spot;
use super::keyspace::entry::{Entry, NEVER_MS, Shape};
use super::value::{Collection, Typed};
use super::{Call, Done, Outcome, Store};
use crate::command::CommandId;
use crate::version::Version;

/// Whether a key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Live,
    /// Deleted or expired, and remembered.
    Buried,
    Absent,
}

/// A key as a write finds it; good until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) spot: Spot,
    pub(super) presence: Presence,
    pub(super) version: Version,
}

impl Found {
    pub(super) fn is_live(&self) -> bool {
        self.presence == Presence::Live
    }
}

/// A string to be written.
pub(super) struct NewString<'a> {
    pub(super) value: &'a [u8],
    pub(super) shape: Shape,
    pub(super) deadline_ms: u64,
}

impl<'a> NewString<'a> {
    /// As SET writes it without options.
    pub(super) fn plain(value: &'a [u8]) -> Self {
        Self {
            value,
            shape: Shape::Natural,
            deadline_ms: NEVER_MS,
        }
    }
}

impl Entry {
    /// The string here; another type is the client's error.
    pub(super) fn string_or_wrong_type(&self) -> Result<&[u8], StoreError> {
        self.as_string().ok_or(StoreError::WrongType)
    }
}

impl Store {
    /// Uses a key's entry when it holds a value, else gives the version of its absence.
    #[inline]
    pub(super) fn read<R>(
        &mut self,
        key: &[u8],
        wall_ms: u64,
        take: impl FnOnce(&Entry) -> R,
    ) -> Result<R, Version> {
        match self.keyspace.get_mut(key) {
            Some(entry) if entry.is_live(wall_ms) => {
                entry.touch(wall_ms);
                Ok(take(entry))
            }
            Some(_) => Err(self.seek(key, wall_ms).version),
            None => Err(self.floor),
        }
    }

    /// A key's entry when it holds a value, else the version of its absence. The use is not noted.
    pub(super) fn peek(&mut self, key: &[u8], wall_ms: u64) -> Result<&Entry, Version> {
        let found = self.seek(key, wall_ms);
        if found.is_live() {
            Ok(self.keyspace.entry(found.spot))
        } else {
            Err(found.version)
        }
    }

    /// The commonest write: a blind one without a deadline over a string of the same length.
    /// `None` when it is not that, or comes too late.
    #[inline]
    pub(super) fn overwrite(&mut self, call: &Call<'_>, value: &[u8]) -> Option<Version> {
        let given = call.exec.version;
        let entry = self.keyspace.get_mut(call.key())?;
        let admitted = given > entry.version || given == Version::NEVER;
        if !(admitted && entry.overwrite(value)) {
            return None;
        }
        entry.version = entry.version.max(given);
        entry.deadline_ms = NEVER_MS;
        entry.touch(call.exec.wall_ms);
        self.newest = self.newest.max(given);
        Some(entry.version)
    }

    /// Where a key is or would go, and what is known of it.
    #[inline]
    pub(super) fn seek(&mut self, key: &[u8], wall_ms: u64) -> Found {
        let spot = match self.keyspace.find(key) {
            Ok(spot) => spot,
            Err(spot) => return self.absent(spot),
        };
        let entry = self.keyspace.entry(spot);
        let presence = match entry.holds_value() {
            true if entry.is_due(wall_ms) => return self.expire(spot, key),
            true => Presence::Live,
            false => Presence::Buried,
        };
        Found {
            spot,
            presence,
            version: entry.version,
        }
    }

    /// [`seek`](Self::seek) for a command that wants a string, if anything.
    pub(super) fn seek_string(&mut self, call: &Call<'_>) -> Result<Found, StoreError> {
        let found = self.seek(call.key(), call.exec.wall_ms);
        if found.is_live() {
            self.keyspace.entry(found.spot).string_or_wrong_type()?;
        }
        Ok(found)
    }

    fn absent(&self, spot: Spot) -> Found {
        Found {
            spot,
            presence: Presence::Absent,
            version: self.floor,
        }
    }

    /// Lazy expiry: an expired value becomes a tombstone, or goes.
    #[cold]
    fn expire(&mut self, spot: Spot, key: &[u8]) -> Found {
        let entry = self.keyspace.entry(spot);
        let (version, died_ms) = (entry.version, entry.deadline_ms);
        let found = Found {
            spot,
            presence: Presence::Live,
            version,
        };
        self.kill(found, key, version, died_ms);
        match self.keyspace.find(key) {
            Ok(spot) => Found {
                spot,
                presence: Presence::Buried,
                version,
            },
            Err(spot) => self.absent(spot),
        }
    }

    /// Whether a blind write of this version changes what was found. One without a stamp does.
    pub(super) fn admits(&self, found: &Found, version: Version) -> bool {
        version == Version::NEVER || version > found.version
    }

    /// Stores a string and gives the key's new version, the newer of the found and the given one.
    #[inline]
    pub(super) fn put(
        &mut self,
        found: Found,
        call: &Call<'_>,
        key: &[u8],
        string: &NewString<'_>,
    ) -> Version {
        let version = found.version.max(call.exec.version);
        self.newest = self.newest.max(version);
        let stamp = |entry: &mut Entry| {
            entry.version = version;
            entry.deadline_ms = string.deadline_ms;
            entry.touch(call.exec.wall_ms);
        };
        if found.presence == Presence::Absent {
            let mut entry = Entry::string(found.spot.hash(), key, string.value, string.shape);
            stamp(&mut entry);
            self.keyspace.insert(found.spot, entry);
        } else {
            self.keyspace.edit(found.spot, |entry| {
                entry.set_string(string.value, string.shape);
                stamp(entry);
            });
        }
        version
    }

    /// Changes the value that was found and gives the key's new version.
    pub(super) fn amend(
        &mut self,
        found: Found,
        call: &Call<'_>,
        change: impl FnOnce(&mut Entry),
    ) -> Version {
        let version = found.version.max(call.exec.version);
        self.newest = self.newest.max(version);
        self.keyspace.edit(found.spot, |entry| {
            change(entry);
            entry.version = version;
            entry.touch(call.exec.wall_ms);
        });
        version
    }

    /// Looks at the collection of a key; the closure gets `None` where the key holds nothing.
    pub(super) fn view<T: Typed, R>(
        &mut self,
        (key, call): (&[u8], &Call<'_>),
        take: impl FnOnce(Option<&T>) -> R,
    ) -> Result<(R, Version), StoreError> {
        let wall_ms = call.exec.wall_ms;
        let seen = match self.keyspace.get_mut(key) {
            Some(entry) if entry.is_live(wall_ms) => {
                entry.touch(wall_ms);
                let value = entry.as_collection().and_then(T::of);
                let value = value.ok_or(StoreError::WrongType)?;
                (take(Some(value)), entry.version)
            }
            Some(_) => (take(None), self.seek(key, wall_ms).version),
            None => (take(None), self.floor),
        };
        Ok(seen)
    }

    /// Changes the collection of a key, which is made if it is not there and goes when nothing is
    /// left in it. The closure tells whether it changed anything; with an error it must not have.
    pub(super) fn modify<T: Typed, R>(
        &mut self,
        (key, call): (&[u8], &Call<'_>),
        change: impl FnOnce(&mut T) -> Result<(R, bool), StoreError>,
    ) -> Result<(R, Version), StoreError> {
        let found = self.seek(key, call.exec.wall_ms);
        if !found.is_live() {
            let mut value = T::new(self.config.seed);
            let (result, _) = change(&mut value)?;
            if value.is_empty() {
                return Ok((result, found.version));
            }
            let version = self.put_collection(found, call, key, value.into_collection());
            return Ok((result, version));
        }
        let mut left = true;
        let edited = self.keyspace.edit(found.spot, |entry| {
            let value = entry.as_collection_mut().and_then(T::of_mut);
            let value = value.ok_or(StoreError::WrongType)?;
            let (result, changed) = change(value)?;
            left = !value.is_empty();
            if changed {
                entry.version = found.version.max(call.exec.version);
                entry.touch(call.exec.wall_ms);
            }
            Ok((result, entry.version))
        });
        let (result, version) = edited?;
        self.newest = self.newest.max(version);
        if !left {
            return Ok((result, self.take(found, call, key)));
        }
        Ok((result, version))
    }

    /// Stores a collection over whatever was found, without a deadline; gives the key's new version.
    pub(super) fn put_collection(
        &mut self,
        found: Found,
        call: &Call<'_>,
        key: &[u8],
        collection: Collection,
    ) -> Version {
        let version = found.version.max(call.exec.version);
        self.newest = self.newest.max(version);
        let stamp = |entry: &mut Entry| {
            entry.version = version;
            entry.deadline_ms = NEVER_MS;
            entry.touch(call.exec.wall_ms);
        };
        if found.presence == Presence::Absent {
            let mut entry = Entry::collection(found.spot.hash(), key, collection);
            stamp(&mut entry);
            self.keyspace.insert(found.spot, entry);
        } else {
            self.keyspace.edit(found.spot, |entry| {
                entry.set_collection(collection);
                stamp(entry);
            });
        }
        version
    }

    /// Deletes what was found, for a command that depends on what was there.
    pub(super) fn take(&mut self, found: Found, call: &Call<'_>, key: &[u8]) -> Version {
        let version = found.version.max(call.exec.version);
        self.kill(found, key, version, call.base_ms());
        version
    }

    /// Deletes what was found, leaving a tombstone of this version where those are kept.
    pub(super) fn kill(&mut self, found: Found, key: &[u8], version: Version, died_ms: u64) {
        self.newest = self.newest.max(version);
        if !self.config.keep_tombstones || version == Version::NEVER {
            if found.presence != Presence::Absent {
                self.keyspace.remove(found.spot);
            }
            return;
        }
        let spot = match found.presence {
            Presence::Absent => {
                let tombstone = Entry::tombstone(found.spot.hash(), key);
                self.keyspace.insert(found.spot, tombstone)
            }
            _ => found.spot,
        };
        let deadline_ms = died_ms.saturating_add(self.config.gc_grace_ms);
        self.keyspace.edit(spot, |entry| {
            entry.bury();
            entry.version = version;
            entry.deadline_ms = deadline_ms;
        });
    }

    /// The stored version of a key, its absence's if it is absent.
    #[must_use]
    pub fn version(&self, key: &[u8]) -> Version {
        let spot = self.keyspace.find(key);
        spot.map_or(self.floor, |spot| self.keyspace.entry(spot).version)
    }

    /// For a hint: the version found, when it makes the hint moot. Commands that look at each of
    /// their keys by themselves are never moot as a whole.
    pub(super) fn overtaken(&self, call: &Call<'_>) -> Option<Version> {
        let by_key = matches!(
            call.command.id,
            CommandId::Del | CommandId::Unlink | CommandId::Mset
        );
        if by_key || call.exec.version == Version::NEVER {
            return None;
        }
        let stored = call.keys().map(|key| self.version(key)).max()?;
        (stored >= call.exec.version).then_some(stored)
    }
}

/// The outcome of a blind write that came too late.
pub(super) fn superseded(found: &Found) -> Done {
    Ok(Outcome {
        version: found.version,
        superseded: true,
    })
}
