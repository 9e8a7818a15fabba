//! Deadlines: how commands give them, and the tick that finds those that passed.

use super::error::StoreError;
use super::keyspace::Sweep;
use super::{Call, Store};
use crate::version::Version;

/// Keys of a flushed table that a tick frees for each slot it may look at.
const DISCARDED_PER_LOOKED_AT: usize = 4;

/// A time given by an option: which one, and where its number is.
#[derive(Clone, Copy)]
pub(super) struct TimeOption {
    unit: TimeUnit,
    position: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeUnit {
    pub(super) seconds: bool,
    /// Counted from the epoch, not from now.
    pub(super) absolute: bool,
}

impl TimeOption {
    /// Reads EX, PX, EXAT or PXAT at `position`; a number must follow, and no other unit than this
    /// one may have been given before.
    pub(super) fn parse(call: &Call<'_>, position: usize, before: Option<Self>) -> Option<Self> {
        let is = |name: &str| call.says(position, name);
        let (seconds, absolute) = match () {
            () if is("EX") => (true, false),
            () if is("PX") => (false, false),
            () if is("EXAT") => (true, true),
            () if is("PXAT") => (false, true),
            () => return None,
        };
        let unit = TimeUnit { seconds, absolute };
        let position = position + 1;
        let fits = before.is_none_or(|before| before.unit == unit);
        (fits && position < call.argc()).then_some(Self { unit, position })
    }

    /// A time that is the argument at `position`, as SETEX has it.
    pub(super) fn at(position: usize, unit: TimeUnit) -> Self {
        Self { unit, position }
    }

    pub(super) fn is_absolute(self) -> bool {
        self.unit.absolute
    }

    /// The deadline in Unix milliseconds. A time of zero or less is an error.
    pub(super) fn deadline_ms(self, call: &Call<'_>) -> Result<u64, StoreError> {
        let amount = call.integer(self.position)?;
        let deadline = self.unit.unix_ms(amount, call.base_ms());
        match deadline {
            Some(deadline) if amount > 0 && deadline > 0 => Ok(deadline as u64),
            _ => Err(StoreError::ExpireTime),
        }
    }
}

impl TimeUnit {
    /// An amount of this unit in Unix milliseconds, `None` on overflow.
    pub(super) fn unix_ms(self, amount: i64, base_ms: u64) -> Option<i64> {
        let ms = if self.seconds {
            amount.checked_mul(1000)?
        } else {
            amount
        };
        if self.absolute {
            Some(ms)
        } else {
            ms.checked_add_unsigned(base_ms)
        }
    }
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Values that had expired.
    pub expired_count: usize,
    /// Tombstones that were old enough.
    pub swept_count: usize,
    /// The budget ended before the round did: there may be more to find.
    pub behind: bool,
}

impl Store {
    /// Finds values that have expired and tombstones that are old, looking at about `budget_keys`
    /// slots at most. Segments without anything due are passed by.
    pub fn tick(&mut self, wall_ms: u64, budget_keys: usize) -> Ticked {
        self.discard(budget_keys.saturating_mul(DISCARDED_PER_LOOKED_AT));
        let config = self.config;
        let mut ticked = Ticked::default();
        let swept = self
            .keyspace
            .sweep(self.sweep_from, wall_ms, budget_keys, &mut |entry| {
                if !entry.holds_value() {
                    ticked.swept_count += 1;
                    return Sweep::Remove;
                }
                ticked.expired_count += 1;
                let sweep_ms = entry.deadline_ms.saturating_add(config.gc_grace_ms);
                if !config.keep_tombstones || entry.version == Version::NEVER || wall_ms > sweep_ms
                {
                    return Sweep::Remove;
                }
                entry.bury();
                entry.deadline_ms = sweep_ms;
                Sweep::Keep
            });
        self.sweep_from = swept.next;
        ticked.behind = !swept.whole;
        if wall_ms > self.floor.wall_ms().saturating_add(config.gc_grace_ms) {
            self.floor = Version::NEVER;
        }
        ticked
    }
}
