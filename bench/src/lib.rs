//! The lab's measured cases.
//!
//! A case is defined once, in [`suites`], and runs in every instrument: `benches/time.rs`
//! (criterion), `benches/instructions.rs` (callgrind), `benches/allocations.rs` (a counting
//! allocator) and `ringlab profile`. Its result is checked in each of them.

pub mod case;
pub mod counting;
pub mod fixtures;
#[cfg(feature = "rivals")]
pub mod hash_rivals;
#[cfg(feature = "rivals")]
pub mod lookup_rivals;
pub mod suites;
