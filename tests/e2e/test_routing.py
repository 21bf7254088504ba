# SPDX-License-Identifier: MIT OR Apache-2.0
"""Routing: rewrites, and what toronc explains and proves against what the gateway does."""
import os
import re
import shlex
import subprocess

import lib
from lib import Backend, Gateway, free_port


def echo_target(c):
    """Answers with the request line and the Host that the backend was sent."""
    while True:
        m = c.request()
        if m is None:
            return
        body = ("%s %s" % (m.target, m.fields.get("host", ""))).encode()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


REWRITES = [
    # rewrite, path asked for, target and host sent on (host None: the client's)
    ("{strip_prefix: /api}", "/api/users?x=1", "/users?x=1", None),
    ("{strip_prefix: /api}", "/api", "/", None),
    ("{strip_prefix: /api}", "/apis", "/apis", None),
    ("{strip_prefix: /api, prefix: /v2}", "/api/a%20b", "/v2/a%20b", None),
    ("{prefix: /v2}", "/x", "/v2/x", None),
    ('{path: "/items/${path.id}"}', "/p/7?q", "/items/7?q", None),
    ('{path: "/find?id=${path.id}"}', "/p/7?q", "/find?id=7", None),
    ('{path: "/up/../${request.headers.x-part}"}', "/h", None, None),
    ('{host: "internal.example"}', "/x", "/x", "internal.example"),
    ('{regex: {match: "/articles/([0-9]+)(?:-.*)?", to: "/posts?id=$1"}}', "/articles/12-a-title?page=2", "/posts?id=12", None),
    ('{regex: {match: "/articles/([0-9]+)(?:-.*)?", to: "/posts/$1"}}', "/articles/12?page=2", "/posts/12?page=2", None),
    ('{regex: {match: "/articles/([0-9]+)(?:-.*)?", to: "/posts/$1"}}', "/articles/x", "/articles/x", None),
    ('{regex: {match: "/(.*)/(.*?)/(.*)", to: "/$3/$2/$1"}}', "/a/b/c/d/e", "/e/d/a/b/c", None),
    ('{regex: {match: "/(?P<lang>[a-z]{2})(-[a-z]+)?/(.*)", to: "/$3/$1$2/$$"}}', "/de/x/y", "/x/y/de/$", None),
    ('{regex: {match: "/s/(.*)", to: "/t/$1/${request.host}"}}', "/s/a%20b%0d%0a%C3%A4", "/t/a%20b%0D%0A%C3%A4/127.0.0.1", None),
    # What groups cut apart and the template joins is normalised again: an escape can come to be, but no dot segment and no half escape.
    ('{regex: {match: "/u/(.*)/(.*)", to: "/$1$2"}}', "/u/./a/b", "/ab", None),
    ('{regex: {match: "/u/(.*)-(.*)", to: "/x/$1$2/y"}}', "/u/.-.", "/y", None),
    ('{regex: {match: "/u(.*)-(.*)", to: "$1$2"}}', "/u/.-./x", None, None),
    ('{regex: {match: "/w/(.*)%(.*)", to: "/$1$2"}}', "/w/a%20b", "/a20b", None),
    ('{regex: {match: "/w/(.*%)(.*)", to: "/$1/$2"}}', "/w/a%20b", None, None),
]


def test_rewrites():
    routes, port = [], free_port()
    for i, (rewrite, *_rest) in enumerate(REWRITES):
        path = "/p/{id}" if "path.id" in rewrite else "/"
        routes.append("  - {match: {headers: {x-case: c%d}, path: \"%s\"}, backend: b, rewrite: %s}" % (i, path, rewrite))
    with Backend(echo_target) as b:
        config = "listeners: [{protocol: http, port: %d}]\nbackends: {b: {url: \"http://127.0.0.1:%d\"}}\nroutes:\n%s\n" % (
            port, b.port, "\n".join(routes))
        with Gateway(config):
            for i, (rewrite, asked, target, host) in enumerate(REWRITES):
                out = subprocess.run(["curl", "-s", "--max-time", "10", "-w", "\n%{http_code}", "-H", "x-case: c%d" % i, "-H", "x-part: a b",
                                      "http://127.0.0.1:%d%s" % (port, asked)], stdout=subprocess.PIPE).stdout.decode()
                body, status = out.rsplit("\n", 1)
                if target is None:
                    assert status == "400", (rewrite, out)
                    continue
                assert (status, body) == ("200", "%s %s" % (target, host or "127.0.0.1:%d" % port)), (rewrite, out)


TRICKS = [
    # target, and what becomes of it: "guard" (the guarded route answers), 400, or what the backend of the open one is sent
    (b"/admin", "guard"), (b"/admin/", "guard"), (b"/admin/x?y", "guard"), (b"//admin", "guard"), (b"/./admin", "guard"), (b"/x/../admin", "guard"),
    (b"/x/%2e%2e/admin", "guard"), (b"/x/.%2E/admin", "guard"), (b"/%61dmin", "guard"), (b"/%61%64%6d%69%6e", "guard"), (b"/x//../admin", "guard"),
    (b"/x/..;/admin", 400), (b"/x/%2e%2e;v=1/admin", 400), (b"/x/..%2fadmin", 400), (b"/x%2f..%2fadmin", 400), (b"/x\\..\\admin", 400),
    (b"/x/..%5cadmin", 400), (b"/admin%00", 400), (b"/../admin", 400), (b"/%c0%ae%c0%ae/admin", 400), (b"/x/%e0%80%ae./admin", 400), (b"/x/%zz", 400),
    (b"/%252e%252e/admin", "/%252e%252e/admin"), (b"/x/%252e%252e/admin", "/x/%252e%252e/admin"), (b"/admin;x=1", "/admin;x=1"),
    (b"/admin%3bx", "/admin%3Bx"), (b"/Admin", "/Admin"), (b"/admin.", "/admin."), (b"/.../admin", "/.../admin"), (b"/admin%20", "/admin%20"),
]
HOSTS = [("inside.example", 403), ("INSIDE.Example", 403), ("inside.example.", 403), ("inside.example:99", 403), ("Inside.Example.:99", 403),
         ("xinside.example", 200), ("inside.example.org", 200), ("a.inside.example", 200), ("[2001:db8::1]", 403), ("[2001:DB8:0:0::1]:99", 403),
         ("[2001:db8::2]", 200), ("inside.example..", 400), ("inside.example%2e", 400), ("u@inside.example", 400)]


def test_no_spelling_leads_past_a_guard():
    """Whatever is sent: it is refused, or meets the guard, or the server behind sees a path that is no spelling of the guarded one."""
    port = free_port()
    with Backend(echo_target) as b:
        config = """listeners: [{protocol: http, port: %d}]
backends: {b: {url: "http://127.0.0.1:%d"}}
routes:
  - {name: guard, match: {path: /admin}, respond: {status: 403, body: guard}}
  - {name: inside, match: {host: [inside.example, "[2001:db8::1]"]}, respond: {status: 403}}
  - {name: open, match: {path: /}, backend: b}
""" % (port, b.port)
        with Gateway(config):
            for target, becomes in TRICKS:
                with lib.connect(port) as c:
                    c.send(b"GET " + target + b" HTTP/1.1\r\nHost: open.example\r\nConnection: close\r\n\r\n")
                    m = c.response()
                if becomes in (400, "guard"):
                    assert m.status == (400 if becomes == 400 else 403), (target, m.status)
                else:
                    assert m.body.decode() == becomes + " open.example", (target, m.status, m.body)
            for host, status in HOSTS:
                with lib.connect(port) as c:
                    c.send(("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host).encode())
                    m = c.response()
                assert m.status == status, (host, m.status)


def test_explanations_and_witnesses():
    """What `explain` says of a request is what the gateway does with it, and the requests that warnings show behave as they say."""
    port = free_port()
    config = """listeners: [{protocol: http, port: %d}]
routes:
  - {name: get, priority: 1, match: {path: /users, method: GET}, respond: {body: get}}
  - {name: me, match: {path: /users/me}, respond: {body: me}}
  - {name: low, priority: 2, match: {path: /s, headers: {x: {present: true}}}, respond: {body: low}}
  - {name: high, priority: 2, match: {path: /s, headers: {x: {present: false}}}, respond: {body: high}}
  - {name: never, match: {path: /s/t}, respond: {body: never}}
  - {name: host, match: {host: "*.example.com", path: "/h/{id}"}, respond: {body: host}}
""" % port
    folder = os.path.join(lib.WORK, "routing-witnesses")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "gateway.yaml"), "w") as f:
        f.write(config)
    code, _, err = lib.toronc("check", "gateway.yaml", cwd=folder)
    assert code == 0, err
    curls = re.findall(r"(curl .*)$", err, re.M)
    assert len(curls) == 2, err
    with Gateway(config):
        for line in curls:
            body = subprocess.run(shlex.split(line, comments=True) + ["-s", "--max-time", "10"], stdout=subprocess.PIPE).stdout.decode()
            assert body in ("get", "high", "low"), (line, body)
        for method, host, path, header in [("GET", "localhost", "/users/me", "x: 1"), ("PUT", "localhost", "/users/me", "x: 1"),
                                           ("GET", "localhost", "/s/t", "x: 1"), ("GET", "localhost", "/s", "y: 1"),
                                           ("GET", "a.example.com", "/h/1", "x: 1"), ("GET", "example.com", "/h/1", "x: 1"),
                                           ("POST", "localhost", "/none", "x: 1")]:
            code, out, err = lib.toronc("explain", "gateway.yaml", "%s http://%s%s" % (method, host, path), "-H", header, cwd=folder)
            assert code == 0, err
            route = re.search(r"^route +'(.*)'$", out, re.M)
            reply = subprocess.run(["curl", "-s", "--max-time", "10", "-X", method, "-H", header, "-H", "Host: " + host, "-w", "\n%{http_code}",
                                    "http://127.0.0.1:%d%s" % (port, path)], stdout=subprocess.PIPE).stdout.decode()
            body, status = reply.rsplit("\n", 1)
            if route:
                assert body == route.group(1), (method, host, path, body, out)
            else:
                assert status == re.search(r"^answer +(\d+)", out, re.M).group(1), (reply, out)


def test_diff_exit_status():
    folder = os.path.join(lib.WORK, "routing-diff")
    os.makedirs(folder, exist_ok=True)
    base = "listeners: [{protocol: http, port: 8080}]\nroutes:\n  - {name: a, match: {path: /a}, respond: {status: 200}}\n"
    more = base + "  - {name: b, match: {path: \"/a/{x}\"}, respond: {status: 204}}\n"
    renamed = base.replace("name: a", "name: z")
    less = base.replace("respond:", "limits: {body_bytes: 1KiB}, respond:")
    for name, text in (("base", base), ("more", more), ("renamed", renamed), ("less", less)):
        with open(os.path.join(folder, name + ".yaml"), "w") as f:
            f.write(text)
    assert lib.toronc("diff", "base.yaml", "renamed.yaml", cwd=folder)[0] == 0
    assert lib.toronc("diff", "base.yaml", "less.yaml", cwd=folder)[0] == 1
    code, out, _ = lib.toronc("diff", "base.yaml", "more.yaml", cwd=folder)
    assert code == 1 and "/a/a" in out and "was: route 'a'" in out and "is:  route 'b'" in out, out


def test_github_api_example():
    """Every test of the example, over the wire: the service that the configuration expects answers."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "github-api", "gateway.yaml")
    with open(source) as f:
        text = f.read()
    names = re.findall(r"^  (\w+): {url: ", text, re.M)
    backends = {name: Backend(body=name.encode()) for name in names}
    port = free_port()
    for name, backend in backends.items():
        text = re.sub(r'^  %s: {url: "[^"]*"}' % name, '  %s: {url: "http://127.0.0.1:%d"}' % (name, backend.port), text, flags=re.M)
    text = text.replace("8080", str(port)).replace("rate: 30/m", "rate: 1000/s")
    tests = re.findall(r'request: "(\S+) http://[^/]*(/\S*)", expect: {(?:route: \S+, backend: (\w+)|status: (\d+))', text)
    assert len(tests) > 270, len(tests)
    with Gateway(text):
        c = lib.connect(port)
        for method, path, backend, status in tests:
            c.send(("%s %s HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\n\r\n" % (method, path)).encode())
            m = c.response(method)
            assert m.status == int(status or 200), (method, path, m.status)
            assert not backend or m.body == backend.encode(), (method, path, m.body)
        c.close()
    for backend in backends.values():
        backend.close()
