//! Replica sets: one owner a rack, as ringd places them.

use std::collections::{HashMap, HashSet};

use ringlab_core::distribution::{Claimant, Distribution};
use ringlab_core::hash::HashKind;

use super::data::Replicas;
use super::rings::{Placing, Ring};

/// Of the keys, so many are placed.
const KEYS_MAX: usize = 200_000;

/// Places keys over the racks.
///
/// # Errors
/// ringd would not serve with one of the racks.
pub(crate) fn measure(
    placing: &Placing,
    racks: &[Ring],
    (hash, hashes): (HashKind, &[u64]),
) -> Result<Replicas, String> {
    let claimants: Vec<Vec<Claimant>> = racks.iter().map(|rack| placing.claimants(rack)).collect();
    let built = claimants.iter().map(|rack| placing.build(rack, hash));
    let built: Vec<Box<dyn Distribution>> = built.collect::<Result<_, _>>()?;
    let every = hashes.len().div_ceil(KEYS_MAX);
    let sets: Vec<Vec<u16>> = hashes
        .iter()
        .step_by(every)
        .map(|hash| built.iter().map(|rack| rack.owner(*hash) as u16).collect())
        .collect();
    let possible = racks.iter().map(|rack| rack.peers.len());
    let possible = possible.fold(1_usize, usize::saturating_mul);
    let distinct: HashSet<&[u16]> = sets.iter().map(Vec::as_slice).collect();
    let sharing = Sharing::of(&sets, racks[0].peers.len());
    Ok(Replicas {
        racks: racks.len(),
        keys: sets.len(),
        sets: distinct.len(),
        sets_max: possible.min(sets.len()),
        fan_out_mean: sharing.fan_out.iter().sum::<usize>() as f64 / sharing.fan_out.len() as f64,
        fan_out_min: sharing.fan_out.iter().min().copied().unwrap_or(0),
        fan_out_max: sharing.fan_out.iter().max().copied().unwrap_or(0),
        takeover_mean_share: sharing.takeover.iter().sum::<f64>() / sharing.takeover.len() as f64,
        takeover_worst_share: sharing.takeover.iter().copied().fold(0.0, f64::max),
        rack_diversity_share: diversity(&claimants, &sets),
    })
}

/// By peer of the first rack that has keys.
struct Sharing {
    fan_out: Vec<usize>,
    takeover: Vec<f64>,
}

impl Sharing {
    fn of(sets: &[Vec<u16>], peers: usize) -> Self {
        let mut keys = vec![0_u64; peers];
        let mut shared: Vec<HashMap<(usize, u16), u64>> = vec![HashMap::new(); peers];
        for set in sets {
            let first = usize::from(set[0]);
            keys[first] += 1;
            for (rack, owner) in set.iter().enumerate().skip(1) {
                *shared[first].entry((rack, *owner)).or_default() += 1;
            }
        }
        let owning = || (0..peers).filter(|peer| keys[*peer] > 0);
        let most = |peer: usize| shared[peer].values().max().copied().unwrap_or(0);
        Self {
            fan_out: owning().map(|peer| shared[peer].len()).collect(),
            takeover: owning()
                .map(|peer| most(peer) as f64 / keys[peer] as f64)
                .collect(),
        }
    }
}

/// Share of the sets whose owners are as many different peers as there are racks.
fn diversity(claimants: &[Vec<Claimant>], sets: &[Vec<u16>]) -> f64 {
    let diverse = |set: &&Vec<u16>| {
        let owners = set.iter().zip(claimants);
        let names: HashSet<&str> = owners
            .map(|(owner, rack)| rack[usize::from(*owner)].name.as_str())
            .collect();
        names.len() == claimants.len()
    };
    sets.iter().filter(diverse).count() as f64 / sets.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(placing: &str, racks: &[Ring]) -> Replicas {
        let placing = Placing::by_name(placing).expect("in the table");
        let hash = HashKind::by_name("murmur").expect("in the table");
        let hashes: Vec<u64> = (0..20_000_u64)
            .map(|n| hash.hash(&n.to_le_bytes()))
            .collect();
        measure(&placing, racks, (hash, &hashes)).expect("murmur goes with it")
    }

    /// The same tokens in each rack: a set for each peer, and two that take over all of it. Random
    /// tokens of each rack's own: many sets, and nobody takes over all.
    #[test]
    fn equal_racks_make_few_sets_and_random_ones_many() {
        let racks = Ring::made_up(8).three_racks();
        let mirrored = of("vnode", &racks);
        assert_eq!(
            (mirrored.sets, mirrored.fan_out_min, mirrored.fan_out_max),
            (8, 2, 2)
        );
        assert!((mirrored.takeover_worst_share - 1.0).abs() < 1e-9);
        let random = of("vnode/160", &racks);
        assert!(random.sets > 400 && random.sets <= 512, "{}", random.sets);
        assert_eq!((random.sets_max, random.fan_out_max), (512, 16));
        assert!(random.takeover_worst_share < 0.4);
        for replicas in [mirrored, random] {
            assert!((replicas.rack_diversity_share - 1.0).abs() < 1e-9);
        }
    }
}
