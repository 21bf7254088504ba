# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the suite runners share: running toronc, the lists of exceptions, the report."""

import json
import os
import subprocess
import sys


SUITES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments(data_below, exceptions_file):
    """TORONC [DATA [EXCEPTIONS]] of the command line; ends the program, saying so, when the data is not there."""
    beside = os.path.join(SUITES, "..", "..", "..", "shared", "data")
    data = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.environ.get("TORON_DATA") or beside, data_below)
    exceptions = sys.argv[3] if len(sys.argv) > 3 else os.path.join(SUITES, exceptions_file)
    if not os.path.isdir(data):
        print("skipped: the suite is not at %s" % data)
        print("0 passed, 0 failed")
        sys.exit(0)
    return os.path.abspath(sys.argv[1]), data, load_exceptions(exceptions)


def run_toronc(toronc, path):
    """(exit status, parsed output or None, first line of the messages)"""
    done = subprocess.run([toronc, "dump", "--stage", "tree", "--to", "json", "--tagged", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    errors = done.stderr.decode("utf-8", "replace").strip().split("\n")
    message = next((line for line in errors if ": error: " in line), errors[0])
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else None, message


def load_exceptions(path):
    """Lines of "case: reason"; "#" begins a comment."""
    exceptions = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, reason = line.split(": ", 1)
                exceptions[name] = reason.strip()
    return exceptions


def report(results, exceptions):
    """Prints what is unexpected and the count; the exit status."""
    failed = 0
    for name, problem in results.items():
        if problem is None and name in exceptions:
            problem = "passes, but is listed as an exception"
        elif problem is not None and name in exceptions:
            continue
        if problem is not None:
            failed += 1
            print("%s: %s" % (name, problem))
    for name in exceptions:
        if name not in results:
            failed += 1
            print("%s: listed as an exception, but there is no such case" % name)
    if not results:
        failed += 1
        print("no cases were found")
    excepted = sum(1 for name in exceptions if results.get(name) is not None)
    if excepted:
        print("%d listed exceptions" % excepted)
    print("%d passed, %d failed" % (len(results) - excepted - failed if results else 0, failed))
    return 1 if failed else 0
