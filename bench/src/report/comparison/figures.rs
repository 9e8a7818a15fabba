//! The figures by which choices are judged, taken out of a comparison's rows.

use crate::choices::data::{Comparison, Evenness, HashRow, Movement, RingRow};

/// What counts of a hash.
#[derive(Debug, Clone)]
pub(super) struct Hashing<'a> {
    pub(super) row: &'a HashRow,
    /// Nanoseconds on the given keys.
    pub(super) ns: f64,
    /// The worst spread of the given keys over buckets: standard deviation over what chance gives.
    pub(super) over_chance: f64,
    /// The worst pair of input and output bit, over what chance makes of the worst.
    pub(super) avalanche: f64,
    /// More keys with a common value than chance gives.
    pub(super) collides: bool,
}

/// What counts of a placing on one ring.
#[derive(Debug, Clone)]
pub(super) struct Placing<'a> {
    pub(super) row: &'a RingRow,
    pub(super) ns: f64,
    pub(super) cold_ns: f64,
    /// Load of the fullest peer, and what chance would give.
    pub(super) peak: f64,
    pub(super) peak_floor: f64,
    /// Moved between peers that nothing happened to, the worse of adding and removing one.
    pub(super) in_vain: f64,
    /// The same when every node follows every change and none starts anew.
    pub(super) in_vain_followed: f64,
    /// What a newcomer gets over its part.
    pub(super) newcomer: f64,
    /// Whether another weight has an effect.
    pub(super) weighted: bool,
    pub(super) bytes: usize,
}

/// Every hash that was timed and judged.
pub(super) fn hashings(comparison: &Comparison) -> Vec<Hashing<'_>> {
    comparison.hashes.iter().filter_map(hashing).collect()
}

fn hashing(row: &HashRow) -> Option<Hashing<'_>> {
    let quality = row.quality.as_ref()?;
    let speed = row.speeds.iter().find(|speed| speed.length.is_none())?;
    let over = quality
        .buckets
        .iter()
        .map(|buckets| over_chance(&buckets.evenness));
    let collisions = quality.collisions;
    let limit = collisions.expected + 5.0 * collisions.expected.sqrt() + 5.0;
    Some(Hashing {
        row,
        ns: speed.time.ns,
        over_chance: over.fold(0.0, f64::max),
        avalanche: quality.avalanche_worst / quality.avalanche_floor.max(1e-9),
        collides: collisions.found as f64 > limit,
    })
}

/// √(χ² over its degrees): 1 is what chance gives, however few or many buckets there are.
pub(super) fn over_chance(evenness: &Evenness) -> f64 {
    (evenness.chi_square / evenness.degrees.max(1) as f64).sqrt()
}

/// The labels of the made-up rings, by peers.
pub(super) fn rings(comparison: &Comparison) -> Vec<(usize, &str)> {
    let mut rings: Vec<(usize, &str)> = Vec::new();
    for row in comparison.distributions.iter().filter(|row| !row.given) {
        if !rings.iter().any(|(_, ring)| *ring == row.ring) {
            rings.push((row.peers, &row.ring));
        }
    }
    rings.sort_unstable();
    rings
}

/// The ring that stands for all: the second smallest, or the only one.
pub(super) fn middle(comparison: &Comparison) -> Option<&str> {
    let rings = rings(comparison);
    rings.get(1).or(rings.first()).map(|(_, ring)| *ring)
}

/// Every placing that serves that ring.
pub(super) fn placings<'a>(comparison: &'a Comparison, ring: &str) -> Vec<Placing<'a>> {
    let rows = comparison.distributions.iter();
    // What places no key has nothing to be judged by.
    rows.filter(|row| row.ring == ring && row.distribution != "random")
        .filter_map(placing)
        .collect()
}

fn placing(row: &RingRow) -> Option<Placing<'_>> {
    let balance = row.balance.as_ref()?;
    let lookup = row.lookup.as_ref()?;
    let worst = |share: fn(&Movement) -> f64| {
        let both = ["add", "remove"].into_iter();
        let shares = both.filter_map(|change| moved(row, change)).map(share);
        shares.fold(0.0, f64::max)
    };
    Some(Placing {
        row,
        ns: lookup.warm.ns,
        cold_ns: lookup.cold.ns,
        peak: balance.keys.peak.seen,
        peak_floor: balance.keys.peak.floor,
        in_vain: worst(|moved| moved.fresh_between_others_share),
        in_vain_followed: worst(|moved| moved.between_others_share),
        newcomer: moved(row, "add").map_or(1.0, |moved| moved.fresh_over_ideal),
        weighted: moved(row, "weight").is_some_and(|moved| moved.fresh_over_ideal > 0.5),
        bytes: row.table.as_ref().map_or(0, |table| table.bytes),
    })
}

/// What a change of that name moves.
pub(super) fn moved<'a>(row: &'a RingRow, change: &str) -> Option<&'a Movement> {
    row.movements.iter().find(|moved| moved.change == change)
}

/// Whether no other is at least as good in all three and better in one.
pub(super) fn on_the_front(all: &[Placing<'_>], one: &Placing<'_>) -> bool {
    let beats = |other: &Placing<'_>| {
        let no_worse = other.ns <= one.ns && other.peak <= one.peak && other.in_vain <= one.in_vain;
        no_worse && (other.ns < one.ns || other.peak < one.peak || other.in_vain < one.in_vain)
    };
    !all.iter().any(beats)
}

/// Nanoseconds with as many digits as they are worth.
pub(super) fn ns(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.1} ns"),
        v if v < 10_000.0 => format!("{v:.0} ns"),
        v => format!("{:.1} µs", v / 1e3),
    }
}
