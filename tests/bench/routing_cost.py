#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What routes cost a proxied request: routing_cost.py TORONC [--sizes 1,100,1000,10000] [--shapes hosts,mixed] [--matchers table,auto]
[--limit PERCENT]

Whole gateways run under callgrind, with a backend on the loopback and 32 connections that each keep to one host and take turns: one request
is under way at a time, so that the event loop turns as often in every run. The same requests are
sent to all gateways of a shape: those that the largest one has routes for. With --sizes 1 one route takes them all. User instructions a
request are the difference between a short and a long run, so that the start does not count. With --limit, more than that many percent over one
route, for up to 1000 routes, is a failure."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lib  # noqa: E402

CONNECTIONS = 32
ROUNDS = 4, 20  # requests on each connection, in the short and the long run


def answer(c):
    while c.request() is not None:
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def generate(folder, size, shape, port, back):
    """The configuration with `size` routes, and the requests that it has routes for: (method, host, path, tenant)."""
    words = [sys.executable, os.path.join(HERE, "gen_routes.py"), str(size), "--shape", shape]
    text = subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=600).stdout.decode()
    targets = subprocess.run([*words, "--targets"], check=True, stdout=subprocess.PIPE, timeout=600).stdout.decode().split("\n")
    if size == 1:
        text = re.sub(r"(?m)^  - .*\n?", "", text) + "  - {match: {path: /}, backend: b0}\n"
    text = re.sub(r"backend: b\d", "backend: b0", re.sub(r"(?m)^  b[1-7]: .*\n", "", text))
    text = text.replace("port: 8080", "port: %d" % port) + "runtime: {workers: 1}\n"
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:%d" % back, text)
    with open(os.path.join(folder, "gateway.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    return [line.split(" ") for line in targets if line]


def plan_requests(targets):
    """For each connection its requests in order: all of one host."""
    hosts = {}
    for t in targets:
        hosts.setdefault(t[1], []).append(t)
    names = sorted(hosts)
    return [hosts[names[i % len(names)]] for i in range(CONNECTIONS)]


def drive(port, requests, rounds):
    clients = [lib.connect(port, 60) for _ in requests]
    for n in range(rounds):
        for i, (c, mine) in enumerate(zip(clients, requests)):
            method, host, path, tenant = mine[(n * 7 + i) % len(mine)]
            more = "" if tenant == "-" else "x-tenant: %s\r\n" % tenant
            more += "content-length: 0\r\n" if method in ("POST", "PUT", "PATCH") else ""
            c.send(("%s %s HTTP/1.1\r\nhost: %s\r\nuser-agent: bench\r\naccept: */*\r\n%s\r\n" % (method, path, host, more)).encode())
            m = c.response()
            if m.status != 200:
                sys.exit("a request got " + m.line)
    for c in clients:
        c.close()


def await_port(port):
    end = time.monotonic() + 60
    while True:
        try:
            lib.connect(port, 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def instructions(gateway, port, requests, rounds, folder):
    p = subprocess.Popen(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(folder, "callgrind.out"), gateway], cwd=folder,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        await_port(port)
        drive(port, requests, rounds)
    finally:
        p.terminate()
        err = p.communicate(timeout=60)[1]
    return int(re.search(rb"Collected : (\d+)", err).group(1))


def cost(toronc, size, shape, matcher, requests=None):
    """(instructions a request, the requests)"""
    with tempfile.TemporaryDirectory() as folder, lib.Backend(answer) as back:
        port = lib.free_port()
        targets = generate(folder, size, shape, port, back.port)
        requests = requests or plan_requests(targets)
        subprocess.run([toronc, "gateway.yaml", "-o", "gateway", "--matcher", matcher], cwd=folder, check=True, timeout=600,
                       stderr=subprocess.PIPE)
        counts = [instructions(os.path.join(folder, "gateway"), port, requests, rounds, folder) for rounds in ROUNDS]
    return (counts[1] - counts[0]) / (CONNECTIONS * (ROUNDS[1] - ROUNDS[0])), requests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--shapes", default="hosts,mixed")
    parser.add_argument("--matchers", default="auto,table,re2c")
    parser.add_argument("--limit", type=float)
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("skipped: valgrind is not here; nothing was measured")
    toronc, failed = os.path.abspath(args.toronc), False
    print("| routes | shape | matcher | instructions with one route | with these | more |\n|" + "---|" * 6, flush=True)
    for shape in args.shapes.split(","):
        for size in map(int, args.sizes.split(",")):
            for matcher in args.matchers.split(","):
                if matcher == "re2c" and size > 1000:
                    continue
                many, requests = cost(toronc, size, shape, matcher)
                one, _ = cost(toronc, 1, shape, matcher, requests)
                more = 100 * (many / one - 1)
                failed |= args.limit is not None and size <= 1000 and more > args.limit
                print("| %d | %s | %s | %.0f | %.0f | %.1f %% |" % (size, shape, matcher, one, many, more), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
