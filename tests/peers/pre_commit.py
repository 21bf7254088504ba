#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The hooks of .pre-commit-hooks.yaml, run by pre-commit in a repository of its own.

usage: pre_commit.py [TORONC]
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import peer  # noqa: E402

GOOD = """\
listeners:
  - {protocol: http, port: 8080}
routes:
  - match: {path: /}
    respond: {status: 204}
"""
CONFIG = """\
repos:
  - repo: %s
    rev: %s
    hooks: [{id: toronc-check}, {id: toronc-fmt}]
"""
PRE_COMMIT = peer.program("pre-commit")


class PreCommit(peer.PeerCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="toron-pre-commit-")
        self.addCleanup(temp.cleanup)
        self.top = pathlib.Path(temp.name)
        self.env = {"HOME": temp.name, "PRE_COMMIT_HOME": str(self.top / "cache"), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
                    "PATH": os.path.dirname(self.toronc_path) + os.pathsep + os.environ["PATH"],
                    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@localhost"}
        hooks = self.repository("hooks")
        shutil.copy(peer.TOP / ".pre-commit-hooks.yaml", hooks)
        self.run_in(hooks, "git", "add", ".", code=0)
        self.run_in(hooks, "git", "commit", "-qm", "hooks", code=0)
        revision = self.run_in(hooks, "git", "rev-parse", "HEAD", code=0).strip()
        self.user = self.repository("user")
        (self.user / ".pre-commit-config.yaml").write_text(CONFIG % (hooks, revision), encoding="utf-8")

    def run_in(self, where, *words, code=None):
        done = subprocess.run(words, cwd=where, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=peer.LIMIT)
        text = done.stdout.decode("utf-8", "replace")
        if code is not None:
            self.assertEqual(code, done.returncode, "%s\n%s" % (" ".join(words), text))
        return text

    def repository(self, name):
        self.run_in(self.top, "git", "init", "-q", name, code=0)
        return self.top / name

    def hooks(self, code, **files):
        """Adds the files (a_b: a/b.yaml), and runs the hooks over all."""
        for name, text in files.items():
            path = self.user / (name.replace("_", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.run_in(self.user, "git", "add", ".", code=0)
        return self.run_in(self.user, PRE_COMMIT, "run", "--all-files", "--color", "never", code=code)

    def test_good(self):
        text = self.hooks(0, gateway=GOOD, edge_gateway=GOOD)
        self.assertRegex(text, r"toronc check\.+Passed")
        self.assertRegex(text, r"toronc fmt\.+Passed")

    def test_bad(self):
        text = self.hooks(1, gateway=GOOD, edge_gateway=GOOD.replace("8080", "80800"))
        self.assertRegex(text, r"toronc check\.+Failed")
        self.assertIn("edge/gateway.yaml:2:28: error: 'port' must be at most 65535, not 80800 [T0105]", text)

    def test_formatting(self):
        text = self.hooks(1, gateway=GOOD.replace("  - {protocol: http,", "-   {protocol:   http,"))
        self.assertRegex(text, r"toronc check\.+Passed")
        self.assertIn("files were modified by this hook", text)
        self.assertEqual(GOOD, (self.user / "gateway.yaml").read_text(encoding="utf-8"))
        self.hooks(0)

    def test_only_gateways(self):
        text = self.hooks(0, compose="services: {}\n", my_edge="a:   1\n")
        self.assertRegex(text, r"toronc check\.+\(no files to check\)Skipped")


if __name__ == "__main__":
    peer.need("pre-commit (a Python package)", PRE_COMMIT)
    peer.need("git", shutil.which("git"))
    sys.exit(peer.main(sys.modules[__name__]))
