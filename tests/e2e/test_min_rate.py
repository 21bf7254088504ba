# SPDX-License-Identifier: MIT OR Apache-2.0
"""limits.min_rate of listeners and backends, and timeouts.body: who dribbles is cut off, and nobody is for another one's slowness. Every client's
version of HTTP with every server's."""
import json
import socket
import time

import lib
from lib import Gateway, free_port
try:
    import streams
except ImportError:
    streams = None

CONFIG = """\
listeners:
  - {protocol: http, address: 127.0.0.1, port: %d, limits: {min_rate: {%s}}, timeouts: {body: 3s}}
routes:
  - {match: {path: /}, backend: {url: "http://127.0.0.1:%d", protocol: %s, limits: {min_rate: {response: 1KiB, over: 2s}}}}
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1}
"""
KINDS = [(front, back) for front in ("h1", "h2c") for back in ("h1", "h2c")]
BIG = 8 << 20


def each(serve, rate, test):
    """test(client, gateway) for each pair of versions."""
    if streams is None:
        raise lib.Skip("python3-h2 is not installed")
    for front, back in KINDS:
        port = free_port()
        with streams.server(back, serve) as b:
            protocol = "h2" if back == "h2c" else "http1"
            with Gateway(CONFIG % (port, rate, b.port, protocol)) as g, streams.client(front, port) as c:
                test(c, g)


def fault(gateway):
    return gateway.access()[-1]["fault"]


def drip(stream, seconds=20):
    """A byte every now and then, until the peer has had enough."""
    end = time.monotonic() + seconds * lib.SLOW
    try:
        while time.monotonic() < end:
            stream.send(b"x")
            time.sleep(0.1)
    except (streams.Reset, OSError):
        return
    raise AssertionError("drops are taken for %d s" % seconds)


def swallow(s):
    s.head()
    s.read()
    s.respond(200, [("content-length", "2")])
    s.send(b"ok")
    s.end()


def test_a_request_in_drops():
    def one(c, g):
        s = c.open("POST", "/", [("content-length", "100000")])
        drip(s)
        try:
            # A client that goes on sending may lose the answer, as always.
            assert s.final().status == 408
        except streams.Reset:
            pass
        assert g.access()[-1]["status"] == 408
        assert fault(g) == "request-slow"

    each(swallow, "request: 1KiB, over: 2s", one)


def test_a_request_that_its_server_takes_slowly():
    def serve(s):
        s.head()
        time.sleep(5)
        s.read()
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()

    def one(c, g):
        s = c.open("POST", "/", [("content-length", str(BIG))])
        s.send(b"x" * BIG)
        s.end()
        assert s.final().status == 200
        assert s.read() == b"ok"

    each(serve, "request: 1KiB, over: 2s", one)


def test_a_request_that_waits_to_be_asked_for():
    def serve(s):
        s.head()
        time.sleep(5)
        s.respond(100)
        s.read()
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()

    def one(c, g):
        s = c.open("POST", "/", [("content-length", "5"), ("expect", "100-continue")])
        assert s.head().status == 100
        s.send(b"hello")
        try:
            s.end()
        except streams.Reset as e:
            assert e.args == (0,), e  # the answer to five bytes was whole before their end was said
            return
        assert s.final().status == 200

    each(serve, "request: 1KiB, over: 2s", one)


def test_an_answer_in_drops():
    def serve(s):
        s.head()
        s.respond(200, [("content-length", "100000")])
        drip(s)

    def one(c, g):
        s = c.open("GET", "/", end=True)
        assert s.final().status == 200
        try:
            s.read()
            raise AssertionError("whole")
        except (streams.Reset, EOFError, OSError):
            pass
        assert fault(g) == "back-slow"

    each(serve, "request: 1KiB", one)


def send_big(s):
    s.head()
    s.respond(200, [("content-length", str(BIG))])
    s.send(b"x" * BIG)
    s.end()


def read_slowly(c, s):
    """Until the gateway has had enough."""
    if isinstance(s, streams.H2Stream):
        s.wait(lambda: False)
    for _ in range(200 * lib.SLOW):
        s.c.s.recv(1000)
        time.sleep(0.1)


def test_an_answer_that_is_taken_in_drops():
    def one(c, g):
        s = c.open("GET", "/", end=True)
        s.hold = True
        if isinstance(s, streams.H1Stream):
            s.c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            read_slowly(c, s)
            raise AssertionError("is served in drops")
        except (streams.Reset, OSError):
            pass
        # What the sockets hold may be read after the end.
        assert fault(g) == "front-slow", json.dumps(g.access()[-1])

    each(send_big, "response: 100KiB, over: 2s", one)


def test_an_answer_that_its_client_takes_late():
    """The server is held up by its client, which may be as slow as it likes here."""
    def one(c, g):
        s = c.open("GET", "/", end=True)
        s.final()
        s.hold = True
        time.sleep(5)
        if isinstance(s, streams.H2Stream):
            with c.cond:
                s.hold = False
                c.h2.acknowledge_received_data(len(s.data), s.number)
                c.flush()
        assert len(s.read()) == BIG

    each(send_big, "request: 1KiB", one)
