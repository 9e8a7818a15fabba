//! The event loop. Each function is one thing that can happen.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Poll};

use super::clock::Clock;
use super::connection::{Connection, Flushed, Input, Lingering, Phase};
use super::control::{Control, Message};
use super::dial::{Dialer, Progress};
use super::key::Key;
use super::listen::{Accepted, Listener};
use super::reactor::Reactor;
use crate::ids::{ConnId, PeerId};
use crate::limits::READ_PER_TURN_MAX;
use crate::node::{Action, IoCounters, Node, Notice, Role};
use crate::time::{Mono, Now};

/// Events taken from one poll.
const EVENTS_MAX: usize = 1024;
/// The buffer that every read goes into, in bytes.
const READ_LEN_MAX: usize = 256 * 1024;
/// Connections accepted from one listener per turn.
const ACCEPTS_PER_TURN_MAX: usize = 256;
/// How long accepting rests when no socket can be had.
const ACCEPT_PAUSE_MS: u64 = 20;
/// How long a closed connection is kept so that the other end can read its last replies.
const LINGER_MS: u64 = 1_000;
/// What a refused client is told.
const REFUSAL: &[u8] = b"-ERR max number of clients reached\r\n";

/// One thread's event loop and everything it owns.
pub(super) struct Worker<F> {
    node: Node,
    notice: F,
    poll: Poll,
    clock: Clock,
    now: Now,
    listeners: Vec<Listener>,
    /// By `ConnId::index`.
    connections: Vec<Option<Connection>>,
    /// Client connections: a shutdown waits for them.
    client_count: usize,
    dialer: Dialer,
    messages: Receiver<Message>,
    /// What has more to do without another event.
    ready: VecDeque<Key>,
    lingering: Lingering,
    accept_again: Option<Mono>,
    stop_at: Option<Mono>,
    buffer: Box<[u8]>,
    counters: IoCounters,
}

impl<F: FnMut(Notice)> Worker<F> {
    pub(super) fn new(reactor: Reactor, node: Node, notice: F) -> Self {
        let peers = node.topology().peers().iter();
        let names = peers.map(|peer| peer.name.clone()).collect();
        Self {
            node,
            notice,
            now: reactor.clock.now(),
            poll: reactor.poll,
            clock: reactor.clock,
            listeners: reactor.listeners,
            connections: Vec::new(),
            client_count: 0,
            dialer: Dialer::new(names, reactor.control),
            messages: reactor.messages,
            ready: VecDeque::new(),
            lingering: Lingering::new(),
            accept_again: None,
            stop_at: None,
            buffer: vec![0; READ_LEN_MAX].into(),
            counters: IoCounters::default(),
        }
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.is_over() {
            self.counters.polls_total += 1;
            match self.poll.poll(&mut events, Some(self.timeout())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.now = self.clock.now();
            for event in &events {
                self.handle(event);
            }
            self.continue_ready();
            self.handle_time();
            self.settle();
        }
        Ok(())
    }

    /// How long the next poll may wait: not at all while something is ready.
    fn timeout(&self) -> Duration {
        if !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let lingering = self.lingering.front().map(|(until, _)| *until);
        let others = [lingering, self.accept_again, self.stop_at];
        let next = others.into_iter().flatten().min();
        let next = next.map_or(self.node.next_timer(), |at| at.min(self.node.next_timer()));
        let wait_ns = next.0.saturating_sub(self.now.mono.0);
        Duration::from_nanos(wait_ns)
    }

    fn handle(&mut self, event: &Event) {
        match Key::of(event.token()) {
            Key::Waker => self.handle_messages(),
            Key::Listener(index) => self.accept(index),
            Key::Dial(peer, serial) => {
                let progress = self.dialer.ready(peer, serial, self.poll.registry());
                self.dialled(peer, progress);
            }
            Key::Connection(id) => self.handle_socket(id, event),
        }
    }

    fn handle_socket(&mut self, id: ConnId, event: &Event) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        connection.end_seen |= event.is_read_closed();
        let unread = connection.ended || connection.paused;
        if event.is_error() && unread {
            return self.close(id);
        }
        if event.is_writable() {
            self.flush(id);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(id);
        }
    }

    /// Gives those their turn that had more to do than the last one allowed.
    fn continue_ready(&mut self) {
        for _ in 0..self.ready.len() {
            match self.ready.pop_front() {
                Some(Key::Connection(id)) => {
                    if let Some(connection) = self.connection(id) {
                        connection.queued = false;
                        self.read(id);
                    }
                }
                Some(Key::Listener(index)) => self.accept(index),
                _ => {}
            }
        }
    }

    fn handle_time(&mut self) {
        let mono = self.now.mono;
        if self.node.next_timer() <= mono {
            self.node.handle_tick(self.now);
        }
        if self.accept_again.take_if(|at| *at <= mono).is_some() {
            for index in 0..self.listeners.len() {
                self.accept(index);
            }
        }
        while let Some(&(until, id)) = self.lingering.front()
            && until <= mono
        {
            self.lingering.pop_front();
            self.close(id);
        }
    }

    /// Does what the node asks and sends what it queued, until it has nothing more.
    fn settle(&mut self) {
        loop {
            let mut idle = true;
            while let Some(action) = self.node.poll_action() {
                idle = false;
                self.act(action);
            }
            while let Some(id) = self.node.poll_dirty() {
                idle = false;
                if self.connection(id).is_some_and(|known| !known.armed()) {
                    self.flush(id);
                }
            }
            if idle {
                break;
            }
        }
        while let Some(notice) = self.node.poll_notice() {
            (self.notice)(notice);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect(_) if self.stop_at.is_some() => {}
            Action::Connect(peer) => {
                self.counters.dials_total += 1;
                let progress = self.dialer.connect(peer, self.poll.registry());
                self.dialled(peer, progress);
            }
            Action::AbortConnect(peer) => self.dialer.abort(peer),
            Action::Close(id) => {
                let open = |known: &&mut Connection| known.phase == Phase::Open;
                if let Some(connection) = self.connection(id).filter(open) {
                    connection.phase = Phase::Closing;
                    self.flush(id);
                }
            }
            Action::Abort(id) => self.close(id),
            Action::ResumeRead(id) => self.resume(id),
        }
    }
}

/// Connections come and go.
impl<F: FnMut(Notice)> Worker<F> {
    fn connection(&mut self, id: ConnId) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(id.index as usize)?.as_mut();
        connection.filter(|connection| connection.id == id)
    }

    fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            let Some(listener) = self.listeners.get(index) else {
                return;
            };
            let role = listener.role;
            match listener.accept() {
                Accepted::Stream(stream) => {
                    self.counters.accepts_total += 1;
                    self.open(role, stream);
                }
                Accepted::Failed => {}
                Accepted::Empty => return,
                Accepted::Exhausted => {
                    self.counters.accept_pauses_total += 1;
                    self.accept_again = Some(self.now.mono.plus_ms(ACCEPT_PAUSE_MS));
                    return;
                }
            }
        }
        self.ready.push_back(Key::Listener(index));
    }

    fn dialled(&mut self, peer: PeerId, progress: Progress) {
        match progress {
            Progress::Pending => {}
            Progress::Connected(stream) => self.open(Role::PeerOut(peer), stream),
            Progress::Failed => self.node.handle_connect_failed(peer, self.now),
        }
    }

    fn open(&mut self, role: Role, mut stream: TcpStream) {
        let Some(id) = self.node.handle_open(role, self.now) else {
            if role == Role::Client {
                // It fits an empty socket buffer; if not, the client only misses the reason.
                let _ = stream.write(REFUSAL);
            }
            return;
        };
        let mut connection = Connection::new(id, role, stream);
        let registry = self.poll.registry();
        let registered = match role {
            Role::PeerOut(_) => connection.reregister(registry),
            Role::Client | Role::PeerIn => connection.register(registry),
        };
        let index = id.index as usize;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(connection);
        self.client_count += usize::from(role == Role::Client);
        if registered.is_err() {
            self.close(id);
        }
    }

    /// Closes the socket and tells the node, once.
    fn close(&mut self, id: ConnId) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        let is_client = connection.role == Role::Client;
        self.connections[id.index as usize] = None;
        self.client_count -= usize::from(is_client);
        self.node.handle_close(id, self.now);
    }
}

/// Bytes in, bytes out.
impl<F: FnMut(Notice)> Worker<F> {
    fn read(&mut self, id: ConnId) {
        let mut share = READ_PER_TURN_MAX;
        loop {
            let index = id.index as usize;
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
                return;
            };
            if connection.id != id || connection.ended || connection.phase == Phase::Closing {
                return;
            }
            let open = connection.phase == Phase::Open;
            if open && connection.paused {
                self.node.handle_sent(id, self.now);
            }
            connection.paused = open && !self.node.wants_read(id);
            if connection.paused {
                return;
            }
            match connection.read(&mut self.buffer, &mut self.counters) {
                Input::Bytes { len, more } => {
                    if open {
                        self.node.handle_bytes(id, &self.buffer[..len], self.now);
                        connection.paused = !self.node.wants_read(id);
                    }
                    share = share.saturating_sub(len);
                    if !more {
                        return;
                    }
                }
                Input::Drained => return,
                Input::End => return self.end_of_input(id),
                Input::Broken => return self.close(id),
            }
            if share == 0 {
                return self.queue(id);
            }
        }
    }

    /// A client that has said all it wants may still wait for replies; a link is over.
    fn end_of_input(&mut self, id: ConnId) {
        let Some(connection) = self.connection(id) else {
            return;
        };
        connection.ended = true;
        if connection.role == Role::Client && connection.phase == Phase::Open {
            self.node.handle_eof(id, self.now);
        } else {
            self.close(id);
        }
    }

    /// Puts a connection on the ready list, once.
    fn queue(&mut self, id: ConnId) {
        if let Some(connection) = self.connection(id)
            && !connection.queued
        {
            connection.queued = true;
            self.ready.push_back(Key::Connection(id));
        }
    }

    fn resume(&mut self, id: ConnId) {
        if self.connection(id).is_some_and(|known| known.paused) {
            self.queue(id);
        }
    }

    fn flush(&mut self, id: ConnId) {
        let index = id.index as usize;
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        if connection.id != id || connection.phase == Phase::Lingering {
            return;
        }
        let Some(egress) = self.node.egress(id) else {
            return self.close(id);
        };
        let registry = self.poll.registry();
        let flushed = connection.flush(egress, registry, &mut self.counters);
        match (flushed, connection.phase) {
            (Flushed::Broken, _) => self.close(id),
            (Flushed::All, Phase::Closing) => self.linger(id),
            _ if connection.paused => self.queue(id),
            _ => {}
        }
    }

    /// All was sent: closes at once when the other end has nothing more to say, else waits for it.
    fn linger(&mut self, id: ConnId) {
        let until = self.now.mono.plus_ms(LINGER_MS);
        let stopping = self.stop_at.is_some();
        let Some(connection) = self.connection(id) else {
            return;
        };
        let over = connection.ended || stopping || connection.role != Role::Client;
        if over || connection.shut_write().is_err() {
            return self.close(id);
        }
        connection.phase = Phase::Lingering;
        self.lingering.push_back((until, id));
        self.queue(id);
    }
}

/// What other threads ask.
impl<F: FnMut(Notice)> Worker<F> {
    fn handle_messages(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Control(control) => self.obey(control),
                Message::Resolved { peer, addresses } => {
                    let registry = self.poll.registry();
                    let progress = self.dialer.resolved(peer, addresses, registry);
                    self.dialled(peer, progress);
                }
            }
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Snapshot(reply) => {
                let mut snapshot = self.node.snapshot(self.now);
                snapshot.io = self.counters.clone();
                // An error means that the asker has gone.
                let _ = reply.send(snapshot);
            }
            Control::Configure(change) => change(&mut self.node),
            Control::Shutdown { grace_ms } => {
                // The turn may have been long: the grace begins when it is asked for.
                self.now = self.clock.now();
                let stop_at = self.now.mono.plus_ms(grace_ms);
                self.stop_at = Some(self.stop_at.map_or(stop_at, |at| at.min(stop_at)));
                self.listeners.clear();
                self.accept_again = None;
                self.dialer.abort_all();
                self.node.drain(self.now);
            }
        }
    }

    /// Told to stop, and nothing is left to answer, or the grace has passed.
    fn is_over(&self) -> bool {
        let Some(stop_at) = self.stop_at else {
            return false;
        };
        let unsent = || self.connections.iter().flatten().any(Connection::armed);
        let done = self.node.is_drained() && self.client_count == 0 && !unsent();
        done || self.now.mono >= stop_at
    }
}
