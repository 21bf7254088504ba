# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the peer tests share: finding a peer, skipping without it, the main function."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
LIMIT = 300


def folder():
    """Where peers are installed (README.md)."""
    return pathlib.Path(os.environ.get("TORON_PEERS") or os.path.join(os.environ.get("TORON_BUILDDIR", "."), "peers")).absolute()


def program(name):
    """The path of a peer's program, or None."""
    places = [str(folder() / "venv/bin"), str(folder() / "node_modules/.bin"), str(folder() / "bin"), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places))


def need(what, is_there):
    """Ends a test module politely where its peer is not installed."""
    if is_there:
        return
    print("skipped: %s is not installed (tests/peers/README.md)" % what)
    print("0 passed, 0 failed")
    sys.exit(0)


class PeerCase(unittest.TestCase):
    toronc_path = os.path.abspath(os.environ.get("TORONC", "toronc"))

    def toronc(self, *words, cwd=None, code=None):
        """Runs toronc; returns (exit status, stdout, stderr)."""
        done = subprocess.run([self.toronc_path, *words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if code is not None:
            self.assertEqual(code, done.returncode, "toronc %s\n%s%s" % (" ".join(words), out, err))
        return done.returncode, out, err


def configs():
    """Configurations, right and wrong: those of the golden cases."""
    for ending in ("yaml", "json", "toml"):
        yield from sorted((TOP / "tests/golden").glob("*/input." + ending))


def main(module):
    """argv: [TORONC]. The last line is "N passed, N failed"."""
    if len(sys.argv) > 1:
        PeerCase.toronc_path = os.path.abspath(sys.argv[1])
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromModule(module))
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (max(result.testsRun - failed - len(result.skipped), 0), failed))
    return 1 if failed else 0
