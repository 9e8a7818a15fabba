//! The run's side: brings all workers to one start, and takes in what they measured.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::FleetConfig;
use super::wire::{Assignment, Message, PROTOCOL, WireError, proof, receive, send};
use crate::check::report::CheckReport;
use crate::clock;
use crate::config::RunConfig;
use crate::worker::FromWorker;

const CONNECT: Duration = Duration::from_secs(5);
/// For anything but the preparation, which may draw long tapes.
const PATIENCE: Duration = Duration::from_secs(30);
const PREPARATION: Duration = Duration::from_secs(600);
const CLOCK_ROUNDS: u32 = 16;
/// Workers hand over a window every quarter of a second, and read all keys in the end.
const SILENCE: Duration = Duration::from_secs(60);
/// From the last word to all workers to the first request.
const LEAD_NS: u64 = 200_000_000;

struct Host {
    name: String,
    stream: TcpStream,
    /// Its clock less this one.
    offset: i64,
}

/// All workers of a run.
pub(crate) struct Fleet {
    hosts: Vec<Host>,
    /// Each takes in one worker's windows, and in the end what its check found.
    followers: Vec<JoinHandle<Option<CheckReport>>>,
}

/// A worker that failed, and how.
#[derive(Debug, thiserror::Error)]
#[error("worker {host}: {error}")]
pub struct HostFailure {
    host: String,
    error: WireError,
}

impl Fleet {
    /// Connects to every worker, and has each prepare its part.
    pub(crate) fn prepare(
        config: &RunConfig,
        preloaded_since: Option<u64>,
    ) -> Result<Self, HostFailure> {
        let mut hosts = Vec::new();
        for name in &config.fleet.hosts {
            let fail = |error| HostFailure {
                host: name.clone(),
                error,
            };
            let token = config.fleet.token.as_ref().map_or("", |token| &token.0);
            hosts.push(Host::connect(name, token).map_err(fail)?);
        }
        let mut fleet = Self {
            hosts,
            followers: Vec::new(),
        };
        // Counted by the configuration's check.
        let count = fleet.hosts.len() as u32;
        let share = |index: u32| config.workers * index / count;
        fleet.each(|index, host| {
            let first = share(index);
            host.assign(config, (first, share(index + 1) - first), preloaded_since)
        })?;
        fleet.each(|_, host| {
            host.stream.set_read_timeout(Some(PREPARATION))?;
            host.expect(|message| matches!(message, Message::Ready))?;
            Ok(host.stream.set_read_timeout(Some(SILENCE))?)
        })?;
        Ok(fleet)
    }

    fn each(
        &mut self,
        mut act: impl FnMut(u32, &mut Host) -> Result<(), WireError>,
    ) -> Result<(), HostFailure> {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            act(index as u32, host).map_err(|error| HostFailure {
                host: host.name.clone(),
                error,
            })?;
        }
        Ok(())
    }

    /// Starts all at one instant, which is returned, and sends their windows to `windows`.
    pub(crate) fn begin(&mut self, windows: &Sender<FromWorker>) -> Result<u64, HostFailure> {
        let start = clock::now() + LEAD_NS;
        self.each(|_, host| {
            let at = start.saturating_add_signed(host.offset);
            send(&mut host.stream, &Message::Start { at })
        })?;
        for (index, host) in self.hosts.iter().enumerate() {
            let failure = |error: std::io::Error| HostFailure {
                host: host.name.clone(),
                error: error.into(),
            };
            let mut stream = host.stream.try_clone().map_err(failure)?;
            let (windows, name) = (windows.clone(), host.name.clone());
            self.followers.push(std::thread::spawn(move || {
                let followed = follow(&mut stream, index, start, &windows);
                followed.unwrap_or_else(|error| {
                    let failure = HostFailure { host: name, error };
                    // Without a conductor there is nobody to tell.
                    windows.send(Err(std::io::Error::other(failure))).ok();
                    None
                })
            }));
        }
        Ok(start)
    }

    /// What the workers' checks found, all together, once they have told.
    pub(crate) fn finish(&mut self) -> Option<CheckReport> {
        let told = self.followers.drain(..).map(JoinHandle::join);
        told.filter_map(|report| report.ok().flatten())
            .reduce(|mut sum, report| {
                sum.add(&report);
                sum
            })
    }

    /// Tells all which window is not to begin any more.
    pub(crate) fn stop(&mut self, window: u64) {
        for host in &mut self.hosts {
            // A worker that does not hear it will be missed soon.
            send(&mut host.stream, &Message::StopAt { window }).ok();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }
}

impl Host {
    fn connect(name: &str, token: &str) -> Result<Self, WireError> {
        let address = name.to_socket_addrs()?.next();
        let address = address.ok_or_else(|| WireError::Failed("no such host".into()))?;
        let stream = TcpStream::connect_timeout(&address, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut host = Self {
            name: name.to_owned(),
            stream,
            offset: 0,
        };
        let nonce = match receive(&mut host.stream)? {
            Message::Hello { protocol, nonce } if protocol == PROTOCOL => nonce,
            Message::Hello { protocol, .. } => return Err(WireError::Version(protocol)),
            other => return Err(WireError::Unexpected(format!("{other:?}"))),
        };
        let proof = Message::Proof {
            protocol: PROTOCOL,
            proof: proof(token, &nonce),
        };
        send(&mut host.stream, &proof)?;
        host.expect(|message| matches!(message, Message::Welcome))?;
        host.offset = host.measure_offset()?;
        Ok(host)
    }

    fn expect(&mut self, wanted: fn(&Message) -> bool) -> Result<(), WireError> {
        let message = receive(&mut self.stream)?;
        if wanted(&message) {
            Ok(())
        } else {
            Err(WireError::Unexpected(format!("{message:?}")))
        }
    }

    /// The worker's clock less this one, by the exchange that took least: it is off by no more
    /// than half of that one's time.
    fn measure_offset(&mut self) -> Result<i64, WireError> {
        let mut best = (u64::MAX, 0);
        for _ in 0..CLOCK_ROUNDS {
            let sent = clock::now();
            send(&mut self.stream, &Message::Clock { now: sent })?;
            let there = match receive(&mut self.stream)? {
                Message::Clock { now } => now,
                other => return Err(WireError::Unexpected(format!("{other:?}"))),
            };
            let took = clock::now() - sent;
            let middle = sent + took / 2;
            best = best.min((took, there.wrapping_sub(middle).cast_signed()));
        }
        Ok(best.1)
    }

    fn assign(
        &mut self,
        config: &RunConfig,
        threads: (u32, u32),
        preloaded_since: Option<u64>,
    ) -> Result<(), WireError> {
        let password = config.link.password.as_ref().map(|secret| secret.0.clone());
        let assignment = Assignment {
            config: RunConfig {
                preload: false,
                fleet: FleetConfig::default(),
                server_pids: Vec::new(),
                mark_file: None,
                ..config.clone()
            },
            password,
            preloaded_ns: preloaded_since.map(|since| clock::now() - since),
            threads,
        };
        send(&mut self.stream, &Message::Prepare(Box::new(assignment)))
    }
}

/// Passes on the windows of one worker until its last.
fn follow(
    stream: &mut TcpStream,
    index: usize,
    start: u64,
    windows: &Sender<FromWorker>,
) -> Result<Option<CheckReport>, WireError> {
    loop {
        match receive(stream)? {
            Message::Window(row) => {
                let window = row.window(start);
                if windows.send(Ok((index, Box::new(window)))).is_err() {
                    return Ok(None);
                }
            }
            Message::Done { check } => return Ok(check),
            other => return Err(WireError::Unexpected(format!("{other:?}"))),
        }
    }
}
