# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every pair of versions, client to gateway and gateway to server, and the gateways that stand between them. A pair more is a line more."""
import atexit
import json
import sys
import time

import certs
import lib
import streams

KINDS = ["h1", "h1s", "h2c", "h2"]
_kept = []


def is_h1(kind):
    return kind.startswith("h1")


class Pair:
    """A gateway and its server, which many scenarios use; `serve` is what the present one has the server do. `routes` go to the backend b."""

    def __init__(self, front, back, routes, settings):
        self.key = front, back, routes
        self.front, self.back = front, back
        self.serve = None
        self.server = streams.server(back, lambda s: self.serve(s), settings)
        self.port, self.admin = lib.free_port(), lib.free_port()
        site = certs.shared("site")
        https, secure = front in streams.ALPN, back in streams.ALPN
        config = """\
certificates: {site: {cert: "%s", key: {file: "%s"}}}
listeners: [{protocol: %s, address: 127.0.0.1, port: %d%s}]
log: {access: {enabled: true, flush: 0}}
backends: {b: {url: "%s://127.0.0.1:%d"%s%s}}
%s""" % (site.cert, site.key, "https" if https else "http", self.port, ", tls: {certificates: [site]}" if https else "",
            "https" if secure else "http", self.server.port, "" if is_h1(back) else ", protocol: h2",
            ', tls: {ca: "%s"}' % certs.shared("ca").cert if secure else "", routes.replace("ADMIN_PORT", str(self.admin)))
        self.gateway = lib.Gateway(config)
        self.gateway.start()

    def connect(self):
        return streams.client(self.front, self.port)

    def stop(self, error=None):
        self.server.close()
        self.gateway.__exit__(type(error) if error else None, error, None)

    def lines(self):
        return [l for l in self.gateway.stdout().splitlines() if l.startswith("{")]

    def tell(self):
        """What may explain a failure."""
        lines = [l for l in self.lines()[self.begun:] if '"fault":"' in l]
        errors = [repr(c.error) for c in self.server.connections if getattr(c, "error", None)]
        print("%d faults: %s; what broke the server's connections: %s" % (len(lines), lines[:3], errors[-3:]), file=sys.stderr)

    def access(self, *paths):
        """The log's lines of requests for these paths, since the scenario began."""
        lib.until(lambda: all(any('"path":"%s' % path in l for l in self.lines()[self.begun:]) for path in paths))
        return [json.loads(l) for l in self.lines()[self.begun:] if json.loads(l)["path"].split("?")[0] in paths]


class running:
    """The pair that is kept from the scenario before, or a fresh one."""

    def __init__(self, front, back, serve, routes="routes: [{backend: b}]\n", settings=None):
        if not _kept or _kept[0].key != (front, back, routes):
            stop_kept()
            _kept.append(Pair(front, back, routes, settings))
        self.pair = _kept[0]
        self.pair.serve = serve

    def __enter__(self):
        self.pair.begun = len(self.pair.lines())
        self.pair.client = self.pair.connect()
        return self.pair

    def __exit__(self, kind, error, trace):
        self.pair.client.close()
        if error is not None:
            time.sleep(1.5)  # until the log is written
            self.pair.tell()
            _kept.clear()
            self.pair.stop(error)


def stop_kept():
    if _kept:
        _kept.pop().stop()


atexit.register(stop_kept)


def declare(into, scenarios):
    """A test for each scenario and pair; those of a pair stand together, as its gateway is kept for them."""
    for front in KINDS:
        for back in KINDS:
            for f in scenarios:
                def test(f=f, front=front, back=back):
                    f(front, back)
                into["test_%s_%s_%s" % (front, back, f.__name__)] = test
