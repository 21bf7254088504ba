#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Drives toronc by its command line: exit statuses, inputs, outputs, the toolchain and the build cache.

usage: cli_test.py [TORONC [TEST...]]     TORONC defaults to $TORONC, then ./toronc; ends with "N passed, N failed"
"""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

TORONC = os.path.abspath(os.environ.get("TORONC", "toronc"))
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
        done = subprocess.run([TORONC, *words], input=stdin if "stdin_file" not in kwargs else None,
                              stdin=kwargs.get("stdin_file"), capture_output=True, cwd=cwd or self.folder,
                              env=env or self.environment(), timeout=LIMIT)
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if code is not None:
            self.assertEqual(code, done.returncode, "toronc %s\n%s%s" % (" ".join(words), out, err))
        return done.returncode, out, err

    def toolchain_text(self):
        """The toolchain.conf that this toronc uses, with absolute folders."""
        here = os.path.dirname(os.path.realpath(TORONC))
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


class CommandLine(Case):
    def test_no_arguments(self):
        code, out, _ = self.toronc()
        self.assertEqual(1, code)
        self.assertIn("usage: toronc CONFIG -o OUT", out)

    def test_version(self):
        texts = {self.toronc(*words, code=0)[1] for words in (["version"], ["--version"], ["-V"], ["check", "--version"])}
        self.assertEqual(1, len(texts))
        self.assertRegex(texts.pop(), r"^toronc [0-9]+\.[0-9]+\.[0-9]+ \(ABI [0-9]+\.[0-9]+\)\n$")

    def test_help(self):
        _, overview, _ = self.toronc("help", code=0)
        self.assertEqual(overview, self.toronc("--help", code=0)[1])
        for command in ("build", "check", "dump", "validate", "features", "schema", "help", "version"):
            self.assertIn("\n  " + command, overview)
            _, text, _ = self.toronc("help", command, code=0)
            self.assertTrue(text.startswith("usage: toronc "), text)
            self.assertEqual(text, self.toronc(command, "--help", code=0)[1])

    def test_help_on_a_code(self):
        for code in ("T0207", "t0207"):
            _, text, _ = self.toronc("help", code, code=0)
            self.assertIn("T0207 (error): an unknown backend", text)
            self.assertIn("wrong:", text)
            self.assertIn("right:", text)
        _, _, err = self.toronc("help", "T9999", code=1)
        self.assertIn("no help on 'T9999'", err)
        _, _, err = self.toronc("help", "chekc", code=1)
        self.assertIn("did you mean 'check'?", err)

    def test_misuse(self):
        self.write("g.yaml", GOOD)
        cases = [
            (["g.yaml"], "where to?"),
            (["g.yaml", "-o"], "--output needs a value"),
            (["g.yaml", "-o", ""], "name of the output is empty"),
            (["g.yaml", "-o", "x", "--emit-only", "y"], "exclude each other"),
            (["g.yaml", "h.yaml", "-o", "x"], "'h.yaml' is one too many"),
            (["-o", "x"], "a file is missing"),
            (["check"], "a file is missing"),
            (["check", "-", "-"], "standard input can be read once"),
            (["chekc", "g.yaml"], "did you mean 'check'?"),
            (["chekc"], "did you mean 'check'?"),
            (["g.yaml", "--verbos", "-o", "x"], "unknown option '--verbos', did you mean '--verbose'?"),
            (["g.yaml", "-x"], "unknown option '-x'"),
            (["g.yaml", "-o", "x", "--matcher", "tabel"], "--matcher takes one of auto|re2c|table, not 'tabel', did you mean 'table'?"),
            (["g.yaml", "-o", "x", "--dynamic=yes"], "--dynamic takes no value"),
            (["g.yaml", "-o", "x", "-j", "0"], "-j takes a number"),
            (["g.yaml", "-o", "x", "-jx"], "-j takes a number"),
            (["check", "-o", "x", "g.yaml"], "'toronc check' has no option --output"),
            (["check", "-D", "port=1", "g.yaml"], "-D takes NAME=value"),
            (["check", "-D", "PORT", "g.yaml"], "-D takes NAME=value"),
            (["dump", "g.yaml"], "which stage?"),
            (["dump", "--stage", "plan", "--tagged", "g.yaml"], "go with --stage tree"),
            (["validate", "g.yaml"], "which schema?"),
            (["features", "--format", "sarif"], "as text or json only"),
        ]
        for words, message in cases:
            with self.subTest(words=words):
                _, out, err = self.toronc(*words, code=1, stdin=GOOD.encode())
                self.assertIn(message, err)
                self.assertEqual("", out)
        self.assertFalse(os.path.exists(self.path("x")))

    def test_options_anywhere(self):
        self.write("-odd.yaml", GOOD)
        self.toronc("--strict", "check", "--", "-odd.yaml", code=0)
        self.toronc("check", "./-odd.yaml", "--format=json", code=0)
        self.write("check", GOOD)
        self.toronc("check", "--format-in", "yaml", "check", code=0)

    def test_closed_standard_files(self):
        self.write("g.yaml", GOOD)
        done = subprocess.run(["sh", "-c", 'exec "$0" check g.yaml <&- >&- 2>&-', TORONC], cwd=self.folder,
                              env=self.environment(), timeout=LIMIT)
        self.assertEqual(0, done.returncode)

    def test_full_standard_output(self):
        self.write("g.yaml", GOOD)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TORONC, "dump", "--stage", "plan", "g.yaml"], stdout=full, stderr=subprocess.PIPE,
                                  cwd=self.folder, env=self.environment(), timeout=LIMIT)
        self.assertEqual(1, done.returncode)
        self.assertIn(b"cannot write standard output", done.stderr)


class Check(Case):
    def test_good_is_silent(self):
        for name, text in (("g.yaml", GOOD), ("g.json", GOOD_JSON), ("g.toml", GOOD_TOML)):
            self.write(name, text)
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml", "g.json", "g.toml"))

    def test_bad(self):
        self.write("bad.yaml", BAD)
        _, out, err = self.toronc("check", "bad.yaml", code=1)
        self.assertEqual("", out)
        self.assertRegex(err, r"(?m)^bad\.yaml:3:5: error: .*'prot'.*\[T0101\]$")

    def test_one_bad_file_does_not_hide_another(self):
        self.write("a.yaml", BAD)
        self.write("b.yaml", GOOD)
        self.write("c.yaml", GOOD.replace("respond:\n      status: 200\n      body: hello", "backend: nowhere"))
        _, _, err = self.toronc("check", "a.yaml", "b.yaml", "missing.yaml", "c.yaml", code=1)
        self.assertIn("a.yaml:3:5: error:", err)
        self.assertIn("'nowhere'", err)
        self.assertIn("[T0207]", err)
        self.assertIn("cannot read 'missing.yaml': no such file or directory [T0001]", err)
        self.assertNotIn("b.yaml", err)

    def test_standard_input(self):
        for form, text in (("yaml", GOOD), ("json", GOOD_JSON), ("toml", GOOD_TOML)):
            self.toronc("check", "--format-in", form, "-", stdin=text.encode(), code=0)
        _, _, err = self.toronc("check", "--format-in", "yaml", "-", stdin=BAD.encode(), code=1)
        self.assertIn("<stdin>:3:5: error:", err)
        _, _, err = self.toronc("check", "-", stdin=GOOD.encode(), code=1)
        self.assertIn("--format-in", err)
        self.assertIn("[T0090]", err)
        with open("/dev/null", "rb") as empty:
            code, _, err = self.toronc("check", "--format-in", "yaml", "-", stdin_file=empty)
        self.assertEqual(1, code)

    def test_unknown_ending(self):
        self.write("gateway.conf", GOOD)
        _, _, err = self.toronc("check", "gateway.conf", code=1)
        self.assertIn("[T0090]", err)
        self.toronc("check", "--format-in", "yaml", "gateway.conf", code=0)

    def test_what_is_no_file(self):
        os.mkdir(self.path("dir.yaml"))
        os.mkfifo(self.path("fifo.yaml"))
        os.symlink("/dev/zero", self.path("device.yaml"))
        os.symlink("loop.yaml", self.path("loop.yaml"))
        self.write("file.yaml", GOOD)
        cases = [("dir.yaml", "it is a directory"), ("fifo.yaml", "it is a FIFO"), ("device.yaml", "it is a device"),
                 ("loop.yaml", "too many levels of symbolic links"), ("missing.yaml", "no such file or directory"),
                 ("file.yaml/x.yaml", "not a directory"), ("x" * 5000 + ".yaml", "file name too long")]
        for name, why in cases:
            with self.subTest(name=name[:20]):
                before = time.monotonic()
                _, _, err = self.toronc("check", name, code=1)
                self.assertIn("[T0001]", err)
                self.assertIn(why, err.lower().replace("a fifo", "a FIFO"))
                self.assertLess(time.monotonic() - before, 5)

    @unittest.skipIf(os.geteuid() == 0 and shutil.which("setpriv") is None, "root reads everything")
    def test_unreadable(self):
        os.chmod(self.write("secret.yaml", GOOD), 0)
        os.chmod(self.folder, 0o755)
        words = [TORONC, "check", "secret.yaml"]
        if os.geteuid() == 0:
            words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + words
        done = subprocess.run(words, cwd=self.folder, env=self.environment(), capture_output=True, timeout=LIMIT)
        if done.returncode == 127 or b"setpriv" in done.stderr:
            self.skipTest("another user cannot run toronc here")
        self.assertEqual(1, done.returncode)
        self.assertIn(b"cannot read 'secret.yaml': permission denied [T0001]", done.stderr)

    def test_too_large(self):
        with open(self.path("large.yaml"), "wb") as f:
            f.truncate(100 << 20)
        _, _, err = self.toronc("check", "large.yaml", code=1)
        self.assertIn("it is larger than 64 MiB [T0001]", err)
        with open("/dev/zero", "rb") as zero:
            before = time.monotonic()
            code, _, err = self.toronc("check", "--format-in", "yaml", "-", stdin_file=zero)
        self.assertEqual(1, code)
        self.assertIn("cannot read standard input: it is larger than 64 MiB", err)
        self.assertLess(time.monotonic() - before, LIMIT / 4)

    def test_opens_nothing_else(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        self.write("g.yaml", GOOD)
        trace = self.path("trace")
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=%file,%network,%process", TORONC, "check", "g.yaml"],
                              cwd=self.folder, env=self.environment(ASAN_OPTIONS="detect_leaks=0"), capture_output=True, timeout=LIMIT)
        if b"ptrace" in done.stderr or not os.path.exists(trace):
            self.skipTest("strace does not work here")
        self.assertEqual(0, done.returncode, done.stderr)
        with open(trace, encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        # What the dynamic loader opens comes before the input.
        at = next(i for i, line in enumerate(lines) if "open" in line and '"g.yaml"' in line)
        later = [line for line in lines[at:] if "open" in line and '"g.yaml"' not in line]
        self.assertEqual([], later)
        bad = [line for line in lines if any(call in line for call in ("socket(", "connect(", "fork(", "unlink(", "mkdir("))]
        self.assertEqual([], bad)
        self.assertEqual(1, len([line for line in lines if "execve(" in line]))


class Diagnostics(Case):
    def test_forms(self):
        self.write("bad.yaml", BAD)
        _, out, err = self.toronc("check", "--format", "json", "bad.yaml", code=1)
        self.assertEqual("", err)
        document = json.loads(out)
        self.assertIn("T0101", [d["code"] for d in document["diagnostics"]])
        _, out, _ = self.toronc("check", "--format", "sarif", "bad.yaml", code=1)
        self.assertEqual("2.1.0", json.loads(out)["version"])
        _, out, _ = self.toronc("check", "--format", "github", "bad.yaml", code=1)
        self.assertTrue(out.startswith("::error "), out)

    def test_forms_without_diagnostics(self):
        self.write("g.yaml", GOOD)
        self.assertEqual([], json.loads(self.toronc("check", "--format", "json", "g.yaml", code=0)[1])["diagnostics"])
        self.assertEqual("2.1.0", json.loads(self.toronc("check", "--format", "sarif", "g.yaml", code=0)[1])["version"])
        self.assertEqual("", self.toronc("check", "--format", "github", "g.yaml", code=0)[1])

    def test_colours(self):
        self.write("bad.yaml", BAD)
        self.assertNotIn("\x1b", self.toronc("check", "bad.yaml", code=1)[2])
        self.assertIn("\x1b[", self.toronc("check", "--color", "always", "bad.yaml", code=1)[2])
        self.assertNotIn("\x1b", self.toronc("check", "--color", "never", "bad.yaml", code=1)[2])

    def terminal(self, **changes):
        """What `toronc check bad.yaml` writes to a terminal."""
        self.write("bad.yaml", BAD)
        ours, theirs = os.openpty()
        child = subprocess.Popen([TORONC, "check", "bad.yaml"], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                 cwd=self.folder, env=self.environment(**changes))
        os.close(theirs)
        text = b""
        try:
            while True:
                part = os.read(ours, 4096)
                if not part:
                    break
                text += part
        except OSError:
            pass
        os.close(ours)
        self.assertEqual(1, child.wait(LIMIT))
        return text

    def test_colours_on_a_terminal(self):
        self.assertIn(b"\x1b[", self.terminal(TERM="xterm"))
        self.assertIn(b"\x1b[", self.terminal(TERM="xterm", NO_COLOR=""))
        self.assertNotIn(b"\x1b", self.terminal(TERM="xterm", NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.terminal(TERM="dumb"))

    def test_warnings(self):
        text = GOOD + "backends:\n  unused:\n    url: http://127.0.0.1:9\n"
        self.write("w.yaml", text)
        _, _, err = self.toronc("check", "w.yaml", code=0)
        self.assertIn("warning:", err)
        _, _, err = self.toronc("check", "--warnings-as-errors", "w.yaml", code=1)
        self.assertIn("error:", err)

    def test_strict(self):
        self.write("s.yaml", GOOD + "    middlewares: [auth]\nmiddlewares:\n  auth:\n    jwt:\n      secret: 0123456789abcdef0123456789abcdef\n")
        _, _, err = self.toronc("check", "s.yaml", code=0)
        self.assertIn("warning:", err)
        self.assertIn("[T0503]", err)
        _, _, err = self.toronc("check", "--strict", "s.yaml", code=1)
        self.assertRegex(err, r"error: .*\[T0503\]")


class Variables(Case):
    def port(self, *words, env=None, name="v.yaml"):
        _, out, _ = self.toronc("dump", "--stage", "model", "--no-origins", *words, name, code=0, env=env)
        return next(line for line in out.split("\n") if "port" in line)

    def test_order(self):
        self.write("v.yaml", WITH_VAR)
        self.write("one.env", "# ports\nPORT=1111\n\nPORT=2222\n")
        self.write("two.env", "PORT='3333'\r\n")
        env = self.environment(PORT="4444")
        self.assertIn("1234", self.port("-DPORT=9", "-D", "PORT=1234", "--env-file", "one.env", "--allow-env", env=env))
        self.assertIn("2222", self.port("--env-file", "one.env", "--allow-env", env=env))
        self.assertIn("3333", self.port("--env-file", "one.env", "--env-file", "two.env", env=env))
        self.assertIn("4444", self.port("--allow-env", env=env))

    def test_the_environment_is_not_read_unasked(self):
        self.write("v.yaml", WITH_VAR)
        _, _, err = self.toronc("check", "v.yaml", code=1, env=self.environment(PORT="4444"))
        self.assertIn("PORT", err)
        self.assertIn("v.yaml:3:", err)

    def test_env_file_errors(self):
        self.write("g.yaml", GOOD)
        self.write("bad.env", "GOOD=1\nport: 8080\n")
        _, _, err = self.toronc("check", "--env-file", "bad.env", "g.yaml", code=1)
        self.assertIn("bad.env:2:1: error:", err)
        self.assertIn("[T0091]", err)
        _, _, err = self.toronc("check", "--env-file", "missing.env", "g.yaml", code=1)
        self.assertIn("cannot read 'missing.env'", err)


class Dump(Case):
    def test_tree(self):
        wanted = json.loads(GOOD_JSON)
        for name, text in (("g.yaml", GOOD), ("g.json", GOOD_JSON), ("g.toml", GOOD_TOML)):
            self.write(name, text)
            self.assertEqual(wanted, json.loads(self.toronc("dump", "--stage", "tree", "--to", "json", name, code=0)[1]))
        tagged = json.loads(self.toronc("dump", "--stage", "tree", "--tagged", "g.toml", code=0)[1])
        self.assertEqual({"type": "integer", "value": "8080"}, tagged["listeners"][0]["port"])

    def test_tree_is_what_was_read(self):
        self.write("v.yaml", "a: ${NAME}\nb: 1\n")
        self.assertEqual({"a": "${NAME}", "b": 1}, json.loads(self.toronc("dump", "--stage", "tree", "v.yaml", code=0)[1]))

    def test_broken_document(self):
        self.write("bad.json", '{"a": ')
        _, out, err = self.toronc("dump", "--stage", "tree", "bad.json", code=1)
        self.assertEqual("", out)
        self.assertIn("bad.json:1:", err)

    def test_stages_agree_over_formats(self):
        for name, text in (("g.yaml", GOOD), ("g.json", GOOD_JSON), ("g.toml", GOOD_TOML)):
            self.write(name, text)
        for stage in ("model", "plan"):
            texts = {self.toronc("dump", "--stage", stage, "--no-origins", name, code=0)[1] for name in ("g.yaml", "g.json", "g.toml")}
            self.assertEqual(1, len(texts))
            self.assertIn("hello", texts.pop())

    def test_c(self):
        self.write("g.yaml", GOOD)
        _, out, _ = self.toronc("dump", "--stage", "c", "g.yaml", code=0)
        self.assertIn("==== gateway.c ====", out)
        self.assertIn("/* g.yaml:", out)
        self.write("bad.yaml", BAD)
        self.assertEqual("", self.toronc("dump", "--stage", "c", "bad.yaml", code=1)[1])


class Schemas(Case):
    def test_validate(self):
        self.write("s.json", '{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "http://example.com/int.json"}}}')
        self.write("refs/int.json", '{"type": "integer"}')
        self.write("good.yaml", "a: 1\n")
        self.write("bad.toml", 'a = "x"\n')
        ref = ["--ref", "http://example.com/=" + self.path("refs") + "/"]
        self.toronc("validate", "--schema", "s.json", *ref, "good.yaml", code=0)
        _, _, err = self.toronc("validate", "--schema", "s.json", *ref, "bad.toml", code=1)
        self.assertIn("bad.toml:1:5: error:", err)
        self.toronc("validate", "--schema", "s.json", *ref, "--format-in", "json", "-", stdin=b'{"a": 3}', code=0)
        _, _, err = self.toronc("validate", "--schema", "s.json", "good.yaml", code=1)
        self.assertIn("http://example.com/int.json", err)

    def test_schema_is_self_contained(self):
        schema = json.loads(self.toronc("schema", code=0)[1])
        self.assertEqual("https://json-schema.org/draft/2020-12/schema", schema["$schema"])
        ids = {schema["$id"]} | {d["$id"] for d in schema["$defs"].values() if "$id" in d}

        def refs(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    if key == "$ref" and isinstance(inner, str):
                        yield inner
                    yield from refs(inner)
            elif isinstance(value, list):
                for inner in value:
                    yield from refs(inner)
        for ref in refs(schema):
            name = ref.split("#")[0]
            self.assertTrue(name == "" or "toron:/" + name in ids or name in ids, ref)

    def test_schema_validates_what_toronc_takes(self):
        self.write("schema.json", self.toronc("schema", code=0)[1])
        self.write("g.yaml", GOOD)
        self.write("bad.yaml", BAD)
        self.toronc("validate", "--schema", "schema.json", "g.yaml", code=0)
        self.toronc("validate", "--schema", "schema.json", "bad.yaml", code=1)

    def test_features(self):
        _, text, _ = self.toronc("features", code=0)
        planned = json.loads(self.toronc("features", "--format", "json", code=0)[1])["planned"]
        self.assertEqual(len(planned), len(text.strip().split("\n")))
        self.assertEqual(len(planned), len({p["path"] for p in planned}))
        for p in planned:
            self.assertTrue(p["path"] and p["subject"])

    def test_features_are_refused(self):
        planned = {p["path"] for p in json.loads(self.toronc("features", "--format", "json", code=0)[1])["planned"]}
        if "include" in planned:
            self.write("i.yaml", "include: other.yaml\n" + GOOD)
            self.assertIn("[T0110]", self.toronc("check", "i.yaml", code=1)[2])


class BuildCase(Case):
    def build(self, *words, code=0, env=None, cwd=None, config="g.yaml", out="gw"):
        return self.toronc(config, "-o", out, *words, code=code, env=env, cwd=cwd)

    def commands(self, err):
        return [line for line in err.split("\n") if " ms  /" in line]


class Build(BuildCase):
    def test_gateway(self):
        self.write("g.yaml", GOOD)
        self.assertEqual((0, "", ""), self.build())
        mode = os.stat(self.path("gw"))
        self.assertEqual(0o755, stat.S_IMODE(mode.st_mode))
        done = subprocess.run([self.path("gw"), "--version"], capture_output=True, timeout=LIMIT)
        self.assertEqual(0, done.returncode, done.stderr)
        if self.is_static_toolchain():
            done = subprocess.run(["ldd", self.path("gw")], capture_output=True, timeout=LIMIT)
            self.assertIn(b"not a dynamic executable", done.stdout + done.stderr)
        else:
            print("note: this toronc links gateways dynamically")

    def test_command_name_may_be_given(self):
        self.write("g.yaml", GOOD)
        self.toronc("build", "g.yaml", "-o", "gw", code=0)
        self.assertTrue(os.access(self.path("gw"), os.X_OK))

    def test_dynamic(self):
        self.write("g.yaml", GOOD)
        self.build("--dynamic")
        done = subprocess.run(["ldd", self.path("gw")], capture_output=True, timeout=LIMIT)
        self.assertIn(b"libc.so", done.stdout)

    def test_same_bytes(self):
        self.write("a/g.yaml", GOOD)
        self.write("b/deeper/g.yaml", GOOD)
        self.build("--no-cache", "-j1", cwd=self.path("a"))
        self.build("--no-cache", "-j4", cwd=self.path("b", "deeper"), env=self.environment(TMPDIR=self.path("a"), LC_ALL="C"), out="../other")
        with open(self.path("a", "gw"), "rb") as one, open(self.path("b", "other"), "rb") as two:
            self.assertEqual(one.read(), two.read(), "two builds differ")
        self.assertFalse(os.path.exists(self.cache))

    def test_matchers_build(self):
        self.write("g.yaml", GOOD)
        for matcher in ("re2c", "table"):
            self.build("--matcher", matcher, out=matcher)
            self.assertTrue(os.access(self.path(matcher), os.X_OK))

    def test_cache(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build("--verbose")
        self.assertTrue(any("gcc" in c or "cc" in c for c in self.commands(err)), err)
        with open(self.path("gw"), "rb") as f:
            first = f.read()
        os.unlink(self.path("gw"))
        _, _, err = self.build("--verbose")
        self.assertEqual([], self.commands(err))
        self.assertIn("is in the build cache", err)
        with open(self.path("gw"), "rb") as f:
            self.assertEqual(first, f.read())
        _, _, err = self.build("--verbose", "--no-cache")
        self.assertNotEqual([], self.commands(err))

    def test_an_edit_recompiles_what_changed(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build("--verbose", "--matcher", "re2c")
        full = self.commands(err)
        self.assertTrue(any("re2c" in c.split()[3] for c in full), err)
        self.write("g.yaml", GOOD.replace("body: hello", "body: other"))
        _, _, err = self.build("--verbose", "--matcher", "re2c")
        again = self.commands(err)
        self.assertLess(len(again), len(full))
        self.assertFalse(any("re2c" in c.split()[3] for c in again), err)
        done = subprocess.run([self.path("gw"), "--config"], capture_output=True, timeout=LIMIT)
        self.assertIn(b"other", done.stdout)

    def test_a_new_library_misses(self):
        self.write("g.yaml", GOOD)
        lib = self.path("lib")
        os.mkdir(lib)
        libdir = next(line.partition("=")[2].strip() for line in self.toolchain_text().split("\n") if line.startswith("libdir"))
        for name in os.listdir(libdir):
            if name.endswith(".a"):
                shutil.copy2(os.path.join(libdir, name), lib)
        env = self.toolchain(libdir=lib)
        self.build(env=env)
        self.assertEqual([], self.commands(self.build("--verbose", env=env)[2]))
        os.utime(os.path.join(lib, "libtoron.a"))
        self.assertNotEqual([], self.commands(self.build("--verbose", env=env)[2]))

    def test_damaged_cache(self):
        self.write("g.yaml", GOOD)
        self.build()
        with open(self.path("gw"), "rb") as f:
            first = f.read()
        folder = os.path.join(self.cache, "toron")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "r+b") as f:
                f.seek(-1, os.SEEK_END)
                last = f.read(1)[0]
                f.seek(-1, os.SEEK_END)
                f.write(bytes([last ^ 1]))
        _, _, err = self.build("--verbose")
        self.assertNotEqual([], self.commands(err))
        with open(self.path("gw"), "rb") as f:
            self.assertEqual(first, f.read())

    def test_cache_folder(self):
        self.write("g.yaml", GOOD)
        self.build("--cache-dir", self.path("mine"))
        self.assertTrue(any(n.endswith(".gateway") for n in os.listdir(self.path("mine"))))
        self.assertFalse(os.path.exists(self.cache))
        os.chmod(self.path("mine"), 0o777)
        _, _, err = self.build("--cache-dir", self.path("mine"))
        self.assertIn("everyone may write there [T0910]", err)
        self.build("--cache-dir", self.path("mine"), "--warnings-as-errors", code=1)
        os.unlink(self.path("gw"))
        self.build(env=self.environment(XDG_CACHE_HOME=None, HOME=None))

    def test_parallel_builds(self):
        self.write("g.yaml", GOOD)
        children = [subprocess.Popen([TORONC, "g.yaml", "-o", "gw%d" % i], cwd=self.folder, env=self.environment(),
                                     stderr=subprocess.PIPE) for i in range(4)]
        for child in children:
            self.assertEqual(b"", child.communicate(timeout=LIMIT)[1])
            self.assertEqual(0, child.returncode)
        bytes_of = set()
        for i in range(4):
            with open(self.path("gw%d" % i), "rb") as f:
                bytes_of.add(f.read())
        self.assertEqual(1, len(bytes_of))

    def test_emit_only_compiles_by_hand(self):
        self.write("g.yaml", GOOD)
        self.toronc("g.yaml", "--emit-only", "src/deep", "--matcher", "re2c", code=0, env=self.environment(PATH="/nonexistent"))
        folder = self.path("src", "deep")
        names = os.listdir(folder)
        self.assertIn("gateway.c", names)
        conf = {}
        for line in self.toolchain_text().split("\n"):
            key, _, value = line.partition("=")
            conf[key.strip()] = value.strip().split()
        sources = [n for n in names if n.endswith((".c", ".s"))]
        for name in names:
            if name.endswith(".re"):
                subprocess.run(conf["re2c"] + ["-W", "-i", "-s", "--no-version", "--no-generation-date", "-o", name + ".c", name],
                               cwd=folder, check=True, timeout=LIMIT)
                sources.append(name + ".c")
        is_static = self.is_static_toolchain()
        subprocess.run(conf["cc"] + ["-Wall", "-Wextra", "-Werror", "-std=gnu17"] + conf["cflags"] + ["-I" + conf["includedir"][0], "-o", "hand"]
                       + (["-static"] if is_static else []) + sources + [conf["libdir"][0] + "/libtoron.a", "-L" + conf["libdir"][0]]
                       + conf["libs_static" if is_static else "libs_dynamic"], cwd=folder, check=True, timeout=LIMIT)
        done = subprocess.run([os.path.join(folder, "hand"), "--version"], capture_output=True, timeout=LIMIT)
        self.assertEqual(0, done.returncode)

    def test_output_that_cannot_be(self):
        self.write("g.yaml", GOOD)
        os.mkdir(self.path("folder"))
        self.write("file", "x")
        for out, why in (("missing/gw", "no such file or directory"), ("folder", "it is a directory"),
                         ("/dev/null", "it is not a regular file"), ("file/gw", "not a directory")):
            with self.subTest(out=out):
                _, _, err = self.build(out=out, code=1)
                self.assertIn("cannot write '%s': %s [T0909]" % (out, why), err)
        _, _, err = self.toronc("g.yaml", "--emit-only", "file", code=1)
        self.assertIn("[T0909]", err)
        self.assertEqual([], [n for n in os.listdir(self.folder) if n.startswith("gw")])

    def test_bad_config_leaves_the_old_gateway(self):
        self.write("g.yaml", BAD)
        self.write("gw", "old")
        self.build(code=1)
        with open(self.path("gw"), encoding="utf-8") as f:
            self.assertEqual("old", f.read())

    def test_temporary_folder_that_cannot_be(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build(code=1, env=self.environment(TMPDIR="/nonexistent/tmp"))
        self.assertIn("cannot write '/nonexistent/tmp'", err)


class Toolchain(BuildCase):
    """Toolchains that are not as they should be."""

    def empty_path(self, *programs):
        """A folder for $PATH with only these programs."""
        folder = self.path("bin")
        os.makedirs(folder, exist_ok=True)
        for program in programs:
            os.symlink(shutil.which(program), os.path.join(folder, program))
        return folder

    def script(self, name, text):
        path = self.write(name, "#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def test_no_compiler(self):
        self.write("g.yaml", GOOD)
        env = dict(self.toolchain(cc="/nonexistent/gcc"), PATH=self.empty_path())
        _, _, err = self.build(code=2, env=env)
        self.assertIn("[T0902]", err)
        self.assertIn("apt-get install gcc libc6-dev", err)
        self.toronc("check", "g.yaml", code=0, env=env)

    def test_compiler_elsewhere(self):
        if shutil.which("gcc") is None:
            self.skipTest("no gcc in $PATH")
        self.write("g.yaml", GOOD)
        self.build(env=self.toolchain(cc="/nonexistent/gcc -m128"))

    def test_no_re2c(self):
        self.write("g.yaml", GOOD)
        env = dict(self.toolchain(cc=shutil.which("gcc") or shutil.which("cc"), re2c="/nonexistent/re2c"), PATH=self.empty_path("as", "ld", "ld.lld"))
        _, _, err = self.build("--matcher", "re2c", "--no-cache", code=2, env=env)
        self.assertIn("[T0903]", err)
        self.assertIn("apt-get install re2c", err)
        self.build("--matcher", "table", "--no-cache", env=env)

    def test_no_lld(self):
        self.write("g.yaml", GOOD)
        env = dict(self.toolchain(cc=shutil.which("gcc") or shutil.which("cc"), re2c=shutil.which("re2c"), ldflags="-fuse-ld=lld"),
                   PATH=self.empty_path("as", "ld"))
        self.build("--no-cache", env=env)

    def test_no_conf(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build(code=2, env=self.environment(TORON_TOOLCHAIN="/nonexistent.conf"))
        self.assertIn("cannot read '/nonexistent.conf': no such file or directory [T0901]", err)
        lonely = self.path("lonely")
        shutil.copy2(TORONC, lonely)
        done = subprocess.run([lonely, "g.yaml", "-o", "gw"], cwd=self.folder, env=self.environment(TORON_TOOLCHAIN=None),
                              capture_output=True, timeout=LIMIT)
        self.assertEqual(2, done.returncode)
        self.assertIn(b"toolchain.conf is missing [T0901]", done.stderr)

    def test_wrong_conf(self):
        self.write("g.yaml", GOOD)
        path = self.write("t.conf", "# comment\ncc=gcc\nnonsense\nstatic=perhaps\nlibdri=x\ncflags=\"-O1\n")
        _, _, err = self.build(code=2, env=self.environment(TORON_TOOLCHAIN=path))
        for line in (3, 4, 5, 6):
            self.assertIn("t.conf:%d:" % line, err)
        self.write("t.conf", "cc=gcc\n")
        self.assertIn("does not set 'libdir'", self.build(code=2, env=self.environment(TORON_TOOLCHAIN=path))[2])

    def test_no_archive(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build(code=2, env=self.toolchain(libdir=self.temp))
        self.assertIn("libtoron.a' is missing [T0904]", err)

    def test_library_missing(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(libs_static="-lnowhere", libs_dynamic="-lnowhere"))
        self.assertIn("the library 'nowhere' is missing [T0904]", err)
        fake = self.script("cc", 'case "$*" in *-c*) exec %s "$@";; esac\n'
                           'echo "ld.lld: error: unable to find library -lgnutls" >&2; exit 1\n' % (shutil.which("gcc") or "cc"))
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(cc=fake))
        self.assertIn("apt-get install libgnutls28-dev", err)

    def kept_folder(self, err):
        """The folder that is kept after a failure; it is removed, so that tearDown finds nothing else."""
        at = err.index("are kept in '") + len("are kept in '")
        folder = err[at:err.index("'", at)]
        names = os.listdir(folder)
        shutil.rmtree(folder)
        return names

    def test_compiler_refuses(self):
        self.write("g.yaml", GOOD)
        fake = self.script("cc", "echo 'gateway.c:1:1: error: no such luck' >&2; exit 1\n")
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(cc=fake))
        self.assertIn("[T0905]", err)
        self.assertIn("a bug of toron", err)
        self.assertIn("no such luck", err)
        self.assertIn("gateway.c", self.kept_folder(err))
        self.assertFalse(os.path.exists(self.path("gw")))

    def test_linker_refuses(self):
        self.write("g.yaml", GOOD)
        fake = self.script("cc", 'case "$*" in *" -c "*) exec %s "$@";; esac\necho "undefined symbol: x" >&2; exit 1\n' % (shutil.which("gcc") or "cc"))
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(cc=fake))
        self.assertIn("[T0906]", err)
        self.assertIn("undefined symbol: x", err)
        self.assertIn("gateway.c", self.kept_folder(err))

    def test_headers_missing(self):
        self.write("g.yaml", GOOD)
        fake = self.script("cc", "echo 'abi.h:3:10: fatal error: stdint.h: No such file or directory' >&2; exit 1\n")
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(cc=fake))
        self.assertIn("[T0904]", err)
        self.assertIn("libc6-dev", err)

    def test_compiler_is_killed(self):
        self.write("g.yaml", GOOD)
        fake = self.script("cc", "kill -9 $$\n")
        _, _, err = self.build("--no-cache", code=2, env=self.toolchain(cc=fake))
        self.assertIn("was ended by signal 9", err)
        self.assertIn("[T0907]", err)

    def test_clean_environment(self):
        self.write("g.yaml", GOOD)
        log = self.path("log")
        fake = self.script("cc", 'env >> %s\nexec %s "$@"\n' % (log, shutil.which("gcc") or "cc"))
        self.build("--no-cache", env=dict(self.toolchain(cc=fake), CPATH="/evil", LIBRARY_PATH="/evil", GCC_EXEC_PREFIX="/evil"))
        with open(log, encoding="utf-8") as f:
            text = f.read()
        self.assertNotIn("/evil", text)
        self.assertIn("LC_ALL=C\n", text)

    def test_not_static(self):
        self.write("g.yaml", GOOD)
        _, _, err = self.build("--no-cache", env=self.toolchain(static="no"))
        self.assertIn("[T0908]", err)
        self.assertEqual("", self.build("--no-cache", "--dynamic", env=self.toolchain(static="no"))[2])

    def test_interrupt(self):
        """SIGINT ends compilers and toronc, and nothing is left."""
        self.write("g.yaml", GOOD)
        started = self.path("started")
        fake = self.script("cc", "echo $$ > %s.new; mv %s.new %s; sleep 300\n" % (started, started, started))
        for number in (signal.SIGINT, signal.SIGTERM):
            child = subprocess.Popen([TORONC, "g.yaml", "-o", "gw", "--no-cache"], cwd=self.folder, env=self.toolchain(cc=fake),
                                     stderr=subprocess.PIPE)
            until = time.monotonic() + LIMIT
            while not os.path.exists(started) and time.monotonic() < until and child.poll() is None:
                time.sleep(0.02)
            with open(started, encoding="utf-8") as f:
                compiler = int(f.read())
            os.unlink(started)
            child.send_signal(number)
            _, err = child.communicate(timeout=LIMIT)
            self.assertEqual(-number, child.returncode, err)
            with self.assertRaises(ProcessLookupError):
                os.kill(compiler, 0)
            self.assertFalse(os.path.exists(self.path("gw")))
            self.assertEqual([], os.listdir(self.temp))


def main():
    global TORONC
    if len(sys.argv) > 1:
        TORONC = os.path.abspath(sys.argv[1])
    loader = unittest.TestLoader()
    module = sys.modules[__name__]
    suite = loader.loadTestsFromNames(sys.argv[2:], module) if len(sys.argv) > 2 else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2 if len(sys.argv) > 2 else 1).run(suite)
    failed = len(result.failures) + len(result.errors)
    for test, why in result.skipped:
        print("skipped: %s: %s" % (test, why))
    # A subtest that fails is counted once more than the test that holds it.
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
