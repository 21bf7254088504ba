#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the JSON Schema Test Suite (draft 2020-12) through `toronc validate`.

    jsonschema_suite.py TORONC [--data FOLDER] [--optional] [-v]

FOLDER holds draft2020-12/ and remotes/ of the suite; by default ../shared/data/json-schema beside the checkout. Without it, nothing is
tested, and that is said. What cannot pass is listed in jsonschema_expected.txt with the reason; a listed case that passes is a failure,
too.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 20


def expected_failures():
    """(file, group, test) of each line `file | group | test | reason`."""
    lines = (HERE / "jsonschema_expected.txt").read_text(encoding="utf-8").splitlines()
    return {tuple(part.strip() for part in line.split(" | ")[:3]) for line in lines if line and not line.startswith("#")}


def run_one(job):
    toronc, remotes, folder, number, schema, test, asserts = job
    schema_path = folder / f"{number}-schema.json"
    data_path = folder / f"{number}-data.json"
    schema_path.write_text(json.dumps(schema), encoding="utf-8")
    data_path.write_text(json.dumps(test["data"]), encoding="utf-8")
    command = [toronc, "validate", "--schema", str(schema_path), "--ref", f"http://localhost:1234/={remotes}/"]
    command += ["--assert-formats"] if asserts else []
    try:
        done = subprocess.run(command + [str(data_path)], capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    text = done.stderr.decode("utf-8", "replace")
    if done.returncode not in (0, 1):
        return f"exit status {done.returncode}", text
    if (done.returncode == 0) == test["valid"] and "T0100" not in text:
        return None, ""
    return ("should be valid" if test["valid"] else "should be invalid") if "T0100" not in text else "schema refused", text


def collect(data, optional):
    files = sorted((data / "draft2020-12").glob("*.json"))
    if optional:
        files += sorted((data / "draft2020-12" / "optional").rglob("*.json"))
    for path in files:
        name = str(path.relative_to(data / "draft2020-12"))
        for group in json.loads(path.read_text(encoding="utf-8")):
            for test in group["tests"]:
                yield name, group["description"], test, group["schema"], "/format/" in name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toronc")
    parser.add_argument("--data", default=HERE.parents[2] / "shared" / "data" / "json-schema", type=pathlib.Path)
    parser.add_argument("--optional", action="store_true")
    parser.add_argument("-v", action="store_true", dest="verbose")
    args = parser.parse_args()
    if not (args.data / "draft2020-12").is_dir():
        print(f"the suite is not at {args.data}: nothing was tested")
        return 0
    cases = list(collect(args.data, args.optional))
    expected = expected_failures()
    passed = failed = skipped = 0
    toronc = str(pathlib.Path(args.toronc).resolve())
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(toronc, args.data / "remotes", pathlib.Path(folder), i, schema, test, asserts)
                for i, (_, _, test, schema, asserts) in enumerate(cases)]
        for (file, group, test, _, _), (problem, text) in zip(cases, pool.map(run_one, jobs)):
            listed = (file, group.strip(), test["description"].strip()) in expected
            if problem is None and not listed:
                passed += 1
            elif problem is not None and listed:
                skipped += 1
            else:
                failed += 1
                print(f"FAIL {file}: {group}: {test['description']}: {problem or 'listed as an expected failure, but passes'}")
                if args.verbose and text:
                    print(text)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
