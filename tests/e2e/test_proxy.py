# SPDX-License-Identifier: MIT OR Apache-2.0
"""Proxying: connections, pools, retries, time limits, body limits, upgrades, draining, load."""
import os
import threading
import time

import lib
from lib import Backend, Gateway, Proxy, connect, free_port, get, proxy_config


def test_keep_alive_pools_connections():
    with Proxy(extra="runtime: {workers: 1}") as p:
        with p.connect() as c:
            for _ in range(20):
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert c.response().status == 200
        for _ in range(20):
            assert get(p.port).status == 200
        assert len(p.backend.connections) == 1, len(p.backend.connections)


def test_dead_pooled_connection_is_retried():
    """The server closes after each answer without saying so; the next request finds the connection dead or dying."""
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        c.request()
        c.close()

    with Proxy(serve) as p, p.connect() as c:
        for _ in range(10):
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 200


def test_post_is_not_retried():
    count = []

    def serve(c):
        m = c.request()
        count.append(m.method)
        if m.method == "GET":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            count.append(c.request().method)

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().status == 200
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        assert c.response().status == 502
        assert count.count("POST") == 1, count


def test_connection_refused_is_502():
    port = free_port()
    with Gateway(proxy_config(port, free_port())) as g:
        r = get(port)
        assert r.status == 502 and r.body == b"502 Bad Gateway\n"
        line = g.access()[0]
        assert line["status"] == 502 and line["fault"]


def test_second_server_takes_over():
    with Backend() as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends:
  two: {servers: [{url: "http://127.0.0.1:%d"}, {url: "http://127.0.0.1:%d"}]}
routes: [{match: {path: /}, backend: two}]
""" % (port, free_port(), b.port)
        with Gateway(config):
            for _ in range(20):
                assert get(port).status == 200


def test_round_robin_and_weights():
    with Backend(body=b"one") as one, Backend(body=b"two") as two:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends:
  both: {servers: [{url: "http://127.0.0.1:%d", weight: 3}, {url: "http://127.0.0.1:%d", weight: 1}]}
routes: [{match: {path: /}, backend: both}]
runtime: {workers: 1}
""" % (port, one.port, two.port)
        with Gateway(config), connect(port) as c:
            got = []
            for _ in range(40):
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                got.append(c.response().body)
            assert got.count(b"one") == 30 and got.count(b"two") == 10, got
            assert b"two" in got[:4]


def test_backend_path_and_host():
    with Backend() as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends:
  based: {url: "http://127.0.0.1:%d/base/", preserve_host: false}
routes: [{match: {path: /}, backend: based}]
""" % (port, b.port)
        with Gateway(config):
            assert get(port, "/x?y=1", host="front.example").status == 200
            text = bytes(b.received[0]).decode()
            assert text.startswith("GET /base/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % b.port), text


def test_localhost_resolves():
    with Backend() as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes: [{match: {path: /}, backend: {url: "http://localhost:%d"}}]
""" % (port, b.port)
        with Gateway(config):
            for _ in range(3):
                assert get(port).status == 200


def test_unresolvable_name_is_502():
    port = free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {nowhere: {url: "http://nowhere.invalid:80", timeouts: {connect: 2s}}}
routes: [{match: {path: /}, backend: nowhere}]
""" % port
    with Gateway(config):
        assert get(port).status == 502


def test_first_byte_timeout():
    with Proxy(lambda c: (c.request(), time.sleep(5)), route_extra="    timeouts: {first_byte: 200ms}") as p:
        begun = time.monotonic()
        r = get(p.port)
        assert r.status == 504 and time.monotonic() - begun < 3 * lib.SLOW


def test_total_timeout():
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(50):
            c.send(b"x")
            time.sleep(0.1)

    with Proxy(serve, route_extra="    timeouts: {total: 400ms}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        c.head()
        data = c.rest()
        assert len(data) < 50
        assert p.gateway.access()[0]["fault"]


def test_slow_head_is_408():
    with Proxy(listener_extra="    timeouts: {header: 300ms}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost:")
        r = c.response()
        assert r.status == 408 and r.fields["connection"] == "close"


def test_dripping_head_does_not_extend_the_limit():
    with Proxy(listener_extra="    timeouts: {header: 500ms}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        begun = time.monotonic()
        try:
            while time.monotonic() - begun < 5 * lib.SLOW:
                c.send(b"X: y\r\n")
                time.sleep(0.05)
            raise AssertionError("still open after 5 s")
        except OSError:
            pass


def test_slow_body_is_408():
    with Proxy(lambda c: c.rest(), listener_extra="    timeouts: {body: 300ms}") as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel")
        assert c.response().status == 408


def test_idle_connection_is_closed():
    with Proxy(listener_extra="    timeouts: {idle: 300ms}") as p, p.connect() as c:
        assert c.is_closed()
    with Proxy(listener_extra="    timeouts: {idle: 300ms}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().status == 200
        assert c.is_closed()


def test_body_limit():
    with Proxy(listener_extra="    limits: {body_bytes: 10B}") as p:
        assert get(p.port, method="POST", body=b"x" * 10).status == 200
        assert get(p.port, method="POST", body=b"x" * 11).status == 413
        with p.connect() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")
            assert c.response().status == 413


def test_requests_per_connection():
    with Proxy(listener_extra="    limits: {requests_per_connection: 2}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert "connection" not in c.response().fields
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().fields["connection"] == "close"
        assert c.is_closed()


def test_connection_limit():
    with Proxy(listener_extra="    limits: {connections: 3}") as p:
        held = [p.connect() for _ in range(3)]
        for c in held:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 200
        with p.connect() as c:
            assert c.is_closed()
        held[0].close()
        time.sleep(0.2)
        assert get(p.port).status == 200
        for c in held:
            c.close()


def test_backend_connection_limit_queues():
    def serve(c):
        while True:
            c.request()
            time.sleep(0.05)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Backend(serve) as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {few: {url: "http://127.0.0.1:%d", limits: {connections: 2, pending: 100}}}
routes: [{match: {path: /}, backend: few}]
""" % (port, b.port)
        with Gateway(config):
            status = []
            threads = [threading.Thread(target=lambda: status.append(get(port).status)) for _ in range(20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join(20)
            assert status == [200] * 20, status
            assert b.peak <= 3, b.peak  # one may be closing while the next opens


class Counter:
    """How many requests are under way at a time."""

    def __init__(self):
        self.lock, self.active, self.most = threading.Lock(), 0, 0

    def serve(self, c):
        while True:
            c.request()
            with self.lock:
                self.active += 1
                self.most = max(self.most, self.active)
            time.sleep(0.002)
            with self.lock:
                self.active -= 1
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_a_backends_limit_holds_over_all_workers():
    """The connections that a server may have are shared: never one more, and no worker keeps them to itself while another one waits."""
    for host, most in ("127.0.0.1", 1), ("localhost", 2):
        counter = Counter()
        with Backend(counter.serve) as b:
            port, served, go = free_port(), [0] * 12, threading.Event()
            config = """\
runtime: {workers: 4}
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {few: {url: "http://%s:%d", limits: {connections: %d, pending: 0}, timeouts: {connect: %ds}}}
routes: [{match: {path: /}, backend: few}]
""" % (port, host, b.port, most, 30 * lib.SLOW)

            def ask(i):
                with connect(port) as c:
                    go.wait(10)
                    while sum(served) < 1200:
                        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        assert c.response().status == 200
                        served[i] += 1
            with Gateway(config):
                threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(served))]
                for t in threads:
                    t.start()
                go.set()
                for t in threads:
                    t.join(60 * lib.SLOW)
                assert counter.most == most, (counter.most, host)
                # A worker keeps a connection for some requests, and not for ever.
                assert sum(served) >= 1200 and min(served) >= 20, served
                assert len(b.connections) < 600, len(b.connections)


def test_requests_wait_up_to_a_limit():
    """limits.pending is met exactly, over all workers."""
    go = threading.Event()
    with Backend(lambda c: (c.request(), go.wait(30 * lib.SLOW), c.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"))) as b:
        port, status = free_port(), []
        with Gateway("""\
runtime: {workers: 3}
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {few: {url: "http://127.0.0.1:%d", limits: {connections: 1, pending: 4}, timeouts: {connect: %ds}}}
routes: [{match: {path: /}, backend: few}]
""" % (port, b.port, 30 * lib.SLOW)):
            threads = [threading.Thread(target=lambda: status.append(get(port).status)) for _ in range(12)]
            for t in threads:
                t.start()
            lib.until(lambda: len(status) >= 7, "nobody was turned away")
            assert status == [503] * 7, status
            go.set()
            for t in threads:
                t.join(30 * lib.SLOW)
            assert sorted(status) == [200] * 5 + [503] * 7, status


def test_early_answer_while_uploading():
    def serve(c):
        c.head()
        c.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        time.sleep(0.2)

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200000)
        r = c.response()
        assert r.status == 413 and r.body == b"big"


def test_client_abort_reaches_the_backend():
    gone = threading.Event()

    def serve(c):
        c.head()
        c.rest()
        gone.set()

    with Proxy(serve) as p:
        c = p.connect()
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        time.sleep(0.2)
        c.close()
        assert gone.wait(5 * lib.SLOW)


def test_half_closed_client_gets_its_answer():
    with Proxy(lambda c: (c.request(), time.sleep(0.2), c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))) as p:
        with p.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.end()
            assert c.response().body == b"ok"


def test_websocket_tunnel():
    def serve(c):
        m = c.request()
        assert m.fields["upgrade"] == "websocket" and m.fields["connection"].lower() == "upgrade", m.fields
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst")
        while True:
            c.fill()
            data, c.buffer = c.buffer, b""
            c.send(data.upper())

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nearly")
        line, fields = c.head()
        assert " 101 " in line and fields["upgrade"] == "websocket" and fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert c.exactly(10) == b"firstEARLY"
        for i in range(50):
            c.send(b"message %d" % i)
            assert c.exactly(len(b"message %d" % i)) == b"MESSAGE %d" % i
        big = b"z" * 1000000
        threading.Thread(target=lambda: c.send(big), daemon=True).start()
        assert c.exactly(len(big)) == big.upper()
        c.end()
        assert c.rest() == b""


def test_refused_upgrade_is_an_ordinary_answer():
    with Proxy() as p, p.connect() as c:
        for _ in range(2):
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
            r = c.response()
            assert r.status == 200 and r.body == b"hello\n"


def test_drain_finishes_what_is_in_flight():
    release = threading.Event()

    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        release.wait(10)
        c.send(b"world")

    with Proxy(serve) as p, p.connect() as idle, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        c.head()
        p.gateway.drain()
        assert idle.is_closed()
        time.sleep(0.3)
        try:
            connect(p.port, 1).close()
            raise AssertionError("still listening")
        except OSError:
            pass
        release.set()
        assert c.exactly(10) == b"helloworld"
        assert c.is_closed()
        assert p.gateway.stop() == 0


def test_drain_timeout_ends_what_will_not_finish():
    with Proxy(lambda c: (c.request(), time.sleep(30)), extra="runtime: {drain_timeout: 500ms}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        begun = time.monotonic()
        assert p.gateway.stop() == 0
        assert time.monotonic() - begun < 5 * lib.SLOW


def test_access_log_line():
    with Proxy() as p:
        assert get(p.port, "/plain?x=1", headers="User-Agent: te\"st\r\n").status == 200
        line = p.gateway.access()[0]
        assert line["method"] == "GET" and line["path"] == "/plain?x=1" and line["status"] == 200
        assert line["user_agent"] == 'te"st' and line["response_bytes"] == 6 and line["duration_ms"] >= 0, line


def _download(size, pace):
    """size bytes down through the gateway; returns its peak RSS in KiB. pace(total) may sleep on the reading side."""
    block = bytes(range(256)) * 4096

    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(block)):
            c.send(block)

    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        c.head()
        total, peak, n = len(c.buffer), 0, 0
        into = bytearray(1 << 20)
        while total < size:
            got = c.s.recv_into(into)
            assert got > 0, "cut at %d" % total
            total += got
            n += 1
            if n % 200 == 0:
                peak = max(peak, p.gateway.rss_kib())
                pace(total)
        assert total == size
        return peak


def _upload(size, pace):
    got = []

    def serve(c):
        line, fields = c.head()
        total = len(c.buffer)
        c.buffer = b""
        into = bytearray(1 << 20)
        n = 0
        while total < size:
            k = c.s.recv_into(into)
            assert k > 0
            total += k
            n += 1
            if n % 200 == 0:
                pace(total)
        got.append(total)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    block = bytes(range(256)) * 4096
    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        peak = 0
        for i in range(size // len(block)):
            c.send(block)
            if i % 50 == 0:
                peak = max(peak, p.gateway.rss_kib())
        assert c.response().body == b"ok"
        assert got == [size]
        return peak


def _big():
    return (2 << 30) if lib.SLOW == 1 else (64 << 20)


def test_two_gigabytes_down_to_a_slow_client():
    naps = iter([0.5, 0.5] + [0.01] * 100)
    peak = _download(_big(), lambda total: time.sleep(next(naps, 0)))
    assert lib.SLOW > 1 or peak < 20 * 1024, "%d KiB" % peak


def test_two_gigabytes_up_to_a_slow_server():
    naps = iter([0.5, 0.5] + [0.01] * 100)
    peak = _upload(_big(), lambda total: time.sleep(next(naps, 0)))
    assert lib.SLOW > 1 or peak < 20 * 1024, "%d KiB" % peak


test_two_gigabytes_down_to_a_slow_client.seconds = 120
test_two_gigabytes_up_to_a_slow_server.seconds = 120


def _crowd(workers):
    idle_n, busy_n = (1000, 200) if lib.SLOW == 1 else (200, 50)
    with Proxy(extra="runtime: {workers: %d}" % workers) as p:
        idle = [p.connect() for _ in range(idle_n)]
        bad = []

        def client():
            try:
                with p.connect() as c:
                    for _ in range(10):
                        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        if c.response().body != b"hello\n":
                            bad.append("body")
            except Exception as e:
                bad.append(repr(e))

        threads = [threading.Thread(target=client) for _ in range(busy_n)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60 * lib.SLOW)
        assert not bad, bad[:3]
        for c in idle[::50]:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 200
        for c in idle:
            c.close()


def test_a_crowd_on_one_worker():
    _crowd(1)


def test_a_crowd_on_four_workers():
    _crowd(4)


test_a_crowd_on_one_worker.seconds = test_a_crowd_on_four_workers.seconds = 120


def test_runs_as_an_ordinary_user():
    if os.geteuid() != 0:
        raise lib.Skip("only root can change the user")
    with Backend() as b:
        port = free_port()
        config = proxy_config(port, b.port, extra="runtime: {user: nobody}")
        with Gateway(config) as g:
            assert get(port).status == 200
            with open("/proc/%d/status" % g.process.pid) as f:
                uid = [l for l in f if l.startswith("Uid:")][0].split()[1:]
            assert "0" not in uid, uid
