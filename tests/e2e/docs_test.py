#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holds docs/routing-mistakes.md to what toronc prints.

usage: docs_test.py TORONC [--update]     ends with "N passed, N failed"; --update writes what toronc prints into the page

A ```yaml block is the file gateway.yaml of the commands that follow. In a ```console block, a line that begins with "$ " is a command, and what
stands below it is its whole output."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "routing-mistakes.md")
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.S | re.M)


def printed(toronc, command, folder):
    words = shlex.split(command)
    assert words[0] == "toronc", command
    done = subprocess.run([toronc, *words[1:]], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    assert done.returncode in (0, 1), (command, done.returncode)
    return done.stdout.decode()


def run_block(toronc, block, folder):
    commands = re.findall(r"^\$ (.*)$", block, re.M)
    assert commands, block
    return "".join("$ %s\n%s" % (c, printed(toronc, c, folder)) for c in commands)


def main():
    toronc, update = os.path.abspath(sys.argv[1]), "--update" in sys.argv[2:]
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    passed = failed = 0

    def replace(match):
        nonlocal passed, failed
        kind, block = match.groups()
        if kind == "yaml":
            with open(os.path.join(folder, "gateway.yaml"), "w", encoding="utf-8") as f:
                f.write(block)
            return match.group()
        new = run_block(toronc, block, folder)
        if new == block:
            passed += 1
        else:
            failed += 1
            print("the page says:\n%s\ntoronc says:\n%s" % (block, new))
        return "```console\n" + new + "```"

    with tempfile.TemporaryDirectory() as folder:
        new_page = BLOCK.sub(replace, page)
    if update:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(new_page)
    if passed + failed < 10:
        failed += 1
        print("the page has fewer than ten examples")
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
