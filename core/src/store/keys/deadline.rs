//! Deadlines of keys: EXPIRE and its kin set them, TTL and its kin tell them.

use crate::command::CommandId;
use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::expiry::TimeUnit;
use crate::store::keyspace::entry::NEVER_MS;
use crate::store::{Call, Done, Outcome, Store};

/// EXPIRE key time [NX | XX | GT | LT], and PEXPIRE, EXPIREAT, PEXPIREAT
pub(in crate::store) fn expire(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let condition = Condition::parse(call)?;
    let amount = call.integer(2)?;
    let deadline = unit(call).unix_ms(amount, call.base_ms());
    let deadline = deadline.ok_or(StoreError::ExpireTime)?;
    let found = store.seek(call.key(), call.exec.wall_ms);
    if !found.is_live() {
        reply::integer(out, 0);
        return Ok(Outcome::at(found.version));
    }
    let current_ms = store.keyspace.entry(found.spot).deadline_ms;
    if !condition.allows(current_ms, deadline) {
        reply::integer(out, 0);
        return Ok(Outcome::at(found.version));
    }
    let version = match u64::try_from(deadline) {
        Ok(deadline_ms) if deadline_ms > call.exec.wall_ms => {
            store.amend(found, call, |entry| entry.deadline_ms = deadline_ms)
        }
        _ => store.take(found, call, call.key()),
    };
    reply::integer(out, 1);
    Ok(Outcome::at(version))
}

fn unit(call: &Call<'_>) -> TimeUnit {
    let id = call.command.id;
    TimeUnit {
        seconds: matches!(id, CommandId::Expire | CommandId::Expireat),
        absolute: matches!(id, CommandId::Expireat | CommandId::Pexpireat),
    }
}

/// When a new deadline may replace the one that is there.
#[derive(Default)]
struct Condition {
    if_none: bool,
    if_any: bool,
    if_later: bool,
    if_sooner: bool,
}

impl Condition {
    fn parse(call: &Call<'_>) -> Result<Self, StoreError> {
        let mut condition = Self::default();
        for position in 3..call.argc() {
            let flag = match () {
                () if call.says(position, "NX") => &mut condition.if_none,
                () if call.says(position, "XX") => &mut condition.if_any,
                () if call.says(position, "GT") => &mut condition.if_later,
                () if call.says(position, "LT") => &mut condition.if_sooner,
                () => return Err(StoreError::UnsupportedOption(position)),
            };
            *flag = true;
        }
        let others = condition.if_any || condition.if_later || condition.if_sooner;
        if condition.if_none && others {
            return Err(StoreError::NxWithOthers);
        }
        if condition.if_later && condition.if_sooner {
            return Err(StoreError::GtWithLt);
        }
        Ok(condition)
    }

    /// No deadline counts as one that is never reached.
    fn allows(&self, current_ms: u64, new: i64) -> bool {
        let none = current_ms == NEVER_MS;
        let later = !none && i128::from(new) > i128::from(current_ms);
        let sooner = none || i128::from(new) < i128::from(current_ms);
        (!self.if_none || none)
            && (!self.if_any || !none)
            && (!self.if_later || later)
            && (!self.if_sooner || sooner)
    }
}

/// TTL key, PTTL key, EXPIRETIME key, PEXPIRETIME key
pub(in crate::store) fn ttl(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let id = call.command.id;
    let wall_ms = call.exec.wall_ms;
    let (time, version) = match store.peek(call.key(), wall_ms) {
        Err(version) => (-2, version),
        Ok(entry) if entry.deadline_ms == NEVER_MS => (-1, entry.version),
        Ok(entry) => {
            let left = matches!(id, CommandId::Ttl | CommandId::Pttl);
            let ms = entry
                .deadline_ms
                .saturating_sub(if left { wall_ms } else { 0 });
            let seconds = matches!(id, CommandId::Ttl | CommandId::Expiretime);
            let time = if seconds { (ms + 500) / 1000 } else { ms };
            (time as i64, entry.version)
        }
    };
    reply::integer(out, time);
    Ok(Outcome::at(version))
}

/// PERSIST key
pub(in crate::store) fn persist(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let found = store.seek(call.key(), call.exec.wall_ms);
    let has_deadline = found.is_live() && store.keyspace.entry(found.spot).deadline_ms != NEVER_MS;
    reply::integer(out, i64::from(has_deadline));
    if !has_deadline {
        return Ok(Outcome::at(found.version));
    }
    Ok(Outcome::at(
        store.amend(found, call, |entry| entry.deadline_ms = NEVER_MS),
    ))
}
