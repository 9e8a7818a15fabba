//! Bytes to and from a server: TCP or a unix socket, plain or through TLS.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::ClientConnection;
use socket2::SockRef;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket and, where asked for, the TLS session on it.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    session: Option<Box<ClientConnection>>,
}

impl Stream {
    /// Starts to connect; the poll tells when it is done.
    pub(crate) fn connect(
        address: &Address,
        session: Option<Box<ClientConnection>>,
    ) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp(address) => Socket::Tcp(TcpStream::connect(*address)?),
            Address::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
        };
        Ok(Self { socket, session })
    }

    /// Takes over a connected socket as it is, blocking or not.
    pub(crate) fn tcp(
        stream: std::net::TcpStream,
        session: Option<Box<ClientConnection>>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            socket: Socket::Tcp(TcpStream::from_std(stream)),
            session,
        })
    }

    /// The same for a unix socket.
    pub(crate) fn unix(
        stream: std::os::unix::net::UnixStream,
        session: Option<Box<ClientConnection>>,
    ) -> Self {
        Self {
            socket: Socket::Unix(UnixStream::from_std(stream)),
            session,
        }
    }

    fn raw(&self) -> SockRef<'_> {
        match &self.socket {
            Socket::Tcp(stream) => SockRef::from(stream),
            Socket::Unix(stream) => SockRef::from(stream),
        }
    }

    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        self.raw().set_nonblocking(true)
    }

    /// How long a blocking read or write may take.
    pub(crate) fn set_patience(&self, patience: std::time::Duration) -> io::Result<()> {
        self.raw().set_read_timeout(Some(patience))?;
        self.raw().set_write_timeout(Some(patience))
    }

    /// Registers the socket once for good: edges of both directions, so nothing is armed later.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match &mut self.socket {
            Socket::Tcp(stream) => stream.register(registry, token, both),
            Socket::Unix(stream) => stream.register(registry, token, both),
        }
    }

    /// Whether the connection under way is made.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.raw().take_error()? {
            return Err(error);
        }
        match self.raw().peer_addr() {
            Ok(_) => {
                if let Socket::Tcp(stream) = &self.socket {
                    stream.set_nodelay(true)?;
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// True if a short read does not mean that the socket is empty.
    pub(crate) fn reads_short(&self) -> bool {
        self.session.is_some()
    }

    /// True if bytes that were written still wait here for the kernel.
    pub(crate) fn holds_back(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.wants_write())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else {
            return self.socket.read(buffer);
        };
        loop {
            match session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            // A session without plaintext that has ended says so by the reader.
            session.read_tls(&mut self.socket)?;
            session.process_new_packets().map_err(io::Error::other)?;
            if session.wants_write() {
                push(session, &mut self.socket)?;
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else {
            return self.socket.write(bytes);
        };
        push(session, &mut self.socket)?;
        let taken = session.writer().write(bytes)?;
        push(session, &mut self.socket)?;
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.session {
            Some(session) => push(session, &mut self.socket),
            None => Ok(()),
        }
    }
}

/// Moves records to the kernel as far as it takes them.
fn push(session: &mut ClientConnection, socket: &mut Socket) -> io::Result<()> {
    while session.wants_write() {
        match session.write_tls(socket) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
