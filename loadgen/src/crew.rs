//! The threads that load: prepared, started together, their windows put together in order.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Token;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::check::checker::{Checker, Side};
use crate::check::report::CheckReport;
use crate::cluster::{self, Map};
use crate::config::{ConfigError, RunConfig};
use crate::connection::Connection;
use crate::dial::{Client, Dialer};
use crate::encode::Encoder;
use crate::inserts::Inserts;
use crate::late::Late;
use crate::remote::Fleet;
use crate::run::RunError;
use crate::schedule::Schedule;
use crate::tape::{Seat, Tape, is_late};
use crate::trace::source::Source;
use crate::window::Window;
use crate::worker::{Channel, FromWorker, Orders, Route, Worker};

/// Workers hand over a window every quarter of a second; this much silence is a failure.
const WORKER_SILENCE: Duration = Duration::from_secs(60);

/// What the threads of a run have in common.
pub(crate) struct Common<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) encoder: &'a Encoder,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) checker: Option<Arc<Checker>>,
    /// The trace that is replayed.
    pub(crate) source: Option<Source>,
    pub(crate) cluster: Option<Cluster>,
}

/// The nodes behind the endpoints, masters first.
pub(crate) struct Cluster {
    pub(crate) map: Arc<Map>,
    pub(crate) masters: usize,
}

impl Cluster {
    /// The cluster that the first endpoint which answers knows, and its nodes in order.
    pub(crate) fn find(
        config: &RunConfig,
        dialer: &Dialer,
    ) -> Result<Option<(Self, Vec<String>)>, RunError> {
        if !config.link.cluster {
            return Ok(None);
        }
        let mut failed = None;
        for endpoint in &config.endpoints {
            let layout = match cluster::ask(dialer, endpoint) {
                Ok(layout) => layout,
                Err(error) => {
                    let endpoint = endpoint.clone();
                    failed = Some(RunError::Connect { endpoint, error });
                    continue;
                }
            };
            let map = Arc::new(Map::new(&layout.nodes));
            map.learn(&layout);
            let masters = layout.masters;
            if (config.connections / config.workers) < masters as u32 {
                let reason = "a cluster needs a connection a thread and master";
                return Err(ConfigError::Contradiction(reason).into());
            }
            return Ok(Some((Self { map, masters }, layout.nodes)));
        }
        Err(failed.unwrap_or(RunError::Worker))
    }
}

/// The threads and the channels to them.
pub(crate) struct Crew {
    ready: Vec<Worker>,
    threads: Vec<JoinHandle<()>>,
    sender: Sender<FromWorker>,
    windows: Receiver<FromWorker>,
    spares: Vec<Sender<Box<Window>>>,
    stop_at: Arc<AtomicU64>,
    /// The threads are on other hosts.
    fleet: Option<Fleet>,
}

impl Crew {
    /// Of hosts that are ready.
    pub(crate) fn elsewhere(fleet: Fleet) -> Self {
        let (sender, windows) = channel();
        Self {
            ready: Vec::new(),
            threads: Vec::new(),
            sender,
            windows,
            spares: Vec::new(),
            stop_at: Arc::new(AtomicU64::new(u64::MAX)),
            fleet: Some(fleet),
        }
    }

    /// Connects, and draws what the threads of these numbers will send.
    pub(crate) fn prepare(common: &Common<'_>, numbers: Range<u32>) -> Result<Self, RunError> {
        let Common {
            config,
            encoder,
            source,
            ..
        } = common;
        raise_file_limit(config.connections);
        let (sender, windows) = channel();
        let stop_at = Arc::new(AtomicU64::new(u64::MAX));
        let mut spares = Vec::new();
        let mut ready = Vec::new();
        let inserts = is_late(config, encoder).then(|| Arc::new(Inserts::after(config.keys.count)));
        for (index, number) in numbers.enumerate() {
            let (spare, returned) = channel();
            spares.push(spare);
            let channel = Channel {
                worker: index,
                windows: sender.clone(),
                spares: returned,
                stop_at: Arc::clone(&stop_at),
            };
            let connections = connections(common, number)?;
            let mut orders = orders(config, number);
            orders.late = inserts
                .as_ref()
                .map(|inserts| Late::new(&config.keys, Arc::clone(inserts)));
            orders.commands = encoder.commands().all.len();
            if let Some(source) = source {
                let connections = share(config, number)..share(config, number + 1);
                orders.commands = source.names.len();
                orders.schedule = None;
                orders.replay = Some(source.replay(config, number, connections)?);
            }
            let encoder = (*encoder).clone();
            ready.push(Worker::new(orders, connections, encoder, channel)?);
        }
        Ok(Self {
            ready,
            threads: Vec::new(),
            sender,
            windows,
            spares,
            stop_at,
            fleet: None,
        })
    }

    /// Starts the threads; they begin to send at `start` (monotonic ns), or when all hosts can,
    /// which is returned.
    pub(crate) fn begin(&mut self, start: u64) -> Result<u64, RunError> {
        if let Some(fleet) = &mut self.fleet {
            return Ok(fleet.begin(&self.sender)?);
        }
        for (index, worker) in self.ready.drain(..).enumerate() {
            let name = format!("load-{index}");
            let sender = self.sender.clone();
            let thread = std::thread::Builder::new().name(name).spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| worker.run(start)));
                let panicked = |_| Err(io::Error::other("a worker panicked"));
                if let Err(error) = outcome.unwrap_or_else(panicked) {
                    // Without a conductor there is nobody to tell.
                    sender.send(Err(error)).ok();
                }
            })?;
            self.threads.push(thread);
        }
        Ok(start)
    }

    /// How many hand over windows.
    pub(crate) fn sources(&self) -> usize {
        self.fleet.as_ref().map_or(self.spares.len(), Fleet::len)
    }

    /// The next window, and whose.
    pub(crate) fn receive(&mut self) -> Result<(usize, Box<Window>), RunError> {
        let failed = match self.windows.recv_timeout(WORKER_SILENCE) {
            Ok(Ok(arrived)) => return Ok(arrived),
            Ok(Err(error)) => RunError::Io(error),
            Err(_) => RunError::Worker,
        };
        self.stop(0);
        Err(failed)
    }

    /// Gives an emptied window back.
    pub(crate) fn recycle(&self, source: usize, window: Box<Window>) {
        if let Some(spares) = self.spares.get(source) {
            // A worker that is done takes no window back.
            spares.send(window).ok();
        }
    }

    /// No window from this one on is to begin.
    pub(crate) fn stop(&mut self, window: u64) {
        let before = self.stop_at.swap(window, Ordering::Relaxed);
        if let Some(fleet) = self.fleet.as_mut().filter(|_| before != window) {
            fleet.stop(window);
        }
    }

    /// Where that is kept.
    pub(crate) fn stop_at(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stop_at)
    }

    /// Waits for the threads, all of which have sent their last window or are told to stop.
    /// Returns what other hosts' checks found.
    pub(crate) fn join(mut self) -> Option<CheckReport> {
        for thread in self.threads {
            // What a worker has to say, it has said by the channel.
            thread.join().ok();
        }
        self.fleet.as_mut().and_then(Fleet::finish)
    }
}

/// Puts windows of several sources together, each when all have handed it over.
#[derive(Debug)]
pub(crate) struct Merger {
    pending: BTreeMap<u64, Window>,
    /// The window each source is in: all of its windows before that have arrived.
    reached: Vec<u64>,
}

impl Merger {
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            pending: BTreeMap::new(),
            reached: vec![0; sources],
        }
    }

    /// Takes one in, and gives it back empty.
    pub(crate) fn add(&mut self, source: usize, mut window: Box<Window>) -> Box<Window> {
        self.reached[source] = if window.last {
            u64::MAX
        } else {
            window.index + 1
        };
        let (endpoints, commands) = (window.endpoints.len(), window.latencies.service.len());
        self.pending
            .entry(window.index)
            .or_insert_with(|| Window::new(endpoints, commands))
            .add(&window);
        window.reset();
        window
    }

    /// The next that is complete.
    pub(crate) fn complete(&mut self) -> Option<(u64, Window)> {
        let complete = self.reached.iter().copied().min().unwrap_or(u64::MAX);
        let first = self.pending.first_entry()?;
        (*first.key() < complete).then(|| first.remove_entry())
    }

    /// True once every source has handed over its last.
    pub(crate) fn is_over(&self) -> bool {
        self.reached.iter().all(|&index| index == u64::MAX)
    }

    /// True if nothing waits for others.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

/// A worker's share of the connections. All are dealt to endpoints in turn, and a worker has
/// neighbours, so that each worker reaches as many endpoints as it can.
fn connections(common: &Common<'_>, worker: u32) -> Result<Vec<Connection>, RunError> {
    let Common {
        config,
        encoder,
        dialer,
        checker,
        cluster,
        ..
    } = common;
    let nodes = cluster
        .as_ref()
        .map_or(config.endpoints.len(), |cluster| cluster.masters);
    let requests = requests_each(config);
    let open = |(token, number): (usize, usize)| {
        let endpoint = number % nodes;
        let name = config.endpoints[endpoint].as_str();
        let client = connect(dialer, name)?;
        let seat = Seat {
            // At most `connections`.
            connection: number as u32,
            requests,
        };
        let tape = Tape::draw(config, encoder, seat);
        let mut connection =
            Connection::open(client, (endpoint, name), Token(token), dialer, tape)?;
        let side = |checker: &Arc<Checker>| Side::new(Arc::clone(checker), u64::from(worker));
        connection.check = checker.as_ref().map(side).map(Box::new);
        let route = |cluster: &Cluster| Box::new(Route::new(Arc::clone(&cluster.map)));
        connection.route = cluster.as_ref().map(route);
        Ok(connection)
    };
    (share(config, worker) as usize..share(config, worker + 1) as usize)
        .enumerate()
        .map(open)
        .collect()
}

/// Number of a worker's first connection.
fn share(config: &RunConfig, worker: u32) -> u32 {
    let upto = u64::from(config.connections) * u64::from(worker) / u64::from(config.workers);
    // At most `connections`.
    upto as u32
}

/// Requests a connection is expected to send, with room for an uneven share.
fn requests_each(config: &RunConfig) -> u64 {
    let seconds = config.seconds_max().unwrap_or(60.0) + config.settle_seconds_max;
    let by_rate = config.rate.map(|rate| (rate * seconds) as u64);
    if config.trace.is_some() {
        return 1;
    }
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
        replay: None,
        commands: 0,
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

pub(crate) fn connect(dialer: &Dialer, endpoint: &str) -> Result<Client, RunError> {
    dialer.dial(endpoint).map_err(|error| RunError::Connect {
        endpoint: endpoint.to_owned(),
        error,
    })
}
