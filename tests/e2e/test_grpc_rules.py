# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the gateway itself knows of gRPC: errors as a status, time limits, retries, matches, and gRPC-Web to the byte. Servers here are scripts
of HTTP/1.1, which is not how gRPC is spoken but shows everything that a gateway does to a call."""
import base64
import hashlib
import os
import struct
import threading
import time

import h2_peer
import lib
import test_websocket
from lib import Gateway, Proxy, free_port, get

GRPC = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), ("content-type", "application/grpc"), ("te", "trailers")]


def message(payload, flags=0):
    return bytes([flags]) + struct.pack(">I", len(payload)) + payload


def call(port, path, extra=(), data=message(b"x"), kind="application/grpc"):
    """The finished stream of one call."""
    fields = [(k, kind if k == "content-type" else v) for k, v in GRPC] + [(":path", path), *extra]
    fields.sort(key=lambda f: not f[0].startswith(":"))
    with h2_peer.Client(port) as c:
        stream = c.request(fields, end=not data)
        if data:
            c.send(stream, data, end=True)
        return c.response(stream)


def answer(body=message(b"ok"), status="0", note="", head="", end=True):
    """A response of gRPC, as HTTP/1.1 has it."""
    text = b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n" + head.encode() + b"\r\n"
    if body:
        text += b"%x\r\n%s\r\n" % (len(body), body)
    if end:
        text += b"0\r\ngrpc-status: %s\r\n%s\r\n" % (status.encode(), b"grpc-message: " + note.encode() + b"\r\n" if note else b"")
    return text


# ---- errors ----

def test_errors_are_a_status():
    port, dead = free_port(), free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
errors: {format: json, pages: {404: {body: nothing}}}
middlewares: {slow: {rate-limit: {rate: 1/m, burst: 1, key: route}}, token: {jwt: {secret: {env: TOKEN_KEY}}}}
routes:
  - {match: {path: /dead}, backend: {url: "http://127.0.0.1:%d"}}
  - {match: {path: /limited}, middlewares: [slow], echo: {}}
  - {match: {path: /closed}, middlewares: [token], echo: {}}
  - {match: {path: /get, method: GET}, echo: {}}
""" % (port, dead)
    with Gateway(config, env={"TOKEN_KEY": "k" * 32}):
        def told(path, kind="application/grpc"):
            s = call(port, path, kind=kind)
            assert s.status == 200 and s.ended and s.trailers is None and not s.data, (path, s.head)
            assert s.field("content-type") == kind.split(";")[0], s.head
            return s.field("grpc-status"), s.field("grpc-message")

        assert told("/none") == ("12", "Not Found")
        assert told("/none", "application/grpc+proto") == ("12", "Not Found")
        assert told("/none", "application/grpc-web-text; charset=utf-8") == ("12", "Not Found")
        assert told("/get")[0] == "2"
        assert told("/dead") == ("14", "the server could not be reached")
        assert told("/closed")[0] == "16"
        call(port, "/limited")
        assert told("/limited")[0] == "14"
        assert told("/%00")[0] == "3"
        # who does not call is answered as ever
        assert get(port, "/none").body == b"nothing"
        assert get(port, "/none", headers="Content-Type: application/grpcx\r\n", method="POST").status == 404


def test_a_response_that_is_cut_ends_with_a_status():
    def serve(c):
        c.request()
        c.send(answer(end=False))
        time.sleep(0.2)

    with Proxy(serve) as p:
        s = call(p.port, "/s/m")
        assert s.reset is None and bytes(s.data) == message(b"ok")
        assert dict(s.trailers)["grpc-status"] == "13"


# ---- time ----

def test_timeouts():
    seen = []

    def serve(c):
        while True:
            m = c.request()
            seen.append(m.fields.get("grpc-timeout"))
            if m.target == "/begun":
                c.send(answer(end=False))
            elif m.target == "/fast":
                c.send(answer())
                continue
            c.rest()

    with Proxy(serve, route_extra="    timeouts: {total: 5s}") as p:
        for text, least, most in (("300m", 200, 300), ("1S", 500, 1000), ("99999999n", 1, 100), ("1H", 4000, 5000), (None, 4000, 5000),
                                  ("99999999H", 4000, 5000)):
            del seen[:]
            s = call(p.port, "/fast", [] if text is None else [("grpc-timeout", text)])
            assert dict(s.trailers)["grpc-status"] == "0"
            assert seen[0][-1] == "m" and least - 250 * (lib.SLOW - 1) <= int(seen[0][:-1]) <= most, (text, seen)
        for path in ("/slow", "/begun"):
            begun = time.monotonic()
            s = call(p.port, path, [("grpc-timeout", "300m")])
            assert 0.25 < time.monotonic() - begun < 4 * lib.SLOW
            assert s.reset is None
            status = s.field("grpc-status") if path == "/slow" else dict(s.trailers)["grpc-status"]
            assert status == "4", s.head
        for text in ("", "5", "m", "123456789m", "1x", "-1S", "1.5S", " "):
            assert call(p.port, "/fast", [("grpc-timeout", text)]).field("grpc-status") == "3", text
    with Proxy(serve) as p:
        del seen[:]
        call(p.port, "/fast")
        assert seen == [None]  # there is no limit to tell


# ---- retries ----

def test_retries_by_status():
    bodies = []
    statuses = ["14", "14", "0"]

    def serve(c):
        while True:
            m = c.request()
            bodies.append((m.body, m.fields.get("grpc-timeout")))
            status = statuses[min(len(bodies), len(statuses)) - 1]
            if status == "0":
                c.send(answer())
            else:
                c.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: %s\r\n\r\n"
                       % status.encode())

    retry = "    retry: {attempts: 3, on: [unavailable, resource-exhausted], backoff: 0}"
    with Proxy(serve, route_extra=retry) as p:
        s = call(p.port, "/s/m", [("grpc-timeout", "20S")], data=message(b"again"))
        assert dict(s.trailers)["grpc-status"] == "0" and len(bodies) == 3
        assert {b for b, _ in bodies} == {message(b"again")}
        left = [int(timeout[:-1]) for _, timeout in bodies if timeout.endswith("m")]
        assert len(left) == 3 and 20000 >= left[0] >= left[1] >= left[2] > 0, bodies
        del bodies[:]
        statuses[:] = ["5", "0"]
        assert call(p.port, "/s/m").field("grpc-status") == "5" and len(bodies) == 1
        del bodies[:]
        statuses[:] = ["8", "8", "8", "0"]
        assert call(p.port, "/s/m").field("grpc-status") == "8" and len(bodies) == 3
        del bodies[:]
        statuses[:] = ["14", "0"]  # no call: nothing is tried again
        assert get(p.port, "/", method="POST", headers="Content-Type: text/plain\r\n", body=b"x").fields["grpc-status"] == "14"
        assert len(bodies) == 1


# ---- matches ----

def test_matches():
    port = free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - {name: one, match: {grpc: {service: hello.Greeter, method: SayHello}}, respond: {body: one}}
  - {name: service, match: {grpc: {service: hello.Greeter}}, respond: {body: "service ${path.method}"}}
  - {name: method, match: {grpc: {method: [Watch, Check]}}, respond: {body: "method ${path.service}"}}
  - {name: any, match: {grpc: {}}, respond: {body: "any ${path.service} ${path.method}"}}
  - {name: web, match: {path: /}, respond: {body: other}}
tests:
  - {request: "POST http://a/hello.Greeter/SayHello", headers: {content-type: application/grpc+proto}, expect: {route: one}}
  - {request: "POST http://a/hello.Greeter/SayHello", expect: {route: web}}
""" % port
    with Gateway(config):
        for path, kind, body in (
                ("/hello.Greeter/SayHello", "application/grpc", b"one"), ("/hello.Greeter/SayHello", "application/grpc+proto", b"one"),
                ("/hello.Greeter/SayHello", "application/grpc-web-text", b"one"), ("/hello.Greeter/SayHello", "application/grpc; a=b", b"one"),
                ("/hello.Greeter/SayHello", "application/grpcx", b"other"), ("/hello.Greeter/SayHello", "text/plain", b"other"),
                ("/hello.Greeter/Other", "application/grpc", b"service Other"), ("/hello.Greeter", "application/grpc", b"other"),
                ("/hello.Greeter/SayHello/x", "application/grpc", b"other"), ("/x.Health/Check", "application/grpc", b"method x.Health"),
                ("/y/Z", "application/grpc", b"any y Z")):
            assert bytes(call(port, path, kind=kind).data) == body, (path, kind)
        assert get(port, "/hello.Greeter/SayHello", headers="Content-Type: application/grpc\r\n").body == b"other"


# ---- gRPC-Web ----

WEB = "    middlewares: [grpc-web]"


def trailer_frame(**fields):
    return message(b"".join(b"%s: %s\r\n" % (k.replace("_", "-").encode(), v.encode()) for k, v in fields.items()), 0x80)


def decode_text(data):
    """Base64 that may end, and begin anew, at any group of four."""
    return b"".join(base64.b64decode(data[i:i + 4], validate=True) for i in range(0, len(data), 4))


def post(c, kind, body, chunks=None):
    c.send(b"POST /s/m HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nX-Grpc-Web: 1\r\n" % kind.encode())
    if chunks is None:
        c.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return
    c.send(b"Transfer-Encoding: chunked\r\n\r\n")
    for part in chunks:
        c.send(b"%x\r\n%s\r\n" % (len(part), part))
    c.send(b"0\r\n\r\n")


class Web:
    def __init__(self, response, **config):
        self.seen = []
        self.response = response
        self.proxy = Proxy(self.serve, route_extra=WEB, **config)

    def serve(self, c):
        while True:
            self.seen.append(c.request())
            c.send(self.response)

    def __enter__(self):
        self.proxy.__enter__()
        return self

    def __exit__(self, *error):
        self.proxy.__exit__(*error)

    def call(self, kind, body, chunks=None):
        with self.proxy.connect() as c:
            post(c, kind, body, chunks)
            return c.response()


def test_web_binary():
    for suffix in ("", "+proto"):
        with Web(answer(message(b"one") + message(b"two"), note="all%20well", head="x-note: kept\r\n")) as w:
            r = w.call("application/grpc-web" + suffix, message(b"hello"))
            assert w.seen[0].fields["content-type"] == "application/grpc" + suffix and w.seen[0].body == message(b"hello")
            assert r.status == 200 and r.fields["content-type"] == "application/grpc-web" and r.fields["x-note"] == "kept"
            assert r.body == message(b"one") + message(b"two") + trailer_frame(grpc_status="0", grpc_message="all%20well")
            assert r.trailers == b"" and "content-length" not in r.fields


def test_web_text():
    big = os.urandom(300000)
    with Web(answer(message(b"1") + message(b"22") + message(b"") + message(big))) as w:
        text = base64.b64encode(message(b"hello"))
        r = w.call("application/grpc-web-text", text)
        assert w.seen[-1].body == message(b"hello") and w.seen[-1].fields["content-type"] == "application/grpc"
        assert r.fields["content-type"] == "application/grpc-web-text"
        assert decode_text(r.body) == message(b"1") + message(b"22") + message(b"") + message(big) + trailer_frame(grpc_status="0")
        # each message can be decoded as soon as it is there
        assert r.body.startswith(base64.b64encode(message(b"1")) + base64.b64encode(message(b"22")) + base64.b64encode(message(b"")))
        # in pieces, padded in the middle, and large
        parts = [base64.b64encode(message(b"a")), base64.b64encode(message(b"bc")), base64.b64encode(message(big))]
        for chunks in (parts, [b"".join(parts)[i:i + 1000] for i in range(0, len(b"".join(parts)), 1000)],
                       [b"".join(parts[:2])[i:i + 1] for i in range(len(b"".join(parts[:2])))] + parts[2:]):
            w.call("application/grpc-web-text+proto", b"", chunks)
            assert w.seen[-1].body == message(b"a") + message(b"bc") + message(big)
            assert w.seen[-1].fields["content-type"] == "application/grpc+proto"


def test_web_text_that_is_none():
    with Web(answer()) as w:
        for body in (b"!!!!", b"AAA", b"A", b"AA=A", b"AAAA=", b"=", b"AAAB" * 5000 + b"?"):
            r = w.call("application/grpc-web-text", body)
            assert r.status == 200 and r.fields["grpc-status"] == "3", (body[:10], r.fields)
            assert r.fields["content-type"] == "application/grpc-web-text"
        with w.proxy.connect() as c:  # once the server has answered there is only one way left to say so
            c.send(b"POST /s/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web-text\r\nTransfer-Encoding: chunked\r\n\r\n")
            c.send(b"4\r\n????\r\n")
            assert c.response().fields["grpc-status"] == "3"


def test_web_status_alone():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: 5\r\ngrpc-message: gone\r\n\r\n"
    for kind in ("application/grpc-web", "application/grpc-web-text"):
        with Web(head) as w:
            r = w.call(kind, b"")
            assert r.fields["grpc-status"] == "5" and r.fields["grpc-message"] == "gone" and r.body == b""
            assert r.fields["content-type"] == kind


def test_web_own_errors_and_other_answers():
    with Web(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno") as w:
        r = w.call("application/grpc-web", message(b"x"))
        assert r.status == 503 and r.body == b"no" and r.fields["content-type"] == "text/plain"
        with w.proxy.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n")
            assert c.response().body == b"no"
    with Web(answer(end=False)) as w:
        w.proxy.backend.close()
        r = w.call("application/grpc-web+proto", message(b"x"))
        assert r.status == 200 and r.fields["grpc-status"] == "14" and r.fields["content-type"] == "application/grpc-web+proto"


def test_web_streams_at_once():
    """A message reaches the browser before the next one is there, in text as in binary."""
    go = threading.Event()

    def serve(c):
        c.request()
        c.send(answer(message(b"first"), end=False))
        go.wait(10 * lib.SLOW)
        c.send(answer(message(b"second"))[len(answer(b"", end=False)):])

    for kind in ("application/grpc-web", "application/grpc-web-text"):
        go.clear()
        with Proxy(serve, route_extra=WEB) as p, p.connect() as c:
            post(c, kind, b"")
            c.head()
            want = message(b"first") if kind.endswith("web") else base64.b64encode(message(b"first"))
            size = int(c.until(b"\r\n"), 16)
            assert c.exactly(size) == want
            go.set()
            c.exactly(2)
            rest, _ = c.chunked()
            if kind.endswith("text"):
                rest = decode_text(rest)
            assert rest == message(b"second") + trailer_frame(grpc_status="0")


def test_web_cut_answers_end_with_a_status():
    def serve(c):
        c.request()
        c.send(answer(message(b"part"), end=False))

    with Proxy(serve, route_extra=WEB) as p, p.connect() as c:
        post(c, "application/grpc-web", b"")
        r = c.response()
        assert r.body.startswith(message(b"part") + b"\x80") and b"grpc-status: 13\r\n" in r.body


def test_web_cut_messages_are_not_filled_up():
    """Behind a part of a message the frame of the trailers would be taken for the rest of it: nothing comes, and no good end."""
    part = message(b"x" * 100)[:-40]

    def serve(c):
        c.request()
        c.send(answer(part, end=False))
        go.wait(10 * lib.SLOW)
        if not whole:
            return
        c.send(b"0\r\ngrpc-status: 0\r\n\r\n")
        c.request()

    for whole in (False, True):
        for kind in ("application/grpc-web", "application/grpc-web-text"):
            with Proxy(serve, route_extra=WEB) as p, p.connect() as c:
                go = threading.Event()
                post(c, kind, b"")
                c.head()
                c.until(b"\r\n")
                go.set()
                raw = c.rest()
                assert not raw.endswith(b"0\r\n\r\n") and b"grpc-status" not in raw, raw
                assert kind.endswith("text") or part in raw
                assert p.gateway.access()[0]["fault"] == "back-cut"


def digest_of(c):
    """The length and the hash of a chunked body, which is not kept."""
    n, h = 0, hashlib.sha256()
    while True:
        size = int(c.until(b"\r\n"), 16)
        if size == 0:
            c.until(b"\r\n")
            return n, h.hexdigest()
        h.update(c.exactly(size))
        assert c.exactly(2) == b"\r\n"
        n += size
        del c.log[:]


def test_web_bounded_memory():
    """48 MiB each way, with a reader and a server that are slow to begin."""
    n, piece = 48, os.urandom(1 << 20)
    data = message(piece)
    got = []

    def serve(c):
        c.head()
        time.sleep(0.5)
        got.append(digest_of(c))
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(n):
            c.send(b"%x\r\n%s\r\n" % (len(data), data))
        c.send(b"0\r\ngrpc-status: 0\r\n\r\n")

    def hashed(parts):
        whole = b"".join(parts)
        return len(whole), hashlib.sha256(whole).hexdigest()

    with Proxy(serve, route_extra=WEB) as p, p.connect() as c:
        before = p.gateway.rss_kib()
        text = base64.b64encode(data)
        threading.Thread(target=post, args=(c, "application/grpc-web-text", None, [text] * n), daemon=True).start()
        time.sleep(0.5)
        assert lib.DYNAMIC or p.gateway.rss_kib() - before < 16 << 10
        c.head()
        time.sleep(0.5)
        assert lib.DYNAMIC or p.gateway.rss_kib() - before < 16 << 10
        assert digest_of(c) == hashed([text] * n + [base64.b64encode(trailer_frame(grpc_status="0"))])
        assert got == [hashed([data] * n)]
        assert lib.DYNAMIC or p.gateway.rss_kib() - before < 16 << 10


# ---- the example ----

def test_the_example():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "calls", "gateway.yaml")
    with open(source) as f:
        text = f.read()
    port, greeter = free_port(), free_port()

    def chat(c):
        test_websocket.accept(c)
        opcode, payload = test_websocket.next_frame(c)
        c.send(test_websocket.frame(opcode & 15, payload))
        c.rest()

    with lib.Backend(chat) as b:
        args = ["-D", "PORT=%d" % port, "-D", "GREETER=http://127.0.0.1:%d" % greeter, "-D", "CHAT=http://127.0.0.1:%d" % b.port]
        with Gateway(text, compile_args=args):
            assert call(port, "/helloworld.Greeter/SayHello").field("grpc-status") == "14"
            assert call(port, "/helloworld.Other/SayHello").field("grpc-status") == "12"
            assert get(port, "/helloworld.Greeter/SayHello", method="OPTIONS").status == 204
            with lib.connect(port) as c:
                c.send(test_websocket.request(target="/chat/room"))
                assert " 101 " in c.head()[0]
                c.send(test_websocket.frame(test_websocket.TEXT, b"hello", masked=True))
                assert test_websocket.next_frame(c) == (0x81, b"hello")
