//! Binding the listeners, then handing everything to a worker.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;

use mio::{Interest, Poll};

use super::clock::Clock;
use super::control::{ControlHandle, Message};
use super::key::Key;
use super::listen::Listener;
use super::worker::Worker;
use crate::node::{Node, Notice, Role};
use crate::time::Now;

/// What to listen on.
#[derive(Clone, Debug)]
pub struct ReactorConfig {
    /// Addresses for clients; port 0 takes any.
    pub client_listen: Vec<SocketAddr>,
    /// Addresses for peers; none for a node alone.
    pub peer_listen: Vec<SocketAddr>,
    /// Connections that may wait to be accepted.
    pub backlog: i32,
}

/// A worker with its listeners bound, before it runs.
#[derive(Debug)]
pub struct Reactor {
    pub(super) poll: Poll,
    pub(super) clock: Clock,
    pub(super) listeners: Vec<Listener>,
    pub(super) control: ControlHandle,
    pub(super) messages: Receiver<Message>,
}

impl Reactor {
    /// Binds the listeners: from here on connections queue up.
    ///
    /// # Errors
    /// An address can't be bound (the error names it), or the system has no room.
    pub fn bind(config: &ReactorConfig) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), Key::Waker.token())?;
        let (control, messages) = ControlHandle::channel(waker);
        let clients = config.client_listen.iter().map(|at| (Role::Client, *at));
        let peers = config.peer_listen.iter().map(|at| (Role::PeerIn, *at));
        let mut listeners = Vec::new();
        for (index, (role, address)) in clients.chain(peers).enumerate() {
            let mut listener = Listener::bind(role, address, config.backlog).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            })?;
            let token = Key::Listener(index).token();
            poll.registry()
                .register(&mut listener.socket, token, Interest::READABLE)?;
            listeners.push(listener);
        }
        Ok(Self {
            poll,
            clock: Clock::start(),
            listeners,
            control,
            messages,
        })
    }

    /// The addresses bound for `role`, in the order of the configuration.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn addresses(&self, role: Role) -> io::Result<Vec<SocketAddr>> {
        let listeners = self.listeners.iter();
        let of_role = listeners.filter(|listener| listener.role == role);
        of_role
            .map(|listener| listener.socket.local_addr())
            .collect()
    }

    /// The clocks that the worker will pass to the node: what to make the node with.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// A handle for other threads.
    #[must_use]
    pub fn control(&self) -> ControlHandle {
        self.control.clone()
    }

    /// Drives the node until it is told to shut down. Peers are dialled by their names in the
    /// topology; notices go to `notice`, on this thread.
    ///
    /// # Errors
    /// Polling failed; nothing of a single connection ends the worker.
    pub fn run(self, node: Node, notice: impl FnMut(Notice)) -> io::Result<()> {
        Worker::new(self, node, notice).run()
    }
}
