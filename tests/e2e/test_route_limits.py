# SPDX-License-Identifier: MIT OR Apache-2.0
"""Limits of single routes: limits.body_bytes, besides the listener's own. Every client's version of HTTP with every server's."""
import lib
from lib import Gateway, connect, free_port
try:
    import streams
except ImportError:
    streams = None

CONFIG = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, limits: {body_bytes: 100000B}}]
backends:
  app: {url: "http://127.0.0.1:%d", protocol: %s}
  patient: {url: "http://127.0.0.1:%d", protocol: %s, buffering: {request: 64KiB}}
routes:
  - {match: {path: /small}, limits: {body_bytes: 10000B}, backend: app}
  - {match: {path: /kept}, limits: {body_bytes: 10000B}, backend: patient}
  - {match: {path: /here}, limits: {body_bytes: 10000B}, echo: {}}
  - {match: {path: /}, backend: app}
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1}
"""
KINDS = [(front, back) for front in ("h1", "h2c") for back in ("h1", "h2c")]


class Seen:
    """What came to the server: for each request its path, and the bytes of its body if that was whole."""

    def __init__(self):
        self.paths, self.whole = [], []

    def serve(self, s):
        head = s.head()
        path = head.pseudo[":path"]
        self.paths.append(path)
        self.whole.append((path, len(s.read())))
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()


def each(test):
    """test(client, what the server saw, gateway, versions) for each pair of versions."""
    if streams is None:
        raise lib.Skip("python3-h2 is not installed")
    for front, back in KINDS:
        port, seen = free_port(), Seen()
        with streams.server(back, seen.serve) as b:
            protocol = "h2" if back == "h2c" else "http1"
            with Gateway(CONFIG % (port, b.port, protocol, b.port, protocol)) as g, streams.client(front, port) as c:
                test(c, seen, g, (front, back))


def post(c, path, size, length=True, fields=()):
    """The status of a request that may be answered before all of it is sent."""
    s = c.open("POST", path, [("content-length", str(size))] * length + list(fields))
    try:
        for at in range(0, size, 5000):
            s.send(b"x" * min(5000, size - at))
        s.end()
    except streams.Reset:
        pass
    return s.final().status


def test_a_length_that_is_too_long():
    """It is refused before a server hears of it, whoever would answer."""
    def one(c, seen, g, kinds):
        for path in ("/small", "/kept", "/here"):
            assert post(c, path, 10001) == 413, (path, kinds)
            line = g.access()[-1]
            assert line["status"] == 413 and line["fault"] == "body-too-large" and "server" not in line, line
        assert post(c, "/other", 100001) == 413, kinds
        assert seen.paths == [], kinds
        for path, size in (("/small", 10000), ("/kept", 10000), ("/other", 100000)):
            assert post(c, path, size) == 200, (path, kinds)
        assert seen.whole == [("/small", 10000), ("/kept", 10000), ("/other", 100000)], (seen.whole, kinds)

    each(one)


def test_a_body_that_grows_too_long():
    """The server never takes a part of it for the whole; one that is sent whole bodies alone does not hear of it."""
    def one(c, seen, g, kinds):
        for path in ("/small", "/kept"):
            assert post(c, path, 20000, length=False) == 413, (path, kinds)
            assert g.access()[-1]["fault"] == "body-too-large", kinds
        assert post(c, "/other", 110000, length=False) == 413, kinds
        assert seen.whole == [] and "/kept" not in seen.paths, (seen.paths, kinds)
        for path, size in (("/small", 10000), ("/kept", 10000), ("/other", 100000)):
            assert post(c, path, size, length=False) == 200, (path, kinds)
        assert seen.whole == [("/small", 10000), ("/kept", 10000), ("/other", 100000)], (seen.whole, kinds)

    each(one)


def test_an_answer_that_does_not_wait_for_the_body():
    """It goes out, though too long a body comes at once with the head."""
    if streams is None:
        raise lib.Skip("python3-h2 is not installed")
    port = free_port()
    with Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes: [{match: {path: /}, limits: {body_bytes: 10B}, respond: {body: "here"}}]
""" % port):
        with connect(port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8\r\n12345678\r\n" * 4 + b"0\r\n\r\n")
            r = c.response()
            assert (r.status, r.body) == (200, b"here"), r.line
            assert c.is_closed()
        with streams.client("h2c", port) as c:
            s = c.open("POST", "/")
            try:
                s.send(b"x" * 20)
                s.end()
            except streams.Reset:
                pass
            assert s.final().status == 200 and s.read() == b"here"


def test_a_body_that_is_not_asked_for():
    """A client that would wait to be asked for too long a body is not asked."""
    def one(c, seen, g, kinds):
        for path in ("/small", "/kept"):
            s = c.open("POST", path, [("content-length", "10001"), ("expect", "100-continue")])
            assert s.head().status == 413, (path, kinds)
        assert seen.paths == [], kinds

    each(one)


def test_how_much_is_read_behind_the_answer():
    """A client of HTTP/1.1 that first sends all of its body gets the answer, as with the listener's limit, and no more is read than might have come."""
    port = free_port()
    with Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes: [{match: {path: /}, limits: {body_bytes: 2MiB}, echo: {}}]
""" % port):
        with connect(port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 << 20 | 1))
            for _ in range(31):
                c.send(b"x" * 65536)
            r = c.response()
            assert r.status == 413 and r.fields["connection"] == "close"
        with connect(port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
            assert c.response().status == 413
            sent = 0
            try:
                while sent < 256 << 20:
                    c.send(b"x" * 65536)
                    sent += 65536
            except OSError:
                pass
            assert sent < 64 << 20, sent
