//! Strings: GET, SET and their kin.

pub(in crate::store) mod many;
pub(in crate::store) mod number;
pub(in crate::store) mod range;

use crate::command::CommandId;
use crate::resp::reply;
use crate::store::access::{Found, NewString, superseded};
use crate::store::error::StoreError;
use crate::store::expiry::{TimeOption, TimeUnit};
use crate::store::keyspace::entry::NEVER_MS;
use crate::store::{Call, Done, Outcome, Store};

/// GET key
pub(in crate::store) fn get(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let answered = store.read(call.key(), call.exec.wall_ms, |entry| {
        reply::bulk(out, entry.string_or_wrong_type()?);
        Ok(Outcome::at(entry.version))
    });
    answered.unwrap_or_else(|version| {
        call.nil(out);
        Ok(Outcome::at(version))
    })
}

/// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub(in crate::store) fn set(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let value = call.arg(2);
    if call.argc() == 3 {
        if let Some(version) = store.overwrite(call, value) {
            reply::ok(out);
            return Ok(Outcome::at(version));
        }
        return set_blind(store, call, &NewString::plain(value), out);
    }
    let options = SetOptions::parse(call)?;
    let deadline_ms = match options.time {
        Some(time) => time.deadline_ms(call)?,
        None => NEVER_MS,
    };
    let string = NewString {
        deadline_ms,
        ..NewString::plain(value)
    };
    if options.is_blind() {
        set_blind(store, call, &string, out)
    } else {
        set_conditional(store, call, &options, string, out)
    }
}

/// SETEX key seconds value, PSETEX key milliseconds value
pub(in crate::store) fn setex(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let unit = TimeUnit {
        seconds: call.command.id == CommandId::Setex,
        absolute: false,
    };
    let string = NewString {
        deadline_ms: TimeOption::at(2, unit).deadline_ms(call)?,
        ..NewString::plain(call.arg(3))
    };
    set_blind(store, call, &string, out)
}

/// A write that depends on nothing but its arguments, acknowledged by `+OK`.
fn set_blind(
    store: &mut Store,
    call: &Call<'_>,
    string: &NewString<'_>,
    out: &mut Vec<u8>,
) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    reply::ok(out);
    if !store.admits(&found, call.exec.version) {
        return superseded(&found);
    }
    Ok(Outcome::at(store.put(found, call, call.key(), string)))
}

fn set_conditional(
    store: &mut Store,
    call: &Call<'_>,
    options: &SetOptions,
    mut string: NewString<'_>,
    out: &mut Vec<u8>,
) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    if options.get {
        answer_old(store, call, &found, out)?;
    }
    let refused = match found.is_live() {
        true => options.if_absent,
        false => options.if_present,
    };
    if refused {
        if !options.get {
            call.nil(out);
        }
        return Ok(Outcome::at(found.version));
    }
    if options.keep_ttl && found.is_live() {
        string.deadline_ms = store.keyspace.entry(found.spot).deadline_ms;
    }
    if !options.get {
        reply::ok(out);
    }
    Ok(Outcome::at(store.put(found, call, call.key(), &string)))
}

/// Answers what a key held before it changes.
fn answer_old(
    store: &Store,
    call: &Call<'_>,
    found: &Found,
    out: &mut Vec<u8>,
) -> Result<(), StoreError> {
    if found.is_live() {
        reply::bulk(
            out,
            store.keyspace.entry(found.spot).string_or_wrong_type()?,
        );
    } else {
        call.nil(out);
    }
    Ok(())
}

/// SETNX key value
pub(in crate::store) fn setnx(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    reply::integer(out, i64::from(!found.is_live()));
    if found.is_live() {
        return Ok(Outcome::at(found.version));
    }
    let string = NewString::plain(call.arg(2));
    Ok(Outcome::at(store.put(found, call, call.key(), &string)))
}

/// GETSET key value
pub(in crate::store) fn getset(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    answer_old(store, call, &found, out)?;
    let string = NewString::plain(call.arg(2));
    Ok(Outcome::at(store.put(found, call, call.key(), &string)))
}

/// GETDEL key
pub(in crate::store) fn getdel(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    answer_old(store, call, &found, out)?;
    if !found.is_live() {
        return Ok(Outcome::at(found.version));
    }
    Ok(Outcome::at(store.take(found, call, call.key())))
}

/// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
pub(in crate::store) fn getex(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (time, persist) = parse_getex(call)?;
    let found = store.seek_string(call)?;
    if !found.is_live() {
        call.nil(out);
        return Ok(Outcome::at(found.version));
    }
    let deadline_ms = match time {
        Some(time) => time.deadline_ms(call)?,
        None => NEVER_MS,
    };
    answer_old(store, call, &found, out)?;
    let version = match time {
        Some(time) if time.is_absolute() && deadline_ms <= call.exec.wall_ms => {
            store.take(found, call, call.key())
        }
        None if !persist => found.version,
        _ => store.amend(found, call, |entry| entry.deadline_ms = deadline_ms),
    };
    Ok(Outcome::at(version))
}

fn parse_getex(call: &Call<'_>) -> Result<(Option<TimeOption>, bool), StoreError> {
    let (mut time, mut persist) = (None, false);
    let mut position = 2;
    while position < call.argc() {
        if call.says(position, "PERSIST") && time.is_none() {
            persist = true;
        } else if let Some(given) = TimeOption::parse(call, position, time)
            && !persist
        {
            time = Some(given);
            position += 1;
        } else {
            return Err(StoreError::Syntax);
        }
        position += 1;
    }
    Ok((time, persist))
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
        while position < call.argc() {
            if call.says(position, "NX") && !options.if_present {
                options.if_absent = true;
            } else if call.says(position, "XX") && !options.if_absent {
                options.if_present = true;
            } else if call.says(position, "GET") {
                options.get = true;
            } else if call.says(position, "KEEPTTL") && options.time.is_none() {
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
