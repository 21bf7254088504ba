# SPDX-License-Identifier: MIT OR Apache-2.0
"""Active health checks: who is left out and comes back, by HTTP, by gRPC and by connecting; and what else a probe does not disturb."""
import concurrent.futures
import re
import threading
import time

import certs
import lib
from lib import Backend, Gateway, free_port, get, until


class Server:
    """Answers /healthz by `health` (a status, "hang", "close", or bytes), everything else with its own port."""

    def __init__(self, health=200):
        self.health, self.probes, self.served = health, [], 0
        self.backend = Backend(self.serve)
        self.port = self.backend.port

    def serve(self, c):
        while True:
            m = c.request()
            if not m.target.startswith("/healthz"):
                self.served += 1
                body = b"%d" % self.port
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                continue
            self.probes.append(m)
            todo = self.health
            if todo == "hang":
                time.sleep(20 * lib.SLOW)
            if todo in ("hang", "close"):
                return
            if isinstance(todo, bytes):
                c.send(todo)
                return
            c.send(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % todo)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.backend.close()


def urls(servers):
    return "servers: [%s]" % ", ".join('{url: "http://127.0.0.1:%d"}' % s.port for s in servers)


ACTIVE = "path: /healthz, interval: 100ms, timeout: %dms, healthy_after: 2, unhealthy_after: 2"


def gateway(servers, active=None, backend="", workers=1, route=""):
    port = free_port()
    active = active or ACTIVE % 100
    return port, Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {level: debug, access: {enabled: true, flush: 0}}
runtime: {workers: %d, drain_timeout: 5s}
backends:
  b:
    %s
    health: {active: {%s}}
%s
routes: [{match: {path: /}, backend: b%s}]
""" % (port, workers, servers if isinstance(servers, str) else urls(servers), active, backend, route))


def events(g, name):
    return [l for l in g.stderr().splitlines() if name in l]


def answers(port, n=12):
    return {(r.status, r.body) if r.status == 200 else (r.status, b"") for r in (get(port) for _ in range(n))}


def one(server):
    return (200, b"%d" % server.port)


def test_left_out_and_back():
    for balance in ("round-robin", "least-connections", "random-two"):
        with Server() as a, Server() as b:
            port, g = gateway([a, b], backend="    balance: " + balance)
            with g:
                assert answers(port, 30) == {one(a), one(b)}
                a.health = 503
                g.wait_for("server-unhealthy")
                served = a.served
                assert answers(port) == {one(b)} and a.served == served
                a.health = 200
                g.wait_for("server-healthy")
                assert answers(port, 30) == {one(a), one(b)}
                out, back = events(g, "server-unhealthy"), events(g, "server-healthy")
                assert len(out) == 1 and len(back) == 1, g.stderr()
                assert "backend b" in out[0] and "127.0.0.1:%d" % a.port in out[0] and "status 503" in out[0], out


def test_all_are_left_out():
    with Server(500) as a, Server(500) as b:
        for servers in ([a], [a, b]):
            port, g = gateway(servers)
            with g:
                until(lambda: len(events(g, "server-unhealthy")) == len(servers), "the end of all")
                assert answers(port, 4) == {(503, b"")}
                line = g.access()[0]
                assert line["status"] == 503 and line["fault"] == "no-server" and line["backend"] == "b", line
                assert a.served == b.served == 0


def test_first_probe_alone_decides():
    with Server(404) as a, Server() as b:
        port, g = gateway([a, b], active="path: /healthz, interval: 1h, timeout: 5s, unhealthy_after: 1000")
        with g:
            g.wait_for("server-unhealthy")
            assert answers(port) == {one(b)} and len(a.probes) == len(b.probes) == 1


def test_before_the_first_probe_is_answered():
    with Server("hang") as a:
        port, g = gateway([a], active="path: /healthz, interval: 1h, timeout: 1h")
        with g:
            until(lambda: a.probes, "a probe")
            assert answers(port, 2) == {one(a)}
        # The drain did not wait for the probe.


def test_a_few_bad_probes_are_borne():
    with Server() as a:
        port, g = gateway([a], active="path: /healthz, interval: 100ms, unhealthy_after: 1000")
        with g:
            until(lambda: a.probes, "a probe")
            a.health = 500
            n = len(a.probes)
            until(lambda: len(a.probes) > n + 5, "more probes")
            assert answers(port, 3) == {one(a)} and not events(g, "server-unhealthy")


def test_what_is_bad():
    cases = [
        ("hang", "no answer within|did not answer in time"), ("close", "closed the connection"), (b"HTTP/9 what\r\n\r\n", "malformed"),
        (301, "status 301"), (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "ended early"),
    ]
    for health, reason in cases:
        with Server(health) as a:
            port, g = gateway([a], active="path: /healthz, interval: 300ms, timeout: 300ms")
            with g:
                g.wait_for("server-unhealthy")
                line = events(g, "server-unhealthy")[0]
                assert re.search(reason, line), (health, line)
                assert answers(port, 1) == {(503, b"")}


def test_what_is_good():
    long = b"x" * 300000
    for health in (b"HTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n", 207, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10,
                   b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(long), long)):
        with Server("hang") as a:
            port, g = gateway([a], active="path: /healthz, interval: 100ms, status: [200, 204, 207], healthy_after: 1")
            with g:
                g.wait_for("server-unhealthy")
                a.health = health
                g.wait_for("server-healthy", 30)
                assert answers(port, 2) == {one(a)}


def test_nobody_listens():
    gone = free_port()
    with Server() as a:
        port, g = gateway('servers: [{url: "http://127.0.0.1:%d"}, {url: "http://127.0.0.1:%d"}]' % (gone, a.port))
        with g:
            g.wait_for("server-unhealthy")
            assert "could not be reached" in events(g, "server-unhealthy")[0]
            assert answers(port) == {one(a)}
            with Backend(port=gone, body=b"late"):
                g.wait_for("server-healthy")
                until(lambda: (200, b"late") in answers(port, 4), "the late one")


def test_name_without_address():
    port, g = gateway('url: "http://nothing.invalid:80"')
    with g:
        g.wait_for("server-unhealthy", 30)
        assert "did not resolve" in g.stderr()


def test_another_address_of_the_name():
    # localhost is ::1 as well, where nobody listens.
    with Server() as a:
        port, g = gateway('url: "http://localhost:%d"' % a.port)
        with g:
            until(lambda: len(a.probes) > 3, "probes")
            assert answers(port, 2) == {one(a)} and not events(g, "server-unhealthy")


def test_what_is_sent():
    with Server() as a, Server() as other:
        port, g = gateway('url: "http://127.0.0.1:%d/base"' % a.port,
                          active='path: "/healthz?full=1", host: "h.example:80", port: %d, interval: 1h' % other.port)
        with g:
            until(lambda: other.probes, "a probe")
            m = other.probes[0]
            assert m.line == "GET /healthz?full=1 HTTP/1.1", m.line
            assert sorted(m.fields) == ["host", "user-agent"] and m.fields["host"] == "h.example:80", m.fields
            assert get(port).status == 200 and not a.probes
            # Probes are nobody's requests.
            assert len(g.access(1)) == 1 and "healthz" not in g.stdout()


def test_one_worker_probes_for_all():
    with Server() as a, Server() as b:
        port, g = gateway([a, b], active="path: /healthz, interval: 1h, timeout: 10s", workers=2)
        with g:
            until(lambda: a.probes and b.probes, "probes")
            time.sleep(0.3)
            assert len(a.probes) == len(b.probes) == 1
        port, g = gateway([a, b], workers=2)
        with g:
            assert answers(port, 30) == {one(a), one(b)}
            a.health = 500
            g.wait_for("server-unhealthy")
            # Connections are spread over the workers by their ports.
            assert answers(port, 40) == {one(b)}


def test_idle_connections_are_closed():
    for workers in (1, 2):
        with Server() as a, Server() as b:
            port, g = gateway([a, b], workers=workers)
            with g:
                answers(port, 40)
                a.health = 500
                g.wait_for("server-unhealthy")
                # Those of probes come and go.
                until(lambda: a.backend.open <= 1, "the end of idle connections")
                assert b.backend.open >= 1


def test_what_is_under_way_goes_on():
    begun, go_on = threading.Event(), threading.Event()

    def serve(c):
        while True:
            if c.request().target == "/healthz":
                c.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (500 if begun.is_set() else 200))
                continue
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            begun.set()
            go_on.wait(60 * lib.SLOW)
            c.send(b"-rest")

    with Backend(serve) as a:
        port, g = gateway([a])
        with g, lib.connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            g.wait_for("server-unhealthy")
            assert get(port).status == 503
            go_on.set()
            assert c.response().body == b"first-rest"


def test_limits_do_not_bind_probes():
    begun, go_on = threading.Event(), threading.Event()

    def serve(c):
        while c.request().target == "/healthz":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        begun.set()
        go_on.wait(60 * lib.SLOW)
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")

    with Backend(serve) as a:
        port, g = gateway([a], backend="    limits: {connections: 1}")
        with g, lib.connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(20 * lib.SLOW)
            n = len(a.connections)
            until(lambda: len(a.connections) > n + 4, "probes beside it")
            go_on.set()
            assert c.response().body == b"done" and not events(g, "server-unhealthy")


def test_split_and_retry():
    with Server() as a, Server() as b:
        port, g = gateway([a, b], backend="    retry: {attempts: 2, on: [503]}")
        with g:
            a.health = 500
            g.wait_for("server-unhealthy")
            assert answers(port, 10) == {one(b)}
            assert all(l["tries"] == 1 for l in g.access(10))


def test_tcp():
    with Backend(lambda c: c.rest()) as a:
        probed = 'url: "http://127.0.0.1:%d"' % a.port
        port, g = gateway(probed, active="tcp: true, interval: 100ms")
        with g:
            until(lambda: len(a.connections) > 3, "probes")
            assert not events(g, "server-unhealthy")
            assert all(len(r) == 0 for r in a.received)
            a.close()
            g.wait_for("server-unhealthy")
            assert "could not be reached" in events(g, "server-unhealthy")[0] and get(port).status == 503


# ---- gRPC ----

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Health:
    """grpc.health.v1 by hand: .services maps names to answers (bytes), or to a status code's name."""

    def __init__(self, services, credentials=None):
        try:
            import grpc
        except ImportError:
            raise lib.Skip("python3-grpcio is not installed")
        self.grpc, self.services, self.calls = grpc, services, []
        handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": grpc.unary_unary_rpc_method_handler(self.check, lambda b: b, lambda b: b)})
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
        if services is not None:
            self.server.add_generic_rpc_handlers((handler,))
        self.port = (self.server.add_secure_port("127.0.0.1:0", credentials) if credentials
                     else self.server.add_insecure_port("127.0.0.1:0"))
        self.server.start()

    def check(self, request, context):
        name = request[2:].decode() if request else ""
        assert not request or (request[0] == 0x0a and request[1] == len(name)), request
        self.calls.append((name, context.time_remaining()))
        answer = self.services.get(name, "NOT_FOUND")
        if isinstance(answer, str):
            context.abort(getattr(self.grpc.StatusCode, answer), "as asked")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait(10)


GRPC = "grpc: {%s}, interval: 150ms, healthy_after: 1, unhealthy_after: 1"


def test_grpc():
    with Health({"": SERVING, "users": SERVING}) as a:
        port, g = gateway('url: "http://127.0.0.1:%d"' % a.port, active=GRPC % "service: users", backend="    protocol: h2")
        with g:
            until(lambda: len(a.calls) > 2, "probes")
            assert not events(g, "server-unhealthy")
            assert {c[0] for c in a.calls} == {"users"} and all(0 < c[1] <= 0.15 for c in a.calls), a.calls
            for answer, reason in ((NOT_SERVING, "NOT_SERVING"), ("NOT_FOUND", "grpc-status 5"), ("UNIMPLEMENTED", "grpc-status 12"),
                                   (b"", "UNKNOWN"), (b"\x08\x63", "does not have"), (b"\xff", "no HealthCheckResponse"),
                                   (b"\x08\x03", "SERVICE_UNKNOWN"), (SERVING * 4000, "no HealthCheckResponse")):
                a.services["users"] = answer
                n = len(events(g, "server-unhealthy"))
                until(lambda: len(events(g, "server-unhealthy")) == n + 1, reason)
                assert reason in events(g, "server-unhealthy")[-1], events(g, "server-unhealthy")[-1]
                a.services["users"] = b"\x12\x03abc" + SERVING  # with a field that nobody knows
                until(lambda: len(events(g, "server-healthy")) == n + 1, "its return")


def test_grpc_without_the_service():
    with Health(None) as a:
        port, g = gateway('url: "http://127.0.0.1:%d"' % a.port, active=GRPC % "", backend="    protocol: h2")
        with g:
            g.wait_for("server-unhealthy")
            assert "grpc-status 12" in g.stderr()


def test_grpc_of_two_servers():
    with Health({"": SERVING}) as a, Health({"": SERVING}) as b:
        port, g = gateway(urls([a, b]), active=GRPC % "", backend="    protocol: h2", workers=2)
        with g, a.grpc.insecure_channel("127.0.0.1:%d" % port) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check", lambda x: x, lambda x: x)
            until(lambda: a.calls and b.calls, "probes")
            assert check(b"", timeout=10 * lib.SLOW) == SERVING
            a.services[""] = NOT_SERVING
            g.wait_for("server-unhealthy")
            # Whom the probes leave out gets no calls either.
            assert {check(b"", timeout=10 * lib.SLOW) for _ in range(10)} == {SERVING}
            b.services[""] = NOT_SERVING
            until(lambda: len(events(g, "server-unhealthy")) == 2, "the end of both")
            try:
                check(b"", timeout=10 * lib.SLOW)
                raise AssertionError("answered")
            except a.grpc.RpcError as e:
                assert e.code() == a.grpc.StatusCode.UNAVAILABLE, e


def test_grpc_over_tls():
    server = certs.shared("server")
    try:
        import grpc
    except ImportError:
        raise lib.Skip("python3-grpcio is not installed")
    credentials = grpc.ssl_server_credentials([(certs.read(server.key), certs.read(server.cert))])
    for protocol in ("h2", "auto"):
        with Health({"": SERVING}, credentials) as a:
            tls = "    protocol: %s\n    tls: {ca: %s, sni: server.example}" % (protocol, certs.shared("ca").cert)
            port, g = gateway('url: "https://127.0.0.1:%d"' % a.port, active=GRPC % "", backend=tls)
            with g:
                until(lambda: len(a.calls) > 2, "probes")
                assert not events(g, "server-unhealthy"), g.stderr()
                a.services[""] = NOT_SERVING
                g.wait_for("server-unhealthy")
            tls = "    protocol: %s\n    tls: {sni: server.example}" % protocol
            port, g = gateway('url: "https://127.0.0.1:%d"' % a.port, active=GRPC % "", backend=tls)
            with g:
                g.wait_for("server-unhealthy")
                assert "could not be trusted" in g.stderr()
