# SPDX-License-Identifier: MIT OR Apache-2.0
"""WebSockets over every pair of versions: what passes, and what each limit of `websocket` does to both ends."""
import os
import queue
import threading
import time
import zlib

import lib
from lib import get
from matrix import declare, is_h1, running, stop_kept
from streams import Reset
from ws import BINARY, CLOSE, PING, PONG, TEXT, close, code_of, frame, next_frame

ROUTES = """\
metrics: {}
admin: {address: "127.0.0.1:ADMIN_PORT"}
routes:
  - {match: {path: /plain}, backend: b}
  - {match: {path: /watched}, backend: b, websocket: {ping_interval: 0}}
  - {match: {path: /idle}, backend: b, websocket: {idle_timeout: 500ms, ping_interval: 0}}
  - {match: {path: /total}, backend: b, websocket: {total_timeout: 700ms, idle_timeout: 0, ping_interval: 0}}
  - {match: {path: /ping}, backend: b, websocket: {ping_interval: %dms, idle_timeout: 0}}
  - {match: {path: /size}, backend: b, websocket: {message_bytes: 1000B, frame_bytes: 600B, ping_interval: 0}}
  - {match: {path: /hurry}, backend: b, websocket: {idle_timeout: 300ms, ping_interval: 0, close_timeout: 300ms}}
  - {backend: b}
""" % (400 * lib.SLOW)
GOING_AWAY, PROTOCOL, POLICY, TOO_BIG = 1001, 1002, 1008, 1009
ENABLE_CONNECT_PROTOCOL = 8
SCENARIOS = []


def scenario(f):
    SCENARIOS.append(f)
    return f


class talking:
    """WebSockets through the gateway of a pair; the test holds both ends."""

    def __init__(self, front, back):
        self.front, self.back = front, back
        self.arrived, self.over, self.answer = queue.Queue(), threading.Event(), ()
        self.pair = running(front, back, self.serve, ROUTES, {ENABLE_CONNECT_PROTOCOL: 1})

    def serve(self, s):
        head = s.head()
        if head.pseudo[":path"] == "/refused":
            s.respond(403, [("content-length", "2")])
            s.send(b"no")
            s.end()
            return
        s.accept_websocket(self.answer)
        self.arrived.put((head, s))
        self.over.wait(60 * lib.SLOW)
        raise OSError

    def __enter__(self):
        self.p = self.pair.__enter__()
        self.closed_before = self.closed()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.pair.__exit__(*error)

    def open(self, path, fields=(), answer=()):
        """(the client's end, the server's)"""
        self.answer = answer
        client = self.p.client.open_websocket(path, fields)
        self.client_head = client.head()
        assert self.client_head.status == (101 if is_h1(self.front) else 200), self.client_head.pairs
        self.server_head, server = self.arrived.get(timeout=20 * lib.SLOW)
        return client, server

    def closed(self):
        """How many the gateway has closed, by reason."""
        lines = get(self.p.admin, "/metrics").body.decode().splitlines()
        return {l.split('reason="')[1].split('"')[0]: float(l.split()[-1]) for l in lines
                if l.startswith("toron_websockets_closed_total{") and 'listener="admin"' not in l}

    def count(self, **reasons):
        """So many have been closed by the gateway since the scenario began, and for no other reason."""
        def grown():
            now = self.closed()
            return {k: v - self.closed_before[k] for k, v in now.items() if v != self.closed_before[k]}
        lib.until(lambda: grown() == reasons or sum(grown().values()) > sum(reasons.values()))
        assert grown() == reasons, (grown(), reasons)


def ends(*sides):
    for s in sides:
        assert next_frame(s) == (None, b"")


def finish(*sides):
    for s in sides:
        try:
            s.finish()
        except Reset:
            pass  # with all close frames said, the gateway need not wait for the other half of a stream


def closes_with(code, client, server):
    """The gateway tells both sides, and both answer."""
    assert code_of(client) == code and code_of(server) == code
    client.send(close(code, masked=True))
    server.send(close(code))
    ends(client, server)
    finish(client, server)


def hangs_up(client, server):
    """The client wants to end, and does, cleanly."""
    client.send(close(1000, masked=True, reason=b"bye"))
    assert next_frame(server) == (0x80 | CLOSE, b"\x03\xe8bye")
    server.send(close(1000, reason=b"bye"))
    assert next_frame(client) == (0x80 | CLOSE, b"\x03\xe8bye")
    finish(server, client)
    ends(client, server)


def says(a, b, data):
    """A frame, or many, as they are on the wire."""
    a.send(data)
    assert b.exactly(len(data)) == data


@scenario
def frames_pass_unchanged(front, back):
    def conversation(masked):
        return [frame(TEXT, b"hello", masked=masked), frame(BINARY, b"x" * 200, masked=masked), frame(TEXT, b"a", fin=False, masked=masked),
                frame(PING, b"mine", masked=masked), frame(0, b"b", fin=False, masked=masked), frame(0, b"c", masked=masked),
                frame(BINARY, os.urandom(70000), masked=masked), frame(TEXT, masked=masked), frame(PONG, b"unasked", masked=masked)]

    with talking(front, back) as t:
        for path in ("/plain", "/watched"):
            client, server = t.open(path, [("sec-websocket-protocol", "chat, talk")], [("sec-websocket-protocol", "talk")])
            assert t.server_head.fields["sec-websocket-protocol"] == "chat, talk" and t.client_head.fields["sec-websocket-protocol"] == "talk"
            assert t.server_head.pseudo[":method"] == ("GET" if is_h1(back) else "CONNECT")
            for a, b, frames in ((client, server, conversation(True)), (server, client, conversation(False))):
                says(a, b, b"".join(frames))
                for f in frames:
                    says(a, b, f)
                for byte in frames[0] + frames[3]:
                    says(a, b, bytes([byte])) if path == "/plain" else a.send(bytes([byte]))
                if path == "/watched":
                    assert b.exactly(len(frames[0] + frames[3])) == frames[0] + frames[3]
            hangs_up(client, server)
        # The server ends one, with a code of its own.
        client, server = t.open("/watched")
        server.send(close(4321, reason=b"server"))
        assert next_frame(client) == (0x80 | CLOSE, b"\x10\xe1server")
        client.send(close(4321, masked=True))
        assert code_of(server) == 4321
        finish(server, client)
        ends(client, server)
        t.count()
        lines = t.p.access("/plain", "/watched")
        assert not any("fault" in l for l in lines), lines


@scenario
def refusals(front, back):
    with talking(front, back) as t:
        s = t.p.client.open_websocket("/refused")
        assert s.final().status == 403 and s.read() == b"no"
        client, server = t.open("/plain")
        hangs_up(client, server)


@scenario
def compressed_messages(front, back):
    """permessage-deflate is agreed on by the ends; the gateway lets its bit and the bytes through, both ways."""
    offer, answer = "permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover"
    with talking(front, back) as t:
        for path in ("/plain", "/watched"):
            client, server = t.open(path, [("sec-websocket-extensions", offer)], [("sec-websocket-extensions", answer)])
            assert t.server_head.fields["sec-websocket-extensions"] == offer and t.client_head.fields["sec-websocket-extensions"] == answer
            for a, b, masked in ((client, server, True), (server, client, False)):
                deflate, inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
                for text in (b"hello hello hello", b"hello again, hello", os.urandom(1000) * 100):
                    packed = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
                    half = len(packed) // 2
                    a.send(frame(BINARY, packed[:half], fin=False, masked=masked, reserved=0x40) + frame(0, packed[half:], masked=masked))
                    first, one = next_frame(b)
                    last, two = next_frame(b)
                    assert (first, last) == (BINARY, 0x80), (first, last)
                    assert inflate.decompress(one + two + b"\0\0\xff\xff") == text
            hangs_up(client, server)
        # Without the agreement the bit breaks the protocol.
        client, server = t.open("/watched", [("sec-websocket-extensions", offer)])
        client.send(frame(TEXT, b"x", masked=True, reserved=0x40))
        closes_with(PROTOCOL, client, server)
        t.count(protocol=1)


@scenario
def idle_and_total_time(front, back):
    with talking(front, back) as t:
        other = t.open("/watched")
        client, server = t.open("/idle")
        for _ in range(2):  # frames count, of either side; pongs do not
            time.sleep(0.25)
            says(client, server, frame(TEXT, b"x", masked=True))
            time.sleep(0.25)
            says(server, client, frame(PING, b"y"))
        says(client, server, frame(PONG, masked=True))
        closes_with(GOING_AWAY, client, server)
        client, server = t.open("/total")
        for _ in range(3):
            says(server, client, frame(TEXT, b"x"))
        closes_with(POLICY, client, server)
        t.count(idle=1, total=1)
        says(*other, frame(TEXT, b"still there", masked=True))
        hangs_up(*other)


@scenario
def who_does_not_close_is_cut_off(front, back):
    with talking(front, back) as t:
        client, server = t.open("/hurry")
        assert code_of(client) == GOING_AWAY and code_of(server) == GOING_AWAY
        ends(client, server)
        t.count(idle=1)


@scenario
def pings_keep_it_alive(front, back):
    """For as long as both answer; what they answer goes no further. Who falls silent is given up."""
    with talking(front, back) as t:
        client, server = t.open("/ping")
        for _ in range(2):
            for s, masked in ((client, True), (server, False)):
                first, payload = next_frame(s)
                assert first == 0x80 | PING and len(payload) == 8, (first, payload)
                s.send(frame(PONG, payload, masked=masked))
        first, payload = next_frame(server)
        assert first == 0x80 | PING
        server.send(frame(PONG, payload))
        assert code_of(server) == GOING_AWAY and code_of(client) == GOING_AWAY
        server.send(close(GOING_AWAY))
        client.send(close(GOING_AWAY, masked=True))
        ends(client, server)
        t.count(ping=1)


@scenario
def limits_of_size(front, back):
    """Of each side, and nothing of what is too much is passed on."""
    with talking(front, back) as t:
        other = t.open("/watched")
        for too_much in (
                lambda masked: frame(BINARY, b"x" * 601, masked=masked),
                lambda masked: frame(TEXT, b"x" * 600, fin=False, masked=masked) + frame(0, b"x" * 401, masked=masked)):
            for k in range(2):
                ends_of_it = t.open("/size")
                a, b = ends_of_it if k == 0 else ends_of_it[::-1]
                says(a, b, frame(BINARY, b"x" * 600, masked=k == 0))
                says(a, b, frame(TEXT, b"x" * 600, fin=False, masked=k == 0) + frame(0, b"x" * 400, masked=k == 0))
                a.send(too_much(k == 0))
                closes_with(TOO_BIG, *ends_of_it)
        t.count(size=4)
        says(*other, frame(TEXT, b"still there", masked=True))
        hangs_up(*other)


@scenario
def broken_frames(front, back):
    with talking(front, back) as t:
        for k, broken in ((0, frame(TEXT, b"unmasked")), (1, frame(TEXT, b"masked", masked=True)), (0, frame(3, masked=True)), (1, frame(11)),
                          (0, frame(0, b"x", masked=True)), (1, frame(PING, b"x" * 126)), (0, close(1005, masked=True))):
            ends_of_it = t.open("/watched")
            a, b = ends_of_it if k == 0 else ends_of_it[::-1]
            a.send(frame(TEXT, b"fine", masked=k == 0) + broken)
            assert next_frame(b) == (0x80 | TEXT, b"fine")
            closes_with(PROTOCOL, *ends_of_it)
        t.count(protocol=7)


@scenario
def slow_readers(front, back):
    """Hold back whom they listen to, and nobody else; all arrives in the end."""
    piece = frame(BINARY, os.urandom(65536))
    total = 16 << 20
    with talking(front, back) as t:
        if not is_h1(front):
            with t.p.client.cond:
                t.p.client.h2.increment_flow_control_window(1 << 20)
                t.p.client.flush()
        for path in ("/plain", "/watched"):
            other = t.open("/watched")
            client, server = t.open(path)
            client.hold = True
            sent = [0]

            def send():
                while sent[0] < total // len(piece):
                    server.send(piece)
                    sent[0] += 1

            thread = threading.Thread(target=send, daemon=True)
            thread.start()
            time.sleep(0.5)
            before = sent[0]
            time.sleep(0.3)
            assert sent[0] == before and before < total // len(piece), "nothing holds the server back"
            says(*other, frame(TEXT, b"not held back", masked=True))
            hangs_up(*other)
            if not is_h1(front):
                with t.p.client.cond:
                    client.hold = False
                    t.p.client.h2.acknowledge_received_data(len(client.data), client.number)
                    t.p.client.flush()
            for _ in range(total // len(piece)):
                assert client.exactly(len(piece)) == piece
            thread.join(20 * lib.SLOW)
            hangs_up(client, server)


@scenario
def a_drain(front, back):
    """1001 between two frames, to both; a plain tunnel goes on until its ends have had enough. The gateway then ends."""
    with talking(front, back) as t:
        plain, (client, server) = t.open("/plain"), t.open("/watched")
        half = frame(BINARY, b"x" * 1000)
        server.send(half[:500])
        assert client.exactly(500) == half[:500]
        t.p.gateway.drain()
        assert code_of(server) == GOING_AWAY
        server.send(half[500:])
        assert client.exactly(len(half) - 500) == half[500:]
        assert code_of(client) == GOING_AWAY
        client.send(close(GOING_AWAY, masked=True))
        server.send(close(GOING_AWAY))
        ends(client, server)
        finish(client, server)
        says(*plain, frame(TEXT, b"still there", masked=True))
        hangs_up(*plain)
        assert t.p.gateway.process.wait(20 * lib.SLOW) == 0
    stop_kept()


declare(globals(), SCENARIOS)
