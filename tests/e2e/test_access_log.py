# SPDX-License-Identifier: MIT OR Apache-2.0
"""The access log: its forms, and files that are rotated."""
import json
import os
import re
import signal
import threading
import time

import lib
from lib import Backend, Gateway, connect, free_port, get


def config(port, access, workers=1, more=""):
    return """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {%saccess: {enabled: true, %s}}
runtime: {workers: %d}
routes:
  - {name: all, match: {path: /}, middlewares: [request-id], respond: {body: "hello", headers: {x-kind: "a\\"b"}}}
""" % (port, more, access, workers)


def lines(g, n, seconds=3):
    lib.until(lambda: len(g.stdout().splitlines()) >= n, g.stdout, seconds)
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
log: {access: {enabled: true, flush: 0}}
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
            lib.until(lambda: os.path.exists(path), "no new file")
        for t in threads:
            t.join()
        assert rotated > 0
    names = [path] + ["%s.%d" % (path, i) for i in range(rotated)]
    text = "".join(open(name).read() for name in names)
    paths = [json.loads(line)["path"] for line in text.splitlines()]
    assert len(paths) == n_clients * n_each == len(set(paths)), (len(paths), len(set(paths)))


def test_lines_wait_for_others():
    """With a `flush` beyond the test's time lines come 64 KiB at a time, and the rest when the gateway ends; with 0 each comes at once."""
    port = free_port()
    path = os.path.join(lib.WORK, "access-%d.log" % port)
    with Gateway(config(port, "flush: 1h, path: %s, fields: [path]" % path)) as g:
        with connect(port) as c:
            for i in range(80):
                c.send(b"GET /%02d%s HTTP/1.1\r\nHost: a\r\n\r\n" % (i, b"x" * 1000))
                assert c.response().status == 200
        early = open(path).read()
        assert len(early) >= 64 << 10 and early.endswith("}\n"), len(early)
        assert early.count("\n") == 65, early.count("\n")
        g.stop()
    assert [json.loads(line)["path"][1:3] for line in open(path)] == ["%02d" % i for i in range(80)]
    port = free_port()
    with Gateway(config(port, "flush: 0")) as g:
        get(port)
        assert g.access()[0]["status"] == 200


def test_reopen_that_fails_keeps_the_file():
    port = free_port()
    folder = os.path.join(lib.WORK, "logs-%d" % port)
    os.mkdir(folder)
    with Gateway(config(port, "path: %s/a.log" % folder)) as g:
        os.rename(folder, folder + ".old")
        g.process.send_signal(signal.SIGUSR1)
        g.wait_for("access-log-failed")
        assert get(port).status == 200
        lib.until(lambda: os.path.getsize(folder + ".old/a.log"), "nothing is logged")
        assert "\"status\":200" in open(folder + ".old/a.log").read()


def test_reopen_without_a_file():
    port = free_port()
    with Gateway(config(port, "path: stdout")) as g:
        g.process.send_signal(signal.SIGUSR1)
        g.wait_for("access-log-reopened")
        get(port)
        assert g.access()[0]["status"] == 200


def test_lines_that_the_sink_does_not_take():
    """A reader that stops holds nobody up: what it misses is counted, in the process log and in the next line that it gets."""
    port = free_port()
    path = os.path.join(lib.WORK, "access-%d.fifo" % port)
    os.mkfifo(path)
    fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    config_text = config(port, "path: %s" % path) + "metrics: {}\nadmin: {address: \"127.0.0.1:%d\"}\n"
    admin, n, text = free_port(), 0, b""
    try:
        with Gateway(config_text % admin) as g:
            with connect(port) as c:
                while "access-log-dropped" not in g.stderr():
                    c.send(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 4000) * 20)
                    for _ in range(20):
                        assert c.response().status == 200
                    n += 20
                    assert n < 20000, "16 pages of a pipe, and no end"
                while b'"dropped":' not in text:  # there is room again
                    assert get(port).status == 200
                    n += 1
                    try:
                        text += os.read(fifo, 1 << 20)
                    except BlockingIOError:
                        time.sleep(0.02)
            counted = re.search(r"^toron_access_log_dropped_total (\d+)$", get(admin, "/metrics").body.decode(), re.M)
            assert counted and int(counted[1]) > 0, counted
        while True:
            got = os.read(fifo, 1 << 20)
            if not got:
                break
            text += got
    finally:
        os.close(fifo)
    found = [json.loads(line) for line in text.decode().splitlines()]
    assert sum(line.get("dropped", 0) for line in found) + sum(1 for line in found if line["listener"] != "admin") == n


def test_request_ids():
    """Ours, unless incoming ones are trusted and fit to be sent on; the server, the client and the log are told the same."""
    port = free_port()
    own = re.compile("[0-9a-f]{32}")
    with Backend() as b:
        text = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
log: {access: {enabled: true, flush: 0}}
middlewares: {keep: {request-id: {header: x-correlation, trust_incoming: true}}}
backends: {b: {url: "http://127.0.0.1:%d"}}
routes:
  - {match: {path: /ours}, middlewares: [request-id], backend: b}
  - {match: {path: /keep}, middlewares: [keep], backend: b}
runtime: {workers: 1}
""" % (port, b.port)
        with Gateway(text) as g:
            for i, (path, name, value, kept) in enumerate([
                    ("/ours", "x-request-id", "mine", False), ("/keep", "x-correlation", "mine-1.2", True), ("/keep", "x-correlation", "", False),
                    ("/keep", "x-correlation", "a b", False), ("/keep", "x-correlation", "x" * 128, True),
                    ("/keep", "x-correlation", "x" * 129, False)]):
                r = get(port, path, headers="%s: %s\r\n" % (name, value))
                told = r.fields[name]
                assert (told == value) == kept and (kept or own.fullmatch(told)), (path, value, told)
                sent = b"".join(bytes(log) for log in b.received).decode().split("GET ")[-1].lower()
                assert sent.count(name + ": ") == 1 and "%s: %s\r\n" % (name, told) in sent, sent
                assert g.access(i + 1)[-1]["request_id"] == told


def test_process_log_level_and_format():
    port = free_port()
    with Gateway(config(port, "path: stdout", more="level: info, format: json, ")) as g:
        first = json.loads(g.stderr().splitlines()[0])
        assert {"time", "level", "event", "message"} <= set(first), first
    g = Gateway(config(port, "path: stdout", more="level: error, ")).start(wait=False)
    try:
        lib.listening(port)
        assert get(port).status == 200
    finally:
        assert g.stop() == 0
    assert g.stderr() == ""
