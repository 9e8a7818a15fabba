//! Connections made before the clock starts, and a blocking client on one of them.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustls::ClientConnection;

use crate::decode::{DecodeError, Kind, Step};
use crate::link::{LinkConfig, Protocol};
use crate::replies::Replies;
use crate::stream::{Address, Stream};
use crate::tls::{Tls, TlsError};

const CONNECT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(30);
/// What an endpoint that is a file starts with.
const UNIX: &str = "unix:";

/// Why a conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The connection broke, or never was.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came back is no reply.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The server refused.
    #[error("the server answers `{0}`")]
    Refused(String),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Knows how to get from an endpoint's name to a connection that takes requests.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) protocol: Protocol,
    /// What is sent first, and how many replies it has.
    pub(crate) greeting: (Vec<u8>, u32),
    tls: Option<Tls>,
}

impl Dialer {
    pub(crate) fn new(link: &LinkConfig) -> Result<Self, TlsError> {
        Ok(Self {
            protocol: link.protocol,
            greeting: link.greeting(),
            tls: link.tls.as_ref().map(Tls::new).transpose()?,
        })
    }

    /// A TLS session for a new connection, where there is to be one.
    pub(crate) fn session(
        &self,
        endpoint: &str,
    ) -> Result<Option<Box<ClientConnection>>, TlsError> {
        self.tls
            .as_ref()
            .map(|tls| tls.session(endpoint))
            .transpose()
    }

    /// Connects and greets.
    pub(crate) fn dial(&self, endpoint: &str) -> Result<Client, DialError> {
        let session = self.session(endpoint)?;
        let (stream, address) = match endpoint.strip_prefix(UNIX) {
            Some(path) => {
                let stream = UnixStream::connect(path)?;
                (Stream::unix(stream, session), Address::Unix(path.into()))
            }
            None => {
                let stream = connect(endpoint)?;
                let address = Address::Tcp(stream.peer_addr()?);
                (Stream::tcp(stream, session)?, address)
            }
        };
        stream.set_patience(SILENCE)?;
        let mut client = Client {
            stream,
            address,
            decoder: Replies::new(self.protocol),
            buffer: vec![0; 64 << 10],
            unread: 0..0,
        };
        let (bytes, replies) = &self.greeting;
        client.send(bytes)?;
        for _ in 0..*replies {
            client.reply(&mut |_, _| ())?;
        }
        Ok(client)
    }
}

fn connect(endpoint: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in endpoint.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A blocking connection that reads one reply after the other.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: Stream,
    pub(crate) address: Address,
    decoder: Replies,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are read and not yet used.
    unread: Range<usize>,
}

impl Client {
    pub(crate) fn send(&mut self, requests: &[u8]) -> Result<(), DialError> {
        self.stream.write_all(requests)?;
        while self.stream.holds_back() {
            self.stream.flush()?;
        }
        Ok(())
    }

    /// Reads until `parse` makes something of what came, a megabyte at most.
    pub(crate) fn whole<T>(&mut self, parse: impl Fn(&[u8]) -> Option<T>) -> io::Result<T> {
        let mut input = self.buffer[std::mem::take(&mut self.unread)].to_vec();
        loop {
            if let Some(whole) = parse(&input) {
                return Ok(whole);
            }
            let count = self.stream.read(&mut self.buffer)?;
            if count == 0 || input.len() > 1 << 20 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            input.extend_from_slice(&self.buffer[..count]);
        }
    }

    /// The next reply; `body` sees the pieces of its body with their offsets.
    pub(crate) fn reply(&mut self, body: &mut dyn FnMut(usize, &[u8])) -> Result<Kind, DialError> {
        loop {
            let (used, step) = self.decoder.step(&self.buffer[self.unread.clone()])?;
            self.unread.start += used;
            match step {
                Step::More => {
                    let count = self.stream.read(&mut self.buffer)?;
                    if count == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                    self.unread = 0..count;
                }
                Step::Body { offset, len } => {
                    body(
                        offset,
                        &self.buffer[self.unread.start - len..self.unread.start],
                    );
                }
                Step::Push => {}
                Step::Done(Kind::Error) => {
                    let text = String::from_utf8_lossy(self.decoder.error()).into_owned();
                    return Err(DialError::Refused(text));
                }
                Step::Done(kind) => return Ok(kind),
            }
        }
    }
}
