# SPDX-License-Identifier: MIT OR Apache-2.0
"""One set of scenarios over every pair of versions, client to gateway and gateway to server. A pair more is a line more."""
import atexit
import json
import threading
import time

import certs
import lib
import streams
import h2.settings
from streams import Reset

KINDS = ["h1", "h1s", "h2c", "h2"]
SCENARIOS = []
_kept = []


def scenario(f):
    SCENARIOS.append(f)
    return f


def is_h1(kind):
    return kind.startswith("h1")


class Pair:
    """A gateway and its server, which many scenarios use; `serve` is what the present one has the server do."""

    def __init__(self, front, back):
        self.kinds = self.front, self.back = front, back
        self.serve = None
        self.server = streams.server(back, lambda s: self.serve(s))
        self.port = lib.free_port()
        site = certs.shared("site")
        https, secure = front in streams.ALPN, back in streams.ALPN
        config = """\
certificates: {site: {cert: "%s", key: {file: "%s"}}}
listeners: [{protocol: %s, address: 127.0.0.1, port: %d%s}]
log: {access: {enabled: true}}
backends: {b: {url: "%s://127.0.0.1:%d"%s%s}}
routes: [{backend: b}]
""" % (site.cert, site.key, "https" if https else "http", self.port, ", tls: {certificates: [site]}" if https else "",
            "https" if secure else "http", self.server.port, "" if is_h1(back) else ", protocol: h2",
            ', tls: {ca: "%s"}' % certs.shared("ca").cert if secure else "")
        self.gateway = lib.Gateway(config)
        self.gateway.start()

    def stop(self, error=None):
        self.server.close()
        self.gateway.__exit__(type(error) if error else None, error, None)

    def lines(self):
        return [l for l in self.gateway.stdout().splitlines() if l.startswith("{")]

    def access(self, *paths):
        """The log's lines of requests for these paths, since the scenario began."""
        eventually(lambda: all(any('"path":"%s' % path in l for l in self.lines()[self.begun:]) for path in paths))
        return [json.loads(l) for l in self.lines()[self.begun:] if json.loads(l)["path"].split("?")[0] in paths]


class running:
    """The pair that is kept from the scenario before, or a fresh one."""

    def __init__(self, front, back, serve):
        if not _kept or _kept[0].kinds != (front, back):
            stop_kept()
            _kept.append(Pair(front, back))
        self.pair = _kept[0]
        self.pair.serve = serve

    def __enter__(self):
        self.pair.begun = len(self.pair.lines())
        self.pair.client = streams.client(self.pair.front, self.pair.port)
        return self.pair

    def __exit__(self, kind, error, trace):
        self.pair.client.close()
        if error is not None:
            _kept.clear()
            self.pair.stop(error)


def stop_kept():
    if _kept:
        _kept.pop().stop()


atexit.register(stop_kept)


def eventually(what, seconds=10):
    end = time.monotonic() + seconds * lib.SLOW
    while not what():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)


def whole(s):
    """Ends a request of known length, unless its answer has come, and ended the stream, before."""
    try:
        s.end()
    except Reset:
        assert s.heads


@scenario
def framings(front, back):
    def serve(s):
        head = s.head()
        body = s.read()
        path = head.pseudo[":path"]
        if path == "/length":
            s.respond(200, [("content-length", str(len(body))), ("x-length", str(head.fields.get("content-length")))])
            s.send(body)
            s.end()
        elif path == "/none":
            s.respond(204, end=True)
        else:
            s.respond(200, [("x-method", head.pseudo[":method"])])
            for i in range(0, len(body), 1000):
                s.send(body[i:i + 1000])
            s.end()

    with running(front, back, serve) as p:
        for size in (1, 1000, 70000, 300000):
            body = bytes(range(256)) * (size // 256 + 1)
            body = body[:size]
            s = p.client.open("POST", "/length", [("content-length", str(size))])
            s.send(body)
            whole(s)
            head = s.final()
            assert head.status == 200 and head.fields["content-length"] == str(size), head.pairs
            assert head.fields["x-length"] == str(size) and s.read() == body
            s = p.client.open("PUT", "/chunks")
            for i in range(0, size, 7001):
                s.send(body[i:i + 7001])
            s.end()
            head = s.final()
            assert "content-length" not in head.fields and head.fields["x-method"] == "PUT" and s.read() == body
        assert p.client.open("GET", "/none", end=True).final().status == 204
        s = p.client.open("GET", "/empty", end=True)
        assert s.final().status == 200 and s.read() == b""


@scenario
def trailers_both_ways(front, back):
    seen = []

    def serve(s):
        s.head()
        s.read()
        seen.append(s.trailers)
        s.respond(200)
        s.send(b"body")
        s.end([("x-sum", "42"), ("grpc-status", "0")])

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/")
        s.send(b"hello")
        s.end([("x-check", "7")])
        assert s.final().status == 200 and s.read() == b"body"
        assert s.trailers["x-sum"] == "42" and s.trailers["grpc-status"] == "0", s.trailers
        assert seen[0]["x-check"] == "7", seen


@scenario
def interim_answers(front, back):
    def serve(s):
        s.head()
        s.respond(103, [("link", "</a>; rel=preload")])
        s.respond(103, [("link", "</b>")])
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("GET", "/interim", end=True)
        head = s.final()
        assert [i.fields["link"] for i in head.interim] == ["</a>; rel=preload", "</b>"]
        assert head.status == 200 and s.read() == b"ok"
        # The client has all when the length is reached; the server's end comes behind, and it must not be closed before.
        p.access("/interim")


@scenario
def head_requests(front, back):
    def serve(s):
        assert s.head().pseudo[":method"] == "HEAD"
        s.respond(200, [("content-length", "1000000")], end=True)

    with running(front, back, serve) as p:
        for _ in range(3):
            s = p.client.open("HEAD", "/", end=True)
            head = s.final()
            assert head.status == 200 and head.fields["content-length"] == "1000000" and s.read() == b""


@scenario
def expectations(front, back):
    def serve(s):
        head = s.head()
        assert head.fields["expect"] == "100-continue"
        if head.pseudo[":path"] == "/no":
            s.respond(403, [("content-length", "0")], end=True)
            return
        s.respond(100)
        assert s.read() == b"x" * 5000
        s.respond(200, [("content-length", "0")], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/yes", [("expect", "100-continue"), ("content-length", "5000")])
        assert s.head().status == 100
        s.send(b"x" * 5000)
        whole(s)
        assert s.final().status == 200
        s = p.client.open("POST", "/no", [("expect", "100-continue"), ("content-length", "5000")])
        assert s.final().status == 403


@scenario
def early_answers(front, back):
    """The server answers before the body is there, and it does not matter any more."""
    def serve(s):
        s.head()
        s.respond(413, [("content-length", "3")])
        s.send(b"no\n")
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", "10000000")])
        try:
            s.send(b"x" * 1000)
        except Reset:
            pass  # the answer was faster
        assert s.final().status == 413 and s.read() == b"no\n"


@scenario
def the_server_gives_up(front, back):
    at, seen = {}, threading.Event()

    def serve(s):
        path = s.head().pseudo[":path"]
        at[path] = True
        if path == "/before":
            s.reset()
            raise OSError
        if path == "/head":
            s.respond(200, [("content-length", "100")])
        elif path == "/body":
            s.respond(200)
            s.send(b"half")
        elif path == "/interim":
            s.respond(103, [("link", "</a>")])
        # What was sent before has been read by then: RST destroys what was not.
        if path == "/interim":
            seen.wait(20 * lib.SLOW)
        else:
            time.sleep(0.5 * lib.SLOW)
        s.reset()
        raise OSError

    with running(front, back, serve) as p:
        assert p.client.open("GET", "/before", end=True).final().status == 502
        assert p.client.open("POST", "/before", [("content-length", "0")], end=True).final().status == 502
        s = p.client.open("GET", "/interim", end=True)
        assert s.head().status == 103
        seen.set()
        assert s.final().status == 502
        for path in ("/head", "/body"):
            s = p.client.open("GET", path, end=True)
            assert s.final().status == 200
            try:
                s.read()
            except Reset:
                continue
            raise AssertionError(path + " passed for whole")
        lines = p.access("/before", "/interim", "/head", "/body")
        assert all(l.get("fault") for l in lines), lines


@scenario
def the_client_gives_up(front, back):
    ended = []

    def serve(s):
        path = s.head().pseudo[":path"]
        try:
            if path == "/request":
                s.read()
            elif path == "/waiting":
                s.read()
                time.sleep(0.3)
                s.respond(200)
                for _ in range(400):
                    s.send(b"x" * 65536)
            else:
                s.respond(200)
                for _ in range(400):
                    s.send(b"x" * 65536)
            ended.append((path, "whole"))
        except (Reset, OSError) as e:
            ended.append((path, "reset"))
            raise OSError from e

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/request")
        s.send(b"some")
        time.sleep(0.2)
        s.reset()
        eventually(lambda: ("/request", "reset") in ended)
        s = p.client.open("GET", "/waiting", end=True)
        time.sleep(0.1)
        s.reset()
        eventually(lambda: ("/waiting", "reset") in ended)
        s = p.client.open("GET", "/response", end=True)
        assert s.final().status == 200
        s.read(100)
        s.reset()
        eventually(lambda: ("/response", "reset") in ended)
        if is_h1(front):
            p.client.close()
            p.client = streams.client(front, p.port)
        # The gateway is none the worse.
        s = p.client.open("GET", "/request", end=True)
        s.reset()


@scenario
def slow_readers_hold_the_server_back(front, back):
    sent = [0]
    total = 24 << 20

    def serve(s):
        s.head()
        s.respond(200, [("content-length", str(total))])
        for _ in range(total // 65536):
            s.send(b"y" * 65536)
            sent[0] += 65536
        s.end()

    with running(front, back, serve) as p:
        if not is_h1(front):
            p.client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 65535})
        s = p.client.open("GET", "/", end=True)
        s.hold = True
        assert s.final().status == 200
        time.sleep(0.7)
        before = sent[0]
        time.sleep(0.5)
        assert sent[0] == before and before < total, "nothing holds the server back: %d" % sent[0]
        s.hold = False
        if not is_h1(front):
            with p.client.cond:
                n = len(s.data)
                p.client.h2.acknowledge_received_data(n, s.number)
                p.client.flush()
        assert len(s.read()) == total


@scenario
def slow_servers_hold_the_client_back(front, back):
    go = threading.Event()
    total = 24 << 20

    def serve(s):
        s.head()
        if hasattr(s, "hold"):
            s.hold = True
        go.wait(30 * lib.SLOW)
        if hasattr(s, "hold"):
            with s.conn.cond:
                s.hold = False
                if len(s.data):
                    s.conn.h2.acknowledge_received_data(len(s.data), s.number)
                    s.conn.flush()
        n = len(s.read())
        s.respond(200, [("content-length", "0"), ("x-n", str(n))], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", str(total))])
        sent = [0]

        def send():
            for _ in range(total // 65536):
                s.send(b"z" * 65536)
                sent[0] += 65536
            whole(s)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        time.sleep(0.7)
        before = sent[0]
        time.sleep(0.5)
        assert sent[0] == before and before < total, "nothing holds the client back: %d" % sent[0]
        go.set()
        assert s.final().fields["x-n"] == str(total)
        thread.join(10)


@scenario
def slow_writers(front, back):
    """Heads, bodies and trailers that come byte by byte from either side."""
    def serve(s):
        s.head()
        body = b"".join(iter(lambda: s.read(1), b""))
        s.respond(200)
        for i in range(len(body)):
            time.sleep(0.005)
            s.send(body[i:i + 1])
        s.end([("x-sum", str(len(body)))])

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/slow")
        for i in range(50):
            time.sleep(0.005)
            s.send(b"%d" % (i % 10))
        s.end()
        assert s.final().status == 200 and s.read() == b"0123456789" * 5
        assert s.trailers["x-sum"] == "50"


@scenario
def half_closes(front, back):
    """A client that has said all is still answered; a server ends its answer by closing, where its version can."""
    def serve(s):
        s.head()
        body = s.read()
        time.sleep(0.1)
        if is_h1(back):
            s.c.send(b"HTTP/1.1 200 x\r\nconnection: close\r\n\r\n" + body)
            s.c.end()
            s.c.rest()
            raise OSError
        s.respond(200)
        s.send(body)
        s.end()

    with running(front, back, serve) as p:
        for size in (0, 10, 100000):
            s = p.client.open("POST", "/half", [("content-length", str(size))])
            s.send(b"x" * size)
            whole(s)
            if is_h1(front):
                s.c.end()
            assert s.final().status == 200 and s.read() == b"x" * size
        assert not any("fault" in l for l in p.access("/half"))


@scenario
def large_bodies_in_little_memory(front, back):
    total = (10 if lib.DYNAMIC else 100) << 20
    piece = bytes(range(256)) * 256

    def serve(s):
        s.head()
        n = 0
        while n < total:
            n += len(s.read(65536))
        s.respond(200, [("content-length", str(total))])
        for _ in range(total // len(piece)):
            s.send(piece)
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", str(total))])
        for _ in range(total // len(piece)):
            s.send(piece)
        whole(s)
        assert s.final().status == 200
        n = 0
        while n < total:
            data = s.read(len(piece))
            assert data == piece
            n += len(data)
        rss = p.gateway.rss_kib()
        assert lib.DYNAMIC or rss < 24 << 10, "%d KiB" % rss


@scenario
def one_of_a_hundred_is_stuck(front, back):
    def serve(s):
        path = s.head().pseudo[":path"]
        s.respond(200, [("content-length", "262144")])
        s.send(b"x" * 262144)
        s.end()
        if path == "/stuck":
            time.sleep(0.1)

    with running(front, back, serve) as p:
        if not is_h1(front):
            with p.client.cond:
                p.client.h2.increment_flow_control_window(1 << 20)
                p.client.flush()
        stuck = p.client.open("GET", "/stuck", end=True)
        stuck.hold = True
        assert stuck.final().status == 200
        others = [p.client.open("GET", "/%d" % i, end=True) for i in range(99)]
        for s in others:
            assert s.final().status == 200
            assert len(s.read()) == 262144


@scenario
def what_a_server_finds(front, back):
    seen = []

    def serve(s):
        seen.append(s.head())
        s.read()
        s.respond(200, [("content-length", "0"), ("set-cookie", "a=1"), ("set-cookie", "b=2")] if not is_h1(back) else
                  [("content-length", "0"), ("set-cookie", "a=1")], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("GET", "/a/b?q=1", [("x-one", "1"), ("cookie", "a=1"), ("authorization", "Basic eA==")] +
                          ([("cookie", "b=2")] if not is_h1(front) else []), end=True, authority="example.org:8080")
        assert s.final().status == 200
        head = seen[0]
        assert head.pseudo[":method"] == "GET" and head.pseudo[":path"] == "/a/b?q=1", head.pseudo
        assert head.pseudo[":authority"] == "example.org:8080", head.pseudo
        assert head.fields["cookie"] == ("a=1; b=2" if not is_h1(front) else "a=1"), head.pairs
        assert head.fields["via"] == ("2.0 toron" if not is_h1(front) else "1.1 toron")
        for name in ("connection", "te", "transfer-encoding", "upgrade", "http2-settings"):
            assert name not in head.fields, head.pairs
        line = p.access("/a/b")[0]
        assert line["protocol"] == ("HTTP/2.0" if not is_h1(front) else "HTTP/1.1"), line


def declare():
    for front in KINDS:
        for back in KINDS:
            for f in SCENARIOS:
                def test(f=f, front=front, back=back):
                    f(front, back)
                globals()["test_%s_%s_%s" % (front, back, f.__name__)] = test


declare()


def test_the_last_gateway_ends_well():
    """All others were asked to when the next pair began."""
    stop_kept()
