//! Sets: SADD, SMEMBERS, SINTER and their kin.

use super::sample::{REPEATED_MAX, Random};
use super::scan::Walk;
use crate::command::CommandId;
use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::value::{Members, Typed};
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// SADD key member [member …]
pub(in crate::store) fn sadd(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    change_each(store, call, Members::insert, out)
}

/// SREM key member [member …]
pub(in crate::store) fn srem(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    change_each(store, call, Members::remove, out)
}

/// Answers how many of the members given were changed.
fn change_each(
    store: &mut Store,
    call: &Call<'_>,
    change: fn(&mut Members, &[u8]) -> bool,
    out: &mut Vec<u8>,
) -> Done {
    let (changed, version) = store.modify((call.key(), call), |members: &mut Members| {
        let given = call.request.iter().skip(2);
        let changed = given.filter(|member| change(members, member)).count();
        Ok((changed, changed > 0))
    })?;
    reply::integer(out, changed as i64);
    Ok(Outcome::at(version))
}

/// SMEMBERS key
pub(in crate::store) fn smembers(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |members| {
        reply::set_header(out, members.map_or(0, Members::len), call.exec.protocol);
        let members = members.into_iter().flat_map(Members::iter);
        members.for_each(|member| reply::bulk(out, member));
    })
}

/// SISMEMBER key member
pub(in crate::store) fn sismember(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |members| {
        let there = members.is_some_and(|members| members.contains(call.arg(2)));
        reply::integer(out, i64::from(there));
    })
}

/// SMISMEMBER key member [member …]
pub(in crate::store) fn smismember(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |members| {
        reply::array_header(out, call.argc() - 2);
        for member in call.request.iter().skip(2) {
            let there = members.is_some_and(|members| members.contains(member));
            reply::integer(out, i64::from(there));
        }
    })
}

/// SCARD key
pub(in crate::store) fn scard(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |members| {
        reply::integer(out, members.map_or(0, Members::len) as i64);
    })
}

/// SPOP key [count]
pub(in crate::store) fn spop(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let count = match call.argc() {
        2 => None,
        3 => {
            let count = call.integer(2).map_err(|_| StoreError::NotPositive)?;
            Some(usize::try_from(count).map_err(|_| StoreError::NotPositive)?)
        }
        _ => return Err(StoreError::Syntax),
    };
    let mut random = Random::of_write(store, call);
    let (popped, version) = store.modify((call.key(), call), |members: &mut Members| {
        let positions = random.distinct(count.unwrap_or(1), members.len());
        let chosen = positions.iter().filter_map(|&at| members.at(at));
        let popped: Vec<Box<[u8]>> = chosen.map(Into::into).collect();
        popped.iter().for_each(|member| {
            members.remove(member);
        });
        let changed = !popped.is_empty();
        Ok((popped, changed))
    })?;
    match (count, popped.first()) {
        (None, Some(member)) => reply::bulk(out, member),
        (None, None) => call.nil(out),
        (Some(_), _) => {
            reply::set_header(out, popped.len(), call.exec.protocol);
            popped.iter().for_each(|member| reply::bulk(out, member));
        }
    }
    Ok(Outcome::at(version))
}

/// SRANDMEMBER key [count]
pub(in crate::store) fn srandmember(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut random = Random::of(store);
    if call.argc() == 2 {
        return view(store, call, |members| {
            match members.and_then(|members| members.at(random.below(members.len()))) {
                Some(member) => reply::bulk(out, member),
                None => call.nil(out),
            }
        });
    }
    if call.argc() > 3 {
        return Err(StoreError::Syntax);
    }
    let count = call.integer(2)?;
    if count < -REPEATED_MAX {
        return Err(StoreError::OutOfRange);
    }
    view(store, call, |members| {
        let positions = random.positions(count, members.map_or(0, Members::len));
        reply::array_header(out, positions.len());
        let chosen = positions.iter().filter_map(|&at| members?.at(at));
        chosen.for_each(|member| reply::bulk(out, member));
    })
}

/// SMOVE source destination member
pub(in crate::store) fn smove(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (from, to, member) = (call.arg(1), call.arg(2), call.arg(3));
    let holds = |members: Option<&Members>| members.map(|members| members.contains(member));
    let (source, source_version) = store.view((from, call), holds)?;
    let mut outcome = Outcome::default();
    if source.is_none() {
        reply::integer(out, 0);
        outcome.mix(source_version);
        outcome.mix(store.version(to));
        return Ok(outcome);
    }
    let (_, target_version) = store.view((to, call), holds)?;
    let there = source == Some(true);
    reply::integer(out, i64::from(there));
    if !there || from == to {
        outcome.mix(source_version);
        outcome.mix(target_version);
        return Ok(outcome);
    }
    let taken = |members: &mut Members| Ok((members.remove(member), true));
    outcome.mix(store.modify((from, call), taken)?.1);
    let given = |members: &mut Members| {
        let added = members.insert(member);
        Ok((added, added))
    };
    outcome.mix(store.modify((to, call), given)?.1);
    Ok(outcome)
}

/// SSCAN key cursor [MATCH pattern] [COUNT count]
pub(in crate::store) fn sscan(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let walk = Walk::parse::<Members>(store, call)?;
    view(store, call, |members| {
        let positions = walk.positions(members.map_or(0, Members::len));
        let found: Vec<_> = positions
            .clone()
            .filter_map(|position| members?.at(position))
            .filter(|member| walk.wants(member))
            .collect();
        reply::array_header(out, 2);
        reply::bulk_integer(out, positions.start as i64);
        reply::array_header(out, found.len());
        found.iter().for_each(|member| reply::bulk(out, member));
    })
}

/// SINTER key [key …], SUNION key [key …], SDIFF key [key …]
pub(in crate::store) fn combine(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let keys: Vec<&[u8]> = call.keys().collect();
    let (members, outcome) = combined(store, call, &keys)?;
    reply::set_header(out, members.len(), call.exec.protocol);
    members.iter().for_each(|member| reply::bulk(out, member));
    Ok(outcome)
}

/// SINTERSTORE, SUNIONSTORE, SDIFFSTORE: destination key [key …]
pub(in crate::store) fn combine_store(
    store: &mut Store,
    call: &Call<'_>,
    out: &mut Vec<u8>,
) -> Done {
    let keys: Vec<&[u8]> = call.keys().skip(1).collect();
    let (members, mut outcome) = combined(store, call, &keys)?;
    reply::integer(out, members.len() as i64);
    let found = store.seek(call.key(), call.exec.wall_ms);
    outcome.mix(if !members.is_empty() {
        store.put_collection(found, call, call.key(), members.into_collection())
    } else if found.is_live() {
        store.take(found, call, call.key())
    } else {
        found.version
    });
    Ok(outcome)
}

/// The intersection, union or difference of the sets of these keys; one that is not there is empty.
fn combined(
    store: &mut Store,
    call: &Call<'_>,
    keys: &[&[u8]],
) -> Result<(Members, Outcome), StoreError> {
    use CommandId as Id;
    let mut outcome = Outcome::default();
    let mut result = Members::new(store.seed());
    for (index, key) in keys.iter().enumerate() {
        let ((), version) = store.view((*key, call), |members: Option<&Members>| {
            let each = || members.into_iter().flat_map(Members::iter);
            match call.command.id {
                Id::Sinter | Id::Sinterstore if index > 0 => {
                    let there = |member: &[u8]| members.is_some_and(|it| it.contains(member));
                    result = kept(&result, there);
                }
                Id::Sdiff | Id::Sdiffstore if index > 0 => each().for_each(|member| {
                    result.remove(member);
                }),
                _ => each().for_each(|member| {
                    result.insert(member);
                }),
            }
        })?;
        outcome.mix(version);
    }
    Ok((result, outcome))
}

/// The members that are wanted, in their order.
fn kept(members: &Members, wanted: impl Fn(&[u8]) -> bool) -> Members {
    let mut result = members.emptied();
    for member in members.iter().filter(|member| wanted(member)) {
        result.insert(member);
    }
    result
}

fn view(store: &mut Store, call: &Call<'_>, take: impl FnOnce(Option<&Members>)) -> Done {
    let seen: Result<((), Version), StoreError> = store.view((call.key(), call), take);
    seen.map(|((), version)| Outcome::at(version))
}
