#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Judges the TOML reader with the public toml-test suite, its cases for TOML 1.0.0.

usage: toml_suite.py TORONC [DATA [EXCEPTIONS]]

DATA is the suite's tests folder (toml-test/tests below $TORON_DATA unless given). A valid case passes when toronc
reads the values of its .json file, an invalid one when toronc refuses it. Cases in EXCEPTIONS (toml-exceptions.txt
beside this file unless given) must behave otherwise; one that passes is unexpected too, so that the list stays
true."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from judge import arguments, report, run_toronc  # noqa: E402


def normal_time(text):
    """Trailing zeros of the fraction say nothing; "z" and a blank instead of "T" are spellings."""
    text = text.upper().replace(" ", "T")
    text = re.sub(r"(\.\d*?)0+(?=$|[Z+-])", r"\1", text)
    return re.sub(r"\.(?=$|[Z+-])", "", text)


def same_scalar(got, want):
    if got["type"] != want["type"]:
        return False
    kind, a, b = want["type"], got["value"], want["value"]
    if kind == "float":
        x, y = float(a), float(b)
        return x == y or (x != x and y != y)
    if kind == "integer":
        return int(a) == int(b)
    if kind.startswith(("date", "time")):
        return normal_time(a) == normal_time(b)
    return a == b


def is_scalar(value):
    return isinstance(value, dict) and set(value) == {"type", "value"} and isinstance(value["value"], str)


def same(got, want):
    if is_scalar(want):
        return is_scalar(got) and same_scalar(got, want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    return isinstance(got, dict) and got.keys() == want.keys() and all(same(got[key], want[key]) for key in want)


def judge(toronc, data, name):
    """None if the case passes, else what is wrong."""
    status, value, message = run_toronc(toronc, os.path.join(data, name))
    if name.startswith("invalid/"):
        return None if status == 1 else "accepted" if status == 0 else "toronc ended with status %d: %s" % (status, message)
    if status != 0:
        return "refused: " + message
    with open(os.path.join(data, name[:-5] + ".json"), encoding="utf-8") as wanted:
        want = json.load(wanted)
    return None if same(value, want) else "read as %s, not %s" % (json.dumps(value), json.dumps(want))


def main():
    toronc, data, exceptions = arguments("toml-test/tests", "toml-exceptions.txt")
    results = {}
    with open(os.path.join(data, "files-toml-1.0.0"), encoding="utf-8") as names:
        for name in names.read().split():
            if name.endswith(".toml"):
                results[name[:-5]] = judge(toronc, data, name)
    return report(results, exceptions)


if __name__ == "__main__":
    sys.exit(main())
