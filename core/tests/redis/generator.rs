//! Random commands over few keys, so that they meet; a seed makes the same ones again.

/// How alike two replies must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Likeness {
    Exact,
    /// The elements, in any order.
    AnyOrder,
    /// Both something, or both nothing.
    SameKind,
    /// Numbers no further apart than this.
    Within(u64),
}

/// What each command's reply may depend on besides the commands before it.
pub(crate) fn likeness(command: &[Vec<u8>]) -> Likeness {
    let name = command[0].to_ascii_uppercase();
    match name.as_slice() {
        b"OBJECT" if command[1].eq_ignore_ascii_case(b"idletime") => Likeness::SameKind,
        b"KEYS" => Likeness::AnyOrder,
        b"HGETALL" | b"HKEYS" | b"HVALS" | b"SMEMBERS" | b"SINTER" | b"SUNION" | b"SDIFF" => {
            Likeness::AnyOrder
        }
        b"SPOP" if command.len() == 3 => Likeness::AnyOrder,
        b"RANDOMKEY" | b"MEMORY" | b"SCAN" | b"HSCAN" | b"SSCAN" | b"ZSCAN" | b"HRANDFIELD"
        | b"SRANDMEMBER" => Likeness::SameKind,
        b"TTL" | b"EXPIRETIME" => Likeness::Within(5),
        b"PTTL" | b"PEXPIRETIME" => Likeness::Within(5_000),
        _ => Likeness::Exact,
    }
}

/// Commands as words; a word in capitals with a `$` before it stands for one of many.
const TEMPLATES: &[&str] = &[
    "GET $KEY",
    "GET $KEY",
    "SET $KEY $VALUE",
    "SET $KEY $VALUE",
    "SET $KEY $NUMBER",
    "SET $KEY $VALUE $OPTION",
    "SET $KEY $VALUE $OPTION $OPTION",
    "SET $KEY $VALUE $OPTION $OPTION $OPTION",
    "SETNX $KEY $VALUE",
    "SETEX $KEY $TIME $VALUE",
    "PSETEX $KEY $TIME $VALUE",
    "GETSET $KEY $VALUE",
    "GETDEL $KEY",
    "GETEX $KEY",
    "GETEX $KEY $OPTION",
    "GETEX $KEY $OPTION $OPTION",
    "MGET $KEY $KEY $KEY",
    "MSET $KEY $VALUE",
    "MSET $KEY $VALUE $KEY $NUMBER $KEY $VALUE",
    "MSET $KEY $VALUE $KEY",
    "MSETNX $KEY $VALUE $KEY $VALUE",
    "MSETNX $KEY $VALUE $KEY",
    "APPEND $KEY $VALUE",
    "APPEND $KEY $NUMBER",
    "STRLEN $KEY",
    "INCR $KEY",
    "DECR $KEY",
    "INCRBY $KEY $NUMBER",
    "DECRBY $KEY $NUMBER",
    "INCRBYFLOAT $KEY $FLOAT",
    "INCRBYFLOAT $KEY $NUMBER",
    "SET $KEY $FLOAT",
    "GETRANGE $KEY $INDEX $INDEX",
    "SETRANGE $KEY $INDEX $VALUE",
    "HSET $KEY $FIELD $VALUE",
    "HSET $KEY $FIELD $NUMBER",
    "HSET $KEY $FIELD $VALUE $FIELD $VALUE $FIELD $LONG",
    "HSET $KEY $FIELD $VALUE $FIELD",
    "HMSET $KEY $FIELD $VALUE $FIELD $FLOAT",
    "HSETNX $KEY $FIELD $VALUE",
    "HGET $KEY $FIELD",
    "HMGET $KEY $FIELD $FIELD $FIELD",
    "HGETALL $KEY",
    "HKEYS $KEY",
    "HVALS $KEY",
    "HDEL $KEY $FIELD",
    "HDEL $KEY $FIELD $FIELD $FIELD",
    "HEXISTS $KEY $FIELD",
    "HLEN $KEY",
    "HSTRLEN $KEY $FIELD",
    "HINCRBY $KEY $FIELD $NUMBER",
    "HINCRBYFLOAT $KEY $FIELD $FLOAT",
    "HRANDFIELD $KEY",
    "HRANDFIELD $KEY $SMALL",
    "HRANDFIELD $KEY $SMALL WITHVALUES",
    "HRANDFIELD $KEY $SMALL $VALUE",
    "HSCAN $KEY 0",
    "HSCAN $KEY 0 $SCAN_OPTION",
    "HSCAN $KEY $CURSOR",
    "LPUSH $KEY $SMALL",
    "RPUSH $KEY $SMALL $SMALL $SMALL",
    "RPUSH $KEY $VALUE $LONG",
    "LPUSHX $KEY $SMALL",
    "RPUSHX $KEY $SMALL",
    "LPOP $KEY",
    "RPOP $KEY",
    "LPOP $KEY $SMALL",
    "RPOP $KEY $SMALL",
    "LLEN $KEY",
    "LRANGE $KEY $INDEX $INDEX",
    "LRANGE $KEY 0 -1",
    "LINDEX $KEY $INDEX",
    "LSET $KEY $INDEX $VALUE",
    "LREM $KEY $SMALL $SMALL",
    "LTRIM $KEY $INDEX $INDEX",
    "LINSERT $KEY BEFORE $SMALL $VALUE",
    "LINSERT $KEY after $SMALL $VALUE",
    "LINSERT $KEY $VALUE $SMALL $VALUE",
    "LPOS $KEY $SMALL",
    "LPOS $KEY $SMALL $LPOS",
    "LPOS $KEY $SMALL $LPOS $LPOS",
    "LMOVE $KEY $KEY LEFT RIGHT",
    "LMOVE $KEY $KEY right right",
    "LMOVE $KEY $KEY $VALUE LEFT",
    "RPOPLPUSH $KEY $KEY",
    "ZADD $KEY $FLOAT $SMALL",
    "ZADD $KEY $SCORE $SMALL $SCORE $SMALL $SCORE $VALUE",
    "ZADD $KEY $SCORE a $SCORE b $SCORE c",
    "ZADD $KEY $SCORE $LONG",
    "ZADD lex 0 $SMALL 0 a 0 $VALUE",
    "ZADD lex 0 b 0 c 0 $LONG",
    "ZADD $KEY $ZADD $SCORE $SMALL",
    "ZADD $KEY $ZADD $ZADD $SCORE $SMALL",
    "ZADD $KEY $ZADD $SCORE $SMALL $SCORE a",
    "ZADD $KEY $SCORE",
    "ZINCRBY $KEY $FLOAT $SMALL",
    "ZINCRBY $KEY $SCORE a",
    "ZREM $KEY $SMALL a",
    "ZSCORE $KEY $SMALL",
    "ZMSCORE $KEY a b $SMALL",
    "ZCARD $KEY",
    "ZRANK $KEY $SMALL",
    "ZREVRANK $KEY a",
    "ZCOUNT $KEY $BOUND $BOUND",
    "ZLEXCOUNT lex $LEX $LEX",
    "ZRANGE $KEY $INDEX $INDEX",
    "ZRANGE $KEY 0 -1 WITHSCORES",
    "ZRANGE $KEY $INDEX $INDEX $ZRANGE",
    "ZRANGE $KEY $BOUND $BOUND BYSCORE",
    "ZRANGE $KEY $BOUND $BOUND BYSCORE $ZRANGE",
    "ZRANGE $KEY $BOUND $BOUND BYSCORE $ZRANGE $ZRANGE",
    "ZRANGE lex $LEX $LEX BYLEX $ZRANGE",
    "ZRANGE lex $LEX $LEX BYLEX",
    "ZREVRANGE $KEY $INDEX $INDEX",
    "ZREVRANGE $KEY $INDEX $INDEX WITHSCORES",
    "ZRANGEBYSCORE $KEY $BOUND $BOUND",
    "ZRANGEBYSCORE $KEY $BOUND $BOUND $ZRANGE",
    "ZREVRANGEBYSCORE $KEY $BOUND $BOUND",
    "ZRANGEBYLEX lex $LEX $LEX",
    "ZRANGEBYLEX lex $LEX $LEX LIMIT $INDEX $INDEX",
    "ZREVRANGEBYLEX lex $LEX $LEX",
    "ZREMRANGEBYRANK $KEY $INDEX $INDEX",
    "ZREMRANGEBYSCORE $KEY $BOUND $BOUND",
    "ZREMRANGEBYLEX lex $LEX $LEX",
    "ZPOPMIN $KEY",
    "ZPOPMAX $KEY",
    "ZPOPMIN $KEY $SMALL",
    "ZPOPMAX $KEY $SMALL",
    "ZSCAN $KEY 0",
    "ZSCAN $KEY 0 $SCAN_OPTION",
    "SADD $KEY $VALUE",
    "SADD $KEY $SMALL $SMALL $SMALL",
    "SADD $KEY $VALUE $LONG $SMALL",
    "SREM $KEY $VALUE",
    "SREM $KEY $SMALL $SMALL $SMALL",
    "SMEMBERS $KEY",
    "SISMEMBER $KEY $SMALL",
    "SMISMEMBER $KEY $VALUE $SMALL",
    "SCARD $KEY",
    "SPOP $KEY 0",
    "SPOP $KEY 100",
    "SPOP $KEY -1",
    "SPOP $KEY x",
    "SRANDMEMBER $KEY",
    "SRANDMEMBER $KEY $SMALL",
    "SMOVE $KEY $KEY $SMALL",
    "SSCAN $KEY 0",
    "SSCAN $KEY 0 $SCAN_OPTION",
    "SINTER $KEY $KEY",
    "SINTER $KEY",
    "SUNION $KEY $KEY $KEY",
    "SDIFF $KEY $KEY",
    "SINTERSTORE $KEY $KEY $KEY",
    "SUNIONSTORE $KEY $KEY $KEY",
    "SDIFFSTORE $KEY $KEY $KEY",
    "DEL $KEY",
    "DEL $KEY $KEY",
    "UNLINK $KEY $KEY $KEY",
    "EXISTS $KEY $KEY",
    "TOUCH $KEY $KEY",
    "EXPIRE $KEY $TIME",
    "EXPIRE $KEY $TIME $IF",
    "PEXPIRE $KEY $TIME $IF",
    "EXPIREAT $KEY $UNIX $WHEN",
    "PEXPIREAT $KEY $UNIX_MS $WHEN",
    "EXPIREAT $KEY $UNIX $WHEN $WHEN",
    "PEXPIREAT $KEY $TIME",
    "TTL $KEY",
    "PTTL $KEY",
    "EXPIRETIME $KEY",
    "PEXPIRETIME $KEY",
    "PERSIST $KEY",
    "TYPE $KEY",
    "RENAME $KEY $KEY",
    "RENAMENX $KEY $KEY",
    "OBJECT ENCODING $KEY",
    "OBJECT REFCOUNT $KEY",
    "OBJECT IDLETIME $KEY",
    "OBJECT FREQ $KEY",
    "OBJECT $VALUE $KEY",
    "MEMORY USAGE $KEY",
    "KEYS $PATTERN",
    "SCAN $CURSOR",
    "SCAN 0 $SCAN_OPTION",
    "RANDOMKEY",
    "DBSIZE",
    "FLUSHALL $FLUSH",
];

/// Beside them there is `lex`, whose members all have one score: by bytes, Redis gives no meaning
/// to anything else.
const KEYS: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"key:1",
    b"key:2",
    b"{t}x",
    b"",
    b"\x00\r\n\xff",
];
const PATTERNS: &[&[u8]] = &[
    b"*", b"?", b"key:*", b"key:?", b"[a-b]", b"[^a]", b"[c-a]", b"k*:[12]", b"\\a", b"**", b"",
    b"*\xff", b"\\*", b"[", b"[^", b"*[12", b"a*", b"*a",
];
const VALUES: &[&[u8]] = &[
    b"",
    b"x",
    b"hello world",
    b"\x00\x01\xfe\xff",
    b"\r\n",
    b"-0",
    b" 1",
    b"1 ",
    b"+1",
    b"007",
    b"12345678901234567890123456789012345678901234",
    b"123456789012345678901234567890123456789012345",
    b"10",
    b"9999",
    b"10000",
    b"9223372036854775807",
    b"9223372036854775808",
];
const NUMBERS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"9999",
    b"10000",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"4611686018427387904",
    b"abc",
    b"",
    b"1.0",
    b"-0",
    b"01",
    b"1e3",
];
const FLOATS: &[&[u8]] = &[
    b"0.1",
    b"-0.1",
    b"3.0",
    b"5.0e3",
    b"1e17",
    b"1e-17",
    b"1e-18",
    b"-2.5e-10",
    b"0x10",
    b"0x1p-3",
    b"inf",
    b"-inf",
    b"nan",
    b"1e400",
    b"1e4931",
    b"-1e4932",
    b"1e5000",
    b"1e-5000",
    b"1.",
    b".5",
    b".",
    b"1e",
    b"",
    b" 1",
    b"1.5x",
    b"123456789.123456789",
    b"18446744073709551615.5",
    b"0.00000000000000001",
    b"0.000000000000000005",
    b"99999999999999999999.99",
    b"3.14159265358979323846264338327950288",
];
/// No small positive ones: nothing here expires while the test runs.
const TIMES: &[&[u8]] = &[
    b"100000",
    b"1000000",
    b"20000000",
    b"0",
    b"-1",
    b"-100",
    b"abc",
    b"",
    b"1.5",
    b"9223372036854775807",
    b"9223372036854775",
    b"9223372036854776",
    b"-9223372036854775808",
    b"-9223372036854775",
    b"9223370000000000000",
];
const SCORES: &[&[u8]] = &[
    b"1", b"2", b"2", b"3", b"-1", b"0", b"0.5", b"1e3", b"inf", b"-inf", b"0.1", b"-0",
];
const BOUNDS: &[&[u8]] = &[
    b"-inf", b"+inf", b"inf", b"0", b"(1", b"2", b"(2", b"3", b"(-inf", b"0.1", b"1e400", b"x",
    b"", b"(", b"nan",
];
const LEX_BOUNDS: &[&[u8]] = &[
    b"-", b"+", b"[a", b"(a", b"[b", b"(c", b"[", b"(1", b"[2", b"x", b"",
];
const FIELDS: &[&[u8]] = &[b"f", b"g", b"field:1", b"", b"7"];
const SMALL_NUMBERS: &[&[u8]] = &[b"0", b"1", b"2", b"3", b"5", b"-1", b"-3", b"x", b""];
/// Just what a small collection may hold, and one byte more.
const LONGS: &[&[u8]] = &[&[b'l'; 64], &[b'l'; 65]];
const UNIX_TIMES: &[&[u8]] = &[
    b"4000000000",
    b"4000000001",
    b"5000000000",
    b"1",
    b"0",
    b"-5",
    b"9223372036854775807",
];
const UNIX_MS_TIMES: &[&[u8]] = &[
    b"4000000000000",
    b"4000000000499",
    b"4000000000500",
    b"5000000000000",
    b"1",
    b"-5",
    b"x",
];
const INDEXES: &[&[u8]] = &[
    b"0",
    b"1",
    b"2",
    b"5",
    b"20",
    b"-1",
    b"-2",
    b"-3",
    b"-20",
    b"1000",
    b"536870912",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"x",
];
const OPTIONS: &[&str] = &[
    "NX",
    "XX",
    "GET",
    "KEEPTTL",
    "nx",
    "Get",
    "PERSIST",
    "EX $TIME",
    "PX $TIME",
    "EXAT 4000000000",
    "PXAT 4000000000123",
    "EX",
    "BOGUS",
    "EXAT -1",
    "PXAT 0",
];
const SCAN_OPTIONS: &[&str] = &[
    "COUNT 0",
    "COUNT x",
    "COUNT -1",
    "MATCH",
    "BOGUS 1",
    "COUNT",
    "TYPE",
    "COUNT 1 MATCH",
];
const LPOS_OPTIONS: &[&str] = &[
    "RANK 1",
    "RANK 2",
    "RANK -1",
    "RANK -2",
    "RANK $SMALL",
    "COUNT 0",
    "COUNT $SMALL",
    "MAXLEN $SMALL",
    "COUNT",
    "BOGUS 1",
];
const ZRANGE_OPTIONS: &[&str] = &[
    "REV",
    "WITHSCORES",
    "LIMIT 0 2",
    "LIMIT 1 -1",
    "LIMIT -1 2",
    "LIMIT 1",
    "LIMIT $SMALL $SMALL",
    "BOGUS",
];
const CURSORS: &[&[u8]] = &[b"x", b"1x", b"18446744073709551616", b" 1"];

pub(crate) struct Generator {
    state: u64,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn command(&mut self) -> Vec<Vec<u8>> {
        let template = self.one_of(TEMPLATES);
        // A flush now and then; more would leave nothing to compare.
        if template.starts_with("FLUSH") && self.below(20) > 0 {
            return self.command();
        }
        let mut command = Vec::new();
        for word in template.split(' ') {
            self.expand(word, &mut command);
        }
        if self.below(300) == 0 {
            command.push(b"more".to_vec());
        }
        command
    }

    fn expand(&mut self, word: &str, command: &mut Vec<Vec<u8>>) {
        let several: &[&str] = match word {
            "$OPTION" => OPTIONS,
            "$SCAN_OPTION" => SCAN_OPTIONS,
            "$IF" => &["NX", "XX", "nx", "", "BOGUS"],
            "$WHEN" => &["NX", "XX", "GT", "LT", "gt", "lt", "BOGUS"],
            "$LPOS" => LPOS_OPTIONS,
            "$ZADD" => &["NX", "XX", "GT", "LT", "CH", "INCR", "gt", "BOGUS"],
            "$ZRANGE" => ZRANGE_OPTIONS,
            "$FLUSH" => &["ASYNC", "SYNC", "sync", "NOW"],
            _ => {
                let arg = self.single(word);
                return command.push(arg);
            }
        };
        for part in self.one_of(several).split(' ') {
            self.expand(part, command);
        }
    }

    fn single(&mut self, word: &str) -> Vec<u8> {
        let one: &[&[u8]] = match word {
            "$KEY" => KEYS,
            "$VALUE" => VALUES,
            "$NUMBER" if self.below(2) == 0 => return self.random_number(),
            "$NUMBER" => NUMBERS,
            "$FLOAT" if self.below(2) == 0 => return self.random_float(),
            "$FLOAT" => FLOATS,
            "$SCORE" => SCORES,
            "$BOUND" => BOUNDS,
            "$LEX" => LEX_BOUNDS,
            "$FIELD" => FIELDS,
            "$SMALL" => SMALL_NUMBERS,
            "$LONG" => LONGS,
            "$TIME" => TIMES,
            "$UNIX" => UNIX_TIMES,
            "$UNIX_MS" => UNIX_MS_TIMES,
            "$INDEX" => INDEXES,
            "$PATTERN" => PATTERNS,
            "$CURSOR" => CURSORS,
            literal => return literal.as_bytes().to_vec(),
        };
        self.one_of(one).to_vec()
    }

    fn random_number(&mut self) -> Vec<u8> {
        let bits = self.below(63);
        let number = (self.next() >> (63 - bits)) as i64;
        let number = if self.below(2) == 0 { -number } else { number };
        number.to_string().into_bytes()
    }

    fn random_float(&mut self) -> Vec<u8> {
        let (bits, decimals) = (self.below(63), self.below(20));
        let whole = (self.next() >> (63 - bits)) as i64;
        let fraction = self.next().to_string();
        let fraction = &fraction[..fraction.len().min(decimals as usize + 1)];
        let sign = if self.below(2) == 0 { "-" } else { "" };
        format!("{sign}{whole}.{fraction}").into_bytes()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// splitmix64
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
