//! What a key costs and how it is kept: OBJECT and MEMORY USAGE.

use crate::resp::number::parse_i64;
use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::keyspace::entry::{Entry, Shape};
use crate::store::{Call, Done, Outcome, Store};

/// Longest string that Redis keeps in its object (`OBJ_ENCODING_EMBSTR_SIZE_LIMIT`).
const EMBEDDED_LEN_MAX: usize = 44;
/// Redis shares the objects of integers below this one.
const SHARED_INTEGERS: i64 = 10_000;
/// What it answers for the references to a shared object.
const SHARED_REFCOUNT: i64 = i32::MAX as i64;

/// OBJECT ENCODING key: the name Redis has for what it would keep.
pub(in crate::store) fn encoding(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    answer(store, call, out, |entry, out| {
        if let Some(collection) = entry.as_collection() {
            reply::bulk(out, collection.encoding().as_bytes());
            return Ok(());
        }
        let value = entry.as_string().unwrap_or_default();
        let name = match entry.shape() {
            Shape::Natural if parse_i64(value).is_some() => "int",
            Shape::Natural | Shape::Text if value.len() <= EMBEDDED_LEN_MAX => "embstr",
            _ => "raw",
        };
        reply::bulk(out, name.as_bytes());
        Ok(())
    })
}

/// OBJECT REFCOUNT key
pub(in crate::store) fn refcount(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    answer(store, call, out, |entry, out| {
        let number = entry.as_string().and_then(parse_i64);
        let shared = entry.shape() == Shape::Natural
            && number.is_some_and(|number| (0..SHARED_INTEGERS).contains(&number));
        reply::integer(out, if shared { SHARED_REFCOUNT } else { 1 });
        Ok(())
    })
}

/// OBJECT IDLETIME key
pub(in crate::store) fn idletime(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let wall_ms = call.exec.wall_ms;
    answer(store, call, out, |entry, out| {
        reply::integer(out, entry.idle_s(wall_ms) as i64);
        Ok(())
    })
}

/// OBJECT FREQ key
pub(in crate::store) fn freq(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    answer(store, call, out, |_, _| Err(StoreError::NoLfu))
}

/// MEMORY USAGE key [SAMPLES count]
pub(in crate::store) fn memory_usage(
    store: &mut Store,
    call: &Call<'_>,
    out: &mut Vec<u8>,
) -> Done {
    for position in (3..call.argc()).step_by(2) {
        if !call.says(position, "SAMPLES") || position + 1 == call.argc() {
            return Err(StoreError::Syntax);
        }
        if call.integer(position + 1)? < 0 {
            return Err(StoreError::Syntax);
        }
    }
    answer(store, call, out, |entry, out| {
        let bytes = size_of::<Entry>() + entry.heap_bytes();
        reply::integer(out, bytes as i64);
        Ok(())
    })
}

/// Answers about the key after the subcommand, nil where there is none.
fn answer(
    store: &mut Store,
    call: &Call<'_>,
    out: &mut Vec<u8>,
    about: impl FnOnce(&Entry, &mut Vec<u8>) -> Result<(), StoreError>,
) -> Done {
    match store.peek(call.arg(2), call.exec.wall_ms) {
        Ok(entry) => {
            about(entry, out)?;
            Ok(Outcome::at(entry.version))
        }
        Err(version) => {
            call.nil(out);
            Ok(Outcome::at(version))
        }
    }
}
