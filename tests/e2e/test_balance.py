# SPDX-License-Identifier: MIT OR Apache-2.0
"""Balancing by the client's address: who stays where, who moves when a server goes, and whose address counts."""
import socket

import lib
from lib import Backend, Connection, Gateway, free_port, get

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CLIENTS = ["127.0.%d.%d" % (i // 200 + 1, i % 200 + 1) for i in range(400)]


def config(port, servers, listener="", extra=""):
    text = ", ".join('{url: "http://127.0.0.1:%d", weight: %d}' % s for s in servers)
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d%s}]
backends:
  b: {servers: [%s], balance: ip-hash%s}
routes: [{match: {path: /}, backend: b}]
""" % (port, listener, text, extra)


def ask_from(address, port):
    s = socket.create_connection(("127.0.0.1", port), timeout=10 * lib.SLOW, source_address=(address, 0))
    with Connection(s) as c:
        c.send(GET)
        r = c.response()
        assert r.status == 200, r.line
        return r.body


def test_clients_stay_and_are_shared_by_weight():
    with Backend(body=b"one") as one, Backend(body=b"two") as two, Backend(body=b"three") as three:
        port = free_port()
        servers = [(one.port, 4), (two.port, 3), (three.port, 1)]
        with Gateway(config(port, servers)):
            places = {a: ask_from(a, port) for a in CLIENTS}
            for a in CLIENTS[:100]:
                assert ask_from(a, port) == places[a], a
        n = [list(places.values()).count(name) for name in (b"one", b"two", b"three")]
        # 200, 150 and 50; six standard deviations would be 60, 58 and 40.
        assert 140 < n[0] < 260 and 92 < n[1] < 208 and 10 < n[2] < 90, n
        # Neither the order of the servers nor a process of its own means anything to a client.
        with Gateway(config(port, servers[::-1])):
            for a in CLIENTS[:50]:
                assert ask_from(a, port) == places[a], a


def test_only_the_clients_of_a_lost_server_move():
    with Backend(body=b"one") as one, Backend(body=b"two") as two, Backend(body=b"three") as three:
        port = free_port()
        with Gateway(config(port, [(one.port, 1), (two.port, 1), (three.port, 1)])):
            places = {a: ask_from(a, port) for a in CLIENTS[:90]}
            two.close()
            moved = {a: ask_from(a, port) for a in places}
        for a, place in places.items():
            assert moved[a] == place if place != b"two" else moved[a] != b"two", a
        assert {moved[a] for a in places if places[a] == b"two"} == {b"one", b"three"}


def test_the_client_is_whom_a_trusted_proxy_names():
    with Backend(body=b"one") as one, Backend(body=b"two") as two:
        port = free_port()
        servers = [(one.port, 1), (two.port, 1)]

        def places(name):
            return [get(port, headers="X-Forwarded-For: %s\r\n" % (name % i)).body for i in range(60)]

        with Gateway(config(port, servers, ", trusted_proxies: [127.0.0.1/32]")):
            first = places("192.0.2.%d")
            assert set(first) == {b"one", b"two"}
            assert places("192.0.2.%d") == first
            # One client of IPv6 has a whole network of addresses.
            assert len(set(places("2001:db8::%x"))) == 1
            assert len(set(places("2001:db8:0:%x::1"))) == 2
        with Gateway(config(port, servers)):
            assert len(set(places("192.0.2.%d"))) == 1  # nobody is believed: all come from here


def refusing(name):
    def serve(c):
        while True:
            c.request()
            c.send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))
    return serve


def test_a_retry_goes_elsewhere():
    with Backend(refusing(b"no")) as bad, Backend(body=b"good") as good:
        port = free_port()
        with Gateway(config(port, [(bad.port, 1), (good.port, 1)], extra=", retry: {attempts: 2, on: [503], budget: 100%}")):
            for a in CLIENTS[:40]:
                assert ask_from(a, port) == b"good", a
        assert bad.received
