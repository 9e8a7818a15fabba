//! How early a timer is set so that a thread wakes in time.

/// How long it takes from a timer's deadline until this thread runs: the timer is set that much
/// earlier, so that sleeping shifts no request to one side. A request that leaves early because
/// of it, by no more than this, counts from when it left.
#[derive(Debug, Default)]
pub(super) struct WakeLatency {
    /// An estimate of the median.
    pub(super) lead_ns: u64,
    /// True if the timer was set for long enough ahead that its wake tells something.
    pub(super) measures: bool,
}

impl WakeLatency {
    const STEP_NS: u64 = 250;
    const LEAD_NS_MAX: u64 = 50_000;
    pub(super) const SLEEP_NS_MIN: u64 = 10_000;

    /// The timer woke the thread, so late.
    pub(super) fn woken(&mut self, late_ns: u64) {
        if std::mem::take(&mut self.measures) {
            self.lead_ns = if late_ns > self.lead_ns {
                (self.lead_ns + Self::STEP_NS).min(Self::LEAD_NS_MAX)
            } else {
                self.lead_ns.saturating_sub(Self::STEP_NS)
            };
        }
    }
}
