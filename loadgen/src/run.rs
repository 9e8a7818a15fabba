//! One load from configuration to report: starts the workers and decides what is measured.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Token;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clock;
use crate::config::{ConfigError, RunConfig};
use crate::connection::Connection;
use crate::dial::{Client, DialError, Dialer};
use crate::encode::Encoder;
use crate::inserts::Inserts;
use crate::late::Late;
use crate::live::Observer;
use crate::marks::Marks;
use crate::preload::{PreloadError, preload};
use crate::record::Record;
use crate::report::RunReport;
use crate::schedule::Schedule;
use crate::tape::{Seat, Tape, is_late};
use crate::tls::TlsError;
use crate::window::Window;
use crate::worker::{Channel, FromWorker, Orders, Worker};

/// From the last thread's start to the first request.
const LEAD_NS: u64 = 20_000_000;
/// Workers hand over a window every quarter of a second; this much silence is a failure.
const WORKER_SILENCE: Duration = Duration::from_secs(60);

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An endpoint does not answer.
    #[error("cannot connect to {endpoint}: {error}")]
    Connect {
        /// `host:port`.
        endpoint: String,
        /// What the system says, or the server.
        error: DialError,
    },
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys could not be written.
    #[error("preload: {0}")]
    Preload(#[from] PreloadError),
    /// The client itself failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A worker ended without its last window.
    #[error("a worker ended early")]
    Worker,
}

/// Runs one load. `marks` may be told of events meanwhile, `observer` sees its progress.
pub fn run(
    config: &RunConfig,
    marks: &Marks,
    observer: &mut dyn Observer,
) -> Result<RunReport, RunError> {
    config.check()?;
    raise_file_limit(config.connections);
    let encoder = Encoder::new(config)?;
    let mut preloaded = None;
    if config.preload {
        observer.preloading(config.keys.count);
        let mut client = connect(&Dialer::new(&config.link)?, &config.endpoints[0])?;
        preloaded = Some(preload(&mut client, &encoder, config)?);
    }
    let names: Vec<String> = encoder
        .commands()
        .all
        .iter()
        .map(|c| c.name.clone())
        .collect();
    let crew = Crew::start(config, &encoder)?;
    let conductor = Conductor {
        config,
        marks,
        observer,
        record: Record::new(config, names, crew.start),
        crew,
    };
    Ok(RunReport {
        preload: preloaded,
        ..conductor.conduct()?
    })
}

/// Asks for as many open files as the connections need; where that is refused, connecting says so.
fn raise_file_limit(connections: u32) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::from(connections) + 64;
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current,
                maximum: limit.maximum,
            },
        )
        .ok();
    }
}

fn connect(dialer: &Dialer, endpoint: &str) -> Result<Client, RunError> {
    dialer.dial(endpoint).map_err(|error| RunError::Connect {
        endpoint: endpoint.to_owned(),
        error,
    })
}

/// The workers' threads and the channels to them.
struct Crew {
    threads: Vec<JoinHandle<()>>,
    windows: Receiver<FromWorker>,
    spares: Vec<Sender<Box<Window>>>,
    stop_at: Arc<AtomicU64>,
    start: u64,
}

impl Crew {
    fn start(config: &RunConfig, encoder: &Encoder) -> Result<Self, RunError> {
        let (sender, windows) = channel();
        let stop_at = Arc::new(AtomicU64::new(u64::MAX));
        let dialer = Arc::new(Dialer::new(&config.link)?);
        let mut spares = Vec::new();
        let mut workers = Vec::new();
        let inserts = is_late(config, encoder).then(|| Arc::new(Inserts::after(config.keys.count)));
        for worker in 0..config.workers {
            let (spare, returned) = channel();
            spares.push(spare);
            let channel = Channel {
                worker: worker as usize,
                windows: sender.clone(),
                spares: returned,
                stop_at: Arc::clone(&stop_at),
            };
            let connections = connections((config, encoder), &dialer, worker)?;
            let mut orders = orders(config, worker);
            orders.late = inserts
                .as_ref()
                .map(|inserts| Late::new(&config.keys, Arc::clone(inserts)));
            workers.push(Worker::new(orders, connections, encoder.clone(), channel)?);
        }
        let start = clock::now() + LEAD_NS;
        let spawn = |(index, worker): (usize, Worker)| {
            let name = format!("load-{index}");
            let sender = sender.clone();
            std::thread::Builder::new().name(name).spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| worker.run(start)));
                let panicked = |_| Err(io::Error::other("a worker panicked"));
                if let Err(error) = outcome.unwrap_or_else(panicked) {
                    // Without a conductor there is nobody to tell.
                    sender.send(Err(error)).ok();
                }
            })
        };
        let threads = workers
            .into_iter()
            .enumerate()
            .map(spawn)
            .collect::<io::Result<_>>()?;
        Ok(Self {
            threads,
            windows,
            spares,
            stop_at,
            start,
        })
    }

    fn receive(&mut self) -> Result<(usize, Box<Window>), RunError> {
        let failed = match self.windows.recv_timeout(WORKER_SILENCE) {
            Ok(Ok(arrived)) => return Ok(arrived),
            Ok(Err(error)) => RunError::Io(error),
            Err(_) => RunError::Worker,
        };
        self.stop_at.store(0, Ordering::Relaxed);
        Err(failed)
    }

    /// Waits for the threads, all of which have sent their last window.
    fn join(self) {
        for thread in self.threads {
            // What a worker has to say, it has said by the channel.
            thread.join().ok();
        }
    }
}

/// A worker's share of the connections. All are dealt to endpoints in turn, and a worker has
/// neighbours, so that each worker reaches as many endpoints as it can.
fn connections(
    (config, encoder): (&RunConfig, &Encoder),
    dialer: &Arc<Dialer>,
    worker: u32,
) -> Result<Vec<Connection>, RunError> {
    let requests = requests_each(config);
    let share = |worker: u32| {
        let upto = u64::from(config.connections) * u64::from(worker) / u64::from(config.workers);
        // At most `connections`.
        upto as usize
    };
    let open = |(token, number): (usize, usize)| {
        let endpoint = number % config.endpoints.len();
        let name = config.endpoints[endpoint].as_str();
        let client = connect(dialer, name)?;
        let seat = Seat {
            // At most `connections`.
            connection: number as u32,
            requests,
        };
        Ok(Connection::open(
            client,
            (endpoint, name),
            Token(token),
            dialer,
            Tape::draw(config, encoder, seat),
        )?)
    };
    (share(worker)..share(worker + 1))
        .enumerate()
        .map(open)
        .collect()
}

/// Requests a connection is expected to send, with room for an uneven share.
fn requests_each(config: &RunConfig) -> u64 {
    let seconds = config.seconds_max().unwrap_or(60.0) + config.settle_seconds_max;
    let by_rate = config.rate.map(|rate| (rate * seconds) as u64);
    let all = config.requests.or(by_rate);
    all.map_or(u64::MAX, |all| {
        3 * all / (2 * u64::from(config.connections)) + 64
    })
}

fn orders(config: &RunConfig, worker: u32) -> Orders {
    let workers = u64::from(config.workers);
    let quota = config
        .requests
        .map(|requests| requests / workers + u64::from(u64::from(worker) < requests % workers));
    Orders {
        late: None,
        schedule: config.rate.map(|rate| {
            let phase = f64::from(worker) / f64::from(config.workers);
            (Schedule::draw(config, rate, worker), phase)
        }),
        quota,
        depth: config.depth as usize,
        drain_ns: config.drain_ms * 1_000_000,
        timeout_ns: config.timeout_ms.map(|ms| ms * 1_000_000),
        endpoints: config.endpoints.len(),
    }
}

/// Puts the workers' windows together in order, and says when it is enough.
struct Conductor<'a> {
    config: &'a RunConfig,
    marks: &'a Marks,
    observer: &'a mut dyn Observer,
    record: Record<'a>,
    crew: Crew,
}

impl Conductor<'_> {
    fn conduct(mut self) -> Result<RunReport, RunError> {
        let (endpoints, commands) = (self.config.endpoints.len(), self.record.commands.len());
        let mut pending: BTreeMap<u64, Window> = BTreeMap::new();
        // The window each worker is in: all of its windows before that have arrived.
        let mut reached = vec![0; self.config.workers as usize];
        while reached.iter().any(|&index| index != u64::MAX) {
            let (worker, mut window) = self.crew.receive()?;
            reached[worker] = if window.last {
                u64::MAX
            } else {
                window.index + 1
            };
            pending
                .entry(window.index)
                .or_insert_with(|| Window::new(endpoints, commands))
                .add(&window);
            window.reset();
            // A worker that is done takes no window back.
            self.crew.spares[worker].send(window).ok();
            let complete = reached.iter().copied().min().unwrap_or(u64::MAX);
            while let Some(entry) = pending
                .first_entry()
                .filter(|entry| *entry.key() < complete)
            {
                let (index, window) = entry.remove_entry();
                self.window(index, &window);
            }
        }
        self.crew.join();
        Ok(self.record.report())
    }

    /// One window of all workers together.
    fn window(&mut self, index: u64, window: &Window) {
        self.record.marks(self.marks);
        self.record.window(index, window);
        if let Some(stop_at) = self.record.stop_at() {
            self.crew.stop_at.store(stop_at, Ordering::Relaxed);
        }
        self.record.show(index, window, self.observer);
        self.observer.progress(&self.record.progress());
    }
}
