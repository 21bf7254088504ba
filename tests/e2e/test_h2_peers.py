# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs that others wrote, over HTTP/2 on both sides of a gateway: curl, nghttp, h2load and httpx as clients, nghttpd as the server, in
clear text and over TLS. (python3-h2 is on either side of test_matrix.py; more peers are in tests/peers.)"""
import contextlib
import os
import re
import subprocess

import certs
import lib
import streams
from lib import Skip

SIZES = {"empty": 0, "small": 6, "page": 70000, "large": 5 << 20}
CONFIG = """\
certificates: {site: {cert: "%(cert)s", key: {file: "%(key)s"}}}
listeners:
  - {protocol: http, address: 127.0.0.1, port: %(h2c)d}
  - {protocol: https, address: 127.0.0.1, port: %(h2)d, tls: {certificates: [site]}}
log: {access: {enabled: true, flush: 0}}
backends:
  clear: {url: "http://127.0.0.1:%(clear)d", protocol: h2}
  secure: {url: "https://localhost:%(secure)d", protocol: h2, tls: {ca: "%(ca)s"}}
  either: {url: "https://localhost:%(secure)d", protocol: auto, tls: {ca: "%(ca)s"}}
routes:
  - {match: {path: /clear}, backend: clear, rewrite: {strip_prefix: /clear}}
  - {match: {path: /secure}, backend: secure, rewrite: {strip_prefix: /secure}}
  - {match: {path: /either}, backend: either, rewrite: {strip_prefix: /either}}
  - respond: {status: 200, body: hello}
"""
BACKS = ("clear", "secure", "either")


def content(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def program(name, package, *places):
    for place in (*os.environ.get("PATH", "").split(":"), *places):
        if os.access(os.path.join(place, name), os.X_OK):
            return os.path.join(place, name)
    raise Skip("no %s (package %s)" % (name, package))


@contextlib.contextmanager
def nghttpd(*options):
    """A server of files that sends back what is put into it, in clear text and over TLS; the ports of both."""
    path = program("nghttpd", "nghttp2-server", "/usr/sbin")
    folder = os.path.join(lib.WORK, "nghttpd")
    os.makedirs(folder, exist_ok=True)
    for name, size in SIZES.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content(size))
    site = certs.shared("site")
    ports = lib.free_port(), lib.free_port()
    common = ["-a", "127.0.0.1", "-d", folder, "--echo-upload", "--trailer", "x-sum: 42", *options]
    with open(os.path.join(lib.WORK, "nghttpd.log"), "wb") as log:
        servers = [subprocess.Popen([path, *common, *rest], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                   for rest in (["--no-tls", str(ports[0])], [str(ports[1]), site.key, site.cert])]
    try:
        for port in ports:
            lib.listening(port)
        yield ports
    finally:
        for s in servers:
            s.terminate()
        for s in servers:
            s.wait(20 * lib.SLOW)


class Setting:
    def __init__(self, gateway, ports):
        self.gateway, self.ports = gateway, ports

    def url(self, front, path):
        return "%s://localhost:%d%s" % ("https" if front == "h2" else "http", self.ports[front], path)

    def faultless(self, n, seconds=10):
        """The last n requests went well, and over HTTP/2."""
        lines = self.gateway.access(n, seconds)
        bad = [l for l in lines if "fault" in l or l["status"] != 200 or l["protocol"] != "HTTP/2.0"]
        assert not bad, bad


@contextlib.contextmanager
def setting(*options):
    site = certs.shared("site")
    with nghttpd(*options) as (clear, secure):
        ports = {"h2c": lib.free_port(), "h2": lib.free_port(), "clear": clear, "secure": secure}
        with lib.Gateway(CONFIG % {"cert": site.cert, "key": site.key, "ca": certs.shared("ca").cert, **ports}) as g:
            yield Setting(g, ports)


def run(*args, data=None):
    done = subprocess.run(args, capture_output=True, timeout=100 * lib.SLOW, input=data)
    assert done.returncode == 0, (args, done.returncode, done.stderr.decode(errors="replace")[-2000:])
    return done.stdout


def upload():
    path = os.path.join(lib.WORK, "upload")
    with open(path, "wb") as f:
        f.write(content(3 << 20))
    return path


# ---- curl ----

def curl(front, *args):
    if b"HTTP2" not in run("curl", "-V"):
        raise Skip("curl without HTTP/2")
    return run("curl", "-sS", "--fail", "--max-time", "60", "--cacert", certs.shared("ca").cert,
               "--http2" if front == "h2" else "--http2-prior-knowledge", *args)


def test_curl():
    with setting() as s:
        for front in ("h2c", "h2"):
            for back in BACKS:
                for name, size in SIZES.items():
                    assert curl(front, s.url(front, "/%s/%s" % (back, name))) == content(size), (front, back, name)
                for method in ("POST", "PUT"):
                    got = curl(front, "-X", method, "--data-binary", "@" + upload(), s.url(front, "/%s/x" % back), "-w", "%{http_version}")
                    assert got == content(3 << 20) + b"2", (front, back, len(got))
                got = curl(front, "-H", "expect: 100-continue", "--data-binary", "@" + upload(), s.url(front, "/%s/x" % back))
                assert got == content(3 << 20), (front, back, len(got))
                assert b"content-length: 70000\r\n" in curl(front, "-I", s.url(front, "/%s/page" % back))
                s.faultless(len(SIZES) + 4)
        # Many at a time on one connection. (In clear text curl of Debian 12 fails with any server.)
        out = os.path.join(lib.WORK, "curl-")
        curl("h2", "--parallel", "-o", out + "#1", s.url("h2", "/secure/page?[1-40]"))
        for i in range(1, 41):
            with open(out + str(i), "rb") as f:
                assert f.read() == content(70000)
        s.faultless(40)


def test_curl_shows_trailers():
    """Behind a body without a length: else it does not wait for them."""
    def serve(s):
        s.head()
        s.respond(200)
        s.send(b"hello")
        s.end([("x-sum", "42")])

    port = lib.free_port()
    with streams.server("h2c", serve) as b, lib.Gateway("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
backends: {b: {url: "http://127.0.0.1:%d", protocol: h2}}
routes: [{backend: b}]
""" % (port, b.port)):
        seen = curl("h2c", "-D", "-", "http://127.0.0.1:%d/" % port)
        assert b"hello" in seen and b"x-sum: 42" in seen, seen


def test_curl_by_upgrade():
    """What asks for HTTP/2 in HTTP/1.1 gets it where nothing has to be sent first. (Not much: curl of Debian 12 takes 32 KiB behind the 101.)"""
    with setting() as s:
        got = run("curl", "-sS", "--fail", "--http2", s.url("h2c", "/secure/small"), "-w", "%{http_version}")
        assert got == content(6) + b"2"
        got = run("curl", "-sS", "--fail", "--http2", "--data-binary", "@" + upload(), s.url("h2c", "/clear/x"))
        assert got == content(3 << 20)


# ---- nghttp ----

def test_nghttp():
    nghttp = program("nghttp", "nghttp2-client")
    with setting() as s:
        for front in ("h2c", "h2"):
            for back in BACKS:
                for name, size in SIZES.items():
                    assert run(nghttp, "-y", s.url(front, "/%s/%s" % (back, name))) == content(size), (front, back, name)
                sent = upload()
                for option in ([], ["--no-content-length"], ["--trailer", "x-check: 7"], ["--expect-continue"], ["--continuation"],
                               ["--padding", "200"], ["-w", "10", "-W", "12"], ["--weight", "200"], ["--no-dep"]):
                    got = run(nghttp, "-y", "-d", sent, *option, s.url(front, "/%s/x" % back))
                    assert got == content(3 << 20), (front, back, option, len(got))
                seen = run(nghttp, "-nvy", s.url(front, "/%s/page" % back)).decode(errors="replace")
                assert "x-sum: 42" in seen, seen  # the server's trailers
                run(nghttp, "-ny", "-m", "60", s.url(front, "/%s/page" % back))
                s.faultless(60)
        assert run(nghttp, "-u", s.url("h2c", "/clear/page")) == content(70000)


def test_pushes_are_not_wanted():
    """The server would push, and may not: the gateway has said so."""
    nghttp = program("nghttp", "nghttp2-client")
    with setting("-p", "/page=/small,/large") as s:
        for back in BACKS:
            seen = run(nghttp, "-nvy", s.url("h2", "/%s/page" % back)).decode(errors="replace")
            assert "PUSH_PROMISE" not in seen and ":status: 200" in seen, seen
        s.faultless(len(BACKS))


# ---- h2load ----

def load(url, n, *options):
    out = run(program("h2load", "nghttp2-client"), "-n", str(n), "-c", "4", "-m", "25", *options, url).decode()
    assert "%d succeeded, 0 failed, 0 errored, 0 timeout" % n in out, out


def test_h2load():
    """No error, also where the server takes three streams at a time: what it refuses of the first burst is sent once more, and that is all."""
    for options in ([], ["-m", "3"]):
        with setting(*options) as s:
            for front in ("h2c", "h2"):
                for back in ("clear", "secure"):
                    load(s.url(front, "/%s/small" % back), 1000)
                    load(s.url(front, "/%s/page" % back), 200)
                    s.faultless(1200, 30)
                assert all(l["tries"] <= 2 for l in s.gateway.access(1200))
                load(s.url(front, "/secure/x"), 40, "-d", os.path.join(lib.WORK, "nghttpd", "page"))
                load(s.url(front, "/"), 1000)


def test_h2load_counts():
    """Many streams on one connection, and as many requests as a second has: each is answered with 2xx, and no byte is missing."""
    h2load = program("h2load", "nghttp2-client")
    with setting() as s:
        for front in ("h2c", "h2"):
            for back, (name, size) in (("clear", ("page", 70000)), ("secure", ("small", 6))):
                url = s.url(front, "/%s/%s" % (back, name))
                for options in (["-n", "400", "-c", "1", "-m", "128"], ["-D", "1", "-c", "3", "-m", "10"]):
                    out = run(h2load, *options, url).decode()
                    done = int(re.search(r"(\d+) succeeded, 0 failed, 0 errored, 0 timeout", out).group(1))
                    codes = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", out)
                    data = int(re.search(r"\((\d+)\) data", out).group(1))
                    # When the time is over, some have begun.
                    begun = 0 if "-n" in options else 3 * 10
                    assert done > 100 and int(codes.group(1)) <= done + begun and size * done <= data <= size * (done + begun), out
        # What h2load leaves behind when its time is over.
        assert {l["fault"] for l in s.gateway.access(1000) if "fault" in l} <= {"front-closed"}


# ---- httpx ----

def test_httpx():
    try:
        import httpx
    except ImportError:
        raise Skip("python3-httpx is not installed")
    context = certs.client_context()
    with setting() as s:
        for front, how in (("h2", {"http2": True}), ("h2c", {"http1": False, "http2": True})):
            with httpx.Client(verify=context, timeout=30 * lib.SLOW, trust_env=False, **how) as c:
                for back in BACKS:
                    for name, size in SIZES.items():
                        r = c.get(s.url(front, "/%s/%s" % (back, name)))
                        assert (r.http_version, r.status_code, r.content) == ("HTTP/2", 200, content(size)), (front, back, name)
                    for body in (content(100000), iter([b"in ", b"", b"pieces"])):
                        r = c.post(s.url(front, "/%s/x" % back), content=body)
                        assert r.content == (body if isinstance(body, bytes) else b"in pieces")
                    # And no more of it. httpx forgets what it has not read of that stream, so the connection's window never gets it back.
                    with httpx.Client(verify=context, timeout=30 * lib.SLOW, trust_env=False, **how) as other:
                        with other.stream("GET", s.url(front, "/%s/large" % back)) as r:
                            next(r.iter_raw())
                    assert c.head(s.url(front, "/%s/page" % back)).headers["content-length"] == "70000"
                    assert c.get(s.url(front, "/%s/absent" % back)).status_code == 404
