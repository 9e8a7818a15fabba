//! Walking a collection bit by bit: HSCAN, SSCAN.
//!
//! A cursor is how many positions are left below; a walk goes downwards. A removal moves only the
//! last element, and only downwards: what is there throughout is met, whatever goes meanwhile.

use std::ops::Range;

use crate::store::error::StoreError;
use crate::store::glob;
use crate::store::keys::scan::{ScanOptions, parse_cursor};
use crate::store::value::{SMALL_COUNT_MAX, Typed};
use crate::store::{Call, Store};

/// One step of a walk.
pub(super) struct Walk<'a> {
    cursor: usize,
    options: ScanOptions<'a>,
}

impl<'a> Walk<'a> {
    /// Reads `key cursor [MATCH pattern] [COUNT count]`. Options are not looked at where the key
    /// holds nothing, as in Redis.
    pub(super) fn parse<T: Typed>(store: &mut Store, call: &Call<'a>) -> Result<Self, StoreError> {
        let cursor = parse_cursor(call.arg(2))? as usize;
        let (there, _) = store.view((call.key(), call), |it: Option<&T>| it.is_some())?;
        let options = match there {
            true => ScanOptions::parse(call, 3)?,
            false => ScanOptions::default(),
        };
        Ok(Self { cursor, options })
    }

    /// The positions of this step in a collection of `len`; the next cursor is their start.
    pub(super) fn positions(&self, len: usize) -> Range<usize> {
        // A small collection is given whole: its removals move more than one element.
        if len <= SMALL_COUNT_MAX {
            return 0..len;
        }
        let end = match self.cursor {
            0 => len,
            cursor => cursor.min(len),
        };
        end.saturating_sub(self.options.count)..end
    }

    pub(super) fn wants(&self, element: &[u8]) -> bool {
        let pattern = self.options.pattern;
        pattern.is_none_or(|pattern| glob::matches(pattern, element))
    }
}
