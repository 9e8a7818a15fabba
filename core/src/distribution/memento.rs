//! MementoHash: jump hash, and for each removed bucket what replaced it.
//!
//! Source: Coluzzi, Brocco, Antonucci, Leidi, "MementoHash: A Stateful, Minimal Memory, Best
//! Performing Consistent Hash Algorithm" (arXiv 2306.09783, 2023). While buckets leave and join at
//! the end it is jump hash, without a table and without a capacity. Any other removal is
//! remembered as in AnchorHash, and forgotten when the bucket is added back.

use super::buckets::{Buckets, again, part};
use super::jump::jump;

/// Buckets of which any may be removed, and the last removed one added back.
#[derive(Clone, Debug)]
pub struct Memento {
    /// Buckets that jump hash knows, removed ones among them.
    span: u32,
    /// By bucket: how many worked after it was removed, which is also the bucket that replaced it;
    /// [`WORKING`] for one that works. Empty as long as none was removed.
    replacements: Vec<u32>,
    /// Removed buckets, the last on top.
    removed: Vec<u32>,
}

/// No replacement: the bucket works.
const WORKING: u32 = u32::MAX;

impl Memento {
    /// The first `working` buckets work.
    ///
    /// # Panics
    /// When `working` is 0 or [`u32::MAX`].
    #[must_use]
    pub fn new(working: u32) -> Self {
        assert!(0 < working && working < WORKING, "{working} can't work");
        Self {
            span: working,
            replacements: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// The working bucket of a key, by its 64-bit hash.
    #[inline]
    #[must_use]
    pub fn bucket(&self, key: u64) -> u32 {
        let mut bucket = jump(key, self.span);
        if self.removed.is_empty() {
            return bucket;
        }
        loop {
            let left = self.replacements[bucket as usize];
            if left == WORKING {
                return bucket;
            }
            bucket = part(again(key, bucket), left);
            // Removed before that one: who was in its place by then?
            loop {
                let replacement = self.replacements[bucket as usize];
                if replacement == WORKING || replacement < left {
                    break;
                }
                bucket = replacement;
            }
        }
    }

    /// Makes the bucket that was removed last work again, or a new one behind all, and names it;
    /// none when numbers have run out.
    pub fn add(&mut self) -> Option<u32> {
        if let Some(bucket) = self.removed.pop() {
            self.replacements[bucket as usize] = WORKING;
            return Some(bucket);
        }
        let bucket = self.span;
        self.span = bucket.checked_add(1).filter(|span| *span < WORKING)?;
        self.replacements.clear();
        Some(bucket)
    }

    /// Removes a bucket, unless it does not work or is the last one that does.
    pub fn remove(&mut self, bucket: u32) -> bool {
        let works = bucket < self.span
            && self
                .replacements
                .get(bucket as usize)
                .is_none_or(|replacement| *replacement == WORKING);
        if !works || self.working() == 1 {
            return false;
        }
        if self.removed.is_empty() && bucket == self.span - 1 {
            self.span = bucket;
            self.replacements.clear();
            return true;
        }
        self.replacements.resize(self.span as usize, WORKING);
        self.replacements[bucket as usize] = self.working() - 1;
        self.removed.push(bucket);
        true
    }

    /// How many buckets work.
    #[must_use]
    pub fn working(&self) -> u32 {
        self.span - self.removed.len() as u32
    }
}

impl Buckets for Memento {
    fn fresh(working: u32) -> Self {
        Self::new(working)
    }

    /// Over a hash of its own: a list of claimants has no removals, and without any the buckets
    /// would be those of the distribution `jump`.
    fn bucket(&self, key: u64) -> u32 {
        Self::bucket(self, again(key, WORKING))
    }

    fn add(&mut self) -> Option<u32> {
        Self::add(self)
    }

    fn remove(&mut self, bucket: u32) -> bool {
        Self::remove(self, bucket)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.replacements) + size_of_val(&*self.removed)
    }
}
