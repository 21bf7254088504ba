#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a configuration with many routes, for measuring; the same arguments give the same bytes.

    gen_routes.py N [--seed S] [--shape api|hosts|flat|mixed] [--targets] [-o FILE]

api     one host: services, versions, resources, parameters, methods
hosts   a host for every 100 routes, with an api of its own each
flat    one host: a literal path each
mixed   hosts, methods, headers, parameters, and a regex for one route in 50 (at most 40)

No two routes tie. --targets writes, in place of the configuration, a request for each route: method, host, path and the value of
x-tenant, or "-"."""
import argparse
import random
import re
import sys

RESOURCES = "users teams orders items carts invoices reports events files tags notes jobs hooks keys roles plans".split()
ACTIONS = "list search export archive restore history members comments labels status".split()
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def word(rng):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 8)))


def api_path(rng, i):
    """Unique by its service; the tail has the shapes that real interfaces have."""
    path = f"/{word(rng)}{i}/v{rng.randint(1, 3)}/{rng.choice(RESOURCES)}"
    kind = rng.randint(0, 3)
    if kind >= 1:
        path += "/{id}"
    if kind >= 2:
        path += "/" + rng.choice(ACTIONS)
    if kind >= 3:
        path += "/{sub}"
    return path


def routes(n, shape, rng):
    n_regex = 0
    service, group = 0, []
    for i in range(n):
        match = []
        if shape == "hosts" or (shape == "mixed" and i % 3 != 0):
            match.append(f"host: h{i // 100}.example.com")
        if shape == "flat":
            match.append(f"path: /{word(rng)}/{word(rng)}{i}")
        elif shape == "mixed" and i % 50 == 0 and n_regex < 40:
            n_regex += 1
            match.append(f'path: {{regex: "/x{i}/[a-z]+-[0-9]+(/.*)?"}}')
        else:
            # Five methods of one path, then the next path.
            if not group:
                service += 1
                path = api_path(rng, service)
                group = rng.sample(METHODS, rng.randint(1, 5))
            match.append(f'path: "{path}"')
            match.append(f"method: {group.pop()}")
            if shape == "mixed" and i % 7 == 0:
                match.append(f"headers: {{x-tenant: t{i % 11}}}")
        yield match


def target(match, i):
    """A request that the route matches."""
    text = ", ".join(match)
    found = {key: re.search(pattern, text) for key, pattern in
             (("host", r"host: (\S+?)(,|$)"), ("path", r'path: "?(/[^",]*)'), ("method", r"method: (\w+)"), ("tenant", r"x-tenant: (\w+)"))}
    path = re.sub(r"{\w+}", "a7", found["path"].group(1)) if found["path"] else f"/x{i}/abc-12"
    return " ".join([found["method"].group(1) if found["method"] else "GET", found["host"].group(1) if found["host"] else "localhost", path,
                     found["tenant"].group(1) if found["tenant"] else "-"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", choices=["api", "hosts", "flat", "mixed"], default="mixed")
    parser.add_argument("--targets", action="store_true")
    parser.add_argument("-o", default="-")
    args = parser.parse_args()
    rng = random.Random(f"{args.shape} {args.seed} {args.n}")
    lines = ["listeners: [{protocol: http, port: 8080}]", "backends:"]
    lines += [f'  b{k}: {{url: "http://127.0.0.1:{9000 + k}"}}' for k in range(8)]
    lines.append("routes:")
    for i, match in enumerate(routes(args.n, args.shape, rng)):
        lines.append(f"  - {{name: r{i}, match: {{{', '.join(match)}}}, backend: b{i % 8}}}")
    if args.targets:
        rng = random.Random(f"{args.shape} {args.seed} {args.n}")
        lines = [target(match, i) for i, match in enumerate(routes(args.n, args.shape, rng))]
    text = "\n".join(lines) + "\n"
    if args.o == "-":
        sys.stdout.write(text)
    else:
        with open(args.o, "w", encoding="utf-8") as out:
            out.write(text)


if __name__ == "__main__":
    main()
