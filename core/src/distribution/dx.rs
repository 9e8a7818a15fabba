//! DxHash: a key tries a sequence of slots of its own until it meets one that works.
//!
//! Source: Dong, Wang, Feng, "DxHash: A Scalable Consistent Hash Based on the Pseudo-Random
//! Sequence" (arXiv 2107.07930, 2021). Who has a key depends on which slots work and on nothing
//! that happened before. Slots are a power of two and a slot is a value's low bits, so that about half
//! of the keys stay where they are when the slots double.

use super::buckets::Buckets;

/// Slots of which any may be removed, and the last removed one added back.
#[derive(Clone, Debug)]
pub struct Dx {
    /// One bit a slot: whether it works.
    works: Box<[u64]>,
    /// Slots, a power of two, less one: the bits of a value that name its slot.
    mask: u32,
    /// Slots that do not work, the next to be added on top.
    removed: Vec<u32>,
    working: u32,
}

/// Least slots.
const CAPACITY_MIN: u32 = 8;
/// How many times the number of slots a key tries before it takes the next working one; the
/// paper's figure. With one slot of all working it is met by 3 keys in 10,000.
const TRIES_EACH: u64 = 8;

impl Dx {
    /// The first `working` of `capacity` slots work; `capacity` becomes a power of two.
    ///
    /// # Panics
    /// Unless 0 < `working` ≤ `capacity` ≤ 2^31.
    #[must_use]
    pub fn new(capacity: u32, working: u32) -> Self {
        assert!(
            0 < working && working <= capacity && capacity <= 1 << 31,
            "{working} of {capacity} slots can't work"
        );
        let capacity = capacity.next_power_of_two();
        let mut dx = Self {
            works: vec![0; capacity.div_ceil(64) as usize].into_boxed_slice(),
            mask: capacity - 1,
            removed: (working..capacity).rev().collect(),
            working,
        };
        for slot in 0..working {
            dx.set(slot, true);
        }
        dx
    }

    /// The working slot of a key, by its 64-bit hash.
    #[inline]
    #[must_use]
    pub fn bucket(&self, key: u64) -> u32 {
        let mut state = key;
        for _ in 0..=TRIES_EACH * u64::from(self.mask) {
            let slot = mixed(state) as u32 & self.mask;
            if self.is_working(slot) {
                return slot;
            }
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        self.next_working(mixed(state) as u32 & self.mask)
    }

    /// The first working slot from `slot` on, past the last one from the first.
    fn next_working(&self, slot: u32) -> u32 {
        (slot..=self.mask)
            .chain(0..slot)
            .find(|slot| self.is_working(*slot))
            .expect("one slot always works")
    }

    #[inline]
    fn is_working(&self, slot: u32) -> bool {
        (self.works[(slot / 64) as usize] >> (slot % 64)) & 1 == 1
    }

    fn set(&mut self, slot: u32, works: bool) {
        let word = &mut self.works[(slot / 64) as usize];
        *word = (*word & !(1 << (slot % 64))) | (u64::from(works) << (slot % 64));
    }

    /// Makes the slot that was removed last work again and names it; none when all work.
    pub fn add(&mut self) -> Option<u32> {
        let slot = self.removed.pop()?;
        self.set(slot, true);
        self.working += 1;
        Some(slot)
    }

    /// Removes a slot, unless it does not work or is the last one that does.
    pub fn remove(&mut self, slot: u32) -> bool {
        let works = slot <= self.mask && self.is_working(slot);
        if !works || self.working == 1 {
            return false;
        }
        self.set(slot, false);
        self.removed.push(slot);
        self.working -= 1;
        true
    }

    /// How many slots work.
    #[must_use]
    pub const fn working(&self) -> u32 {
        self.working
    }
}

/// The value of a state of the sequence: both halves of a product (the multiply-and-fold of
/// wyhash), odd digits of e and π as constants.
#[inline]
fn mixed(state: u64) -> u64 {
    let product = u128::from(state ^ 0x2b7e_1516_28ae_d2a7) * 0xa409_3822_299f_31d1;
    (product >> 64) as u64 ^ product as u64
}

impl Buckets for Dx {
    fn fresh(working: u32) -> Self {
        Self::new((2 * working).max(CAPACITY_MIN), working)
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
        size_of_val(&*self.works) + size_of_val(&*self.removed)
    }
}
