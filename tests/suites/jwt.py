#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Wycheproof's JWS and JWK vectors against the JWT verifier of libtoron.a, through jwt_suite.c."""
import os
import pathlib
import re
import shlex
import subprocess
import sys

source = pathlib.Path(os.environ.get("TORON_SRCDIR", pathlib.Path(__file__).parents[2]))
build = pathlib.Path(os.environ.get("TORON_BUILDDIR", "."))
data = pathlib.Path(os.environ.get("TORON_DATA", source / "../shared/data")) / "wycheproof"


def makefile_variable(name):
    """How the build was configured: instrumented archives link only with the same flags."""
    makefile = build / "Makefile"
    found = re.search(rf"^{name} = (.*)$", makefile.read_text(), re.M) if makefile.exists() else None
    return shlex.split(found.group(1)) if found else []


def compile_runner():
    runner = build / "tests/suites/jwt_suite"
    runner.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.split(os.environ.get("CC", "cc")) + makefile_variable("SANITIZE") + [
        "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", f"-I{source}/runtime", f"-I{source}/runtime/include",
        "-o", str(runner), str(source / "tests/suites/jwt_suite.c"), str(build / "libtoron.a"),
        "-lgnutls", "-ljansson", "-lpthread"]
    subprocess.run(command, check=True)
    return runner


def main():
    vectors = sorted(data.glob("json_web_*_test.json"))
    if not vectors:
        print(f"skipped: no vectors in {data}")
        print("0 passed, 0 failed")
        return 0
    return subprocess.run([compile_runner(), source / "tests/suites/jwt-exceptions.txt", *vectors]).returncode


sys.exit(main())
