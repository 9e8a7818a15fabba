//! Time to make a table and the next one, and what it takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ringlab_core::distribution::{Claimant, Distribution};
use ringlab_core::hash::HashKind;

use super::data::{TableCost, Time};
use super::rings::Placing;
use super::statistics::time;

/// Repetitions, fewer where they take long.
const ROUNDS: std::ops::RangeInclusive<usize> = 3..=51;
const LONG: Duration = Duration::from_millis(400);

/// Measures one placing; `grown` are the claimants with one more.
///
/// # Errors
/// ringd would not serve with one of the two.
pub(crate) fn measure(
    placing: &Placing,
    (claimants, grown): (&[Claimant], &[Claimant]),
    hash: HashKind,
) -> Result<TableCost, String> {
    let built = placing.build(claimants, hash)?;
    let again = |made: Result<Box<dyn Distribution>, _>| made.map(drop).map_err(words);
    Ok(TableCost {
        build: timed(|| again(placing.kind.build(claimants, hash)))?,
        rebuild: timed(|| again(built.rebuild(grown)))?,
        entries: built.entries(),
        bytes: built.bytes(),
    })
}

fn words(error: ringlab_core::distribution::BuildError) -> String {
    error.to_string()
}

fn timed(mut make: impl FnMut() -> Result<(), String>) -> Result<Time, String> {
    let mut samples = Vec::new();
    let began = Instant::now();
    // What takes longer than all rounds should is made once.
    while samples.is_empty()
        || (samples.len() < *ROUNDS.start() && began.elapsed() < 3 * LONG)
        || (samples.len() < *ROUNDS.end() && began.elapsed() < LONG)
    {
        let start = Instant::now();
        black_box(make())?;
        samples.push(start.elapsed().as_nanos() as f64);
    }
    Ok(time(&samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::rings::Ring;

    #[test]
    fn a_larger_ring_takes_more() {
        let hash = HashKind::by_name("murmur").expect("in the table");
        let placing = Placing::by_name("vnode/160").expect("in the table");
        let of = |peers: usize| {
            let claimants = placing.claimants(&Ring::made_up(peers));
            let (all, less) = (&claimants[..], &claimants[..peers - 1]);
            measure(&placing, (less, all), hash).expect("murmur goes with it")
        };
        let (small, large) = (of(4), of(40));
        // One more row is for what wraps.
        assert_eq!((small.entries / 160, large.entries / 160), (3, 39));
        assert!(large.bytes > 5 * small.bytes && large.build.ns > small.build.ns);
    }
}
