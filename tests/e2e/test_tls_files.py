# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates and keys as files: what is refused at start, forms of keys, and renewal under load."""
import os
import ssl
import threading
import time

import certs
import h2_peer
import lib
from certs import openssl, read, write
from lib import Gateway, free_port

ROUTES = '  - {match: {path: /}, respond: {status: 200, body: "own\\n"}}'
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


class Files:
    """One certificate in two files that may be written over."""

    def __init__(self, first):
        self.dir = os.path.join(lib.WORK, "files-%d" % free_port())
        os.makedirs(self.dir)
        self.cert, self.key = os.path.join(self.dir, "site.pem"), os.path.join(self.dir, "site.key")
        self.put(first)

    def put(self, c):
        write(self.cert, read(c.cert))
        write(self.key, read(c.key))


def config(port, files, more="", top=""):
    return certs.https_config(port, ([("site", files, more)], "{certificates: [site]}"), ROUTES, top)


def refused(files, *words, more="", env=None):
    """A gateway does not start for these reasons; and who checks with the files is told before, unless it hangs on the environment."""
    port = free_port()
    path = os.path.join(lib.WORK, "refused.yaml")
    write(path, config(port, files, more).encode())
    status, _, err = lib.toronc("check", "--with-files", path)
    assert env is not None or status == 1 and " error: " in err and "[T062" in err, (words, err)
    g = Gateway(config(port, files, more), env=env)
    g.start(wait=False)
    code = g.process.wait(20 * lib.SLOW)
    text = g.stderr()
    assert code == 1, (code, text)
    for word in ("gateway.yaml:2:9", *words):
        assert word in text, (word, text)


def serial(port):
    with certs.connect(port) as c:
        c.send(REQUEST)
        assert c.response().body == b"own\n"
        return c.s.getpeercert()["serialNumber"]


def test_what_is_refused_at_start():
    ca, site = certs.shared("ca"), certs.shared("site")
    files = Files(site)
    refused(certs.Certificate("/nowhere/x"), "cannot open /nowhere/x.pem")
    write(files.key, read(certs.shared("client").key))
    refused(files, "the key is not that of the certificate")
    write(files.key, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    refused(files, files.key)
    files.put(site)
    write(files.cert, b"no certificate\n")
    refused(files, files.cert)
    files.put(ca.issue("old", "DNS:localhost", begins=-3, ends=-1))
    refused(files, "has expired")
    files.put(ca.issue("young", "DNS:localhost", begins=1))
    refused(files, "is not valid yet")
    files.put(site)
    write(files.cert, read(certs.shared("client").cert) + read(site.cert))
    refused(files, "out of order")
    odd = certs.Certificate("pkcs11:token=x")
    odd.cert = "pkcs11:token=x"
    odd.key = site.key
    refused(odd, "PKCS #11 tokens are not supported")


def test_forms_of_keys():
    ca = certs.shared("ca")
    for kind, forms in (("ec", ["ec"]), ("rsa", ["rsa"]), ("ed25519", [])):
        c = ca.issue("form", "DNS:localhost", key=kind)
        files = Files(c)
        keys = [read(c.key)]
        for form in forms:  # SEC 1, PKCS#1
            keys.append(openssl(form, "-in", c.key, *(["-traditional"] if form == "rsa" else [])))
        if kind == "ec":
            keys.append(openssl("ecparam", "-name", "prime256v1") + keys[1])
        for key in keys:
            write(files.key, key)
            port = free_port()
            with Gateway(config(port, files)):
                serial(port)


def test_encrypted_keys():
    c = certs.shared("ca").issue("locked", "DNS:localhost")
    files = Files(c)
    passphrase = os.path.join(files.dir, "passphrase")
    write(passphrase, b"open sesame\n")
    for args in (("pkcs8", "-topk8", "-in", c.key, "-passout", "pass:open sesame"),
                 ("pkcs8", "-topk8", "-in", c.key, "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-passout", "pass:open sesame")):
        write(files.key, openssl(*args))
        for more, env in ((', passphrase: {file: "%s"}' % passphrase, None), (", passphrase: {env: PHRASE}", {"PHRASE": "open sesame"})):
            port = free_port()
            with Gateway(config(port, files, more), env=env):
                serial(port)
    refused(files, "there is no passphrase")
    refused(files, "the passphrase does not open the key", more=", passphrase: {env: PHRASE}", env={"PHRASE": "wrong"})


def test_ocsp():
    ca = certs.Authority("With OCSP")
    c = ca.issue("stapled", "DNS:localhost")
    files = Files(c)
    staple = ca.ocsp(c)
    port = free_port()
    with Gateway(config(port, files, ', ocsp: "%s"' % staple)) as g:
        def ask(*args):
            p = lib.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-servername", "localhost", "-status", *args], timeout=20,
                        input=b"")
            return p.stdout.decode(errors="replace")
        for version in ("-tls1_2", "-tls1_3"):
            assert "OCSP Response Status: successful" in ask(version) and "Cert Status: good" in ask(version)
        before = read(staple)
        time.sleep(1.1)
        ca.ocsp(c)
        assert read(staple) != before
        g.wait_for("certificate-reloaded")
        assert "Cert Status: good" in ask("-tls1_3")
        write(staple, b"nonsense")
        g.wait_for("is no OCSP response")
        assert "Cert Status: good" in ask("-tls1_3")
    refused(files, "is no OCSP response", more=', ocsp: "%s"' % staple)
    other = ca.ocsp(ca.issue("other"), "other.der")
    refused(files, "is not about this certificate", more=', ocsp: "%s"' % other)


def test_what_expires_while_it_runs():
    """A stapled response is left away, a certificate stays, a list of revoked ones lets nobody in: each is told once, and mended by a new file."""
    ca, soon = certs.Authority("Soon"), 6 * lib.SLOW
    site, client, server = (ca.issue(name, "DNS:localhost,IP:127.0.0.1") for name in ("site", "client", "server"))
    staple, crl = ca.ocsp(site, seconds=soon), ca.crl(seconds=soon)
    ports = [free_port() for _ in range(4)]
    text = """\
certificates:
  site: {cert: "%s", key: {file: "%s"}, ocsp: "%s"}
  fleeting: {cert: "%s", key: {file: "%s"}}
listeners:
  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [site], client_auth: {mode: optional, ca: "%s", crl: "%s"}}}
  - {name: old, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [fleeting]}}
  - {name: plain, address: 127.0.0.1, port: %d, protocol: http}
routes:
  - {match: {path: /}, respond: {body: "own\\n"}}
  - {match: {path: /behind}, backend: {url: "https://127.0.0.1:%d", tls: {ca: "%s", crl: "%s"}}}
"""
    fleeting = ca.issue("fleeting", "DNS:localhost", ends=soon / 86400)
    backend = certs.TlsBackend(lambda c: (c.request(), c.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")), certs.server_context(server))
    config = text % (site.cert, site.key, staple, fleeting.cert, fleeting.key, ports[0], ca.cert, crl, ports[1], ports[2], backend.port, ca.cert, crl)

    def is_stapled():
        p = lib.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % ports[0], "-servername", "localhost", "-status"], timeout=20, input=b"")
        return b"Cert Status: good" in p.stdout

    def comes_in():
        try:
            with certs.connect(ports[0], certs.client_context(client, ca)) as c:
                c.send(REQUEST)
                return c.response().body == b"own\n"
        except (OSError, EOFError):
            return False

    with backend, Gateway(config) as g:
        assert is_stapled() and comes_in() and lib.get(ports[2], "/behind").body == b"hi"
        for event in ("ocsp-expired", "crl-expired", "certificate-expired"):
            g.wait_for(event, seconds=20)
        assert not is_stapled()
        assert not comes_in()
        g.wait_for("client 127.0.0.1 for localhost: the certificate is refused: the revocation list is out of date")
        assert lib.get(ports[2], "/behind").status == 502
        g.wait_for("as 127.0.0.1: the certificate is refused: the revocation list is out of date")
        p = lib.run(["curl", "-sk", "--noproxy", "*", "https://localhost:%d/" % ports[1]], timeout=20)
        assert p.stdout == b"own\n", p.stdout
        time.sleep(2.5)
        told = g.stderr()
        assert (told.count("ocsp-expired"), told.count("certificate-expired"), told.count("crl-expired")) == (1, 1, 2), told
        ca.ocsp(site)
        ca.crl()
        g.wait_for("tls-reloaded", times=2)
        g.wait_for("certificate-reloaded")
        assert is_stapled() and comes_in() and lib.get(ports[2], "/behind").status == 200


def test_what_becomes_good_by_itself_is_taken():
    """A certificate that is not valid yet is told once, and taken when its time has come, without a change of files."""
    ca, site = certs.shared("ca"), certs.shared("site")
    files, port = Files(site), free_port()
    with Gateway(config(port, files)) as g:
        before = serial(port)
        files.put(ca.issue("young", "DNS:localhost", begins=8 * lib.SLOW / 86400))
        g.wait_for("is not valid yet")
        assert serial(port) == before
        g.wait_for("certificate-reloaded", seconds=30)
        assert serial(port) != before
        assert g.stderr().count("certificate-refused") == 1


def write_in_place(path, data):
    """As a careless renewal does: for a moment, the file holds half of it."""
    with open(path, "wb") as f:
        f.write(data[:len(data) // 2])
        f.flush()
        f.write(data[len(data) // 2:])


def spoil(files, kind):
    """Something that must not be taken: rubbish, half a file, another's key, an expired pair."""
    if kind == 0:
        write(files.cert, b"rubbish")
    elif kind == 1:
        write_in_place(files.cert, read(files.cert)[:200])
    elif kind == 2:
        write(files.key, read(certs.shared("client").key))
    else:
        files.put(files.expired)


def renew(files, first, count, g, port, every):
    """Writes `count` pairs, each in use before the next, in one step and in place; a bad one after each `every`."""
    ca = certs.shared("ca")
    pool = [first, ca.issue("site", "DNS:localhost"), ca.issue("site", "DNS:localhost", key="rsa")]
    serials = [openssl("x509", "-in", c.cert, "-noout", "-serial").decode().strip().split("=")[1] for c in pool]
    files.expired = ca.issue("site", "DNS:localhost", begins=-9, ends=-1)
    for i in range(1, count + 1):
        if i % every == 0:
            refused_before = g.stderr().count("certificate-refused")
            spoil(files, i // every % 4)
            g.wait_for("certificate-refused", 30, refused_before + 1)
            assert serial(port) == serials[(i - 1) % 3]
        if i % 2:
            files.put(pool[i % 3])
        else:
            write_in_place(files.cert, read(pool[i % 3].cert))
            write_in_place(files.key, read(pool[i % 3].key))
        lib.until(lambda: serial(port) == serials[i % 3], g.stderr, 30)
        yield i


class Load:
    """Clients of HTTP/1.1 and HTTP/2 that keep connections, and ones that connect each time; what goes wrong is in .errors."""

    def __init__(self, port):
        self.port, self.stopped, self.errors, self.done = port, False, [], [0] * 6
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(6)]
        for t in self.threads:
            t.start()

    def open(self, is_h2):
        if is_h2:
            return h2_peer.Client(self.port, certs.client_context(alpn=["h2"]))
        return certs.connect(self.port, certs.client_context())

    def ask(self, c, is_h2):
        if is_h2:
            fields = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]
            streams = [c.request(fields) for _ in range(3)]
            return all(c.response(s).data == b"own\n" for s in streams)
        c.send(REQUEST)
        return c.response().body == b"own\n"

    def run(self, i):
        keeps, is_h2, c = i % 2 == 0, i % 3 == 0 and h2_peer.h2 is not None, None
        while not self.stopped:
            try:
                c = c or self.open(is_h2)
                assert self.ask(c, is_h2)
                self.done[i] += 1
                if not keeps:
                    c.close()
                    c = None
                time.sleep(0.005)
            except Exception as e:  # noqa: B902
                self.errors.append(repr(e))
                c = None
        if c:
            c.close()

    def stop(self):
        self.stopped = True
        for t in self.threads:
            t.join(20 * lib.SLOW)


def n_open(g):
    return len(os.listdir("/proc/%d/fd" % g.process.pid))


def test_renewal_under_load():
    """$TORON_RELOADS says how many; what they leave behind is judged from 100 on."""
    count, warm = int(os.environ.get("TORON_RELOADS", "12")), None
    first = certs.shared("ca").issue("site", "DNS:localhost")
    files = Files(first)
    port = free_port()
    with Gateway(config(port, files, top="runtime: {workers: 2}")) as g:
        load = Load(port)
        try:
            for i in renew(files, first, count, g, port, 3):
                if i == 50:
                    warm = g.rss_kib(), n_open(g)
                    print("after 50: %d KiB, %d descriptors, answers %s" % (*warm, load.done))
            end = g.rss_kib(), n_open(g)
        finally:
            load.stop()
        print("after %d: %d KiB, %d descriptors, answers %s, errors %d" % (count, *end, load.done, len(load.errors)))
        assert not load.errors, load.errors[:5]
        assert all(n > 10 for n in load.done), load.done
        said = g.stderr()
        assert said.count("certificate-reloaded") >= count and said.count("certificate-refused") >= count // 3
        assert "(refused since the start: %d)" % said.count("certificate-refused") in said
        if warm and count >= 100:
            assert end[0] < warm[0] + (1 << 20 if lib.DYNAMIC else 2048) and end[1] <= warm[1] + 8, (warm, end)


test_renewal_under_load.seconds = 120 + 6 * int(os.environ.get("TORON_RELOADS", "12"))


def test_the_trusted_change():
    ca = certs.Authority("Old clients")
    path = os.path.join(lib.WORK, "clients-%d.pem" % free_port())
    write(path, read(ca.cert))
    port = free_port()
    listener = '{certificates: [site], client_auth: {mode: require, ca: "%s"}}' % path
    client, new_ca = ca.issue("c"), certs.Authority("New clients")
    with Gateway(certs.https_config(port, ([("site", certs.shared("site"), "")], listener), ROUTES)) as g:
        def comes(c):
            try:
                with certs.connect(port, certs.client_context(c)) as k:
                    k.send(REQUEST)
                    return k.response().status == 200
            except (ssl.SSLError, EOFError, ConnectionResetError):
                return False
        assert comes(client)
        write(path, b"")
        g.wait_for("tls-refused")
        assert comes(client)
        write(path, read(new_ca.cert))
        g.wait_for("tls-reloaded")
        assert comes(new_ca.issue("n")) and not comes(client)


def test_a_backends_trust_changes():
    ca = certs.Authority("Servers")
    path = os.path.join(lib.WORK, "servers-%d.pem" % free_port())
    write(path, read(certs.shared("ca").cert))
    with certs.TlsBackend(context=certs.server_context(ca.issue("s", "IP:127.0.0.1"))) as b:
        port = free_port()
        text = """\
listeners: [{address: 127.0.0.1, port: %d, protocol: http}]
routes: [{match: {path: /}, backend: {url: "https://127.0.0.1:%d", tls: {ca: "%s"}}}]
""" % (port, b.port, path)
        with Gateway(text) as g:
            assert lib.get(port).status == 502
            write(path, read(ca.cert))
            g.wait_for("tls-reloaded")
            assert lib.get(port).status == 200
