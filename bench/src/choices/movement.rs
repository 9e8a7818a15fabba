//! What moves when peers change, and what moves though nothing about its peers changed.

use std::collections::HashMap;

use ringlab_core::distribution::Claimant;
use ringlab_core::hash::HashKind;

use super::data::Movement;
use super::rings::{Placing, fair_shares};

/// Of the keys, so many are followed.
const KEYS_MAX: usize = 100_000;

/// A change of a ring.
struct Change {
    name: &'static str,
    before: Vec<Claimant>,
    after: Vec<Claimant>,
    /// Peers that the change is about.
    affected: Vec<String>,
}

/// The four changes. `peers_max` is how many a rack may have: at the limit, the last one is the
/// one that is added.
fn changes(placing: &Placing, claimants: &[Claimant], peers_max: usize) -> Vec<Change> {
    let middle = claimants.len() / 2;
    let change = |name, before: &[Claimant], after: Vec<Claimant>, affected: &[&str]| Change {
        name,
        before: before.to_vec(),
        after,
        affected: affected.iter().map(ToString::to_string).collect(),
    };
    let (smaller, grown) = growth(placing, claimants, peers_max);
    let newcomer = grown[grown.len() - 1].name.clone();
    let mut all = vec![change("add", &smaller, grown, &[&newcomer])];
    let one = &claimants[middle];
    if claimants.len() > 1 {
        let mut without = claimants.to_vec();
        without.remove(middle);
        all.push(change("remove", claimants, without, &[&one.name]));
    }
    // The only one has everything at any weight: nothing must move, and nothing is a measure of it.
    if claimants.len() > 1 {
        let mut heavier = claimants.to_vec();
        heavier[middle].weight *= 2;
        all.push(change("weight", claimants, heavier, &[&one.name]));
    }
    let mut replaced = claimants.to_vec();
    replaced[middle].name = "10.8.8.8:8101".to_owned();
    let names = [one.name.as_str(), "10.8.8.8:8101"];
    all.push(change("replace", claimants, replaced, &names));
    all
}

/// The claimants, and the same with one more at the end.
pub(crate) fn growth(
    placing: &Placing,
    claimants: &[Claimant],
    peers_max: usize,
) -> (Vec<Claimant>, Vec<Claimant>) {
    let mut smaller = claimants.to_vec();
    if smaller.len() >= peers_max {
        smaller.truncate(peers_max - 1);
        return (smaller, claimants[..peers_max].to_vec());
    }
    let mut grown = smaller.clone();
    grown.push(placing.newcomer(&smaller));
    (smaller, grown)
}

/// Follows keys through each change that the distribution can make.
pub(crate) fn measure(
    placing: &Placing,
    claimants: &[Claimant],
    (hash, hashes): (HashKind, &[u64]),
    peers_max: usize,
) -> Vec<Movement> {
    let every = hashes.len().div_ceil(KEYS_MAX);
    let followed: Vec<u64> = hashes.iter().copied().step_by(every).collect();
    let all = changes(placing, claimants, peers_max);
    all.iter()
        .filter_map(|change| change.follow(placing, hash, &followed))
        .collect()
}

impl Change {
    fn follow(&self, placing: &Placing, hash: HashKind, hashes: &[u64]) -> Option<Movement> {
        let old = placing.kind.build(&self.before, hash).ok()?;
        let rebuilt = old.rebuild(&self.after).ok()?;
        let fresh = placing.kind.build(&self.after, hash).ok()?;
        let names = Names::of(self);
        let (mut by_rebuild, mut by_fresh) = (Moved::default(), Moved::default());
        let mut disagree = 0_u64;
        for &hash in hashes {
            let from = old.owner(hash);
            let (to, to_fresh) = (rebuilt.owner(hash), fresh.owner(hash));
            by_rebuild.add(&names, from, to);
            by_fresh.add(&names, from, to_fresh);
            disagree += u64::from(to != to_fresh);
        }
        let part = |count: u64| count as f64 / hashes.len() as f64;
        let ideal_share = self.ideal();
        Some(Movement {
            change: self.name.to_owned(),
            moved_share: part(by_rebuild.all),
            ideal_share,
            over_ideal: part(by_rebuild.all) / ideal_share,
            between_others_share: part(by_rebuild.between_others),
            fresh_over_ideal: part(by_fresh.all) / ideal_share,
            fresh_between_others_share: part(by_fresh.between_others),
            restart_disagrees_share: part(disagree),
        })
    }

    /// What peers lack to their new fair parts.
    fn ideal(&self) -> f64 {
        let before: HashMap<&str, f64> =
            names(&self.before).zip(fair_shares(&self.before)).collect();
        let lacks = |(name, fair): (&str, f64)| (fair - before.get(name).unwrap_or(&0.0)).max(0.0);
        names(&self.after)
            .zip(fair_shares(&self.after))
            .map(lacks)
            .sum()
    }
}

fn names(claimants: &[Claimant]) -> impl Iterator<Item = &str> {
    claimants.iter().map(|claimant| claimant.name.as_str())
}

/// Peers of two lists as one number each, and which of them are affected.
struct Names {
    before: Vec<usize>,
    after: Vec<usize>,
    affected: Vec<bool>,
}

impl Names {
    fn of(change: &Change) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut number = |name| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        };
        let before = names(&change.before).map(&mut number).collect();
        let after = names(&change.after).map(&mut number).collect();
        let mut affected = vec![false; numbers.len()];
        for name in &change.affected {
            affected[numbers[name.as_str()]] = true;
        }
        Self {
            before,
            after,
            affected,
        }
    }
}

#[derive(Default)]
struct Moved {
    all: u64,
    between_others: u64,
}

impl Moved {
    fn add(&mut self, names: &Names, from: usize, to: usize) {
        let (from, to) = (names.before[from], names.after[to]);
        if from != to {
            self.all += 1;
            self.between_others += u64::from(!names.affected[from] && !names.affected[to]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::rings::Ring;

    const PEERS: usize = 10;

    /// A figure that is no number can be written down, and then not read again.
    #[test]
    fn a_ring_of_one_peer_has_figures_that_can_be_read_again() {
        let hash = HashKind::by_name("murmur").expect("in the table");
        let hashes: Vec<u64> = (0..1000_u64).map(|n| hash.hash(&n.to_le_bytes())).collect();
        for placing in crate::choices::rings::placings() {
            let claimants = placing.claimants(&Ring::made_up(1));
            let all = measure(&placing, &claimants, (hash, &hashes), 1024);
            let text = serde_json::to_string(&all).expect("plain data");
            let read: Result<Vec<Movement>, _> = serde_json::from_str(&text);
            assert!(read.is_ok(), "{}: {text}", placing.name);
        }
    }

    fn of(placing: &str, change: &str) -> Movement {
        let placing = Placing::by_name(placing).expect("in the table");
        let hash = HashKind::by_name("murmur").expect("in the table");
        let claimants = placing.claimants(&Ring::made_up(PEERS));
        let hashes: Vec<u64> = (0..40_000_u64)
            .map(|n| hash.hash(format!("key-{n}").as_bytes()))
            .collect();
        let all = measure(&placing, &claimants, (hash, &hashes), 1024);
        let mut all = all.into_iter();
        all.find(|movement| movement.change == change)
            .expect("made")
    }

    /// Spec section 4: modula N→N+1 moves N/(N+1); each consistent way moves only to the new peer.
    #[test]
    fn adding_a_peer_moves_what_the_spec_says() {
        let modula = of("modula", "add");
        assert!(
            (modula.moved_share - 10.0 / 11.0).abs() < 0.01,
            "{modula:?}"
        );
        assert!(modula.between_others_share > 0.7);
        for consistent in ["vnode", "vnode/160", "random_slicing"] {
            let moved = of(consistent, "add");
            assert!(moved.between_others_share < 1e-9, "{consistent}: {moved:?}");
            assert!(
                moved.restart_disagrees_share < 1e-9,
                "{consistent}: {moved:?}"
            );
        }
        let slicing = of("random_slicing", "add");
        assert!((slicing.over_ideal - 1.0).abs() < 0.05, "{slicing:?}");
    }

    #[test]
    fn other_changes_are_about_one_peer() {
        assert!((of("vnode", "remove").over_ideal - 1.0).abs() < 0.05);
        let weight = of("vnode", "weight");
        assert!(weight.over_ideal < 1e-9, "vnode knows tokens, not weights");
        let slicing = of("random_slicing", "weight");
        assert!((slicing.over_ideal - 1.0).abs() < 0.05, "{slicing:?}");
        let ideal = 2.0 / 11.0 - 0.1;
        assert!((slicing.ideal_share - ideal).abs() < 1e-9);
        let replaced = of("vnode", "replace");
        assert!((replaced.over_ideal - 1.0).abs() < 0.05, "{replaced:?}");
        assert!(replaced.between_others_share < 1e-9);
        // twemproxy sorts servers by name: another name moves those between the two places.
        assert!(of("modula", "replace").between_others_share > 0.2);
    }

    #[test]
    fn a_full_rack_gains_its_last_peer() {
        let placing = Placing::by_name("vnode").expect("in the table");
        let claimants = placing.claimants(&Ring::made_up(8));
        let (smaller, grown) = growth(&placing, &claimants, 8);
        assert_eq!((smaller.len(), grown.len()), (7, 8));
        assert_eq!(growth(&placing, &claimants, 9).1.len(), 9);
    }
}
