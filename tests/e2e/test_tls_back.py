# SPDX-License-Identifier: MIT OR Apache-2.0
"""TLS towards servers: who is trusted and who is not, and what a client and the log are told then; names, pins, client certificates,
resumption, ends that are none."""
import base64
import hashlib
import os
import re
import ssl
import struct
import subprocess
import threading
import time

import certs
import lib
from certs import TlsBackend
from lib import Gateway, connect, free_port, get


def config(port, url, tls="", top="", extra=""):
    return """\
%s
listeners: [{address: 127.0.0.1, port: %d, protocol: http}]
log: {access: {enabled: true, flush: 0}}
routes: [{match: {path: /}, backend: {url: "%s", tls: {%s}}}]
%s""" % (top, port, url, tls, extra)


def ca():
    return 'ca: "%s"' % certs.shared("ca").cert


class Case:
    """A gateway before one TLS backend."""

    def __init__(self, tls=None, context=None, serve=None, **kw):
        self.backend = TlsBackend(serve, context)
        self.port = free_port()
        self.gateway = Gateway(config(self.port, "https://127.0.0.1:%d" % self.backend.port, ca() if tls is None else tls, **kw))

    def __enter__(self):
        self.gateway.__enter__()
        return self

    def __exit__(self, *error):
        try:
            self.gateway.__exit__(*error)
        finally:
            self.backend.close()


def test_both_versions_and_all_keys():
    authority = certs.shared("ca")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for key in ("ec", "rsa", "ed25519"):
            cert = authority.issue("server", "IP:127.0.0.1", key=key)
            with Case(context=certs.server_context(cert, versions=version), extra="runtime: {workers: 1}") as c:
                for _ in range(3):
                    assert get(c.port).body == b"hello\n"
                assert len(c.backend.sessions) == 1 and c.backend.requests == 3


def test_whom_we_do_not_trust():
    authority, other = certs.shared("ca"), certs.Authority("Nobody")
    middle = certs.Authority("Between", parent=authority)
    self_signed = certs.Certificate(other.path("self"))
    certs.openssl("req", "-config", other.conf, "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self_signed.key, "-out", self_signed.cert,
                  "-subj", "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1")
    cases = [
        (authority.issue("a", "IP:127.0.0.2"), "it is not for this name", "bad certificate"),
        (authority.issue("a", "DNS:a.example"), "it is not for this name", "bad certificate"),
        (authority.issue("a", "IP:127.0.0.1", begins=-9, ends=-1), "it has expired", "certificate expired"),
        (authority.issue("a", "IP:127.0.0.1", begins=1), "it is not valid yet", "certificate expired"),
        (other.issue("a", "IP:127.0.0.1"), "its issuer is not trusted", "unknown ca"),
        (self_signed, "its issuer is not trusted", "unknown ca"),
        (middle.issue("a", "IP:127.0.0.1"), "a certificate in between is missing", "unknown ca"),
        (authority.issue("a", "IP:127.0.0.1", usage="clientAuth"), "not for this purpose", "unsupported certificate"),
    ]
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for cert, why, alert in cases:
            with Case(context=certs.server_context(cert, versions=version)) as c:
                m = get(c.port)
                assert m.status == 502, (why, m.status)
                c.gateway.wait_for(why)
                assert certs.documented_alert(why) == alert.replace(" ", "_")
                assert "backend-tls-failed" in c.gateway.stderr()
                assert c.gateway.access()[0]["fault"] == "back-tls"
                lib.until(lambda: c.backend.failures, "the server has seen no alert")
                assert alert in str(c.backend.failures[0]), (alert, c.backend.failures)
                assert len(c.backend.connections) == 1, "tried %d times" % len(c.backend.connections)
    with Case("verify: false", context=certs.server_context(other.issue("a", "DNS:x"))) as c:
        assert get(c.port).status == 200


test_whom_we_do_not_trust.seconds = 150


def test_the_system_trusts_it_not():
    with Case(tls="") as c:
        assert get(c.port).status == 502
        c.gateway.wait_for("its issuer is not trusted")


def test_another_server_is_tried():
    good, bad = TlsBackend(), TlsBackend(context=certs.server_context(certs.Authority("Nobody").issue("x", "IP:127.0.0.1")))
    port = free_port()
    text = """\
listeners: [{address: 127.0.0.1, port: %d, protocol: http}]
backends:
  b: {servers: [{url: "https://127.0.0.1:%d"}, {url: "https://127.0.0.1:%d"}], tls: {%s}}
routes: [{match: {path: /}, backend: b}]
""" % (port, bad.port, good.port, ca())
    with good, bad, Gateway(text) as g:
        for _ in range(6):
            assert get(port).status == 200
        g.wait_for("backend-tls-failed")


def test_names():
    cert = certs.shared("ca").issue("n", "DNS:n.example,DNS:*.wild.example")
    for sni, status in (("n.example", 200), ("a.wild.example", 200), ("b.a.wild.example", 502), ("other.example", 502)):
        asked = []
        context = certs.server_context(cert)
        context.sni_callback = lambda s, name, c: asked.append(name)
        with Case(ca() + ", sni: " + sni, context=context) as c:
            assert get(c.port).status == status, sni
            assert asked[0] == sni


def test_pins():
    cert = certs.shared("server")
    der = certs.openssl("x509", "-in", cert.cert, "-pubkey", "-noout")
    key = certs.openssl("pkey", "-pubin", "-outform", "DER", data=der)
    pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
    wrong = base64.b64encode(b"x" * 32).decode()
    for pins, status in (('"sha256/%s"' % pin, 200), ('"sha256/%s", "sha256/%s"' % (wrong, pin), 200), ('"sha256/%s"' % wrong, 502)):
        with Case(ca() + ", pins: [%s]" % pins) as c:
            assert get(c.port).status == status
            if status == 502:
                c.gateway.wait_for("no key of its chain is pinned")


def pin_of(cert):
    key = certs.openssl("pkey", "-pubin", "-outform", "DER", data=certs.openssl("x509", "-in", cert, "-pubkey", "-noout"))
    return '"sha256/%s"' % base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_pins_of_authorities():
    """The key of an authority counts where it has signed, not where its certificate is merely sent along."""
    authority = certs.shared("ca")
    middle, stranger = certs.Authority("Pinned", parent=authority), certs.Authority("Sent along", parent=authority)
    leaf = middle.issue("server", "IP:127.0.0.1")
    sent = certs.Certificate(middle.path("sent"))
    certs.write(sent.key, certs.read(leaf.key))
    certs.write(sent.cert, b"".join(certs.read(c) for c in (leaf.cert, middle.cert, authority.cert, stranger.cert)))
    for pinned, status in ((leaf, 200), (middle, 200), (authority, 200), (stranger, 502)):
        for verify in ("", ", verify: false"):
            with Case(ca() + ", pins: [%s]%s" % (pin_of(pinned.cert), verify), context=certs.server_context(sent)) as c:
                assert get(c.port).status == status, (pinned.cert, verify, c.gateway.stderr())
                if status == 502:
                    c.gateway.wait_for("no key of its chain is pinned")


def test_our_own_certificate():
    client = certs.shared("client")
    top = 'certificates: {me: {cert: "%s", key: {file: "%s"}}}' % (client.cert, client.key)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = certs.server_context(client_ca=certs.shared("ca"), versions=version)
        with Case(ca() + ", client_certificate: me", context=context, top=top) as c:
            assert get(c.port).status == 200
            assert ("commonName", "Alice") in [f[0] for f in c.backend.sessions[0][2]["subject"]]
        context = certs.server_context(client_ca=certs.shared("ca"), versions=version)
        with Case(context=context) as c:
            assert get(c.port).status == 502
            c.gateway.wait_for("the peer's alert: ")


def once(c):
    c.request()
    c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")


def test_resumption():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Case(context=certs.server_context(versions=version), serve=once, extra="runtime: {workers: 1}") as c:
            for _ in range(4):
                assert get(c.port).status == 200
                time.sleep(0.05)
            assert [s[1] for s in c.backend.sessions] == [False, True, True, True], c.backend.sessions


def test_nobody_resumes_with_a_certificate_that_has_expired():
    """Who resumes shows no certificate. Until the one that was verified expires that is as good; then it is asked for again."""
    ends = time.time() + 10 * lib.SLOW
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        fleeting = certs.shared("ca").issue("fleeting", "IP:127.0.0.1", ends=(ends - time.time()) / 86400)
        with Case(context=certs.server_context(fleeting, versions=version), serve=once, extra="runtime: {workers: 1}") as c:
            while time.time() < ends - 2 * lib.SLOW and len(c.backend.sessions) < 3:
                assert get(c.port).status == 200
                time.sleep(0.05)
            assert [s[1] for s in c.backend.sessions] == [False, True, True], c.backend.sessions
            time.sleep(max(0, ends + 2 - time.time()))
            assert get(c.port).status == 502
            c.gateway.wait_for("the certificate is refused: it has expired")
        ends = time.time() + 10 * lib.SLOW


def test_nobody_resumes_under_an_older_trust():
    """A server of TLS 1.3 sends its tickets when it pleases: those of a connection that was made before the trusted changed do not count."""
    ca, path = certs.Authority("Once"), os.path.join(lib.WORK, "trusted-%d.pem" % free_port())
    certs.write(path, certs.read(ca.cert))
    context = certs.server_context(ca.issue("s", "IP:127.0.0.1"), versions=ssl.TLSVersion.TLSv1_3)
    shaken, go, done = threading.Event(), threading.Event(), []

    def serve(c):
        def step(call):
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    c.s.sendall(outgoing.read())
                    incoming.write(c.s.recv(65536) or b"?")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        step(tls.do_handshake)
        shaken.set()
        go.wait(30 * lib.SLOW)
        step(lambda: tls.read(65536))
        tls.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        c.s.sendall(outgoing.read())

    with lib.Backend(serve) as b:
        port = free_port()
        with Gateway(config(port, "https://127.0.0.1:%d" % b.port, 'ca: "%s"' % path, extra="runtime: {workers: 1}")) as g:
            first = threading.Thread(target=lambda: done.append(get(port).status))
            first.start()
            assert shaken.wait(30 * lib.SLOW)
            certs.write(path, certs.read(certs.shared("ca").cert))
            g.wait_for("tls-reloaded", 20)
            assert get(port).status == 502
            go.set()
            first.join()
            assert done == [200]
            assert get(port).status == 502


def test_a_server_that_sends_many_tickets():
    """Each is a record that brings nothing: some hundred are read over, and behind 64 KiB of them the connection is given up. Others are
    served in between."""
    for n, wanted in (100, b"hello\n"), (20000, b"502 Bad Gateway\n"):
        context = certs.server_context(versions=ssl.TLSVersion.TLSv1_3)
        context.num_tickets = n
        with TlsBackend(context=context) as b:
            port, done = free_port(), []
            text = config(port, "https://127.0.0.1:%d" % b.port, ca(), extra="runtime: {workers: 1}").replace(
                "routes: [", 'routes: [{match: {path: {exact: /own}}, respond: {body: own}}, ')
            with Gateway(text):
                t = threading.Thread(target=lambda: done.append(get(port).body))
                t.start()
                while t.is_alive():
                    assert get(port, "/own").body == b"own"
                t.join()
                assert done == [wanted], (n, done)


def hello_choosing(protocol):
    """A ServerHello of TLS 1.2 that chooses a protocol (ALPN), whatever was offered; no library's server does so."""
    alpn = bytes([len(protocol)]) + protocol
    alpn = b"\0\x10" + struct.pack(">HH", len(alpn) + 2, len(alpn)) + alpn
    extensions = alpn + b"\xff\1\0\1\0" + b"\0\x17\0\0"  # renegotiation, extended master secret
    body = b"\3\3" + os.urandom(32) + b"\0" + b"\xc0\x2b" + b"\0" + struct.pack(">H", len(extensions)) + extensions
    body = b"\2" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\3" + struct.pack(">H", len(body)) + body


def test_a_server_that_chooses_what_it_was_not_asked_for():
    for protocol, answer, name in (("http1", b"h2", "http/1.1"), ("http1", b"foo", "http/1.1"), ("h2", b"http/1.1", "h2")):
        said = []

        def serve(c):
            c.fill()
            c.send(hello_choosing(answer))
            said.append(c.s.recv(100))

        with lib.Backend(serve) as b:
            port = free_port()
            text = config(port, "https://127.0.0.1:%d" % b.port, ca()).replace("tls: {", "protocol: %s, tls: {" % protocol)
            with Gateway(text) as g:
                assert get(port).status == 502, (protocol, answer)
                g.wait_for("it chose a protocol (ALPN) that is not " + name)
                assert g.access()[0]["fault"] == "back-tls"
                lib.until(lambda: said, "the server has been told nothing")
                assert said[0] == b"\x15\3\3\0\2\2\x2f", said  # fatal: illegal parameter


def test_a_server_that_chooses_nothing():
    with Case() as c:
        assert get(c.port).status == 200
    with TlsBackend() as b:
        port = free_port()
        with Gateway(config(port, "https://127.0.0.1:%d" % b.port, ca()).replace("tls: {", "protocol: h2, tls: {")) as g:
            assert get(port).status == 502
            g.wait_for("it did not agree (ALPN) to speak h2")
            assert g.access()[0]["fault"] == "back-tls"


def test_the_end_without_a_close_notify():
    """A body that lasts until the end is cut where the end is not authentic; one with a length is whole."""
    def serve(c):
        target = c.request().target
        if target == "/until":
            c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
            time.sleep(0.1)
            c.s.unwrap()
        elif target == "/cut":
            c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
            time.sleep(0.1)
        else:
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    with Case(serve=serve) as c:
        for target, whole in (("/until", True), ("/cut", False), ("/length", True)):
            with connect(c.port) as k:
                k.send(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target.encode())
                try:
                    body = k.response().body
                    assert whole and body == b"hello", (target, body)
                except (EOFError, ConnectionResetError):
                    assert not whole, target


def test_a_server_that_speaks_no_tls():
    with lib.Backend(lambda c: (c.fill(), c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))) as b:
        port = free_port()
        with Gateway(config(port, "https://127.0.0.1:%d" % b.port, ca())) as g:
            assert get(port).status == 502
            g.wait_for("backend-tls-failed")


def test_a_handshake_without_end():
    """Of a message that a server begins, GnuTLS itself would keep 16 MiB."""
    def serve(c):
        c.fill()
        head = b"\x02" + (16000000).to_bytes(3, "big") + b"\x03\x03" + os.urandom(32) + b"\0\x13\x01\0\xff\xff\xfe\xfe\xff\xf0"
        c.send(b"\x16\x03\x03" + len(head).to_bytes(2, "big") + head)
        while True:
            c.send(b"\x16\x03\x03\x40\x00" + b"x" * 16384)

    with lib.Backend(serve) as b:
        port = free_port()
        with Gateway(config(port, "https://127.0.0.1:%d" % b.port, ca())) as g:
            assert get(port).status == 502
            g.wait_for("its handshake is longer than 64 KiB")


def test_a_server_that_does_not_shake_hands():
    with lib.Backend(lambda c: time.sleep(20)) as b:
        port = free_port()
        text = config(port, "https://127.0.0.1:%d" % b.port, ca()).replace("tls: {", "timeouts: {connect: 300ms}, tls: {")
        with Gateway(text):
            assert get(port).status == 504


def test_openssl_and_gnutls_servers():
    cert = certs.shared("server")
    commands = [
        (["openssl", "s_server", "-accept", "127.0.0.1:%d", "-cert", cert.cert, "-key", cert.key, "-www", "-quiet"], ()),
        (["openssl", "s_server", "-accept", "127.0.0.1:%d", "-cert", cert.cert, "-key", cert.key, "-www", "-quiet", "-tls1_2"], ()),
        (["gnutls-serv", "--port", "%d", "--x509certfile", cert.cert, "--x509keyfile", cert.key, "--http", "-q"], ()),
    ]
    for args, _ in commands:
        server = free_port()
        p = subprocess.Popen([a % server if "%d" in a else a for a in args], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            port = free_port()
            with Gateway(config(port, "https://127.0.0.1:%d" % server, ca())) as g:
                lib.listening(server)
                m = get(port)
                assert m.status == 200 and re.search(b"TLS", m.body), (args, m.line, g.stderr())
        finally:
            p.kill()
            p.wait()


def test_large_bodies_both_ways():
    def serve(c):
        while True:
            m = c.request()
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(m.body))
            c.send(m.body)

    body = os.urandom(4 << 20)
    with Case(serve=serve) as c, connect(c.port, 30) as k:
        for _ in range(3):
            threading.Thread(target=k.send, args=(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body,)).start()
            assert k.response().body == body
