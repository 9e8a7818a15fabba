//! Bounded loads: keys placed one after the other, nobody above its bound.

use ringlab_core::distribution::{Claimant, Distribution, LoadBound, bounded_loads};

use super::data::Bounded;
use super::rings::fair_shares;

/// The bound, as a ratio of the fair part.
const RATIO: f64 = 1.25;
/// Of the keys, so many are placed.
const KEYS_MAX: usize = 100_000;

/// Places keys over the claimants, and over the same with one more at the end.
pub(crate) fn measure(
    (built, grown): (&dyn Distribution, &dyn Distribution),
    (claimants, more): (&[Claimant], &[Claimant]),
    hashes: &[u64],
) -> Option<Bounded> {
    let bound = LoadBound::new(RATIO).ok()?;
    let every = hashes.len().div_ceil(KEYS_MAX);
    let keys: Vec<u64> = hashes.iter().copied().step_by(every).collect();
    let weights = |claimants: &[Claimant]| -> Vec<u32> {
        claimants.iter().map(|claimant| claimant.weight).collect()
    };
    let before = bounded_loads(built, &weights(claimants), bound, &keys);
    let after = bounded_loads(grown, &weights(more), bound, &keys);
    let count = keys.len() as f64;
    let loads = before.loads.iter().zip(fair_shares(claimants));
    let loads = loads.map(|(keys, fair)| *keys as f64 / count / fair);
    let displaced = keys.iter().zip(&before.owners);
    let displaced = displaced.filter(|(hash, owner)| built.owner(**hash) != usize::from(**owner));
    // The lists have the same order, the newcomer is the last one.
    let moved = before
        .owners
        .iter()
        .zip(&after.owners)
        .filter(|(old, new)| old != new);
    let ideal = fair_shares(more).last().copied()?;
    Some(Bounded {
        ratio: RATIO,
        peak: loads.fold(0.0, f64::max),
        hops_mean: before.passes as f64 / count,
        displaced_share: displaced.count() as f64 / count,
        moved_over_ideal: moved.count() as f64 / count / ideal,
    })
}

#[cfg(test)]
mod tests {
    use ringlab_core::hash::HashKind;

    use super::*;
    use crate::choices::rings::{Placing, Ring};

    fn of(placing: &str) -> Bounded {
        let placing = Placing::by_name(placing).expect("in the table");
        let hash = HashKind::by_name("murmur").expect("in the table");
        let claimants = placing.claimants(&Ring::made_up(21));
        let (few, all) = (&claimants[..20], &claimants[..]);
        let build = |claimants| placing.build(claimants, hash).expect("murmur goes with it");
        let (built, grown) = (build(few), build(all));
        let hashes: Vec<u64> = (0..20_000_u64)
            .map(|n| hash.hash(&n.to_le_bytes()))
            .collect();
        let bounded = measure((built.as_ref(), grown.as_ref()), (few, all), &hashes);
        bounded.expect("a bound above 1")
    }

    /// Spec section 4: max/mean is at most c, always; the more even, the fewer hops.
    #[test]
    fn nobody_is_above_the_bound_and_an_even_table_needs_no_hops() {
        let (ring, even) = (of("vnode/160"), of("random_slicing"));
        for bounded in [&ring, &even] {
            assert!(bounded.peak <= RATIO + 1e-9, "{bounded:?}");
        }
        assert!(
            even.hops_mean < 1e-9 && even.displaced_share < 1e-9,
            "{even:?}"
        );
        assert!(ring.hops_mean < 0.2, "{ring:?}");
        assert!((even.moved_over_ideal - 1.0).abs() < 0.15, "{even:?}");
    }
}
