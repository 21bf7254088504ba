# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same odd bytes through the gateway, nginx and haproxy, to a backend that tells what it was sent.

For each input the gateway's two views must agree: as many requests reach the backend as the client has got answers for from it, and what
reached the backend can be read in one way only, however lenient a reader is. The other proxies are there to compare: an input that the gateway
passes on as one request and another splits in two (or the reverse) is the stuff that smuggling is made of, when one stands before the other."""
import os
import re
import shutil
import subprocess
import time

import lib
from lib import Backend, Gateway, connect, free_port, proxy_config

import test_h1_framing as framing
from test_h1_conformance import ACCEPTED, CHUNKS, REFUSED

TAIL = b"GET /tail HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

NGINX = """\
daemon off; master_process off; pid {work}/nginx.pid; error_log {work}/nginx.err crit;
events {{ worker_connections 200; }}
http {{
  access_log off;
  client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work}; uwsgi_temp_path {work}; scgi_temp_path {work};
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{back}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 2s;
                  proxy_request_buffering off; client_body_timeout 2s; }}
  }}
}}
"""

HAPROXY = """\
global
  maxconn 200
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  server s 127.0.0.1:{back}
"""


def report(c):
    """Answers each request with its own line and body, so that the client can tell them apart, and keeps every byte."""
    raw.append(c.log)
    while True:
        try:
            m = c.request()
        except (ValueError, IndexError, AssertionError):
            seen.append(("?", "not to be parsed", bytes(c.log)))
            return
        seen.append((m.method, m.target, m.body))
        text = b"echo %s %s %d" % (m.method.encode("latin-1"), m.target.encode("latin-1"), len(m.body))
        c.send(b"HTTP/1.1 200 OK\r\nX-Echo: yes\r\nContent-Length: %d\r\n\r\n%s" % (len(text), b"" if m.method == "HEAD" else text))


seen = []  # requests, as the backend reads them
raw = []   # and the bytes that they were read from, of each connection

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HEAD = re.compile(rb"(%s) ([!-~]+) HTTP/1\.1\r\n((?:%s: ?(?:[\t -~\x80-\xff]*)\r\n)*)\r\n" % (TOKEN, TOKEN))
SIZE = re.compile(rb"([0-9a-f]{1,8})\r\n")
TRAILERS = re.compile(rb"(?:%s: ?[\t -~\x80-\xff]*\r\n)*\r\n" % TOKEN)


def chunked(data, at):
    """The end of a chunked body, and the body; None where a reader might disagree, or bytes are missing."""
    body = b""
    while True:
        size = SIZE.match(data, at)
        if size is None:
            return None
        n, at = int(size[1], 16), size.end()
        if n == 0:
            end = TRAILERS.match(data, at)
            return end and (end.end(), body)
        body += data[at:at + n]
        if data[at + n:at + n + 2] != b"\r\n":
            return None
        at += n + 2


def readings(data):
    """The requests in what a backend was sent, if no reader of HTTP/1.1 can read it otherwise; else what is doubtful. A request that is cut
    off at the end is none."""
    requests, at = [], 0
    while at < len(data):
        head = HEAD.match(data, at)
        if head is None:
            return requests, None if b"\r\n\r\n" not in data[at:] else "head %r" % data[at:]
        fields = [tuple(line.split(b":", 1)) for line in head[3].lower().split(b"\r\n")[:-1]]
        lengths = [v.strip() for k, v in fields if k == b"content-length"]
        codings = [v.strip() for k, v in fields if k == b"transfer-encoding"]
        alike = [k for k, _ in fields if k.replace(b"_", b"-") in (b"content-length", b"transfer-encoding") and b"_" in k]
        hosts = [v for k, v in fields if k == b"host"]
        if len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]) or len(hosts) != 1 or alike:
            return requests, "framing of %r" % head[0]
        if lengths and re.fullmatch(rb"0|[1-9][0-9]{0,15}", lengths[0]) is None:
            return requests, "length of %r" % head[0]
        end = head.end() + int(lengths[0]) if lengths else head.end()
        found = chunked(data, head.end()) if codings else (end, data[head.end():end])
        if found is None or found[0] > len(data):
            return requests, None  # cut off: REFUSED and CHUNKS say that nothing follows
        requests.append((head[1].decode(), head[2].decode(), found[1]))
        at = found[0]
    return requests, None


def start(name, template, back, *command):
    port = free_port()
    path = os.path.join(lib.WORK, name + ".conf")
    with open(path, "w") as f:
        f.write(template.format(work=lib.WORK, port=port, back=back))
    program = subprocess.Popen([*command, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=lib.WORK)
    end = time.monotonic() + 10
    while time.monotonic() < end and program.poll() is None:
        try:
            connect(port, 1).close()
            return program, port
        except OSError:
            time.sleep(0.05)
    program.kill()
    program.wait()
    return None, 0


def inputs():
    for name, data, _ in REFUSED:
        yield name, data
    for name, data, _, _ in ACCEPTED:
        yield name, data
    head = b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for name, data, _ in CHUNKS:
        yield "chunks: " + name, head + data
    for name, data, _ in framing.REFUSED:
        yield "framing: " + name, data
    for name, data in framing.BROKEN_BODY:
        yield "broken: " + name, head + data


def ask(port, data):
    """What a client sees: the status of each answer and whether it is the backend's, and what the backend saw meanwhile."""
    del seen[:]
    for log in raw:
        del log[:]
    answers = []
    with connect(port, 3) as c:
        c.send(data + TAIL)
        c.end()
        got = b""
        try:
            while True:
                more = c.s.recv(65536)
                if not more:
                    break
                got += more
        except OSError:
            pass
    time.sleep(0.01)
    for part in got.split(b"HTTP/1.1 ")[1:]:
        if not part.startswith(b"1"):
            answers.append((part[:3].decode(errors="replace"), b"\r\nx-echo: yes\r\n" in part.partition(b"\r\n\r\n")[0].lower() + b"\r\n"))
    return answers, list(seen)


def splits(requests, theirs):
    """Where one refuses and the other does not, nothing is split. Where both pass it on, they must agree."""
    mine = [m[2] for m in requests if m[1] != "/tail"]
    return bool(mine and theirs) and mine != [m[2] for m in theirs if m[1] != "/tail"]


def own_views_agree(name, answers, requests):
    if any(m[0] == "?" for m in requests):
        return ["%s: sends on %r" % (name, requests)]
    echoes = sum(1 for _, is_echo in answers if is_echo)
    if echoes != len(requests):
        return ["%s: the backend saw %r, the client %r" % (name, requests, answers)]
    read = [readings(bytes(r)) for r in raw]
    doubts = [why for _, why in read if why is not None]
    if doubts:
        return ["%s: can be read in more than one way: %s" % (name, "; ".join(doubts))]
    if sorted(m for found, _ in read for m in found) != sorted(requests):
        return ["%s: a strict reader sees %r, the backend %r" % (name, read, requests)]
    if any(target == "/smuggled" for _, target, _ in requests):
        return ["%s: smuggled: %r" % (name, requests)]
    return []


def test_the_client_and_the_backend_see_the_same_requests():
    bad, told = [], []
    with Backend(report) as b:
        others = []
        for name, template, command in (("nginx", NGINX, ("nginx", "-p", lib.WORK, "-c")), ("haproxy", HAPROXY, ("haproxy", "-db", "-f"))):
            path = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/local/sbin")
            program, port = start(name, template, b.port, path, *command[1:]) if path else (None, 0)
            if program is None:
                assert "TORON_COMPLETE" not in os.environ, name + " is not here"
                print("note: %s is not here, so it was not compared with" % name)
            else:
                others.append((name, program, port))
        try:
            port = free_port()
            with Gateway(proxy_config(port, b.port)) as g:
                for name, data in inputs():
                    answers, requests = ask(port, data)
                    if own_views_agree(name, answers, requests):
                        time.sleep(0.5 * lib.SLOW)  # what a peer sent late, for the input before, may have been seen
                        answers, requests = ask(port, data)
                        bad += own_views_agree(name, answers, requests)
                    for other, _, other_port in others:
                        _, theirs = ask(other_port, data)
                        # A peer that sent something twice, or too late, does so but once.
                        if splits(requests, theirs) and splits(requests, ask(other_port, data)[1]):
                            told.append("%s: %s sends on %r, not %r" % (name, other, theirs, requests))
                assert g.process.poll() is None
        finally:
            for _, program, _ in others:
                program.terminate()
                program.wait(10)
    assert not bad, "\n".join(bad)
    for line in told:
        print("note: " + line)
    # What the gateway passes on differently from another proxy must be understood, and is listed here.
    assert all(line.split(":")[0] in UNDERSTOOD or line.split(": ")[1] in UNDERSTOOD for line in told), "\n".join(told)


# The gateway's reading is the one of RFC 9112; why the other's differs.
UNDERSTOOD = {}

test_the_client_and_the_backend_see_the_same_requests.seconds = 300
