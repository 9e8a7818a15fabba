//! What the choices of a ring cost and bring: every hash and every distribution of the tables.
//!
//! [`Setting`] says what is compared, [`plan`] divides it into units of work, [`journal`] keeps
//! what is done, [`data`] is what came out and what pages are made of. One measurement is one
//! file. [`brief`] is the demo's short form.

mod balance;
mod bounded;
mod brief;
mod cold;
mod counts;
pub(crate) mod data;
mod engine;
mod given;
mod hash_quality;
mod hash_speed;
mod journal;
pub(crate) mod keyset;
mod leaders;
mod lookup_speed;
mod movement;
mod pairs;
mod plan;
mod race;
mod replicas;
mod ring_load;
pub(crate) mod rings;
mod setting;
mod sheets;
mod statistics;
mod table_cost;
mod zipf;

pub(crate) use brief::{Choices, Cost, Figures, PLACINGS_ABOUT, Spread, compare};
pub(crate) use counts::work as count_work;
pub(crate) use engine::run;
pub(crate) use given::Given;
pub(crate) use setting::{Asked, Noun, Setting};
pub(crate) use sheets::{metrics, tables};
