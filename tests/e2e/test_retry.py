# SPDX-License-Identifier: MIT OR Apache-2.0
"""Retry policies: what is tried again, how often, with which bodies, and what is not."""
import threading
import time

import lib
from lib import Backend, Gateway, connect, free_port, get


class Script:
    """A server that answers its n-th request with the n-th entry: a status, "close", "hang" or bytes; the last one for good."""

    def __init__(self, *script):
        self.script, self.requests, self.lock = script, [], threading.Lock()
        self.backend = Backend(self.serve)
        self.port = self.backend.port

    def serve(self, c):
        while True:
            m = c.request()
            with self.lock:
                self.requests.append(m)
                todo = self.script[min(len(self.requests), len(self.script)) - 1]
            if todo == "close":
                return
            if todo == "hang":
                time.sleep(20)
                return
            if isinstance(todo, bytes):
                c.send(todo)
                return
            body = b"%d from %d" % (todo, self.port)
            c.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nX-Server: %d\r\n\r\n%s" % (todo, len(body), self.port, body))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.backend.close()


def gateway(servers, retry, route_extra="", backend_extra=""):
    port = free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1, drain_timeout: 300ms}
backends:
  b:
    servers: [%s]
    retry: {%s}
%s
routes: [{match: {path: /}, backend: b%s}]
""" % (port, ", ".join('{url: "http://127.0.0.1:%d"}' % s for s in servers), retry, backend_extra, route_extra)
    return port, Gateway(config)


def test_status():
    with Script(503, 200) as s:
        port, g = gateway([s.port], "on: [503]")
        with g:
            r = get(port)
            assert r.status == 200 and len(s.requests) == 2 and r.body.startswith(b"200"), r.body
            assert g.access()[0]["tries"] == 2 and g.access()[0]["status"] == 200
            assert s.requests[0].fields == s.requests[1].fields and s.requests[0].target == s.requests[1].target


def test_status_that_is_not_listed():
    with Script(502, 200) as s:
        port, g = gateway([s.port], "on: [503]")
        with g:
            assert get(port).status == 502 and len(s.requests) == 1


def test_last_answer_is_passed_on():
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], attempts: 3, backoff: 1ms")
        with g:
            r = get(port)
            assert r.status == 503 and r.body == b"503 from %d" % s.port and len(s.requests) == 3
            assert "fault" not in g.access()[0]


def test_another_server():
    with Script(503) as bad, Script(200) as good:
        for balance in ("round-robin", "least-connections", "random-two"):
            port, g = gateway([bad.port, good.port], "on: [503], budget: 100%", backend_extra="    balance: " + balance)
            with g:
                answers = [get(port).status for _ in range(20)]
                if balance == "round-robin":
                    assert set(answers) == {200}, answers
                assert answers.count(200) >= 16, (balance, answers)


def test_bodies_are_sent_again():
    with Script(503, "close", 200) as s:
        port, g = gateway([s.port], "on: [503, reset], attempts: 3, methods: [POST]")
        with g:
            body = bytes(range(256)) * 16
            assert get(port, method="POST", body=body).status == 200
            assert [m.body for m in s.requests] == [body] * 3


def test_chunked_body_and_trailers():
    with Script(503, 200) as s:
        port, g = gateway([s.port], "on: [503]")
        with g, connect(port) as c:
            c.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n")
            for piece in (b"one", b"two", b"three"):
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(0.02)
            c.send(b"0\r\nX-T: end\r\n\r\n")
            assert c.response().status == 200
            assert [m.body for m in s.requests] == [b"onetwothree"] * 2
            assert [m.trailers for m in s.requests] == [b"x-t: end\r\n"] * 2, [m.trailers for m in s.requests]


def test_long_bodies_are_not():
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], attempts: 3, methods: [POST], body_bytes: 1KiB")
        with g:
            assert get(port, method="POST", body=b"x" * 1025).status == 503 and len(s.requests) == 1
            assert get(port, method="POST", body=b"x" * 1024).status == 503 and len(s.requests) == 4
            # of unknown length, and longer than what is kept
            with connect(port) as c:
                c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(40):
                    c.send(b"40\r\n" + b"y" * 64 + b"\r\n")
                    time.sleep(0.002)
                c.send(b"0\r\n\r\n")
                assert c.response().status == 503
            assert len(s.requests) == 5 and s.requests[-1].body == b"y" * 2560


def test_many_pieces_do_not_stall():
    """What is kept for another attempt never keeps the rest of the body from coming."""
    with Script(200) as s:
        port, g = gateway([s.port], "on: [503], methods: [POST], body_bytes: 64KiB")
        with g, connect(port) as c:
            body = bytes(i % 251 for i in range(300000))
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 3000):
                piece = body[at:at + 3000]
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                if at % 9000 == 0:
                    time.sleep(0.002)
            c.send(b"0\r\n\r\n")
            assert c.response().status == 200 and s.requests[0].body == body


def test_methods():
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503]")
        with g:
            for method, n in (("POST", 1), ("PATCH", 1), ("GET", 2), ("PUT", 2), ("DELETE", 2)):
                s.requests.clear()
                get(port, method=method)
                assert len(s.requests) == n, (method, n)
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], methods: [POST]")
        with g:
            for method, n in (("POST", 2), ("GET", 1)):
                s.requests.clear()
                get(port, method=method)
                assert len(s.requests) == n, (method, n)


def test_reset():
    with Script("close", 200) as s:
        port, g = gateway([s.port], "on: [reset]")
        with g:
            assert get(port).status == 200 and len(s.requests) == 2
    with Script("close", 200) as s:
        port, g = gateway([s.port], "on: [503]")
        with g:
            assert get(port).status == 502 and len(s.requests) == 1
    with Script(b"HTTP/1.1 200 OK\r\nX-Half", 200) as s:
        port, g = gateway([s.port], "on: [reset]")
        with g:
            assert get(port).status == 200 and len(s.requests) == 2


def test_answer_that_has_begun_is_not_retried():
    with Script(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 200) as s:
        port, g = gateway([s.port], "on: [reset, timeout, 503]")
        with g, connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.rest().endswith(b"half") and len(s.requests) == 1


def test_per_try_timeout():
    with Script("hang", "hang", 200) as s:
        port, g = gateway([s.port], "on: [timeout], attempts: 3, per_try_timeout: 200ms")
        with g:
            begun = time.monotonic()
            assert get(port).status == 200 and len(s.requests) == 3
            assert 0.35 < time.monotonic() - begun < 5 * lib.SLOW
    with Script("hang") as s:
        port, g = gateway([s.port], "on: [503], per_try_timeout: 200ms")
        with g:
            assert get(port).status == 504 and len(s.requests) == 1
            assert g.access()[0]["fault"] == "first-byte-timeout"


def test_per_try_timeout_ends_with_the_head():
    def slow_body(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        time.sleep(0.6)
        c.send(b"slow")

    with Backend(slow_body) as b:
        port, g = gateway([b.port], "on: [timeout], per_try_timeout: 200ms")
        with g:
            assert get(port).body == b"slow"


def test_connect_failure():
    with Script(200) as s:
        port, g = gateway([free_port(), s.port], "on: [connect-failure]")
        with g:
            assert [get(port, method="POST", body=b"x").status for _ in range(10)] == [200] * 10
    port, g = gateway([free_port()], "on: [connect-failure], attempts: 3, backoff: 1ms")
    with g:
        assert get(port).status == 502
        assert g.access()[0]["tries"] == 3
    with Script(200) as s:
        port, g = gateway([free_port(), s.port], "on: [503]", backend_extra="    balance: round-robin")
        with g:
            assert 502 in [get(port).status for _ in range(2)]


def test_backoff_is_bounded():
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], attempts: 4, backoff: 200ms")
        with g:
            begun = time.monotonic()
            get(port)
            assert time.monotonic() - begun < 1.4 + 2 * lib.SLOW and len(s.requests) == 4


def test_stop_while_waiting():
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], attempts: 10, backoff: 10s")
        with g:
            clients = [connect(port) for _ in range(5)]
            for c in clients:
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.3)
            begun = time.monotonic()
            assert g.stop() == 0 and time.monotonic() - begun < 5 * lib.SLOW
        assert len(g.access(5)) == 5
        for c in clients:
            c.close()


def test_total_timeout_ends_the_attempts():
    with Script("hang") as s:
        port, g = gateway([s.port], "on: [timeout], attempts: 10, per_try_timeout: 150ms", ", timeouts: {total: 400ms}")
        with g:
            begun = time.monotonic()
            assert get(port).status == 504 and time.monotonic() - begun < 3 * lib.SLOW
            assert 2 <= len(s.requests) <= 4


def test_budget():
    """Ten retries are in reserve; then each request pays for a tenth of one."""
    with Script(503) as s:
        port, g = gateway([s.port], "on: [503], backoff: 0, budget: 10%")
        with g, connect(port) as c:
            for _ in range(100):
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert c.response().status == 503
            retries = len(s.requests) - 100
            assert 18 <= retries <= 20, retries


def test_route_comes_before_backend():
    with Script(503, 503, 503, 200) as s:
        port, g = gateway([s.port], "on: [reset]", ", retry: {on: [503], attempts: 4, backoff: 0}")
        with g:
            assert get(port).status == 200 and len(s.requests) == 4


def test_interim_answers_and_expect():
    with Script(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", 200) as s:
        port, g = gateway([s.port], "on: [503], methods: [POST, GET]")
        with g, connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 103
            assert c.response().status == 200 and len(s.requests) == 2


def test_early_refusal_of_a_body():
    """The server answers before the body is there: it is sent, from its beginning, to the next attempt."""
    first = []

    def serve(c):
        line, fields = c.head()
        if not first:
            first.append(1)
            c.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            c.end()
            time.sleep(0.3)
            return
        body = c.exactly(int(fields["content-length"]))
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with Backend(serve) as b:
        port, g = gateway([b.port], "on: [503], methods: [POST]")
        with g, connect(port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            time.sleep(0.1)
            c.send(b"def")
            assert c.response().body == b"abcdef"
