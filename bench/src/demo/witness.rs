//! A client of its own that writes rising numbers under few keys and remembers which of them were
//! acknowledged: what every node must hold in the end. The load itself always writes the same
//! value under a key, which could not tell a lost write from a kept one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use redis::Connection;

/// Keys it writes in turn.
pub(crate) const KEYS: u64 = 100;
/// Between two writes.
const PERIOD: Duration = Duration::from_millis(5);
/// A client may wait that long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name of its key of that number.
pub(crate) fn key(number: u64) -> String {
    format!("witness:{number}")
}

/// Connects to a node as any client of Redis does.
///
/// # Errors
/// It does not answer.
pub(crate) fn connect(address: SocketAddr) -> Result<Connection> {
    let client = redis::Client::open(format!("redis://{address}/"))?;
    let connection = client
        .get_connection_with_timeout(TIMEOUT)
        .with_context(|| format!("cannot connect to {address}"))?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    Ok(connection)
}

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Testimony {
    /// By key number, the last value that was acknowledged; 0 for none.
    pub(crate) acknowledged: Vec<u64>,
    /// Writes acknowledged.
    pub(crate) writes: u64,
    /// Writes that failed, with their errors.
    pub(crate) failures: Vec<String>,
}

/// The writing thread.
#[derive(Debug)]
pub(crate) struct Witness {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Testimony>>,
}

impl Witness {
    /// Starts writing to the node at `address`.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn start(address: SocketAddr) -> Result<Self> {
        let connection = connect(address)?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || write(connection, &told));
        Ok(Self { stop, thread })
    }

    /// Stops and tells what was written.
    ///
    /// # Errors
    /// It could not go on.
    pub(crate) fn finish(self) -> Result<Testimony> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("the witness panicked"))?
    }
}

fn write(mut connection: Connection, stop: &AtomicBool) -> Result<Testimony> {
    let mut testimony = Testimony {
        acknowledged: vec![0; KEYS as usize],
        ..Testimony::default()
    };
    for value in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = value % KEYS;
        let mut set = redis::cmd("SET");
        match set.arg(key(number)).arg(value).query::<()>(&mut connection) {
            Ok(()) => {
                testimony.acknowledged[number as usize] = value;
                testimony.writes += 1;
            }
            Err(error) => {
                testimony.failures.push(error.to_string());
                if !redis::ConnectionLike::is_open(&connection) {
                    break;
                }
            }
        }
        std::thread::sleep(PERIOD);
    }
    Ok(testimony)
}
