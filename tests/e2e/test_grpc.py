# SPDX-License-Identifier: MIT OR Apache-2.0
"""gRPC through the gateway, with python3-grpcio on both sides: the published interoperability cases, in messages of our own
(grpc/trial.proto)."""
import base64
import concurrent.futures
import contextlib
import importlib
import os
import struct
import sys
import threading
import time

import certs
import h2_peer
import lib
from lib import Gateway, free_port

CONFIG = """\
listeners:
  - {protocol: http, address: 127.0.0.1, port: %d}
log: {access: {enabled: true}}
backends:
  trial: {url: "%s", protocol: h2%s}
routes:
  - {name: service, match: {grpc: {service: toron.trial.Trial}}, backend: trial%s}
  - {name: others, match: {grpc: {}}, backend: trial}
"""
SECURE = """\
certificates: {site: {cert: "%s", key: {file: "%s"}}}
listeners:
  - {protocol: https, address: 127.0.0.1, port: %d, tls: {certificates: [site]}}
"""
METADATA_HEAD, METADATA_TRAILER = "x-echo-initial", "x-echo-trailing-bin"
_loaded = []
_secure = []  # not empty: TLS on both sides of the gateway


def load():
    """(grpc, messages, stubs): made from the proto file once."""
    if _loaded:
        return _loaded[0]
    try:
        import grpc
        from grpc_tools import protoc
    except ImportError:
        raise lib.Skip("python3-grpcio or python3-grpc-tools is not installed")
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grpc")
    out = os.path.join(lib.WORK, "grpc")
    os.makedirs(out, exist_ok=True)
    assert protoc.main(["protoc", "-I" + folder, "--python_out=" + out, "--grpc_python_out=" + out, os.path.join(folder, "trial.proto")]) == 0
    sys.path.insert(0, out)
    _loaded.append((grpc, importlib.import_module("trial_pb2"), importlib.import_module("trial_pb2_grpc")))
    return _loaded[0]


class Service:
    """The server's side. .ended counts the calls that are over, .metadata is what the last one came with."""

    def __init__(self):
        self.grpc, self.pb, _ = load()
        self.ended = []
        self.metadata = {}
        self.left = None
        self.unavailable = 0  # calls of Unary that are refused

    def begin(self, context):
        self.left = context.time_remaining()
        context.add_callback(lambda: self.ended.append(True))
        self.metadata = dict(context.invocation_metadata())
        if METADATA_HEAD in self.metadata:
            context.send_initial_metadata(((METADATA_HEAD, self.metadata[METADATA_HEAD]),))
        if METADATA_TRAILER in self.metadata:
            context.set_trailing_metadata(((METADATA_TRAILER, self.metadata[METADATA_TRAILER]),))

    def status(self, wish, context):
        if wish.code != 0:
            context.abort([c for c in self.grpc.StatusCode if c.value[0] == wish.code][0], wish.text)

    def answer(self, wish, context):
        end = time.monotonic() + wish.delay_ms / 1000
        while time.monotonic() < end and context.is_active():
            time.sleep(0.01)
        self.status(wish, context)
        return self.pb.Result(payload=b"\0" * wish.size)

    def Empty(self, request, context):
        self.begin(context)
        return self.pb.Nothing()

    def Unary(self, request, context):
        self.begin(context)
        if self.unavailable > 0:
            self.unavailable -= 1
            context.abort(self.grpc.StatusCode.UNAVAILABLE, "not yet")
        return self.answer(request, context)

    def Upload(self, requests, context):
        self.begin(context)
        return self.pb.Result(total=sum(len(r.payload) for r in requests))

    def Download(self, request, context):
        self.begin(context)
        for size in struct.unpack(">%dI" % (len(request.payload) // 4), request.payload):
            if not context.is_active():
                return
            yield self.answer(self.pb.Wish(size=size, delay_ms=request.delay_ms), context)
        self.status(request, context)

    def Talk(self, requests, context):
        self.begin(context)
        for wish in requests:
            yield self.answer(wish, context)

    def Unimplemented(self, request, context):
        context.abort(self.grpc.StatusCode.UNIMPLEMENTED, "")


@contextlib.contextmanager
def trial(route="", backend=""):
    grpc, pb, stubs = load()
    service = Service()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32),
                         options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    stubs.add_TrialServicer_to_server(service, server)
    options = [("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    port = free_port()
    if _secure:
        site, ca, https = certs.shared("site"), certs.shared("ca").cert, free_port()
        back = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(certs.read(site.key), certs.read(site.cert))]))
        config = CONFIG % (port, "https://localhost:%d" % back, ', tls: {ca: "%s"}%s' % (ca, backend), route)
        config = config.replace("listeners:\n", SECURE % (site.cert, site.key, https))
        channel = grpc.secure_channel("localhost:%d" % https, grpc.ssl_channel_credentials(certs.read(ca)), options)
    else:
        back = server.add_insecure_port("127.0.0.1:0")
        config = CONFIG % (port, "http://127.0.0.1:%d" % back, backend, route)
        channel = grpc.insecure_channel("127.0.0.1:%d" % port, options)
    server.start()
    try:
        with Gateway(config) as gateway, channel:
            yield Trial(grpc, pb, stubs, service, gateway, channel, port, back)
    finally:
        server.stop(0).wait(10)


class Trial:
    def __init__(self, grpc, pb, stubs, service, gateway, channel, port, back):
        self.grpc, self.pb, self.service, self.gateway, self.port, self.back = grpc, pb, service, gateway, port, back
        self.channel, self.stubs = channel, stubs
        self.stub = stubs.TrialStub(channel)
        self.absent = stubs.AbsentStub(channel)

    def status_of(self, call):
        """The status that a call raises."""
        try:
            call()
        except self.grpc.RpcError as e:
            return e.code().name, e.details()
        raise AssertionError("the call went well")

    def sizes(self, *sizes, **fields):
        return self.pb.Wish(payload=struct.pack(">%dI" % len(sizes), *sizes), **fields)


LIMIT = 20


def patience():
    return LIMIT * lib.SLOW


SIZES_UP, SIZES_DOWN = (27182, 8, 1828, 45904), (31415, 9, 2653, 58979)


def test_empty_unary():
    with trial() as t:
        assert t.stub.Empty(t.pb.Nothing(), timeout=patience()) == t.pb.Nothing()
        line = t.gateway.access()[0]
        assert line["status"] == 200 and line["protocol"] == "HTTP/2.0" and "fault" not in line, line


def test_large_unary():
    with trial() as t:
        r = t.stub.Unary(t.pb.Wish(size=314159, payload=b"\0" * 271828), timeout=patience())
        assert r.payload == b"\0" * 314159
        r = t.stub.Unary(t.pb.Wish(size=20 << 20, payload=b"\0" * (3 << 20)), timeout=patience())
        assert len(r.payload) == 20 << 20


def test_client_streaming():
    with trial() as t:
        r = t.stub.Upload((t.pb.Wish(payload=b"\0" * n) for n in SIZES_UP), timeout=patience())
        assert r.total == sum(SIZES_UP) == 74922


def test_server_streaming():
    with trial() as t:
        got = [len(r.payload) for r in t.stub.Download(t.sizes(*SIZES_DOWN), timeout=patience())]
        assert got == list(SIZES_DOWN)


class Talk:
    """A call of both directions, request by request."""

    def __init__(self, t, **kw):
        self.go = threading.Event()
        self.next = []
        self.over = False
        self.call = t.stub.Talk(self.requests(), **kw)

    def requests(self):
        while True:
            self.go.wait()
            self.go.clear()
            while self.next:
                yield self.next.pop(0)
            if self.over:
                return

    def send(self, wish):
        self.next.append(wish)
        self.go.set()

    def end(self):
        self.over = True
        self.go.set()


def test_ping_pong():
    with trial() as t:
        talk = Talk(t, timeout=patience())
        for up, down in zip(SIZES_UP, SIZES_DOWN):
            talk.send(t.pb.Wish(size=down, payload=b"\0" * up))
            assert len(next(talk.call).payload) == down
        talk.end()
        assert list(talk.call) == []
        assert talk.call.code() == t.grpc.StatusCode.OK


def test_empty_stream():
    with trial() as t:
        call = t.stub.Talk(iter(()), timeout=patience())
        assert list(call) == [] and call.code() == t.grpc.StatusCode.OK


def told(service, n):
    end = time.monotonic() + patience()
    while len(service.ended) < n and time.monotonic() < end:
        time.sleep(0.01)
    return len(service.ended) >= n


def test_cancel_after_begin():
    with trial() as t:
        go = threading.Event()

        def requests():
            yield t.pb.Wish(payload=b"x")
            go.wait(patience())

        call = t.stub.Upload.future(requests(), timeout=patience())
        end = time.monotonic() + patience()
        while not t.service.metadata and time.monotonic() < end:
            time.sleep(0.01)
        call.cancel()
        assert call.code() == t.grpc.StatusCode.CANCELLED
        assert told(t.service, 1)  # the server learns of it
        go.set()
        assert t.gateway.access()[0]["fault"] == "front-closed"


def test_cancel_after_first_response():
    with trial() as t:
        talk = Talk(t, timeout=patience())
        talk.send(t.pb.Wish(size=31415, payload=b"\0" * 27182))
        assert len(next(talk.call).payload) == 31415
        talk.call.cancel()
        assert t.status_of(lambda: next(talk.call))[0] == "CANCELLED"
        assert told(t.service, 1)
        talk.end()


def test_timeout_on_sleeping_server():
    """The client's own clock, and the gateway's, which counts the same."""
    with trial() as t:
        talk = Talk(t, timeout=0.3)
        talk.send(t.pb.Wish(size=1, delay_ms=5000, payload=b"\0" * 27182))
        assert t.status_of(lambda: next(talk.call))[0] == "DEADLINE_EXCEEDED"
        talk.end()
        assert told(t.service, 1)
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/toron.trial.Trial/Unary"),
                  ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "300m")]
        wish = t.pb.Wish(delay_ms=5000).SerializeToString()
        with h2_peer.Client(t.port) as c:
            stream = c.request(fields, end=False)
            c.send(stream, b"\0" + struct.pack(">I", len(wish)) + wish, end=True)
            s = c.response(stream)
            status = dict(s.trailers or s.head)["grpc-status"]
            assert s.reset is None and status == "4", s.head
        assert told(t.service, 2)


def test_timeouts_are_shortened():
    with trial(route=", timeouts: {total: 5s}") as t:
        t.stub.Empty(t.pb.Nothing(), timeout=1000)
        assert 1 < t.service.left < 5.5
        t.stub.Empty(t.pb.Nothing())
        assert 1 < t.service.left < 5.5
        t.stub.Empty(t.pb.Nothing(), timeout=3)
        assert 0 < t.service.left < 3.5
    with trial(route=", timeouts: {total: 400ms}") as t:
        begun = time.monotonic()
        assert t.status_of(lambda: t.stub.Unary(t.pb.Wish(delay_ms=5000), timeout=patience()))[0] == "DEADLINE_EXCEEDED"
        call = t.stub.Download(t.sizes(1, 1, 1, 1, 1, 1, 1, 1, delay_ms=150), timeout=patience())
        assert t.status_of(lambda: list(call))[0] == "DEADLINE_EXCEEDED"  # the answer had begun
        assert time.monotonic() - begun < 5 * lib.SLOW


def test_status_code_and_message():
    with trial() as t:
        assert t.status_of(lambda: t.stub.Unary(t.pb.Wish(code=2, text="test status message"))) == ("UNKNOWN", "test status message")
        talk = Talk(t)
        talk.send(t.pb.Wish(code=2, text="test status message"))
        assert t.status_of(lambda: next(talk.call)) == ("UNKNOWN", "test status message")
        talk.end()
        for code in t.grpc.StatusCode:
            if code.value[0] != 0:
                assert t.status_of(lambda: t.stub.Unary(t.pb.Wish(code=code.value[0], text="x"))) == (code.name, "x")


def test_special_status_message():
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP \U0001f608\t\n%"
    with trial() as t:
        assert t.status_of(lambda: t.stub.Unary(t.pb.Wish(code=2, text=text))) == ("UNKNOWN", text)


def test_custom_metadata():
    sent = ((METADATA_HEAD, "test_initial_metadata_value"), (METADATA_TRAILER, b"\x0a\x0b\x0a\x0b\x0a\x0b\xff\x00,"))
    with trial() as t:
        _, call = t.stub.Unary.with_call(t.pb.Wish(size=314159, payload=b"\0" * 271828), metadata=sent, timeout=patience())
        talk = Talk(t, metadata=sent, timeout=patience())
        talk.send(t.pb.Wish(size=1))
        next(talk.call)
        talk.end()
        list(talk.call)
        for c in (call, talk.call):
            assert dict(c.initial_metadata())[METADATA_HEAD] == sent[0][1]
            assert dict(c.trailing_metadata())[METADATA_TRAILER] == sent[1][1]


def test_unimplemented():
    with trial() as t:
        assert t.status_of(lambda: t.stub.Unimplemented(t.pb.Nothing()))[0] == "UNIMPLEMENTED"
        assert t.status_of(lambda: t.absent.Empty(t.pb.Nothing()))[0] == "UNIMPLEMENTED"
        # what no route takes, neither
        call = t.channel.unary_unary("/a/b/c")
        assert t.status_of(lambda: call(b"", timeout=patience()))[0] == "UNIMPLEMENTED"


def test_many_calls_at_a_time():
    """On one connection of the client's; few reach the server."""
    with trial() as t:
        calls = [t.stub.Unary.future(t.pb.Wish(size=1000 + i, delay_ms=i % 50), timeout=patience()) for i in range(300)]
        assert [len(c.result().payload) for c in calls] == [1000 + i for i in range(300)]


def test_a_slow_reader_stops_only_itself():
    with trial() as t:
        before = t.gateway.rss_kib()
        stuck = t.stub.Download(t.sizes(*[1 << 20] * 60), timeout=3 * patience())
        next(stuck)
        for _ in range(20):
            assert len(t.stub.Unary(t.pb.Wish(size=100000), timeout=patience()).payload) == 100000
        time.sleep(0.5)
        assert lib.DYNAMIC or t.gateway.rss_kib() - before < 32 << 10
        assert sum(1 for _ in stuck) == 59


def test_retries_by_status():
    """A status alone is tried again; what comes after a message is not."""
    with trial(backend=", retry: {attempts: 3, on: [unavailable], backoff: 0}") as t:
        t.service.unavailable = 2
        assert t.stub.Unary(t.pb.Wish(size=5, payload=b"again"), timeout=patience()).payload == b"\0" * 5
        assert t.service.unavailable == 0
        call = t.stub.Download(t.sizes(1, code=14, text="late"), timeout=patience())
        assert t.status_of(lambda: list(call)) == ("UNAVAILABLE", "late")
        assert [line["tries"] for line in t.gateway.access(2)] == [3, 1]
        t.service.unavailable = 3
        assert t.status_of(lambda: t.stub.Unary(t.pb.Wish(), timeout=patience())) == ("UNAVAILABLE", "not yet")


def test_web():
    """A browser's call, binary and text, of both kinds that browsers can make."""
    with trial(route=", middlewares: [grpc-web]") as t, h2_peer.Client(t.port) as c:
        for kind in ("application/grpc-web+proto", "application/grpc-web-text"):
            for method, wish, n in (("Unary", t.pb.Wish(size=1000), 1), ("Download", t.sizes(10, 100000, 0), 3),
                                    ("Unary", t.pb.Wish(code=5, text="gone ☺"), 0)):
                body = wish.SerializeToString()
                body = b"\0" + struct.pack(">I", len(body)) + body
                if kind.endswith("text"):
                    body = base64.b64encode(body)
                stream = c.request([(":method", "POST"), (":scheme", "http"), (":authority", "a"),
                                    (":path", "/toron.trial.Trial/" + method), ("content-type", kind), ("x-grpc-web", "1")], end=False)
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
                        frames.append(t.pb.Result.FromString(data[5:5 + size]))
                    data = data[5 + size:]
                if n == 0:
                    status = fields.get(b"grpc-status", (s.field("grpc-status") or "").encode())
                    assert status == b"5" and not frames
                else:
                    assert fields[b"grpc-status"] == b"0" and len(frames) == n


def declare():
    """All of them over TLS, which the client and the gateway's servers choose HTTP/2 in by ALPN."""
    for name, f in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        def test(f=f):
            _secure.append(True)
            try:
                f()
            finally:
                _secure.clear()
        globals()["test_tls_" + name[5:]] = test


declare()
