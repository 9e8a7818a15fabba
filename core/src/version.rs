//! Version stamps: a hybrid logical clock with the node as tie-break, packed into 64 bits.
//!
//! Source: Kulkarni et al., "Logical Physical Clocks" (2014). Layout, high to low: 41 bits of
//! milliseconds since 2020-01-01 UTC (good until 2089), 13 bits of counter, 10 bits of node. A
//! counter that overflows carries into the milliseconds, which the algorithm allows.

use serde::Serialize;

use crate::ids::PeerId;

/// 2020-01-01T00:00:00Z in milliseconds since the Unix epoch.
const EPOCH_MS: u64 = 1_577_836_800_000;
const NODE_BITS: u32 = 10;
const COUNTER_BITS: u32 = 13;
const MS_SHIFT: u32 = NODE_BITS + COUNTER_BITS;

/// When and by whom a value was written. Totally ordered; newer is greater; zero is "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Version(pub u64);

impl Version {
    /// The version of what was never written.
    pub const NEVER: Self = Self(0);

    /// The stamp's physical part, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn wall_ms(self) -> u64 {
        EPOCH_MS + (self.0 >> MS_SHIFT)
    }

    /// The node that made the stamp.
    #[must_use]
    pub const fn node(self) -> PeerId {
        PeerId((self.0 & ((1 << NODE_BITS) - 1)) as u16)
    }
}

/// Makes versions that never go back, even where the wall clock does.
#[derive(Clone, Debug)]
pub struct HybridClock {
    /// Milliseconds and counter of the newest stamp made or seen, without the node bits.
    newest: u64,
    node: PeerId,
}

impl HybridClock {
    /// A clock for `node`.
    #[must_use]
    pub const fn new(node: PeerId) -> Self {
        Self { newest: 0, node }
    }

    /// A stamp greater than every stamp made or observed before.
    pub fn tick(&mut self, wall_ms: u64) -> Version {
        let physical = wall_ms.saturating_sub(EPOCH_MS) << COUNTER_BITS;
        self.newest = (self.newest + 1).max(physical);
        Version((self.newest << NODE_BITS) | u64::from(self.node.0))
    }

    /// Learns of a stamp made elsewhere, so that the next one is greater.
    pub fn observe(&mut self, seen: Version) {
        self.newest = self.newest.max(seen.0 >> NODE_BITS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_grow_while_the_wall_clock_goes_back() {
        let mut clock = HybridClock::new(PeerId(7));
        let first = clock.tick(EPOCH_MS + 5_000);
        let second = clock.tick(EPOCH_MS + 4_000);
        assert!(second > first);
        assert_eq!(second.node(), PeerId(7));
        assert_eq!(second.wall_ms(), EPOCH_MS + 5_000);
    }

    #[test]
    fn an_observed_stamp_is_overtaken() {
        let mut fast = HybridClock::new(PeerId(1));
        let mut slow = HybridClock::new(PeerId(0));
        let seen = fast.tick(EPOCH_MS + 90_000);
        slow.observe(seen);
        assert!(slow.tick(EPOCH_MS + 10) > seen);
    }
}
