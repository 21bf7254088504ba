# SPDX-License-Identifier: MIT OR Apache-2.0
"""The grid of TLS: peers of three libraries, both versions, three kinds of keys, and certificates in every state, in both roles. Each failure has
its alert and its line in the log, which docs/tls.md lists."""
import re
import time

import certs
import lib
import tls_grid
from lib import Gateway, free_port
from tls_grid import KEYS, NAME, VERSIONS, Client, States

LINE_MS = 60      # the log takes 20 lines a second of each kind
BAD_FOR = 5       # seconds until what is to expire while the gateway runs does

# What is wrong with a certificate that we refuse, in the log's words.
REASONS = {"stranger": "its issuer is not trusted", "self-signed": "its issuer is not trusted", "no middle": "a certificate in between is missing",
           "expired": "it has expired", "revoked": "it is revoked", "wrong name": "it is not for this name"}
# What OpenSSL says of ours. GnuTLS's programs say the same to everything.
THEIR_ALERTS = {"stranger": "unknown_ca", "self-signed": "unknown_ca", "no middle": "unknown_ca", "expired": "certificate_expired",
                "revoked": "certificate_revoked", "wrong name": "bad_certificate"}


def their_alert(peer, version, state):
    """The alert by which a peer refuses our certificate (None: we have shown none); None where it just leaves: curl looks at the name after the
    handshake."""
    if state is None:
        return "certificate_required" if version == "1.3" else "decode_error" if peer == "gnutls-serv" else "handshake_failure"
    if peer == "curl" and state == "wrong name":
        return None
    return {"gnutls-cli": "bad_certificate", "gnutls-serv": "access_denied"}.get(peer) or THEIR_ALERTS[state]


class Log:
    """What a gateway says of one event, from one case to the next."""

    def __init__(self, g, event):
        self.g, self.event, self.at, self.ready = g, event, 0, 0

    def begin(self):
        time.sleep(max(0, self.ready - time.monotonic()))
        self.at = len(self.g.stderr())

    def reason(self, wait):
        """Why, in the first line since begin; None if there is none. `wait`: there should be one."""
        end = time.monotonic() + (5 * lib.SLOW if wait else 0)
        while True:
            found = re.search(r"\b%s\b.*? (?:for|as) \S+: (.*)\n" % self.event, self.g.stderr()[self.at:])
            if found:
                self.ready = time.monotonic() + LINE_MS / 1000
            if found or time.monotonic() >= end:
                return found.group(1) if found else None
            time.sleep(0.005)


class Grid:
    """Collects what is not as it should be, so that one run tells all."""

    def __init__(self):
        self.cases, self.wrong = 0, []

    def expect(self, case, got, want, text):
        self.cases += 1
        if got != want:
            self.wrong.append("%s: %s, not %s\n%s" % (", ".join(case), got, want, text[-1500:]))

    def judge(self):
        assert not self.wrong, "%d of %d:\n%s" % (len(self.wrong), self.cases, "\n".join(self.wrong))


# ---- towards clients ----

class Front(Grid):
    """One gateway with a listener for each key and state of its certificate, and one for each key that wants to see the client's."""
    STATES = ("good", "revoked", "self-signed", "no middle", "expired")

    def __init__(self, policy=""):
        super().__init__()
        self.states, self.ports, names, listeners = States("DNS:" + NAME), {}, [], []
        for key in KEYS:
            for state in (*self.STATES, "asks"):
                name = "%s-%s" % (state.replace(" ", "-"), key)
                c = self.states["good" if state == "asks" else state, key]
                auth = ', client_auth: {mode: require, ca: "%s", crl: "%s"}' % (self.states.ca.cert, self.states.crl) if state == "asks" else ""
                self.ports[state, key] = free_port()
                names.append('  %s: {cert: "%s", key: {file: "%s"}}' % (name, c.cert, c.key))
                listeners.append("  - {name: %s, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [%s]%s%s}}" % (
                    name, self.ports[state, key], name, auth, policy))
        text = "certificates:\n%s\nlisteners:\n%s\nruntime: {workers: 1}\nroutes: [{respond: {body: \"%s\"}}]\n" % (
            "\n".join(names), "\n".join(listeners), tls_grid.ANSWER)
        lib.compile_config(text)
        self.states.expire(BAD_FOR * lib.SLOW)
        self.gateway = Gateway(text)

    def run(self, peer, version, key, state, **how):
        """What the client saw, and the reason in the log, if the client was to be refused or to refuse."""
        self.log.begin()
        client = Client(version, self.ports[state, key], self.states, **how)
        return tls_grid.CLIENTS[peer](client)

    def answers(self, peer, version, key):
        """Success, resumption, and a certificate of the client that is good."""
        for case, state, how in (("success", "good", {}), ("resumption", "good", {"resumes": True}),
                                 ("client certificate", "asks", {"shows": self.states["good", key]})):
            seen = self.run(peer, version, key, state, **how)
            self.expect((peer, version, key, case), (seen.answered, seen.resumed, seen.alert, self.log.reason(False)),
                        (True, case == "resumption", None, None), seen.text)

    def is_refused(self, peer, version, key, state):
        """By the client, for our certificate."""
        how = {"name": "other.example"} if state == "wrong name" else {"crl": True} if state == "revoked" else {}
        alert = their_alert(peer, version, state)
        seen = self.run(peer, version, key, "good" if state == "wrong name" else state, **how)
        self.expect((peer, version, key, "our certificate", state), (seen.answered, self.log.reason(alert is not None)),
                    (False, alert and "the peer's alert: " + alert), seen.text)

    def refuses(self, peer, version, key, state):
        """The client, for its certificate."""
        seen = self.run(peer, version, key, "asks", shows=self.states[state, key] if state else None)
        reason = self.log.reason(True)
        if state:
            alert, words = certs.documented_alert(REASONS[state]), "the certificate is refused: "
        else:
            alert, words = "certificate_required" if version == "1.3" else "handshake_failure", "no certificate was shown"
        told = reason is not None and reason.startswith(words) and (not state or REASONS[state] in reason)
        self.expect((peer, version, key, "its certificate", state or "none"), (seen.answered, seen.alert, told), (False, alert, True),
                    "%s\nlog: %s" % (seen.text, reason))


def each(peers):
    return [(peer, version, key) for peer in peers for version in VERSIONS for key in KEYS]


def test_clients():
    f = Front()
    with f.gateway as g:
        f.log = Log(g, "tls-handshake-failed")
        for one in each(tls_grid.CLIENTS):
            f.answers(*one)
            for state in ("wrong name", "revoked", "self-signed", "no middle"):
                f.is_refused(*one, state)
            for state in (None, "stranger", "revoked", "self-signed", "no middle"):
                f.refuses(*one, state)
        f.states.wait_for_expiry()
        for one in each(tls_grid.CLIENTS):
            f.is_refused(*one, "expired")
            f.refuses(*one, "expired")
    f.judge()


test_clients.seconds = 180


# ---- towards servers ----

class Back(Grid):
    """Servers of all kinds, and one gateway before them, with a backend for each of them, and for each certificate that it may show."""
    STATES = ("good", "revoked", "self-signed", "stranger", "no middle", "expired")
    SHOWN = ("good", None, "stranger", "revoked", "self-signed", "no middle", "expired")

    def __init__(self):
        super().__init__()
        self.sessions = set()
        self.servers, self.theirs, self.ours, self.port = {}, States("IP:127.0.0.1"), States("DNS:edge.example"), free_port()
        for peer, version, key in each(tls_grid.SERVERS):
            for state in (*self.STATES, "asks"):
                self.servers[peer, version, key, state] = tls_grid.SERVERS[peer](
                    version, self.theirs["good" if state == "asks" else state, key], self.ours, state == "asks")
        lib.compile_config(self.text())
        self.ours.expire(BAD_FOR * lib.SLOW)
        self.gateway = Gateway(self.text())

    def backends(self):
        """The path, the port and what else belongs to tls of each."""
        for (peer, version, key, state), server in self.servers.items():
            path = "/%s/%s/%s/%s" % (peer, version, key, state)
            if state == "asks":
                for shown in self.SHOWN:
                    own = ", client_certificate: %s" % name_of(shown, key) if shown else ""
                    yield "%s/%s" % (path, shown or "none"), server.port, own
            else:
                yield path, server.port, ""
            if state == "good":
                yield path.replace("/good", "/wrong name"), server.port, ", sni: other.example"

    def text(self):
        names = ["  %s: {cert: \"%s\", key: {file: \"%s\"}}" % (name_of(state, key), c.cert, c.key) for (state, key), c in self.ours.at.items()]
        routes = ['  - {match: {path: {exact: "%s"}}, backend: {url: "https://127.0.0.1:%d", tls: {ca: "%s", crl: "%s"%s}}}' % (
            path.replace(" ", "-"), port, self.theirs.ca.cert, self.theirs.crl, more) for path, port, more in self.backends()]
        return "certificates:\n%s\nlisteners: [{protocol: http, address: 127.0.0.1, port: %d}]\nruntime: {workers: 1}\nroutes:\n%s\n" % (
            "\n".join(names), self.port, "\n".join(routes))

    def run(self, peer, version, key, *state):
        """The answer; `state` of the server's certificate, and of ours."""
        self.log.begin()
        return lib.get(self.port, "/%s/%s/%s/%s" % (peer.replace(" ", "-"), version, key, "/".join(state).replace(" ", "-")))

    def answers(self, peer, version, key):
        server = self.servers[peer, version, key, "good"]
        for case, state, resumes in (("success", ("good",), False), ("resumption", ("good",), True), ("client certificate", ("asks", "good"), False)):
            m = self.run(peer, version, key, *state)
            again = re.search(rb"Session ID: <i>(.+?)</i>", m.body)  # gnutls-serv: the same one, if it is resumed
            resumed = b"Reused, TLS" in m.body or (again is not None and again.group(1) in self.sessions)
            self.sessions.add(again and again.group(1))
            self.expect((peer, version, key, case), (m.status, resumed, self.log.reason(False)), (200, resumes, None),
                        "%s\n%s" % (m.body, server.text()))

    def refuses(self, peer, version, key, state):
        """The server, for its certificate."""
        server = self.servers[peer, version, key, "good" if state == "wrong name" else state]
        server.seen()
        m = self.run(peer, version, key, state)
        reason = self.log.reason(True)
        said = server.seen_alert()
        told = reason is not None and reason.startswith("the certificate is refused: ") and REASONS[state] in reason
        self.expect((peer, version, key, "its certificate", state), (m.status, tls_grid.alert_in(said), told),
                    (502, certs.documented_alert(REASONS[state]), True), "%s\nlog: %s" % (said, reason))

    def is_refused(self, peer, version, key, state):
        """By the server, for our certificate."""
        m = self.run(peer, version, key, "asks", state or "none")
        self.expect((peer, version, key, "our certificate", state or "none"), (m.status, self.log.reason(True)),
                    (502, "the peer's alert: " + their_alert(peer, version, state)), self.servers[peer, version, key, "asks"].seen())

    def close(self):
        for server in self.servers.values():
            server.close()


def name_of(state, key):
    return "%s-%s" % (state.replace(" ", "-"), key)


def test_servers():
    b = Back()
    try:
        with b.gateway as g:
            b.log = Log(g, "backend-tls-failed")
            for server in b.servers.values():
                lib.until(server.is_up, server.text)
            for one in each(tls_grid.SERVERS):
                b.answers(*one)
                for state in ("wrong name", "revoked", "self-signed", "stranger", "no middle", "expired"):
                    b.refuses(*one, state)
                for state in b.SHOWN[1:-1]:
                    b.is_refused(*one, state)
            b.ours.wait_for_expiry()
            for one in each(tls_grid.SERVERS):
                b.is_refused(*one, "expired")
    finally:
        b.close()
    b.judge()


test_servers.seconds = 180
