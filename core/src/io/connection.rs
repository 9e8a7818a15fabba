//! One socket: reading into the worker's buffer, writing the node's egress.

use std::io::{self, IoSlice, Read, Write};

use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::key::Key;
use crate::egress::Egress;
use crate::ids::ConnId;
use crate::node::{IoCounters, Role};
use crate::time::Mono;

/// Slices handed to one vectored write.
const SLICES_MAX: usize = 64;
/// Bytes written to one socket per turn before others get theirs.
const WRITE_PER_TURN_MAX: usize = 4 * 1024 * 1024;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Closed once its egress is flushed.
    Closing,
    /// All was sent and the write side is shut; input is thrown away until the other end closes,
    /// because closing with unread input would destroy replies on their way.
    Lingering,
}

/// What a read gave.
#[derive(Debug)]
pub(super) enum Input {
    /// So many bytes; `more`: there may be others already.
    Bytes {
        len: usize,
        more: bool,
    },
    /// Nothing now: an event will tell.
    Drained,
    /// The other end sends nothing more.
    End,
    Broken,
}

/// What became of a flush.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    All,
    /// Bytes are left; write interest is armed.
    Partly,
    Broken,
}

/// Why writing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    All,
    UntilFull,
    Share,
}

/// An open socket and what the worker knows of it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnId,
    pub(super) role: Role,
    pub(super) phase: Phase,
    /// Waits in the worker's ready list.
    pub(super) queued: bool,
    /// The node wanted no more input: there may be unread bytes without another event.
    pub(super) paused: bool,
    /// Nothing more will be read.
    pub(super) ended: bool,
    /// An event said that the end of input is there, so that no other event will.
    pub(super) end_seen: bool,
    /// Write interest is registered.
    armed: bool,
    socket: TcpStream,
}

impl Connection {
    pub(super) fn new(id: ConnId, role: Role, socket: TcpStream) -> Self {
        Self {
            id,
            role,
            phase: Phase::Open,
            queued: false,
            paused: false,
            ended: false,
            end_seen: false,
            armed: false,
            socket,
        }
    }

    /// Registers an accepted socket.
    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let token = Key::Connection(self.id).token();
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Registers a socket that was dialled: it has an entry already.
    pub(super) fn reregister(&mut self, registry: &Registry) -> io::Result<()> {
        let token = Key::Connection(self.id).token();
        let interest = if self.armed {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        registry.reregister(&mut self.socket, token, interest)
    }

    pub(super) fn armed(&self) -> bool {
        self.armed
    }

    /// Reads once. A read that does not fill the buffer has drained the socket, unless the end of
    /// input was announced together with the bytes.
    pub(super) fn read(&mut self, buffer: &mut [u8], counters: &mut IoCounters) -> Input {
        loop {
            counters.reads_total += 1;
            return match self.socket.read(buffer) {
                Ok(0) => Input::End,
                Ok(len) => {
                    counters.read_bytes_total += len as u64;
                    let more = len == buffer.len() || self.end_seen;
                    Input::Bytes { len, more }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => Input::Drained,
                    _ => Input::Broken,
                },
            };
        }
    }

    /// Writes what the socket takes, and arms write interest for the rest.
    pub(super) fn flush(
        &mut self,
        egress: &mut Egress,
        registry: &Registry,
        counters: &mut IoCounters,
    ) -> Flushed {
        let Ok(wrote) = self.write(egress, counters) else {
            return Flushed::Broken;
        };
        let all = wrote == Wrote::All;
        // A socket that is not full gives no event unless it is registered again.
        if self.armed == all || wrote == Wrote::Share {
            self.armed = !all;
            if self.reregister(registry).is_err() {
                return Flushed::Broken;
            }
        }
        if all { Flushed::All } else { Flushed::Partly }
    }

    fn write(&mut self, egress: &mut Egress, counters: &mut IoCounters) -> io::Result<Wrote> {
        let mut share = WRITE_PER_TURN_MAX;
        while !egress.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = egress.slices(&mut slices);
            let offered = slices[..filled].iter().map(|slice| slice.len()).sum();
            counters.writes_total += 1;
            let result = match &slices[..filled] {
                [only] => self.socket.write(only),
                several => self.socket.write_vectored(several),
            };
            let written = match result {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Wrote::UntilFull);
                }
                Err(error) => return Err(error),
            };
            egress.consume(written);
            counters.written_bytes_total += written as u64;
            share = share.saturating_sub(written);
            if written < offered {
                return Ok(Wrote::UntilFull);
            }
            if share == 0 && !egress.is_empty() {
                return Ok(Wrote::Share);
            }
        }
        Ok(Wrote::All)
    }

    /// Tells the other end that nothing more comes.
    pub(super) fn shut_write(&self) -> io::Result<()> {
        self.socket.shutdown(std::net::Shutdown::Write)
    }
}

/// Lingering connections in the order of their deadlines.
pub(super) type Lingering = std::collections::VecDeque<(Mono, ConnId)>;
