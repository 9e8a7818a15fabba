//! The one list of commands.

use super::{Access, Command, Fragment, Kind, Scope};

/// Turns the list into the enum and the table. A row is: id, name, arity, keys (first, last, step),
/// access, kind of write, how it splits, scope.
macro_rules! commands {
    ($($id:ident $name:literal $arity:literal ($first:literal $last:literal $step:literal)
       $access:ident $kind:ident $fragment:ident $scope:ident;)+) => {
        /// A command as the code names it; its row is [`CommandId::command`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum CommandId {
            $(#[doc = concat!("`", $name, "`")] $id,)+
        }

        /// All commands, in the order of [`CommandId`].
        pub static COMMANDS: &[Command] = &[$(Command {
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
        },)+];
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

impl CommandId {
    /// The command's row.
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
    Object      "object"      -2 (2  2 1) Read  None            None Key;
    Memory      "memory"      -2 (2  2 1) Read  None            None Key;
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
    Client      "client"      -2 (0  0 0) None  None            None Connection;
    Command     "command"     -1 (0  0 0) None  None            None Connection;
    Config      "config"      -2 (0  0 0) None  None            None Connection;
    Info        "info"        -1 (0  0 0) None  None            None Connection;
    Time        "time"         1 (0  0 0) None  None            None Connection;
    Lastsave    "lastsave"     1 (0  0 0) None  None            None Connection;
    Shutdown    "shutdown"    -1 (0  0 0) None  None            None Connection;
}
