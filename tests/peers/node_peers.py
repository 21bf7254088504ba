#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Node's http2 as the client and the server of a gateway, in clear text and over TLS on either side.

usage: node_peers.py [TORONC]
"""
import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import certs  # noqa: E402
import lib  # noqa: E402
import peer  # noqa: E402

CONFIG = """\
certificates: {site: {cert: "%(cert)s", key: {file: "%(key)s"}}}
listeners:
  - {protocol: http, address: 127.0.0.1, port: %(h2c)d}
  - {protocol: https, address: 127.0.0.1, port: %(h2)d, tls: {certificates: [site]}}
log: {access: {enabled: true, flush: 0}}
backends:
  clear: {url: "http://127.0.0.1:%(clear)d", protocol: h2}
  secure: {url: "https://localhost:%(secure)d", protocol: h2, tls: {ca: "%(ca)s"}}
routes:
  - {match: {path: /clear}, backend: clear, rewrite: {strip_prefix: /clear}}
  - {match: {path: /secure}, backend: secure, rewrite: {strip_prefix: /secure}}
"""


class NodePeers(peer.PeerCase):
    @contextlib.contextmanager
    def running(self, script):
        """A server of both kinds behind a gateway; the fields of CONFIG."""
        lib.setup(self.toronc_path, False, 1)
        site = certs.shared("site")
        use = {"cert": site.cert, "key": site.key, "ca": certs.shared("ca").cert,
               **{name: lib.free_port() for name in ("h2c", "h2", "clear", "secure")}}
        with peer.server([*peer.node(script), "server", str(use["clear"]), site.key, site.cert, str(use["secure"])]):
            for name in ("clear", "secure"):
                lib.listening(use[name])
            with lib.Gateway(CONFIG % use) as gateway:
                yield use, gateway

    def test_http2(self):
        with self.running("http2.js") as (use, gateway):
            urls = ["%s://localhost:%d/%s" % (scheme, port, back) for scheme, port in (("http", use["h2c"]), ("https", use["h2"]))
                    for back in ("clear", "secure")]
            passed = self.play(*peer.node("http2.js"), "client", use["ca"], *urls)
            self.assertEqual(len(passed), 4 * 11, passed)
            self.assertEqual({line["protocol"] for line in gateway.access(4 * 300)}, {"HTTP/2.0"})


if __name__ == "__main__":
    peer.need("node", peer.node("http2.js"))
    sys.exit(peer.main(sys.modules[__name__]))
