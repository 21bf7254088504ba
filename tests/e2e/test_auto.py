# SPDX-License-Identifier: MIT OR Apache-2.0
"""`protocol: auto`: over TLS a server chooses the version, on each of its connections anew."""
import socket
import threading
import time

import certs
import lib
import streams
from lib import Gateway, free_port, get

CONFIG = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
runtime: {workers: 1}
log: {access: {enabled: true, flush: 0}}
backends: {b: {url: "%s://127.0.0.1:%d", protocol: auto%s}}
routes: [{backend: b}]
"""


class Server(streams.Server):
    """Speaks what it has chosen; .chosen has one entry a connection."""

    def __init__(self, serve, alpn):
        self.exchanges, self.chosen = serve, []
        super().__init__(self.choose, certs.server_context())
        self.speak(alpn)

    def speak(self, alpn):
        self.context = certs.server_context()
        if alpn:
            self.context.set_alpn_protocols(alpn)

    def choose(self, c):
        protocol = c.s.tls.selected_alpn_protocol()
        self.chosen.append(protocol)
        if protocol == "h2":
            c.s.settimeout(None)
            conn = streams.H2Conn(c.s, False, None, self.exchanges)
            with conn.cond:
                conn.cond.wait_for(lambda: conn.gone)
            return
        try:
            while True:
                c.fill()
                self.exchanges(streams.H1Stream(c, True))
        except streams.Reset:
            pass


class Auto:
    def __init__(self, serve, alpn, extra=""):
        self.server = Server(serve, alpn)
        self.port = free_port()
        self.gateway = Gateway(CONFIG % (self.port, "https", self.server.port, ', tls: {ca: "%s"}%s' % (certs.shared("ca").cert, extra)))

    def __enter__(self):
        self.gateway.__enter__()
        return self

    def __exit__(self, *e):
        self.server.close()
        self.gateway.__exit__(*e)


def echo(s):
    head = s.head()
    body = s.read()
    s.respond(200, [("content-length", str(len(body))), ("x-path", head.pseudo[":path"])])
    s.send(body)
    s.end()


def test_the_server_chooses():
    for alpn, chosen in ((["h2", "http/1.1"], "h2"), (["h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        with Auto(echo, alpn) as a:
            for i in range(5):
                r = get(a.port, "/%d" % i, method="POST", body=b"x" * 300000)
                assert r.status == 200 and r.body == b"x" * 300000 and r.fields["x-path"] == "/%d" % i
            assert a.server.chosen == [chosen], a.server.chosen


def test_in_clear_text_it_is_http1():
    with lib.Backend() as b:
        port = free_port()
        with Gateway(CONFIG % (port, "http", b.port, "")):
            assert get(port).body == b"hello\n"
            assert bytes(b.received[0]).startswith(b"GET / HTTP/1.1\r\n")


def test_a_server_that_changes_its_mind():
    with Auto(echo, ["h2"]) as a:
        for alpn, chosen in ((["http/1.1"], "h2"), (["h2", "http/1.1"], "http/1.1"), ([], "h2"), (["h2"], None)):
            assert get(a.port).status == 200
            assert a.server.chosen[-1] == chosen, a.server.chosen
            a.server.speak(alpn)
            for c in a.server.connections:
                try:
                    c.s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            time.sleep(0.2)


def test_one_connection_for_many():
    """With no more than one allowed, all wait for what it turns out to be; on HTTP/2 they are then served at a time."""
    here, all_here = [], threading.Event()

    def serve(s):
        here.append(s)
        if len(here) >= 20:
            all_here.set()
        assert all_here.wait(20 * lib.SLOW)
        echo(s)

    with Auto(serve, ["h2"], ", limits: {connections: 1, pending: 100}, timeouts: {connect: 30s}") as a:
        found = []
        threads = [threading.Thread(target=lambda: found.append(get(a.port).status), daemon=True) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30 * lib.SLOW)
        assert found == [200] * 20 and a.server.chosen == ["h2"], (found, a.server.chosen)

    with Auto(echo, ["http/1.1"], ", limits: {connections: 1, pending: 100}, timeouts: {connect: 30s}") as a:
        found = []
        threads = [threading.Thread(target=lambda: found.append(get(a.port).status), daemon=True) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30 * lib.SLOW)
        assert found == [200] * 20, found
        assert set(a.server.chosen) == {"http/1.1"} and a.server.peak == 1


def test_handshakes_that_do_not_end():
    """They have the limit of connecting; a client that goes first takes its connection along."""
    with lib.Backend(lambda c: c.rest()) as b:
        port = free_port()
        config = CONFIG % (port, "https", b.port, ', tls: {ca: "%s"}, timeouts: {connect: 700ms}' % certs.shared("ca").cert)
        with Gateway(config) as g:
            assert get(port).status == 504
            assert g.access()[0]["fault"] == "connect-timeout"
            with lib.connect(port) as c:
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                lib.until(lambda: len(b.connections) == 2, "the server was not asked")
                c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            assert g.access(2)[-1]["fault"] == "front-closed"
    with Auto(echo, ["h2"]) as a:
        a.server.context = certs.server_context(certs.Authority("Another").issue("server", "IP:127.0.0.1"))
        assert get(a.port).status == 502
        assert a.gateway.access()[0]["fault"] == "back-tls"
        a.server.speak(["h2"])
        assert get(a.port).status == 200
