#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""gRPC's published interoperability cases through a gateway: the clients of Go, Node and Python against the servers of each, over h2c and TLS on either
side. Go's programs are the published ones, node/grpc.js and ../e2e/grpc_interop.py play the same service.

usage: grpc_interop.py [TORONC]
"""
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(HERE, "..", "e2e")
sys.path[:0] = [os.path.join(HERE, "lib"), E2E]
sys.path.append("/usr/lib/python3/dist-packages")
import certs  # noqa: E402
import grpc_interop as python  # noqa: E402
import lib  # noqa: E402
import peer  # noqa: E402

KINDS = ("h2c", "h2")
SHARED = list(python.CASES)[:14]
UP, DOWN = list(python.CASES)[14:16], list(python.CASES)[16:]
# Go has four more of its own. It does not compress, nor does Node as a server.
GO_TO_GO = ["rpc_soak", "channel_soak", "orca_per_rpc", "orca_oob"]
# Of Go's clients one of thirty takes five seconds to close its channel, whoever it talked to.
PATIENT = ["-soak_per_iteration_max_acceptable_latency_ms", "20000", "-soak_overall_timeout_seconds", "50"]
LOAD_REPORTS = '{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}'
TAKES = {"go": SHARED, "node": SHARED + UP, "python": SHARED + UP + DOWN}
SENDS = {"go": SHARED, "node": SHARED + UP + DOWN, "python": SHARED + UP + DOWN}
# What a browser can do. grpc-web streams in its text form only, and xhr2 shows what has come when all has.
WEB = ["empty_unary", "large_unary", "status_code_and_message", "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service"]
WEB_STREAMS = ["server_streaming", "timeout_on_sleeping_server"]
WEB_CLIENTS = {"text": WEB + WEB_STREAMS, "binary": WEB, "improbable": [*WEB, *WEB_STREAMS, "cancel_after_first_response"]}
LISTENER = {
    "h2c": "  - {name: %(name)s, protocol: http, address: 127.0.0.1, port: %(port)d}\n",
    "h2": "  - {name: %(name)s, protocol: https, address: 127.0.0.1, port: %(port)d, tls: {certificates: [site]}}\n",
}
BACKEND = {
    "h2c": '  %(name)s: {url: "http://localhost:%(port)d", protocol: h2}\n',
    "h2": '  %(name)s: {url: "https://localhost:%(port)d", protocol: h2, tls: {ca: "%(ca)s"}}\n',
}
GO_CLIENT, GO_SERVER = peer.program("grpc-interop-client"), peer.program("grpc-interop-server")


def languages():
    """Those that are installed."""
    if GO_CLIENT and GO_SERVER:
        yield "go"
    if peer.node("grpc.js") and peer.node_modules("@grpc/grpc-js"):
        yield "node"
    if importlib.util.find_spec("grpc") and importlib.util.find_spec("grpc_tools"):
        yield "python"


def words(language, mode):
    """How the program of a language begins."""
    if language == "node":
        return [*peer.node("grpc.js"), mode]
    return [sys.executable, os.path.join(E2E, "grpc_interop.py"), mode]


class Setting:
    """Servers, the gateway before them, and a listener for each pair of a server and a kind of front."""

    def __init__(self, has):
        site = certs.shared("site")
        self.ca = certs.shared("ca").cert
        self.key, self.cert = site.key, site.cert
        self.back = {(server, kind): lib.free_port() for server in has for kind in KINDS}
        self.front = {(kind, *back): lib.free_port() for kind in KINDS for back in self.back}

    def config(self):
        listeners = "".join(LISTENER[key[0]] % {"name": "-".join(key), "port": port} for key, port in self.front.items())
        backends = "".join(BACKEND[key[1]] % {"name": "-".join(key), "port": port, "ca": self.ca} for key, port in self.back.items())
        routes = "".join("  - {match: {grpc: {}}, listeners: [%s], middlewares: [grpc-web], backend: %s}\n" % (", ".join("-".join((kind, *back)) for kind in KINDS), "-".join(back))
                         for back in self.back)
        return ('certificates: {site: {cert: "%s", key: {file: "%s"}}}\nlog: {access: {enabled: true, flush: 0}}\nlisteners:\n%sbackends:\n%sroutes:\n%s'
                % (self.cert, self.key, listeners, backends, routes))

    def servers(self, has):
        """What to start: the words of each."""
        for language in has:
            clear, secure = (self.back[language, kind] for kind in KINDS)
            if language == "go":
                yield language, [GO_SERVER, "-port", str(clear)]
                yield language, [GO_SERVER, "-port", str(secure), "-use_tls", "-tls_cert_file", self.cert, "-tls_key_file", self.key]
            else:
                yield language, [*words(language, "server"), str(clear), self.key, self.cert, str(secure)]


class Interop(peer.PeerCase):
    @classmethod
    def setUpClass(cls):
        cls.has = list(languages())
        done = contextlib.ExitStack()
        cls.addClassCleanup(done.close)
        lib.setup(cls.toronc_path, False, 1)
        cls.setting = s = Setting(cls.has)
        cls.logs = {}
        for language, args in s.servers(cls.has):
            log = cls.logs[language] = tempfile.NamedTemporaryFile(dir=lib.WORK, prefix=language, delete=False)
            done.enter_context(peer.server(args, log, terminate=language == "go"))
        cls.gateway = done.enter_context(lib.Gateway(s.config()))
        for port in s.back.values():
            lib.listening(port, 30)

    def places(self, client):
        """(front kind, port, cases, server) of each way that a client has."""
        for (front, server, back), port in self.setting.front.items():
            cases = [name for name in SENDS[client] if name in TAKES[server]]
            yield front, port, cases + (GO_TO_GO if client == server == "go" else []), server

    def go(self, front, port, cases):
        how = ["-use_tls", "-use_test_ca", "-ca_file", self.setting.ca] if front == "h2" else []
        for name in cases:
            more = ["-service_config_json", LOAD_REPORTS] if name.startswith("orca_") else PATIENT if name.endswith("_soak") else []
            done = subprocess.run([GO_CLIENT, "-server_host", "localhost", "-server_port", str(port), "-test_case", name, *how, *more],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, "%s: %s" % (name, done.stderr.decode()[-2000:]))

    def check(self, client):
        if client not in self.has:
            self.skipTest("%s is not installed" % client)
        before = {s: self.cancelled(s) for s in ("node",) if s in self.has}
        n_lines = len(self.gateway.stdout().splitlines())
        places = list(self.places(client))
        if client == "go":
            for front, port, cases, server in places:
                with self.subTest(server=server, front=front, port=port):
                    self.go(front, port, cases)
        else:
            passed = self.play(*words(client, "client"), self.setting.ca, *["%s localhost:%d %s" % (front, port, ",".join(cases))
                                                                            for front, port, cases, _ in places])
            self.assertEqual(passed, [name for _, _, cases, _ in places for name in cases])
        self.judge(self.lines(n_lines, len(places)), places)
        for server, n in before.items():
            # One call cancelled after the first response and one too late, at the least: the others may end before they get to the server.
            wanted = n + 2 * sum(s == server for _, _, _, s in places)
            lib.until(lambda: self.cancelled(server) >= wanted, "%s has not been told of calls that are over" % server)

    def lines(self, skip, n_places):
        """What the access log has of this client, once the last of it is there."""
        lib.until(lambda: len(self.gateway.stdout().splitlines()) >= skip + 14 * n_places, "the access log is short")
        return self.gateway.access(len(self.gateway.stdout().splitlines()) - skip)

    def judge(self, lines, places):
        self.assertEqual({line["protocol"] for line in lines}, {"HTTP/2.0"})
        self.assertLessEqual({line.get("fault") for line in lines}, {None, "front-closed", "total-timeout", "no-route"})
        up = [l for l in lines if l["path"].endswith("UnaryCall") and l["request_bytes"] < 27182 and l["response_bytes"] > 314159]
        down = [l for l in lines if l["path"].endswith("UnaryCall") and l["request_bytes"] > 271828 and l["response_bytes"] < 31415]
        self.assertEqual(len(up), sum("client_compressed_unary" in cases for _, _, cases, _ in places))
        self.assertEqual(len(down), sum("server_compressed_unary" in cases for _, _, cases, _ in places))

    def test_web(self):
        """Clients of gRPC-Web, in Node over HTTP/1.1, to the servers of each language."""
        if not peer.node_modules("grpc-web", "xhr2", "@improbable-eng/grpc-web-node-http-transport"):
            self.skipTest("grpc-web, xhr2 or @improbable-eng/grpc-web-node-http-transport is not installed")
        n_lines = len(self.gateway.stdout().splitlines())
        places = [("%s://localhost:%d" % ("https" if front == "h2" else "http", port), client, cases)
                  for (front, *_), port in self.setting.front.items() for client, cases in WEB_CLIENTS.items()]
        passed = self.play(*peer.node("grpc_web.js"), "client", *["%s %s %s" % (url, client, ",".join(cases)) for url, client, cases in places],
                           NODE_EXTRA_CA_CERTS=self.setting.ca)
        self.assertEqual(passed, [name for _, _, cases in places for name in cases])
        self.assertEqual({line["protocol"] for line in self.lines(n_lines, len(places) // 2)}, {"HTTP/1.1"})
        # That a call is given up is for the gateway to tell: the clients only hang up, which in clear text may be the end of a request, too.
        n_given_up = sum("cancel_after_first_response" in cases for url, _, cases in places if url.startswith("https:"))
        given_up = lambda: [l for l in self.lines(n_lines, len(places) // 2) if l.get("fault") == "front-closed"]  # noqa: E731
        lib.until(lambda: len(given_up()) >= n_given_up, lambda: "%d calls of %d were given up" % (len(given_up()), n_given_up))

    def cancelled(self, server):
        with open(self.logs[server].name) as f:
            return f.read().count("cancelled")

    def test_go(self):
        self.check("go")

    def test_node(self):
        self.check("node")

    def test_python(self):
        self.check("python")


if __name__ == "__main__":
    peer.need("a client and server of gRPC", any(True for _ in languages()))
    sys.exit(peer.main(sys.modules[__name__]))
