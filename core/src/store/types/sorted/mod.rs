//! Sorted sets: ZADD, ZSCORE and their kin; what asks for a range of members is in `range`.

mod float;
pub(in crate::store) mod range;

use super::scan::Walk;
use crate::command::CommandId;
use crate::resp::{Protocol, reply};
use crate::store::error::StoreError;
use crate::store::value::Scores;
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]
pub(in crate::store) fn zadd(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    add(store, call, &Options::parse(call)?, out)
}

/// ZINCRBY key increment member
pub(in crate::store) fn zincrby(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let options = Options {
        increment: true,
        first: 2,
        ..Options::default()
    };
    add(store, call, &options, out)
}

fn add(store: &mut Store, call: &Call<'_>, options: &Options, out: &mut Vec<u8>) -> Done {
    let given = (options.first..call.argc()).step_by(2).map(|position| {
        let score = float::score(call.arg(position)).ok_or(StoreError::NotFloat)?;
        Ok((call.arg(position + 1), score))
    });
    let given: Vec<(&[u8], f64)> = given.collect::<Result<_, StoreError>>()?;
    let (added, version) = store.modify((call.key(), call), |scores: &mut Scores| {
        let mut added = Added::default();
        for (member, score) in given {
            options.apply(scores, (member, score), &mut added)?;
        }
        let changed = added.new + added.changed > 0;
        Ok((added, changed))
    })?;
    let protocol = call.exec.protocol;
    match added.result {
        Some(score) if options.increment => reply::double(out, score, protocol),
        _ if options.increment => call.nil(out),
        _ if options.count_changed => reply::integer(out, added.new + added.changed),
        _ => reply::integer(out, added.new),
    }
    Ok(Outcome::at(version))
}

/// What ZADD did.
#[derive(Default)]
struct Added {
    new: i64,
    changed: i64,
    /// The last member's score; `None` where the options kept it from being set.
    result: Option<f64>,
}

#[derive(Default)]
struct Options {
    if_absent: bool,
    if_present: bool,
    if_greater: bool,
    if_less: bool,
    count_changed: bool,
    increment: bool,
    /// Where the first score is.
    first: usize,
}

impl Options {
    fn parse(call: &Call<'_>) -> Result<Self, StoreError> {
        let mut options = Self {
            first: 2,
            ..Self::default()
        };
        while options.first < call.argc() {
            let is = |word: &str| call.says(options.first, word);
            let option = match () {
                () if is("NX") => &mut options.if_absent,
                () if is("XX") => &mut options.if_present,
                () if is("GT") => &mut options.if_greater,
                () if is("LT") => &mut options.if_less,
                () if is("CH") => &mut options.count_changed,
                () if is("INCR") => &mut options.increment,
                () => break,
            };
            *option = true;
            options.first += 1;
        }
        let given = call.argc() - options.first;
        if given == 0 || !given.is_multiple_of(2) {
            return Err(StoreError::Syntax);
        }
        if options.if_absent && options.if_present {
            return Err(StoreError::NxWithXx);
        }
        let directions = [options.if_absent, options.if_greater, options.if_less];
        if directions.iter().filter(|given| **given).count() > 1 {
            return Err(StoreError::GtLtNx);
        }
        if options.increment && given > 2 {
            return Err(StoreError::OneIncrement);
        }
        Ok(options)
    }

    /// Gives one member its score. Fails only with INCR, which has but one.
    fn apply(
        &self,
        scores: &mut Scores,
        (member, given): (&[u8], f64),
        added: &mut Added,
    ) -> Result<(), StoreError> {
        added.result = None;
        let Some(old) = scores.score(member) else {
            if !self.if_present {
                scores.set(member, given);
                added.new += 1;
                added.result = Some(given);
            }
            return Ok(());
        };
        if self.if_absent {
            return Ok(());
        }
        let score = if self.increment { old + given } else { given };
        if score.is_nan() {
            return Err(StoreError::ScoreNan);
        }
        if (self.if_less && score >= old) || (self.if_greater && score <= old) {
            return Ok(());
        }
        if score != old {
            scores.set(member, score);
            added.changed += 1;
        }
        added.result = Some(score);
        Ok(())
    }
}

/// ZREM key member [member …]
pub(in crate::store) fn zrem(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let (removed, version) = store.modify((call.key(), call), |scores: &mut Scores| {
        let given = call.request.iter().skip(2);
        let removed = given.filter(|member| scores.remove(member)).count();
        Ok((removed, removed > 0))
    })?;
    reply::integer(out, removed as i64);
    Ok(Outcome::at(version))
}

/// ZSCORE key member
pub(in crate::store) fn zscore(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |scores| {
        double_or_nil(
            call,
            scores.and_then(|scores| scores.score(call.arg(2))),
            out,
        );
    })
}

/// ZMSCORE key member [member …]
pub(in crate::store) fn zmscore(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |scores| {
        reply::array_header(out, call.argc() - 2);
        for member in call.request.iter().skip(2) {
            double_or_nil(call, scores.and_then(|scores| scores.score(member)), out);
        }
    })
}

/// ZCARD key
pub(in crate::store) fn zcard(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |scores| {
        reply::integer(out, scores.map_or(0, Scores::len) as i64);
    })
}

/// ZRANK key member, ZREVRANK key member
pub(in crate::store) fn zrank(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    view(store, call, |scores| {
        let rank = scores.and_then(|scores| {
            let rank = scores.rank(call.arg(2))?;
            Some(match call.command.id {
                CommandId::Zrevrank => scores.len() - 1 - rank,
                _ => rank,
            })
        });
        match rank {
            Some(rank) => reply::integer(out, rank as i64),
            None => call.nil(out),
        }
    })
}

/// ZPOPMIN key [count], ZPOPMAX key [count]
pub(in crate::store) fn zpop(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let count = match call.argc() {
        2 => None,
        3 => {
            let count = call.integer(2).map_err(|_| StoreError::NotPositive)?;
            Some(usize::try_from(count).map_err(|_| StoreError::NotPositive)?)
        }
        _ => return Err(StoreError::Syntax),
    };
    let greatest = call.command.id == CommandId::Zpopmax;
    let (popped, version) = store.modify((call.key(), call), |scores: &mut Scores| {
        let taken = count.unwrap_or(1).min(scores.len());
        let popped: Vec<(Box<[u8]>, f64)> = if greatest {
            let down = scores.down_from(scores.len()).take(taken);
            down.map(|(member, score)| (member.into(), score)).collect()
        } else {
            let up = scores.up_from(0).take(taken);
            up.map(|(member, score)| (member.into(), score)).collect()
        };
        for (member, _) in &popped {
            scores.remove(member);
        }
        Ok((popped, taken > 0))
    })?;
    let nested = count.is_some() && call.exec.protocol == Protocol::Resp3;
    reply::array_header(out, popped.len() * if nested { 1 } else { 2 });
    for (member, score) in &popped {
        if nested {
            reply::array_header(out, 2);
        }
        reply::bulk(out, member);
        reply::double(out, *score, call.exec.protocol);
    }
    Ok(Outcome::at(version))
}

/// ZSCAN key cursor [MATCH pattern] [COUNT count]
pub(in crate::store) fn zscan(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let walk = Walk::parse::<Scores>(store, call)?;
    view(store, call, |scores| {
        let positions = walk.positions(scores.map_or(0, Scores::len));
        let found: Vec<_> = positions
            .clone()
            .filter_map(|position| scores?.at(position))
            .filter(|(member, _)| walk.wants(member))
            .collect();
        reply::array_header(out, 2);
        reply::bulk_integer(out, positions.start as i64);
        reply::array_header(out, found.len() * 2);
        for (member, score) in found {
            reply::bulk(out, member);
            // A string in either protocol, as Redis has it.
            reply::double(out, score, Protocol::Resp2);
        }
    })
}

fn view(store: &mut Store, call: &Call<'_>, take: impl FnOnce(Option<&Scores>)) -> Done {
    let seen: Result<((), Version), StoreError> = store.view((call.key(), call), take);
    seen.map(|((), version)| Outcome::at(version))
}

fn double_or_nil(call: &Call<'_>, score: Option<f64>, out: &mut Vec<u8>) {
    match score {
        Some(score) => reply::double(out, score, call.exec.protocol),
        None => call.nil(out),
    }
}
