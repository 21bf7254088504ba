#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the end-to-end tests: run.py TORONC [--dynamic] [--slow N] [--only WORD] [--skip WORD...] [--keep WORD...]. The last line is `N passed, N failed`."""
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


def tests(only, skip, keep):
    for name in sorted(os.listdir(os.path.dirname(os.path.abspath(__file__)))):
        if not (name.startswith("test_") and name.endswith(".py")):
            continue
        module = importlib.import_module(name[:-3])
        for key, value in list(vars(module).items()):
            if key.startswith("test_") and callable(value) and (not only or only in name + ":" + key) and \
                    (any(word in name + ":" + key for word in keep) or not any(word in name + ":" + key for word in skip)):
                yield name + ":" + key, value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--dynamic", action="store_true", help="link gateways dynamically (sanitizer builds)")
    parser.add_argument("--slow", type=int, default=1, help="multiplies every time limit")
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", nargs="*", default=[], help="words: tests whose names hold one are left out")
    parser.add_argument("--keep", nargs="*", default=[], help="words: tests whose names hold one are run all the same")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    lib.setup(args.toronc, args.dynamic, args.slow)
    signal.signal(signal.SIGALRM, on_alarm)
    passed = failed = 0
    for name, test in tests(args.only, args.skip, args.keep):
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
            print("FAIL %s" % name)
            traceback.print_exc(limit=-6, file=sys.stdout)
            sys.stdout.flush()
        finally:
            signal.alarm(0)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
