#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes docs/diagnostics.md from compiler/diag/diag.def. With --check it writes nothing, and fails where the page is another one."""
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAGE = os.path.join(TOP, "docs", "diagnostics.md")
HEAD = """# Diagnostics

Made from `compiler/diag/diag.def` by `scripts/diagnostics.py`; change it there. `toronc help CODE` prints the same. Codes are never used again
for something else.
"""
STRING = r'"((?:[^"\\]|\\.)*)"'
ENTRY = re.compile(r'^DIAG\((\w+),\s*DIAG_(\w+),\s*%s,\s*%s,\s*((?:%s\s*)+)\)' % (STRING, STRING, STRING), re.M)
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "'": "'"}


def text_of(literals):
    """Adjacent C string literals as one text."""
    joined = "".join(re.findall(STRING, literals))
    return re.sub(r"\\(.)", lambda m: ESCAPES[m.group(1)], joined)


def page():
    with open(os.path.join(TOP, "compiler", "diag", "diag.def"), encoding="utf-8") as file:
        source = file.read()
    entries = sorted(ENTRY.findall(source), key=lambda e: e[2])
    if len(entries) != len(re.findall(r"^DIAG\(", source, re.M)):
        sys.exit("compiler/diag/diag.def: %d entries could not be read" % (len(re.findall(r"^DIAG\(", source, re.M)) - len(entries)))
    codes = [entry[2] for entry in entries]
    if len(set(codes)) != len(codes):
        sys.exit("compiler/diag/diag.def: a code is used twice")
    lines = [HEAD]
    for _, severity, code, title, help_text, *_ in entries:
        explanation, _, examples = text_of(help_text).partition("\n\n")
        lines.append("\n## %s: %s\n\n%s. %s" % (code, text_of('"%s"' % title), severity.capitalize(), explanation))
        if examples:
            lines.append("\n" + "\n".join(("    " + line).rstrip() for line in examples.split("\n")))
    return "\n".join(lines) + "\n"


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() != text:
                sys.exit("docs/diagnostics.md is not what scripts/diagnostics.py makes of compiler/diag/diag.def: run it")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


main()
