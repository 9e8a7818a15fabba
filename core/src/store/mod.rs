//! The embedded store: the keys of one shard, and the commands on them.
//!
//! ```text
//!  request ─ execute ─ row of `handler` ──── ─┬─ seek / read ─ keyspace (order of hash)
//!                                              └─ admit ─ put | kill ─ version, tombstone
//!  peers ─── state / apply_state / scan_states (repair, hints, anti-entropy)
//!  clock ─── tick: expired values become tombstones, old tombstones go
//! ```
//!
//! Every key has the version of the write that made it. A blind write applies when its version is
//! newer than what is there, a deleted key's tombstone included; so replicas that saw the same
//! writes in any order, any number of times, hold the same. No I/O, no clock, no locks.

mod access;
mod error;
mod expiry;
pub(crate) mod glob;
mod keys;
mod keyspace;
mod long_double;
mod state;
#[cfg(test)]
mod tests;
mod types;
mod value;

use crate::command::{Command, CommandId};
use crate::resp::number::parse_i64;
use crate::resp::{Protocol, Request, reply};
use crate::version::Version;

use error::StoreError;
use keyspace::Keyspace;

pub use expiry::Ticked;
pub use keyspace::CURSOR_BITS;
pub use state::{Applied, KeyState, StateValue};
pub use value::{Collection, UnpackError};

/// What a store is made with.
#[derive(Clone, Copy, Debug)]
pub struct StoreConfig {
    /// Seeds the hash of the table; unknown to clients in production.
    pub seed: u64,
    /// Whether deleted keys leave tombstones: wanted where a key has more than one replica.
    pub keep_tombstones: bool,
    /// How long a tombstone stays, in milliseconds.
    pub gc_grace_ms: u64,
}

/// Whence a command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of this node.
    Client,
    /// Another node, for one of its clients.
    Peer,
    /// A hint: it may come late, and more than once.
    Hint,
}

/// What a command is carried out with, besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Exec {
    /// Unix milliseconds.
    pub wall_ms: u64,
    /// Stamp of a write; [`Version::NEVER`] for a write without one, which always applies.
    pub version: Version,
    /// Dialect of the reply.
    pub protocol: Protocol,
    /// Whence it comes.
    pub origin: Origin,
}

/// What a command left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The version the key has now, a tombstone's too; zero when it never was. Of several keys:
    /// the newest after a blind write, else a mix of theirs that is equal when all are.
    pub version: Version,
    /// The write left a key unchanged because something newer was there.
    pub superseded: bool,
}

impl Outcome {
    fn at(version: Version) -> Self {
        Self {
            version,
            superseded: false,
        }
    }

    /// Takes in one key more of a blind write: the version it has now, and the write's.
    fn left(&mut self, version: Version, written: Version) {
        self.version = self.version.max(version);
        self.superseded |= written > Version::NEVER && version > written;
    }

    /// Takes in the version of one key more.
    fn mix(&mut self, version: Version) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.version.0 = self.version.0.wrapping_mul(ODD).wrapping_add(version.0);
    }
}

type Done = Result<Outcome, StoreError>;

/// A command on its way through a handler.
struct Call<'a> {
    command: &'static Command,
    request: Request<'a>,
    exec: Exec,
}

impl<'a> Call<'a> {
    fn arg(&self, index: usize) -> &'a [u8] {
        self.request.arg(index)
    }

    fn argc(&self) -> usize {
        self.request.len()
    }

    /// The key of a command that has one, right after its name.
    fn key(&self) -> &'a [u8] {
        self.request.arg(1)
    }

    /// Whether the argument at a position is this word, in any case.
    fn says(&self, position: usize, word: &str) -> bool {
        let arg = self.request.get(position);
        arg.is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn integer(&self, position: usize) -> Result<i64, StoreError> {
        parse_i64(self.arg(position)).ok_or(StoreError::NotInteger)
    }

    fn keys(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let request = self.request;
        let positions = self.command.keys(request.len());
        positions.map(move |position| request.arg(position))
    }

    fn nil(&self, out: &mut Vec<u8>) {
        reply::nil(out, self.exec.protocol);
    }

    /// What relative times count from: the stamp, so that replicas agree, or else the clock.
    fn base_ms(&self) -> u64 {
        match self.exec.version {
            Version::NEVER => self.exec.wall_ms,
            version => version.wall_ms(),
        }
    }
}

/// The keys of one shard.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    keyspace: Keyspace,
    /// Version of the newest flush: what is absent was deleted by it, for all anyone knows.
    floor: Version,
    /// The newest version here.
    newest: Version,
    /// Where the next tick goes on.
    sweep_from: u64,
    /// Key spaces that were flushed and are taken apart bit by bit.
    discarded: Vec<Keyspace>,
    random: u64,
    /// For replies whose length comes before their elements.
    scratch: Vec<u8>,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self {
            config,
            keyspace: Keyspace::new(config.seed),
            floor: Version::NEVER,
            newest: Version::NEVER,
            sweep_from: 0,
            discarded: Vec::new(),
            random: config.seed,
            scratch: Vec::new(),
        }
    }

    /// Keys that hold a value, expired ones among them until something meets them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keyspace.live_count()
    }

    /// What its tables are seeded with.
    pub(crate) fn seed(&self) -> u64 {
        self.config.seed
    }

    /// Whether no key holds a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Deleted keys that are remembered.
    #[must_use]
    pub fn tombstone_count(&self) -> usize {
        self.keyspace.tombstone_count()
    }

    /// Bytes on the heap for keys, values and their table.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let discarded: usize = self.discarded.iter().map(Keyspace::bytes).sum();
        self.keyspace.bytes() + discarded
    }

    /// Carries a command out and appends its reply.
    ///
    /// The request has as many arguments as the command's row wants. Commands of the connection
    /// are not the store's; they get the error of an unknown command.
    pub fn execute(
        &mut self,
        command: &'static Command,
        request: Request<'_>,
        exec: Exec,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let call = Call {
            command,
            request,
            exec,
        };
        if exec.origin == Origin::Hint
            && let Some(version) = self.overtaken(&call)
        {
            reply::ok(out);
            return Outcome {
                version,
                superseded: true,
            };
        }
        let start = out.len();
        match handler(command.id)(self, &call, out) {
            Ok(outcome) => outcome,
            Err(error) => {
                out.truncate(start);
                error.write(&call, out);
                Outcome::default()
            }
        }
    }
}

type Handler = fn(&mut Store, &Call<'_>, &mut Vec<u8>) -> Done;

/// One row a command.
fn handler(id: CommandId) -> Handler {
    use CommandId as Id;
    use keys::{deadline, flush, object, scan};
    use types::string::{self, many, number, range};
    match id {
        Id::Get => string::get,
        Id::Set => string::set,
        Id::Setnx => string::setnx,
        Id::Setex | Id::Psetex => string::setex,
        Id::Getset => string::getset,
        Id::Getdel => string::getdel,
        Id::Getex => string::getex,
        Id::Mget => many::mget,
        Id::Mset => many::mset,
        Id::Msetnx => many::msetnx,
        Id::Append => range::append,
        Id::Strlen => range::strlen,
        Id::Getrange => range::getrange,
        Id::Setrange => range::setrange,
        Id::Incr | Id::Incrby => number::incrby,
        Id::Decr | Id::Decrby => number::decrby,
        Id::Incrbyfloat => number::incrbyfloat,

        Id::Del | Id::Unlink => keys::del,
        Id::Exists => keys::exists,
        Id::Touch => keys::touch,
        Id::Type => keys::type_of,
        Id::Rename => keys::rename,
        Id::Renamenx => keys::renamenx,
        Id::Expire | Id::Pexpire | Id::Expireat | Id::Pexpireat => deadline::expire,
        Id::Ttl | Id::Pttl | Id::Expiretime | Id::Pexpiretime => deadline::ttl,
        Id::Persist => deadline::persist,
        Id::ObjectEncoding => object::encoding,
        Id::ObjectFreq => object::freq,
        Id::ObjectIdletime => object::idletime,
        Id::ObjectRefcount => object::refcount,
        Id::MemoryUsage => object::memory_usage,

        Id::Scan => scan::scan,
        Id::Keys => scan::keys,
        Id::Randomkey => scan::randomkey,
        Id::Dbsize => scan::dbsize,
        Id::Flushdb | Id::Flushall => flush::flush,
        _ => collection_handler(id),
    }
}

/// The rows of lists, hashes, sets and sorted sets.
fn collection_handler(id: CommandId) -> Handler {
    use CommandId as Id;
    use types::sorted::range;
    use types::{hash, list, set, sorted};
    match id {
        Id::Lpush | Id::Rpush | Id::Lpushx | Id::Rpushx => list::push,
        Id::Lpop | Id::Rpop => list::pop,
        Id::Llen => list::llen,
        Id::Lrange => list::lrange,
        Id::Lindex => list::lindex,
        Id::Lset => list::lset,
        Id::Lrem => list::lrem,
        Id::Ltrim => list::ltrim,
        Id::Linsert => list::linsert,
        Id::Lpos => list::lpos,
        Id::Lmove | Id::Rpoplpush => list::lmove,

        Id::Hset | Id::Hmset => hash::hset,
        Id::Hsetnx => hash::hsetnx,
        Id::Hget => hash::hget,
        Id::Hmget => hash::hmget,
        Id::Hgetall | Id::Hkeys | Id::Hvals => hash::hgetall,
        Id::Hdel => hash::hdel,
        Id::Hexists => hash::hexists,
        Id::Hlen => hash::hlen,
        Id::Hstrlen => hash::hstrlen,
        Id::Hincrby => hash::hincrby,
        Id::Hincrbyfloat => hash::hincrbyfloat,
        Id::Hrandfield => hash::hrandfield,
        Id::Hscan => hash::hscan,

        Id::Sadd => set::sadd,
        Id::Srem => set::srem,
        Id::Smembers => set::smembers,
        Id::Sismember => set::sismember,
        Id::Smismember => set::smismember,
        Id::Scard => set::scard,
        Id::Spop => set::spop,
        Id::Srandmember => set::srandmember,
        Id::Smove => set::smove,
        Id::Sscan => set::sscan,
        Id::Sinter | Id::Sunion | Id::Sdiff => set::combine,
        Id::Zadd => sorted::zadd,
        Id::Zincrby => sorted::zincrby,
        Id::Zrem => sorted::zrem,
        Id::Zscore => sorted::zscore,
        Id::Zmscore => sorted::zmscore,
        Id::Zcard => sorted::zcard,
        Id::Zrank | Id::Zrevrank => sorted::zrank,
        Id::Zpopmin | Id::Zpopmax => sorted::zpop,
        Id::Zscan => sorted::zscan,
        Id::Zrange | Id::Zrevrange => range::zrange,
        Id::Zrangebyscore | Id::Zrevrangebyscore => range::zrange,
        Id::Zrangebylex | Id::Zrevrangebylex => range::zrange,
        Id::Zcount | Id::Zlexcount => range::zcount,
        Id::Zremrangebyrank | Id::Zremrangebyscore | Id::Zremrangebylex => range::zremrange,

        Id::Sinterstore | Id::Sunionstore | Id::Sdiffstore => set::combine_store,
        _ => |_, _, _| Err(StoreError::NotHere),
    }
}
