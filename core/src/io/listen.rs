//! Listening sockets.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::node::Role;

/// Idle time after which the kernel asks whether the other end still lives.
const KEEPALIVE: Duration = Duration::from_secs(300);

/// A listening socket and what those who connect to it are.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) role: Role,
    pub(super) socket: TcpListener,
}

/// What one attempt to accept gave.
pub(super) enum Accepted {
    Stream(TcpStream),
    /// Nobody waits.
    Empty,
    /// That one is gone; the next may be fine.
    Failed,
    /// The process or the machine has no room for another socket.
    Exhausted,
}

impl Listener {
    /// Binds and listens. The address is free again at once after a crash; port 0 takes any.
    pub(super) fn bind(role: Role, address: SocketAddr, backlog: i32) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Accepted sockets inherit it.
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        let socket = TcpListener::from_std(socket.into());
        Ok(Self { role, socket })
    }

    pub(super) fn accept(&self) -> Accepted {
        match self.socket.accept() {
            Ok((stream, _)) => match stream.set_nodelay(true) {
                Ok(()) => Accepted::Stream(stream),
                Err(_) => Accepted::Failed,
            },
            Err(error) => refused(&error),
        }
    }
}

/// Errors of one connection are its own; anything else would come again at once.
fn refused(error: &io::Error) -> Accepted {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    match error.kind() {
        WouldBlock => Accepted::Empty,
        ConnectionAborted | ConnectionReset | Interrupted => Accepted::Failed,
        _ => Accepted::Exhausted,
    }
}
