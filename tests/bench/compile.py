#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a build costs: compile.py TORONC [ROUTES]. Compiles a config of ROUTES routes (default 100), edits one of them and compiles again,
several times; prints CPU and elapsed seconds of toronc with all its children, and the size of the gateway. Exit 1 where the median CPU
of an edit is above the limit: 1 s for up to 100 routes."""
import os
import resource
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
LIMIT_S = 1.0
WORDS = ("users", "orders", "items", "invoices", "teams", "reports", "search", "sessions", "labels", "events")


def config(n_routes, edit):
    lines = ["listeners:", "  - {protocol: http, port: 8080}", "backends:"]
    for i in range(5):
        lines.append('  service%d: {servers: [{url: "http://10.0.0.%d:8000"}, {url: "http://10.0.1.%d:8000"}]}' % (i, i + 1, i + 1))
    lines.append("routes:")
    for i in range(n_routes):
        first, second = WORDS[i % 10], WORDS[i // 10 % 10]
        path = ("/v1/%s/{id}/%s%d", "/v2/%s/%s%d", "/%s/{id}/%s/{other}/part%d")[i % 3] % (first, second, i)
        lines.append("  - match: {path: \"%s\"%s}" % (path, ", method: [GET, POST]" if i % 4 == 0 else ""))
        lines.append("    backend: service%d" % (i % 5))
        if i % 2:
            lines.append("    middlewares: [{headers: {response: {set: {x-route: \"r%d-%d\"}}}}]" % (i, edit if i == 1 else 0))
    return "\n".join(lines) + "\n"


def build(toronc, folder, text):
    with open(os.path.join(folder, "gateway.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([toronc, "gateway.yaml", "-o", "gateway", "--cache-dir", os.path.join(folder, "cache")], cwd=folder, check=True,
                   timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - begun


def main():
    toronc = os.path.abspath(sys.argv[1])
    n_routes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        cold = build(toronc, folder, config(n_routes, 0))
        same = build(toronc, folder, config(n_routes, 0))
        edits = sorted(build(toronc, folder, config(n_routes, i + 1)) for i in range(ROUNDS))
        size = os.path.getsize(os.path.join(folder, "gateway"))
    edit = edits[len(edits) // 2]
    for what, (cpu, elapsed) in (("first build", cold), ("nothing changed", same), ("one route edited", edit)):
        print("%d routes, %-16s %.3f s of CPU, %.3f s elapsed" % (n_routes, what + ":", cpu, elapsed))
    print("%d routes, gateway: %d bytes" % (n_routes, size))
    if n_routes <= 100 and edit[0] > LIMIT_S:
        print("an edit costs more than %.1f s of CPU" % LIMIT_S)
        return 1
    return 0


sys.exit(main())
