# SPDX-License-Identifier: MIT OR Apache-2.0
"""TLS towards clients: real ones of three libraries, certificates of all kinds by name, client certificates good and bad, resumption,
hostile bytes, time limits."""
import os
import re
import socket
import ssl
import struct
import subprocess
import time

import certs
import lib
from lib import Gateway, free_port

OWN = '  - {match: {path: /}, respond: {status: 200, body: "own\\n"}}'
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def gateway(names, listener, routes=OWN, extra="", **kw):
    port = free_port()
    return port, Gateway(certs.https_config(port, (names, listener), routes, extra), **kw)


def site():
    return [("site", certs.shared("site"), "")], "{certificates: [site]}"


def curl(port, *args, path="/", name="localhost"):
    p = lib.run(["curl", "-sS", "--noproxy", "*", "--cacert", certs.shared("ca").cert, "--resolve", "%s:%d:127.0.0.1" % (name, port), *args,
                 "https://%s:%d%s" % (name, port, path)], timeout=20)
    return p.returncode, p.stdout, p.stderr.decode(errors="replace")


def s_client(port, *args, name="localhost", data=b"", stay=False):
    """Its output. With `stay`, it reads until the server ends the connection."""
    p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *(["-servername", name] if name else ["-noservername"]), "-CAfile", certs.shared("ca").cert,
                        "-nameopt", "RFC2253", *(["-ign_eof"] if stay else []), *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=20 * lib.SLOW)
    return p.stdout.decode(errors="replace")


def alert_of(port, context, name="localhost"):
    """What the gateway says to a client with this context, which reads after its handshake (TLS 1.3 tells then)."""
    try:
        with certs.connect(port, context, name) as c:
            c.send(REQUEST)
            c.fill()
    except ssl.SSLError as e:
        return str(e)
    except (ConnectionError, EOFError) as e:
        return repr(e)
    return "none"


# ---- clients of three libraries ----

def test_curl_speaks_both_versions():
    port, g = gateway(*site())
    with g:
        for version in ("1.2", "1.3"):
            code, out, err = curl(port, "--tlsv" + version, "--tls-max", version, "-w", "%{http_code} %{http_version}")
            assert (code, out) == (0, b"own\n200 2"), err
        assert g.access(2)[0]["status"] == 200


def test_keys_of_all_kinds():
    ca = certs.shared("ca")
    kinds = {"ec": "ECDSA", "p384": "ECDSA", "rsa": "RSA", "ed25519": "Ed25519"}
    names = [(k, ca.issue(k, "DNS:%s.example" % k, key=k), "") for k in kinds]
    port, g = gateway(names, "{certificates: [%s]}" % ", ".join(kinds))
    with g:
        for kind, signature in kinds.items():
            for version in ("-tls1_2", "-tls1_3"):
                text = s_client(port, version, name=kind + ".example", data=REQUEST)
                assert "Verify return code: 0 (ok)" in text and "CN=%s\n" % kind in text, text
                assert re.search("Peer signature type: (%s|RSA-PSS)" % signature, text, re.I), text


def test_gnutls_cli():
    port, g = gateway(*site())
    with g:
        for priority in ("NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"):
            p = lib.run(["gnutls-cli", "--priority", priority, "--x509cafile", certs.shared("ca").cert,
                         "--verify-hostname=localhost", "-p", str(port), "127.0.0.1"], timeout=20, input=REQUEST.replace(
                             b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            text = p.stdout.decode(errors="replace")
            assert "The certificate is trusted" in text and "HTTP/1.1 200 OK" in text, text


def test_python_keeps_the_connection():
    port, g = gateway(*site())
    with g, certs.connect(port) as c:
        for _ in range(50):
            c.send(REQUEST)
            assert c.response().body == b"own\n"
        c.send(REQUEST * 20)
        for _ in range(20):
            assert c.response().body == b"own\n"


# ---- certificates by name ----

def test_the_name_decides():
    ca = certs.shared("ca")
    names = [("first", ca.issue("first", "DNS:first.example"), ""), ("wild", ca.issue("wild", "DNS:*.w.example"), ""),
             ("exact", ca.issue("exact", "DNS:x.w.example"), ""), ("rsa", ca.issue("firstrsa", "DNS:first.example", key="rsa"), "")]
    port, g = gateway(names, "{certificates: [first, wild, exact, rsa]}")
    with g:
        for name, cn in (("first.example", "first"), ("a.w.example", "wild"), ("A.W.example", "wild"), ("x.w.example", "exact"),
                         ("a.b.w.example", "first"), ("w.example", "first"), ("other", "first")):
            assert "CN=%s\n" % cn in s_client(port, name=name), name
        assert "CN=first\n" in s_client(port, name=None)
        # Who cannot verify ECDSA gets the other key for the same name.
        for args in (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256")):
            assert "CN=firstrsa\n" in s_client(port, *args, name="first.example"), args


def hello(name, share):
    """A ClientHello of TLS 1.3 in a record; without a key share of P-256, the only group, the server asks for one (HelloRetryRequest)."""
    def extension(kind, body):
        return struct.pack(">HH", kind, len(body)) + body
    key = b"\0\x17" + struct.pack(">H", len(share)) + share if share else b""
    extensions = extension(43, b"\2\3\4") + extension(10, b"\0\2\0\x17") + extension(13, b"\0\2\4\3") + \
        extension(51, struct.pack(">H", len(key)) + key)
    if name:
        extensions += extension(0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name)
    body = b"\3\3" + b"r" * 32 + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    body = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(body)) + body


def record(c):
    kind, _, size = struct.unpack(">BHH", c.exactly(5))
    return kind, c.exactly(size)


def test_the_second_hello_asks_for_the_same_name():
    key = certs.openssl("ec", "-pubout", "-outform", "DER", data=certs.read(certs.shared("site").key))[-65:]
    port, g = gateway(*site())
    with g:
        # A handshake message, or fatal: illegal parameter. A name that is left out holds on.
        good, bad, a = (22, False), (21, True), b"a.example"
        for first, second, wanted in ((a, a, good), (None, None, good), (a, None, good), (a, b"localhost", bad), (None, a, bad)):
            with lib.connect(port) as c:
                c.send(hello(first, None))
                retry = record(c)[1]
                assert retry[:1] == b"\2" and retry[6:10] == b"\xcf\x21\xad\x74", retry  # the random of a HelloRetryRequest
                c.send(hello(second, key))
                kind, body = record(c)
                if kind == 20:  # change_cipher_spec, for middleboxes
                    kind, body = record(c)
                assert (kind, body[:2] == b"\2\x2f") == wanted, (first, second, kind, body)


def test_protocols():
    port, g = gateway(*site())
    with g:
        assert "ALPN protocol: http/1.1" in s_client(port, "-alpn", "http/1.1,foo")
        assert "No ALPN negotiated" in s_client(port)
        assert "alert no application protocol" in s_client(port, "-alpn", "foo")


def test_versions():
    names, _ = site()
    port, g = gateway(names, '{certificates: [site], min_version: "1.3"}')
    with g:
        assert "alert protocol version" in s_client(port, "-tls1_2")
        assert "Verify return code: 0 (ok)" in s_client(port, "-tls1_3")
        g.wait_for("tls-handshake-failed")
    port, g = gateway(*site())
    with g:
        assert "alert protocol version" in s_client(port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")


# ---- client certificates ----

def test_client_certificates():
    ca, other = certs.shared("ca"), certs.Authority("Other CA")
    middle = certs.Authority("Middle", parent=ca)
    revoked = ca.issue("revoked")
    ca.revoke(revoked)
    crl = ca.crl()
    deep = middle.issue("deep")
    chain = certs.Certificate(middle.path("chain"))
    certs.write(chain.cert, certs.read(deep.cert) + certs.read(middle.cert))
    certs.write(chain.key, certs.read(deep.key))
    good = [certs.shared("client"), ca.issue("rsa", key="rsa"), ca.issue("ed", key="ed25519"), ca.issue("eku", usage="clientAuth")]
    bad = [  # certificate, alert in OpenSSL's words, our words
        (ca.issue("old", begins=-10, ends=-1), "CERTIFICATE_EXPIRED", "it has expired"),
        (ca.issue("young", begins=1), "CERTIFICATE_EXPIRED", "it is not valid yet"),
        (revoked, "CERTIFICATE_REVOKED", "it is revoked"),
        (other.issue("stranger"), "UNKNOWN_CA", "its issuer is not trusted"),
        (deep, "UNKNOWN_CA", "a certificate in between is missing"),
        (ca.issue("server", usage="serverAuth"), "UNSUPPORTED_CERTIFICATE", "not for this purpose"),
    ]
    names, _ = site()
    routes = "  - {match: {path: /}, middlewares: [who], respond: {status: 200, body: yes}}"
    listener = '{certificates: [site], client_auth: {mode: %s, ca: "%s"%s}}'
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        port, g = gateway(names, listener % ("require", ca.cert, ', crl: "%s"' % crl))
        with g:
            for c in good:
                assert alert_of(port, certs.client_context(c, versions=version)) == "none", c.cert
            for c, alert, why in bad:
                said = alert_of(port, certs.client_context(c, versions=version))
                assert alert in said.upper().replace(" ", "_"), (why, said)
                assert certs.documented_alert(why) == alert.lower()
                g.wait_for(why)
            said = alert_of(port, certs.client_context(versions=version)).upper()
            assert "CERTIFICATE_REQUIRED" in said or "HANDSHAKE_FAILURE" in said or "BAD_CERTIFICATE" in said, said
            g.wait_for("no certificate was shown")
            assert "client 127.0.0.1 for localhost" in g.stderr()
    # An intermediate one has no CRL above, so the chain is tried without.
    port, g = gateway(names, listener % ("optional", ca.cert, ""))
    with g:
        assert alert_of(port, certs.client_context(chain)) == "none"
        assert alert_of(port, certs.client_context()) == "none"
        assert "UNKNOWN_CA" in alert_of(port, certs.client_context(other.issue("x"))).upper().replace(" ", "_")
    port, g = gateway(names, '{certificates: [site], client_auth: {mode: require, ca: "%s", depth: 1}}' % ca.cert)
    with g:
        assert alert_of(port, certs.client_context(certs.shared("client"))) == "none"
        assert alert_of(port, certs.client_context(chain)) != "none"
        g.wait_for("its chain is too long")


test_client_certificates.seconds = 120


def test_odd_names_in_client_certificates():
    """Names that cannot be read keep nobody waiting, controls in them break no header, no line of the log, and very many are bounded."""
    ca = certs.Authority("Odd")
    plain = "basicConstraints=CA:FALSE\n"
    broken = ca.issue("broken", extensions=plain + "2.5.29.17=DER:30:03:82:05:41\n")
    odd = [ca.issue("many", ",".join("DNS:n%d.example" % i for i in range(900))),
           ca.issue("lines", subject="/O=a\r\nx-evil: 1\n\x7f/CN=b\nc")]
    names, _ = site()
    seen = []

    def serve(c):
        while True:
            seen.append(c.request().fields)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with lib.Backend(serve) as b:
        routes = """\
  - match: {path: /}
    middlewares: [{headers: {request: {set: {x-client: "${tls.client.subject}|${tls.client.san}"}}}}]
    backend: {url: "http://127.0.0.1:%d"}""" % b.port
        port, g = gateway(names, '{certificates: [site], client_auth: {mode: require, ca: "%s"}}' % ca.cert, routes)
        with g:
            # OpenSSL does not show a certificate that it cannot read.
            lib.run(["gnutls-cli", "--insecure", "--x509certfile", broken.cert, "--x509keyfile", broken.key, "-p", str(port), "127.0.0.1"],
                    timeout=20, input=REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            for c in odd:
                said = alert_of(port, certs.client_context(c))
                assert said == "none" or "alert" in said.lower(), (c.cert, said)
                assert alert_of(port, certs.client_context(ca.issue("plain"))) == "none"
            g.stop()
            assert all(line[:2] == "20" or line[:1] == "{" for line in g.stderr().splitlines() if line), g.stderr()
    assert not any("x-evil" in f for f in seen)
    assert len(seen) > 3 and all(len(f.get("x-client", "")) < 4096 and f.get("x-client", "").isprintable() for f in seen), seen


# ---- resumption ----

def test_resumption():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        names, _ = site()
        for listener, resumes in (("{certificates: [site]}", True), ("{certificates: [site], session_tickets: false}", False)):
            port, g = gateway(names, listener)
            with g:
                context, session = certs.client_context(versions=version), None
                for i in range(3):
                    with certs.connect(port, context, session=session) as c:
                        c.send(REQUEST)
                        assert c.response().body == b"own\n"
                        assert c.s.session_reused == (resumes and i > 0), (version, listener, i)
                        session = c.s.session


def test_shared_ticket_keys():
    names, _ = site()
    path = os.path.join(lib.WORK, "tickets")
    certs.write(path, os.urandom(64))
    gateways = [gateway(names, '{certificates: [site], session_tickets: {keys: "%s"}}' % path) for _ in range(2)]
    with gateways[0][1] as one, gateways[1][1]:
        context = certs.client_context()
        with certs.connect(gateways[0][0], context) as c:
            c.send(REQUEST)
            c.response()
            session = c.s.session
        with certs.connect(gateways[1][0], context, session=session) as c:
            c.send(REQUEST)
            c.response()
            assert c.s.session_reused
        certs.write(path, os.urandom(64))
        one.wait_for("tls-reloaded")
        with certs.connect(gateways[0][0], context, session=session) as c:
            assert not c.s.session_reused


def test_who_was_revoked_does_not_resume():
    ca = certs.Authority("Clients")
    client = ca.issue("gone")
    crl = ca.crl()
    names, _ = site()
    path = os.path.join(lib.WORK, "tickets2")
    certs.write(path, os.urandom(64))
    port, g = gateway(names, '{certificates: [site], session_tickets: {keys: "%s"}, client_auth: {mode: require, ca: "%s", crl: "%s"}}' % (
        path, ca.cert, crl))
    with g:
        context = certs.client_context(client)
        with certs.connect(port, context) as c:
            c.send(REQUEST)
            c.response()
            session = c.s.session
        with certs.connect(port, context, session=session) as c:
            c.send(REQUEST)
            c.response()
            assert c.s.session_reused
            session = c.s.session
        ca.revoke(client)
        ca.crl()
        g.wait_for("tls-reloaded")
        try:
            with certs.connect(port, context, session=session) as c:
                c.send(REQUEST)
                c.fill()
            raise AssertionError("a revoked client got an answer")
        except (ssl.SSLError, ConnectionResetError, EOFError):
            pass
        g.wait_for("it is revoked")


# ---- what a client's TLS is to the request ----

def test_the_scheme_is_https():
    seen = []

    def serve(c):
        while True:
            seen.append(c.request().fields)
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with lib.Backend(serve) as b:
        port, g = gateway(*site(), routes='  - {match: {path: /, scheme: https}, backend: {url: "http://127.0.0.1:%d"}}' % b.port)
        with g:
            with certs.connect(port) as c:
                c.send(REQUEST)
                assert c.response().status == 200
    assert seen[0]["x-forwarded-proto"] == "https"


# ---- time, floods, hostile bytes ----

def test_a_slow_handshake_ends():
    names, listener = site()
    port = free_port()
    config = certs.https_config(port, (names, listener), OWN).replace("tls: {", "timeouts: {handshake: 300ms}, tls: {")
    with Gateway(config):
        with lib.connect(port) as c:
            assert c.is_closed()
        with lib.connect(port) as c:
            c.send(b"\x16\x03\x01\x02\x00\x01")
            assert c.is_closed()
        assert alert_of(port, certs.client_context()) == "none"


def test_the_limit_of_handshakes():
    """Who only half begins takes no more places than there are, holds each for the time limit, and leaves no mark on open connections."""
    port = free_port()
    text = certs.https_config(port, site(), OWN, "runtime: {workers: 1}").replace(
        "tls: {", "timeouts: {handshake: %dms}, limits: {handshakes: 4}, tls: {" % (3000 * lib.SLOW))
    with Gateway(text) as g, certs.connect(port) as other:
        def answers(c):
            c.send(REQUEST)
            return c.response().body == b"own\n"
        assert answers(other)
        half = [lib.connect(port) for _ in range(4)]
        for c in half[::2]:
            c.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        end = time.monotonic() + 10 * lib.SLOW
        while "handshake-limit" not in g.stderr():
            assert time.monotonic() < end, g.stderr()
            alert_of(port, certs.client_context())
            assert answers(other)
        for c in half:
            assert c.is_closed(10)
            c.close()
        end = time.monotonic() + 10 * lib.SLOW
        while alert_of(port, certs.client_context()) != "none":
            assert time.monotonic() < end, g.stderr()
        assert answers(other)


def test_idle_handshakes_give_way():
    """All places are taken by clients that say nothing: after a second they are there for whoever comes."""
    port = free_port()
    text = certs.https_config(port, site(), OWN, "runtime: {workers: 1}").replace("tls: {", "limits: {handshakes: 4}, timeouts: {handshake: 10m}, tls: {")
    with Gateway(text) as g:
        silent = [lib.connect(port) for _ in range(4)]
        end = time.monotonic() + 20 * lib.SLOW
        while alert_of(port, certs.client_context()) != "none":
            assert time.monotonic() < end, g.stderr()
            time.sleep(0.1)  # or the log would drop lines
        assert "the oldest was given up" in g.stderr()
        assert silent[0].is_closed()
        for c in silent:
            c.close()


def test_bytes_that_are_no_tls():
    port = free_port()
    with Gateway(certs.https_config(port, site(), OWN).replace("tls: {", "timeouts: {handshake: 500ms}, tls: {")) as g:
        for data in (REQUEST, b"\x00" * 100, os.urandom(3000), b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x15\x03\x03\x00\x02\x02\x28",
                     b"\x80\x2e\x01\x00\x02" + b"\x00" * 60, b"\x17\x03\x03\x00\x10" + b"y" * 16):
            with lib.connect(port) as c:
                try:
                    c.send(data)
                    c.rest()
                except OSError:
                    pass
        assert alert_of(port, certs.client_context()) == "none"
        g.wait_for("tls-handshake-failed")


def endless(kind, fragment):
    """A handshake message of 16 MB, in records of that many bytes."""
    head = bytes([kind]) + (16000000).to_bytes(3, "big") + b"\x03\x03" + bytes(32) + b"\0\0\x02\x13\x01\x01\0\xff\xff\xfe\xfe\xff\xf0"
    yield b"\x16\x03\x01" + len(head).to_bytes(2, "big") + head
    while True:
        yield b"\x16\x03\x01" + fragment.to_bytes(2, "big") + b"x" * fragment


def feed(c, records):
    """How many bytes the peer takes before it has had enough."""
    sent = 0
    for record in records:
        try:
            c.send(record)
        except OSError:
            break
        sent += len(record)
        assert sent < 16000000, "the peer takes all"
    return sent


def test_a_client_hello_without_end():
    port = free_port()
    with Gateway(certs.https_config(port, site(), OWN)) as g:
        for fragment in (16384, 100, 1):
            with lib.connect(port) as c:
                feed(c, endless(1, fragment))
            g.wait_for("its handshake is longer than 64 KiB")
        assert alert_of(port, certs.client_context()) == "none"


def test_a_client_hello_in_single_bytes():
    port, g = gateway(*site())
    with g, lib.connect(port) as raw:
        context = certs.client_context()
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        s = context.wrap_bio(into, out, server_hostname="localhost")

        def pump():
            for b in out.read():
                raw.send(bytes([b]))

        while True:
            try:
                s.do_handshake()
                break
            except ssl.SSLWantReadError:
                pump()
                into.write(raw.s.recv(1))
        s.write(REQUEST)
        pump()
        text = b""
        while not text.endswith(b"own\n"):
            try:
                text += s.read(100)
            except ssl.SSLWantReadError:
                into.write(raw.s.recv(1))


def test_renegotiation_is_refused():
    port, g = gateway(*site())
    with g:
        text = s_client(port, "-tls1_2", data=b"R\n")
        assert "no renegotiation" in text or "alert" in text or "closed" in text, text
        assert "RENEGOTIATING" in text
        assert alert_of(port, certs.client_context()) == "none"


def test_key_updates():
    port, g = gateway(*site())
    with g:
        p = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-tls1_3", "-servername", "localhost"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            for line in (b"K\n", b"k\n"):
                time.sleep(0.3 * lib.SLOW)
                p.stdin.write(line)
                p.stdin.flush()
            time.sleep(0.3 * lib.SLOW)
            p.stdin.write(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            p.stdin.flush()
            out, end = b"", time.monotonic() + 20 * lib.SLOW
            while b"own\n" not in out and time.monotonic() < end:
                data = os.read(p.stdout.fileno(), 4096)
                out += data
                if not data:
                    break
        finally:
            p.kill()
        assert out.count(b"KEYUPDATE") == 2 and b"\r\n\r\nown\n" in out, out


def test_a_large_answer_to_a_slow_reader_and_back():
    """Partial sends all along: no byte is lost, none comes twice."""
    with lib.Backend(lambda c: echo(c)) as b:
        port, g = gateway(*site(), routes='  - {match: {path: /}, backend: {url: "http://127.0.0.1:%d"}}' % b.port)
        with g:
            body = os.urandom(3 << 20)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with certs.connect(port, certs.client_context(versions=version), seconds=30) as c:
                    c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
                    c.send(body)
                    line, fields = c.head()
                    got = c.buffer
                    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                    while len(got) < len(body):
                        if len(got) < 200000:
                            time.sleep(0.002)
                        got += c.s.recv(16384)
                    assert got == body


def echo(c):
    while True:
        m = c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(m.body))
        c.send(m.body)


def test_the_end_is_told():
    """close_notify comes before the end of the connection, when it is an orderly one."""
    port, g = gateway(*site())
    with g:
        with certs.connect(port) as c:
            c.send(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert c.rest().endswith(b"own\n")
        context = certs.client_context()
        raw = lib.connect(port)
        with context.wrap_socket(raw.s, server_hostname="localhost", suppress_ragged_eofs=False) as s:
            s.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            while s.recv(1000):
                pass


def test_draining_lets_handshakes_finish():
    names, listener = site()
    port, g = gateway(names, listener)
    g.start()
    with lib.connect(port) as raw:
        context = certs.client_context()
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        s = context.wrap_bio(into, out, server_hostname="localhost")
        try:
            s.do_handshake()
        except ssl.SSLWantReadError:
            pass
        raw.send(out.read())
        time.sleep(0.2 * lib.SLOW)
        g.drain()
        g.wait_for("draining")
        text = b""
        while not text.endswith(b"own\n"):
            try:
                if not text:
                    s.do_handshake()
                    s.write(REQUEST) if not text else None
                    text = b" "
                text += s.read(1000)
            except ssl.SSLWantReadError:
                raw.send(out.read() or b"")
                into.write(raw.s.recv(4096))
    assert g.stop() == 0
