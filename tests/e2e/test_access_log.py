# SPDX-License-Identifier: MIT OR Apache-2.0
"""The access log: its forms, and files that are rotated."""
import json
import os
import re
import signal
import threading
import time

import lib
from lib import Gateway, connect, free_port, get


def config(port, access, workers=1, more=""):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {%saccess: {enabled: true, %s}}
runtime: {workers: %d}
routes:
  - {name: all, match: {path: /}, middlewares: [request-id], respond: {body: "hello", headers: {x-kind: "a\\"b"}}}
""" % (port, more, access, workers)


def lines(g, n, seconds=3):
    end = time.monotonic() + seconds * lib.SLOW
    while len(g.stdout().splitlines()) < n and time.monotonic() < end:
        time.sleep(0.02)
    return g.stdout().splitlines()


def test_combined():
    port = free_port()
    with Gateway(config(port, "format: combined")) as g:
        get(port, "/x?y=1", "Referer: http://a/\r\nUser-Agent: q\"u\\o\xe9te\r\n")
        get(port, "/z", method="HEAD")
        got = lines(g, 2)
        when = r"\[\d\d/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/20\d\d:\d\d:\d\d:\d\d \+0000\]"
        assert re.fullmatch(r'127\.0\.0\.1 - - %s "GET /x\?y=1 HTTP/1\.1" 200 5 "http://a/" "q\\x22u\\x5co\\xc3\\xa9te"' % when, got[0]), got
        assert re.fullmatch(r'127\.0\.0\.1 - - %s "HEAD /z HTTP/1\.1" 200 0 "-" "-"' % when, got[1]), got


def test_template():
    port = free_port()
    form = ('"${client} ${peer} ${listener} ${route} ${backend} ${server} ${tries} ${fault} ${request.host} ${request.path} '
            '${request.query} ${request.id} ${request.bytes} ${response.headers[\\"x-kind\\"]} ${duration_ms} ${first_byte_ms} ${time} $${x}"')
    with Gateway(config(port, "format: %s" % form)) as g:
        get(port, "/p?q", body=b"abc", method="POST")
        got = lines(g, 1)[0].split(" ")
        assert got[0] == got[1] and got[0].startswith("127.0.0.1:"), got
        assert got[2:10] == ["http-%d" % port, "all", "-", "-", "-", "-", "localhost", "/p"], got
        assert got[10] == "q" and len(got[11]) > 8 and got[12] == "3" and got[13] == "a\\x22b", got
        assert re.fullmatch(r"\d+\.\d{3}", got[14]) and got[16].endswith("Z") and got[17] == "${x}", got


def test_json_fields():
    port = free_port()
    with Gateway(config(port, "fields: [status, path, peer, request_id, referer, scheme, time]")) as g:
        get(port, "/p?q", "Referer: r\r\n")
        line = lines(g, 1)[0]
        assert list(json.loads(line)) == ["status", "path", "peer", "request_id", "referer", "scheme", "time"], line


def test_path_is_the_clients():
    """Not what the server is sent."""
    with lib.Backend() as b:
        port = free_port()
        text = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {access: {enabled: true}}
routes: [{match: {path: /}, backend: {url: "http://127.0.0.1:%d/base"}}]
""" % (port, b.port)
        with Gateway(text) as g:
            get(port, "/a/../x?y")
            assert g.access()[0]["path"] == "/x?y"


def test_rotation_loses_nothing():
    """Requests go on while the file is moved away again and again: each has one line in one of the files, whole."""
    port = free_port()
    path = os.path.join(lib.WORK, "access-%d.log" % port)
    n_clients, n_each = 4, 400
    with Gateway(config(port, "path: %s" % path, workers=2)) as g:
        def ask(who):
            with connect(port) as c:
                for i in range(n_each):
                    c.send(b"GET /%d/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (who, i))
                    assert c.response().status == 200

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(n_clients)]
        for t in threads:
            t.start()
        rotated = 0
        while any(t.is_alive() for t in threads) and rotated < 20:
            os.rename(path, "%s.%d" % (path, rotated))
            rotated += 1
            g.process.send_signal(signal.SIGUSR1)
            end = time.monotonic() + 5 * lib.SLOW
            while not os.path.exists(path) and time.monotonic() < end:
                time.sleep(0.005)
        for t in threads:
            t.join()
        assert rotated > 0
    names = [path] + ["%s.%d" % (path, i) for i in range(rotated)]
    text = "".join(open(name).read() for name in names)
    paths = [json.loads(line)["path"] for line in text.splitlines()]
    assert len(paths) == n_clients * n_each == len(set(paths)), (len(paths), len(set(paths)))


def test_reopen_that_fails_keeps_the_file():
    port = free_port()
    folder = os.path.join(lib.WORK, "logs-%d" % port)
    os.mkdir(folder)
    with Gateway(config(port, "path: %s/a.log" % folder)) as g:
        os.rename(folder, folder + ".old")
        g.process.send_signal(signal.SIGUSR1)
        g.wait_for("access-log-failed")
        assert get(port).status == 200
        end = time.monotonic() + 3 * lib.SLOW
        while os.path.getsize(folder + ".old/a.log") == 0 and time.monotonic() < end:
            time.sleep(0.02)
        assert "\"status\":200" in open(folder + ".old/a.log").read()


def test_reopen_without_a_file():
    port = free_port()
    with Gateway(config(port, "path: stdout")) as g:
        g.process.send_signal(signal.SIGUSR1)
        g.wait_for("access-log-reopened")
        get(port)
        assert g.access()[0]["status"] == 200


def test_process_log_level_and_format():
    port = free_port()
    with Gateway(config(port, "path: stdout", more="level: info, format: json, ")) as g:
        first = json.loads(g.stderr().splitlines()[0])
        assert {"time", "level", "event", "message"} <= set(first), first
    g = Gateway(config(port, "path: stdout", more="level: error, ")).start(wait=False)
    try:
        end = time.monotonic() + 5 * lib.SLOW
        while time.monotonic() < end:
            try:
                assert get(port).status == 200
                break
            except OSError:
                time.sleep(0.02)
    finally:
        assert g.stop() == 0
    assert g.stderr() == ""
