//! Real processes, from outside: the `redis` crate, raw sockets and signals against `ringd`.

mod admin;
mod configuration;
mod distributions;
mod ring;
mod ringd;
mod signals;
mod single;
