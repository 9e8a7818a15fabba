//! Ranges of a sorted set: by rank, by score, by the members' bytes.

use std::ops::Range;

use super::super::list::span;
use super::float;
use crate::command::CommandId;
use crate::resp::{Protocol, reply};
use crate::store::error::StoreError;
use crate::store::value::Scores;
use crate::store::{Call, Done, Outcome, Store};

/// What a range is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Bytes,
}

/// An end of a range of scores or bytes.
#[derive(Clone, Copy, Debug)]
enum Bound<'a> {
    /// Before every member.
    Least,
    /// After every member.
    Greatest,
    Score(f64, Included),
    Bytes(&'a [u8], Included),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Included {
    Yes,
    No,
}

impl Bound<'_> {
    /// Whether a member comes before the range that starts here.
    fn starts_after(self, member: &[u8], score: f64) -> bool {
        match self {
            Self::Least => false,
            Self::Greatest => true,
            Self::Score(bound, Included::Yes) => score < bound,
            Self::Score(bound, Included::No) => score <= bound,
            Self::Bytes(bound, Included::Yes) => member < bound,
            Self::Bytes(bound, Included::No) => member <= bound,
        }
    }

    /// Whether a member is not yet beyond the range that ends here.
    fn ends_after(self, member: &[u8], score: f64) -> bool {
        match self {
            Self::Least => false,
            Self::Greatest => true,
            Self::Score(bound, Included::Yes) => score <= bound,
            Self::Score(bound, Included::No) => score < bound,
            Self::Bytes(bound, Included::Yes) => member <= bound,
            Self::Bytes(bound, Included::No) => member < bound,
        }
    }
}

/// The part of a set that a command is about.
#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    /// From one index to another, both included; negative ones count from the end.
    Ranks(i64, i64),
    Between(Bound<'a>, Bound<'a>),
}

impl<'a> Part<'a> {
    /// Reads the two arguments from `position` on, in their order.
    fn parse(call: &Call<'a>, position: usize, by: By, reverse: bool) -> Result<Self, StoreError> {
        if by == By::Rank {
            return Ok(Self::Ranks(
                call.integer(position)?,
                call.integer(position + 1)?,
            ));
        }
        let bound = if by == By::Score {
            score_bound
        } else {
            bytes_bound
        };
        let ends = if reverse {
            (position + 1, position)
        } else {
            (position, position + 1)
        };
        Ok(Self::Between(
            bound(call.arg(ends.0))?,
            bound(call.arg(ends.1))?,
        ))
    }

    /// The ranks it has.
    fn ranks(self, scores: &Scores, reverse: bool) -> Range<usize> {
        match self {
            Self::Ranks(start, stop) => {
                let (start, count) = span(start, stop, scores.len());
                match reverse {
                    true => scores.len() - start - count..scores.len() - start,
                    false => start..start + count,
                }
            }
            Self::Between(from, to) => {
                let start = scores.count_where(|member, score| from.starts_after(member, score));
                let end = scores.count_where(|member, score| to.ends_after(member, score));
                start..end.max(start)
            }
        }
    }
}

fn score_bound(text: &[u8]) -> Result<Bound<'_>, StoreError> {
    let (text, included) = match text {
        [b'(', rest @ ..] => (rest, Included::No),
        _ => (text, Included::Yes),
    };
    // `strtod` reads nothing as 0, and Redis takes that.
    let bound = match text {
        [] => Some(0.0),
        text => float::bound(text),
    };
    let bound = bound.ok_or(StoreError::BoundNotFloat)?;
    Ok(Bound::Score(bound, included))
}

fn bytes_bound(text: &[u8]) -> Result<Bound<'_>, StoreError> {
    match text {
        b"-" => Ok(Bound::Least),
        b"+" => Ok(Bound::Greatest),
        [b'(', rest @ ..] => Ok(Bound::Bytes(rest, Included::No)),
        [b'[', rest @ ..] => Ok(Bound::Bytes(rest, Included::Yes)),
        _ => Err(StoreError::BoundNotBytes),
    }
}

/// What is asked of a range.
struct Asked<'a> {
    part: Part<'a>,
    reverse: bool,
    with_scores: bool,
    offset: i64,
    /// Negative: all.
    limit: i64,
}

impl<'a> Asked<'a> {
    /// ZRANGE names its kind by options; the older commands are one kind each.
    fn parse(call: &Call<'a>) -> Result<Self, StoreError> {
        use CommandId as Id;
        let id = call.command.id;
        let mut by = match id {
            Id::Zrangebyscore | Id::Zrevrangebyscore => By::Score,
            Id::Zrangebylex | Id::Zrevrangebylex => By::Bytes,
            _ => By::Rank,
        };
        let mut reverse = matches!(
            id,
            Id::Zrevrange | Id::Zrevrangebyscore | Id::Zrevrangebylex
        );
        let (mut with_scores, mut limit) = (false, None);
        let mut position = 4;
        while position < call.argc() {
            let is = |word: &str| call.says(position, word);
            if is("WITHSCORES") {
                with_scores = true;
            } else if is("LIMIT") && position + 2 < call.argc() {
                limit = Some((call.integer(position + 1)?, call.integer(position + 2)?));
                position += 2;
            } else if id == Id::Zrange && !reverse && is("REV") {
                reverse = true;
            } else if id == Id::Zrange && by == By::Rank && is("BYSCORE") {
                by = By::Score;
            } else if id == Id::Zrange && by == By::Rank && is("BYLEX") {
                by = By::Bytes;
            } else {
                return Err(StoreError::Syntax);
            }
            position += 1;
        }
        if limit.is_some_and(|(_, limit)| limit != -1) && by == By::Rank {
            return Err(StoreError::LimitWithRanks);
        }
        if with_scores && by == By::Bytes {
            return Err(StoreError::ScoresWithBytes);
        }
        // Of ranks all are given, whatever the offset.
        let limit = limit.filter(|_| by != By::Rank);
        let (offset, limit) = limit.unwrap_or((0, -1));
        Ok(Self {
            part: Part::parse(call, 2, by, reverse)?,
            reverse,
            with_scores,
            offset,
            limit,
        })
    }

    /// The members wanted, in their order.
    fn members<'s>(&self, scores: &'s Scores) -> Vec<(&'s [u8], f64)> {
        let ranks = self.part.ranks(scores, self.reverse);
        let count = match usize::try_from(self.limit) {
            Ok(limit) => limit.min(ranks.len()),
            Err(_) => ranks.len(),
        };
        // A negative offset passes over everything, as in Redis.
        let Ok(offset) = usize::try_from(self.offset) else {
            return Vec::new();
        };
        let count = count.min(ranks.len().saturating_sub(offset));
        if count == 0 {
            return Vec::new();
        }
        if self.reverse {
            scores.down_from(ranks.end - offset).take(count).collect()
        } else {
            scores.up_from(ranks.start + offset).take(count).collect()
        }
    }
}

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES], and
/// ZREVRANGE, ZRANGEBYSCORE, ZREVRANGEBYSCORE, ZRANGEBYLEX, ZREVRANGEBYLEX
pub(in crate::store) fn zrange(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let asked = Asked::parse(call)?;
    let ((), version) = store.view((call.key(), call), |scores: Option<&Scores>| {
        let members = scores.map_or_else(Vec::new, |scores| asked.members(scores));
        let nested = asked.with_scores && call.exec.protocol == Protocol::Resp3;
        let flat = asked.with_scores && !nested;
        reply::array_header(out, members.len() * if flat { 2 } else { 1 });
        for (member, score) in members {
            if nested {
                reply::array_header(out, 2);
            }
            reply::bulk(out, member);
            if asked.with_scores {
                reply::double(out, score, call.exec.protocol);
            }
        }
    })?;
    Ok(Outcome::at(version))
}

/// ZCOUNT key min max, ZLEXCOUNT key min max
pub(in crate::store) fn zcount(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let by = match call.command.id {
        CommandId::Zlexcount => By::Bytes,
        _ => By::Score,
    };
    let part = Part::parse(call, 2, by, false)?;
    let (count, version) = store.view((call.key(), call), |scores: Option<&Scores>| {
        scores.map_or(0, |scores| part.ranks(scores, false).len())
    })?;
    reply::integer(out, count as i64);
    Ok(Outcome::at(version))
}

/// ZREMRANGEBYRANK key start stop, ZREMRANGEBYSCORE key min max, ZREMRANGEBYLEX key min max
pub(in crate::store) fn zremrange(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let by = match call.command.id {
        CommandId::Zremrangebyrank => By::Rank,
        CommandId::Zremrangebylex => By::Bytes,
        _ => By::Score,
    };
    let part = Part::parse(call, 2, by, false)?;
    let (removed, version) = store.modify((call.key(), call), |scores: &mut Scores| {
        let ranks = part.ranks(scores, false);
        let going = scores.up_from(ranks.start).take(ranks.len());
        let going: Vec<Box<[u8]>> = going.map(|(member, _)| member.into()).collect();
        for member in &going {
            scores.remove(member);
        }
        Ok((going.len(), !going.is_empty()))
    })?;
    reply::integer(out, removed as i64);
    Ok(Outcome::at(version))
}
