# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the grid of TLS peers is made of: certificates in every state, and clients and servers of three libraries that tell what they saw."""
import os
import re
import socket
import ssl
import subprocess
import time

import certs
import lib
from certs import Authority, Certificate

NAME = "site.example"
ANSWER = "answered by the gateway"
KEYS = ("ec", "rsa", "ed25519")
VERSIONS = ("1.2", "1.3")
GNUTLS_VERSION = "NORMAL:-VERS-ALL:+VERS-TLS%s"
ALERTS = {40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
          46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 51: "decrypt_error", 70: "protocol_version",
          80: "internal_error", 116: "certificate_required", 120: "no_application_protocol"}


class Seen:
    """What a peer saw: whether it was answered, whether it resumed, the alert that it was sent, and all that it said."""

    def __init__(self, text, answered=False, resumed=False):
        self.text, self.answered, self.resumed, self.alert = text, answered, resumed, alert_in(text)


def alert_in(text):
    """The alert that a program says it has got, by its name in RFC 8446; None if it says nothing of one."""
    found = re.search(r"[Aa]lert (?:number )?[\['](\d+)[\]']", text) or re.search(r"alert number (\d+)", text) or \
        re.search(r"Alert\[2\|(\d+)\] .*was received", text)
    if found:
        return ALERTS.get(int(found.group(1)), found.group(1))
    if "TLS alert" in text:  # curl, of both directions, level and description in one number
        found = [int(n) for n in re.findall(r"\(IN\), TLS alert, .* \((\d+)\)", text)]
        return next((ALERTS.get(n & 255, str(n)) for n in found if n >> 8 == 2), None)
    found = re.search(r"alert ((?!number)[a-z]+(?: [a-z]+)*)", text)
    return found.group(1).replace(" ", "_") if found else None


def without_middle(authority, san, key):
    """Signed by an authority in between that nobody gets to see."""
    return Authority("Between", parent=authority).issue("no middle", san, key=key)


def self_signed(authority, san, key):
    c = Certificate(authority.path("self-%s" % key))
    certs.openssl("req", "-config", authority.conf, "-x509", "-newkey", certs.KEYS[key][1], *certs.KEYS[key][2:], "-nodes", "-keyout", c.key,
                  "-out", c.cert, "-subj", "/CN=self", "-addext", "subjectAltName=" + san, "-addext", "basicConstraints=critical,CA:FALSE")
    return c


class States:
    """Certificates of one authority by state and kind of key."""

    def __init__(self, san):
        self.ca, self.other, self.at = Authority("Grid CA"), Authority("Nobody's CA"), {}
        for key in KEYS:
            self.at["good", key] = self.ca.issue("good", san, key=key)
            self.at["revoked", key] = self.ca.issue("revoked", san, key=key)
            self.ca.revoke(self.at["revoked", key])
            self.at["self-signed", key] = self_signed(self.ca, san, key)
            self.at["stranger", key] = self.other.issue("stranger", san, key=key)
            self.at["no middle", key] = without_middle(self.ca, san, key)
        self.crl = self.ca.crl()
        self.san = san
        self.expire(-1)

    def expire(self, seconds):
        """Makes the expired ones anew, with that time left. The gateway takes no expired certificate, so it has to start before."""
        self.expiry = time.time() + seconds
        for key in KEYS:
            made = self.ca.issue("expired", self.san, key=key, begins=-9, ends=seconds / 86400)
            c = self.at.setdefault(("expired", key), made)
            if c is not made:
                certs.write(c.cert, certs.read(made.cert))
                certs.write(c.key, certs.read(made.key))

    def wait_for_expiry(self):
        time.sleep(max(0, self.expiry + 1.5 - time.time()))

    def __getitem__(self, state_and_key):
        return self.at[state_and_key]


# ---- clients ----

REQUEST = b"GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"


class Client:
    """How a client is to come: by which version, whom it trusts, what it shows."""

    def __init__(self, version, port, states, name=NAME, crl=False, shows=None, resumes=False):
        self.version, self.port, self.ca, self.name, self.shows, self.resumes = version, port, states.ca.cert, name, shows, resumes
        self.crl = states.crl if crl else None


def run(args, data=b""):
    p = subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20 * lib.SLOW)
    return p.stdout.decode(errors="replace")


def curl(k):
    url = "https://%s:%d/" % (k.name, k.port)
    said = run(["curl", "-sSv", "--http1.1", "--noproxy", "*", "--cacert", k.ca, "--resolve", "%s:%d:127.0.0.1" % (k.name, k.port), "--tlsv" + k.version,
                "--tls-max", k.version, "-H", "Connection: close", *(["--crlfile", k.crl] if k.crl else []),
                *(["--cert", k.shows.cert, "--key", k.shows.key] if k.shows else []), url, *([url] if k.resumes else [])])
    return Seen(said, ANSWER in said, re.search("SSL re-?using session", said) is not None)


def s_client(k):
    def once(*args):
        return run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % k.port, "-servername", NAME, "-verify_hostname", k.name, "-CAfile", k.ca,
                    "-verify_return_error", "-ign_eof", "-tls" + k.version.replace(".", "_"), *(["-CRL", k.crl, "-crl_check"] if k.crl else []),
                    *(["-cert", k.shows.cert, "-key", k.shows.key] if k.shows else []), *args], REQUEST)
    kept = os.path.join(lib.WORK, "grid-session")
    if k.resumes:
        once("-sess_out", kept)
    said = once(*(["-sess_in", kept] if k.resumes else []))
    return Seen(said, ANSWER in said, "\nReused, TLSv" in said)


def gnutls_cli(k):
    said = run(["gnutls-cli", "--priority", GNUTLS_VERSION % k.version, "--x509cafile", k.ca, "--sni-hostname", NAME, "--verify-hostname", k.name,
                *(["--x509crlfile", k.crl] if k.crl else []), *(["--x509certfile", k.shows.cert, "--x509keyfile", k.shows.key] if k.shows else []),
                *(["--resume", "--waitresumption"] if k.resumes else []), "-p", str(k.port), "127.0.0.1"], REQUEST)
    return Seen(said, ANSWER in said, "This is a resumed session" in said)


def python(k):
    context = ssl.create_default_context(cafile=k.ca)
    context.minimum_version = context.maximum_version = ssl.TLSVersion["TLSv" + k.version.replace(".", "_")]
    if k.crl:
        context.load_verify_locations(k.crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if k.shows:
        context.load_cert_chain(k.shows.cert, k.shows.key)
    session, said, resumed = None, "", False
    for _ in range(2 if k.resumes else 1):
        try:
            with certs.connect(k.port, context, k.name, session) as c:
                c.send(REQUEST)
                said = c.response().body.decode()
                session, resumed = c.s.session, c.s.session_reused
        except (OSError, EOFError) as e:
            said = repr(e)
    return Seen(said, said == ANSWER, resumed)


CLIENTS = {"curl": curl, "openssl s_client": s_client, "gnutls-cli": gnutls_cli, "python ssl": python}


# ---- servers ----

class Server:
    """How a server is to be: its version and certificate, and whether it asks for the client's, which it verifies. seen() is what it says since
    the last time."""

    def __init__(self, version, cert, states, asks):
        self.version, self.cert, self.ca, self.crl, self.asks, self.port = version, cert, states.ca.cert, states.crl, asks, lib.free_port()
        self.told = 0
        self.start()

    def seen(self):
        text = self.text()
        text, self.told = text[self.told:], len(text)
        return text

    def seen_alert(self):
        """What it says once an alert is in it, or in vain for some time."""
        end = time.monotonic() + 5 * lib.SLOW
        while alert_in(self.text()[self.told:]) is None and time.monotonic() < end:
            time.sleep(0.005)
        return self.seen()


class Program(Server):
    def start(self):
        self.path = os.path.join(lib.WORK, "server-%d" % self.port)
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def text(self):
        return certs.read(self.path).decode(errors="replace")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class OpensslServer(Program):
    def command(self):
        return ["openssl", "s_server", "-accept", "127.0.0.1:%d" % self.port, "-cert", self.cert.cert, "-key", self.cert.key, "-www",
                "-tls" + self.version.replace(".", "_"),
                *(["-Verify", "3", "-verify_return_error", "-CAfile", self.ca, "-CRL", self.crl, "-crl_check"] if self.asks else [])]


class GnutlsServer(Program):
    def command(self):
        # It tells alerts at that level of debugging alone.
        return ["gnutls-serv", "--http", "--debug", "5", "--port", str(self.port), "--priority", GNUTLS_VERSION % self.version, "--x509certfile", self.cert.cert,
                "--x509keyfile", self.cert.key,
                *(["--require-client-cert", "--verify-client-cert", "--x509cafile", self.ca, "--x509crlfile", self.crl] if self.asks else [])]


class PythonServer(Server):
    def start(self):
        context = certs.server_context(self.cert, versions=ssl.TLSVersion["TLSv" + self.version.replace(".", "_")])
        if self.asks:
            context.load_verify_locations(self.ca)
            context.load_verify_locations(self.crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            context.verify_mode = ssl.CERT_REQUIRED
        self.backend = certs.TlsBackend(self.serve, context)
        self.port = self.backend.port

    def serve(self, c):
        c.request()
        body = b"Reused, TLS" if c.s.session_reused else b"New, TLS"
        c.send(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def is_up(self):
        return True

    def text(self):
        return "\n".join(str(e) for e in self.backend.failures)

    def close(self):
        self.backend.close()


SERVERS = {"openssl s_server": OpensslServer, "gnutls-serv": GnutlsServer, "python ssl": PythonServer}
