//! How other threads reach the worker.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::ids::PeerId;
use crate::node::{Node, Snapshot};

/// A request to the worker.
pub enum Control {
    /// Send the node's state to this channel.
    Snapshot(Sender<Snapshot>),
    /// Stop accepting, answer what is in flight, flush, and return within `grace_ms`.
    Shutdown {
        /// Time after which the rest is dropped.
        grace_ms: u64,
    },
    /// Run this between two turns, for settings that change while running.
    Configure(Box<dyn FnOnce(&mut Node) + Send>),
}

/// What arrives on the worker's channel.
pub(super) enum Message {
    Control(Control),
    /// A name was looked up.
    Resolved {
        peer: PeerId,
        addresses: io::Result<Vec<SocketAddr>>,
    },
}

/// The worker is gone: its thread has returned or panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the worker has stopped")]
pub struct Stopped;

/// Reaches a worker from any thread.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    sender: Sender<Message>,
    waker: Arc<mio::Waker>,
}

impl ControlHandle {
    pub(super) fn channel(waker: mio::Waker) -> (Self, Receiver<Message>) {
        let (sender, receiver) = mpsc::channel();
        let waker = Arc::new(waker);
        (Self { sender, waker }, receiver)
    }

    /// Queues a request and wakes the worker.
    ///
    /// # Errors
    /// The worker has stopped.
    pub fn send(&self, control: Control) -> Result<(), Stopped> {
        self.post(Message::Control(control))
    }

    /// The node's state, waited for at most `timeout`.
    ///
    /// # Errors
    /// The worker has stopped, or did not answer in time.
    pub fn snapshot(&self, timeout: Duration) -> Result<Snapshot, Stopped> {
        let (sender, receiver) = mpsc::channel();
        self.send(Control::Snapshot(sender))?;
        receiver.recv_timeout(timeout).map_err(|_| Stopped)
    }

    pub(super) fn post(&self, message: Message) -> Result<(), Stopped> {
        self.sender.send(message).map_err(|_| Stopped)?;
        self.waker.wake().map_err(|_| Stopped)
    }
}
