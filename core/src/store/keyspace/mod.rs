//! The hash table: extendible hashing over small segments, everything in order of hash.
//!
//! ```text
//!  hash ─ top bits → directory → segment (≤ 512 keys, sorted by hash) ─ next bits → home slot
//! ```
//!
//! Growth splits one segment at a time, so no insertion waits for a rehash of the whole. Since the
//! order never changes, a hash is a cursor: a walk that goes on from one meets every key that was
//! there throughout, whatever split, merged or moved meanwhile. Deleted keys may stay as
//! tombstones; the table counts them apart and knows a lower bound of each segment's deadlines.

pub(crate) mod entry;
mod segment;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher};
use std::ops::ControlFlow;

use foldhash::quality::FixedState;

use entry::Entry;
use segment::{KEYS_MAX, Segment};

/// Bits of the hash that a cursor has; the others are free for whoever passes cursors on.
pub const CURSOR_BITS: u32 = 48;
/// Keys of two neighbours that become one segment again.
const MERGED_KEYS_MAX: usize = KEYS_MAX / 4;
/// The directory may have one slot for so many keys; equal hashes can't make it grow beyond.
const KEYS_PER_SLOT_MIN: usize = 32;

/// What an entry that is due costs a sweep, in slots that it only looks at.
const COST_OF_DUE: usize = 4;

/// Where a key is, or would go; good until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    hash: u64,
    segment: u32,
    index: u32,
}

impl Spot {
    /// The hash of the key that was looked for.
    pub(crate) fn hash(self) -> u64 {
        self.hash
    }
}

/// What [`Keyspace::sweep`] does with an entry that is due.
pub(crate) enum Sweep {
    /// Leaves it as the visitor changed it.
    Keep,
    /// Takes it out.
    Remove,
}

/// How far a sweep went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swept {
    /// Hash position where the next one goes on.
    pub(crate) next: u64,
    /// Whether it went all the way round.
    pub(crate) whole: bool,
}

/// All keys of a store.
#[derive(Debug)]
pub(crate) struct Keyspace {
    hasher: FixedState,
    directory: Vec<u32>,
    /// The directory has 2^depth slots.
    depth: u32,
    segments: Vec<Segment>,
    vacant_segments: Vec<u32>,
    /// Segments that use the directory's full depth.
    deepest_count: usize,
    live_count: usize,
    tombstone_count: usize,
    record_bytes: usize,
    slot_bytes: usize,
}

impl Keyspace {
    pub(crate) fn new(seed: u64) -> Self {
        let first = Segment::new(0);
        Self {
            hasher: FixedState::with_seed(seed),
            directory: vec![0],
            depth: 0,
            slot_bytes: first.heap_bytes(),
            segments: vec![first],
            vacant_segments: Vec::new(),
            deepest_count: 1,
            live_count: 0,
            tombstone_count: 0,
            record_bytes: 0,
        }
    }

    /// Keys that hold a value, expired ones among them until something meets them.
    pub(crate) fn live_count(&self) -> usize {
        self.live_count
    }

    pub(crate) fn tombstone_count(&self) -> usize {
        self.tombstone_count
    }

    /// Bytes on the heap: slots, keys and values with their spare room.
    pub(crate) fn bytes(&self) -> usize {
        let directory = self.directory.capacity() * size_of::<u32>();
        let segments = self.segments.capacity() * size_of::<Segment>();
        self.record_bytes + self.slot_bytes + directory + segments
    }

    /// The order's position of a key; never zero.
    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish().max(1)
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> u32 {
        self.directory[slot_of(hash, self.depth)]
    }

    /// Where a key is (`Ok`) or would go (`Err`).
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Result<Spot, Spot> {
        let hash = self.hash(key);
        let segment = self.segment_of(hash);
        let spot = |index: usize| Spot {
            hash,
            segment,
            index: index as u32,
        };
        match self.segments[segment as usize].find(hash, key) {
            Ok(index) => Ok(spot(index)),
            Err(index) => Err(spot(index)),
        }
    }

    /// The entry of a key that was found.
    #[inline]
    pub(crate) fn entry(&self, spot: Spot) -> &Entry {
        &self.segments[spot.segment as usize].slots()[spot.index as usize]
    }

    /// A key's entry, for changes that the table's figures don't show: its size stays, its deadline comes
    /// no sooner, and it holds a value or not as before.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let hash = self.hash(key);
        let id = self.segment_of(hash);
        self.segments[id as usize].get_mut(hash, key)
    }

    /// Changes an entry in place and keeps the table's figures right.
    #[inline]
    pub(crate) fn edit<R>(&mut self, spot: Spot, change: impl FnOnce(&mut Entry) -> R) -> R {
        let segment = &mut self.segments[spot.segment as usize];
        let entry = segment.slot_mut(spot.index as usize);
        let before = Figures::of(entry);
        let result = change(entry);
        let after = Figures::of(entry);
        let deadline_ms = entry.deadline_ms;
        segment.expect_deadline(deadline_ms);
        if before != after {
            self.count(before, after);
        }
        result
    }

    /// Puts a new entry where [`find`](Self::find) said its key would go.
    pub(crate) fn insert(&mut self, spot: Spot, entry: Entry) -> Spot {
        debug_assert_eq!(spot.hash, entry.hash());
        self.count(Figures::default(), Figures::of(&entry));
        let mut spot = spot;
        if self.segments[spot.segment as usize].is_full() {
            self.make_room(spot.hash);
            spot.segment = self.segment_of(spot.hash);
            spot.index = self.segments[spot.segment as usize].seat(spot.hash) as u32;
        }
        self.resized(spot.segment, |segment| {
            segment.insert(spot.index as usize, entry);
        });
        spot
    }

    /// Takes a key out that was found.
    pub(crate) fn remove(&mut self, spot: Spot) -> Entry {
        let segment = &mut self.segments[spot.segment as usize];
        let entry = segment.remove(spot.index as usize);
        self.count(Figures::of(&entry), Figures::default());
        self.shrink(spot.hash);
        entry
    }

    /// Visits entries in order of hash from a cursor on until `visit` breaks; gives the cursor
    /// where to go on, zero at the end. A new walk starts at zero.
    pub(crate) fn walk(
        &self,
        cursor: u64,
        visit: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> u64 {
        if cursor >> CURSOR_BITS != 0 {
            return 0;
        }
        let mut from = cursor << (64 - CURSOR_BITS);
        let mut stop_after = None;
        loop {
            let segment = &self.segments[self.segment_of(from) as usize];
            let start = segment.seat(from.max(1));
            for entry in segment.slots()[start..]
                .iter()
                .filter(|slot| !slot.is_vacant())
            {
                // Hashes that share a cursor are visited together, or some would be left out.
                let here = entry.hash() >> (64 - CURSOR_BITS);
                if stop_after.is_some_and(|last| last != here) {
                    return here;
                }
                if visit(entry).is_break() {
                    stop_after = Some(here);
                }
            }
            match end_of(from, segment.depth()) {
                Some(end) => from = end,
                None => return 0,
            }
        }
    }

    /// Visits the entries that are due, segment by segment from hash position `from` on; looks at
    /// no more than about `budget` slots, and only at segments where something may be due.
    pub(crate) fn sweep(
        &mut self,
        mut from: u64,
        wall_ms: u64,
        mut budget: usize,
        visit: &mut dyn FnMut(&mut Entry) -> Sweep,
    ) -> Swept {
        let mut left = self.directory.len();
        while budget > 0 {
            let id = self.segment_of(from);
            let segment = &self.segments[id as usize];
            let (depth, soonest_ms) = (segment.depth(), segment.soonest_ms);
            budget -= 1;
            if wall_ms > soonest_ms {
                let looked_at = segment.slot_count();
                let due = self.sweep_segment(id, wall_ms, visit);
                budget = budget.saturating_sub(looked_at + due * COST_OF_DUE);
                self.shrink(from);
            }
            left = left.saturating_sub(1 << (self.depth.saturating_sub(depth)));
            from = end_of(from, depth).unwrap_or(0);
            if left == 0 {
                break;
            }
        }
        Swept {
            next: from,
            whole: left == 0,
        }
    }

    /// Gives how many entries were due.
    fn sweep_segment(
        &mut self,
        id: u32,
        wall_ms: u64,
        visit: &mut dyn FnMut(&mut Entry) -> Sweep,
    ) -> usize {
        let (mut index, mut due) = (0, 0);
        while index < self.segments[id as usize].slot_count() {
            let entry = self.segments[id as usize].slot_mut(index);
            if entry.is_vacant() || !entry.is_due(wall_ms) {
                index += 1;
                continue;
            }
            due += 1;
            let before = Figures::of(entry);
            let verdict = visit(entry);
            let mut after = Figures::of(entry);
            match verdict {
                Sweep::Keep => index += 1,
                Sweep::Remove => {
                    self.segments[id as usize].remove(index);
                    after = Figures::default();
                }
            }
            self.count(before, after);
        }
        self.segments[id as usize].refresh_soonest();
        due
    }

    /// Frees segments of a table that is in use no more, until `budget` slots are gone; gives how
    /// many went. Nothing but this may be called on it afterwards.
    pub(crate) fn drop_some(&mut self, budget: usize) -> usize {
        let mut dropped = 0;
        while dropped < budget
            && let Some(segment) = self.segments.pop()
        {
            dropped += segment.slot_count().max(1);
        }
        dropped
    }

    /// Whether [`drop_some`](Self::drop_some) has freed everything.
    pub(crate) fn is_hollow(&self) -> bool {
        self.segments.is_empty()
    }

    /// Any entry, as good as evenly: a segment and a slot by `random`, another try where the slot
    /// is vacant or `wanted` refuses.
    pub(crate) fn pick(
        &self,
        random: &mut dyn FnMut() -> u64,
        wanted: &dyn Fn(&Entry) -> bool,
    ) -> Option<&Entry> {
        const TRIES_MAX: u32 = 256;
        for _ in 0..TRIES_MAX {
            let segment = &self.segments[self.segment_of(random()) as usize];
            let slots = segment.slots();
            let index = (u128::from(random()) * slots.len() as u128) >> 64;
            let entry = &slots[index as usize];
            if !entry.is_vacant() && wanted(entry) {
                return Some(entry);
            }
        }
        let start = slot_of(random(), self.depth);
        let ids = self.directory[start..]
            .iter()
            .chain(&self.directory[..start]);
        let mut entries = ids.flat_map(|&id| self.segments[id as usize].slots());
        entries.find(|entry| !entry.is_vacant() && wanted(entry))
    }

    /// Makes room in the segment of a hash: a larger array, or two segments of it.
    fn make_room(&mut self, hash: u64) {
        let id = self.segment_of(hash);
        let segment = &self.segments[id as usize];
        let keys = self.live_count + self.tombstone_count;
        let slots_after = 1usize << (segment.depth() + 1).min(usize::BITS - 1);
        if segment.used() < KEYS_MAX || slots_after * KEYS_PER_SLOT_MIN > keys.max(KEYS_MAX) {
            self.resized(id, Segment::refit);
        } else {
            self.split(id, hash);
        }
    }

    fn split(&mut self, id: u32, hash: u64) {
        let old_depth = self.segments[id as usize].depth();
        if old_depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&id| [id, id]).collect();
            self.depth += 1;
            self.deepest_count = 0;
        }
        let upper = self.resized(id, Segment::split);
        self.slot_bytes += upper.heap_bytes();
        let upper_id = self.place(upper);
        let slots = self.slots_of(hash, old_depth);
        let middle = slots.start + slots.len() / 2;
        self.directory[middle..slots.end].fill(upper_id);
        if old_depth + 1 == self.depth {
            self.deepest_count += 2;
        }
    }

    fn place(&mut self, segment: Segment) -> u32 {
        if let Some(id) = self.vacant_segments.pop() {
            self.segments[id as usize] = segment;
            return id;
        }
        self.segments.push(segment);
        (self.segments.len() - 1) as u32
    }

    /// Gives room back around a hash after something was taken out there.
    fn shrink(&mut self, hash: u64) {
        while self.merge(hash) {}
        let id = self.segment_of(hash);
        if self.segments[id as usize].is_sparse() {
            self.resized(id, Segment::refit);
        }
    }

    /// Puts a segment and its other half together where both are nearly empty.
    fn merge(&mut self, hash: u64) -> bool {
        let id = self.segment_of(hash);
        let segment = &self.segments[id as usize];
        let depth = segment.depth();
        if depth == 0 || segment.used() > MERGED_KEYS_MAX {
            return false;
        }
        let buddy_hash = hash ^ (1 << (64 - depth));
        let buddy_id = self.segment_of(buddy_hash);
        let buddy = &self.segments[buddy_id as usize];
        if buddy.depth() != depth || buddy.used() + segment.used() > MERGED_KEYS_MAX {
            return false;
        }
        let buddy = std::mem::replace(&mut self.segments[buddy_id as usize], Segment::hollow());
        self.slot_bytes -= buddy.heap_bytes();
        self.resized(id, |segment| segment.merge(buddy));
        self.vacant_segments.push(buddy_id);
        let slots = self.slots_of(hash, depth - 1);
        self.directory[slots].fill(id);
        if depth == self.depth {
            self.deepest_count -= 2;
            self.shrink_directory();
        }
        true
    }

    fn shrink_directory(&mut self) {
        while self.deepest_count == 0 && self.depth > 0 {
            self.directory = self.directory.iter().copied().step_by(2).collect();
            self.depth -= 1;
            let depth = self.depth;
            // Each segment of the full depth has one slot now, any other at least two.
            let ids = self.directory.iter();
            self.deepest_count = ids
                .filter(|&&id| self.segments[id as usize].depth() == depth)
                .count();
        }
    }

    /// The directory's slots for the hashes that share `depth` bits with this one.
    fn slots_of(&self, hash: u64, depth: u32) -> std::ops::Range<usize> {
        let len = 1usize << (self.depth - depth);
        let start = slot_of(hash, depth) * len;
        start..start + len
    }

    /// Changes a segment's array and counts its bytes anew.
    fn resized<R>(&mut self, id: u32, change: impl FnOnce(&mut Segment) -> R) -> R {
        let segment = &mut self.segments[id as usize];
        let before = segment.heap_bytes();
        let result = change(segment);
        self.slot_bytes = self.slot_bytes + segment.heap_bytes() - before;
        result
    }

    fn count(&mut self, before: Figures, after: Figures) {
        self.record_bytes = self.record_bytes + after.bytes - before.bytes;
        self.live_count = self.live_count + after.live - before.live;
        self.tombstone_count = self.tombstone_count + after.tombstones - before.tombstones;
    }
}

/// What an entry adds to the table's figures.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Figures {
    bytes: usize,
    live: usize,
    tombstones: usize,
}

impl Figures {
    #[inline]
    fn of(entry: &Entry) -> Self {
        let live = usize::from(entry.holds_value());
        Self {
            bytes: entry.heap_bytes(),
            live,
            tombstones: 1 - live,
        }
    }
}

/// The leading `depth` bits; none of them is a shift too.
#[inline]
fn slot_of(hash: u64, depth: u32) -> usize {
    ((hash >> 1) >> (63 - depth)) as usize
}

/// The first hash after those that share `depth` bits with this one.
fn end_of(hash: u64, depth: u32) -> Option<u64> {
    let rest = u64::MAX.checked_shr(depth).unwrap_or(0);
    (hash | rest).checked_add(1)
}
