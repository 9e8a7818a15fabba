//! Options of the check.

use clap::Args;
use ringlab_loadgen::CheckConfig;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Check")]
pub(crate) struct CheckArgs {
    /// Check that what is read is what was written: corrupt, another key's, lost, older, back in
    /// time or resurrected values, under load and once more for every key when it is over
    #[arg(long)]
    check: bool,
    /// Milliseconds by which a read may be behind the last acknowledged write
    #[arg(long, value_name = "MS", default_value_t = 0)]
    check_older_ms: u32,
    /// Keys, about, whose whole history is judged as an atomic register's
    #[arg(long, value_name = "KEYS", default_value_t = 0)]
    check_histories: u32,
}

impl CheckArgs {
    pub(crate) fn config(&self) -> Option<CheckConfig> {
        self.check.then_some(CheckConfig {
            older_ms_max: self.check_older_ms,
            histories: self.check_histories,
            run: 0,
        })
    }
}
