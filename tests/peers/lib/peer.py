# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the peer tests share: finding a peer, skipping without it, the main function, programs that serve or play cases."""
import contextlib
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


def program(*names):
    """The path of a peer's program, by the first of these names that is there; or None."""
    places = [str(folder() / "venv/bin"), str(folder() / "node_modules/.bin"), str(folder() / "bin"), os.environ.get("PATH", "")]
    found = (shutil.which(name, path=os.pathsep.join(places)) for name in names)
    return next(filter(None, found), None)


def chromium(profile):
    """How a command begins that shows a page in a browser without a screen; None without one."""
    path = program("chromium", "chromium-browser", "google-chrome")
    return path and [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
                     "--user-data-dir=" + profile]


def node(script):
    """How a command begins that runs a script of node/; None without Node."""
    path = program("node", "nodejs")
    return path and [path, str(TOP / "tests/peers/node" / script)]


def node_modules(*names):
    """Whether these are installed."""
    return all((folder() / "node_modules" / name).is_dir() for name in names)


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

    def play(self, *words, **env):
        """The cases that a program has passed, which says "ok CASE" of each; anything else fails."""
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, env=environment(**env))
        except subprocess.TimeoutExpired as e:
            self.fail("too slow; so far:\n%s" % (e.stdout or b"").decode())
        lines = done.stdout.decode().splitlines()
        bad = [line for line in lines if not line.startswith("ok ")]
        self.assertFalse(bad, "\n".join(bad))
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        return [line[3:] for line in lines]


def environment(**more):
    """For programs that find modules of Node's."""
    return {**os.environ, "NODE_PATH": str(folder() / "node_modules"), **more}


@contextlib.contextmanager
def server(words, log=None, terminate=False, **env):
    """A program that serves until its input ends, or until it is told to end."""
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log and subprocess.STDOUT, env=environment(**env))
    try:
        yield process
    finally:
        process.stdin.close()
        if terminate:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


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
