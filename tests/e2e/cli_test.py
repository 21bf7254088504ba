#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Drives toronc by its command line: exit statuses, inputs, diagnostics, variables, dumps, schemas.

usage: cli_test.py [TORONC [TEST...]]     TORONC defaults to $TORONC, then ./toronc; ends with "N passed, N failed"
"""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

from cli_case import BAD, GOOD, GOOD_JSON, GOOD_TOML, LIMIT, WITH_VAR, Case, main


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
        for command in ("build", "check", "dump", "fmt", "convert", "init", "validate", "features", "schema", "help", "version"):
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
            (["g.yaml", "-o", "./g.yaml"], "is the configuration itself"),
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
        done = subprocess.run(["sh", "-c", 'exec "$0" check g.yaml <&- >&- 2>&-', self.program], cwd=self.folder,
                              env=self.environment(), timeout=LIMIT)
        self.assertEqual(0, done.returncode)

    def test_full_standard_output(self):
        self.write("g.yaml", GOOD)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([self.program, "dump", "--stage", "plan", "g.yaml"], stdout=full, stderr=subprocess.PIPE,
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
                 ("file.yaml/x.yaml", "not a directory"), ("x" * 300 + ".yaml", "file name too long")]
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
        words = [self.program, "check", "secret.yaml"]
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
        self.assertIn("it is larger than 32 MiB [T0001]", err)
        with open("/dev/zero", "rb") as zero:
            before = time.monotonic()
            code, _, err = self.toronc("check", "--format-in", "yaml", "-", stdin_file=zero)
        self.assertEqual(1, code)
        self.assertIn("cannot read standard input: it is larger than 32 MiB", err)
        self.assertLess(time.monotonic() - before, LIMIT / 4)

    def test_opens_nothing_else(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        self.write("g.yaml", GOOD)
        trace = self.path("trace")
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=%file,%network,%process", self.program, "check", "g.yaml"],
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
        child = subprocess.Popen([self.program, "check", "bad.yaml"], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
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

    @unittest.skipUnless(os.path.exists("/dev/ptmx") and os.path.isdir("/dev/pts"), "no pseudo terminals here")
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


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
