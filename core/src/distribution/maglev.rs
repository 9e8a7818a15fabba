//! Google's Maglev: a table whose slots claimants take in turns, each by its own permutation.
//!
//! Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer" (NSDI
//! 2016), pseudocode 1; weights as Envoy gives them: a claimant sits out turns so that it takes
//! slots in proportion. Slots of equal claimants differ by one at most. A change moves a few keys
//! between claimants that stay: 0.6 % with ten, more with many.

use super::seeds::{draw, seed};
use super::{BuildError, Claimant, Distribution, checked};
use crate::hash::HashKind;

/// Slots of a table: the paper's small prime, 64 for each of the most peers.
const SLOTS: usize = 65_537;
/// A slot that nobody has yet.
const FREE: u16 = u16::MAX;

/// Where one backend wants to sit: `offset`, then every `skip`-th slot on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaglevBackend {
    /// Its first choice, below the number of slots.
    pub offset: usize,
    /// The step to the next one, from 1 to the number of slots less 1.
    pub skip: usize,
    /// How many slots it takes relative to the others; 0 when it was removed.
    pub weight: u32,
}

/// The table of `slots` slots, a prime: for each the index of its backend. `backends` have numbers
/// below 65535, and one at least has a weight.
#[must_use]
pub fn maglev_table(slots: usize, backends: &[MaglevBackend]) -> Vec<u16> {
    let most = backends
        .iter()
        .map(|backend| u64::from(backend.weight))
        .max();
    let most = most.filter(|weight| *weight > 0).unwrap_or(1);
    let mut table = vec![FREE; slots];
    let mut turns: Vec<_> = backends
        .iter()
        .zip(0_u16..)
        .filter(|(backend, _)| backend.weight > 0)
        .map(|(backend, index)| Turn {
            next: backend.offset,
            due: 0,
            backend,
            index,
        })
        .collect();
    let mut free = if turns.is_empty() { 0 } else { slots };
    for round in 1_u64.. {
        for turn in &mut turns {
            if free == 0 {
                return table;
            }
            if round * u64::from(turn.backend.weight) >= turn.due {
                turn.due += most;
                turn.take(&mut table);
                free -= 1;
            }
        }
        if free == 0 {
            break;
        }
    }
    table
}

/// A backend while the table fills.
struct Turn<'a> {
    backend: &'a MaglevBackend,
    index: u16,
    /// The slot it asks for next.
    next: usize,
    /// Its weight times the round must reach this before it takes another slot.
    due: u64,
}

impl Turn<'_> {
    fn take(&mut self, table: &mut [u16]) {
        while table[self.next] != FREE {
            self.step(table.len());
        }
        table[self.next] = self.index;
        self.step(table.len());
    }

    fn step(&mut self, slots: usize) {
        self.next += self.backend.skip;
        if self.next >= slots {
            self.next -= slots;
        }
    }
}

#[derive(Debug)]
struct Maglev {
    table: Box<[u16; SLOTS]>,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    // Turns are taken in the order of names, so that the list's own order is irrelevant.
    let mut order: Vec<u16> = (0..claimants.len() as u16).collect();
    order.sort_by_key(|index| &claimants[usize::from(*index)].name);
    let backends: Vec<_> = order
        .iter()
        .map(|index| backend(&claimants[usize::from(*index)]))
        .collect();
    let mut table = maglev_table(SLOTS, &backends);
    for slot in &mut table {
        *slot = order[usize::from(*slot)];
    }
    Ok(Box::new(Maglev {
        table: table
            .into_boxed_slice()
            .try_into()
            .expect("the table has SLOTS slots"),
        claimants: claimants.len(),
        hash,
    }))
}

fn backend(claimant: &Claimant) -> MaglevBackend {
    let seed = seed(&claimant.name);
    let below = |number: u64, count: usize| (number % count as u64) as usize;
    MaglevBackend {
        offset: below(draw(seed, 0), SLOTS),
        skip: below(draw(seed, 1), SLOTS - 1) + 1,
        weight: claimant.weight,
    }
}

impl Distribution for Maglev {
    /// The remainder of the hash's own value: the table is far smaller than 32 bits.
    fn owner(&self, hash: u64) -> usize {
        usize::from(self.table[(hash % SLOTS as u64) as usize])
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        SLOTS
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.table)
    }

    fn shares(&self) -> Vec<f64> {
        let values = 1_u128 << self.hash.bits();
        let (each, over) = (values / SLOTS as u128, values % SLOTS as u128);
        let mut counts = vec![0_u128; self.claimants];
        for (slot, owner) in (0_u128..).zip(self.table.iter()) {
            counts[usize::from(*owner)] += each + u128::from(slot < over);
        }
        counts
            .into_iter()
            .map(|count| count as f64 / values as f64)
            .collect()
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }
}
