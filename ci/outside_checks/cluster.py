"""Processes of ringd on 127.0.0.1: started on free ports, always ended."""

import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import redis

_place = {"ringd": None, "folder": None}
_rings = []
_kept = {}


def prepare(ringd):
    """Names the binary and makes the folder for configurations and logs."""
    _place["ringd"] = os.path.abspath(ringd)
    _place["folder"] = tempfile.mkdtemp(prefix="ringd-outside-")
    atexit.register(_clean)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(_clean() or 1))


def binary():
    """The path of ringd."""
    return _place["ringd"]


def _clean():
    stop_all()
    if _place["folder"]:
        shutil.rmtree(_place["folder"], ignore_errors=True)


def stop_all():
    """Ends every ring."""
    _kept.clear()
    while _rings:
        _rings.pop().stop()


def stop_all_but_kept():
    """Ends the rings of one check; those that checks share go on, unless one of them is broken."""
    for name, ring in list(_kept.items()):
        if not all(node.is_running() for node in ring.nodes):
            del _kept[name]
    for ring in [ring for ring in _rings if ring not in _kept.values()]:
        _rings.remove(ring)
        ring.stop()


def shared(name, make):
    """A ring that checks share which do it no harm."""
    if name not in _kept:
        _kept[name] = make()
    return _kept[name]


def free_ports(count):
    """Ports that nobody listens on, below the range that outgoing connections are given."""
    found = []
    port = 20_000 + os.getpid() * 37 % 10_000
    while len(found) < count:
        port = 20_000 + (port - 20_000 + 1) % 12_000
        if port in free_ports.given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free_ports.given.add(port)
        found.append(port)
    return found


free_ports.given = set()


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Node:
    """One ringd."""

    def __init__(self, ring, index, rack, token, ports):
        self.ring, self.index, self.rack, self.token = ring, index, rack, token
        self.port, self.peer_port, self.admin_port = ports
        self.process = None
        self.path = os.path.join(_place["folder"], f"{id(ring)}-{index}.yml")
        self.log = self.path[:-3] + "log"
        self.extra = {}

    def configuration(self):
        """The lines of its YAML."""
        pairs = {
            "listen": f"127.0.0.1:{self.port}",
            "dyn_listen": f"127.0.0.1:{self.peer_port}",
            "stats_listen": f"127.0.0.1:{self.admin_port}",
            "datacenter": "dc1",
            "rack": self.rack,
            "tokens": f"'{self.token}'",
            **self.ring.extra,
            **self.extra,
        }
        lines = [f"  {key}: {value}" for key, value in pairs.items()]
        others = [node for node in self.ring.nodes if node is not self]
        if others:
            lines.append("  dyn_seeds:")
        lines += [f"  - 127.0.0.1:{node.peer_port}:{node.rack}:dc1:{node.token}" for node in others]
        return "dyn_o_mite:\n" + "\n".join(lines) + "\n"

    def start(self):
        with open(self.path, "w") as file:
            file.write(self.configuration())
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [_place["ringd"], "-c", self.path], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def wait_port(self, limit_s=5):
        wait(lambda: self.is_running() and _accepts(self.port) or self._must_run(),
             f"port {self.port} to answer", limit_s)

    def _must_run(self):
        if not self.is_running():
            raise AssertionError(f"ringd ended with {self.process.poll()}: {self.log_end()}")
        return False

    def log_end(self):
        with open(self.log) as file:
            return file.read()[-600:]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """kill -9, and gone when this returns."""
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.is_running():
            self.kill()

    def client(self, **options):
        """redis-py, replies as bytes."""
        options.setdefault("socket_timeout", 20)
        return redis.Redis(port=self.port, host="127.0.0.1", **options)

    def socket(self, port=None):
        """A raw socket to the clients' port, or another one."""
        connection = socket.create_connection(("127.0.0.1", port or self.port), timeout=20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path, limit_s=5):
        """A page of the admin listener: status and text."""
        try:
            url = f"http://127.0.0.1:{self.admin_port}{path}"
            with urllib.request.urlopen(url, timeout=limit_s) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stats(self):
        return json.loads(self.get("/stats")[1])

    def hints(self):
        return sum(peer["hints_stored"] for peer in self.stats()["peers"])


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait(condition, what, limit_s=10.0):
    """Waits until the condition holds; how long it took, in seconds."""
    start = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - start
        if time.monotonic() - start > limit_s:
            raise AssertionError(f"waited {limit_s} s in vain for {what}")
        time.sleep(0.02)


def busy():
    """Whether more wants to run on this machine than it has processors."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


class Ring:
    """Racks of nodes, all in one datacenter, each rack holding every key once."""

    def __init__(self, racks=3, per_rack=1, level="DC_QUORUM", **extra):
        self.extra = {"read_consistency": level, "write_consistency": level, **extra}
        ports = iter(free_ports(3 * racks * per_rack))
        self.nodes = []
        for rack in range(racks):
            for place in range(per_rack):
                token = place * (2**32 // per_rack)
                three = (next(ports), next(ports), next(ports))
                self.nodes.append(Node(self, len(self.nodes), f"rack{rack + 1}", token, three))
        _rings.append(self)
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_port()
        self.wait_normal()

    def __getitem__(self, index):
        return self.nodes[index]

    def wait_normal(self, limit_s=15):
        """Waits until every node sees every node as normal."""
        for node in self.nodes:
            def normal():
                return all(peer["state"].lower() == "normal" for peer in node.stats()["peers"])
            wait(normal, f"node {node.index} to see all peers as normal", limit_s)

    def wait_hints_gone(self, limit_s=15):
        wait(lambda: sum(node.hints() for node in self.nodes) == 0, "hints to drain", limit_s)

    def clients(self):
        return [node.client() for node in self.nodes]

    def stop(self):
        for node in self.nodes:
            node.end()


def single(**extra):
    """A node on its own."""
    return Ring(racks=1, level="DC_ONE", **extra)
