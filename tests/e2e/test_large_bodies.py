# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bodies of which much comes at a time, in every framing: nothing is lost, mixed up or taken past its end, and limits hold."""
import threading
import time

from lib import Proxy

BODY = b"".join(b"%08d" % i for i in range(400000))  # 3.2 MB, and every stretch of it is different
CHUNKS = {"one chunk": len(BODY), "of 100 kB": 100000, "of 64 KiB": 65536, "of 1 kB": 1000}


def chunked(size, trailer=b""):
    parts = (BODY[i:i + size] for i in range(0, len(BODY), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n" + trailer + b"\r\n"


def responses():
    yield "length", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    for name, size in CHUNKS.items():
        yield name, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(size)
    yield "until the end", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY


def slowly(c):
    """Reads less at a time than comes, so that the other side has to wait."""
    head = c.until(b"\r\n\r\n")
    got = b""
    while len(got) < len(BODY):
        got += c.exactly(min(100000, len(BODY) - len(got)))
        time.sleep(0.002)
    return head, got


def test_responses():
    for name, response in responses():
        def serve(c):
            while True:
                c.request()
                c.send(response)
                if "until" in name:
                    return

        with Proxy(serve) as p, p.connect() as c:
            for _ in range(2):
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                r = c.response()
                assert r.status == 200 and r.body == BODY, (name, len(r.body))
            if name == "length":
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert slowly(c)[1] == BODY


def test_requests():
    def serve(c):
        while True:
            m = c.request()
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%s" % (b"ok" if m.body == BODY else b"no"))

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY + b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().body == b"ok"
        assert c.response().body == b"no"
        for size in CHUNKS.values():
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(size, b"X-T: 1\r\n"))
            assert c.response().body == b"ok", size


def test_a_slow_server_slows_the_client_down():
    def serve(c):
        head, got = slowly(c)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%s" % (b"ok" if got == BODY else b"no"))

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert c.response().body == b"ok"


def test_the_limit_of_a_body_holds_within_one_chunk():
    with Proxy(listener_extra="    limits: {body_bytes: 200kB}") as p, p.connect() as c:
        threading.Thread(target=c.send, args=(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(len(BODY)),),
                         daemon=True).start()
        assert c.response().status == 413


def test_a_body_that_is_cut_off_is_not_taken_for_a_whole_one():
    for framing in (b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"):
        start = BODY if b"Length" in framing else b"%x\r\n%s" % (len(BODY), BODY)

        def serve(c):
            c.request()
            c.send(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing + start[:2000000])

        with Proxy(serve) as p, p.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.head()
            assert len(c.rest()) < len(BODY)


def test_little_memory_is_enough():
    for name, response in responses():
        def serve(c):
            c.request()
            c.send(response)

        with Proxy(serve, extra="runtime: {workers: 1, memory: 8MiB}\n") as p:
            clients = [p.connect() for _ in range(24)]
            for c in clients:
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for c in clients:
                r = c.response()
                assert r.status == 200 and r.body == BODY, (name, r.status, len(r.body))
                c.close()
