//! The fault timeline: what is done to the servers' processes while the load runs.
//!
//! A [`Timeline`] is read from the command line, [`act`] does it on a thread of its own, and
//! [`judge`] says afterwards what each event did to the load.

pub(crate) mod act;
pub(crate) mod judge;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::objective::{Objective, span_ns};

/// Everything planned for a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// Processes that have names.
    pub nodes: Vec<Node>,
    /// What happens when.
    pub events: Vec<Event>,
    /// What must hold for an event to be over; none: that no request fails or goes unanswered.
    pub objective: Option<Objective>,
}

/// A process with a name, as `n2=1234` or `n2=ringd -c n2.yml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Which process it is.
    pub process: NodeProcess,
}

/// Which process a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeProcess {
    /// One that runs already. It is restarted with its own command line, folder and environment.
    Pid(u32),
    /// A shell's command line: ringload starts it before the load and ends it after.
    Command(String),
}

/// Something that is done at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since measuring began.
    pub at_s: f64,
    /// What is done.
    pub action: Action,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// SIGKILL to a node.
    Kill(String),
    /// SIGTERM to a node.
    Term(String),
    /// SIGSTOP to a node, and SIGCONT after so many ns.
    Pause(String, u64),
    /// Ends a node if it runs, and starts it.
    Restart(String),
    /// Any other words: a shell's command line.
    Shell(String),
}

impl Action {
    /// The node it is done to.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Kill(node) | Self::Term(node) | Self::Pause(node, _) | Self::Restart(node) => {
                Some(node)
            }
            Self::Shell(_) => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(node) => write!(f, "kill {node}"),
            Self::Term(node) => write!(f, "term {node}"),
            Self::Pause(node, ns) => write!(f, "pause {node} {}ms", *ns as f64 / 1e6),
            Self::Restart(node) => write!(f, "restart {node}"),
            Self::Shell(line) => f.write_str(line),
        }
    }
}

/// Why a timeline is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimelineError {
    /// `--node` is not understood.
    #[error("`{0}` is no node: NAME=PID or NAME=COMMAND LINE")]
    Node(String),
    /// An event is done to a node that has no process.
    #[error("`{action}`: there is no --node {node}=…")]
    Unknown {
        /// The event's action.
        action: String,
        /// Its node.
        node: String,
    },
    /// `--at` has no time that makes sense.
    #[error("--at: {0}")]
    Time(String),
    /// Two nodes have one name.
    #[error("two nodes are named `{0}`")]
    Twice(String),
}

impl FromStr for Node {
    type Err = TimelineError;

    fn from_str(text: &str) -> Result<Self, TimelineError> {
        let error = || TimelineError::Node(text.to_owned());
        let (name, process) = text.split_once('=').ok_or_else(error)?;
        if name.is_empty() || name.contains(char::is_whitespace) || process.trim().is_empty() {
            return Err(error());
        }
        let process = match process.trim().parse() {
            Ok(pid) => NodeProcess::Pid(pid),
            Err(_) => NodeProcess::Command(process.trim().to_owned()),
        };
        Ok(Self {
            name: name.to_owned(),
            process,
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            NodeProcess::Pid(pid) => write!(f, "{}={pid}", self.name),
            NodeProcess::Command(line) => write!(f, "{}={line}", self.name),
        }
    }
}

impl Event {
    /// An event from its time and its words. Words that name no action are a shell's.
    pub fn read(at: &str, words: &str) -> Result<Self, TimelineError> {
        let at_ns = span_ns(at).map_err(|error| TimelineError::Time(error.to_string()))?;
        Ok(Self {
            at_s: at_ns as f64 / 1e9,
            action: action(words),
        })
    }
}

fn action(words: &str) -> Action {
    let parts: Vec<&str> = words.split_whitespace().collect();
    match parts[..] {
        ["kill", node] if !node.starts_with('-') && node.parse::<u32>().is_err() => {
            Action::Kill(node.to_owned())
        }
        ["term", node] => Action::Term(node.to_owned()),
        ["restart", node] => Action::Restart(node.to_owned()),
        ["pause", node, time] => span_ns(time).map_or_else(
            |_| Action::Shell(words.to_owned()),
            |ns| Action::Pause(node.to_owned(), ns),
        ),
        _ => Action::Shell(words.to_owned()),
    }
}

impl Timeline {
    /// Refuses what can't be done.
    pub fn check(&self) -> Result<(), TimelineError> {
        for (index, node) in self.nodes.iter().enumerate() {
            if self.nodes[..index]
                .iter()
                .any(|other| other.name == node.name)
            {
                return Err(TimelineError::Twice(node.name.clone()));
            }
        }
        for event in &self.events {
            let known = |name: &str| self.nodes.iter().any(|node| node.name == name);
            if let Some(node) = event.action.node().filter(|node| !known(node)) {
                return Err(TimelineError::Unknown {
                    action: event.action.to_string(),
                    node: node.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The options of the command line that give this.
    pub(crate) fn words(&self) -> Vec<(&'static str, Vec<String>)> {
        let nodes = self
            .nodes
            .iter()
            .map(|node| ("node", vec![node.to_string()]));
        let event = |event: &Event| {
            let at = format!("{}s", event.at_s);
            ("at", vec![at, event.action.to_string()])
        };
        let objective = self
            .objective
            .map(|objective| ("objective", vec![objective.to_string()]));
        nodes
            .chain(self.events.iter().map(event))
            .chain(objective)
            .collect()
    }
}

/// What an event did to the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// Seconds since the start of the load at which it was done.
    pub t_s: f64,
    /// What was done.
    pub text: String,
    /// Why it could not be done.
    pub failure: Option<String>,
    /// Seconds until the load first showed it: a failed request, or a window that missed the
    /// objective; none if it never did before the next event.
    pub detected_after_s: Option<f64>,
    /// Seconds until the objective held again for a second; none if it did not before the next
    /// event.
    pub restored_after_s: Option<f64>,
    /// Requests without a right answer until the next event.
    pub errors: u64,
    /// Acknowledged writes found lost until the next event, where that is looked at.
    pub lost_writes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_and_printed() {
        let node = || "n2".to_owned();
        let cases = [
            ("kill n2", Action::Kill(node())),
            ("term n2", Action::Term(node())),
            ("restart n2", Action::Restart(node())),
            ("pause n2 500ms", Action::Pause(node(), 500_000_000)),
            ("kill -9 77", Action::Shell("kill -9 77".into())),
            ("kill 77", Action::Shell("kill 77".into())),
            ("tc qdisc add", Action::Shell("tc qdisc add".into())),
        ];
        for (words, wanted) in cases {
            assert_eq!(action(words), wanted);
            assert_eq!(wanted.to_string(), words);
        }
    }

    #[test]
    fn nodes_and_times_make_sense_or_are_refused() {
        for text in ["n2=1234", "n2=ringd -c n2.yml --x=1"] {
            assert_eq!(text.parse::<Node>().unwrap().to_string(), text);
        }
        for text in ["n2", "=5", "n2= ", "a b=5"] {
            assert!(text.parse::<Node>().is_err(), "{text}");
        }
        assert!(Event::read("10", "kill n2").is_err());
        let mut timeline = Timeline {
            events: vec![Event::read("1.5s", "kill n2").unwrap()],
            ..Timeline::default()
        };
        assert_eq!(timeline.events[0].at_s, 1.5);
        assert!(timeline.check().is_err());
        timeline.nodes.push("n2=5".parse().unwrap());
        assert_eq!(timeline.check(), Ok(()));
        timeline.nodes.push("n2=6".parse().unwrap());
        assert_eq!(timeline.check(), Err(TimelineError::Twice("n2".into())));
    }
}
