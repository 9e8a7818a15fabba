//! Exit codes, the same for every verb.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes as `--help` tells them.
pub(crate) const CODES: &str = "Exit codes: 0 pass, 1 error, 2 usage, 3 regression, \
                                4 inconclusive, 5 self-test failed";

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing is wrong.
    Pass,
    /// Could not be done. Never a verdict.
    Error,
    /// Asked for in a way that can't be understood.
    Usage,
    /// A measured case is worse than allowed.
    Regression,
    /// The instrument did not see what it must see, or saw what is not there.
    SelfTestFailed,
}

impl Exit {
    /// Prints the error and tells the code it ends with.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if error.downcast_ref().is_some_and(closed) {
            // The reader of our output has seen enough, as `head` does.
            return Self::Pass;
        }
        eprintln!("error: {error:#}");
        if error.is::<Usage>() {
            Self::Usage
        } else {
            Self::Error
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Pass => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::Regression => 3,
            Exit::SelfTestFailed => 5,
        })
    }
}

/// The input or the arguments are wrong, not the work.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
