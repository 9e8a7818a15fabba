//! Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE.

use crate::limits::BULK_LEN_MAX;
use crate::resp::reply;
use crate::store::access::{Found, NewString};
use crate::store::error::StoreError;
use crate::store::keyspace::entry::Shape;
use crate::store::{Call, Done, Outcome, Store};

/// APPEND key value
pub(in crate::store) fn append(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let tail = call.arg(2);
    let found = store.seek_string(call)?;
    let len = len_of(store, &found) + tail.len();
    let version = if found.is_live() {
        check_len(len)?;
        store.amend(found, call, |entry| entry.append(tail))
    } else {
        store.put(found, call, call.key(), &NewString::plain(tail))
    };
    reply::integer(out, len as i64);
    Ok(Outcome::at(version))
}

/// STRLEN key
pub(in crate::store) fn strlen(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let read = store.read(call.key(), call.exec.wall_ms, |entry| {
        Ok((entry.string_or_wrong_type()?.len(), entry.version))
    });
    let (len, version) = read.unwrap_or_else(|version| Ok((0, version)))?;
    reply::integer(out, len as i64);
    Ok(Outcome::at(version))
}

/// GETRANGE key start end
pub(in crate::store) fn getrange(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (start, end) = (call.integer(2)?, call.integer(3)?);
    let answered = store.read(call.key(), call.exec.wall_ms, |entry| {
        reply::bulk(out, slice(entry.string_or_wrong_type()?, start, end));
        Ok(Outcome::at(entry.version))
    });
    answered.unwrap_or_else(|version| {
        reply::bulk(out, b"");
        Ok(Outcome::at(version))
    })
}

/// From `start` to `end`, both included; negative positions count from the end, -1 being the last.
fn slice(value: &[u8], start: i64, end: i64) -> &[u8] {
    let len = value.len() as i64;
    if value.is_empty() || (start < 0 && end < 0 && start > end) {
        return b"";
    }
    let position = |index: i64| {
        if index < 0 {
            (len + index).max(0)
        } else {
            index
        }
    };
    let (start, end) = (position(start), position(end).min(len - 1));
    if start > end {
        return b"";
    }
    &value[start as usize..=end as usize]
}

/// SETRANGE key offset value
pub(in crate::store) fn setrange(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let offset = call.integer(2)?;
    let offset = usize::try_from(offset).map_err(|_| StoreError::OffsetRange)?;
    let value = call.arg(3);
    let found = store.seek_string(call)?;
    let len = len_of(store, &found);
    if value.is_empty() {
        reply::integer(out, len as i64);
        return Ok(Outcome::at(found.version));
    }
    let end = offset.saturating_add(value.len());
    check_len(end)?;
    let found = if found.is_live() {
        found
    } else {
        let empty = NewString {
            shape: Shape::Raw,
            ..NewString::plain(b"")
        };
        store.put(found, call, call.key(), &empty);
        store.seek(call.key(), call.exec.wall_ms)
    };
    let version = store.amend(found, call, |entry| entry.set_range(offset, value));
    reply::integer(out, len.max(end) as i64);
    Ok(Outcome::at(version))
}

fn len_of(store: &Store, found: &Found) -> usize {
    if !found.is_live() {
        return 0;
    }
    let value = store.keyspace.entry(found.spot).as_string();
    value.map_or(0, <[u8]>::len)
}

fn check_len(len: usize) -> Result<(), StoreError> {
    if len > BULK_LEN_MAX {
        return Err(StoreError::TooLong);
    }
    Ok(())
}
