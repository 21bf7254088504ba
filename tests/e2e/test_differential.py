# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same odd bytes through the gateway, nginx and haproxy, to a backend that tells what it was sent.

For each input the gateway's two views must agree: as many requests reach the backend as the client has got answers for from it, and what
reached the backend is framed in one way only. The other proxies are there to compare: an input that the gateway passes on as one request
and another splits in two (or the reverse) is the stuff that smuggling is made of, when one stands before the other."""
import os
import shutil
import subprocess
import time

import lib
from lib import Backend, Gateway, connect, free_port, proxy_config

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
    """Answers each request with its own line and body, so that the client can tell them apart."""
    while True:
        try:
            m = c.request()
        except (ValueError, IndexError):
            seen.append(("?", "not to be parsed", bytes(c.log)))
            return
        seen.append((m.method, m.target, m.body))
        text = b"echo %s %s %d" % (m.method.encode("latin-1"), m.target.encode("latin-1"), len(m.body))
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), b"" if m.method == "HEAD" else text))


seen = []


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


def ask(port, data):
    """What a client sees: statuses and echoes until the end, and what the backend saw meanwhile."""
    del seen[:]
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
        status, _, body = part[:3], None, part.partition(b"\r\n\r\n")[2]
        if not status.startswith(b"1"):
            answers.append((status.decode(errors="replace"), body.startswith(b"echo ")))
    return answers, list(seen)


def own_views_agree(name, answers, requests):
    echoes = sum(1 for _, is_echo in answers if is_echo)
    heads = sum(1 for m in requests if m[0] == "HEAD")
    if not echoes <= len(requests) <= echoes + heads:
        return ["%s: the backend saw %r, the client %r" % (name, requests, answers)]
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
                print("note: %s is not here, so it was not compared with" % name)
            else:
                others.append((name, program, port))
        try:
            port = free_port()
            with Gateway(proxy_config(port, b.port)) as g:
                for name, data in inputs():
                    answers, requests = ask(port, data)
                    bad += own_views_agree(name, answers, requests)
                    for other, _, other_port in others:
                        # Where one refuses and the other does not, nothing is split. Where both pass it on, they must agree.
                        _, theirs = ask(other_port, data)
                        if any(m[0] == "?" for m in requests):
                            bad.append("%s: sends on %r" % (name, requests))
                        mine = [m[2] for m in requests if m[1] != "/tail"]
                        if mine and theirs and mine != [m[2] for m in theirs if m[1] != "/tail"]:
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
