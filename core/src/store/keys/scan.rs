//! Commands over all keys: SCAN, KEYS, RANDOMKEY, DBSIZE.

use std::ops::ControlFlow;

use crate::command::CommandId;
use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::glob;
use crate::store::keyspace::entry::Entry;
use crate::store::{Call, Done, Outcome, Store};

/// Keys that SCAN looks at unless told otherwise.
const COUNT_DEFAULT: usize = 10;
/// Slots that hold no value, such as tombstones, that SCAN passes for each key it looks at.
const DEAD_PER_KEY_MAX: usize = 10;
/// Capacity that the scratch buffer keeps between commands, in bytes.
const SCRATCH_KEPT_MAX: usize = 64 * 1024;

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
pub(in crate::store) fn scan(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let cursor = parse_cursor(call.arg(1))?;
    let options = ScanOptions::parse(call, 2)?;
    let mut found = Matches::taken_from(store);
    let (mut live, mut dead) = (
        options.count,
        options.count.saturating_mul(DEAD_PER_KEY_MAX),
    );
    let next = store.keyspace.walk(cursor, &mut |entry| {
        if entry.is_live(call.exec.wall_ms) {
            live -= usize::from(live > 0);
            if options.want(entry) {
                found.add(entry);
            }
        } else {
            dead -= usize::from(dead > 0);
        }
        if live == 0 || dead == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    reply::array_header(out, 2);
    reply::bulk_integer(out, next as i64);
    found.write(store, out);
    Ok(Outcome::default())
}

/// KEYS pattern
pub(in crate::store) fn keys(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let pattern = call.arg(1);
    let mut found = Matches::taken_from(store);
    store.keyspace.walk(0, &mut |entry| {
        let wanted = pattern == b"*" || glob::matches(pattern, entry.key());
        if wanted && entry.is_live(call.exec.wall_ms) {
            found.add(entry);
        }
        ControlFlow::Continue(())
    });
    found.write(store, out);
    Ok(Outcome::default())
}

/// RANDOMKEY
pub(in crate::store) fn randomkey(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let state = &mut store.random;
    let live = |entry: &Entry| entry.is_live(call.exec.wall_ms);
    match store.keyspace.pick(&mut || splitmix(state), &live) {
        Some(entry) => reply::bulk(out, entry.key()),
        None => call.nil(out),
    }
    Ok(Outcome::default())
}

/// DBSIZE
pub(in crate::store) fn dbsize(store: &mut Store, _: &Call<'_>, out: &mut Vec<u8>) -> Done {
    reply::integer(out, store.len() as i64);
    Ok(Outcome::default())
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
pub(in crate::store) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Keys found, already as bulk strings: their number, which comes first, is known last.
struct Matches {
    bulks: Vec<u8>,
    count: usize,
}

impl Matches {
    fn taken_from(store: &mut Store) -> Self {
        Self {
            bulks: std::mem::take(&mut store.scratch),
            count: 0,
        }
    }

    fn add(&mut self, entry: &Entry) {
        reply::bulk(&mut self.bulks, entry.key());
        self.count += 1;
    }

    fn write(mut self, store: &mut Store, out: &mut Vec<u8>) {
        reply::array_header(out, self.count);
        out.extend_from_slice(&self.bulks);
        if self.bulks.capacity() <= SCRATCH_KEPT_MAX {
            self.bulks.clear();
            store.scratch = self.bulks;
        }
    }
}

/// What SCAN and its kin are asked for.
pub(in crate::store) struct ScanOptions<'a> {
    /// None: everything.
    pub(in crate::store) pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
    pub(in crate::store) count: usize,
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self {
            pattern: None,
            type_name: None,
            count: COUNT_DEFAULT,
        }
    }
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument `first` on.
    pub(in crate::store) fn parse(call: &Call<'a>, first: usize) -> Result<Self, StoreError> {
        let mut options = Self::default();
        for position in (first..call.argc()).step_by(2) {
            let value = call.request.get(position + 1).ok_or(StoreError::Syntax)?;
            if call.says(position, "COUNT") {
                let count = usize::try_from(call.integer(position + 1)?);
                options.count = count
                    .ok()
                    .filter(|&count| count > 0)
                    .ok_or(StoreError::Syntax)?;
            } else if call.says(position, "MATCH") {
                options.pattern = (value != b"*").then_some(value);
            } else if call.says(position, "TYPE") && call.command.id == CommandId::Scan {
                options.type_name = Some(value);
            } else {
                return Err(StoreError::Syntax);
            }
        }
        Ok(options)
    }

    fn want(&self, entry: &Entry) -> bool {
        let of_type = |name: &[u8]| name.eq_ignore_ascii_case(entry.type_name().as_bytes());
        self.type_name.is_none_or(of_type)
            && self
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, entry.key()))
    }
}

/// A cursor as C's `strtoul` reads it, but for what no client sends.
pub(in crate::store) fn parse_cursor(text: &[u8]) -> Result<u64, StoreError> {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    let mut cursor = 0u64;
    for digit in digits {
        let digit = char::from(*digit)
            .to_digit(10)
            .ok_or(StoreError::InvalidCursor)?;
        let more = cursor
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit)));
        cursor = more.ok_or(StoreError::InvalidCursor)?;
    }
    Ok(cursor)
}
