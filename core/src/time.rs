//! Time as a value: whoever drives the node reads the clocks and passes them in.

/// A point on a monotonic clock, in nanoseconds since any fixed start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// The point `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// Whole milliseconds since `earlier`; 0 when `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// Both clocks, read together once per turn of the event loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines and intervals.
    pub mono: Mono,
    /// For expiry and version stamps: milliseconds since the Unix epoch.
    pub wall_ms: u64,
}

impl Now {
    /// Both clocks `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self {
            mono: self.mono.plus_ms(ms),
            wall_ms: self.wall_ms.saturating_add(ms),
        }
    }
}
