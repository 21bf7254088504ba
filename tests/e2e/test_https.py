# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a configuration says about https: the way there from http, Strict-Transport-Security, routes by server name, what is told of TLS in
fields and logs, and what --with-files finds in certificates."""
import os
import re
import shutil
import time

import certs
import lib
from lib import Gateway, free_port

HEAD = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n"


def site_config(listeners, routes, extra=""):
    c = certs.shared("site")
    return "certificates:\n  site: {cert: \"%s\", key: \"%s\"}\nlisteners:\n%s\nroutes:\n%s\n%s" % (c.cert, c.key, listeners, routes, extra)


def plain(port, target="/", host="a.example", fields="", method="GET"):
    with lib.connect(port) as c:
        c.send((HEAD % (target, host, fields)).replace("GET", method, 1).encode())
        return c.response()


def secure(port, target="/", host="a.example", fields="", name="a.example", context=None):
    with certs.connect(port, context, name) as c:
        c.send((HEAD % (target, host, fields)).encode())
        return c.response()


# ---- redirect_to_https, hsts ----

def test_redirect_keeps_host_path_and_query():
    http, https = free_port(), free_port()
    config = site_config("""
  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [site]}}
  - {name: plain, address: 127.0.0.1, port: %d, protocol: http, redirect_to_https: true}""" % (https, http),
                         '  - {match: {path: /x}, respond: {body: "own\\n"}}',
                         "invariants: [{name: no-plain-http, for: {scheme: http}, require: {action: redirect}}]\n")
    with Gateway(config):
        for method, target, host, location in (
                ("GET", "/x/y?a=b&c", "a.example:%d" % http, "https://a.example:%d/x/y?a=b&c" % https),
                ("POST", "/x/../z%20z", "A.example", "https://a.example:%d/z%%20z" % https),
                ("GET", "/?", "[::1]:%d" % http, "https://[::1]:%d/?" % https),
                ("GET", "/nowhere", "other.example", "https://other.example:%d/nowhere" % https)):
            r = plain(http, target, host, method=method, fields="Content-Length: 0\r\n" if method == "POST" else "")
            assert (r.status, r.fields.get("location")) == (308, location), (r.status, r.fields)
        with lib.connect(http) as c:
            c.send(b"GET /x HTTP/1.0\r\n\r\n")
            assert c.response().status == 400
        p = lib.run(["curl", "-sSL", "--noproxy", "*", "--cacert", certs.shared("ca").cert, "--resolve", "a.example:%d:127.0.0.1" % http,
                     "--resolve", "a.example:%d:127.0.0.1" % https, "http://a.example:%d/x" % http], timeout=20)
        assert p.stdout == b"own\n", p.stderr


def test_redirect_leaves_requests_that_a_proxy_took_by_https():
    http = free_port()
    config = """
listeners:
  - {name: plain, address: 127.0.0.1, port: %d, protocol: http, trusted_proxies: 127.0.0.1, redirect_to_https: {port: 443}, hsts: {max_age: 1d}}
routes:
  - {respond: {body: "own\\n"}}
""" % http
    with Gateway(config):
        r = plain(http, "/x")
        assert (r.status, r.fields.get("location"), r.fields.get("strict-transport-security")) == (308, "https://a.example/x", None), r.fields
        r = plain(http, "/x", fields="X-Forwarded-Proto: https\r\n")
        assert (r.status, r.body, r.fields.get("strict-transport-security")) == (200, b"own\n", "max-age=86400"), r.fields


def test_hsts_in_every_answer():
    port = free_port()

    def serve(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nStrict-Transport-Security: max-age=1\r\n\r\nhi")
    with lib.Backend(serve) as b:
        config = site_config("  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [site]}, "
                             "hsts: {max_age: 365d, include_subdomains: true}}" % port,
                             '  - {match: {path: /b}, backend: {url: "http://127.0.0.1:%d"}}\n  - {match: {path: /r}, redirect: {to: /x}}' % b.port)
        with Gateway(config):
            for target, status in (("/b", 200), ("/r", 307), ("/none", 404), ("/%zz", 400)):
                r = secure(port, target)
                assert r.status == status and r.fields.get("strict-transport-security") == "max-age=31536000; includeSubDomains", (target, r.status, r.fields)


# ---- server names ----

def test_routes_by_server_name():
    port = free_port()
    config = site_config("  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [site]}}" % port, """
  - {name: exact, match: {sni: a.example}, respond: {body: "exact\\n"}}
  - {name: below, match: {sni: "*.b.example"}, respond: {body: "below\\n"}}
  - {name: rest, respond: {body: "rest\\n"}}""")
    any_name = certs.client_context(name_check=False)
    with Gateway(config):
        for name, body in (("a.example", b"exact\n"), ("A.Example", b"exact\n"), ("x.y.b.example", b"below\n"), ("b.example", b"rest\n"),
                           ("localhost", b"rest\n"), (None, b"rest\n")):
            assert secure(port, name=name, context=any_name).body == body, name
            # The Host field says something else.
            assert secure(port, host="a.example", name=name, context=any_name).body == body, name


# ---- what is told ----

def test_fields_and_logs_tell_of_tls():
    port, http = free_port(), free_port()
    alice = certs.shared("client")
    config = site_config("""
  - {name: web, address: 127.0.0.1, port: %d, protocol: https, tls: {certificates: [site], client_auth: {mode: optional, ca: "%s"}}}
  - {name: plain, address: 127.0.0.1, port: %d, protocol: http}""" % (port, certs.shared("ca").cert, http), """
  - respond: {body: "${tls.sni}|${tls.version}|${tls.cipher}|${tls.client.subject}|${tls.client.san}|${tls.client.fingerprint}|${tls.client.spiffe}|${tls.client.verified}|"}
    middlewares: [{headers: {response: {set: {x-version: "${tls.version}"}}}}]""",
                         "log: {access: {enabled: true, flush: 0, fields: [status, tls_version, tls_cipher, tls_sni, tls_client]}}\n")
    with Gateway(config) as g:
        r = secure(port, context=certs.client_context(alice))
        sni, version, cipher, subject, san, fingerprint, spiffe, verified, _ = r.body.decode().split("|")
        assert (sni, version, cipher, r.fields.get("x-version")) == ("a.example", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "TLSv1.3"), r.body
        assert "Alice" in subject and "spiffe://example/alice" in san and spiffe == "spiffe://example/alice" and verified == "true", r.body
        der = certs.openssl("x509", "-in", alice.cert, "-noout", "-fingerprint", "-sha256").decode()
        assert fingerprint == der.split("=")[1].strip().replace(":", "").lower(), (fingerprint, der)
        assert secure(port).body.decode().split("|")[3:8] == [""] * 5
        assert plain(http).body == b"|" * 8
        lines = g.access(3)
        assert lines[0]["tls_version"] == "TLSv1.3" and lines[0]["tls_sni"] == "a.example" and "Alice" in lines[0]["tls_client"], lines
        assert "tls_client" not in lines[1] or not lines[1]["tls_client"], lines


# ---- what is linked ----

def test_tls_is_linked_only_where_it_is_used():
    if lib.DYNAMIC:
        raise lib.Skip("this build links dynamically")
    clear = lib.compile_config("listeners: [{protocol: http, port: 8080}]\nroutes: [{echo: {}}]\n")
    front = lib.compile_config(site_config("  - {protocol: https, port: 8443, tls: {certificates: [site]}}", "  - {echo: {}}"))
    back = lib.compile_config("listeners: [{protocol: http, port: 8080}]\nroutes: [{backend: {url: \"https://127.0.0.1:1\"}}]\n")
    sizes = [os.path.getsize(path) for path in (clear, front, back)]
    assert sizes[0] + 500000 < min(sizes[1:]), sizes
    names = lib.run(["nm", clear]).stdout
    assert b"gnutls_" not in names, re.findall(rb"\S*gnutls_\S*", names)[:5]


# ---- --with-files ----

FILES = """certificates:
  site: {cert: "%s", key: %s%s}
listeners:
  - {name: web, protocol: https, port: 443, tls: {certificates: [site]%s}}
routes:
  - {match: {host: %s}, respond: {status: 200}}
"""


def check(cert, key, host="a.example", more="", tls="", flags=("--with-files",)):
    folder = os.path.join(lib.WORK, "with-files")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "gateway.yaml")
    with open(path, "w") as f:
        f.write(FILES % (cert, key, more, tls, host))
    code, _, err = lib.toronc("check", *flags, path)
    return code, re.findall(r"\[(T\d{4})\]", err), err


def quoted(c):
    return c.cert, '"%s"' % c.key


def join(name, *parts):
    path = os.path.join(lib.WORK, name)
    certs.write(path, b"".join(certs.read(p) for p in parts))
    return path


def test_with_files_finds_nothing_in_good_ones():
    site = certs.shared("site")
    code, codes, err = check(*quoted(site))
    assert (code, codes) == (0, []), err
    wide = certs.shared("ca").issue("wide", "DNS:*.b.example")
    assert check(*quoted(wide), host='"*.b.example"')[:2] == (0, [])
    # What is not to be looked at is not.
    assert check("missing.pem", "missing.key", flags=())[:2] == (0, [])
    assert check(site.cert, "{env: NOWHERE}")[:2] == (0, [])


def test_with_files_finds_dates_and_names():
    ca = certs.shared("ca")
    for san, begins, ends, wanted in (("DNS:a.example", -30, -1, ["T0628"]), ("DNS:a.example", -30, 3, ["T0623"]),
                                      ("DNS:a.example", 2, 40, ["T0628"]), ("DNS:b.example", -1, 60, ["T0627"]),
                                      ("DNS:*.a.example", -1, 60, ["T0627"])):
        code, codes, err = check(*quoted(ca.issue("a", san, begins=begins, ends=ends)))
        assert (code, codes) == (1 if "T0628" in wanted else 0, wanted), (san, begins, ends, err)
    assert check(*quoted(ca.issue("a", "DNS:x.b.example")), host='"*.b.example"')[1] == ["T0627"]


def test_with_files_finds_weak_keys():
    ca = certs.shared("ca")
    assert check(*quoted(ca.issue("a", "DNS:a.example", key="rsa")))[1] == ["T0626"]
    folder = os.path.join(lib.WORK, "weak")
    os.makedirs(folder, exist_ok=True)
    key, cert = os.path.join(folder, "k"), os.path.join(folder, "c")
    certs.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", key)
    certs.openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=a", "-addext", "subjectAltName=DNS:a.example", "-days", "30", "-out", cert)
    assert sorted(check(cert, key)[1]) == ["T0624", "T0626"]


def test_with_files_finds_keys_that_do_not_fit():
    site, other = certs.shared("site"), certs.shared("server")
    code, codes, err = check(site.cert, '"%s"' % other.key)
    assert (code, codes) == (1, ["T0622"]), err
    locked = os.path.join(lib.WORK, "locked.key")
    certs.openssl("pkcs8", "-topk8", "-in", site.key, "-passout", "pass:open sesame", "-out", locked)
    phrase = os.path.join(lib.WORK, "phrase")
    certs.write(phrase, b"open sesame\n")
    code, codes, err = check(site.cert, '"%s"' % locked)
    assert (code, codes) == (1, ["T0621"]) and "passphrase" in err, err
    assert check(site.cert, '"%s"' % locked, more=', passphrase: {file: "%s"}' % phrase)[:2] == (0, [])
    assert check(site.cert, '"%s"' % locked, more=", passphrase: {env: NOWHERE}")[:2] == (0, [])
    assert check(site.key, '"%s"' % site.key)[1] == ["T0621"]
    assert check(site.cert, '"%s"' % site.cert)[1] == ["T0621"]


def test_with_files_finds_broken_chains():
    ca = certs.shared("ca")
    middle = certs.Authority("Middle", ca)
    leaf = middle.issue("leaf", "DNS:a.example", extensions="basicConstraints=CA:FALSE\nauthorityInfoAccess=caIssuers;URI:http://ca.example/middle.der\n")
    key = '"%s"' % leaf.key
    code, codes, err = check(leaf.cert, key)
    assert (code, codes) == (0, ["T0625"]) and "http://ca.example/middle.der" in err, err
    assert check(join("whole.pem", leaf.cert, middle.cert), key)[1] == []
    assert check(join("with-root.pem", leaf.cert, middle.cert, ca.cert), key)[1] == []
    assert check(join("mixed.pem", leaf.cert, ca.cert, middle.cert), key)[:2] == (1, ["T0629"])


def test_with_files_finds_lists_and_responses_that_are_none():
    ca = certs.shared("ca")
    site = ca.issue("a", "DNS:a.example")
    good, crl = ca.ocsp(site), ca.crl()
    clients = ', client_auth: {mode: require, ca: "%s", crl: "%s"}'
    assert check(*quoted(site), more=', ocsp: "%s"' % good, tls=clients % (ca.cert, crl))[:2] == (0, [])
    assert check(*quoted(certs.shared("site")), more=', ocsp: "%s"' % good)[1] == ["T0621"]
    assert check(*quoted(site), more=', ocsp: "%s"' % site.cert)[1] == ["T0621"]
    assert check(*quoted(site), tls=clients % (site.key, ca.cert))[1] == ["T0621", "T0621"]
    old = ca.crl("old.pem", seconds=1)
    time.sleep(2)
    assert check(*quoted(site), tls=clients % (ca.cert, old))[1] == ["T0623"]
    backend = 'a.example}, backend: {url: "https://b", tls: {ca: "%s", crl: "%s"}}} #'
    assert check(*quoted(site), backend % (ca.cert, crl))[:2] == (0, [])
    assert check(*quoted(site), backend % (ca.cert, old))[1] == ["T0623"]
    assert check(*quoted(site), backend % (ca.cert, site.cert))[1] == ["T0621"]
    # A gateway would not start with this one.
    gone = ca.issue("a", "DNS:a.example")
    ca.revoke(gone)
    code, codes, err = check(*quoted(gone), more=', ocsp: "%s"' % ca.ocsp(gone, "gone.der"))
    assert (code, codes) == (1, ["T0621"]) and "does not say that the certificate is good" in err, err


def test_with_files_when_building():
    other = certs.shared("server")
    path = os.path.join(lib.WORK, "built.yaml")
    with open(path, "w") as f:
        f.write(FILES % (certs.shared("site").cert, '"%s"' % other.key, "", "", "a.example"))
    code, _, err = lib.toronc("build", "--with-files", path, "--emit-only", os.path.join(lib.WORK, "emitted"))
    assert code == 1 and "[T0622]" in err, err


# ---- the example ----

def test_example():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "tls")
    folder = os.path.join(lib.WORK, "example-tls")
    os.makedirs(folder)
    for name in ("gateway.yaml", "certificates.sh"):
        shutil.copy(os.path.join(here, name), folder)
    made = lib.run(["sh", os.path.join(folder, "certificates.sh")])
    assert made.returncode == 0, made.stderr
    https, http, inner = free_port(), free_port(), free_port()
    with open(os.path.join(folder, "gateway.yaml")) as f:
        text = f.read().replace("certs/", folder + "/certs/")
    options = ["--with-files"] + [w for n, p in (("HTTPS", https), ("HTTP", http), ("INNER", inner)) for w in ("-D", "%s_PORT=%d" % (n, p))]

    def curl(url, *args):
        p = lib.run(["curl", "-s", "-i", "--noproxy", "*", "--cacert", folder + "/certs/ca.pem", *args, url], timeout=20)
        return p.returncode, p.stdout.decode().lower()
    with Gateway(text, compile_args=options):
        code, out = curl("https://localhost:%d/" % https)
        assert code == 0 and "hello by tlsv1.3" in out and "strict-transport-security: max-age=15552000\r\n" in out, out
        assert "location: https://localhost:%d/users/7?a=b\r\n" % https in curl("http://localhost:%d/users/7?a=b" % http)[1]
        assert "/users/7 for cn=edge,o=example\n" in curl("https://localhost:%d/users/7" % https)[1]
        assert curl("https://localhost:%d/" % inner)[0] != 0
        edge = ("--cert", folder + "/certs/edge.pem", "--key", folder + "/certs/edge.key")
        assert "/ for cn=edge,o=example\n" in curl("https://localhost:%d/" % inner, *edge)[1]
