# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who floods a gateway in HTTP/2 is cut off, for what it did, and others are served meanwhile."""
import threading
import time

import h2_attacks
import h2_peer
import lib
import streams

LIMITS = "{period: 2s, resets: 40, settings: 20, pings: 40, priorities: 100, empty_frames: 40, window_updates: 100}"


def serve(s):
    try:
        if s.head().pseudo[":path"] == "/slow":
            time.sleep(0.2)
            s.respond(200, [("content-length", "0")], end=True)
            return
        s.respond(200, [("content-length", "2000000")])
        for _ in range(200):
            s.send(b"x" * 10000)
    except streams.Reset:
        raise EOFError


def gateway(port, back, workers=1):
    return lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, limits: {h2: %s, min_rate: {response: 16KiB, over: 2s}}}]
backends: {b: {url: "http://127.0.0.1:%d"}}
runtime: {workers: %d}
routes:
  - {match: {path: /small}, respond: {status: 200, body: hello}}
  - backend: b
""" % (port, LIMITS, back, workers))


def flood(attack):
    """An attacker and another client, at the same time and on the same worker."""
    with streams.server("h1", serve) as b:
        port = lib.free_port()
        with gateway(port, b.port) as g:
            a = h2_attacks.Attacker(port, attack)
            took = []
            t = threading.Thread(target=lambda: took.append(a.until_cut(30 * lib.SLOW)))
            t.start()
            served = 0
            with streams.client("h2c", port) as c:
                while t.is_alive() or served == 0:
                    assert c.open("GET", "/small", end=True).final().status == 200
                    served += 1
                    time.sleep(0.02)
            t.join()
            assert took[0] is not None, "%s: not cut off" % attack.name
            if attack.limits != h2_attacks.PACE:
                g.wait_for("; disconnected")
                assert any("(%s); disconnected" % limit in g.stderr() for limit in attack.limits), g.stderr()
            # Who does not read cannot read why; and what comes behind a closed connection is lost with it.
            # A window that grows by nothing on a stream that is gone is a mistake of the connection.
            assert a.goaway in (1, 11, None), (attack.name, a.goaway)
            a.close()
            return a.goaway


def make(attack):
    def test():
        flood(attack)
    test.__doc__ = attack.name
    return test


for one in h2_attacks.ATTACKS:
    globals()["test_" + "".join(c if c.isalnum() else "_" for c in one.name.lower())] = make(one)


def test_the_limit_of_continuations_is_the_configured_one():
    port = lib.free_port()
    for n in (3, 20):
        with lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, limits: {h2: {continuations: %d}}}]
routes: [{respond: {status: 200, body: hello}}]
""" % (port, n)) as g:
            for more in (0, 1):
                with lib.connect(port) as c:
                    c.send(h2_attacks.PREFACE + h2_attacks.frame(h2_attacks.SETTINGS) + h2_attacks.request(0, b"/", flags=1))
                    for i in range(n + more):
                        c.send(h2_attacks.frame(h2_attacks.CONTINUATION, 4 if i == n - 1 + more else 0, 1, h2_attacks.literal(b"x", b"y")))
                    kinds = []
                    while not {h2_attacks.HEADERS, h2_attacks.GOAWAY} & set(kinds):
                        f = c.exactly(9)
                        kinds.append(f[3])
                        c.exactly(int.from_bytes(f[:3], "big"))
                    assert kinds[-1] == (h2_attacks.GOAWAY if more else h2_attacks.HEADERS), (n, more, kinds)
            g.wait_for("(continuations); disconnected")


def test_a_shut_window_has_its_time():
    """From the answer on, whatever limit comes first: then the window opens, and all is well."""
    port = lib.free_port()
    with lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, timeouts: {header: 500ms, write: %ds}}]
routes: [{respond: {status: 200, body: hello}}]
""" % (port, 10 * lib.SLOW)) as g, lib.connect(port, 30) as c:
        c.send(h2_attacks.PREFACE + h2_attacks.frame(h2_attacks.SETTINGS, 0, 0, b"\0\4\0\0\0\0") + h2_attacks.request(0, b"/", flags=5))
        time.sleep(2)
        c.send(h2_attacks.frame(h2_attacks.WINDOW, 0, 1, b"\0\0\0\x05"))
        kinds = []
        while h2_attacks.DATA not in kinds:
            f = c.exactly(9)
            kinds.append(f[3])
            body = c.exactly(int.from_bytes(f[:3], "big"))
            assert f[3] not in (h2_attacks.RST, h2_attacks.GOAWAY), (kinds, g.stderr())
        assert body == b"hello"


def test_who_reads_slowly_but_steadily_is_served():
    """Above its pace, a client of many large answers is left alone."""
    with streams.server("h1", serve) as b:
        port = lib.free_port()
        with gateway(port, b.port) as g:
            a = h2_attacks.Attacker(port, h2_attacks.Attack("steady", h2_attacks.PACE, h2_attacks.much, most=5))
            begun = time.monotonic()
            while time.monotonic() - begun < 7:
                a._fill()
                if a.waiting:
                    a.waiting = a.waiting[a.socket.send(a.waiting):]
                try:
                    assert a.socket.recv(16384) != b""
                except BlockingIOError:
                    pass
                time.sleep(0.1)
            a.close()
            assert a.goaway is None and "h2-flood" not in g.stderr()


def test_resets_of_the_servers_making_are_not_held_against_the_client():
    def cut(s):
        s.head()
        s.respond(200, [("content-length", "10")])
        s.send(b"abc")
        s.reset()

    with streams.server("h1", cut) as b:
        port = lib.free_port()
        with gateway(port, b.port) as g, streams.client("h2c", port) as c:
            for _ in range(60):
                s = c.open("GET", "/", end=True)
                try:
                    s.final()
                    s.read()
                except streams.Reset:
                    pass
                assert s.reset_code == 2, s.reset_code
            assert c.goaway is None and "h2-flood" not in g.stderr(), g.stderr()


def test_pings_that_measure_are_answered():
    """Clients and servers of gRPC send one for each DATA frame that comes, to learn how long it takes."""
    with streams.server("h1", serve) as b:
        port = lib.free_port()
        with gateway(port, b.port) as g, h2_peer.Client(port) as c:
            stream = c.request([(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")])
            s, n_pings = c.streams[stream], 0
            while not s.ended:
                c.step()
                while n_pings < len(s.data) // 16384:
                    c.connection.ping(b"measures")
                    c.flush()
                    n_pings += 1
            assert len(s.data) == 2000000 and n_pings > 100 and "h2-flood" not in g.stderr(), (len(s.data), n_pings, g.stderr())


def test_servers_may_reset_what_they_have_answered():
    """Who answers before the whole of a request is there says so for each (RFC 9113 section 8.1), also on a connection of many requests."""
    def early(s):
        s.head()
        s.respond(200, [("content-length", "0")], end=True)
        s.reset(0)

    port = lib.free_port()
    with streams.server("h2c", early) as b, lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {b: {url: "http://127.0.0.1:%d", protocol: h2}}
runtime: {workers: 1}
routes: [{backend: b}]
""" % (port, b.port)) as g, streams.client("h2c", port) as c:
        for _ in range(300):
            s = c.open("POST", "/")
            assert s.final().status == 200
        assert "h2-flood" not in g.stderr() and len(b.connections) == 1, (g.stderr(), len(b.connections))
