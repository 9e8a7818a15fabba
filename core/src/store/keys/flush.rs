//! FLUSHDB and FLUSHALL: the table is set aside at once and taken apart by ticks.

use std::ops::ControlFlow;

use crate::resp::reply;
use crate::store::error::StoreError;
use crate::store::keyspace::Keyspace;
use crate::store::{Call, Done, Outcome, Store};
use crate::version::Version;

/// FLUSHDB [ASYNC | SYNC], FLUSHALL [ASYNC | SYNC]
pub(in crate::store) fn flush(store: &mut Store, call: &Call<'_>, out: &mut Vec<u8>) -> Done {
    let known = call.argc() == 1 || call.says(1, "ASYNC") || call.says(1, "SYNC");
    if !known || call.argc() > 2 {
        return Err(StoreError::Syntax);
    }
    reply::ok(out);
    let version = call.exec.version;
    let superseded = version != Version::NEVER && version <= store.floor;
    if !superseded {
        store.flush(version);
    }
    Ok(Outcome {
        version: store.floor,
        superseded,
    })
}

impl Store {
    /// Deletes whatever is not newer than this version; without a version, everything.
    fn flush(&mut self, version: Version) {
        if version != Version::NEVER && self.newest > version {
            self.remove_until(version);
        } else {
            let fresh = Keyspace::new(self.config.seed);
            let old = std::mem::replace(&mut self.keyspace, fresh);
            self.discarded.push(old);
            self.sweep_from = 0;
        }
        if self.config.keep_tombstones {
            self.floor = self.floor.max(version);
        }
    }

    /// The rare flush that comes after something newer: looks at each key.
    fn remove_until(&mut self, version: Version) {
        let mut old = Vec::new();
        self.keyspace.walk(0, &mut |entry| {
            if entry.version <= version {
                old.push(entry.key().to_vec());
            }
            ControlFlow::Continue(())
        });
        for key in old {
            if let Ok(spot) = self.keyspace.find(&key) {
                self.keyspace.remove(spot);
            }
        }
    }

    /// Frees what a flush set aside, about `budget` slots of it.
    pub(in crate::store) fn discard(&mut self, budget: usize) {
        let mut left = budget;
        while let Some(discarded) = self.discarded.last_mut()
            && left > 0
        {
            left = left.saturating_sub(discarded.drop_some(left));
            if discarded.is_hollow() {
                self.discarded.pop();
            }
        }
    }
}
