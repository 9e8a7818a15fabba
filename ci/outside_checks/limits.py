"""Slow readers, floods of connections, garbage: who does wrong hurts itself alone."""

import os
import random
import socket
import threading
import time

from . import check, same
from .cluster import Ring, busy, single, wait
from .cuts import one, three
from .resp import Replies, ask, request


@check("a reply as long as the limit, and more requests behind it in one send")
def _():
    for ring in (single(), Ring(racks=3)):
        connection = ring[0].socket()
        value = b"x" * (64 << 20)
        same(ask(connection, "SET", "big", value), "OK")
        connection.sendall(request("GET", "big") + request("PING") + request("STRLEN", "big"))
        replies = Replies(connection)
        assert replies.next() == value
        same(replies.many(2), ["PONG", len(value)])
        ring.stop()


@check("40 MB of pipelined requests with as many bytes of replies, all written before one is read")
def _():
    value = b"v" * 1000
    for node in (one()[0], three()[1]):
        client = node.client()
        pipe = client.pipeline(transaction=False)
        for number in range(40_000):
            pipe.set(f"wide:{number % 100}", value)
            pipe.get(f"wide:{number % 100}")
        answers = pipe.execute()
        assert answers == [True, value] * 40_000, "a reply is not what was asked for"


@check("300 pipelined GETs of 1 MiB reach a client that reads")
def _():
    value = os.urandom(1 << 20)
    for node in (one()[0], three()[1]):
        connection = node.socket()
        same(ask(connection, "SET", "mib", value), "OK")
        connection.sendall(request("GET", "mib") * 300 + request("DEL", "mib"))
        replies = Replies(connection)
        for number in range(300):
            same(replies.next(), value, f"reply {number}")
        same(replies.next(), 1)


@check("a slow reader is alone with its trouble, and costs bounded memory")
def _():
    for ring in (single(client_output_buffer_limit="4mb"),
                 Ring(racks=3, client_output_buffer_limit="4mb")):
        node = ring[0]
        client = node.client()
        client.set("big", b"x" * 1_000_000)
        before = node.stats()["process"]["resident_bytes"]
        slow = [node.socket() for _ in range(4)]
        for connection in slow:
            connection.settimeout(1)
            try:
                connection.sendall(request("GET", "big") * 2000)
            except OSError:
                pass
        slowest = 0
        for number in range(300):
            start = time.monotonic()
            client.set("other", number)
            same(client.get("other"), b"%d" % number)
            slowest = max(slowest, time.monotonic() - start)
        grown = node.stats()["process"]["resident_bytes"] - before
        assert grown < 160 << 20, f"{grown >> 20} MiB more are resident"
        assert slowest < (5 if busy() else 0.7), f"another client waited {slowest * 1000:.0f} ms"
        for connection in slow:
            connection.close()
        wait(lambda: node.stats()["client_connections"] <= 1, "the slow clients to be gone")
        ring.stop()


@check("2,000 clients at a time, all answered; the ones over the limit are told")
def _():
    node = single(client_connections=2000)[0]
    clients = [node.socket() for _ in range(2000)]
    for connection in clients:
        connection.sendall(request("INCR", "count"))
    numbers = sorted(Replies(connection).next() for connection in clients)
    same(numbers, list(range(1, 2001)))
    over = node.socket()
    same(over.recv(100), b"-ERR max number of clients reached\r\n")
    for connection in clients:
        connection.close()
    wait(lambda: node.stats()["client_connections"] == 0, "the clients to be gone")
    same(node.client().get("count"), b"2000")
    wait(lambda: node.stats()["process"]["open_fds"] < 50, "the descriptors to be given back")


@check("3,000 connections that come and go, half of them rudely")
def _():
    node = three()[0]
    linger = b"\x01\0\0\0\0\0\0\0"
    for number in range(3000):
        connection = node.socket()
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(request("SET", "rude", number) + b"*3\r\n$3\r\nSE")
        connection.close()
    same(ask(node.socket(), "PING"), "PONG")
    wait(lambda: node.stats()["client_connections"] <= 1, "the clients to be gone")


def _garbage():
    magic_less = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"*1\r\n$4\r\nPING\r\n", b"\0" * 64,
                  b"\xff" * 64, b"\xff" * 4096, b"\x7f\xff\xff\xff" * 16]
    generator = random.Random(7)
    return magic_less + [generator.randbytes(generator.randrange(1, 400)) for _ in range(200)]


@check("garbage, HTTP and giant lengths at the peer port are refused, the ring goes on")
def _():
    ring = three()
    node = ring[0]
    client = node.client()
    before = node.stats()["process"]["resident_bytes"]
    for sent in _garbage():
        connection = node.socket(node.peer_port)
        connection.sendall(sent)
        connection.close()
    held = []
    for sent in _garbage()[:6]:
        connection = node.socket(node.peer_port)
        connection.sendall(sent)
        held.append(connection)
    for connection in held[:1] + held[2:]:
        connection.settimeout(3)
        try:
            assert connection.recv(10) == b"", "a reply to garbage"
        except ConnectionResetError:
            pass
    for number in range(200):
        client.set("peer:port", number)
        same(ring[1].client().get("peer:port"), b"%d" % number)
    ring.wait_normal()
    grown = node.stats()["process"]["resident_bytes"] - before
    assert grown < 64 << 20, f"{grown >> 20} MiB more are resident"


def _hello(node):
    """The first frame that a node sends to a peer: what a liar would copy."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(10)
        node.ring.seed_port = listener.getsockname()[1]
        node.extra["dyn_seeds"] = f'["127.0.0.1:{node.ring.seed_port}:rack9:dc1:0"]'
        node.end()
        node.start()
        peer, _ = listener.accept()
        peer.settimeout(2)
        return peer.recv(4096)


@check("a true greeting followed by lies: closed, or ignored, but never believed")
def _():
    liar = single()[0]
    ring = Ring(racks=3)
    victim = ring[0]
    greeting = _hello(liar)
    assert len(greeting) > 20
    # The liar's name is replaced by the name of a real peer of the same length.
    real = b"127.0.0.1:%d" % ring[1].peer_port
    own = b"127.0.0.1:%d" % liar.peer_port
    assert own in greeting and len(own) == len(real)
    greeting = greeting.replace(own, real)
    client = victim.client()
    client.set("truth", "yes")
    generator = random.Random(11)
    header_len = 64
    for _ in range(300):
        connection = victim.socket(victim.peer_port)
        lies = bytearray(greeting[:header_len] * 3 + generator.randbytes(64))
        for _ in range(generator.randrange(1, 9)):
            lies[generator.randrange(len(lies))] = generator.randrange(256)
        try:
            connection.sendall(greeting + lies)
        except OSError:
            pass
        connection.close()
    # A frame that announces four gigabytes and stays silent.
    quiet = victim.socket(victim.peer_port)
    for place in range(0, min(48, len(greeting)), 4):
        quiet = victim.socket(victim.peer_port)
        quiet.sendall(greeting + greeting[:place] + b"\xff\xff\xff\xff" + greeting[place + 4:])
    assert victim.is_running(), victim.log_end()
    ring.wait_normal()
    same([other.get("truth") for other in ring.clients()], [b"yes"] * 3)
    resident = victim.stats()["process"]["resident_bytes"]
    assert resident < 256 << 20, f"{resident >> 20} MiB are resident"
    ring.stop()
    liar.end()


@check("garbage at the clients' port: an error or silence, never the end")
def _():
    node = three()[2]
    for sent in _garbage():
        connection = node.socket()
        connection.settimeout(0.01)
        connection.sendall(sent)
        try:
            connection.recv(100)
        except (TimeoutError, ConnectionResetError):
            pass
        connection.close()
    connection = node.socket()
    same(ask(connection, "PING"), "PONG")


@check("commands of a thousand keys and arguments of odd bytes")
def _():
    for node in (one()[0], three()[1]):
        client = node.client()
        pairs = {b"odd:%d\r\n\0$*" % number: os.urandom(number % 50) for number in range(1000)}
        assert client.mset(pairs)
        same(client.mget(list(pairs)), list(pairs.values()))
        same(client.exists(*pairs), 1000)
        same(client.delete(*pairs), 1000)
        same(client.exists(*pairs), 0)


@check("requests that fall silent in the middle hold nobody up")
def _():
    ring = three()
    held = []
    for number in range(200):
        connection = ring[number % 3].socket()
        connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\nabc")
        held.append(connection)
    for node in ring.nodes:
        client = node.client()
        start = time.monotonic()
        for number in range(100):
            client.set("lively", number)
        spent = time.monotonic() - start
        assert spent < 2, f"100 writes took {spent:.2f} s"
        resident = node.stats()["process"]["resident_bytes"]
        assert resident < 900 << 20, f"{resident >> 20} MiB are resident"
    for connection in held:
        connection.close()


@check("four clients pipeline 100 SETs of 1 MiB each: a ring in health refuses none")
def _():
    ring = Ring(racks=3)
    value, answers = b"w" * (1 << 20), []

    def load(name):
        connection = ring[0].socket()
        connection.settimeout(60)
        replies = Replies(connection)
        wire = b"".join(request("SET", f"wide:{name}:{number % 10}", value) for number in range(100))
        writer = threading.Thread(target=connection.sendall, args=(wire,))
        writer.start()
        answers.extend(replies.many(100))
        writer.join()

    threads = [threading.Thread(target=load, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [answer for answer in answers if answer != "OK"]
    same((len(answers), len(wrong)), (400, 0), f"answers and refusals, such as {wrong[:1]}")
    same([node.client().strlen("wide:3:9") for node in ring.nodes], [len(value)] * 3)
