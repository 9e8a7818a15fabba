//! The coalescers' rules, as stories in text and as properties.

mod fragments;
mod properties;
mod stories;
