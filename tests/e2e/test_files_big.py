# SPDX-License-Identifier: MIT OR Apache-2.0
"""The action files with large files: slow readers, many at once, clients that leave, files that shrink, and every way to a client."""
import hashlib
import os
import re
import socket
import threading
import time

import certs
import lib
from lib import Gateway, connect, free_port, get
from test_files import OLD, PAGE, Served, Site


def make_big(site, mib):
    """Pseudo-random blocks, so that a block in the wrong place shows."""
    path = os.path.join(site.root, "big")
    whole = hashlib.sha256()
    with open(path, "wb") as f:
        for i in range(mib):
            block = hashlib.sha256(b"%d" % i).digest() * 32768
            f.write(block)
            whole.update(block)
    os.utime(path, (OLD, OLD))
    return whole.hexdigest()


def test_big_file_slow_reader():
    site = Site()
    wanted = make_big(site, 200)
    with Served(site, more="runtime: {workers: 1}") as g:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.settimeout(20)
        s.connect(("127.0.0.1", g.port))
        s.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got, whole, data, peak = 0, hashlib.sha256(), b"", 0
        while b"\r\n\r\n" not in data:
            data += s.recv(1000)
        head, rest = data.split(b"\r\n\r\n", 1)
        assert b"content-length: %d" % (200 << 20) in head
        while rest:
            got += len(rest)
            whole.update(rest)
            if got < 4 << 20:
                time.sleep(0.01)
                peak = max(peak, g.rss_kib())
                # Others are served meanwhile.
                if got % 7 == 0:
                    assert get(g.port, "/ten").body == b"0123456789"
            rest = s.recv(65536 if got < 4 << 20 else 1 << 20)
        peak = max(peak, g.rss_kib())
        s.close()
        assert got == 200 << 20 and whole.hexdigest() == wanted, got
        assert lib.DYNAMIC or peak < 20 << 10, "%d KiB" % peak


test_big_file_slow_reader.seconds = 120


def test_many_readers_at_once():
    site = Site()
    wanted = make_big(site, 8)
    with Served(site) as g:
        results = []

        def read():
            r = get(g.port, "/big")
            results.append(hashlib.sha256(r.body).hexdigest())

        threads = [threading.Thread(target=read) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert results == [wanted] * 16, len(results)
        r = get(g.port, "/big", "Range: bytes=0-2999999,4000000-7999999\r\n")
        assert r.status == 206 and len(r.body) > 6999999
        with open(os.path.join(site.root, "big"), "rb") as f:
            data = f.read()
        assert data[:3000000] in r.body and data[4000000:8000000] in r.body
        for first in (65535, 65536, 65537, 1 << 20):
            r = get(g.port, "/big", "Range: bytes=%d-%d\r\n" % (first, first + 200000))
            assert r.body == data[first:first + 200001]


def content_of(site, name):
    with open(os.path.join(site.root, name), "rb") as f:
        return f.read()


def test_big_answers_in_a_row():
    """Files and parts of them, pieces from memory between them, and small answers, all asked for at once on one connection."""
    site = Site()
    make_big(site, 3)
    big = content_of(site, "big")
    with Served(site, more="log: {access: {enabled: true, flush: 0}}") as g, connect(g.port, 60) as c:
        for _ in range(3):
            c.send(b"".join(b"%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % part for part in (
                (b"GET", b"/big", b""), (b"HEAD", b"/big", b""), (b"GET", b"/ten", b""),
                (b"GET", b"/big", b"Range: bytes=1000-2500999\r\n"),
                (b"GET", b"/big", b"Range: bytes=5-1048580,2000000-2000003,1500001-2999999,7-20006\r\n"),
                (b"GET", b"/big", b"Range: bytes=-9000\r\n"), (b"GET", b"/page.html", b""))))
        for _ in range(3):
            assert c.response().body == big
            assert c.response("HEAD").body == b""
            assert c.response().body == b"0123456789"
            assert c.response().body == big[1000:2501000]
            r = c.response()
            boundary = r.fields["content-type"].split("boundary=")[1].encode()
            expected = b"".join(b"\r\n--%s\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes %d-%d/%d\r\n\r\n%s"
                                % (boundary, first, last, len(big), big[first:last + 1])
                                for first, last in ((5, 1048580), (2000000, 2000003), (1500001, 2999999), (7, 20006)))
            assert r.status == 206 and r.body == expected[2:] + b"\r\n--%s--\r\n" % boundary
            parts = len(r.body)
            assert c.response().body == big[-9000:]
            assert c.response().body == PAGE
        records = g.access(21, 20)
        assert [r["response_bytes"] for r in records] == [len(big), 0, 10, 2500000, parts, 9000, len(PAGE)] * 3, records


def test_sizes_around_the_borders():
    """What is read and what is handed over, and where its pieces end."""
    site = Site()
    big = os.urandom(2 << 20)
    for size in (1, 4096, 8191, 8192, 8193, 16384, 65535, 65536, 65537, 131072, 131073, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20):
        site.put("f%d" % size, big[:size])
    with Served(site) as g, connect(g.port) as c:
        for name in sorted(os.listdir(site.root)):
            if re.fullmatch(r"f\d+", name):
                c.send(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode())
                assert c.response().body == big[:int(name[1:])], name


def test_beyond_four_gibibytes():
    """Offsets and lengths that need more than 32 bits, in a file of holes."""
    site = Site()
    at, mark = (4 << 30) - 50000, os.urandom(100000)
    with open(os.path.join(site.root, "huge"), "wb") as f:
        f.seek(at)
        f.write(mark)
        f.truncate(9 << 30)
    with Served(site) as g:
        r = get(g.port, "/huge", method="HEAD")
        assert r.fields["content-length"] == str(9 << 30)
        assert get(g.port, "/huge", "Range: bytes=%d-%d\r\n" % (at, at + 99999)).body == mark
        assert get(g.port, "/huge", "Range: bytes=-3\r\n").body == b"\0\0\0"
        with connect(g.port) as c:
            c.send(b"GET /huge HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-\r\n\r\n" % (at + 10))
            c.head()
            assert c.exactly(99990 + 100) == mark[10:] + b"\0" * 100


def test_every_way_to_a_client():
    """In clear text the system sends files; what is encrypted or framed is read."""
    c = certs.shared("site")
    site = Site()
    digest = make_big(site, 3)
    plain, secure = free_port(), free_port()
    config = """\
certificates: {site: {cert: "%s", key: "%s"}}
listeners:
  - {protocol: http, address: 127.0.0.1, port: %d}
  - {protocol: https, address: 127.0.0.1, port: %d, tls: {certificates: [site]}}
routes:
  - match: {path: /}
    files: {root: %s}
""" % (c.cert, c.key, plain, secure, site.root)
    with Gateway(config):
        for args in (["--http1.1", "http://127.0.0.1:%d" % plain], ["--http1.0", "http://127.0.0.1:%d" % plain],
                     ["--http2-prior-knowledge", "http://127.0.0.1:%d" % plain], ["-k", "--http1.1", "https://127.0.0.1:%d" % secure],
                     ["-k", "--http2", "https://127.0.0.1:%d" % secure]):
            done = lib.run(["curl", "-s", "--noproxy", "*", "--max-time", str(60 * lib.SLOW), *args[:-1], args[-1] + "/big"])
            assert hashlib.sha256(done.stdout).hexdigest() == digest, (args, len(done.stdout), done.returncode)


def test_readers_that_are_too_slow():
    """The rate is that of the client, whoever reads the file; who keeps to it gets all."""
    site = Site()
    make_big(site, 24)
    big = content_of(site, "big")
    port = free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, limits: {min_rate: {response: 64KiB, over: 2s}}}]
log: {access: {enabled: true, flush: 0}}
routes:
  - match: {path: /}
    files: {root: %s}
""" % (port, site.root)
    with Gateway(config) as g:
        with connect(port) as c:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
            c.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            record = g.access(1, 30)[0]
            assert record["fault"] == "front-slow" and 0 < record["response_bytes"] < len(big), record
        with connect(port, 30) as c:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            c.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            c.head()
            got = 0
            end = time.monotonic() + 5
            while time.monotonic() < end and got < 8 << 20:
                c.exactly(65536)
                got += 65536
                time.sleep(0.1 if got < 3 << 20 else 0.01)
            assert c.exactly(len(big) - got) == big[got:]


test_readers_that_are_too_slow.seconds = 120


def open_files(g):
    return len(os.listdir("/proc/%d/fd" % g.process.pid))


def test_clients_that_leave():
    """Files are closed when a client is gone in the middle, and after each kind of answer."""
    site = Site()
    make_big(site, 8)
    with Served(site, more="runtime: {workers: 1}") as g:
        tag = g.get("/ten").fields["etag"]
        time.sleep(0.1)
        before = open_files(g)
        for _ in range(30):
            with connect(g.port) as c:
                c.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                c.exactly(1000)
        for headers in ("", "Range: bytes=0-1\r\n", "Range: bytes=0-1,3-4\r\n", "Range: bytes=99-\r\n", 'If-Match: "x"\r\n',
                        "If-None-Match: %s\r\n" % tag):
            for method in ("GET", "HEAD"):
                get(g.port, "/ten", headers, method=method)
        get(g.port, "/sub")
        get(g.port, "/sub/")
        lib.until(lambda: open_files(g) <= before, lambda: "%d descriptors, %d before" % (open_files(g), before))


def test_file_that_shrinks():
    site = Site()
    make_big(site, 16)
    big = content_of(site, "big")
    with Served(site, more="log: {access: {enabled: true, flush: 0}}") as g, connect(g.port) as c:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        c.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /ten HTTP/1.1\r\nHost: a\r\n\r\n")
        c.head()
        c.exactly(1000)
        os.truncate(os.path.join(site.root, "big"), 14 << 20)
        # What was promised cannot be kept: the connection ends, and nothing else is sent in its place.
        rest = c.rest()
        assert len(rest) < 14 << 20 and rest == big[1000:1000 + len(rest)], len(rest)
        g.wait_for("file-cut")
        record = g.access(1)[0]
        assert record["fault"] == "back-cut" and record["response_bytes"] == 14 << 20, record
        assert get(g.port, "/ten").status == 200
        # One that is gone before it is sent, but not before it was opened, is no different.
        with connect(g.port) as d:
            d.send(b"GET /big HTTP/1.1\r\nHost: a\r\nRange: bytes=0-13999999\r\n\r\n")
            d.head()
            os.truncate(os.path.join(site.root, "big"), 0)
            assert len(d.rest()) < 14000000


def test_drain_in_the_middle():
    site = Site()
    wanted = make_big(site, 8)
    with Served(site) as g, connect(g.port) as c:
        c.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        c.exactly(100)
        g.drain()
        time.sleep(0.2)
        assert hashlib.sha256(c.rest()[-(8 << 20):]).hexdigest() == wanted
