//! Hashes: HSET, HGET and their kin.

use super::sample::{REPEATED_MAX, Random};
use super::scan::Walk;
use crate::command::CommandId;
use crate::resp::number::parse_i64;
use crate::resp::{Protocol, reply};
use crate::store::error::StoreError;
use crate::store::long_double::{self, Finite, LongDouble};
use crate::store::value::Fields;
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// HSET key field value [field value …], HMSET key field value [field value …]
pub(in crate::store) fn hset(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    if !call.argc().is_multiple_of(2) {
        return Err(StoreError::Arity);
    }
    let (added, version) = store.modify((call.key(), call), |fields: &mut Fields| {
        let pairs = (2..call.argc()).step_by(2);
        let set = |position| fields.set(call.arg(position), call.arg(position + 1));
        Ok((pairs.map(set).filter(|new| *new).count(), true))
    })?;
    match call.command.id {
        CommandId::Hmset => reply::ok(out),
        _ => reply::integer(out, added as i64),
    }
    Ok(Outcome::at(version))
}

/// HSETNX key field value
pub(in crate::store) fn hsetnx(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (field, value) = (call.arg(2), call.arg(3));
    let (set, version) = store.modify((call.key(), call), |fields: &mut Fields| {
        let absent = fields.get(field).is_none();
        if absent {
            fields.set(field, value);
        }
        Ok((absent, absent))
    })?;
    reply::integer(out, i64::from(set));
    Ok(Outcome::at(version))
}

/// HGET key field
pub(in crate::store) fn hget(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |fields| {
        bulk_or_nil(call, fields.and_then(|fields| fields.get(call.arg(2))), out);
    })
}

/// HMGET key field [field …]
pub(in crate::store) fn hmget(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |fields| {
        reply::array_header(out, call.argc() - 2);
        for field in call.request.iter().skip(2) {
            bulk_or_nil(call, fields.and_then(|fields| fields.get(field)), out);
        }
    })
}

/// HGETALL key, HKEYS key, HVALS key
pub(in crate::store) fn hgetall(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (keys, values) = match call.command.id {
        CommandId::Hkeys => (true, false),
        CommandId::Hvals => (false, true),
        _ => (true, true),
    };
    view(store, call, |fields| {
        let count = fields.map_or(0, Fields::len);
        match keys && values {
            true => reply::map_header(out, count, call.exec.protocol),
            false => reply::array_header(out, count),
        }
        for (field, value) in fields.into_iter().flat_map(Fields::iter) {
            if keys {
                reply::bulk(out, field);
            }
            if values {
                reply::bulk(out, value);
            }
        }
    })
}

/// HDEL key field [field …]
pub(in crate::store) fn hdel(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (removed, version) = store.modify((call.key(), call), |fields: &mut Fields| {
        let gone = call
            .request
            .iter()
            .skip(2)
            .map(|field| fields.remove(field));
        let removed = gone.filter(|gone| *gone).count();
        Ok((removed, removed > 0))
    })?;
    reply::integer(out, removed as i64);
    Ok(Outcome::at(version))
}

/// HEXISTS key field
pub(in crate::store) fn hexists(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |fields| {
        let value = fields.and_then(|fields| fields.get(call.arg(2)));
        reply::integer(out, i64::from(value.is_some()));
    })
}

/// HLEN key
pub(in crate::store) fn hlen(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |fields| {
        reply::integer(out, fields.map_or(0, Fields::len) as i64);
    })
}

/// HSTRLEN key field
pub(in crate::store) fn hstrlen(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |fields| {
        let value = fields.and_then(|fields| fields.get(call.arg(2)));
        reply::integer(out, value.map_or(0, <[u8]>::len) as i64);
    })
}

/// HINCRBY key field increment
pub(in crate::store) fn hincrby(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let by = call.integer(3)?;
    let (new, version) = store.modify((call.key(), call), |fields: &mut Fields| {
        let old = match fields.get(call.arg(2)) {
            Some(text) => parse_i64(text).ok_or(StoreError::FieldNotInteger)?,
            None => 0,
        };
        let new = old.checked_add(by).ok_or(StoreError::Overflow)?;
        fields.set(call.arg(2), new.to_string().as_bytes());
        Ok((new, true))
    })?;
    reply::integer(out, new);
    Ok(Outcome::at(version))
}

/// HINCRBYFLOAT key field increment
pub(in crate::store) fn hincrbyfloat(
    store: &mut Store,
    call: &Call<'_>,
    out: &mut Vec<u8>,
) -> Done {
    let by = long_double::parse(call.arg(3)).ok_or(StoreError::NotFloat)?;
    let LongDouble::Finite(by) = by else {
        return Err(StoreError::NanOrInfiniteValue);
    };
    let (new, version) = store.modify((call.key(), call), |fields: &mut Fields| {
        let old = match fields.get(call.arg(2)) {
            Some(text) => long_double::parse(text).ok_or(StoreError::FieldNotFloat)?,
            None => LongDouble::Finite(Finite::ZERO),
        };
        let sum = match old {
            LongDouble::Finite(old) => old.plus(by),
            _ => None,
        };
        let new = sum.ok_or(StoreError::NanOrInfinity)?.print();
        fields.set(call.arg(2), new.as_bytes());
        Ok((new, true))
    })?;
    reply::bulk(out, new.as_bytes());
    Ok(Outcome::at(version))
}

/// HRANDFIELD key [count [WITHVALUES]]
pub(in crate::store) fn hrandfield(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut random = Random::of(store);
    if call.argc() == 2 {
        return view(store, call, |fields| {
            let field = fields.and_then(|fields| fields.at(random.below(fields.len())));
            bulk_or_nil(call, field.map(|(field, _)| field), out);
        });
    }
    let count = call.integer(2)?;
    let with_values = call.argc() == 4 && call.says(3, "WITHVALUES");
    if call.argc() > 3 && !with_values {
        return Err(StoreError::Syntax);
    }
    let count_max = if with_values { i64::MAX / 2 } else { i64::MAX };
    if !(-REPEATED_MAX..=count_max).contains(&count) {
        return Err(StoreError::OutOfRange);
    }
    view(store, call, |fields| {
        let positions = random.positions(count, fields.map_or(0, Fields::len));
        pairs_header(call, positions.len(), with_values, out);
        for (field, value) in positions
            .iter()
            .filter_map(|&position| fields?.at(position))
        {
            pair(call, (field, with_values.then_some(value)), out);
        }
    })
}

/// HSCAN key cursor [MATCH pattern] [COUNT count]
pub(in crate::store) fn hscan(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let walk = Walk::parse::<Fields>(store, call)?;
    view(store, call, |fields| {
        let positions = walk.positions(fields.map_or(0, Fields::len));
        let found: Vec<_> = positions
            .clone()
            .filter_map(|position| fields?.at(position))
            .filter(|(field, _)| walk.wants(field))
            .collect();
        reply::array_header(out, 2);
        reply::bulk_integer(out, positions.start as i64);
        reply::array_header(out, found.len() * 2);
        for (field, value) in found {
            reply::bulk(out, field);
            reply::bulk(out, value);
        }
    })
}

fn view(store: &mut Store, call: &Call<'_>, take: impl FnOnce(Option<&Fields>)) -> Done {
    let seen: Result<((), Version), StoreError> = store.view((call.key(), call), take);
    seen.map(|((), version)| Outcome::at(version))
}

fn bulk_or_nil(call: &Call<'_>, value: Option<&[u8]>, out: &mut Vec<u8>) {
    match value {
        Some(value) => reply::bulk(out, value),
        None => call.nil(out),
    }
}

/// RESP2 has fields and values in one array, RESP3 an array for each pair.
fn pairs_header(call: &Call<'_>, count: usize, with_values: bool, out: &mut Vec<u8>) {
    match (call.exec.protocol, with_values) {
        (Protocol::Resp2, true) => reply::array_header(out, count * 2),
        _ => reply::array_header(out, count),
    }
}

fn pair(call: &Call<'_>, (field, value): (&[u8], Option<&[u8]>), out: &mut Vec<u8>) {
    if call.exec.protocol == Protocol::Resp3 && value.is_some() {
        reply::array_header(out, 2);
    }
    reply::bulk(out, field);
    if let Some(value) = value {
        reply::bulk(out, value);
    }
}
