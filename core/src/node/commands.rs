//! Commands about the connection or the server as such: one row each in [`Node::answer_command`].

use super::Node;
use super::connections::Client;
use crate::command::{Access, COMMANDS, Command, CommandId};
use crate::ids::ConnId;
use crate::resp::{Protocol, Request, reply};
use crate::store::glob;
use crate::time::Now;

/// The Redis whose behaviour this node's replies follow; clients look at it to know what they may use.
const REDIS_VERSION: &str = "7.0.15";
/// Longest name a connection may be given, in bytes.
const NAME_LEN_MAX: usize = 256;

impl Node {
    pub(super) fn connection_command(
        &mut self,
        client: &mut Client,
        command: &'static Command,
        request: Request<'_>,
        now: Now,
    ) {
        let mut out = self.pool.take();
        self.answer_command(client, (command, request), now, &mut out);
        client.reply(&mut self.pool, |tail| tail.extend_from_slice(&out));
        self.pool.give(out);
    }

    fn answer_command(
        &mut self,
        client: &mut Client,
        (command, request): (&'static Command, Request<'_>),
        now: Now,
        out: &mut Vec<u8>,
    ) {
        match command.id {
            CommandId::Ping => ping(request, out),
            CommandId::Echo => reply::bulk(out, request.arg(1)),
            CommandId::Hello => self.hello_command(client, request, out),
            CommandId::Auth => reply::error(out, NO_PASSWORD),
            CommandId::Select => select(request, out),
            CommandId::Quit => {
                client.closing = true;
                reply::ok(out);
            }
            CommandId::Reset => {
                client.protocol = Protocol::Resp2;
                client.name.clear();
                reply::simple(out, "RESET");
            }
            CommandId::ClientId => reply::integer(out, client_number(client.id)),
            CommandId::ClientGetname if client.name.is_empty() => reply::nil(out, client.protocol),
            CommandId::ClientGetname => reply::bulk(out, &client.name),
            CommandId::ClientSetname => set_name(client, request.arg(2), out),
            CommandId::ClientSetinfo => set_info(client, request, out),
            CommandId::ClientInfo => reply::bulk(out, describe(client, now).as_bytes()),
            CommandId::ClientList => self.client_list(client, now, out),
            CommandId::ClientKill => self.client_kill(client, request, out),
            CommandId::ClientNoEvict => reply::ok(out),
            CommandId::ClientReply => client_reply(request, out),
            CommandId::Command => command_rows(COMMANDS.iter(), out),
            CommandId::CommandCount => reply::integer(out, COMMANDS.len() as i64),
            CommandId::CommandInfo => command_info(request, client.protocol, out),
            CommandId::CommandDocs => reply::map_header(out, 0, client.protocol),
            CommandId::ConfigGet => self.config_get(client, request, out),
            CommandId::ConfigSet => config_set(request, out),
            CommandId::ConfigResetstat => {
                self.counters = super::Counters::default();
                reply::ok(out);
            }
            CommandId::Info => {
                let text = self.info(now);
                reply::verbatim(out, *b"txt", text.as_bytes(), client.protocol);
            }
            CommandId::Time => {
                reply::array_header(out, 2);
                reply::bulk(out, (now.wall_ms / 1000).to_string().as_bytes());
                reply::bulk(out, (now.wall_ms % 1000 * 1000).to_string().as_bytes());
            }
            CommandId::Lastsave => reply::integer(out, 0),
            CommandId::Shutdown => reply::error(
                out,
                "ERR SHUTDOWN is not taken from clients: send the process SIGTERM",
            ),
            _ => reply::error(
                out,
                &format!("ERR '{}' wants one of its subcommands", command.name),
            ),
        }
    }

    fn hello_command(&mut self, client: &mut Client, request: Request<'_>, out: &mut Vec<u8>) {
        let mut args = request.iter().skip(1);
        let protocol = match args.next() {
            None => client.protocol,
            Some(b"2") => Protocol::Resp2,
            Some(b"3") => Protocol::Resp3,
            Some(other) if other.iter().all(u8::is_ascii_digit) => {
                return reply::error(out, "NOPROTO unsupported protocol version");
            }
            Some(_) => {
                return reply::error(
                    out,
                    "ERR Protocol version is not an integer or out of range",
                );
            }
        };
        let mut name = None;
        while let Some(option) = args.next() {
            if option.eq_ignore_ascii_case(b"AUTH") {
                return reply::error(out, NO_PASSWORD);
            }
            let value = args.next();
            if value.is_none() || !option.eq_ignore_ascii_case(b"SETNAME") {
                let text = format!(
                    "ERR Syntax error in HELLO option '{}'",
                    option.escape_ascii()
                );
                return reply::error(out, &text);
            }
            name = value;
        }
        if let Some(name) = name {
            if !is_name(name) {
                return reply::error(out, BAD_NAME);
            }
            client.name = name.to_vec();
        }
        client.protocol = protocol;
        reply::map_header(out, 7, protocol);
        for (key, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
            reply::bulk(out, key.as_bytes());
            reply::bulk(out, value.as_bytes());
        }
        reply::bulk(out, b"proto");
        reply::integer(out, if protocol == Protocol::Resp3 { 3 } else { 2 });
        reply::bulk(out, b"id");
        reply::integer(out, client_number(client.id));
        for (key, value) in [("mode", "standalone"), ("role", "master")] {
            reply::bulk(out, key.as_bytes());
            reply::bulk(out, value.as_bytes());
        }
        reply::bulk(out, b"modules");
        reply::array_header(out, 0);
    }

    fn client_list(&self, client: &Client, now: Now, out: &mut Vec<u8>) {
        let mut text = describe(client, now);
        for other in self.connections.clients() {
            text.push_str(&describe(other, now));
        }
        reply::bulk(out, text.as_bytes());
    }

    /// `CLIENT KILL ID n`, the form that says whom it means.
    fn client_kill(&mut self, client: &mut Client, request: Request<'_>, out: &mut Vec<u8>) {
        let by_id = request.len() == 4 && request.arg(2).eq_ignore_ascii_case(b"ID");
        let number = std::str::from_utf8(request.arg(request.len() - 1));
        let number = number.ok().and_then(|text| text.parse::<i64>().ok());
        let (true, Some(number)) = (by_id, number) else {
            return reply::error(out, "ERR only CLIENT KILL ID <client-id> is supported");
        };
        if number == client_number(client.id) {
            client.closing = true;
            return reply::integer(out, 1);
        }
        let found = self
            .connections
            .clients()
            .map(|other| other.id)
            .find(|id| client_number(*id) == number);
        if let Some(id) = found {
            self.actions.push_back(super::Action::Abort(id));
        }
        reply::integer(out, i64::from(found.is_some()));
    }

    fn config_get(&self, client: &Client, request: Request<'_>, out: &mut Vec<u8>) {
        let rows = [
            ("appendonly", "no".to_owned()),
            ("databases", "1".to_owned()),
            ("maxclients", self.config.client_connections_max.to_string()),
            ("maxmemory", "0".to_owned()),
            ("maxmemory-policy", "noeviction".to_owned()),
            (
                "proto-max-bulk-len",
                crate::limits::BULK_LEN_MAX.to_string(),
            ),
            ("save", String::new()),
            ("timeout", "0".to_owned()),
        ];
        let asked = |name: &str| {
            let wants =
                |pattern: &[u8]| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes());
            request.iter().skip(2).any(wants)
        };
        let found: Vec<_> = rows.iter().filter(|(name, _)| asked(name)).collect();
        reply::map_header(out, found.len(), client.protocol);
        for (name, value) in found {
            reply::bulk(out, name.as_bytes());
            reply::bulk(out, value.as_bytes());
        }
    }

    fn info(&self, now: Now) -> String {
        let counters = &self.counters;
        let uptime_s = now.mono.since_ms(self.started) / 1000;
        format!(
            "# Server\r\nredis_version:{REDIS_VERSION}\r\nringd_version:{}\r\nredis_mode:standalone\r\n\
             process_id:{}\r\nuptime_in_seconds:{uptime_s}\r\n\r\n\
             # Clients\r\nconnected_clients:{}\r\nmaxclients:{}\r\nblocked_clients:0\r\n\r\n\
             # Memory\r\nused_memory_dataset:{}\r\n\r\n\
             # Persistence\r\nloading:0\r\n\r\n\
             # Stats\r\ntotal_connections_received:{}\r\ntotal_commands_processed:{}\r\n\
             rejected_connections:{}\r\n\r\n\
             # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
             # Cluster\r\ncluster_enabled:0\r\n\r\n\
             # Keyspace\r\ndb0:keys={},expires=0,avg_ttl=0\r\n",
            env!("CARGO_PKG_VERSION"),
            std::process::id(),
            self.connections.client_count(),
            self.config.client_connections_max,
            self.store.bytes(),
            counters.client_connections_total,
            counters.commands_total,
            counters.client_refused_total,
            self.store.len(),
        )
    }
}

const NO_PASSWORD: &str = "ERR AUTH <password> called without any password configured for the \
                           default user. Are you sure your configuration is correct?";
const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

fn ping(request: Request<'_>, out: &mut Vec<u8>) {
    match request.len() {
        1 => reply::simple(out, "PONG"),
        2 => reply::bulk(out, request.arg(1)),
        _ => reply::error(out, "ERR wrong number of arguments for 'ping' command"),
    }
}

fn select(request: Request<'_>, out: &mut Vec<u8>) {
    let index = std::str::from_utf8(request.arg(1));
    match index.ok().and_then(|text| text.parse::<i64>().ok()) {
        Some(0) => reply::ok(out),
        Some(_) => reply::error(out, "ERR DB index is out of range"),
        None => reply::error(out, "ERR value is not an integer or out of range"),
    }
}

/// A number that no other connection has while this one lives, nor had for long.
fn client_number(id: ConnId) -> i64 {
    (i64::from(id.generation & 0x7fff_ffff) << 32) + i64::from(id.index) + 1
}

fn is_name(name: &[u8]) -> bool {
    name.len() <= NAME_LEN_MAX && name.iter().all(u8::is_ascii_graphic)
}

fn set_name(client: &mut Client, name: &[u8], out: &mut Vec<u8>) {
    if is_name(name) {
        client.name = name.to_vec();
        reply::ok(out);
    } else {
        reply::error(out, BAD_NAME);
    }
}

fn set_info(client: &mut Client, request: Request<'_>, out: &mut Vec<u8>) {
    let (field, value) = (request.arg(2), request.arg(3));
    let place = if field.eq_ignore_ascii_case(b"LIB-NAME") {
        0
    } else if field.eq_ignore_ascii_case(b"LIB-VER") {
        1
    } else {
        let text = format!("ERR Unrecognized option '{}'", field.escape_ascii());
        return reply::error(out, &text);
    };
    if is_name(value) {
        client.library[place] = value.to_vec();
        reply::ok(out);
    } else {
        reply::error(out, BAD_NAME);
    }
}

fn client_reply(request: Request<'_>, out: &mut Vec<u8>) {
    if request.arg(2).eq_ignore_ascii_case(b"ON") {
        reply::ok(out);
    } else {
        reply::error(out, "ERR only CLIENT REPLY ON is supported");
    }
}

fn describe(client: &Client, now: Now) -> String {
    format!(
        "id={} name={} age={} db=0 cmd={} resp={} lib-name={} lib-ver={} omem={}\n",
        client_number(client.id),
        client.name.escape_ascii(),
        now.mono.since_ms(client.opened) / 1000,
        client.last_command,
        if client.protocol == Protocol::Resp3 {
            3
        } else {
            2
        },
        client.library[0].escape_ascii(),
        client.library[1].escape_ascii(),
        client.queued_bytes(),
    )
}

fn command_rows<'a>(commands: impl ExactSizeIterator<Item = &'a Command>, out: &mut Vec<u8>) {
    reply::array_header(out, commands.len());
    for command in commands {
        command_row(command, out);
    }
}

/// The first six fields of Redis' `COMMAND` rows, which is what clients read.
fn command_row(command: &Command, out: &mut Vec<u8>) {
    reply::array_header(out, 6);
    reply::bulk(out, command.name.as_bytes());
    reply::integer(out, i64::from(command.arity));
    reply::array_header(out, 1);
    reply::simple(
        out,
        match command.access {
            Access::Write => "write",
            Access::Read => "readonly",
            Access::None => "fast",
        },
    );
    reply::integer(out, i64::from(command.first_key));
    reply::integer(out, i64::from(command.last_key));
    reply::integer(out, i64::from(command.step));
}

fn command_info(request: Request<'_>, protocol: Protocol, out: &mut Vec<u8>) {
    reply::array_header(out, request.len() - 2);
    for name in request.iter().skip(2) {
        match Command::lookup(name) {
            Some(command) => command_row(command, out),
            None => reply::nil_array(out, protocol),
        }
    }
}

/// Test harnesses set things on every server; names that change nothing here are taken.
fn config_set(request: Request<'_>, out: &mut Vec<u8>) {
    const TAKEN: [&str; 6] = [
        "appendonly",
        "maxmemory",
        "maxmemory-policy",
        "save",
        "slowlog-log-slower-than",
        "timeout",
    ];
    let names = request.iter().skip(2).step_by(2);
    for name in names {
        if !TAKEN
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        {
            let text = format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                name.escape_ascii()
            );
            return reply::error(out, &text);
        }
    }
    reply::ok(out);
}
