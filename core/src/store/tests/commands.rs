//! Stories: one a family of commands. The differential test against Redis has the breadth.

use super::Desk;
use crate::resp::Protocol;

#[test]
fn strings_are_set_and_read() {
    Desk::new(false).tell(
        "
        > GET k
        $-1
        > SET k v
        +OK
        > GET k
        $1
        v
        > SET k w NX
        $-1
        > SET k w XX GET
        $1
        v
        > SET k x NX XX
        -ERR syntax error
        > SET k x EX 0
        -ERR invalid expire time in 'set' command
        > SETEX k 9223372036854775807 v
        -ERR invalid expire time in 'setex' command
        > SET k x EX ten
        -ERR value is not an integer or out of range
        > GETSET k y
        $1
        w
        > GETDEL k
        $1
        y
        > GETDEL k
        $-1
        > MSET a 1 b 2 a 3
        +OK
        > MSET a 1 b
        -ERR wrong number of arguments for 'mset' command
        > MGET a c b a
        *4
        $1
        3
        $-1
        $1
        2
        $1
        3
        > MSETNX c 1 a 1
        :0
        > EXISTS a b c a
        :3
        > DEL a b c a
        :2
        ",
    );
}

#[test]
fn resp3_has_its_own_nil() {
    let mut desk = Desk::new(false);
    desk.exec.protocol = Protocol::Resp3;
    desk.tell(
        "
        > GET k
        _
        > SET k v XX
        _
        > MGET k
        *1
        _
        > RANDOMKEY
        _
        ",
    );
}

#[test]
fn numbers_count_and_overflow() {
    Desk::new(false).tell(
        "
        > INCR n
        :1
        > DECRBY n 11
        :-10
        > SET n 9223372036854775807
        +OK
        > INCR n
        -ERR increment or decrement would overflow
        > DECRBY n -9223372036854775808
        -ERR decrement would overflow
        > SET n 007
        +OK
        > INCR n
        -ERR value is not an integer or out of range
        > INCRBYFLOAT f 0.1
        $3
        0.1
        > INCRBYFLOAT f 0.2
        $3
        0.3
        > OBJECT ENCODING f
        $6
        embstr
        > INCRBYFLOAT f inf
        -ERR increment would produce NaN or Infinity
        > INCRBYFLOAT f x
        -ERR value is not a valid float
        ",
    );
}

#[test]
fn ranges_are_read_and_written() {
    Desk::new(false).tell(
        "
        > APPEND k Hello
        :5
        > APPEND k \" World\"
        :11
        > GETRANGE k -5 -1
        $5
        World
        > GETRANGE k -1 -5
        $0
        (empty)
        > SETRANGE k 6 Redis
        :11
        > GETRANGE k 0 100
        $11
        Hello Redis
        > SETRANGE k -1 x
        -ERR offset is out of range
        > SETRANGE k 536870912 x
        -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE none 5 \"\"
        :0
        > SETRANGE none 2 x
        :3
        > GET none
        $3
        \0\0x
        > STRLEN none
        :3
        > OBJECT ENCODING none
        $3
        raw
        ",
    );
}

#[test]
fn keys_expire() {
    Desk::new(false).tell(
        "
        > SET k v PX 1500
        +OK
        > TTL k
        :2
        > PTTL k
        :1500
        > EXPIRETIME k
        :1704067202
        ~ 1500
        > EXISTS k
        :1
        ~ 1
        > EXISTS k
        :0
        > TTL k
        :-2
        ",
    );
}

#[test]
fn deadlines_change_under_conditions() {
    Desk::new(false).tell(
        "
        > SET k v
        +OK
        > TTL k
        :-1
        > EXPIRE k 100 GT
        :0
        > EXPIRE k 100 LT
        :1
        > EXPIRE k 50 GT
        :0
        > EXPIRE k 50 NX
        :0
        > EXPIRE k 200 XX
        :1
        > EXPIRE k 200 NX GT
        -ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 200 GT LT
        -ERR GT and LT options at the same time are not compatible
        > EXPIRE k 200 SOON
        -ERR Unsupported option SOON
        > EXPIRE k 9223372036854775807
        -ERR invalid expire time in 'expire' command
        > APPEND k w
        :2
        > TTL k
        :200
        > PERSIST k
        :1
        > PERSIST k
        :0
        > SET k v KEEPTTL
        +OK
        > GETEX k EX 10
        $1
        v
        > TTL k
        :10
        > GETEX k PXAT 1
        $1
        v
        > EXISTS k
        :0
        > SET k v
        +OK
        > EXPIRE k -1
        :1
        > DBSIZE
        :0
        > SET k v PXAT 1
        +OK
        > SET k w NX
        +OK
        > SET k v EXAT 1
        +OK
        > INCR k
        :1
        ",
    );
}

#[test]
fn keys_are_renamed_with_their_deadline() {
    Desk::new(true).tell(
        "
        > RENAME a b
        -ERR no such key
        > SET a 1 EX 100
        +OK
        > SET b 2
        +OK
        > RENAMENX a b
        :0
        > RENAME a b
        +OK
        > TTL b
        :100
        > RENAME b b
        +OK
        > RENAMENX b b
        :0
        > KEYS *
        *1
        $1
        b
        > TYPE b
        +string
        > TYPE a
        +none
        > TOUCH a b
        :1
        ",
    );
}

#[test]
fn the_table_is_scanned_and_flushed() {
    let mut desk = Desk::new(true);
    for number in 0..500 {
        desk.run(&format!("SET key:{number} {number}"));
    }
    desk.run("DEL key:7");
    let mut seen = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let (reply, _) = desk.run(&format!("SCAN {cursor} COUNT 37 MATCH *1* TYPE STRING"));
        let mut lines = reply.split("\r\n");
        cursor = lines.nth(2).unwrap().to_owned();
        seen.extend(lines.skip(1).skip(1).step_by(2).map(str::to_owned));
        if cursor == "0" {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    let expected = (0..500)
        .filter(|number| number.to_string().contains('1'))
        .count();
    assert_eq!(seen.len(), expected);
    desk.tell(
        "
        > SCAN 0 COUNT 0
        -ERR syntax error
        > SCAN x
        -ERR invalid cursor
        > SCAN 0 TYPE list COUNT 1000
        *2
        $1
        0
        *0
        > DBSIZE
        :499
        > FLUSHALL NOW
        -ERR syntax error
        > FLUSHALL ASYNC
        +OK
        > DBSIZE
        :0
        > RANDOMKEY
        $-1
        ",
    );
    desk.store.tick(desk.exec.wall_ms, 10_000);
    assert!(desk.store.bytes() < 4096);
}

#[test]
fn objects_tell_what_redis_would_keep() {
    let mut desk = Desk::new(false);
    desk.run(&format!("SET long {}", "x".repeat(45)));
    desk.tell(
        "
        > SET n 12345
        +OK
        > OBJECT ENCODING n
        $3
        int
        > OBJECT REFCOUNT n
        :1
        > SET n 9999
        +OK
        > OBJECT REFCOUNT n
        :2147483647
        > OBJECT ENCODING long
        $3
        raw
        > OBJECT ENCODING none
        $-1
        > OBJECT IDLETIME n
        :0
        ~ 10240
        > OBJECT IDLETIME n
        :10
        > MEMORY USAGE n SAMPLES -1
        -ERR syntax error
        > MEMORY USAGE none
        $-1
        ",
    );
}
