//! One connection: its socket, what it has yet to write, and the requests it awaits replies for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::decode::{DecodeError, Decoder, Kind, Step};
use crate::value::Values;
use crate::window::{Op, Window, count_failure};

/// A request that was written, or is about to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) op: Op,
    pub(crate) key: u64,
    /// When it should have been sent.
    pub(crate) intended: u64,
    /// When it was.
    pub(crate) written: u64,
}

/// The state of a connection's socket.
#[derive(Debug)]
pub(crate) enum Link {
    Up(TcpStream),
    Connecting { stream: TcpStream, since: u64 },
    Down { retry_at: u64 },
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("closed by the server")]
    Closed,
    #[error("timeout")]
    Timeout,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no protocol: {0}")]
    Protocol(#[from] DecodeError),
    #[error("no protocol: a reply that nothing asked for")]
    Unasked,
}

impl Broken {
    /// True if the server said something it must not say.
    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self, Self::Protocol(_) | Self::Unasked)
    }
}

/// What one read brought.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Requests answered by it, from the front of `flights`.
    pub(crate) done: usize,
    /// True if the buffer was filled: the socket may have more.
    pub(crate) more: bool,
    /// True if there was nothing to read.
    pub(crate) blocked: bool,
    /// Why the connection ends here.
    pub(crate) broken: Option<Broken>,
}

impl From<Broken> for Arrived {
    fn from(broken: Broken) -> Self {
        Self {
            broken: Some(broken),
            ..Self::default()
        }
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) endpoint: usize,
    address: SocketAddr,
    token: Token,
    /// Counts the connection's sockets: a slot of an earlier one is stale.
    pub(crate) generation: u32,
    pub(crate) link: Link,
    pub(crate) flights: VecDeque<Flight>,
    /// Encoded requests; the first `written` bytes are with the kernel.
    pub(crate) out: Vec<u8>,
    written: usize,
    decoder: Decoder,
    /// False once a piece of the body under way was wrong.
    body_right: bool,
}

impl Connection {
    /// Takes over a connected socket.
    pub(crate) fn open(
        stream: std::net::TcpStream,
        endpoint: usize,
        token: Token,
        depth: usize,
    ) -> io::Result<Self> {
        let address = stream.peer_addr()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            endpoint,
            address,
            token,
            generation: 0,
            link: Link::Up(TcpStream::from_std(stream)),
            flights: VecDeque::with_capacity(depth),
            out: Vec::with_capacity(4096),
            written: 0,
            decoder: Decoder::default(),
            body_right: true,
        })
    }

    /// Registers the socket once for good: edges of both directions, so nothing is armed later.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        match &mut self.link {
            Link::Up(stream) | Link::Connecting { stream, .. } => {
                registry.register(stream, self.token, Interest::READABLE | Interest::WRITABLE)
            }
            Link::Down { .. } => Ok(()),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, Link::Up(_))
    }

    /// Starts to connect again.
    pub(crate) fn reconnect(&mut self, registry: &Registry, now: u64) -> io::Result<()> {
        let stream = TcpStream::connect(self.address)?;
        self.link = Link::Connecting { stream, since: now };
        self.register(registry)
    }

    /// Looks whether the connection under way is made; true if it is now.
    pub(crate) fn finish_connect(&mut self, retry_at: u64) -> io::Result<bool> {
        match std::mem::replace(&mut self.link, Link::Down { retry_at }) {
            Link::Connecting { stream, since } => {
                if let Some(error) = stream.take_error()? {
                    return Err(error);
                }
                match stream.peer_addr() {
                    Ok(_) => {
                        stream.set_nodelay(true)?;
                        self.link = Link::Up(stream);
                        Ok(true)
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                        self.link = Link::Connecting { stream, since };
                        Ok(false)
                    }
                    Err(error) => Err(error),
                }
            }
            link => {
                self.link = link;
                Ok(false)
            }
        }
    }

    /// Drops the socket and everything under way on it.
    pub(crate) fn close(&mut self, retry_at: u64) {
        self.link = Link::Down { retry_at };
        self.generation = self.generation.wrapping_add(1);
        self.flights.clear();
        self.out.clear();
        self.written = 0;
        self.decoder.reset();
        self.body_right = true;
    }

    /// Writes what is encoded, as far as the kernel takes it.
    pub(crate) fn flush(&mut self, window: &mut Window) -> Result<(), Broken> {
        let Link::Up(stream) = &mut self.link else {
            return Ok(());
        };
        while self.written < self.out.len() {
            window.counts.writes += 1;
            match stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => {
                    self.written += count;
                    window.counts.bytes_out += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads once into `buffer` and judges the replies in it.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        values: &Values,
        window: &mut Window,
    ) -> Arrived {
        let Link::Up(stream) = &mut self.link else {
            return Arrived {
                blocked: true,
                ..Arrived::default()
            };
        };
        window.counts.reads += 1;
        match stream.read(buffer) {
            Ok(0) => Broken::Closed.into(),
            Ok(count) => {
                window.counts.bytes_in += count as u64;
                let (done, broken) = self.judge(&buffer[..count], values, window);
                // Less than was asked for: the socket is empty, and its next byte a new edge.
                Arrived {
                    done,
                    more: count == buffer.len(),
                    blocked: false,
                    broken,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Arrived {
                blocked: true,
                ..Arrived::default()
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Arrived {
                more: true,
                ..Arrived::default()
            },
            Err(error) => Broken::Io(error).into(),
        }
    }

    /// Compares replies with what was asked; returns how many ended.
    fn judge(
        &mut self,
        input: &[u8],
        values: &Values,
        window: &mut Window,
    ) -> (usize, Option<Broken>) {
        let mut at = 0;
        let mut done = 0;
        loop {
            let (used, step) = match self.decoder.step(&input[at..]) {
                Ok(progress) => progress,
                Err(error) => return (done, Some(error.into())),
            };
            at += used;
            if step == Step::More {
                return (done, None);
            }
            let Some(&flight) = self.flights.get(done) else {
                if step == Step::Push {
                    continue;
                }
                return (done, Some(Broken::Unasked));
            };
            match step {
                Step::More | Step::Push => {}
                Step::Body { offset, len } => {
                    let piece = &input[at - len..at];
                    self.body_right &=
                        flight.op == Op::Get && values.matches(flight.key, offset, piece);
                }
                Step::Done(kind) => {
                    let right = std::mem::replace(&mut self.body_right, true);
                    self.count_reply(&flight, (kind, right), values, window);
                    done += 1;
                }
            }
        }
    }

    fn count_reply(
        &self,
        flight: &Flight,
        (kind, body_right): (Kind, bool),
        values: &Values,
        window: &mut Window,
    ) {
        let wrong = match (flight.op, kind) {
            (Op::Get, Kind::Bulk(size)) => {
                if size == values.size(flight.key) && body_right {
                    window.counts.hits += 1;
                    return;
                }
                if body_right {
                    "value of another length"
                } else {
                    "another value"
                }
            }
            (Op::Get, Kind::Nil) => {
                window.counts.misses += 1;
                return;
            }
            (Op::Set, Kind::Simple) => return,
            (_, Kind::Error) => {
                window.counts.error_replies += 1;
                window.endpoints[self.endpoint].failed += 1;
                let text = self.decoder.error();
                let end = text
                    .iter()
                    .position(|&byte| byte == b' ')
                    .unwrap_or(text.len());
                let word = std::str::from_utf8(&text[..end]).unwrap_or("not in UTF-8");
                count_failure(&mut window.failures, ("error reply ", word), 1, || {
                    String::from_utf8_lossy(text).into_owned()
                });
                return;
            }
            (_, _) => "reply of another type",
        };
        window.counts.wrong += 1;
        window.endpoints[self.endpoint].failed += 1;
        count_failure(&mut window.failures, ("wrong: ", wrong), 1, || {
            format!("{} of key {}: {kind:?}", flight.op.name(), flight.key)
        });
    }
}
