# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates for tests, made by openssl when they are needed: an authority, what it issues, what it revokes. Nothing of it outlives the
run."""
import os
import ssl
import subprocess
import threading
import time

import lib

CONF = """\
[ca]
default_ca = d
[d]
database = %(dir)s/index.txt
serial = %(dir)s/serial
crlnumber = %(dir)s/crlnumber
new_certs_dir = %(dir)s
certificate = %(dir)s/ca.pem
private_key = %(dir)s/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = p
unique_subject = no
copy_extensions = none
[p]
commonName = optional
organizationName = optional
[req]
distinguished_name = n
prompt = no
[n]
commonName = unused
"""
KEYS = {
    "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ed25519": ["-algorithm", "ed25519"],
}


def openssl(*args, data=None, env=None):
    p = subprocess.run(["openssl", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, input=data, timeout=60 * lib.SLOW, env=env)
    if p.returncode != 0:
        raise AssertionError("openssl %s:\n%s" % (" ".join(args), p.stderr.decode(errors="replace")))
    return p.stdout


CLOCK = """\
#include <stdlib.h>
#include <time.h>
time_t time(time_t *t) { struct timespec now; clock_gettime(CLOCK_REALTIME, &now); now.tv_sec -= atoi(getenv("EARLIER"));
	if (t != NULL) *t = now.tv_sec; return now.tv_sec; }
"""


def earlier(seconds):
    """The environment of a program that takes it to be earlier."""
    source, shim = os.path.join(lib.WORK, "clock.c"), os.path.join(lib.WORK, "clock.so")
    if not os.path.exists(shim):
        write(source, CLOCK.encode())
        p = lib.run(["cc", "-shared", "-fPIC", "-o", shim, source])
        assert p.returncode == 0, p.stderr
    return {**os.environ, "LD_PRELOAD": shim, "EARLIER": str(seconds)}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    """In one step, as a careful renewal does."""
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


class Certificate:
    def __init__(self, path):
        self.cert, self.key = path + ".pem", path + ".key"


def _stamp(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


class Authority:
    """A certificate authority in a folder of its own; `parent`: an intermediate one."""
    count = 0

    def __init__(self, name, parent=None):
        Authority.count += 1
        self.dir = os.path.join(lib.WORK, "ca-%d" % Authority.count)
        os.makedirs(self.dir)
        self.conf = self.path("conf")
        self.n = 0
        for file, text in (("conf", CONF % {"dir": self.dir}), ("index.txt", ""), ("serial", "%04x\n" % (Authority.count * 16)),
                           ("crlnumber", "01\n")):
            with open(self.path(file), "w") as f:
                f.write(text)
        self.cert, self.key = self.path("ca.pem"), self.path("ca.key")
        openssl("genpkey", *KEYS["ec"], "-out", self.key)
        if parent is None:
            openssl("req", "-config", self.conf, "-x509", "-new", "-key", self.key, "-subj", "/CN=" + name, "-days", "30", "-out", self.cert,
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
        else:
            made = parent.issue(name, key_file=self.key, extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
            write(self.cert, read(made.cert))

    def path(self, name):
        return os.path.join(self.dir, name)

    def issue(self, cn, san=None, key="ec", begins=-1, ends=30, key_file=None, extensions=None, usage=None, subject=None):
        self.n += 1
        c = Certificate(self.path("c%d" % self.n))
        if key_file:
            c.key = key_file
        else:
            openssl("genpkey", *KEYS[key], "-out", c.key)
        request, ext = self.path("request"), self.path("ext")
        openssl("req", "-config", self.conf, "-new", "-key", c.key, "-subj", subject or "/CN=" + cn, "-out", request)
        text = extensions or "basicConstraints=CA:FALSE\n"
        if san:
            text += "subjectAltName=%s\n" % san
        if usage:
            text += "extendedKeyUsage=%s\n" % usage
        with open(ext, "w") as f:
            f.write(text)
        openssl("ca", "-batch", "-notext", "-config", self.conf, "-in", request, "-out", c.cert, "-extfile", ext, "-startdate", _stamp(begins),
                "-enddate", _stamp(ends))
        return c

    def revoke(self, c):
        openssl("ca", "-config", self.conf, "-revoke", c.cert)

    def crl(self, name="crl.pem", seconds=None):
        path = self.path(name)
        openssl("ca", "-config", self.conf, "-gencrl", "-out", path + ".new", *(["-crlsec", str(seconds)] if seconds else []))
        os.rename(path + ".new", path)
        return path

    def ocsp(self, c, name="ocsp.der", seconds=None):
        """A response that holds for a day, or as many seconds, of which openssl knows only sixties: it then takes it to be earlier."""
        request, path = self.path("ocsp.req"), self.path(name)
        openssl("ocsp", "-issuer", self.cert, "-cert", c.cert, "-reqout", request, "-no_nonce")
        openssl("ocsp", "-index", self.path("index.txt"), "-CA", self.cert, "-rsigner", self.cert, "-rkey", self.key, "-reqin", request,
                "-respout", path + ".new", *(["-nmin", "1"] if seconds else ["-ndays", "1"]), env=earlier(60 - seconds) if seconds else None)
        os.rename(path + ".new", path)
        return path


def documented_alert(why):
    """What docs/tls.md says of the reason that holds these words."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "tls.md"), encoding="utf-8") as f:
        rows = [line.strip("|\n ").split(" | ") for line in f if line.startswith("| ")]
    found = [row[1].strip("`") for row in rows if why in row[0]]
    assert len(found) == 1, (why, found)
    return found[0]


_shared = {}


def shared(name):
    """Certificates that many tests use: "ca", and "site" for localhost and a.example, "client", "server" for 127.0.0.1."""
    if not _shared:
        ca = Authority("Test CA")
        _shared["ca"] = ca
        _shared["site"] = ca.issue("a.example", "DNS:a.example,DNS:localhost,IP:127.0.0.1")
        _shared["client"] = ca.issue("Alice", "URI:spiffe://example/alice,email:alice@example", subject="/O=Example/CN=Alice")
        _shared["server"] = ca.issue("server", "IP:127.0.0.1,DNS:server.example,DNS:localhost")
    return _shared[name]


def client_context(client=None, ca=None, versions=None, alpn=None, name_check=True):
    ctx = ssl.create_default_context(cafile=(ca or shared("ca")).cert)
    ctx.check_hostname = name_check
    if versions:
        ctx.minimum_version = ctx.maximum_version = versions
    if client:
        ctx.load_cert_chain(client.cert, client.key)
    if alpn:
        ctx.set_alpn_protocols(alpn)
    return ctx


def server_context(cert=None, client_ca=None, versions=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert = cert or shared("server")
    ctx.load_cert_chain(cert.cert, cert.key)
    if client_ca:
        ctx.load_verify_locations(client_ca.cert)
        ctx.verify_mode = ssl.CERT_REQUIRED
    if versions:
        ctx.minimum_version = ctx.maximum_version = versions
    return ctx


class TlsConnection(lib.Connection):
    """As lib.Connection. Several threads may use it: a session takes one read and one write at a time, which OpenSSL leaves to us."""

    def end(self):
        """Says close_notify, and reads on."""
        with self.lock:
            self.s.settimeout(0.01)
            try:
                self.s.unwrap()
            except (OSError, ValueError):
                pass
            self.s.settimeout(10 * lib.SLOW)

    def __init__(self, s):
        super().__init__(s)
        self.lock = threading.Lock()


def connect(port, context=None, name="localhost", session=None, seconds=10):
    c = lib.connect(port, seconds)
    context = context or client_context()
    try:
        return TlsConnection(context.wrap_socket(c.s, server_hostname=name, session=session))
    except BaseException:
        c.close()
        raise


class TlsBackend(lib.Backend):
    """A backend behind TLS. Handshakes that fail are in self.failures."""

    def __init__(self, serve=None, context=None, **kw):
        self.context = context or server_context()
        self.failures, self.sessions = [], []
        super().__init__(serve, **kw)
        self.serve = self.note(self.serve)

    def note(self, serve):
        """In TLS 1.3 the server's handshake may be through before the client refuses."""
        def noting(c):
            try:
                serve(c)
            except ssl.SSLError as e:
                self.failures.append(e)
                raise
        return noting

    def run(self, c):
        try:
            c.s = self.context.wrap_socket(c.s, server_side=True)
        except (OSError, ssl.SSLError) as e:
            self.failures.append(e)
            c.close()
            return
        self.sessions.append((c.s.version(), c.s.session_reused, c.s.getpeercert()))
        super().run(c)


def https_config(port, tls, routes, extra=""):
    """tls: certificates by name and the listener's tls as flow mappings."""
    names, listener = tls
    lines = ["certificates:"] + ["  %s: {cert: \"%s\", key: {file: \"%s\"}%s}" % (n, c.cert, c.key, more) for n, c, more in names]
    return "\n".join(lines) + """
listeners:
  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: %s}
log: {access: {enabled: true, flush: 0}}
routes:
%s
%s""" % (port, listener, routes, extra)
