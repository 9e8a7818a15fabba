//! A server that does nothing: answers at once, keeps nothing. It shows what the client itself
//! costs, and, made to stall or to be slower, whether the client would see it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::clock;
use crate::size::SizeLaw;
use crate::value::Values;

/// How the server behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct NullConfig {
    /// Where it listens; port 0 is any free one.
    pub listen: String,
    /// Sizes of the values that GETs of ringload's keys are answered with.
    pub size: SizeLaw,
    /// Stops for as long (the second), once, so long after its first request (the first).
    pub stall_ns: Option<(u64, u64)>,
    /// Burns this share of its processor time on top.
    pub slower: f64,
}

impl Default for NullConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            size: SizeLaw::Fixed(64),
            stall_ns: None,
            slower: 0.0,
        }
    }
}

/// A null server on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct NullServer {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NullServer {
    /// Listens and serves.
    pub fn start(config: &NullConfig) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(&config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let mut server = Loop::new(listener, config.clone())?;
        let flag = Arc::clone(&over);
        let thread = std::thread::Builder::new()
            .name("null".into())
            .spawn(
                move || {
                    while !flag.load(Ordering::Relaxed) && server.turn().is_ok() {}
                },
            )?;
        Ok(Self {
            address,
            over,
            thread: Some(thread),
        })
    }

    /// `host:port`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Serves until the process is ended.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

const LISTENER: Token = Token(usize::MAX);
const TURN: Duration = Duration::from_millis(20);

struct Loop {
    listener: TcpListener,
    poll: Poll,
    events: Events,
    clients: Vec<Option<Client>>,
    answers: Answers,
    stall_ns: Option<(u64, u64)>,
    first_request: Option<u64>,
    slower: f64,
    /// Processor time of the thread when it last had burnt its share.
    burnt_at: u64,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// What is read and not whole yet.
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Loop {
    fn new(listener: std::net::TcpListener, config: NullConfig) -> io::Result<Self> {
        let mut listener = TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            listener,
            poll,
            events: Events::with_capacity(1024),
            clients: Vec::new(),
            answers: Answers {
                values: Values::new(config.size.clone()),
            },
            stall_ns: config.stall_ns,
            first_request: None,
            slower: config.slower,
            burnt_at: 0,
            buffer: vec![0; 64 << 10],
        })
    }

    fn turn(&mut self) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(TURN)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            if event.token() == LISTENER {
                self.accept();
            } else {
                self.serve(event.token().0);
            }
        }
        self.events = events;
        self.burn();
        Ok(())
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let place = self.clients.iter().position(Option::is_none);
            let place = place.unwrap_or_else(|| {
                self.clients.push(None);
                self.clients.len() - 1
            });
            let both = Interest::READABLE | Interest::WRITABLE;
            stream.set_nodelay(true).ok();
            if self
                .poll
                .registry()
                .register(&mut stream, Token(place), both)
                .is_ok()
            {
                self.clients[place] = Some(Client {
                    stream,
                    input: Vec::new(),
                    output: Vec::new(),
                });
            }
        }
    }

    fn serve(&mut self, place: usize) {
        let Some(client) = &mut self.clients[place] else {
            return;
        };
        let open = client.read(&mut self.buffer);
        let mut asked = false;
        let understood = client.answer(&self.answers, &mut asked);
        if asked {
            self.stall_when_due();
        }
        let client = self.clients[place].as_mut();
        let written = client.is_some_and(Client::flush);
        if !(open && understood && written) {
            self.clients[place] = None;
        }
    }

    fn stall_when_due(&mut self) {
        let first = *self.first_request.get_or_insert_with(clock::now);
        if let Some((after, length)) = self.stall_ns
            && clock::now() >= first + after
        {
            self.stall_ns = None;
            std::thread::sleep(Duration::from_nanos(length));
        }
    }

    /// All time counts, that of the kernel for this thread too.
    fn burn(&mut self) {
        if self.slower > 0.0 {
            let now = clock::thread_cpu();
            let until = now + ((now - self.burnt_at) as f64 * self.slower) as u64;
            while clock::thread_cpu() < until {
                std::hint::spin_loop();
            }
            self.burnt_at = clock::thread_cpu();
        }
    }
}

impl Client {
    /// Reads what there is; false at the end of the stream.
    fn read(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    // Less than was asked for: the socket is empty.
                    if count < buffer.len() {
                        return true;
                    }
                }
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// Answers all whole requests; false if one is none.
    fn answer(&mut self, answers: &Answers, asked: &mut bool) -> bool {
        let mut at = 0;
        let understood = loop {
            match request(&self.input[at..]) {
                Ok(Some(request)) => {
                    answers.write(&request, &mut self.output);
                    *asked = true;
                    at += request.length;
                }
                Ok(None) => break true,
                Err(Nonsense) => break false,
            }
        };
        self.input.drain(..at);
        understood
    }

    fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) if count == self.output.len() => self.output.clear(),
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

struct Answers {
    values: Values,
}

impl Answers {
    fn write(&self, request: &Request<'_>, out: &mut Vec<u8>) {
        let Request { name, key, .. } = *request;
        if name.eq_ignore_ascii_case(b"GET") {
            match number(key) {
                Some(key) => {
                    write!(out, "${}\r\n", self.values.size(key)).ok();
                    self.values.write(key, out);
                    out.extend_from_slice(b"\r\n");
                }
                None => out.extend_from_slice(b"$-1\r\n"),
            }
        } else if name.eq_ignore_ascii_case(b"SET") {
            out.extend_from_slice(b"+OK\r\n");
        } else if name.eq_ignore_ascii_case(b"PING") {
            out.extend_from_slice(b"+PONG\r\n");
        } else if name.eq_ignore_ascii_case(b"INFO") {
            let used = clock::thread_cpu() as f64 / 1e9;
            let text = format!("# CPU\r\nused_cpu_sys:0.000000\r\nused_cpu_user:{used:.6}\r\n");
            write!(out, "${}\r\n{text}\r\n", text.len()).ok();
        } else {
            out.extend_from_slice(b"-ERR not by a null server\r\n");
        }
    }
}

/// The number that ringload's keys end with.
fn number(key: &[u8]) -> Option<u64> {
    let digits = key.get(key.len().checked_sub(12)?..)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Input that is no request.
#[derive(Debug, PartialEq)]
struct Nonsense;

/// The request that the input begins with.
#[derive(Debug, PartialEq)]
struct Request<'a> {
    length: usize,
    name: &'a [u8],
    /// Its first argument.
    key: &'a [u8],
}

/// The first request, if it is whole.
fn request(input: &[u8]) -> Result<Option<Request<'_>>, Nonsense> {
    let Some((mut at, words)) = header(input, b'*')? else {
        return Ok(None);
    };
    let mut parts: [&[u8]; 2] = [&[], &[]];
    for index in 0..words {
        let rest = input.get(at..).unwrap_or_default();
        let Some((start, length)) = header(rest, b'$')? else {
            return Ok(None);
        };
        let Some(part) = rest.get(start..start + length) else {
            return Ok(None);
        };
        if let Some(place) = parts.get_mut(index) {
            *place = part;
        }
        at += start + length + 2;
    }
    let [name, key] = parts;
    let length = at;
    Ok((at <= input.len()).then_some(Request { length, name, key }))
}

/// Where the line at the start of `input` ends, and the number behind its mark.
fn header(input: &[u8], mark: u8) -> Result<Option<(usize, usize)>, Nonsense> {
    let Some(end) = input.iter().take(32).position(|&byte| byte == b'\n') else {
        let shorter = input.len() < 32 && input.first().is_none_or(|&first| first == mark);
        return if shorter { Ok(None) } else { Err(Nonsense) };
    };
    let digits = input[..end]
        .strip_prefix(&[mark])
        .and_then(|line| line.strip_suffix(b"\r"));
    let number = digits
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .filter(|&number: &usize| number <= 512 << 20);
    number.map(|number| Some((end + 1, number))).ok_or(Nonsense)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_whole_or_not_yet() {
        let text = b"*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$2\r\nhi\r\n";
        let (length, name, key) = (text.len(), &b"SET"[..], &b"key:1"[..]);
        assert_eq!(request(text), Ok(Some(Request { length, name, key })));
        for cut in 0..text.len() {
            assert_eq!(request(&text[..cut]), Ok(None), "{cut}");
        }
        for nonsense in [&b"get x\r\n"[..], b"*1\r\nPING\r\n", b"*x\r\n", &[b'*'; 40]] {
            assert_eq!(request(nonsense), Err(Nonsense));
        }
    }

    #[test]
    fn keys_end_with_their_number() {
        assert_eq!(number(b"key:000000000042"), Some(42));
        assert_eq!(number(b"key:__rand_int__"), None);
        assert_eq!(number(b"short"), None);
    }
}
