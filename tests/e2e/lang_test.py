#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Drives the parts of toronc that work on configurations as texts: include, allow, fmt, convert, init, help config, reports for programs.

usage: lang_test.py [TORONC [TEST...]]     TORONC defaults to $TORONC, then ./toronc; ends with "N passed, N failed"
"""
import glob
import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import unittest

from cli_case import BAD, GOOD, GOOD_JSON, GOOD_TOML, LIMIT, Case, main

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LISTENERS = "listeners: [{protocol: http, port: 8080}]\n"


def configs(*endings):
    """Configurations of the examples and the golden cases."""
    for pattern in ("tests/golden/*/input.", "examples/*/*."):
        for ending in endings:
            yield from sorted(glob.glob(os.path.join(TOP, pattern + ending)))


class Include(Case):
    def model(self, *words, **kwargs):
        return self.toronc("dump", "--stage", "model", "--no-origins", *words, code=0, **kwargs)[1]

    def test_files_of_all_formats_are_one(self):
        whole = LISTENERS + """\
routes:
  - {name: zero, match: {path: /0}, echo: {}}
  - {name: one, match: {path: /1}, backend: a}
  - {name: two, match: {path: /2}, backend: b}
  - {name: three, match: {path: /3}, echo: {}}
backends: {a: {url: "http://a:80"}, b: {url: "http://b:80"}}
log: {level: warn, format: json}
"""
        self.write("whole.yaml", whole)
        self.write("g.yaml", "include: [parts/*.yaml, parts/two.toml, deep/three.json]\n" + LISTENERS +
                   "routes: [{name: zero, match: {path: /0}, echo: {}}]\nlog: {level: warn}\n")
        self.write("parts/one.yaml", "version: 1\nroutes: [{name: one, match: {path: /1}, backend: a}]\nbackends: {a: {url: \"http://a:80\"}}\n")
        self.write("parts/two.toml", '[[routes]]\nname = "two"\nmatch = {path = "/2"}\nbackend = "b"\n[backends]\nb = {url = "http://b:80"}\n')
        self.write("deep/three.json", '{"include": "more/log.yaml", "routes": [{"name": "three", "match": {"path": "/3"}, "echo": {}}]}')
        self.write("deep/more/log.yaml", "log: {format: json}\n")
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml"))
        self.assertEqual(self.model("whole.yaml"), self.model("g.yaml"))

    def test_relative_to_the_including_file(self):
        self.write("conf/g.yaml", "include: ../parts/routes.yaml\n" + LISTENERS)
        self.write("parts/routes.yaml", "routes: [{echo: {}}]\n")
        for name in ("conf/g.yaml", "./conf/../conf/g.yaml", self.path("conf/g.yaml")):
            self.assertEqual((0, "", ""), self.toronc("check", name))
        # Standard input has no folder: paths are relative to the working directory.
        self.toronc("check", "--format-in", "yaml", "-", stdin=("include: parts/routes.yaml\n" + LISTENERS).encode(), code=0)

    def test_globs_are_sorted_by_bytes(self):
        self.write("g.yaml", "include: \"r/*.yaml\"\n" + LISTENERS + "routing: {ties: file-order}\n")
        for name in ("b", "a", "B", "_", ".hidden"):
            self.write("r/%s.yaml" % name, "routes: [{name: x%s, match: {path: /}, echo: {}}]\n" % name.strip("."))
        names = [line.split('"')[1] for line in self.model("g.yaml").split("\n") if line.startswith('  name "x')]
        self.assertEqual(["xB", "x_", "xa", "xb"], names)

    def test_a_folder_may_have_any_name(self):
        self.write("we[i]rd*/g.yaml", "include: \"p?rt.yaml\"\n" + LISTENERS)
        self.write("we[i]rd*/part.yaml", "routes: [{echo: {}}]\n")
        self.assertEqual((0, "", ""), self.toronc("check", "we[i]rd*/g.yaml"))

    def test_variables(self):
        self.write("g.yaml", "include: \"${REGION:-eu}/*.yaml\"\n" + LISTENERS)
        self.write("eu/r.yaml", "routes: [{name: eu, echo: {}}]\n")
        self.write("us/r.yaml", "routes: [{name: us, match: {path: \"${WHERE}\"}, echo: {}}]\n")
        self.assertIn('"eu"', self.model("g.yaml"))
        self.assertIn('"/x"', self.model("-DREGION=us", "-DWHERE=/x", "g.yaml"))
        _, _, err = self.toronc("check", "-DREGION=us", "g.yaml", code=1)
        self.assertIn("us/r.yaml:1:36: error: variable 'WHERE' is not set", err)

    def test_places_in_included_files(self):
        self.write("g.yaml", "include: r.toml\n" + LISTENERS)
        self.write("r.toml", '[[routes]]\nmatch = {path = "/1"}\nbackend = "bilings"\n[backends.billing]\nurl = "http://b:80"\n')
        _, _, err = self.toronc("check", "g.yaml", code=1)
        self.assertIn("r.toml:3:11: error: unknown backend 'bilings' [T0207]", err)
        self.assertIn("r.toml:4:11: note: did you mean 'billing', defined here?", err)

    def test_cycles(self):
        self.write("a.yaml", "include: b.yaml\n" + LISTENERS)
        self.write("b.yaml", "include: c.yaml\n")
        self.write("c.yaml", "include: ./a.yaml\n")
        _, _, err = self.toronc("check", "a.yaml", code=1)
        self.assertIn("c.yaml:1:10: error: 'a.yaml' includes itself [T0050]", err)
        self.assertIn("a.yaml:1:10: note: through 'b.yaml', which is included here", err)
        self.assertIn("b.yaml:1:10: note: through 'c.yaml', which is included here", err)

    def test_twice(self):
        self.write("a.yaml", "include: [b.yaml, \"*.yaml\"]\n" + LISTENERS)
        self.write("b.yaml", "routes: [{echo: {}}]\n")
        os.symlink("b.yaml", self.path("link.yaml"))
        _, _, err = self.toronc("check", "a.yaml", code=1)
        self.assertIn("'a.yaml' includes itself", err)
        self.assertIn("'b.yaml' is included twice", err)
        self.assertIn("'link.yaml' is included twice", err)

    def test_what_cannot_be_included(self):
        os.mkfifo(self.path("fifo.yaml"))
        os.mkdir(self.path("dir.yaml"))
        self.write("notes.txt", "x")
        self.write("list.yaml", "- a\n")
        self.write("broken.yaml", "a: [\n")
        self.write("a.yaml", "include: [fifo.yaml, dir.yaml, notes.txt, missing.yaml, list.yaml, broken.yaml, \"-\", \"**/x.yaml\"]\n" + LISTENERS)
        _, _, err = self.toronc("check", "a.yaml", code=1, stdin=b"routes: []\n")
        for text in ("1:11: error: cannot read 'fifo.yaml': it is a FIFO", "cannot read 'dir.yaml': it is a directory",
                     "the format of 'notes.txt' is not known", "cannot read 'missing.yaml': no such file",
                     "list.yaml:1:1: error: an included file is a map of sections", "broken.yaml:2:1: error:",
                     "the format of './-' is not known", "'**' is not known here"):
            self.assertIn(text, err)

    def test_limits(self):
        self.write("a0.yaml", "include: a1.yaml\n" + LISTENERS + "routes: [{echo: {}}]\n")
        for i in range(1, 30):
            self.write("a%d.yaml" % i, "include: a%d.yaml\n" % (i + 1))
        _, _, err = self.toronc("check", "a0.yaml", code=1)
        self.assertIn("files include each other more than 16 deep [T0052]", err)
        self.write("b.yaml", "include: \"many/*.yaml\"\n" + LISTENERS + "routes: [{echo: {}}]\n")
        for i in range(10001):
            self.write("many/%d.yaml" % i, "{}\n")
        _, _, err = self.toronc("check", "b.yaml", code=1)
        self.assertIn("more than 10000 files [T0052]", err)
        self.assertEqual(1, err.count("error:"))
        os.remove(self.path("many/0.yaml"))
        os.remove(self.path("many/1.yaml"))
        self.assertEqual((0, "", ""), self.toronc("check", "b.yaml"))

    def test_the_gateway_does_not_replace_a_part(self):
        self.write("g.yaml", "include: r.yaml\n" + LISTENERS)
        self.write("r.yaml", "routes: [{echo: {}}]\n")
        _, _, err = self.toronc("g.yaml", "-o", "./r.yaml", code=1)
        self.assertIn("is a part of the configuration", err)


class Allow(Case):
    UNUSED = GOOD + "backends:\n  unused:\n    url: http://127.0.0.1:9\n"

    def test_allowed(self):
        self.write("g.yaml", self.UNUSED + "allow: [{code: T0205, reason: soon}]\n")
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml"))
        self.assertEqual((0, "", ""), self.toronc("check", "--warnings-as-errors", "g.yaml"))

    def test_warnings_of_the_reader(self):
        text = GOOD.replace("body: hello", "body: yes") + "allow: [{code: T0016, reason: quiet}]\n"
        self.write("g.yaml", text)
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml"))
        self.assertEqual((0, "", ""), self.toronc("check", "--warnings-as-errors", "g.yaml"))

    def test_for_one_file_only(self):
        self.write("a.yaml", self.UNUSED + "allow: [{code: T0205, reason: soon}]\n")
        self.write("b.yaml", self.UNUSED)
        _, _, err = self.toronc("check", "a.yaml", "b.yaml", code=0)
        self.assertIn("b.yaml:", err)
        self.assertNotIn("a.yaml:", err)

    def test_strict(self):
        text = GOOD + ("    middlewares: [auth]\nmiddlewares:\n  auth:\n    jwt:\n      secret: 0123456789abcdef0123456789abcdef\n"
                       "allow: [{code: T0503, reason: a test}]\n")
        self.write("g.yaml", text)
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml"))
        self.assertRegex(self.toronc("check", "--strict", "g.yaml", code=1)[2], r"error: .*\[T0503\]")

    def test_unused_and_unknown(self):
        self.write("g.yaml", GOOD + "allow: [{code: T0205, reason: x}, {code: T0908, reason: any machine}]\n")
        _, _, err = self.toronc("check", "g.yaml", code=0)
        self.assertIn("g.yaml:10:16: warning: nothing here gives the warning T0205", err)
        self.assertEqual(1, err.count("warning:"))
        self.write("h.yaml", GOOD + "allow: [{code: T0207, reason: x}, {code: T0999, reason: x}, {code: T0205, reason: x}, {code: T0205, reason: x}]\n")
        _, _, err = self.toronc("check", "h.yaml", code=1)
        for text in ("T0207 is an error", "there is no diagnostic 'T0999'", "T0205 is allowed twice"):
            self.assertIn(text, err)
        self.write("i.yaml", GOOD + "allow: [{code: T0205}]\n")
        self.assertIn("missing key 'reason'", self.toronc("check", "i.yaml", code=1)[2])


class Format(Case):
    MESSY = """\
# head
listeners:
- protocol:   "http"   # why
  port:  8080


  # below
routes:
    -   match: { path:   /hello,method: [GET ,POST] }
        respond: &r
            status: 200
            body: |
                hello
                  world
    - {match: {path: "/x y"}, respond: *r}
# foot
"""
    CLEAN = """\
# head
listeners:
  - protocol: http   # why
    port: 8080

    # below
routes:
  - match: {path: /hello, method: [GET, POST]}
    respond: &r
      status: 200
      body: |
        hello
          world
  - {match: {path: "/x y"}, respond: *r}
# foot
"""

    def test_yaml(self):
        path = self.write("g.yaml", self.MESSY)
        os.chmod(path, 0o640)
        self.assertEqual((0, "", ""), self.toronc("fmt", "g.yaml"))
        with open(path, encoding="utf-8") as f:
            self.assertEqual(self.CLEAN, f.read())
        self.assertEqual(0o640, stat.S_IMODE(os.stat(path).st_mode))
        before = os.stat(path).st_ino
        self.toronc("fmt", "g.yaml", code=0)
        self.assertEqual(before, os.stat(path).st_ino, "a canonical file is not written again")

    def test_check(self):
        path = self.write("g.yaml", self.MESSY)
        self.write("h.yaml", self.CLEAN)
        _, _, err = self.toronc("fmt", "--check", "h.yaml", "g.yaml", code=1)
        self.assertIn("g.yaml:3:1: error: the file is not in canonical format from here on [T0094]", err)
        self.assertNotIn("h.yaml", err)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(self.MESSY, f.read())
        self.toronc("fmt", "--check", "h.yaml", code=0)

    def test_standard_input(self):
        self.assertEqual(self.CLEAN, self.toronc("fmt", "--format-in", "yaml", "-", stdin=self.MESSY.encode(), code=0)[1])
        _, out, err = self.toronc("fmt", "--format-in", "yaml", "-", stdin=b"a: [\n", code=1)
        self.assertEqual("", out)
        self.assertIn("<stdin>:2:1: error:", err)

    def test_quotes_that_matter_stay(self):
        text = ("a: \"yes\"\nb: \"8080\"\nc: \"${PORT}\"\nd: \"a: b\"\ne: \"a #b\"\nf: \"\"\ng: \"null\"\nh: \"1e5\"\ni: \" x\"\n"
                "j: \"*a\"\nk: '10:30'\nl: \"2001-01-01\"\nm: \"off\"\nn: \"é\"\n")
        self.assertEqual(text, self.toronc("fmt", "--format-in", "yaml", "-", stdin=text.encode(), code=0)[1])

    def test_a_link_stays_one(self):
        self.write("real/g.yaml", self.MESSY)
        os.symlink("real/g.yaml", self.path("g.yaml"))
        self.toronc("fmt", "g.yaml", code=0)
        self.assertTrue(os.path.islink(self.path("g.yaml")))
        with open(self.path("real/g.yaml"), encoding="utf-8") as f:
            self.assertEqual(self.CLEAN, f.read())

    def test_json_and_toml(self):
        cases = [
            ("json", '{"a":1,\n"b":[1,2,{"c":null}],"long":["%s","%s"]}' % ("x" * 60, "y" * 60),
             '{\n  "a": 1,\n  "b": [1, 2, {"c": null}],\n  "long": [\n    "%s",\n    "%s"\n  ]\n}\n' % ("x" * 60, "y" * 60)),
            ("jsonc", '// head\n{"a":1, // one\n/* two */ "b":[ // open\n 1 ],}\n// foot',
             '// head\n{\n  "a": 1, // one\n  /* two */\n  "b": [ // open\n    1\n  ]\n}\n// foot\n'),
            ("toml", '# head\na=1 # one\n\n\n  [ t . "u v" ]\nb  =  [1,2 ,3]   # two\nc = [\n1, # first\n# own\n2,\n]\n[[x]]\nd={ e = 1,f=\'\'\'\n  g\'\'\'}\n',
             '# head\na = 1 # one\n\n[t."u v"]\nb = [1, 2, 3]   # two\nc = [\n  1, # first\n  # own\n  2\n]\n\n[[x]]\nd = {e = 1, f = \'\'\'\n  g\'\'\'}\n'),
        ]
        for form, text, wanted in cases:
            with self.subTest(form=form):
                out = self.toronc("fmt", "--format-in", form, "-", stdin=text.encode(), code=0)[1]
                self.assertEqual(wanted, out)
                self.assertEqual(wanted, self.toronc("fmt", "--format-in", form, "-", stdin=out.encode(), code=0)[1])

    def test_all_configurations(self):
        done = 0
        for path in configs("yaml", "json", "toml"):
            with open(path, "rb") as f:
                text = f.read()
            form = path.rpartition(".")[2]
            code, once, err = self.toronc("fmt", "--format-in", form, "-", stdin=text)
            if code != 0:
                # One case is there for that.
                self.assertTrue("T0092" not in err or "fmt-refused" in path, path)
                continue
            self.assertEqual(once, self.toronc("fmt", "--format-in", form, "-", stdin=once.encode(), code=0)[1], path)
            self.write("one." + form, text)
            self.write("two." + form, once)
            trees = {self.toronc("dump", "--stage", "tree", "--tagged", name + "." + form, code=0)[1] for name in ("one", "two")}
            self.assertEqual(1, len(trees), path)
            done += 1
        self.assertGreater(done, 50)

    def test_what_cannot_be_formatted(self):
        path = self.write("g.yaml", "%YAML 1.2\n---\na: 1\n")
        _, _, err = self.toronc("fmt", "g.yaml", code=1)
        self.assertIn("[T0092]", err)
        with open(path, encoding="utf-8") as f:
            self.assertEqual("%YAML 1.2\n---\na: 1\n", f.read())


class Convert(Case):
    def test_round_trips_keep_the_model(self):
        done = 0
        for path in configs("yaml", "json", "toml"):
            form = path.rpartition(".")[2]
            # Beside the files that a configuration refers to, whose places a model shows.
            shutil.rmtree(self.path("case"), ignore_errors=True)
            shutil.copytree(os.path.dirname(path), self.path("case"), symlinks=True)
            code, model, _ = self.toronc("dump", "--stage", "model", "--no-origins", self.path("case", os.path.basename(path)))
            if code != 0:
                continue
            for to in ("yaml", "json", "toml"):
                code, text, err = self.toronc("convert", "--to", to, path)
                if code != 0:
                    self.assertIn("TOML has no null", err, path)
                    continue
                there = self.write("case/there." + to, text)
                self.assertEqual(model, self.toronc("dump", "--stage", "model", "--no-origins", there, code=0)[1], path + " to " + to)
                if "${" in text and form == "yaml" and to == "yaml":
                    continue
                back = self.write("case/back." + form, self.toronc("convert", "--to", form, there, code=0)[1])
                self.assertEqual(model, self.toronc("dump", "--stage", "model", "--no-origins", back, code=0)[1], path + " to " + to)
                done += 1
        self.assertGreater(done, 60)

    def test_values(self):
        text = ('{"empty": {}, "none": [], "s": "a\\nb\\u0000\\u007f\\u2028\\ufeff", "number": "0644", "yes": "yes", "date": "2001-01-01", '
                '"time": "12:30", "f": 1e300, "i": -9223372036854775808, "deep": [[1, [2]], {"a b": [{"c": {}}]}], "": "", "-": "- a"}')
        self.write("v.json", text)
        for to in ("yaml", "toml"):
            self.write("w." + to, self.toronc("convert", "--to", to, "v.json", code=0)[1])
            self.assertEqual(json.loads(text), json.loads(self.toronc("dump", "--stage", "tree", "w." + to, code=0)[1]))

    def test_what_the_other_format_lacks(self):
        for name, text, to, why in (("a.yaml", "a: ~\n", "toml", "TOML has no null"), ("a.toml", "a = 2001-01-01\n", "json", "dates and times"),
                                    ("b.yaml", "a: .inf\n", "json", "finite numbers"),
                                    ("d.yaml", "- a\n", "toml", "a TOML document is a map")):
            self.write(name, text)
            _, out, err = self.toronc("convert", "--to", to, name, code=1)
            self.assertEqual("", out)
            self.assertIn(why, err)
            self.assertIn("[T0093]", err)


class Start(Case):
    def test_init(self):
        _, out, err = self.toronc("init", code=0)
        self.assertIn("gateway.yaml is written", out)
        self.assertEqual((0, "", ""), self.toronc("check", "gateway.yaml"))
        self.assertEqual((0, "", ""), self.toronc("check", "--warnings-as-errors", "--strict", "gateway.yaml"))
        self.assertEqual((0, "", ""), self.toronc("fmt", "--check", "gateway.yaml"))
        for to in ("json", "toml"):
            self.write("g." + to, self.toronc("convert", "--to", to, "gateway.yaml", code=0)[1])
            self.toronc("check", "g." + to, code=0)
        with open(self.path("gateway.yaml"), encoding="utf-8") as f:
            text = f.read()
        _, _, err = self.toronc("init", code=1)
        self.assertIn("cannot write 'gateway.yaml': file exists", err)
        self.assertEqual(text, self.toronc("init", "-", code=0)[1])
        self.assertIn("name ends in .yaml", self.toronc("init", "g.json", code=1)[2])

    def test_help_config(self):
        _, out, _ = self.toronc("help", "config", code=0)
        for key in ("listeners", "routes", "include", "allow"):
            self.assertRegex(out, r"(?m)^  %s +\S" % key)
        _, out, _ = self.toronc("help", "config", "listeners[0].port", code=0)
        for text in ("type       a whole number", "bounds     1 to 65535", "example    8080"):
            self.assertIn(text, out)
        self.assertEqual(out, self.toronc("help", "config", "listeners.port", code=0)[1])
        _, out, _ = self.toronc("help", "config", "backends.users.balance", code=0)
        self.assertIn("default    round-robin", out)
        self.assertIn("least-connections", out)
        _, _, err = self.toronc("help", "config", "routes.mtach", code=1)
        self.assertIn("'routes' has no key 'mtach', did you mean 'match'?", err)
        self.assertIn("has no keys", self.toronc("help", "config", "name.x", code=1)[2])

    def test_every_key_has_help(self):
        paths, seen = [""], set()
        while paths:
            path = paths.pop()
            if path.count(".") > 5 or path in seen:
                continue
            seen.add(path)
            out = self.toronc("help", "config", "--keys", path, code=0)[1]
            paths += [line for line in out.split("\n") if line and line not in seen]
            if len(seen) > 150:
                break
        self.assertGreater(len(seen), 100)
        for path in sorted(seen)[1::7]:
            lines = self.toronc("help", "config", path, code=0)[1].split("\n")
            self.assertEqual(path, lines[0])
            self.assertGreater(len(lines[1].strip()), 5, path)


class OneRound(Case):
    """All mistakes are shown in one run, and nothing that is only a consequence of one."""

    def said(self, text):
        self.write("g.json", json.dumps(text))
        code, out, err = self.toronc("check", "--format", "json", "g.json")
        self.assertIn(code, (0, 1), err)
        return json.loads(out)["diagnostics"]

    def scalars(self, value, path=()):
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            yield from self.scalars(child, path + (key,))
        if not isinstance(value, (dict, list)):
            yield path

    def test_a_wrong_value_has_no_consequences(self):
        path = os.path.join(TOP, "tests/golden/everything-honoured/input.yaml")
        text = self.toronc("dump", "--stage", "tree", path, code=0)[1]
        shutil.copytree(os.path.dirname(path), self.folder, dirs_exist_ok=True)
        self.assertEqual([], self.said(json.loads(text)))
        done = 0
        for place in self.scalars(json.loads(text)):
            where = "".join("[%d]" % key if isinstance(key, int) else "." + key for key in place)[1:].replace('"', "")
            for wrong in ([], -7.5, [["x"]]):
                config = json.loads(text)
                owner = config
                for key in place[:-1]:
                    owner = owner[key]
                owner[place[-1]] = wrong
                for d in self.said(config):
                    self.assertTrue(d["where"].replace('"', "").startswith(where), "%s: %r gives %s" % (where, wrong, d))
                    done += d["severity"] == "error"
        self.assertGreater(done, 200)

    def test_names_may_stand_where_something_is_wrong(self):
        """A section, or a part of it, that could not be read is no reason to say that what it may define is unknown."""
        good = {"listeners": [{"name": "a", "protocol": "http", "port": 80}], "backends": {"b": {"url": "http://b:80"}},
                "middlewares": {"m": {"rate-limit": {"rate": "1/s"}}}, "routes": [{"listeners": ["a"], "middlewares": ["m"], "backend": "b"}]}
        self.assertEqual([], self.said(good))
        for section, misspelt in (("backends", "bakcends"), ("middlewares", "midlewares"), ("listeners", "listener")):
            one = json.loads(json.dumps(good).replace('"%s": ' % section, '"%s": ' % misspelt, 1))
            self.assertEqual(["T0101"], [d["code"] for d in self.said(one)], section)
            self.assertEqual(["T0102"], [d["code"] for d in self.said(dict(good, **{section: "x"}))], section)


class Reports(Case):
    def sarif(self, *words, code=1):
        return json.loads(self.toronc("check", "--format", "sarif", *words, code=code)[1])

    def check_keys(self, where, value, required, allowed):
        self.assertLessEqual(set(required), set(value), where)
        self.assertLessEqual(set(value), set(required) | set(allowed), where)

    def check_location(self, location):
        self.check_keys("location", location, (), ("id", "physicalLocation", "logicalLocations", "message"))
        if "physicalLocation" in location:
            place = location["physicalLocation"]
            self.check_keys("physicalLocation", place, ("artifactLocation", "region"), ())
            self.check_keys("artifactLocation", place["artifactLocation"], ("uri",), ())
            self.assertRegex(place["artifactLocation"]["uri"], r"^([A-Za-z][A-Za-z0-9+.-]*:)?[A-Za-z0-9._~%/-]*$")
            region = place["region"]
            self.check_keys("region", region, ("startLine", "startColumn", "endLine", "endColumn"), ())
            self.assertTrue(all(isinstance(v, int) and v >= 1 for v in region.values()), region)
            self.assertLessEqual((region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"]))

    def check_sarif(self, log):
        """The parts of the SARIF 2.1.0 schema that concern what is written here."""
        self.check_keys("log", log, ("version", "runs"), ("$schema",))
        self.assertEqual("2.1.0", log["version"])
        for run in log["runs"]:
            self.check_keys("run", run, ("tool", "results"), ("columnKind",))
            self.assertIn(run["columnKind"], ("utf16CodeUnits", "unicodeCodePoints"))
            driver = run["tool"]["driver"]
            self.check_keys("driver", driver, ("name",), ("version", "rules"))
            ids = [rule["id"] for rule in driver["rules"]]
            self.assertEqual(len(ids), len(set(ids)))
            for rule in driver["rules"]:
                self.check_keys("rule", rule, ("id",), ("name", "shortDescription", "help", "defaultConfiguration"))
                self.assertIn(rule["defaultConfiguration"]["level"], ("none", "note", "warning", "error"))
            for result in run["results"]:
                self.check_keys("result", result, ("message",), ("ruleId", "ruleIndex", "level", "locations", "relatedLocations"))
                self.assertTrue(result["message"]["text"])
                self.assertEqual(result["ruleId"], ids[result["ruleIndex"]])
                self.assertIn(result["level"], ("none", "note", "warning", "error"))
                for location in result.get("locations", []) + result.get("relatedLocations", []):
                    self.check_location(location)

    def test_sarif_of_all_golden_cases(self):
        done = 0
        for path in configs("yaml", "json", "toml"):
            code, out, _ = self.toronc("check", "--format", "sarif", path)
            self.assertIn(code, (0, 1), path)
            log = json.loads(out)
            self.check_sarif(log)
            self.assertEqual(code, int(any(r["level"] == "error" for r in log["runs"][0]["results"])), path)
            done += 1
        self.assertGreater(done, 100)

    def test_sarif_against_its_schema(self):
        schema = os.environ.get("SARIF_SCHEMA")
        if not schema:
            self.skipTest("SARIF_SCHEMA does not name the schema of SARIF 2.1.0")
        self.write("bad.yaml", BAD)
        self.write("log.json", self.toronc("check", "--format", "sarif", "bad.yaml", code=1)[1])
        self.toronc("validate", "--schema", schema, "log.json", code=0)

    def test_github(self):
        self.write("a,b:c.yaml", "listeners: [{protocol: http, port: \"80%\"}]\nroutes: [{echo: {}, bakcend: x}]\n")
        _, out, _ = self.toronc("check", "--format", "github", "a,b:c.yaml", code=1)
        lines = out.strip().split("\n")
        for line in lines:
            self.assertRegex(line, r"^::(error|warning|notice) file=a%2Cb%3Ac\.yaml,line=\d+,endLine=\d+,col=\d+(,endColumn=\d+)?,title=T\d{4}::\S")
        self.assertIn("80%25", lines[0])

    def test_sorted_once_and_capped(self):
        routes = "".join("  - {echo: {}, zz%d: 1}\n" % i for i in range(120))
        self.write("g.yaml", LISTENERS + "routes:\n" + routes)
        document = json.loads(self.toronc("check", "--format", "json", "g.yaml", code=1)[1])
        lines = [d["line"] for d in document["diagnostics"]]
        self.assertEqual(50, len(lines))
        self.assertEqual(sorted(lines), lines)
        self.assertEqual(120, document["errors"])
        self.assertEqual(70, document["not_shown"])
        _, _, err = self.toronc("check", "g.yaml", code=1)
        self.assertIn("70 more not shown", err)
        # Two aliases of one mistake are one mistake.
        self.write("h.yaml", "listeners: [{protocol: http, port: 80, limits: &l {header_bytes: 5}}, {protocol: http, port: 81, limits: *l}]\n"
                             "routes: [{echo: {}}]\n")
        places = [(d["line"], d["column"], d["message"]) for d in
                  json.loads(self.toronc("check", "--format", "json", "h.yaml", code=1)[1])["diagnostics"]]
        self.assertEqual(len(places), len(set(places)))


class Large(Case):
    @staticmethod
    def routes(n):
        words = ("users", "orders", "items", "invoices", "teams", "reports", "search", "sessions", "labels", "events")
        lines = [LISTENERS + "backends: {a: {url: \"http://10.0.0.1:8000\"}, b: {url: \"http://10.0.0.2:8000\"}}", "routes:"]
        for i in range(n):
            lines.append("  - name: r%d" % i)
            lines.append("    match: {host: h%d.example.com, path: \"/v1/%s/{id}/%s%d\", method: GET}" % (i % 50, words[i % 10], words[i // 10 % 10], i))
            lines.append("    backend: %s" % "ab"[i % 2])
        return "\n".join(lines) + "\n"

    def test_ten_thousand_routes(self):
        self.write("g.yaml", self.routes(10000))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual((0, "", ""), self.toronc("check", "g.yaml"))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.assertLess(cpu, 1.0 if LIMIT == 120 else 30.0)

    def test_opens_its_inputs_only(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        self.write("g.yaml", "include: [\"parts/*.yaml\", log.toml]\n" + LISTENERS)
        self.write("parts/one.yaml", "routes: [{echo: {}}]\n")
        self.write("log.toml", "[log]\nlevel = 'warn'\n")
        trace = self.path("trace")
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=%file,%network,%process", self.program, "check", "g.yaml"],
                              cwd=self.folder, env=self.environment(ASAN_OPTIONS="detect_leaks=0"), capture_output=True, timeout=LIMIT)
        if b"ptrace" in done.stderr or not os.path.exists(trace):
            self.skipTest("strace does not work here")
        self.assertEqual(0, done.returncode, done.stderr)
        with open(trace, encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        at = next(i for i, line in enumerate(lines) if "open" in line and '"g.yaml"' in line)
        opened = [line.split('"')[1] for line in lines[at:] if "open" in line and '"' in line]
        self.assertEqual(["g.yaml", "parts", "parts/one.yaml", "log.toml"], opened)
        self.assertEqual([], [line for line in lines if any(call in line for call in ("socket(", "connect(", "fork(", "unlink(", "mkdir("))])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
