"""RESP on raw sockets: requests as bytes, replies as Python values."""


def request(*args):
    """A request in array form."""
    parts = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
    head = b"*%d\r\n" % len(parts)
    return head + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Error(str):
    """An error reply."""


class Closed(Exception):
    """The server closed the connection before a reply was whole."""


class Replies:
    """Reads replies from a socket; RESP3 maps are dicts, sets are sets, nil is None."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()
        self.at = 0

    def _fill(self):
        more = self.connection.recv(1 << 20)
        if not more:
            raise Closed()
        if self.at > 1 << 20:
            del self.buffer[:self.at]
            self.at = 0
        self.buffer += more

    def _line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.at)
            if end >= 0:
                line = bytes(self.buffer[self.at:end])
                self.at = end + 2
                return line
            self._fill()

    def _exactly(self, count):
        while len(self.buffer) - self.at < count + 2:
            self._fill()
        body = bytes(self.buffer[self.at:self.at + count])
        assert self.buffer[self.at + count:self.at + count + 2] == b"\r\n", "a bulk's end"
        self.at += count + 2
        return body

    def next(self):
        """The next reply."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Error(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == b"t"
        if kind == b",":
            return float(rest)
        if kind in b"$=":
            return None if rest == b"-1" else self._exactly(int(rest))
        if kind in b"*>~":
            items = None if rest == b"-1" else [self.next() for _ in range(int(rest))]
            return set(items) if kind == b"~" else items
        if kind == b"%":
            return {self.next(): self.next() for _ in range(int(rest))}
        raise AssertionError(f"no reply begins like {line!r}")

    def many(self, count):
        return [self.next() for _ in range(count)]

    def nothing_left(self):
        return self.at == len(self.buffer)


def ask(connection, *args):
    """One request, one reply, on a fresh buffer."""
    connection.sendall(request(*args))
    return Replies(connection).next()
