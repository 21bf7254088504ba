# SPDX-License-Identifier: MIT OR Apache-2.0
"""HTTP/2 itself: how it begins and ends, what is refused, floods, many requests on few connections."""
import base64
import struct
import subprocess
import threading
import time

import lib
import streams
from lib import Skip

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Raw:
    """Frames by hand."""

    def __init__(self, port, settings=b""):
        self.c = lib.connect(port, 20)
        self.c.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def frames(self):
        """Until the peer closes."""
        try:
            while True:
                head = self.c.exactly(9)
                n = int.from_bytes(head[:3], "big")
                yield head[3], head[4], int.from_bytes(head[5:9], "big"), self.c.exactly(n)
        except (EOFError, ConnectionError):
            return

    def send(self, data):
        try:
            self.c.send(data)
        except OSError:
            pass

    def goaway(self):
        """The error code that the connection ends with; None: without a word."""
        code = None
        for kind, _, _, payload in self.frames():
            if kind == GOAWAY:
                code = int.from_bytes(payload[4:8], "big")
        self.c.close()
        return code


def request(path=b"/", extra=b"", method=2):
    """A head without a table: literal fields."""
    def lit(k, v):
        return b"\x00" + bytes([len(k)]) + k + bytes([len(v)]) + v
    return bytes([0x80 | method, 0x86]) + lit(b":authority", b"a") + lit(b":path", path) + extra


def gateway(listener="", routes="  - {match: {path: /slow}, backend: {url: \"http://127.0.0.1:1\"}}\n  - respond: {status: 200, body: hello}",
            extra=""):
    port = lib.free_port()
    return port, lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d%s}]
log: {access: {enabled: true, flush: 0}}
%s
routes:
%s
""" % (port, listener, extra, routes))


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *args], capture_output=True, timeout=60)
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def test_curl_by_prior_knowledge_and_by_upgrade():
    port, g = gateway()
    with g:
        url = "http://127.0.0.1:%d/" % port
        if "HTTP2" not in curl("-V")[0]:
            raise Skip("curl without HTTP/2")
        for option, version in (("--http2-prior-knowledge", "2"), ("--http2", "2"), ("--http1.1", "1.1")):
            out, err, code = curl(option, url, "-w", " %{http_version} %{http_code}")
            assert out == "hello %s 200" % version, (option, out, err)
        out, err, code = curl("--http2", "-d", "x=1", url, "-w", " %{http_code}")
        assert out == "hello 200", (out, err)
        # What was asked in HTTP/1.1 is answered in HTTP/2 behind an upgrade.
        assert [l["protocol"] for l in g.access(4)] == ["HTTP/2.0", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1"]


def test_versions_that_a_listener_does_not_speak():
    port, g = gateway(', http_versions: ["1.1"]')
    with g, lib.connect(port) as c:
        c.send(PREFACE)
        assert c.response().status == 505
    port, g = gateway(', http_versions: ["2"]')
    with g, lib.connect(port) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1" not in c.rest()


def test_preface_in_pieces():
    port, g = gateway()
    with g:
        r = Raw.__new__(Raw)
        r.c = lib.connect(port, 20)
        whole = PREFACE + frame(SETTINGS) + frame(HEADERS, 5, 1, request())
        for i in range(len(whole)):
            r.send(whole[i:i + 1])
            if i < 30:
                time.sleep(0.003)
        for kind, flags, stream, payload in r.frames():
            if kind == DATA:
                assert payload == b"hello" and flags & 1 and stream == 1
                break
        else:
            raise AssertionError("no answer")
        r.c.close()


def test_upgrade_refused_where_it_makes_no_sense():
    port, g = gateway()
    good = base64.urlsafe_b64encode(struct.pack(">HI", 3, 100)).rstrip(b"=")
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    with g:
        for settings in (b"", b"HTTP2-Settings: ***\r\n", b"HTTP2-Settings: " + b"A" * 5000 + b"\r\n"):
            with lib.connect(port) as c:
                c.send(head + settings + b"\r\n")
                assert c.response().status == 200
        with lib.connect(port) as c:
            c.send(head + b"HTTP2-Settings: " + good + b"\r\n\r\n")
            assert c.response().status == 101
            c.send(PREFACE + frame(SETTINGS))
            assert c.exactly(9)[3] == SETTINGS


MALFORMED = [
    ("no :path", bytes([0x82, 0x86]) + b"\x00\x0a:authority\x01a"),
    ("no :method", bytes([0x86, 0x84]) + b"\x00\x0a:authority\x01a"),
    ("empty :path", bytes([0x82, 0x86]) + b"\x00\x0a:authority\x01a\x00\x05:path\x00"),
    ("unknown pseudo field", request(extra=b"\x00\x04:foo\x01x")),
    ("a pseudo field behind others", bytes([0x82, 0x86, 0x84]) + b"\x00\x01x\x01y\x00\x0a:authority\x01a"),
    ("upper case", request(extra=b"\x00\x01X\x01y")),
    ("connection", request(extra=b"\x00\x0aconnection\x05close")),
    ("transfer-encoding", request(extra=b"\x00\x11transfer-encoding\x07chunked")),
    ("upgrade", request(extra=b"\x00\x07upgrade\x03foo")),
    ("te", request(extra=b"\x00\x02te\x04gzip")),
    ("line feed in a value", request(extra=b"\x00\x01x\x03a\nb")),
    ("another host", request(extra=b"\x00\x04host\x01b")),
    ("two hosts", request(extra=b"\x00\x04host\x01a\x00\x04host\x01a")),
    ("a length and no body", request(extra=b"\x00\x0econtent-length\x012")),
    ("two lengths", request(extra=b"\x00\x0econtent-length\x010\x00\x0econtent-length\x010")),
    ("space in the path", request(b"/a b")),
    ("relative path", request(b"a")),
]


def test_malformed_requests_end_their_stream():
    port, g = gateway()
    bad = []
    with g:
        for name, head in MALFORMED:
            r = Raw(port)
            r.send(frame(HEADERS, 5, 1, head) + frame(HEADERS, 5, 3, request()))
            seen = []
            for kind, flags, stream, payload in r.frames():
                seen.append((kind, stream, payload))
                if stream == 3 and flags & 1 or kind == GOAWAY:
                    break
            resets = [int.from_bytes(p, "big") for k, s, p in seen if k == RST and s == 1]
            answered = [s for k, s, _ in seen if k == HEADERS]
            if resets != [1] or answered != [3]:
                bad.append("%s: %r" % (name, seen))
            r.c.close()
    assert not bad, "\n".join(bad)


def test_refused_and_answered():
    port, g = gateway(", limits: {header_bytes: 2KiB, uri_bytes: 1KiB, header_count: 20, body_bytes: 1kB}")
    with g, streams.client("h2c", port) as c:
        assert c.open("GET", "/" + "a" * 1500, end=True).final().status == 414
        assert c.open("GET", "/", [("x", "y" * 3000)], end=True).final().status == 431
        assert c.open("GET", "/", [("x%d" % i, "y") for i in range(30)], end=True).final().status == 431
        assert c.open("GET", "/", [("expect", "more")], end=True).final().status == 417
        assert c.open("POST", "/", [("content-length", "2000")]).final().status == 413
        assert c.open("GET", "/%zz", end=True).final().status == 400
        s = c.open("CONNECT", "/", extra=[(":protocol", "connect-udp")], end=False)
        assert s.final().status == 501
        assert c.open("GET", "/", end=True).final().status == 200
        assert not c.gone and c.goaway is None


FLOODS = [
    ("resets", lambda i: frame(HEADERS, 5, 2 * i + 1, request(b"/slow")) + frame(RST, 0, 2 * i + 1, b"\0\0\0\x08")),
    ("resets", lambda i: frame(HEADERS, 5, 2 * i + 1, request(extra=b"\x00\x01X\x01y"))),
    ("settings", lambda i: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, i))),
    ("pings", lambda i: frame(PING, 0, 0, b"12345678")),
    ("priorities", lambda i: frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")),
    ("priorities", lambda i: frame(16, 0, 0, b"\0\0\0\x01u=1")),
    ("window_updates", lambda i: frame(WINDOW, 0, 0, b"\0\0\0\x01")),
    ("empty_frames", lambda i: frame(99, 0, 0, b"x")),
    ("empty_frames", lambda i: (frame(HEADERS, 4, 1, request(method=3)) if i == 0 else b"") + frame(DATA, 0, 1)),
    ("continuations", lambda i: frame(HEADERS, 1, 1, request()) if i == 0 else frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y")),
]


def test_floods_are_cut_off():
    limits = ", limits: {h2: {resets: 20, settings: 20, pings: 20, priorities: 20, window_updates: 20, empty_frames: 20, continuations: 5}}"
    port, g = gateway(limits)
    with g:
        for n, (name, piece) in enumerate(FLOODS):
            r = Raw(port)
            for i in range(60):
                r.send(piece(i))
            assert r.goaway() in (11, None), (name, n)
            g.wait_for("(%s)" % name)
            with streams.client("h2c", port) as c:
                assert c.open("GET", "/", end=True).final().status == 200
        assert g.stderr().count("h2-flood") == len(FLOODS), g.stderr()


def test_a_head_that_swells_is_cut_off():
    port, g = gateway()
    with g:
        r = Raw(port)
        # One field of 4000 bytes enters the table, and is named again a byte at a time.
        big = b"\x40\x01x\x7f" + bytes([0x80 | (4000 - 127) % 128, (4000 - 127) // 128]) + b"y" * 4000
        r.send(frame(HEADERS, 5, 1, request(extra=big)))
        r.send(frame(HEADERS, 5, 3, request(extra=b"\xbe" * 15000)))
        assert r.goaway() in (11, None)
        g.wait_for("(header_bytes)")


def test_time_limits():
    timeouts = ", timeouts: {header: 300ms, body: 300ms, idle: 500ms, write: 500ms}"
    with streams.server("h1", lambda s: (s.head(), s.read(), s.respond(200, end=True))) as b:
        port, g = gateway(timeouts, "  - backend: {url: \"http://127.0.0.1:%d\"}" % b.port)
        with g:
            r = Raw(port)
            assert r.goaway() == 0, "idle"
            r = Raw(port)
            r.send(frame(HEADERS, 1, 1, request()))
            assert r.goaway() == 11, "half a head"
            with streams.client("h2c", port) as c:
                s = c.open("POST", "/", [("content-length", "10")])
                s.send(b"abc")
                assert s.final().status == 408
    # A client that takes nothing: its window is shut.
    port, g = gateway(timeouts, "  - respond: {status: 200, body: \"%s\"}" % ("x" * 60000))
    with g:
        r = Raw(port, struct.pack(">HI", 4, 0))
        r.send(frame(HEADERS, 5, 1, request()))
        codes = [p for k, _, s, p in r.frames() if k == RST and s == 1]
        assert codes == [b"\0\0\0\x08"], codes


def test_draining():
    go = threading.Event()

    def serve(s):
        s.head()
        go.wait(20 * lib.SLOW)
        s.respond(200, [("content-length", "4")])
        s.send(b"late")
        s.end()

    with streams.server("h1", serve) as b:
        port, g = gateway("", "  - backend: {url: \"http://127.0.0.1:%d\"}" % b.port)
        with g:
            r = Raw(port)
            r.send(frame(HEADERS, 5, 1, request()))
            time.sleep(0.3)
            g.drain()
            last, data = [], b""
            for kind, flags, stream, payload in r.frames():
                if kind == PING and not flags & 1:
                    r.send(frame(PING, 1, 0, payload))
                elif kind == GOAWAY:
                    last.append(int.from_bytes(payload[:4], "big"))
                    assert payload[4:8] == b"\0\0\0\0"
                    # What was begun before the client knew is taken all the same.
                    if len(last) == 1:
                        r.send(frame(HEADERS, 5, 3, request()))
                    else:
                        go.set()
                elif kind == DATA:
                    data += payload
            assert last == [0x7fffffff, 3] and data == b"latelate", (last, data)
            r.c.close()
            assert g.process.wait(20 * lib.SLOW) == 0


def test_requests_per_connection():
    port, g = gateway(", limits: {requests_per_connection: 3}")
    with g:
        r = Raw(port)
        r.send(b"".join(frame(HEADERS, 5, 2 * i + 1, request()) for i in range(3)))
        answered, last = [], []
        for kind, flags, stream, payload in r.frames():
            if kind == PING and not flags & 1:
                r.send(frame(PING, 1, 0, payload))
            elif kind == HEADERS:
                answered.append(stream)
            elif kind == GOAWAY:
                last.append(int.from_bytes(payload[:4], "big"))
        assert answered == [1, 3, 5] and last == [0x7fffffff, 5], (answered, last)
        r.c.close()


def backend_gateway(port, extra=""):
    return gateway("", "  - backend: b", "backends: {b: {url: \"http://127.0.0.1:%d\", protocol: h2%s}}\nruntime: {workers: 1}" % (port, extra))


def answer(s):
    s.head()
    s.respond(200, [("content-length", "2")])
    s.send(b"ok")
    s.end()


def test_a_server_that_leaves_after_each_request():
    """GOAWAY says which requests were not acted on: all of a burst are served in the end, bodies and all, and none twice."""
    got = []

    def serve(s):
        path, body = s.head().pseudo[":path"], s.read()
        if s.number != 1:
            return
        with s.conn.cond:
            got.append((path, body))
            s.respond(200, [("content-length", "2")])
            s.conn.h2.send_data(s.number, b"ok", end_stream=True)
            s.conn.h2.close_connection(last_stream_id=s.number)
            s.conn.flush()

    for extra in ("", ", limits: {connections: 2, pending: 100}"):
        got.clear()
        with streams.server("h2c", serve) as b:
            port, g = backend_gateway(b.port, extra)
            with g, streams.client("h2c", port) as c:
                asks = []
                for i in range(30):
                    asks.append(c.open("POST", "/%d" % i))
                    asks[-1].send(b"body %d" % i)
                    asks[-1].end()
                assert [s.final().status for s in asks] == [200] * 30
        assert sorted(got) == sorted(("/%d" % i, b"body %d" % i) for i in range(30)), got


def test_many_requests_on_one_connection():
    def serve(s):
        s.head()
        time.sleep(0.2)
        answer_now(s)

    def answer_now(s):
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port)
        with g, streams.client("h1", port) as c:
            all_of_them = [c.open("GET", "/", end=True) for _ in range(60)]
            for s in all_of_them:
                assert s.final().status == 200
            assert len(b.connections) == 1, len(b.connections)
        port, g = backend_gateway(b.port, ", pool: {streams: 10}")
        n = len(b.connections)
        with g, streams.client("h1", port) as c:
            for s in [c.open("GET", "/", end=True) for _ in range(60)]:
                assert s.final().status == 200
            assert 3 <= len(b.connections) - n <= 7, len(b.connections) - n


def test_limits_of_connections_hold():
    def serve(s):
        s.head()
        time.sleep(0.05)
        s.respond(200, [("content-length", "0")], end=True)

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port, ", pool: {streams: 5}, limits: {connections: 2}")
        with g, streams.client("h1", port) as c:
            for s in [c.open("GET", "/", end=True) for _ in range(40)]:
                assert s.final().status == 200
            assert len(b.connections) <= 2


def test_refused_and_unprocessed_requests_go_elsewhere():
    tries = []

    def serve(s):
        s.head()
        tries.append(s)
        if len(tries) == 1:
            s.reset(7)
            return
        if len(tries) == 3:
            with s.conn.cond:
                s.conn.h2.close_connection(last_stream_id=0)
                s.conn.flush()
            return
        s.respond(200, [("content-length", "0")], end=True)

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port)
        with g, streams.client("h2c", port) as c:
            assert c.open("POST", "/", [("content-length", "0")], end=True).final().status == 200
            assert len(tries) == 2
            assert c.open("POST", "/", [("content-length", "0")], end=True).final().status == 200
            assert len(tries) == 4 and len(b.connections) == 2


def test_the_end_while_a_server_owes_a_last_frame():
    """Nobody waits for it, and nothing of the stream is left behind (a sanitizer would see)."""
    def serve(s):
        s.head()
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port, ", timeouts: {idle: 60s}")
        with g, lib.connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().body == b"ok"
            c.s.close()
            assert g.stop() == 0 and "Sanitizer" not in g.stderr(), g.stderr()


def test_an_answer_of_known_length_waits_for_no_last_frame():
    served = []

    def serve(s):
        s.head()
        served.append(s)
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        if s.number == 1:
            time.sleep(0.3)
            s.end()

    with streams.server("h2c", serve) as b:
        port, g = backend_gateway(b.port, ", timeouts: {idle: 60s}")
        with g:
            begun = time.monotonic()
            with lib.connect(port) as c:
                for _ in range(2):
                    c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    assert c.response().body == b"ok"
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                c.end()  # and this one is not asked for anything more
                assert c.response().body == b"ok"
                assert c.is_closed()
            # The first stream gets its last frame in time; the others never do, and are given up.
            for s in served[1:]:
                try:
                    s.wait(lambda: False)
                except streams.Reset:
                    pass
                assert s.reset_code == 8, s.reset_code
            assert served[0].reset_code is None
            assert time.monotonic() - begun < 30 * lib.SLOW
            assert len(b.connections) == 1


def test_a_dead_connection_is_found_out():
    with streams.server("h2c", answer) as b:
        port, g = backend_gateway(b.port)
        with g, streams.client("h2c", port) as c:
            assert c.open("GET", "/", end=True).final().status == 200
            b.connections[0].close()
            time.sleep(0.2)
            assert c.open("GET", "/", end=True).final().status == 200
            assert len(b.connections) == 2


def test_a_server_that_speaks_something_else():
    with lib.Backend() as b:
        port, g = backend_gateway(b.port)
        with g, streams.client("h2c", port) as c:
            assert c.open("GET", "/", end=True).final().status == 502


def test_h2load():
    port, g = gateway()
    with g:
        try:
            done = subprocess.run(["h2load", "-n", "2000", "-c", "4", "-m", "20", "http://127.0.0.1:%d/" % port], capture_output=True,
                                  timeout=120)
        except FileNotFoundError:
            raise Skip("no h2load (package nghttp2-client)")
        assert b"2000 succeeded, 0 failed" in done.stdout, done.stdout


def test_priorities():
    """The urgent stream goes first, though it was asked for last."""
    port, g = gateway("", "  - respond: {status: 200, body: \"%s\"}" % ("x" * 60000))
    with g:
        r = Raw(port, struct.pack(">HI", 4, 1 << 20))

        def pri(v):
            return b"\x00\x08priority" + bytes([len(v)]) + v
        r.send(b"".join(frame(HEADERS, 5, 2 * i + 1, request(extra=pri(b"u=5"))) for i in range(3)) +
               frame(HEADERS, 5, 7, request(extra=pri(b"u=0"))) + frame(WINDOW, 0, 0, b"\0\x10\0\0"))
        ends = []
        for kind, flags, stream, _ in r.frames():
            if kind == DATA and flags & 1:
                ends.append(stream)
                if len(ends) == 4:
                    break
        assert ends[0] == 7, ends
        r.c.close()
