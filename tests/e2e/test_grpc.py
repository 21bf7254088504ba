# SPDX-License-Identifier: MIT OR Apache-2.0
"""gRPC through the gateway, with python3-grpcio on both sides: the published interoperability cases (grpc_interop.py), and what toron adds. All tests
run in clear text and over TLS, on each side."""
import base64
import contextlib
import os
import struct
import time

import certs
import grpc_interop
import h2_peer
import lib
from grpc_interop import LARGE_DOWN, LARGE_UP
from lib import Gateway, free_port

CONFIG = """\
certificates: {site: {cert: "%(cert)s", key: {file: "%(key)s"}}}
listeners:
  - {name: h2c, protocol: http, address: 127.0.0.1, port: %(h2c)d}
  - {name: h2, protocol: https, address: 127.0.0.1, port: %(h2)d, tls: {certificates: [site]}}
log: {access: {enabled: true, flush: 0}}
backends:
  trial: {url: "%(url)s", protocol: h2%(backend)s}
routes:
  - {name: service, match: {grpc: {service: grpc.testing.TestService}}, backend: trial%(route)s}
  - {name: others, match: {grpc: {}}, backend: trial}
"""
PAIRS = [(front, back) for front in ("h2c", "h2") for back in ("h2c", "h2")]
_pair = list(PAIRS[0])


def load():
    try:
        return grpc_interop.load(os.path.join(lib.WORK, "grpc"))
    except ImportError:
        raise lib.Skip("python3-grpcio or python3-grpc-tools is not installed")


class Trial(grpc_interop.Caller):
    """A client, the gateway and the service behind it."""

    def __init__(self, gateway, service, port, context):
        super().__init__("127.0.0.1:%d" % port, certs.read(certs.shared("ca").cert) if context else None, 20 * lib.SLOW)
        self.gateway, self.service, self.port, self.context = gateway, service, port, context

    def raw(self):
        return h2_peer.Client(self.port, self.context)

    def told(self, n):
        """The server has learned that n calls are over."""
        lib.until(lambda: len(self.service.ended) >= n, lambda: "the server knows of %d" % len(self.service.ended))


@contextlib.contextmanager
def trial(route="", backend="", service=grpc_interop.Service):
    grpc, _, _ = load()
    front, back = _pair
    site, service = certs.shared("site"), service()
    use = {"cert": site.cert, "key": site.key, "route": route, "backend": backend, "h2c": free_port(), "h2": free_port()}
    server = grpc_interop.new_server(service)
    if back == "h2":
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(certs.read(site.key), certs.read(site.cert))]))
        use.update(url="https://localhost:%d" % port, backend=', tls: {ca: "%s"}%s' % (certs.shared("ca").cert, backend))
    else:
        use["url"] = "http://127.0.0.1:%d" % server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with Gateway(CONFIG % use) as gateway:
            t = Trial(gateway, service, use[front], certs.client_context(alpn=["h2"]) if front == "h2" else None)
            with t.channel:
                yield t
    finally:
        server.stop(0).wait(10)


# ---- the published cases ----

def seen_empty_unary(t):
    line = t.gateway.access()[0]
    assert line["status"] == 200 and line["protocol"] == "HTTP/2.0" and "fault" not in line, line


def seen_cancel_after_first_response(t):
    t.told(1)
    assert t.gateway.access()[0]["fault"] == "front-closed"


def seen_timeout_on_sleeping_server(t):
    t.told(1)


def seen_unimplemented_service(t):
    """What no route takes is not implemented, neither."""
    call = t.channel.unary_unary("/grpc.testing.None/a/b")
    assert t.status_of(lambda: call(b"", timeout=t.patience))[0] == "UNIMPLEMENTED"


def seen_client_compressed_unary(t):
    line = t.gateway.access()[0]
    assert line["request_bytes"] < LARGE_UP / 10 and line["response_bytes"] > LARGE_DOWN, line


def seen_client_compressed_streaming(t):
    assert t.gateway.access()[0]["request_bytes"] < 27182


def seen_server_compressed_unary(t):
    first, second = t.gateway.access(2)
    assert first["response_bytes"] < LARGE_DOWN / 10 and second["response_bytes"] > LARGE_DOWN, (first, second)


def seen_server_compressed_streaming(t):
    assert 92653 < t.gateway.access()[0]["response_bytes"] < 92653 + 31415


def cancel_after_begin():
    """The server knows of the call when it is cancelled, and learns that it is over."""
    with trial() as t:
        def begun():
            lib.until(lambda: t.service.metadata, "the server does not know of the call")
        grpc_interop.cancel_after_begin(t, begun)
        t.told(1)
        assert t.gateway.access()[0]["fault"] == "front-closed"


def published(case):
    def test():
        with trial() as t:
            case(t)
            globals().get("seen_" + case.__name__, lambda t: None)(t)
    return test


# ---- what toron adds ----

def very_large_unary():
    with trial() as t:
        r = t.stub.UnaryCall(t.unary(3 << 20, 20 << 20), timeout=t.patience)
        assert len(r.payload.body) == 20 << 20


def message(request):
    data = request.SerializeToString()
    return b"\0" + struct.pack(">I", len(data)) + data


def call_fields(method, kind="application/grpc", *more):
    return [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/grpc.testing.TestService/" + method),
            ("content-type", kind), *more]


def the_gateway_has_a_clock():
    """A client that does not look at its own is told when the time is over."""
    with trial() as t, t.raw() as c:
        stream = c.request(call_fields("StreamingOutputCall", "application/grpc", ("te", "trailers"), ("grpc-timeout", "300m")), end=False)
        c.send(stream, message(t.stream(1, wait_ms=5000)), end=True)
        s = c.response(stream)
        status = dict(s.trailers or s.head)["grpc-status"]
        assert s.reset is None and status == "4", s.head
        t.told(1)


def timeouts_are_shortened():
    with trial(route=", timeouts: {total: 5s}") as t:
        t.stub.EmptyCall(t.pb.Empty(), timeout=1000)
        assert 1 < t.service.left < 5.5
        t.stub.EmptyCall(t.pb.Empty())
        assert 1 < t.service.left < 5.5
        t.stub.EmptyCall(t.pb.Empty(), timeout=3)
        assert 0 < t.service.left < 3.5
    with trial(route=", timeouts: {total: 400ms}") as t:
        begun = time.monotonic()
        for pauses, wait_ms in ((1, 5000), (8, 150)):  # in the second, the answer has begun
            call = t.stub.StreamingOutputCall(t.stream(*[1] * pauses, wait_ms=wait_ms), timeout=t.patience)
            assert t.status_of(lambda: list(call))[0] == "DEADLINE_EXCEEDED"
        assert time.monotonic() - begun < 5 * lib.SLOW


def every_status():
    text = grpc_interop.SPECIAL + "%"
    with trial() as t:
        for code in t.grpc.StatusCode:
            if code.value[0] != 0:
                assert t.status_of(lambda: t.stub.UnaryCall(t.unary(code=code.value[0], message=text))) == (code.name, text)


def many_calls_at_a_time():
    """On one connection of the client's; few reach the server."""
    with trial() as t:
        calls = [t.stub.StreamingOutputCall(t.stream(1000 + i, wait_ms=i % 50), timeout=t.patience) for i in range(200)]
        more = [t.stub.UnaryCall.future(t.unary(down=1000 + i), timeout=t.patience) for i in range(200)]
        assert [[len(r.payload.body) for r in c] for c in calls] == [[1000 + i] for i in range(200)]
        assert [len(c.result().payload.body) for c in more] == [1000 + i for i in range(200)]


def a_slow_reader_stops_only_itself():
    with trial() as t:
        before = t.gateway.rss_kib()
        stuck = t.stub.StreamingOutputCall(t.stream(*[1 << 20] * 60), timeout=3 * t.patience)
        next(stuck)
        for _ in range(20):
            assert len(t.stub.UnaryCall(t.unary(down=100000), timeout=t.patience).payload.body) == 100000
        time.sleep(0.5)
        assert lib.DYNAMIC or t.gateway.rss_kib() - before < 32 << 10
        assert sum(1 for _ in stuck) == 59


class Reluctant(grpc_interop.Service):
    unavailable = 0  # calls of UnaryCall that are refused

    def UnaryCall(self, request, context):
        if self.unavailable > 0:
            self.unavailable -= 1
            context.abort(self.grpc.StatusCode.UNAVAILABLE, "not yet")
        return super().UnaryCall(request, context)


def retries_by_status():
    """A status alone is tried again; what comes after a message is not."""
    with trial(backend=", retry: {attempts: 3, on: [unavailable], backoff: 0}", service=Reluctant) as t:
        t.service.unavailable = 2
        assert t.stub.UnaryCall(t.unary(5, 5), timeout=t.patience).payload.body == b"\0" * 5
        assert t.service.unavailable == 0
        call = t.stub.FullDuplexCall(iter([t.stream(1), t.stream(code=14, message="late")]), timeout=t.patience)
        assert t.status_of(lambda: list(call)) == ("UNAVAILABLE", "late")
        assert [line["tries"] for line in t.gateway.access(2)] == [3, 1]
        t.service.unavailable = 3
        assert t.status_of(lambda: t.stub.UnaryCall(t.unary(), timeout=t.patience)) == ("UNAVAILABLE", "not yet")


def web():
    """A browser's call, binary and text, of both kinds that browsers can make."""
    with trial(route=", middlewares: [grpc-web]") as t, t.raw() as c:
        one, many = t.pb.SimpleResponse, t.pb.StreamingOutputCallResponse
        for kind in ("application/grpc-web+proto", "application/grpc-web-text"):
            for method, wish, answer, sizes in (("UnaryCall", t.unary(down=1000), one, [1000]),
                                                ("StreamingOutputCall", t.stream(10, 100000, 0), many, [10, 100000, 0]),
                                                ("UnaryCall", t.unary(code=5, message="gone ☺"), one, [])):
                body = message(wish)
                if kind.endswith("text"):
                    body = base64.b64encode(body)
                stream = c.request(call_fields(method, kind, ("x-grpc-web", "1")), end=False)
                c.send(stream, body, end=True)
                s = c.response(stream)
                assert s.status == 200 and s.field("content-type").startswith(kind.split("+")[0]) and s.trailers is None, s.head
                data = bytes(s.data)
                if kind.endswith("text"):
                    data = b"".join(base64.b64decode(data[i:i + 4]) for i in range(0, len(data), 4))
                frames, fields = [], {}
                while data:
                    size = struct.unpack(">I", data[1:5])[0]
                    if data[0] & 0x80:
                        fields = dict(line.split(b": ", 1) for line in data[5:5 + size].split(b"\r\n") if line)
                    else:
                        frames.append(len(answer.FromString(data[5:5 + size]).payload.body))
                    data = data[5 + size:]
                status = fields.get(b"grpc-status", (s.field("grpc-status") or "").encode())
                assert frames == sizes and status == (b"0" if sizes else b"5"), (frames, fields, s.head)
                note = fields.get(b"grpc-message", (s.field("grpc-message") or "").encode())
                assert note == (b"" if sizes else b"gone %E2%98%BA"), (fields, s.head)


OWN = (cancel_after_begin, very_large_unary, the_gateway_has_a_clock, timeouts_are_shortened, every_status, many_calls_at_a_time,
       a_slow_reader_stops_only_itself, retries_by_status, web)


def declare():
    tests = {name: published(case) for name, case in grpc_interop.CASES.items()}
    tests.update({f.__name__: f for f in OWN})
    for pair in PAIRS:
        for name, test in tests.items():
            def run(test=test, pair=pair):
                _pair[:] = pair
                test()
            globals()["test_%s_%s_%s" % (*pair, name)] = run


declare()
