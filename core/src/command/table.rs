//! The one list of commands.

use super::{Access, Command, Fragment, Kind, Scope};

/// Turns the list into the enum and the table. A row is: id, name, arity, keys (first, last, step),
/// access, kind of write, how it splits, scope; then, in brackets, its subcommands' rows.
macro_rules! commands {
    ($($id:ident $name:literal $arity:literal $keys:tt
       $access:ident $kind:ident $fragment:ident $scope:ident
       $([$($sub_id:ident $sub_name:literal $sub_arity:literal $sub_keys:tt
            $sub_access:ident $sub_kind:ident $sub_fragment:ident $sub_scope:ident;)+])?;)+) => {
        /// A command as the code names it; its row is [`CommandId::command`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum CommandId {
            $(
                #[doc = concat!("`", $name, "`")]
                $id,
                $($(
                    #[doc = concat!("`", $name, " ", $sub_name, "`")]
                    $sub_id,
                )+)?
            )+
        }

        /// All commands in the order of [`CommandId`], each with its subcommands behind it.
        pub static COMMANDS: &[Command] = &[$(
            row!($id, $name, $arity, $keys, $access $kind $fragment $scope
                 0 $($(+ one!($sub_id))+)?),
            $($(
                row!($sub_id, concat!($name, "|", $sub_name), $sub_arity, $sub_keys,
                     $sub_access $sub_kind $sub_fragment $sub_scope 0),
            )+)?
        )+];
    };
}

macro_rules! row {
    ($id:ident, $name:expr, $arity:literal, ($first:literal $last:literal $step:literal),
     $access:ident $kind:ident $fragment:ident $scope:ident $subcommands:expr) => {
        Command {
            id: CommandId::$id,
            name: $name,
            arity: $arity,
            first_key: $first,
            last_key: $last,
            step: $step,
            access: Access::$access,
            kind: Kind::$kind,
            fragment: fragment!($fragment),
            scope: Scope::$scope,
            subcommand_count: $subcommands,
        }
    };
}

macro_rules! fragment {
    (None) => {
        None
    };
    ($fragment:ident) => {
        Some(Fragment::$fragment)
    };
}

/// Counts repetitions.
macro_rules! one {
    ($id:ident) => {
        1
    };
}

impl CommandId {
    /// The command's row.
    #[inline]
    #[must_use]
    pub fn command(self) -> &'static Command {
        &COMMANDS[self as usize]
    }
}

commands! {
    // Strings.
    Get         "get"          2 (1  1 1) Read  None            None Key;
    Set         "set"         -3 (1  1 1) Write Blind           None Key;
    Mget        "mget"        -2 (1 -1 1) Read  None            Mget Key;
    Mset        "mset"        -3 (1 -1 2) Write Blind           Mset Key;
    Msetnx      "msetnx"      -3 (1 -1 2) Write ReadModifyWrite None Key;
    Setnx       "setnx"        3 (1  1 1) Write ReadModifyWrite None Key;
    Setex       "setex"        4 (1  1 1) Write Blind           None Key;
    Psetex      "psetex"       4 (1  1 1) Write Blind           None Key;
    Getset      "getset"       3 (1  1 1) Write ReadModifyWrite None Key;
    Getdel      "getdel"       2 (1  1 1) Write ReadModifyWrite None Key;
    Getex       "getex"       -2 (1  1 1) Write ReadModifyWrite None Key;
    Append      "append"       3 (1  1 1) Write ReadModifyWrite None Key;
    Strlen      "strlen"       2 (1  1 1) Read  None            None Key;
    Incr        "incr"         2 (1  1 1) Write ReadModifyWrite None Key;
    Decr        "decr"         2 (1  1 1) Write ReadModifyWrite None Key;
    Incrby      "incrby"       3 (1  1 1) Write ReadModifyWrite None Key;
    Decrby      "decrby"       3 (1  1 1) Write ReadModifyWrite None Key;
    Incrbyfloat "incrbyfloat"  3 (1  1 1) Write ReadModifyWrite None Key;
    Getrange    "getrange"     4 (1  1 1) Read  None            None Key;
    Setrange    "setrange"     4 (1  1 1) Write ReadModifyWrite None Key;

    // Lists.
    Lpush       "lpush"       -3 (1  1 1) Write ReadModifyWrite None Key;
    Rpush       "rpush"       -3 (1  1 1) Write ReadModifyWrite None Key;
    Lpushx      "lpushx"      -3 (1  1 1) Write ReadModifyWrite None Key;
    Rpushx      "rpushx"      -3 (1  1 1) Write ReadModifyWrite None Key;
    Lpop        "lpop"        -2 (1  1 1) Write ReadModifyWrite None Key;
    Rpop        "rpop"        -2 (1  1 1) Write ReadModifyWrite None Key;
    Llen        "llen"         2 (1  1 1) Read  None            None Key;
    Lrange      "lrange"       4 (1  1 1) Read  None            None Key;
    Lindex      "lindex"       3 (1  1 1) Read  None            None Key;
    Lset        "lset"         4 (1  1 1) Write ReadModifyWrite None Key;
    Lrem        "lrem"         4 (1  1 1) Write ReadModifyWrite None Key;
    Ltrim       "ltrim"        4 (1  1 1) Write ReadModifyWrite None Key;
    Linsert     "linsert"      5 (1  1 1) Write ReadModifyWrite None Key;
    Lpos        "lpos"        -3 (1  1 1) Read  None            None Key;
    Lmove       "lmove"        5 (1  2 1) Write ReadModifyWrite None Key;
    Rpoplpush   "rpoplpush"    3 (1  2 1) Write ReadModifyWrite None Key;

    // Hashes.
    Hset         "hset"         -4 (1 1 1) Write ReadModifyWrite None Key;
    Hmset        "hmset"        -4 (1 1 1) Write ReadModifyWrite None Key;
    Hsetnx       "hsetnx"        4 (1 1 1) Write ReadModifyWrite None Key;
    Hget         "hget"          3 (1 1 1) Read  None            None Key;
    Hmget        "hmget"        -3 (1 1 1) Read  None            None Key;
    Hgetall      "hgetall"       2 (1 1 1) Read  None            None Key;
    Hdel         "hdel"         -3 (1 1 1) Write ReadModifyWrite None Key;
    Hexists      "hexists"       3 (1 1 1) Read  None            None Key;
    Hlen         "hlen"          2 (1 1 1) Read  None            None Key;
    Hstrlen      "hstrlen"       3 (1 1 1) Read  None            None Key;
    Hincrby      "hincrby"       4 (1 1 1) Write ReadModifyWrite None Key;
    Hincrbyfloat "hincrbyfloat"  4 (1 1 1) Write ReadModifyWrite None Key;
    Hkeys        "hkeys"         2 (1 1 1) Read  None            None Key;
    Hvals        "hvals"         2 (1 1 1) Read  None            None Key;
    Hscan        "hscan"        -3 (1 1 1) Read  None            None Key;
    Hrandfield   "hrandfield"   -2 (1 1 1) Read  None            None Key;

    // Sets.
    Sadd         "sadd"         -3 (1  1 1) Write ReadModifyWrite None Key;
    Srem         "srem"         -3 (1  1 1) Write ReadModifyWrite None Key;
    Smembers     "smembers"      2 (1  1 1) Read  None            None Key;
    Sismember    "sismember"     3 (1  1 1) Read  None            None Key;
    Smismember   "smismember"   -3 (1  1 1) Read  None            None Key;
    Scard        "scard"         2 (1  1 1) Read  None            None Key;
    Spop         "spop"         -2 (1  1 1) Write ReadModifyWrite None Key;
    Srandmember  "srandmember"  -2 (1  1 1) Read  None            None Key;
    Smove        "smove"         4 (1  2 1) Write ReadModifyWrite None Key;
    Sscan        "sscan"        -3 (1  1 1) Read  None            None Key;
    Sinter       "sinter"       -2 (1 -1 1) Read  None            None Key;
    Sunion       "sunion"       -2 (1 -1 1) Read  None            None Key;
    Sdiff        "sdiff"        -2 (1 -1 1) Read  None            None Key;
    Sinterstore  "sinterstore"  -3 (1 -1 1) Write ReadModifyWrite None Key;
    Sunionstore  "sunionstore"  -3 (1 -1 1) Write ReadModifyWrite None Key;
    Sdiffstore   "sdiffstore"   -3 (1 -1 1) Write ReadModifyWrite None Key;

    // Sorted sets.
    Zadd             "zadd"             -4 (1 1 1) Write ReadModifyWrite None Key;
    Zincrby          "zincrby"           4 (1 1 1) Write ReadModifyWrite None Key;
    Zrem             "zrem"             -3 (1 1 1) Write ReadModifyWrite None Key;
    Zscore           "zscore"            3 (1 1 1) Read  None            None Key;
    Zmscore          "zmscore"          -3 (1 1 1) Read  None            None Key;
    Zcard            "zcard"             2 (1 1 1) Read  None            None Key;
    Zrank            "zrank"             3 (1 1 1) Read  None            None Key;
    Zrevrank         "zrevrank"          3 (1 1 1) Read  None            None Key;
    Zcount           "zcount"            4 (1 1 1) Read  None            None Key;
    Zlexcount        "zlexcount"         4 (1 1 1) Read  None            None Key;
    Zrange           "zrange"           -4 (1 1 1) Read  None            None Key;
    Zrevrange        "zrevrange"        -4 (1 1 1) Read  None            None Key;
    Zrangebyscore    "zrangebyscore"    -4 (1 1 1) Read  None            None Key;
    Zrevrangebyscore "zrevrangebyscore" -4 (1 1 1) Read  None            None Key;
    Zrangebylex      "zrangebylex"      -4 (1 1 1) Read  None            None Key;
    Zrevrangebylex   "zrevrangebylex"   -4 (1 1 1) Read  None            None Key;
    Zremrangebyrank  "zremrangebyrank"   4 (1 1 1) Write ReadModifyWrite None Key;
    Zremrangebyscore "zremrangebyscore"  4 (1 1 1) Write ReadModifyWrite None Key;
    Zremrangebylex   "zremrangebylex"    4 (1 1 1) Write ReadModifyWrite None Key;
    Zpopmin          "zpopmin"          -2 (1 1 1) Write ReadModifyWrite None Key;
    Zpopmax          "zpopmax"          -2 (1 1 1) Write ReadModifyWrite None Key;
    Zscan            "zscan"            -3 (1 1 1) Read  None            None Key;

    // Keys.
    Del         "del"         -2 (1 -1 1) Write Blind           Sum  Key;
    Unlink      "unlink"      -2 (1 -1 1) Write Blind           Sum  Key;
    Exists      "exists"      -2 (1 -1 1) Read  None            Sum  Key;
    Touch       "touch"       -2 (1 -1 1) Read  None            Sum  Key;
    Expire      "expire"      -3 (1  1 1) Write ReadModifyWrite None Key;
    Pexpire     "pexpire"     -3 (1  1 1) Write ReadModifyWrite None Key;
    Expireat    "expireat"    -3 (1  1 1) Write ReadModifyWrite None Key;
    Pexpireat   "pexpireat"   -3 (1  1 1) Write ReadModifyWrite None Key;
    Ttl         "ttl"          2 (1  1 1) Read  None            None Key;
    Pttl        "pttl"         2 (1  1 1) Read  None            None Key;
    Expiretime  "expiretime"   2 (1  1 1) Read  None            None Key;
    Pexpiretime "pexpiretime"  2 (1  1 1) Read  None            None Key;
    Persist     "persist"      2 (1  1 1) Write ReadModifyWrite None Key;
    Type        "type"         2 (1  1 1) Read  None            None Key;
    Rename      "rename"       3 (1  2 1) Write ReadModifyWrite None Key;
    Renamenx    "renamenx"     3 (1  2 1) Write ReadModifyWrite None Key;
    Object      "object"      -2 (0  0 0) None  None            None Connection [
        ObjectEncoding "encoding" 3 (2 2 1) Read  None None Key;
        ObjectFreq     "freq"     3 (2 2 1) Read  None None Key;
        ObjectIdletime "idletime" 3 (2 2 1) Read  None None Key;
        ObjectRefcount "refcount" 3 (2 2 1) Read  None None Key;
    ];
    Memory      "memory"      -2 (0  0 0) None  None            None Connection [
        MemoryUsage   "usage"    -3 (2 2 1) Read  None None Key;
    ];
    Scan        "scan"        -2 (0  0 0) Read  None            None Node;
    Keys        "keys"         2 (0  0 0) Read  None            None Node;
    Randomkey   "randomkey"    1 (0  0 0) Read  None            None Node;
    Dbsize      "dbsize"       1 (0  0 0) Read  None            None Node;
    Flushdb     "flushdb"     -1 (0  0 0) Write ReadModifyWrite None Node;
    Flushall    "flushall"    -1 (0  0 0) Write ReadModifyWrite None Node;

    // Connection and server.
    Ping        "ping"        -1 (0  0 0) None  None            None Connection;
    Echo        "echo"         2 (0  0 0) None  None            None Connection;
    Hello       "hello"       -1 (0  0 0) None  None            None Connection;
    Auth        "auth"        -2 (0  0 0) None  None            None Connection;
    Select      "select"       2 (0  0 0) None  None            None Connection;
    Quit        "quit"        -1 (0  0 0) None  None            None Connection;
    Reset       "reset"        1 (0  0 0) None  None            None Connection;
    Client      "client"      -2 (0  0 0) None  None            None Connection [
        ClientGetname "getname"   2 (0 0 0) None None None Connection;
        ClientId      "id"        2 (0 0 0) None None None Connection;
        ClientInfo    "info"      2 (0 0 0) None None None Connection;
        ClientKill    "kill"     -3 (0 0 0) None None None Connection;
        ClientList    "list"     -2 (0 0 0) None None None Connection;
        ClientNoEvict "no-evict"  3 (0 0 0) None None None Connection;
        ClientReply   "reply"     3 (0 0 0) None None None Connection;
        ClientSetinfo "setinfo"   4 (0 0 0) None None None Connection;
        ClientSetname "setname"   3 (0 0 0) None None None Connection;
    ];
    Command     "command"     -1 (0  0 0) None  None            None Connection [
        CommandCount  "count"     2 (0 0 0) None None None Connection;
        CommandDocs   "docs"     -2 (0 0 0) None None None Connection;
        CommandInfo   "info"     -2 (0 0 0) None None None Connection;
    ];
    Config      "config"      -2 (0  0 0) None  None            None Connection [
        ConfigGet       "get"       -3 (0 0 0) None None None Connection;
        ConfigResetstat "resetstat"  2 (0 0 0) None None None Connection;
        ConfigSet       "set"       -4 (0 0 0) None None None Connection;
    ];
    Info        "info"        -1 (0  0 0) None  None            None Connection;
    Time        "time"         1 (0  0 0) None  None            None Connection;
    Lastsave    "lastsave"     1 (0  0 0) None  None            None Connection;
    Shutdown    "shutdown"    -1 (0  0 0) None  None            None Connection;
}
