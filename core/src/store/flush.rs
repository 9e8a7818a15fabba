//! FLUSHDB and FLUSHALL: the table is set aside at once and taken apart by ticks.

use super::Store;
use super::keyspace::Keyspace;

impl Store {
    /// Frees what a flush set aside, about `budget_keys` of it.
    pub(super) fn discard(&mut self, budget_keys: usize) {
        let mut left = budget_keys;
        while let Some(discarded) = self.discarded.last_mut()
            && left > 0
        {
            left = left.saturating_sub(discarded.drop_some(left));
            if discarded.is_hollow() {
                self.discarded.pop();
            }
        }
    }

    /// Sets everything aside.
    pub(super) fn clear(&mut self) {
        let fresh = Keyspace::new(self.config.seed);
        let old = std::mem::replace(&mut self.keyspace, fresh);
        self.discarded.push(old);
        self.sweep_from = 0;
    }
}
