"""What users type: redis-cli, redis-benchmark, and the commands of redis-py."""

import shutil
import subprocess
import time

import redis
from redis.exceptions import ResponseError

from . import Skipped, check, same
from .cuts import one, three


def _program(name):
    if not shutil.which(name):
        raise Skipped(f"{name} is not installed")
    return name


def cli(node, *args, text=None, limit_s=30):
    """redis-cli's output, without its last line end."""
    done = subprocess.run([_program("redis-cli"), "-p", str(node.port), *map(str, args)],
                          capture_output=True, input=text, text=True, timeout=limit_s)
    return (done.stdout + done.stderr).rstrip("\n")


TYPED = [
    # What is typed, and what redis-cli prints of it.
    ("PING", "PONG"),
    ("PING hello", "hello"),
    ("ECHO hi", "hi"),
    ("SET s one", "OK"),
    ("SET s two NX", ""),
    ("SET s two XX GET", "one"),
    ("SET s three EX 100", "OK"),
    ("TTL s", "100"),
    ("SET s four KEEPTTL", "OK"),
    ("TTL s", "100"),
    ("SET s five PX 100000", "OK"),
    ("PERSIST s", "1"),
    ("TTL s", "-1"),
    ("TTL nothing", "-2"),
    ("EXPIRE s 50", "1"),
    ("EXPIRE s 10 GT", "0"),
    ("EXPIRE nothing 50", "0"),
    ("TTL s", "50"),
    ("GETEX s PERSIST", "five"),
    ("APPEND s !", "5"),
    ("GETRANGE s 1 -2", "ive"),
    ("SETRANGE s 6 x", "7"),
    ("STRLEN s", "7"),
    ("GETDEL s", "five!\0x"),
    ("EXISTS s", "0"),
    ("GETSET g new", ""),
    ("GETSET g newer", "new"),
    ("INCR n", "1"),
    ("INCRBY n 41", "42"),
    ("DECR n", "41"),
    ("DECRBY n -1", "42"),
    ("INCRBYFLOAT n 0.5", "42.5"),
    ("INCRBYFLOAT n 1e2", "142.5"),
    ("INCR n", "ERR value is not an integer or out of range\n"),
    ("SET n 9223372036854775807", "OK"),
    ("INCR n", "ERR increment or decrement would overflow\n"),
    ("SETNX g no", "0"),
    ("MSETNX g 1 h 2", "0"),
    ("MSET a 1 b 2", "OK"),
    ("MGET a b", "1\n2"),
    ("TYPE a", "string"),
    ("TYPE nothing", "none"),
    ("OBJECT ENCODING a", "int"),
    ("OBJECT ENCODING g", "embstr"),
    ("RENAME a c", "OK"),
    ("RENAMENX b c", "0"),
    ("SET a", "ERR wrong number of arguments for 'set' command\n"),
    ("SET a b EX 0", "ERR invalid expire time in 'set' command\n"),
    ("SET a b NX XX", "ERR syntax error\n"),
    ("SET a b EX ten", "ERR value is not an integer or out of range\n"),
    ("NOSUCH x", "ERR unknown command 'NOSUCH', with args beginning with: 'x' \n"),
    ("SELECT 0", "OK"),
    ("SELECT 1", "ERR DB index is out of range\n"),
    ("DEL a b c g n h", "4"),
    ("AUTH secret", "ERR AUTH <password> called without any password configured for the default"
                    " user. Are you sure your configuration is correct?\n"),
]


@check("what users type into redis-cli answers as Redis does, on one node and in a ring")
def _():
    for node in (one()[0], three()[0]):
        for typed, wanted in TYPED:
            got = cli(node, *typed.split())
            passed_s = int(wanted) - int(got) if typed.startswith("TTL") else None
            if passed_s != 1:
                same(got.rstrip("\n"), wanted.rstrip("\n"), typed)


@check("INFO, CONFIG GET, CLIENT LIST, COMMAND, DBSIZE, TIME, MEMORY USAGE")
def _():
    for node in (one()[0], three()[1]):
        client = node.client()
        client.flushall()
        facts = client.info()
        assert facts["redis_version"] and facts["connected_clients"] >= 1, facts
        same(client.info("server").get("process_id"), node.process.pid)
        settings = client.config_get("*")
        assert "maxmemory" in settings and "databases" in settings, settings
        assert set(client.config_get("max*")) >= {"maxclients", "maxmemory"}
        client.client_setname("outsider")
        listed = client.client_list()
        assert any(row["name"] == "outsider" for row in listed), listed
        assert client.command_count() > 50
        assert "get" in client.command()
        client.set("k", "v")
        same(client.dbsize(), 1)
        assert client.memory_usage("k") > 0
        assert abs(client.time()[0] - time.time()) < 2
        same(cli(node, "INFO", "keyspace").split(",")[0].splitlines()[-1], "db0:keys=1")
        client.delete("k")


@check("SCAN, KEYS, --scan, --bigkeys over ten thousand keys of one node")
def _():
    node = one()[0]
    client = node.client()
    client.flushall()
    names = {b"scan:%d" % number for number in range(10_000)}
    client.mset({name: name for name in names})
    same(set(client.scan_iter(count=100)), names)
    same(set(client.scan_iter(match="scan:99*", count=1000)),
         {name for name in names if name.startswith(b"scan:99")})
    same(set(client.keys("scan:*")), names)
    same(len(client.keys("scan:?")), 10)
    same(len(set(cli(node, "--scan").split())), 10_000)
    same(len(cli(node, "--scan", "--pattern", "scan:12?").split()), 10)
    client.set("scan:big", b"x" * 5000)
    said = cli(node, "--bigkeys")
    assert "'\"scan:big\"' has 5000 bytes" in said, said[-800:]
    said = cli(node, "--memkeys")
    assert "ERR" not in said and "scan:big" in said, said[-800:]
    client.flushall()
    same(client.dbsize(), 0)


@check("SCAN meets every key that stays, while others come and go")
def _():
    client = one()[0].client()
    client.flushall()
    staying = {b"stay:%d" % number for number in range(3000)}
    client.mset({name: 1 for name in staying})
    seen, cursor, turn = set(), 0, 0
    while True:
        cursor, page = client.scan(cursor, count=50)
        seen.update(page)
        turn += 1
        client.mset({f"pass:{turn}:{number}": 1 for number in range(100)})
        client.delete(*(f"pass:{turn - 1}:{number}" for number in range(100)))
        if cursor == 0:
            break
    same(staying - seen, set(), "stayed, and not met")
    client.flushall()


@check("redis-cli --pipe, a script on standard input, -x, and --latency's PINGs")
def _():
    for node in (one()[0], three()[2]):
        lines = "".join(f"SET pipe:{number} {number}\r\n" for number in range(20_000))
        said = cli(node, "--pipe", text=lines)
        assert "errors: 0, replies: 20000" in said, said
        same(cli(node, "GET", "pipe:19999"), "19999")
        same(cli(node, text="SET a 1\nINCR a\nGET a\n"), "OK\n2\n2")
        same(cli(node, "-x", "SET", "stdin", text="from stdin"), "OK")
        same(cli(node, "GET", "stdin"), "from stdin")
        same(cli(node, "-3", "GET", "nothing"), "")
        same(cli(node, "-r", "3", "PING"), "PONG\nPONG\nPONG")


@check("redis-benchmark's tests that apply, plain, pipelined and with large values")
def _():
    _program("redis-benchmark")
    rates = []
    for node in (one()[0], three()[0]):
        for options in (["-n", "20000"], ["-n", "40000", "-P", "16"],
                        ["-n", "2000", "-d", "10000"]):
            done = subprocess.run(
                ["redis-benchmark", "-p", str(node.port), "-q", "-r", "1000", "-c", "50",
                 "-t", "ping_inline,ping_mbulk,set,get,incr,mset", *options],
                capture_output=True, text=True, timeout=60)
            said = done.stdout.replace("\r", "\n")
            assert done.returncode == 0 and "ERR" not in done.stderr, done.stderr[-400:]
            finals = [line for line in said.splitlines() if "requests per second" in line]
            same(len(finals), 6, f"{options}: {finals} {done.stderr[-300:]}")
            rates.append(finals[2].split(":")[1].split()[0])
    return f"SETs a second {', '.join(rates)}"


@check("redis-py: pipelines, decoded replies, expiry options, a lock by SET NX PX")
def _():
    client = redis.Redis(port=three()[0].port, decode_responses=True)
    pipe = client.pipeline(transaction=False)
    pipe.set("py:a", "ä").get("py:a").incr("py:n", 5).expire("py:n", 100).ttl("py:n")
    same(pipe.execute(), [True, "ä", 5, True, 100])
    assert client.set("py:lock", "me", nx=True, px=5000)
    assert client.set("py:lock", "you", nx=True, px=5000) is None
    same(client.get("py:lock"), "me")
    same(client.delete("py:a", "py:n", "py:lock"), 3)


@check("redis-py: hashes, lists, sets and sorted sets, written through one node, read through the others")
def _():
    nodes = [node.client() for node in three()]
    one = nodes[0]
    same(one.hset("{c}h", mapping={"f": "1", "g": "x" * 100}), 2)
    same(one.hincrby("{c}h", "f", 41), 42)
    same(one.rpush("{c}l", *range(300)), 300)
    same(one.lmove("{c}l", "{c}m", "LEFT", "RIGHT"), b"0")
    same(one.sadd("{c}s", *range(1000)), 1000)
    same(one.smove("{c}s", "{c}t", "7"), True)
    same(one.zadd("{c}z", {f"m{number}": number / 2 for number in range(500)}), 500)
    same(one.zincrby("{c}z", 0.25, "m4"), 2.25)
    for node in nodes:
        same(node.hgetall("{c}h"), {b"f": b"42", b"g": b"x" * 100})
        same(node.lrange("{c}l", 0, 2) + node.lrange("{c}m", 0, -1), [b"1", b"2", b"3", b"0"])
        same(node.scard("{c}s"), 999)
        same({int(member) for member in node.sscan_iter("{c}s", count=50)}, set(range(1000)) - {7})
        same(node.sunion("{c}s", "{c}t") == node.sunion("{c}t", "{c}s"), True)
        same(node.zrange("{c}z", 0, 1, withscores=True), [(b"m0", 0.0), (b"m1", 0.5)])
        same(node.zrangebyscore("{c}z", "(2", "2.5"), [b"m4", b"m5"])
        same(node.zrank("{c}z", "m499"), 499)
        same(node.type("{c}z"), b"zset")
    popped = nodes[1].spop("{c}s", 900)
    for node in nodes:
        left = node.smembers("{c}s")
        same((len(left), left & set(popped)), (99, set()))


@check("commands that do not exist here are refused by name, not with a hang")
def _():
    client = three()[0].client()
    for words in ("MULTI", "EXEC", "SUBSCRIBE a", "WATCH a", "EVAL x 0", "GEOADD g 1 1 a",
                  "SETBIT b 1 1", "PFADD h a", "XADD s * a b", "BLPOP l 0", "DEBUG SLEEP 100", "WAIT 1 0",
                  "CLUSTER INFO", "SLOWLOG GET", "MONITOR", "SYNC", "PSYNC ? -1", "SAVE"):
        try:
            client.execute_command(*words.split())
        except ResponseError as error:
            assert "unknown command" in str(error) or "unknown subcommand" in str(error), error
        else:
            raise AssertionError(f"{words} was taken")
    same(client.ping(), True)
