"""Keys of all nodes: rings whose racks hold more than one node."""

import random
import threading
import time

from redis.exceptions import ResponseError

from . import check, same
from .cluster import Ring, busy, shared, wait
from .cuts import three
from .resp import Error, Replies, ask, request


def _spread(racks, per_rack):
    return shared(f"{racks}x{per_rack}", lambda: Ring(racks=racks, per_rack=per_rack))


def _several_keys(ring):
    keys = [f"spread:{number}" for number in range(500)]
    for index, client in enumerate(ring.clients()):
        assert client.mset({key: f"{key}@{index}" for key in keys})
        wanted = [f"{key}@{index}".encode() for key in keys]
        for reader, other in enumerate(ring.clients()):
            same(other.mget(keys), wanted, f"MGET of all on node {reader}")
        asked = [keys[3], "spread:no", keys[3], keys[400], "spread:no", keys[3]]
        value = [f"{key}@{index}".encode() if key in keys else None for key in asked]
        same(client.mget(asked), value, "MGET with doubles and gaps")
        same(client.exists(*asked), 4, "EXISTS counts doubles")
        same(client.touch(*asked), 4, "TOUCH counts doubles")
        same(client.unlink(keys[3], keys[3], "spread:no"), 1, "UNLINK of a double")
        same(client.delete(keys[3], keys[4], keys[4]), 1, "DEL of a double")
        same(client.mget(keys[2:6])[1:3], [None, None])
        same(client.mset({"twice": "1"}), True)
        connection = ring[index].socket()
        same(ask(connection, "MSET", "twice", "1", "a", "x", "twice", "2", "b", "y"), "OK")
        same(ask(connection, "MGET", "twice", "a", "b"), [b"2", b"x", b"y"], "the last one wins")
        same(ask(connection, "DEL", *keys, "twice", "a", "b"), len(keys) - 2 + 3)
        same(ask(connection, "EXISTS", *keys), 0)
    counts = [node.stats()["keys"] for node in ring.nodes]
    return f"keys by node {counts}"


def _are_spread(ring, per_rack):
    client = ring[0].client()
    keys = [f"even:{number}" for number in range(1000)]
    for key in keys:
        client.set(key, key)
    racks = len(ring.nodes) // per_rack
    counts = [node.stats()["keys"] for node in ring.nodes]
    same(sum(counts), racks * len(keys), "each rack holds each key once")
    assert min(counts) > len(keys) / per_rack / 2, counts
    client.delete(*keys)


@check("ring of three: commands over many keys")
def _():
    return _several_keys(three())


@check("2 racks of 2: keys are spread; commands over many keys")
def _():
    ring = _spread(2, 2)
    _are_spread(ring, 2)
    return _several_keys(ring)


@check("3 racks of 2: keys are spread; commands over many keys")
def _():
    ring = _spread(3, 2)
    _are_spread(ring, 2)
    return _several_keys(ring)


@check("3 racks of 2: 20,000 pipelined commands of all shapes answer in order")
def _():
    ring = _spread(3, 2)
    connection = ring[4].socket()
    replies = Replies(connection)
    wire, wanted = bytearray(), []
    for number in range(4000):
        one, two = f"mix:{number % 97}", f"mix:{number % 89}:b"
        text = b"%d" % number
        for sent, reply in [
            (request("MSET", one, number, two, number), "OK"),
            (request("MGET", two, one, "mix:no"), [text, text, None]),
            (b"PING %d\r\n" % number, text),
            (request("GET", one, "too many"), Error("ERR wrong number of arguments for 'get' command")),
            (request("EXISTS", one, one, "mix:no"), 2),
        ]:
            wire += sent
            wanted.append(reply)
    writer = threading.Thread(target=connection.sendall, args=(wire,))
    writer.start()
    for index, reply in enumerate(wanted):
        same(replies.next(), reply, f"reply {index}")
    writer.join()


@check("2,000 commands at random through nodes at random answer as one dictionary would")
def _():
    """A dictionary is the model; every command goes through a node chosen at random."""
    generator = random.Random(5)
    for ring in (three(), _spread(2, 2), _spread(3, 2)):
        clients, model = ring.clients(), {}
        names = [f"model:{number}" for number in range(40)]
        for step in range(700):
            client = generator.choice(clients)
            keys = [generator.choice(names) for _ in range(generator.randrange(1, 6))]
            verb = generator.choice(["mget", "mset", "delete", "exists", "append", "incr", "set"])
            what = f"step {step}: {verb} {keys}"
            if verb == "mget":
                same(client.mget(keys), [model.get(key) for key in keys], what)
            elif verb == "mset":
                pairs = {key: b"%d" % generator.randrange(100) for key in keys}
                client.mset(pairs)
                model.update(pairs)
            elif verb == "delete":
                same(client.delete(*keys), len({key for key in keys if key in model}), what)
                for key in keys:
                    model.pop(key, None)
            elif verb == "exists":
                same(client.exists(*keys), sum(key in model for key in keys), what)
            elif verb == "append":
                model[keys[0]] = model.get(keys[0], b"") + b"1"
                same(client.append(keys[0], "1"), len(model[keys[0]]), what)
            elif verb == "incr" and len(model.get(keys[0], b"")) < 15:
                model[keys[0]] = b"%d" % (int(model.get(keys[0], b"0")) + 1)
                same(client.incr(keys[0]), int(model[keys[0]]), what)
            elif verb == "set":
                same(client.set(keys[0], step, nx=True), None if keys[0] in model else True, what)
                model.setdefault(keys[0], b"%d" % step)
        clients[0].delete(*names)


@check("RENAME in a ring: works where both keys share their replicas, says so where not")
def _():
    client = three()[0].client()
    client.set("old:name", "v")
    assert client.rename("old:name", "new:name")
    same([other.get("new:name") for other in three().clients()], [b"v"] * 3)
    same(client.exists("old:name"), 0)
    try:
        client.rename("old:name", "x")
        raise AssertionError("RENAME of a key that is not there")
    except ResponseError as error:
        same(str(error), "no such key")
    spread = _spread(2, 2)[0].client()
    outcomes = set()
    for number in range(20):
        spread.set(f"from:{number}", number)
        try:
            spread.rename(f"from:{number}", f"to:{number}")
            same(spread.get(f"to:{number}"), b"%d" % number)
            outcomes.add("renamed")
        except ResponseError as error:
            assert "don't share their replicas" in str(error), error
            same(spread.get(f"from:{number}"), b"%d" % number)
            outcomes.add("refused")
    same(outcomes, {"renamed", "refused"})


@check("relative and absolute expiry agree on all replicas")
def _():
    ring = three()
    clients = ring.clients()
    clients[0].set("ttl:px", "v", px=400)
    clients[1].set("ttl:ex", "v", ex=100)
    clients[2].set("ttl:none", "v")
    clients[2].expire("ttl:none", 50)
    for client in clients:
        same(client.get("ttl:px"), b"v")
        assert 98 <= client.ttl("ttl:ex") <= 100 and 48 <= client.ttl("ttl:none") <= 50
    same(len({client.expiretime("ttl:ex") for client in clients}), 1, "different EXPIRETIMEs")
    time.sleep(0.5)
    same([client.get("ttl:px") for client in clients], [None] * 3)
    same([client.persist("ttl:none") for client in clients], [1, 0, 0])
    clients[0].delete("ttl:ex", "ttl:none")


@check("three clients on an idle ring: p50 below 1 ms at quorum")
def _():
    ring = three()
    times = {"GET": [], "SET": []}

    def run(node):
        connection = node.socket()
        replies = Replies(connection)
        for number in range(400):
            verb = ("SET", "idle:k", number) if number % 2 else ("GET", "idle:k")
            start = time.perf_counter()
            connection.sendall(request(*verb))
            replies.next()
            times[verb[0]].append(time.perf_counter() - start)
            time.sleep(0.001)

    threads = [threading.Thread(target=run, args=(node,)) for node in ring.nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    middle = {verb: sorted(spent)[len(spent) // 2] * 1000 for verb, spent in times.items()}
    text = ", ".join(f"{verb} p50 {middle[verb]:.2f} ms" for verb in middle)
    if max(middle.values()) >= 1 and not busy():
        raise AssertionError(text)
    # A stall of Nagle's algorithm is 40 ms; a busy machine is not.
    assert max(middle.values()) < 20, text
    return text


@check("two 64 MiB values under way cost the others no quorum")
def _():
    ring = Ring(racks=3)
    failures, value, done = [], b"b" * (64 << 20), threading.Event()

    def heavy():
        client = ring[0].client(socket_timeout=60)
        for number in range(2):
            try:
                client.set(f"heavy:{number}", value)
            except Exception as error:
                failures.append(f"heavy {number}: {error}")
        done.set()

    thread = threading.Thread(target=heavy)
    thread.start()
    small, slowest, count = ring[0].client(), 0, 0
    while not done.is_set():
        start = time.monotonic()
        try:
            small.set("light", count)
            same(small.get("light"), b"%d" % count)
        except ResponseError as error:
            failures.append(f"light {count}: {error}")
        slowest = max(slowest, time.monotonic() - start)
        count += 1
    thread.join()
    assert not failures, f"{len(failures)} of {count}: {failures[:3]}"
    wait(lambda: all(node.client().strlen("heavy:1") == len(value) for node in ring.nodes),
         "the values on every node")
    return f"{count} small writes beside them, slowest {slowest * 1000:.0f} ms"
