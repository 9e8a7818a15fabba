//! Does what a timeline says: signals, restarts and commands, on a thread of its own.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::judge::Done;
use super::{Action, Node, NodeProcess, Timeline};
use crate::clock;
use crate::marks::Marks;

/// How long a node that was started may take until its endpoint accepts.
const READY_MAX: Duration = Duration::from_secs(10);
/// How long a process may take to end.
const END_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// A node and its present process.
#[derive(Debug)]
struct Actor {
    name: String,
    recipe: Recipe,
    /// Its process now; the last one if it ended.
    pid: u32,
    child: Option<Child>,
}

/// How a process is started anew.
#[derive(Clone, Debug)]
enum Recipe {
    Shell(String),
    Exact {
        program: PathBuf,
        /// Its own name first: a program may go by it.
        words: Vec<OsString>,
        folder: PathBuf,
        environment: Vec<(OsString, OsString)>,
    },
}

/// All nodes. Those that ringload started it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Cast {
    actors: Mutex<Vec<Actor>>,
}

impl Cast {
    /// Finds the processes that run, and starts the others; waits until `endpoints` accept.
    pub(crate) fn gather(nodes: &[Node], endpoints: &[String]) -> io::Result<Self> {
        let actors: io::Result<Vec<Actor>> = nodes.iter().map(Actor::of).collect();
        let cast = Self {
            actors: Mutex::new(actors?),
        };
        let started = |node: &Node| matches!(node.process, NodeProcess::Command(_));
        if nodes.iter().any(started) {
            for endpoint in endpoints.iter().filter(|name| !name.starts_with("unix:")) {
                wait_for(READY_MAX, || accepts(endpoint));
            }
        }
        Ok(cast)
    }

    /// Names and present processes.
    pub(crate) fn pids(&self) -> Vec<(String, u32)> {
        let actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        actors
            .iter()
            .map(|actor| (actor.name.clone(), actor.pid))
            .collect()
    }

    fn with(&self, name: &str, act: impl FnOnce(&mut Actor) -> io::Result<()>) -> io::Result<()> {
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        let actor = actors.iter_mut().find(|actor| actor.name == name);
        actor.map_or_else(|| Err(io::Error::other(format!("no node {name}"))), act)
    }
}

fn accepts(endpoint: &str) -> bool {
    let addresses = endpoint.to_socket_addrs().into_iter().flatten();
    addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok())
}

/// Looks again and again until something holds; false if it takes too long.
fn wait_for(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    while !holds() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

impl Actor {
    fn of(node: &Node) -> io::Result<Self> {
        let name = node.name.clone();
        match &node.process {
            NodeProcess::Pid(pid) => Ok(Self {
                recipe: Recipe::of(*pid).map_err(|error| {
                    io::Error::other(format!("node {name}: process {pid}: {error}"))
                })?,
                name,
                pid: *pid,
                child: None,
            }),
            NodeProcess::Command(line) => {
                let mut actor = Self {
                    name,
                    recipe: Recipe::Shell(line.clone()),
                    pid: 0,
                    child: None,
                };
                actor.start()?;
                Ok(actor)
            }
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let mut command = match &self.recipe {
            Recipe::Shell(line) => {
                let mut command = Command::new("sh");
                // `exec`, so that the process is the server and not a shell beside it.
                command.arg("-c").arg(format!("exec {line}"));
                command
            }
            Recipe::Exact {
                program,
                words,
                folder,
                environment,
            } => {
                let mut command = Command::new(program);
                if let Some(name) = words.first() {
                    command.arg0(name);
                }
                command.args(words.iter().skip(1));
                command.current_dir(folder).env_clear();
                command.envs(environment.iter().map(|(name, value)| (name, value)));
                command
            }
        };
        // A group of its own: Ctrl-C at the terminal is for ringload.
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        self.pid = child.id();
        self.child = Some(child);
        Ok(())
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.is_gone() {
            return Err(io::Error::other("the process is gone"));
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no such process"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// True once it ended, also if somebody else has to collect it.
    fn is_gone(&mut self) -> bool {
        if let Some(child) = &mut self.child {
            return !matches!(child.try_wait(), Ok(None));
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid));
        let state = stat.ok().and_then(|stat| {
            let rest = stat[stat.rfind(')')? + 1..].trim_start().to_owned();
            rest.chars().next()
        });
        state.is_none_or(|state| state == 'Z' || state == 'X')
    }

    fn restart(&mut self) -> io::Result<()> {
        if !self.is_gone() {
            self.signal(Signal::TERM)?;
            if !wait_for(END_MAX, || self.is_gone()) {
                self.signal(Signal::KILL)?;
                wait_for(END_MAX, || self.is_gone());
            }
        }
        self.start()
    }
}

impl Recipe {
    fn of(pid: u32) -> io::Result<Self> {
        let file = |name: &str| fs::read(format!("/proc/{pid}/{name}"));
        let words = |bytes: Vec<u8>| -> Vec<OsString> {
            let mut words: Vec<OsString> = bytes
                .split(|&byte| byte == 0)
                .map(|word| OsString::from_vec(word.to_vec()))
                .collect();
            // The last word ends with a zero too.
            words.pop();
            words
        };
        let variable = |word: OsString| {
            let bytes = word.into_vec();
            let end = bytes.iter().position(|&byte| byte == b'=')?;
            let (name, value) = bytes.split_at(end);
            Some((
                OsString::from_vec(name.to_vec()),
                OsString::from_vec(value[1..].to_vec()),
            ))
        };
        Ok(Self::Exact {
            program: fs::read_link(format!("/proc/{pid}/exe"))?,
            words: words(file("cmdline")?),
            folder: fs::read_link(format!("/proc/{pid}/cwd"))?,
            environment: words(file("environ")?)
                .into_iter()
                .filter_map(variable)
                .collect(),
        })
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        for actor in actors.iter_mut() {
            let ours = matches!(actor.recipe, Recipe::Shell(_));
            if let Some(child) = actor.child.as_mut().filter(|_| ours) {
                // One that is gone already needs neither.
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}

/// The thread that acts.
#[derive(Debug)]
pub(crate) struct Stage {
    over: Arc<AtomicBool>,
    done: Arc<Mutex<Vec<Done>>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// Acts from `measure_from` (monotonic ns) on; `load_start` is what times are told from.
    pub(crate) fn open(
        timeline: &Timeline,
        cast: &Arc<Cast>,
        marks: &Marks,
        (measure_from, load_start): (u64, u64),
    ) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let done = Arc::new(Mutex::new(Vec::new()));
        let steps = steps(timeline, measure_from);
        let (flag, told) = (Arc::clone(&over), Arc::clone(&done));
        let (cast, marks) = (Arc::clone(cast), marks.clone());
        let thread = std::thread::Builder::new()
            .name("faults".into())
            .spawn(move || {
                for (at, step) in steps {
                    // A node must not stay frozen because the load is over.
                    let in_time = sleep_until(at, &flag);
                    if !in_time && matches!(step, Step::Act(_)) {
                        continue;
                    }
                    let text = step.to_string();
                    let t_s = clock::now().saturating_sub(load_start) as f64 / 1e9;
                    marks.mark(&text);
                    let failure = step.act(&cast).err().map(|error| error.to_string());
                    if let Some(failure) = &failure {
                        marks.mark(&format!("{text}: {failure}"));
                    }
                    if let Step::Act(_) = step {
                        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                        told.push(Done { t_s, text, failure });
                    }
                }
            })?;
        Ok(Self {
            over,
            done,
            thread: Some(thread),
        })
    }

    /// Ends it; what was done, in order.
    pub(crate) fn close(mut self) -> Vec<Done> {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut done)
    }
}

/// False if it is over before.
fn sleep_until(at: u64, over: &AtomicBool) -> bool {
    loop {
        let left = at.saturating_sub(clock::now());
        if over.load(Ordering::Relaxed) {
            return false;
        }
        if left == 0 {
            return true;
        }
        std::thread::sleep(Duration::from_nanos(left).min(LOOK));
    }
}

/// One thing to do; a pause is two.
#[derive(Debug)]
enum Step {
    Act(Action),
    GoOn(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Act(action) => write!(f, "{action}"),
            Self::GoOn(node) => write!(f, "{node} goes on"),
        }
    }
}

/// What to do when (monotonic ns), in order.
fn steps(timeline: &Timeline, measure_from: u64) -> Vec<(u64, Step)> {
    let mut steps = Vec::new();
    for event in &timeline.events {
        let at = measure_from + (event.at_s * 1e9) as u64;
        steps.push((at, Step::Act(event.action.clone())));
        if let Action::Pause(node, ns) = &event.action {
            steps.push((at + ns, Step::GoOn(node.clone())));
        }
    }
    steps.sort_by_key(|(at, _)| *at);
    steps
}

impl Step {
    fn act(&self, cast: &Cast) -> io::Result<()> {
        let signal = |node: &str, signal| cast.with(node, |actor| actor.signal(signal));
        match self {
            Self::GoOn(node) => signal(node, Signal::CONT),
            Self::Act(Action::Kill(node)) => signal(node, Signal::KILL),
            Self::Act(Action::Term(node)) => signal(node, Signal::TERM),
            Self::Act(Action::Pause(node, _)) => signal(node, Signal::STOP),
            Self::Act(Action::Restart(node)) => cast.with(node, Actor::restart),
            Self::Act(Action::Shell(line)) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(line).stdin(Stdio::null());
                let status = shell.stdout(Stdio::null()).status()?;
                if status.success() {
                    Ok(())
                } else {
                    Err(io::Error::other(format!("ended with {status}")))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;

    fn state(pid: u32) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat[stat.rfind(')')? + 1..].trim_start().chars().next()
    }

    fn cast(node: &str) -> Cast {
        Cast::gather(&[node.parse().unwrap()], &[]).unwrap()
    }

    fn act_now(cast: &Cast, words: &str) -> io::Result<()> {
        let event = Event::read("0s", words).unwrap();
        Step::Act(event.action).act(cast)
    }

    fn is_gone(cast: &Cast, name: &str) -> bool {
        let mut gone = false;
        let look = |actor: &mut Actor| {
            gone = actor.is_gone();
            Ok(())
        };
        cast.with(name, look).unwrap();
        gone
    }

    #[test]
    fn nodes_of_ours_are_killed_restarted_and_ended() {
        let cast = cast("n2=sleep 600");
        let first = cast.pids()[0].1;
        act_now(&cast, "kill n2").unwrap();
        assert!(wait_for(END_MAX, || is_gone(&cast, "n2")));
        assert!(act_now(&cast, "kill n2").is_err(), "it is gone");
        act_now(&cast, "restart n2").unwrap();
        let second = cast.pids()[0].1;
        assert_ne!(first, second);
        assert!(matches!(state(second), Some('S' | 'R' | 'D')));
        drop(cast);
        assert_eq!(state(second), None);
    }

    #[test]
    fn a_process_of_others_is_restarted_with_its_own_words() {
        let mut other = Command::new("sleep")
            .arg("601")
            .env("RINGLOAD_TEST", "x=y")
            .current_dir("/")
            .spawn()
            .unwrap();
        // Its words are there a moment after it started.
        let words = format!("/proc/{}/cmdline", other.id());
        assert!(wait_for(END_MAX, || fs::read(&words)
            .is_ok_and(|words| words.ends_with(b"601\0"))));
        let cast = cast(&format!("n1={}", other.id()));
        other.kill().unwrap();
        other.wait().unwrap();
        act_now(&cast, "restart n1").unwrap();
        let pid = cast.pids()[0].1;
        let file = |name: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert!(wait_for(END_MAX, || file("cmdline").ends_with("sleep\x00601\x00")));
        assert!(file("environ").contains("RINGLOAD_TEST=x=y"));
        assert_eq!(
            fs::read_link(format!("/proc/{pid}/cwd")).unwrap(),
            PathBuf::from("/")
        );
        act_now(&cast, "kill n1").unwrap();
    }

    #[test]
    fn a_pause_stops_and_goes_on_and_a_command_tells_its_failure() {
        let cast = Arc::new(cast("n3=sleep 602"));
        let pid = cast.pids()[0].1;
        let timeline = Timeline {
            events: vec![Event::read("0s", "pause n3 600s").unwrap()],
            ..Timeline::default()
        };
        let now = clock::now();
        let stage = Stage::open(&timeline, &cast, &Marks::default(), (now, now)).unwrap();
        assert!(wait_for(END_MAX, || state(pid) == Some('T')));
        assert_eq!(stage.close()[0].text, "pause n3 600000ms");
        assert!(
            wait_for(END_MAX, || state(pid) != Some('T')),
            "the end lets it go on"
        );
        act_now(&cast, "true").unwrap();
        let failure = act_now(&cast, "exit 7").unwrap_err().to_string();
        assert!(failure.contains('7'), "{failure}");
    }

    #[test]
    fn a_stage_acts_in_order_and_closes_at_once() {
        let timeline = Timeline {
            events: vec![
                Event::read("600s", "true").unwrap(),
                Event::read("30ms", "false").unwrap(),
            ],
            ..Timeline::default()
        };
        let marks = Marks::default();
        let now = clock::now();
        let cast = Arc::new(Cast::gather(&[], &[]).unwrap());
        let stage = Stage::open(&timeline, &cast, &marks, (now, now)).unwrap();
        assert!(wait_for(END_MAX, || !stage.done.lock().unwrap().is_empty()));
        let done = stage.close();
        assert_eq!(done.len(), 1);
        assert!(done[0].text == "false" && done[0].failure.is_some() && done[0].t_s >= 0.03);
        assert_eq!(marks.take()[0].1, "false");
    }
}
