#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Chromium, headless, over HTTP/2 and TLS of both presets: a page with sub-resources, bodies both ways, and WebSockets in streams of the same
connection (RFC 8441) to a server of HTTP/1.1 and to one of HTTP/2. The page reports what it has seen; the gateway's access log says over which version.

usage: chromium.py [TORONC]
"""
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.path.append("/usr/lib/python3/dist-packages")
import certs  # noqa: E402
import h2.settings  # noqa: E402
import lib  # noqa: E402
import peer  # noqa: E402
import streams  # noqa: E402
import test_websocket as ws  # noqa: E402

CONFIG = """\
certificates: {site: {cert: "%(cert)s", key: {file: "%(key)s"}}}
listeners: [{protocol: https, address: 127.0.0.1, port: %(port)d, tls: {certificates: [site], preset: %(preset)s}}]
log: {access: {enabled: true, flush: 0}}
backends:
  app: {url: "http://127.0.0.1:%(app)d"}
  old: {url: "http://127.0.0.1:%(old)d", websocket: {ping_interval: 500ms}}
  new: {url: "http://127.0.0.1:%(new)d", protocol: h2, websocket: {ping_interval: 500ms}}
routes:
  - {match: {path: /old}, backend: old}
  - {match: {path: /new}, backend: new}
  - {match: {path: {exact: /version.js}}, respond: {headers: {content-type: text/javascript}, body: "window.tls = '${tls.version}'"}}
  - backend: app
"""
N_PICTURES, LARGE = 30, 3 << 20
PICTURE = b"<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'/>"
PAGE = b"""<!doctype html><meta charset=utf-8><link rel=stylesheet href=/style.css><script src=/version.js></script>
<body><script type=module>
const seen = {tls: window.tls};
async function talk(path) {
	const socket = new WebSocket("wss://" + location.host + path);
	socket.binaryType = "arraybuffer";
	const next = () => new Promise((yes, no) => { socket.onmessage = e => yes(e.data); socket.onclose = e => no(new Error("closed " + e.code)); });
	await new Promise((yes, no) => { socket.onopen = yes; socket.onerror = () => no(new Error(path + " does not open")); });
	const got = [];
	for (const n of [0, 1, 125, 126, 65536, 500000]) {
		socket.send(new Uint8Array(n).fill(n));
		const data = new Uint8Array(await next());
		got.push(data.length == n && data.every(b => b == (n & 255)));
	}
	socket.send("\\u00e4\\u263a");
	got.push(await next() == "\\u00e4\\u263a");
	await new Promise(yes => setTimeout(yes, 1500));  // the gateway's pings
	socket.send("after");
	got.push(await next() == "after");
	const closed = new Promise(yes => { socket.onclose = e => yes(e.code); });
	socket.close(4000, "bye");
	return [got.every(x => x), await closed];
}
try {
	const pictures = [...Array(%d).keys()].map(i => new Promise(yes => {
		const img = new Image();
		img.onload = () => yes(img.width == 7);
		img.onerror = () => yes(false);
		img.src = "/picture.svg?" + i;
	}));
	seen.pictures = (await Promise.all(pictures)).filter(x => x).length;
	seen.styled = getComputedStyle(document.body).marginLeft;
	const body = new Uint8Array(%d).map((_, i) => i * 7);
	const answer = new Uint8Array(await (await fetch("/echo", {method: "POST", body})).arrayBuffer());
	seen.echo = answer.length == body.length && answer.every((b, i) => b == body[i]);
	const stop = new AbortController();
	const large = (await fetch("/large", {signal: stop.signal})).body.getReader();
	await large.read();
	stop.abort();
	seen.status = (await fetch("/absent")).status;
	seen.old = await talk("/old");
	seen.new = await talk("/new");
	seen.versions = [...new Set(performance.getEntriesByType("resource").map(e => e.nextHopProtocol))];
} catch (e) {
	seen.error = String(e);
}
await fetch("/report", {method: "POST", body: JSON.stringify(seen)});
</script>""" % (N_PICTURES, LARGE)


def converse(c):
    """Sends back what messages are, and answers pings."""
    while True:
        opcode, payload = ws.next_frame(c)
        if opcode is None:
            return
        if opcode & 15 != ws.PONG:
            c.send(ws.frame(ws.PONG if opcode & 15 == ws.PING else opcode & 15, payload, fin=opcode & 0x80 != 0))
        if opcode & 15 == ws.CLOSE:
            return


def old_tunnel(c):
    ws.accept(c)
    converse(c)


class Stream:
    """A stream of HTTP/2, as converse takes it."""

    def __init__(self, s):
        self.s, self.send = s, s.send

    def exactly(self, n):
        data = self.s.read(n)
        if len(data) < n:
            raise EOFError
        return data


class Browser(peer.PeerCase):
    def serve(self, c):
        kinds = {"/": ("text/html", PAGE), "/style.css": ("text/css", b"body { margin-left: 33px }"),
                 "/picture.svg": ("image/svg+xml", PICTURE), "/large": ("text/plain", b"x" * (20 << 20))}
        while True:
            m = c.request()
            path = m.target.split("?")[0]
            if path == "/report":
                self.report.append(json.loads(m.body))
            kind, body = ("application/octet-stream", m.body) if path in ("/echo", "/report") else kinds.get(path, (None, b""))
            c.send(b"HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
                200 if kind else 404, (kind or "text/plain").encode(), len(body)) + body)

    def browse(self, url):
        """Until the page has reported."""
        profile = tempfile.mkdtemp(prefix="toron-chromium-")
        self.addCleanup(shutil.rmtree, profile, ignore_errors=True)
        with open(os.path.join(profile, "log"), "wb") as log:
            with peer.server([*peer.chromium(profile), "--ignore-certificate-errors", "--remote-debugging-port=0", url], log, terminate=True) as p:
                end = time.monotonic() + 120
                while not self.report and p.poll() is None and time.monotonic() < end:
                    time.sleep(0.1)
        with open(os.path.join(profile, "log"), errors="replace") as log:
            self.assertTrue(self.report, log.read()[-3000:])
        return self.report[0]

    def one(self, preset):
        self.report = []
        site, heads = certs.shared("site"), []

        def new_tunnel(s):
            heads.append(s.head())
            s.respond(200)
            converse(Stream(s))
            s.end()

        settings = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
        with lib.Backend(self.serve) as app, lib.Backend(old_tunnel) as old, streams.server("h2c", new_tunnel, settings) as new:
            port = lib.free_port()
            config = CONFIG % {"cert": site.cert, "key": site.key, "port": port, "preset": preset, "app": app.port, "old": old.port, "new": new.port}
            with lib.Gateway(config) as gateway:
                seen = self.browse("https://localhost:%d/" % port)
                self.assertEqual(seen, {"tls": "TLSv1.3", "pictures": N_PICTURES, "styled": "33px", "echo": True, "status": 404,
                                        "old": [True, 4000], "new": [True, 4000], "versions": ["h2"]})
                lines = gateway.access(N_PICTURES + 8)
        self.assertEqual({l["protocol"] for l in lines}, {"HTTP/2.0"})
        for path in ("/old", "/new"):
            tunnels = [l for l in lines if l["path"] == path]
            print(preset, path, [(l["protocol"], l["status"], l.get("fault")) for l in tunnels], flush=True)
            self.assertEqual([(l["protocol"], l["status"], l.get("fault")) for l in tunnels], [("HTTP/2.0", 101, None)])
        self.assertEqual([h.pseudo[":protocol"] for h in heads], ["websocket"])

    def test_page_bodies_and_websockets(self):
        lib.setup(self.toronc_path, False, 1)
        for preset in ("intermediate", "modern"):
            with self.subTest(preset):
                self.one(preset)


if __name__ == "__main__":
    peer.need("chromium (a Debian package)", peer.chromium(""))
    sys.exit(peer.main(sys.modules[__name__]))
