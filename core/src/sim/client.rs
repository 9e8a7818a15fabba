//! A client: asks, matches replies with what it asked, in order.

use std::collections::VecDeque;

use super::check::{expiry, order};
use super::history::{Ask, End, History, Key, Op, OpId, value};
use super::net::LinkId;
use super::rng::Rng;
use super::scenario::Scenario;
use crate::resp::{FrameEnd, frame};

/// How its connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    None,
    Open(LinkId),
    /// It said that it asks nothing more, and waits for the rest of its replies.
    HalfClosed(LinkId),
}

/// One client with at most one connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) host: usize,
    pub(super) wire: Wire,
    /// Operations it still means to ask.
    pub(super) left: usize,
    pub(super) waiting: VecDeque<OpId>,
    /// Keys it still means to read one after the other, at the end of a run.
    pub(super) to_read: Vec<Ask>,
    /// It reads nothing before.
    pub(super) lazy_until: u64,
    /// It has been lazy on this connection: being closed for it is fair.
    pub(super) was_lazy: bool,
    input: Vec<u8>,
}

/// The names of a run's keys.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: u64,
    count: usize,
    datacenters: usize,
}

impl Keys {
    pub(super) fn new(scenario: &Scenario, rng: &mut Rng) -> Self {
        Self {
            prefix: rng.below(1_000),
            count: scenario.key_count,
            datacenters: scenario.shape.datacenters,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count * self.datacenters
    }

    pub(super) fn name(&self, key: Key) -> String {
        format!("b{}:{key}", self.prefix)
    }

    pub(super) fn counter(&self, key: Key) -> String {
        format!("c{}:{key}", self.prefix)
    }

    /// Keys of a datacenter: quorums of different ones promise each other nothing.
    pub(super) fn of(&self, datacenter: usize) -> impl Iterator<Item = Key> {
        let (count, datacenters) = (self.count, self.datacenters);
        (0..count).map(move |at| (at * datacenters + datacenter) as Key)
    }

    fn pick(&self, datacenter: usize, rng: &mut Rng) -> Key {
        (rng.index(self.count) * self.datacenters + datacenter) as Key
    }

    fn some(&self, datacenter: usize, rng: &mut Rng) -> Vec<Key> {
        let count = rng.between(1, 4);
        let mut keys: Vec<Key> = (0..count).map(|_| self.pick(datacenter, rng)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Something a client noticed that must not be.
pub(super) type Complaint = String;

impl Client {
    pub(super) fn new(host: usize, left: usize) -> Self {
        Self {
            host,
            wire: Wire::None,
            left,
            waiting: VecDeque::new(),
            to_read: Vec::new(),
            lazy_until: 0,
            was_lazy: false,
            input: Vec::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.left == 0 && self.to_read.is_empty() && self.waiting.is_empty()
    }

    /// A fresh connection: nothing of an earlier one is left.
    pub(super) fn connected(&mut self, link: LinkId, now: u64) {
        self.wire = Wire::Open(link);
        self.was_lazy = self.lazy_until > now;
        self.input.clear();
    }

    /// Appends one request to `out` and remembers that its reply is awaited.
    pub(super) fn ask(
        &mut self,
        (ask, value_len): (Ask, usize),
        keys: &Keys,
        (history, now): (&mut History, u64),
        out: &mut Vec<u8>,
    ) -> OpId {
        let id = history.begin(Op {
            host: self.host,
            ask: ask.clone(),
            value_len,
            start: now,
            end_at: 0,
            end: End::Waiting,
        });
        encode(&ask, keys, (id, value_len), out);
        self.waiting.push_back(id);
        id
    }

    /// Takes replies off the stream, in the order of what was asked.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        (history, now): (&mut History, u64),
        ended: &mut Vec<OpId>,
    ) -> Result<(), Complaint> {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while at < input.len() {
            let len = match frame(&input[at..]) {
                FrameEnd::Complete { len } => len,
                FrameEnd::Incomplete { .. } => break,
                FrameEnd::Invalid(error) => return Err(format!("a reply is malformed: {error}")),
            };
            let reply = &input[at..at + len];
            at += len;
            let Some(id) = self.waiting.pop_front() else {
                return Err(format!("a reply to nothing: {}", reply.escape_ascii()));
            };
            let Some(end) = order::judge(id, reply, history) else {
                let ask = &history.op(id).ask;
                let reply = &reply[..len.min(120)];
                return Err(format!(
                    "op {id} {ask:?} got another's reply: {}",
                    reply.escape_ascii()
                ));
            };
            history.end(id, end, now);
            ended.push(id);
        }
        self.input = input;
        self.input.drain(..at);
        Ok(())
    }

    /// The connection is gone, and with it every reply that was awaited.
    pub(super) fn disconnected(&mut self, history: &mut History, now: u64) -> usize {
        self.wire = Wire::None;
        self.input.clear();
        let lost = self.waiting.len();
        for id in self.waiting.drain(..) {
            history.end(id, End::Lost, now);
        }
        lost
    }
}

/// What a client asks next.
pub(super) fn next_ask(
    scenario: &Scenario,
    keys: &Keys,
    datacenter: usize,
    rng: &mut Rng,
) -> (Ask, usize) {
    #[derive(Clone, Copy)]
    enum Sort {
        Set,
        Setex,
        Get,
        Del,
        Mset,
        Mget,
        Exists,
        Incr,
        Echo,
    }
    let sort = rng.weighted(&[
        (28, Sort::Set),
        (6, Sort::Setex),
        (30, Sort::Get),
        (6, Sort::Del),
        (6, Sort::Mset),
        (8, Sort::Mget),
        (3, Sort::Exists),
        (4, Sort::Incr),
        (9, Sort::Echo),
    ]);
    let ask = match sort {
        Sort::Setex if scenario.skew_ms_max <= expiry::SKEW_MS_MAX => {
            let key = keys.pick(datacenter, rng);
            Ask::Setex(key, rng.between(1, expiry::TTL_MS_MAX))
        }
        Sort::Set | Sort::Setex => Ask::Set(keys.pick(datacenter, rng)),
        Sort::Get => Ask::Get(keys.pick(datacenter, rng)),
        Sort::Del => Ask::Del(keys.some(datacenter, rng)),
        Sort::Mset => Ask::Mset(keys.some(datacenter, rng)),
        Sort::Mget => Ask::Mget(keys.some(datacenter, rng)),
        Sort::Exists => Ask::Exists(keys.some(datacenter, rng)),
        Sort::Incr => Ask::Incr(keys.pick(datacenter, rng)),
        Sort::Echo => Ask::Echo,
    };
    let large = rng.chance(scenario.large_percent);
    let len = if large {
        rng.between(10_000, 60_000)
    } else {
        rng.between(0, 60)
    };
    (ask, len as usize)
}

fn encode(ask: &Ask, keys: &Keys, (op, value_len): (OpId, usize), out: &mut Vec<u8>) {
    let mut words: Vec<Vec<u8>> = Vec::with_capacity(9);
    let name = |key: &Key| keys.name(*key).into_bytes();
    match ask {
        Ask::Set(key) => words.extend([b"SET".to_vec(), name(key), value(op, *key, value_len)]),
        Ask::Setex(key, ttl_ms) => words.extend([
            b"PSETEX".to_vec(),
            name(key),
            ttl_ms.to_string().into_bytes(),
            value(op, *key, value_len),
        ]),
        Ask::Mset(written) => {
            words.push(b"MSET".to_vec());
            for key in written {
                words.extend([name(key), value(op, *key, value_len)]);
            }
        }
        Ask::Del(keys) | Ask::Mget(keys) | Ask::Exists(keys) => {
            let command: &[u8] = match ask {
                Ask::Del(_) => b"DEL",
                Ask::Mget(_) => b"MGET",
                _ => b"EXISTS",
            };
            words.push(command.to_vec());
            words.extend(keys.iter().map(name));
        }
        Ask::Get(key) => words.extend([b"GET".to_vec(), name(key)]),
        Ask::Count(key) => words.extend([b"GET".to_vec(), keys.counter(*key).into_bytes()]),
        Ask::Incr(key) => words.extend([b"INCR".to_vec(), keys.counter(*key).into_bytes()]),
        Ask::Echo => words.extend([b"ECHO".to_vec(), order::echo(op)]),
    }
    crate::resp::request::encode(words.iter().map(Vec::as_slice), out);
}
