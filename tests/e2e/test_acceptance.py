# SPDX-License-Identifier: MIT OR Apache-2.0
"""The seed example and what the README promises."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import time

import lib
from lib import Backend, Gateway, compile_config, connect, free_port, get, run, toronc

SEED = """\
listeners:
  - protocol: http
    port: 8080
routes:
  - match:
      path: /api/v1
    backend:
      url: http://localhost:9000
    middlewares:
      - jwt
      - rate-limit
"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(secret, alg="HS256", **claims):
    claims.setdefault("exp", int(time.time()) + 300)
    text = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + b"." + b64(json.dumps(claims).encode())
    mac = b"" if alg == "none" else b64(hmac.new(secret, text, hashlib.sha256).digest())
    return (text + b"." + mac).decode()


SECRET = b"a secret of thirty-two bytes or so"


def test_the_seed_example():
    """Verbatim but for its two port numbers, which another program may hold."""
    with Backend() as b:
        port = free_port()
        config = SEED.replace("8080", str(port)).replace("9000", str(b.port))
        g = Gateway(config)
        g.start(wait=False)
        assert g.process.wait(10 * lib.SLOW) == 1
        assert re.search(r"gateway\.yaml:10:9\b.*TORON_JWT_SECRET", g.stderr()), g.stderr()
        with Gateway(config, env={"TORON_JWT_SECRET": SECRET.decode()}):
            r = get(port, "/api/v1/x")
            assert r.status == 401 and r.fields["www-authenticate"].startswith("Bearer"), r.fields
            bearer = "Authorization: Bearer %s\r\n"
            assert get(port, "/api/v1/x", bearer % token(SECRET, sub="me")).status == 200
            assert get(port, "/api/v1/x", bearer % token(b"wrong")).status == 401
            assert get(port, "/api/v1/x", bearer % token(SECRET, alg="none")).status == 401
            assert get(port, "/api/v1/x", bearer % token(SECRET, exp=1)).status == 401
            assert get(port, "/other").status == 404
            good = (b"GET /api/v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token(SECRET).encode() + b"\r\n\r\n")
            with connect(port) as c:
                status = []
                for _ in range(30):
                    c.send(good * 20)
                    status += [c.response() for _ in range(20)]
            codes = [r.status for r in status]
            assert 200 in codes and 429 in codes, set(codes)
            limited = [r for r in status if r.status == 429][0]
            assert int(limited.fields["retry-after"]) >= 1


def test_the_seed_example_is_static():
    if lib.DYNAMIC:
        raise lib.Skip("gateways of this build are dynamic")
    path = compile_config(SEED)
    p = run(["ldd", path])
    assert b"not a dynamic executable" in p.stdout + p.stderr or b"statically linked" in p.stdout + p.stderr, p
    assert os.path.getsize(path) < 8 << 20


FORMATS = {
    "gateway.yaml": SEED,
    "gateway.json": json.dumps({
        "listeners": [{"protocol": "http", "port": 8080}],
        "routes": [{"match": {"path": "/api/v1"}, "backend": {"url": "http://localhost:9000"},
                    "middlewares": ["jwt", "rate-limit"]}]}),
    "gateway.toml": """\
[[listeners]]
protocol = "http"
port = 8080

[[routes]]
match.path = "/api/v1"
backend = { url = "http://localhost:9000" }
middlewares = ["jwt", "rate-limit"]
""",
}


def test_three_formats_one_plan():
    plans = []
    for name, text in FORMATS.items():
        path = os.path.join(lib.WORK, name)
        with open(path, "w") as f:
            f.write(text)
        code, out, err = toronc("dump", "--stage", "plan", "--no-origins", path)
        assert code == 0, err
        plans.append(out)
    assert plans[0] == plans[1] == plans[2] and "/api/v1" in plans[0]


def test_same_bytes_in_two_directories():
    built = []
    for folder in ("one", "two/deeper"):
        path = os.path.join(lib.WORK, folder)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "gateway.yaml"), "w") as f:
            f.write(SEED)
        extra = ["--dynamic"] if lib.DYNAMIC else []
        code, _, err = toronc("gateway.yaml", "-o", "gw", "--no-cache", *extra, cwd=path)
        assert code == 0, err
        with open(os.path.join(path, "gw"), "rb") as f:
            built.append(hashlib.sha256(f.read()).hexdigest())
    assert built[0] == built[1]


def test_gateway_options():
    path = compile_config(SEED)
    p = run([path, "--version"])
    assert p.returncode == 0 and b"toron" in p.stdout
    p = run([path, "--config"])
    assert p.returncode == 0 and p.stdout.decode() == SEED
    p = run([path, "--help"])
    assert p.returncode == 0 and b"--version" in p.stdout
    p = run([path, "--nonsense"])
    assert p.returncode == 2 and b"--nonsense" in p.stderr


def test_port_in_use_names_the_line():
    with Backend() as b:
        g = Gateway("listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n"
                    "routes: [{match: {path: /}, respond: {status: 200}}]\n" % b.port)
        g.start(wait=False)
        assert g.process.wait(10 * lib.SLOW) == 1
        assert "gateway.yaml:1:" in g.stderr() and str(b.port) in g.stderr(), g.stderr()


def test_actions_and_headers():
    port = free_port()
    with Backend() as b:
        config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - {name: text, match: {path: {exact: /text}}, respond: {status: 418, headers: {x-a: "1"}, body: "short and stout"}}
  - {name: old, match: {path: "/old/{id}"}, redirect: {to: "https://new.example/${path.id}?from=${request.path}", status: 308}}
  - name: both
    match: {path: /h, method: [GET, POST], headers: {x-env: prod}}
    middlewares: [{headers: {request: {set: {x-user: "${request.method}"}, remove: [x-drop]}, response: {set: {x-out: "2"}, remove: [x-secret]}}}]
    backend: {url: "http://127.0.0.1:%d"}
""" % (port, b.port)
        with Gateway(config):
            r = get(port, "/text")
            assert r.status == 418 and r.body == b"short and stout" and r.fields["x-a"] == "1"
            r = get(port, "/text", method="HEAD")
            assert r.status == 418 and r.fields["content-length"] == "15"
            assert get(port, "/text/more").status == 404
            r = get(port, "/old/7/x")
            assert r.status == 308 and r.fields["location"] == "https://new.example/7?from=/old/7/x", r.fields
            assert get(port, "/h").status == 404
            r = get(port, "/h", "X-Env: prod\r\nX-Drop: 1\r\nX_Drop: 1\r\nx_user: root\r\n")
            assert r.status == 200 and r.fields["x-out"] == "2"
            text = bytes(b.received[0]).decode()
            assert "x-user: GET\r\n" in text and "drop" not in text and "x_user" not in text, text
            r = get(port, "/h", "X-Env: prod\r\n", method="DELETE")
            assert r.status == 405 and r.fields["allow"] == "GET, HEAD, POST", r.fields


def test_route_order():
    port = free_port()
    config = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d}]
routes:
  - {name: any, match: {path: /}, respond: {status: 200, body: any}}
  - {name: prefix, match: {path: /a}, respond: {status: 200, body: prefix}}
  - {name: param, match: {path: "/a/{x}"}, respond: {status: 200, body: "param ${path.x}"}}
  - {name: exact, match: {path: {exact: /a/b}}, respond: {status: 200, body: exact}}
  - {name: template, match: {path: {template: "/a/{x}/c"}}, respond: {status: 200, body: "template ${path.x}"}}
  - {name: wild, match: {host: "*.example.com", path: /}, respond: {status: 200, body: wild}}
  - {name: host, match: {host: api.example.com, path: /}, respond: {status: 200, body: host}}
  - {name: urgent, priority: 5, match: {path: /a/urgent}, respond: {status: 200, body: urgent}}
  - {name: post, match: {path: {exact: /a/b}, method: POST}, respond: {status: 200, body: post}}
  - {name: re, match: {host: re.example.com, path: {regex: "/re/[0-9]+"}}, respond: {status: 200, body: regex}}
""" % port
    expect = [
        ("localhost", "/", b"any"), ("localhost", "/ab", b"any"), ("localhost", "/a", b"prefix"), ("localhost", "/a/", b"prefix"),
        ("localhost", "/a/z", b"param z"), ("localhost", "/a/z/y", b"param z"), ("localhost", "/a/b", b"exact"),
        ("localhost", "/a/q/c", b"template q"), ("localhost", "/a/b/d", b"param b"), ("x.example.com", "/a", b"wild"),
        ("x.y.example.com:99", "/a", b"wild"), ("API.example.com", "/a/b", b"host"), ("api.example.com.", "/", b"host"),
        ("api.example.com", "/a/urgent/x", b"urgent"), ("example.com", "/", b"any"), ("re.example.com", "/re/12", b"regex"),
        ("re.example.com", "/re/x", b"wild"),
    ]
    for matcher in ("re2c", "table"):
        with Gateway(config, compile_args=("--matcher", matcher)):
            for host, target, body in expect:
                r = get(port, target, host=host)
                assert r.body == body, (matcher, host, target, r.body)
            assert get(port, "/a/b", method="POST").body == b"post"


def test_syscalls_per_request():
    """At most 4.3 system calls and no epoll_ctl for a small proxied keep-alive request."""
    if lib.DYNAMIC or not shutil.which("strace") or not shutil.which("wrk"):
        raise lib.Skip("needs strace, wrk and a build that is not instrumented")
    bport, port = free_port(), free_port()
    back = Gateway("listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n"
                   "routes: [{match: {path: /}, respond: {status: 200, body: hello}}]\nruntime: {workers: 1}\n" % bport)
    front = Gateway("listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n"
                    "routes: [{match: {path: /}, backend: {url: \"http://127.0.0.1:%d\"}}]\nruntime: {workers: 1}\n" % (port, bport))
    with back, front as g:
        load = ["wrk", "-t1", "-c32", "-d1", "http://127.0.0.1:%d/" % port]
        run(load)  # connections and pools are there
        wrk = subprocess.Popen(["wrk", "-t1", "-c32", "-d4", "http://127.0.0.1:%d/" % port], stdout=subprocess.PIPE)
        time.sleep(1)
        trace = os.path.join(lib.WORK, "strace.txt")
        strace = subprocess.Popen(["strace", "-c", "-f", "-U", "name,calls", "-p", str(g.process.pid), "-o", trace],
                                  stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        strace.terminate()
        strace.wait(10)
        wrk.communicate(timeout=20)
        with open(trace) as f:
            counts = {m.group(1): int(m.group(2)) for m in re.finditer(r"^(\w+)\s+(\d+)\s*$", f.read(), re.M)}
    counts.pop("total", None)
    # Each proxied request reads twice and writes twice: the writes count requests.
    writes = sum(counts.get(n, 0) for n in ("sendmsg", "sendto", "writev", "write"))
    requests = writes / 2
    assert requests > 500, counts
    assert counts.get("epoll_ctl", 0) <= 2 + requests * 0.001, counts
    assert sum(counts.values()) / requests <= 4.3, (sum(counts.values()) / requests, counts)


MALLOC_HOOK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile unsigned long calls;
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *malloc(size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_realloc(p, n); }
static void tell(int s) { (void)s; char b[24]; int i = 24; unsigned long n = calls; b[--i] = '\n';
	do b[--i] = '0' + n % 10; while ((n /= 10) != 0); b[--i] = '='; if (write(2, b + i, 24 - i) < 0) return; }
__attribute__((constructor)) static void begin(void) { signal(SIGUSR2, tell); }
"""


def test_no_malloc_in_steady_state():
    if lib.DYNAMIC and lib.SLOW > 1 or not shutil.which("wrk"):
        raise lib.Skip("needs wrk, and a build without a sanitizer's own malloc")
    source, hook = os.path.join(lib.WORK, "hook.c"), os.path.join(lib.WORK, "hook.so")
    with open(source, "w") as f:
        f.write(MALLOC_HOOK)
    p = run(["cc", "-O1", "-shared", "-fPIC", "-o", hook, source])
    assert p.returncode == 0, p.stderr
    bport, port = free_port(), free_port()
    back = Gateway("listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n"
                   "routes: [{match: {path: /}, respond: {status: 200, body: hello}}]\nruntime: {workers: 1}\n" % bport)
    front = Gateway("listeners: [{protocol: http, address: 127.0.0.1, port: %d}]\n"
                    "routes: [{match: {path: /}, backend: {url: \"http://127.0.0.1:%d\"}}]\nruntime: {workers: 1}\n" % (port, bport),
                    compile_args=("--dynamic",), preload=hook)
    with back, front as g, connect(port) as c:
        def calls():
            before = g.stderr().count("\n=")
            g.process.send_signal(12)
            lib.until(lambda: g.stderr().count("\n=") > before, "the hook does not tell")
            return int(re.findall(r"^=(\d+)$", g.stderr(), re.M)[-1])

        def requests(n):
            for _ in range(n):
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert c.response().status == 200

        requests(50)
        first = calls()
        requests(2000)
        assert calls() - first <= 2, calls() - first
