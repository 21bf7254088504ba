#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures a compiled gateway beside the peers that this machine has: bench.py TORONC [--seconds N] [--rounds N] [--json FILE].

The figure is CPU time of the proxy's processes per request, from /proc/PID/task/*/schedstat, with the proxy pinned to one core and the load
generator and the backend to the other. Peers take turns within a round, so that a noisy minute hits all of them; the median over the
rounds is shown, and its ratio to the best peer. Requests per second are shown for orientation only."""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402

BODY_SIZES = {"1k": 1024, "10k": 10240, "1m": 1 << 20}
NGINX = """\
daemon off; master_process off; worker_processes 1; error_log %(dir)s/error.log; pid %(dir)s/pid;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_body_buffer_size 2m; client_max_body_size 10m;
  client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/proxy; fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
  upstream back { server 127.0.0.1:%(back)d; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600s; }
  server { listen 127.0.0.1:%(port)d reuseport; location / { %(location)s } }
}
"""
NGINX_PROXY = 'proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";'
HAPROXY = """\
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend f
  bind 127.0.0.1:%(port)d
  default_backend b
backend b
  server s 127.0.0.1:%(back)d pool-max-conn 1024
"""
TORON = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %(port)d}]
routes: [{match: {path: /}, backend: {url: "http://127.0.0.1:%(back)d"}}]
runtime: {workers: 1}
"""


class Process:
    def __init__(self, args, core, port, **kw):
        self.p = subprocess.Popen(["taskset", "-c", str(core), *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("%s did not start" % args[0])

    def cpu_us(self):
        total = 0
        folder = "/proc/%d/task" % self.p.pid
        for task in os.listdir(folder):
            with open("%s/%s/schedstat" % (folder, task)) as f:
                total += int(f.read().split()[0])
        return total / 1000

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()


def start_backend(work, core):
    """nginx answering from memory and from files is the backend of all."""
    port = lib.free_port()
    www = os.path.join(work, "www")
    os.makedirs(www, exist_ok=True)
    for name, size in BODY_SIZES.items():
        with open(os.path.join(www, name), "wb") as f:
            f.write(b"x" * size)
    location = "root %s; sendfile on; open_file_cache max=10; } location = /small { return 200 'hello\\n';" % www
    folder = os.path.join(work, "back")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "conf"), "w") as f:
        f.write(NGINX % {"dir": folder, "back": 1, "port": port, "location": location})
    return port, Process(["nginx", "-c", os.path.join(folder, "conf")], core, port)


def start_peers(work, back, core):
    peers = {}
    port = lib.free_port()
    path = lib.compile_config(TORON % {"port": port, "back": back})
    peers["toron"] = (port, Process([path], core, port))
    if shutil.which("nginx"):
        port, folder = lib.free_port(), os.path.join(work, "front")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "conf"), "w") as f:
            f.write(NGINX % {"dir": folder, "back": back, "port": port, "location": NGINX_PROXY})
        peers["nginx"] = (port, Process(["nginx", "-c", os.path.join(folder, "conf")], core, port))
    if shutil.which("haproxy"):
        port, conf = lib.free_port(), os.path.join(work, "haproxy.cfg")
        with open(conf, "w") as f:
            f.write(HAPROXY % {"port": port, "back": back})
        peers["haproxy"] = (port, Process(["haproxy", "-db", "-f", conf], core, port))
    return peers


SCENARIOS = {
    "GET small, 64 keep-alive": ("/small", 64, ()),
    "GET 10 kB, 64 keep-alive": ("/10k", 64, ()),
    "GET 1 MB, 16 keep-alive": ("/1m", 16, ()),
    "GET small, a connection each": ("/small", 64, ("-H", "Connection: close")),
}


def load(port, target, connections, extra, seconds, core):
    p = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, *extra,
                        "http://127.0.0.1:%d%s" % (port, target)], stdout=subprocess.PIPE, timeout=seconds + 30)
    text = p.stdout.decode()
    if "Non-2xx" in text or "Socket errors: connect" in text:
        print("  (errors: %s)" % text.strip().splitlines()[-3:], file=sys.stderr)
    return int(re.search(r"(\d+) requests in", text).group(1))


def measure(process, port, scenario, seconds, core):
    target, connections, extra = SCENARIOS[scenario]
    before = process.cpu_us()
    n = load(port, target, connections, extra, seconds, core)
    return (process.cpu_us() - before) / max(n, 1), n / seconds


def proxies(args, work):
    for tool in ("wrk", "nginx", "taskset"):
        if not shutil.which(tool):
            print("bench: %s is missing; the proxy table is left out" % tool)
            return {}
    results = {}
    back, backend = start_backend(work, 1)
    peers = start_peers(work, back, 0)
    try:
        for scenario in SCENARIOS:
            samples = {name: [] for name in peers}
            for _ in range(args.rounds):
                for name, (port, process) in peers.items():
                    samples[name].append(measure(process, port, scenario, args.seconds, 1))
            results[scenario] = {n: {"cpu_us": statistics.median(x[0] for x in s), "spread": max(x[0] for x in s) - min(x[0] for x in s),
                                     "per_second": statistics.median(x[1] for x in s)} for n, s in samples.items()}
            show(scenario, results[scenario])
    finally:
        for _, process in peers.values():
            process.stop()
        backend.stop()
    return results


def show(scenario, row):
    best = min((v["cpu_us"] for n, v in row.items() if n != "toron"), default=None)
    cells = ["%s %.1f us (+-%.1f)" % (n, v["cpu_us"], v["spread"] / 2) for n, v in row.items()]
    ratio = "ratio to the best peer %.2f" % (row["toron"]["cpu_us"] / best) if best else "no peer"
    print("%-30s %s; %s" % (scenario, ", ".join(cells), ratio), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    args = parser.parse_args()
    lib.setup(args.toronc, False, 1)
    work = tempfile.mkdtemp(prefix="toron-bench-")
    try:
        results = proxies(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=2)


if __name__ == "__main__":
    main()
