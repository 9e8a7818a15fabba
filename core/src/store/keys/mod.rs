//! Commands on keys of any type.

pub(super) mod deadline;
pub(super) mod flush;
pub(super) mod object;
pub(super) mod scan;

use super::access::NewString;
use super::error::StoreError;
use super::keyspace::entry::{Entry, Shape};
use super::value::Collection;
use super::{Call, Done, Outcome, Store};
use crate::resp::reply;

/// DEL key [key …], UNLINK key [key …]
pub(super) fn del(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut outcome = Outcome::default();
    let mut deleted = 0;
    for key in call.keys() {
        let found = store.seek(key, call.exec.wall_ms);
        deleted += i64::from(found.is_live());
        let mut version = found.version;
        if store.admits(&found, call.exec.version) {
            version = store.take(found, call, key);
        }
        outcome.left(version, call.exec.version);
    }
    reply::integer(out, deleted);
    Ok(outcome)
}

/// EXISTS key [key …]
pub(super) fn exists(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut outcome = Outcome::default();
    let mut count = 0;
    for key in call.keys() {
        let met = store.peek(key, call.exec.wall_ms);
        count += i64::from(met.is_ok());
        outcome.mix(met.map_or_else(|version| version, |entry| entry.version));
    }
    reply::integer(out, count);
    Ok(outcome)
}

/// TOUCH key [key …]
pub(super) fn touch(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    for key in call.keys() {
        // Reading notes the use; what is not there has none.
        let _ = store.read(key, call.exec.wall_ms, |_| ());
    }
    exists(store, call, out)
}

/// TYPE key
pub(super) fn type_of(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (name, version) = match store.peek(call.key(), call.exec.wall_ms) {
        Ok(entry) => (entry.type_name(), entry.version),
        Err(version) => ("none", version),
    };
    reply::simple(out, name);
    Ok(Outcome::at(version))
}

/// RENAME key newkey
pub(super) fn rename(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (_, outcome) = move_key(store, call, true)?;
    reply::ok(out);
    Ok(outcome)
}

/// RENAMENX key newkey
pub(super) fn renamenx(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (moved, outcome) = move_key(store, call, false)?;
    reply::integer(out, i64::from(moved));
    Ok(outcome)
}

/// Gives a key another name; whether it did, which it does not over another key unless told so.
fn move_key(
    store: &mut Store,
    call: &Call<'_>,
    overwrite: bool,
) -> Result<(bool, Outcome), StoreError> {
    let (from, to) = (call.arg(1), call.arg(2));
    let wall_ms = call.exec.wall_ms;
    if store.peek(from, wall_ms).is_err() {
        return Err(StoreError::NoSuchKey);
    }
    let target = store.seek(to, wall_ms);
    let mut outcome = Outcome::default();
    if from == to || (target.is_live() && !overwrite) {
        outcome.mix(store.seek(from, wall_ms).version);
        outcome.mix(target.version);
        return Ok((false, outcome));
    }
    let source = store.seek(from, wall_ms);
    let moved = store.keyspace.edit(source.spot, Moved::out_of);
    outcome.mix(store.take(source, call, from));
    let target = store.seek(to, wall_ms);
    outcome.mix(match moved.value {
        MovedValue::String(value, shape) => {
            let string = NewString {
                value: &value,
                shape,
                deadline_ms: moved.deadline_ms,
            };
            store.put(target, call, to, &string)
        }
        MovedValue::Collection(collection) => {
            let version = store.put_collection(target, call, to, collection);
            let found = store.seek(to, wall_ms);
            store.amend(found, call, |entry| entry.deadline_ms = moved.deadline_ms);
            version
        }
    });
    Ok((true, outcome))
}

/// What goes from one key to another.
struct Moved {
    value: MovedValue,
    deadline_ms: u64,
}

enum MovedValue {
    String(Vec<u8>, Shape),
    Collection(Collection),
}

impl Moved {
    fn out_of(entry: &mut Entry) -> Self {
        let deadline_ms = entry.deadline_ms;
        let value = match entry.take_collection() {
            Some(collection) => MovedValue::Collection(collection),
            None => {
                let value = entry.as_string().unwrap_or_default().to_vec();
                MovedValue::String(value, entry.shape())
            }
        };
        Self { value, deadline_ms }
    }
}
