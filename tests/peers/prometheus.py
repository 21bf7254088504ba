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
PROMTOOL, PROMETHEUS = peer.program("promtool"), peer.program("prometheus")


def ask(port, query):
    url = "http://127.0.0.1:%d/api/v1/query?%s" % (port, urllib.parse.urlencode({"query": query}))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as f:
            result = json.load(f)["data"]["result"]
    except OSError:
        return None
    return float(result[0]["value"][1]) if result else None


class Prometheus(peer.PeerCase):
    def setUp(self):
        lib.setup(self.toronc_path, False, 1)
        backend = lib.Backend()
        self.addCleanup(backend.close)
        port, dead = lib.free_port(), lib.free_port()
        self.admin = lib.free_port()
        gateway = lib.Gateway(CONFIG % (port, self.admin, backend.port, dead), env={"ADMIN_TOKEN": "opensesame"})
        gateway.__enter__()
        self.addCleanup(gateway.__exit__, None, None, None)
        for target in ["/hello"] * 7 + ["/x"] * 4 + ["/"]:
            self.assertEqual(lib.get(port, target).status, 200)

    def test_promtool(self):
        text = lib.get(self.admin, "/metrics", "Authorization: Bearer opensesame\r\n").body
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))
        self.assertIn(b'toron_requests_total{route="hello",code="2xx"} 7', text)

    def test_prometheus(self):
        port = lib.free_port()
        with tempfile.TemporaryDirectory() as work:
            config = os.path.join(work, "prometheus.yml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(SCRAPE % self.admin)
            with peer.server([PROMETHEUS, "--config.file=" + config, "--storage.tsdb.path=" + os.path.join(work, "data"),
                              "--web.listen-address=127.0.0.1:%d" % port, "--log.level=error"], terminate=True):
                expected = {'toron_requests_total{route="hello",code="2xx"}': 7, 'toron_request_duration_seconds_count{route="hello"}': 7,
                            "histogram_quantile(0.5, toron_request_duration_seconds_bucket{route=\"hello\"}) < bool 10": 1,
                            'up{job="toron"}': 1}
                lib.until(lambda: {q: ask(port, q) for q in expected} == expected, lambda: str({q: ask(port, q) for q in expected}), 60)


if __name__ == "__main__":
    peer.need("Prometheus (Debian's prometheus)", PROMTOOL and PROMETHEUS)
    sys.exit(peer.main(sys.modules[__name__]))
