# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whom a request comes from: forwarding fields in and out, trusted proxies, Max-Forwards, TRACE."""
from lib import Backend, Gateway, Proxy, free_port, get

ALL = "[via, x-forwarded-for, x-forwarded-proto, x-forwarded-host, x-forwarded-port, x-real-ip, forwarded]"


def seen(p, headers="", host="front.example", method="GET"):
    """The fields of the request as the backend got them."""
    p.seen.clear()
    assert get(p.port, headers=headers, host=host, method=method).status == 200
    return p.seen[-1].fields


def proxy(listener_extra="", extra="", **config):
    requests = []

    def serve(c):
        while True:
            requests.append(c.request())
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    p = Proxy(serve, listener_extra=listener_extra, extra=extra, **config)
    p.seen = requests
    return p


def test_defaults():
    with proxy() as p:
        f = seen(p, "Via: 1.0 other\r\n")
        assert f["via"] == "1.0 other, 1.1 toron", f
        assert f["x-forwarded-for"] == "127.0.0.1" and f["x-forwarded-proto"] == "http"
        assert f["x-forwarded-host"] == "front.example"
        assert not {"forwarded", "x-real-ip", "x-forwarded-port"} & set(f), f


def test_nothing_from_strangers():
    """Whatever a client says about where it comes from is dropped, in any spelling that a server may take for it."""
    names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server", "X-Real-IP",
             "Forwarded", "X_Forwarded_For", "x-forwarded_user", "X_Real_IP", "True-Client-IP", "true_client_ip"]
    with proxy("    forwarding: {send: [], strip: [True-Client-IP]}") as p:
        f = seen(p, "".join("%s: 6.6.6.6\r\n" % n for n in names) + "X-Other: 1\r\n")
        assert "6.6.6.6" not in f.values() and f["x-other"] == "1" and "via" not in f, f


def test_all_fields_to_the_server():
    with proxy("    forwarding: {send: %s}" % ALL) as p:
        f = seen(p, host="front.example:81")
        assert f["forwarded"] == 'for=127.0.0.1;host="front.example:81";proto=http', f
        assert f["x-real-ip"] == "127.0.0.1" and f["x-forwarded-port"] == str(p.port), f


def test_top_level_and_listener():
    with proxy("    forwarding: {strip: [x-b]}", "forwarding: {send: [forwarded], strip: [x-a]}") as p:
        f = seen(p, "X-A: 1\r\nX-B: 2\r\n")
        assert "via" not in f and "x-forwarded-for" not in f and "forwarded" in f, f
        assert f["x-a"] == "1" and "x-b" not in f, f


TRUST = "    trusted_proxies: [127.0.0.0/8, 10.0.0.0/8, \"2001:db8:1::/48\"]\n"


def test_trusted_x_forwarded():
    with proxy(TRUST + "    forwarding: {send: %s}" % ALL) as p:
        cases = [
            # what came, what the server is told of the client, the list that goes on
            ("203.0.113.9", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
            ("203.0.113.9, 10.1.1.1", "203.0.113.9", "203.0.113.9, 10.1.1.1, 127.0.0.1"),
            ("6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9", "6.6.6.6, 203.0.113.9, 10.1.1.1, 127.0.0.1"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2", "10.2.2.2, 10.1.1.1, 127.0.0.1"),
            ("203.0.113.9:4711", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
            ("[2001:db8::7]:4711", "2001:db8::7", "2001:db8::7, 127.0.0.1"),
            ("2001:db8::7, 2001:db8:1::1", "2001:db8::7", "2001:db8::7, 2001:db8:1::1, 127.0.0.1"),
            ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
            # what is no address, and all that stands left of it, is neither believed nor sent on
            ("unknown", "127.0.0.1", "127.0.0.1"),
            ("6.6.6.6, junk, 203.0.113.9", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
            ("6.6.6.6, junk, 10.1.1.1", "10.1.1.1", "10.1.1.1, 127.0.0.1"),
            ("6.6.6.6, \", 203.0.113.9", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
            ("fe80::1%3", "127.0.0.1", "127.0.0.1"),
            ("203.0.113.9:0", "127.0.0.1", "127.0.0.1"),
            ("[203.0.113.9]", "127.0.0.1", "127.0.0.1"),
            ("[2001:db8::7", "127.0.0.1", "127.0.0.1"),
            ("[]", "127.0.0.1", "127.0.0.1"),
            (":", "127.0.0.1", "127.0.0.1"),
            ("", "127.0.0.1", "127.0.0.1"),
            (" , ,203.0.113.9,, ", "203.0.113.9", "203.0.113.9, 127.0.0.1"),
        ]
        for came, client, goes in cases:
            f = seen(p, "X-Forwarded-For: %s\r\n" % came)
            assert f["x-real-ip"] == client, (came, f)
            assert f["x-forwarded-for"] == goes and f.counts["x-forwarded-for"] == 1, (came, f)
        f = seen(p, "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.1.1.1\r\n")
        assert f["x-real-ip"] == "203.0.113.9" and f["x-forwarded-for"] == "203.0.113.9, 10.1.1.1, 127.0.0.1", f
        assert f["forwarded"].startswith("for=203.0.113.9, for=10.1.1.1, for=127.0.0.1;"), f
        f = seen(p, "X-Forwarded-For: 2001:db8::7\r\n")
        assert f["forwarded"].startswith('for="[2001:db8::7]", for=127.0.0.1;'), f


def test_other_spellings_from_a_trusted_proxy():
    """It writes the fields whose names have hyphens; what is spelt otherwise it has from its client."""
    names = ["X_Forwarded_For", "X-Forwarded_Proto", "x_forwarded_user", "X_Real_IP", "x-real_ip", "true_client-ip"]
    with proxy(TRUST + "    forwarding: {send: %s, strip: [True-Client-IP]}" % ALL) as p:
        f = seen(p, "X-Forwarded-For: 203.0.113.9\r\nTrue-Client-IP: 203.0.113.9\r\nX-Forwarded-User: joe\r\nX_Other: 1\r\n" +
                 "".join("%s: 6.6.6.6\r\n" % n for n in names))
        assert "6.6.6.6" not in f.values() and f["x_other"] == "1", f
        assert (f["x-real-ip"], f["true-client-ip"], f["x-forwarded-user"]) == ("203.0.113.9", "203.0.113.9", "joe"), f


def test_trusted_list_is_bounded():
    with proxy(TRUST) as p:
        f = seen(p, "X-Forwarded-For: %s\r\n" % ", ".join(["10.0.0.1"] * 500))
        assert f["x-forwarded-for"].count("10.0.0.1") == 32, f


def test_trusted_scheme_host_and_port():
    with proxy(TRUST + "    forwarding: {send: %s}" % ALL) as p:
        base = "X-Forwarded-For: 203.0.113.9\r\n"
        f = seen(p, base + "X-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: shop.example:444\r\n")
        assert (f["x-forwarded-proto"], f["x-forwarded-host"], f["x-forwarded-port"]) == ("https", "shop.example:444", "444"), f
        f = seen(p, base + "X-Forwarded-Proto: http, https\r\n")
        assert (f["x-forwarded-proto"], f["x-forwarded-host"], f["x-forwarded-port"]) == ("https", "front.example", "443"), f
        f = seen(p, base + "X-Forwarded-Port: 8443\r\n")
        assert f["x-forwarded-port"] == "8443", f
        for bad in ("X-Forwarded-Proto: gopher", "X-Forwarded-Host: a b", "X-Forwarded-Port: 99999", "X-Forwarded-Port: 0"):
            f = seen(p, base + bad + "\r\n")
            assert (f["x-forwarded-proto"], f["x-forwarded-host"], f["x-forwarded-port"]) == (
                "http", "front.example", str(p.port)), (bad, f)
        # The other kind of field is not believed, and does not go on.
        f = seen(p, "Forwarded: for=6.6.6.6\r\n")
        assert f["x-real-ip"] == "127.0.0.1" and "6.6.6.6" not in f["forwarded"], f


def test_trusted_forwarded():
    with proxy(TRUST + "    forwarding: {send: %s, trust: forwarded}" % ALL) as p:
        own = ', for=127.0.0.1;host="front.example";proto='
        cases = [
            ("for=203.0.113.9", "203.0.113.9", "for=203.0.113.9" + own),
            ('For="[2001:db8::7]:4711";proto=https;by=10.0.0.1', "2001:db8::7", 'For="[2001:db8::7]:4711";proto=https;by=10.0.0.1' + own),
            ("for=203.0.113.9;host=\"a, b\", for=10.1.1.1", "203.0.113.9", "for=203.0.113.9;host=\"a, b\", for=10.1.1.1" + own),
            # broken on the left: what the nearest proxies wrote still counts
            ('for="x, for=203.0.113.9', "203.0.113.9", "for=203.0.113.9" + own),
            ("for=unknown, for=203.0.113.9", "203.0.113.9", "for=203.0.113.9" + own),
            ("for=_hidden, for=10.1.1.1", "10.1.1.1", "for=10.1.1.1" + own),
            # broken where it counts
            ("for=203.0.113.9;for=203.0.113.8", "127.0.0.1", own[2:]),
            ('for="203.0.113.9', "127.0.0.1", own[2:]),
            ('for="203.0.113\\.9"', "127.0.0.1", own[2:]),
            ("for", "127.0.0.1", own[2:]),
            ("host=a.b", "127.0.0.1", own[2:]),
            ("=;=,;", "127.0.0.1", own[2:]),
        ]
        for came, client, goes in cases:
            f = seen(p, "Forwarded: %s\r\n" % came)
            assert f["x-real-ip"] == client, (came, f)
            assert f["forwarded"][:len(goes)] == goes, (came, f)
        f = seen(p, "Forwarded: for=203.0.113.9;proto=https;host=shop.example\r\nForwarded: for=10.1.1.1;proto=http\r\n")
        assert (f["x-forwarded-proto"], f["x-forwarded-host"]) == ("https", "shop.example"), f
        # A trusted proxy may hide the address, and say the rest.
        for came, scheme, host in (
                ("proto=https;host=shop.example", "https", "shop.example"),
                ("for=unknown;proto=https", "https", "front.example"),
                ("proto=https;for=_hidden, for=10.1.1.1", "https", "front.example"),
                ("for=_hidden, for=10.1.1.1;proto=https", "https", "front.example"),
                ("proto=https, for=203.0.113.9;proto=http", "http", "front.example"),
                ("proto=https, for=203.0.113.9", "http", "front.example"),
                ("proto=https;proto=http", "http", "front.example")):
            f = seen(p, "Forwarded: %s\r\n" % came)
            assert (f["x-forwarded-proto"], f["x-forwarded-host"]) == (scheme, host), (came, f)
        f = seen(p, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n")
        assert f["x-forwarded-for"] == "127.0.0.1" and f["x-forwarded-proto"] == "http", f


def test_connection_does_not_hide_the_client():
    """A client in front of the proxy may name fields in Connection; the proxy's word counts all the same."""
    with proxy(TRUST + "    forwarding: {send: %s}" % ALL) as p:
        f = seen(p, "X-Forwarded-For: 203.0.113.9\r\nConnection: keep-alive, x-forwarded-for\r\n")
        assert f["x-real-ip"] == "203.0.113.9", f


CLIENT = """\
listeners:
  - {protocol: http, address: 127.0.0.1, port: %d%s}
log: {access: {enabled: true, flush: 0}}
runtime: {workers: 1}
routes:
  - {name: inside, match: {path: /, source: 192.0.2.0/24}, respond: {body: "inside ${source.ip} ${request.scheme}"}}
  - {name: secure, match: {path: /secure, scheme: https}, respond: {body: "secure"}}
  - {name: limited, match: {path: /limited}, middlewares: [{rate-limit: {rate: 1/h, burst: 1}}], respond: {body: "ok"}}
  - {name: outside, match: {path: /}, respond: {body: "outside ${source.ip} ${request.scheme}"}}
"""


def test_client_in_matches_limits_and_logs():
    port = free_port()
    with Gateway(CLIENT % (port, ", trusted_proxies: 127.0.0.1")) as g:
        assert get(port, headers="X-Forwarded-For: 192.0.2.5\r\n").body == b"inside 192.0.2.5 http"
        line = g.access()[0]
        assert line["client"] == "192.0.2.5" and line["peer"].startswith("127.0.0.1:"), line
        assert get(port).body == b"outside 127.0.0.1 http"
        assert "peer" not in g.access(2)[-1] and g.access(2)[-1]["client"].startswith("127.0.0.1:")
        assert get(port, "/secure", "X-Forwarded-Proto: https\r\n").body == b"secure"
        assert get(port, "/secure").body == b"outside 127.0.0.1 http"
        for last in (1, 2, 3):
            h = "X-Forwarded-For: 203.0.113.%d\r\n" % last
            assert get(port, "/limited", h).status == 200
            assert get(port, "/limited", h).status == 429


def test_untrusted_peer_is_the_client():
    port = free_port()
    with Gateway(CLIENT % (port, ", trusted_proxies: 10.0.0.0/8")):
        h = "X-Forwarded-For: 192.0.2.5\r\nX-Forwarded-Proto: https\r\nForwarded: for=192.0.2.5\r\n"
        assert get(port, headers=h).body == b"outside 127.0.0.1 http"
        assert get(port, "/limited", "X-Forwarded-For: 192.0.2.5\r\n").status == 200
        assert get(port, "/limited", "X-Forwarded-For: 192.0.2.6\r\n").status == 429


def test_max_forwards():
    with proxy() as p:
        assert seen(p, "Max-Forwards: 5\r\n", method="OPTIONS")["max-forwards"] == "4"
        assert seen(p, "Max-Forwards: 5\r\n")["max-forwards"] == "5"
        p.seen.clear()
        assert get(p.port, headers="Max-Forwards: 0\r\n", method="OPTIONS").status == 204 and not p.seen
        for bad in ("-1", "x", "", "99999999999"):
            assert get(p.port, headers="Max-Forwards: %s\r\n" % bad, method="OPTIONS").status == 400, bad


def test_trace():
    with proxy() as p:
        r = get(p.port, method="TRACE")
        assert r.status == 405 and "GET" in r.fields["allow"] and "TRACE" not in r.fields["allow"] and not p.seen, r.fields
    with Backend() as b:
        port = free_port()
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes: [{match: {path: /, method: TRACE}, backend: {url: "http://127.0.0.1:%d"}}]
""" % (port, b.port)
        with Gateway(config):
            assert get(port, method="TRACE").status == 200 and b.requests == 1
            assert get(port, method="TRACE", headers="Max-Forwards: 0\r\n").status == 405
            assert get(port, method="TRACE", body=b"x").status == 400
            assert get(port).status == 405 and b.requests == 1
