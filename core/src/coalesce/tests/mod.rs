//! The coalescers' rules, as stories in text and as properties.

mod properties;
mod stories;
