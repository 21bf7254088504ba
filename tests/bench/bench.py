#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures compiled gateways beside the peers that this machine has: bench.py TORONC [--seconds N] [--rounds N] [--only WORD] [--json FILE]
[--svg FILE] [--no-counts].

The figure is CPU time of the proxy's process tree per request, with the proxy pinned to core 0 (two workers: 0 and 1) and the load
generator and the backend to core 1. Contenders take turns within a round, so that a noisy minute hits all of them; shown are medians over
the rounds, and the ratio to the best peer of the same round with its range. To add a scenario, add a line to ROWS; to add a peer, or TLS to
one, see peers.py."""
import argparse
import collections
import datetime
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402
import chart  # noqa: E402
import peers  # noqa: E402
from peers import Setup  # noqa: E402

SIZES = {"1k": 1024, "10k": 10240, "1m": 1 << 20}


def wrk(url, row, seconds, work):
    """`upload`: bytes of a request body, sent by POST."""
    extra = list(row.extra)
    if row.upload:
        extra += ["-s", peers.write(work, "post-%d.lua" % row.upload, 'wrk.method = "POST"\nwrk.body = string.rep("x", %d)\n' % row.upload)]
    p = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c%d" % row.connections, "-d%ds" % seconds, *extra, url],
                       stdout=subprocess.PIPE, timeout=seconds + 60)
    text = p.stdout.decode()
    if "Non-2xx" in text or "Socket errors: connect" in text:
        print("  (errors: %s)" % text.strip().splitlines()[-3:], file=sys.stderr)
    return int(re.search(r"(\d+) requests in", text).group(1))


def h2load(url, row, seconds, work):
    """`extra` chooses the protocol: --h1, or streams a connection by -m. Without either, HTTP/2."""
    extra = list(row.extra)
    if row.upload:
        extra += ["-d", peers.write(work, "post-%d" % row.upload, "x" * row.upload)]
    p = subprocess.run(["taskset", "-c", "1", "h2load", "-t1", "-c%d" % row.connections, "-D%d" % seconds, *extra, url],
                       stdout=subprocess.PIPE, timeout=seconds + 60)
    text = p.stdout.decode()
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    if any(int(n) for n in codes.groups()[1:]):
        print("  (errors: %s)" % codes.group(0), file=sys.stderr)
    return int(codes.group(1))


# One line of the table. `contenders` maps what is shown to (peer, Setup); None: all peers with `setup`. The first is compared with the
# best of the others.
Row = collections.namedtuple("Row", "name target connections tool extra upload setup contenders", defaults=(wrk, (), 0, Setup(), None))

CLOSE = ("-H", "Connection: close")
ROWS = [
    Row("GET small, 64 connections", "/small", 64),
    Row("POST 1 kB, 64 connections", "/up", 64, upload=1024),
    Row("GET 10 kB, 64 connections", "/10k", 64),
    Row("GET 1 MB, 16 connections", "/1m", 16),
    Row("POST 1 MB, 16 connections", "/up", 16, upload=1 << 20),
    Row("GET small, a connection each", "/small", 64, extra=CLOSE),
    Row("GET small, access log on", "/small", 64, contenders={"toron, log": ("toron", Setup(log=True)), "toron": ("toron", Setup())}),
    Row("GET small, 2 workers", "/small", 64, setup=Setup(workers=2)),
    Row("GET 10 kB, 2 workers", "/10k", 64, setup=Setup(workers=2)),
]


class Field:
    """The contenders that run at present; each is started when a row first asks for it."""

    def __init__(self, work):
        self.work, self.running = work, {}
        www = os.path.join(work, "www")
        for name, size in SIZES.items():
            peers.write(www, name, "x" * size)
        location = ("root %s; sendfile on; open_file_cache max=10; } location = /small { return 200 'hello\\n'; } "
                    "location = /up { return 200 'taken\\n';" % www)
        self.back = lib.free_port()
        self.backend = peers.Process(peers.nginx(Setup(), os.path.join(work, "back"), self.back, 1, location), "1", self.back)

    def get(self, name, setup):
        """None: it cannot do that."""
        key = name, setup
        if key not in self.running:
            port = lib.free_port()
            folder = os.path.join(self.work, "%s-%d" % (name, len(self.running)))
            command = peers.PEERS[name](setup, folder, port, self.back)
            cores = "0" if setup.workers == 1 else "0-%d" % (setup.workers - 1)
            self.running[key] = command and peers.Process(command, cores, port)
        return self.running[key]

    def of(self, row):
        asked = row.contenders or {name: (name, row.setup) for name in peers.installed()}
        found = {shown: self.get(*which) for shown, which in asked.items()}
        return {shown: process for shown, process in found.items() if process}

    def stop(self):
        for process in self.running.values():
            if process:
                process.stop()
        self.backend.stop()


def url_of(process, row):
    return "%s://127.0.0.1:%d%s" % ("https" if row.setup.tls else "http", process.port, row.target)


def measure(process, row, seconds, work):
    total, user, system = process.cpu_us()
    n = row.tool(url_of(process, row), row, seconds, work)
    after = process.cpu_us()
    spent, user, system = (after[0] - total) / max(n, 1), after[1] - user, after[2] - system
    share = user / max(user + system, 1)
    return {"cpu_us": spent, "user_us": spent * share, "system_us": spent * (1 - share), "per_second": n / seconds}


def run_row(field, row, args):
    contenders = field.of(row)
    samples = {name: [] for name in contenders}
    for process in contenders.values():  # warm
        row.tool(url_of(process, row), row, 1, field.work)
    for _ in range(args.rounds):
        for name, process in contenders.items():
            samples[name].append(measure(process, row, args.seconds, field.work))
    subject, *others = contenders
    result = {"contenders": {n: {k: statistics.median(x[k] for x in s) for k in s[0]} for n, s in samples.items()}}
    for name, s in samples.items():
        figures = [x["cpu_us"] for x in s]
        result["contenders"][name]["spread_us"] = max(figures) - min(figures)
    if others:
        ratios = [samples[subject][i]["cpu_us"] / min(samples[o][i]["cpu_us"] for o in others) for i in range(args.rounds)]
        result["ratio"] = {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    return result


def show(name, result):
    cells = ["%s %.1f us (%.1f + %.1f, +-%.1f)" % (n, v["cpu_us"], v["user_us"], v["system_us"], v["spread_us"] / 2)
             for n, v in result["contenders"].items()]
    r = result.get("ratio")
    print("%-30s %s; ratio %s" % (name, ", ".join(cells), "%.2f (%.2f..%.2f)" % (r["median"], r["least"], r["most"]) if r else "-"),
          flush=True)


# ---- what can be counted ----

def syscalls(process, row, work):
    """System calls per request, as strace counts them."""
    out = os.path.join(work, "strace")
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", out, *sum((["-p", str(p)] for p in process.pids()), [])],
                              stderr=subprocess.DEVNULL)
    time.sleep(1)
    n = row.tool(url_of(process, row), row, 2, work)
    tracer.terminate()
    tracer.wait()
    with open(out) as f:
        total = next(line for line in f if line.rstrip().endswith(" total"))
    return int(total.split()[3 if len(total.split()) > 4 else 2]) / max(n, 1)


def instructions(field, row):
    """User instructions per request of a gateway under callgrind; 32 connections of which all wait at once."""
    port = lib.free_port()
    args, _ = peers.toron(Setup(), os.path.join(field.work, "callgrind"), port, field.back)
    out = os.path.join(field.work, "callgrind.out")
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + out]
    process = peers.Process((valgrind + args, {}), "0", port)
    try:
        row = row._replace(connections=32)
        row.tool(url_of(process, row), row, 1, field.work)
        control = ["callgrind_control", "--instr=%s", str(process.p.pid)]
        lib.run([control[0], control[1] % "on", control[2]])
        n = row.tool(url_of(process, row), row, 4, field.work)
        lib.run([control[0], control[1] % "off", control[2]])
    finally:
        process.stop()
    with open(out) as f:
        totals = [line for line in f if line.startswith("totals:")]
    return int(totals[-1].split()[1]) / max(n, 1)


def idle_kib(process, n=10000):
    """Memory of a process at rest, and what each of n clients adds that asked once and keeps its connection."""
    clients = []
    before = process.rss_kib()
    try:
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", process.port), 10)
            s.sendall(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
            s.recv(4096)
            clients.append(s)
        time.sleep(3)  # buffers that a quiet second did not need go back
        return before, (process.rss_kib() - before) / n
    finally:
        for s in clients:
            s.close()


def counts(field, args):
    small, large = ROWS[0], ROWS[3]
    result = {}
    for name in peers.installed():
        port = lib.free_port()
        process = peers.Process(peers.PEERS[name](Setup(), os.path.join(field.work, "idle-" + name), port, field.back), "0", port)
        try:
            rest, each = idle_kib(process, args.idle)
            result[name] = {"rest_kib": rest, "idle_client_kib": each}
        finally:
            process.stop()
        if shutil.which("strace"):
            for key, row in (("syscalls", small), ("syscalls_1m", large)):
                result[name][key] = syscalls(field.get(name, Setup()), row, field.work)
    if shutil.which("valgrind"):
        result["toron"]["instructions"] = instructions(field, small)
    for name, cells in result.items():
        print("%-10s %s" % (name, ", ".join("%s %.4g" % kv for kv in cells.items())), flush=True)
    return result


def run(args, work):
    results = {"date": datetime.date.today().isoformat(), "machine": "%s, %d cores" % (platform.machine(), os.cpu_count()),
               "versions": {name: peers.version(name) for name in peers.installed()}, "rows": {}}
    print(", ".join(results["versions"].values()))
    field = Field(work)
    try:
        for row in ROWS:
            if args.only in row.name:
                results["rows"][row.name] = run_row(field, row, args)
                show(row.name, results["rows"][row.name])
        if args.counts:
            results["counts"] = counts(field, args)
    finally:
        field.stop()
    return results


def draw(results):
    rows = []
    for name, r in results["rows"].items():
        cells = {n: v["cpu_us"] for n, v in r["contenders"].items()}
        others = list(cells.values())[1:]
        rows.append((name, cells, min(others) if others else list(cells.values())[0]))
    return chart.svg("CPU time per request, relative to the best peer (%s)" % results["date"], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=10000, help="idle clients whose memory is measured")
    parser.add_argument("--only", default="", help="rows with this word in their name")
    parser.add_argument("--no-counts", dest="counts", action="store_false")
    parser.add_argument("--json")
    parser.add_argument("--svg")
    args = parser.parse_args()
    missing = [tool for tool in ("wrk", "nginx", "taskset") if not shutil.which(tool)]
    if missing:
        print("bench: %s missing; nothing is measured" % ", ".join(missing))
        return
    lib.setup(args.toronc, False, 1)
    args.idle = min(args.idle, peers.raise_limit() // 2 - 500)
    work = tempfile.mkdtemp(prefix="toron-bench-")
    try:
        results = run(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=2)
    if args.svg:
        with open(args.svg, "w") as f:
            f.write(draw(results))


if __name__ == "__main__":
    main()
