//! A segment: linear probing kept in order of hash.
//!
//! A key's home slot grows with its hash, so the whole array is sorted, with gaps; a probe ends at
//! the first greater hash, and walking the array is walking in order. The array may run over its
//! last home slot: no wrap, so the order holds there too.

use std::cmp::Ordering;

use super::entry::{Entry, NEVER_MS};

/// Home slots of the smallest segment.
const HOMES_MIN: usize = 8;
/// Keys after which a segment is split instead of grown.
pub(super) const KEYS_MAX: usize = 512;

/// A run of the table's order: all keys whose hashes start with the same `depth` bits.
#[derive(Debug)]
pub(super) struct Segment {
    slots: Vec<Entry>,
    /// Home slots; `slots` may be longer.
    homes: usize,
    used: usize,
    depth: u32,
    /// No deadline here comes before this.
    pub(super) soonest_ms: u64,
}

impl Segment {
    pub(super) fn new(depth: u32) -> Self {
        Self::rebuilt(std::iter::empty(), 0, depth)
    }

    /// What is left where a segment was merged away.
    pub(super) fn hollow() -> Self {
        Self {
            slots: Vec::new(),
            homes: 0,
            used: 0,
            depth: 0,
            soonest_ms: NEVER_MS,
        }
    }

    /// A segment of entries that come in order of hash.
    fn rebuilt(entries: impl Iterator<Item = Entry>, used: usize, depth: u32) -> Self {
        let homes = (used + used / 2 + 1).max(HOMES_MIN);
        let mut segment = Self {
            slots: Vec::with_capacity(homes + homes / 16),
            homes,
            used,
            depth,
            soonest_ms: NEVER_MS,
        };
        for entry in entries {
            let home = segment.home(entry.hash());
            while segment.slots.len() < home {
                segment.slots.push(Entry::vacant());
            }
            segment.expect_deadline(entry.deadline_ms);
            segment.slots.push(entry);
        }
        while segment.slots.len() < homes {
            segment.slots.push(Entry::vacant());
        }
        segment
    }

    /// Keys and tombstones here.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// How many leading bits of the hash all entries share.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Slots, taken or not.
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of the array.
    pub(super) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Entry>()
    }

    pub(super) fn slots(&self) -> &[Entry] {
        &self.slots
    }

    pub(super) fn slot_mut(&mut self, index: usize) -> &mut Entry {
        &mut self.slots[index]
    }

    /// Whether the next insertion should make room first.
    pub(super) fn is_full(&self) -> bool {
        self.used * 5 >= self.homes * 4
    }

    /// Whether so few slots are taken that a smaller array would do.
    pub(super) fn is_sparse(&self) -> bool {
        self.homes > HOMES_MIN && self.used * 4 < self.homes
    }

    /// The bits after the shared ones, scaled to the home slots.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let local = u128::from(hash << self.depth);
        ((local * self.homes as u128) >> 64) as usize
    }

    /// The first slot whose entry has this hash or a greater one, or the vacant slot before it.
    #[inline]
    pub(super) fn seat(&self, hash: u64) -> usize {
        let home = self.home(hash);
        // A vacant slot's zero wraps round to the greatest value and ends the probe too.
        let bound = hash.wrapping_sub(1);
        let passed = self.slots[home..]
            .iter()
            .position(|slot| slot.hash().wrapping_sub(1) >= bound);
        passed.map_or(self.slots.len(), |passed| home + passed)
    }

    /// Where a key is, or where it would go.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Result<usize, usize> {
        let mut index = self.seat(hash);
        while let Some(slot) = self.slots.get(index)
            && slot.hash() == hash
        {
            if slot.key() == key {
                return Ok(index);
            }
            index += 1;
        }
        Err(index)
    }

    /// [`find`](Self::find) in one pass, for a key that is likely here.
    #[inline]
    pub(super) fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut Entry> {
        let home = self.home(hash);
        let bound = hash.wrapping_sub(1);
        for slot in &mut self.slots[home..] {
            if slot.hash().wrapping_sub(1) < bound {
                continue;
            }
            if slot.hash() != hash {
                return None;
            }
            if slot.key() == key {
                return Some(slot);
            }
        }
        None
    }

    /// Puts a new entry where [`find`](Self::find) said, moving its followers up to the next gap.
    pub(super) fn insert(&mut self, index: usize, entry: Entry) {
        let gap = self.slots[index.min(self.slots.len())..]
            .iter()
            .position(Entry::is_vacant)
            .map_or(self.slots.len(), |passed| index + passed);
        if gap == self.slots.len() {
            self.slots.push(Entry::vacant());
        }
        self.slots[index..=gap].rotate_right(1);
        self.expect_deadline(entry.deadline_ms);
        self.slots[index] = entry;
        self.used += 1;
    }

    /// Takes an entry out, moving back its followers that are not at home.
    pub(super) fn remove(&mut self, index: usize) -> Entry {
        let after = index + 1;
        let mut end = after;
        while let Some(slot) = self.slots.get(end)
            && !slot.is_vacant()
            && self.home(slot.hash()) != end
        {
            end += 1;
        }
        self.slots[index..end].rotate_left(1);
        self.used -= 1;
        std::mem::replace(&mut self.slots[end - 1], Entry::vacant())
    }

    /// Makes the array fit what it holds.
    pub(super) fn refit(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        *self = Self::rebuilt(taken(slots), self.used, self.depth);
    }

    /// Keeps the lower half of the hashes and gives the upper half.
    pub(super) fn split(&mut self) -> Self {
        let depth = self.depth + 1;
        let middle_bit = 1 << (63 - self.depth);
        let mut lower: Vec<Entry> = taken(std::mem::take(&mut self.slots)).collect();
        let lower_len = lower.partition_point(|entry| entry.hash() & middle_bit == 0);
        let upper = lower.split_off(lower_len);
        let upper_len = upper.len();
        *self = Self::rebuilt(lower.into_iter(), lower_len, depth);
        Self::rebuilt(upper.into_iter(), upper_len, depth)
    }

    /// Takes in the segment that [`split`](Self::split) once gave, whichever half this one is.
    pub(super) fn merge(&mut self, buddy: Self) {
        debug_assert_eq!(self.depth, buddy.depth);
        let used = self.used + buddy.used;
        let own = std::mem::take(&mut self.slots);
        let first_hash = |slots: &[Entry]| slots.iter().map(Entry::hash).find(|&hash| hash != 0);
        let (lower, upper) = match first_hash(&own).cmp(&first_hash(&buddy.slots)) {
            Ordering::Greater => (buddy.slots, own),
            _ => (own, buddy.slots),
        };
        let entries = taken(lower).chain(taken(upper));
        *self = Self::rebuilt(entries, used, self.depth - 1);
    }

    /// Lowers the bound on deadlines for one that was set.
    #[inline]
    pub(super) fn expect_deadline(&mut self, deadline_ms: u64) {
        self.soonest_ms = self.soonest_ms.min(deadline_ms);
    }

    /// Makes the bound on deadlines exact.
    pub(super) fn refresh_soonest(&mut self) {
        let deadlines = self.slots.iter().map(|slot| slot.deadline_ms);
        self.soonest_ms = deadlines.min().unwrap_or(NEVER_MS);
    }
}

fn taken(slots: Vec<Entry>) -> impl Iterator<Item = Entry> {
    slots.into_iter().filter(|slot| !slot.is_vacant())
}
