# SPDX-License-Identifier: MIT OR Apache-2.0
"""Peers that use what HTTP/1.1 lets them do against the gateway: bytes that buy time, answers that end in their head, promises about
connections."""
import socket
import time

import lib
from lib import Backend, Gateway, Proxy, connect, free_port

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ENOUGH = 8  # seconds, for limits of half a second


def backend_timeouts(p, port, timeouts, listener=""):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d%s}]
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1, drain_timeout: 300ms}
backends: {b: {url: "http://127.0.0.1:%d", timeouts: {%s}}}
routes: [{match: {path: /}, backend: b}]
""" % (port, listener, p, timeouts)


def drip(send, piece, until, seconds=ENOUGH):
    """A piece now and then, until something happens; whether it did."""
    end = time.monotonic() + seconds * lib.SLOW
    while time.monotonic() < end:
        if until():
            return True
        try:
            send(piece)
        except OSError:
            return True
        time.sleep(0.1)
    return False


def never():
    return False


def has_come(c):
    """Whether bytes, or the end, wait to be read."""
    c.s.setblocking(False)
    try:
        c.s.recv(1, socket.MSG_PEEK)
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        c.s.settimeout(10 * lib.SLOW)


def test_bytes_of_the_next_request_do_not_buy_time_to_read():
    """A client that takes nothing of its answer is cut off, whatever it sends meanwhile."""
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            c.send(b"x" * 100000)

    with Proxy(serve, listener_extra="    timeouts: {write: 500ms}") as p, p.connect() as c:
        c.send(GET)
        assert drip(c.send, b"G", never), "still there"
        assert p.gateway.access()[0]["fault"] == "front-timeout", p.gateway.access()


def test_bytes_of_the_next_request_do_not_buy_a_server_time():
    def serve(c):
        c.request()
        c.rest()

    with Backend(serve) as b:
        port = free_port()
        with Gateway(backend_timeouts(b.port, port, "first_byte: 500ms")), connect(port) as c:
            c.send(GET)
            assert drip(c.send, b"G", lambda: has_come(c)), "no answer"
            assert c.response().status == 504


def test_a_head_in_drops_from_a_server():
    """The limit is for the whole head."""
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nX: ")
        drip(c.send, b"x", never, 20)

    with Backend(serve) as b:
        port = free_port()
        with Gateway(backend_timeouts(b.port, port, "first_byte: 500ms")), connect(port) as c:
            begun = time.monotonic()
            c.send(GET)
            assert c.response().status == 504
            assert time.monotonic() - begun < ENOUGH * lib.SLOW


def test_empty_lines_do_not_keep_a_connection():
    """They may stand before a request, but are none: neither one after the other, nor many at once."""
    with Proxy(listener_extra="    timeouts: {idle: 500ms}") as p:
        with p.connect() as c:
            assert drip(c.send, b"\r\n", lambda: has_come(c)), "still there"
        with p.connect() as c:
            c.send(b"\r\n\r\n" + GET)
            assert c.response().status == 200
            c.send(b"\r\n" * 50)
            assert c.response().status == 400


def test_an_empty_line_is_not_the_beginning_of_a_head():
    """The time for a head counts from its own first byte."""
    with Proxy(listener_extra="    timeouts: {header: %dms}" % (1000 * lib.SLOW)) as p, p.connect() as c:
        c.send(b"\r")
        time.sleep(0.3)
        c.send(b"\n")
        time.sleep(1.2 * lib.SLOW)
        c.send(GET[:5])
        time.sleep(0.3)
        c.send(GET[5:])
        assert c.response().status == 200


def test_an_answer_that_ends_in_its_head():
    """A pooled connection that dies before a byte of an answer is replaced; one whose answer had begun has had the request."""
    seen = []

    def serve(c):
        c.request()
        c.send(OK)
        seen.append(c.request().target)
        c.send(begins)

    for begins in (b"HTTP/1.1 200 OK\r\nConte", b"H", b"HTTP/1.1 103 Early Hints\r\n\r\n"):
        with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
            c.send(GET)
            assert c.response().status == 200
            c.send(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
            r = c.response()
            if r.status == 103:
                r = c.response()
            assert r.status == 502 and len(p.backend.connections) == 1, (begins, r.line, seen)


def test_a_server_that_no_packet_reaches():
    """That the system refuses at once to connect (to a multicast address, say) is the server's failure, and another one is tried."""
    with Backend() as b:
        for others, status in ((', {url: "http://127.0.0.1:%d"}' % b.port, 200), ("", 502)):
            port = free_port()
            config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1}
backends: {b: {servers: [{url: "http://224.0.0.1:80"}%s]}}
routes: [{match: {path: /}, backend: b}]
""" % (port, others)
            with Gateway(config) as g, connect(port) as c:
                for _ in range(6):
                    c.send(GET)
                    assert c.response().status == status
                if status == 502:
                    assert g.access()[0]["fault"] == "connect", g.access()


def test_expect_and_a_silent_server():
    """A client that waits to be asked for its body waits for the server, whose limit it is."""
    def serve(c):
        c.head()
        c.rest()

    for listener, first_byte in (("", 500), (", timeouts: {body: 300ms}", 1500)):
        with Backend(serve) as b:
            port = free_port()
            with Gateway(backend_timeouts(b.port, port, "first_byte: %dms" % first_byte, listener)), connect(port) as c:
                c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                assert c.response().status == 504, listener


def upload(c, size, chunked, whole=True):
    """A request in pieces, its answer as soon as it comes if that is not after the whole."""
    answer = None
    c.send(b"POST /up HTTP/1.1\r\nHost: a\r\n" + (b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size) + b"\r\n\r\n")
    if not whole:
        answer = c.response()
    block = b"x" * 65536
    for _ in range(size // len(block)):
        c.send(b"10000\r\n" + block + b"\r\n" if chunked else block)
        time.sleep(0.0005)
    if chunked:
        c.send(b"0\r\n\r\n")
    return answer or c.response()


def test_an_early_answer_keeps_its_promise():
    """What does not say that the connection ends leaves it open, however much of the request is still to come."""
    def goes(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")

    def stays(c):
        while True:
            _, fields = c.head()
            c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            c.chunked() if "transfer-encoding" in fields else c.exactly(int(fields["content-length"]))

    for serve in (goes, stays):
        with Proxy(serve, extra="runtime: {workers: 1}", listener_extra="    limits: {body_bytes: 32MiB}") as p:
            for chunked in (False, True):
                for whole in (False, True):
                    with p.connect() as c:
                        for i in range(3):
                            r = upload(c, 8 << 20, chunked, whole)
                            assert (r.status, r.body) == (403, b"no"), (r.line, chunked, whole)
                            assert "connection" not in r.fields, r.fields
            if serve == stays:
                assert len(p.backend.connections) <= 2, len(p.backend.connections)


def test_a_server_that_has_answered_need_not_be_sent_the_rest():
    """It ends its direction, or just stops to read: the client goes on all the same, and neither waits nor is cut off."""
    def ends(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        c.end()
        time.sleep(20 * lib.SLOW)

    def stops(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        time.sleep(20 * lib.SLOW)

    for serve, idle in ((ends, "60s"), (stops, "500ms")):
        with Backend(serve) as b:
            port = free_port()
            with Gateway(backend_timeouts(b.port, port, "idle: " + idle, ", limits: {body_bytes: 64MiB}")), connect(port) as c:
                for whole in (False, True):
                    r = upload(c, 32 << 20, whole, whole)
                    assert (r.status, r.body) == (403, b"no"), (r.line, idle)


def test_an_answer_outlives_what_comes_behind_it():
    """The rest of a body turns out to be too long, or broken: the answer has gone out before, and reaches the client."""
    own = "  - match: {path: /up}\n    respond: {status: 403, body: \"no\"}\n"
    with Proxy(route_extra=own, listener_extra="    limits: {body_bytes: 100KiB}") as p:
        for rest in (b"10000\r\n" + b"x" * 65536 + b"\r\n", b"nonsense\r\n" * 1000):
            with p.connect() as c:
                c.send(b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                time.sleep(0.2)
                for _ in range(8):
                    c.send(rest)
                    time.sleep(0.05)
                time.sleep(0.3)
                r = c.response()
                assert (r.status, r.body) == (403, b"no"), r.line
                assert c.is_closed()


def test_trailers_do_not_use_up_attempts():
    """Each attempt that was answered lets go of its answer's head, also behind a request with trailers."""
    count = []

    def serve(c):
        while True:
            m = c.request()
            count.append(m)
            c.send(b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\nno" if len(count) < 6 else OK)

    with Backend(serve) as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
runtime: {workers: 1}
backends: {b: {url: "http://127.0.0.1:%d", retry: {attempts: 8, on: [503], backoff: 1ms, budget: 100%%}}}
routes: [{match: {path: /}, backend: b}]
""" % (port, b.port)
        with Gateway(config), connect(port) as c:
            c.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            time.sleep(0.2)
            c.send(b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
            r = c.response()
            assert r.status == 200 and len(count) == 6, (r.line, len(count))
            assert all(m.body == b"hello" and m.trailers == b"x-t: 1\r\n" for m in count)


def test_a_204_that_announces_a_body():
    """A server that says that five bytes follow where none may is not asked again on that connection."""
    def serve(c):
        while True:
            c.request()
            c.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")

    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        for _ in range(3):
            c.send(GET)
            r = c.response()
            assert r.status == 204 and "content-length" not in r.fields
        assert len(p.backend.connections) == 3, len(p.backend.connections)
