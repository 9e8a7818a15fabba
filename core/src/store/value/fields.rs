//! A hash: fields and their values.

use foldhash::quality::FixedState;
use indexmap::IndexMap;

use super::packed::Element;
use super::{SMALL_COUNT_MAX, SMALL_LEN_MAX};

type Table = IndexMap<Box<[u8]>, Box<[u8]>, FixedState>;

/// Fields in order of their first setting; while they are many, a removal puts the last one in the
/// gap.
#[derive(Clone, Debug)]
pub(in crate::store) struct Fields {
    table: Table,
    /// Bytes of the fields and values.
    payload: usize,
    /// It was not small once; it stays so.
    large: bool,
}

impl Fields {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            table: Table::with_hasher(FixedState::with_seed(seed)),
            payload: 0,
            large: false,
        }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.table.len()
    }

    pub(in crate::store) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.table.get(field).map(|value| &**value)
    }

    /// The field at a position and its value.
    pub(in crate::store) fn at(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let (field, value) = self.table.get_index(index)?;
        Some((field, value))
    }

    pub(in crate::store) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.table.iter().map(|(field, value)| (&**field, &**value))
    }

    /// Gives a field a value; whether it is a new field.
    pub(in crate::store) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        self.large |= field.len().max(value.len()) > SMALL_LEN_MAX;
        if let Some(old) = self.table.get_mut(field) {
            self.payload = self.payload - old.len() + value.len();
            if old.len() == value.len() {
                old.copy_from_slice(value);
            } else {
                *old = value.into();
            }
            return false;
        }
        self.payload += field.len() + value.len();
        self.table.insert(field.into(), value.into());
        self.large |= self.table.len() > SMALL_COUNT_MAX;
        true
    }

    /// Takes a field out; whether it was there.
    pub(in crate::store) fn remove(&mut self, field: &[u8]) -> bool {
        let removed = if self.large {
            self.table.swap_remove_entry(field)
        } else {
            self.table.shift_remove_entry(field)
        };
        let Some((field, value)) = removed else {
            return false;
        };
        self.payload -= field.len() + value.len();
        if self.table.len() < self.table.capacity() / 4 {
            self.table.shrink_to(self.table.len() * 2);
        }
        true
    }

    pub(super) fn encoding(&self) -> &'static str {
        if self.large { "hashtable" } else { "listpack" }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A bucket has the two boxes and the hash; the index has a word for each, and room to grow.
        const PER_SLOT: usize = 2 * size_of::<Box<[u8]>>() + 2 * size_of::<u64>();
        self.payload + self.table.capacity() * PER_SLOT
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl<'a> Extend<[Element<'a>; 2]> for Fields {
    fn extend<T: IntoIterator<Item = [Element<'a>; 2]>>(&mut self, pairs: T) {
        for [field, value] in pairs {
            self.set(field, value);
        }
    }
}
