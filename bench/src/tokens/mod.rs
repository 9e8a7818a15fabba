//! Tokens that balance a vnode ring: all anew, or for a newcomer beside those that stay.

mod measure;

use ringlab_core::distribution::Claimant;
use serde::Serialize;

pub(crate) use measure::Measure;

/// A rack's tokens, and what they bring. Shares are of the hash's values, or of the given keys.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// `dc1/r1`; empty without a file.
    pub(crate) rack: String,
    /// Standard deviation of the shares over their mean, before (where there was a ring) and after.
    pub(crate) cv_before: Option<f64>,
    pub(crate) cv_after: f64,
    /// Part of the values or keys that gets another owner; none without a ring before.
    pub(crate) moved_share: Option<f64>,
    pub(crate) peers: Vec<PeerPlan>,
}

/// A peer's tokens.
#[derive(Debug, Serialize)]
pub(crate) struct PeerPlan {
    pub(crate) name: String,
    pub(crate) share_before: Option<f64>,
    pub(crate) share_after: f64,
    pub(crate) tokens: Vec<u32>,
    /// Whether these differ from those before.
    pub(crate) changed: bool,
}

/// Tokens of so many peers, of equal shares: points that divide all evenly, dealt in turns.
pub(crate) fn even(measure: &Measure, peers: usize, each: usize) -> Vec<Vec<u32>> {
    let points = peers * each;
    let token = |point: usize| measure.value_at((point + 1) as f64 / points as f64);
    (0..peers)
        .map(|peer| (0..each).map(|turn| token(turn * peers + peer)).collect())
        .collect()
}

/// New tokens for all peers of a rack, `each` of them or as many as they have.
pub(crate) fn anew(
    rack: String,
    measure: &Measure,
    claimants: &[Claimant],
    each: Option<usize>,
) -> Plan {
    let has = claimants.iter().map(|claimant| claimant.tokens.len()).max();
    let each = each.or(has).unwrap_or(1).max(1);
    let tokens = even(measure, claimants.len(), each);
    let after = named(claimants.iter().map(|claimant| &claimant.name), tokens);
    plan(rack, measure, &of_claimants(claimants), &after)
}

/// The others keep their tokens; the newcomer gets `each` that take most from the fullest.
///
/// With k donors of loads l the squares of all deviations are least when each donor and the
/// newcomer end at Σl / (k + 1): what a donor has above that, it gives, divided over its longest
/// ranges.
pub(crate) fn joined(
    rack: String,
    measure: &Measure,
    claimants: &[Claimant],
    (name, each): (&str, usize),
) -> Plan {
    let before = of_claimants(claimants);
    let mut taken: Vec<u32> = Vec::new();
    let (loads, ranges) = (loads(measure, &before), ranges(&before));
    let mut donors: Vec<usize> = (0..before.len()).collect();
    donors.sort_by(|a, b| loads[*b].total_cmp(&loads[*a]));
    donors.truncate(each);
    let level = |donors: &[usize]| {
        donors.iter().map(|donor| loads[*donor]).sum::<f64>() / (donors.len() + 1) as f64
    };
    // A donor below the level has nothing to give.
    while donors.len() > 1 && loads[donors[donors.len() - 1]] <= level(&donors) {
        donors.pop();
    }
    let level = level(&donors);
    for (place, donor) in donors.iter().enumerate() {
        let pieces = each / donors.len() + usize::from(place < each % donors.len());
        let gives = (loads[*donor] - level) / pieces as f64;
        let mut own: Vec<(f64, u32, u32)> = ranges
            .iter()
            .filter(|range| range.owner == *donor)
            .map(|range| {
                (
                    measure.share(range.after, range.end),
                    range.after,
                    range.end,
                )
            })
            .collect();
        own.sort_by(|a, b| b.0.total_cmp(&a.0));
        for number in 0..pieces {
            // Where there are fewer ranges than pieces, the longest are cut more than once.
            let (share, after, end) = own[number % own.len()];
            let depth = (number / own.len() + 1) as f64;
            let cut = measure.cut(after, end, (gives * depth).min(share));
            if !taken.contains(&cut) {
                taken.push(cut);
            }
        }
    }
    let mut after = before.clone();
    after.push((name.to_owned(), taken));
    plan(rack, measure, &before, &after)
}

/// Names and their tokens.
type Peers = Vec<(String, Vec<u32>)>;

fn of_claimants(claimants: &[Claimant]) -> Peers {
    let tokens = |claimant: &Claimant| claimant.tokens.iter().map(|t| t.magnitude()).collect();
    claimants
        .iter()
        .map(|claimant| (claimant.name.clone(), tokens(claimant)))
        .collect()
}

fn named<'a>(names: impl Iterator<Item = &'a String>, tokens: Vec<Vec<u32>>) -> Peers {
    names.cloned().zip(tokens).collect()
}

/// What one token owns: past `after`, up to `end`; it wraps when `end` is not above `after`.
#[derive(Debug, Clone, Copy)]
struct Range {
    after: u32,
    end: u32,
    owner: usize,
}

fn ranges(peers: &Peers) -> Vec<Range> {
    let mut points: Vec<(u32, usize)> = peers
        .iter()
        .enumerate()
        .flat_map(|(owner, (_, tokens))| tokens.iter().map(move |token| (*token, owner)))
        .collect();
    points.sort_unstable();
    let last = points.len().saturating_sub(1);
    let previous = |index: usize| points[if index == 0 { last } else { index - 1 }].0;
    (0..points.len())
        .map(|index| Range {
            after: previous(index),
            end: points[index].0,
            owner: points[index].1,
        })
        .collect()
}

fn loads(measure: &Measure, peers: &Peers) -> Vec<f64> {
    let mut loads = vec![0.0; peers.len()];
    let ranges = ranges(peers);
    if let [only] = ranges[..] {
        loads[only.owner] = 1.0;
        return loads;
    }
    for range in ranges {
        // Of equal tokens the first one owns; the others' ranges are empty.
        loads[range.owner] += measure.share(range.after, range.end);
    }
    loads
}

fn plan(rack: String, measure: &Measure, before: &Peers, after: &Peers) -> Plan {
    let had = before.iter().any(|(_, tokens)| !tokens.is_empty());
    let (olds, news) = (loads(measure, before), loads(measure, after));
    let peers = after.iter().zip(&news).map(|((name, tokens), share)| {
        let old = before.iter().position(|(other, _)| other == name);
        PeerPlan {
            name: name.clone(),
            share_before: old.filter(|_| had).map(|old| olds[old]),
            share_after: *share,
            changed: old.is_none_or(|old| before[old].1 != *tokens),
            tokens: tokens.clone(),
        }
    });
    Plan {
        rack,
        cv_before: had.then(|| cv(&olds)),
        cv_after: cv(&news),
        moved_share: had.then(|| moved(measure, before, after)),
        peers: peers.collect(),
    }
}

/// Between two neighbouring ends of either ring both owners stay the same.
fn moved(measure: &Measure, before: &Peers, after: &Peers) -> f64 {
    let (olds, news) = (ranges(before), ranges(after));
    let mut ends: Vec<u32> = olds.iter().chain(&news).map(|range| range.end).collect();
    ends.sort_unstable();
    ends.dedup();
    let owner = |ranges: &[Range], value: u32| {
        let index = ranges.partition_point(|range| range.end < value) % ranges.len();
        ranges[index].owner
    };
    let last = ends.len() - 1;
    let moved = ends.iter().enumerate().map(|(index, end)| {
        let start = ends[if index == 0 { last } else { index - 1 }];
        let (old, new) = (owner(&olds, *end), owner(&news, *end));
        let same = before[old].0 == after[new].0;
        if same {
            0.0
        } else {
            measure.share(start, *end)
        }
    });
    moved.sum()
}

fn cv(loads: &[f64]) -> f64 {
    let mean = loads.iter().sum::<f64>() / loads.len() as f64;
    let squares = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>();
    (squares / loads.len() as f64).sqrt() / mean
}

/// The claimants' tokens are plain points: no negative ones, which come after all others.
pub(crate) fn are_plain(claimants: &[Claimant]) -> bool {
    let mut tokens = claimants.iter().flat_map(|claimant| &claimant.tokens);
    !tokens.any(|token| token.is_negative())
}

#[cfg(test)]
mod tests;
