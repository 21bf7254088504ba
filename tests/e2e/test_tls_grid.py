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
# What OpenSSL says of ours. GnuTLS's programs say bad_certificate to everything.
THEIR_ALERTS = {"stranger": "unknown_ca", "self-signed": "unknown_ca", "no middle": "unknown_ca", "expired": "certificate_expired",
                "revoked": "certificate_revoked", "wrong name": "bad_certificate"}


def their_alert(peer, state):
    """The alert by which a client refuses our certificate; None where it just leaves: curl looks at the name after the handshake."""
    if peer == "curl" and state == "wrong name":
        return None
    return "bad_certificate" if peer == "gnutls-cli" else THEIR_ALERTS[state]


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

    def __init__(self):
        super().__init__()
        self.states, self.ports, names, listeners = States("DNS:" + NAME), {}, [], []
        for key in KEYS:
            for state in (*self.STATES, "asks"):
                name = "%s-%s" % (state.replace(" ", "-"), key)
                c = self.states["good" if state == "asks" else state, key]
                auth = ', client_auth: {mode: require, ca: "%s", crl: "%s"}' % (self.states.ca.cert, self.states.crl) if state == "asks" else ""
                self.ports[state, key] = free_port()
                names.append('  %s: {cert: "%s", key: {file: "%s"}}' % (name, c.cert, c.key))
                listeners.append("  - {name: %s, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [%s]%s}}" % (
                    name, self.ports[state, key], name, auth))
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
        alert = their_alert(peer, state)
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
