# SPDX-License-Identifier: MIT OR Apache-2.0
"""The service of gRPC's interoperability tests (grpc/interop.proto) and its published cases, with python3-grpcio: for the tests of test_grpc.py, and
as a program for peers in other languages.

    grpc_interop.py server PORT KEY CERT PORT                   in clear text and over TLS, until its input ends
    grpc_interop.py client CA "KIND HOST:PORT CASE,CASE..."...  a line "ok CASE" or "failed CASE at PLACE: why" for each; KIND is h2c or h2

Neither grpcio nor grpc-js tells a server whether a message came compressed, so the probe with which the cases of compression begin is left out:
whoever runs them looks at the bytes that went through the gateway."""
import concurrent.futures
import importlib
import os
import sys
import tempfile
import threading
import time

ECHO_HEAD, ECHO_TRAILER = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
METADATA = ((ECHO_HEAD, "test_initial_metadata_value"), (ECHO_TRAILER, b"\x0a\x0b\x0a\x0b\x0a\x0b\xff\x00,"))
LARGE_UP, LARGE_DOWN = 271828, 314159
SIZES_UP, SIZES_DOWN = (27182, 8, 1828, 45904), (31415, 9, 2653, 58979)
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP \U0001f608\t\n"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
_loaded = []


def load(out):
    """(grpc, messages, stubs): made from the proto file once, in the folder `out`. ImportError where a package is missing."""
    if not _loaded:
        import grpc
        from grpc_tools import protoc
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grpc")
        os.makedirs(out, exist_ok=True)
        assert protoc.main(["protoc", "-I" + folder, "--python_out=" + out, "--grpc_python_out=" + out, os.path.join(folder, "interop.proto")]) == 0
        sys.path.insert(0, out)
        _loaded.append((grpc, importlib.import_module("interop_pb2"), importlib.import_module("interop_pb2_grpc")))
    return _loaded[0]


# ---- the server ----

class Service:
    """.ended counts the calls that are over, .metadata is what the last one came with, .left the time that it had."""

    def __init__(self):
        self.grpc, self.pb, _ = _loaded[0]
        self.ended = []
        self.metadata = {}
        self.left = None

    def begin(self, context):
        self.left = context.time_remaining()
        context.add_callback(lambda: self.ended.append(True))
        self.metadata = dict(context.invocation_metadata())
        if ECHO_HEAD in self.metadata:
            context.send_initial_metadata(((ECHO_HEAD, self.metadata[ECHO_HEAD]),))
        if ECHO_TRAILER in self.metadata:
            context.set_trailing_metadata(((ECHO_TRAILER, self.metadata[ECHO_TRAILER]),))

    def status(self, request, context):
        wish = request.response_status
        if wish.code != 0:
            context.abort([c for c in self.grpc.StatusCode if c.value[0] == wish.code][0], wish.message)

    def payload(self, size):
        return self.pb.Payload(body=b"\0" * size)

    def compress(self, parameters, context):
        """Before the first message: a call whose answers may come compressed."""
        if any(p.value for p in parameters):
            context.set_compression(self.grpc.Compression.Gzip)

    def answers(self, request, context):
        self.status(request, context)
        for p in request.response_parameters:
            end = time.monotonic() + p.interval_us / 1e6
            while time.monotonic() < end and context.is_active():
                time.sleep(0.01)
            if not context.is_active():
                return
            if not p.compressed.value:
                context.disable_next_message_compression()
            yield self.pb.StreamingOutputCallResponse(payload=self.payload(p.size))

    def EmptyCall(self, request, context):
        self.begin(context)
        return self.pb.Empty()

    def UnaryCall(self, request, context):
        self.compress([request.response_compressed], context)
        self.begin(context)
        self.status(request, context)
        return self.pb.SimpleResponse(payload=self.payload(request.response_size))

    CacheableUnaryCall = UnaryCall

    def StreamingInputCall(self, requests, context):
        self.begin(context)
        return self.pb.StreamingInputCallResponse(aggregated_payload_size=sum(len(r.payload.body) for r in requests))

    def StreamingOutputCall(self, request, context):
        self.compress([p.compressed for p in request.response_parameters], context)
        self.begin(context)
        yield from self.answers(request, context)

    def FullDuplexCall(self, requests, context):
        self.begin(context)
        for request in requests:
            yield from self.answers(request, context)

    def HalfDuplexCall(self, requests, context):
        self.begin(context)
        for request in list(requests):
            yield from self.answers(request, context)

    def UnimplementedCall(self, request, context):
        context.abort(self.grpc.StatusCode.UNIMPLEMENTED, "")


def new_server(service):
    grpc, _, stubs = _loaded[0]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32), options=OPTIONS)
    stubs.add_TestServiceServicer_to_server(service, server)
    return server


# ---- the client ----

class Caller:
    """One channel, and how long its calls may take."""

    def __init__(self, target, ca=None, patience=20):
        """`ca` is the text of a certificate, for TLS."""
        self.grpc, self.pb, self.stubs = _loaded[0]
        self.patience = patience
        self.channel = (self.grpc.secure_channel(target, self.grpc.ssl_channel_credentials(ca), OPTIONS) if ca
                        else self.grpc.insecure_channel(target, OPTIONS))
        self.stub = self.stubs.TestServiceStub(self.channel)
        self.absent = self.stubs.UnimplementedServiceStub(self.channel)

    def payload(self, size):
        return self.pb.Payload(body=b"\0" * size)

    def unary(self, up=0, down=0, code=0, message="", **fields):
        status = self.pb.EchoStatus(code=code, message=message) if code else None
        return self.pb.SimpleRequest(payload=self.payload(up), response_size=down, response_status=status, **fields)

    def stream(self, *sizes, up=0, code=0, message="", wait_ms=0):
        """A request for messages of these sizes, with a pause before each."""
        status = self.pb.EchoStatus(code=code, message=message) if code else None
        parameters = [self.pb.ResponseParameters(size=n, interval_us=wait_ms * 1000) for n in sizes]
        return self.pb.StreamingOutputCallRequest(payload=self.payload(up), response_parameters=parameters, response_status=status)

    def status_of(self, call):
        """The status that a call raises."""
        try:
            call()
        except self.grpc.RpcError as e:
            return e.code().name, e.details()
        raise AssertionError("the call went well")


class Talk:
    """A call of both directions, request by request."""

    def __init__(self, c, **kw):
        self.go = threading.Event()
        self.next = []
        self.over = False
        self.call = c.stub.FullDuplexCall(self.requests(), **{"timeout": c.patience, **kw})

    def requests(self):
        while True:
            self.go.wait()
            self.go.clear()
            while self.next:
                yield self.next.pop(0)
            if self.over:
                return

    def send(self, request):
        self.next.append(request)
        self.go.set()

    def end(self):
        self.over = True
        self.go.set()


def empty_unary(c):
    assert c.stub.EmptyCall(c.pb.Empty(), timeout=c.patience) == c.pb.Empty()


def large_unary(c, **kw):
    r = c.stub.UnaryCall(c.unary(LARGE_UP, LARGE_DOWN), timeout=c.patience, **kw)
    assert r.payload.body == b"\0" * LARGE_DOWN


def client_streaming(c, sizes=SIZES_UP, **kw):
    requests = (c.pb.StreamingInputCallRequest(payload=c.payload(n)) for n in sizes)
    r = c.stub.StreamingInputCall(requests, timeout=c.patience, **kw)
    assert r.aggregated_payload_size == sum(sizes), r.aggregated_payload_size


def server_streaming(c):
    got = [len(r.payload.body) for r in c.stub.StreamingOutputCall(c.stream(*SIZES_DOWN), timeout=c.patience)]
    assert got == list(SIZES_DOWN), got


def ping_pong(c):
    talk = Talk(c)
    for up, down in zip(SIZES_UP, SIZES_DOWN):
        talk.send(c.stream(down, up=up))
        assert len(next(talk.call).payload.body) == down
    talk.end()
    assert list(talk.call) == [] and talk.call.code() == c.grpc.StatusCode.OK


def empty_stream(c):
    call = c.stub.FullDuplexCall(iter(()), timeout=c.patience)
    assert list(call) == [] and call.code() == c.grpc.StatusCode.OK


def cancel_after_begin(c, begun=lambda: None):
    go = threading.Event()

    def requests():
        go.wait(c.patience)
        yield c.pb.StreamingInputCallRequest(payload=c.payload(1))

    call = c.stub.StreamingInputCall.future(requests(), timeout=c.patience, metadata=METADATA)
    begun()
    call.cancel()
    assert call.code() == c.grpc.StatusCode.CANCELLED
    go.set()


def cancel_after_first_response(c):
    talk = Talk(c)
    talk.send(c.stream(31415, up=27182))
    assert len(next(talk.call).payload.body) == 31415
    talk.call.cancel()
    assert c.status_of(lambda: next(talk.call))[0] == "CANCELLED"
    talk.end()


def timeout_on_sleeping_server(c, timeouts=(0.001, 0.3)):
    """The published case has 1 ms, which may be over before the call gets anywhere."""
    for timeout in timeouts:
        talk = Talk(c, timeout=timeout)
        talk.send(c.stream(31415, up=27182, wait_ms=5000))
        assert c.status_of(lambda: next(talk.call))[0] == "DEADLINE_EXCEEDED"
        talk.end()


def status_code_and_message(c):
    expected = ("UNKNOWN", "test status message")
    assert c.status_of(lambda: c.stub.UnaryCall(c.unary(code=2, message=expected[1]), timeout=c.patience)) == expected
    talk = Talk(c)
    talk.send(c.stream(code=2, message=expected[1]))
    assert c.status_of(lambda: next(talk.call)) == expected
    talk.end()


def special_status_message(c):
    got = c.status_of(lambda: c.stub.UnaryCall(c.unary(code=2, message=SPECIAL), timeout=c.patience))
    assert got == ("UNKNOWN", SPECIAL), got


def custom_metadata(c):
    _, call = c.stub.UnaryCall.with_call(c.unary(LARGE_UP, LARGE_DOWN), metadata=METADATA, timeout=c.patience)
    talk = Talk(c, metadata=METADATA)
    talk.send(c.stream(LARGE_DOWN, up=LARGE_UP))
    next(talk.call)
    talk.end()
    assert list(talk.call) == []
    for seen in (call, talk.call):
        assert dict(seen.initial_metadata())[ECHO_HEAD] == METADATA[0][1]
        assert dict(seen.trailing_metadata())[ECHO_TRAILER] == METADATA[1][1]


def unimplemented_method(c):
    assert c.status_of(lambda: c.stub.UnimplementedCall(c.pb.Empty(), timeout=c.patience))[0] == "UNIMPLEMENTED"


def unimplemented_service(c):
    assert c.status_of(lambda: c.absent.UnimplementedCall(c.pb.Empty(), timeout=c.patience))[0] == "UNIMPLEMENTED"


def client_compressed_unary(c):
    large_unary(c, compression=c.grpc.Compression.Gzip)


def client_compressed_streaming(c):
    client_streaming(c, (27182, 45904), compression=c.grpc.Compression.Gzip)


def server_compressed_unary(c):
    for wish in (True, False):
        r = c.stub.UnaryCall(c.unary(LARGE_UP, LARGE_DOWN, response_compressed=c.pb.BoolValue(value=wish)), timeout=c.patience)
        assert r.payload.body == b"\0" * LARGE_DOWN


def server_compressed_streaming(c):
    request = c.stream(31415, 92653)
    request.response_parameters[0].compressed.value = True
    request.response_parameters[1].compressed.value = False
    got = [len(r.payload.body) for r in c.stub.StreamingOutputCall(request, timeout=c.patience)]
    assert got == [31415, 92653], got


CASES = {f.__name__: f for f in (
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, cancel_after_begin, cancel_after_first_response,
    timeout_on_sleeping_server, status_code_and_message, special_status_message, custom_metadata, unimplemented_method, unimplemented_service,
    client_compressed_unary, client_compressed_streaming, server_compressed_unary, server_compressed_streaming)}


# ---- the program ----

def read(path):
    with open(path, "rb") as f:
        return f.read()


def serve(clear, key, cert, secure):
    grpc = _loaded[0][0]
    server = new_server(Service())
    server.add_insecure_port("127.0.0.1:" + clear)
    server.add_secure_port("127.0.0.1:" + secure, grpc.ssl_server_credentials([(read(key), read(cert))]))
    server.start()
    sys.stdin.read()
    server.stop(0).wait(10)


def call(ca, *places):
    for place in places:
        kind, target, cases = place.split(" ")
        c = Caller(target, read(ca) if kind == "h2" else None)
        with c.channel:
            for name in cases.split(","):
                try:
                    CASES[name](c)
                    print("ok " + name, flush=True)
                except Exception as e:
                    print("failed %s at %s: %r" % (name, place.split(" ")[1], e), flush=True)


if __name__ == "__main__":
    sys.path.append("/usr/lib/python3/dist-packages")
    with tempfile.TemporaryDirectory() as made:
        load(made)
        {"server": serve, "client": call}[sys.argv[1]](*sys.argv[2:])
