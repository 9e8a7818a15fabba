//! The commands by the type of value they work on, one file a type.

pub(super) mod string;
