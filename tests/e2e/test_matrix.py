# SPDX-License-Identifier: MIT OR Apache-2.0
"""One set of scenarios over every pair of versions, client to gateway and gateway to server."""
import threading
import time

import lib
import h2.settings
from matrix import declare, is_h1, running, stop_kept
from streams import Reset

SCENARIOS = []


def scenario(f):
    SCENARIOS.append(f)
    return f


def whole(s):
    """Ends a request of known length, unless its answer has come, and ended the stream, before."""
    try:
        s.end()
    except Reset:
        assert s.heads


@scenario
def framings(front, back):
    def serve(s):
        head = s.head()
        body = s.read()
        path = head.pseudo[":path"]
        if path == "/length":
            s.respond(200, [("content-length", str(len(body))), ("x-length", str(head.fields.get("content-length")))])
            s.send(body)
            s.end()
        elif path == "/none":
            s.respond(204, end=True)
        else:
            s.respond(200, [("x-method", head.pseudo[":method"])])
            for i in range(0, len(body), 1000):
                s.send(body[i:i + 1000])
            s.end()

    with running(front, back, serve) as p:
        for size in (1, 1000, 70000, 300000):
            body = bytes(range(256)) * (size // 256 + 1)
            body = body[:size]
            s = p.client.open("POST", "/length", [("content-length", str(size))])
            s.send(body)
            whole(s)
            head = s.final()
            assert head.status == 200 and head.fields["content-length"] == str(size), head.pairs
            assert head.fields["x-length"] == str(size) and s.read() == body
            s = p.client.open("PUT", "/chunks")
            for i in range(0, size, 7001):
                s.send(body[i:i + 7001])
            s.end()
            head = s.final()
            assert "content-length" not in head.fields and head.fields["x-method"] == "PUT" and s.read() == body
        assert p.client.open("GET", "/none", end=True).final().status == 204
        s = p.client.open("GET", "/empty", end=True)
        assert s.final().status == 200 and s.read() == b""


@scenario
def trailers_both_ways(front, back):
    seen = []

    def serve(s):
        s.head()
        s.read()
        seen.append(s.trailers)
        s.respond(200)
        s.send(b"body")
        s.end([("x-sum", "42"), ("grpc-status", "0")])

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/")
        s.send(b"hello")
        s.end([("x-check", "7")])
        assert s.final().status == 200 and s.read() == b"body"
        assert s.trailers["x-sum"] == "42" and s.trailers["grpc-status"] == "0", s.trailers
        assert seen[0]["x-check"] == "7", seen


@scenario
def interim_answers(front, back):
    def serve(s):
        s.head()
        s.respond(103, [("link", "</a>; rel=preload")])
        s.respond(103, [("link", "</b>")])
        s.respond(200, [("content-length", "2")])
        s.send(b"ok")
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("GET", "/interim", end=True)
        head = s.final()
        assert [i.fields["link"] for i in head.interim] == ["</a>; rel=preload", "</b>"]
        assert head.status == 200 and s.read() == b"ok"
        # The client has all when the length is reached; the server's end comes behind, and it must not be closed before.
        p.access("/interim")


@scenario
def head_requests(front, back):
    def serve(s):
        assert s.head().pseudo[":method"] == "HEAD"
        s.respond(200, [("content-length", "1000000")], end=True)

    with running(front, back, serve) as p:
        for _ in range(3):
            s = p.client.open("HEAD", "/", end=True)
            head = s.final()
            assert head.status == 200 and head.fields["content-length"] == "1000000" and s.read() == b""


@scenario
def expectations(front, back):
    def serve(s):
        head = s.head()
        assert head.fields["expect"] == "100-continue"
        if head.pseudo[":path"] == "/no":
            s.respond(403, [("content-length", "0")], end=True)
            return
        s.respond(100)
        assert s.read() == b"x" * 5000
        s.respond(200, [("content-length", "0")], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/yes", [("expect", "100-continue"), ("content-length", "5000")])
        assert s.head().status == 100
        s.send(b"x" * 5000)
        whole(s)
        assert s.final().status == 200
        s = p.client.open("POST", "/no", [("expect", "100-continue"), ("content-length", "5000")])
        assert s.final().status == 403


@scenario
def early_answers(front, back):
    """The server answers before the body is there, and it does not matter any more."""
    def serve(s):
        s.head()
        s.respond(413, [("content-length", "3")])
        s.send(b"no\n")
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", "10000000")])
        try:
            s.send(b"x" * 1000)
        except Reset:
            pass  # the answer was faster
        assert s.final().status == 413 and s.read() == b"no\n"


@scenario
def the_server_gives_up(front, back):
    at, seen = {}, threading.Event()

    def serve(s):
        path = s.head().pseudo[":path"]
        at[path] = True
        if path == "/before":
            s.reset()
            raise OSError
        if path == "/head":
            s.respond(200, [("content-length", "100")])
        elif path == "/body":
            s.respond(200)
            s.send(b"half")
        elif path == "/interim":
            s.respond(103, [("link", "</a>")])
        # What was sent before has been read by then: RST destroys what was not.
        if path == "/interim":
            seen.wait(20 * lib.SLOW)
        else:
            time.sleep(0.5 * lib.SLOW)
        s.reset()
        raise OSError

    with running(front, back, serve) as p:
        assert p.client.open("GET", "/before", end=True).final().status == 502
        assert p.client.open("POST", "/before", [("content-length", "0")], end=True).final().status == 502
        s = p.client.open("GET", "/interim", end=True)
        assert s.head().status == 103
        seen.set()
        assert s.final().status == 502
        for path in ("/head", "/body"):
            s = p.client.open("GET", path, end=True)
            assert s.final().status == 200
            try:
                s.read()
            except Reset:
                continue
            raise AssertionError(path + " passed for whole")
        lines = p.access("/before", "/interim", "/head", "/body")
        assert all(l.get("fault") for l in lines), lines


@scenario
def the_client_gives_up(front, back):
    ended = []

    def serve(s):
        path = s.head().pseudo[":path"]
        try:
            if path == "/request":
                s.read()
            elif path == "/waiting":
                s.read()
                time.sleep(0.3)
                s.respond(200)
                for _ in range(400):
                    s.send(b"x" * 65536)
            else:
                s.respond(200)
                for _ in range(400):
                    s.send(b"x" * 65536)
            ended.append((path, "whole"))
        except (Reset, OSError) as e:
            ended.append((path, "reset"))
            raise OSError from e

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/request")
        s.send(b"some")
        time.sleep(0.2)
        s.reset()
        lib.until(lambda: ("/request", "reset") in ended)
        s = p.client.open("GET", "/waiting", end=True)
        time.sleep(0.1)
        s.reset()
        lib.until(lambda: ("/waiting", "reset") in ended)
        s = p.client.open("GET", "/response", end=True)
        assert s.final().status == 200
        s.read(100)
        s.reset()
        lib.until(lambda: ("/response", "reset") in ended)
        if is_h1(front):
            p.client.close()
            p.client = p.connect()
        # The gateway is none the worse.
        s = p.client.open("GET", "/request", end=True)
        s.reset()


TRAILERS = [("x-sum", "42"), ("x-more", "1" * 50)]


def gives_up(s):
    try:
        s.read()
    except Reset:
        return True
    return False


@scenario
def the_server_gives_up_at_its_trailers(front, back):
    """In place of them, within them, behind them, and behind them while the client goes on sending."""
    seen, go_on, gone = threading.Event(), threading.Event(), threading.Event()

    def serve(s):
        path = s.head().pseudo[":path"]
        s.respond(200)
        s.send(b"half")
        (go_on if path == "/other" else seen).wait(20 * lib.SLOW)
        if path == "/before":
            s.reset()
        elif path == "/within":
            s.half_trailers(TRAILERS)
        else:
            if path == "/other":
                s.read()
            s.end(TRAILERS)
            if path != "/other":
                s.reset_behind()
        if path != "/other":
            gone.set()
            raise OSError

    with running(front, back, serve) as p:
        for path, ends in (("/before", False), ("/within", False), ("/behind", True), ("/early", True)):
            for event in (seen, go_on, gone):
                event.clear()
            other = p.client.open("POST", "/other")
            other.send(b"some")
            assert other.final().status == 200 and other.read(4) == b"half"
            s = p.client.open("POST", path, end=path != "/early")
            if path == "/early":
                s.send(b"some")
            assert s.final().status == 200 and s.read(4) == b"half"
            seen.set()
            if ends:
                assert s.read() == b"" and s.trailers["x-sum"] == "42", s.trailers
            else:
                assert gives_up(s), path + " passed for whole"
            if path == "/early" and is_h1(front):
                s.end()
            elif path == "/early":
                lib.until(lambda: s.reset_code == 0)  # nor does the gateway want the rest
            go_on.set()
            try:
                # HTTP/2 has it on the connection that is gone, unless another worker does (the client's connections are its own over HTTP/1.1).
                other.end([("x-check", "7")])
                assert other.read() == b"" and other.trailers["x-sum"] == "42"
            except Reset:
                assert path == "/within" and not is_h1(back)
            else:
                assert path != "/within" or is_h1(front) or is_h1(back)
            assert gone.wait(20 * lib.SLOW), path + ": the server's connection is kept"
        lines = p.access("/before", "/within", "/behind", "/early")
        assert {l["path"]: l.get("fault") for l in lines} == {"/before": "back-cut", "/within": "back-cut", "/behind": None, "/early": None}, lines


@scenario
def the_client_gives_up_at_its_trailers(front, back):
    """In place of them, within them, and behind them, when the request is whole and not answered."""
    said, got = {}, {}
    go_on = threading.Event()

    def serve(s):
        path = s.head().pseudo[":path"]
        got[path] = s.read(4)
        if path == "/other":
            s.respond(200)
            go_on.wait(20 * lib.SLOW)
        try:
            s.read()
        except Reset:
            said[path] = "given up"
            raise
        if path == "/other":
            s.end(TRAILERS)
            return
        said[path] = s.trailers
        try:
            s.respond(200)
            while True:
                s.send(b"x" * 65536)
        except (Reset, OSError):
            said[path + " answer"] = "given up"
            raise

    def trial(client, path):
        s = client.open("POST", path)
        s.send(b"some")
        lib.until(lambda: path in got)
        if path == "/before":
            s.reset()
        elif path == "/within":
            s.half_trailers(TRAILERS)
        else:
            s.end(TRAILERS)
            lib.until(lambda: path in said)
            s.reset()

    with running(front, back, serve) as p:
        for path in ("/before", "/behind", "/within"):
            go_on.clear()
            got.clear()
            with p.connect() as second:
                other = (second if path == "/within" else p.client).open("POST", "/other")
                other.send(b"some")
                assert other.final().status == 200
                trial(p.client, path)
                lib.until(lambda: said.get(path + " answer" if path == "/behind" else path) == "given up")
                go_on.set()
                other.end(TRAILERS)
                assert other.read() == b"" and other.trailers["x-sum"] == "42"
        assert said["/behind"]["x-sum"] == "42" and said["/behind"]["x-more"] == "1" * 50, said
        assert "/other" not in said
        lines = p.access("/before", "/within", "/behind")
        assert all(l.get("fault") == "front-closed" for l in lines), lines


@scenario
def slow_readers_hold_the_server_back(front, back):
    sent = [0]
    total = 24 << 20

    def serve(s):
        s.head()
        s.respond(200, [("content-length", str(total))])
        for _ in range(total // 65536):
            s.send(b"y" * 65536)
            sent[0] += 65536
        s.end()

    with running(front, back, serve) as p:
        if not is_h1(front):
            p.client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 65535})
        s = p.client.open("GET", "/", end=True)
        s.hold = True
        assert s.final().status == 200
        time.sleep(0.7)
        before = sent[0]
        time.sleep(0.5)
        assert sent[0] == before and before < total, "nothing holds the server back: %d" % sent[0]
        s.hold = False
        if not is_h1(front):
            with p.client.cond:
                n = len(s.data)
                p.client.h2.acknowledge_received_data(n, s.number)
                p.client.flush()
        assert len(s.read()) == total


@scenario
def slow_servers_hold_the_client_back(front, back):
    go = threading.Event()
    total = 24 << 20

    def serve(s):
        s.head()
        if hasattr(s, "hold"):
            s.hold = True
        go.wait(30 * lib.SLOW)
        if hasattr(s, "hold"):
            with s.conn.cond:
                s.hold = False
                if len(s.data):
                    s.conn.h2.acknowledge_received_data(len(s.data), s.number)
                    s.conn.flush()
        n = len(s.read())
        s.respond(200, [("content-length", "0"), ("x-n", str(n))], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", str(total))])
        sent = [0]

        def send():
            for _ in range(total // 65536):
                s.send(b"z" * 65536)
                sent[0] += 65536
            whole(s)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        time.sleep(0.7)
        before = sent[0]
        time.sleep(0.5)
        assert sent[0] == before and before < total, "nothing holds the client back: %d" % sent[0]
        go.set()
        assert s.final().fields["x-n"] == str(total)
        thread.join(10)


@scenario
def slow_writers(front, back):
    """Heads, bodies and trailers that come byte by byte from either side."""
    def serve(s):
        s.head()
        body = b"".join(iter(lambda: s.read(1), b""))
        s.respond(200)
        for i in range(len(body)):
            time.sleep(0.005)
            s.send(body[i:i + 1])
        s.end([("x-sum", str(len(body)))])

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/slow")
        for i in range(50):
            time.sleep(0.005)
            s.send(b"%d" % (i % 10))
        s.end()
        assert s.final().status == 200 and s.read() == b"0123456789" * 5
        assert s.trailers["x-sum"] == "50"


@scenario
def half_closes(front, back):
    """A client that has said all is still answered; a server ends its answer by closing, where its version can."""
    def serve(s):
        s.head()
        body = s.read()
        time.sleep(0.1)
        if is_h1(back):
            s.c.send(b"HTTP/1.1 200 x\r\nconnection: close\r\n\r\n" + body)
            s.c.end()
            s.c.rest()
            raise OSError
        s.respond(200)
        s.send(body)
        s.end()

    with running(front, back, serve) as p:
        for size in (0, 10, 100000):
            s = p.client.open("POST", "/half", [("content-length", str(size))])
            s.send(b"x" * size)
            whole(s)
            if is_h1(front):
                s.c.end()
            assert s.final().status == 200 and s.read() == b"x" * size
        assert not any("fault" in l for l in p.access("/half"))


@scenario
def large_bodies_in_little_memory(front, back):
    total = (10 if lib.DYNAMIC else 100) << 20
    piece = bytes(range(256)) * 256

    def serve(s):
        s.head()
        n = 0
        while n < total:
            n += len(s.read(65536))
        s.respond(200, [("content-length", str(total))])
        for _ in range(total // len(piece)):
            s.send(piece)
        s.end()

    with running(front, back, serve) as p:
        s = p.client.open("POST", "/", [("content-length", str(total))])
        for _ in range(total // len(piece)):
            s.send(piece)
        whole(s)
        assert s.final().status == 200
        n = 0
        while n < total:
            data = s.read(len(piece))
            assert data == piece
            n += len(data)
        rss = p.gateway.rss_kib()
        assert lib.DYNAMIC or rss < 24 << 10, "%d KiB" % rss


@scenario
def one_of_a_hundred_is_stuck(front, back):
    def serve(s):
        path = s.head().pseudo[":path"]
        s.respond(200, [("content-length", "262144")])
        s.send(b"x" * 262144)
        s.end()
        if path == "/stuck":
            time.sleep(0.1)

    with running(front, back, serve) as p:
        if not is_h1(front):
            with p.client.cond:
                p.client.h2.increment_flow_control_window(1 << 20)
                p.client.flush()
        stuck = p.client.open("GET", "/stuck", end=True)
        stuck.hold = True
        assert stuck.final().status == 200
        others = [p.client.open("GET", "/%d" % i, end=True) for i in range(99)]
        for s in others:
            assert s.final().status == 200
            assert len(s.read()) == 262144


@scenario
def what_a_server_finds(front, back):
    seen = []

    def serve(s):
        seen.append(s.head())
        s.read()
        s.respond(200, [("content-length", "0"), ("set-cookie", "a=1"), ("set-cookie", "b=2")] if not is_h1(back) else
                  [("content-length", "0"), ("set-cookie", "a=1")], end=True)

    with running(front, back, serve) as p:
        s = p.client.open("GET", "/a/b?q=1", [("x-one", "1"), ("cookie", "a=1"), ("authorization", "Basic eA==")] +
                          ([("cookie", "b=2")] if not is_h1(front) else []), end=True, authority="example.org:8080")
        assert s.final().status == 200
        head = seen[0]
        assert head.pseudo[":method"] == "GET" and head.pseudo[":path"] == "/a/b?q=1", head.pseudo
        assert head.pseudo[":authority"] == "example.org:8080", head.pseudo
        assert head.fields["cookie"] == ("a=1; b=2" if not is_h1(front) else "a=1"), head.pairs
        assert head.fields["via"] == ("2.0 toron" if not is_h1(front) else "1.1 toron")
        for name in ("connection", "te", "transfer-encoding", "upgrade", "http2-settings"):
            assert name not in head.fields, head.pairs
        line = p.access("/a/b")[0]
        assert line["protocol"] == ("HTTP/2.0" if not is_h1(front) else "HTTP/1.1"), line


declare(globals(), SCENARIOS)


def test_the_last_gateway_ends_well():
    """All others were asked to when the next pair began."""
    stop_kept()
