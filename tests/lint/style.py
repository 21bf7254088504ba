#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What docs/style.md asks for and a machine can see: the SPDX line, #pragma once, the own header (or the folder's) first, at most 800 lines a file and 60 a
function, tabs in C, no blanks at line ends, a last newline. One line a finding, then "N passed, N failed"."""
import os
import re
import sys

TOP = os.environ.get("TORON_SRCDIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ("compiler", "runtime", "tests", "templates", "docs", "examples", ".ci", "completions")
CODE = (".c", ".h", ".def", ".re", ".y", ".in", ".py", ".sh", ".ac", ".am", ".inc")
C_CODE = (".c", ".h", ".def", ".re", ".y")
SPDX = "SPDX-License-Identifier: MIT OR Apache-2.0"
MOST_LINES, MOST_FUNCTION_LINES = 800, 60
# Test inputs and what tests expect: the bytes are the point.
DATA = ("tests/golden/", "tests/fuzz/corpus/")


def files():
    for name in sorted(os.listdir(TOP)):
        if name.endswith((".sh", ".ac", ".am", ".in")) and name != "Makefile.in":
            yield name
    for root in FOLDERS:
        for folder, _, names in os.walk(os.path.join(TOP, root)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), TOP)
                if name.endswith(CODE) and not (path.startswith(DATA) and path.count("/") > 2):
                    yield path


def long_functions(path, lines):
    """A function's body is what stands between a { and a } in the first column."""
    begin = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin is not None:
            if number - begin - 1 > MOST_FUNCTION_LINES:
                yield "%s:%d: a function of %d lines; %d at most" % (path, begin, number - begin - 1, MOST_FUNCTION_LINES)
            begin = None


def check_c(path, text, lines):
    name = os.path.basename(path)
    if name.endswith(".h") and "#pragma once" not in text and name != "suites.h":
        yield "%s: no #pragma once" % path
    own = path.split("/", 1)[1][:-2] + ".h"
    if name.endswith(".c") and os.path.exists(os.path.join(TOP, path[:-2] + ".h")):
        first = re.search(r'^#include\s+[<"]([^>"]+)', text, re.M)
        own = own[len("include/"):] if own.startswith("include/") else own
        folder = os.path.dirname(own)
        if first is None or first.group(1) not in (own, "%s/%s.h" % (folder, os.path.basename(folder))):
            yield '%s: its first include is not "%s"' % (path, own)
    for number, line in enumerate(lines, 1):
        if line.startswith("    "):
            yield "%s:%d: indented by blanks, not tabs" % (path, number)
            break
    yield from long_functions(path, lines)


def check(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = file.read()
    lines = text.split("\n")
    # What is emitted belongs to whoever emits it.
    if SPDX not in "\n".join(lines[:3]) and not path.startswith(("toolchain.conf", "templates/")):
        yield "%s: no SPDX line" % path
    if len(lines) - 1 > MOST_LINES:
        yield "%s: %d lines; %d at most" % (path, len(lines) - 1, MOST_LINES)
    if text and not text.endswith("\n"):
        yield "%s: no newline at the end" % path
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield "%s:%d: blanks at the end" % (path, number)
    if path.endswith(C_CODE):
        yield from check_c(path, text, lines)


def main():
    passed = failed = 0
    for path in files():
        findings = list(check(path))
        for finding in findings:
            print(finding)
        passed += not findings
        failed += bool(findings)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


sys.exit(main())
