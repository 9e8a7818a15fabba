//! Commands on keys of any type.

use super::{Call, Done, Outcome, Store};
use crate::resp::reply;

/// DEL key [key …], UNLINK key [key …]
pub(super) fn del(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut outcome = Outcome::default();
    let (mut deleted, mut applied) = (0, false);
    for key in call.keys() {
        let found = store.seek(key, call.exec.wall_ms);
        deleted += i64::from(found.is_live());
        if store.admits(&found, call.exec.version) {
            let version = found.version.max(call.exec.version);
            store.kill(found, key, version, call.base_ms());
            outcome.mix(version);
            applied = true;
        } else {
            outcome.mix(found.version);
        }
    }
    outcome.superseded = !applied;
    reply::integer(out, deleted);
    Ok(outcome)
}

/// EXISTS key [key …], TOUCH key [key …]
pub(super) fn exists(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let mut outcome = Outcome::default();
    let mut count = 0;
    for key in call.keys() {
        match store.read(key, call.exec.wall_ms) {
            Ok(entry) => {
                count += 1;
                outcome.mix(entry.version);
            }
            Err(version) => outcome.mix(version),
        }
    }
    reply::integer(out, count);
    Ok(outcome)
}
