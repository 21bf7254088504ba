#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Chromium, headless, before certificates in every state, with both versions and three kinds of keys: what it shows, and what the gateway's log says.
It trusts the authority by a database of NSS in a home of its own (certutil, of libnss3-tools).

usage: chromium_tls.py [TORONC]
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.path.append("/usr/lib/python3/dist-packages")
import lib  # noqa: E402
import peer  # noqa: E402
import test_tls_grid as grid  # noqa: E402
import tls_grid  # noqa: E402

# It tells no reasons, knows no Ed25519, and leaves when it is asked for a certificate that it does not have.
UNKNOWN, NO_KEY, LEFT = "the peer's alert: certificate_unknown", "No supported cipher suites have been found.", "the peer closed the connection"
CASES = [("good", tls_grid.NAME, None), ("good", "other.example", UNKNOWN), ("self-signed", tls_grid.NAME, UNKNOWN),
         ("no middle", tls_grid.NAME, UNKNOWN), ("expired", tls_grid.NAME, UNKNOWN), ("asks", tls_grid.NAME, LEFT)]
TLS_1_2 = ", ciphers: [%s]" % ", ".join("TLS_ECDHE_%s_WITH_%s" % (key, cipher) for key in ("ECDSA", "RSA") for cipher in (
    "AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"))


class Browser(peer.PeerCase):
    def home(self, ca):
        home = os.path.join(lib.WORK, "home-%d" % lib.free_port())
        database = os.path.join(home, ".pki/nssdb")
        os.makedirs(database)
        for args in (["-N", "--empty-password"], ["-A", "-n", "grid", "-t", "C,,", "-i", ca]):
            subprocess.run([peer.program("certutil"), *args, "-d", "sql:" + database], check=True)
        return home

    def page(self, home, name, port):
        p = subprocess.run([*peer.chromium(os.path.join(home, "profile")), "--host-resolver-rules=MAP *.example 127.0.0.1", "--dump-dom",
                            "https://%s:%d/" % (name, port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120,
                           env={**os.environ, "HOME": home, "XDG_DATA_HOME": ""})
        return p.stdout.decode(errors="replace")

    def states(self, policy):
        front = grid.Front(policy)
        home = self.home(front.states.ca.cert)
        with front.gateway as g:
            log = grid.Log(g, "tls-handshake-failed")
            front.states.wait_for_expiry()
            for key in tls_grid.KEYS:
                for state, name, reason in CASES if key != "ed25519" else [("good", tls_grid.NAME, NO_KEY)]:
                    with self.subTest(key=key, state=state, name=name):
                        log.begin()
                        shown = tls_grid.ANSWER in self.page(home, name, front.ports[state, key])
                        self.assertEqual((shown, log.reason(reason is not None)), (reason is None, reason))

    def test_tls_1_3(self):
        self.states("")

    def test_tls_1_2(self):
        self.states(TLS_1_2)


if __name__ == "__main__":
    peer.need("chromium", peer.chromium(""))
    peer.need("certutil", peer.program("certutil"))
    lib.setup(sys.argv[1] if len(sys.argv) > 1 else peer.PeerCase.toronc_path, False, 1)
    sys.exit(peer.main(sys.modules[__name__]))
