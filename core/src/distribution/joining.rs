//! A slice table in which claimants join one after the other: a list of slices, so that a join
//! costs time for those who give, not for all slices there are.
//!
//! Each who gives looks at a few of its slices, in turn, and opens the border that saves most
//! slices: what is given on both sides of it becomes one slice of the newcomer's.

use super::slices::Slice;

/// How many of its slices a giver looks at.
const LOOKS: usize = 4;
/// Worth of a border that is taken without looking further: both sides give.
const WORTH_ENOUGH: u32 = 4;
/// What a border is worth for each slice that goes whole, or is the newcomer's already.
const SLICE_SAVED: u32 = 4;
/// What it is worth for each slice that is cut.
const SLICE_CUT: u32 = 2;
/// The node before the first slice and after the last: the list is a circle.
const ENDS: u32 = 0;

/// Claimants that have joined, by place, and their slices.
#[derive(Debug)]
pub(super) struct Joining {
    nodes: Vec<Node>,
    /// By place; the last is the ends', which have nothing.
    members: Vec<Member>,
}

/// A slice in the list; one of no length is gone.
#[derive(Clone, Copy, Debug)]
struct Node {
    len: u64,
    owner: u32,
    before: u32,
    after: u32,
}

#[derive(Debug, Default)]
struct Member {
    /// Its slices, gone ones among them.
    held: Vec<u32>,
    /// Where in them it looks next.
    cursor: usize,
    owned: u64,
    /// What it still has to give to the newcomer.
    surplus: u64,
}

/// A direction along the list.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Joining {
    /// Of at most `count` claimants, the first with all units.
    pub(super) fn new(count: usize, units: u64) -> Self {
        let ends = Node {
            len: 0,
            owner: count as u32,
            before: 1,
            after: 1,
        };
        let all = Node {
            len: units,
            owner: 0,
            before: ENDS,
            after: ENDS,
        };
        let mut members: Vec<_> = (0..=count).map(|_| Member::default()).collect();
        members[0].held.push(1);
        members[0].owned = units;
        Self {
            nodes: vec![ends, all],
            members,
        }
    }

    /// The next claimant joins; all have what `targets` say then. False when one that was there
    /// would have to get something too.
    pub(super) fn join(&mut self, targets: &[u64]) -> bool {
        let newcomer = targets.len() - 1;
        for (member, target) in self.members[..newcomer].iter_mut().zip(targets) {
            let Some(surplus) = member.owned.checked_sub(*target) else {
                return false;
            };
            member.surplus = surplus;
            member.owned = *target;
        }
        self.members[newcomer].owned = targets[newcomer];
        for giver in 0..newcomer {
            while self.members[giver].surplus > 0 {
                let (before, after) = self.best_border(giver, newcomer as u32);
                self.open(before, after, newcomer as u32);
            }
        }
        true
    }

    /// The slices in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = Slice> {
        let next = |at: &u32| Some(self.nodes[*at as usize].after);
        std::iter::successors(Some(self.nodes[ENDS as usize].after), next)
            .take_while(|at| *at != ENDS)
            .map(|at| self.nodes[at as usize])
            .map(|node| Slice {
                len: node.len,
                owner: Some(node.owner as u16),
            })
    }

    /// Of a few borders of the giver's slices, the one worth most.
    fn best_border(&mut self, giver: usize, newcomer: u32) -> (u32, u32) {
        let mut best = (0, ENDS, ENDS);
        for _ in 0..LOOKS {
            let at = self.next_slice(giver);
            let Node { before, after, .. } = self.nodes[at as usize];
            for (before, after) in [(before, at), (at, after)] {
                let worth = self.worth(before, Side::Before, newcomer)
                    + self.worth(after, Side::After, newcomer);
                if worth > best.0 {
                    best = (worth, before, after);
                }
            }
            if best.0 >= WORTH_ENOUGH {
                break;
            }
        }
        (best.1, best.2)
    }

    /// The slice that a member looks at next. It has one: it has something to give.
    fn next_slice(&mut self, member: usize) -> u32 {
        let Member { held, cursor, .. } = &mut self.members[member];
        loop {
            if *cursor >= held.len() {
                *cursor = 0;
            }
            let at = held[*cursor];
            if self.nodes[at as usize].len > 0 {
                *cursor += 1;
                return at;
            }
            held.swap_remove(*cursor);
        }
    }

    /// What the slice at a border, and the one behind it if it goes whole, are worth.
    fn worth(&self, mut at: u32, side: Side, newcomer: u32) -> u32 {
        let mut worth = 0;
        for _ in 0..2 {
            let node = self.nodes[at as usize];
            if node.owner == newcomer {
                return worth + SLICE_SAVED;
            }
            match self.members[node.owner as usize].surplus {
                0 => return worth,
                surplus if surplus < node.len => return worth + SLICE_CUT,
                _ => worth += SLICE_SAVED,
            }
            at = node.beside(side);
        }
        worth
    }

    /// Takes what the slices on both sides of a border can give, outwards from it.
    fn open(&mut self, before: u32, after: u32, newcomer: u32) {
        let (before, given_before) = self.take(before, Side::Before, newcomer);
        let (after, given_after) = self.take(after, Side::After, newcomer);
        let len = given_before + given_after;
        let is_newcomers = |at: u32| self.nodes[at as usize].owner == newcomer;
        match (is_newcomers(before), is_newcomers(after)) {
            (false, false) => {
                let at = self.nodes.len() as u32;
                self.nodes.push(Node {
                    len,
                    owner: newcomer,
                    before,
                    after,
                });
                self.link(before, at);
                self.link(at, after);
                self.members[newcomer as usize].held.push(at);
            }
            (true, false) => {
                self.nodes[before as usize].len += len;
                self.link(before, after);
            }
            (false, true) => {
                self.nodes[after as usize].len += len;
                self.link(before, after);
            }
            (true, true) => {
                let joined = self.nodes[after as usize];
                self.nodes[after as usize].len = 0;
                self.nodes[before as usize].len += len + joined.len;
                self.link(before, joined.after);
            }
        }
    }

    /// What the slices from `at` on give, and the first that stays.
    fn take(&mut self, mut at: u32, side: Side, newcomer: u32) -> (u32, u64) {
        let mut taken = 0;
        loop {
            let node = &mut self.nodes[at as usize];
            if node.owner == newcomer {
                return (at, taken);
            }
            let surplus = &mut self.members[node.owner as usize].surplus;
            let units = (*surplus).min(node.len);
            *surplus -= units;
            node.len -= units;
            taken += units;
            if units == 0 || node.len > 0 {
                return (at, taken);
            }
            at = node.beside(side);
        }
    }

    fn link(&mut self, before: u32, after: u32) {
        self.nodes[before as usize].after = after;
        self.nodes[after as usize].before = before;
    }
}

impl Node {
    fn beside(&self, side: Side) -> u32 {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }
}
