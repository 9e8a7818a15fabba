//! One connection: its socket, what it has yet to write, and the requests it awaits replies for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::{Registry, Token};

use crate::check::checker::Side;
use crate::clock;
use crate::cluster::Redirect;
use crate::decode::{self, DecodeError, Kind, Step};
use crate::dial::{Client, Dialer};
use crate::replies::Replies;
use crate::stream::{Address, Stream};
use crate::tape::Tape;
use crate::template::Expect;
use crate::value::Values;
use crate::window::{Window, count_failure};
use crate::worker::{Redirected, Route};

/// A request that was written, or is about to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    /// The first key it is about.
    pub(crate) key: u64,
    /// When it should have been sent.
    pub(crate) intended: u64,
    /// When it was.
    pub(crate) written: u64,
    /// Bytes of the first key's value.
    pub(crate) size: u32,
    pub(crate) command: u8,
    pub(crate) expect: Expect,
    /// Keys it is about; those after the first are in the connection's `more`.
    pub(crate) keys: u8,
    /// True if its key is new.
    pub(crate) insert: bool,
}

impl Flight {
    /// True if it is another of the same command, meant for the same time and written at the same.
    pub(crate) fn is_timed_as(&self, other: &Self) -> bool {
        let times = |flight: &Self| (flight.written, flight.intended, flight.command);
        times(self) == times(other)
    }
}

/// The state of a connection's socket.
#[derive(Debug)]
pub(crate) enum Link {
    Up(Stream),
    Connecting { stream: Stream, since: u64 },
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
    #[error("refused: {0}")]
    Refused(String),
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
    /// True if the server has greeted back: requests may be sent now.
    pub(crate) ready: bool,
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
    /// The endpoint as it was named.
    name: Arc<str>,
    address: Address,
    dialer: Arc<Dialer>,
    token: Token,
    /// Counts the connection's sockets: a slot of an earlier one is stale.
    pub(crate) generation: u32,
    pub(crate) link: Link,
    pub(crate) flights: VecDeque<Flight>,
    /// What it sends.
    pub(crate) tape: Tape,
    /// Further keys, and their values' sizes, of the requests under way that read several.
    pub(crate) more: VecDeque<(u64, u32)>,
    /// Encoded requests; the first `written` bytes are with the kernel.
    pub(crate) out: Vec<u8>,
    written: usize,
    /// Replies to the greeting that are still to come, and since when they are awaited.
    greeting: Option<(u32, u64)>,
    decoder: Replies,
    /// False once a piece of the body under way was wrong.
    body_right: bool,
    /// Where it leads to a node of a cluster.
    pub(crate) route: Option<Box<Route>>,
    /// Follows every value, where that is asked for.
    pub(crate) check: Option<Box<Side>>,
}

impl Connection {
    /// Takes over a connection to `endpoint`, greeted and with nothing to read.
    pub(crate) fn open(
        client: Client,
        (endpoint, name): (usize, &str),
        token: Token,
        dialer: &Arc<Dialer>,
        tape: Tape,
    ) -> io::Result<Self> {
        client.stream.set_nonblocking()?;
        Ok(Self {
            endpoint,
            name: name.into(),
            address: client.address,
            dialer: Arc::clone(dialer),
            token,
            generation: 0,
            link: Link::Up(client.stream),
            flights: VecDeque::new(),
            tape,
            more: VecDeque::new(),
            out: Vec::with_capacity(4096),
            written: 0,
            greeting: None,
            decoder: Replies::new(dialer.protocol),
            body_right: true,
            route: None,
            check: None,
        })
    }

    /// Registers the socket.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        match &mut self.link {
            Link::Up(stream) | Link::Connecting { stream, .. } => {
                stream.register(registry, self.token)
            }
            Link::Down { .. } => Ok(()),
        }
    }

    /// True if it takes requests.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, Link::Up(_)) && self.greeting.is_none()
    }

    /// Since when it is awaited that the server accepts, or greets back.
    pub(crate) fn awaited_since(&self) -> Option<u64> {
        match self.link {
            Link::Connecting { since, .. } => Some(since),
            _ => self.greeting.map(|(_, since)| since),
        }
    }

    /// Starts to connect again.
    pub(crate) fn reconnect(&mut self, registry: &Registry, now: u64) -> io::Result<()> {
        let session = self.dialer.session(&self.name).map_err(io::Error::other)?;
        let stream = Stream::connect(&self.address, session)?;
        self.link = Link::Connecting { stream, since: now };
        self.register(registry)
    }

    /// Looks whether the connection under way is made, and greets; true if it takes requests now.
    pub(crate) fn finish_connect(&mut self, now: u64, window: &mut Window) -> Result<bool, Broken> {
        let Link::Connecting { stream, since } = &self.link else {
            return Ok(false);
        };
        let since = *since;
        if !stream.is_connected()? {
            return Ok(false);
        }
        if let Link::Connecting { stream, .. } =
            std::mem::replace(&mut self.link, Link::Down { retry_at: now })
        {
            self.link = Link::Up(stream);
        }
        let (bytes, replies) = &self.dialer.greeting;
        if *replies > 0 {
            self.greeting = Some((*replies, since));
            self.out.extend_from_slice(bytes);
            self.flush(window)?;
        }
        Ok(self.greeting.is_none())
    }

    /// Drops the socket and everything under way on it.
    pub(crate) fn close(&mut self, retry_at: u64) {
        self.link = Link::Down { retry_at };
        self.generation = self.generation.wrapping_add(1);
        self.flights.clear();
        self.more.clear();
        self.out.clear();
        self.written = 0;
        self.greeting = None;
        self.decoder.reset();
        self.body_right = true;
        if let Some(route) = &mut self.route {
            route.sent.clear();
            route.redirected.clear();
        }
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
        if stream.holds_back() {
            stream.flush()?;
        }
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
                // Less than was asked for: the socket is empty, and its next byte a new edge.
                let more = count == buffer.len() || stream.reads_short();
                let greeting = self.greeting.is_some();
                let (done, broken) = self.judge(&buffer[..count], values, window);
                Arrived {
                    done,
                    more,
                    blocked: false,
                    ready: greeting && self.greeting.is_none(),
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
            if self.check.is_none() {
                let (used, ended) = self.judge_plain((&input[at..], done), values, window);
                at += used;
                done += ended;
            }
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
                if let Some(greeting) = self.greeting {
                    match self.greeted(step, greeting) {
                        Ok(()) => continue,
                        Err(broken) => return (done, Some(broken)),
                    }
                }
                return (done, Some(Broken::Unasked));
            };
            match step {
                Step::More | Step::Push => {}
                Step::Done(_) if flight.expect == Expect::Skipped => done += 1,
                Step::Done(Kind::Error) if self.is_redirected(done) => done += 1,
                Step::Body { offset, len } => {
                    let piece = &input[at - len..at];
                    if let Some(check) = &mut self.check {
                        check.body(piece);
                        continue;
                    }
                    self.body_right &= match flight.expect {
                        Expect::Value | Expect::Own => values.matches(flight.key, offset, piece),
                        Expect::Values => self.item_is_right(&flight, (offset, piece), values),
                        Expect::Found | Expect::Stored | Expect::Any | Expect::Skipped => true,
                    };
                }
                Step::Done(kind) if self.check.is_some() => {
                    self.check_reply(&flight, kind, window);
                    done += 1;
                }
                Step::Done(kind) => {
                    let right = std::mem::replace(&mut self.body_right, true);
                    self.count_reply(&flight, (kind, right), window);
                    if flight.expect == Expect::Values {
                        self.more.drain(..usize::from(flight.keys) - 1);
                    }
                    done += 1;
                }
            }
        }
    }

    /// Judges the whole replies at the front of the input that are the rightest of right answers
    /// to a plain GET or SET; returns what it used and how many ended. All else takes steps.
    #[inline]
    fn judge_plain(
        &self,
        (input, done): (&[u8], usize),
        values: &Values,
        window: &mut Window,
    ) -> (usize, usize) {
        let (mut used, mut ended) = (0, 0);
        if !self.decoder.is_between() {
            return (used, ended);
        }
        for flight in self.flights.range(done.min(self.flights.len())..) {
            let rest = &input[used..];
            match flight.expect {
                Expect::Stored if rest.starts_with(b"+OK\r\n") => used += 5,
                Expect::Value => {
                    let Some((length, body)) = decode::whole_string(rest) else {
                        break;
                    };
                    let sized = body.len() == flight.size as usize;
                    if !sized || !values.matches(flight.key, 0, body) {
                        break;
                    }
                    used += length;
                    window.counts.hits += 1;
                }
                _ => break,
            }
            ended += 1;
        }
        (used, ended)
    }

    /// One step of the replies to the greeting.
    fn greeted(&mut self, step: Step, (left, since): (u32, u64)) -> Result<(), Broken> {
        match step {
            Step::Done(Kind::Error) => {
                let text = String::from_utf8_lossy(self.decoder.error()).into_owned();
                return Err(Broken::Refused(text));
            }
            Step::Done(_) => self.greeting = (left > 1).then(|| (left - 1, since)),
            Step::More | Step::Push | Step::Body { .. } => {}
        }
        Ok(())
    }

    /// Looks whether an error is a redirect; the map learns what it says.
    fn is_redirected(&mut self, place: usize) -> bool {
        let Some(route) = &mut self.route else {
            return false;
        };
        let asked = match Redirect::of(self.decoder.error()) {
            Some(Redirect::Moved { slot, node }) => route.map.node(node).map(|node| {
                route.map.moved(slot, node);
                None
            }),
            Some(Redirect::Ask { node }) => route.map.node(node).map(Some),
            None => None,
        };
        let Some(asked) = asked.filter(|_| route.may_go_on(place)) else {
            return false;
        };
        route.redirected.push(Redirected {
            place,
            asked,
            sent: self.check.as_mut().and_then(|check| check.take_oldest()),
        });
        true
    }

    /// Has a reply checked; errors and what is no answer are counted as without the check.
    fn check_reply(&mut self, flight: &Flight, kind: Kind, window: &mut Window) {
        let answers = self
            .check
            .as_mut()
            .is_some_and(|check| check.answered(kind, self.endpoint, clock::now(), window));
        if !answers {
            self.count_reply(flight, (kind, false), window);
        }
    }

    /// Looks at a piece of one of several values.
    fn item_is_right(
        &self,
        flight: &Flight,
        (offset, piece): (usize, &[u8]),
        values: &Values,
    ) -> bool {
        let (item, length) = self.decoder.item();
        let expected = match item.checked_sub(1) {
            None => Some((flight.key, flight.size)),
            Some(after) if item < usize::from(flight.keys) => self.more.get(after).copied(),
            Some(_) => None,
        };
        expected.is_some_and(|(key, size)| {
            length == size as usize && values.matches(key, offset, piece)
        })
    }

    fn count_reply(&self, flight: &Flight, (kind, body_right): (Kind, bool), window: &mut Window) {
        let wrong = match (flight.expect, kind) {
            (Expect::Value, Kind::Bulk(size)) => {
                if size == flight.size as usize && body_right {
                    window.counts.hits += 1;
                    return;
                }
                if body_right {
                    "value of another length"
                } else {
                    "another value"
                }
            }
            (Expect::Own | Expect::Found, Kind::Bulk(_)) if body_right => {
                window.counts.hits += 1;
                return;
            }
            (Expect::Own, Kind::Bulk(_)) => "another value",
            (Expect::Value | Expect::Own | Expect::Found, Kind::Nil) => {
                window.counts.misses += 1;
                return;
            }
            (Expect::Values, Kind::Items(items)) => {
                let (nils, others) = self.decoder.nils_and_others();
                if items == usize::from(flight.keys) && others == 0 && body_right {
                    window.counts.hits += (items - nils) as u64;
                    window.counts.misses += nils as u64;
                    return;
                }
                "other values than those of the keys"
            }
            (Expect::Stored, Kind::Simple) => return,
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
            (Expect::Any, _) => return,
            (_, _) => "reply of another type",
        };
        window.counts.wrong += 1;
        window.endpoints[self.endpoint].failed += 1;
        count_failure(&mut window.failures, ("wrong: ", wrong), 1, || {
            format!(
                "command {} of key {}: {kind:?}",
                flight.command + 1,
                flight.key
            )
        });
    }
}
