//! Bandwidth as credit: bytes that may be sent now, earned with time.

use crate::time::Mono;

/// Time whose earnings can be saved up, in milliseconds.
const SAVED_MS_MAX: u64 = 100;
const NS_PER_S: u64 = 1_000_000_000;

/// Sending is allowed while there is any credit and may overdraw it, so that what is larger than
/// all that can be saved up is sent too: in any interval at most its earnings, what was saved
/// before it, and one overdraft.
#[derive(Clone, Debug)]
pub(super) struct Credit {
    /// 0: unlimited.
    bytes_per_s: u64,
    available: i64,
    /// Up to when time has been turned into credit.
    earned_until: Mono,
}

impl Credit {
    pub(super) const fn new(bytes_per_s: u64, now: Mono) -> Self {
        Self {
            bytes_per_s,
            available: Self::saved_max(bytes_per_s),
            earned_until: now,
        }
    }

    const fn saved_max(bytes_per_s: u64) -> i64 {
        let saved = bytes_per_s / (1000 / SAVED_MS_MAX) + 1;
        if saved > i64::MAX as u64 / 2 {
            i64::MAX / 2
        } else {
            saved as i64
        }
    }

    /// Turns the time until `now` into credit.
    pub(super) fn earn(&mut self, now: Mono) {
        let elapsed_ns = now.0.saturating_sub(self.earned_until.0);
        let rate = u128::from(self.bytes_per_s);
        let earned = u128::from(elapsed_ns) * rate / u128::from(NS_PER_S);
        let room = (Self::saved_max(self.bytes_per_s) - self.available) as u128;
        if earned >= room {
            self.available += room as i64;
            self.earned_until = self.earned_until.max(now);
        } else if earned > 0 {
            // Only the time that made whole bytes is used up.
            self.available += earned as i64;
            self.earned_until.0 += (earned * u128::from(NS_PER_S)).div_ceil(rate) as u64;
        }
    }

    pub(super) const fn allows(&self) -> bool {
        self.bytes_per_s == 0 || self.available > 0
    }

    pub(super) const fn spend(&mut self, len: usize) {
        if self.bytes_per_s > 0 {
            self.available = self.available.saturating_sub(len as i64);
        }
    }

    /// When there will be credit if none is spent before.
    pub(super) fn allows_at(&self) -> Mono {
        if self.allows() {
            return self.earned_until;
        }
        let missing = u128::from(self.available.unsigned_abs()) + 1;
        let wait = (missing * u128::from(NS_PER_S)).div_ceil(u128::from(self.bytes_per_s));
        let wait_ns = u64::try_from(wait).unwrap_or(u64::MAX);
        Mono(self.earned_until.0.saturating_add(wait_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unlimited_always_allows() {
        let mut credit = Credit::new(0, Mono(0));
        credit.spend(usize::MAX / 4);
        credit.earn(Mono(1));
        assert!(credit.allows());
    }

    proptest! {
        #[test]
        fn the_rate_holds_over_any_time(
            rate in 1..100_000_000u64,
            steps in prop::collection::vec((0..50_000_000u64, 1..200_000usize), 1..200),
        ) {
            let mut credit = Credit::new(rate, Mono(5));
            let (mut now, mut sent, mut overdraft) = (Mono(5), 0u128, 0u128);
            for (pause_ns, len) in steps {
                now.0 += pause_ns;
                credit.earn(now);
                if credit.allows() {
                    credit.spend(len);
                    sent += len as u128;
                    overdraft = overdraft.max(len as u128);
                } else {
                    prop_assert!(credit.allows_at() > now);
                    let mut later = credit.clone();
                    later.earn(credit.allows_at());
                    prop_assert!(later.allows());
                }
                let earned = u128::from(now.0 - 5) * u128::from(rate) / 1_000_000_000;
                let saved = u128::from(rate) / 10 + 1;
                prop_assert!(sent <= earned + saved + overdraft);
            }
        }
    }
}
