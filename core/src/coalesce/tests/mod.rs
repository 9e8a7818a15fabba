//! The coalescers' rules, as stories in text and as properties.

mod fragments;
mod properties;
#[cfg(feature = "sim")]
mod sabotage;
mod stories;
