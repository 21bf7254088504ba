#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""No source file makes a call of tests/lint/banned.txt, and base/banned.h really poisons those that the list says it does.
compiler/ has no goto; runtime/ only goes forward, to "out". One line a finding, then "N passed, N failed"."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("TORON_SRCDIR") or os.path.join(HERE, "..", "..")
# They stand in for banned functions.
EXEMPT = {"runtime/tls/p11_stub.c", "runtime/boot/nss_stub.c"}
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def read_list():
    banned, poisoned = {}, []
    with open(os.path.join(HERE, "banned.txt"), encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                words, why = line.split(" -- ")
                name, *flags = words.split()
                banned[name] = why
                if "poisoned" in flags:
                    poisoned.append(name)
    return banned, poisoned


def blank(match):
    """Comments and strings become blanks; lines stay."""
    return re.sub(r"[^\n]", " ", match.group())


def check_file(path, calls, banned):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        code = NOT_CODE.sub(blank, file.read())
    findings = []
    for number, line in enumerate(code.split("\n"), 1):
        for match in calls.finditer(line):
            findings.append("%s:%d: %s is banned: %s" % (path, number, match.group(1), banned[match.group(1)]))
    labels = {m.group(1): m.start() for m in re.finditer(r"^\s*(\w+):\s*$", code, re.M)}
    for match in re.finditer(r"\bgoto\s+(\w+)", code):
        number = code.count("\n", 0, match.start()) + 1
        if path.startswith("compiler/"):
            findings.append("%s:%d: no goto in compiler/" % (path, number))
        elif match.group(1) != "out":
            findings.append("%s:%d: goto may only go to out" % (path, number))
        elif labels.get("out", 0) < match.start():
            findings.append("%s:%d: goto may only go forward" % (path, number))
    return findings


def check_poison(name):
    """A call of it must not compile."""
    command = os.environ.get("CC", "cc").split() + [
        "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-include",
        os.path.join(TOP, "runtime", "base", "banned.h"), "-"]
    done = subprocess.run(command, input="void (*p)(void) = (void (*)(void))%s;\n" % name, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [] if done.returncode != 0 and "poisoned" in done.stdout else [
        "runtime/base/banned.h: %s is not poisoned" % name]


def sources():
    for root in ("compiler", "runtime"):
        for folder, _, names in os.walk(os.path.join(TOP, root)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), TOP)
                if name.endswith((".c", ".h", ".re", ".y")) and path not in EXEMPT:
                    yield path


def main():
    banned, poisoned = read_list()
    calls = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(banned))
    checks = [check_file(path, calls, banned) for path in sources()]
    checks += [check_poison(name) for name in poisoned]
    for finding in sum(checks, []):
        print(finding)
    failed = sum(bool(c) for c in checks)
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    return 1 if failed or not checks else 0


sys.exit(main())
