#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/metrics.md has a line for each metric of runtime/loop/count.def, of the same type, with the same labels, and for no other."""
import os
import re
import sys

ROOT = os.environ.get("TORON_SRCDIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ROW = re.compile(r'^(?:COUNT\((\w+), \w+, (\w+), \w+, (?:"(\w+)"|NULL),|READ\((\w+), (\w+), \w+,)[^;]*?"((?:toron|process)_\w+)"', re.M)
TYPES = {"COUNTER": "counter", "SECONDS": "counter", "GAUGE": "gauge", "INFO": "gauge", "MOMENT": "gauge", "DURATION": "histogram"}
SCOPES = {"WORKER": [], "LISTENER": ["listener"], "ROUTE": ["route"], "BACKEND": ["backend"], "SERVER": ["backend", "server"]}


def defined():
    with open(os.path.join(ROOT, "runtime/loop/count.def"), encoding="utf-8") as f:
        text = f.read()
    rows = {}
    for scope, kind, label, read_scope, read_kind, name in ROW.findall(text):
        kind = kind or read_kind
        labels = ["name", "version"] if kind == "INFO" else SCOPES[scope or read_scope] + ([label] if label else [])
        rows[name] = (TYPES[kind], labels)
    assert len(rows) == len(re.findall(r"^(?:COUNT|READ)\(", text, re.M)), "a row of count.def that cannot be read, or a name twice"
    return rows


def documented():
    with open(os.path.join(ROOT, "docs/metrics.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `((?:toron|process)_\w+)` \| (\w+) \|([^|]*)\|", f.read(), re.M)
    return {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}


def main():
    is_there, is_told = defined(), documented()
    failed = 0
    for name in sorted(set(is_there) | set(is_told)):
        if is_there.get(name) != is_told.get(name):
            failed += 1
            print("%s: count.def has %s, docs/metrics.md has %s" % (name, is_there.get(name), is_told.get(name)))
    print("%d passed, %d failed" % (len(is_there) - failed if failed < len(is_there) else 0, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
