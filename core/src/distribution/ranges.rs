//! Sorted ranges of positions with an owner each: what a lookup in a ring or a slice table is.
//!
//! The top bits of a position index the place in the table where its neighbourhood starts, so that
//! a lookup reads one slot of the index and walks a point or two.

/// Bits of a position.
pub(super) const POSITION_BITS: u32 = 48;
/// The last position.
pub(super) const POSITION_MAX: u64 = (1 << POSITION_BITS) - 1;
/// Slots of the index for each point, at least: more would make a table that no longer fits a cache.
const SLOTS_PER_POINT: usize = 1;
/// Points that a lookup compares at once: a run is seldom longer.
const NEAR: usize = 4;
const OWNER_BITS: u32 = 64 - POSITION_BITS;
const OWNER_MASK: u64 = (1 << OWNER_BITS) - 1;

/// Ranges that cover all positions without a gap.
#[derive(Debug)]
pub(super) struct Ranges {
    /// `end << 16 | owner`, ends strictly rising up to [`POSITION_MAX`]: the owner has the
    /// positions after the end before, up to its own end.
    points: Box<[u64]>,
    /// By a position's top bits: the first point whose end is in that slot or after it. The last
    /// slot takes every position beyond the usual ones.
    starts: Box<[u32]>,
    /// How far a position is shifted to give its slot.
    shift: u32,
    /// Width of the positions usually asked for.
    bits: u32,
}

impl Ranges {
    /// Ranges of these (last position, owner), by rising ends; of equal ends the first one counts,
    /// and the last owner has the rest. `bits` is the width of the positions usually asked for:
    /// the index serves those.
    pub(super) fn new(ends: impl IntoIterator<Item = (u64, u16)>, bits: u32) -> Self {
        let mut points: Vec<u64> = Vec::new();
        for (end, owner) in ends {
            debug_assert!(end <= POSITION_MAX, "a position has {POSITION_BITS} bits");
            if points.last().is_none_or(|last| last >> OWNER_BITS < end) {
                points.push((end << OWNER_BITS) | u64::from(owner));
            }
        }
        if let Some(last) = points.last_mut() {
            *last |= POSITION_MAX << OWNER_BITS;
        }
        let slot_bits = (points.len() * SLOTS_PER_POINT)
            .next_power_of_two()
            .ilog2()
            .min(bits);
        let shift = bits - slot_bits;
        let mut starts = Vec::with_capacity((1 << slot_bits) + 1);
        let mut first = 0;
        for slot in 0..1_u64 << slot_bits {
            let ends_before = |point: &&u64| **point >> OWNER_BITS < slot << shift;
            first += points[first..].iter().take_while(ends_before).count();
            starts.push(first as u32);
        }
        starts.push(points.len() as u32);
        Self {
            points: points.into_boxed_slice(),
            starts: starts.into_boxed_slice(),
            shift,
            bits,
        }
    }

    /// Who has `position`, which is at most [`POSITION_MAX`].
    #[inline]
    pub(super) fn owner(&self, position: u64) -> usize {
        (self.points[self.find(position)] & OWNER_MASK) as usize
    }

    /// Who has the range that lies so many ranges after the one of `position`, past the last one
    /// the first.
    pub(super) fn after(&self, position: u64, ranges: u32) -> usize {
        let at = (self.find(position) + ranges as usize) % self.points.len();
        (self.points[at] & OWNER_MASK) as usize
    }

    /// The place of the range of `position`.
    #[inline]
    fn find(&self, position: u64) -> usize {
        let slot = ((position >> self.shift) as usize).min(self.starts.len() - 2);
        let first = self.starts[slot] as usize;
        // A point that ends at the position or after it compares greater, whoever owns it.
        let least = position << OWNER_BITS;
        // All of the few next points are compared, also those behind the run: that costs less than
        // a branch which can't be foretold.
        let near: &[u64] = &self.points[first..];
        if let Some(near) = near.first_chunk::<NEAR>() {
            let below = near
                .iter()
                .map(|point| usize::from(*point < least))
                .sum::<usize>();
            if below < NEAR {
                return first + below;
            }
        }
        first + near.partition_point(|point| *point < least)
    }

    /// Each range: its last position and its owner.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u16)> {
        self.points
            .iter()
            .map(|point| (point >> OWNER_BITS, (point & OWNER_MASK) as u16))
    }

    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// The same positions with so much `room` for each owner, of the positions below `count`: going
    /// through them in rising order, what a range's owner has no room for goes to the owner of the
    /// next range that has some. There is room for all.
    pub(super) fn capped(&self, count: u64, mut room: Vec<u64>) -> Self {
        let ranges: Vec<(u64, u16)> = self.iter().collect();
        // By range: itself, or a later one that may have room.
        let mut next: Vec<usize> = (0..ranges.len()).collect();
        let mut ends = Vec::with_capacity(ranges.len());
        let mut from = 0;
        for (at, (end, _)) in ranges.iter().enumerate() {
            let after = (end + 1).min(count);
            while from < after {
                let taker =
                    first_with_room(&mut next, at, |range| room[usize::from(ranges[range].1)]);
                let owner = ranges[taker].1;
                let taken = room[usize::from(owner)].min(after - from);
                room[usize::from(owner)] -= taken;
                from += taken;
                ends.push((from - 1, owner));
            }
        }
        Self::new(ends, self.bits)
    }

    /// Of the positions below `count`, the share that each of `owners` has.
    pub(super) fn shares(&self, count: u64, owners: usize) -> Vec<f64> {
        let mut counts = vec![0_u64; owners];
        let mut covered = 0;
        for (end, owner) in self.iter() {
            let after = (end + 1).min(count);
            counts[usize::from(owner)] += after - covered;
            covered = after;
        }
        counts
            .into_iter()
            .map(|owned| owned as f64 / count as f64)
            .collect()
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.points) + size_of_val(&*self.starts)
    }
}

/// The first range from `at` on, past the last one from the first, whose owner has room. Those
/// found without are skipped from then on.
fn first_with_room(next: &mut [usize], at: usize, room: impl Fn(usize) -> u64) -> usize {
    let mut found = at;
    loop {
        while next[found] != found {
            found = next[found];
        }
        if room(found) > 0 {
            break;
        }
        next[found] = (found + 1) % next.len();
    }
    let mut passed = at;
    while passed != found {
        passed = std::mem::replace(&mut next[passed], found);
    }
    found
}
