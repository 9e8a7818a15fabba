//! Cutting a slice table anew: who has too much gives, who has too little takes, and the table
//! stays short.
//!
//! An owner gives whole slices where it can and a part of one otherwise. What is given on both
//! sides of a border becomes one slice, so borders are taken in the order of how many slices that
//! saves.

/// Consecutive units of one owner; `None` is nobody's yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// Units, at least one.
    pub(super) len: u64,
    /// An index into the targets.
    pub(super) owner: Option<u16>,
}

/// The table in which every owner has as many units as `targets` says, moving no unit more than
/// that takes. `targets` add up to the table's units.
pub(super) fn settled(slices: &[Slice], targets: &[u64]) -> Vec<Slice> {
    let mut owned = vec![0; targets.len()];
    for slice in slices {
        if let Some(owner) = slice.owner {
            owned[usize::from(owner)] += slice.len;
        }
    }
    let surplus = owned
        .iter()
        .zip(targets)
        .map(|(has, target)| has.saturating_sub(*target));
    let short = owned
        .iter()
        .zip(targets)
        .map(|(has, target)| target.saturating_sub(*has));
    fill(
        &Cut::new(slices, surplus.collect()).finished(),
        short.collect(),
    )
}

/// What is given of one slice: units at its start and at its end.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    head: u64,
    tail: u64,
}

/// Taking every owner's surplus from its slices.
struct Cut<'a> {
    slices: &'a [Slice],
    given: Vec<Given>,
    /// By owner: units still to give.
    surplus: Vec<u64>,
    /// What the run under trial took.
    taken: Vec<Taken>,
}

/// Units taken from a slice, at the edge that the run reached.
#[derive(Clone, Copy, Debug)]
struct Taken {
    index: usize,
    units: u64,
    edge: Edge,
}

#[derive(Clone, Copy, Debug)]
enum Edge {
    Start,
    End,
}

/// What a run is worth for each slice that it takes whole or joins.
const SLICE_SAVED: usize = 4;
/// What it is worth for each slice it cuts: every owner has to cut one, and a run has room for two.
const SLICE_CUT: usize = 2;

impl<'a> Cut<'a> {
    fn new(slices: &'a [Slice], surplus: Vec<u64>) -> Self {
        Self {
            slices,
            given: vec![Given::default(); slices.len()],
            surplus,
            taken: Vec::new(),
        }
    }

    /// The table with everything in surplus given up.
    fn finished(mut self) -> Vec<Slice> {
        // Borders by worth, the best last. A run made meanwhile may have lowered a worth: a border
        // is tried again before it is used.
        let mut by_worth: Vec<Vec<usize>> = Vec::new();
        for border in 0..=self.slices.len() {
            let worth = self.grow(border);
            self.undo();
            file(&mut by_worth, worth, border);
        }
        while let Some(borders) = by_worth.last_mut() {
            let Some(border) = borders.pop() else {
                by_worth.pop();
                continue;
            };
            let expected = by_worth.len();
            let worth = self.grow(border);
            if worth < expected {
                self.undo();
                file(&mut by_worth, worth, border);
            }
            self.taken.clear();
        }
        debug_assert!(
            self.surplus.iter().all(|units| *units == 0),
            "every slice has a border"
        );
        self.pieces()
    }

    /// Takes what the slices on both sides of `border` can give, outwards from it, and tells what
    /// that is worth. The table's ends are worth one more: an owner who has nobody to share a run
    /// with cuts there, which leaves the inner borders to others.
    fn grow(&mut self, border: usize) -> usize {
        let (before, met_before) = self.grow_along((0..border).rev(), Edge::End);
        let (after, met_after) = self.grow_along(border..self.slices.len(), Edge::Start);
        if self.taken.is_empty() {
            return 0;
        }
        let met = usize::from(met_before) + usize::from(met_after);
        let outer = border == 0 || border == self.slices.len();
        before + after + SLICE_SAVED * met + usize::from(outer)
    }

    /// One direction: its worth, and whether it met units that are nobody's already.
    fn grow_along(&mut self, along: impl Iterator<Item = usize>, edge: Edge) -> (usize, bool) {
        let mut worth = 0;
        for index in along {
            let left = self.left(index);
            let (Some(owner), 1..) = (self.slices[index].owner, left) else {
                return (worth, true);
            };
            let units = self.surplus[usize::from(owner)].min(left);
            if units == 0 {
                return (worth, false);
            }
            self.surplus[usize::from(owner)] -= units;
            *self.given_at(index, edge) += units;
            self.taken.push(Taken { index, units, edge });
            if units < left {
                return (worth + SLICE_CUT, false);
            }
            worth += SLICE_SAVED;
        }
        (worth, false)
    }

    /// Gives back what the run under trial took.
    fn undo(&mut self) {
        while let Some(Taken { index, units, edge }) = self.taken.pop() {
            *self.given_at(index, edge) -= units;
            if let Some(owner) = self.slices[index].owner {
                self.surplus[usize::from(owner)] += units;
            }
        }
    }

    fn given_at(&mut self, index: usize, edge: Edge) -> &mut u64 {
        match edge {
            Edge::Start => &mut self.given[index].head,
            Edge::End => &mut self.given[index].tail,
        }
    }

    /// Units of a slice that are not given.
    fn left(&self, index: usize) -> u64 {
        self.slices[index].len - self.given[index].head - self.given[index].tail
    }

    fn pieces(&self) -> Vec<Slice> {
        let mut pieces = Vec::with_capacity(self.slices.len() + self.surplus.len());
        for (index, slice) in self.slices.iter().enumerate() {
            let Given { head, tail } = self.given[index];
            add(&mut pieces, head, None);
            add(&mut pieces, self.left(index), slice.owner);
            add(&mut pieces, tail, None);
        }
        pieces
    }
}

/// Puts a border where its worth belongs; one that is worth nothing is forgotten.
fn file(by_worth: &mut Vec<Vec<usize>>, worth: usize, border: usize) {
    if worth > 0 {
        by_worth.resize_with(by_worth.len().max(worth), Vec::new);
        by_worth[worth - 1].push(border);
    }
}

/// Gives nobody's slices to those who are `short`: whole to a neighbour where one has room, so
/// that the two become one, then from first to last.
fn fill(slices: &[Slice], mut short: Vec<u64>) -> Vec<Slice> {
    let mut beside = slices.to_vec();
    for index in 0..beside.len() {
        let Slice { len, owner: None } = beside[index] else {
            continue;
        };
        let before = index.checked_sub(1).and_then(|before| beside[before].owner);
        let after = beside.get(index + 1).and_then(|slice| slice.owner);
        let neighbour = [before, after]
            .into_iter()
            .flatten()
            .find(|owner| short[usize::from(*owner)] >= len);
        if let Some(owner) = neighbour {
            short[usize::from(owner)] -= len;
            beside[index].owner = Some(owner);
        }
    }
    let mut filled = Vec::with_capacity(slices.len() + short.len());
    let mut taker = 0;
    for Slice { mut len, owner } in beside {
        if owner.is_some() {
            add(&mut filled, len, owner);
            continue;
        }
        while len > 0 {
            while short[taker] == 0 {
                taker += 1;
            }
            let units = len.min(short[taker]);
            short[taker] -= units;
            len -= units;
            add(&mut filled, units, Some(taker as u16));
        }
    }
    filled
}

/// Appends a slice, as a part of the one before it if that has the same owner.
fn add(slices: &mut Vec<Slice>, len: u64, owner: Option<u16>) {
    match slices.last_mut() {
        Some(last) if last.owner == owner => last.len += len,
        _ if len > 0 => slices.push(Slice { len, owner }),
        _ => {}
    }
}
