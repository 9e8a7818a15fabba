"""Starting, ending, the admin pages, and configurations that are wrong."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import check, same
from .cluster import Ring, binary, free_ports, single, wait
from .cuts import three
from .resp import Replies, ask, request


def _run(*args, text=None, limit_s=10, **variables):
    """Runs ringd to its end; with `text`, as the file of its -c."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text or "")
        file.flush()
        where = ["-c", file.name] if text is not None else []
        done = subprocess.run([binary(), *args, *where], capture_output=True, text=True,
                              timeout=limit_s, env={**os.environ, **variables})
    return done.returncode, done.stdout + done.stderr


@check("SIGTERM and SIGINT: what was asked is answered, exit 0, the port is free at once")
def _():
    for number in (signal.SIGTERM, signal.SIGINT):
        ring = single()
        node = ring[0]
        idle = node.socket()
        connection = node.socket()
        same(ask(connection, "SET", "k", "v"), "OK")
        connection.sendall(request("GET", "k") * 1000)
        replies = Replies(connection)
        same(replies.next(), b"v")
        node.signal(number)
        same(replies.many(999), [b"v"] * 999)
        same(node.process.wait(5), 0, "exit status")
        same(idle.recv(10), b"")
        node.start()
        node.wait_port()
        same(node.client().dbsize(), 0)


@check("kill -9 under load, and a start on the same ports at once, ten times")
def _():
    node = single()[0]
    for _ in range(10):
        held = [node.socket() for _ in range(20)]
        for connection in held:
            connection.sendall(request("SET", "k", "v" * 1000) * 20)
        node.kill()
        node.start()
        node.wait_port()
        same(node.client().set("k", "v"), True)


@check("a port that is taken: named, exit 1; the other server is not disturbed")
def _():
    node = single()[0]
    spare = free_ports(2)
    args = ["--dyn-listen", f"127.0.0.1:{spare[0]}", "--stats-listen", f"127.0.0.1:{spare[1]}"]
    status, text = _run("--listen", f"127.0.0.1:{node.port}", *args)
    same(status, 1)
    assert f"127.0.0.1:{node.port}" in text and "in use" in text, text
    same(ask(node.socket(), "PING"), "PONG")


@check("admin pages answer while the node is loaded")
def _():
    ring = three()
    over = threading.Event()

    def load(node):
        connection = node.socket()
        replies = Replies(connection)
        while not over.is_set():
            connection.sendall(request("SET", "load", "v" * 100) * 100 + request("GET", "load") * 100)
            replies.many(200)

    threads = [threading.Thread(target=load, args=(node,)) for node in ring.nodes]
    for thread in threads:
        thread.start()
    slowest = 0
    try:
        for _ in range(5):
            for node in ring.nodes:
                for path, wanted in [("/metrics", "# TYPE"), ("/healthz", "ok"),
                                     ("/ring", "dc1"), ("/stats", "counters")]:
                    start = time.monotonic()
                    status, text = node.get(path)
                    slowest = max(slowest, time.monotonic() - start)
                    same(status, 200, path)
                    assert wanted in text, path
    finally:
        over.set()
        for thread in threads:
            thread.join()
    node = ring[0]
    same(node.get("/nothing")[0], 404)
    seen = json.loads(node.get("/ring")[1])
    same(sum(len(rack["peers"]) for rack in seen["datacenters"][0]["racks"]), 3)
    names = [line.split()[2] for line in node.get("/metrics")[1].splitlines()
             if line.startswith("# TYPE")]
    same(len(names), len(set(names)), "a metric is declared twice")
    return f"slowest {slowest * 1000:.0f} ms"


@check("garbage at the admin port, and clients of it that say nothing")
def _():
    node = three()[0]
    held = [node.socket(node.admin_port) for _ in range(200)]
    for sent in (b"\0" * 100, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", b"PING\r\n",
                 b"GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"):
        connection = node.socket(node.admin_port)
        connection.settimeout(0.5)
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)
        except OSError:
            pass
    same(node.get("/healthz")[0], 200)
    same(ask(node.socket(), "PING"), "PONG")
    for connection in held:
        connection.close()


WRONG = [
    ("not yaml", "a: [1\n", ""),
    ("an unknown key, and the right one", "pool:\n  lisen: 127.0.0.1:1\n", "listen"),
    ("a key of another level", "pool:\n  listen: 127.0.0.1:1\n  read_consistancy: DC_ONE\n",
     "read_consistency"),
    ("an unknown level", "pool:\n  read_consistency: DC_TWO\n", "DC_QUORUM"),
    ("an unknown hash", "pool:\n  hash: murmer\n", "murmur"),
    ("an unknown distribution", "pool:\n  distribution: vnodes\n", "vnode"),
    ("a port that is none", "pool:\n  listen: 127.0.0.1:99999\n", "99999"),
    ("a key twice", "pool:\n  listen: 127.0.0.1:1\n  listen: 127.0.0.1:2\n", "listen"),
    ("a token that is none", "pool:\n  tokens: 'abc'\n", "token"),
    ("a seed that is none", "pool:\n  dyn_seeds:\n  - 127.0.0.1\n", "HOST:PORT:RACK"),
    ("a number below zero", "pool:\n  timeout: -1\n", "'-1' is not"),
    ("two pools", "a:\n  listen: 127.0.0.1:1\nb:\n  listen: 127.0.0.1:2\n", ""),
    ("nothing", "", ""),
    ("a list", "- a\n- b\n", ""),
    ("bytes", "\u0001\u0002", ""),
]


@check("`check` refuses each wrong file with its place and the nearest right name")
def _():
    accepted = []
    for what, text, wanted in WRONG:
        status, said = _run("check", text=text)
        if status == 0 and what == "nothing":
            continue
        if status != 2:
            accepted.append((what, status, said))
            continue
        assert wanted in said, f"{what}: {said}"
        assert "panicked" not in said, said
        if wanted:
            assert ":2:" in said or ":3:" in said or ":4:" in said, f"{what}: no place: {said}"
        status, said = _run(text=text)
        same(status, 2, f"started with {what}")
    same(accepted, [], "accepted")


@check("`check` on a good file, a missing one, a folder; unknown flags")
def _():
    node = three()[0]
    status, said = _run("check", text=node.configuration())
    same(status, 0)
    assert said.startswith("ok: ") and "nodes 3" in said, said
    status, said = _run("check", "-c", "/no/such/file.yml")
    assert status != 0 and "/no/such/file.yml" in said, said
    status, said = _run("check", "-c", "/")
    assert status != 0 and "panicked" not in said, said
    status, said = _run("--lisen", "127.0.0.1:0")
    assert status == 2 and "--listen" in said, said
    status, said = _run("check", RINGD_READ_CONSISTENCY="DC_FOO")
    assert status == 2 and "RINGD_READ_CONSISTENCY" in said, said
    status, said = _run("--version")
    assert status == 0 and said.startswith("ringd "), said


@check("protected mode: whatever listen says, only loopback answers")
def _():
    outside = [address for address in _own_addresses() if not address.startswith("127.")]
    node = single()[0]
    node.kill()
    port = node.port
    node.extra["listen"] = f"0.0.0.0:{port}"
    node.start()
    node.wait_port()
    same(ask(node.socket(), "PING"), "PONG")
    for address in outside:
        try:
            socket.create_connection((address, port), timeout=2).close()
            raise AssertionError(f"{address} answers")
        except OSError:
            pass
    return f"{len(outside)} other addresses tried"


def _own_addresses():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return [probe.getsockname()[0]]
        except OSError:
            return []
