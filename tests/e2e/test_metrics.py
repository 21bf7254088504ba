# SPDX-License-Identifier: MIT OR Apache-2.0
"""Metrics: what traffic makes of the numbers, and who may read them. The answers are read by Prometheus' own parser for Python."""
import os
import shutil
import ssl
import threading
import time

import certs
import h2_attacks
import lib
import test_grpc_rules
import test_websocket
from lib import Backend, Gateway, connect, free_port, get
from prometheus_client.parser import text_string_to_metric_families

WAIT = 10


def scrape(port, path="/metrics", headers=""):
    got = get(port, path, headers)
    assert got.status == 200, (got.status, got.body)
    assert got.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8", got.fields
    return got.body.decode()


class Metrics:
    """All samples of one answer; m("toron_requests_total", route="a", code="2xx"): the sum of those that have these labels."""

    def __init__(self, text):
        self.families = list(text_string_to_metric_families(text))
        assert len({f.name for f in self.families}) == len(self.families)
        self.samples = [s for f in self.families for s in f.samples]
        seen = [(s.name, tuple(sorted(s.labels.items()))) for s in self.samples]
        assert len(set(seen)) == len(seen), "a series is told twice"

    def __call__(self, name, /, **labels):
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        assert found, (name, labels)
        return sum(found)


def until(port, check, **kw):
    """The metrics, once `check` holds of them: counts are made when an exchange has ended, which a client may see a little earlier."""
    end = time.monotonic() + WAIT * lib.SLOW
    while True:
        m = Metrics(scrape(port, **kw))
        if check(m) or time.monotonic() > end:
            assert check(m), [s for s in m.samples if s.value and not s.name.endswith("_bucket")]
            return m
        time.sleep(0.05)


def config(port, admin, routes, more="", listener="", workers=1):
    return """\
listeners: [{name: web, protocol: http, address: 127.0.0.1, port: %d%s}]
metrics: {}
admin: {address: "127.0.0.1:%d"}
runtime: {workers: %d}
%s
routes:
%s
""" % (port, listener, admin, workers, more, routes)


ROUTES = """\
  - {name: hello, match: {path: [/hello, /hallo]}, respond: {body: "hello"}}
  - {name: gone, match: {path: /gone}, respond: {status: 410}}
  - {name: echo, match: {path: /echo, method: POST}, echo: {}}"""


def test_traffic_is_counted_exactly():
    port, admin = free_port(), free_port()
    with Gateway(config(port, admin, ROUTES, workers=2)):
        for _ in range(20):
            with connect(port) as c:
                for target in ("/hello", "/hallo", "/gone", "/none"):
                    c.send(("GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target).encode())
                    c.response()
        assert get(port, "/echo", method="POST", body=b"x" * 1000).status == 200
        m = until(admin, lambda m: m("toron_listener_requests_total", listener="web") == 81)
        assert m("toron_requests_total", route="hello", code="2xx") == 40
        assert m("toron_requests_total", route="hello") == 40
        assert m("toron_requests_total", route="gone", code="4xx") == 20
        assert m("toron_requests_total", route="", code="4xx") == 20
        assert m("toron_request_duration_seconds_count", route="hello") == 40
        assert m("toron_request_duration_seconds_bucket", route="hello", le="+Inf") == 40
        assert 0 < m("toron_request_duration_seconds_sum", route="hello") < 60 * lib.SLOW
        assert m("toron_request_body_bytes_total", route="echo") == 1000
        assert m("toron_response_body_bytes_total", route="hello") == 200
        assert m("toron_listener_requests_total", listener="web", version="1.1") == 81
        assert m("toron_connections_total", listener="web") == 21
        assert m("toron_faults_total", listener="web") == 0
        assert m("toron_workers") == 2
        assert m("toron_build_info", name="gateway") == 1
        assert m("process_resident_memory_bytes") > 100000
        assert abs(m("process_start_time_seconds") - time.time()) < 60 * lib.SLOW
        m = until(admin, lambda m: m("toron_connections_open", listener="web") == 0)
        # The scrapes are requests as well, each counted by the next one.
        assert m("toron_requests_total", route="admin:metrics", code="2xx") >= 1


def test_a_histogram_never_contradicts_itself():
    port, admin = free_port(), free_port()
    with Gateway(config(port, admin, ROUTES)):
        for _ in range(50):
            get(port, "/hello")
        m = Metrics(scrape(admin))
        buckets = [s.value for s in m.samples if s.name == "toron_request_duration_seconds_bucket" and s.labels["route"] == "hello"]
        assert len(buckets) == 16 and buckets == sorted(buckets), buckets
        assert buckets[-1] == m("toron_request_duration_seconds_count", route="hello")


def test_open_and_refused_connections():
    port, admin = free_port(), free_port()
    with Gateway(config(port, admin, ROUTES, listener=", limits: {connections: 2}")):
        with connect(port), connect(port):
            until(admin, lambda m: m("toron_connections_open", listener="web") == 2)
            with connect(port) as third:
                assert third.is_closed(), "the third connection is refused"
            m = until(admin, lambda m: m("toron_connections_refused_total", listener="web", reason="connections") == 1)
            assert m("toron_connections_total", listener="web") == 2
        until(admin, lambda m: m("toron_connections_open", listener="web") == 0)


def test_limits_of_http1_are_counted():
    port, admin = free_port(), free_port()
    listener = ", limits: {body_bytes: 100B, uri_bytes: 64B, header_bytes: 1KiB}, timeouts: {header: 200ms, body: 200ms}"
    with Gateway(config(port, admin, ROUTES, listener=listener)):
        requests = {
            "uri-too-long": (414, b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 100)),
            "head-too-large": (431, b"GET /hello HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"x" * 1100)),
            "body-too-large": (413, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"),
            "bad-request": (400, b"GET /hello HTTP/1.1\r\nHost : a\r\n\r\n"),
        }
        for n, (fault, (status, request)) in enumerate(requests.items()):
            for _ in range(n + 1):
                with connect(port) as c:
                    c.send(request)
                    assert c.response().status == status, fault
        with connect(port) as c:
            c.send(b"GET /hello HT")
            assert c.response().status == 408
        m = until(admin, lambda m: m("toron_faults_total", listener="web", fault="request-timeout") == 1)
        for n, fault in enumerate(requests):
            assert m("toron_faults_total", listener="web", fault=fault) == n + 1, fault
        assert m("toron_faults_total", listener="admin") == 0


def test_what_servers_do_is_counted():
    port, admin, nobody = free_port(), free_port(), free_port()
    with Gateway(config(port, admin, "  - {name: b, match: {path: /}, backend: {url: \"http://127.0.0.1:%d\"}}" % nobody)):
        assert get(port, "/").status == 502
        m = until(admin, lambda m: m("toron_faults_total", listener="web", fault="connect") == 1)
        assert m("toron_requests_total", route="b", code="5xx") == 1


def test_a_client_that_goes_away():
    port, admin = free_port(), free_port()
    backend = Backend(lambda c: time.sleep(5 * lib.SLOW))
    try:
        with Gateway(config(port, admin, "  - {name: b, match: {path: /}, backend: {url: \"http://127.0.0.1:%d\"}}" % backend.port)):
            with connect(port) as c:
                c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
                until(admin, lambda m: m("toron_connections_open", listener="web") == 1)
            m = until(admin, lambda m: m("toron_requests_total", route="b") == 1)
            assert m("toron_requests_total", route="b", code="none") == 1
            assert m("toron_faults_total", listener="web", fault="front-closed") == 1
    finally:
        backend.close()


def backend_config(port, admin, servers, more="", route=""):
    return config(port, admin, "  - {name: b, match: {path: /}, backend: pool%s}" % route,
                  more="backends: {pool: {servers: [%s]%s}}" % (", ".join('{address: "127.0.0.1:%d"}' % p for p in servers), more))


def test_bytes_of_sockets_are_counted_exactly():
    port, admin, sent = free_port(), free_port(), b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000
    asked = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"y" * 200000, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    def serve(c):
        while True:
            c.request()
            c.send(sent)
    with Backend(serve) as b, Gateway(backend_config(port, admin, [b.port])):
        with connect(port) as c:
            for data in asked:
                c.send(data)
                assert len(c.response().body) == 70000
            # The connections are still open: what they have carried counts all the same.
            m = until(admin, lambda m: m("toron_listener_requests_total", listener="web") == 2)
            assert m("toron_bytes_total", listener="web", direction="in") == sum(map(len, asked))
            assert m("toron_bytes_total", listener="web", direction="out") == len(c.log)
            assert m("toron_backend_bytes_total", backend="pool", direction="in") == 2 * len(sent)
            assert m("toron_backend_bytes_total", backend="pool", direction="out") == sum(map(len, b.received))


def test_servers_are_counted_one_by_one():
    port, admin, dead = free_port(), free_port(), free_port()

    def serve(c):
        while True:
            status = 500 if c.request().target == "/500" else 200
            c.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    with Backend(serve) as b:
        with Gateway(backend_config(port, admin, [b.port, dead])):
            for target in ("/", "/", "/500", "/", "/500"):
                assert get(port, target).status in (200, 500)
            live, gone = {"backend": "pool", "server": "127.0.0.1:%d" % b.port}, {"backend": "pool", "server": "127.0.0.1:%d" % dead}
            m = until(admin, lambda m: m("toron_backend_requests_total", backend="pool") == 5)
            assert m("toron_backend_requests_total", code="2xx", **live) == 3
            assert m("toron_backend_requests_total", code="5xx", **live) == 2
            assert m("toron_backend_requests_total", **gone) == 0
            refused = m("toron_backend_faults_total", fault="connect", **gone)
            assert refused >= 1 and m("toron_backend_faults_total", **live) == 0
            assert m("toron_backend_faults_total", **gone) == refused == m("toron_backend_retries_total", backend="pool")
            assert m("toron_backend_connections_total", **gone) == refused
            assert m("toron_backend_connections_open", **gone) == m("toron_backend_connections_idle", **gone) == 0
            assert m("toron_backend_connections_open", **live) == m("toron_backend_connections_idle", **live) == 1
            assert m("toron_backend_connections_total", **live) == 1
            assert m("toron_faults_total", listener="web") == 0, "another server has answered"


def test_waiting_and_failing():
    port, admin = free_port(), free_port()
    go = threading.Event()

    def serve(c):
        while True:
            target = c.request().target
            if target == "/cut":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                return
            if target == "/wait":
                go.wait(30 * lib.SLOW)
            if target == "/late":
                time.sleep(1.5)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with Backend(serve) as b:
        text = backend_config(port, admin, [b.port], ", limits: {connections: 1}, timeouts: {first_byte: %ds}" % (40 * lib.SLOW))
        text = text.replace("routes:\n", "routes:\n  - {name: late, match: {path: /late}, backend: pool, timeouts: {first_byte: 300ms}}\n")
        with Gateway(text):
            with connect(port) as first, connect(port) as second:
                first.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
                until(admin, lambda m: m("toron_backend_connections_open", backend="pool") == 1)
                second.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                m = until(admin, lambda m: m("toron_backend_pending", backend="pool") == 1)
                assert m("toron_backend_connections_idle", backend="pool") == 0
                go.set()
                assert first.response().status == second.response().status == 200
            m = until(admin, lambda m: m("toron_backend_requests_total", backend="pool", code="2xx") == 2)
            assert m("toron_backend_pending", backend="pool") == 0
            try:
                get(port, "/cut")
                raise AssertionError("the answer is whole")
            except (EOFError, OSError):
                pass
            m = until(admin, lambda m: m("toron_backend_faults_total", backend="pool", fault="back-cut") == 1)
            assert m("toron_backend_requests_total", backend="pool", code="2xx") == 3, "its head was passed on"
            assert get(port, "/late").status == 504
            m = until(admin, lambda m: m("toron_backend_faults_total", backend="pool", fault="first-byte-timeout") == 1)
            assert m("toron_backend_requests_total", backend="pool", code="none") == 1
            assert m("toron_requests_total", route="late", code="5xx") == 1


def test_health_checks():
    port, admin, dead = free_port(), free_port(), free_port()
    with Backend() as b:
        with Gateway(backend_config(port, admin, [b.port, dead], ", health: {active: {path: /, interval: 1s, timeout: 1s, unhealthy_after: 1, healthy_after: 1}}")):
            live, gone = {"server": "127.0.0.1:%d" % b.port}, {"server": "127.0.0.1:%d" % dead}
            m = until(admin, lambda m: m("toron_backend_probes_total", result="good", **live) >= 2 and
                      m("toron_backend_probes_total", result="bad", **gone) >= 2)
            assert m("toron_backend_unhealthy", **live) == 0 and m("toron_backend_unhealthy", **gone) == 1
            assert m("toron_backend_probes_total", result="bad", **live) == m("toron_backend_probes_total", result="good", **gone) == 0
            assert m("toron_backend_faults_total") == m("toron_backend_requests_total") == m("toron_requests_total", route="b") == 0
            back = Backend(port=dead)
            m = until(admin, lambda m: m("toron_backend_unhealthy", **gone) == 0)
            assert m("toron_backend_probes_total", result="good", **gone) >= 1
            back.close()


# ---- WebSocket and gRPC ----

def test_websockets():
    port, admin = free_port(), free_port()
    done = threading.Event()

    def serve(c):
        test_websocket.accept(c)
        done.wait(30 * lib.SLOW)
    with Backend(serve) as b:
        routes = ("  - {name: watched, match: {path: /w}, backend: pool, websocket: {message_bytes: 100B, ping_interval: 0, close_timeout: 200ms}}\n"
                  "  - {name: plain, match: {path: /}, backend: pool}")
        with Gateway(config(port, admin, routes, more="backends: {pool: {url: \"http://127.0.0.1:%d\"}}" % b.port)):
            def opened(target):
                c = connect(port)
                c.send(test_websocket.request(target=target))
                assert " 101 " in c.head()[0]
                return c
            plain, big, broken = opened("/"), opened("/w"), opened("/w")
            m = until(admin, lambda m: m("toron_websockets_open", listener="web") == 3)
            assert m("toron_websockets_total", listener="web") == 3 and m("toron_websockets_closed_total") == 0
            big.send(test_websocket.frame(test_websocket.TEXT, b"x" * 10, masked=True))
            big.send(test_websocket.frame(test_websocket.TEXT, b"x" * 101, masked=True))
            broken.send(b"\x8f\x80abcd")
            until(admin, lambda m: m("toron_websockets_open", listener="web") == 1)
            plain.close()
            done.set()
            m = until(admin, lambda m: m("toron_websockets_open", listener="web") == 0)
            for c in (big, broken):
                c.close()
            assert m("toron_websockets_total", listener="web") == 3
            for reason, n in (("size", 1), ("protocol", 1), ("idle", 0), ("total", 0), ("ping", 0), ("drain", 0)):
                assert m("toron_websockets_closed_total", listener="web", reason=reason) == n, reason
            assert m("toron_requests_total", code="1xx") == 3
            assert m("toron_request_duration_seconds_count", route="watched") == 0, "tunnels are not told with requests"
            assert m("toron_request_body_bytes_total", route="watched") == 16 + 2 * 8, "a frame that went through, and close frames of the gateway"


def test_websockets_that_are_idle():
    port, admin = free_port(), free_port()
    done = threading.Event()

    def serve(c):
        test_websocket.accept(c)
        done.wait(30 * lib.SLOW)
    with Backend(serve) as b:
        routes = ("  - {name: idle, match: {path: /}, backend: pool, websocket: {idle_timeout: 300ms, ping_interval: 0, close_timeout: 200ms}}")
        with Gateway(config(port, admin, routes, more="backends: {pool: {url: \"http://127.0.0.1:%d\"}}" % b.port)):
            with connect(port) as c:
                c.send(test_websocket.request())
                assert " 101 " in c.head()[0]
                m = until(admin, lambda m: m("toron_websockets_closed_total", listener="web", reason="idle") == 1)
                m = until(admin, lambda m: m("toron_websockets_open", listener="web") == 0)
            done.set()


def test_grpc():
    port, admin, dead = free_port(), free_port(), free_port()
    statuses = ["0", "0", "5", "16", "77"]

    def serve(c):
        while True:
            c.send(test_grpc_rules.answer(status=statuses[int(c.request().target.rsplit("/", 1)[1])]))
    with Backend(serve) as b:
        routes = ("  - {name: dead, match: {path: /dead}, backend: none}\n"
                  "  - {name: web, match: {path: /web}, middlewares: [grpc-web], backend: pool}\n"
                  "  - {name: calls, match: {path: /}, backend: pool}")
        more = "backends: {pool: {url: \"http://127.0.0.1:%d\"}, none: {url: \"http://127.0.0.1:%d\"}}" % (b.port, dead)
        with Gateway(config(port, admin, routes, more=more)):
            for n in range(len(statuses)):
                test_grpc_rules.call(port, "/s/%d" % n)
            test_grpc_rules.call(port, "/dead/0")
            with connect(port) as c:
                body = test_grpc_rules.message(b"x")
                c.send(b"POST /web/2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                assert b"grpc-status: 5" in c.response().body
            assert get(port, "/s/0").status == 200, "no call"
            m = until(admin, lambda m: m("toron_backend_requests_total", backend="pool") == 7)
            for status, n in (("ok", 2), ("not-found", 2), ("unauthenticated", 1), ("unknown", 1), ("unavailable", 0)):
                assert m("toron_grpc_calls_total", backend="pool", status=status) == n, status
            assert m("toron_grpc_calls_total", backend="none", status="unavailable") == 1
            assert m("toron_grpc_calls_total") == 7
            assert m("toron_listener_requests_total", listener="web", version="2") == 6


# ---- TLS and HTTP/2 ----

SITE = "  - {name: all, match: {path: /}, respond: {body: own}}"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def tls_config(port, admin, files=None, listener="", tls=""):
    text = certs.https_config(port, ([("site", files or certs.shared("site"), "")], "{certificates: [site]%s}" % tls), SITE,
                              "metrics: {}\nadmin: {address: \"127.0.0.1:%d\"}\nruntime: {workers: 1}\n" % admin)
    return text.replace("tls: {cert", listener + "tls: {cert")


def tls_get(port, context=None, session=None):
    with certs.connect(port, context, session=session) as c:
        c.send(REQUEST)
        assert c.response().status == 200
        return c.s.session, c.s.session_reused


def test_handshakes():
    port, admin = free_port(), free_port()
    with Gateway(tls_config(port, admin)):
        old, new = (certs.client_context(versions=v) for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
        for _ in range(3):
            tls_get(port, old)
        kept, _ = tls_get(port, new)
        assert tls_get(port, new, kept)[1], "resumed"
        for _ in range(2):
            try:
                certs.connect(port, ssl.create_default_context()).close()
                raise AssertionError("a client that trusts nobody is content")
            except ssl.SSLError:
                pass
        m = until(admin, lambda m: m("toron_tls_handshakes_failed_total", listener="web", reason="failed") >= 2)
        assert m("toron_tls_handshakes_total", listener="web", version="1.2") == 3
        assert m("toron_tls_handshakes_total", listener="web", version="1.3") == 2
        assert m("toron_tls_resumptions_total", listener="web") == 1
        assert m("toron_tls_handshakes_failed_total", reason="timeout") == m("toron_tls_handshakes_failed_total", reason="evicted") == 0
        assert m("toron_connections_total", listener="web") == 7
        assert m("toron_tls_handshakes_total", listener="admin") == 0
        until(admin, lambda m: m("toron_connections_open", listener="web") == 0)


def test_handshakes_that_are_too_slow_or_too_many():
    port, admin = free_port(), free_port()
    with Gateway(tls_config(port, admin, listener="limits: {handshakes: 2}, timeouts: {handshake: 3s}, ")):
        silent = [connect(port) for _ in range(2)]
        until(admin, lambda m: m("toron_connections_open", listener="web") == 2)
        with connect(port) as refused:
            assert refused.is_closed(), "nobody has had a second yet"
        until(admin, lambda m: m("toron_connections_refused_total", listener="web", reason="handshakes") == 1)
        time.sleep(1.2)
        silent.append(connect(port))
        until(admin, lambda m: m("toron_tls_handshakes_failed_total", listener="web", reason="evicted") == 1)
        m = until(admin, lambda m: m("toron_tls_handshakes_failed_total", listener="web", reason="timeout") == 2)
        assert m("toron_connections_open", listener="web") == 0
        for c in silent:
            c.close()


def test_early_data():
    if not shutil.which("openssl"):
        raise lib.Skip("there is no openssl")
    port, admin = free_port(), free_port()
    kept, first = os.path.join(lib.WORK, "metrics-session"), os.path.join(lib.WORK, "metrics-early")
    with open(first, "wb") as f:
        f.write(REQUEST)

    def s_client(*args):
        return lib.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-servername", "localhost", "-ign_eof", "-tls1_3", *args],
                       input=REQUEST if "-sess_out" in args else b"", timeout=20).stdout
    with Gateway(tls_config(port, admin, tls=", early_data: true")):
        assert b"200 OK" in s_client("-sess_out", kept)
        assert b"Early data was accepted" in s_client("-sess_in", kept, "-early_data", first)
        m = until(admin, lambda m: m("toron_tls_early_data_total", listener="web") == 1)
        # Certificates and handshakes are more than what is asked and answered.
        assert m("toron_bytes_total", listener="web", direction="in") > 500 and m("toron_bytes_total", listener="web", direction="out") > 1000
        assert m("toron_tls_resumptions_total", listener="web") == 1


def test_reloads_of_certificates():
    site = certs.shared("site")
    files = certs.Certificate(os.path.join(lib.WORK, "metrics-site"))

    def put(cert):
        certs.write(files.cert, certs.read(cert.cert))
        certs.write(files.key, certs.read(cert.key))
    put(site)
    port, admin = free_port(), free_port()
    with Gateway(tls_config(port, admin, files)):
        assert Metrics(scrape(admin))("toron_certificate_reloads_total") == 0
        put(certs.shared("server"))
        until(admin, lambda m: m("toron_certificate_reloads_total", result="loaded") == 1)
        certs.write(files.cert, b"no certificate\n")
        m = until(admin, lambda m: m("toron_certificate_reloads_total", result="refused") == 1)
        assert m("toron_certificate_reloads_total", result="loaded") == 1


def test_reloads_of_trust():
    """Of a listener and of a backend, each for itself."""
    port, admin, ca, path = free_port(), free_port(), certs.shared("ca"), os.path.join(lib.WORK, "metrics-ca.pem")
    certs.write(path, certs.read(ca.cert))
    text = tls_config(port, admin, tls=', client_auth: {mode: optional, ca: "%s"}' % path)
    text = text.replace("routes:\n", 'routes:\n  - {match: {path: /behind}, backend: {url: "https://127.0.0.1:1", tls: {ca: "%s"}}}\n' % path)
    with Gateway(text):
        assert Metrics(scrape(admin))("toron_trust_reloads_total") == 0
        certs.write(path, certs.read(certs.Authority("Another").cert))
        until(admin, lambda m: m("toron_trust_reloads_total", result="loaded") == 2)
        certs.write(path, b"no certificate\n")
        m = until(admin, lambda m: m("toron_trust_reloads_total", result="refused") == 2)
        assert m("toron_trust_reloads_total", result="loaded") == 2 and m("toron_certificate_reloads_total") == 0


def test_floods_of_http2():
    """Each limit has its number, and each attack is counted once, as what stopped it."""
    port, admin = free_port(), free_port()
    listener = (", limits: {h2: {settings: 5, pings: 7, resets: 10, priorities: 20, empty_frames: 20, window_updates: 50},"
                " min_rate: {response: 16KiB, over: 1s}}")
    routes = "  - {name: site, respond: {body: \"%s\"}}" % ("x" * 30000)
    seen = set()
    with Gateway(config(port, admin, routes, listener=listener, workers=2)):
        n = 0
        for attack in h2_attacks.ATTACKS:
            a = h2_attacks.Attacker(port, attack)
            assert a.until_cut(30 * lib.SLOW) is not None, attack.name
            a.close()
            if attack.limits == h2_attacks.PACE:
                until(admin, lambda m: m("toron_faults_total", listener="web", fault="front-slow") > 0)
                continue
            n += 1
            m = until(admin, lambda m: m("toron_h2_floods_total", listener="web") == n)
            counted = {limit for limit in attack.limits if m("toron_h2_floods_total", listener="web", limit=limit) > 0}
            assert counted, attack.name
            seen |= counted
    assert seen == {"resets", "settings", "pings", "priorities", "empty_frames", "window_updates", "continuations", "header_bytes"}, seen


# ---- the admin address ----

def test_only_metrics_are_served():
    port, admin = free_port(), free_port()
    text = config(port, admin, ROUTES).replace("metrics: {}", "metrics: {prometheus: {path: /a/numbers}}")
    with Gateway(text) as g:
        assert "admin 127.0.0.1:%d" % admin in g.stderr()
        scrape(admin, "/a/numbers")
        scrape(admin, "/a/b/../numbers")
        scrape(admin, "/a/numbers?x=y")
        for target in ("/metrics", "/", "/hello", "/a", "/a/numbers/", "/a/numbers/x"):
            assert get(admin, target).status == 404, target
        assert get(port, "/a/numbers").status == 404
        with connect(admin) as c:
            c.send(b"HEAD /a/numbers HTTP/1.1\r\nHost: a\r\n\r\n")
            got = c.response("HEAD")
            assert got.status == 200 and got.body == b"", got
        got = get(admin, "/a/numbers", method="POST", body=b"x")
        assert got.status == 405 and "GET" in got.fields["allow"], got


def test_token():
    port, admin = free_port(), free_port()
    text = config(port, admin, ROUTES).replace(
        "admin: {", "admin: {token: {env: ADMIN_TOKEN}, ")
    with Gateway(text, env={"ADMIN_TOKEN": "open sesame"}):
        scrape(admin, headers="Authorization: Bearer open sesame\r\n")
        scrape(admin, headers="authorization: bearer  open sesame \r\n")
        for wrong in ("", "Authorization: Bearer open sesam\r\n", "Authorization: Bearer open sesamE\r\n", "Authorization: Bearer \r\n",
                      "Authorization: Bearer open sesameopen sesame\r\n", "Authorization: Basic open sesame\r\n", "Authorization: open sesame\r\n"):
            got = get(admin, "/metrics", wrong)
            assert got.status == 401 and got.fields["www-authenticate"] == "Bearer" and b"toron_" not in got.body, (wrong, got)
    g = Gateway(text)
    g.start(wait=False)
    assert g.process.wait(10 * lib.SLOW) == 1 and "secret-missing" in g.stderr(), g.stderr()


def test_many_routes_are_told_in_pieces():
    port, admin, n = free_port(), free_port(), 1000
    routes = "\n".join("  - {name: r%d, match: {path: {exact: /r%d}}, respond: {body: hi}}" % (i, i) for i in range(n))
    with Gateway(config(port, admin, routes)) as g:
        get(port, "/r%d" % (n - 1))
        scrape(admin)
        before = g.rss_kib()
        for _ in range(3):
            m = Metrics(scrape(admin))
        assert m("toron_requests_total") >= 1 and m("toron_requests_total", route="r%d" % (n - 1), code="2xx") == 1
        # (A sanitizer keeps what was freed.)
        assert lib.DYNAMIC or g.rss_kib() - before < 1000, "the text is not kept"
        # Who asks and does not read costs a buffer, and goes when the gateway does.
        with connect(admin) as slow:
            slow.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            scrape(admin)
            assert lib.DYNAMIC or g.rss_kib() - before < 2000


def test_without_metrics_nothing_listens():
    port = free_port()
    text = "listeners: [{name: web, protocol: http, address: 127.0.0.1, port: %d}]\nroutes:\n%s\n" % (port, ROUTES)
    with Gateway(text) as g:
        assert "admin" not in g.stderr()
        with open(g.path, "rb") as f:
            assert b"toron_requests_total" not in f.read()


def test_logged_and_counted():
    port, admin = free_port(), free_port()
    with Gateway(config(port, admin, ROUTES, more="log: {access: {enabled: true, flush: 0}}")) as g:
        get(port, "/hello")
        scrape(admin)
        first, second = g.access(2)
        assert first["route"] == "hello" and second["listener"] == "admin" and second["route"] == "admin:metrics", (first, second)


def test_example():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "metrics")
    web, demo, admin = free_port(), free_port(), free_port()
    with open(os.path.join(folder, "gateway.yaml")) as f:
        text = f.read()
    options = ["-D", "PORT=%d" % web, "-D", "DEMO_PORT=%d" % demo, "-D", "ADMIN_PORT=%d" % admin]
    with Gateway(text, env={"TORON_ADMIN_TOKEN": "opensesame"}, compile_args=options):
        assert get(web, "/hello").body == b"hello\n"
        assert get(web, "/api/x").status == 200
        m = until(admin, lambda m: m("toron_requests_total", route="api") == 1, headers="Authorization: Bearer opensesame\r\n")
        assert m("toron_requests_total", route="hello", code="2xx") == 1
        assert m("toron_requests_total", route="demo", code="2xx") == 1
        assert get(admin, "/metrics").status == 401
