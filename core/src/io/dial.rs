//! Connecting to peers: look the name up, try its addresses one after the other.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;

use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::control::{ControlHandle, Message};
use super::key::Key;
use crate::ids::PeerId;

/// How a dial stands.
#[derive(Debug)]
pub(super) enum Progress {
    /// Something will be reported later, or the dial was given up.
    Pending,
    Connected(TcpStream),
    /// No address of the peer took the connection.
    Failed,
}

#[derive(Debug, Default)]
struct Dial {
    /// Tells this attempt's events from earlier ones'.
    serial: u32,
    wanted: bool,
    /// A thread is looking the name up; there is never a second one.
    resolving: bool,
    stream: Option<TcpStream>,
    /// Addresses not tried yet, the next one last.
    untried: Vec<SocketAddr>,
}

/// All dials of a worker, by peer.
#[derive(Debug)]
pub(super) struct Dialer {
    names: Vec<String>,
    dials: Vec<Dial>,
    control: ControlHandle,
}

impl Dialer {
    /// `names` are the peers' addresses, `host:port`, by peer.
    pub(super) fn new(names: Vec<String>, control: ControlHandle) -> Self {
        let dials = names.iter().map(|_| Dial::default()).collect();
        Self {
            names,
            dials,
            control,
        }
    }

    /// Starts a dial; an earlier one to the same peer is given up.
    pub(super) fn connect(&mut self, peer: PeerId, registry: &Registry) -> Progress {
        let dial = &mut self.dials[peer.index()];
        dial.serial = dial.serial.wrapping_add(1);
        dial.wanted = true;
        dial.stream = None;
        dial.untried.clear();
        let name = &self.names[peer.index()];
        if let Ok(address) = name.parse() {
            dial.untried.push(address);
            return dial.try_next(peer, registry);
        }
        if !dial.resolving {
            dial.resolving = look_up(peer, name.clone(), self.control.clone()).is_ok();
        }
        dial.or_failed(dial.resolving)
    }

    /// The lookup of a peer's name has ended.
    pub(super) fn resolved(
        &mut self,
        peer: PeerId,
        addresses: io::Result<Vec<SocketAddr>>,
        registry: &Registry,
    ) -> Progress {
        let dial = &mut self.dials[peer.index()];
        dial.resolving = false;
        if !dial.wanted {
            return Progress::Pending;
        }
        dial.untried = addresses.unwrap_or_default();
        dial.untried.reverse();
        dial.try_next(peer, registry)
    }

    /// The socket of a dial is ready, one way or the other.
    pub(super) fn ready(&mut self, peer: PeerId, serial: u32, registry: &Registry) -> Progress {
        let dial = &mut self.dials[peer.index()];
        let Some(stream) = dial.stream.take_if(|_| dial.serial == serial) else {
            return Progress::Pending;
        };
        match established(&stream) {
            Ok(true) => {
                dial.wanted = false;
                Progress::Connected(stream)
            }
            Ok(false) => {
                dial.stream = Some(stream);
                Progress::Pending
            }
            Err(_) => dial.try_next(peer, registry),
        }
    }

    /// Gives a dial up.
    pub(super) fn abort(&mut self, peer: PeerId) {
        let dial = &mut self.dials[peer.index()];
        dial.wanted = false;
        dial.stream = None;
    }

    /// Gives all dials up.
    pub(super) fn abort_all(&mut self) {
        for index in 0..self.dials.len() {
            self.abort(PeerId(index as u16));
        }
    }
}

impl Dial {
    fn try_next(&mut self, peer: PeerId, registry: &Registry) -> Progress {
        let key = Key::Dial(peer, self.serial);
        while let Some(address) = self.untried.pop() {
            if let Ok(stream) = begin(address, key, registry) {
                self.stream = Some(stream);
                return Progress::Pending;
            }
        }
        self.or_failed(false)
    }

    fn or_failed(&mut self, under_way: bool) -> Progress {
        if under_way {
            return Progress::Pending;
        }
        self.wanted = false;
        Progress::Failed
    }
}

fn begin(address: SocketAddr, key: Key, registry: &Registry) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    registry.register(&mut stream, key.token(), Interest::WRITABLE)?;
    Ok(stream)
}

/// Whether a socket that reported readiness is connected; `false`: not yet.
fn established(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        // The kernel may pick the very port that is dialled and connect the socket to itself.
        Ok(address) if stream.local_addr()? == address => {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

fn look_up(peer: PeerId, name: String, control: ControlHandle) -> io::Result<()> {
    let work = move || {
        let addresses = name.to_socket_addrs().map(Iterator::collect);
        // An error means that the worker has stopped: nobody wants to know.
        let _ = control.post(Message::Resolved { peer, addresses });
    };
    let thread = thread::Builder::new().name("resolve".to_owned());
    thread.spawn(work).map(drop)
}
