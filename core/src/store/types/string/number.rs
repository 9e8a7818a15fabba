//! Strings that are numbers: INCR, DECR and their kin.

use crate::command::CommandId;
use crate::resp::number::parse_i64;
use crate::resp::reply;
use crate::store::access::{Found, NewString};
use crate::store::error::StoreError;
use crate::store::keyspace::entry::{NEVER_MS, Shape};
use crate::store::long_double::{self, Finite, LongDouble};
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// INCR key, INCRBY key increment
pub(in crate::store) fn incrby(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let by = match call.command.id {
        CommandId::Incr => 1,
        _ => call.integer(2)?,
    };
    add(store, call, by, out)
}

/// DECR key, DECRBY key decrement
pub(in crate::store) fn decrby(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let by = match call.command.id {
        CommandId::Decr => 1,
        _ => call.integer(2)?,
    };
    let by = by.checked_neg().ok_or(StoreError::DecrementOverflow)?;
    add(store, call, by, out)
}

fn add(store: &mut Store, call: &Call<'_>, by: i64, out: &mut Vec<u8>) -> Done {
    let found = store.seek_string(call)?;
    let old = match text(store, &found) {
        Some(text) => parse_i64(text).ok_or(StoreError::NotInteger)?,
        None => 0,
    };
    let new = old.checked_add(by).ok_or(StoreError::Overflow)?;
    let start = out.len();
    reply::integer(out, new);
    // The reply's digits, between its type byte and its line end, are the value's.
    let digits = &out[start + 1..out.len() - 2];
    let version = replace(store, call, found, (digits, Shape::Natural));
    Ok(Outcome::at(version))
}

/// INCRBYFLOAT key increment
pub(in crate::store) fn incrbyfloat(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let found = store.seek_string(call)?;
    let old = match text(store, &found) {
        Some(text) => long_double::parse(text).ok_or(StoreError::NotFloat)?,
        None => LongDouble::Finite(Finite::ZERO),
    };
    let by = long_double::parse(call.arg(2)).ok_or(StoreError::NotFloat)?;
    let sum = match (old, by) {
        (LongDouble::Finite(old), LongDouble::Finite(by)) => old.plus(by),
        _ => None,
    };
    let new = sum.ok_or(StoreError::NanOrInfinity)?.print();
    let version = replace(store, call, found, (new.as_bytes(), Shape::Text));
    reply::bulk(out, new.as_bytes());
    Ok(Outcome::at(version))
}

fn text<'a>(store: &'a Store, found: &Found) -> Option<&'a [u8]> {
    if !found.is_live() {
        return None;
    }
    store.keyspace.entry(found.spot).as_string()
}

/// Writes the new number where the old one was; the deadline stays.
fn replace(
    store: &mut Store,
    call: &Call<'_>,
    found: Found,
    (value, shape): (&[u8], Shape),
) -> Version {
    if found.is_live() {
        return store.amend(found, call, |entry| entry.set_string(value, shape));
    }
    let string = NewString {
        value,
        shape,
        deadline_ms: NEVER_MS,
    };
    store.put(found, call, call.key(), &string)
}
