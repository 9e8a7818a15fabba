//! ringd: the configuration, threads, signals and admin pages around the core's node.
//!
//! ```text
//!  args + file → settings → topology, node ─→ worker (main thread): the core's reactor
//!                                              ↑ snapshot, shutdown, settings
//!                                             control thread: signals, admin pages (tokio)
//! ```

pub mod admin;
pub mod args;
pub mod control;
pub mod logging;
pub mod metrics;
pub mod notices;
pub mod process;
pub mod reload;
pub mod serve;
pub mod settings;
