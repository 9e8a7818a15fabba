//! The commands by the type of value they work on, one file a type.

pub(super) mod hash;
pub(super) mod list;
mod sample;
mod scan;
pub(super) mod set;
pub(super) mod sorted;
pub(super) mod string;
