#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prometheus against a compiled gateway: promtool finds nothing to complain about in the metrics, and Prometheus fetches them with a token and
knows the numbers that traffic has made.

usage: prometheus.py [TORONC]
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402
import peer  # noqa: E402

CONFIG = """\
listeners: [{name: web, protocol: http, address: 127.0.0.1, port: %d}]
metrics: {}
admin: {address: "127.0.0.1:%d", token: {env: ADMIN_TOKEN}}
backends: {pool: {servers: [{address: "127.0.0.1:%d"}, {address: "127.0.0.1:%d"}]}}
routes:
  - {name: hello, match: {path: /hello}, respond: {body: "hello"}}
  - {name: pool, match: {path: /}, backend: pool}
"""
SCRAPE = """\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: toron
    authorization: {type: Bearer, credentials: opensesame}
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


def check_text(admin):
    text = lib.get(admin, "/metrics", "Authorization: Bearer opensesame\r\n").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout.decode()


def ask(port, query):
    url = "http://127.0.0.1:%d/api/v1/query?%s" % (port, urllib.parse.urlencode({"query": query}))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as f:
        result = json.load(f)["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def check_fetched(admin, work):
    port = lib.free_port()
    config = os.path.join(work, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(SCRAPE % admin)
    process = subprocess.Popen(["prometheus", "--config.file=" + config, "--storage.tsdb.path=" + os.path.join(work, "data"),
                                "--web.listen-address=127.0.0.1:%d" % port, "--log.level=error"])
    try:
        expected = {'toron_requests_total{route="hello",code="2xx"}': 7, 'toron_request_duration_seconds_count{route="hello"}': 7,
                    "histogram_quantile(0.5, toron_request_duration_seconds_bucket{route=\"hello\"}) < bool 10": 1,
                    'up{job="toron"}': 1}
        end = time.monotonic() + 60
        while True:
            try:
                got = {q: ask(port, q) for q in expected}
            except OSError:
                got = None
            if got == expected or time.monotonic() > end:
                assert got == expected, got
                return
            time.sleep(0.5)
    finally:
        process.terminate()
        process.wait(30)


def main():
    peer.need("Prometheus (Debian's prometheus)", peer.program("promtool") and peer.program("prometheus"))
    lib.setup(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TORONC", "toronc")), False, 1)
    port, admin, dead = lib.free_port(), lib.free_port(), lib.free_port()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work, lib.Backend() as b:
        with lib.Gateway(CONFIG % (port, admin, b.port, dead), env={"ADMIN_TOKEN": "opensesame"}):
            for target in ["/hello"] * 7 + ["/x"] * 4 + ["/"]:
                assert lib.get(port, target).status == 200
            for name, check in (("promtool", lambda: check_text(admin)), ("prometheus", lambda: check_fetched(admin, work))):
                try:
                    check()
                    passed += 1
                except AssertionError as e:
                    failed += 1
                    print("FAIL %s: %s" % (name, e))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
