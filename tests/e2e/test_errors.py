# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the gateway's own answers look like."""
import json
import os

import lib
from lib import Gateway, connect, free_port, get


def config(port, extra, route_extra=""):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - {match: {path: /down}, backend: {url: "http://127.0.0.1:%d"}}
  - {match: {path: /own, method: GET}, middlewares: [request-id], respond: {body: ok}%s}
%s
""" % (port, free_port(), route_extra, extra)


def test_text_is_the_default():
    port = free_port()
    with Gateway(config(port, "")):
        r = get(port, "/nothing", "Accept: text/html\r\n")
        assert r.status == 404 and r.body == b"404 Not Found\n" and r.fields["content-type"] == "text/plain; charset=utf-8"
        assert "vary" not in r.fields


def test_json():
    port = free_port()
    with Gateway(config(port, "errors: {format: json}")):
        r = get(port, "/down/a%22b%5E?x=1", "Accept: text/html\r\n")
        assert r.status == 502 and r.fields["content-type"] == "application/problem+json"
        told = json.loads(r.body)
        assert told["type"] == "about:blank" and told["title"] == "Bad Gateway" and told["status"] == 502, told
        assert told["instance"] == "/down/a%22b%5E", told
        # A request that cannot be read has no path.
        with connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n")
            r = c.response()
            assert r.status == 400 and "instance" not in json.loads(r.body)
        r = get(port, "/nothing", method="HEAD")
        assert r.status == 404 and int(r.fields["content-length"]) > 0 and r.body == b""


def test_html():
    port = free_port()
    with Gateway(config(port, "errors: {format: html}")):
        r = get(port, "/%3Cscript%3E")
        assert r.fields["content-type"] == "text/html; charset=utf-8" and b"<h1>404 Not Found</h1>" in r.body
        assert b"script" not in r.body


def test_auto():
    port = free_port()
    html, js, text = "text/html; charset=utf-8", "application/problem+json", "text/plain; charset=utf-8"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    cases = [
        ("", text), ("Accept: */*\r\n", text), ("Accept: %s\r\n" % browser, html), ("Accept: application/json\r\n", js),
        ("Accept: application/problem+json\r\n", js), ("Accept: application/json, text/plain, */*\r\n", js),
        ("Accept: text/*\r\n", text), ("Accept: application/*\r\n", js), ("Accept: text/html;q=0.5, application/json;q=0.6\r\n", js),
        ("Accept: text/html;q=0, */*\r\n", text), ("Accept: text/plain;q=0, text/html;q=0.1\r\n", html),
        ("Accept: application/json;q=0.4\r\nAccept: TEXT/HTML\r\n", html), ("Accept: image/png\r\n", text),
        ("Accept: ,;q=,/;;q=0.00000001,text/html;q=x\r\n", html), ("Accept: text/html;q=0.001;level=1\r\n", html),
    ]
    with Gateway(config(port, "errors: {format: auto}")):
        for accept, want in cases:
            r = get(port, "/nothing", accept)
            assert r.fields["content-type"] == want and r.fields["vary"] == "accept", (accept, r.fields)


def test_pages():
    port = free_port()
    page = os.path.join(lib.WORK, "page-%d.html" % port)
    with open(page, "wb") as f:
        f.write(b"<p>\x00\xff \"quoted\\\n")
    extra = """\
errors:
  format: json
  pages:
    4xx: {body: "four\\n", content_type: text/plain}
    404: {file: %s}
    502: {body: "<p>soon ${request.path}</p>"}
""" % json.dumps(page)
    with Gateway(config(port, extra, ", errors: {pages: {405: {body: mine}}}")):
        r = get(port, "/nothing")
        assert r.status == 404 and r.body == b"<p>\x00\xff \"quoted\\\n" and r.fields["content-type"].startswith("text/html")
        r = get(port, "/down")
        assert r.status == 502 and r.body == b"<p>soon ${request.path}</p>"
        with connect(port) as c:
            c.send(b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n")
            assert c.response().body == b"four\n"


def test_route_override():
    port = free_port()
    text = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
errors: {pages: {5xx: {body: top}}}
backends: {down: {url: "http://127.0.0.1:%d"}}
routes:
  - {match: {path: /a}, backend: down}
  - {match: {path: /b}, middlewares: [request-id], backend: down, errors: {format: json}}
  - {match: {path: /c}, backend: down, errors: {pages: {502: {body: own}}}}
""" % (port, free_port())
    with Gateway(text):
        assert [get(port, "/" + p).body for p in "abc"] == [b"top", b"top", b"own"]
    text = text.replace("errors: {pages: {5xx: {body: top}}}\n", "")
    with Gateway(text):
        assert get(port, "/a").body == b"502 Bad Gateway\n"
        told = json.loads(get(port, "/b", "X-Request-Id: no\r\n").body)
        assert told["status"] == 502 and told["instance"] == "/b" and told["request_id"], told
