//! Lists: LPUSH, LRANGE and their kin.

use crate::command::CommandId;
use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::value::{End, List};
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// LPUSH, RPUSH, LPUSHX, RPUSHX: key element [element …]
pub(in crate::store) fn push(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (end, only_if_present) = match call.command.id {
        CommandId::Lpush => (End::Left, false),
        CommandId::Rpush => (End::Right, false),
        CommandId::Lpushx => (End::Left, true),
        _ => (End::Right, true),
    };
    let (len, version) = store.modify((call.key(), call), |list: &mut List| {
        if only_if_present && list.len() == 0 {
            return Ok((0, false));
        }
        for element in call.request.iter().skip(2) {
            list.push(end, element);
        }
        Ok((list.len(), true))
    })?;
    reply::integer(out, len as i64);
    Ok(Outcome::at(version))
}

/// LPOP key [count], RPOP key [count]
pub(in crate::store) fn pop(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let end = match call.command.id {
        CommandId::Lpop => End::Left,
        _ => End::Right,
    };
    let count = match call.argc() {
        2 => None,
        3 => {
            let count = call.integer(2).map_err(|_| StoreError::NotPositive)?;
            Some(usize::try_from(count).map_err(|_| StoreError::NotPositive)?)
        }
        _ => return Err(StoreError::Arity),
    };
    let (popped, version) = store.modify((call.key(), call), |list: &mut List| {
        if list.len() == 0 {
            return Ok((None, false));
        }
        let count = count.unwrap_or(1).min(list.len());
        let popped: Vec<Box<[u8]>> = (0..count).filter_map(|_| list.pop(end)).collect();
        Ok((Some(popped), count > 0))
    })?;
    match (count, popped) {
        (None, Some(popped)) => popped.iter().for_each(|element| reply::bulk(out, element)),
        (None, None) => call.nil(out),
        (Some(_), None) => reply::nil_array(out, call.exec.protocol),
        (Some(_), Some(popped)) => {
            reply::array_header(out, popped.len());
            popped.iter().for_each(|element| reply::bulk(out, element));
        }
    }
    Ok(Outcome::at(version))
}

/// LLEN key
pub(in crate::store) fn llen(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (len, version) = view(store, call, |list| list.map_or(0, List::len))?;
    reply::integer(out, len as i64);
    Ok(Outcome::at(version))
}

/// LRANGE key start stop
pub(in crate::store) fn lrange(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    let ((), version) = view(store, call, |list| {
        let (start, count) = span(start, stop, list.map_or(0, List::len));
        reply::array_header(out, count);
        let elements = list.into_iter().flat_map(List::iter);
        let wanted = elements.skip(start).take(count);
        wanted.for_each(|element| reply::bulk(out, element));
    })?;
    Ok(Outcome::at(version))
}

/// LINDEX key index
pub(in crate::store) fn lindex(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (answered, version) = view(store, call, |list| {
        let Some(list) = list else {
            call.nil(out);
            return Ok(());
        };
        match place(call.integer(2)?, list.len()).and_then(|index| list.at(index)) {
            Some(element) => reply::bulk(out, element),
            None => call.nil(out),
        }
        Ok(())
    })?;
    answered.map(|()| Outcome::at(version))
}

/// LSET key index element
pub(in crate::store) fn lset(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let ((), version) = store.modify((call.key(), call), |list: &mut List| {
        if list.len() == 0 {
            return Err(StoreError::NoSuchKey);
        }
        let index = place(call.integer(2)?, list.len()).ok_or(StoreError::IndexRange)?;
        list.set(index, call.arg(3));
        Ok(((), true))
    })?;
    reply::ok(out);
    Ok(Outcome::at(version))
}

/// LREM key count element
pub(in crate::store) fn lrem(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let count = call.integer(2)?;
    let count_max = match count {
        0 => usize::MAX,
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let from = if count < 0 { End::Right } else { End::Left };
    let (removed, version) = store.modify((call.key(), call), |list: &mut List| {
        let removed = list.remove(call.arg(3), count_max, from);
        Ok((removed, removed > 0))
    })?;
    reply::integer(out, removed as i64);
    Ok(Outcome::at(version))
}

/// LTRIM key start stop
pub(in crate::store) fn ltrim(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    let ((), version) = store.modify((call.key(), call), |list: &mut List| {
        let (start, count) = span(start, stop, list.len());
        Ok(((), list.keep(start, count) > 0))
    })?;
    reply::ok(out);
    Ok(Outcome::at(version))
}

/// LINSERT key BEFORE|AFTER pivot element
pub(in crate::store) fn linsert(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let behind = match () {
        () if call.says(2, "BEFORE") => 0,
        () if call.says(2, "AFTER") => 1,
        () => return Err(StoreError::Syntax),
    };
    let (len, version) = store.modify((call.key(), call), |list: &mut List| {
        if list.len() == 0 {
            return Ok((0, false));
        }
        let pivot = list.iter().position(|element| element == call.arg(3));
        match pivot {
            Some(index) => {
                list.insert(index + behind, call.arg(4));
                Ok((list.len() as i64, true))
            }
            None => Ok((-1, false)),
        }
    })?;
    reply::integer(out, len);
    Ok(Outcome::at(version))
}

/// LPOS key element [RANK rank] [COUNT count] [MAXLEN len]
pub(in crate::store) fn lpos(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let search = Search::parse(call)?;
    let (found, version) = view(store, call, |list| {
        list.map_or_else(Vec::new, |list| search.positions(list, call.arg(2)))
    })?;
    match (search.count, found.first()) {
        (Some(_), _) => {
            reply::array_header(out, found.len());
            found
                .iter()
                .for_each(|&position| reply::integer(out, position as i64));
        }
        (None, Some(&position)) => reply::integer(out, position as i64),
        (None, None) => call.nil(out),
    }
    Ok(Outcome::at(version))
}

/// LMOVE source destination LEFT|RIGHT LEFT|RIGHT, RPOPLPUSH source destination
pub(in crate::store) fn lmove(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (from, to) = match call.command.id {
        CommandId::Rpoplpush => (End::Right, End::Left),
        _ => (end(call, 3)?, end(call, 4)?),
    };
    let (source, target) = (call.arg(1), call.arg(2));
    let mut outcome = Outcome::default();
    let ends = |list: Option<&List>| list.and_then(|list| list.end(from)).map(Box::from);
    let (element, version): (Option<Box<[u8]>>, Version) = store.view((source, call), ends)?;
    let Some(element) = element else {
        call.nil(out);
        outcome.mix(version);
        outcome.mix(store.version(target));
        return Ok(outcome);
    };
    store.view((target, call), |_: Option<&List>| ())?;
    let popped = |list: &mut List| Ok((list.pop(from), true));
    let pushed = |list: &mut List| Ok((list.push(to, &element), true));
    if source == target {
        let turned = |list: &mut List| {
            list.pop(from);
            list.push(to, &element);
            Ok(((), true))
        };
        let ((), version) = store.modify((source, call), turned)?;
        outcome.mix(version);
        outcome.mix(version);
    } else {
        outcome.mix(store.modify((source, call), popped)?.1);
        outcome.mix(store.modify((target, call), pushed)?.1);
    }
    reply::bulk(out, &element);
    Ok(outcome)
}

/// What LPOS looks for.
struct Search {
    /// Matches to pass over, one more; negative: from the right.
    rank: i64,
    /// Matches to give, 0 all; `None`: the first, alone.
    count: Option<usize>,
    /// Elements to look at.
    len_max: usize,
}

impl Search {
    fn parse(call: &Call<'_>) -> Result<Self, StoreError> {
        let mut search = Self {
            rank: 1,
            count: None,
            len_max: usize::MAX,
        };
        for position in (3..call.argc()).step_by(2) {
            if position + 1 == call.argc() {
                return Err(StoreError::Syntax);
            }
            let natural = |error| {
                let number = call.integer(position + 1).map_err(|_| error)?;
                usize::try_from(number).map_err(|_| error)
            };
            if call.says(position, "RANK") {
                search.rank = call.integer(position + 1)?;
                match search.rank {
                    0 => return Err(StoreError::RankZero),
                    // As later versions of Redis have it; 7.0 gives what its overflow makes.
                    i64::MIN => return Err(StoreError::OutOfRange),
                    _ => {}
                }
            } else if call.says(position, "COUNT") {
                search.count = Some(natural(StoreError::CountNegative)?);
            } else if call.says(position, "MAXLEN") {
                search.len_max = match natural(StoreError::MaxLenNegative)? {
                    0 => usize::MAX,
                    len_max => len_max,
                };
            } else {
                return Err(StoreError::Syntax);
            }
        }
        Ok(search)
    }

    fn positions(&self, list: &List, wanted: &[u8]) -> Vec<usize> {
        let skipped = usize::try_from(self.rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
        let count = match self.count {
            Some(0) => usize::MAX,
            count => count.unwrap_or(1),
        };
        let all = list.iter().enumerate();
        let looked_at: &mut dyn Iterator<Item = (usize, &[u8])> = match self.rank {
            1.. => &mut all.take(self.len_max),
            _ => &mut all.rev().take(self.len_max),
        };
        looked_at
            .filter(|(_, element)| *element == wanted)
            .map(|(position, _)| position)
            .skip(skipped)
            .take(count)
            .collect()
    }
}

fn view<R>(
    store: &mut Store,
    call: &Call<'_>,
    take: impl FnOnce(Option<&List>) -> R,
) -> Result<(R, Version), StoreError> {
    store.view((call.key(), call), take)
}

fn end(call: &Call<'_>, position: usize) -> Result<End, StoreError> {
    match () {
        () if call.says(position, "LEFT") => Ok(End::Left),
        () if call.says(position, "RIGHT") => Ok(End::Right),
        () => Err(StoreError::Syntax),
    }
}

/// A position from an index that counts from the end when it is negative.
fn place(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 {
        (len as i64).checked_add(index)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|&index| index < len)
}

/// The start and the count of what lies from index `start` to `stop`, both included.
pub(super) fn span(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let whole = len as i64;
    let from_end = |index: i64| {
        if index < 0 {
            whole.saturating_add(index)
        } else {
            index
        }
    };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(whole - 1);
    if start > stop {
        return (0, 0);
    }
    (start as usize, (stop - start + 1) as usize)
}
