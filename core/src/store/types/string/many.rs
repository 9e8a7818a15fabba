//! Strings of many keys: MGET, MSET, MSETNX.

use crate::resp::reply;
use crate::store::access::NewString;
use crate::store::error::StoreError;
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// MGET key [key …]
pub(in crate::store) fn mget(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut outcome = Outcome::default();
    reply::array_header(out, call.argc() - 1);
    for key in call.keys() {
        let answered = store.read(key, call.exec.wall_ms, |entry| {
            match entry.as_string() {
                Some(value) => reply::bulk(out, value),
                None => call.nil(out),
            }
            entry.version
        });
        outcome.mix(answered.unwrap_or_else(|version| {
            call.nil(out);
            version
        }));
    }
    Ok(outcome)
}

/// MSET key value [key value …]
pub(in crate::store) fn mset(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let outcome = put_pairs(store, call)?;
    reply::ok(out);
    Ok(outcome)
}

/// MSETNX key value [key value …]
pub(in crate::store) fn msetnx(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    check_pairs(call)?;
    let mut outcome = Outcome::default();
    let mut any = false;
    for key in call.keys() {
        let found = store.seek(key, call.exec.wall_ms);
        any |= found.is_live();
        outcome.mix(found.version);
    }
    if !any {
        outcome = put_pairs_as_given(store, call);
    }
    reply::integer(out, i64::from(!any));
    Ok(outcome)
}

fn check_pairs(call: &Call<'_>) -> Result<(), StoreError> {
    if call.argc().is_multiple_of(2) {
        return Err(StoreError::Arity);
    }
    Ok(())
}

/// Blind writes of pairs. Of a key given twice the last value must stay: with a version, which
/// only the first write of it can pass, the pairs are taken from the end.
fn put_pairs(store: &mut Store, call: &Call<'_>) -> Result<Outcome, StoreError> {
    check_pairs(call)?;
    if call.exec.version == Version::NEVER {
        return Ok(put_pairs_as_given(store, call));
    }
    let mut outcome = Outcome::default();
    for position in (1..call.argc()).step_by(2).rev() {
        let key = call.arg(position);
        let found = store.seek(key, call.exec.wall_ms);
        let mut version = found.version;
        if store.admits(&found, call.exec.version) {
            version = store.put(found, call, key, &NewString::plain(call.arg(position + 1)));
        }
        outcome.left(version, call.exec.version);
    }
    Ok(outcome)
}

fn put_pairs_as_given(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    for position in (1..call.argc()).step_by(2) {
        let key = call.arg(position);
        let found = store.seek(key, call.exec.wall_ms);
        let string = NewString::plain(call.arg(position + 1));
        outcome.mix(store.put(found, call, key, &string));
    }
    outcome
}
