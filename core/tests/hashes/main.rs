//! Hashes against what other programs computed, and how one more is added.
#![cfg(test)]

mod checks;
mod golden;
mod new_hash;
#[path = "../vectors/mod.rs"]
mod vectors;
