# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clauses of RFC 9110 and RFC 9112, and the shapes of known request smuggling, as tables: what a client sends, what the backend must have
received byte for byte, and the reverse. test_h1_behaviour.py has what depends on order and time."""
import lib
from lib import Proxy

# Where HTTP/2 is spoken, its preface and the upgrade to it mean something.
H1_ONLY = '    http_versions: ["1.1"]'

HOST = b"Host: a\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n"


def post(fields, body=b"", line=b"POST / HTTP/1.1\r\n"):
    return line + HOST + fields + b"\r\n" + body


def get(fields=b"", target=b"/"):
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# name, bytes, status. Nothing of it may reach the backend, and the connection ends: nobody knows where the next request begins.
REFUSED = [
    # Content-Length, RFC 9112 section 6.3
    ("length with a leading minus and zero", post(b"Content-Length: -0\r\n"), 400),
    ("length with a plus and zero", post(b"Content-Length: +0\r\n"), 400),
    ("length with inner space", post(b"Content-Length: 1 0\r\n", b"0123456789"), 400),
    ("length with an underscore", post(b"Content-Length: 1_0\r\n", b"0123456789"), 400),
    ("length with a decimal point", post(b"Content-Length: 1.0\r\n", b"0"), 400),
    ("length with an exponent", post(b"Content-Length: 1e1\r\n", b"0123456789"), 400),
    ("length in octal with an o", post(b"Content-Length: 0o5\r\n", b"01234"), 400),
    ("length with a trailing comma", post(b"Content-Length: 5,\r\n", b"01234"), 400),
    ("length with a leading comma", post(b"Content-Length: ,5\r\n", b"01234"), 400),
    ("length as a list of different ones", post(b"Content-Length: 5, 6\r\n", b"01234"), 400),
    ("length in quotes", post(b"Content-Length: \"5\"\r\n", b"01234"), 400),
    ("length with a vertical tab", post(b"Content-Length: \x0b5\r\n", b"01234"), 400),
    ("length with a form feed", post(b"Content-Length: 5\x0c\r\n", b"01234"), 400),
    ("length with a no-break space", post(b"Content-Length: \xa05\r\n", b"01234"), 400),
    ("length in full-width digits", post(b"Content-Length: \xef\xbc\x95\r\n", b"01234"), 400),
    ("length with a NUL", post(b"Content-Length: 5\0\r\n", b"01234"), 400),
    ("length of 2^63", post(b"Content-Length: 9223372036854775808\r\n"), 400),
    ("length of 2^64", post(b"Content-Length: 18446744073709551616\r\n"), 400),
    ("length of 2^64 + 5", post(b"Content-Length: 18446744073709551621\r\n", b"01234"), 400),
    ("length of 2^32 digits of zero and a letter", post(b"Content-Length: " + b"0" * 100 + b"x\r\n"), 400),
    ("length twice, one of them 0", post(b"Content-Length: 0\r\nContent-Length: 44\r\n", AFTER), 400),
    ("length twice in two spellings", post(b"content-length: 5\r\nCONTENT-LENGTH: 5\r\n", b"01234"), 400),
    ("length twice, 5 and 05", post(b"Content-Length: 5\r\nContent-Length: 05\r\n", b"01234"), 400),
    ("empty length and a length", post(b"Content-Length:\r\nContent-Length: 5\r\n", b"01234"), 400),
    ("length with a space before its colon", post(b"Content-Length : 5\r\n", b"01234"), 400),
    ("length folded", post(b"Content-Length:\r\n 5\r\n", b"01234"), 400),
    ("length whose value is folded further", post(b"Content-Length: 5\r\n 0\r\n", b"01234"), 400),
    ("bare CR before the length", post(b"X: y\rContent-Length: 44\r\n", AFTER), 400),
    ("bare LF before the length", post(b"X: y\nContent-Length: 44\r\n", AFTER), 400),
    ("bare CR after the length", post(b"Content-Length: 5\r\r\n", b"01234"), 400),
    ("length on a HEAD, negative", b"HEAD / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\n", 400),
    # Transfer-Encoding beside Content-Length: CL.TE, TE.CL
    ("CL.TE", post(b"Content-Length: 44\r\n" + CHUNKED, SMUGGLED), 400),
    ("TE.CL", post(CHUNKED + b"Content-Length: 4\r\n", b"2c\r\n" + AFTER + b"\r\n0\r\n\r\n"), 400),
    ("CL.TE with a length of 0", post(b"Content-Length: 0\r\n" + CHUNKED, SMUGGLED), 400),
    ("CL.TE with identity", post(b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n", b"01234"), 400),
    ("CL.TE with an unknown coding", post(b"Content-Length: 5\r\nTransfer-Encoding: cow\r\n", b"01234"), 400),
    ("CL.TE with an empty coding", post(b"Content-Length: 5\r\nTransfer-Encoding:\r\n", b"01234"), 400),
    # TE.TE
    ("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked\r\n", SMUGGLED), 501),
    ("chunked with a trailing comma", post(b"Transfer-Encoding: chunked,\r\n", SMUGGLED), 501),
    ("chunked with a leading comma", post(b"Transfer-Encoding: ,chunked\r\n", SMUGGLED), 501),
    ("chunked with a semicolon", post(b"Transfer-Encoding: chunked;q=1\r\n", SMUGGLED), 501),
    ("chunked in quotes", post(b"Transfer-Encoding: \"chunked\"\r\n", SMUGGLED), 501),
    ("chunked in single quotes", post(b"Transfer-Encoding: 'chunked'\r\n", SMUGGLED), 501),
    ("chunked and a letter more", post(b"Transfer-Encoding: chunkedx\r\n", SMUGGLED), 501),
    ("chunked and a letter less", post(b"Transfer-Encoding: chunke\r\n", SMUGGLED), 501),
    ("chunked with inner space", post(b"Transfer-Encoding: chun ked\r\n", SMUGGLED), 501),
    ("chunked with a NUL", post(b"Transfer-Encoding: chunked\0\r\n", SMUGGLED), 400),
    ("chunked after a vertical tab", post(b"Transfer-Encoding:\x0bchunked\r\n", SMUGGLED), 400),
    ("chunked before a vertical tab", post(b"Transfer-Encoding: chunked\x0b\r\n", SMUGGLED), 400),
    ("chunked after a form feed", post(b"Transfer-Encoding: \x0cchunked\r\n", SMUGGLED), 400),
    ("chunked after a no-break space", post(b"Transfer-Encoding: \xa0chunked\r\n", SMUGGLED), 501),
    ("chunked in a Kelvin sign", post(b"Transfer-Encoding: chun\xe2\x84\xaaed\r\n", SMUGGLED), 501),
    ("chunked folded", post(b"Transfer-Encoding:\r\n chunked\r\n", SMUGGLED), 400),
    ("chunked folded by a tab", post(b"Transfer-Encoding: x\r\n\tchunked\r\n", SMUGGLED), 400),
    ("space before the colon of transfer-encoding", post(b"Transfer-Encoding : chunked\r\n", SMUGGLED), 400),
    ("tab before the colon of transfer-encoding", post(b"Transfer-Encoding\t: chunked\r\n", SMUGGLED), 400),
    ("vertical tab before the colon", post(b"Transfer-Encoding\x0b: chunked\r\n", SMUGGLED), 400),
    ("bare LF before transfer-encoding", post(b"X: y\nTransfer-Encoding: chunked\r\n", SMUGGLED), 400),
    ("bare CR before transfer-encoding", post(b"X: y\rTransfer-Encoding: chunked\r\n", SMUGGLED), 400),
    ("NUL before transfer-encoding", post(b"\0Transfer-Encoding: chunked\r\n", SMUGGLED), 400),
    ("BOM before transfer-encoding", post(b"\xef\xbb\xbfTransfer-Encoding: chunked\r\n", SMUGGLED), 400),
    ("no-break space after the name", post(b"Transfer-Encoding\xa0: chunked\r\n", SMUGGLED), 400),
    ("quote in the name", post(b"\"Transfer-Encoding\": chunked\r\n", SMUGGLED), 400),
    ("identity", post(b"Transfer-Encoding: identity\r\n"), 501),
    ("chunked, then identity on a line of its own", post(CHUNKED + b"Transfer-Encoding: identity\r\n", SMUGGLED), 501),
    ("identity, then chunked on a line of its own", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, SMUGGLED), 501),
    ("x, then chunked on a line of its own", post(b"Transfer-Encoding: x\r\n" + CHUNKED, SMUGGLED), 501),
    ("gzip", post(b"Transfer-Encoding: gzip\r\n"), 501),
    ("chunked, gzip", post(b"Transfer-Encoding: chunked, gzip\r\n", SMUGGLED), 501),
    ("empty transfer-encoding", post(b"Transfer-Encoding:\r\n", SMUGGLED), 501),
    ("comma as transfer-encoding", post(b"Transfer-Encoding: ,\r\n", SMUGGLED), 501),
    ("chunked in 1.0 with keep-alive", b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED, 400),
    ("length and chunked in 1.0", b"POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED, 400),
    # field lines, RFC 9112 section 5
    ("name with a slash", get(b"a/b: c\r\n"), 400),
    ("name with a space", get(b"a b: c\r\n"), 400),
    ("name with parentheses", get(b"a(b): c\r\n"), 400),
    ("name with brackets", get(b"a[b]: c\r\n"), 400),
    ("name with an at sign", get(b"a@b: c\r\n"), 400),
    ("name with a high byte", get(b"a\xe9: c\r\n"), 400),
    ("name with DEL", get(b"a\x7f: c\r\n"), 400),
    ("name with a comma", get(b"a,b: c\r\n"), 400),
    ("name with equals", get(b"a=b: c\r\n"), 400),
    ("only a colon", get(b":\r\n"), 400),
    ("white space only", get(b" \r\n"), 400),
    ("white space before the first field", b"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400),
    ("tab before the first field", b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", 400),
    ("folded by a tab", get(b"X: a\r\n\tb\r\n"), 400),
    ("fold with nothing in it", get(b"X: a\r\n \r\n"), 400),
    ("value with ESC", get(b"X: a\x1bb\r\n"), 400),
    ("value with a backspace", get(b"X: a\x08b\r\n"), 400),
    ("value that ends in a NUL", get(b"X: a\0\r\n"), 400),
    ("CR CR LF", get(b"X: a\r\r\n"), 400),
    ("LF CR", get(b"X: a\n\r"), 400),
    ("CR LF LF", b"GET / HTTP/1.1\r\n" + HOST + b"\n", 400),
    ("request line ended by CR", b"GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
    # request line, RFC 9112 section 3
    ("tab after the target", b"GET /\tHTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("two spaces after the target", b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("space in the target", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("version with a leading zero", b"GET / HTTP/01.1\r\n" + HOST + b"\r\n", 400),
    ("version without minor", b"GET / HTTP/1\r\n" + HOST + b"\r\n", 400),
    ("version cut short, and nothing behind", b"GET / HTT\r\n\r\n", 400),
    ("no version, and nothing behind", b"GET / \r\n\r\n", 400),
    ("version with a comma", b"GET / HTTP/1,1\r\n" + HOST + b"\r\n", 400),
    ("version with a minus", b"GET / HTTP/-1.1\r\n" + HOST + b"\r\n", 400),
    ("version of another protocol", b"GET / ICAP/1.0\r\n" + HOST + b"\r\n", 400),
    ("version and garbage", b"GET / HTTP/1.1x\r\n" + HOST + b"\r\n", 400),
    ("version 0.9", b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 505),
    ("version 3.0", b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    ("version 2.0 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("two request lines", b"GET / HTTP/1.1\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method with a colon", b"GET: / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method with a NUL", b"GE\0T / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("method with a high byte", b"G\xc9T / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("very long method", b"G" * 100 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target of DEL", b"GET /\x7f HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target with a CR", b"GET /a\rb HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target with a quote", b"GET /a\"b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target with angle brackets", b"GET /<a> HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("connect with a length", b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n01234", 501),
    ("query in options *", b"OPTIONS *?x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("post to *", b"POST * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # Host, RFC 9112 section 3.2
    ("host with a space inside", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("hosts as a list", b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("host with a query", b"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400),
    ("host with a fragment", b"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400),
    ("host with a backslash", b"GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400),
    ("host with a scheme", b"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400),
    ("host with two ports", b"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400),
    ("host with a port of letters", b"GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400),
    ("host with a negative port", b"GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n", 400),
    ("host with an open bracket", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("host with a bad address", b"GET / HTTP/1.1\r\nHost: [zz]\r\n\r\n", 400),
    ("host with garbage after an address", b"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400),
    ("host folded", b"GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", 400),
    ("space before the colon of host", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("two hosts, one empty", b"GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n", 400),
    ("two hosts far apart", b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n", 400),
    ("two hosts in 1.0", b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("absolute-form and no host", b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
    ("absolute-form and two hosts", b"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("absolute-form and a bad host", b"GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("absolute-form with userinfo", b"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute-form with a bad port", b"GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute-form with only a query", b"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute-form with a fragment", b"GET http://a/#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("network-path reference", b"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("opaque scheme", b"GET mailto:x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # paths that another decoder would read otherwise
    ("overlong slash", get(target=b"/a%c0%afb"), 400),
    ("encoded backslash and dots", get(target=b"/a/..%5c..%5cb"), 400),
    ("half an escape", get(target=b"/a%4"), 400),
    ("lone percent", get(target=b"/%"), 400),
    ("encoded slash upwards", get(target=b"/a/..%2f..%2fb"), 400),
    ("dots with parameters", get(target=b"/a/..;/b"), 400),
    ("encoded dots with parameters", get(target=b"/a/%2e%2e;x/b"), 400),
    ("bad escape in the query", get(target=b"/?%zz"), 400),
    # Expect, RFC 9110 section 10.1.1
    ("expect two things", post(b"Expect: 100-continue, x\r\nContent-Length: 1\r\n", b"0"), 417),
    ("expect an empty thing", post(b"Expect:\r\nContent-Length: 1\r\n", b"0"), 417),
    ("expect 200-ok", get(b"Expect: 200-ok\r\n"), 417),
]


def recording(seen):
    def serve(c):
        while True:
            seen.append(c.request())
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return serve


def collect(bad):
    assert not bad, "%d cases:\n%s" % (len(bad), "\n".join(bad))


def test_refused():
    assert len(REFUSED) > 150
    bad = []
    with Proxy(listener_extra=H1_ONLY) as p:
        for name, data, status in REFUSED:
            with p.connect() as c:
                c.send(data + AFTER)
                r = c.response()
                if r.status != status or r.fields.get("connection") != "close" or c.rest() != b"":
                    bad.append("%s: %d, connection %s" % (name, r.status, r.fields.get("connection")))
                if p.backend.received:
                    bad.append("%s reached the backend: %r" % (name, bytes(p.backend.received[0])))
                    p.backend.received.clear()
    collect(bad)


test_refused.seconds = 120

# name, bytes, the request line and the body that the backend receives.
ACCEPTED = [
    ("length with leading zeros", post(b"Content-Length: 005\r\n", b"01234"), "POST / HTTP/1.1", b"01234"),
    ("length with spaces and tabs around it", post(b"Content-Length: \t 5 \t\r\n", b"01234"), "POST / HTTP/1.1", b"01234"),
    ("length without a space", post(b"Content-Length:5\r\n", b"01234"), "POST / HTTP/1.1", b"01234"),
    ("chunked in capitals", post(b"TRANSFER-ENCODING: CHUNKED\r\n", b"2\r\nab\r\n0\r\n\r\n"), "POST / HTTP/1.1", b"ab"),
    ("chunked with spaces and tabs around it", post(b"Transfer-Encoding:\t chunked \t\r\n", b"2\r\nab\r\n0\r\n\r\n"), "POST / HTTP/1.1", b"ab"),
    ("get with a body", get(b"Content-Length: 3\r\n") + b"abc", "GET / HTTP/1.1", b"abc"),
    ("get with a chunked body", get(CHUNKED) + b"1\r\nx\r\n0\r\n\r\n", "GET / HTTP/1.1", b"x"),
    ("delete with a body", post(b"Content-Length: 3\r\n", b"abc", b"DELETE / HTTP/1.1\r\n"), "DELETE / HTTP/1.1", b"abc"),
    ("body that looks like a request", post(b"Content-Length: %d\r\n" % len(AFTER), AFTER), "POST / HTTP/1.1", AFTER),
    ("chunk that looks like the end", post(CHUNKED, b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "POST / HTTP/1.1", b"0\r\n\r\n"),
    ("unknown method", post(b"", b"", b"BREW / HTTP/1.1\r\n"), "BREW / HTTP/1.1", b""),
    ("method in lower case is another method", post(b"", b"", b"get / HTTP/1.1\r\n"), "get / HTTP/1.1", b""),
    ("method of odd characters", post(b"", b"", b"M-SEARCH!#$ / HTTP/1.1\r\n"), "M-SEARCH!#$ / HTTP/1.1", b""),
    ("version 1.2", b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", "GET / HTTP/1.1", b""),
    ("version 1.0 without host", b"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1", b""),
    ("version 1.0 with a body", b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "POST / HTTP/1.1", b"abc"),
    ("empty host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1", b""),
    ("host with a port", b"GET / HTTP/1.1\r\nHost: a:81\r\n\r\n", "GET / HTTP/1.1", b""),
    ("host as an address", b"GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "GET / HTTP/1.1", b""),
    ("absolute-form in capitals", b"GET HTTP://A/x HTTP/1.1\r\nHost: b\r\n\r\n", "GET /x HTTP/1.1", b""),
    ("absolute-form without a path", b"GET http://a HTTP/1.1\r\nHost: b\r\n\r\n", "GET / HTTP/1.1", b""),
    ("absolute-form with a port", b"GET http://a:81/x?y HTTP/1.1\r\nHost: b\r\n\r\n", "GET /x?y HTTP/1.1", b""),
    ("target that looks like a host", get(target=b"//evil.example/x"), "GET /evil.example/x HTTP/1.1", b""),
    ("target with an at sign", get(target=b"/@evil.example"), "GET /@evil.example HTTP/1.1", b""),
    ("target with an encoded CR LF", get(target=b"/a%0d%0aX:%20y"), "GET /a%0D%0AX:%20y HTTP/1.1", b""),
    ("query with a question mark", get(target=b"/?a?b=c/d"), "GET /?a?b=c/d HTTP/1.1", b""),
    ("query with dots and slashes", get(target=b"/x?../..//y"), "GET /x?../..//y HTTP/1.1", b""),
    ("empty query", get(target=b"/x?"), "GET /x? HTTP/1.1", b""),
    ("dots inside", get(target=b"/a/b/../../c"), "GET /c HTTP/1.1", b""),
    ("encoded dots inside", get(target=b"/a/%2E%2e/c"), "GET /c HTTP/1.1", b""),
    ("one leading empty line", b"\r\n" + get(), "GET / HTTP/1.1", b""),
    ("options with a path", b"OPTIONS /x HTTP/1.1\r\n" + HOST + b"\r\n", "OPTIONS /x HTTP/1.1", b""),
    ("expect in capitals, with the body", post(b"EXPECT: 100-CONTINUE\r\nContent-Length: 2\r\n", b"ab"), "POST / HTTP/1.1", b"ab"),
    ("expect without a body", get(b"Expect: 100-continue\r\n"), "GET / HTTP/1.1", b""),
]


def test_accepted():
    """One request each, whatever it looks like, and the next one on the connection is the next one."""
    bad, seen = [], []
    with Proxy(recording(seen)) as p:
        for name, data, line, body in ACCEPTED:
            del seen[:]
            last = b"HTTP/1.0" in data
            with p.connect() as c:
                c.send(data + (b"" if last else AFTER))
                answers = [c.response().status for _ in range(1 if last else 2)]
            want = [(line, body)] + ([] if last else [("GET /after HTTP/1.1", b"")])
            got = [(m.line, m.body) for m in seen]
            if got != want or set(answers) != {200}:
                bad.append("%s: %r, %r" % (name, answers, got))
    collect(bad)


# name, what follows the head of a chunked request; None: refused, else the body.
CHUNKS = [
    ("capital digits", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    ("leading zeros", b"0005\r\nhello\r\n00\r\n\r\n", b"hello"),
    ("extension", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("extension in quotes", b"5;a=\"b;c\"\r\nhello\r\n0;x\r\n\r\n", b"hello"),
    ("extension after space", b"5 ;a\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("space after the size", b"5 \r\nhello\r\n0\r\n\r\n", b"hello"),
    ("extension that looks like a chunk", b"5;0\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("trailers", b"5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"hello"),
    ("many small chunks", b"1\r\nx\r\n" * 500 + b"0\r\n\r\n", b"x" * 500),
    ("size and garbage", b"5 5\r\nhello\r\n0\r\n\r\n", None),
    ("size and a tab and garbage", b"5\tx\r\nhello\r\n0\r\n\r\n", None),
    ("space before the size", b" 5\r\nhello\r\n0\r\n\r\n", None),
    ("plus before the size", b"+5\r\nhello\r\n0\r\n\r\n", None),
    ("underscore in the size", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n", None),
    ("size with an h", b"5h\r\nhello\r\n0\r\n\r\n", None),
    ("size in quotes", b"\"5\"\r\nhello\r\n0\r\n\r\n", None),
    ("size of 2^64", b"10000000000000000\r\nhello\r\n0\r\n\r\n", None),
    ("size of 2^64 + 5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", None),
    ("size of 2^32 digits short", b"0" * 600 + b"5\r\nhello\r\n0\r\n\r\n", None),
    ("NUL after the size", b"5\0\r\nhello\r\n0\r\n\r\n", None),
    ("vertical tab after the size", b"5\x0b\r\nhello\r\n0\r\n\r\n", None),
    ("comma after the size", b"5,\r\nhello\r\n0\r\n\r\n", None),
    ("only an extension", b";a\r\nhello\r\n0\r\n\r\n", None),
    ("CR alone ends the extension", b"5;a\rhello\r\n0\r\n\r\n", None),
    ("LF alone ends the extension", b"5;a\nhello\r\n0\r\n\r\n", None),
    ("LF in a quoted extension", b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", None),
    ("CR CR LF after the size", b"5\r\r\nhello\r\n0\r\n\r\n", None),
    ("data too short", b"6\r\nhello\r\n0\r\n\r\n", None),
    ("data too long", b"4\r\nhello\r\n0\r\n\r\n", None),
    ("nothing after the data", b"5\r\nhello0\r\n\r\n", None),
    ("CR and something after the data", b"5\r\nhello\rx0\r\n\r\n", None),
    ("LF CR after the data", b"5\r\nhello\n\r0\r\n\r\n", None),
    ("last chunk ended by LF", b"5\r\nhello\r\n0\n\r\n", None),
    ("last chunk, then garbage", b"5\r\nhello\r\n0\r\nxx\r\n\r\n", None),
    ("trailer without a colon", b"0\r\nA\r\n\r\n", None),
    ("trailer with a space before the colon", b"0\r\nA : b\r\n\r\n", None),
    ("trailer with a NUL", b"0\r\nA: \0\r\n\r\n", None),
    ("trailer ended by CR", b"0\r\nA: b\rC: d\r\n\r\n", None),
    ("trailer section ended by LF", b"0\r\nA: b\r\n\n", None),
    ("transfer-encoding as a trailer", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", None),
    ("connection as a trailer", b"0\r\nConnection: close\r\n\r\n", None),
    ("too many trailers", b"0\r\n" + b"A: b\r\n" * 300 + b"\r\n", None),
    ("trailer that is a request", b"0\r\n" + AFTER, None),
]


def test_chunked_bodies():
    bad, seen = [], []
    head = b"POST /chunks HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n"
    with Proxy(recording(seen)) as p:
        for name, body, want in CHUNKS:
            del seen[:]
            before = len(p.backend.received)
            with p.connect() as c:
                c.send(head + body + AFTER)
                r = c.response()
                if want is None:
                    closed = r.fields.get("connection") == "close" and c.rest() == b""
                    if r.status not in (400, 431) or not closed or seen:
                        bad.append("%s: %d, closed %s, backend %r" % (name, r.status, closed, [(m.line, m.body) for m in seen]))
                elif c.response().status != 200 or [(m.line, m.body) for m in seen] != [
                        ("POST /chunks HTTP/1.1", want), ("GET /after HTTP/1.1", b"")]:
                    bad.append("%s: %r" % (name, [(m.line, m.body) for m in seen]))
            # What went on is in our own words: sizes in hexadecimal, no extensions.
            for log in p.backend.received[before:]:
                if b";" in log:
                    bad.append("%s: an extension went on: %r" % (name, bytes(log)))
    collect(bad)


# name, fields of a request, what the backend finds (None: not there).
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

FORWARDED = [
    ("nominated field", b"Connection: x-a\r\nX-A: 1\r\n", {"x-a": None, "connection": None}),
    ("nominated in another spelling", b"CONNECTION: X-a\r\nx-A: 1\r\n", {"x-a": None}),
    ("nominated on the second line", b"Connection: close\r\nX-A: 1\r\nConnection: x-a\r\n", {"x-a": None}),
    ("nominated between empty members", b"Connection: , ,x-a ,\r\nX-A: 1\r\n", {"x-a": None}),
    ("nominated and not there", b"Connection: x-b\r\nX-A: 1\r\n", {"x-a": "1"}),
    ("host nominated", b"Connection: host\r\n", {"host": "a"}),
    ("host nominated in capitals", b"Connection: Host\r\n", {"host": "a"}),
    ("via nominated", b"Connection: Via\r\nVia: 1.0 x\r\n", {"via": "1.0 x, 1.1 toron"}),
    ("content-length nominated", b"Connection: content-length\r\nContent-Length: 2\r\n", {"content-length": "2"}),
    ("transfer-encoding nominated", b"Connection: transfer-encoding\r\nContent-Length: 2\r\n", {"content-length": "2"}),
    ("x-forwarded-for nominated", b"Connection: x-forwarded-for\r\nX-Forwarded-For: 6.6.6.6\r\n", {"x-forwarded-for": "127.0.0.1"}),
    ("x-forwarded-proto nominated", b"Connection: X-Forwarded-Proto\r\n", {"x-forwarded-proto": "SCHEME"}),
    ("forwarding fields", b"X-Forwarded-For: 1\r\nx-forwarded-host: 2\r\nX-FORWARDED-PROTO: https\r\nForwarded: for=3\r\n",
     {"x-forwarded-for": "127.0.0.1", "x-forwarded-host": "a", "x-forwarded-proto": "SCHEME", "forwarded": None}),
    ("several forwarding fields", b"X-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n", {"x-forwarded-for": "127.0.0.1"}),
    ("earlier proxies", b"Via: 1.1 one\r\nX: y\r\nVia: 1.0 two\r\n", {"via": "1.1 one, 1.0 two, 1.1 toron"}),
    ("keep-alive and the like", b"Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n",
     {"keep-alive": None, "proxy-connection": None, "te": None}),
    ("upgrade without connection", b"Upgrade: websocket\r\n", {"upgrade": None, "connection": None}),
    ("connection: upgrade without upgrade", b"Connection: upgrade\r\n", {"upgrade": None, "connection": None}),
    ("h2c", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
     {"upgrade": None, "connection": None, "http2-settings": None}),
    ("h2c among others", b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", {"upgrade": None, "connection": None}),
    ("h2c in capitals", b"Connection: Upgrade\r\nUpgrade: H2C\r\n", {"upgrade": None}),
    ("h2c on the second line", b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n", {"upgrade": None}),
    ("another version of http", b"Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n", {"upgrade": None}),
    ("tls", b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", {"upgrade": None}),
    ("upgrade with a body", b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n", {"upgrade": None, "content-length": "2"}),
    ("websocket", b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n%s" % KEY, {"upgrade": "WebSocket", "connection": "upgrade"}),
    ("range", b"Range: bytes=0-1,5-\r\nIf-Range: \"x\"\r\n", {"range": "bytes=0-1,5-", "if-range": "\"x\""}),
    ("conditions", b"If-None-Match: W/\"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
     {"if-none-match": "W/\"x\"", "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}),
    ("repeated fields stay apart", b"X: 1\r\nX: 2\r\n", {"x": "1, 2"}),
    ("cookies", b"Cookie: a=1\r\nCookie: b=2\r\n", {"cookie": "a=1, b=2"}),
    ("value of obs-text", b"X: \xe9\xff\r\n", {"x": "\xe9\xff"}),
    ("value with tabs inside", b"X: a\tb\r\n", {"x": "a\tb"}),
    ("value of colons", b"X: ::a:\r\n", {"x": "::a:"}),
    ("name of odd characters", b"!#$%&'*+-.^_`|~: x\r\n", {"!#$%&'*+-.^_`|~": "x"}),
    ("name in capitals", b"X-UP: x\r\n", {"x-up": "x"}),
]


def test_what_the_backend_finds():
    bad, seen = [], []
    with Proxy(recording(seen), listener_extra=H1_ONLY) as p:
        for name, fields, want in FORWARDED:
            del seen[:]
            body = b"ab" if b"Content-Length: 2" in fields else b""
            with p.connect() as c:
                c.send(post(fields, body, b"GET / HTTP/1.1\r\n"))
                if c.response().status != 200 or len(seen) != 1:
                    bad.append("%s: %d requests" % (name, len(seen)))
                    continue
            m = seen[0]
            for key, value in want.items():
                value = lib.SCHEME if value == "SCHEME" else value
                if m.fields.get(key) != value:
                    bad.append("%s: %s is %r, not %r" % (name, key, m.fields.get(key), value))
            for key in ("host", "content-length", "transfer-encoding"):
                if m.fields.counts.get(key, 0) > 1:
                    bad.append("%s: %s twice" % (name, key))
            if m.body != body:
                bad.append("%s: body %r" % (name, m.body))
    collect(bad)


def test_trailers_that_would_pass_for_ours():
    seen = []
    trailers = b"X-Forwarded-For: 6.6.6.6\r\nVia: x\r\nForwarded: for=6\r\nKeep-Alive: 1\r\nCookie: a\r\nX-Real-IP: 6.6.6.6\r\n" \
               b"X-Forwarded-Port: 1\r\nX_Forwarded_For: 6\r\nX-Forwarded-User: root\r\nTrue-Client-IP: 6\r\nX-Sum: 9\r\n"
    extra = "    forwarding: {strip: [true-client-ip]}\n    trusted_proxies: [127.0.0.0/8]"  # not even trusted proxies say it so late
    with Proxy(recording(seen), listener_extra=extra) as p, p.connect() as c:
        c.send(post(CHUNKED, b"2\r\nab\r\n0\r\n" + trailers + b"\r\n") + AFTER)
        assert [c.response().status, c.response().status] == [200, 200]
    assert seen[0].trailers.lower() == b"x-sum: 9\r\n", seen[0].trailers


def test_absolute_form_and_host():
    """The target's authority is the host, wherever the backend looks."""
    seen = []
    with Proxy(recording(seen)) as p, p.connect() as c:
        c.send(b"GET http://one:81/ HTTP/1.1\r\nHost: two\r\nX-Forwarded-Host: three\r\n\r\n")
        assert c.response().status == 200
    assert seen[0].fields["host"] == seen[0].fields["x-forwarded-host"] == "one:81"


# name, method, what the backend sends (None as the last element: then it closes), status, body, whether the connection is used again.
RESPONSES = [
    ("extra bytes after a length", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"], 200, b"ok", False),
    ("a whole second response", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"],
     200, b"ok", False),
    ("body after HEAD", "HEAD", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"", False),
    ("chunked body after HEAD", "HEAD", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"], 200, b"", False),
    ("HEAD without a length", "HEAD", [b"HTTP/1.1 200 OK\r\n\r\n"], 200, b"", True),
    ("HEAD with chunked", "HEAD", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], 200, b"", True),
    ("body after 204", "GET", [b"HTTP/1.1 204 No Content\r\n\r\nbody"], 204, b"", False),
    ("204 with a length", "GET", [b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"], 204, b"", False),
    ("204 with chunked", "GET", [b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], 502, None, False),
    ("body after 304", "GET", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody"], 304, b"", False),
    ("bytes after the last chunk", "GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEXTRA"], 200, b"ok", False),
    ("an empty line after the body", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n"], 200, b"ok", False),
    ("length of 0", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], 200, b"", True),
    ("205", "GET", [b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"], 205, b"", True),
    ("unknown status", "GET", [b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok"], 299, b"ok", True),
    ("status 599", "GET", [b"HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok"], 599, b"ok", True),
    ("version cut short, and nothing behind", "GET", [b"HTTP/\r\n\r\n"], 502, None, False),
    ("status cut short, and nothing behind", "GET", [b"HTTP/1.1 \r\n\r\n"], 502, None, False),
    ("status cut short, in two pieces", "GET", [b"HTTP/1.1 2", b"\r\n\r\n"], 502, None, False),
    ("no reason", "GET", [b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("no space after the status", "GET", [b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("reason of obs-text", "GET", [b"HTTP/1.1 200 \xc3\xa4\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("version 1.0 with a length", "GET", [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", False),
    ("version 1.0 that keeps", "GET", [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("version 1.0 with chunked", "GET", [b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"], 502, None, False),
    ("close announced", "GET", [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", False),
    ("close among others", "GET", [b"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", False),
    ("until close", "GET", [b"HTTP/1.1 200 OK\r\n\r\nok", None], 200, b"ok", False),
    ("five interim heads, one at a time", "GET", [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"] * 5 + [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("ten interim heads, one at a time", "GET", [b"HTTP/1.1 102 Processing\r\n\r\n"] * 10 + [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("unasked 100", "GET", [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", True),
    ("interim with a length", "GET", [b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
     200, b"ok", True),
    ("interim and an end", "GET", [b"HTTP/1.1 103 Early Hints\r\n\r\n", None], 502, None, False),
    ("101 to nobody who asked", "GET", [b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"], 502, None, False),
    ("status 099", "GET", [b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("status of four digits", "GET", [b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("status with a sign", "GET", [b"HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("two spaces before the status", "GET", [b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("version 2", "GET", [b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("leading empty line", "GET", [b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("reason with a NUL", "GET", [b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("length list", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"], 502, None, False),
    ("length with a sign", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"], 502, None, False),
    ("length with a space inside", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\nok"], 502, None, False),
    ("equal lengths", "GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"], 502, None, False),
    ("two lengths to HEAD", "HEAD", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n"], 502, None, False),
    ("chunked and identity", "GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"], 502, None, False),
    ("chunked twice", "GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], 502, None, False),
    ("bare CR in a value", "GET", [b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("bare LF in a value", "GET", [b"HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("name with a space", "GET", [b"HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("empty name", "GET", [b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("no colon", "GET", [b"HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"], 502, None, False),
    ("too many fields", "GET", [b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 300 + b"Content-Length: 0\r\n\r\n"], 502, None, False),
]


def test_responses():
    bad, plan = [], []

    def serve(c):
        while True:
            m = c.request()
            if m.target == "/next":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
                continue
            for part in plan:
                if part is None:
                    return
                c.send(part)
                if len(plan) > 2:
                    lib.time.sleep(0.01)

    with Proxy(serve, extra="runtime: {workers: 1}") as p:
        for name, method, parts, status, body, reused in RESPONSES:
            plan[:] = parts
            before = len(p.backend.connections)
            with p.connect() as c:
                c.send(b"%s / HTTP/1.1\r\nHost: a\r\n\r\n" % method.encode())
                r = c.response(method)
                while r.status < 200:
                    if r.fields.get("connection") or r.fields.get("content-length"):
                        bad.append("%s: interim fields %r" % (name, r.fields))
                    r = c.response(method)
                if r.status != status or (body is not None and r.body != body):
                    bad.append("%s: %d %r" % (name, r.status, r.body))
                if r.status in (204, 304) and "transfer-encoding" in r.fields or r.status == 204 and "content-length" in r.fields:
                    bad.append("%s: framing of nothing: %r" % (name, r.fields))
                lib.time.sleep(0.02)
                c.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                r = c.response()
                if r.status != 200 or r.body != b"next":
                    bad.append("%s: the next request got %d %r" % (name, r.status, r.body))
            opened = len(p.backend.connections) - before
            if reused and opened > 1:
                bad.append("%s: not used again" % name)
            if not reused and before and opened == 0:
                bad.append("%s: used again" % name)
    collect(bad)


test_responses.seconds = 120


def test_interim_fields_of_one_connection_stay_there():
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
               b"Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Proxy(serve) as p, p.connect() as c:
        c.send(get())
        r = c.response()
        assert r.status == 103 and r.fields["link"] == "</a>"
        for gone in ("connection", "x-hop", "keep-alive", "transfer-encoding"):
            assert gone not in r.fields, gone
        assert c.response().body == b"ok"


def test_ranges_dates_and_interim_answers_by_version():
    """A part is passed on as a part, a server's Date stays, one that has none gets one; HTTP/1.0 knows no interim answers."""
    part = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/10\r\nAccept-Ranges: bytes\r\nContent-Length: 2\r\n%s\r\nok"
    date = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    def serve(c):
        while True:
            dated = date if c.request().target == "/dated" else b""
            c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + part % dated)

    with Proxy(serve) as p:
        for target, version in ((b"/", b"1.1"), (b"/dated", b"1.1"), (b"/", b"1.0"), (b"/dated", b"1.0")):
            with p.connect() as c:
                c.send(b"GET %s HTTP/%s\r\nHost: a\r\nRange: bytes=2-3\r\n\r\n" % (target, version))
                r = c.response()
                if version == b"1.1":
                    assert r.status == 103
                    r = c.response()
                assert (r.status, r.body, r.fields["content-range"], r.fields["accept-ranges"]) == (206, b"ok", "bytes 2-3/10", "bytes"), r.line
                assert r.fields.counts["date"] == 1 and (r.fields["date"] == "Sun, 06 Nov 1994 08:49:37 GMT") == (target == b"/dated")


def test_a_server_may_not_choose_another_protocol():
    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n")

    with Proxy(serve) as p, p.connect() as c:
        c.send(get(b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY))
        assert c.response().status == 502


def test_thousands_of_connection_options():
    """The work for a head is bounded, whatever it names."""
    with Proxy() as p, p.connect() as c:
        head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + b"a," * 14000 + b"\r\n" + b"Xyz: 1\r\n" * 90 + b"\r\n"
        begun = lib.time.monotonic()
        for _ in range(50):
            c.send(head)
            assert c.response().status == 200
        assert lib.time.monotonic() - begun < 3 * lib.SLOW
