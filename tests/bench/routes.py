#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What many routes cost: routes.py TORONC [--sizes 100,1000,...] [--shapes mixed,...] [--seeds 1]

For each size and shape: CPU seconds of `toronc check` (all proofs) and of a build without cache, with all child processes; the largest
resident size; the bytes of the matchers' tables; and, of a search among requests for every route in the emitted gateway, nanoseconds
and instructions (of the processor's counter, else of callgrind, else -), by tables and, up to 1000 routes, by re2c code.
TORONC must stand in its build folder, with toolchain.conf and libtoron.a."""
import argparse
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


def cpu(words, folder):
    """CPU seconds and largest resident KiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    log = os.path.join(folder, "time.txt")
    subprocess.run(["/usr/bin/time", "-o", log, "-f", "%M", *words], cwd=folder, check=True, timeout=600, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, encoding="utf-8") as f:
        peak = int(f.read().split()[-1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def conf(toronc):
    values = {}
    with open(os.path.join(os.path.dirname(toronc), "toolchain.conf"), encoding="utf-8") as f:
        for line in f:
            if "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                values[key.strip()] = shlex.split(value)
    return values


def counted(out):
    """Instructions a search, as callgrind counts them."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=search", "--callgrind-out-file=/dev/null", "./lookup",
                           "../targets", "20000"], cwd=out, check=True, timeout=600, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return "%.0f" % (int(re.search(rb"Collected : (\d+)", done.stderr).group(1)) / int(done.stdout.split()[-1]))


def lookup(toronc, folder, matcher):
    """Emits the gateway, links it with lookup.c, and runs that: (ns, instructions, bytes of tables)."""
    out, tools = os.path.join(folder, matcher), conf(toronc)
    subprocess.run([toronc, "gateway.yaml", "--matcher", matcher, "--emit-only", out], cwd=folder, check=True, timeout=600,
                   stderr=subprocess.PIPE)
    sources = []
    for name in sorted(os.listdir(out)):
        if name.endswith(".re"):
            subprocess.run([*tools["re2c"], "-W", "-i", "-s", "--no-version", "--no-generation-date", "-o", name + ".c", name], cwd=out,
                           check=True, timeout=600)
            sources.append(name + ".c")
        elif name.endswith((".c", ".s")):
            sources.append(name)
    base = os.path.dirname(toronc)
    subprocess.run([*tools["cc"], "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w", "-I", os.path.join(SOURCE, "runtime"),
                    "-I", os.path.join(SOURCE, "runtime/include"), *sources, os.path.join(HERE, "lookup.c"),
                    os.path.join(base, "libtoron.a"), *tools["libs_dynamic"], "-o", "lookup"], cwd=out, check=True, timeout=600)
    ns, instructions, found, _ = subprocess.run(["./lookup", "../targets"], cwd=out, check=True, timeout=600,
                                                stdout=subprocess.PIPE).stdout.decode().split()
    if instructions == "0" and shutil.which("valgrind"):
        instructions = counted(out)
    n, of = found.split("/")
    if n != of:
        sys.exit("%s of %s requests found a route" % (n, of))
    tables = sum(os.path.getsize(os.path.join(out, f)) for f in os.listdir(out) if f.endswith("table.blob"))
    return ns, instructions if instructions != "0" else "-", tables


def measure(toronc, size, shape, seed):
    with tempfile.TemporaryDirectory() as folder:
        for extra, name in ([], "gateway.yaml"), (["--targets"], "targets"):
            subprocess.run([sys.executable, os.path.join(HERE, "gen_routes.py"), str(size), "--shape", shape, "--seed", str(seed), *extra,
                            "-o", os.path.join(folder, name)], check=True, timeout=600)
        check, _ = cpu([toronc, "check", "gateway.yaml"], folder)
        build, peak = cpu([toronc, "gateway.yaml", "-o", "gateway", "--no-cache"], folder)
        ns, instructions, tables = lookup(toronc, folder, "table")
        by_code = lookup(toronc, folder, "re2c")[:2] if size <= 1000 else ("", "")
        print("| %d | %s | %d | %.2f | %.2f | %d | %d | %s | %s | %s | %s |" % (
            size, shape, seed, check, build, peak // 1024, tables // 1024, ns, instructions, *by_code), flush=True)
        return build


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--shapes", default="api,hosts,flat,mixed")
    parser.add_argument("--seeds", default="1")
    args = parser.parse_args()
    limits = {10000: 5.0, 100000: 30.0}
    failed = False
    print("| routes | shape | seed | check, s CPU | build, s CPU | peak MiB | tables KiB | table ns | table instr. | re2c ns | re2c instr. |")
    print("|" + "---|" * 11, flush=True)
    for size in map(int, args.sizes.split(",")):
        for shape in args.shapes.split(","):
            for seed in map(int, args.seeds.split(",")):
                failed |= measure(os.path.abspath(args.toronc), size, shape, seed) > limits.get(size, 1e9)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
