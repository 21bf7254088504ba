# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of the command line share: a private folder, a clean environment, doctored toolchains, the main function."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

LIMIT = 120 * int(os.environ.get("TORON_TIMES", "1"))

GOOD = """\
listeners:
  - protocol: http
    port: 8080
routes:
  - match:
      path: /hello
    respond:
      status: 200
      body: hello
"""
GOOD_JSON = '{"listeners": [{"protocol": "http", "port": 8080}], "routes": [{"match": {"path": "/hello"}, "respond": {"status": 200, "body": "hello"}}]}'
GOOD_TOML = """\
[[listeners]]
protocol = "http"
port = 8080
[[routes]]
match = {path = "/hello"}
respond = {status = 200, body = "hello"}
"""
BAD = GOOD.replace("port:", "prot:")
WITH_VAR = GOOD.replace("8080", "${PORT}")


class Case(unittest.TestCase):
    program = os.path.abspath(os.environ.get("TORONC", "toronc"))

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="toron-cli-")
        self.temp = os.path.join(self.folder, "tmp")
        self.cache = os.path.join(self.folder, "cache")
        os.mkdir(self.temp)

    def tearDown(self):
        left = os.listdir(self.temp) if os.path.isdir(self.temp) else []
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual([], left, "temporary files were left behind")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def environment(self, **changes):
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.folder, "TMPDIR": self.temp,
               "XDG_CACHE_HOME": self.cache, "LC_ALL": "C.UTF-8"}
        for name in os.environ:
            if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_", "GCOV_")) or name == "TORON_TOOLCHAIN":
                env[name] = os.environ[name]
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = value
        return env

    def toronc(self, *words, code=None, stdin=b"", cwd=None, env=None, **kwargs):
        """Runs toronc; returns (exit status, stdout, stderr). code: the exit status that it must have."""
        done = subprocess.run([self.program, *words], input=stdin if "stdin_file" not in kwargs else None,
                              stdin=kwargs.get("stdin_file"), capture_output=True, cwd=cwd or self.folder,
                              env=env or self.environment(), timeout=LIMIT)
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if code is not None:
            self.assertEqual(code, done.returncode, "toronc %s\n%s%s" % (" ".join(words), out, err))
        return done.returncode, out, err

    def kept_folder(self, err):
        """The folder that is kept after a failure; it is removed, so that tearDown finds nothing else."""
        at = err.index("are kept in '") + len("are kept in '")
        folder = err[at:err.index("'", at)]
        names = os.listdir(folder)
        shutil.rmtree(folder)
        return names

    def toolchain_text(self):
        """The toolchain.conf that this toronc uses, with absolute folders."""
        here = os.path.dirname(os.path.realpath(self.program))
        places = [os.environ.get("TORON_TOOLCHAIN"), here + "/toolchain.conf", here + "/../toolchain.conf",
                  here + "/../lib/toron/toolchain.conf"]
        path = next(p for p in places if p and os.path.exists(p))
        lines = []
        with open(path, encoding="utf-8") as f:
            for line in f.read().split("\n"):
                key, _, value = line.partition("=")
                if key.strip() in ("libdir", "includedir") and not value.strip().startswith("/"):
                    line = "%s=%s" % (key, os.path.join(os.path.dirname(os.path.abspath(path)), value.strip()))
                lines.append(line)
        return "\n".join(lines)

    def toolchain(self, **changes):
        """A doctored toolchain.conf; returns the environment that names it."""
        lines = []
        for line in self.toolchain_text().split("\n"):
            key = line.partition("=")[0].strip()
            if key not in changes:
                lines.append(line)
        lines += ["%s=%s" % item for item in changes.items() if item[1] is not None]
        path = self.write("doctored.conf", "\n".join(lines) + "\n")
        return self.environment(TORON_TOOLCHAIN=path)

    def is_static_toolchain(self):
        return any(line.replace(" ", "") == "static=yes" for line in self.toolchain_text().split("\n"))


class BuildCase(Case):
    def build(self, *words, code=0, env=None, cwd=None, config="g.yaml", out="gw"):
        return self.toronc(config, "-o", out, *words, code=code, env=env, cwd=cwd)

    def commands(self, err):
        return [line for line in err.split("\n") if " ms  /" in line]


def main(module):
    """argv: [TORONC [TEST...]]. The last line is "N passed, N failed"."""
    if len(sys.argv) > 1:
        Case.program = os.path.abspath(sys.argv[1])
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(sys.argv[2:], module) if len(sys.argv) > 2 else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2 if len(sys.argv) > 2 else 1).run(suite)
    failed = len(result.failures) + len(result.errors)
    for test, why in result.skipped:
        print("skipped: %s: %s" % (test, why))
    # A subtest that fails is counted once more than the test that holds it.
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed > 0 else 1
