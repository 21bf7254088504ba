# SPDX-License-Identifier: MIT OR Apache-2.0
"""Client certificates in match: routes by subject, alternative names, SPIFFE ID and fingerprint; and what "optional" lets in."""
import hashlib
import ssl

import certs
from lib import Gateway, free_port


def ask(port, client, path="/", version=None):
    c = certs.connect(port, certs.client_context(client, versions=version))
    try:
        c.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        return c.response().body.decode()
    finally:
        c.close()


def config(port, routes, auth="optional"):
    return certs.https_config(port, ([("site", certs.shared("site"), "")],
                                     "{certificates: [site], client_auth: {mode: %s, ca: \"%s\"}}" % (auth, certs.shared("ca").cert)), routes)


def fingerprint(c):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certs.read(c.cert).decode())).hexdigest()


def subject(c):
    said = certs.openssl("x509", "-in", c.cert, "-noout", "-subject", "-nameopt", "RFC2253").decode().strip()
    return said[len("subject="):]


def test_routes_by_certificate():
    ca = certs.shared("ca")
    alice = certs.shared("client")
    admin = ca.issue("Root", "URI:spiffe://example/admin/root", subject="/O=Example/CN=Root")
    hosts = ca.issue("hosts", "DNS:a.example,DNS:b.example,IP:192.0.2.1")
    rack = ca.issue("rack", "DNS:c.example,IP:192.0.2.1")
    plain = ca.issue("plain")
    port = free_port()
    routes = """\
  - {match: {path: /, client_certificate: {spiffe: {prefix: "spiffe://example/admin/"}}}, priority: 3, respond: {body: admin}}
  - {match: {path: /, client_certificate: {subject: "%s"}}, priority: 2, respond: {body: alice}}
  - {match: {path: /, client_certificate: {san: {exact: "DNS:b.example"}}}, priority: 1, respond: {body: host}}
  - {match: {path: /address, client_certificate: {san: "IP:192.0.2.1"}}, respond: {body: address}}
  - {match: {path: /any, client_certificate: {subject: {present: true}}}, respond: {body: any}}
  - {match: {path: /none, client_certificate: {subject: {present: false}}}, respond: {body: none}}
  - {match: {path: /print, client_certificate: {fingerprint: "%s"}}, respond: {body: print}}
  - {match: {path: /}, respond: {body: rest}}
""" % (subject(alice), fingerprint(plain))
    with Gateway(config(port, routes)):
        for client, path, body in ((admin, "/", "admin"), (alice, "/", "alice"), (hosts, "/", "host"), (plain, "/", "rest"), (None, "/", "rest"),
                                   (hosts, "/address", "host"), (rack, "/address", "address"), (alice, "/address", "alice"), (plain, "/any", "any"), (None, "/any", "rest"),
                                   (None, "/none", "none"), (plain, "/none", "rest"), (plain, "/print", "print"), (None, "/print", "rest")):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                assert ask(port, client, path, version) == body, (client and client.cert, path, body)


def test_optional_lets_nobody_in_who_shows_a_bad_one():
    ca = certs.shared("ca")
    bad = ((certs.Authority("Nobody").issue("x"), "its issuer is not trusted"), (ca.issue("x", begins=-9, ends=-1), "it has expired"),
           (ca.issue("x", usage="serverAuth"), "not for this purpose"))
    port = free_port()
    with Gateway(config(port, "  - {match: {path: /}, respond: {body: in}}")) as g:
        assert ask(port, None) == "in" and ask(port, certs.shared("client")) == "in"
        for client, why in bad:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                before = g.stderr().count(why)
                try:
                    said = ask(port, client, version=version)
                    assert False, said
                except (ssl.SSLError, EOFError, OSError):
                    pass
                g.wait_for(why, times=before + 1)
