# SPDX-License-Identifier: MIT OR Apache-2.0
"""What depends on order and time in HTTP/1.1: peers that end, reset, dawdle or flood at any point, early answers, pipelines, back-pressure,
draining. The gateway must neither take a part for a whole nor wait for ever."""
import hashlib
import os
import signal
import socket
import struct
import threading
import time

import lib
from lib import Backend, Gateway, Proxy, connect, free_port

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def reset(c):
    """Closes with RST."""
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.s.close()


def lost(c):
    """Everything until the end, whichever end it is."""
    data = c.buffer
    c.s.settimeout(5 * lib.SLOW)
    try:
        while True:
            got = c.s.recv(65536)
            if not got:
                return data
            data += got
    except ConnectionResetError:
        return data


def cpu_seconds(gateway):
    with open("/proc/%d/stat" % gateway.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_stopped(gateway):
    """All of its threads."""
    folder = "/proc/%d/task" % gateway.process.pid
    states = set()
    for task in os.listdir(folder):
        with open("%s/%s/stat" % (folder, task)) as f:
            states.add(f.read().rsplit(")", 1)[1].split()[0])
    return states == {"T"}


def is_whole(data):
    head, _, body = data.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"\r\n\r\n") and b"\r\n0\r\n" in b"\r\n" + body
    return b"content-length: %d" % len(body) in head.lower()


ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\n\r\nhello",
}


def test_the_server_ends_at_every_byte():
    def serve(c):
        _, framing, n, how = c.request().target.split("/")
        c.send(ANSWERS[framing][:int(n)])
        if how == "reset":
            time.sleep(0.002)
            reset(c)

    bad = []
    with Proxy(serve) as p:
        for framing, answer in ANSWERS.items():
            head = answer.index(b"\r\n\r\n") + 4
            for how in ("end", "reset"):
                for n in range(len(answer) + 1):
                    with p.connect() as c:
                        c.send(b"GET /%s/%d/%s HTTP/1.1\r\nHost: a\r\n\r\n" % (framing.encode(), n, how.encode()))
                        c.end()
                        data = lost(c)
                    status = int(data.split()[1]) if data else 0
                    ended = framing == "close" and how == "end" and n >= head
                    complete = ended or framing != "close" and n == len(answer)
                    if n < head and status != 502 or n >= head and status not in (200, 502, 0):
                        bad.append("%s %s at %d: %r" % (framing, how, n, data))
                    if status == 200 and is_whole(data) and not complete:
                        bad.append("%s %s at %d passed for whole: %r" % (framing, how, n, data))
                    if complete and how == "end" and not is_whole(data):
                        bad.append("%s %s at %d was cut: %r" % (framing, how, n, data))
    assert not bad, "\n".join(bad)


REQUESTS = {
    "length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
}


def test_the_client_ends_at_every_byte():
    seen = []

    def serve(c):
        while True:
            seen.append(c.request())
            c.send(OK)

    with Proxy(serve) as p:
        for framing, request in REQUESTS.items():
            for how in ("end", "reset", "half"):
                for n in range(len(request)):
                    with p.connect() as c:
                        c.send(request[:n])
                        if how == "reset":
                            reset(c)
                        elif how == "half":
                            c.end()
                            assert b" 200 " not in lost(c)
        time.sleep(0.2)
        assert seen == [], [(m.line, m.body) for m in seen]
        with p.connect() as c:
            c.send(REQUESTS["chunked"])
            assert c.response().status == 200
        assert len(seen) == 1


test_the_client_ends_at_every_byte.seconds = 120


def test_pipelined_then_half_closed():
    """All that came before the client's end is answered (RFC 9112 section 9.3.2)."""
    def serve(c):
        while True:
            m = c.request()
            time.sleep(0.05)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(m.body), m.body))

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"".join(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d" % i for i in range(5)) + b"GET /part")
        c.end()
        for i in range(5):
            assert c.response().body == b"%d" % i
        assert c.is_closed()


def test_a_hundred_pipelined_posts():
    seen = []

    def serve(c):
        while True:
            m = c.request()
            seen.append(hashlib.sha256(m.body).digest())
            c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(m.body), m.body))

    bodies = [bytes([i]) * (1 + i * i * 7 % 5000) for i in range(100)]
    with Proxy(serve) as p, p.connect() as c:
        def send():
            for i, body in enumerate(bodies):
                if i % 2:
                    c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                else:
                    half = len(body) // 2
                    c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for part in (body[:half], body[half:]):
                        if part:
                            c.send(b"%x;x\r\n%s\r\n" % (len(part), part))
                    c.send(b"0\r\n\r\n")

        threading.Thread(target=send, daemon=True).start()
        for body in bodies:
            assert c.response().body == body
        assert seen == [hashlib.sha256(b).digest() for b in bodies]


def test_pipelined_mixture():
    """Answers of ours and of the backend, with and without bodies, in the order of the requests."""
    port = free_port()

    def serve(c):
        while True:
            m = c.request()
            time.sleep(0.005)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(m.target), b"" if m.method == "HEAD" else m.target.encode()))

    with Backend(serve) as b:
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - {match: {path: /own}, respond: {status: 200, body: own}}
  - {match: {path: /b}, backend: {url: "http://127.0.0.1:%d"}}
""" % (port, b.port)
        with Gateway(config), connect(port) as c:
            parts = [
                (b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"own", "GET"),
                (b"POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 200, b"own", "POST"),
                (b"POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, b"own", "POST"),
                (b"HEAD /b/1 HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"", "HEAD"),
                (b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404, b"404 Not Found\n", "GET"),
                (b"GET /b/2 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 200, b"/b/2", "GET"),
                (b"POST /b/3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, b"/b/3", "POST"),
                (b"HEAD /own HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"", "HEAD"),
                (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, b"", "OPTIONS"),
            ]
            for _ in range(5):
                c.send(b"".join(part[0] for part in parts))
                for data, status, body, method in parts:
                    r = c.response(method)
                    assert r.status == status and r.body == body, (data, r.status, r.body)


def test_a_body_that_an_own_answer_does_not_want():
    port = free_port()
    config = "listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n" \
             "routes: [{match: {path: /}, respond: {status: 200, body: own}}]\n" % port
    with Gateway(config):
        with connect(port) as c:  # small: read over, in either framing, also when it comes late
            for head, body in ((b"Content-Length: 20000", b"x" * 20000),
                               (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n" * 1000 + b"0\r\n\r\n")):
                c.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + body[:100])
                r = c.response()
                assert r.status == 200 and "connection" not in r.fields
                time.sleep(0.05)
                c.send(body[100:] + GET)
                assert c.response().body == b"own"
        with connect(port) as c:  # large: told, and ended
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 1000)
            r = c.response()
            assert r.status == 200 and r.fields["connection"] == "close" and r.body == b"own"


def upgrade(c):
    c.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n"


def test_upgrade_with_early_data_and_end():
    """The client has sent its data and its end before the server switches."""
    def serve(c):
        c.request()
        time.sleep(0.2)
        c.send(SWITCH)
        c.send(c.rest().upper())

    with Proxy(serve) as p, p.connect() as c:
        upgrade(c)
        c.send(b"early")
        c.end()
        assert " 101 " in c.head()[0]
        assert c.rest() == b"EARLY"


def test_refused_upgrade_with_early_data():
    """What was meant for the tunnel is no request, or a bad one; it never reaches the backend as part of another."""
    seen = []

    def serve(c):
        while True:
            seen.append(c.request())
            c.send(OK)

    with Proxy(serve) as p, p.connect() as c:
        upgrade(c)
        c.send(b"\x81\x05hello\r\n\r\n")
        assert c.response().status == 200
        assert c.response().status == 400
        assert len(seen) == 1


def test_tunnel_ends_pass_on():
    events = []

    def serve(c):
        how = c.request().target
        c.send(SWITCH + b"x")
        if how == "/end":
            c.end()
            events.append(c.rest())
        elif how == "/reset":
            time.sleep(0.1)
            reset(c)
        else:
            c.s.settimeout(5 * lib.SLOW)
            try:
                events.append(c.s.recv(1))
            except ConnectionResetError:
                events.append("reset")

    def begin(p, target):
        c = p.connect()
        c.send(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n" % target)
        assert " 101 " in c.head()[0] and c.exactly(1) == b"x"
        return c

    def wait():
        lib.until(lambda: events, "nothing has ended")
        return events.pop()

    with Proxy(serve) as p:
        with begin(p, b"/end") as c:
            assert c.s.recv(1) == b""
            c.send(b"still")
            c.end()
            assert wait() == b"still"
        with begin(p, b"/reset") as c:
            assert lost(c) == b""
        reset(begin(p, b"/other"))
        assert wait() in ("reset", b"")


def test_tunnel_whose_server_is_gone():
    """The server resets while the client only listens: the client is let go, and nothing spins."""
    def serve(c):
        c.request()
        c.send(SWITCH)
        c.end()
        time.sleep(0.2)
        reset(c)

    with Proxy(serve) as p, p.connect() as c:
        upgrade(c)
        c.head()
        assert c.s.recv(1) == b""
        time.sleep(0.4)
        begun = cpu_seconds(p.gateway)
        for _ in range(5):
            try:
                c.send(b"x")
            except OSError:
                break
            time.sleep(0.2)
        assert lost(c) == b""
        assert cpu_seconds(p.gateway) - begun < 0.5


def test_flood_after_an_error():
    """Who goes on sending after an error answer is read for a while, and then cut off."""
    with Proxy() as p:
        for request in (b"BAD\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"):
            for _ in range(3):
                with p.connect() as c:
                    c.send(request)
                    assert c.response().status == 400
                    try:
                        for _ in range(1000):
                            c.send(b"x" * 65536)
                        raise AssertionError("64 MiB were taken")
                    except OSError:
                        pass
        for _ in range(20):  # the list of connections is in order
            with p.connect() as c:
                c.send(GET)
                assert c.response().status == 200


def test_bytes_on_a_pooled_connection():
    """A server that speaks unasked loses its connection, and nobody gets what it said."""
    def serve(c):
        c.request()
        c.send(OK)
        time.sleep(0.1)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        c.request()
        raise AssertionError

    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        for _ in range(5):
            c.send(GET)
            assert c.response().body == b"ok"
            time.sleep(0.2)
        assert len(p.backend.connections) == 5


def test_bytes_on_a_pooled_connection_as_it_is_reused():
    """Both the next request and bytes that nobody asked for are there when the gateway wakes, in either order."""
    def serve(c):
        while True:
            c.request()
            c.send(OK)

    def stop_and(gateway, *acts):
        os.kill(gateway.process.pid, signal.SIGSTOP)
        try:
            while not is_stopped(gateway):
                time.sleep(0.01)
            for act in acts:
                act()
                time.sleep(0.05)
        finally:
            os.kill(gateway.process.pid, signal.SIGCONT)

    stale = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        c.send(GET)
        assert c.response().body == b"ok"
        for i in range(6):
            acts = [lambda: p.backend.connections[-1].send(stale), lambda: c.send(GET)]
            stop_and(p.gateway, *(acts if i % 2 else acts[::-1]))
            r = c.response()
            assert (r.status, r.body) == (200, b"ok"), (i, r.status, r.body)
        assert len(p.backend.connections) == 7, len(p.backend.connections)


def test_bytes_behind_an_answer_that_fills_the_buffer():
    """The read that brings the end of an answer may leave more behind; a pipelined request must not be given that."""
    stale = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"

    def serve(c):
        while True:
            n = int(c.request().target[1:])
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %5d\r\n\r\n" % 0
            body = b"x" * max(n - len(head), 0)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) + (stale if n else b""))

    with Proxy(serve, extra="runtime: {workers: 1}") as p:
        for n in range(16330, 16390):
            with p.connect() as c:
                c.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\nGET /0 HTTP/1.1\r\nHost: a\r\n\r\n" % n)
                assert len(c.response().body) > 16000
                r = c.response()
                assert (r.status, r.body) == (200, b""), (n, r.status, r.body)


def test_early_answer_then_gone():
    """The server answers an upload early and goes; the rest of the body is small, and comes in drops."""
    def serve(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")

    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
        assert c.response().status == 403
        begun = cpu_seconds(p.gateway)
        for _ in range(30):
            time.sleep(0.02)
            c.send(b"x" * 100)
        c.send(GET)
        data = c.response()
        assert data.status in (403, 502), data.status
        assert cpu_seconds(p.gateway) - begun < 0.4


def upload(c, size, chunked):
    """All of a request, and only then its answer, as simple clients do it."""
    c.send(b"POST /up HTTP/1.1\r\nHost: a\r\n" + (b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size) + b"\r\n\r\n")
    block = b"x" * 65536
    for _ in range(size // len(block)):
        c.send(b"10000\r\n" + block + b"\r\n" if chunked else block)
        time.sleep(0.001)
    if chunked:
        c.send(b"0\r\n\r\n")
    return c.response()


def test_early_answers_to_uploads():
    """An answer that does not wait for the body reaches also who sends all of it first. What is small is read to keep the connection."""
    def serve(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        c.rest()

    local = "  - match: {path: /up}\n    respond: {status: 403, body: \"no\"}\n"
    for routes in (local, ""):
        with Proxy(serve, route_extra=routes, listener_extra="    limits: {body_bytes: 32MiB}") as p:
            for chunked in (False, True):
                for size in (512 << 10, 16 << 20):
                    with p.connect() as c:
                        r = upload(c, size, chunked)
                        assert (r.status, r.body) == (403, b"no"), r.line
                        closes = r.fields.get("connection") == "close"
                        assert closes == (size > 1 << 20 and not chunked and routes != ""), r.fields
                        if closes:
                            assert c.is_closed(5)
                        else:
                            assert upload(c, size, not chunked).status == 403


def test_early_answer_and_a_silent_client():
    """Who says how much will come and then sends nothing is not waited for."""
    with Proxy(extra="runtime: {workers: 1}", route_extra="  - match: {path: /up}\n    respond: {status: 403, body: \"no\"}\n") as p:
        with p.connect() as c:
            c.send(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
            assert c.response().status == 403
            assert c.is_closed(2)  # our direction
            time.sleep(4 * lib.SLOW)
            try:
                for _ in range(100):
                    c.send(b"x" * 65536)
                    time.sleep(0.01)
            except OSError:
                return
            raise AssertionError("still taken")


def test_small_chunks_that_fill_a_buffer():
    """An end that is seen while the bytes before it still wait for room."""
    def serve(c):
        n = int(c.request().target[1:])
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX-Pad: "
        chunks = b"1\r\nx\r\n" * 2000
        c.send(head + b"p" * (n - len(head) - 4 - len(chunks) - 5) + b"\r\n\r\n" + chunks + b"0\r\n\r\n")

    with Proxy(serve) as p:
        for n in list(range(16330, 16390)) + list(range(65480, 65540, 3)):
            with p.connect() as c:
                c.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n)
                r = c.response()
                if n < 17000:
                    assert r.status == 200 and r.body == b"x" * 2000, (n, r.status, len(r.body))
                else:
                    assert r.status in (200, 502), (n, r.status)


def test_waiting_client_resets():
    """A client that is gone takes its request along; one that has only ended its direction does not."""
    gone = threading.Event()

    def serve(c):
        c.request()
        c.rest()
        gone.set()

    with Proxy(serve) as p:
        c = p.connect()
        c.send(GET)
        time.sleep(0.2)
        reset(c)
        assert gone.wait(3 * lib.SLOW)


def test_chunks_to_a_slow_reader():
    """Wherever the socket stops among size lines, bodies and line ends, what is left of them goes on in order."""
    block = os.urandom(1300)
    sizes = [1 + i * 37 % len(block) for i in range(4000 if lib.SLOW == 1 else 1500)]

    def serve(c):
        c.head()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n in sizes:
            c.send(b"%x\r\n%s\r\n" % (n, block[:n]))
        c.send(b"0\r\n\r\n")

    with Proxy(serve) as p, p.connect() as c:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.send(GET)
        c.head()
        parts = [c.buffer]
        while not parts[-1].endswith(b"\r\n0\r\n\r\n"):
            got = c.s.recv(1700)
            assert got, "cut"
            # The end may come in two pieces.
            parts.append(parts.pop() + got if len(got) < 8 else got)
            if len(parts) % 50 == 0:
                time.sleep(0.005)
        c.buffer = b"".join(parts)
        body = b""
        while True:
            n = int(c.until(b"\r\n"), 16)
            if n == 0:
                break
            body += c.exactly(n)
            assert c.exactly(2) == b"\r\n"
        assert body == b"".join(block[:n] for n in sizes)


def test_pressure_in_both_directions():
    """An echo far larger than all limits between small socket buffers, read slowly: every byte comes, and memory stays."""
    size = (32 << 20) if lib.SLOW == 1 else (4 << 20)

    def serve(c):
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        c.head()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        left = size
        while left:
            if not c.buffer:
                c.fill()
                del c.log[:]
            data, c.buffer = c.buffer, b""
            c.send(data)
            left -= len(data)

    block = os.urandom(65536)
    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        before = p.gateway.rss_kib()

        def send():
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(block)):
                c.send(block)

        threading.Thread(target=send, daemon=True).start()
        time.sleep(0.5)
        c.head()
        want, got, total = hashlib.sha256(), hashlib.sha256(), len(c.buffer)
        got.update(c.buffer)
        while total < size:
            data = c.s.recv(100000)
            assert data, total
            got.update(data)
            total += len(data)
        for _ in range(size // len(block)):
            want.update(block)
        assert got.digest() == want.digest() and total == size
        assert lib.SLOW > 1 or p.gateway.rss_kib() - before < 4096


test_pressure_in_both_directions.seconds = 120


def test_byte_by_byte_in_both_directions():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n1\r\nx\r\n0\r\nX-T: 1\r\n\r\n"

    def serve(c):
        while True:
            m = c.request()
            assert m.body == b"hello"
            for i in range(len(answer)):
                c.send(answer[i:i + 1])
                time.sleep(0.001)

    with Proxy(serve, extra="runtime: {workers: 1}") as p, p.connect() as c:
        for _ in range(2):
            for i in range(len(REQUESTS["chunked"])):
                c.send(REQUESTS["chunked"][i:i + 1])
                time.sleep(0.001)
            r = c.response()
            assert r.body == b"hellox" and r.trailers.lower() == b"x-t: 1\r\n"
        for byte in (b"\r", b"\n", b"\r", b"\n", GET[:1]):  # empty lines before a request, in pieces
            c.send(byte)
            time.sleep(0.02)
        c.send(b"ET /" + b"x" * 10 + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        assert c.response().body == b"hellox"


def test_more_pipelined_than_the_connection_may_carry():
    with Proxy(listener_extra="    limits: {requests_per_connection: 2}") as p:
        for _ in range(20):
            with p.connect() as c:
                c.send(GET * 5)
                assert "connection" not in c.response().fields
                assert c.response().fields["connection"] == "close"
                assert c.rest() == b""


def test_a_head_larger_than_a_buffer():
    with Proxy(listener_extra="    limits: {header_bytes: 60KiB}") as p, p.connect() as c:
        try:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200000 + b"\r\n\r\n")
        except OSError:
            pass
        assert c.response().status == 431


def test_trailers_larger_than_a_buffer():
    with Proxy(listener_extra="    limits: {header_bytes: 60KiB}") as p, p.connect() as c:
        try:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 200000 + b"\r\n\r\n")
        except OSError:
            pass
        assert c.response().status in (400, 431)


def status_or_end(p):
    """The status of a GET; 0 when the connection ends, or does not begin."""
    try:
        with connect(p.port, 5) as c:
            c.send(GET)
            return int((c.s.recv(100) or b"x 0").split()[1])
    except ConnectionResetError:
        return 0


def test_memory_for_buffers_runs_out():
    """Those for whom there is no buffer are told, or cut off; nobody waits for ever, and afterwards all is as before."""
    stop = threading.Event()

    def serve(c):
        line, _ = c.head()
        if "/hold" in line:
            stop.wait(20 * lib.SLOW)
            return
        c.send(OK)

    with Proxy(serve, extra="runtime: {workers: 1, memory: 16MiB, drain_timeout: 1s}", listener_extra="    limits: {body_bytes: 0B}") as p:
        holders = []
        for _ in range(150):
            c = p.connect()
            c.send(b"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            c.s.setblocking(False)
            holders.append(c)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for c in holders:
                try:
                    c.s.send(b"x" * 65536)
                except OSError:
                    pass
        answers = [status_or_end(p) for _ in range(20)]
        assert set(answers) <= {200, 503, 0}, answers
        for c in holders:
            c.close()
        stop.set()
        time.sleep(0.5)
        with p.connect() as c:
            c.send(GET)
            assert c.response().status == 200


def drained(p, begin, finish, seconds=8):
    """Starts something, drains, finishes it; the gateway must end by itself."""
    with p:
        with p.connect() as c:
            begin(c)
            time.sleep(0.2)
            p.gateway.drain()
            time.sleep(0.2)
            finish(c)
            p.gateway.process.wait(seconds * lib.SLOW)
            assert p.gateway.process.returncode == 0


def test_draining_in_each_state():
    go = threading.Event()

    def slow(c):
        c.request()
        go.wait(5)
        c.send(OK)

    def answered(c):
        r = c.response()
        assert r.status == 200 and r.body in (b"ok", b"hello\n"), r.status
        assert r.fields.get("connection") == "close" and c.is_closed()

    drained(Proxy(), lambda c: None, lambda c: c.is_closed())
    drained(Proxy(), lambda c: c.send(GET[:20]), lambda c: (c.send(GET[20:]), answered(c)))
    drained(Proxy(), lambda c: c.send(REQUESTS["length"][:-2]), lambda c: (c.send(REQUESTS["length"][-2:]), answered(c)))
    drained(Proxy(), lambda c: c.send(REQUESTS["chunked"][:-2]), lambda c: (c.send(REQUESTS["chunked"][-2:]), answered(c)))
    drained(Proxy(slow), lambda c: c.send(GET), lambda c: (go.set(), answered(c)))
    go.clear()
    drained(Proxy(slow), lambda c: c.send(GET * 3), lambda c: (go.set(), answered(c)))
    drained(Proxy(lambda c: (c.request(), c.send(SWITCH), c.rest()), extra="runtime: {drain_timeout: 500ms}"),
            lambda c: (upgrade(c), c.head()), lambda c: lost(c))
    drained(Proxy(), lambda c: (c.send(GET), c.response()), lambda c: c.is_closed())


test_draining_in_each_state.seconds = 120
