#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the end-to-end tests: run.py TORONC [--dynamic] [--slow N] [--only WORD] [--skip WORD...] [--keep WORD...] [--jobs N]. The last line is `N passed, N failed`."""
import argparse
import importlib
import os
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# What the tests need comes from Debian's packages, also where another Python than Debian's is the first in the PATH.
sys.path.append("/usr/lib/python3/dist-packages")
import lib  # noqa: E402


class TookTooLong(Exception):
    pass


def on_alarm(*_):
    raise TookTooLong()


FIRST = ("test_tls_h1.py", "test_matrix.py", "test_matrix_websocket.py", "test_tls_grid.py")  # take longest
RECORD = 64  # bytes of a file's name, or of a result, in a pipe: they come whole


def files():
    names = [n for n in os.listdir(os.path.dirname(os.path.abspath(__file__))) if n.startswith("test_") and n.endswith(".py")]
    return sorted(names, key=lambda n: (n not in FIRST, n))


def wants(name, args):
    return args.only in name and (any(w in name for w in args.keep) or not any(w in name for w in args.skip))


def run_file(file, args):
    passed = failed = 0
    module = importlib.import_module(file[:-3])
    for key, test in list(vars(module).items()):
        name = file + ":" + key
        if not (key.startswith("test_") and callable(test) and wants(name, args)):
            continue
        begun = time.monotonic()
        signal.alarm(getattr(test, "seconds", 60) * args.slow)
        try:
            test()
            passed += 1
            if args.verbose:
                print("ok   %s (%.1f s)" % (name, time.monotonic() - begun), flush=True)
        except lib.Skip as why:
            print("skipped: %s: %s" % (name, why), flush=True)
        except Exception:
            failed += 1
            print("FAIL %s\n%s" % (name, traceback.format_exc(limit=-6)), end="", flush=True)
        finally:
            signal.alarm(0)
    return passed, failed


def run_files(names, args):
    lib.setup(args.toronc, args.dynamic, args.slow)
    signal.signal(signal.SIGALRM, on_alarm)
    results = [run_file(name, args) for name in names]
    return sum(r[0] for r in results), sum(r[1] for r in results)


def run_jobs(args):
    """Each job takes the next file when it is through with one. A job that dies counts as a failure."""
    todo, todo_in = os.pipe()
    done, done_in = os.pipe()
    for name in files():
        os.write(todo_in, name.encode().ljust(RECORD))
    os.close(todo_in)
    for _ in range(args.jobs):
        if os.fork() == 0:
            os.close(done)
            counts = run_files(iter(lambda: os.read(todo, RECORD).decode().strip(), ""), args)
            os.write(done_in, ("%d %d" % counts).encode().ljust(RECORD))
            sys.exit(0)
    os.close(done_in)
    results = [[int(n) for n in r.split()] for r in iter(lambda: os.read(done, RECORD), b"")]
    for _ in range(args.jobs):
        os.wait()
    return sum(r[0] for r in results), sum(r[1] for r in results) + args.jobs - len(results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--dynamic", action="store_true", help="link gateways dynamically (sanitizer builds)")
    parser.add_argument("--slow", type=int, default=1, help="multiplies every time limit")
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", nargs="*", default=[], help="words: tests whose names hold one are left out")
    parser.add_argument("--keep", nargs="*", default=[], help="words: tests whose names hold one are run all the same")
    parser.add_argument("--jobs", type=int, default=1, help="files that are tested at a time")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    passed, failed = run_jobs(args) if args.jobs > 1 else run_files(files(), args)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
