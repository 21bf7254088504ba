#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Documents that want to exhaust toronc: each ends in a clear error, with less than 200 MB of memory and 5 s of CPU.

usage: hostile_test.py [TORONC [TEST...]]     TORONC defaults to $TORONC, then ./toronc; ends with "N passed, N failed"
"""
import os
import resource
import shutil
import signal
import subprocess
import sys
import unittest

from cli_case import GOOD, LIMIT, Case, main

MEMORY = 200 << 20
CPU_S = 5
DEEP = 10000
# Instrumented programs need more of both, and are not what the limits are about.
SLOW = LIMIT > 120


class Hostile(Case):
    def refused(self, *words, says, command="check", stdin=subprocess.DEVNULL, setup=None):
        """Runs `toronc COMMAND WORDS`, and returns its diagnostics."""
        log = open(self.path("log"), "w+b")
        child = subprocess.Popen([self.program, command, *words], stdin=stdin, stdout=subprocess.DEVNULL, stderr=log, cwd=self.folder,
                                 env=self.environment(), preexec_fn=setup or (lambda: signal.alarm(LIMIT)))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read().decode("utf-8", "replace")
        log.close()
        self.assertEqual(1, child.returncode, text[-2000:])
        self.assertIn(says, text)
        self.assertLess(len(text), 100000)
        if not SLOW:
            self.assertLess(used.ru_maxrss * 1024, MEMORY)
            self.assertLess(used.ru_utime + used.ru_stime, CPU_S)
        return text

    def test_hundred_megabytes(self):
        for form, begin, unit in (("yaml", b"a: [", b"0, "), ("json", b"[", b"0,"), ("toml", b"a = [", b"0, ")):
            self.write("g." + form, begin + unit * ((100 << 20) // len(unit)))
            self.refused("g." + form, says="it is larger than 32 MiB [T0001]")
            with open(self.path("g." + form), "rb") as f:
                self.refused("--format-in", form, "-", says="larger than 32 MiB [T0001]", stdin=f)

    def test_thirty_megabytes_of_one_string(self):
        self.write("g.json", b'{"name": "' + b"x" * (30 << 20) + b'"}')
        self.refused("g.json", says="missing key 'listeners'")
        self.write("g.yaml", b"# " + b"x" * (30 << 20) + b"\n")
        self.refused("g.yaml", says="expected a map for the document")
        self.write("g.json", b'{"' + b"\\n" * (15 << 20) + b'": 1}')
        self.refused("g.json", says="missing key 'listeners'")

    def test_thirty_two_megabytes_of_small_things(self):
        """Whatever a document consists of, it is refused before it takes much memory."""
        most = (32 << 20) - 100
        memory = "needs more than 128 MiB of memory [T0003]"
        for name, begin, unit, says in (
                ("flow.yaml", b"a: [", b"0, ", memory), ("dashes.yaml", b"", b"- 0\n", memory), ("empty.yaml", b"a: [", b"[],", memory),
                ("lines.yaml", b"", b"\n", "expected a map"), ("comments.yaml", b"", b"#\n", "expected a map"),
                ("list.json", b"[", b"0,", memory), ("maps.json", b"[", b'{"a":1},', memory), ("strings.json", b"[", b'"",', memory),
                ("array.toml", b"a = [", b"0,", memory), ("tables.toml", b"", b"[[a]]\n", memory)):
            with self.subTest(name=name):
                self.write(name, begin + unit * ((most - len(begin)) // len(unit)))
                self.refused(name, says=says)
        for name, line in (("keys.yaml", b"a%d: 1\n"), ("keys.toml", b"a%d=1\n"), ("tables.toml", b"[a%d]\n"), ("anchors.yaml", b"- &a%d x\n"),
                           ("parts.toml", b"a%d.b.c.d=1\n"), ("values.yaml", b"- [a%d, b]\n")):
            with self.subTest(name=name):
                text = b"".join(line % i for i in range(most // (len(line) + 4)))
                self.write(name, text[:text.rindex(b"\n", 0, most) + 1])
                self.refused(name, says=memory)

    def test_many_files_are_no_way_around(self):
        for i in range(40):
            self.write("parts/%02d.json" % i, b'{"routes": [' + b'"",' * 250000 + b'""]}')
        self.write("g.yaml", "include: parts/*.json\n" + GOOD)
        self.refused("g.yaml", says="all included files together have more than")

    def test_deep(self):
        deep = {
            "list.json": b"[" * DEEP + b"]" * DEEP, "map.json": b'{"a":' * DEEP + b"1" + b"}" * DEEP, "open.json": b'{"a":[' * DEEP,
            "list.yaml": b"[" * DEEP + b"]" * DEEP, "map.yaml": b"{a: " * DEEP + b"}" * DEEP, "dashes.yaml": b"- " * DEEP + b"x\n",
            "block.yaml": b"".join(b" " * i + b"a:\n" for i in range(DEEP // 2)), "keys.yaml": b"? " * DEEP,
            "list.toml": b"a = " + b"[" * DEEP + b"]" * DEEP, "table.toml": b"[" + b".".join([b"a"] * DEEP) + b"]\n",
            "key.toml": b".".join([b"a"] * DEEP) + b" = 1\n", "inline.toml": b"a = " + b"{a = " * DEEP + b"1" + b"}" * DEEP,
        }
        for name, text in deep.items():
            with self.subTest(name=name):
                self.write(name, text)
                self.refused(name, says="nested more than 200 deep [T0004]")

    def test_billion_laughs(self):
        text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for before, name in zip("abcdefghi", "bcdefghij"):
            text += "%s: &%s [%s]\n" % (name, name, ", ".join(["*" + before] * 9))
        self.write("laughs.yaml", text)
        self.refused("laughs.yaml", says="the aliases of this file repeat more than 500000 values [T0014]")

    def test_many_aliases_and_anchors(self):
        self.write("a.yaml", "b: [%s]\n" % ", ".join("*q%d" % i for i in range(100000)))
        self.refused("a.yaml", says="no anchor '&q0' stands before this alias")
        self.write("b.yaml", "a: &a {k: 1}\nb:\n  - {<<: [%s]}\n" % ", ".join(["*a"] * 100000))
        self.refused("b.yaml", says="missing key 'listeners'")

    def test_variables_that_grow(self):
        self.write("v.yaml", 'name: "%s"\n' % ("${X}" * 100000))
        self.refused("-DX=" + "y" * 1000, "v.yaml", says="all substitutions together are larger than a document may be [T0042]")

    def test_many_errors(self):
        self.write("g.json", '{"listeners": [], "routes": [%s]}' % ",".join('{"zz%d": 1}' % i for i in range(200000)))
        text = self.refused("g.json", says="more not shown")
        self.assertLess(text.count("error:"), 60)

    def test_many_errors_about_something_long(self):
        """What reports show of a name, a text or a path is bounded, however often it is shown."""
        long = "k" * (1 << 20)
        begin = '{"listeners": [{"protocol": "http", "port": 8080}], '
        for name, text, says in (
                ("twice.json", '{"%s": {%s}}' % (long, ",".join(['"a": 1'] * 20000)), "key 'a' is defined twice"),
                ("long-twice.json", "{%s}" % ",".join(['"%s": 1' % long] * 20), "' is defined twice"),
                ("unset.json", '{"%s": [%s]}' % (long, ",".join(['"${A}"'] * 20000)), "variable 'A' is not set"),
                ("alias.yaml", 'routes:\n  - match: {source: [&a "%s", %s]}\n' % (long, ",".join(["*a"] * 9000)), "is too long here"),
                ("name.yaml", 'routes:\n  - match: {source: [&a "%s", %s]}\n' % ("x" * 30000, ",".join(["*a"] * 9000)), "is not an address range"),
                ("line.json", '{"x": "%s", "routes": [%s]}' % ("y" * (20 << 20), ",".join('{"a%d": 1}' % i for i in range(60))), "unknown key"),
                ("escaped.json", begin + '"name": "%s"}' % ("\\u0024{A}" * 400000), "variable 'A' is not set"),
                ("names.json", begin + '"backends": {%s}, "routes": [%s]}' % (
                    ",".join('"back%d": {"url": "http://localhost:1"}' % i for i in range(10000)),
                    ",".join('{"match": {"path": "/p%d"}, "backend": "bakc%d"}' % (i, i) for i in range(10000))), "unknown backend")):
            with self.subTest(name=name):
                self.write(name, text)
                self.refused(name, says=says)

    def test_what_was_meant_among_many(self):
        names = ['"kabcdefghijkl%d"' % i for i in range(800)]
        self.write("schema.json", '{"properties": {%s}, "additionalProperties": false, "required": [%s]}' % (
            ", ".join(name + ": true" for name in names), ", ".join(names[:400])))
        self.write("doc.json", "{%s}" % ", ".join('"kabcdefghijkx%d": 1' % i for i in range(1500)))
        self.refused("--schema", "schema.json", "doc.json", command="validate", says="did you mean 'kabcdefghijkl0'?")

    def test_one_line_to_be_laid_out(self):
        """Neither the depth nor the length of a line multiplies the work of `fmt`."""
        for name, text in (("deep.json", "[" * 190 + '"%s"' % ("x" * 200) + "]" * 190), ("long.yaml", "a: [%s]\n" % ",".join(["[]"] * 100000))):
            self.write(name, text)
            self.refused("--check", name, command="fmt", says="not in canonical format")

    def test_patterns_that_multiply(self):
        for regex, says in (("(a{1000}){1000}", "too large"), (".*a.{900}", "[T0330]"), ("(" * 1000 + ")" * 1000, "[T0301]")):
            self.write("g.yaml", GOOD.replace("path: /hello", 'path: {regex: "%s"}' % regex))
            self.refused("g.yaml", says=says)

    def test_links_that_multiply(self):
        """A few folders with links to each other have a factorial of paths."""
        for i in range(9):
            os.makedirs(self.path("site/d%d" % i))
            for k in range(9):
                os.symlink("../d%d" % k, self.path("site/d%d/to%d" % (i, k)))
        self.write("g.yaml", GOOD + "  - {match: {path: /site}, files: {root: site, embed: true}}\n")
        self.refused("g.yaml", says="more than 1000 links to directories [T0321]")

    def test_what_is_no_text(self):
        for name, text, says in (("latin.yaml", b"name: caf\xe9\n", "byte 0xE9 is not valid UTF-8 here"),
                                 ("utf16.json", '{"a": 1}'.encode("utf-16"), "the file is UTF-16"),
                                 ("nul.toml", b"a = 1\0\n", "NUL byte"), ("random.yaml", bytes(range(256)) * 1000, "[T0002]"),
                                 ("overlong.json", b'{"a": "\xc0\xaf"}', "byte 0xC0 is not valid UTF-8")):
            self.write(name, text)
            self.refused(name, says=says)

    def test_what_is_no_file(self):
        os.mkfifo(self.path("fifo.yaml"))
        os.mkdir(self.path("folder.yaml"))
        os.symlink("/dev/zero", self.path("device.yaml"))
        for name, says in (("fifo.yaml", "it is a FIFO"), ("folder.yaml", "it is a directory"), ("device.yaml", "it is a device")):
            self.refused(name, says=says)
            self.write("g.yaml", "include: %s\n" % name + GOOD)
            self.refused("g.yaml", says=says)

    def test_an_endless_input(self):
        with open("/dev/zero", "rb") as zero:
            self.refused("--format-in", "yaml", "-", says="larger than 32 MiB", stdin=zero)

    @unittest.skipIf(os.geteuid() == 0 and shutil.which("setpriv") is None, "root reads everything")
    def test_unreadable(self):
        os.chmod(self.write("secret.yaml", GOOD), 0)
        os.chmod(self.folder, 0o755)
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run(words + [self.program, "check", "secret.yaml"], cwd=self.folder, env=self.environment(), capture_output=True,
                              timeout=LIMIT)
        if done.returncode == 127 or b"setpriv" in done.stderr:
            self.skipTest("another user cannot run toronc here")
        self.assertEqual(1, done.returncode)
        self.assertIn(b"cannot read 'secret.yaml': permission denied [T0001]", done.stderr)

    def test_the_measure_measures(self):
        """What this file asserts can fail: a program that takes more memory and time is seen to."""
        child = subprocess.Popen([sys.executable, "-c", "x = bytearray(250 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1"])
        used = os.wait4(child.pid, 0)[2]
        child.returncode = 0
        self.assertGreater(used.ru_maxrss * 1024, MEMORY)
        self.assertGreater(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, 0)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
