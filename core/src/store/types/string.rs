//! Strings: GET, SET and their kin.

use super::super::access::{NewString, superseded};
use super::super::error::StoreError;
use super::super::expiry::TimeOption;
use super::super::keyspace::entry::{NEVER_MS, Shape};
use super::super::{Call, Done, Outcome, Store};
use crate::resp::reply;

/// GET key
pub(in crate::store) fn get(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    match store.read(call.key(), call.exec.wall_ms) {
        Ok(entry) => {
            reply::bulk(out, entry.string_or_wrong_type()?);
            Ok(Outcome::at(entry.version))
        }
        Err(version) => {
            call.nil(out);
            Ok(Outcome::at(version))
        }
    }
}

/// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub(in crate::store) fn set(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    if call.argc() == 3 {
        return set_blind(store, call, call.arg(2), NEVER_MS, out);
    }
    let options = SetOptions::parse(call)?;
    let deadline_ms = match options.time {
        Some(time) => time.deadline_ms(call)?,
        None => NEVER_MS,
    };
    if options.is_blind() {
        return set_blind(store, call, call.arg(2), deadline_ms, out);
    }
    set_conditional(store, call, &options, deadline_ms, out)
}

/// A write that depends on nothing but its arguments, acknowledged by `+OK`.
fn set_blind(
    store: &mut Store,
    call: &Call<'_>,
    value: &[u8],
    deadline_ms: u64,
    out: &mut Vec<u8>,
) -> Done {
    let key = call.key();
    let found = store.seek(key, call.exec.wall_ms);
    reply::ok(out);
    if !store.admits(&found, call.exec.version) {
        return superseded(&found);
    }
    let string = NewString {
        value,
        shape: Shape::Natural,
        deadline_ms,
    };
    Ok(Outcome::at(store.put(found, call, key, &string)))
}

fn set_conditional(
    store: &mut Store,
    call: &Call<'_>,
    options: &SetOptions,
    deadline_ms: u64,
    out: &mut Vec<u8>,
) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    let mut deadline_ms = deadline_ms;
    if found.is_live() {
        let entry = store.keyspace.entry(found.spot);
        if options.get {
            reply::bulk(out, entry.string_or_wrong_type()?);
        }
        if options.keep_ttl {
            deadline_ms = entry.deadline_ms;
        }
    } else if options.get {
        call.nil(out);
    }
    let wanted = match found.is_live() {
        true => !options.if_absent,
        false => !options.if_present,
    };
    if !wanted {
        if !options.get {
            call.nil(out);
        }
        return Ok(Outcome::at(found.version));
    }
    if !options.get {
        reply::ok(out);
    }
    let string = NewString {
        value: call.arg(2),
        shape: Shape::Natural,
        deadline_ms,
    };
    Ok(Outcome::at(store.put(found, call, call.key(), &string)))
}

#[derive(Default)]
struct SetOptions {
    if_absent: bool,
    if_present: bool,
    get: bool,
    keep_ttl: bool,
    time: Option<TimeOption>,
}

impl SetOptions {
    fn parse(call: &Call<'_>) -> Result<Self, StoreError> {
        let mut options = Self::default();
        let mut position = 3;
        while let Some(word) = call.request.get(position) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("NX") && !options.if_present {
                options.if_absent = true;
            } else if is("XX") && !options.if_absent {
                options.if_present = true;
            } else if is("GET") {
                options.get = true;
            } else if is("KEEPTTL") && options.time.is_none() {
                options.keep_ttl = true;
            } else if let Some(time) = TimeOption::parse(call, position, options.time)
                && !options.keep_ttl
            {
                options.time = Some(time);
                position += 1;
            } else {
                return Err(StoreError::Syntax);
            }
            position += 1;
        }
        Ok(options)
    }

    fn is_blind(&self) -> bool {
        !(self.if_absent || self.if_present || self.get || self.keep_ttl)
    }
}
