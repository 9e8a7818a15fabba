//! One key of the key space: its bytes, what it holds, its version and its deadline.

use crate::store::value::Collection;
use crate::version::Version;

/// A deadline that never comes.
pub(crate) const NEVER_MS: u64 = u64::MAX;
/// A record keeps at most this share of spare room (a fourth of it) when a smaller value replaces
/// a larger one.
const SPARE_SHARE: usize = 4;
/// Spare room that is never worth a reallocation, in bytes.
const SPARE_MIN: usize = 32;
/// One step of the access clock is 2^10 ms.
const ACCESS_SHIFT: u32 = 10;

/// What a key holds. Each variant holds the key's own bytes too, so that a key and its string are
/// one allocation; `Vec`'s niche holds the tag.
#[derive(Debug)]
enum Body {
    /// The key, then the string.
    String(Vec<u8>),
    /// The key of something deleted or expired; empty in a vacant slot.
    Tombstone(Box<[u8]>),
    /// A key and its collection.
    Collection(Box<Keyed>),
}

#[derive(Debug)]
struct Keyed {
    key: Box<[u8]>,
    collection: Collection,
}

/// How a string came to be; only `OBJECT ENCODING` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shape {
    /// As SET stores it: an integer where it reads as one.
    Natural,
    /// A number that is kept as text (INCRBYFLOAT).
    Text,
    /// Changed in place (APPEND, SETRANGE).
    Raw,
}

/// A slot of the table: a key, or nothing when `hash` is zero.
#[derive(Debug)]
pub(crate) struct Entry {
    hash: u64,
    /// The write that made it what it is.
    pub(crate) version: Version,
    /// Unix ms after which a value has expired, or a tombstone is to be swept.
    pub(crate) deadline_ms: u64,
    body: Body,
    key_len: u32,
    shape: Shape,
    /// Low 24 bits of the access clock when it was last used.
    accessed: [u8; 3],
}

impl Entry {
    /// An empty slot.
    pub(super) fn vacant() -> Self {
        Self::with_body(0, 0, Body::Tombstone(Box::default()))
    }

    /// A key that holds a string, in one allocation.
    pub(crate) fn string(hash: u64, key: &[u8], value: &[u8], shape: Shape) -> Self {
        let mut record = Vec::with_capacity(key.len() + value.len());
        record.extend_from_slice(key);
        record.extend_from_slice(value);
        Self {
            shape,
            ..Self::with_body(hash, key.len(), Body::String(record))
        }
    }

    /// A key that holds a collection.
    pub(crate) fn collection(hash: u64, key: &[u8], collection: Collection) -> Self {
        let keyed = Keyed {
            key: key.into(),
            collection,
        };
        Self::with_body(hash, key.len(), Body::Collection(Box::new(keyed)))
    }

    /// A key that was deleted before it came here.
    pub(crate) fn tombstone(hash: u64, key: &[u8]) -> Self {
        Self::with_body(hash, key.len(), Body::Tombstone(key.into()))
    }

    fn with_body(hash: u64, key_len: usize, body: Body) -> Self {
        debug_assert!(u32::try_from(key_len).is_ok());
        Self {
            hash,
            version: Version::NEVER,
            deadline_ms: NEVER_MS,
            body,
            key_len: key_len as u32,
            shape: Shape::Natural,
            accessed: [0; 3],
        }
    }

    /// Where the key stands in the table's order; never zero but for a vacant slot.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.hash == 0
    }

    /// The key.
    pub(crate) fn key(&self) -> &[u8] {
        let record: &[u8] = match &self.body {
            Body::String(record) => record,
            Body::Tombstone(record) => record,
            Body::Collection(keyed) => &keyed.key,
        };
        &record[..self.key_len as usize]
    }

    /// Whether something is here that was not deleted; it may have expired.
    pub(crate) fn holds_value(&self) -> bool {
        !matches!(self.body, Body::Tombstone(_))
    }

    /// Whether its deadline has passed.
    pub(crate) fn is_due(&self, wall_ms: u64) -> bool {
        wall_ms > self.deadline_ms
    }

    /// Whether it holds a value now.
    #[inline]
    pub(crate) fn is_live(&self, wall_ms: u64) -> bool {
        self.holds_value() && !self.is_due(wall_ms)
    }

    /// The string here, if it is one.
    pub(crate) fn as_string(&self) -> Option<&[u8]> {
        match &self.body {
            Body::String(record) => Some(&record[self.key_len as usize..]),
            Body::Tombstone(_) | Body::Collection(_) => None,
        }
    }

    /// The collection here, if it is one.
    pub(crate) fn as_collection(&self) -> Option<&Collection> {
        match &self.body {
            Body::Collection(keyed) => Some(&keyed.collection),
            _ => None,
        }
    }

    /// The collection here, for changes that leave something in it.
    pub(crate) fn as_collection_mut(&mut self) -> Option<&mut Collection> {
        match &mut self.body {
            Body::Collection(keyed) => Some(&mut keyed.collection),
            _ => None,
        }
    }

    /// How the string came to be.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The name `TYPE` gives.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.body {
            Body::String(_) => "string",
            Body::Tombstone(_) => "none",
            Body::Collection(keyed) => keyed.collection.type_name(),
        }
    }

    /// Overwrites a string by one of the same length; whether it could.
    #[inline]
    pub(crate) fn overwrite(&mut self, value: &[u8]) -> bool {
        let Body::String(record) = &mut self.body else {
            return false;
        };
        let old = &mut record[self.key_len as usize..];
        if old.len() != value.len() {
            return false;
        }
        old.copy_from_slice(value);
        self.shape = Shape::Natural;
        true
    }

    /// Replaces whatever is here by a string. Where it fits, nothing is allocated.
    pub(crate) fn set_string(&mut self, value: &[u8], shape: Shape) {
        let key_len = self.key_len as usize;
        self.shape = shape;
        let record = self.make_string();
        let len = key_len + value.len();
        if record.len() == len {
            record[key_len..].copy_from_slice(value);
            return;
        }
        record.truncate(key_len);
        let capacity = record.capacity();
        if capacity < len {
            record.reserve_exact(value.len());
        } else if capacity - len > (capacity / SPARE_SHARE).max(SPARE_MIN) {
            record.shrink_to(len);
        }
        record.extend_from_slice(value);
    }

    /// Adds to the string's end; room grows ahead of need.
    pub(crate) fn append(&mut self, tail: &[u8]) {
        self.shape = Shape::Raw;
        self.make_string().extend_from_slice(tail);
    }

    /// Overwrites from `offset` on; what lies between the old end and `offset` becomes zeros.
    pub(crate) fn set_range(&mut self, offset: usize, value: &[u8]) {
        let start = self.key_len as usize + offset;
        let end = start + value.len();
        self.shape = Shape::Raw;
        let record = self.make_string();
        if record.len() < end {
            record.resize(end, 0);
        }
        record[start..end].copy_from_slice(value);
    }

    /// Replaces whatever is here by a collection.
    pub(crate) fn set_collection(&mut self, collection: Collection) {
        let key = self.take_key();
        self.shape = Shape::Natural;
        self.body = Body::Collection(Box::new(Keyed { key, collection }));
    }

    /// Takes the collection out, if there is one; the key stays as a deleted one's.
    pub(crate) fn take_collection(&mut self) -> Option<Collection> {
        let Body::Collection(_) = &self.body else {
            return None;
        };
        let key = self.take_key();
        match std::mem::replace(&mut self.body, Body::Tombstone(key)) {
            Body::Collection(keyed) => Some(keyed.collection),
            _ => None,
        }
    }

    /// Drops the value and keeps the key.
    pub(crate) fn bury(&mut self) {
        self.body = Body::Tombstone(self.take_key());
    }

    /// The record, the value's part emptied when it was no string.
    fn make_string(&mut self) -> &mut Vec<u8> {
        if !matches!(self.body, Body::String(_)) {
            self.body = Body::String(self.take_key().into_vec());
        }
        match &mut self.body {
            Body::String(record) => record,
            _ => unreachable!("made a string just above"),
        }
    }

    /// The key's bytes; the body is to be replaced.
    fn take_key(&mut self) -> Box<[u8]> {
        match &mut self.body {
            Body::String(record) => {
                record.truncate(self.key_len as usize);
                std::mem::take(record).into_boxed_slice()
            }
            Body::Tombstone(key) => std::mem::take(key),
            Body::Collection(keyed) => std::mem::take(&mut keyed.key),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.body {
            Body::String(record) => record.capacity(),
            Body::Tombstone(key) => key.len(),
            Body::Collection(keyed) => {
                size_of::<Keyed>() + keyed.key.len() + keyed.collection.heap_bytes()
            }
        }
    }

    /// Notes a use.
    pub(crate) fn touch(&mut self, wall_ms: u64) {
        let [_, .., high, middle, low] = (wall_ms >> ACCESS_SHIFT).to_be_bytes();
        self.accessed = [high, middle, low];
    }

    /// Whole seconds since the last use, modulo half a year.
    pub(crate) fn idle_s(&self, wall_ms: u64) -> u64 {
        let [high, middle, low] = self.accessed;
        let used = u64::from(u32::from_be_bytes([0, high, middle, low]));
        let steps = (wall_ms >> ACCESS_SHIFT).wrapping_sub(used) & 0x00ff_ffff;
        (steps << ACCESS_SHIFT) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_within_its_line() {
        assert_eq!(size_of::<Entry>(), 56);
    }

    #[test]
    fn values_of_the_same_size_replace_in_place() {
        let mut entry = Entry::string(1, b"key", b"value", Shape::Natural);
        let before = entry.as_string().unwrap().as_ptr();
        entry.set_string(b"other", Shape::Natural);
        assert_eq!(entry.as_string(), Some(&b"other"[..]));
        assert_eq!(entry.as_string().unwrap().as_ptr(), before);
    }

    #[test]
    fn a_much_smaller_value_gives_room_back() {
        let mut entry = Entry::string(1, b"key", &[7; 4096], Shape::Natural);
        entry.set_string(b"x", Shape::Natural);
        assert!(entry.heap_bytes() < 64);
        assert_eq!(
            (entry.key(), entry.as_string()),
            (&b"key"[..], Some(&b"x"[..]))
        );
    }

    #[test]
    fn a_range_past_the_end_is_filled_with_zeros() {
        let mut entry = Entry::string(1, b"k", b"ab", Shape::Natural);
        entry.set_range(4, b"cd");
        assert_eq!(entry.as_string(), Some(&b"ab\0\0cd"[..]));
        entry.bury();
        assert_eq!((entry.key(), entry.as_string()), (&b"k"[..], None));
        entry.append(b"new");
        assert_eq!(entry.as_string(), Some(&b"new"[..]));
    }

    #[test]
    fn idleness_is_counted_across_the_clock_s_wrap() {
        let mut entry = Entry::string(1, b"k", b"", Shape::Natural);
        let wrap_ms = 1 << (24 + ACCESS_SHIFT);
        entry.touch(wrap_ms - 5_000);
        assert!((9..=11).contains(&entry.idle_s(wrap_ms + 5_000)));
    }
}
