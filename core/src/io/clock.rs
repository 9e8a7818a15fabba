//! The clocks, read once per turn.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Mono, Now};

/// The process' two clocks as one value.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic part starts now at zero.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "io reads the clocks for the node"
    )]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Both clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "io reads the clocks for the node"
    )]
    pub fn now(&self) -> Now {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            mono: Mono(self.start.elapsed().as_nanos() as u64),
            wall_ms: since_epoch.map_or(0, |since| since.as_millis() as u64),
        }
    }
}
