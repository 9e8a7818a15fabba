"""Requests in pieces, many in one piece, values of all sizes, and the order of replies."""

import hashlib
import socket
import threading
import time

from . import check, same
from .cluster import Ring, shared, single
from .resp import Error, Replies, ask, request

PIECE_PAUSE_S = 0.0003


def one():
    return shared("one", single)


def three():
    return shared("three", lambda: Ring(racks=3))


def _cases():
    """Requests with what they answer, in an order that makes the answers true."""
    return [
        (request("SET", "cut:a", "va"), "OK"),
        (request("GET", "cut:a"), b"va"),
        (request("MSET", "cut:b", "vb", "cut:c", ""), "OK"),
        (request("MGET", "cut:a", "cut:b", "cut:no", "cut:c"), [b"va", b"vb", None, b""]),
        (b"SET cut:d 'two words'\r\n", "OK"),
        (b"GET cut:d\r\n", b"two words"),
        (b"\r\nEXISTS cut:a cut:b \"cut:no\"\n", 2),
        (b"*0\r\n" + request("PING"), "PONG"),
        (request("DEL", "cut:a", "cut:b", "cut:c", "cut:d", "cut:no"), 4),
    ]


def _every_cut(node):
    connection = node.socket()
    replies = Replies(connection)
    cuts = 0
    for whole, wanted in _cases():
        repeatable = not whole.startswith(b"*6\r\n$3\r\nDEL")
        for cut in range(1, len(whole)) if repeatable else [len(whole) // 2]:
            connection.sendall(whole[:cut])
            time.sleep(PIECE_PAUSE_S)
            connection.sendall(whole[cut:])
            same(replies.next(), wanted, f"{whole!r} cut at {cut}")
            cuts += 1
    assert replies.nothing_left()
    connection.close()
    return f"{cuts} cuts"


def _byte_by_byte(node):
    connection = node.socket()
    replies = Replies(connection)
    for whole, wanted in _cases():
        for at in range(len(whole)):
            connection.sendall(whole[at:at + 1])
            time.sleep(PIECE_PAUSE_S / 3)
        same(replies.next(), wanted, f"{whole!r} byte by byte")
    connection.close()


@check("one node: a request cut at every byte")
def _():
    return _every_cut(one()[0])


@check("ring of three: a request cut at every byte")
def _():
    return _every_cut(three()[1])


@check("bytes one by one, on one node and in a ring")
def _():
    _byte_by_byte(one()[0])
    _byte_by_byte(three()[2])


@check("two requests in one send, cut at every byte of both")
def _():
    both = request("SET", "cut:p", "1") + b"GET cut:p\r\n" + request("MGET", "cut:p", "cut:q")
    for node in (one()[0], three()[0]):
        connection = node.socket()
        replies = Replies(connection)
        for cut in range(1, len(both)):
            connection.sendall(both[:cut])
            time.sleep(PIECE_PAUSE_S)
            connection.sendall(both[cut:])
            same(replies.many(3), ["OK", b"1", [b"1", None]], f"cut at {cut}")
        connection.close()


@check("HELLO 3: nil, map, integer, double and error as RESP3 has them, and back to 2")
def _():
    for node in (one()[0], three()[1]):
        connection = node.socket()
        hello = ask(connection, "HELLO", "3", "SETNAME", "outside")
        assert isinstance(hello, dict) and hello[b"proto"] == 3, hello
        connection.sendall(request("GET", "nothing:here"))
        same(connection.recv(99), b"_\r\n", "a nil")
        connection.sendall(request("MGET", "nothing:here", "nothing:there"))
        same(connection.recv(99), b"*2\r\n_\r\n_\r\n", "nils of MGET")
        same(ask(connection, "CONFIG", "GET", "databases"), {b"databases": b"1"})
        same(ask(connection, "SET", "three:s", "text"), "OK")
        same(ask(connection, "CLIENT", "GETNAME"), b"outside")
        same(ask(connection, "INCRBYFLOAT", "three:f", "1.5")[:3], b"1.5")
        same(ask(connection, "DEL", "three:s", "three:f"), 2)
        assert isinstance(ask(connection, "INCR"), Error)
        assert b"redis_version" in ask(connection, "INFO")
        assert isinstance(ask(connection, "HELLO", "2"), list)
        connection.sendall(request("GET", "nothing:here"))
        same(connection.recv(99), b"$-1\r\n", "a nil of RESP2")
        same(ask(connection, "HELLO", "4"), "NOPROTO unsupported protocol version")
        connection.close()


@check("values of 0 B to 1 MiB, set on each node, read on each other")
def _():
    ring = three()
    clients = ring.clients()
    for size in (0, 1, 1024, 8191, 8192, 65536, 1 << 20):
        value = bytes([size % 251]) * size
        for writer, client in enumerate(clients):
            key = f"size:{size}:{writer}"
            client.set(key, value)
            for reader, other in enumerate(clients):
                same(other.get(key), value, f"{key} read on node {reader}")
        keys = [f"size:{size}:{writer}" for writer in range(3)]
        same(clients[0].mget(keys), [value] * 3, f"MGET of {size} bytes")
        same(clients[1].delete(*keys), 3)
    random = bytes(range(256))
    clients[0].set(random, random)
    same(clients[2].get(random), random, "all byte values")


@check("a value of 64 MiB, set on one node, read on each other")
def _():
    ring = Ring(racks=3)
    value = hashlib.sha256(b"seed").digest() * (2 << 20)
    clients = ring.clients()
    assert clients[0].set("big", value)
    for index, client in enumerate(clients):
        got = client.get("big")
        assert got == value, f"node {index} gave {len(got or b'')} bytes, or others"
    same([client.strlen("big") for client in clients], [len(value)] * 3)
    assert clients[1].set("big", b"small")
    same([client.get("big") for client in clients], [b"small"] * 3, "overwritten")


def _pipeline(node, count):
    """`count` commands written before anything is read."""
    connection = node.socket()
    connection.settimeout(60)
    wire = bytearray()
    for number in range(count // 4):
        key = f"pipe:{number % 1000}"
        wire += request("SET", key, number) + request("GET", key)
        wire += b"ECHO %d\r\n" % number + request("MGET", key, key)
    start = time.monotonic()
    writer = threading.Thread(target=connection.sendall, args=(wire,))
    writer.start()
    writer.join(60)
    if writer.is_alive():
        raise AssertionError("the server takes no more although it owes little")
    time.sleep(0.2)
    replies = Replies(connection)
    for number in range(count // 4):
        text = b"%d" % number
        same(replies.many(4), ["OK", text, text, [text, text]], f"round {number}")
    assert replies.nothing_left()
    connection.close()
    return f"{count / (time.monotonic() - start):.0f}/s"


@check("one node: 100,000 pipelined commands before anything is read, in order")
def _():
    return _pipeline(one()[0], 100_000)


@check("ring of three: 100,000 pipelined commands before anything is read, in order")
def _():
    return _pipeline(three()[1], 100_000)


@check("errors in a pipeline keep their places; a protocol error comes last and closes")
def _():
    for node in (one()[0], three()[2]):
        connection = node.socket()
        good = [
            (request("SET", "err:k", "v"), "OK"),
            (request("NOSUCH", "a", "b"),
             Error("ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ")),
            (request("GET"), Error("ERR wrong number of arguments for 'get' command")),
            (request("GET", "err:k"), b"v"),
            (request("INCR", "err:k"), Error("ERR value is not an integer or out of range")),
            (request("MSET", "a", "b", "c"), Error("ERR wrong number of arguments for 'mset' command")),
            (request("CLIENT", "NOSUCH"), Error("ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.")),
            (request("DEL", "err:k"), 1),
        ]
        wire = b"".join(sent for sent, _ in good) + b"*2\r\n$3\r\nGET\r\n!oops\r\n" + request("PING")
        connection.sendall(wire)
        replies = Replies(connection)
        same(replies.many(len(good)), [wanted for _, wanted in good])
        same(replies.next(), Error("ERR Protocol error: expected '$', got '!'"))
        same(connection.recv(10), b"", "after a protocol error")


@check("each way to break the protocol has Redis' answer, and costs only its own connection")
def _():
    broken = [
        (b"*-5\r\n", None),
        (b"*1048577\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*abc\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n:1\r\n", "ERR Protocol error: expected '$', got ':'"),
        (b"SET a 'b\r\n", "ERR Protocol error: unbalanced quotes in request"),
        (b"x" * 70_000, "ERR Protocol error: too big inline request"),
    ]
    for node in (one()[0], three()[0]):
        witness = node.socket()
        for sent, wanted in broken:
            connection = node.socket()
            connection.sendall(sent)
            if wanted is None:
                same(ask(connection, "PING"), "PONG", f"after {sent!r}")
            else:
                same(Replies(connection).next(), Error(wanted), f"{sent[:20]!r}")
                same(connection.recv(10), b"", f"after {sent[:20]!r}")
            connection.close()
            same(ask(witness, "PING"), "PONG")


@check("a client that closed its sending half still gets every reply")
def _():
    for node in (one()[0], three()[0]):
        for count in (1, 3, 20_000):
            connection = node.socket()
            wire = b"".join(request("SET", f"half:{n % 50}", n) for n in range(count))
            writer = threading.Thread(target=lambda: (
                connection.sendall(wire + b"*2\r\n$3\r\nGE"), connection.shutdown(socket.SHUT_WR)))
            writer.start()
            same(Replies(connection).many(count), ["OK"] * count, f"{count} requests")
            same(connection.recv(10), b"", "after the last reply")
            writer.join()


@check("QUIT: what came before is answered, what comes after is not")
def _():
    for node in (one()[0], three()[0]):
        connection = node.socket()
        connection.sendall(request("SET", "q", "1") + request("GET", "q") + request("QUIT")
                           + request("SET", "q", "2"))
        same(Replies(connection).many(3), ["OK", b"1", "OK"])
        same(connection.recv(10), b"")
        same(node.client().get("q"), b"1")
