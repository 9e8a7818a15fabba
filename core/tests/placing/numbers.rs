//! Balance: the figures of papers and of the reference measurements.

use std::collections::BTreeSet;

use ringlab_core::distribution::{Distribution, MaglevBackend, ProbeRing, maglev_table};
use ringlab_core::hash::widen;

use super::{WIDE, built, claimants, values};

/// Keys by owner.
fn counts(built: &dyn Distribution, keys: u64) -> Vec<u64> {
    let mut counts = vec![0; built.claimants()];
    for value in values(keys) {
        counts[built.owner(value)] += 1;
    }
    counts
}

/// The most keys over the mean.
fn peak(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let most = counts.iter().max().unwrap();
    *most as f64 * counts.len() as f64 / total as f64
}

/// Standard deviation over mean.
fn variation(counts: &[u64]) -> f64 {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let squares: f64 = counts
        .iter()
        .map(|count| (*count as f64 - mean).powi(2))
        .sum();
    (squares / counts.len() as f64).sqrt() / mean
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The jump paper's standard error of 7.6e-9 is far below what keys can show: so many keys vary
/// as by an ideal hash, by √((N−1)/K), and no more. Rendezvous is multinomial too.
#[test]
fn jump_and_rendezvous_vary_as_chance_does() {
    let keys = 1_000_000;
    for distribution in ["jump", "rendezvous", "rendezvous_skeleton"] {
        let built = built(distribution, &claimants("node-", &[1; 100]), WIDE);
        let floor = (99.0 / keys as f64).sqrt();
        let over = variation(&counts(&*built, keys)) / floor;
        // The variation of 99 degrees of freedom: ± 7 % of itself, four times that.
        assert!((0.72..1.28).contains(&over), "{distribution}: {over}");
    }
}

/// Shares in proportion to weights, to five standard deviations of sampling.
#[test]
fn weights_are_shares() {
    let keys = 500_000;
    let weights = [1, 2, 3, 4, 10, 30];
    let total: u32 = weights.iter().sum();
    for distribution in ["rendezvous", "rendezvous_skeleton", "maglev"] {
        let built = built(distribution, &claimants("node-", &weights), WIDE);
        for ((count, weight), share) in counts(&*built, keys)
            .iter()
            .zip(weights)
            .zip(built.shares())
        {
            let aim = f64::from(weight) / f64::from(total);
            // Maglev's slots are whole: each lighter one has up to one more than it should.
            let slots = weights.len() as f64 / 65_537.0;
            assert!(
                (share - aim).abs() <= slots,
                "{distribution}: {share} for {aim}"
            );
            let most = 5.0 * (aim * (1.0 - aim) / keys as f64).sqrt() + slots;
            let got = *count as f64 / keys as f64;
            assert!((got - aim).abs() <= most, "{distribution}: {got} for {aim}");
        }
    }
}

/// Spec, section 4: M = 65537, N = 1000: 65 or 66 slots each.
#[test]
fn maglev_slots_differ_by_one() {
    for count in [3, 10, 100, 1000] {
        let shares = built("maglev", &claimants("node-", &vec![1; count]), WIDE).shares();
        let slots: BTreeSet<_> = shares
            .iter()
            .map(|share| (share * 65_537.0).round() as usize)
            .collect();
        let least = 65_537 / count;
        assert_eq!(slots, BTreeSet::from([least, least + 1]));
    }
}

/// Envoy's documentation: weights 1 and 2 give 21,846 and 43,691 slots.
#[test]
fn maglev_weights_are_envoys() {
    let shares = built("maglev", &claimants("node-", &[1, 2]), WIDE).shares();
    let slots: Vec<_> = shares
        .iter()
        .map(|share| (share * 65_537.0).round())
        .collect();
    assert_eq!(slots, [21_846.0, 43_691.0]);
}

/// A table of `count` backends with permutations by chance; the first `gone` are removed.
fn table(slots: usize, count: u64, gone: u64, seed: u64) -> Vec<u16> {
    let number =
        |number: u64, below: usize| (widen(seed << 32 | number, 32) % below as u64) as usize;
    let backends: Vec<_> = (0..count)
        .map(|index| MaglevBackend {
            offset: number(2 * index, slots),
            skip: number(2 * index + 1, slots - 1) + 1,
            weight: u32::from(index >= gone),
        })
        .collect();
    maglev_table(slots, &backends)
}

/// Spec, section 4: slots that change when k of N backends go, in percent, for both primes.
#[test]
fn maglev_changes_as_many_slots_as_measured() {
    for (slots, count, gone, expected, draws) in [
        (65_537, 10, 1, 10.22, 8),
        (65_537, 100, 1, 1.56, 8),
        (65_537, 1000, 1, 0.68, 8),
        (65_537, 1000, 10, 3.36, 4),
        (65_537, 1000, 50, 8.26, 4),
        (655_373, 10, 1, 10.06, 1),
        (655_373, 100, 1, 1.14, 1),
        (655_373, 1000, 1, 0.42, 1),
        (655_373, 1000, 10, 1.58, 1),
        (655_373, 1000, 50, 5.90, 1),
    ] {
        let changed = |seed| {
            let (before, after) = (
                table(slots, count, 0, seed),
                table(slots, count, gone, seed),
            );
            before
                .iter()
                .zip(&after)
                .filter(|(old, new)| old != new)
                .count()
        };
        let mean = (1..=draws).map(changed).sum::<usize>() as f64 / draws as f64;
        let percent = 100.0 * mean / slots as f64;
        let near = 0.05 * expected + 0.06;
        assert!(
            (percent - expected).abs() < near,
            "{slots}, {gone} of {count}: {percent}"
        );
    }
}

/// Spec, section 4: peaks of 21 probes, the median over rings: h1 + i·h2 gives 1.115, 1.105 and
/// 1.077 at 10, 100 and 1000 nodes, independent probes 1.062 at 100; without the sampling of keys
/// that is 1.052 exactly, and it varies by about 15 %.
#[test]
fn multi_probe_peaks_are_as_measured() {
    let point = |ring: u64, node: u32| widen(ring << 32 | u64::from(node), 32);
    let placed =
        |ring, nodes: u32| ProbeRing::new((0..nodes).map(move |node| (point(ring, node), node)));
    let sampled = |nodes: u32, rings: u64, keys: u64| {
        let peak_of = |ring| {
            let placed = placed(ring, nodes);
            let mut counts = vec![0; nodes as usize];
            for first in values(keys) {
                let step = widen(first, 32);
                let probes = (0..21_u64).map(|probe| first.wrapping_add(probe.wrapping_mul(step)));
                counts[placed.owner(probes) as usize] += 1;
            }
            peak(&counts)
        };
        median((1..=rings).map(peak_of).collect())
    };
    for (nodes, rings, expected) in [(10, 31, 1.115), (100, 5, 1.105)] {
        let got = sampled(nodes, rings, u64::from(nodes) * 6_000);
        assert!((got - expected).abs() < 0.03, "{nodes}: {got}");
    }
    let exact = |prefix: String| {
        let shares = built("multi_probe", &claimants(&prefix, &[1; 100]), WIDE).shares();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        shares
    };
    let rings: Vec<_> = (0..41)
        .map(|ring| exact(format!("ring{ring}-node-")))
        .collect();
    let most = |shares: &Vec<f64>| shares.iter().copied().fold(0.0, f64::max) * 100.0;
    let peak = median(rings.iter().map(most).collect());
    assert!((peak - 1.052).abs() < 0.008, "{peak}");
    let spread = |shares: &Vec<f64>| {
        let squares: f64 = shares
            .iter()
            .map(|share| (share * 100.0 - 1.0).powi(2))
            .sum();
        (squares / 100.0).sqrt()
    };
    let variation = median(rings.iter().map(spread).collect());
    assert!((0.11..0.19).contains(&variation), "{variation}");
}

/// The exact shares of multi-probe are what keys show, with weights too.
#[test]
fn multi_probe_shares_are_what_keys_show() {
    let keys = 300_000;
    for weights in [&[1; 10][..], &[2, 4, 6, 8, 20], &[7]] {
        let built = built("multi_probe", &claimants("node-", weights), WIDE);
        for (count, share) in counts(&*built, keys).iter().zip(built.shares()) {
            let most = 5.0 * (share * (1.0 - share) / keys as f64).sqrt() + 1e-9;
            let got = *count as f64 / keys as f64;
            assert!((got - share).abs() <= most, "{got}, {share} expected");
        }
    }
}

/// Spec, section 4: the three best of 100 by rendezvous for 10^6 keys make 161,354 of 161,700 sets.
/// Whoever is second best is the owner when the best has gone.
#[test]
fn rendezvous_makes_nearly_all_replica_sets() {
    let all = claimants("node-", &[1; 100]);
    let without = |gone: &[usize]| {
        let mut rest: Vec<_> = all.iter().cloned().enumerate().collect();
        rest.retain(|(index, _)| !gone.contains(index));
        let (places, rest): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
        (built("rendezvous", &rest, WIDE), places)
    };
    let (full, _) = without(&[]);
    let one: Vec<_> = (0..100).map(|gone| without(&[gone])).collect();
    let two: Vec<_> = (0..100_usize)
        .map(|a| (0..a).map(|b| without(&[a, b])).collect::<Vec<_>>())
        .collect();
    let mut sets = BTreeSet::new();
    for value in values(1_000_000) {
        let best = full.owner(value);
        let (rest, places) = &one[best];
        let second = places[rest.owner(value)];
        let (rest, places) = &two[best.max(second)][best.min(second)];
        let mut set = [best, second, places[rest.owner(value)]];
        set.sort_unstable();
        sets.insert(set);
    }
    // 161,367 expected of draws without any pattern; the deviation is 18.
    assert!(sets.len().abs_diff(161_354) < 90, "{}", sets.len());
}

/// `random` is even, whatever the key, and the same again in a fresh table.
#[test]
fn random_takes_turns_by_chance() {
    let built = built("random", &claimants("node-", &[1; 10]), WIDE);
    let mut counts = [0_u64; 10];
    for _ in 0..100_000 {
        counts[built.owner(7)] += 1;
    }
    let over = variation(&counts) / (9.0 / 100_000.0_f64).sqrt();
    assert!((0.2..2.0).contains(&over), "{over}");
}
