//! Options of the fault timeline, and of whose processor time is followed.

use clap::Args;
use ringlab_loadgen::{Event, Node, Objective, Timeline};

#[derive(Clone, Debug, Args)]
pub(crate) struct FaultArgs {
    /// A server's process by name: NAME=PID, or NAME=COMMAND LINE that ringload starts and ends
    #[arg(long = "node", value_name = "NAME=PROCESS")]
    nodes: Vec<Node>,
    /// Do this so long after measuring began: `kill NODE`, `term NODE`, `pause NODE TIME`,
    /// `restart NODE`, or any shell command
    #[arg(long = "at", num_args = 2, value_names = ["TIME", "WORDS"])]
    events: Vec<String>,
    /// What must hold after an event for it to be over, as p99=5ms
    #[arg(long, value_name = "pN=TIME")]
    pub(crate) objective: Option<Objective>,
    /// Do not ask the servers for their processor time (INFO cpu) where no process is named
    #[arg(long)]
    pub(crate) no_server_info: bool,
}

impl FaultArgs {
    pub(crate) fn timeline(&self) -> anyhow::Result<Timeline> {
        let events = self.events.chunks(2).map(|pair| match pair {
            [at, words] => Event::read(at, words),
            // `num_args = 2` leaves no other.
            _ => Event::read("", ""),
        });
        Ok(Timeline {
            nodes: self.nodes.clone(),
            events: events.collect::<Result<_, _>>()?,
            objective: self.objective,
        })
    }
}
