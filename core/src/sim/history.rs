//! What the clients asked and were told. The checkers read nothing else of them.

use super::scenario::MS;

/// An operation's index.
pub(super) type OpId = u32;

/// A point in time that never comes.
pub(super) const NEVER: u64 = u64::MAX;

/// A key by number; counters are told apart by their command.
pub(super) type Key = u16;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Set(Key),
    /// A `SET` that expires after so many milliseconds.
    Setex(Key, u64),
    Mset(Vec<Key>),
    Del(Vec<Key>),
    Get(Key),
    Mget(Vec<Key>),
    Exists(Vec<Key>),
    Incr(Key),
    /// Reads a counter.
    Count(Key),
    Echo,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has not.
    Waiting,
    /// With the reply it asked for.
    Done,
    /// With an error reply: it may have had its effect all the same, or have it later.
    Failed,
    /// The connection was lost before: as unsure as an error.
    Lost,
}

/// One operation of a client.
#[derive(Clone, Debug)]
pub(super) struct Op {
    /// The host that the client was connected to.
    pub(super) host: usize,
    pub(super) ask: Ask,
    pub(super) value_len: usize,
    pub(super) start: u64,
    pub(super) end_at: u64,
    pub(super) end: End,
}

/// A key as a read found it: the write whose value was there, or nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) op: OpId,
    pub(super) key: Key,
    pub(super) value: Option<OpId>,
}

/// All operations of a run, in the order in which they were asked.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) ops: Vec<Op>,
    pub(super) seen: Vec<Seen>,
}

impl History {
    pub(super) fn begin(&mut self, op: Op) -> OpId {
        self.ops.push(op);
        self.ops.len() as OpId - 1
    }

    pub(super) fn op(&self, id: OpId) -> &Op {
        &self.ops[id as usize]
    }

    pub(super) fn end(&mut self, id: OpId, end: End, now: u64) {
        let op = &mut self.ops[id as usize];
        op.end = end;
        op.end_at = now;
    }
}

/// One write of one key, for the checkers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) op: OpId,
    /// Whether it leaves a value; else it deletes.
    pub(super) sets: bool,
    pub(super) start: u64,
    /// When it was acknowledged; [`NEVER`] when it was not.
    pub(super) acked: u64,
    /// How long its value lives, in nanoseconds; [`NEVER`]: until it is overwritten.
    pub(super) ttl: u64,
}

/// The writes of each key, in the order in which they were asked.
pub(super) fn writes_by_key(history: &History, key_count: usize) -> Vec<Vec<Write>> {
    let mut writes = vec![Vec::new(); key_count];
    for (id, op) in history.ops.iter().enumerate() {
        let (keys, sets, ttl) = match &op.ask {
            Ask::Set(key) => (std::slice::from_ref(key), true, NEVER),
            Ask::Setex(key, ttl_ms) => (std::slice::from_ref(key), true, ttl_ms * MS),
            Ask::Mset(keys) => (&keys[..], true, NEVER),
            Ask::Del(keys) => (&keys[..], false, NEVER),
            _ => continue,
        };
        for key in keys {
            writes[usize::from(*key)].push(Write {
                op: id as OpId,
                sets,
                start: op.start,
                acked: if op.end == End::Done {
                    op.end_at
                } else {
                    NEVER
                },
                ttl,
            });
        }
    }
    writes
}

/// The value that an operation writes to a key: unique, and checkable byte by byte.
pub(super) fn value(op: OpId, key: Key, len: usize) -> Vec<u8> {
    let mut value = format!("{key}#{op}#").into_bytes();
    let fill = (op as usize * 31 + usize::from(key)) as u8;
    let len = len.max(value.len());
    value.extend((value.len()..len).map(|at| b'a' + (fill.wrapping_add(at as u8)) % 26));
    value
}

/// The operation that wrote this value to `key`, if one did.
pub(super) fn writer(history: &History, key: Key, bytes: &[u8]) -> Option<OpId> {
    let mut parts = bytes.split(|byte| *byte == b'#');
    let written: Key = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let op: OpId = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let len = history.ops.get(op as usize)?.value_len;
    (written == key && value(op, key, len) == bytes).then_some(op)
}
