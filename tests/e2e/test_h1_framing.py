# SPDX-License-Identifier: MIT OR Apache-2.0
"""HTTP/1.1 syntax and framing, over raw sockets, in both roles: what is refused, and what reaches the other side."""
import lib
from lib import Proxy

GOOD = b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n"

# name, bytes, status. None of these may reach the backend.
REFUSED = [
    ("no version", b"GET /\r\n\r\n", 400),
    ("http/0.9 garbage", b"hello\r\n\r\n", 400),
    ("lower-case http", b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("http/2.0 in text", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("http/1.10", b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    ("http/11", b"GET / HTTP/11\r\nHost: a\r\n\r\n", 400),
    ("two spaces in the request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space before the version's end", b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("tab for a space", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("leading space", b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("bad method", b"G(ET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("empty method", b" / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("bare lf ends the request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("bare lf ends a field", b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    ("bare lf ends the head", b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("lf lf", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("bare cr in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    ("nul in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    ("control byte in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", 400),
    ("del in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400),
    ("nul in a name", b"GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n", 400),
    ("nul in the target", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("non-ascii in the target", b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space before the colon", b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
    ("tab before the colon", b"GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", 400),
    ("empty name", b"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
    ("no colon", b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("obs-fold", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    ("fold in the first field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("two equal hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("host with a path", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("host with userinfo", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("host with a bad port", b"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    ("two content-lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    ("two equal content-lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    ("content-length list", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400),
    ("negative content-length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", 400),
    ("content-length with a plus", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    ("hexadecimal content-length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", 400),
    ("huge content-length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\na", 400),
    ("empty content-length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\na", 400),
    ("content-length and chunked",
     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked and content-length",
     b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    ("gzip, chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("chunked, identity", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
    ("xchunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    ("chunked twice",
     b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    ("vertical tab chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked in 1.0", b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("connect", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
    ("asterisk with get", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("relative target", b"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("authority as target", b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("foreign scheme", b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute without authority", b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("bad escape", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded nul", b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded slash", b"GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("backslash", b"GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded backslash", b"GET /a%5cb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("above the root", b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded dots above the root", b"GET /%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("unknown expectation", b"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", 417),
    ("long target", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("long head", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000 + b"\r\n\r\n", 431),
    ("many fields", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
]

# Broken inside the body: the backend may have seen the head, but never a complete request.
BROKEN_BODY = [
    ("chunk size not hexadecimal", b"zz\r\n"),
    ("empty chunk size", b"\r\n"),
    ("chunk size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("negative chunk size", b"-1\r\n"),
    ("chunk size overflow", b"fffffffffffffffff\r\n"),
    ("bare lf after the size", b"5\nhello\r\n0\r\n\r\n"),
    ("bare cr in the size line", b"5\rX\nhello\r\n0\r\n\r\n"),
    ("no crlf after the data", b"5\r\nhelloXX0\r\n\r\n"),
    ("lf after the data", b"5\r\nhello\n0\r\n\r\n"),
    ("long extension", b"5;" + b"a" * 2000 + b"\r\nhello\r\n0\r\n\r\n"),
    ("nul in an extension", b"5;a\0\r\nhello\r\n0\r\n\r\n"),
    ("content-length as a trailer", b"0\r\nContent-Length: 5\r\n\r\n"),
    ("host as a trailer", b"0\r\nHost: b\r\n\r\n"),
    ("folded trailer", b"0\r\nX: a\r\n b\r\n\r\n"),
    ("bare lf in the trailers", b"0\r\nX: a\n\r\n"),
    ("huge trailers", b"0\r\nX: " + b"a" * 50000 + b"\r\n\r\n"),
]


def test_refused_requests():
    with Proxy() as p:
        for name, data, status in REFUSED:
            with p.connect() as c:
                c.send(data + GOOD)
                r = c.response()
                assert r.status == status, "%s: %d, not %d" % (name, r.status, status)
                assert r.fields.get("connection") == "close", name
        assert p.backend.received == [], p.backend.received


def test_syntax_errors_end_the_connection():
    # After a head that could not be understood nobody knows where the next begins.
    with Proxy() as p:
        for name, data, _ in REFUSED[:30]:
            with p.connect() as c:
                c.send(data + GOOD)
                r = c.response()
                assert r.fields.get("connection") == "close", name
                assert c.rest() == b"", name


def test_broken_bodies():
    head = b"POST /broken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Proxy() as p:
        for name, body in BROKEN_BODY:
            with p.connect() as c:
                c.send(head + body + GOOD)
                r = c.response()
                assert r.status in (400, 431), "%s: %d" % (name, r.status)
                assert r.fields.get("connection") == "close", name
        for log in p.backend.received:
            assert b"GET /after" not in log and b"\r\n0\r\n\r\n" not in log, bytes(log)


def test_one_byte_at_a_time():
    with Proxy() as p, p.connect() as c:
        data = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
        for i in range(len(data)):
            c.send(data[i:i + 1])
        r = c.response()
        assert r.status == 200 and r.body == b"hello\n"


def test_what_is_forwarded():
    seen = []

    def serve(c):
        while True:
            seen.append(c.request())
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n\r\n")

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"GET /a/./b/../c//d?x=%7e HTTP/1.1\r\nHOST: Example.COM:80\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\n"
               b"Keep-Alive: 300\r\nProxy-Connection: x\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"
               b"X-Mixed:   spaced \t\r\nx-empty:\r\n\r\n")
        r = c.response()
        m = seen[0]
        assert m.line == "GET /a/c/d?x=%7e HTTP/1.1", m.line
        assert m.fields["host"] == "Example.COM:80"
        assert m.fields["x-mixed"] == "spaced" and m.fields["x-empty"] == ""
        for gone in ("connection", "x-secret", "keep-alive", "proxy-connection", "te", "forwarded"):
            assert gone not in m.fields, gone
        assert m.fields["x-forwarded-for"] == "127.0.0.1" and m.fields["x-forwarded-proto"] == lib.SCHEME
        assert m.fields["via"] == "1.1 toron"
        assert r.status == 200 and "keep-alive" not in r.fields and "x-hop" not in r.fields and "date" in r.fields


def test_absolute_form():
    seen = []

    def serve(c):
        while True:
            seen.append(c.request())
            c.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"GET http://other.example/x?y HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().status == 204
        assert seen[0].line == "GET /x?y HTTP/1.1" and seen[0].fields["host"] == "other.example"


def test_pipelining():
    with Proxy(lambda c: [c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(m.target), m.target.encode()))
                          for m in iter(c.request, None)]) as p, p.connect() as c:
        c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(200)))
        for i in range(200):
            assert c.response().body == b"/%d" % i


def test_body_framings_reach_the_backend():
    seen = []

    def serve(c):
        while True:
            seen.append(c.request())
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        assert c.response().body == b"ok"
        c.send(b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 9\r\n\r\n")
        assert c.response().body == b"ok"
        c.send(b"POST /z HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        assert c.response().body == b"ok"
        c.send(b"GET /n HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.response().body == b"ok"
        assert [m.body for m in seen] == [b"hello", b"hello", b"", b""]
        assert seen[1].trailers.lower() == b"x-sum: 9\r\n"
        assert "content-length" not in seen[3].fields and seen[2].fields["content-length"] == "0"


def test_response_framings():
    answers = {
        "/length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
        "/close": b"HTTP/1.1 200 OK\r\n\r\nhello",
        "/http10": b"HTTP/1.0 200 OK\r\n\r\nhello",
    }

    def serve(c):
        m = c.request()
        c.send(answers[m.target])

    with Proxy(serve) as p:
        for target in answers:
            with p.connect() as c:
                c.send(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target.encode())
                r = c.response()
                assert r.status == 200 and r.body == b"hello", target
                if target == "/chunked":
                    assert r.trailers.lower() == b"x-t: 1\r\n", r.trailers
                if target in ("/close", "/http10"):
                    assert r.fields["transfer-encoding"] == "chunked"
            with p.connect() as c:
                c.send(b"GET %s HTTP/1.0\r\n\r\n" % target.encode())
                r = c.response()
                assert r.status == 200 and r.body == b"hello", target
                assert "transfer-encoding" not in r.fields


BAD_RESPONSES = [
    ("garbage", b"hello\r\n\r\n"),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"),
    ("status 600", b"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"),
    ("length and chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    ("bad length", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    ("bare lf", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("obs-fold", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("nul in a value", b"HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n"),
    ("space before colon", b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
    ("unknown coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
    ("101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    ("endless 1xx", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50),
    ("huge head", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100000 + b"\r\n\r\n"),
    ("closes at once", b""),
    ("closes inside the head", b"HTTP/1.1 200 OK\r\nX:"),
]


def test_bad_responses():
    for name, answer in BAD_RESPONSES:
        def serve(c):
            c.request()
            c.send(answer)

        with Proxy(serve) as p, p.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            r = c.response()
            while r.status == 103:
                r = c.response()
            assert r.status == 502, "%s: %d" % (name, r.status)


test_bad_responses.seconds = 120


def test_cut_responses_are_not_passed_off_as_whole():
    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxx\r\n"):
        def serve(c):
            c.request()
            c.send(answer)

        with Proxy(serve) as p, p.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            data = c.rest()
            assert not data.endswith(b"0\r\n\r\n"), data
            line = p.gateway.access()[0]
            assert line.get("fault"), line


def test_head_204_304():
    def serve(c):
        while True:
            m = c.request()
            if m.method == "HEAD":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
            elif m.target == "/204":
                c.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            else:
                c.send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n")

    with Proxy(serve) as p, p.connect() as c:
        for _ in range(3):
            c.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            r = c.response("HEAD")
            assert r.fields["content-length"] == "1234"
            c.send(b"GET /204 HTTP/1.1\r\nHost: a\r\n\r\n")
            r = c.response()
            assert r.status == 204 and "content-length" not in r.fields
            c.send(b"GET /304 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 304
        assert len(p.backend.connections) == 1


def test_interim_responses():
    def serve(c):
        while True:
            line, fields = c.head()
            if fields.get("expect") == "100-continue":
                c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                c.exactly(int(fields["content-length"]))
            c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert c.response().status == 100
        c.send(b"hello")
        r = c.response()
        assert r.status == 103 and r.fields["link"] == "</a>"
        assert c.response().body == b"ok"


def test_expect_refused_without_body():
    def serve(c):
        c.head()
        c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        c.rest()

    with Proxy(serve) as p, p.connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        r = c.response()
        assert r.status == 403 and r.fields["connection"] == "close" and r.body == b"no"


def test_options_asterisk():
    with Proxy() as p, p.connect() as c:
        c.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + GOOD)
        assert c.response().status == 204
        assert c.response().status == 200


def test_leading_empty_lines():
    with Proxy() as p, p.connect() as c:
        c.send(b"\r\n\r\n" + GOOD)
        assert c.response().status == 200


def test_http_10_keep_alive():
    with Proxy() as p, p.connect() as c:
        c.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        r = c.response()
        assert r.status == 200 and r.fields["connection"] == "keep-alive"
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        r = c.response()
        assert r.status == 200 and r.fields["connection"] == "close"
        assert c.is_closed()
