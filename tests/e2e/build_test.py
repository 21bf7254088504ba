#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compiles configurations: outputs, the build cache, determinism, and toolchains that are not as they should be.

usage: build_test.py [TORONC [TEST...]]     TORONC defaults to $TORONC, then ./toronc; ends with "N passed, N failed"
"""
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from cli_case import BAD, GOOD, LIMIT, BuildCase, main


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
        children = [subprocess.Popen([self.program, "g.yaml", "-o", "gw%d" % i], cwd=self.folder, env=self.environment(),
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

    def test_warnings_stop_nobody(self):
        """A compiler that warns about what toronc wrote is no reason not to have a gateway; only a development build insists."""
        self.write("g.yaml", GOOD)
        flags = [word for word in next(line for line in self.toolchain_text().split("\n") if line.startswith("cflags")).partition("=")[2].split()
                 if word != "-Werror"]
        self.build(env=self.toolchain(cflags=" ".join(flags + ["-Wpadded", "-Wunused-macros"])))
        _, _, err = self.build(env=self.toolchain(cflags=" ".join(flags + ["-Wpadded", "-Wunused-macros", "-Werror"])), code=2)
        self.assertIn("[T0905]", err)
        self.kept_folder(err)

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
        shutil.copy2(self.program, lonely)
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
            child = subprocess.Popen([self.program, "g.yaml", "-o", "gw", "--no-cache"], cwd=self.folder, env=self.toolchain(cc=fake),
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


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
