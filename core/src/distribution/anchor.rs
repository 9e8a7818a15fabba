//! AnchorHash: an array that remembers what replaced each removed bucket.
//!
//! Source: Mendelson, Vargaftik, Barabash, Lorenz, Keslassy, Orda, "AnchorHash: A Scalable
//! Consistent Hash" (IEEE/ACM ToN 29(2), 2020), the variant with arrays (their algorithm 3). A key
//! is hashed to one of `capacity` buckets; while it finds a removed one it is hashed again, to the
//! set of those that worked right after that removal. So a removal moves only the removed
//! bucket's keys, each to any of the rest alike, and adding the bucket back brings just those.

use super::buckets::{Buckets, again, part};

/// Buckets of which any may be removed, and the last removed one added back.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// By bucket.
    slots: Box<[Slot]>,
    /// The paper's W: working buckets, then those that replaced them.
    working_at: Box<[u32]>,
    /// The paper's L: where in W a bucket was last.
    place: Box<[u32]>,
    /// The paper's R: removed buckets, the last on top.
    removed: Vec<u32>,
    /// The paper's N.
    working: u32,
}

/// What a lookup reads of a bucket.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The paper's A: 0 for a working bucket, else how many worked after it was removed.
    left: u32,
    /// The paper's K: the bucket that replaced it in W.
    replaced_by: u32,
}

/// A build's least capacity.
const CAPACITY_MIN: u32 = 128;
/// From one capacity of a build to the next. A new capacity moves most keys, so steps are wide.
const CAPACITY_STEP: u32 = 16;

impl Anchor {
    /// The first `working` of `capacity` buckets work.
    ///
    /// # Panics
    /// Unless 0 < `working` ≤ `capacity`.
    #[must_use]
    pub fn new(capacity: u32, working: u32) -> Self {
        assert!(
            0 < working && working <= capacity,
            "{working} of {capacity} buckets can't work"
        );
        let slot = |bucket| Slot {
            left: if bucket < working { 0 } else { bucket },
            replaced_by: bucket,
        };
        Self {
            slots: (0..capacity).map(slot).collect(),
            working_at: (0..capacity).collect(),
            place: (0..capacity).collect(),
            removed: (working..capacity).rev().collect(),
            working,
        }
    }

    /// The working bucket of a key, by its 64-bit hash.
    #[inline]
    #[must_use]
    pub fn bucket(&self, key: u64) -> u32 {
        self.bucket_by(
            |capacity| part(key, capacity),
            |bucket, left| part(again(key, bucket), left),
        )
    }

    /// The same with hashes of the caller's: `first(count)` and `next(bucket, count)` are below
    /// `count`.
    #[inline]
    pub fn bucket_by(&self, first: impl FnOnce(u32) -> u32, next: impl Fn(u32, u32) -> u32) -> u32 {
        let mut bucket = first(self.slots.len() as u32);
        loop {
            let left = self.slots[bucket as usize].left;
            if left == 0 {
                return bucket;
            }
            bucket = next(bucket, left);
            // Removed before that one: who was in its place by then?
            loop {
                let slot = self.slots[bucket as usize];
                if slot.left < left {
                    break;
                }
                bucket = slot.replaced_by;
            }
        }
    }

    /// Makes the bucket that was removed last work again and names it; none when all work.
    pub fn add(&mut self) -> Option<u32> {
        let bucket = self.removed.pop()?;
        let at = bucket as usize;
        self.slots[at] = Slot {
            left: 0,
            replaced_by: bucket,
        };
        let last = self.working_at[self.working as usize];
        self.place[last as usize] = self.working;
        self.working_at[self.place[at] as usize] = bucket;
        self.working += 1;
        Some(bucket)
    }

    /// Removes a bucket, unless it does not work or is the last one that does.
    pub fn remove(&mut self, bucket: u32) -> bool {
        let at = bucket as usize;
        let works = self.slots.get(at).is_some_and(|slot| slot.left == 0);
        if !works || self.working == 1 {
            return false;
        }
        self.removed.push(bucket);
        self.working -= 1;
        let last = self.working_at[self.working as usize];
        self.slots[at] = Slot {
            left: self.working,
            replaced_by: last,
        };
        self.working_at[self.place[at] as usize] = last;
        self.place[last as usize] = self.place[at];
        true
    }

    /// How many buckets work.
    #[must_use]
    pub const fn working(&self) -> u32 {
        self.working
    }
}

impl Buckets for Anchor {
    fn fresh(working: u32) -> Self {
        let mut capacity = CAPACITY_MIN;
        while capacity < 2 * working {
            capacity *= CAPACITY_STEP;
        }
        Self::new(capacity, working)
    }

    fn bucket(&self, key: u64) -> u32 {
        Self::bucket(self, key)
    }

    fn add(&mut self) -> Option<u32> {
        Self::add(self)
    }

    fn remove(&mut self, bucket: u32) -> bool {
        Self::remove(self, bucket)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
            + size_of_val(&*self.working_at)
            + size_of_val(&*self.place)
            + size_of_val(&*self.removed)
    }
}
