"""Nodes that freeze, die and come back."""

import signal
import threading
import time

from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from . import check, same
from .cluster import Ring, busy, wait
from .resp import Replies, request

LOST = (ConnectionError, TimeoutError)


def _timed(replies, connection, *args):
    start = time.perf_counter()
    connection.sendall(request(*args))
    reply = replies.next()
    return reply, time.perf_counter() - start


def _agree(ring, keys, limit_s=15):
    """Waits until every node's own copy of each key is the same; what they agree on."""
    # DC_ONE reads of a replica are local: a node's own copy, and no repair on the way.
    def copies():
        return [tuple(node.client().mget(keys)) for node in ring.nodes]
    seen = []

    def equal():
        seen[:] = copies()
        return len(set(seen)) == 1
    try:
        wait(equal, "replicas to agree", limit_s)
    except AssertionError:
        rows = [(key, [copy[at] for copy in seen]) for at, key in enumerate(keys)
                if len({copy[at] for copy in seen}) > 1]
        raise AssertionError(f"{len(rows)} of {len(keys)} keys differ: {rows[:5]}") from None
    return dict(zip(keys, seen[0]))


def _local_reads(**extra):
    """Quorum writes, reads of the own copy."""
    return Ring(racks=3, level="DC_QUORUM", **{"read_consistency": "DC_ONE", **extra})


@check("a replica that freezes costs quorum writes less than 50 ms, also in that moment")
def _():
    ring = Ring(racks=3)
    connection = ring[0].socket()
    replies = Replies(connection)
    times, steady = [], []
    for number in range(100):
        steady.append(_timed(replies, connection, "SET", f"frozen:{number}", number)[1])
    frozen_at = 50
    for number in range(1500):
        if number == frozen_at:
            ring[2].freeze()
        reply, spent = _timed(replies, connection, "SET", f"frozen:{number}", number)
        same(reply, "OK", f"write {number}")
        times.append(spent)
        reply, spent = _timed(replies, connection, "GET", f"frozen:{number}")
        same(reply, b"%d" % number, f"read {number}")
        times.append(spent)
        if number > frozen_at:
            time.sleep(0.002)
    # Long enough that the silent peer was found down meanwhile, which must cost nothing either.
    assert any(peer["state"].lower() == "down" for peer in ring[0].stats()["peers"])
    ring[2].thaw()
    ring.wait_normal()
    ring.wait_hints_gone()
    worst = max(times) * 1000
    text = f"worst {worst:.1f} ms, before {max(steady) * 1000:.1f} ms"
    assert worst < (150 if busy() else 50), text
    return text


@check("a frozen replica has everything soon after it thaws")
def _():
    ring = _local_reads()
    client = ring[0].client()
    keys = [f"thaw:{number}" for number in range(500)]
    for key in keys[:250]:
        client.set(key, "before")
    ring[1].freeze()
    for number, key in enumerate(keys):
        ring[2 if number % 2 else 0].client().set(key, f"after {number}")
    client.delete(keys[7])
    time.sleep(2.5)
    for key in keys[:100]:
        client.append(key, "!")
    ring[1].thaw()
    ring.wait_normal()
    ring.wait_hints_gone()
    agreed = _agree(ring, keys)
    same(agreed[keys[7]], b"!")
    same(agreed[keys[200]], b"after 200")
    same(agreed[keys[42]], b"after 42!")


def _two_down(ring, stop, text):
    client = ring[0].client()
    client.set("k", "v")
    for node in ring.nodes[1:]:
        stop(node)
    connection = ring[0].socket()
    replies = Replies(connection)
    worst = 0
    for number in range(30):
        for verb in (("SET", "k", number), ("GET", "k"), ("MSET", "k", 1, "l", 2), ("DEL", "k"),
                     ("INCR", "n")):
            reply, spent = _timed(replies, connection, *verb)
            assert str(reply).startswith("Dynomite: "), f"{verb} was answered {reply!r} ({text})"
            worst = max(worst, spent)
        if number == 2:
            time.sleep(2.5)
            worst = 0
        elif number > 2:
            # Down by now: known at once.
            assert spent < 0.5, f"{verb} took {spent:.2f} s ({text})"
    return worst


@check("two of three down, hints off: quorum requests fail, at once when it is known")
def _():
    ring = Ring(racks=3, enable_hinted_handoff="false", timeout=1500)
    dead = _two_down(ring, lambda node: node.kill(), "killed")
    ring.stop()
    ring = Ring(racks=3, enable_hinted_handoff="false", timeout=1500)
    frozen = _two_down(ring, lambda node: node.freeze(), "frozen")
    for node in ring.nodes[1:]:
        node.thaw()
    ring.wait_normal()
    client = ring[0].client()
    assert client.set("k", "again")
    same([node.client().get("k") for node in ring.nodes], [b"again"] * 3)
    return f"worst {max(dead, frozen) * 1000:.1f} ms"


@check("two of three down, hints on: a quorum is still a quorum")
def _():
    ring = Ring(racks=3, timeout=1500)
    _two_down(ring, lambda node: node.kill(), "hints on")
    for node in ring.nodes[1:]:
        node.start()
        node.wait_port()
    ring.wait_normal()
    ring.wait_hints_gone()
    client = ring[0].client()
    assert client.set("k", "again")
    same(ring[2].client().get("k"), b"again")


class Writer(threading.Thread):
    """One writer, through all nodes in turn: counts each key up, keeps what was acknowledged."""

    def __init__(self, ring, name, key_count=50):
        super().__init__()
        self.ring, self.keys = ring, [f"{name}:{number}" for number in range(key_count)]
        self.acknowledged, self.tried = {}, {}
        self.refused, self.lost, self.stale = [], 0, []
        self.over = threading.Event()
        self.worst_s = 0

    def run(self):
        clients = {}
        number = 0
        while not self.over.is_set():
            number += 1
            key = self.keys[number % len(self.keys)]
            index = number % len(self.ring.nodes)
            try:
                client = clients.get(index) or self.ring[index].client(
                    socket_timeout=8, retry=None)
                clients[index] = client
                start = time.monotonic()
                self.tried[key] = number
                client.set(key, number)
                self.acknowledged[key] = number
                got = client.get(key)
                if got != b"%d" % number:
                    self.stale.append((key, number, got))
                self.worst_s = max(self.worst_s, time.monotonic() - start)
            except LOST:
                self.lost += 1
                clients.pop(index, None)
                time.sleep(0.005)
            except ResponseError as error:
                self.refused.append(str(error))
            time.sleep(0.001)

    def finish(self):
        self.over.set()
        self.join()

    def missing(self, ring):
        """Acknowledged writes that a quorum read does not see, nor a later attempt of the writer."""
        gone = []
        for node in ring.nodes:
            client = node.client()
            for key, number in self.acknowledged.items():
                got = int(client.get(key) or -1)
                if not number <= got <= self.tried[key]:
                    gone.append((key, number, got, node.index))
        return gone


@check("kill -9 and restart of each node in turn: nothing acknowledged is missing, the node catches up")
def _():
    ring = Ring(racks=3)
    writer = Writer(ring, "kill")
    writer.start()
    time.sleep(0.5)
    try:
        for node in (ring[1], ring[2], ring[0]):
            node.kill()
            time.sleep(0.4)
            node.start()
            node.wait_port()
            ring.wait_normal()
            ring.wait_hints_gone()
            time.sleep(0.3)
    finally:
        writer.finish()
    same(writer.missing(ring), [], "acknowledged, and gone")
    same(writer.stale, [], "a writer's own read")
    same(writer.refused, [], "refusals while a majority was there")
    assert len(writer.acknowledged) == len(writer.keys)
    counts = [node.stats()["keys"] for node in ring.nodes]
    same(counts, [len(writer.keys)] * 3, "keys by node")
    return f"{sum(1 for _ in writer.acknowledged)} keys, {writer.lost} connections lost"


@check("freeze and thaw of each node in turn under load: no request refused, nothing missing")
def _():
    ring = Ring(racks=3)
    survivor = Writer(ring, "ice")
    survivor.start()
    try:
        for node in (ring[1], ring[2], ring[0]):
            node.freeze()
            time.sleep(0.6)
            node.thaw()
            time.sleep(0.3)
        ring[1].freeze()
        time.sleep(2.6)
        ring[1].thaw()
        ring.wait_normal()
        ring.wait_hints_gone()
    finally:
        for node in ring.nodes:
            node.thaw()
        survivor.finish()
    same(survivor.refused, [], "refusals while a majority was there")
    same(survivor.missing(ring), [], "acknowledged, and gone")
    same(survivor.stale, [], "a writer's own read")


class Counter(threading.Thread):
    """Counts one key up through one node."""

    def __init__(self, node, key):
        super().__init__()
        self.node, self.key = node, key
        self.acknowledged = self.unsure = self.refused = 0
        self.over = threading.Event()

    def run(self):
        client = None
        while not self.over.is_set():
            try:
                client = client or self.node.client(socket_timeout=8, retry=None)
                client.incr(self.key)
                self.acknowledged += 1
            except LOST:
                self.unsure += 1
                client = None
                time.sleep(0.01)
            except ResponseError:
                self.refused += 1
            time.sleep(0.001)


def _count(trouble):
    ring = _local_reads()
    counters = [Counter(node, "count") for node in ring.nodes]
    for counter in counters:
        counter.start()
    try:
        time.sleep(0.3)
        trouble(ring)
        time.sleep(0.3)
    finally:
        for counter in counters:
            counter.over.set()
        for counter in counters:
            counter.join()
    ring.wait_normal()
    ring.wait_hints_gone()
    agreed = int(_agree(ring, ["count"])["count"])
    sure = sum(counter.acknowledged for counter in counters)
    unsure = sum(counter.unsure + counter.refused for counter in counters)
    text = f"{agreed} counted, {sure} acknowledged, {unsure} without an answer"
    assert sure <= agreed <= sure + unsure, text
    return text


@check("INCR through three coordinators at once: equal copies, an exact count")
def _():
    return _count(lambda ring: time.sleep(1))


def _freeze(ring, spent_s):
    ring[1].freeze()
    time.sleep(spent_s)
    ring[1].thaw()


@check("INCR through three coordinators while a node freezes briefly")
def _():
    return _count(lambda ring: _freeze(ring, 0.5))


@check("INCR through three coordinators while a node freezes until it counts as down")
def _():
    return _count(lambda ring: _freeze(ring, 3))


def _restart(ring):
    ring[1].kill()
    time.sleep(0.4)
    ring[1].start()
    ring[1].wait_port()
    ring.wait_normal()


@check("INCR through three coordinators while a node is killed and restarted")
def _():
    return _count(_restart)


@check("SIGTERM of each node in turn under load: exit 0, nothing refused that another node takes")
def _():
    ring = Ring(racks=3)
    writer = Writer(ring, "term")
    writer.start()
    time.sleep(0.3)
    try:
        for node in ring.nodes:
            node.signal(signal.SIGTERM)
            same(node.process.wait(15), 0, "exit status")
            node.start()
            node.wait_port()
            ring.wait_normal()
            ring.wait_hints_gone()
    finally:
        writer.finish()
    same(writer.refused, [], "refusals")
    same(writer.missing(ring), [], "acknowledged, and gone")
    same(writer.stale, [], "a writer's own read")
