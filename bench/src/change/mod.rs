//! A planned change of a ring: which keys would move, from whom to whom, and whether they must.
//!
//! Both sides are placed as their files say, each built anew, as by nodes that start with it.

mod advice;
mod flows;
mod show;

use std::collections::HashMap;

use ringlab_core::distribution::{Claimant, Distribution, DistributionKind};
use serde::Serialize;

use crate::topology::{Pool, Rack};
use flows::{Flows, Method};

/// Counts up with each change that a reader must know of.
const SCHEMA_VERSION: u32 = 1;
/// Values asked for each of the other distributions.
const OTHERS_SAMPLES: u32 = 1 << 18;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) old: &'a Pool,
    pub(crate) new: &'a Pool,
    /// Keys to follow.
    pub(crate) keys: Option<&'a [Box<[u8]>]>,
    /// How many keys there are in all, and their mean size with the value, in bytes.
    pub(crate) key_count: Option<u64>,
    pub(crate) mean_bytes: Option<u64>,
}

/// What a change does.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) schema_version: u32,
    pub(crate) old: Side,
    pub(crate) new: Side,
    pub(crate) racks: Vec<RackChange>,
    /// Racks that one side alone has: a whole copy of the keys each.
    pub(crate) racks_added: Vec<String>,
    pub(crate) racks_removed: Vec<String>,
    /// What follows from it, in plain words.
    pub(crate) advice: Vec<String>,
}

/// One side of the change.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Side {
    pub(crate) pool: String,
    pub(crate) hash: String,
    pub(crate) distribution: String,
    pub(crate) hash_tag: Option<String>,
}

/// What happens in one rack. Shares are parts of the rack's whole key space.
#[derive(Debug, Serialize)]
pub(crate) struct RackChange {
    /// `dc1/r1`; empty for a pool of twemproxy.
    pub(crate) rack: String,
    /// How the shares were found.
    pub(crate) method: Method,
    pub(crate) moved_share: f64,
    /// The least that must move for parts by weight before and after.
    pub(crate) ideal_share: f64,
    /// The first over the second; none when nothing would have to move.
    pub(crate) over_ideal: Option<f64>,
    /// Moves between peers that are the same before and after.
    pub(crate) between_unaffected_share: f64,
    pub(crate) peers: Vec<PeerChange>,
    /// From whom to whom, the greatest first.
    pub(crate) flows: Vec<Flow>,
    /// The given keys, and how many of them move.
    pub(crate) keys: Option<KeysMoved>,
    /// Bytes that move, from the share or the keys and the mean size.
    pub(crate) bytes: Option<u64>,
    /// The same change if the ring were placed otherwise, before and after.
    pub(crate) others: Vec<Other>,
}

/// The given keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct KeysMoved {
    pub(crate) total: u64,
    pub(crate) moved: u64,
    pub(crate) between_unaffected: u64,
}

/// What becomes of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    /// The same before and after.
    Stays,
    /// Another weight or other tokens.
    Changed,
    Added,
    Removed,
}

/// A peer before and after.
#[derive(Debug, Serialize)]
pub(crate) struct PeerChange {
    pub(crate) name: String,
    pub(crate) fate: Fate,
    pub(crate) before: Option<Load>,
    pub(crate) after: Option<Load>,
    /// Where it is, when that changes though its name does not.
    pub(crate) moves_to: Option<String>,
}

/// A peer's part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Load {
    pub(crate) weight: u32,
    pub(crate) share: f64,
    /// Its part by weight.
    pub(crate) fair: f64,
    /// Of the given keys.
    pub(crate) keys: Option<u64>,
}

/// Keys that go from one peer to another.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) share: f64,
    pub(crate) keys: Option<u64>,
    pub(crate) bytes: Option<u64>,
}

/// Another distribution for the same change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Other {
    pub(crate) distribution: String,
    pub(crate) moved_share: f64,
    pub(crate) between_unaffected_share: f64,
}

/// Reckons a change.
///
/// # Errors
/// A side can't be placed.
pub(crate) fn plan(asked: &Asked<'_>) -> Result<Change, String> {
    let random = |pool: &Pool| pool.distribution.name() == "random";
    if random(asked.old) || random(asked.new) {
        return Err(
            "'random' places no key: each request goes anywhere, so there is nothing to move"
                .into(),
        );
    }
    let (matched, racks_added, racks_removed) = matched(asked.old, asked.new);
    if matched.is_empty() {
        return Err(
            "no rack is on both sides: the whole key space is copied to the new ones".into(),
        );
    }
    let racks = matched
        .into_iter()
        .map(|(name, old, new)| Pair::of(asked, old, new)?.change(name))
        .collect::<Result<Vec<_>, String>>()?;
    let mut change = Change {
        schema_version: SCHEMA_VERSION,
        old: side(asked.old),
        new: side(asked.new),
        racks,
        racks_added,
        racks_removed,
        advice: Vec::new(),
    };
    change.advice = advice::of(&change);
    Ok(change)
}

fn side(pool: &Pool) -> Side {
    Side {
        pool: pool.name.clone(),
        hash: pool.hash.name().to_owned(),
        distribution: pool.distribution.name().to_owned(),
        hash_tag: pool
            .hash_tag
            .map(|tag| String::from_utf8_lossy(&tag).into_owned()),
    }
}

type Matched<'a> = (Vec<(String, &'a Rack, &'a Rack)>, Vec<String>, Vec<String>);

/// Racks of the same name; when each side has one, these two whatever their names.
fn matched<'a>(old: &'a Pool, new: &'a Pool) -> Matched<'a> {
    let (olds, news): (Vec<_>, Vec<_>) = (old.racks().collect(), new.racks().collect());
    if let ([old], [new]) = (&olds[..], &news[..]) {
        return (
            vec![(new.name(), old.rack, new.rack)],
            Vec::new(),
            Vec::new(),
        );
    }
    let find = |list: &[crate::topology::Placed<'a>], name: &str| {
        list.iter()
            .find(|placed| placed.name() == name)
            .map(|placed| placed.rack)
    };
    let both = olds.iter().filter_map(|placed| {
        let name = placed.name();
        let new = find(&news, &name)?;
        Some((name, placed.rack, new))
    });
    let alone = |list: &[crate::topology::Placed<'a>], others: &[crate::topology::Placed<'a>]| {
        let names = list.iter().map(crate::topology::Placed::name);
        names.filter(|name| find(others, name).is_none()).collect()
    };
    (both.collect(), alone(&news, &olds), alone(&olds, &news))
}

/// A rack before and after, its peers numbered as one list.
struct Pair<'a> {
    asked: &'a Asked<'a>,
    old: &'a Rack,
    new: &'a Rack,
    built: (Box<dyn Distribution>, Box<dyn Distribution>),
    names: Vec<String>,
    /// From a claimant's index to its number.
    olds: Vec<usize>,
    news: Vec<usize>,
    fates: Vec<Fate>,
}

impl<'a> Pair<'a> {
    fn of(asked: &'a Asked<'a>, old: &'a Rack, new: &'a Rack) -> Result<Self, String> {
        let built = (
            asked.old.build(old).map_err(|e| e.to_string())?,
            asked.new.build(new).map_err(|e| e.to_string())?,
        );
        let mut pair = Self {
            asked,
            old,
            new,
            built,
            names: old.claimants.iter().map(|c| c.name.clone()).collect(),
            olds: (0..old.claimants.len()).collect(),
            news: Vec::new(),
            fates: Vec::new(),
        };
        pair.number_the_new();
        pair.fates = (0..pair.names.len()).map(|peer| pair.fate(peer)).collect();
        Ok(pair)
    }

    /// The same name is the same peer; where the sides have no name in common, the same host.
    fn number_the_new(&mut self) {
        let by_name: HashMap<&str, usize> =
            self.names.iter().map(String::as_str).zip(0..).collect();
        let known = |claimant: &Claimant| by_name.get(claimant.name.as_str()).copied();
        let mut found: Vec<Option<usize>> = self.new.claimants.iter().map(known).collect();
        if found.iter().all(Option::is_none) {
            found = by_host(&self.old.addresses, &self.new.addresses);
        }
        for (found, claimant) in found.into_iter().zip(&self.new.claimants) {
            let number = found.unwrap_or_else(|| {
                self.names.push(claimant.name.clone());
                self.names.len() - 1
            });
            self.news.push(number);
        }
    }

    fn before(&self, peer: usize) -> Option<usize> {
        self.olds.iter().position(|number| *number == peer)
    }

    fn after(&self, peer: usize) -> Option<usize> {
        self.news.iter().position(|number| *number == peer)
    }

    fn fate(&self, peer: usize) -> Fate {
        match (self.before(peer), self.after(peer)) {
            (Some(old), Some(new)) => {
                let (old, new) = (&self.old.claimants[old], &self.new.claimants[new]);
                let by_tokens = self.asked.new.distribution.name() == "vnode";
                let same = old.weight == new.weight && (!by_tokens || old.tokens == new.tokens);
                if same { Fate::Stays } else { Fate::Changed }
            }
            (None, _) => Fate::Added,
            (_, None) => Fate::Removed,
        }
    }

    fn change(&self, rack: String) -> Result<RackChange, String> {
        let flows = Flows::between(
            (self.asked.old, self.old, self.built.0.as_ref()),
            (self.asked.new, self.new, self.built.1.as_ref()),
        );
        let keys = self.asked.keys.map(|keys| self.follow(keys));
        let ideal_share = self.ideal();
        let moved_share = self.moved(&flows);
        let size = self.key_count().zip(self.asked.mean_bytes);
        let bytes =
            |share: f64| size.map(|(count, mean)| (share * count as f64 * mean as f64) as u64);
        Ok(RackChange {
            rack,
            method: flows.method,
            moved_share,
            ideal_share,
            over_ideal: (ideal_share > 1e-9).then(|| moved_share / ideal_share),
            between_unaffected_share: self.between_unaffected(&flows),
            peers: self.peers(&flows, keys.as_ref()),
            flows: self.listed(&flows, keys.as_ref(), &bytes),
            bytes: bytes(keys.as_ref().map_or(moved_share, |keys| self.moved(keys))),
            keys: keys.as_ref().map(|keys| KeysMoved {
                total: keys.total as u64,
                moved: (self.moved(keys) * keys.total).round() as u64,
                between_unaffected: (self.between_unaffected(keys) * keys.total).round() as u64,
            }),
            others: self.others(),
        })
    }

    fn key_count(&self) -> Option<u64> {
        let given = self.asked.keys.map(|keys| keys.len() as u64);
        self.asked.key_count.or(given)
    }

    fn follow(&self, keys: &[Box<[u8]>]) -> Flows {
        let mut flows = Flows::empty(Method::Keys);
        for key in keys {
            let from = self.built.0.owner(self.asked.old.hash_of(key));
            let to = self.built.1.owner(self.asked.new.hash_of(key));
            flows.add(from, to, 1.0);
        }
        flows
    }

    /// Shares of those that go elsewhere, by number from and to.
    fn moves<'f>(&'f self, flows: &'f Flows) -> impl Iterator<Item = (usize, usize, f64)> + 'f {
        flows
            .shares()
            .map(|(from, to, share)| (self.olds[from], self.news[to], share))
            .filter(|(from, to, _)| from != to)
    }

    fn moved(&self, flows: &Flows) -> f64 {
        self.moves(flows).map(|(_, _, share)| share).sum()
    }

    fn between_unaffected(&self, flows: &Flows) -> f64 {
        let stays = |peer: usize| self.fates[peer] == Fate::Stays;
        self.moves(flows)
            .filter(|(from, to, _)| stays(*from) && stays(*to))
            .map(|(_, _, share)| share)
            .sum()
    }

    fn ideal(&self) -> f64 {
        let (before, after) = (fair(&self.old.claimants), fair(&self.new.claimants));
        let was = |peer: usize| self.before(peer).map_or(0.0, |old| before[old]);
        let gains = self.news.iter().zip(&after);
        gains.map(|(peer, fair)| (fair - was(*peer)).max(0.0)).sum()
    }

    fn peers(&self, flows: &Flows, keys: Option<&Flows>) -> Vec<PeerChange> {
        let (before, after) = (fair(&self.old.claimants), fair(&self.new.claimants));
        let (olds, news) = flows.margins(before.len(), after.len());
        let counts = keys.map(|keys| (keys.margins(before.len(), after.len()), keys.total));
        let count =
            |shares: &[f64], index: usize, total: f64| (shares[index] * total).round() as u64;
        let load = |peer: usize| {
            let of_old = self.before(peer).map(|old| Load {
                weight: self.old.claimants[old].weight,
                share: olds[old],
                fair: before[old],
                keys: counts
                    .as_ref()
                    .map(|((olds, _), total)| count(olds, old, *total)),
            });
            let of_new = self.after(peer).map(|new| Load {
                weight: self.new.claimants[new].weight,
                share: news[new],
                fair: after[new],
                keys: counts
                    .as_ref()
                    .map(|((_, news), total)| count(news, new, *total)),
            });
            (of_old, of_new)
        };
        let peer = |peer: usize| {
            let (before, after) = load(peer);
            PeerChange {
                name: self.names[peer].clone(),
                fate: self.fates[peer],
                before,
                after,
                moves_to: self.moves_to(peer),
            }
        };
        (0..self.names.len()).map(peer).collect()
    }

    /// The new address of a peer that keeps its name.
    fn moves_to(&self, peer: usize) -> Option<String> {
        let (old, new) = (self.before(peer)?, self.after(peer)?);
        let same_name = self.old.claimants[old].name == self.new.claimants[new].name;
        let (old, new) = (&self.old.addresses[old], &self.new.addresses[new]);
        (same_name && old != new).then(|| new.clone())
    }

    fn listed(
        &self,
        flows: &Flows,
        keys: Option<&Flows>,
        bytes: &dyn Fn(f64) -> Option<u64>,
    ) -> Vec<Flow> {
        let counts: Option<HashMap<(usize, usize), f64>> = keys.map(|keys| {
            let counted = self.moves(keys);
            counted
                .map(|(from, to, share)| ((from, to), share))
                .collect()
        });
        let total = keys.map_or(0.0, |keys| keys.total);
        let mut listed: Vec<Flow> = self
            .moves(flows)
            .map(|(from, to, share)| {
                let by_key = counts
                    .as_ref()
                    .map(|counts| counts.get(&(from, to)).copied().unwrap_or(0.0));
                Flow {
                    from: self.names[from].clone(),
                    to: self.names[to].clone(),
                    share,
                    keys: by_key.map(|share| (share * total).round() as u64),
                    bytes: bytes(by_key.unwrap_or(share)),
                }
            })
            .collect();
        listed.sort_by(|a, b| b.share.total_cmp(&a.share));
        listed
    }

    /// The other distributions that can place both lists, the least movement first.
    fn others(&self) -> Vec<Other> {
        let configured = [self.asked.old, self.asked.new].map(|pool| pool.distribution.name());
        let fit = |kind: &DistributionKind| {
            !configured.contains(&kind.name()) && !matches!(kind.name(), "single" | "random")
        };
        let hash = self.asked.new.hash;
        let mut others: Vec<Other> = DistributionKind::all()
            .filter(fit)
            .filter_map(|kind| {
                let old = kind.build(&self.old.claimants, hash).ok()?;
                let new = kind.build(&self.new.claimants, hash).ok()?;
                let flows = Flows::sampled((old.as_ref(), new.as_ref()), hash, OTHERS_SAMPLES);
                Some(Other {
                    distribution: kind.name().to_owned(),
                    moved_share: self.moved(&flows),
                    between_unaffected_share: self.between_unaffected(&flows),
                })
            })
            .collect();
        others.sort_by(|a, b| a.moved_share.total_cmp(&b.moved_share));
        others
    }
}

/// Each claimant's part by weight.
pub(crate) fn fair(claimants: &[Claimant]) -> Vec<f64> {
    let weights = claimants.iter().map(|claimant| f64::from(claimant.weight));
    let total: f64 = weights.clone().sum();
    weights.map(|weight| weight / total).collect()
}

/// For each new address the old one on the same host, where each host has one on either side.
fn by_host(olds: &[String], news: &[String]) -> Vec<Option<usize>> {
    let host = |address: &String| {
        address
            .rsplit_once(':')
            .map_or_else(|| address.clone(), |(host, _)| host.to_owned())
    };
    let (olds, news): (Vec<_>, Vec<_>) = (
        olds.iter().map(host).collect(),
        news.iter().map(host).collect(),
    );
    let once =
        |list: &[String], host: &String| list.iter().filter(|other| *other == host).count() == 1;
    news.iter()
        .map(|host| {
            let single = once(&olds, host) && once(&news, host);
            single
                .then(|| olds.iter().position(|other| other == host))
                .flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests;
