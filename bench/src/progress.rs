//! What is going on, told on standard error: a line a step, and a clock only for a person.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// A step under way.
#[derive(Debug)]
pub(crate) struct Step {
    what: String,
    began: Instant,
}

/// Tells that a step begins.
pub(crate) fn step(what: impl Into<String>) -> Step {
    let what = what.into();
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K  {what} …");
    } else {
        eprintln!("  {what}");
    }
    Step {
        what,
        began: Instant::now(),
    }
}

impl Step {
    /// Tells that it is done.
    pub(crate) fn done(self) -> Duration {
        let took = self.began.elapsed();
        if std::io::stderr().is_terminal() {
            eprintln!("\r\x1b[K  {} ({:.1} s)", self.what, took.as_secs_f64());
        }
        took
    }
}
