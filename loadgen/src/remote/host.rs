//! `ringload worker`: waits for runs and does its part of them, one after the other.

use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::wire::{
    Assignment, FRAME_MAX_STRANGER, Message, PROTOCOL, WindowRow, WireError, hex, is_proof,
    receive, receive_within, send,
};
use crate::check::checker::Checker;
use crate::check::report::CheckCounts;
use crate::clock;
use crate::crew::{Cluster, Common, Crew, Merger};
use crate::dial::Dialer;
use crate::encode::Encoder;
use crate::link::Secret;
use crate::run::checked;
use crate::trace::source::Source;

const STRANGER_PATIENCE: Duration = Duration::from_secs(5);
/// Between messages of a run that is being prepared.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// As given.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// Others could make this host send whatever they want to whomever they want.
    #[error("{0} can be reached from outside: a worker there needs --token (or RINGLOAD_TOKEN)")]
    Open(String),
}

/// Listens and serves run after run, for ever, or `runs` of them. `told` gets the address and,
/// in words, what happens.
pub fn serve(
    address: &str,
    token: &str,
    runs: Option<u64>,
    told: &mut dyn FnMut(&str),
) -> Result<(), HostError> {
    let failed = |error| HostError::Listen {
        address: address.to_owned(),
        error,
    };
    let mut local = address.to_socket_addrs().map_err(failed)?;
    if token.is_empty() && !local.all(|address| address.ip().is_loopback()) {
        return Err(HostError::Open(address.to_owned()));
    }
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    told(&format!("listening on {bound}"));
    let mut done = 0;
    while runs.is_none_or(|runs| done < runs) {
        let (mut stream, from) = listener.accept().map_err(failed)?;
        match admit(&mut stream, token) {
            Ok(()) => done += 1,
            Err(error) => {
                told(&format!("{from} was turned away: {error}"));
                continue;
            }
        }
        told(&format!("a run from {from}"));
        match take_part(&mut stream) {
            Ok(()) => told("done"),
            Err(error) => {
                let reason = error.to_string();
                told(&format!("ended: {reason}"));
                // Whoever is gone needs no reason.
                send(&mut stream, &Message::Failed { reason }).ok();
            }
        }
    }
    Ok(())
}

fn admit(stream: &mut TcpStream, token: &str) -> Result<(), WireError> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STRANGER_PATIENCE))?;
    stream.set_write_timeout(Some(STRANGER_PATIENCE))?;
    let mut nonce = [0; 16];
    SystemRandom::new()
        .fill(&mut nonce)
        .map_err(|_| io::Error::other("this system gives no random numbers"))?;
    let nonce = hex(&nonce);
    let hello = Message::Hello {
        protocol: PROTOCOL,
        nonce: nonce.clone(),
    };
    send(stream, &hello)?;
    match receive_within(stream, FRAME_MAX_STRANGER)? {
        Message::Proof { protocol, .. } if protocol != PROTOCOL => {
            Err(WireError::Version(protocol))
        }
        Message::Proof { proof, .. } if is_proof(token, &nonce, &proof) => {
            stream.set_read_timeout(Some(PATIENCE))?;
            send(stream, &Message::Welcome)
        }
        Message::Proof { .. } => {
            let reason = WireError::Token.to_string();
            send(stream, &Message::Failed { reason })?;
            Err(WireError::Token)
        }
        other => Err(WireError::Unexpected(format!("{other:?}"))),
    }
}

fn failed(error: &dyn std::fmt::Display) -> WireError {
    WireError::Failed(error.to_string())
}

fn take_part(stream: &mut TcpStream) -> Result<(), WireError> {
    let assignment = loop {
        match receive(stream)? {
            Message::Clock { .. } => send(stream, &Message::Clock { now: clock::now() })?,
            Message::Prepare(assignment) => break assignment,
            other => return Err(WireError::Unexpected(format!("{other:?}"))),
        }
    };
    let Assignment {
        mut config,
        password,
        preloaded_ns,
        threads: (first, count),
    } = *assignment;
    config.link.password = password.map(Secret);
    config.check().map_err(|error| failed(&error))?;
    let last = first
        .checked_add(count)
        .filter(|&last| last <= config.workers);
    let threads = first..last.ok_or_else(|| failed(&"threads beyond their number"))?;
    let encoder = Encoder::new(&config).map_err(|error| failed(&error))?;
    let checker = config.check.as_ref().map(|check| {
        let mut checker = Checker::of_run(&config, check, &encoder, &threads);
        if let Some(ago) = preloaded_ns {
            checker.preloaded_since(clock::now().saturating_sub(ago));
        }
        Arc::new(checker)
    });
    let dialer = Arc::new(Dialer::new(&config.link).map_err(|error| failed(&error))?);
    let cluster = Cluster::find(&config, &dialer).map_err(|error| failed(&error))?;
    let common = Common {
        config: &config,
        encoder: &encoder,
        dialer,
        checker,
        source: Source::of(&config).map_err(|error| failed(&error))?,
        cluster: cluster.map(|(cluster, _)| cluster),
    };
    let mut crew = Crew::prepare(&common, threads).map_err(|error| failed(&error))?;
    send(stream, &Message::Ready)?;
    let start = match receive(stream)? {
        Message::Start { at } => at,
        other => return Err(WireError::Unexpected(format!("{other:?}"))),
    };
    crew.begin(start).map_err(|error| failed(&error))?;
    let load = report(stream, &mut crew, start);
    // The run is over, or nobody wants it any more.
    crew.stop(0);
    stream.shutdown(std::net::Shutdown::Read).ok();
    crew.join();
    let load = load?;
    let checker = common.checker.as_deref();
    let check = checker.map(|checker| checked(&common, checker, &load));
    send(stream, &Message::Done { check })
}

/// Sends the windows of all threads together as they become complete.
fn report(stream: &mut TcpStream, crew: &mut Crew, start: u64) -> Result<CheckCounts, WireError> {
    listen(stream.try_clone()?, crew.stop_at());
    let mut load = CheckCounts::default();
    let mut merger = Merger::new(crew.sources());
    while !merger.is_over() {
        let (thread, window) = crew
            .receive()
            .map_err(|error| WireError::Failed(error.to_string()))?;
        let spare = merger.add(thread, window);
        crew.recycle(thread, spare);
        while let Some((index, window)) = merger.complete() {
            load.add(&window.check);
            let last = merger.is_over() && merger.is_empty();
            let row = WindowRow::of(index, &window, start, last);
            send(stream, &Message::Window(Box::new(row)))?;
        }
    }
    Ok(load)
}

/// Hears when to stop; a run that is gone stops at once.
fn listen(mut stream: TcpStream, stop_at: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        // A run may say nothing for as long as it lasts.
        stream.set_read_timeout(None).ok();
        while let Ok(Message::StopAt { window }) = receive(&mut stream) {
            stop_at.store(window, Ordering::Relaxed);
        }
        stop_at.store(0, Ordering::Relaxed);
    });
}
