# SPDX-License-Identifier: MIT OR Apache-2.0
"""WebSockets through the gateway: the handshake, and what the key `websocket` keeps watch over. Peers are python3-websockets where it is
there, and raw frames where every byte counts."""
import asyncio
import base64
import os
import threading
import time

import h2_peer
import lib
from lib import Backend, Gateway, Proxy, connect, free_port, proxy_config
from ws import BINARY, CLOSE, KEY, PING, PONG, TEXT, answer_to, close, code_of, frame, next_frame


def accept(c, extra=""):
    m = c.request()
    c.send(("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n%s\r\n"
            % (answer_to(m.fields["sec-websocket-key"]), extra)).encode())
    return m


def request(key=KEY, version="13", extra="", method="GET", target="/"):
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: a", "Connection: Upgrade", "Upgrade: websocket"]
    if key is not None:
        lines.append("Sec-WebSocket-Key: " + key)
    if version is not None:
        lines.append("Sec-WebSocket-Version: " + version)
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


def opened(p, extra=""):
    c = p.connect()
    c.send(request(extra=extra))
    line, fields = c.head()
    assert " 101 " in line, line
    assert fields["sec-websocket-accept"] == answer_to(KEY)
    return c


class Script:
    """A server of one WebSocket; the test talks through it from both ends."""

    def __init__(self, websocket="{}", extra=""):
        self.ready = threading.Event()
        self.proxy = Proxy(self.serve, route_extra="    websocket: " + websocket if websocket else "", extra=extra)
        self.answer = ""

    def serve(self, c):
        accept(c, self.answer)
        self.server = c
        self.ready.set()
        self.gone = threading.Event()
        self.gone.wait(60)

    def __enter__(self):
        self.proxy.__enter__()
        return self

    def __exit__(self, *error):
        self.gone.set()
        self.proxy.__exit__(*error)

    def open(self, answer=""):
        self.answer = answer
        self.ready.clear()
        client = opened(self.proxy)
        assert self.ready.wait(10 * lib.SLOW)
        return client, self.server


# ---- the handshake ----

def test_bad_handshakes():
    reached = []

    def serve(c):
        reached.append(1)
        accept(c)

    cases = [
        (request(key=None), 400), (request(key=""), 400), (request(key="short"), 400), (request(key=KEY[:-1] + "A"), 400),
        (request(key="!" * 22 + "=="), 400), (request(method="OPTIONS"), 400),
        (request(version=None), 426), (request(version="8"), 426), (request(version="13, 8"), 426),
    ]
    with Proxy(serve) as p:
        for data, status in cases:
            with p.connect() as c:
                c.send(data)
                r = c.response()
                assert r.status == status, (data, r.status)
                assert r.fields.get("sec-websocket-version") == ("13" if status == 426 else None)
        assert not reached
        opened(p).close()


def test_a_server_that_has_not_understood():
    for text in ("Sec-WebSocket-Accept: %s\r\n" % answer_to("x" * 22 + "=="), ""):
        def serve(c):
            c.request()
            c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n%s\r\n" % text.encode())

        with Proxy(serve) as p, p.connect() as c:
            c.send(request())
            assert c.response().status == 502


def test_a_refusal_goes_through():
    with Proxy(lambda c: (c.request(), c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))) as p, p.connect() as c:
        c.send(request())
        r = c.response()
        assert r.status == 403 and r.body == b"no"


# ---- what is watched ----

CONVERSATION = [frame(TEXT, b"hello"), frame(BINARY, b"x" * 200), frame(TEXT, b"a", fin=False), frame(PING, b"mine"),
                frame(0, b"b", fin=False), frame(0, b"c"), frame(BINARY, b"y" * 70000), frame(TEXT), frame(PONG, b"unasked")]


def test_frames_pass_unchanged():
    """In both directions, whole, cut at every byte, and all at once."""
    small = [f for f in CONVERSATION if len(f) < 1000]
    masked = [frame(f[0] & 15, b"z" * 10, fin=f[0] & 0x80 != 0, masked=True) for f in small]
    with Script() as s:
        client, server = s.open()
        with client:
            for frames, a, b in ((CONVERSATION, server, client), (masked, client, server)):
                data = b"".join(frames)
                threading.Thread(target=a.send, args=(data,), daemon=True).start()
                assert b.exactly(len(data)) == data
                for f in frames:
                    a.send(f)
                    assert b.exactly(len(f)) == f
            for frames, a, b in ((small, server, client), (masked, client, server)):
                data = b"".join(frames)
                for i in range(0, len(data)):
                    a.send(data[i:i + 1])
                    if i % 3 == 0:
                        time.sleep(0.001)
                assert b.exactly(len(data)) == data
                assert not a.buffer and not b.buffer
            client.send(close(1000, masked=True))
            assert next_frame(server) == (0x88, b"\x03\xe8")
            server.send(close(1000))
            assert next_frame(client) == (0x88, b"\x03\xe8")
            server.end()
            assert next_frame(client) == (None, b"")
            client.end()
            assert next_frame(server) == (None, b"")
        line = s.proxy.gateway.access()[0]
        assert line["status"] == 101 and "fault" not in line, line


def test_broken_frames():
    """Each is answered by close frames to both sides, with the code, and never reaches the other side."""
    big = "{message_bytes: 1000B, frame_bytes: 600B}"
    ok = frame(TEXT, b"ok", masked=True)
    cases = [
        ("unmasked", frame(TEXT, b"x"), 1002), ("opcode 3", frame(3, b"x", masked=True), 1002), ("opcode 11", frame(11, masked=True), 1002),
        ("reserved bit", frame(TEXT, b"x", masked=True, reserved=0x40), 1002),
        ("nothing to continue", frame(0, b"x", masked=True), 1002),
        ("a message in a message", frame(TEXT, b"x", fin=False, masked=True) + frame(TEXT, b"x", masked=True), 1002),
        ("long ping", frame(PING, b"x" * 126, masked=True), 1002), ("cut ping", frame(PING, fin=False, masked=True), 1002),
        ("long length", b"\x81\xfe\x00\x05abcd12345", 1002), ("close of one byte", frame(CLOSE, b"x", masked=True), 1002),
        ("close with a code that is not sent", close(1005, masked=True), 1002),
        ("long frame", frame(BINARY, b"x" * 601, masked=True), 1009),
        ("very long frame", b"\x82\xff\x00\x00\x00\xff\x00\x00\x00\x00abcd", 1009),
        ("long message", frame(TEXT, b"x" * 600, fin=False, masked=True) + frame(0, b"x" * 401, masked=True), 1009),
    ]
    with Script(big) as s:
        for name, data, code in cases:
            client, server = s.open()
            with client:
                client.send(ok + data)
                assert next_frame(server) == (0x81, b"ok"), name
                assert code_of(server) == code, name
                assert code_of(client) == code, name
                client.send(close(code, masked=True))
                server.send(close(code))
                assert next_frame(client) == (None, b""), name
                assert next_frame(server) == (None, b""), name
            s.gone.set()


def test_broken_frames_of_a_server():
    with Script("{message_bytes: 100B}") as s:
        for data, code in ((frame(TEXT, b"x", masked=True), 1002), (frame(5), 1002), (frame(TEXT, b"x" * 101), 1009)):
            client, server = s.open()
            with client:
                server.send(frame(TEXT, b"fine") + data)
                assert next_frame(client) == (0x81, b"fine")
                assert code_of(client) == code and code_of(server) == code
            s.gone.set()


def test_extensions_may_use_reserved_bits():
    with Script() as s:
        client, server = s.open("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n")
        with client:
            data = frame(TEXT, b"xyz", masked=True, reserved=0x40)
            client.send(data)
            assert server.exactly(len(data)) == data
            client.send(frame(TEXT, b"xyz", masked=True, reserved=0x20))
            assert code_of(client) == 1002


def test_pings_of_the_gateway():
    """Both sides are pinged while they are silent, their pongs go no further; other pings and pongs do."""
    with Script("{ping_interval: 200ms, idle_timeout: 30s}") as s:
        client, server = s.open()
        with client:
            for _ in range(3):
                for c, masked in ((client, True), (server, False)):
                    opcode, payload = next_frame(c)
                    assert opcode == 0x89 and len(payload) == 8, (opcode, payload)
                    c.send(frame(PONG, payload, masked=masked))
            client.send(frame(TEXT, b"after", masked=True))
            while True:
                opcode, payload = next_frame(server)
                if opcode != 0x89:
                    break
                server.send(frame(PONG, payload))
            assert (opcode, payload) == (0x81, b"after")
            server.send(frame(PING, b"server's own"))
            while True:
                opcode, payload = next_frame(client)
                if payload == b"server's own":
                    break
                assert opcode == 0x89
                client.send(frame(PONG, payload, masked=True))
            client.send(frame(PONG, b"server's own", masked=True))
            while True:
                opcode, payload = next_frame(server)
                if opcode == 0x8a:
                    break
                server.send(frame(PONG, payload))
            assert payload == b"server's own"


def test_pings_wait_for_the_end_of_a_frame():
    with Script("{ping_interval: 400ms, idle_timeout: 30s}") as s:
        client, server = s.open()
        with client:
            data = frame(BINARY, b"x" * 1000)
            server.send(data[:500])
            for part in (data[500:600], data[600:] + frame(PONG)):  # by the second time the client is to be pinged as well
                assert next_frame(server)[0] == 0x89
                server.send(part)
            assert client.exactly(len(data) + 2) in (data + frame(PONG), data + b"\x89\x08")


def test_who_answers_no_ping_is_given_up():
    with Script("{ping_interval: 300ms, idle_timeout: 30s}") as s:
        client, server = s.open()
        with client:
            opcode, payload = next_frame(server)
            assert opcode == 0x89
            server.send(frame(PONG, payload))
            assert next_frame(client)[0] == 0x89  # and the client says nothing
            assert code_of(server) == 1001


def test_time_limits():
    with Script("{idle_timeout: 400ms, ping_interval: 0, close_timeout: 200ms}") as s:
        client, server = s.open()
        with client:
            assert code_of(client) == 1001 and code_of(server) == 1001
            assert next_frame(client) == (None, b"")  # nobody has answered: cut off
    with Script("{total_timeout: 500ms, ping_interval: 0, idle_timeout: 0}") as s:
        client, server = s.open()
        with client:
            client.send(frame(TEXT, b"x", masked=True))
            assert code_of(client) == 1008 and code_of(server) == 1008
            client.send(close(1008, masked=True))
            assert next_frame(client) == (None, b"")


def test_the_idle_limit_stands_in_place_of_the_backends():
    port = free_port()
    ready = threading.Event()
    servers = []

    def serve(c):
        accept(c)
        servers.append(c)
        ready.set()
        time.sleep(20)

    with Backend(serve) as b:
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {b: {url: "http://127.0.0.1:%d", timeouts: {idle: 300ms}, websocket: {ping_interval: 0}}}
routes: [{match: {path: /}, backend: b}]
""" % (port, b.port)
        with Gateway(config), connect(port) as c:
            c.send(request())
            assert " 101 " in c.head()[0]
            ready.wait(5)
            time.sleep(1)
            servers[0].send(frame(TEXT, b"late"))
            assert next_frame(c) == (0x81, b"late")


def test_draining_closes_between_frames():
    with Script() as s:
        client, server = s.open()
        with client:
            half = frame(BINARY, b"x" * 1000)
            server.send(half[:500])
            assert client.exactly(500) == half[:500]
            s.proxy.gateway.drain()
            assert code_of(server) == 1001
            time.sleep(0.2)
            server.send(half[500:])
            assert client.exactly(len(half) - 500) == half[500:]
            assert code_of(client) == 1001
            client.send(close(1001, masked=True))
            server.send(close(1001))
            assert next_frame(client) == (None, b"") and next_frame(server) == (None, b"")
            client.end()
            server.end()
            s.proxy.gateway.process.wait(5 * lib.SLOW)


def test_a_plain_tunnel_lasts_until_the_drain_is_over():
    with Script(websocket=None, extra="runtime: {drain_timeout: 1s}") as s:
        client, server = s.open()
        with client:
            s.proxy.gateway.drain()
            time.sleep(0.2)
            client.send(frame(TEXT, b"x", masked=True))
            assert next_frame(server) == (0x81, b"x")
            assert next_frame(client) == (None, b"")


def test_back_pressure_with_a_slow_reader():
    """What is under way stays bounded, and all of it arrives."""
    with Script("{ping_interval: 3s, idle_timeout: 30s}") as s:
        client, server = s.open()
        with client:
            before = s.proxy.gateway.rss_kib()
            payload = os.urandom(1 << 20)
            data = frame(BINARY, payload)

            def send():
                for _ in range(64):
                    server.send(data)

            t = threading.Thread(target=send, daemon=True)
            t.start()
            time.sleep(1)
            assert t.is_alive()
            assert s.proxy.gateway.rss_kib() - before < 16 << 10
            n = 0
            while n < 64:
                opcode, got = next_frame(client)
                if opcode == 0x89:
                    client.send(frame(PONG, got, masked=True))
                    continue
                assert opcode == 0x82 and got == payload
                n += 1


# ---- python3-websockets on both sides ----

def library():
    try:
        import websockets
        return websockets
    except ImportError:
        raise lib.Skip("python3-websockets is not installed")


async def talk(websockets, port):
    async with websockets.connect("ws://127.0.0.1:%d/" % port, max_size=None, ping_interval=None) as ws:
        for message in ("text", "", "ä" * 5000, b"", b"x", os.urandom(70000), os.urandom(3 << 20)):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["frag", "ments", ""])
        assert await ws.recv() == "fragments"
        await asyncio.gather(*(ws.send("m%d" % i) for i in range(200)))
        assert sorted([await ws.recv() for _ in range(200)]) == sorted("m%d" % i for i in range(200))
        await asyncio.wait_for(await ws.ping(), 5 * lib.SLOW)
        await asyncio.sleep(3 * lib.SLOW)  # pings of the gateway, where it sends some
        await ws.close(4000, "bye")
    return ws.close_code, ws.close_reason


async def closed_by_server(websockets, port, path):
    async with websockets.connect("ws://127.0.0.1:%d%s" % (port, path), max_size=None) as ws:
        try:
            while True:
                await asyncio.wait_for(ws.recv(), 20 * lib.SLOW)
        except websockets.exceptions.ConnectionClosed:
            pass
    return ws.close_code


async def both_ends(websockets, gateway_port, use):
    codes = []

    async def serve(ws):
        try:
            async for message in ws:
                if message == "close":
                    await ws.close(4321, "server")
                else:
                    await ws.send(message)
        finally:
            codes.append(ws.close_code)

    server = await websockets.serve(serve, "127.0.0.1", use["port"], max_size=None, ping_interval=None)
    try:
        result = await use["talk"](websockets, gateway_port)
        for _ in range(100):
            if codes:
                break
            await asyncio.sleep(0.05 * lib.SLOW)
        return result, codes
    finally:
        server.close()
        await server.wait_closed()


def with_library(talk, websocket):
    websockets = library()
    port, back = free_port(), free_port()
    with Gateway(proxy_config(port, back, route_extra="    websocket: " + websocket if websocket else "")):
        return asyncio.run(both_ends(websockets, port, {"port": back, "talk": talk}))


def test_library_peers_plain():
    assert with_library(talk, None) == ((4000, "bye"), [4000])


def test_library_peers_watched():
    """With compression, which both sides of the library offer, and pings that the library answers."""
    assert with_library(talk, "{ping_interval: %ds, message_bytes: 4MiB}" % (2 * lib.SLOW)) == ((4000, "bye"), [4000])


def test_library_peers_close_codes():
    async def by_server(websockets, port):
        async with websockets.connect("ws://127.0.0.1:%d/" % port) as ws:
            await ws.send("close")
            await asyncio.wait_for(ws.wait_closed(), 10 * lib.SLOW)
        return ws.close_code, ws.close_reason

    async def too_big(websockets, port):
        async with websockets.connect("ws://127.0.0.1:%d/" % port, compression=None) as ws:
            await ws.send(b"x" * 100000)
            await asyncio.wait_for(ws.wait_closed(), 10 * lib.SLOW)
        return ws.close_code

    assert with_library(by_server, "{}") == ((4321, "server"), [4321])
    assert with_library(too_big, "{message_bytes: 64KiB}") == (1009, [1009])


# ---- over HTTP/2 (RFC 8441) ----

def open_h2(client, extra=(), target="/"):
    stream = client.request([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"),
                             (":path", target), ("sec-websocket-version", "13"), *extra], end=False)
    client.until(stream, lambda s: s.head is not None)
    return stream


class Tunnel:
    """A stream of HTTP/2 as the bytes that next_frame reads."""

    def __init__(self, client, stream):
        self.client, self.stream = client, client.streams[stream]
        self.id = stream

    def exactly(self, n):
        while len(self.stream.data) < n:
            if self.stream.ended or self.stream.reset is not None:
                raise EOFError
            self.client.step()
        data = bytes(self.stream.data[:n])
        del self.stream.data[:n]
        return data

    def send(self, data, end=False):
        self.client.send(self.id, data, end)


def echo_frames(c):
    m = accept(c)
    assert m.method == "GET" and len(base64.b64decode(m.fields["sec-websocket-key"])) == 16, m.fields
    while True:
        opcode, payload = next_frame(c)
        if opcode is None:
            return
        c.send(frame(opcode & 15, payload, fin=opcode & 0x80 != 0))
        if opcode & 15 == CLOSE:
            return


def test_h2_client_and_http1_server():
    for websocket in ("", "    websocket: {}"):
        with Proxy(echo_frames, route_extra=websocket) as p, h2_peer.Client(p.port) as c:
            stream = open_h2(c)
            s = c.streams[stream]
            assert s.status == 200 and s.field("sec-websocket-accept") is None and s.field("upgrade") is None, s.head
            assert c.settings[8] == 1  # SETTINGS_ENABLE_CONNECT_PROTOCOL
            t = Tunnel(c, stream)
            for payload in (b"hello", b"", b"x" * 300, os.urandom(200000)):
                t.send(frame(BINARY, payload, masked=True))
                assert next_frame(t) == (0x82, payload)
            data = frame(TEXT, b"dripping", masked=True)
            for i in range(len(data)):
                t.send(data[i:i + 1])
            assert next_frame(t) == (0x81, b"dripping")
            t.send(close(1000, masked=True), end=True)
            assert code_of(t) == 1000
            assert c.response(stream).reset is None


def test_h2_bad_handshakes_and_refusals():
    with Proxy(lambda c: (c.request(), c.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"))) as p:
        with h2_peer.Client(p.port) as c:
            stream = open_h2(c)
            assert c.response(stream).status == 404 and c.streams[stream].data == b"no"
            stream = c.request([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"),
                                (":path", "/"), ("sec-websocket-version", "8")], end=False)
            s = c.response(stream)
            assert s.status == 426 and s.field("sec-websocket-version") == "13"
    with Proxy(lambda c: (c.request(), c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))) as p:
        with h2_peer.Client(p.port) as c:
            assert c.streams[open_h2(c)].status == 502


def test_h2_limits_and_draining():
    with Proxy(echo_frames, route_extra="    websocket: {message_bytes: 1000B}") as p, h2_peer.Client(p.port) as c:
        t = Tunnel(c, open_h2(c))
        t.send(frame(TEXT, b"x" * 1001, masked=True))
        assert code_of(t) == 1009
        t.send(close(1009, masked=True), end=True)
        assert next_frame(t) == (None, b"")
        t = Tunnel(c, open_h2(c))
        p.gateway.drain()
        assert code_of(t) == 1001
        t.send(close(1001, masked=True), end=True)
        assert next_frame(t) == (None, b"")
        p.gateway.process.wait(5 * lib.SLOW)


def to_h2(port, back, websocket=""):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {b: {url: "http://127.0.0.1:%d", protocol: h2%s}}
routes: [{match: {path: /}, backend: b}]
""" % (port, back, ", websocket: " + websocket if websocket else "")


def test_http1_client_and_h2_server():
    """The gateway answers for the server, which knows no keys."""
    seen = []
    port = free_port()
    with Backend(lambda c: h2_peer.serve_tunnels(c, seen)) as b, Gateway(to_h2(port, b.port)):
        with connect(port) as c:
            c.send(request(extra="Sec-WebSocket-Protocol: chat\r\n", target="/x?y"))
            line, fields = c.head()
            assert " 101 " in line and fields["sec-websocket-accept"] == answer_to(KEY) and fields["upgrade"] == "websocket", (line, fields)
            head = seen[0]
            assert head[":method"] == "CONNECT" and head[":protocol"] == "websocket" and head[":path"] == "/x?y", head
            assert head["sec-websocket-version"] == "13" and head["sec-websocket-protocol"] == "chat"
            for gone in ("sec-websocket-key", "upgrade", "connection", "host", "te"):
                assert gone not in head, head
            data = os.urandom(200000)
            threading.Thread(target=c.send, args=(data,), daemon=True).start()
            assert c.exactly(len(data)) == data
            c.end()
            assert c.rest() == b""
    for kw, status in (({"status": "403"}, 403), ({"connect": False}, 501)):
        with Backend(lambda c: h2_peer.serve_tunnels(c, seen, **kw)) as b, Gateway(to_h2(port, b.port)), connect(port) as c:
            c.send(request())
            assert c.response().status == status


def test_all_versions_on_both_sides():
    """HTTP/1.1 and HTTP/2 clients through a gateway that speaks HTTP/2 to another one, which speaks HTTP/1.1 to the server."""
    first, second = free_port(), free_port()
    with Backend(echo_frames) as b, Gateway(proxy_config(second, b.port)):
        for websocket in ("", "{ping_interval: 0, message_bytes: 1MiB}"):
            with Gateway(to_h2(first, second, websocket)):
                with connect(first) as c:
                    c.send(request())
                    line, fields = c.head()
                    assert " 101 " in line and fields["sec-websocket-accept"] == answer_to(KEY)
                    talk_and_close(c)
                with h2_peer.Client(first) as c:
                    stream = open_h2(c)
                    assert c.streams[stream].status == 200
                    talk_and_close(Tunnel(c, stream))


def talk_and_close(c):
    for payload in (b"hello", b"x" * 70000, os.urandom(300000)):
        c.send(frame(BINARY, payload, masked=True))
        assert next_frame(c) == (0x82, payload)
    c.send(close(1000, masked=True))
    assert code_of(c) == 1000
    assert next_frame(c) == (None, b"")


def test_library_peers_over_h2():
    websockets = library()
    first, second, back = free_port(), free_port(), free_port()
    with Gateway(proxy_config(second, back)), Gateway(to_h2(first, second, "{ping_interval: %ds}" % (2 * lib.SLOW))):
        assert asyncio.run(both_ends(websockets, first, {"port": back, "talk": talk})) == ((4000, "bye"), [4000])
