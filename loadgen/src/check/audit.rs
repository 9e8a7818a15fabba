//! The last look: every key that was written is read once more when the load is over.

use std::time::{Duration, Instant};

use super::checker::Checker;
use super::ledger::{Fault, Floor, Judged, Shown};
use super::report::CheckCounts;
use crate::clock;

/// Keys asked for at once.
const BATCH: usize = 128;
/// Servers may still be down from a fault that the load brought about, or wrong.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const WRONG_MAX: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Reads keys; for each what it has, or none where there was no answer.
pub(crate) trait Reader {
    /// As many as `keys`.
    fn read(&mut self, keys: &[u64]) -> Vec<Option<Shown>>;
}

/// What the keys come to in the end, and how many could not be read. A key that is wrong, or that
/// there is no answer for, is asked again for a while.
pub(crate) fn audit(checker: &Checker, reader: &mut dyn Reader) -> (CheckCounts, u64) {
    let keys: Vec<u64> = checker.ledger.written().collect();
    let mut counts = CheckCounts::default();
    let mut unread = 0;
    let begun = Instant::now();
    let wrong_max = WRONG_MAX + Duration::from_millis(checker.ledger.older_ms_max().into());
    let mut left = keys;
    while !left.is_empty() {
        let (silent, wrong) = (begun.elapsed() < SILENCE_MAX, begun.elapsed() < wrong_max);
        let mut again = Vec::new();
        for batch in left.chunks(BATCH) {
            let now = checker.ms(clock::now());
            let floors: Vec<Floor> = batch
                .iter()
                .map(|&key| checker.ledger.begin_read(key, now))
                .collect();
            let shown = reader.read(batch);
            for ((&key, floor), shown) in batch.iter().zip(floors).zip(shown) {
                let now = checker.ms(clock::now());
                let judged = shown.map(|shown| checker.ledger.end_read(key, floor, shown, now));
                match judged {
                    None if silent => again.push(key),
                    Some(Judged::Fault(_) | Judged::Late) if wrong => again.push(key),
                    None => unread += 1,
                    // It stays away: that is lost.
                    Some(Judged::Fault(Fault::Older | Fault::NonMonotonic)) => {
                        counts.read(Judged::Fault(Fault::Lost));
                    }
                    Some(judged) => counts.read(judged),
                }
            }
        }
        if !again.is_empty() {
            std::thread::sleep(PAUSE);
        }
        left = again;
    }
    (counts, unread)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Ledger, Rules};
    use super::*;

    /// Has nothing to say at first, then gives what it has.
    struct Late {
        silent: u32,
        checker_run: u32,
        missing: u64,
    }

    impl Reader for Late {
        fn read(&mut self, keys: &[u64]) -> Vec<Option<Shown>> {
            if self.silent > 0 {
                self.silent -= 1;
                return vec![None; keys.len()];
            }
            let shown = |&key: &u64| {
                let stamp = super::super::stamp::Stamp {
                    key,
                    version: 1,
                    writer: 0,
                    run: self.checker_run,
                };
                Some(if key == self.missing {
                    Shown::Nothing
                } else {
                    Shown::Stamp(stamp)
                })
            };
            keys.iter().map(shown).collect()
        }
    }

    #[test]
    fn silence_is_waited_out() {
        let mut ledger = Ledger::new(300, Rules::default(), 5, (1, 0..1));
        ledger.preloaded(0, 0);
        let checker = Checker::new(ledger, 0, 0);
        let mut reader = Late {
            silent: 2,
            checker_run: 5,
            missing: u64::MAX,
        };
        let (counts, unread) = audit(&checker, &mut reader);
        assert_eq!((counts.reads, counts.faults, unread), (300, [0; 6], 0));
    }
}
