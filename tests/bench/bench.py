#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures compiled gateways beside the peers that this machine has: bench.py TORONC [--seconds N] [--rounds N] [--only WORD] [--json FILE]
[--svg FILE] [--no-counts] [--floor].

The figure is CPU time of the proxy's process tree per request, with the proxy pinned to core 0 (two workers: 0 and 1) and the load
generator and the backend to core 1. Contenders take turns within a round, so that a noisy minute hits all of them; shown are medians over
the rounds, and the ratio to the best peer (whose median is the least) in the same round, with its range. To add a scenario, add a line to ROWS; to add a
peer, see peers.py; what makes the load stands in loaders.py."""
import argparse
import collections
import datetime
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402
import chart  # noqa: E402
import counts  # noqa: E402
import peers  # noqa: E402
from loaders import h2load, own, wrk  # noqa: E402
from peers import Setup  # noqa: E402


# One line of the table. `contenders` maps what is shown to (peer, Setup); None: all peers with `setup`. The first is compared with the
# best of the others. With --floor, copy.c stands below the rows that have one.
Row = collections.namedtuple("Row", "name target connections tool extra upload setup contenders floor", defaults=(wrk, (), 0, Setup(), None, False))

CLOSE = ("-H", "Connection: close")
HTTPS, H2, H2C, MUX, WS = Setup(front="https"), Setup(front="h2"), Setup(front="h2c"), Setup(back="h2c"), Setup(back="ws")
STREAMS = ("-m32",)
RESUMING = {name: (name, HTTPS) for name in ("toron", "nginx", "haproxy", "caddy")}  # h2o 2.2 has no tickets of TLS 1.3
MUX_AGAINST_H1 = {"toron": ("toron", MUX), **{name: (name, Setup()) for name in ("nginx", "haproxy", "h2o", "caddy")}}
ROWS = [
    Row("GET small, 64 connections", "/small", 64, floor=True),
    Row("POST 1 kB, 64 connections", "/up", 64, upload=1024),
    Row("GET 10 kB, 64 connections", "/10k", 64),
    Row("GET 1 MB, 16 connections", "/1m", 16),
    Row("POST 1 MB, 16 connections", "/up", 16, upload=1 << 20),
    Row("GET small, a connection each", "/small", 64, extra=CLOSE),
    Row("GET small, access log on", "/small", 64, contenders={"toron, log": ("toron", Setup(log=True)), "toron": ("toron", Setup())}),
    Row("GET small, 2 workers", "/small", 64, setup=Setup(workers=2)),
    Row("GET 10 kB, 2 workers", "/10k", 64, setup=Setup(workers=2)),
    Row("TLS, GET small, 64 connections", "/small", 64, setup=HTTPS),
    Row("TLS, GET 10 kB, 64 connections", "/10k", 64, setup=HTTPS),
    Row("TLS, GET 1 MB, 16 connections", "/1m", 16, setup=HTTPS),
    Row("TLS, full handshake each", "/small", 16, own, ("handshake",), setup=HTTPS),
    Row("TLS, resumed handshake each", "/small", 16, own, ("resume",), contenders=RESUMING),
    Row("HTTP/2 over TLS, 16 x 32", "/small", 16, h2load, STREAMS, setup=H2),
    Row("HTTP/2 in clear, 16 x 32", "/small", 16, h2load, STREAMS, setup=H2C),
    Row("h2c to the backend, peers by h1", "/small", 64, contenders=MUX_AGAINST_H1),
    Row("h2c to the backend, all", "/small", 64, setup=MUX),
    Row("WebSocket, echo of 64 bytes", "/ws", 64, own, ("websocket",), setup=WS, floor=True),
]


class Field:
    """The contenders that run at present; each is started when a row first asks for it."""

    def __init__(self, work, floor):
        self.work, self.floor, self.running, self.n = work, floor, {}, 0
        self.backs = {}
        for kind, spoken in (("http", "http"), ("h2c", "h2c"), ("ws", "echo")):
            port = lib.free_port()
            self.backs[kind] = peers.Process(([peers.program("backend", work), spoken, str(port)], {}), "1", port)

    def start(self, name, setup, prefix=()):
        """A new process; None: it cannot do that. `prefix` is a program that runs it."""
        port = lib.free_port()
        self.n += 1
        command = peers.PEERS[name](setup, os.path.join(self.work, "%s-%d" % (name, self.n)), port, self.backs[setup.back].port)
        cores = "0" if setup.workers == 1 else "0-%d" % (setup.workers - 1)
        return command and peers.Process(([*prefix, *command[0]], command[1]), cores, port)

    def get(self, name, setup):
        """None: it cannot do that."""
        key = name, setup
        if key not in self.running:
            self.running[key] = self.start(name, setup)
        return self.running[key]

    def of(self, row):
        asked = row.contenders or {name: (name, row.setup) for name in peers.installed()}
        found = {shown: self.get(*which) for shown, which in asked.items() if which[0] in peers.installed()}
        if self.floor and row.floor:
            found[peers.FLOOR] = self.get(peers.FLOOR, row.setup)
        return {shown: process for shown, process in found.items() if process}

    def stop(self):
        for process in self.running.values():
            if process:
                process.stop()
        for process in self.backs.values():
            process.stop()


def measure(process, row, seconds, work):
    total, user, system = process.cpu_us()
    n = row.tool(process, row, seconds, work)
    after = process.cpu_us()
    spent, user, system = (after[0] - total) / max(n, 1), after[1] - user, after[2] - system
    share = user / max(user + system, 1)
    return {"cpu_us": spent, "user_us": spent * share, "system_us": spent * (1 - share), "per_second": n / seconds}


def ratio(samples, of, to):
    """Of two contenders, round by round."""
    found = [a["cpu_us"] / b["cpu_us"] for a, b in zip(samples[of], samples[to])]
    return {"median": statistics.median(found), "least": min(found), "most": max(found)}


def run_row(field, row, args):
    contenders = field.of(row)
    samples = {name: [] for name in contenders}
    for process in contenders.values():  # warm
        row.tool(process, row, 1, field.work)
    for _ in range(args.rounds):
        for name, process in contenders.items():
            samples[name].append(measure(process, row, args.seconds, field.work))
    subject, *others = [name for name in contenders if name != peers.FLOOR]
    result = {"contenders": {n: {k: statistics.median(x[k] for x in s) for k in s[0]} for n, s in samples.items()}}
    for name, s in samples.items():
        figures = [x["cpu_us"] for x in s]
        result["contenders"][name]["spread_us"] = max(figures) - min(figures)
    if others:
        best = min(others, key=lambda o: result["contenders"][o]["cpu_us"])
        result["ratio"] = ratio(samples, subject, best)
    if peers.FLOOR in contenders:
        result["floor"] = ratio(samples, peers.FLOOR, subject)
    return result


def show(name, result):
    cells = ["%s %.1f us (%.1f + %.1f, +-%.1f)" % (n, v["cpu_us"], v["user_us"], v["system_us"], v["spread_us"] / 2)
             for n, v in result["contenders"].items()]
    ratios = ["%s %.2f (%.2f..%.2f)" % (kind, *(result[kind][k] for k in ("median", "least", "most"))) if kind in result else kind + " -"
              for kind in ("ratio", *(["floor"] if "floor" in result else []))]
    print("%-30s %s; %s" % (name, ", ".join(cells), ", ".join(ratios)), flush=True)


def run(args, work):
    results = {"date": datetime.date.today().isoformat(), "machine": "%s, %d cores" % (platform.machine(), os.cpu_count()),
               "versions": {name: peers.version(name) for name in peers.installed()}, "rows": {}}
    print(", ".join(results["versions"].values()))
    field = Field(work, args.floor)
    try:
        for row in ROWS:
            if args.only in row.name:
                results["rows"][row.name] = run_row(field, row, args)
                show(row.name, results["rows"][row.name])
        if args.counts:
            results["counts"] = counts.all_of(field, ROWS, args)
    finally:
        field.stop()
    return results


def draw(results):
    rows = []
    for name, r in results["rows"].items():
        cells = {n: v["cpu_us"] for n, v in r["contenders"].items()}
        others = [us for n, us in cells.items() if n != peers.FLOOR][1:]
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
    parser.add_argument("--floor", action="store_true", help="a program that only copies bytes, too, where there can be one")
    parser.add_argument("--json")
    parser.add_argument("--svg")
    args = parser.parse_args()
    missing = [tool for tool in ("wrk", "taskset", "cc") if not shutil.which(tool)]
    if missing:
        print("bench: %s missing; nothing is measured" % ", ".join(missing))
        return
    lib.setup(args.toronc, False, 1)
    args.idle = min(args.idle, peers.raise_limit() // 2 - 500)
    work = tempfile.mkdtemp(prefix="toron-bench-")
    if not all(peers.program(name, work) for name in ("backend", "load")):
        print("bench: OpenSSL's headers are missing; nothing is measured")
        return
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
