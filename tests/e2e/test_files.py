# SPDX-License-Identifier: MIT OR Apache-2.0
"""The action files: embedded and from disk, names that try to leave the root, links, ranges, conditions, codings."""
import gzip
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import lib
from lib import Gateway, connect, free_port, get, toronc

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OLD = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
OLD_TEXT = "Sun, 06 Nov 1994 08:49:37 GMT"
PAGE = b"<p>page</p>\n" * 100


def write(path, data, age=True):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    if age:
        os.utime(path, (OLD, OLD))
    return path


class Site:
    """A directory with a site, and secrets beside it."""

    def __init__(self):
        self.top = tempfile.mkdtemp(dir=lib.WORK, prefix="site-")
        self.root = os.path.join(self.top, "root")
        self.put("index.html", b"home\n")
        self.put("page.html", PAGE)
        self.put("page.html.gz", gzip.compress(PAGE, 9, mtime=0))
        self.put("page.html.br", b"not really brotli")
        self.put("ten", b"0123456789")
        self.put("empty", b"")
        self.put("a b/\xc3\xa9.txt".encode("latin-1").decode("utf-8"), b"odd name\n")
        self.put("sub/index.html", b"sub\n")
        self.put("sub/deep/x.css", b"css")
        self.put("noindex/y.js", b"js")
        self.put(".env", b"SECRET")
        self.put(".git/config", b"SECRET")
        self.put(".well-known/security.txt", b"contact\n")
        self.put("percent%2e.txt", b"percent\n")
        write(os.path.join(self.top, "secret"), b"SECRET")
        write(os.path.join(self.top, "root-2", "secret"), b"SECRET")

    def put(self, name, data, age=True):
        return write(os.path.join(self.root, name), data, age)

    def link(self, name, target):
        os.symlink(target, os.path.join(self.root, name))


class Served(Gateway):
    """A gateway with one site: options are what stands behind the root in `files`."""

    def __init__(self, site, options="", path="/", more=""):
        self.port = free_port()
        super().__init__("""\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - match: {path: %s}
    files: {root: %s%s}
%s""" % (self.port, path, site.root, options, more))

    def get(self, target, headers="", **kw):
        return get(self.port, target, headers, **kw)


EMBED = ", embed: true"


def both(test):
    """Runs a test with the files on disk and embedded."""
    def run():
        for options in ("", EMBED):
            try:
                test(options)
            except AssertionError as e:
                raise AssertionError("%s: %s" % (options or "disk", e)) from e
    return run


def check_plain(options):
    with Served(Site(), options) as g:
        r = g.get("/page.html")
        assert r.status == 200 and r.body == PAGE, r.line
        f = r.fields
        assert f["content-type"] == "text/html; charset=utf-8" and f["content-length"] == str(len(PAGE)), f
        assert f["accept-ranges"] == "bytes" and re.fullmatch(r'"[0-9a-f.-]+"', f["etag"]), f
        assert "vary" not in f and "content-encoding" not in f and "transfer-encoding" not in f
        assert f.get("last-modified") == (None if options else OLD_TEXT), f
        assert g.get("/empty").body == b"" and g.get("/empty").fields["content-length"] == "0"
        assert g.get("/").body == b"home\n"
        assert g.get("/sub/deep/x.css").fields["content-type"] == "text/css; charset=utf-8"
        assert g.get("/ten").fields["content-type"] == "application/octet-stream"
        assert g.get("/a%20b/%C3%A9.txt").body == b"odd name\n"
        assert g.get("/a%20b/%c3%a9.txt?query").body == b"odd name\n"
        assert g.get("/.well-known/security.txt").body == b"contact\n"
        assert g.get("/percent%252e.txt").body == b"percent\n"
        for missing in ("/nothing", "/page", "/page.html/", "/page.html/x", "/sub/nothing", "/noindex/", "/PAGE.HTML", "/page.html%20"):
            assert g.get(missing).status == 404, missing


test_plain = both(check_plain)


def check_head(options):
    with Served(Site(), options) as g:
        a, b = g.get("/page.html"), g.get("/page.html", method="HEAD")
        assert b.status == 200 and b.body == b"" and b.fields["content-length"] == str(len(PAGE))
        for name in ("etag", "content-type", "accept-ranges"):
            assert a.fields[name] == b.fields[name]
        assert g.get("/nothing", method="HEAD").status == 404
        # A HEAD in a row of requests leaves the connection in step.
        with connect(g.port) as c:
            for _ in range(3):
                c.send(b"HEAD /page.html HTTP/1.1\r\nHost: a\r\n\r\nGET /ten HTTP/1.1\r\nHost: a\r\n\r\n")
                assert c.response("HEAD").status == 200
                assert c.response().body == b"0123456789"


test_head = both(check_head)


def check_methods(options):
    with Served(Site(), options) as g:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            r = g.get("/page.html", method=method)
            assert r.status == 405 and r.fields["allow"] == "GET, HEAD", (method, r.line)
        # A body that nobody wants does not disturb the next request.
        with connect(g.port) as c:
            c.send(b"GET /ten HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000)
            assert c.response().body == b"0123456789"
            c.send(b"GET /ten HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().body == b"0123456789"


test_methods = both(check_methods)


def check_folders(options):
    with Served(Site(), options + ", index: [index.htm, index.html]") as g:
        r = g.get("/sub")
        assert r.status == 301 and r.fields["location"] == "/sub/" and r.body == b""
        assert g.get("/sub?a=1&b").fields["location"] == "/sub/?a=1&b"
        assert g.get("/a%20b").fields["location"] == "/a%20b/"
        assert g.get("/sub/").body == b"sub\n" and g.get("/sub/deep/").status == 404
        assert g.get("/sub/deep", method="HEAD").status == 301
        for odd in ("//sub", "//evil.example/..//sub", "/%2f/evil.example", "//evil.example"):
            location = g.get(odd).fields.get("location", "")
            assert not location.startswith("//"), (odd, location)
    with Served(Site(), options, more="routing: {merge_slashes: false}") as g:
        for odd in ("//sub", "//evil.example", "/sub//index.html", "//"):
            r = g.get(odd)
            assert r.status in (200, 404) and "location" not in r.fields, (odd, r.line)


test_folders = both(check_folders)

TRAVERSAL = [
    "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/..%5csecret", "/..\\secret", "/sub/../../secret",
    "/sub/%2e%2e/%2e%2e/secret", "/.%2e/secret", "/%2e./secret", "/..%c0%afsecret", "/%c0%ae%c0%ae/secret", "/....//secret",
    "/..;/secret", "/sub/..;/..;/secret", "/%252e%252e/secret", "/%252e%252e%252fsecret", "/../root-2/secret", "/..%00/secret",
    "/ten%00", "/ten%00.html", "/%2fetc/passwd", "//etc/passwd", "/sub/..%2f..%2fsecret", "/./../secret", "/sub/./../../secret",
    "/%2e%2e\\secret", "/..%u2215secret", "/\x01", "/..//secret", "/.../secret", "/sub%2f..%2f..%2fsecret", "/~root/secret",
    "/.env", "/.git/config", "/%2egit/config", "/%2Eenv", "/sub/.env", "/.well-known/../.env", "/.git", "/.git/", "/../root/.env",
]


def check_traversal(options):
    with Served(Site(), options) as g, Served(Site(), options, path="/static") as s:
        for base, gateway in (("", g), ("/static", s)):
            for trick in TRAVERSAL:
                for target in (base + trick, "http://localhost" + base + trick):
                    try:
                        r = gateway.get(target)
                    except EOFError:
                        continue
                    assert r.status in (301, 400, 404), (target, r.line)
                    assert b"SECRET" not in r.body and b"root:" not in r.body, target
        with connect(g.port) as c:
            c.send(b"GET ../secret HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 400


test_traversal = both(check_traversal)


def check_encoded_slashes(options):
    """Also where the listener lets %2F pass it is no separator."""
    with Served(Site(), options, more="routing: {encoded_slashes: keep}") as g:
        for target in ("/sub%2Findex.html", "/..%2Fsecret", "/sub%2F..%2F..%2Fsecret", "/%2Fetc%2Fpasswd", "/sub%2F"):
            r = g.get(target)
            assert r.status in (400, 404) and b"SECRET" not in r.body, (target, r.line)


test_encoded_slashes = both(check_encoded_slashes)


def test_hidden_files_when_wanted():
    site = Site()
    for options in ("", EMBED):
        with Served(site, options + ", hidden: true") as g:
            assert g.get("/.env").body == b"SECRET"
            assert g.get("/../secret").status in (400, 404)


def add_links(site):
    site.link("to-ten", "ten")
    site.link("sub/up", "../ten")
    site.link("to-sub", "sub")
    site.link("out", "../secret")
    site.link("out-folder", "..")
    site.link("sub/out", "../../secret")
    site.link("absolute", os.path.join(site.top, "secret"))
    site.link("passwd", "/etc/passwd")
    site.link("sibling", "../root-2")
    site.link("climb", "../root/ten")
    site.link("sub/climb", "../.././root/ten")
    site.link("loop", "loop")
    site.link("dot", ".")
    site.link("gone", "nothing")


OUTSIDE = ("/out", "/out-folder/secret", "/out-folder/root/ten", "/sub/out", "/absolute", "/passwd", "/sibling/secret", "/climb", "/sub/climb", "/loop",
           "/gone", "/to-sub/out", "/dot/out")


def check_links(options):
    site = Site()
    add_links(site)
    with Served(site, options) as g:
        assert g.get("/to-ten").body == b"0123456789"
        assert g.get("/sub/up").body == b"0123456789"
        assert g.get("/to-sub/").body == b"sub\n"
        assert g.get("/to-sub/up").body == b"0123456789"
        for name in OUTSIDE:
            r = g.get(name)
            assert r.status == 404 and b"SECRET" not in r.body, (name, r.line)
    with Served(site, options + ", symlinks: never") as g:
        for name in OUTSIDE + ("/to-ten", "/sub/up", "/to-sub/", "/to-sub/index.html", "/dot/ten"):
            assert g.get(name).status == 404, name
        assert g.get("/ten").body == b"0123456789"


test_links = both(check_links)


def test_links_that_change():
    """A folder that is swapped for a link to the outside, while it is asked for all the time."""
    site = Site()
    site.put("flip/secret", b"harmless")
    flip, aside = os.path.join(site.root, "flip"), os.path.join(site.top, "aside")
    os.rename(flip, aside)
    done = threading.Event()

    def swap():
        while not done.is_set():
            os.rename(aside, flip)
            os.rename(flip, aside)
            os.symlink("..", flip)
            os.unlink(flip)

    thread = threading.Thread(target=swap)
    with Served(site) as g:
        thread.start()
        try:
            seen = set()
            with connect(g.port) as c:
                for _ in range(3000):
                    c.send(b"GET /flip/secret HTTP/1.1\r\nHost: a\r\n\r\n")
                    r = c.response()
                    seen.add(r.status)
                    assert r.body != b"SECRET" and r.status in (200, 404, 503), r.line
        finally:
            done.set()
            thread.join()
        assert 404 in seen, seen


def test_odd_things_on_disk():
    site = Site()
    os.mkfifo(os.path.join(site.root, "fifo"))
    s = socket.socket(socket.AF_UNIX)
    s.bind(os.path.join(site.root, "socket"))
    secret = site.put("denied", b"x")
    os.chmod(secret, 0)
    with Served(site) as g:
        assert g.get("/fifo").status == 404 and g.get("/socket").status == 404
        assert g.get("/denied").status == (200 if os.geteuid() == 0 else 403)
        assert g.get("/" + "x" * 300).status == 404
        assert g.get("/" + "/".join(["y" * 200] * 30)).status == 404
        # A file is served as it is when it is asked for; the directory may come and go.
        site.put("new", b"1")
        assert g.get("/new").body == b"1"
        site.put("new", b"22")
        assert g.get("/new").body == b"22"
        os.unlink(os.path.join(site.root, "new"))
        assert g.get("/new").status == 404
        shutil.move(site.root, site.root + "-gone")
        assert g.get("/ten").status == 404
        shutil.move(site.root + "-gone", site.root)
        assert g.get("/ten").status == 200
    s.close()


def check_strip(options):
    site = Site()
    with Served(site, options, path="/static/files") as g:
        assert g.get("/static/files/ten").body == b"0123456789"
        assert g.get("/static/files/").body == b"home\n"
        assert g.get("/static/files").fields["location"] == "/static/files/"
        assert g.get("/static/files/sub").fields["location"] == "/static/files/sub/"
        assert g.get("/static/filesten").status == 404 and g.get("/ten").status == 404
    with Served(site, options + ", strip: false", path="/sub") as g:
        assert g.get("/sub/deep/x.css").body == b"css" and g.get("/sub/").body == b"sub\n"
    with Served(site, options, path='["/one", "/two/{x}", {exact: /ten}]') as g:
        assert g.get("/one/ten").body == b"0123456789" and g.get("/two/anything/ten").body == b"0123456789"
        assert g.get("/ten").body == b"0123456789"


test_strip = both(check_strip)


def check_fallback(options):
    with Served(Site(), options + ", fallback: /index.html") as g:
        for target in ("/", "/orders/7", "/page.htm", "/noindex/", "/sub/nothing"):
            r = g.get(target)
            assert r.status == 200 and r.body == b"home\n" and r.fields["content-type"].startswith("text/html"), target
        assert g.get("/ten").body == b"0123456789"
        assert g.get("/noindex").status == 301
        assert g.get("/.env").status == 404
        tag = g.get("/orders/7").fields["etag"]
        assert g.get("/orders/8", "If-None-Match: %s\r\n" % tag).status == 304


test_fallback = both(check_fallback)


def check_types(options):
    site = Site()
    site.put("a.x", b"1")
    site.put("b.CSS", b"2")
    with Served(site, options + ', mime: {".x": "text/x; charset=latin1", ".css": "text/special"}, cache_control: "no-cache, private"') as g:
        assert g.get("/a.x").fields["content-type"] == "text/x; charset=latin1"
        assert g.get("/b.CSS").fields["content-type"] == "text/special"
        assert g.get("/page.html").fields["content-type"] == "text/html; charset=utf-8"
        assert g.get("/a.x").fields["cache-control"] == "no-cache, private"
        assert g.get("/a.x", "If-None-Match: *\r\n").fields["cache-control"] == "no-cache, private"
        assert "cache-control" not in g.get("/nothing").fields


test_types = both(check_types)


def check_codings(options):
    with Served(Site(), options + ", precompressed: [br, gzip, zstd]") as g:
        def coding(accept):
            r = g.get("/page.html", "Accept-Encoding: %s\r\n" % accept)
            assert r.status == 200 and r.fields["vary"] == "accept-encoding"
            assert r.fields["content-type"] == "text/html; charset=utf-8"
            coded = r.fields.get("content-encoding")
            assert coded != "gzip" or gzip.decompress(r.body) == PAGE
            assert coded != "br" or r.body == b"not really brotli"
            assert coded or r.body == PAGE
            return coded

        assert coding("gzip, deflate, br, zstd") == "br"
        assert coding("gzip") == "gzip" and coding("x-gzip") == "gzip" and coding("*") == "br"
        assert coding("br;q=0.5, gzip;q=0.8") == "gzip" and coding("br;q=0, *") == "gzip"
        assert coding("zstd") is None and coding("identity") is None and coding("") is None
        assert coding("gzip;q=0.1, identity;q=0.5") is None and coding("gzip;q=0") is None
        tags = {g.get("/page.html", "Accept-Encoding: %s\r\n" % a).fields["etag"] for a in ("br", "gzip", "identity")}
        assert len(tags) == 3, tags
        r = g.get("/page.html", "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n")
        assert r.status == 206 and r.body == b"\x1f\x8b" and r.fields["content-encoding"] == "gzip"
        assert g.get("/ten", "Accept-Encoding: gzip\r\n").fields["vary"] == "accept-encoding"
        assert g.get("/page.html.gz").fields["content-type"] == "application/gzip"


test_codings = both(check_codings)


def check_ranges(options):
    with Served(Site(), options) as g:
        def part(value, headers="", target="/ten"):
            return g.get(target, "Range: %s\r\n%s" % (value, headers))

        for value, body, field in (("bytes=0-3", b"0123", "0-3"), ("bytes=9-", b"9", "9-9"), ("bytes=-4", b"6789", "6-9"),
                                   ("bytes=-99", b"0123456789", "0-9"), ("bytes=5-99", b"56789", "5-9"), ("bytes=0-0", b"0", "0-0"),
                                   ("bytes=0-0,50-60", b"0", "0-0")):
            r = part(value)
            assert r.status == 206 and r.body == body, (value, r.line, r.body)
            assert r.fields["content-range"] == "bytes %s/10" % field and r.fields["content-length"] == str(len(body))
            assert r.fields["content-type"] == "application/octet-stream"
        for value in ("bytes=10-", "bytes=-0", "bytes=50-60,70-"):
            r = part(value)
            assert r.status == 416 and r.fields["content-range"] == "bytes */10", (value, r.line)
        assert part("bytes=0-", target="/empty").status == 416
        for value in ("bytes=4-3", "lines=0-3", "bytes=a-b", "bytes=", "bytes=0-9,0-9", "bytes=" + ",".join(["0-0"] * 40)):
            r = part(value)
            assert r.status == 200 and r.body == b"0123456789" and "content-range" not in r.fields, (value, r.line)
        assert part("bytes=0-1", "Range: bytes=2-3\r\n").status == 200
        assert g.get("/ten", "Range: bytes=0-1\r\n", method="HEAD").status == 200
        r = part("bytes=0-1,4-5,-1")
        assert r.status == 206 and "content-range" not in r.fields
        boundary = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{32})", r.fields["content-type"]).group(1)
        expected = b"".join(b"%s--%s\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes %s/10\r\n\r\n%s"
                            % (b"" if i == 0 else b"\r\n", boundary.encode(), span, body)
                            for i, (span, body) in enumerate(((b"0-1", b"01"), (b"4-5", b"45"), (b"9-9", b"9"))))
        assert r.body == expected + b"\r\n--%s--\r\n" % boundary.encode(), r.body
        # As many parts as there may be: more than a body has places for at a time.
        spans = ["%d-%d" % (i * 70, i * 70 + 3) for i in range(16)]
        r = part("bytes=" + ",".join(spans), target="/page.html")
        assert r.status == 206 and r.body.count(b"content-range: ") == 16
        for span in spans:
            first = int(span.split("-")[0])
            assert b"bytes %s/%d\r\n\r\n%s\r\n" % (span.encode(), len(PAGE), PAGE[first:first + 4]) in r.body


test_ranges = both(check_ranges)


def check_if_range(options):
    with Served(Site(), options) as g:
        tag = g.get("/ten").fields["etag"]

        def status(value):
            return g.get("/ten", "Range: bytes=0-1\r\nIf-Range: %s\r\n" % value).status

        assert status(tag) == 206 and status('"other"') == 200 and status("W/" + tag) == 200 and status("nonsense") == 200
        assert status(OLD_TEXT) == (200 if options else 206)
        assert status("Sun, 06 Nov 1994 08:49:38 GMT") == 200


test_if_range = both(check_if_range)


def check_conditions(options):
    with Served(Site(), options) as g:
        tag = g.get("/ten").fields["etag"]

        def status(headers, **kw):
            return g.get("/ten", headers, **kw).status

        r = g.get("/ten", "If-None-Match: %s\r\n" % tag)
        assert r.status == 304 and r.body == b"" and r.fields["etag"] == tag and "content-type" not in r.fields
        assert "content-length" not in r.fields and "date" in r.fields
        assert status("If-None-Match: W/%s\r\n" % tag) == 304 and status("If-None-Match: *\r\n", method="HEAD") == 304
        assert status('If-None-Match: "x"\r\n') == 200 and status('If-None-Match: "x", %s\r\n' % tag) == 304
        assert status('If-Match: "x"\r\n') == 412 and status("If-Match: %s\r\n" % tag) == 200
        assert status("If-Match: W/%s\r\n" % tag) == 412 and status("If-Match: *\r\n") == 200
        # A precondition that failed comes before a range.
        assert status('If-Match: "x"\r\nRange: bytes=0-1\r\n') == 412
        assert status("If-None-Match: %s\r\nRange: bytes=0-1\r\n" % tag) == 304
        assert status("Range: bytes=50-\r\nIf-None-Match: %s\r\n" % tag) == 304
        if not options:
            before, after = OLD_TEXT.replace(":37", ":36"), OLD_TEXT.replace(":37", ":38")
            assert status("If-Modified-Since: %s\r\n" % OLD_TEXT) == 304 and status("If-Modified-Since: %s\r\n" % after) == 304
            assert status("If-Modified-Since: %s\r\n" % before) == 200 and status("If-Modified-Since: x\r\n") == 200
            assert status("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n") == 304
            assert status("If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n") == 304
            assert status("If-Unmodified-Since: %s\r\n" % before) == 412 and status("If-Unmodified-Since: %s\r\n" % after) == 200
            assert status('If-None-Match: "x"\r\nIf-Modified-Since: %s\r\n' % after) == 200
            assert status("If-Match: %s\r\nIf-Unmodified-Since: %s\r\n" % (tag, before)) == 200
        # Keep-alive goes on behind a 304.
        with connect(g.port) as c:
            c.send(("GET /ten HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\nGET /ten HTTP/1.1\r\nHost: a\r\n\r\n" % tag).encode())
            assert c.response().status == 304 and c.response().body == b"0123456789"


test_conditions = both(check_conditions)


def test_fresh_files_have_weak_tags():
    site = Site()
    site.put("fresh", b"1", age=False)
    with Served(site) as g:
        tag = g.get("/fresh").fields["etag"]
        assert tag.startswith('W/"'), tag
        assert g.get("/fresh", "If-None-Match: %s\r\n" % tag).status == 304
        assert g.get("/fresh", "Range: bytes=0-0\r\nIf-Range: %s\r\n" % tag).status == 200
        # A time stamp of tomorrow is not sent as such.
        os.utime(os.path.join(site.root, "fresh"), (time.time() + 86400,) * 2)
        r = g.get("/fresh")
        assert r.fields["etag"].startswith("W/") and r.fields["last-modified"] == r.fields["date"], r.fields


# ---- when it is compiled, and when it starts ----

def config_text(root, options, port):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - match: {path: /}
    files: {root: %s%s}
""" % (port, root, options)


def test_missing_root_at_start():
    port = free_port()
    g = Gateway(config_text("/nowhere/at-all", "", port))
    g.start(wait=False)
    assert g.process.wait(10 * lib.SLOW) == 1
    assert "gateway.yaml:4:19" in g.stderr() and "/nowhere/at-all" in g.stderr(), g.stderr()


def test_relative_root_from_disk():
    """A relative root begins at the config's folder, as toronc was told where that is."""
    top = tempfile.mkdtemp(dir=lib.WORK)
    write(os.path.join(top, "conf", "site", "index.html"), b"home\n")
    port = free_port()
    write(os.path.join(top, "conf", "gateway.yaml"), config_text("./site", "", port).encode())
    extra = ["--dynamic"] if lib.DYNAMIC else []
    code, out, err = toronc("conf/gateway.yaml", "-o", "gw", *extra, cwd=top)
    assert code == 0, err
    p = subprocess.Popen([os.path.join(top, "gw")], cwd=top, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        while b"ready" not in p.stderr.readline():
            assert p.poll() is None
        assert get(port).body == b"home\n"
    finally:
        p.terminate()
        p.wait(10)
        p.stderr.close()


def test_embedding_is_deterministic():
    """The same files in another folder, made in another order and at another time, give the same binary."""
    digests = []
    for order in (1, -1):
        top = tempfile.mkdtemp(dir=lib.WORK)
        for name in sorted(("index.html", "a/b.css", "a.css", "z", "m.html.gz", "m.html"))[::order]:
            write(os.path.join(top, "site", name), name.encode(), age=order > 0)
        write(os.path.join(top, "gateway.yaml"), config_text("site", ", embed: true, precompressed: [gzip]", 8080).encode())
        extra = ["--dynamic"] if lib.DYNAMIC else []
        code, out, err = toronc("gateway.yaml", "-o", "gw", "--no-cache", *extra, cwd=top)
        assert code == 0, err
        with open(os.path.join(top, "gw"), "rb") as f:
            digests.append(hashlib.sha256(f.read()).hexdigest())
    assert digests[0] == digests[1]


def test_embedded_site_needs_no_directory():
    site = Site()
    with Served(site, EMBED) as g:
        shutil.rmtree(site.top)
        assert g.get("/page.html").body == PAGE
        assert g.get("/sub/deep/x.css").body == b"css"


# ---- the example ----

def test_example_static_site():
    port = free_port()
    top = tempfile.mkdtemp(dir=lib.WORK)
    shutil.copytree(os.path.join(SOURCE, "examples", "static-site"), os.path.join(top, "static-site"))
    site = os.path.join(top, "static-site")
    os.utime(os.path.join(site, "downloads", "readme.note"), (OLD, OLD))
    extra = ["--dynamic"] if lib.DYNAMIC else []
    code, out, err = toronc("static-site/gateway.yaml", "-D", "PORT=%d" % port, "-o", "gw", *extra, cwd=top)
    assert code == 0 and err == "", err
    p = subprocess.Popen([os.path.join(top, "gw")], cwd=top, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    url = "http://127.0.0.1:%d" % port

    def curl(path, *args):
        done = lib.run(["curl", "-s", "-i", "--path-as-is", "--max-time", "10", *args, url + path])
        assert done.returncode == 0, done
        head, body = done.stdout.split(b"\r\n\r\n", 1)
        return head.decode().lower(), body

    def file(name):
        with open(os.path.join(site, name), "rb") as f:
            return f.read()

    try:
        while b"ready" not in p.stderr.readline():
            assert p.poll() is None
        head, body = curl("/")
        assert head.startswith("http/1.1 200") and body == file("site/index.html") and "cache-control: public, max-age=300" in head
        tag = re.search(r"etag: (.*)", head).group(1).strip()
        assert curl("/", "-H", "If-None-Match: " + tag)[0].startswith("http/1.1 304")
        assert "location: /docs/" in curl("/docs")[0]
        assert curl("/docs/")[1] == file("site/docs/index.html")
        head, body = curl("/assets/style.css", "--compressed")
        assert "content-encoding: gzip" in head and "vary: accept-encoding" in head and body == file("site/assets/style.css")
        assert curl("/nowhere")[0].startswith("http/1.1 404")
        assert "allow: get, head" in curl("/", "-X", "POST")[0]
        assert curl("/app/main.js")[1] == file("app/main.js") and curl("/app/orders/7")[1] == file("app/index.html")
        head, body = curl("/downloads/readme.note", "-r", "0-7")
        assert head.startswith("http/1.1 206") and body == b"Whatever" and "text/plain" in head
        assert curl("/downloads/")[0].startswith("http/1.1 404")
        for path in ("/downloads/../gateway.yaml", "/downloads/%2e%2e/gateway.yaml", "/downloads/..%2fgateway.yaml"):
            assert curl(path)[0].split()[1] in ("400", "404"), path
        with open(os.path.join(site, "downloads", "new.note"), "w") as f:
            f.write("new")
        assert curl("/downloads/new.note")[1] == b"new"
    finally:
        p.terminate()
        p.wait(10)
        p.stderr.close()
