//! The table of connections: clients, peers that dialled us, peers we dialled.

use std::collections::VecDeque;

use crate::buffers::BufferPool;
use crate::egress::Egress;
use crate::ids::{ConnId, PeerId};
use crate::limits::{INFLIGHT_PER_CONNECTION_MAX, PEER_QUEUE_PAUSE_BYTES};
use crate::resp::{Protocol, RequestParser};
use crate::time::Mono;

/// Capacity an idle input buffer keeps, in bytes.
const INPUT_KEPT_MAX: usize = 64 * 1024;
/// Requests of one connection that may wait for replicas before any was answered.
const INFLIGHT_UNKNOWN_MAX: usize = 16;

/// Bytes received and not yet understood.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
}

impl Input {
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Drops `count` bytes that were understood.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(INPUT_KEPT_MAX);
            self.start = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

/// The place of one reply in a connection's order (S5).
#[derive(Debug)]
enum Slot {
    Waiting,
    Ready(Vec<u8>),
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: ConnId,
    pub(super) parser: RequestParser,
    pub(super) input: Input,
    pub(super) egress: Egress,
    pub(super) protocol: Protocol,
    pub(super) name: Vec<u8>,
    pub(super) library: [Vec<u8>; 2],
    pub(super) opened: Mono,
    pub(super) last_command: &'static str,
    /// Nothing more is received; closing once all that was is understood.
    pub(super) ending: bool,
    /// No more input is looked at; closed once all replies are in the egress.
    pub(super) closing: bool,
    /// Reading waits until fewer requests are in flight.
    pub(super) paused: bool,
    /// When the requests that are looked at now came: their time has begun.
    pub(super) received: Mono,
    /// What paused it is not its own slowness: its requests wait for replicas.
    pub(super) held_up: bool,
    slots: VecDeque<Slot>,
    first_slot: u64,
    held_bytes: usize,
    /// How long the next replies from elsewhere may be, by those before them; at first unknown.
    reply_len: Option<usize>,
    /// What the egress had sent when it was last seen to move, and when that was.
    sent: u64,
    moved: Mono,
}

impl Client {
    pub(super) fn new(id: ConnId, opened: Mono) -> Self {
        Self {
            id,
            parser: RequestParser::default(),
            input: Input::default(),
            egress: Egress::default(),
            protocol: Protocol::Resp2,
            name: Vec::new(),
            library: [Vec::new(), Vec::new()],
            opened,
            last_command: "",
            ending: false,
            closing: false,
            paused: false,
            received: opened,
            held_up: false,
            slots: VecDeque::new(),
            first_slot: 0,
            held_bytes: 0,
            reply_len: None,
            sent: 0,
            moved: opened,
        }
    }

    /// Requests whose replies are not in the egress yet.
    pub(super) fn waiting(&self) -> usize {
        self.slots.len()
    }

    /// Unsent bytes, those behind a slower reply included.
    pub(super) fn queued_bytes(&self) -> usize {
        self.egress.len() + self.held_bytes
    }

    /// How many requests may wait for replicas: so many that their replies, when they are like
    /// those before them, do not overrun the limit of unread bytes.
    pub(super) fn window(&self, queue_max: usize) -> usize {
        match self.reply_len {
            Some(len) => (queue_max / len.max(1)).clamp(1, INFLIGHT_PER_CONNECTION_MAX),
            None => INFLIGHT_UNKNOWN_MAX,
        }
    }

    /// Follows longer replies at once, shorter ones by and by. 0: not known.
    pub(super) fn note_reply_len(&mut self, len: usize) {
        if len == 0 {
            return;
        }
        let known = self.reply_len.unwrap_or(len);
        self.reply_len = Some(len.max(known - known.saturating_sub(len).div_ceil(8)));
    }

    /// For how long nothing has left the queue of a client whose requests wait for that.
    pub(super) fn stalled_ms(&mut self, queue_max: usize, now: Mono) -> u64 {
        let sent = self.egress.sent();
        if sent != self.sent || self.queued_bytes() <= queue_max / 2 {
            self.sent = sent;
            self.moved = now;
        }
        now.since_ms(self.moved)
    }

    /// Writes the next reply in order: straight into the egress when nothing waits before it.
    pub(super) fn reply<T>(
        &mut self,
        pool: &mut BufferPool,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        if self.slots.is_empty() {
            return write(self.egress.tail());
        }
        let mut buffer = pool.take();
        let result = write(&mut buffer);
        self.held_bytes += buffer.len();
        self.slots.push_back(Slot::Ready(buffer));
        result
    }

    /// Keeps the next place in the order for a reply that comes later.
    pub(super) fn reserve(&mut self) {
        self.slots.push_back(Slot::Waiting);
    }

    /// The place of the oldest request that waits.
    pub(super) fn oldest_waiting(&self) -> u64 {
        self.first_slot
    }

    /// The place that [`reserve`](Self::reserve) would give now.
    pub(super) fn next_slot(&self) -> u64 {
        self.first_slot + self.slots.len() as u64
    }

    /// Fills a reserved place, and sends what is now in order.
    pub(super) fn fill(&mut self, slot: u64, reply: &[u8], pool: &mut BufferPool) {
        self.note_reply_len(reply.len());
        let Some(index) = slot.checked_sub(self.first_slot) else {
            return;
        };
        if index > 0 {
            if let Some(place @ Slot::Waiting) = self.slots.get_mut(index as usize) {
                *place = Slot::Ready(pool.copy(reply));
                self.held_bytes += reply.len();
            }
            return;
        }
        self.egress.extend(reply);
        self.slots.pop_front();
        self.first_slot += 1;
        while let Some(Slot::Ready(_)) = self.slots.front() {
            let Some(Slot::Ready(buffer)) = self.slots.pop_front() else {
                return;
            };
            self.first_slot += 1;
            self.held_bytes -= buffer.len();
            self.egress.extend(&buffer);
            pool.give(buffer);
        }
    }
}

/// A link to or from a peer.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: ConnId,
    /// Who it is: known from the start when this node dialled, else from the first frame.
    pub(super) peer: Option<PeerId>,
    pub(super) dialled: bool,
    /// The hello was exchanged.
    pub(super) ready: bool,
    /// Too many replies wait to be read at the other end: its next requests wait here.
    pub(super) paused: bool,
    /// Its close was asked for: nothing more of it is looked at.
    pub(super) refused: bool,
    pub(super) input: Input,
    pub(super) egress: Egress,
    pub(super) heard: Mono,
    /// What the egress had sent when it was looked at last.
    sent: u64,
    /// What it would have sent, had it been empty then.
    given: u64,
    /// It had a backlog when it was looked at last, and had taken none of it since the time before.
    stuck: bool,
}

impl Link {
    pub(super) fn new(id: ConnId, dialled: Option<PeerId>, now: Mono) -> Self {
        Self {
            id,
            peer: dialled,
            dialled: dialled.is_some(),
            ready: false,
            paused: false,
            refused: false,
            input: Input::default(),
            egress: Egress::default(),
            heard: now,
            sent: 0,
            given: 0,
            stuck: false,
        }
    }

    /// Whether much waits for a peer that takes it in: what can wait shall not add to it.
    pub(super) fn is_crowded(&self) -> bool {
        self.egress.len() >= PEER_QUEUE_PAUSE_BYTES && !self.stuck
    }

    /// A peer that takes in a long backlog is no silent one, though its answer to the heartbeat
    /// behind that backlog is late. A backlog that was gone meanwhile proves nothing, whatever
    /// waits now: the system's buffers took it, also those of a frozen peer.
    pub(super) fn notice_progress(&mut self, now: Mono) {
        let sent = self.egress.sent();
        if sent != self.sent && sent < self.given {
            self.heard = now;
        }
        self.stuck = sent == self.sent && sent < self.given;
        self.sent = sent;
        self.given = sent + self.egress.len() as u64;
    }
}

/// Who owns a slot of the table.
#[derive(Debug, Default)]
pub(super) enum Connection {
    /// Nobody, or its owner is being worked on.
    #[default]
    Vacant,
    Client(Box<Client>),
    Link(Box<Link>),
}

#[derive(Debug, Default)]
struct Entry {
    generation: u32,
    dirty: bool,
    connection: Connection,
}

/// All connections of a node, and which of them have bytes to send.
#[derive(Debug, Default)]
pub(super) struct Connections {
    entries: Vec<Entry>,
    free: Vec<u32>,
    dirty: VecDeque<ConnId>,
    client_count: usize,
}

impl Connections {
    pub(super) fn client_count(&self) -> usize {
        self.client_count
    }

    /// A new slot, filled by `make`.
    pub(super) fn open(&mut self, make: impl FnOnce(ConnId) -> Connection) -> ConnId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            self.entries.len() as u32 - 1
        });
        let entry = &mut self.entries[index as usize];
        let id = ConnId {
            index,
            generation: entry.generation,
        };
        entry.connection = make(id);
        self.client_count += usize::from(matches!(entry.connection, Connection::Client(_)));
        id
    }

    /// Forgets a connection; its id is never valid again.
    pub(super) fn close(&mut self, id: ConnId) -> Connection {
        let Some(entry) = self.entry(id) else {
            return Connection::Vacant;
        };
        entry.generation = entry.generation.wrapping_add(1);
        entry.dirty = false;
        let connection = std::mem::take(&mut entry.connection);
        self.client_count -= usize::from(matches!(connection, Connection::Client(_)));
        self.free.push(id.index);
        connection
    }

    fn entry(&mut self, id: ConnId) -> Option<&mut Entry> {
        self.entries
            .get_mut(id.index as usize)
            .filter(|entry| entry.generation == id.generation)
    }

    pub(super) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.entries
            .get(id.index as usize)
            .filter(|entry| entry.generation == id.generation)
            .map(|entry| &entry.connection)
    }

    pub(super) fn client(&mut self, id: ConnId) -> Option<&mut Client> {
        match &mut self.entry(id)?.connection {
            Connection::Client(client) => Some(client),
            _ => None,
        }
    }

    pub(super) fn link(&mut self, id: ConnId) -> Option<&mut Link> {
        match &mut self.entry(id)?.connection {
            Connection::Link(link) => Some(link),
            _ => None,
        }
    }

    pub(super) fn egress(&mut self, id: ConnId) -> Option<&mut Egress> {
        match &mut self.entry(id)?.connection {
            Connection::Client(client) => Some(&mut client.egress),
            Connection::Link(link) => Some(&mut link.egress),
            Connection::Vacant => None,
        }
    }

    /// Takes the connection out of its slot to work on it; [`put`](Self::put) it back.
    pub(super) fn take(&mut self, id: ConnId) -> Connection {
        self.entry(id)
            .map(|entry| std::mem::take(&mut entry.connection))
            .unwrap_or_default()
    }

    /// Puts back what [`take`](Self::take) gave.
    pub(super) fn put(&mut self, id: ConnId, connection: Connection) {
        if let Some(entry) = self.entry(id) {
            entry.connection = connection;
        }
    }

    /// Notes that the connection has bytes to send.
    pub(super) fn mark_dirty(&mut self, id: ConnId) {
        if let Some(entry) = self.entry(id)
            && !entry.dirty
        {
            entry.dirty = true;
            self.dirty.push_back(id);
        }
    }

    /// A connection with bytes to send, each once per marking.
    pub(super) fn next_dirty(&mut self) -> Option<ConnId> {
        while let Some(id) = self.dirty.pop_front() {
            if let Some(entry) = self.entry(id)
                && entry.dirty
            {
                entry.dirty = false;
                return Some(id);
            }
        }
        None
    }

    /// Ids of all clients.
    pub(super) fn client_ids(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.connection {
                Connection::Client(client) => Some(client.id),
                _ => None,
            })
    }

    /// All clients, in the order of their slots.
    pub(super) fn clients(&self) -> impl Iterator<Item = &Client> + '_ {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.connection {
                Connection::Client(client) => Some(&**client),
                _ => None,
            })
    }

    /// This node itself was away for `late_ms` (stopped, starved, or busy): that long it could
    /// neither ask nor hear, so that nobody is to blame for silence.
    pub(super) fn forgive_silence(&mut self, late_ms: u64, now: Mono) {
        if late_ms == 0 {
            return;
        }
        for entry in &mut self.entries {
            if let Connection::Link(link) = &mut entry.connection {
                link.heard = link.heard.plus_ms(late_ms).min(now);
            }
        }
    }

    /// The same, to change them.
    pub(super) fn clients_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.entries
            .iter_mut()
            .filter_map(|entry| match &mut entry.connection {
                Connection::Client(client) => Some(&mut **client),
                _ => None,
            })
    }

    /// All links, in the order of their slots.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link> + '_ {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.connection {
                Connection::Link(link) => Some(&**link),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::new(
            ConnId {
                index: 0,
                generation: 0,
            },
            Mono(0),
        )
    }

    fn sent(client: &mut Client) -> String {
        let mut slices = [std::io::IoSlice::new(&[]); 1];
        let filled = client.egress.slices(&mut slices);
        let bytes: Vec<u8> = slices[..filled]
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        client.egress.consume(bytes.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn s5_replies_leave_in_the_order_of_the_requests() {
        let mut pool = BufferPool::default();
        let mut client = client();
        let first = client.next_slot();
        client.reserve();
        client.reply(&mut pool, |out| out.push(b'2'));
        let third = client.next_slot();
        client.reserve();
        let fourth = client.next_slot();
        client.reserve();
        client.fill(fourth, b"4", &mut pool);
        assert_eq!(sent(&mut client), "");
        assert_eq!(client.queued_bytes(), 2);
        client.fill(first, b"1", &mut pool);
        assert_eq!(sent(&mut client), "12");
        client.fill(third, b"3", &mut pool);
        assert_eq!(sent(&mut client), "34");
        client.reply(&mut pool, |out| out.push(b'5'));
        assert_eq!(sent(&mut client), "5");
        assert_eq!((client.waiting(), client.queued_bytes()), (0, 0));
    }

    #[test]
    fn fewer_requests_wait_for_replicas_when_replies_are_long() {
        let mut client = client();
        let limit = 64 << 20;
        assert_eq!(client.window(limit), INFLIGHT_UNKNOWN_MAX);
        client.note_reply_len(5);
        assert_eq!(client.window(limit), INFLIGHT_PER_CONNECTION_MAX);
        client.note_reply_len(1 << 20);
        assert_eq!(client.window(limit), 64);
        client.note_reply_len(100 << 20);
        assert_eq!(client.window(limit), 1);
        (0..200).for_each(|_| client.note_reply_len(5));
        assert_eq!(client.reply_len, Some(5));
    }

    #[test]
    fn a_client_is_stalled_while_it_is_at_its_limit_and_takes_nothing() {
        let mut client = client();
        let at = |ms| Mono(0).plus_ms(ms);
        assert_eq!(client.stalled_ms(4, at(500)), 0);
        client.egress.extend(b"123456");
        assert_eq!(client.stalled_ms(4, at(900)), 400);
        client.egress.consume(1);
        assert_eq!(client.stalled_ms(4, at(1000)), 0);
        assert_eq!(client.stalled_ms(4, at(1300)), 300);
        client.egress.consume(3);
        assert_eq!(client.stalled_ms(4, at(1400)), 0);
        assert_eq!(client.stalled_ms(4, at(1500)), 0);
    }

    #[test]
    fn an_old_id_never_reaches_the_next_tenant() {
        let mut connections = Connections::default();
        let make = |id| Connection::Client(Box::new(Client::new(id, Mono(0))));
        let old = connections.open(make);
        connections.mark_dirty(old);
        connections.close(old);
        let new = connections.open(make);
        assert_eq!(old.index, new.index);
        assert!(connections.client(old).is_none());
        assert!(connections.client(new).is_some());
        assert_eq!(connections.next_dirty(), None);
        assert_eq!(connections.client_count(), 1);
    }
}
