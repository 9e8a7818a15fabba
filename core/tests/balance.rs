//! Figures that a correct ring reproduces: section 4 of the reference on hashes and distributions,
//! and `golden/ring_balance_stats.csv`, made by a simulation of exact arcs.
#![cfg(test)]

use std::collections::BTreeSet;

use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::{HashKind, widen};

/// Numbers that look random, the same every time.
fn draws(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |number| widen((seed << 40) + number, 32))
}

/// A ring of `nodes` with `points` random tokens each.
fn ring(nodes: usize, points: usize, seed: u64) -> Box<dyn Distribution> {
    let mut numbers = draws(seed);
    let claimant = |index| Claimant {
        name: format!("node-{index}"),
        tokens: numbers.by_ref().take(points).map(Token::of_hash).collect(),
        weight: 1,
    };
    let claimants: Vec<Claimant> = (0..nodes).map(claimant).collect();
    built("vnode", &claimants)
}

fn built(name: &str, claimants: &[Claimant]) -> Box<dyn Distribution> {
    let kind = DistributionKind::by_name(name).unwrap();
    let murmur = HashKind::by_name("murmur").unwrap();
    kind.build(claimants, murmur).unwrap()
}

/// Variance over the squared mean, and greatest over mean.
fn unevenness(loads: &[f64]) -> (f64, f64) {
    let count = loads.len() as f64;
    let mean = loads.iter().sum::<f64>() / count;
    let squares = loads.iter().map(|load| (load / mean - 1.0).powi(2));
    let most = loads.iter().copied().fold(0.0, f64::max);
    (squares.sum::<f64>() / count, most / mean)
}

fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(part * (values.len() - 1) as f64).round() as usize]
}

/// Section 4, ring balance: the standard error is √((N−1)/(Nv+1)); at N = 1000 the jump paper has
/// 0.9979060, 0.3151810, 0.0996996 and 0.0315723.
#[test]
fn a_rings_deviation_is_the_analytic_one() {
    for (points, rings, paper) in [
        (1, 40, 0.997_906_0),
        (10, 10, 0.315_181_0),
        (100, 2, 0.099_699_6),
        (160, 2, 0.079_0),
        (1000, 1, 0.031_572_3),
    ] {
        let squares = (0..rings).map(|seed| unevenness(&ring(1000, points, seed).shares()).0);
        let deviation = (squares.sum::<f64>() / rings as f64).sqrt();
        let analytic = (999.0 / (1000.0 * points as f64 + 1.0)).sqrt();
        // The variance of 1000 shares is known to √(2/1000) of itself, and less of exponential ones.
        let room = 4.0 * (8.0 / (1000.0 * rings as f64)).sqrt() / 2.0;
        for expected in [analytic, paper] {
            let off = deviation / expected - 1.0;
            assert!(
                off.abs() < room,
                "{points} points: {deviation}, not {expected}"
            );
        }
    }
}

/// Section 4, ring balance: peak over mean at the 5th, 50th and 95th percentile.
#[test]
fn a_rings_peaks_are_where_the_simulation_has_them() {
    let stats = include_str!("golden/ring_balance_stats.csv");
    let mut rows = 0;
    for line in stats.lines().skip(1) {
        let row: Vec<f64> = line
            .split(',')
            .map(|field| field.parse().unwrap())
            .collect();
        let (nodes, points) = (row[0] as usize, row[1] as usize);
        if !(10..=100).contains(&nodes) || nodes * points > 16_000 {
            continue;
        }
        let rings = if nodes * points > 2_000 { 20 } else { 100 };
        let peaks: Vec<f64> = (0..rings)
            .map(|seed| unevenness(&ring(nodes, points, 7000 + seed).shares()).1)
            .collect();
        let (low, median, high) = (row[6], row[7], row[8]);
        // Beyond a quantile lie as many as its part says, to four standard deviations.
        let above = |limit: f64| peaks.iter().filter(|peak| **peak > limit).count() as f64;
        for (limit, part) in [(low, 0.95), (median, 0.5), (high, 0.05)] {
            let expected = part * rings as f64;
            let room = 1.0 + 4.0 * (expected * (1.0 - part)).sqrt();
            let count = above(limit);
            assert!(
                (count - expected).abs() <= room,
                "{nodes} × {points}: {count} of {rings} above {limit}"
            );
        }
        rows += 1;
    }
    assert!(rows >= 8, "{rows} rows");
}

/// Section 4, sampling floor: √((N−1)/K); 10⁵ keys on 100 nodes: 3.15 %, peak over mean 1.079 in
/// the middle and 1.108 at the 95th percentile.
#[test]
fn sampling_has_a_floor() {
    let claimants: Vec<Claimant> = (0..100)
        .map(|index| Claimant {
            name: format!("node-{index}"),
            tokens: vec![],
            weight: 1,
        })
        .collect();
    let even = built("random_slicing", &claimants);
    let samples: Vec<(f64, f64)> = (0..60)
        .map(|seed| {
            let mut loads = vec![0.0; 100];
            for value in draws(900 + seed).take(100_000) {
                loads[even.owner(value >> 32)] += 1.0;
            }
            unevenness(&loads)
        })
        .collect();
    let variance = samples.iter().map(|sample| sample.0).sum::<f64>() / samples.len() as f64;
    assert!(
        (variance.sqrt() - 0.0315).abs() < 0.0006,
        "{}",
        variance.sqrt()
    );
    let peaks: Vec<f64> = samples.iter().map(|sample| sample.1).collect();
    let (median, high) = (quantile(peaks.clone(), 0.5), quantile(peaks, 0.95));
    assert!((median - 1.079).abs() < 0.008, "{median}");
    assert!((high - 1.108).abs() < 0.02, "{high}");
}

/// The first `count` different claimants from a value's owner on, clockwise.
fn successors(ring: &dyn Distribution, value: u64, count: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::with_capacity(count);
    for candidate in (0..).map(|passes| ring.candidate(value, passes)) {
        if !found.contains(&candidate) {
            found.push(candidate);
        }
        if found.len() == count {
            break;
        }
    }
    found
}

/// Section 4, replica sets of three successors: how many there are (N = 10: 10/78/120 with
/// 1/16/160 points, N = 100: 100/1,553/14,566), and to how many nodes a failed node's keys go
/// (1/8/9, 1/15/84). The reference drew one ring each.
#[test]
fn replica_sets_and_failure_fan_out() {
    for (nodes, points, sets, fan_out) in [
        (10, 1, 10, 1),
        (10, 16, 78, 8),
        (10, 160, 120, 9),
        (100, 1, 100, 1),
        (100, 16, 1_553, 15),
        (100, 160, 14_566, 84),
    ] {
        let ring = ring(nodes, points, 31);
        let mut seen = BTreeSet::new();
        let mut heirs = vec![BTreeSet::new(); nodes];
        for value in draws(5).take(300_000) {
            let mut replicas = successors(&*ring, value >> 32, 3);
            heirs[replicas[0]].insert(replicas[1]);
            replicas.sort_unstable();
            seen.insert(replicas);
        }
        let label = format!("{nodes} × {points}");
        let room = 0.12 * f64::from(sets);
        let count = seen.len() as f64;
        assert!(
            (count - f64::from(sets)).abs() <= room,
            "{label}: {count} sets"
        );
        if points == 1 {
            assert_eq!(count, f64::from(sets), "{label}");
        }
        let counts = || heirs.iter().map(BTreeSet::len);
        let range = counts().min().unwrap()..=counts().max().unwrap();
        assert!(range.contains(&fan_out), "{label}: {range:?} heirs");
    }
}
