#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replays proofs against compiled gateways.

usage: witness_test.py TORONC [--configs N] [--seed N] [--slow N]     ends with "N passed, N failed", by configurations

Random configurations (a fixed seed: the same ones each time) are compiled many to a gateway, each on a listener of its own, by all matchers
in turn. `toronc dump --stage witnesses` says of each route which request it takes, or that it takes none. Every request goes to the gateway
as it stands, and must be answered by its route. Then requests at random are sent, whose answers must not come from a route that is said to
take none. "undecided" is a failure: these configurations are far below the limits of the proofs."""
import argparse
import random
import re
import shlex
import subprocess
import sys
import traceback
import urllib.parse

import lib

BATCH = 40      # configurations a gateway
N_RANDOM = 120  # random requests a configuration
MATCHERS = ["table", "re2c", "auto"]

HOSTS = ["", "", "", "host: a.x, ", 'host: "*.x", ', "host: [a.x, y], ", 'host: "*.a.x", ', 'host: ["*.y", "[2001:db8::1]"], ']
PATHS = ["/", "/a", "/b", "/a/b", "/a/", '"/{p}"', '"/a/{p}"', '"/{p}/b"', "{exact: /a}", "{exact: /a/b}", '{template: "/{p}"}',
         '{template: "/{p}/{q}"}', '{template: "/a/{q}/"}', '{regex: "/a(/.*)?"}', '{regex: "/[ab]"}', '{regex: ".*/b"}', '{regex: "/a//b"}',
         '{regex: "/(a|b)/(a|b)"}', '{regex: "/a%20[^/]{2,4}"}', '{regex: ".*c.*"}', "/a%2Cb", "/~/;x"]
METHODS = ["", "", "method: GET, ", "method: POST, ", "method: [GET, PUT], ", "method: [POST, PUT], ", "method: BREW, ", "method: HEAD, "]
CONDITIONS = ["", "", "", "", 'headers: {h: "1"}, ', "headers: {h: {present: true}}, ", "headers: {h: {present: false}}, ",
              'headers: {h: {regex: "[12]"}}, ', 'headers: {h: {prefix: "2"}, g: {suffix: z}}, ', 'headers: {h: ["1", {regex: "[^1].*|1.+|"}]}, ',
              "source: 10.0.0.0/8, ", "source: [10.0.0.0/9, 10.128.0.0/9], ", 'source: [10.1.0.0/16, "2001:db8::/32"], ', 'query: {q: "1"}, ',
              'query: {q: {prefix: "a&b"}}, ', 'query: {q: {present: false}}, ', 'cookies: {c: {regex: "[a-f]+"}}, ', "cookies: {c: x, d: {present: true}}, ",
              "scheme: https, ", "scheme: http, "]


def config(rng, k):
    lines = []
    for i in range(rng.randint(2, 12)):
        paths = rng.sample(PATHS, rng.choice((1, 1, 1, 2)))
        lines.append("  - {name: r%d, priority: %d, listeners: [c%d], match: {%s%s%spath: [%s]}, respond: {headers: {x-route: r%d}}}" % (
            1000 * k + i, rng.randint(0, 2), k, rng.choice(HOSTS), rng.choice(METHODS), rng.choice(CONDITIONS), ", ".join(paths), 1000 * k + i))
    return lines


def request(line):
    """(method, scheme, host, target, fields, source) of a line "curl ... 'http://...' # from 10.0.0.1"."""
    line = re.sub(r"'\$'\\x([0-9a-f]{2})''", lambda m: chr(int(m.group(1), 16)), line)  # bash's $'...', which shlex does not know
    words, source = shlex.split(line.split(" # from ")[0]), line.split(" # from ")[1] if " # from " in line else None
    method, fields = "GET", []
    url = urllib.parse.urlsplit(words.pop())
    words.pop(0)
    while words:
        word = words.pop(0)
        if word == "-I":
            method = "HEAD"
            continue
        value = words.pop(0)
        if word == "-X":
            method = value
        elif word == "-b":
            fields.append("cookie: " + value)
        else:
            fields.append(value[:-1] + ":" if value.endswith(";") and ":" not in value else value)
    return method, url.scheme, url.netloc, url.path + ("?" + url.query if url.query else ""), fields, source


def ask(c, method, scheme, host, target, fields, source):
    """The route that answers, or the status."""
    # What only a trusted proxy can say; every listener trusts this one.
    fields = fields + ["x-forwarded-for: " + (source or "127.0.0.1"), "x-forwarded-proto: " + scheme]
    c.send(("%s %s HTTP/1.1\r\nhost: %s\r\ncontent-length: 0\r\n%s\r\n" % (
        method, target, host, "".join(f + "\r\n" for f in fields))).encode("latin-1"))
    m = c.response(method)
    return m.fields.get("x-route", m.status)


def at_random(rng, port):
    path = rng.choice(["/", "/a", "/b", "/a/", "/a/b", "/b/a", "/a/c/", "/c/b", "/a%20xyz", "/~/;x", "/a%2Cb", "/x/c", "//a", "/./b"])
    fields = [f for f in ("h: 1", "h: 2", "h: 23", "g: z", "cookie: c=abc; d=1", "cookie: c=x; d=", "h: x") if rng.random() < 0.25]
    return (rng.choice(["GET", "HEAD", "POST", "PUT", "BREW", "DELETE"]), rng.choice(["http", "http", "https"]),
            rng.choice(["a.x", "b.x", "c.a.x", "y", "z.y", "[2001:DB8:0::1]", "other", "A.x.", "C.B.a.X."]) + ":%d" % port,
            path + rng.choice(["", "", "?q=1", "?q=a%26b1", "?q=2&q=1"]), fields,
            rng.choice([None, "10.0.0.1", "10.200.0.1", "10.1.2.3", "2001:db8::7", "11.0.0.1"]))


def judge(rng, port, said):
    """said: [(route, line)] of one configuration. Raises, or returns how many requests were sent."""
    takes = {route for route, line in said if line not in ("never", "undecided")}
    n = 0
    with lib.connect(port, 30) as c:
        for route, line in said:
            assert line.startswith("curl ") or line == "never", (route, line)
            if line == "never":
                continue
            got = ask(c, *request(line))
            assert got == route, "%s is said to take %s, and %s did" % (route, line, got)
            n += 1
        for _ in range(N_RANDOM):
            asked = at_random(rng, port)
            got = ask(c, *asked)
            assert got in takes or got in (404, 405), "%s is said to take nothing, and took %r" % (got, asked)
            n += 1
    return n


def batch(seed, first, n, matcher):
    """(passed, failed, requests) of configurations first .. first + n."""
    numbers, used = range(first, first + n), set()
    while len(used) < n:
        used.add(lib.free_port())
    ports = dict(zip(numbers, used))
    text = "listeners:\n" + "".join(
        "  - {name: c%d, protocol: http, address: 127.0.0.1, port: %d, trusted_proxies: 127.0.0.1, limits: {requests_per_connection: 0}}\n" % (k, ports[k])
        for k in numbers) + "runtime: {workers: 1}\nrouting: {ties: file-order}\nroutes:\n"
    text += "\n".join(line for k in numbers for line in config(random.Random("%d %d" % (seed, k)), k)) + "\n"
    args = ("--matcher", matcher)
    path = lib.compile_config(text, args=args)
    out = subprocess.run([lib.TORONC, "dump", "--stage", "witnesses", "gateway.yaml"], cwd=path.rsplit("/", 1)[0], check=True, timeout=300,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    said = [line.split(": ", 1) for line in out.splitlines()]
    passed = failed = requests = 0
    with lib.Gateway(text, compile_args=args):
        for k in numbers:
            try:
                requests += judge(random.Random("%d %d requests" % (seed, k)), ports[k], [s for s in said if int(s[0][1:]) // 1000 == k])
                passed += 1
            except Exception:  # whatever goes wrong, the other configurations are judged too
                failed += 1
                print("configuration %d of seed %d, by %s:" % (k, seed, matcher))
                print("\n".join(config(random.Random("%d %d" % (seed, k)), k)))
                traceback.print_exc(file=sys.stdout)
    return passed, failed, requests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--configs", type=int, default=3 * BATCH)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=float, default=1)
    args = parser.parse_args()
    lib.setup(args.toronc, False, args.slow)
    sums = [0, 0, 0]
    for i, first in enumerate(range(0, args.configs, BATCH)):
        for j, n in enumerate(batch(args.seed, first, min(BATCH, args.configs - first), MATCHERS[i % len(MATCHERS)])):
            sums[j] += n
    print("%d requests" % sums[2])
    print("%d passed, %d failed" % (sums[0], sums[1]))
    return 1 if sums[1] > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
