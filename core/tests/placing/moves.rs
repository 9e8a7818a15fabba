//! What moves when claimants come and go: the published figures, and none between those who stay
//! where the algorithm says so.

use ringlab_core::distribution::{Claimant, Distribution, ketama_points};

use super::{WIDE, built, claimants, values};

/// Parts of the keys that move, and that move between claimants that are in both lists.
#[derive(Debug)]
struct Moved {
    all: f64,
    between_old: f64,
}

fn moved(before: &[Claimant], after: &[Claimant], distribution: &str, keys: u64) -> Moved {
    let (from, to) = (
        built(distribution, before, WIDE),
        built(distribution, after, WIDE),
    );
    moved_between(&*from, before, &*to, after, keys)
}

fn moved_between(
    from: &dyn Distribution,
    before: &[Claimant],
    to: &dyn Distribution,
    after: &[Claimant],
    keys: u64,
) -> Moved {
    let (mut all, mut between_old) = (0, 0);
    for value in values(keys) {
        let (old, new) = (
            &before[from.owner(value)].name,
            &after[to.owner(value)].name,
        );
        if old != new {
            let stays =
                |name: &str, list: &[Claimant]| list.iter().any(|listed| listed.name == name);
            all += 1;
            between_old += u32::from(stays(old, after) && stays(new, before));
        }
    }
    Moved {
        all: f64::from(all) / keys as f64,
        between_old: f64::from(between_old) / keys as f64,
    }
}

/// Whether `got` is `expected` to four standard deviations of so many keys.
#[track_caller]
fn assert_part(got: f64, expected: f64, keys: u64) {
    let most = 4.0 * (expected * (1.0 - expected) / keys as f64).sqrt();
    assert!(
        (got - expected).abs() <= most,
        "{got}, expected {expected} ± {most}"
    );
}

/// Spec, section 4: jump, rendezvous and multi-probe move 1/(N+1) to the newcomer and nothing
/// else; modula moves N/(N+1).
#[test]
fn a_newcomer_takes_its_share() {
    let keys = 100_000;
    for count in [3, 10, 100_usize] {
        let all = claimants("node-", &vec![1; count + 1]);
        let share = 1.0 / (count + 1) as f64;
        for distribution in ["jump", "rendezvous"] {
            let moved = moved(&all[..count], &all, distribution, keys);
            assert_part(moved.all, share, keys);
            assert_eq!(moved.between_old, 0.0, "{distribution}");
        }
        let probed = moved(&all[..count], &all, "multi_probe", keys);
        let newcomer = built("multi_probe", &all, WIDE).shares()[count];
        assert_part(probed.all, newcomer, keys);
        assert_eq!(probed.between_old, 0.0);
        assert_part(
            moved(&all[..count], &all, "modula", keys).all,
            1.0 - share,
            keys,
        );
    }
}

/// Rendezvous gives up nobody else's keys whoever goes; the keys of a failed node of a hundred go
/// to all 99 others (spec, section 4).
#[test]
fn rendezvous_spreads_the_keys_of_one_that_goes() {
    let all = claimants("node-", &[1; 100]);
    let mut rest = all.clone();
    rest.remove(41);
    let keys = 300_000;
    let moved = moved(&all, &rest, "rendezvous", keys);
    assert_part(moved.all, 0.01, keys);
    assert_eq!(moved.between_old, 0.0);
    let (from, to) = (
        built("rendezvous", &all, WIDE),
        built("rendezvous", &rest, WIDE),
    );
    let mut takers = [0; 99];
    for value in values(keys).filter(|value| from.owner(*value) == 41) {
        takers[to.owner(value)] += 1;
    }
    assert!(takers.iter().all(|taken| *taken > 0), "{takers:?}");
}

/// Only what a changed weight is about moves: to the heavier one, from nobody to another.
#[test]
fn a_heavier_claimant_only_gains() {
    let keys = 200_000;
    let before = claimants("node-", &[1, 2, 3, 4]);
    let after = claimants("node-", &[1, 2, 3, 6]);
    let (from, to) = (
        built("rendezvous", &before, WIDE),
        built("rendezvous", &after, WIDE),
    );
    let mut gained = 0;
    for value in values(keys) {
        let (old, new) = (from.owner(value), to.owner(value));
        assert!(old == new || new == 3, "{value} moved from {old} to {new}");
        gained += u32::from(old != new);
    }
    assert_part(
        f64::from(gained) / keys as f64,
        6.0 / 12.0 - 4.0 / 10.0,
        keys,
    );
}

/// From equal weights to different ones the formula changes, the draws do not.
#[test]
fn the_first_weight_moves_no_more_than_its_share() {
    let keys = 200_000;
    let before = claimants("node-", &[1; 10]);
    let mut after = before.clone();
    after[0].weight = 2;
    let (from, to) = (
        built("rendezvous", &before, WIDE),
        built("rendezvous", &after, WIDE),
    );
    assert!(values(keys).all(|value| from.owner(value) == to.owner(value) || to.owner(value) == 0));
}

/// What the skeleton's tree costs: keys move along with the weight of each virtual node above a
/// newcomer, but never more than one share a level.
#[test]
fn a_skeleton_moves_a_share_for_each_level() {
    let keys = 200_000;
    let mut total = 0.0;
    for count in 95..105_usize {
        let all = claimants("node-", &vec![1; count + 1]);
        let moved = moved(&all[..count], &all, "rendezvous_skeleton", keys);
        let over_ideal = moved.all * (count + 1) as f64;
        assert!((0.9..=4.0).contains(&over_ideal), "{count}: {over_ideal}");
        total += over_ideal;
    }
    assert!((1.5..3.0).contains(&(total / 10.0)), "{}", total / 10.0);
}

/// Spec, section 4, exact arcs: 24 → 25 equal servers loses points to single precision, which
/// moves 6.45 % of all keys, 2.41 % between old servers; weights 1, 2, 3, 4 and a newcomer of
/// weight 1: 15.0 %, 7.4 %.
#[test]
fn ketama_moves_more_than_the_newcomers_share() {
    let equal = claimants("node", &[1; 25]);
    let moved = ketama_moved(&equal[..24], &equal);
    assert!((moved.all - 0.0645).abs() < 5e-5, "{moved:?}");
    assert!((moved.between_old - 0.0241).abs() < 5e-5, "{moved:?}");
    let weighted = claimants("server", &[1, 2, 3, 4, 1]);
    let moved = ketama_moved(&weighted[..4], &weighted);
    assert!((moved.all - 0.150).abs() < 5e-4, "{moved:?}");
    assert!((moved.between_old - 0.074).abs() < 5e-4, "{moved:?}");
}

/// Exactly: over all arcs between points of either ring. Claimants keep their index.
fn ketama_moved(before: &[Claimant], after: &[Claimant]) -> Moved {
    let (from, to) = (
        built("ketama", before, "murmur"),
        built("ketama", after, "murmur"),
    );
    let points = [ketama_points(before), ketama_points(after)].concat();
    let mut ends: Vec<_> = points.into_iter().map(|(value, _)| value).collect();
    ends.push(u32::MAX);
    ends.sort_unstable();
    let (mut all, mut between_old, mut start) = (0, 0, 0);
    for end in ends.into_iter().map(u64::from) {
        if end >= start && from.owner(end) != to.owner(end) {
            all += end + 1 - start;
            if to.owner(end) < before.len() {
                between_old += end + 1 - start;
            }
        }
        start = end + 1;
    }
    let part = |count| f64::from(u32::try_from(count).unwrap()) / 2_f64.powi(32);
    Moved {
        all: part(all),
        between_old: part(between_old),
    }
}
