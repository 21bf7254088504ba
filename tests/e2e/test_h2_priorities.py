# SPDX-License-Identifier: MIT OR Apache-2.0
"""Extensible priorities (RFC 9218): who goes first on a connection whose window is short, by the field and by PRIORITY_UPDATE."""
import struct

import lib
import streams
from test_h2 import DATA, GOAWAY, HEADERS, PING, RST, WINDOW, Raw, backend_gateway, frame, gateway, request

PRIORITY_UPDATE = 16
SIZE = 60000  # of an answer: the connection's first 65535 bytes are less than two
ROUTES = "  - respond: {status: 200, body: \"%s\"}" % ("x" * SIZE)


def field(value):
    return b"\x00\x08priority" + bytes([len(value)]) + value if value else b""


def update(stream, value):
    return frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", stream) + value)


class Client(Raw):
    """Streams have all the window they want; the connection's is given out by hand."""

    def __init__(self, port):
        super().__init__(port, struct.pack(">HI", 4, 1 << 24))
        self.next = 1
        self.got = {}
        self.seen = self.frames()

    def ask(self, priority=b""):
        stream, self.next = self.next, self.next + 2
        self.got[stream] = 0
        self.send(frame(HEADERS, 5, stream, request(extra=field(priority))))
        return stream

    def read(self, n):
        """n bytes of bodies: the streams that they came on, in order."""
        order = []
        while n > 0:
            kind, _, stream, payload = next(self.seen)
            assert kind not in (GOAWAY, RST), (kind, stream, payload)
            if kind == DATA and payload:
                n -= len(payload)
                self.got[stream] += len(payload)
                order.append(stream)
        assert n == 0, "more than the window"
        return order

    def settled(self):
        """What was sent has been taken up."""
        self.send(frame(PING, 0, 0, b"01234567"))
        for kind, flags, _, _ in self.seen:
            assert kind not in (DATA, GOAWAY), kind
            if kind == PING and flags & 1:
                return

    def open(self, n):
        self.send(frame(WINDOW, 0, 0, struct.pack(">I", n)))

    def shut(self, *priorities):
        """One stream that spends the window, and others that wait, but for its rest: what is sent from now on goes by priorities."""
        first = self.ask(b"u=7")
        self.read(SIZE)
        waiting = [self.ask(p) for p in priorities]
        self.read(65535 - SIZE)
        assert self.got[first] == SIZE
        return waiting


def test_an_urgent_stream_overtakes_one_under_way():
    port, g = gateway("", ROUTES)
    with g:
        c = Client(port)
        bulk, = c.shut(b"u=5")
        urgent = c.ask(b"u=1")
        c.settled()
        c.open(SIZE)
        assert set(c.read(SIZE)) == {urgent}
        c.open(SIZE)
        assert set(c.read(SIZE - c.got[bulk])) == {bulk}
        c.c.close()


def test_the_default_is_three_and_in_order():
    port, g = gateway("", ROUTES)
    with g:
        c = Client(port)
        held, = c.shut(b"u=2")
        low, first, second, high = c.ask(b"u=4"), c.ask(), c.ask(b"bad=;;"), c.ask(b"u=2")
        c.settled()
        c.open(5 * SIZE)
        order = c.read(5 * SIZE - c.got[held])
        ends = sorted(c.got, key=lambda s: -1 if s not in order else len(order) - order[::-1].index(s))[-5:]
        assert ends == [held, high, first, second, low], ends
        assert order == sorted(order, key=ends.index), "streams without i share: %r" % order
        c.c.close()


def test_incremental_streams_share():
    port, g = gateway("", ROUTES)
    with g:
        c = Client(port)
        held, = c.shut(b"u=0")
        a, b = c.ask(b"u=3, i"), c.ask(b"u=3, i")
        c.settled()
        c.open(3 * SIZE)
        order = [s for s in c.read(3 * SIZE - c.got[held]) if s != held]
        both = order[:min(len(order) - order[::-1].index(s) for s in (a, b))]
        assert sum(1 for x, y in zip(both, both[1:]) if x != y) >= 3, order
        c.c.close()


def test_updates_change_the_order():
    """Of a stream that waits, and of one that is not there yet; for one that has ended they mean nothing."""
    port, g = gateway("", ROUTES)
    with g:
        c = Client(port)
        held, = c.shut(b"u=2")
        a, b = c.ask(b"u=3"), c.ask(b"u=4")
        idle = c.next
        c.send(update(b, b"u=0") + update(held, b"u=6") + update(1, b"u=0") + update(idle, b"u=1"))
        assert c.ask() == idle
        c.settled()
        c.open(4 * SIZE)
        order = c.read(4 * SIZE - c.got[held])
        assert sorted(set(order), key=order.index) == [b, idle, a, held], order
        c.c.close()


def fate(r):
    """The code that the connection ends with; None: it goes on."""
    r.send(frame(PING, 0, 0, b"01234567"))
    for kind, flags, _, payload in r.frames():
        if kind == GOAWAY:
            return int.from_bytes(payload[4:8], "big")
        if kind == PING and flags & 1:
            return None
    raise EOFError


def test_updates_that_may_not_be():
    port, g = gateway()
    bad = []
    with g:
        for what, want in ((update(0, b"u=1"), 1), (frame(PRIORITY_UPDATE, 0, 1, b"\0\0\0\x01u=1"), 1), (frame(PRIORITY_UPDATE, 0, 0, b"\0\0"), 6),
                           (update(2, b"u=1"), 1), (update(1, b"u=9"), None), (update(1, b""), None)):
            r = Raw(port)
            r.send(what)
            code = fate(r)
            r.c.close()
            if code != want:
                bad.append((what, want, code))
    assert not bad, bad


def test_updates_for_streams_that_never_come_are_bounded():
    """Those of many streams cost no memory, and are a flood when there are too many."""
    port, g = gateway(", limits: {h2: {priorities: 100000}}")
    with g, streams.client("h2c", port) as c:
        assert c.open("GET", "/", end=True).final().status == 200
        clients = [Raw(port) for _ in range(10)]
        before = [fate(r) for r in clients] and g.rss_kib()
        for r in clients:
            for at in range(0, 20000, 1000):
                r.send(b"".join(update(2 * i + 1, b"u=1, i") for i in range(at, at + 1000)))
            assert fate(r) in (None, 1)
        assert lib.DYNAMIC or g.rss_kib() - before < 4 << 10, g.rss_kib() - before
        assert c.open("GET", "/", end=True).final().status == 200
        for r in clients:
            r.c.close()


def test_the_field_is_passed_on():
    seen = []

    def serve(s):
        seen.append(s.head().fields.get("priority"))
        s.respond(200, [("content-length", "0"), ("priority", "u=1")], end=True)

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port)
        with g, streams.client("h2c", port) as c:
            head = c.open("GET", "/", [("priority", "u=6, i")], end=True).final()
            assert head.status == 200 and head.fields["priority"] == "u=1" and seen == ["u=6, i"]


def test_updates_go_no_further():
    """They order what goes to this client. On the server's connection, where other clients' requests are too, there is the field that was sent."""
    seen = []

    def serve(s):
        seen.append((s.head().fields.get("priority"), list(s.conn.unknown)))
        s.respond(200, [("content-length", "0")], end=True)

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port)
        with g:
            c = Client(port)
            c.send(update(1, b"u=0") + update(3, b"u=7, i"))
            c.ask(b"u=6")
            c.send(update(1, b"u=1"))
            c.ask()
            answered = set()
            while answered != {1, 3}:
                kind, flags, stream, _ = next(c.seen)
                assert kind not in (GOAWAY, RST), kind
                if kind == HEADERS:
                    answered.add(stream)
            assert sorted(seen, key=str) == [("u=6", []), (None, [])], seen
            c.c.close()
