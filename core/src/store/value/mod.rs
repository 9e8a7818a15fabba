//! Values that are more than a string: one file a type, one variant here.
//!
//! A collection keeps the order in which a replica saw its changes, never one that depends on a
//! hash: replicas that agree give the same bytes. It is never empty while a key holds it.

mod fields;
mod list;
mod members;
mod packed;
mod scores;

pub(super) use fields::Fields;
pub(super) use list::{End, List};
pub(super) use members::Members;
pub use packed::UnpackError;
pub(super) use scores::Scores;

/// Elements up to which a collection is small: its encoding has the compact name, and removals
/// keep the order of what stays. Redis' `hash-max-listpack-entries` and `zset-max-listpack-entries`.
pub(super) const SMALL_COUNT_MAX: usize = 128;
/// Longest element of a small collection, in bytes. Redis' `hash-max-listpack-value`.
const SMALL_LEN_MAX: usize = 64;

/// What a key holds when that is no string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection(Body);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Hash(Fields),
    List(List),
    Set(Members),
    Sorted(Scores),
}

/// A type of collection, as handlers ask for it.
pub(super) trait Typed: Sized {
    /// An empty one; `seed` keeps the table's hashes unknown to clients.
    fn new(seed: u64) -> Self;
    /// Whether nothing is in it: then its key goes.
    fn is_empty(&self) -> bool;
    fn of(collection: &Collection) -> Option<&Self>;
    fn of_mut(collection: &mut Collection) -> Option<&mut Self>;
    fn into_collection(self) -> Collection;
}

macro_rules! typed {
    ($type:ty, $variant:ident) => {
        impl Typed for $type {
            fn new(seed: u64) -> Self {
                Self::with_seed(seed)
            }

            fn is_empty(&self) -> bool {
                self.len() == 0
            }

            fn of(collection: &Collection) -> Option<&Self> {
                match &collection.0 {
                    Body::$variant(value) => Some(value),
                    _ => None,
                }
            }

            fn of_mut(collection: &mut Collection) -> Option<&mut Self> {
                match &mut collection.0 {
                    Body::$variant(value) => Some(value),
                    _ => None,
                }
            }

            fn into_collection(self) -> Collection {
                Collection(Body::$variant(self))
            }
        }
    };
}

typed!(Fields, Hash);
typed!(List, List);
typed!(Members, Set);
typed!(Scores, Sorted);

impl Collection {
    /// The name `TYPE` gives.
    pub(super) fn type_name(&self) -> &'static str {
        match &self.0 {
            Body::Hash(_) => "hash",
            Body::List(_) => "list",
            Body::Set(_) => "set",
            Body::Sorted(_) => "zset",
        }
    }

    /// The name `OBJECT ENCODING` gives: what Redis would keep.
    pub(super) fn encoding(&self) -> &'static str {
        match &self.0 {
            Body::Hash(fields) => fields.encoding(),
            Body::List(_) => "quicklist",
            Body::Set(members) => members.encoding(),
            Body::Sorted(scores) => scores.encoding(),
        }
    }

    /// Bytes on the heap, as far as they can be told without asking the allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Body::Hash(fields) => fields.heap_bytes(),
            Body::List(list) => list.heap_bytes(),
            Body::Set(members) => members.heap_bytes(),
            Body::Sorted(scores) => scores.heap_bytes(),
        }
    }
}
