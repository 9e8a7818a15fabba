//! A server that does nothing, on time or not: one thread, one poll.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use ringlab_loadgen::{SizeLaw, Values};

static MACHINE: RwLock<()> = RwLock::new(());

/// The machine together with other tests.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The machine alone.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// One request as the server saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Requests before this one, on all connections.
    pub(crate) number: u64,
    pub(crate) get: bool,
    pub(crate) key: u64,
}

/// What comes back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// Close the connection after these bytes.
    pub(crate) close: bool,
    /// One write a byte.
    pub(crate) dribble: bool,
}

impl Answer {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            ..Self::default()
        }
    }
}

/// The right answer to a request.
pub(crate) fn right(values: &Values, ask: Ask) -> Answer {
    let mut bytes = Vec::new();
    if ask.get {
        bytes.extend_from_slice(format!("${}\r\n", values.size(ask.key)).as_bytes());
        values.write(ask.key, &mut bytes);
        bytes.extend_from_slice(b"\r\n");
    } else {
        bytes.extend_from_slice(b"+OK\r\n");
    }
    Answer {
        bytes,
        ..Answer::default()
    }
}

pub(crate) fn values(size: u64) -> Values {
    Values::new(SizeLaw::Fixed(size))
}

/// Runs until dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answer: impl FnMut(Ask) -> Answer + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answer)
    }

    pub(crate) fn start_at(
        address: SocketAddr,
        mut answer: impl FnMut(Ask) -> Answer + Send + 'static,
    ) -> Self {
        Self::start_raw(address, move |ask, _| answer(ask))
    }

    /// The same for an answer that depends on the words of the request.
    pub(crate) fn start_raw(
        address: SocketAddr,
        answer: impl FnMut(Ask, &[&[u8]]) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        let thread = std::thread::spawn(move || serve(listener, answer, &flag));
        Self {
            address,
            over,
            thread: Some(thread),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

const LISTENER: Token = Token(usize::MAX);

fn serve(
    mut listener: TcpListener,
    mut answer: impl FnMut(Ask, &[&[u8]]) -> Answer,
    over: &AtomicBool,
) {
    let mut poll = Poll::new().unwrap();
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)
        .unwrap();
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut events = Events::with_capacity(256);
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(20))).ok();
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true).ok();
                    let token = Token(clients.len());
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, token, both).unwrap();
                    clients.push(Some(Client {
                        stream,
                        input: Vec::new(),
                        output: Vec::new(),
                    }));
                }
            } else if let Some(client) = &mut clients[event.token().0] {
                let open =
                    client.fill() && client.answer(&mut answer, &mut number) && client.flush();
                if !open {
                    clients[event.token().0] = None;
                }
            }
        }
    }
}

impl Client {
    fn fill(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&piece[..count]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn answer(
        &mut self,
        answer: &mut impl FnMut(Ask, &[&[u8]]) -> Answer,
        number: &mut u64,
    ) -> bool {
        let mut at = 0;
        while let Some((len, key, words)) = request(&self.input[at..]) {
            at += len;
            let ask = Ask {
                number: *number,
                get: words[0] == b"GET",
                key,
            };
            let answer = answer(ask, &words);
            *number += 1;
            if answer.dribble {
                if !self.flush() {
                    return false;
                }
                for byte in &answer.bytes {
                    self.output.push(*byte);
                    if !self.flush() {
                        return false;
                    }
                    std::thread::yield_now();
                }
            } else {
                self.output.extend_from_slice(&answer.bytes);
            }
            if answer.close {
                self.flush();
                return false;
            }
        }
        self.input.drain(..at);
        true
    }

    fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

/// Length, key number and words of the first whole request.
fn request(input: &[u8]) -> Option<(usize, u64, Vec<&[u8]>)> {
    let (mut at, words) = number_line(input, 0)?;
    let mut parts = Vec::new();
    for _ in 0..words {
        let (start, length) = number_line(input, at)?;
        at = start + length + 2;
        parts.push(input.get(start..at)?.strip_suffix(b"\r\n").unwrap());
    }
    let digits = &parts[1][parts[1].len() - 12..];
    let key = std::str::from_utf8(digits).unwrap().parse().unwrap();
    Some((at, key, parts))
}

/// Where the line at `at` ends, and the number behind its first byte.
fn number_line(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = at + input.get(at..)?.iter().position(|&byte| byte == b'\n')?;
    let number = std::str::from_utf8(&input[at + 1..end - 1]).unwrap();
    Some((end + 1, number.parse().unwrap()))
}
