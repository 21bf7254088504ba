# SPDX-License-Identifier: MIT OR Apache-2.0
"""backends.*.buffering: requests that are gathered before a server sees them, responses that are taken as fast as they come."""
import socket
import threading
import time

import lib
from lib import Backend, Gateway, connect, free_port

CONFIG = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes: [{match: {path: /}, backend: {url: "http://127.0.0.1:%d", buffering: {%s}, timeouts: {idle: 20s}}}]
runtime: {workers: 1%s}
"""


class Buffered:
    def __init__(self, buffering, serve=None, runtime=""):
        self.backend, self.port = Backend(serve), free_port()
        self.gateway = Gateway(CONFIG % (self.port, self.backend.port, buffering, runtime))

    def __enter__(self):
        self.gateway.start()
        return self

    def __exit__(self, *error):
        self.gateway.__exit__(*error)
        self.backend.close()

    def wait_until_seen(self):
        lib.until(self.seen)

    def seen(self):
        """Whether a server has been sent anything."""
        return any(self.backend.received)


def told(c):
    """A server that says what it got."""
    while True:
        m = c.request()
        c.send(b"HTTP/1.1 200 OK\r\nX-Length: %s\r\nX-Coding: %s\r\nX-Expect: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            m.fields.get("content-length", "-").encode(), m.fields.get("transfer-encoding", "-").encode(),
            m.fields.get("expect", "-").encode(), len(m.body), m.body))


def in_pieces(c, pieces, between):
    for piece in pieces:
        c.send(piece)
        time.sleep(0.1)
        between()


def test_a_request_goes_when_its_body_is_complete():
    def nothing():
        assert not p.seen()

    length = [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", b"hello", b" world"]
    chunked = [b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"7\r\n world!\r\n"]
    with Buffered("request: 64KiB", told) as p, connect(p.port) as c:
        in_pieces(c, length, nothing)
        c.send(b"!")
        r = c.response()
        assert r.status == 200 and r.body == b"hello world!" and r.fields["x-length"] == "12"
    with Buffered("request: 64KiB", told) as p, connect(p.port) as c:
        in_pieces(c, chunked, nothing)
        c.send(b"0\r\n\r\n")
        r = c.response()
        assert r.status == 200 and r.body == b"hello world!"
        assert r.fields["x-length"] == "12" and r.fields["x-coding"] == "-"  # its length is known by now
        for request, body in ((b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b""), (b"".join(length) + b"!", b"hello world!"),
                              (b"".join(chunked) + b"0\r\nX-T: 1\r\n\r\n", b"hello world!")):
            c.send(request)
            r = c.response()
        assert r.status == 200 and r.body == body, (r.status, len(r.body), r.body[:100])


def test_a_long_request_goes_as_it_comes():
    with Buffered("request: 4KiB", told) as p, connect(p.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nx")
        p.wait_until_seen()
        c.send(b"x" * 4999)
        assert c.response().body == b"x" * 5000
    with Buffered("request: 4KiB", told) as p, connect(p.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n")
        time.sleep(0.2)
        assert not p.seen()
        c.send(b"fa0\r\n" + b"x" * 4000 + b"\r\n")
        p.wait_until_seen()
        c.send(b"0\r\n\r\n")
        assert c.response().body == b"x" * 5000


def test_many_small_chunks_are_gathered():
    body = bytes(i % 251 for i in range(3000))
    with Buffered("request: 64KiB", told) as p, connect(p.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, 3000, 3):
            c.send(b"3\r\n" + body[i:i + 3] + b"\r\n")
        c.send(b"0\r\n\r\n")
        r = c.response()
        assert r.status == 200 and r.body == body, (r.status, len(r.body), r.body[:100])


def test_who_waits_to_be_asked_is_asked():
    with Buffered("request: 64KiB", told) as p, connect(p.port) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        line, _ = c.head()
        assert " 100 " in line and not p.seen()
        c.send(b"ok")
        r = c.response()
        assert r.body == b"ok" and r.fields["x-expect"] == "-"


def test_a_client_that_gives_up_costs_the_server_nothing():
    with Buffered("request: 64KiB", told) as p:
        for _ in range(3):
            with connect(p.port) as c:
                c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
                time.sleep(0.1)
        with connect(p.port) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n")
            assert c.response().status == 400
        time.sleep(0.2)
        assert not p.seen()


def test_gathering_ends_where_memory_does():
    body = b"0123456789abcdef" * (12 << 16)
    with Buffered("request: 16MiB", told, ", memory: 8MiB") as p, connect(p.port) as c:
        threading.Thread(target=c.send, args=(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body,),
                         daemon=True).start()
        r = c.response()
        assert r.status == 200 and r.body == body, (r.status, len(r.body), r.body[:100])


def test_a_response_is_taken_as_fast_as_it_comes():
    """The sockets themselves hold some megabytes, this client's few; what is sent is more than they do, and hardly more than the buffer."""
    size = 17 << 20
    done = threading.Event()

    def serve(c):
        while True:
            c.request()
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
            done.set()

    with Buffered("", serve) as p, connect(p.port) as c:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not done.wait(2)  # otherwise this test says nothing
        assert c.response().body == b"x" * size
    done.clear()
    with Buffered("response: 16MiB", serve) as p, connect(p.port) as c:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert done.wait(20 * lib.SLOW)
        assert c.response().body == b"x" * size
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().body == b"x" * size
