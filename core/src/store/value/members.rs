//! A set: members, each once.

use foldhash::quality::FixedState;
use indexmap::IndexSet;

use super::packed::Element;
use super::{SMALL_COUNT_MAX, SMALL_LEN_MAX};
use crate::resp::number::parse_i64;

type Table = IndexSet<Box<[u8]>, FixedState>;

/// Integers up to which a set of nothing else has the encoding `intset`: Redis'
/// `set-max-intset-entries`.
const INTEGERS_MAX: usize = 512;

/// What Redis would keep the set as; it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Encoding {
    Integers,
    Table,
}

/// Members in order of their coming; while they are many, a removal puts the last one in the gap.
#[derive(Clone, Debug)]
pub(in crate::store) struct Members {
    table: Table,
    /// Bytes of the members.
    payload: usize,
    encoding: Encoding,
}

impl Members {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            table: Table::with_hasher(FixedState::with_seed(seed)),
            payload: 0,
            encoding: Encoding::Integers,
        }
    }

    /// An empty set whose table is seeded as this one's.
    pub(in crate::store) fn emptied(&self) -> Self {
        Self {
            table: Table::with_hasher(self.table.hasher().clone()),
            payload: 0,
            encoding: Encoding::Integers,
        }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.table.len()
    }

    pub(in crate::store) fn contains(&self, member: &[u8]) -> bool {
        self.table.contains(member)
    }

    /// The member at a position.
    pub(in crate::store) fn at(&self, index: usize) -> Option<&[u8]> {
        self.table.get_index(index).map(|member| &**member)
    }

    pub(in crate::store) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.table.iter().map(|member| &**member)
    }

    /// Takes a member in; whether it was not there.
    pub(in crate::store) fn insert(&mut self, member: &[u8]) -> bool {
        if self.table.contains(member) {
            return false;
        }
        self.payload += member.len();
        self.table.insert(member.into());
        if self.table.len() > INTEGERS_MAX || parse_i64(member).is_none() {
            self.encoding = Encoding::Table;
        }
        true
    }

    /// Takes a member out; whether it was there.
    pub(in crate::store) fn remove(&mut self, member: &[u8]) -> bool {
        let removed = if self.is_small() {
            self.table.shift_take(member)
        } else {
            self.table.swap_take(member)
        };
        let Some(member) = removed else {
            return false;
        };
        self.payload -= member.len();
        if self.table.len() < self.table.capacity() / 4 {
            self.table.shrink_to(self.table.len() * 2);
        }
        true
    }

    fn is_small(&self) -> bool {
        self.table.len() <= SMALL_COUNT_MAX && self.payload <= SMALL_COUNT_MAX * SMALL_LEN_MAX
    }

    pub(super) fn encoding(&self) -> &'static str {
        match self.encoding {
            Encoding::Integers => "intset",
            Encoding::Table => "hashtable",
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A bucket has the box and the hash; the index has a word for each, and room to grow.
        const PER_SLOT: usize = size_of::<Box<[u8]>>() + 2 * size_of::<u64>();
        self.payload + self.table.capacity() * PER_SLOT
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Members {}

impl<'a> Extend<[Element<'a>; 1]> for Members {
    fn extend<T: IntoIterator<Item = [Element<'a>; 1]>>(&mut self, members: T) {
        for [member] in members {
            self.insert(member);
        }
    }
}
