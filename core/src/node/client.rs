//! From a client's bytes to replies or flights.

use super::connections::{Client, Connection};
use super::errors;
use super::fanout::{Launched, Order, answer};
use super::{Action, Node, Notice};
use crate::command::{Access, Command, Scope};
use crate::dispatch::Plan;
use crate::extension::Indexing;
use crate::flight::{FlightId, Owner};
use crate::ids::ConnId;
use crate::limits::CLIENT_STALL_MS_MAX;
use crate::resp::{Parsed, Request, RequestParser, reply};
use crate::store::{Exec, Origin};
use crate::time::Now;
use crate::version::Version;

impl Node {
    /// Takes a client's bytes: every whole request in them is answered or launched.
    pub(super) fn client_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now) {
        let mut client = match self.connections.take(id) {
            Connection::Client(client) => client,
            other => return self.connections.put(id, other),
        };
        if !bytes.is_empty() || !client.held_up {
            client.received = now.mono;
        }
        let mut parser = std::mem::take(&mut client.parser);
        if client.input.is_empty() {
            let used = self.requests(&mut client, &mut parser, bytes, now);
            client.input.push(&bytes[used..]);
        } else {
            client.input.push(bytes);
            let mut input = std::mem::take(&mut client.input);
            let used = self.requests(&mut client, &mut parser, input.unread(), now);
            input.consume(used);
            client.input = input;
        }
        client.parser = parser;
        client.closing |= client.ending && !client.paused;
        let unsent = !client.egress.is_empty();
        self.close_when_answered(&client);
        self.connections.put(id, Connection::Client(client));
        if unsent {
            self.connections.mark_dirty(id);
        }
    }

    /// Works through the whole requests at the start of `buf`; returns the bytes it is done with.
    fn requests(
        &mut self,
        client: &mut Client,
        parser: &mut RequestParser,
        buf: &[u8],
        now: Now,
    ) -> usize {
        let mut at = 0;
        while at < buf.len() {
            if client.closing {
                return buf.len();
            }
            let queue_max = self.config.client_queue_bytes_max;
            let full = client.waiting() >= client.window(queue_max);
            let held_up = full || self.is_crowded();
            if held_up || client.queued_bytes() >= queue_max {
                client.paused = true;
                client.held_up = held_up;
                break;
            }
            match parser.parse(&buf[at..]) {
                Parsed::Incomplete { .. } => break,
                Parsed::Empty { len } => at += len,
                Parsed::Request { len } => {
                    let request = parser.request(&buf[at..at + len]);
                    self.dispatch(client, request, now);
                    at += len;
                }
                Parsed::Invalid(error) => {
                    self.counters.client_protocol_errors_total += 1;
                    client.reply(&mut self.pool, |out| error.write(out));
                    client.closing = true;
                }
            }
        }
        at
    }

    /// Asks for the close of a client that leaves, once nothing of it waits for replicas.
    fn close_when_answered(&mut self, client: &Client) {
        if client.closing && client.waiting() == 0 {
            self.actions.push_back(Action::Close(client.id));
        }
    }

    /// After a reply was filled in from elsewhere: what it makes possible on its connection.
    pub(super) fn client_advanced(&mut self, id: ConnId) {
        self.connections.mark_dirty(id);
        let Some(client) = self.connections.client(id) else {
            return;
        };
        if client.closing && client.waiting() == 0 {
            self.actions.push_back(Action::Close(id));
        } else {
            self.unpause(id);
        }
    }

    /// Closes the clients that are at their limit of unread replies and have read nothing for long.
    pub(super) fn close_slow_readers(&mut self, now: Now) {
        let queue_max = self.config.client_queue_bytes_max;
        for client in self.connections.clients_mut() {
            if client.stalled_ms(queue_max, now.mono) < CLIENT_STALL_MS_MAX || client.closing {
                continue;
            }
            client.closing = true;
            let queued_bytes = client.queued_bytes();
            self.counters.client_closed_slow_total += 1;
            self.notices.push_back(Notice::SlowReader { queued_bytes });
            self.actions.push_back(Action::Abort(client.id));
        }
    }

    /// Lets a client's waiting requests go on when few enough replies are under way or unread.
    pub(super) fn unpause(&mut self, id: ConnId) {
        let queue_max = self.config.client_queue_bytes_max;
        if !self.is_crowded()
            && let Some(client) = self.connections.client(id)
            && client.paused
            && client.waiting() <= client.window(queue_max) / 2
            && client.queued_bytes() <= queue_max / 2
        {
            client.paused = false;
            self.resumed.push(id);
        }
    }

    fn dispatch(&mut self, client: &mut Client, request: Request<'_>, now: Now) {
        self.counters.commands_total += 1;
        if self.extension.is_some() && self.extension_answers(client, request) {
            return;
        }
        let command = match Command::resolve(&request) {
            Ok(command) => command,
            Err(refusal) => {
                return client.reply(&mut self.pool, |out| refusal.write(&request, out));
            }
        };
        client.last_command = command.name;
        match command.scope {
            Scope::Key if self.alone => self.run_locally(client, command, request, now),
            Scope::Key => self.route(client, command, request, now),
            Scope::Node => self.run_locally(client, command, request, now),
            Scope::Connection => self.connection_command(client, command, request, now),
        }
    }

    /// D2: what the extension claims is answered by it; an HSET it may refuse.
    fn extension_answers(&mut self, client: &mut Client, request: Request<'_>) -> bool {
        let Some(extension) = &mut self.extension else {
            return false;
        };
        let (name, protocol) = (request.arg(0), client.protocol);
        if extension.handles(name) {
            client.reply(&mut self.pool, |out| {
                let start = out.len();
                if !extension.try_dispatch(request, protocol, out) {
                    out.truncate(start);
                    reply::error_bytes(out, &errors::declined(name));
                }
            });
            return true;
        }
        if !name.eq_ignore_ascii_case(b"HSET") {
            return false;
        }
        match extension.on_hset(request) {
            Indexing::Absorbed | Indexing::NotIndexed => false,
            Indexing::Error(text) => {
                let text = format!("ERR {text}");
                client.reply(&mut self.pool, |out| reply::error(out, &text));
                true
            }
        }
    }

    /// Executes on this node's store and answers at once.
    fn run_locally(
        &mut self,
        client: &mut Client,
        command: &'static Command,
        request: Request<'_>,
        now: Now,
    ) {
        let exec = Exec {
            wall_ms: now.wall_ms,
            version: self.stamp(command, now),
            protocol: client.protocol,
            origin: Origin::Client,
        };
        let store = &mut self.store;
        client.reply(&mut self.pool, |out| {
            store.execute(command, request, exec, out);
        });
    }

    /// A fresh version for a write, none for a read.
    pub(super) fn stamp(&mut self, command: &Command, now: Now) -> Version {
        if command.access == Access::Write {
            self.clock.tick(now.wall_ms)
        } else {
            Version::NEVER
        }
    }

    /// Plans a command with keys and sets it going.
    fn route(
        &mut self,
        client: &mut Client,
        command: &'static Command,
        request: Request<'_>,
        now: Now,
    ) {
        let Some(first_key) = command.first_key(request.len()) else {
            return self.run_locally(client, command, request, now);
        };
        let deadline = client.received.plus_ms(self.config.request_timeout_ms);
        if deadline <= now.mono {
            let level = self.rules.rule(request.arg(first_key), command.access);
            self.response_timeouts[level.consistency as usize] += 1;
            client.reply(&mut self.pool, |out| out.extend_from_slice(errors::TIMEOUT));
            return;
        }
        if command.last_key != 1
            && let Some(split) = self.split_of(command, request)
        {
            return match command.fragment {
                Some(fragment) => {
                    self.split(client, (command, fragment), (request, split), now);
                }
                None => client.reply(&mut self.pool, errors::keys_apart),
            };
        }
        match self.plan(command, request.arg(first_key)) {
            Plan::Local => self.run_locally(client, command, request, now),
            Plan::Replicas(fanout) => {
                let owner = Owner::Client {
                    conn: client.id,
                    slot: client.next_slot(),
                };
                let order = Order {
                    deadline: Some(deadline),
                    ..Order::new(owner, command, request, client.protocol)
                };
                match self.launch(order, &fanout, now) {
                    Launched::Waiting => {
                        client.reserve();
                        client.note_reply_len(std::mem::take(&mut self.own_reply_len));
                    }
                    Launched::Decided(id) => self.answer_at_once(client, id, now),
                }
            }
            Plan::NoTargets { consistency, .. } => {
                self.count_no_targets(consistency);
                client.reply(&mut self.pool, |out| {
                    out.extend_from_slice(errors::NO_TARGETS);
                });
            }
            Plan::Drop => client.closing = true,
        }
    }

    fn answer_at_once(&mut self, client: &mut Client, id: FlightId, now: Now) {
        if let Some(flight) = self.flights.get(id) {
            let bytes = answer(flight);
            client.reply(&mut self.pool, |out| out.extend_from_slice(bytes));
        }
        self.settle(id, now);
    }
}
