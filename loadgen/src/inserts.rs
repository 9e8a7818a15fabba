//! The number of the next new key, and up to which one all inserts are acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

/// Inserts under way at most.
const WINDOW: u64 = 1 << 22;

/// Shared by all workers of a run.
#[derive(Debug)]
pub(crate) struct Inserts {
    next: AtomicU64,
    /// All keys below are there.
    acknowledged: AtomicU64,
    /// A bit for each key of the window: its insert is settled.
    settled: Vec<AtomicU64>,
}

impl Inserts {
    /// Keys `0..keys` are there from the start.
    pub(crate) fn after(keys: u64) -> Self {
        Self {
            next: AtomicU64::new(keys),
            acknowledged: AtomicU64::new(keys),
            settled: (0..WINDOW / 64).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// A key nobody had.
    pub(crate) fn claim(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// How many keys, from the first on, are known to be there.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// The insert of a key was answered, or is given up: what comes after it need not wait.
    pub(crate) fn settle(&self, key: u64) {
        let (word, bit) = self.place(key);
        word.fetch_or(bit, Ordering::AcqRel);
        loop {
            let first = self.acknowledged.load(Ordering::Acquire);
            let (word, bit) = self.place(first);
            if word.load(Ordering::Acquire) & bit == 0 {
                return;
            }
            let moved = self.acknowledged.compare_exchange(
                first,
                first + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if moved.is_ok() {
                word.fetch_and(!bit, Ordering::AcqRel);
            }
        }
    }

    fn place(&self, key: u64) -> (&AtomicU64, u64) {
        let at = key % WINDOW;
        (&self.settled[(at / 64) as usize], 1 << (at % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_before_it_have_reached_is_acknowledged() {
        let inserts = Inserts::after(100);
        let keys: Vec<u64> = (0..5).map(|_| inserts.claim()).collect();
        assert_eq!(keys, [100, 101, 102, 103, 104]);
        inserts.settle(101);
        inserts.settle(104);
        assert_eq!(inserts.acknowledged(), 100);
        inserts.settle(100);
        assert_eq!(inserts.acknowledged(), 102);
        inserts.settle(103);
        inserts.settle(102);
        assert_eq!(inserts.acknowledged(), 105);
    }

    #[test]
    fn many_threads_leave_none_out() {
        let inserts = Inserts::after(1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        inserts.settle(inserts.claim());
                    }
                });
            }
        });
        assert_eq!(inserts.acknowledged(), 200_001);
        assert!(
            inserts
                .settled
                .iter()
                .all(|word| word.load(Ordering::Relaxed) == 0)
        );
    }
}
