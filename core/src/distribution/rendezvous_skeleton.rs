//! Rendezvous over a skeleton: a race at each node of a tree, O(log n) draws instead of n.
//!
//! Source: Yao, Ravishankar and Tripathi, "Hash-Based Virtual Hierarchies for Caching in Hybrid
//! Content-Delivery Networks" (2001), which lays a tree of virtual nodes of constant fan-out over
//! the servers and lets the children of a node draw as in rendezvous hashing. There clusters are
//! equal; here a child draws with the weight of all claimants below it, so that any number of
//! claimants and any weights are served evenly. The tree is the trie of the claimants' seeds, three
//! bits a level, without nodes of one child: it depends on who is there, not on who came when.
//!
//! A newcomer makes the nodes above it heavier, and what they win is shared by all below them:
//! per level about one share of 1/(N+1) moves, and all but the last of it between old claimants.
//! That is the price of fewer draws; plain rendezvous does not pay it.

use super::score::{highest, raced, score};
use super::seeds::{draw, seed, weight_shares};
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::{HashKind, widen};

/// Children of a node.
const FANOUT: u64 = 8;
const FANOUT_BITS: u32 = FANOUT.ilog2();
/// Levels that a seed of 64 bits can tell apart.
const DEPTH_MAX: u32 = 64 / FANOUT_BITS;

#[derive(Debug)]
struct Skeleton {
    /// The children of each node stand together; the root's come first.
    branches: Box<[Branch]>,
    root: Below,
    shares: Box<[f64]>,
    hash: HashKind,
}

/// A child as its node sees it.
#[derive(Clone, Copy, Debug)]
struct Branch {
    seed: u64,
    /// Of all claimants below.
    weight: f64,
    below: Below,
}

/// What a branch leads to.
#[derive(Clone, Copy, Debug)]
enum Below {
    Claimant(u16),
    Node {
        first: u32,
        count: u16,
        /// All children weigh the same: their draws decide.
        equal: bool,
    },
}

/// A claimant on its way into the tree.
#[derive(Clone, Copy)]
struct Leaf {
    seed: u64,
    weight: u32,
    index: u16,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    let mut leaves: Vec<_> = claimants
        .iter()
        .zip(0_u16..)
        .map(|(claimant, index)| Leaf {
            seed: seed(&claimant.name),
            weight: claimant.weight,
            index,
        })
        .collect();
    leaves.sort_by_key(|leaf| (leaf.seed, &claimants[usize::from(leaf.index)].name));
    let mut branches = Vec::new();
    let root = grow(&mut branches, &leaves, 0);
    Ok(Box::new(Skeleton {
        branches: branches.into_boxed_slice(),
        root,
        shares: weight_shares(claimants).into_boxed_slice(),
        hash,
    }))
}

/// The first bits of a seed: which virtual node of that depth it is below.
const fn path(seed: u64, depth: u32) -> u64 {
    seed >> (64 - FANOUT_BITS * depth)
}

/// Lays the tree over sorted `leaves` that share their path of that depth.
fn grow(branches: &mut Vec<Branch>, leaves: &[Leaf], depth: u32) -> Below {
    if let [leaf] = leaves {
        return Below::Claimant(leaf.index);
    }
    let depth = depth + 1;
    let together =
        |a: &Leaf, b: &Leaf| depth <= DEPTH_MAX && path(a.seed, depth) == path(b.seed, depth);
    let groups: Vec<_> = leaves.chunk_by(together).collect();
    if let [all] = groups[..] {
        return grow(branches, all, depth);
    }
    let first = branches.len();
    let weight = |group: &[Leaf]| group.iter().map(|leaf| f64::from(leaf.weight)).sum();
    for (number, group) in (0..).zip(&groups) {
        let seed = if depth <= DEPTH_MAX {
            draw(path(group[0].seed, depth), u64::from(depth))
        } else {
            draw(group[0].seed, number)
        };
        branches.push(Branch {
            seed,
            weight: weight(group),
            below: Below::Claimant(0),
        });
    }
    for (at, group) in (first..).zip(&groups) {
        branches[at].below = grow(branches, group, depth);
    }
    let children = &branches[first..first + groups.len()];
    Below::Node {
        first: first as u32,
        count: groups.len() as u16,
        equal: children
            .iter()
            .all(|child| child.weight == children[0].weight),
    }
}

impl Distribution for Skeleton {
    fn owner(&self, hash: u64) -> usize {
        let key = widen(hash, self.hash.bits());
        let mut below = self.root;
        loop {
            let (first, count, equal) = match below {
                Below::Claimant(index) => return usize::from(index),
                Below::Node {
                    first,
                    count,
                    equal,
                } => (first as usize, usize::from(count), equal),
            };
            let children = &self.branches[first..first + count];
            let draws = children.iter().map(|child| score(key, child.seed));
            let won = if equal {
                highest(draws)
            } else {
                raced(draws.zip(children.iter().map(|child| child.weight)))
            };
            below = children[won].below;
        }
    }

    fn claimants(&self) -> usize {
        self.shares.len()
    }

    fn entries(&self) -> usize {
        self.branches.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.branches) + size_of_val(&*self.shares)
    }

    /// What is aimed at; the values of the hash are as many draws from it.
    fn shares(&self) -> Vec<f64> {
        self.shares.to_vec()
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}
