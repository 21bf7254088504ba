#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Soak: soak.py TORONC [--seconds 1800] [--dynamic] [--slow N] [--clients 24]. Mixed traffic for that long: bodies of all sizes with
checksums, pipelines, tunnels, aborts at any point, slow and idle peers, servers that die and come back. Every answer is checked; the
gateway's memory and descriptors must not grow once it is warm, and it must drain at the end. The last line is `N passed, N failed`."""
import argparse
import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib  # noqa: E402
from lib import Backend, Gateway, connect, free_port  # noqa: E402

SIZES = (0, 1, 100, 4096, 16360, 16384, 65536, 200000, 1000000)
CONFIG = """\
listeners:
  - protocol: http
    address: 127.0.0.1
    port: %d
    limits: {requests_per_connection: 100}
    timeouts: {idle: 3s, header: 2s, body: 3s, write: 3s}
backends:
  pair:
    servers: [{url: "http://127.0.0.1:%d"}, {url: "http://127.0.0.1:%d"}]
    timeouts: {connect: 10s, first_byte: 30s, idle: 30s} # for fifty threads of Python, on a machine that has more to do
    limits: {connections: 200}
  gathered:
    servers: [{url: "http://127.0.0.1:%d"}, {url: "http://127.0.0.1:%d"}]
    timeouts: {connect: 10s, first_byte: 30s, idle: 30s} # for fifty threads of Python, on a machine that has more to do
    buffering: {request: 64KiB, response: 512KiB}
routes:
  - {match: {path: /b}, backend: gathered}
  - {match: {path: /own}, respond: {status: 200, body: own}}
  - {match: {path: /}, backend: pair}
log: {access: {enabled: true, format: "${time} ${response.status} ${fault} ${server} ${tries} ${duration_ms} ${connect_ms} ${first_byte_ms} ${request.target}"}}
runtime: {workers: 2}
"""


def pattern(size, seed):
    return (hashlib.sha256(b"%d" % seed).digest() * (size // 32 + 1))[:size]


def serve(c):
    """/down/SIZE/SEED/FRAMING, /up, /echo, /tunnel, /die, /slow."""
    rng = random.Random()
    while True:
        m = c.request()
        del c.log[:]
        what = m.target.split("/")[1:]
        if what[0] == "b":  # through a backend that buffers
            what = what[1:]
        if what[0] == "up":
            digest = hashlib.sha256(m.body).hexdigest().encode()
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + digest)
        elif what[0] == "down":
            send_down(c, pattern(int(what[1]), int(what[2])), what[3])
            if what[3] == "close":
                return
        elif what[0] == "tunnel":
            c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
            while True:
                if not c.buffer:
                    c.fill()
                    del c.log[:]
                data, c.buffer = c.buffer, b""
                c.send(data)
        elif what[0] == "die":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"[:rng.randrange(60)] + b"x" * rng.randrange(1000))
            if rng.random() < 0.5:
                c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        else:
            time.sleep(rng.random() * 0.3)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")


def send_down(c, body, framing):
    if framing == "chunked":
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 30000):
            part = body[at:at + 30000]
            c.send(b"%x\r\n%s\r\n" % (len(part), part))
        c.send(b"0\r\n\r\n")
    elif framing == "close":
        c.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    else:
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


class Servers:
    """Two, of which one or the other is away now and then."""

    def __init__(self):
        self.ports = [free_port(), free_port()]
        self.at = [Backend(serve, port=p) for p in self.ports]

    def bounce(self, i, pause):
        # A thread that waits for a request would keep its connection alive behind a close, and answer nothing on it.
        for c in list(self.at[i].connections):
            try:
                c.s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.at[i].close()
        time.sleep(pause)
        self.at[i] = Backend(serve, port=self.ports[i])

    def close(self):
        for b in self.at:
            b.close()


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.good = {}
        self.bad = []
        self.away = False  # a server is away: errors are allowed

    def ok(self, kind):
        with self.lock:
            self.good[kind] = self.good.get(kind, 0) + 1

    def fail(self, kind, why):
        with self.lock:
            self.bad.append("%s %s: %s" % (time.strftime("%H:%M:%S", time.gmtime()), kind, why))


def down(c, rng):
    size, seed = rng.choice(SIZES), rng.randrange(1000)
    c.send(b"GET %s/down/%d/%d/%s HTTP/1.1\r\nHost: a\r\n\r\n"
           % (rng.choice((b"", b"/b")), size, seed, rng.choice((b"length", b"chunked", b"close"))))
    if rng.random() < 0.1:
        time.sleep(rng.random())
    r = c.response()
    return r.status == 200 and r.body == pattern(size, seed), r.status


def up(c, rng):
    body = pattern(rng.choice(SIZES), rng.randrange(1000))
    if rng.random() < 0.5:
        c.send(b"POST %s/up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (rng.choice((b"", b"/b")), len(body)))
        c.send(body)
    else:
        c.send(b"POST %s/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % rng.choice((b"", b"/b")))
        step = rng.choice((100, 5000, 70000))
        for at in range(0, min(len(body), 100 * step), step):
            part = body[at:at + step]
            c.send(b"%x\r\n%s\r\n" % (len(part), part))
        body = body[:100 * step]
        c.send(b"0\r\n\r\n")
    r = c.response()
    return r.status == 200 and r.body == hashlib.sha256(body).hexdigest().encode(), r.status


def pipeline(c, rng):
    n = rng.randrange(2, 20)
    c.send(b"".join(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n" if i % 3 == 0 else b"GET /down/%d/1/length HTTP/1.1\r\nHost: a\r\n\r\n" % i
                    for i in range(n)))
    for i in range(n):
        r = c.response()
        if r.status != 200 or r.body != (b"own" if i % 3 == 0 else pattern(i, 1)):
            return False, r.status
        if r.fields.get("connection") == "close":
            break
    return True, 200


def tunnel(c, rng):
    c.send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
    line, _ = c.head()
    if " 101 " not in line:
        return False, int(line.split()[1])
    for _ in range(rng.randrange(10)):
        data = pattern(rng.choice((1, 100, 50000)), rng.randrange(1000))
        c.send(data)
        if c.exactly(len(data)) != data:
            return False, 101
    return True, "end"


def abort(c, rng):
    whole = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200000
    c.send(whole[:rng.choice((1, 30, 70, 1000, 150000, len(whole)))])
    if rng.random() < 0.5:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif rng.random() < 0.3:
        c.end()
    return True, "end"


def walk_away(c, rng):
    c.send(b"GET /down/1000000/1/length HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(rng.random() * 0.5)
    return True, "end"


def die(c, rng):
    c.send(b"GET /die HTTP/1.1\r\nHost: a\r\n\r\n")
    try:
        status = int(c.head()[0].split()[1])
        return status in (200, 502), "end" if status in (200, 502) else status
    except (EOFError, ConnectionResetError):
        return True, "end"


def slow(c, rng):
    c.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    r = c.response()
    return r.status == 200 and r.body == b"slow", r.status


def garbage(c, rng):
    c.send(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))) + b"\r\n\r\n" + b"x" * rng.choice((0, 100, 100000)))
    r = c.response()
    return r.status in (400, 431, 501, 505), "end"


def idle(c, rng):
    time.sleep(rng.random() * 4)
    return True, "end"


KINDS = ((down, 30), (up, 30), (pipeline, 10), (tunnel, 5), (abort, 8), (walk_away, 3), (die, 5), (slow, 5), (garbage, 3), (idle, 1))


def client(port, end, tally, seed):
    rng = random.Random(seed)
    c = None
    while time.monotonic() < end:
        kind = rng.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
        fresh = c is None
        away = tally.away
        try:
            c = c or connect(port, 60)
            good, status = kind(c, rng)
        except (OSError, EOFError) as e:
            # A kept connection may have reached its limit; a fresh one must not be cut.
            good, status = not fresh or kind in (abort, die, garbage) or away or tally.away, "end"
            if not good:
                status = repr(e)
        if good:
            tally.ok(kind.__name__)
        elif status in (502, 503, 504) and (away or tally.away):
            tally.ok("refused")
        else:
            tally.fail(kind.__name__, status)
        if status == "end" or not good or rng.random() < 0.1:
            if c is not None:
                c.close()
            c = None


def bouncer(servers, end, tally):
    """A server is away for a moment, every now and then."""
    i = 0
    while time.monotonic() + 5 < end:
        time.sleep(4)
        tally.away = True
        servers.bounce(i % 2, 0.3)
        time.sleep(1.5)
        tally.away = False
        i += 1


def measure(gateway):
    return gateway.rss_kib(), len(os.listdir("/proc/%d/fd" % gateway.process.pid))


def quiet(gateway, tally):
    """Memory and descriptors while nothing is going on."""
    time.sleep(5 * lib.SLOW)
    rss, fds = measure(gateway)
    print("%6d KiB %4d descriptors, %d good, %d bad" % (rss, fds, sum(tally.good.values()), len(tally.bad)), flush=True)
    return rss, fds


def load(port, servers, tally, seconds, n_clients, round_):
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(port, end, tally, round_ * 1000 + i), daemon=True) for i in range(n_clients)]
    threads.append(threading.Thread(target=bouncer, args=(servers, end, tally), daemon=True))
    for t in threads:
        t.start()
    for t in threads:
        t.join(seconds + 60 * lib.SLOW)
        if t.is_alive():
            tally.fail("client", "hangs")


def show_log(gateway, tally):
    """What the gateway says about the seconds in which something went wrong."""
    seconds = {why.split()[0] for why in tally.bad}
    with open(gateway.out.name, errors="replace") as f:
        for line in f:
            if line[11:19] in seconds and line.split()[1] not in ("200", "101", "400"):
                print("LOG " + line.rstrip())


def soak(args):
    port, tally, servers = free_port(), Tally(), Servers()
    rounds = max(3, min(10, args.seconds // 60))
    with Gateway(CONFIG % (port, *servers.ports, *servers.ports)) as g:
        before = None
        for i in range(rounds):
            load(port, servers, tally, args.seconds / rounds, args.clients, i)
            rss, fds = quiet(g, tally)
            if i == 0:
                before = rss, fds
        show_log(g, tally)
        # Pooled connections come and go; memory may settle, not grow with time.
        if rss > before[0] * 1.2 + 4096:
            tally.fail("memory", "%d KiB after the first round, %d at the end" % (before[0], rss))
        if fds > before[1] + 40:
            tally.fail("descriptors", "%d after the first round, %d at the end" % (before[1], fds))
    servers.close()
    return tally


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--slow", type=int, default=1)
    args = parser.parse_args()
    lib.setup(args.toronc, args.dynamic, args.slow)
    tally = soak(args)
    for kind, n in sorted(tally.good.items()):
        print("%8d %s" % (n, kind))
    for why in tally.bad[:50]:
        print("FAIL " + why)
    print("%d passed, %d failed" % (sum(tally.good.values()), len(tally.bad)))
    return 1 if tally.bad else 0


if __name__ == "__main__":
    sys.exit(main())
